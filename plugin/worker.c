/* Long work in a thread of its own; see worker.h. */

#include "worker.h"

#include <libgimp/gimp.h>

#define PROGRESS_MS 100 /* between two updates of GIMP's progress bar */

typedef struct
{
  AtlWork work;
  gpointer data;
  GError **error;
  gboolean result;
  gint done; /* atomic */

  GMutex lock; /* of what follows */
  double fraction;
  char *text;
  gboolean changed;
} Job;

static void
note_progress (gpointer data, double fraction, const char *text)
{
  Job *job = data;

  g_mutex_lock (&job->lock);
  job->fraction = fraction;
  if (text && g_strcmp0 (text, job->text) != 0)
    {
      g_free (job->text);
      job->text = g_strdup (text);
    }
  job->changed = TRUE;
  g_mutex_unlock (&job->lock);
}

static gpointer
run_job (gpointer data)
{
  Job *job = data;
  const AtlProgress progress = { note_progress, job, NULL };

  job->result = job->work (job->data, &progress, job->error);
  g_atomic_int_set (&job->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
show_progress (gpointer data)
{
  Job *job = data;
  g_autofree char *text = NULL;
  double fraction;
  gboolean changed;

  g_mutex_lock (&job->lock);
  changed = job->changed;
  fraction = job->fraction;
  text = g_steal_pointer (&job->text);
  job->changed = FALSE;
  g_mutex_unlock (&job->lock);
  if (text)
    gimp_progress_set_text (text);
  if (changed && gimp_progress_update (fraction))
    g_debug ("progress %.3f", fraction);
  return G_SOURCE_CONTINUE;
}

gboolean
atl_work_run (AtlWork work, gpointer data, GError **error)
{
  Job job = { work, data, error };
  GThread *thread;
  guint timer;

  g_mutex_init (&job.lock);
  timer = g_timeout_add (PROGRESS_MS, show_progress, &job);
  thread = g_thread_new ("atelier", run_job, &job);
  while (!g_atomic_int_get (&job.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  g_source_remove (timer);
  g_mutex_clear (&job.lock);
  g_free (job.text);
  return job.result;
}

static GThread *main_thread;

void
atl_call_main_init (void)
{
  main_thread = g_thread_self ();
}

typedef struct
{
  AtlCall call;
  gpointer data;
  GMutex lock;
  GCond returned;
  gboolean done;
} Handover;

static gboolean
take_over (gpointer data)
{
  Handover *handover = data;

  handover->call (handover->data);
  g_mutex_lock (&handover->lock);
  handover->done = TRUE;
  g_cond_signal (&handover->returned);
  g_mutex_unlock (&handover->lock);
  return G_SOURCE_REMOVE;
}

void
atl_call_main (AtlCall call, gpointer data)
{
  Handover handover = { call, data };

  if (g_thread_self () == main_thread)
    {
      call (data);
      return;
    }
  g_mutex_init (&handover.lock);
  g_cond_init (&handover.returned);
  g_idle_add_full (G_PRIORITY_HIGH, take_over, &handover, NULL);
  g_mutex_lock (&handover.lock);
  while (!handover.done)
    g_cond_wait (&handover.returned, &handover.lock);
  g_mutex_unlock (&handover.lock);
  g_mutex_clear (&handover.lock);
  g_cond_clear (&handover.returned);
}
