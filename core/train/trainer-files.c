/* What a training run leaves on disk; see trainer.h. */

#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "models/thumbnail.h"
#include "train/report.h"
#include "train/trainer-private.h"

#ifdef G_OS_UNIX
#include <sys/file.h>
#include <unistd.h>
#endif

#define SHEETS_IN_REPORT 4

#define LOCK_TRIES 5 /* somebody may just be looking */
#define LOCK_WAIT_MS 20

/* --- One training at a time --- */

/* The report folder's lock ends with its process, however that ends. */
static int
open_locked (const char *folder)
{
#ifdef G_OS_UNIX
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0 || flock (fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return fd;
  close (fd);
  return -2;
#else
  return -1;
#endif
}

gboolean
atl_trainer_is_running (const char *report_folder)
{
  int fd = open_locked (report_folder);

#ifdef G_OS_UNIX
  if (fd >= 0)
    close (fd);
#endif
  return fd == -2;
}

gboolean
atl_trainer_lock (AtlTrainer *t, GError **error)
{
  if (atl_collective_rank (t->collective) != 0)
    return TRUE;
  for (int i = 0; i < LOCK_TRIES; i++)
    {
      t->report_fd = open_locked (t->report_folder);
      if (t->report_fd != -2)
        return TRUE;
      g_usleep (LOCK_WAIT_MS * 1000);
    }
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("another training writes to %s at this moment; stop that one, or "
                  "choose another output"),
               t->settings->output);
  return FALSE;
}

void
atl_trainer_unlock (AtlTrainer *t)
{
#ifdef G_OS_UNIX
  if (t->report_fd >= 0)
    close (t->report_fd);
#endif
  t->report_fd = -1;
}

/* --- The checkpoint --- */

/* What the result does not depend on, so that it can be offered again. */
static void
write_circumstances (const AtlTrainer *t, AtlCheckpoint *c)
{
  const AtlTrainSettings *s = t->settings;
  g_autofree char *folder = g_canonicalize_filename (s->folder, NULL);
  const char *const texts[][2]
      = { { "folder", folder },    { "preset", s->preset },
          { "name", s->name },     { "description", s->description },
          { "author", s->author }, { "licence", s->licence } };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i][1])
      atl_training_checkpoint_set_string (c, texts[i][0], texts[i][1]);
}

/* A step that a stop has cut short: its figures are still to be noted. */
static void
write_incomplete (const AtlTrainer *t, AtlCheckpoint *c)
{
  if (t->incomplete)
    atl_training_checkpoint_add_doubles (c, "incomplete", (gsize)t->n_figures,
                                         t->figures);
}

static void
read_incomplete (AtlTrainer *t, const AtlCheckpoint *c)
{
  t->incomplete = atl_training_checkpoint_get_doubles (
      c, "incomplete", (gsize)t->n_figures, t->figures, NULL);
}

static const char *const measured[]
    = { "best.n", "best.l1", "best.psnr", "best.ssim", "best.ms_ssim" };

gboolean
atl_trainer_write_checkpoint (AtlTrainer *t, GError **error)
{
  g_autoptr (AtlCheckpoint) c = atl_training_checkpoint_new ();
  g_autofree char *settings = atl_train_settings_to_text (t->settings);
  const double best[]
      = { t->best.n, t->best.l1, t->best.psnr, t->best.ssim, t->best.ms_ssim };
  AtlTrainEvent event = { ATL_EVENT_CHECKPOINT };

  atl_training_checkpoint_set_string (c, "settings", settings);
  atl_training_checkpoint_set_number (c, "step", (double)t->step);
  atl_training_checkpoint_set_number (c, "steps", (double)t->settings->steps);
  atl_training_checkpoint_set_number (c, "pairs", t->dataset->train->len);
  atl_training_checkpoint_set_number (c, "best.step", (double)t->best_step);
  for (guint i = 0; i < G_N_ELEMENTS (best); i++)
    atl_training_checkpoint_set_number (c, measured[i], best[i]);
  write_circumstances (t, c);
  write_incomplete (t, c);
  atl_history_save (t->history, c);
  t->method->class->save (t->method, c);
  if (!atl_training_checkpoint_write (c, t->checkpoint_path, error))
    return FALSE;
  event.path = t->checkpoint_path;
  atl_trainer_emit (t, &event);
  return TRUE;
}

static void
tell_differences (AtlTrainer *t, double steps, double pairs)
{
  if ((gint64)steps != t->settings->steps)
    atl_trainer_message (t, ATL_EVENT_MESSAGE,
                         _ ("The training was begun for %.0f steps and goes on for "
                            "%" PRId64 "."),
                         steps, t->settings->steps);
  if ((guint)pairs != t->dataset->train->len)
    atl_trainer_message (
        t, ATL_EVENT_WARNING,
        _ ("The folder has %u pictures or pairs to train on now; it had "
           "%.0f."),
        t->dataset->train->len, pairs);
}

gboolean
atl_trainer_read_checkpoint (AtlTrainer *t, GError **error)
{
  g_autoptr (AtlCheckpoint) c
      = atl_training_checkpoint_read (t->checkpoint_path, error);
  const char *settings;
  double step, steps, pairs, best_step, best[G_N_ELEMENTS (measured)];

  settings = c ? atl_training_checkpoint_get_string (c, "settings", error) : NULL;
  if (!settings || !atl_train_settings_compare (t->settings, settings, error)
      || !atl_training_checkpoint_get_number (c, "step", &step, error)
      || !atl_training_checkpoint_get_number (c, "steps", &steps, error)
      || !atl_training_checkpoint_get_number (c, "pairs", &pairs, error)
      || !atl_training_checkpoint_get_number (c, "best.step", &best_step, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (measured); i++)
    if (!atl_training_checkpoint_get_number (c, measured[i], &best[i], error))
      return FALSE;
  if (!atl_history_load (t->history, c, error)
      || !t->method->class->load (t->method, c, error))
    return FALSE;
  read_incomplete (t, c);
  tell_differences (t, steps, pairs);
  t->step = MIN ((gint64)step, t->settings->steps);
  /* A best model that is gone is not the best any more. */
  if (best[0] > 0 && g_file_test (t->settings->output, G_FILE_TEST_EXISTS))
    {
      t->best
          = (AtlMeasurement){ (int)best[0], best[1], best[2], best[3], best[4] };
      t->best_step = (gint64)best_step;
      t->model_written = TRUE;
    }
  return TRUE;
}

/* --- The model --- */

static void
set_text (JsonObject *card, const char *key, const char *value)
{
  if (value && *value)
    json_object_set_string_member (card, key, value);
}

static void
set_figure (JsonObject *figures, const char *key, double value)
{
  json_object_set_double_member (figures, key, round (value * 1e5) / 1e5);
}

/* "held-out: L1 0.0312, PSNR 27.41 dB, ..." */
static char *
describe_figures (const AtlTrainer *t, const AtlMeasurement *m)
{
  char number[4][G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup_printf (
      "%s (%d): L1 %s, PSNR %s dB, SSIM %s, MS-SSIM %s",
      t->held_out ? "held-out pictures" : "training pictures", m->n,
      g_ascii_formatd (number[0], sizeof number[0], "%.4f", m->l1),
      g_ascii_formatd (number[1], sizeof number[1], "%.2f", m->psnr),
      g_ascii_formatd (number[2], sizeof number[2], "%.4f", m->ssim),
      g_ascii_formatd (number[3], sizeof number[3], "%.4f", m->ms_ssim));
}

/* Nothing here may differ between a run and the same run interrupted. */
static void
fill_card (AtlTrainer *t, const AtlMeasurement *m)
{
  AtlTrainSettings *s = t->settings;
  JsonObject *card = atl_model_get_card (t->model);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d");
  g_autofree char *folder = g_path_get_basename (s->folder);
  g_autofree char *base = g_path_get_basename (s->output);
  g_autofree char *data = NULL, *training = NULL;
  char *dot = strrchr (base, '.');

  if (dot && dot != base)
    *dot = '\0';
  data = g_strdup_printf (
      "%s: %u %s%s%s", folder, t->dataset->train->len,
      t->dataset->form == ATL_FORM_PICTURES ? "pictures" : "pairs",
      s->corrupt ? ", damaged by " : "", s->corrupt ? s->corrupt : "");
  training = g_strdup_printf ("%s, batches of %d, %dx%d, seed %" G_GINT64_FORMAT,
                              s->preset, s->batch, s->size, s->size, s->seed);
  set_text (card, "name", s->name ? s->name : base);
  set_text (card, "description", s->description);
  set_text (card, "author", s->author);
  set_text (card, "licence", s->licence);
  set_text (card, "data", data);
  set_text (card, "direction", s->b_to_a ? "BtoA" : NULL);
  if (s->from)
    {
      g_autofree char *from = g_path_get_basename (s->from);

      set_text (card, "from", from);
    }
  set_text (card, "training", training);
  json_object_set_int_member (card, "steps", t->step);
  json_object_set_int_member (card, "steps_planned", s->steps);
  set_text (card, "date", date);
  set_text (card, "program", "Atelier " ATELIER_VERSION);
  if (m)
    {
      g_autofree char *figures = describe_figures (t, m);

      set_text (card, "figures", figures);
      set_figure (card, "l1", m->l1);
      set_figure (card, "psnr", m->psnr);
      set_figure (card, "ssim", m->ssim);
      set_figure (card, "ms_ssim", m->ms_ssim);
    }
}

gboolean
atl_trainer_write_model (AtlTrainer *t, const AtlMeasurement *m, GError **error)
{
  AtlTrainEvent event = { ATL_EVENT_MODEL };

  fill_card (t, m);
  if (t->method->class->annotate)
    t->method->class->annotate (t->method);
  if (!atl_model_save (t->model, t->settings->output, FALSE, error))
    return FALSE;
  t->model_written = TRUE;
  event.path = t->settings->output;
  atl_trainer_emit (t, &event);
  return TRUE;
}

/* --- The report --- */

static void
warn (AtlTrainer *t, GError *error)
{
  atl_trainer_message (t, ATL_EVENT_WARNING, "%s", error->message);
  g_error_free (error);
}

void
atl_trainer_write_sheet (AtlTrainer *t, const AtlPicture *sheet)
{
  g_autofree char *name
      = g_strdup_printf ("step-%08" G_GINT64_FORMAT ".png", t->step);
  g_autofree char *path = g_build_filename (t->samples_folder, name, NULL);
  AtlTrainEvent event = { ATL_EVENT_SAMPLES };
  GError *error = NULL;

  if (atl_picture_save (sheet, path, &error))
    event.path = path;
  else
    warn (t, error);
  event.sheet = sheet;
  atl_trainer_emit (t, &event);
}

void
atl_trainer_set_thumbnail (AtlTrainer *t, const AtlPicture *sheet)
{
  gsize side = (gsize)atl_gallery_get_side (t->gallery);
  GError *error = NULL;
  float *rgb
      = atl_try_alloc (side * side * 6, sizeof (float), "a thumbnail", &error);

  if (rgb)
    {
      atl_gallery_read_cell (t->gallery, sheet, 0, 0, rgb);
      atl_gallery_read_cell (t->gallery, sheet, 0, 1, rgb + 3 * side * side);
      atl_model_set_thumbnail (t->model, rgb, rgb + 3 * side * side, (int)side,
                               &error);
    }
  atl_free (rgb);
  if (error)
    warn (t, error);
}

void
atl_trainer_write_history (AtlTrainer *t)
{
  g_autofree char *path = g_build_filename (t->report_folder, "history.csv", NULL);
  GError *error = NULL;

  if (!atl_history_write (t->history, path, &error))
    warn (t, error);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Some of this training's sheets so far, spread over it, the last included. */
static GPtrArray *
choose_sheets (AtlTrainer *t)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *chosen = g_ptr_array_new_with_free_func (g_free);
  GDir *dir = g_dir_open (t->samples_folder, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    if (g_str_has_prefix (name, "step-") && g_str_has_suffix (name, ".png")
        && g_ascii_strtoll (name + 5, NULL, 10) <= t->step)
      g_ptr_array_add (all, g_build_filename (t->samples_folder, name, NULL));
  g_clear_pointer (&dir, g_dir_close);
  g_ptr_array_sort (all, compare_names);
  for (guint i = 0, n = MIN (all->len, SHEETS_IN_REPORT); i < n; i++)
    {
      guint which = n > 1 ? i * (all->len - 1) / (n - 1) : all->len - 1;

      g_ptr_array_add (chosen, g_strdup (all->pdata[which]));
    }
  g_ptr_array_unref (all);
  return chosen;
}

void
atl_trainer_write_report (AtlTrainer *t)
{
  g_autofree char *path = g_build_filename (t->report_folder, "report.html", NULL);
  g_autofree char *title = g_path_get_basename (t->settings->output);
  g_autofree char *settings = atl_train_settings_to_text (t->settings);
  g_autofree char *figures = t->best.n > 0 ? describe_figures (t, &t->best)
                                           : g_strdup (_ ("not measured yet"));
  g_autofree char *summary
      = g_strdup_printf (_ ("Step %" PRId64 " of %" PRId64
                            ". The model is that of step %" PRId64 "; %s."),
                         t->step, t->settings->steps, t->best_step, figures);
  g_autoptr (GPtrArray) sheets = choose_sheets (t);
  GError *error = NULL;

  if (!atl_report_write (path, title, summary, settings, t->history, sheets,
                         &error))
    warn (t, error);
}
