/* The run loop; see trainer.h. */

#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"
#include "train/trainer-private.h"

#define SHEET_ROWS 4
#define MAX_HISTORY_ROWS 1000
#define FIRST_CHECKPOINT 60 /* seconds after the start, at the latest */

void
atl_trainer_emit (AtlTrainer *t, AtlTrainEvent *event)
{
  gint64 done = t->step - t->first_step;

  if (!t->callback)
    return;
  event->step = t->step;
  event->steps = t->settings->steps;
  event->seconds_left
      = done > 0 ? (double)(g_get_monotonic_time () - t->began - t->idle) / 1e6
                       / (double)done * (double)(t->settings->steps - t->step)
                 : -1;
  t->callback (t->data, event);
}

void
atl_trainer_message (AtlTrainer *t, AtlTrainEventKind kind, const char *format, ...)
{
  g_autofree char *text = NULL;
  AtlTrainEvent event = { kind };
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  event.text = text;
  atl_trainer_emit (t, &event);
}

static gboolean
parse_corrupt (AtlTrainer *t, GError **error)
{
  if (t->settings->corrupt)
    t->corrupt = atl_corrupt_parse (t->settings->corrupt, error);
  return !t->settings->corrupt || t->corrupt;
}

static char *
replace_extension (const char *path, const char *extension)
{
  gsize length = strlen (path);

  if (g_str_has_suffix (path, ".safetensors"))
    length -= strlen (".safetensors");
  return g_strdup_printf ("%.*s%s", (int)length, path, extension);
}

AtlTrainer *
atl_trainer_new (AtlTrainSettings *settings, AtlTrainCallback callback,
                 gpointer data, const AtlCollective *collective, GError **error)
{
  AtlTrainer *t = g_new0 (AtlTrainer, 1);
  int n_ranks = atl_collective_n_ranks (collective);

  t->settings = settings;
  t->callback = callback;
  t->data = data;
  t->collective = collective;
  g_mutex_init (&t->lock);
  g_cond_init (&t->wake);
  t->cancellable = g_cancellable_new ();
  t->report_fd = -1; /* none */
  t->checkpoint_path = replace_extension (settings->output, ".checkpoint");
  t->report_folder = settings->report
                         ? g_strdup (settings->report)
                         : replace_extension (settings->output, ".report");
  t->samples_folder = g_build_filename (t->report_folder, "samples", NULL);
  if (settings->batch % n_ranks != 0)
    g_set_error (
        error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
        _ ("a batch of %d can't be split over %d processes; make it a multiple "
           "of %d"),
        settings->batch, n_ranks, n_ranks);
  else if (atl_train_settings_check (settings, error) && parse_corrupt (t, error)
           && atl_file_check_output (settings->output, error))
    return t;
  atl_trainer_free (t);
  return NULL;
}

void
atl_trainer_free (AtlTrainer *t)
{
  if (!t)
    return;
  atl_loader_free (t->loader);
  atl_gallery_free (t->gallery);
  atl_setup_clear (&t->setup);
  atl_history_free (t->history);
  atl_corrupt_free (t->corrupt);
  atl_dataset_free (t->dataset);
  g_clear_pointer (&t->pool, atl_pool_free);
  atl_train_settings_free (t->settings);
  g_clear_object (&t->cancellable);
  atl_trainer_unlock (t);
  g_mutex_clear (&t->lock);
  g_cond_clear (&t->wake);
  g_free (t->row);
  g_free (t->checkpoint_path);
  g_free (t->report_folder);
  g_free (t->samples_folder);
  g_free (t);
}

void
atl_trainer_pause (AtlTrainer *t, gboolean paused)
{
  g_mutex_lock (&t->lock);
  t->paused = paused;
  g_cond_signal (&t->wake);
  g_mutex_unlock (&t->lock);
}

void
atl_trainer_stop (AtlTrainer *t)
{
  g_mutex_lock (&t->lock);
  t->stopping = TRUE;
  g_cond_signal (&t->wake);
  g_mutex_unlock (&t->lock);
  g_cancellable_cancel (t->cancellable);
}

const char *
atl_trainer_get_checkpoint_path (const AtlTrainer *t)
{
  return t->checkpoint_path;
}

const char *
atl_trainer_get_report_folder (const AtlTrainer *t)
{
  return t->report_folder;
}

/* Waits while paused.  Whether to go on: what any process was told holds for
 * all. */
static gboolean
go_on (AtlTrainer *t)
{
  gboolean was_paused = FALSE;
  gint64 began = g_get_monotonic_time ();
  double stopping;

  g_mutex_lock (&t->lock);
  while (t->paused && !t->stopping)
    {
      if (!was_paused)
        {
          g_mutex_unlock (&t->lock);
          atl_trainer_message (t, ATL_EVENT_PAUSED, "%s", _ ("Paused."));
          g_mutex_lock (&t->lock);
          was_paused = TRUE;
          continue;
        }
      g_cond_wait (&t->wake, &t->lock);
    }
  stopping = t->stopping;
  g_mutex_unlock (&t->lock);
  if (was_paused)
    {
      t->idle += g_get_monotonic_time () - began;
      if (stopping == 0)
        atl_trainer_message (t, ATL_EVENT_CONTINUED, "%s", _ ("Training goes on."));
    }
  atl_collective_sum_doubles (t->collective, &stopping, 1);
  return stopping == 0;
}

/* --- Measuring --- */

static gboolean
is_better (const AtlTrainer *t, const AtlMeasurement *m)
{
  if (t->best.n == 0)
    return TRUE;
  return t->settings->kind == ATL_TRAIN_PIX2PIX ? m->l1 < t->best.l1
                                                : m->psnr > t->best.psnr;
}

static void
note_measurement (AtlTrainer *t, const AtlMeasurement *m)
{
  int n = atl_history_get_n_columns (t->history);

  for (int i = 0; i < n; i++)
    t->row[i] = NAN;
  t->row[t->n_figures] = m->l1;
  t->row[t->n_figures + 1] = m->psnr;
  t->row[t->n_figures + 2] = m->ssim;
  t->row[t->n_figures + 3] = m->ms_ssim;
  atl_history_note (t->history, t->row);
}

/* The weights that are to be applied are in the model. */
static gboolean
measure_presented (AtlTrainer *t, GError **error)
{
  AtlTrainEvent event = { ATL_EVENT_MEASURED };
  AtlMeasurement m;
  AtlPicture *sheet = NULL;
  GCancellable *cancellable = t->cancellable;
  GError *write_error = NULL;
  gboolean better;

  /* The last measurement is what the training ends with, stopped or not. */
  if (t->step == t->settings->steps || atl_collective_n_ranks (t->collective) > 1)
    cancellable = NULL;
  if (!atl_gallery_measure (t->gallery, t->model, t->pool, cancellable, &m,
                            SHEET_ROWS, &sheet, error))
    return FALSE;
  better = is_better (t, &m);
  note_measurement (t, &m);
  event.measurement = &m;
  event.best = better;
  atl_trainer_emit (t, &event);
  atl_trainer_write_sheet (t, sheet);
  atl_trainer_set_thumbnail (t, sheet);
  atl_picture_free (sheet);

  if (!better && t->held_out && t->settings->keep == 0)
    return TRUE;
  if (atl_trainer_write_model (t, &m, &write_error))
    {
      t->best = m;
      t->best_step = t->step;
      return TRUE;
    }
  /* The last step's model is what all was for. */
  if (t->step == t->settings->steps)
    {
      g_propagate_error (error, write_error);
      return FALSE;
    }
  atl_trainer_message (t, ATL_EVENT_WARNING,
                       _ ("The model could not be written: %s"),
                       write_error->message);
  g_clear_error (&write_error);
  return TRUE;
}

static gboolean
measure (AtlTrainer *t, GError **error)
{
  gboolean ok;

  if (!t->gallery)
    return TRUE;
  t->method->class->present (t->method, TRUE);
  ok = measure_presented (t, error);
  t->method->class->present (t->method, FALSE);
  atl_trainer_write_history (t);
  return ok;
}

/* --- Steps --- */

static gboolean
check_finite (AtlTrainer *t, const double *figures, GError **error)
{
  for (int i = 0; i < t->n_figures; i++)
    if (!isfinite (figures[i]))
      {
        g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
                     _ ("the training fell apart at step %" PRId64
                        " (%s is no number any more); the last checkpoint is kept: "
                        "start again with a lower learning rate (--set lr=%g)"),
                     t->step, t->method->class->figures[i], t->settings->lr / 4);
        return FALSE;
      }
  return TRUE;
}

static void
note_step (AtlTrainer *t, const double *figures)
{
  AtlTrainEvent event = { ATL_EVENT_STEP };
  gint64 interval = MAX (1, t->settings->steps / MAX_HISTORY_ROWS);

  for (int i = 0; i < atl_history_get_n_columns (t->history); i++)
    t->row[i] = i < t->n_figures ? figures[i] : NAN;
  atl_history_note (t->history, t->row);
  event.n_figures = t->n_figures;
  event.names = t->method->class->figures;
  event.figures = figures;
  atl_trainer_emit (t, &event);
  if (t->step % MIN (interval, t->settings->measure_steps) == 0
      || t->step == t->settings->steps)
    atl_history_add_row (t->history, (guint64)t->step);
}

static void
warn_checkpoint (AtlTrainer *t, GError *error)
{
  atl_trainer_message (t, ATL_EVENT_WARNING,
                       _ ("The checkpoint could not be written, the one before is "
                          "kept: %s"),
                       error->message);
  g_error_free (error);
}

static void
checkpoint_if_due (AtlTrainer *t)
{
  gint64 now = g_get_monotonic_time ();
  GError *error = NULL;

  if (atl_collective_rank (t->collective) != 0
      || now - t->checkpointed
             < (gint64)t->settings->checkpoint_seconds * G_USEC_PER_SEC)
    return;
  t->checkpointed = now;
  if (!atl_trainer_write_checkpoint (t, &error))
    warn_checkpoint (t, error);
  atl_trainer_write_report (t);
}

/* Everything after the network has learnt.  A stop may cut measuring short; a
 * resume then begins with it. */
static gboolean
complete_step (AtlTrainer *t, GError **error)
{
  t->incomplete = TRUE;
  if (t->step % t->settings->measure_steps == 0 || t->step == t->settings->steps)
    if (!measure (t, error))
      return FALSE;
  t->incomplete = FALSE;
  note_step (t, t->figures);
  checkpoint_if_due (t);
  return TRUE;
}

static gboolean
do_step (AtlTrainer *t, GError **error)
{
  const AtlBatch *batch = atl_loader_next (t->loader, t->cancellable, error);

  if (t->step == t->first_step)
    atl_loader_get_statistics (t->loader, &t->at_first);
  if (!batch
      || !t->method->class->step (t->method, (guint64)t->step, batch->input,
                                  batch->target, t->figures, error))
    return FALSE;
  t->step++;
  return check_finite (t, t->figures, error) && complete_step (t, error);
}

/* Until the end, a stop or an error.  A stop that interrupts waiting for data
 * is no error; over several processes all stop at the same step anyway. */
static gboolean
loop (AtlTrainer *t, GError **error)
{
  GError *step_error = NULL;
  gint64 early = MAX (0, t->settings->checkpoint_seconds - FIRST_CHECKPOINT);

  t->began = t->checkpointed = g_get_monotonic_time ();
  t->checkpointed -= early * G_USEC_PER_SEC;
  while ((t->incomplete || t->step < t->settings->steps) && go_on (t))
    if (t->incomplete ? !complete_step (t, &step_error) : !do_step (t, &step_error))
      {
        if (g_error_matches (step_error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
            && atl_collective_n_ranks (t->collective) == 1)
          {
            g_clear_error (&step_error);
            return TRUE;
          }
        g_propagate_error (error, step_error);
        return FALSE;
      }
  return TRUE;
}

/* After the loop: what stays. */
static gboolean
finish (AtlTrainer *t, GError **error)
{
  gboolean stopped = t->step < t->settings->steps;
  GError *checkpoint_error = NULL;

  if (atl_collective_rank (t->collective) != 0)
    return TRUE;
  /* Of a finished training the model is what counts. */
  if (!atl_trainer_write_checkpoint (t, &checkpoint_error))
    {
      if (stopped)
        {
          g_propagate_error (error, checkpoint_error);
          return FALSE;
        }
      warn_checkpoint (t, checkpoint_error);
    }
  if (stopped && (!t->model_written || t->settings->keep == 1))
    {
      gboolean ok;

      t->method->class->present (t->method, TRUE);
      ok = atl_trainer_write_model (t, NULL, error);
      t->method->class->present (t->method, FALSE);
      if (!ok)
        return FALSE;
    }
  atl_trainer_write_history (t);
  atl_trainer_write_report (t);
  return TRUE;
}

gboolean
atl_trainer_run (AtlTrainer *t, AtlTrainResult *result, GError **error)
{
  AtlLoaderStatistics statistics = { 0 };
  gboolean ok;

  memset (result, 0, sizeof *result);
  if (!atl_trainer_prepare (t, error))
    return FALSE;
  ok = loop (t, error) && finish (t, error);
  if (ok)
    atl_trainer_prime (t);
  atl_loader_get_statistics (t->loader, &statistics);
  result->finished = t->step == t->settings->steps;
  result->step = t->step;
  result->best_step = t->best_step;
  result->best = t->best;
  result->held_out = t->held_out;
  result->seconds = (double)(g_get_monotonic_time () - t->began - t->idle) / 1e6;
  atl_trainer_unlock (t);
  result->waited_seconds = statistics.waited_seconds - t->at_first.waited_seconds;
  return ok;
}
