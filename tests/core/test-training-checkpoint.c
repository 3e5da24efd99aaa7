/* Training checkpoints as files, and a run that is killed, stopped, starved of
 * disk or given something wrong. */

#include "train/trainer.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/random.h"
#include "full-disk.h"
#include "scratch.h"
#include "train/checkpoint.h"

static const char *program; /* this one: it runs itself to be killed */

/* --- The file --- */

static void
test_everything_comes_back (void)
{
  g_autofree char *dir = scratch_new_folder ();
  g_autofree char *path = g_build_filename (dir, "a.checkpoint", NULL);
  const float floats[] = { 1.5f, -0.0f, 1e-40f, 3e38f };
  const double doubles[] = { G_PI, 1e-300 };
  float f[4];
  double d[2], number;
  GError *error = NULL;
  AtlCheckpoint *c = atl_training_checkpoint_new ();

  atl_training_checkpoint_add_floats (c, "f", 4, floats);
  atl_training_checkpoint_add_doubles (c, "d", 2, doubles);
  atl_training_checkpoint_set_string (c, "text", "a\nb=\"c\" \303\244");
  atl_training_checkpoint_set_number (c, "number", 0.1);
  g_assert_true (atl_training_checkpoint_write (c, path, &error));
  atl_training_checkpoint_free (c);

  c = atl_training_checkpoint_read (path, &error);
  g_assert_no_error (error);
  g_assert_true (atl_training_checkpoint_get_floats (c, "f", 4, f, &error));
  g_assert_true (atl_training_checkpoint_get_doubles (c, "d", 2, d, &error));
  g_assert_cmpmem (f, sizeof f, floats, sizeof floats);
  g_assert_cmpmem (d, sizeof d, doubles, sizeof doubles);
  g_assert_true (atl_training_checkpoint_get_number (c, "number", &number, &error));
  g_assert_true (number == 0.1);
  g_assert_cmpstr (atl_training_checkpoint_get_string (c, "text", &error), ==,
                   "a\nb=\"c\" \303\244");

  g_assert_false (atl_training_checkpoint_get_floats (c, "f", 3, f, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT);
  g_clear_error (&error);
  g_assert_false (atl_training_checkpoint_get_doubles (c, "f", 4, d, &error));
  g_clear_error (&error);
  g_assert_false (atl_training_checkpoint_get_number (c, "text", &number, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT);
  g_clear_error (&error);
  g_assert_null (atl_training_checkpoint_get_string (c, "none", &error));
  g_assert_nonnull (strstr (error->message, "a.checkpoint"));
  g_clear_error (&error);
  atl_training_checkpoint_free (c);
  scratch_remove_tree (dir);
}

static void
test_damage_is_refused_by_name (void)
{
  g_autofree char *dir = scratch_new_folder ();
  g_autofree char *path = g_build_filename (dir, "b.checkpoint", NULL);
  const float floats[64] = { 0 };
  AtlCheckpoint *c = atl_training_checkpoint_new ();
  GError *error = NULL;
  char *bytes;
  gsize size;

  atl_training_checkpoint_add_floats (c, "f", 64, floats);
  g_assert_true (atl_training_checkpoint_write (c, path, &error));
  atl_training_checkpoint_free (c);
  g_assert_true (g_file_get_contents (path, &bytes, &size, &error));
  for (gsize cut = 0; cut < size; cut += 13)
    {
      g_assert_true (g_file_set_contents (path, bytes, (gssize)cut, &error));
      g_assert_null (atl_training_checkpoint_read (path, &error));
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, "b.checkpoint"));
      g_clear_error (&error);
    }
  g_free (bytes);
  scratch_remove_tree (dir);
}

/* --- Runs --- */

typedef struct
{
  char *dir, *pictures, *output;
} Place;

static void
make_picture (const char *path, int width, int height, guint64 seed)
{
  AtlPicture *p
      = atl_picture_new (width, height, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);
  float *pixels = g_new (float, width *height * 3);
  AtlRandom random;
  float a;
  GError *error = NULL;

  atl_random_init (&random, seed, 0);
  a = 6 * atl_random_uniform (&random);
  for (int i = 0; i < width * height * 3; i++)
    pixels[i] = 0.5f
                + 0.3f * sinf (a + 0.1f * (float)(i / 3 % width) + (float)(i % 3))
                + 0.1f * atl_random_uniform (&random);
  atl_picture_set (p, 0, 0, width, height, 3, pixels, 3, 3 * (gsize)width);
  atl_picture_save (p, path, &error);
  g_assert_no_error (error);
  atl_picture_free (p);
  g_free (pixels);
}

static void
make_place (Place *place)
{
  place->dir = scratch_new_folder ();
  place->pictures = g_build_filename (place->dir, "pictures", NULL);
  place->output = g_build_filename (place->dir, "m.safetensors", NULL);
  g_assert_cmpint (g_mkdir (place->pictures, 0777), ==, 0);
  for (int i = 0; i < 10; i++)
    {
      g_autofree char *name = g_strdup_printf ("p%d.png", i);
      g_autofree char *path = g_build_filename (place->pictures, name, NULL);

      make_picture (path, 50, 40, (guint64)i);
    }
}

static void
clear_place (Place *place)
{
  scratch_remove_tree (place->dir);
  g_free (place->dir);
  g_free (place->pictures);
  g_free (place->output);
}

static AtlTrainSettings *
settings_for (AtlTrainKind kind, const char *pictures, const char *output)
{
  static const char *const vqvae[]
      = { "hidden=16",     "codes=16",        "code_dim=8",
          "stages=2",      "zero_code=yes",   "downsample=4",
          "unquantised=5", "linear_skip=yes", "rate_to=0.05" };
  static const char *const pix2pix[]
      = { "ngf=8", "ndf=8", "n_layers=1", "ema=0.9" };
  static const char *const both[]
      = { "steps=24",        "size=32",  "batch=2",  "seed=5",
          "measure_steps=8", "lr=0.002", "name=test" };
  GError *error = NULL;
  AtlTrainSettings *s = atl_train_settings_new (
      kind, NULL, kind == ATL_TRAIN_VQVAE ? "vqvae" : "unet_32", &error);

  g_assert_no_error (error);
  for (guint i = 0; kind == ATL_TRAIN_VQVAE && i < G_N_ELEMENTS (vqvae); i++)
    g_assert_true (atl_train_settings_set (s, vqvae[i], &error));
  for (guint i = 0; kind == ATL_TRAIN_PIX2PIX && i < G_N_ELEMENTS (pix2pix); i++)
    g_assert_true (atl_train_settings_set (s, pix2pix[i], &error));
  for (guint i = 0; i < G_N_ELEMENTS (both); i++)
    g_assert_true (atl_train_settings_set (s, both[i], &error));
  g_assert_no_error (error);
  if (kind == ATL_TRAIN_PIX2PIX)
    s->corrupt = g_strdup ("noise:20");
  s->folder = g_strdup (pictures);
  s->output = g_strdup (output);
  s->threads = 2;
  return s;
}

typedef struct
{
  AtlTrainer *trainer;
  gint64 stop_at;
  int warnings, models, sheets, steps;
  char *warning;
} Watch;

static void
watch (gpointer data, const AtlTrainEvent *event)
{
  Watch *w = data;

  switch (event->kind)
    {
    case ATL_EVENT_STEP:
      w->steps++;
      if (event->step == w->stop_at)
        atl_trainer_stop (w->trainer);
      break;
    case ATL_EVENT_WARNING:
      w->warnings++;
      g_free (w->warning);
      w->warning = g_strdup (event->text);
      break;
    case ATL_EVENT_MODEL:
      w->models++;
      break;
    case ATL_EVENT_SAMPLES:
      w->sheets += event->sheet != NULL;
      break;
    default:
      break;
    }
}

static gboolean
run (AtlTrainSettings *settings, Watch *w, AtlTrainResult *result, GError **error)
{
  gboolean ok;

  w->trainer = atl_trainer_new (settings, watch, w, NULL, error);
  if (!w->trainer)
    return FALSE;
  ok = atl_trainer_run (w->trainer, result, error);
  atl_trainer_free (w->trainer);
  return ok;
}

static void
assert_same_file (const char *a, const char *b)
{
  char *bytes_a, *bytes_b;
  gsize size_a, size_b;
  GError *error = NULL;

  g_assert_true (g_file_get_contents (a, &bytes_a, &size_a, &error));
  g_assert_true (g_file_get_contents (b, &bytes_b, &size_b, &error));
  g_assert_cmpmem (bytes_a, size_a, bytes_b, size_b);
  g_free (bytes_a);
  g_free (bytes_b);
}

/* Without a break: m.safetensors to compare with. */
static void
run_whole (AtlTrainKind kind, const Place *place)
{
  AtlTrainResult result;
  Watch w = { 0 };
  GError *error = NULL;

  run (settings_for (kind, place->pictures, place->output), &w, &result, &error);
  g_assert_no_error (error);
  g_assert_true (result.finished);
  g_assert_cmpint (w.steps, ==, 24);
  g_assert_cmpint (w.sheets, ==, 3);
  g_assert_cmpint (w.models, >=, 1);
  g_assert_cmpint (w.warnings, ==, 0);
  g_assert_cmpint (result.best.n, >, 0);
}

static void
assert_file (const char *dir, const char *name, gsize at_least)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  char *bytes;
  gsize size;

  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  g_assert_cmpuint (size, >=, at_least);
  g_free (bytes);
}

static void
test_a_run_leaves_what_it_should (gconstpointer data)
{
  AtlTrainKind kind = GPOINTER_TO_INT (data);
  Place place;
  AtlModel *model;
  JsonObject *card;
  g_autofree char *report = NULL, *html = NULL;
  GError *error = NULL;

  make_place (&place);
  run_whole (kind, &place);
  model = atl_model_open (place.output, &error);
  g_assert_no_error (error);
  card = atl_model_get_card (model);
  g_assert_cmpstr (json_object_get_string_member (card, "name"), ==, "test");
  g_assert_nonnull (
      strstr (json_object_get_string_member (card, "figures"), "PSNR"));
  g_assert_cmpint (json_object_get_int_member (card, "steps_planned"), ==, 24);
  atl_model_free (model);

  report = g_build_filename (place.dir, "m.report", NULL);
  assert_file (report, "history.csv", 500);
  assert_file (report, "samples/step-00000024.png", 1000);
  html = g_build_filename (report, "report.html", NULL);
  assert_file (report, "report.html", 5000);
  {
    g_autofree char *text = NULL;

    g_assert_true (g_file_get_contents (html, &text, NULL, NULL));
    g_assert_nonnull (strstr (text, "data:image/png;base64,"));
    g_assert_nonnull (strstr (text, "<polyline"));
    g_assert_null (strstr (text, "http"));
  }
  clear_place (&place);
}

static void
test_stopped_and_resumed_gives_the_same_bits (gconstpointer data)
{
  AtlTrainKind kind = GPOINTER_TO_INT (data);
  Place place;
  g_autofree char *other = NULL;
  AtlTrainResult result;
  GError *error = NULL;

  make_place (&place);
  run_whole (kind, &place);
  other = g_build_filename (place.dir, "o.safetensors", NULL);
  for (gint64 stop = 3; stop < 24; stop += 9)
    {
      AtlTrainSettings *s = settings_for (kind, place.pictures, other);
      Watch w = { .stop_at = stop };

      s->resume = TRUE;
      s->threads = stop == 12 ? 1 : 2;
      run (s, &w, &result, &error);
      g_assert_no_error (error);
      g_assert_false (result.finished);
      g_assert_cmpint (result.step, ==, stop);
      g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
    }
  {
    AtlTrainSettings *s = settings_for (kind, place.pictures, other);
    Watch w = { 0 };

    s->resume = TRUE;
    run (s, &w, &result, &error);
    g_assert_no_error (error);
    g_assert_true (result.finished);
  }
  assert_same_file (place.output, other);
  clear_place (&place);
}

/* "--run KIND PICTURES OUTPUT": a training that is killed from outside. */
static int
run_for_parent (char **argv)
{
  AtlTrainSettings *s = settings_for (atoi (argv[2]), argv[3], argv[4]);
  AtlTrainResult result;
  Watch w = { 0 };
  GError *error = NULL;

  s->resume = TRUE;
  s->checkpoint_seconds = 0; /* after every step */
  return run (s, &w, &result, &error) ? 0 : 1;
}

static void
test_killed_and_resumed_gives_the_same_bits (gconstpointer data)
{
  AtlTrainKind kind = GPOINTER_TO_INT (data);
  g_autofree char *kind_text = g_strdup_printf ("%d", (int)kind);
  Place place;
  g_autofree char *other = NULL, *checkpoint = NULL;
  int status = -1, tries = 0;
  AtlRandom random;
  GError *error = NULL;

  make_place (&place);
  run_whole (kind, &place);
  other = g_build_filename (place.dir, "o.safetensors", NULL);
  checkpoint = g_build_filename (place.dir, "o.checkpoint", NULL);
  atl_random_init (&random, (guint64)g_get_real_time (), 0);
  while (status != 0 && tries++ < 200)
    {
      char *argv[] = { (char *)program, (char *)"--run", kind_text,
                       place.pictures,  other,           NULL };
      GPid pid;
      int wait_status;

      g_assert_true (g_spawn_async (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                                    NULL, NULL, &pid, &error));
      /* Later and later, so that it gets somewhere on a slow machine too. */
      g_usleep (50000 + 30000 * (gulong)tries + atl_random_below (&random, 200000));
      kill (pid, SIGKILL);
      g_assert_cmpint (waitpid (pid, &wait_status, 0), ==, pid);
      status = WIFEXITED (wait_status) ? WEXITSTATUS (wait_status) : -1;
      g_assert_cmpint (status, <=, 0); /* done or killed, never failed */
      if (g_file_test (checkpoint, G_FILE_TEST_EXISTS))
        {
          g_autoptr (AtlCheckpoint) c
              = atl_training_checkpoint_read (checkpoint, &error);

          g_assert_no_error (error);
          g_assert_nonnull (c);
        }
    }
  g_assert_cmpint (status, ==, 0);
  g_test_message ("%d times killed", tries - 1);
  assert_same_file (place.output, other);
  clear_place (&place);
}

static void
test_resuming_something_else_is_refused (void)
{
  Place place;
  AtlTrainSettings *s;
  AtlTrainResult result;
  Watch w = { 0 };
  GError *error = NULL;

  make_place (&place);
  run_whole (ATL_TRAIN_VQVAE, &place);
  s = settings_for (ATL_TRAIN_VQVAE, place.pictures, place.output);
  s->resume = TRUE;
  s->batch = 4;
  g_assert_false (run (s, &w, &result, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "batch=2"));
  g_clear_error (&error);
  clear_place (&place);
}

/* Files may not grow beyond what the model needs: the checkpoint can't be
 * written, the training goes on, and the model is there. */
static void
test_a_full_disk_is_told_and_survived (void)
{
  Place place;
  AtlTrainSettings *s;
  AtlTrainResult result;
  Watch w = { 0 };
  AtlModel *model;
  GStatBuf before, after;
  g_autofree char *checkpoint = NULL;
  GError *error = NULL;

  make_place (&place);
  checkpoint = g_build_filename (place.dir, "m.checkpoint", NULL);
  s = settings_for (ATL_TRAIN_PIX2PIX, place.pictures, place.output);
  w.stop_at = 4;
  run (s, &w, &result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (checkpoint, &before), ==, 0);

  s = settings_for (ATL_TRAIN_PIX2PIX, place.pictures, place.output);
  s->resume = TRUE;
  s->checkpoint_seconds = 0;
  w = (Watch){ 0 };
  disk_full_at ((guint64)before.st_size - 1000);
  run (s, &w, &result, &error);
  disk_has_room ();
  g_assert_no_error (error);
  g_assert_true (result.finished);
  g_assert_cmpint (w.warnings, >=, 1);
  g_assert_nonnull (strstr (w.warning, "m.checkpoint"));
  g_free (w.warning);

  g_assert_cmpint (g_stat (checkpoint, &after), ==, 0);
  g_assert_cmpint (after.st_size, ==, before.st_size);
  model = atl_model_open (place.output, &error);
  g_assert_no_error (error);
  atl_model_free (model);
  clear_place (&place);
}

static void
test_what_cannot_work_is_refused_before_training (void)
{
  Place place;
  AtlTrainSettings *s;
  AtlTrainResult result;
  Watch w = { 0 };
  GError *error = NULL;
  g_autofree char *nowhere = NULL;

  make_place (&place);
  nowhere = g_build_filename (place.dir, "no", "where", "m.safetensors", NULL);
  s = settings_for (ATL_TRAIN_VQVAE, place.pictures, nowhere);
  g_assert_false (run (s, &w, &result, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);

  s = settings_for (ATL_TRAIN_VQVAE, place.dir, place.output);
  g_free (s->folder);
  s->folder = g_build_filename (place.dir, "missing", NULL);
  g_assert_false (run (s, &w, &result, &error));
  g_assert_nonnull (strstr (error->message, "missing"));
  g_clear_error (&error);

  s = settings_for (ATL_TRAIN_PIX2PIX, place.pictures, place.output);
  s->size = 40; /* no multiple of 32 */
  g_assert_false (run (s, &w, &result, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (g_file_test (place.output, G_FILE_TEST_EXISTS));
  clear_place (&place);
}

static void
test_a_picture_that_turns_bad_is_left_out (void)
{
  Place place;
  AtlTrainSettings *s;
  AtlTrainResult result;
  Watch w = { 0 };
  g_autofree char *path = NULL, *bytes = NULL;
  gsize size;
  GError *error = NULL;

  make_place (&place);
  s = settings_for (ATL_TRAIN_VQVAE, place.pictures, place.output);
  s->held_out = 0;
  path = g_build_filename (place.pictures, "p3.png", NULL);
  g_assert_true (g_file_get_contents (path, &bytes, &size, &error));
  g_assert_true (g_file_set_contents (path, bytes, (gssize)size / 2, &error));
  run (s, &w, &result, &error);
  g_assert_no_error (error);
  g_assert_true (result.finished);
  g_assert_cmpint (w.warnings, ==, 1);
  g_assert_nonnull (strstr (w.warning, "p3.png"));
  g_free (w.warning);
  clear_place (&place);
}

static gpointer
continue_later (gpointer trainer)
{
  g_usleep (150000);
  atl_trainer_pause (trainer, FALSE);
  return NULL;
}

static void
pause_at_five (gpointer data, const AtlTrainEvent *event)
{
  Watch *w = data;

  if (event->kind == ATL_EVENT_STEP && event->step == 5)
    atl_trainer_pause (w->trainer, TRUE);
  if (event->kind == ATL_EVENT_PAUSED)
    {
      w->warnings++;
      g_thread_unref (g_thread_new ("later", continue_later, w->trainer));
    }
  if (event->kind == ATL_EVENT_CONTINUED)
    w->models++;
}

static void
test_a_run_can_pause (void)
{
  Place place;
  Watch w = { 0 };
  AtlTrainResult result;
  GError *error = NULL;

  make_place (&place);
  w.trainer = atl_trainer_new (
      settings_for (ATL_TRAIN_VQVAE, place.pictures, place.output), pause_at_five,
      &w, NULL, &error);
  g_assert_true (atl_trainer_run (w.trainer, &result, &error));
  g_assert_true (result.finished);
  g_assert_cmpint (w.warnings, ==, 1);
  g_assert_cmpint (w.models, ==, 1);
  atl_trainer_free (w.trainer);
  clear_place (&place);
}

/* At a rate of 0 a training ends with the weights that it started from (but the
 * norms' running statistics); the network is the other model's, whatever the
 * settings say. */
static void
test_a_run_starts_from_a_model (void)
{
  Place place;
  Watch w = { 0 };
  AtlTrainResult result;
  AtlTrainSettings *s;
  g_autofree char *second = NULL, *from = NULL;
  AtlWeights *weights;
  g_autoptr (AtlModel) a = NULL, b = NULL;
  GError *error = NULL;

  make_place (&place);
  second = g_build_filename (place.dir, "second.safetensors", NULL);
  from = g_strconcat ("from=", place.output, NULL);
  s = settings_for (ATL_TRAIN_PIX2PIX, place.pictures, second);
  g_assert_true (atl_train_settings_set (s, from, &error));
  g_assert_false (atl_train_settings_check (s, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, "m.safetensors"));
  g_clear_error (&error);
  g_assert_true (
      run (settings_for (ATL_TRAIN_PIX2PIX, place.pictures, place.output), &w,
           &result, &error));
  g_assert_true (atl_train_settings_set (s, "lr=0", &error));
  g_assert_true (atl_train_settings_set (s, "ngf=16", &error));
  g_assert_true (run (s, &w, &result, &error));
  a = atl_model_open (place.output, &error);
  b = atl_model_open (second, &error);
  g_assert_no_error (error);
  g_assert_cmpint (atl_model_get_config (b)->ngf, ==, 8);
  weights = atl_model_get_weights (a);
  g_assert_cmpint (memcmp (atl_weights_data (weights),
                           atl_weights_data (atl_model_get_weights (b)),
                           atl_weights_n_trainable (weights) * sizeof (float)),
                   ==, 0);
  g_assert_cmpstr (json_object_get_string_member (atl_model_get_card (b), "from"),
                   ==, "m.safetensors");

  s = settings_for (ATL_TRAIN_VQVAE, place.pictures, place.output);
  g_assert_false (atl_train_settings_set (s, from, &error));
  g_clear_error (&error);
  atl_train_settings_free (s);
  clear_place (&place);
}

static void
test_settings_are_checked (void)
{
  AtlTrainSettings *s;
  GError *error = NULL;
  const char *const wrong[] = { "lr=fast", "batch=0", "gan=none",  "lr",
                                "ngf=0",   "flip=x",  "nothing=1", "size=1.5" };

  g_assert_null (atl_train_settings_new (ATL_TRAIN_PIX2PIX, "huge", NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (atl_train_settings_new (ATL_TRAIN_PIX2PIX, NULL, "vqvae", &error));
  g_clear_error (&error);
  for (int k = 0; k < 2; k++)
    for (int p = 0; p < 3; p++)
      {
        const char *const presets[] = { "quick", "standard", "full" };

        s = atl_train_settings_new ((AtlTrainKind)k, presets[p], NULL, &error);
        g_assert_no_error (error);
        g_assert_true (atl_train_settings_check (s, &error));
        atl_train_settings_free (s);
      }
  s = atl_train_settings_new (ATL_TRAIN_PIX2PIX, "quick", NULL, &error);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (atl_train_settings_set (s, wrong[i], &error));
      g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
      g_clear_error (&error);
    }
  g_assert_true (atl_train_settings_set (s, "colour_jitter=0.2", &error));
  g_assert_true (atl_train_settings_set (s, "colour=luma_to_chroma", &error));
  g_assert_cmpfloat (s->augment.colour, ==, 0.2f);
  g_assert_cmpint (s->network.output_channels, ==, 2);
  g_assert_true (atl_train_settings_set (s, "train_dropout=no", &error));
  g_assert_true (s->no_dropout);
  atl_train_settings_free (s);
}

int
main (int argc, char **argv)
{
  const struct
  {
    AtlTrainKind kind;
    const char *name;
  } kinds[] = { { ATL_TRAIN_PIX2PIX, "pix2pix" }, { ATL_TRAIN_VQVAE, "vqvae" } };

  if (argc == 5 && strcmp (argv[1], "--run") == 0)
    return run_for_parent (argv);
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/checkpoint/everything-comes-back", test_everything_comes_back);
  g_test_add_func ("/checkpoint/damage-is-refused-by-name",
                   test_damage_is_refused_by_name);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      gconstpointer kind = GINT_TO_POINTER (kinds[i].kind);
      const struct
      {
        const char *name;
        GTestDataFunc test;
      } tests[] = {
        { "leaves-what-it-should", test_a_run_leaves_what_it_should },
        { "stopped-and-resumed-gives-the-same-bits",
          test_stopped_and_resumed_gives_the_same_bits },
        { "killed-and-resumed-gives-the-same-bits",
          test_killed_and_resumed_gives_the_same_bits },
      };

      for (guint j = 0; j < G_N_ELEMENTS (tests); j++)
        {
          g_autofree char *path
              = g_strdup_printf ("/run/%s/%s", kinds[i].name, tests[j].name);

          g_test_add_data_func (path, kind, tests[j].test);
        }
    }
  g_test_add_func ("/run/resuming-something-else-is-refused",
                   test_resuming_something_else_is_refused);
  g_test_add_func ("/run/a-full-disk-is-told-and-survived",
                   test_a_full_disk_is_told_and_survived);
  g_test_add_func ("/run/what-cannot-work-is-refused-before-training",
                   test_what_cannot_work_is_refused_before_training);
  g_test_add_func ("/run/a-picture-that-turns-bad-is-left-out",
                   test_a_picture_that_turns_bad_is_left_out);
  g_test_add_func ("/run/can-pause", test_a_run_can_pause);
  g_test_add_func ("/run/starts-from-a-model", test_a_run_starts_from_a_model);
  g_test_add_func ("/settings/are-checked", test_settings_are_checked);
  return g_test_run ();
}
