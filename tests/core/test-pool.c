/* The thread pool; meant for the thread sanitizer too. */

#include "base/pool.h"

#include <stdatomic.h>

#define MAX_TASKS 2000
#define MAX_THREADS 9

typedef struct
{
  AtlPool *pool;
  atomic_int done[MAX_TASKS];   /* how often each task ran */
  atomic_int busy[MAX_THREADS]; /* tasks now on each worker */
  int plain[MAX_TASKS];         /* written without atomics: the run orders it */
  atomic_int failures;
} Record;

static void
record_task (gpointer data, gint64 task, int worker)
{
  Record *r = data;

  if (worker < 0 || worker >= atl_pool_get_n_threads (r->pool))
    r->failures++;
  else if (atomic_fetch_add (&r->busy[worker], 1) != 0)
    r->failures++;
  r->done[task]++;
  r->plain[task]++;
  atomic_fetch_sub (&r->busy[worker], 1);
}

static void
test_once (void)
{
  const gint64 sizes[] = { 0, 1, 2, 3, 7, 64, 1000, MAX_TASKS };

  for (int n_threads = 1; n_threads < MAX_THREADS; n_threads++)
    {
      g_autoptr (AtlPool) pool = atl_pool_new (n_threads);

      g_assert_cmpint (atl_pool_get_n_threads (pool), ==, n_threads);
      for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
        {
          Record *r = g_new0 (Record, 1);

          r->pool = pool;
          atl_pool_run (pool, sizes[i], record_task, r);
          for (int t = 0; t < MAX_TASKS; t++)
            {
              g_assert_cmpint (r->done[t], ==, t < sizes[i]);
              g_assert_cmpint (r->plain[t], ==, t < sizes[i]);
            }
          g_assert_cmpint (r->failures, ==, 0);
          g_free (r);
        }
    }
}

/* Many short runs, with pauses now and then in which workers fall asleep. */
static void
test_many_runs (void)
{
  for (int n_threads = 2; n_threads <= 5; n_threads++)
    {
      g_autoptr (AtlPool) pool = atl_pool_new (n_threads);
      Record *r = g_new0 (Record, 1);
      const int n_runs = g_test_slow () ? 20000 : 3000;
      int expected[8] = { 0 };

      r->pool = pool;
      for (int run = 0; run < n_runs; run++)
        {
          const int n_tasks = g_test_rand_int_range (0, 9);

          atl_pool_run (pool, n_tasks, record_task, r);
          for (int t = 0; t < n_tasks; t++)
            expected[t]++;
          if (run % 300 == 299)
            g_usleep (1000);
        }
      for (int t = 0; t < 8; t++)
        {
          g_assert_cmpint (r->done[t], ==, expected[t]);
          g_assert_cmpint (r->plain[t], ==, expected[t]);
        }
      g_assert_cmpint (r->failures, ==, 0);
      g_free (r);
    }
}

typedef struct
{
  AtlPool *pool;
  atomic_int n_inner;
  atomic_int failures;
} Nest;

typedef struct
{
  Nest *nest;
  int worker;
} Inner;

static void
inner_task (gpointer data, gint64 task, int worker)
{
  Inner *inner = data;

  inner->nest->n_inner++;
  if (worker != inner->worker)
    inner->nest->failures++;
}

static void
outer_task (gpointer data, gint64 task, int worker)
{
  Nest *nest = data;
  Inner inner = { nest, worker };

  atl_pool_run (nest->pool, 5, inner_task, &inner);
}

static void
test_nested (void)
{
  g_autoptr (AtlPool) pool = atl_pool_new (3);
  Nest nest = { .pool = pool };

  atl_pool_run (pool, 20, outer_task, &nest);
  g_assert_cmpint (nest.n_inner, ==, 100);
  g_assert_cmpint (nest.failures, ==, 0);
}

typedef struct
{
  AtlPool *pool;
  int sum; /* atomic: runs of which every task was done */
} Shared;

static void
shared_task (gpointer data, gint64 task, int worker)
{
  atomic_int *in_run = data;

  (*in_run)++;
}

static gpointer
shared_thread (gpointer data)
{
  Shared *shared = data;

  for (int i = 0; i < 200; i++)
    {
      atomic_int n = 0;

      atl_pool_run (shared->pool, 6, shared_task, &n);
      if (n == 6)
        g_atomic_int_inc (&shared->sum);
    }
  return NULL;
}

static void
test_several_callers (void)
{
  g_autoptr (AtlPool) pool = atl_pool_new (3);
  Shared shared = { pool, 0 };
  GThread *threads[4];

  for (int i = 0; i < 4; i++)
    threads[i] = g_thread_new ("caller", shared_thread, &shared);
  for (int i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (shared.sum, ==, 800);
}

/* A task of one pool may use another. */
static void
two_pools_task (gpointer data, gint64 task, int worker)
{
  Shared *shared = data;
  atomic_int n = 0;

  atl_pool_run (shared->pool, 4, shared_task, &n);
  if (n == 4)
    g_atomic_int_inc (&shared->sum);
}

static void
test_two_pools (void)
{
  g_autoptr (AtlPool) outer = atl_pool_new (3);
  g_autoptr (AtlPool) inner = atl_pool_new (2);
  Shared shared = { inner, 0 };

  atl_pool_run (outer, 30, two_pools_task, &shared);
  g_assert_cmpint (shared.sum, ==, 30);
}

static void
test_default_size (void)
{
  g_autoptr (AtlPool) pool = atl_pool_new (0);

  g_assert_cmpint (atl_pool_get_n_threads (pool), >=, 1);
  g_assert_cmpint (atl_pool_get_n_threads (pool), <=, g_get_num_processors ());
  atl_pool_free (NULL);
}

/* Made and freed at once: no worker is left behind or waited for in vain. */
static void
test_short_lives (void)
{
  for (int i = 0; i < 200; i++)
    {
      AtlPool *pool = atl_pool_new (1 + i % 6);
      atomic_int n = 0;

      if (i % 3)
        atl_pool_run (pool, i % 7, shared_task, &n);
      atl_pool_free (pool);
      g_assert_cmpint (n, ==, i % 3 ? i % 7 : 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pool/every-task-once-and-one-per-worker", test_once);
  g_test_add_func ("/pool/many-runs-after-each-other", test_many_runs);
  g_test_add_func ("/pool/nested-runs-stay-on-their-worker", test_nested);
  g_test_add_func ("/pool/callers-wait-for-each-other", test_several_callers);
  g_test_add_func ("/pool/a-task-may-use-another-pool", test_two_pools);
  g_test_add_func ("/pool/default-size-is-what-we-may-use", test_default_size);
  g_test_add_func ("/pool/short-lives", test_short_lives);
  return g_test_run ();
}
