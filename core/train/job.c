/* See job.h.  Mail is what the trainer's thread has to tell since the loop last
 * looked; the loop takes the whole of it and leaves an empty one. */

#include "train/job.h"

#include <math.h>
#include <string.h>

#ifdef __linux__
#include <sys/resource.h>
#endif

#define NICENESS 10 /* the screen goes before training */
#define MAX_MESSAGES 500
#define MAX_FIGURES 16

typedef struct
{
  gint64 step;
  double values[MAX_FIGURES];
} Row;

typedef struct
{
  gboolean started, paused, continued, ended;
  gboolean stepped;
  gint64 first_step, step, steps;
  double seconds_left;
  AtlSeries *figures; /* of a start */
  GArray *rows;       /* Row */
  GArray *measured;
  GPtrArray *messages;
  AtlPicture *sheet;
  gint64 sheet_step, model_step;
} Mail;

struct _AtlTrainJob
{
  AtlTrainer *trainer;
  AtlJobChanged changed;
  gpointer data;
  GMainContext *context;
  GThread *thread;
  int n_figures;         /* the trainer's thread only */
  AtlTrainView view;     /* the loop's thread only */
  AtlTrainResult result; /* the trainer's, until it has ended */
  GError *error;

  GMutex lock; /* of what follows */
  Mail *mail;
  GSource *delivery; /* on its way, or NULL */
};

static void
free_message (gpointer data)
{
  AtlTrainMessage *message = data;

  g_free (message->text);
  g_free (message);
}

static Mail *
mail_new (void)
{
  Mail *mail = g_new0 (Mail, 1);

  mail->rows = g_array_new (FALSE, FALSE, sizeof (Row));
  mail->measured = g_array_new (FALSE, FALSE, sizeof (AtlMeasured));
  mail->messages = g_ptr_array_new_with_free_func (free_message);
  return mail;
}

static void
mail_free (Mail *mail)
{
  atl_series_free (mail->figures);
  g_array_unref (mail->rows);
  g_array_unref (mail->measured);
  g_ptr_array_unref (mail->messages);
  atl_picture_free (mail->sheet);
  g_free (mail);
}

/* --- In the trainer's thread --- */

static gboolean deliver (gpointer data);

/* The lock is held. */
static void
send (AtlTrainJob *job)
{
  if (job->delivery)
    return;
  job->delivery = g_idle_source_new ();
  g_source_set_callback (job->delivery, deliver, job, NULL);
  g_source_attach (job->delivery, job->context);
}

static AtlPicture *
copy_sheet (const AtlPicture *sheet)
{
  AtlPicture *copy = atl_picture_new (sheet->width, sheet->height, sheet->channels,
                                      sheet->has_alpha, sheet->depth, NULL, NULL);

  if (copy)
    memcpy (copy->pixels, sheet->pixels, sheet->row_bytes * (gsize)sheet->height);
  return copy;
}

/* What a resumed run has gone through before. */
static AtlSeries *
series_of_history (const AtlHistory *history, int n_figures, GArray *measured)
{
  const char *names[MAX_FIGURES] = { NULL };
  AtlSeries *series;

  for (int i = 0; i < n_figures; i++)
    names[i] = atl_history_get_column (history, i);
  series = atl_series_new (names, n_figures);
  for (int r = 0; r < atl_history_get_n_rows (history); r++)
    {
      const double *row = atl_history_get_row (history, r);
      const double *m = row + 1 + n_figures;
      AtlMeasured point = { (gint64)row[0], { 1, m[0], m[1], m[2], m[3] }, FALSE };

      atl_series_add (series, point.step, row + 1);
      if (!isnan (m[0]))
        g_array_append_val (measured, point);
    }
  return series;
}

static void
note_start (AtlTrainJob *job, Mail *mail, const AtlTrainEvent *event)
{
  mail->started = TRUE;
  mail->first_step = event->step;
  job->n_figures = MIN (event->n_figures, MAX_FIGURES);
  mail->figures
      = series_of_history (event->history, job->n_figures, mail->measured);
}

static void
note_text (Mail *mail, const AtlTrainEvent *event)
{
  AtlTrainMessage *message = g_new0 (AtlTrainMessage, 1);

  message->step = event->step;
  message->warning = event->kind == ATL_EVENT_WARNING;
  message->text = g_strdup (event->text);
  g_ptr_array_add (mail->messages, message);
}

static void
note_step (AtlTrainJob *job, Mail *mail, const AtlTrainEvent *event)
{
  Row row = { event->step };

  for (int i = 0; i < job->n_figures; i++)
    row.values[i] = event->figures[i];
  g_array_append_val (mail->rows, row);
}

static void
note_event (AtlTrainJob *job, Mail *mail, const AtlTrainEvent *event,
            AtlPicture **sheet)
{
  mail->stepped = TRUE;
  mail->step = event->step;
  mail->steps = event->steps;
  mail->seconds_left = event->seconds_left;
  switch (event->kind)
    {
    case ATL_EVENT_MESSAGE:
    case ATL_EVENT_WARNING:
      note_text (mail, event);
      break;
    case ATL_EVENT_STARTED:
      note_start (job, mail, event);
      break;
    case ATL_EVENT_STEP:
      note_step (job, mail, event);
      break;
    case ATL_EVENT_MEASURED:
      {
        AtlMeasured m = { event->step, *event->measurement, event->best };

        g_array_append_val (mail->measured, m);
      }
      break;
    case ATL_EVENT_SAMPLES:
      atl_picture_free (mail->sheet);
      mail->sheet = g_steal_pointer (sheet);
      mail->sheet_step = event->step;
      break;
    case ATL_EVENT_MODEL:
      mail->model_step = event->step;
      break;
    case ATL_EVENT_PAUSED:
    case ATL_EVENT_CONTINUED:
      mail->paused = event->kind == ATL_EVENT_PAUSED;
      mail->continued = !mail->paused;
      break;
    case ATL_EVENT_CHECKPOINT:
    default:
      break;
    }
}

static void
watch (gpointer data, const AtlTrainEvent *event)
{
  AtlTrainJob *job = data;
  AtlPicture *sheet
      = event->kind == ATL_EVENT_SAMPLES ? copy_sheet (event->sheet) : NULL;

  g_mutex_lock (&job->lock);
  note_event (job, job->mail, event, &sheet);
  send (job);
  g_mutex_unlock (&job->lock);
}

void
atl_lower_priority (void)
{
#ifdef __linux__
  /* There it is a thread's, and passed on to those that it makes. */
  setpriority (PRIO_PROCESS, 0, NICENESS);
#endif
}

static gpointer
run (gpointer data)
{
  AtlTrainJob *job = data;

  atl_lower_priority ();
  atl_trainer_run (job->trainer, &job->result, &job->error);
  g_mutex_lock (&job->lock);
  job->mail->ended = TRUE;
  send (job);
  g_mutex_unlock (&job->lock);
  return NULL;
}

/* --- In the loop's --- */

static void
read_start (AtlTrainView *view, Mail *mail)
{
  if (!mail->started)
    return;
  view->first_step = mail->first_step;
  view->figures = g_steal_pointer (&mail->figures);
  if (view->state == ATL_JOB_STARTING)
    view->state = ATL_JOB_RUNNING;
}

static void
read_lists (AtlTrainView *view, Mail *mail)
{
  for (guint i = 0; i < mail->rows->len; i++)
    {
      const Row *row = &g_array_index (mail->rows, Row, i);

      atl_series_add (view->figures, row->step, row->values);
    }
  g_array_append_vals (view->measured, mail->measured->data, mail->measured->len);
  while (mail->messages->len > 0)
    {
      if (view->messages->len == MAX_MESSAGES)
        {
          g_ptr_array_remove_index (view->messages, 0);
          view->n_dropped++;
        }
      g_ptr_array_add (view->messages, g_ptr_array_steal_index (mail->messages, 0));
    }
}

static void
read_sheet (AtlTrainView *view, Mail *mail)
{
  if (!mail->sheet)
    return;
  atl_picture_free (view->sheet);
  view->sheet = g_steal_pointer (&mail->sheet);
  view->sheet_step = mail->sheet_step;
}

static void
read_end (AtlTrainJob *job, Mail *mail)
{
  AtlTrainView *view = &job->view;

  if (!mail->ended)
    return;
  g_clear_pointer (&job->thread, g_thread_join);
  view->state = ATL_JOB_ENDED;
  view->result = job->result;
  view->error = g_steal_pointer (&job->error);
}

static void
read_mail (AtlTrainJob *job, Mail *mail)
{
  AtlTrainView *view = &job->view;

  if (mail->stepped)
    {
      view->step = mail->step;
      view->steps = mail->steps;
      view->seconds_left = mail->seconds_left;
    }
  read_start (view, mail);
  read_lists (view, mail);
  read_sheet (view, mail);
  if (mail->model_step > 0)
    view->model_step = mail->model_step;
  if (view->state == ATL_JOB_RUNNING && mail->paused)
    view->state = ATL_JOB_PAUSED;
  else if (view->state == ATL_JOB_PAUSED && mail->continued)
    view->state = ATL_JOB_RUNNING;
  read_end (job, mail);
}

static gboolean
deliver (gpointer data)
{
  AtlTrainJob *job = data;
  Mail *empty = mail_new (), *mail;

  g_mutex_lock (&job->lock);
  mail = job->mail;
  job->mail = empty;
  g_clear_pointer (&job->delivery, g_source_unref);
  g_mutex_unlock (&job->lock);
  read_mail (job, mail);
  mail_free (mail);
  job->changed (job->data);
  return G_SOURCE_REMOVE;
}

AtlTrainJob *
atl_train_job_new (AtlTrainSettings *settings, AtlJobChanged changed, gpointer data,
                   GError **error)
{
  AtlTrainJob *job = g_new0 (AtlTrainJob, 1);

  g_mutex_init (&job->lock);
  job->mail = mail_new ();
  job->view.measured = g_array_new (FALSE, FALSE, sizeof (AtlMeasured));
  job->view.messages = g_ptr_array_new_with_free_func (free_message);
  job->view.steps = settings->steps;
  job->view.seconds_left = -1;
  job->changed = changed;
  job->data = data;
  job->context = g_main_context_ref_thread_default ();
  job->trainer = atl_trainer_new (settings, watch, job, NULL, error);
  if (job->trainer)
    {
      job->thread = g_thread_new ("atelier-train", run, job);
      return job;
    }
  atl_train_job_free (job);
  return NULL;
}

void
atl_train_job_free (AtlTrainJob *job)
{
  if (!job)
    return;
  if (job->thread)
    {
      atl_trainer_stop (job->trainer);
      g_thread_join (job->thread);
    }
  if (job->delivery)
    {
      g_source_destroy (job->delivery);
      g_source_unref (job->delivery);
    }
  atl_trainer_free (job->trainer);
  mail_free (job->mail);
  atl_series_free (job->view.figures);
  g_array_unref (job->view.measured);
  g_ptr_array_unref (job->view.messages);
  atl_picture_free (job->view.sheet);
  g_clear_error (&job->view.error);
  g_clear_error (&job->error);
  g_main_context_unref (job->context);
  g_mutex_clear (&job->lock);
  g_free (job);
}

const AtlTrainView *
atl_train_job_get_view (const AtlTrainJob *job)
{
  return &job->view;
}

const char *
atl_train_job_get_report_folder (const AtlTrainJob *job)
{
  return atl_trainer_get_report_folder (job->trainer);
}

void
atl_train_job_pause (AtlTrainJob *job, gboolean paused)
{
  atl_trainer_pause (job->trainer, paused);
}

void
atl_train_job_stop (AtlTrainJob *job)
{
  if (job->view.state == ATL_JOB_ENDED)
    return;
  job->view.state = ATL_JOB_STOPPING;
  atl_trainer_stop (job->trainer);
}
