/* Work that is replaced by newer work: what was started last is done, nothing
 * else is reported, nothing leaks or hangs. */

#include "background.h"

/* GLib is not instrumented, so that its own locks are not seen. */
#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions (void);

const char *
__tsan_default_suppressions (void)
{
  return "called_from_lib:libglib-2.0.so";
}
#endif

#define CYCLES 10000
#define STEP_US 20
#define PATIENCE (10 * G_USEC_PER_SEC)

typedef struct
{
  int number;
  int steps;      /* of STEP_US; G_MAXINT: it runs until it is cancelled */
  gboolean hands; /* asks for something to be done in the owner's context */
  gboolean fails;
  gint asked; /* atomic: 1 asked, 2 done */
} Job;

static gint n_begun; /* atomic */
static int n_made, n_freed, n_done, n_advanced, last_done;
static char *last_error;

static Job *
job_new (int steps)
{
  Job *job = g_new0 (Job, 1);

  job->number = ++n_made;
  job->steps = steps;
  return job;
}

static void
job_free (gpointer data)
{
  n_freed++;
  g_free (data);
}

static gboolean
serve (gpointer data)
{
  Job *job = data;

  g_atomic_int_set (&job->asked, 2);
  return G_SOURCE_REMOVE;
}

/* As pixels are read: whoever asks waits until the main loop has served it. */
static void
hand_over (Job *job)
{
  g_atomic_int_set (&job->asked, 1);
  g_idle_add_full (G_PRIORITY_HIGH, serve, job, NULL);
  while (g_atomic_int_get (&job->asked) != 2)
    g_usleep (STEP_US);
}

static gboolean
run (gpointer data, const AtlProgress *progress, GError **error)
{
  Job *job = data;

  g_atomic_int_inc (&n_begun);
  if (job->hands)
    hand_over (job);
  for (int i = 0; i < job->steps; i++)
    {
      if (!atl_progress_update (progress, (double)i / job->steps, NULL, error))
        return FALSE;
      g_usleep (STEP_US);
    }
  if (job->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "it failed");
  return !job->fails;
}

static void
advanced (gpointer data, double fraction)
{
  g_assert_cmpfloat (fraction, >=, 0);
  g_assert_cmpfloat (fraction, <, 1);
  n_advanced++;
}

static void
done (gpointer data, const GError *error)
{
  const Job *job = data;

  n_done++;
  last_done = job->number;
  g_free (last_error);
  last_error = error ? g_strdup (error->message) : NULL;
}

static const AtlJobClass class = { run, advanced, done, job_free };

static void
reset (void)
{
  g_atomic_int_set (&n_begun, 0);
  n_made = n_freed = n_done = n_advanced = last_done = 0;
  g_clear_pointer (&last_error, g_free);
}

static void
wait_until_idle (AtlBackground *background)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (atl_background_is_busy (background))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_main_context_iteration (NULL, FALSE);
    }
}

static int
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  int n = 0;

  while (dir && g_dir_read_name (dir))
    n++;
  return n;
}

static void
test_last_wins (void)
{
  AtlBackground *background = atl_background_new (NULL);

  reset ();
  for (int i = 0; i < 100; i++)
    atl_background_start (background, &class, job_new (i < 99 ? 100 : 2000));
  g_assert_true (atl_background_is_busy (background));
  wait_until_idle (background);
  g_assert_cmpint (last_done, ==, 100);
  g_assert_cmpint (n_done, ==, 1);
  g_assert_cmpint (n_advanced, >, 0);
  atl_background_free (background);
  g_assert_cmpint (n_freed, ==, n_made);
}

static void
test_error (void)
{
  AtlBackground *background = atl_background_new (NULL);
  Job *job;

  reset ();
  job = job_new (1);
  job->fails = TRUE;
  atl_background_start (background, &class, job);
  wait_until_idle (background);
  g_assert_cmpstr (last_error, ==, "it failed");
  atl_background_start (background, &class, job_new (1));
  wait_until_idle (background);
  g_assert_null (last_error);
  atl_background_free (background);
  g_assert_cmpint (n_freed, ==, n_made);
}

static void
test_cancelled_is_silent (void)
{
  AtlBackground *background = atl_background_new (NULL);

  reset ();
  atl_background_start (background, &class, job_new (1));
  /* Time for it to end unseen: its report is on the way when it is cancelled. */
  g_usleep (20000);
  atl_background_cancel (background);
  g_assert_false (atl_background_is_busy (background));
  for (int i = 0; i < 100; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (n_done, ==, 0);
  g_assert_cmpint (n_freed, ==, 1);
  atl_background_free (background);
}

/* The thread waits for the context while the context waits for the thread. */
static void
test_free_serves (void)
{
  AtlBackground *background = atl_background_new (NULL);
  Job *job;

  reset ();
  job = job_new (0);
  job->hands = TRUE;
  atl_background_start (background, &class, job);
  while (g_atomic_int_get (&job->asked) == 0)
    g_usleep (STEP_US);
  atl_background_free (background);
  g_assert_cmpint (n_freed, ==, 1);
  g_assert_cmpint (n_done, ==, 0);
}

static void
test_stop_is_prompt (void)
{
  AtlBackground *background = atl_background_new (NULL);
  gint64 began;

  reset ();
  atl_background_start (background, &class, job_new (G_MAXINT));
  while (n_advanced == 0)
    g_main_context_iteration (NULL, TRUE);
  began = g_get_monotonic_time ();
  atl_background_free (background);
  g_assert_cmpint (g_get_monotonic_time () - began, <, G_USEC_PER_SEC / 2);
  g_assert_cmpint (n_freed, ==, n_made);
}

/* Until a run has begun, serving those before it. */
static void
wait_until_begun (int begun)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (g_atomic_int_get (&n_begun) == begun)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (STEP_US);
    }
}

static void
test_cycles (void)
{
  AtlBackground *background = atl_background_new (NULL);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  int threads = count_threads ();

  reset ();
  for (int i = 0; i < CYCLES; i++)
    {
      Job *job = job_new (g_rand_int_range (random, 0, 4) ? G_MAXINT : 2);
      int begun = g_atomic_int_get (&n_begun);

      job->hands = g_rand_int_range (random, 0, 3) == 0;
      atl_background_start (background, &class, job);
      if (g_rand_boolean (random))
        wait_until_begun (begun);
      for (int k = g_rand_int_range (random, 0, 4); k > 0; k--)
        g_main_context_iteration (NULL, FALSE);
      if (g_rand_boolean (random))
        atl_background_cancel (background);
    }
  g_test_message ("%d of %d ran", g_atomic_int_get (&n_begun), CYCLES);
  g_assert_cmpint (g_atomic_int_get (&n_begun), >, CYCLES / 2);
  g_assert_cmpint (count_threads (), <=, threads);
  atl_background_start (background, &class, job_new (1));
  wait_until_idle (background);
  g_assert_cmpint (last_done, ==, CYCLES + 1);
  atl_background_free (background);
  g_assert_cmpint (n_freed, ==, CYCLES + 1);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/background/last-wins", test_last_wins);
  g_test_add_func ("/background/error", test_error);
  g_test_add_func ("/background/cancelled-is-silent", test_cancelled_is_silent);
  g_test_add_func ("/background/free-serves-the-thread", test_free_serves);
  g_test_add_func ("/background/stop-is-prompt", test_stop_is_prompt);
  g_test_add_func ("/background/ten-thousand-cycles", test_cycles);
  status = g_test_run ();
  reset ();
  return status;
}
