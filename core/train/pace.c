/* See pace.h. */

#include "train/pace.h"

#include <string.h>

#define TRY_SECONDS 2.0
#define GROUP "seconds a step"
#define MAX_ENTRIES 200

static GMutex file_lock; /* within this process; others at worst lose a figure */

static char *
find_file (gboolean make)
{
  g_autofree char *folder
      = g_build_filename (g_get_user_cache_dir (), "atelier", NULL);

  if (make)
    g_mkdir_with_parents (folder, 0700);
  return g_build_filename (folder, "pace.ini", NULL);
}

/* "model name" of Linux on x86.  Elsewhere all are alike, but the cache rarely
 * moves to another machine. */
static char *
processor_name (void)
{
  g_autofree char *text = NULL;
  const char *name;

  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL)
      || !(name = strstr (text, "model name")))
    return g_strdup ("unknown");
  return g_strndup (name, strcspn (name, "\n"));
}

/* Steps, seed and pace of measuring change nothing that is worth asking. */
static char *
make_key (const AtlTrainSettings *s)
{
  g_autofree char *cpu = processor_name ();
  g_autofree char *network = atl_config_to_json (&s->network);
  const char *set = g_getenv ("ATELIER_CPU");
  g_autofree char *all = g_strdup_printf (
      "%s|%s|%s|%u|%d|%d|%d|%d|%d|%d|%g|%g|%g|%d|%s", ATELIER_VERSION, cpu,
      set ? set : "", g_get_num_processors (), s->threads, (int)s->kind, s->size,
      s->batch, s->ndf, s->n_layers, s->gan_weight, s->ema, s->ms_ssim, s->codebook,
      network);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
}

static double
look_up (const char *key)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = find_file (FALSE);
  double seconds = 0;

  if (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    seconds = g_key_file_get_double (file, GROUP, key, NULL);
  return seconds > 0 && seconds < 1e6 ? seconds : 0;
}

static void
write_down (const char *key, double seconds)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = find_file (TRUE);
  g_auto (GStrv) keys = NULL;
  gsize n = 0;

  g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL);
  keys = g_key_file_get_keys (file, GROUP, &n, NULL);
  if (n > MAX_ENTRIES)
    g_key_file_remove_group (file, GROUP, NULL);
  g_key_file_set_double (file, GROUP, key, seconds);
  g_key_file_save_to_file (file, path, NULL);
}

gboolean
atl_pace_forecast (const AtlTrainSettings *settings, GCancellable *cancellable,
                   AtlForecast *forecast, GError **error)
{
  g_autofree char *key = make_key (settings);
  double known;

  g_mutex_lock (&file_lock);
  known = look_up (key);
  g_mutex_unlock (&file_lock);
  if (!atl_forecast (settings, known > 0 ? 0 : TRY_SECONDS, cancellable, forecast,
                     error))
    return FALSE;
  if (known > 0)
    forecast->seconds = known;
  else
    {
      g_mutex_lock (&file_lock);
      write_down (key, forecast->seconds);
      g_mutex_unlock (&file_lock);
    }
  return TRUE;
}

void
atl_pace_note (const AtlTrainSettings *settings, double seconds)
{
  g_autofree char *key = make_key (settings);

  g_mutex_lock (&file_lock);
  write_down (key, seconds);
  g_mutex_unlock (&file_lock);
}
