/* A training watched from a main loop, interrupted, found again and resumed. */

#include "train/job.h"

#include <math.h>

#include "scratch.h"
#include "train/pace.h"
#include "train/unfinished.h"

#define SIDE 48

static char *pairs_folder;

/* Four pairs: coloured noise and its negative. */
static void
make_pairs (void)
{
  g_autofree char *a = NULL, *b = NULL;

  pairs_folder = scratch_new_folder ();
  a = g_build_filename (pairs_folder, "A", NULL);
  b = g_build_filename (pairs_folder, "B", NULL);
  g_mkdir (a, 0700);
  g_mkdir (b, 0700);
  for (int i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("%d.png", i);
      g_autofree char *path_a = g_build_filename (a, name, NULL);
      g_autofree char *path_b = g_build_filename (b, name, NULL);
      g_autoptr (AtlPicture) picture
          = atl_picture_new (SIDE, SIDE, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);
      gsize n = picture->row_bytes * SIDE;

      for (gsize k = 0; k < n; k++)
        picture->pixels[k] = (guint8)((k * (gsize)(7 + i) + k / 29) % 251);
      g_assert_true (atl_picture_save (picture, path_a, NULL));
      for (gsize k = 0; k < n; k++)
        picture->pixels[k] = (guint8)(255 - picture->pixels[k]);
      g_assert_true (atl_picture_save (picture, path_b, NULL));
    }
}

static AtlTrainSettings *
make_settings (const char *output, gint64 steps, int measure_steps)
{
  static const char *const small[]
      = { "ngf=4", "ndf=4", "size=32", "batch=1", "load_threads=1" };
  AtlTrainSettings *s
      = atl_train_settings_new (ATL_TRAIN_PIX2PIX, "quick", NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (small); i++)
    g_assert_true (atl_train_settings_set (s, small[i], NULL));
  s->folder = g_strdup (pairs_folder);
  s->output = scratch_path (output);
  s->name = g_strdup ("Negative");
  s->steps = steps;
  s->measure_steps = measure_steps;
  s->measure_pairs = 1;
  s->threads = 2;
  return s;
}

/* --- A loop that watches --- */

typedef struct
{
  GMainLoop *loop;
  AtlTrainJob *job;
  GThread *thread;
  guint changes;
  gint64 pause_at, stop_at; /* steps; 0: never */
  gint64 paused_step;
  guint n_pauses;
} Watcher;

static gboolean
go_on_again (gpointer data)
{
  Watcher *w = data;

  /* Nothing has moved meanwhile. */
  g_assert_cmpint (atl_train_job_get_view (w->job)->step, ==, w->paused_step);
  atl_train_job_pause (w->job, FALSE);
  return G_SOURCE_REMOVE;
}

static void
see (gpointer data)
{
  Watcher *w = data;
  const AtlTrainView *view = atl_train_job_get_view (w->job);

  g_assert_true (g_thread_self () == w->thread);
  w->changes++;
  if (w->pause_at && view->step >= w->pause_at && view->state == ATL_JOB_RUNNING)
    {
      atl_train_job_pause (w->job, TRUE);
      w->pause_at = 0;
    }
  if (view->state == ATL_JOB_PAUSED && w->n_pauses == 0)
    {
      w->paused_step = view->step;
      w->n_pauses++;
      g_timeout_add (50, go_on_again, w);
    }
  if (w->stop_at && view->step >= w->stop_at)
    {
      atl_train_job_stop (w->job);
      g_assert_cmpint (view->state, >=, ATL_JOB_STOPPING);
    }
  if (view->state == ATL_JOB_ENDED)
    g_main_loop_quit (w->loop);
}

static AtlTrainJob *
watch (AtlTrainSettings *settings, gint64 pause_at, gint64 stop_at, Watcher *w)
{
  GError *error = NULL;

  *w = (Watcher){ .loop = g_main_loop_new (NULL, FALSE),
                  .thread = g_thread_self (),
                  .pause_at = pause_at,
                  .stop_at = stop_at };
  w->job = atl_train_job_new (settings, see, w, &error);
  g_assert_no_error (error);
  g_main_loop_run (w->loop);
  g_main_loop_unref (w->loop);
  return w->job;
}

static void
test_whole_run (void)
{
  Watcher w;
  g_autoptr (AtlTrainJob) job
      = watch (make_settings ("whole.safetensors", 40, 10), 0, 0, &w);
  const AtlTrainView *view = atl_train_job_get_view (job);
  g_autofree char *model = scratch_path ("whole.safetensors");

  g_assert_no_error (view->error);
  g_assert_true (view->result.finished);
  g_assert_cmpint (view->step, ==, 40);
  g_assert_cmpint (view->steps, ==, 40);
  g_assert_nonnull (view->figures);
  g_assert_cmpint (atl_series_get_n_points (view->figures), ==, 40);
  g_assert_cmpint (atl_series_get_step (view->figures, 39), ==, 40);
  g_assert_cmpstr (atl_series_get_name (view->figures, 0), ==, "L1");
  g_assert_cmpuint (view->measured->len, ==, 4);
  g_assert_nonnull (view->sheet);
  g_assert_cmpint (view->sheet_step, ==, 40);
  g_assert_cmpint (view->model_step, >, 0);
  g_assert_cmpuint (view->messages->len, >, 0);
  g_assert_cmpuint (w.changes, >, 0);
  g_assert_true (g_file_test (model, G_FILE_TEST_EXISTS));
}

static void
test_pause (void)
{
  Watcher w;
  g_autoptr (AtlTrainJob) job
      = watch (make_settings ("pause.safetensors", 60, 30), 10, 0, &w);
  const AtlTrainView *view = atl_train_job_get_view (job);

  g_assert_no_error (view->error);
  g_assert_cmpuint (w.n_pauses, ==, 1);
  g_assert_cmpint (w.paused_step, >=, 10);
  g_assert_cmpint (w.paused_step, <, 60);
  g_assert_true (view->result.finished);
}

static AtlUnfinished *
find_unfinished (const char *name, GPtrArray *list)
{
  for (guint i = 0; i < list->len; i++)
    {
      AtlUnfinished *u = list->pdata[i];
      g_autofree char *base = g_path_get_basename (u->output);

      if (strcmp (base, name) == 0)
        return u;
    }
  return NULL;
}

static void
test_stop_is_found_again (void)
{
  Watcher w;
  AtlTrainJob *job
      = watch (make_settings ("stopped.safetensors", 100000, 5), 0, 7, &w);
  const AtlTrainView *view = atl_train_job_get_view (job);
  g_autoptr (GPtrArray) list = atl_unfinished_list (scratch);
  AtlUnfinished *u = find_unfinished ("stopped.safetensors", list);
  AtlTrainSettings *settings;
  gint64 step = view->result.step;

  g_assert_no_error (view->error);
  g_assert_false (view->result.finished);
  atl_train_job_free (job);
  g_assert_nonnull (u);
  g_assert_cmpstr (u->name, ==, "Negative");
  g_assert_cmpstr (u->folder, ==, pairs_folder);
  g_assert_cmpstr (u->preset, ==, "quick");
  g_assert_cmpint (u->step, ==, step);
  g_assert_cmpint (u->steps, ==, 100000);
  /* The finished ones of before are not offered. */
  g_assert_null (find_unfinished ("whole.safetensors", list));

  settings = atl_unfinished_settings (u, NULL);
  g_assert_nonnull (settings);
  g_assert_true (settings->resume);
  settings->steps = step + 10;
  job = watch (settings, 0, 0, &w);
  view = atl_train_job_get_view (job);
  g_assert_no_error (view->error);
  g_assert_true (view->result.finished);
  g_assert_cmpint (view->first_step, ==, step);
  /* The plot begins where the training did. */
  g_assert_cmpint (atl_series_get_step (view->figures, 0), <, step);
  atl_train_job_free (job);

  g_assert_true (atl_unfinished_forget (u, NULL));
  g_assert_false (g_file_test (u->checkpoint, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (u->output, G_FILE_TEST_EXISTS));
}

typedef struct
{
  AtlTrainer *trainer;
  gulong delay;
} Stopper;

static gpointer
stop_later (gpointer data)
{
  Stopper *stopper = data;

  g_usleep (stopper->delay);
  atl_trainer_stop (stopper->trainer);
  return NULL;
}

static char *
digest_of (const char *name)
{
  g_autofree char *path = scratch_path (name);
  g_autofree char *bytes = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *)bytes, size);
}

/* Measuring after every step, so that most stops come in the middle of it. */
static void
test_stop_while_measuring_loses_nothing (void)
{
  Watcher w;
  g_autofree char *whole = NULL, *whole_history = NULL;
  g_autofree char *parts = NULL, *parts_history = NULL;
  gboolean finished = FALSE;
  int n_runs = 0;

  atl_train_job_free (watch (make_settings ("same.safetensors", 24, 1), 0, 0, &w));
  whole = digest_of ("same.safetensors");
  whole_history = digest_of ("same.report/history.csv");
  scratch_remove_tree (scratch);
  g_assert_cmpint (g_mkdir (scratch, 0700), ==, 0);

  while (!finished)
    {
      AtlTrainSettings *s = make_settings ("same.safetensors", 24, 1);
      AtlTrainResult result;
      GError *error = NULL;
      Stopper stopper = { NULL, 30000 + 7919 * (gulong)n_runs };
      GThread *thread;

      s->resume = n_runs > 0;
      stopper.trainer = atl_trainer_new (s, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      thread = g_thread_new ("stop", stop_later, &stopper);
      if (!atl_trainer_run (stopper.trainer, &result, &error))
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
      g_thread_join (thread);
      finished = result.finished;
      atl_trainer_free (stopper.trainer);
      g_assert_cmpint (++n_runs, <, 1000);
    }
  parts = digest_of ("same.safetensors");
  parts_history = digest_of ("same.report/history.csv");
  g_test_message ("%d runs", n_runs);
  g_assert_cmpint (n_runs, >, 1);
  g_assert_cmpstr (parts, ==, whole);
  g_assert_cmpstr (parts_history, ==, whole_history);
}

static void
try_second (gpointer data)
{
  Watcher *w = data;
  const AtlTrainView *view = atl_train_job_get_view (w->job);
  g_autoptr (GPtrArray) list = NULL;
  AtlTrainSettings *settings;
  AtlTrainer *second;
  AtlTrainResult result;
  GError *error = NULL;

  if (view->state == ATL_JOB_ENDED)
    g_main_loop_quit (w->loop);
  if (view->state != ATL_JOB_RUNNING || w->n_pauses++ > 0)
    return;
  list = atl_unfinished_list (scratch);
  g_assert_null (find_unfinished ("one.safetensors", list));
  settings = make_settings ("one.safetensors", 10, 5);
  second = atl_trainer_new (settings, NULL, NULL, NULL, NULL);
  g_assert_false (atl_trainer_run (second, &result, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, "one.safetensors");
  atl_trainer_free (second);
  atl_train_job_stop (w->job);
}

static void
test_one_training_an_output (void)
{
  Watcher w = { .loop = g_main_loop_new (NULL, FALSE) };

  w.job = atl_train_job_new (make_settings ("one.safetensors", 100000, 50),
                             try_second, &w, NULL);
  g_main_loop_run (w.loop);
  g_assert_cmpuint (w.n_pauses, ==, 1);
  g_assert_no_error (atl_train_job_get_view (w.job)->error);
  atl_train_job_free (w.job);
  g_main_loop_unref (w.loop);
}

static void
test_free_while_running (void)
{
  AtlTrainJob *job;
  Watcher w = { 0 };

  job = atl_train_job_new (make_settings ("free.safetensors", 100000, 50), see, &w,
                           NULL);
  g_usleep (100000);
  atl_train_job_free (job);
  /* Nothing comes any more. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (w.changes, ==, 0);
}

static void
test_error_reaches_the_view (void)
{
  AtlTrainSettings *settings = make_settings ("error.safetensors", 10, 5);
  Watcher w;
  AtlTrainJob *job;

  g_free (settings->folder);
  settings->folder = g_strdup ("/nowhere/at all");
  job = watch (settings, 0, 0, &w);
  g_assert_error (atl_train_job_get_view (job)->error, ATELIER_ERROR,
                  ATELIER_ERROR_FILE);
  atl_train_job_free (job);
}

/* --- Settings, series, pace --- */

static void
test_settings_come_back (void)
{
  static const char *const presets[] = { "quick", "standard", "full" };

  for (int kind = 0; kind < 2; kind++)
    for (guint p = 0; p < G_N_ELEMENTS (presets); p++)
      {
        g_autoptr (AtlTrainSettings) s
            = atl_train_settings_new ((AtlTrainKind)kind, presets[p], NULL, NULL);
        g_autoptr (AtlTrainSettings) back = NULL;
        g_autofree char *text = NULL;

        g_assert_true (atl_train_settings_set (s, "seed=77", NULL));
        g_assert_true (atl_train_settings_set (s, "lr=0.000123", NULL));
        g_assert_true (atl_train_settings_set (s, "flip=no", NULL));
        g_assert_true (atl_train_settings_set (s, "suffix_a=_x", NULL));
        g_assert_true (atl_train_settings_set (s, "size=72", NULL));
        if (kind == ATL_TRAIN_PIX2PIX)
          {
            s->b_to_a = TRUE;
            s->corrupt = g_strdup ("noise:5-20");
            g_assert_true (atl_train_settings_set (s, "train_dropout=no", NULL));
          }
        g_assert_true (atl_train_settings_check (s, NULL));
        text = atl_train_settings_to_text (s);
        /* Whatever the preset that is said: the text goes before it. */
        back = atl_train_settings_from_text (text, "quick", NULL);
        g_assert_nonnull (back);
        g_assert_true (atl_train_settings_compare (back, text, NULL));
      }
}

static void
test_series_keeps_means (void)
{
  const char *const names[] = { "a", "b" };
  g_autoptr (AtlSeries) series = atl_series_new (names, 2);
  const int n = 5000;
  double sum = 0;
  gint64 last = 0;

  for (int i = 1; i <= n; i++)
    {
      const double values[2] = { i, i % 2 ? NAN : 3 };

      atl_series_add (series, i, values);
    }
  g_assert_cmpint (atl_series_get_n_points (series), <=, ATL_SERIES_MAX_POINTS);
  g_assert_cmpint (atl_series_get_n_points (series), >, ATL_SERIES_MAX_POINTS / 2);
  for (int i = 0; i < atl_series_get_n_points (series); i++)
    {
      gint64 step = atl_series_get_step (series, i);

      sum += atl_series_get_value (series, i, 0) * (double)(step - last);
      g_assert_cmpfloat (atl_series_get_value (series, i, 1), ==, 3);
      last = step;
    }
  g_assert_cmpint (last, ==, n);
  g_assert_cmpfloat (sum, ==, 0.5 * n * (n + 1));
}

static void
test_pace_is_measured_once (void)
{
  AtlTrainSettings *s = make_settings ("pace.safetensors", 10, 5);
  AtlForecast first, second;
  GError *error = NULL;

  g_assert_true (atl_train_settings_check (s, NULL));
  g_assert_true (atl_pace_forecast (s, NULL, &first, &error));
  g_assert_no_error (error);
  g_assert_cmpint (first.n_steps, >, 0);
  g_assert_cmpfloat (first.seconds, >, 0);
  g_assert_true (atl_pace_forecast (s, NULL, &second, &error));
  g_assert_cmpint (second.n_steps, ==, 0);
  g_assert_cmpfloat (second.seconds, ==, first.seconds);
  g_assert_cmpuint (second.bytes, ==, first.bytes);
  atl_pace_note (s, 12.5);
  g_assert_true (atl_pace_forecast (s, NULL, &second, &error));
  g_assert_cmpfloat (second.seconds, ==, 12.5);
  /* Another size is another pace. */
  s->size = 40;
  g_assert_true (atl_pace_forecast (s, NULL, &second, &error));
  g_assert_cmpint (second.n_steps, >, 0);
  atl_train_settings_free (s);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_open ();
  g_setenv ("XDG_CACHE_HOME", scratch, TRUE);
  make_pairs ();
  g_test_add_func ("/job/whole-run", test_whole_run);
  g_test_add_func ("/job/pause-and-continue", test_pause);
  g_test_add_func ("/job/stop-is-found-again-and-resumed",
                   test_stop_is_found_again);
  g_test_add_func ("/job/one-training-an-output", test_one_training_an_output);
  g_test_add_func ("/job/free-while-running", test_free_while_running);
  g_test_add_func ("/job/error-reaches-the-view", test_error_reaches_the_view);
  g_test_add_func ("/job/pace-is-measured-once", test_pace_is_measured_once);
  g_test_add_func ("/job/settings-come-back", test_settings_come_back);
  g_test_add_func ("/job/series-keeps-means", test_series_keeps_means);
  g_test_add_func ("/job/stop-while-measuring-loses-nothing",
                   test_stop_while_measuring_loses_nothing);
  status = g_test_run ();
  scratch_remove_tree (scratch);
  g_clear_pointer (&scratch, g_free);
  scratch_remove_tree (pairs_folder);
  g_free (pairs_folder);
  return status;
}
