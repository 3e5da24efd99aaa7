/* One thread for work that is replaced by newer work; see background.h.
 *
 * A task waits in `pending`, is `running` in the thread, and comes back through
 * the list `finished`; a source that is made ready from the thread fetches it.
 * Tasks are made and freed in the owner's context only. */

#include "background.h"

#include <pthread.h>

typedef struct
{
  const AtlJobClass *class;
  gpointer job;
  GCancellable *cancellable;
  AtlBackground *background;
  GError *error;
} Task;

struct _AtlBackground
{
  GMainContext *context;
  GSource *source; /* ready when there is something to fetch */
  pthread_t thread;
  Task *wanted;    /* started last, unless done or cancelled */
  int n_tasks;     /* made and not yet freed */
  gboolean closed; /* nothing is started any more */

  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t wake;
  Task *pending, *running;
  GSList *finished;
  gboolean advanced;
  double fraction;
  gboolean closing; /* the thread ends when nothing is pending */
};

/* --- In the thread --- */

static void
note_progress (gpointer data, double fraction, const char *text)
{
  Task *task = data;
  AtlBackground *background = task->background;

  if (!task->class->advanced)
    return;
  pthread_mutex_lock (&background->lock);
  background->advanced = TRUE;
  background->fraction = fraction;
  pthread_mutex_unlock (&background->lock);
  g_source_set_ready_time (background->source, 0);
}

/* With the lock held; NULL: the thread is to end. */
static Task *
next_task (AtlBackground *background)
{
  Task *task;

  while (!background->pending && !background->closing)
    pthread_cond_wait (&background->wake, &background->lock);
  task = background->running = background->pending;
  background->pending = NULL;
  background->advanced = FALSE;
  return task;
}

static gpointer
run_tasks (gpointer data)
{
  AtlBackground *background = data;
  Task *task;

  pthread_mutex_lock (&background->lock);
  while ((task = next_task (background)))
    {
      const AtlProgress progress = { note_progress, task, task->cancellable };

      pthread_mutex_unlock (&background->lock);
      if (!g_cancellable_set_error_if_cancelled (task->cancellable, &task->error))
        task->class->run (task->job, &progress, &task->error);
      pthread_mutex_lock (&background->lock);
      background->running = NULL;
      background->finished = g_slist_append (background->finished, task);
      g_source_set_ready_time (background->source, 0);
    }
  pthread_mutex_unlock (&background->lock);
  return NULL;
}

/* --- In the owner's context --- */

static void
task_free (Task *task)
{
  task->background->n_tasks--;
  if (task->class->free)
    task->class->free (task->job);
  g_object_unref (task->cancellable);
  g_clear_error (&task->error);
  g_free (task);
}

static void
deliver (AtlBackground *background, Task *task)
{
  if (task == background->wanted)
    {
      background->wanted = NULL;
      task->class->done (task->job, task->error);
    }
  task_free (task);
}

/* Only this context frees tasks, so the running one stays there. */
static void
show_progress (AtlBackground *background)
{
  Task *running;
  double fraction;

  pthread_mutex_lock (&background->lock);
  running = background->advanced ? background->running : NULL;
  fraction = background->fraction;
  background->advanced = FALSE;
  pthread_mutex_unlock (&background->lock);
  if (running && running == background->wanted)
    running->class->advanced (running->job, fraction);
}

static Task *
take_finished (AtlBackground *background)
{
  Task *task = NULL;

  pthread_mutex_lock (&background->lock);
  if (background->finished)
    {
      task = background->finished->data;
      background->finished
          = g_slist_delete_link (background->finished, background->finished);
    }
  pthread_mutex_unlock (&background->lock);
  return task;
}

static gboolean
fetch (GSource *source, GSourceFunc callback, gpointer data)
{
  AtlBackground *background = data;
  Task *task;

  g_source_set_ready_time (source, -1);
  show_progress (background);
  while ((task = take_finished (background)))
    deliver (background, task);
  return G_SOURCE_CONTINUE;
}

static gboolean
ignore (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = fetch };

static GSource *
source_new (AtlBackground *background)
{
  GSource *source = g_source_new (&source_funcs, sizeof (GSource));

  g_source_set_callback (source, ignore, background, NULL);
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, background->context);
  return source;
}

AtlBackground *
atl_background_new (GMainContext *context)
{
  AtlBackground *background = g_new0 (AtlBackground, 1);

  background->context = context ? context : g_main_context_default ();
  g_main_context_ref (background->context);
  background->source = source_new (background);
  pthread_mutex_init (&background->lock, NULL);
  pthread_cond_init (&background->wake, NULL);
  if (pthread_create (&background->thread, NULL, run_tasks, background) != 0)
    g_error ("The system gives no further thread");
  return background;
}

/* A task that never ran. */
static void
drop_pending (AtlBackground *background)
{
  Task *task;

  pthread_mutex_lock (&background->lock);
  task = g_steal_pointer (&background->pending);
  pthread_mutex_unlock (&background->lock);
  if (task)
    task_free (task);
}

void
atl_background_cancel (AtlBackground *background)
{
  if (background->wanted)
    g_cancellable_cancel (background->wanted->cancellable);
  background->wanted = NULL;
  drop_pending (background);
}

void
atl_background_start (AtlBackground *background, const AtlJobClass *class,
                      gpointer job)
{
  Task *task = g_new0 (Task, 1);

  background->n_tasks++;
  task->class = class;
  task->job = job;
  task->background = background;
  task->cancellable = g_cancellable_new ();
  atl_background_cancel (background);
  if (background->closed)
    {
      task_free (task);
      return;
    }
  background->wanted = task;
  pthread_mutex_lock (&background->lock);
  background->pending = task;
  pthread_cond_signal (&background->wake);
  pthread_mutex_unlock (&background->lock);
}

gboolean
atl_background_is_busy (const AtlBackground *background)
{
  return background->wanted != NULL;
}

void
atl_background_free (AtlBackground *background)
{
  if (!background)
    return;
  background->closed = TRUE;
  atl_background_cancel (background);
  pthread_mutex_lock (&background->lock);
  background->closing = TRUE;
  pthread_cond_signal (&background->wake);
  pthread_mutex_unlock (&background->lock);
  while (background->n_tasks > 0)
    g_main_context_iteration (background->context, TRUE);
  pthread_join (background->thread, NULL);
  g_source_destroy (background->source);
  g_source_unref (background->source);
  g_main_context_unref (background->context);
  pthread_mutex_destroy (&background->lock);
  pthread_cond_destroy (&background->wake);
  g_free (background);
}
