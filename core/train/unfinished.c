/* See unfinished.h.  Of a checkpoint only the header is read. */

#include "train/unfinished.h"

#include <errno.h>
#include <string.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "train/checkpoint.h"
#include "train/trainer-private.h"

#define SUFFIX ".checkpoint"

static gboolean
read_number (const AtlCheckpoint *c, const char *key, gint64 *value)
{
  double number;

  if (!atl_training_checkpoint_get_number (c, key, &number, NULL))
    return FALSE;
  *value = (gint64)number;
  return TRUE;
}

/* FALSE for the checkpoints of others, and for a finished training's. */
static gboolean
read_checkpoint (AtlUnfinished *u)
{
  g_autoptr (AtlCheckpoint) c
      = atl_training_checkpoint_read_head (u->checkpoint, NULL);
  const char *text
      = c ? atl_training_checkpoint_get_string (c, "settings", NULL) : NULL;

  if (!text || !read_number (c, "step", &u->step)
      || !read_number (c, "steps", &u->steps) || u->step >= u->steps)
    return FALSE;
  u->kind
      = g_str_has_prefix (text, "kind=vqvae") ? ATL_TRAIN_VQVAE : ATL_TRAIN_PIX2PIX;
  u->folder = g_strdup (atl_training_checkpoint_get_string (c, "folder", NULL));
  u->preset = g_strdup (atl_training_checkpoint_get_string (c, "preset", NULL));
  u->name = g_strdup (atl_training_checkpoint_get_string (c, "name", NULL));
  return u->folder && u->preset;
}

static AtlUnfinished *
look_at (const char *folder, const char *file)
{
  g_autoptr (AtlUnfinished) u = g_new0 (AtlUnfinished, 1);
  g_autofree char *base = g_strndup (file, strlen (file) - strlen (SUFFIX));
  g_autofree char *model = g_strconcat (base, ".safetensors", NULL);
  g_autofree char *report = g_strconcat (base, ".report", NULL);
  g_autofree char *report_path = g_build_filename (folder, report, NULL);
  GStatBuf status;

  u->checkpoint = g_build_filename (folder, file, NULL);
  u->output = g_build_filename (folder, model, NULL);
  if (g_stat (u->checkpoint, &status) != 0 || atl_trainer_is_running (report_path)
      || !read_checkpoint (u))
    return NULL;
  if (!u->name)
    u->name = g_filename_display_name (base);
  u->written = status.st_mtime;
  u->bytes = (guint64)status.st_size;
  return g_steal_pointer (&u);
}

static int
compare_written (gconstpointer a, gconstpointer b)
{
  const AtlUnfinished *x = *(AtlUnfinished *const *)a;
  const AtlUnfinished *y = *(AtlUnfinished *const *)b;

  if (x->written != y->written)
    return x->written < y->written ? 1 : -1;
  return strcmp (x->checkpoint, y->checkpoint);
}

GPtrArray *
atl_unfinished_list (const char *folder)
{
  GPtrArray *list
      = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_unfinished_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    if (g_str_has_suffix (name, SUFFIX) && name[0] != '.')
      {
        AtlUnfinished *unfinished = look_at (folder, name);

        if (unfinished)
          g_ptr_array_add (list, unfinished);
      }
  g_ptr_array_sort (list, compare_written);
  return list;
}

void
atl_unfinished_free (AtlUnfinished *u)
{
  if (!u)
    return;
  g_free (u->checkpoint);
  g_free (u->output);
  g_free (u->name);
  g_free (u->folder);
  g_free (u->preset);
  g_free (u);
}

/* What the result does not depend on, but the card tells. */
static void
read_card (const AtlCheckpoint *c, AtlTrainSettings *s)
{
  char **texts[] = { &s->name, &s->description, &s->author, &s->licence };
  static const char *const keys[] = { "name", "description", "author", "licence" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_free (*texts[i]);
      *texts[i] = g_strdup (atl_training_checkpoint_get_string (c, keys[i], NULL));
    }
}

AtlTrainSettings *
atl_unfinished_settings (const AtlUnfinished *u, GError **error)
{
  g_autoptr (AtlCheckpoint) c
      = atl_training_checkpoint_read_head (u->checkpoint, error);
  const char *text
      = c ? atl_training_checkpoint_get_string (c, "settings", error) : NULL;
  AtlTrainSettings *s
      = text ? atl_train_settings_from_text (text, u->preset, error) : NULL;

  if (!s)
    return NULL;
  read_card (c, s);
  s->folder = g_strdup (u->folder);
  s->output = g_strdup (u->output);
  s->steps = u->steps;
  s->resume = TRUE;
  return s;
}

gboolean
atl_unfinished_forget (const AtlUnfinished *u, GError **error)
{
  if (g_unlink (u->checkpoint) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s can't be removed: %s"), u->checkpoint, g_strerror (errno));
  return FALSE;
}
