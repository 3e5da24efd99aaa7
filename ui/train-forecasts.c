/* What each preset would cost; see train-forecasts.h. */

#include "train-forecasts.h"

#include "train/job.h"
#include "train/pace.h"

struct _AtlTrainForecasts
{
  int n_presets, chosen;
  AtlPresetSettings settings;
  void (*changed) (gpointer data, int preset);
  gpointer data;
  AtlEstimate *estimates;
  GCancellable *cancellable; /* of the thread under way, or NULL */
  gboolean suspended;        /* none is to be started */
};

typedef struct
{
  AtlTrainForecasts *owner;
  int preset;
  AtlTrainSettings *settings;
  GCancellable *cancellable;
  GThread *thread;
  AtlForecast forecast;
  GError *error;
} Job;

static void start (AtlTrainForecasts *f);

static void
clear_estimate (AtlEstimate *e)
{
  g_free (e->problem);
  *e = (AtlEstimate){ 0 };
}

static void
fail (AtlTrainForecasts *f, int preset, const GError *error)
{
  f->estimates[preset].problem = g_strdup (error->message);
  f->changed (f->data, preset);
}

static void
job_free (gpointer data)
{
  Job *job = data;

  atl_train_settings_free (job->settings);
  g_object_unref (job->cancellable);
  g_clear_error (&job->error);
  g_free (job);
}

static gboolean
job_done (gpointer data)
{
  Job *job = data;
  AtlTrainForecasts *f = job->owner;
  AtlEstimate *e = &f->estimates[job->preset];

  g_thread_join (job->thread);
  g_clear_object (&f->cancellable);
  if (!g_cancellable_is_cancelled (job->cancellable))
    {
      clear_estimate (e);
      if (job->error)
        fail (f, job->preset, job->error);
      else
        {
          *e = (AtlEstimate){ TRUE, job->forecast, job->settings->steps, NULL };
          f->changed (f->data, job->preset);
        }
    }
  start (f);
  return G_SOURCE_REMOVE;
}

static gpointer
job_run (gpointer data)
{
  Job *job = data;

  atl_lower_priority ();
  atl_pace_forecast (job->settings, job->cancellable, &job->forecast, &job->error);
  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, job_done, job, job_free);
  return NULL;
}

static gboolean
is_open (const AtlTrainForecasts *f, int preset)
{
  return !f->estimates[preset].known && !f->estimates[preset].problem;
}

/* -1: all is known. */
static int
find_next (const AtlTrainForecasts *f)
{
  if (is_open (f, f->chosen))
    return f->chosen;
  for (int i = 0; i < f->n_presets; i++)
    if (is_open (f, i))
      return i;
  return -1;
}

static void
start (AtlTrainForecasts *f)
{
  int preset;

  while (!f->cancellable && !f->suspended && (preset = find_next (f)) >= 0)
    {
      g_autoptr (GError) error = NULL;
      AtlTrainSettings *settings = f->settings (f->data, preset, &error);
      Job *job;

      if (!settings)
        {
          fail (f, preset, error);
          continue;
        }
      f->cancellable = g_cancellable_new ();
      job = g_new0 (Job, 1);
      *job = (Job){ f, preset, settings, g_object_ref (f->cancellable) };
      job->thread = g_thread_new ("atelier-forecast", job_run, job);
    }
}

AtlTrainForecasts *
atl_train_forecasts_new (int n_presets, AtlPresetSettings settings,
                         void (*changed) (gpointer data, int preset), gpointer data)
{
  AtlTrainForecasts *f = g_new0 (AtlTrainForecasts, 1);

  f->n_presets = n_presets;
  f->settings = settings;
  f->changed = changed;
  f->data = data;
  f->estimates = g_new0 (AtlEstimate, n_presets);
  return f;
}

void
atl_train_forecasts_free (AtlTrainForecasts *f)
{
  atl_train_forecasts_suspend (f);
  while (f->cancellable)
    g_main_context_iteration (NULL, TRUE);
  for (int i = 0; i < f->n_presets; i++)
    clear_estimate (&f->estimates[i]);
  g_free (f->estimates);
  g_free (f);
}

void
atl_train_forecasts_renew (AtlTrainForecasts *f)
{
  for (int i = 0; i < f->n_presets; i++)
    {
      clear_estimate (&f->estimates[i]);
      f->changed (f->data, i);
    }
  if (f->cancellable)
    g_cancellable_cancel (f->cancellable);
  start (f);
}

void
atl_train_forecasts_choose (AtlTrainForecasts *f, int preset)
{
  f->chosen = preset;
}

void
atl_train_forecasts_suspend (AtlTrainForecasts *f)
{
  f->suspended = TRUE;
  if (f->cancellable)
    g_cancellable_cancel (f->cancellable);
}

void
atl_train_forecasts_go_on (AtlTrainForecasts *f)
{
  f->suspended = FALSE;
  start (f);
}

const AtlEstimate *
atl_train_forecasts_get (const AtlTrainForecasts *f, int preset)
{
  return &f->estimates[preset];
}
