/* One pool of persistent worker threads, and a parallel for.
 *
 * A run is published in `state`: its number, whether it is open, and how many
 * workers are inside.  Workers that arrive while it is open join it and claim
 * tasks with an atomic counter; the caller, worker 0, does the same, then
 * closes the run and waits for those inside only: a worker that is still
 * asleep is not waited for.  Whoever waits spins for a short while before it
 * sleeps, unless there are more threads than processors.  The locks are those of
 * POSIX, not GLib's, because the thread sanitizer sees through them.
 */

#define _GNU_SOURCE

#include "base/pool.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define SPIN_MICROSECONDS 80
#define MAX_THREADS 1024

#define INSIDE_MASK 0xffffu /* workers in the run */
#define OPEN 0x10000u
#define RUN_SHIFT 32 /* the run's number */

typedef struct
{
  AtlPool *pool;
  int index;
  GThread *thread;
} Worker;

struct _AtlPool
{
  int n_threads;
  gboolean spin;
  Worker *workers; /* [n_threads]; 0 is whoever calls */

  pthread_mutex_t run_mutex; /* one run at a time */
  AtlTask task;              /* of the run that is open */
  gpointer data;
  gint64 n_tasks;

  pthread_mutex_t sleep_mutex;
  pthread_cond_t wake_workers;
  pthread_cond_t wake_caller;
  atomic_int sleepers;
  atomic_bool caller_sleeps;
  atomic_bool quit;

  _Alignas (64) _Atomic guint64 state;
  _Alignas (64) _Atomic gint64 next;
};

/* Which pool's task this thread is in, and as which worker. */
static _Thread_local AtlPool *current_pool;
static _Thread_local int current_worker;

static void
relax (void)
{
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause ();
#elif defined __aarch64__
  __asm__ volatile ("yield");
#endif
}

/* Processors that a control group's quota pays for; G_MAXINT without one. */
static int
quota_processors (void)
{
  FILE *file = fopen ("/sys/fs/cgroup/cpu.max", "re");
  double quota = 0, period = 0;
  int n = 0;

  if (!file)
    return G_MAXINT;
  n = fscanf (file, "%lf %lf", &quota, &period);
  fclose (file);
  if (n != 2 || quota <= 0 || period <= 0)
    return G_MAXINT;
  return MAX (1, (int)MIN (ceil (quota / period), MAX_THREADS));
}

static int
usable_processors (void)
{
  cpu_set_t set;
  int n;

  if (sched_getaffinity (0, sizeof set, &set) == 0)
    n = CPU_COUNT (&set);
  else
    n = g_get_num_processors ();
  return CLAMP (n, 1, quota_processors ());
}

static void
run_tasks (AtlPool *pool, int worker)
{
  AtlPool *outer_pool = current_pool;
  const int outer_worker = current_worker;
  gint64 i;

  current_pool = pool;
  current_worker = worker;
  while ((i = atomic_fetch_add_explicit (&pool->next, 1, memory_order_relaxed))
         < pool->n_tasks)
    pool->task (pool->data, i, worker);
  current_pool = outer_pool;
  current_worker = outer_worker;
}

static gboolean
has_news (AtlPool *pool, guint64 seen)
{
  return atomic_load (&pool->state) >> RUN_SHIFT != seen
         || atomic_load (&pool->quit);
}

static gboolean
is_empty (AtlPool *pool)
{
  return (atomic_load (&pool->state) & INSIDE_MASK) == 0;
}

static void
wait_for_news (AtlPool *pool, guint64 seen)
{
  if (pool->spin)
    {
      const gint64 end = g_get_monotonic_time () + SPIN_MICROSECONDS;

      do
        for (int i = 0; i < 32; i++)
          {
            if (has_news (pool, seen))
              return;
            relax ();
          }
      while (g_get_monotonic_time () < end);
    }
  pthread_mutex_lock (&pool->sleep_mutex);
  atomic_fetch_add (&pool->sleepers, 1);
  while (!has_news (pool, seen))
    pthread_cond_wait (&pool->wake_workers, &pool->sleep_mutex);
  atomic_fetch_sub (&pool->sleepers, 1);
  pthread_mutex_unlock (&pool->sleep_mutex);
}

/* Joins the run that is open, if one is: its number is in *seen either way. */
static gboolean
join (AtlPool *pool, guint64 *seen)
{
  guint64 state = atomic_load (&pool->state);

  do
    {
      *seen = state >> RUN_SHIFT;
      if (!(state & OPEN))
        return FALSE;
    }
  while (!atomic_compare_exchange_weak (&pool->state, &state, state + 1));
  return TRUE;
}

static void
leave (AtlPool *pool)
{
  const guint64 before = atomic_fetch_sub (&pool->state, 1);

  if ((before & INSIDE_MASK) == 1 && !(before & OPEN)
      && atomic_load (&pool->caller_sleeps))
    {
      pthread_mutex_lock (&pool->sleep_mutex);
      pthread_cond_signal (&pool->wake_caller);
      pthread_mutex_unlock (&pool->sleep_mutex);
    }
}

static gpointer
worker_main (gpointer data)
{
  Worker *worker = data;
  AtlPool *pool = worker->pool;
  guint64 seen = 0;

  while (TRUE)
    {
      wait_for_news (pool, seen);
      if (atomic_load (&pool->quit))
        return NULL;
      if (join (pool, &seen))
        {
          run_tasks (pool, worker->index);
          leave (pool);
        }
    }
}

AtlPool *
atl_pool_new (int n_threads)
{
  const int n_processors = usable_processors ();
  AtlPool *pool = g_aligned_alloc0 (1, sizeof (AtlPool), 64);

  openblas_set_num_threads (1);
  if (n_threads <= 0)
    n_threads = n_processors;
  n_threads = MIN (n_threads, MAX_THREADS);
  pool->spin = n_threads <= n_processors;
  pool->workers = g_new0 (Worker, n_threads);
  pthread_mutex_init (&pool->run_mutex, NULL);
  pthread_mutex_init (&pool->sleep_mutex, NULL);
  pthread_cond_init (&pool->wake_workers, NULL);
  pthread_cond_init (&pool->wake_caller, NULL);
  for (pool->n_threads = 1; pool->n_threads < n_threads; pool->n_threads++)
    {
      Worker *worker = &pool->workers[pool->n_threads];

      worker->pool = pool;
      worker->index = pool->n_threads;
      worker->thread = g_thread_try_new ("atelier", worker_main, worker, NULL);
      if (!worker->thread)
        break;
    }
  return pool;
}

void
atl_pool_free (AtlPool *pool)
{
  if (!pool)
    return;
  pthread_mutex_lock (&pool->sleep_mutex);
  atomic_store (&pool->quit, TRUE);
  pthread_cond_broadcast (&pool->wake_workers);
  pthread_mutex_unlock (&pool->sleep_mutex);
  for (int i = 1; i < pool->n_threads; i++)
    g_thread_join (pool->workers[i].thread);
  pthread_cond_destroy (&pool->wake_caller);
  pthread_cond_destroy (&pool->wake_workers);
  pthread_mutex_destroy (&pool->sleep_mutex);
  pthread_mutex_destroy (&pool->run_mutex);
  g_free (pool->workers);
  g_aligned_free (pool);
}

int
atl_pool_get_n_threads (const AtlPool *pool)
{
  return pool->n_threads;
}

/* Opens a run for those who spin, and wakes as many others as there is work
 * for. */
static void
open_run (AtlPool *pool)
{
  const guint64 run = (atomic_load (&pool->state) >> RUN_SHIFT) + 1;

  atomic_store_explicit (&pool->next, 0, memory_order_relaxed);
  atomic_store (&pool->state, run << RUN_SHIFT | OPEN);
  if (atomic_load (&pool->sleepers) > 0)
    {
      pthread_mutex_lock (&pool->sleep_mutex);
      if (pool->n_tasks >= pool->n_threads)
        pthread_cond_broadcast (&pool->wake_workers);
      else
        for (gint64 i = 1; i < pool->n_tasks; i++)
          pthread_cond_signal (&pool->wake_workers);
      pthread_mutex_unlock (&pool->sleep_mutex);
    }
}

/* Nobody enters any more; waits until nobody is inside. */
static void
close_run (AtlPool *pool)
{
  gint64 end = 0;

  atomic_fetch_and (&pool->state, ~(guint64)OPEN);
  while (pool->spin && !is_empty (pool))
    {
      relax ();
      if (end == 0)
        end = g_get_monotonic_time () + SPIN_MICROSECONDS;
      else if (g_get_monotonic_time () >= end)
        break;
    }
  if (is_empty (pool))
    return;
  pthread_mutex_lock (&pool->sleep_mutex);
  atomic_store (&pool->caller_sleeps, TRUE);
  while (!is_empty (pool))
    pthread_cond_wait (&pool->wake_caller, &pool->sleep_mutex);
  atomic_store (&pool->caller_sleeps, FALSE);
  pthread_mutex_unlock (&pool->sleep_mutex);
}

void
atl_pool_run (AtlPool *pool, gint64 n_tasks, AtlTask task, gpointer data)
{
  if (n_tasks <= 0)
    return;
  if (current_pool == pool) /* called from one of its tasks */
    {
      for (gint64 i = 0; i < n_tasks; i++)
        task (data, i, current_worker);
      return;
    }
  pthread_mutex_lock (&pool->run_mutex);
  pool->task = task;
  pool->data = data;
  pool->n_tasks = n_tasks;
  if (pool->n_threads > 1 && n_tasks > 1)
    {
      open_run (pool);
      run_tasks (pool, 0);
      close_run (pool);
    }
  else
    {
      atomic_store_explicit (&pool->next, 0, memory_order_relaxed);
      run_tasks (pool, 0);
    }
  pthread_mutex_unlock (&pool->run_mutex);
}
