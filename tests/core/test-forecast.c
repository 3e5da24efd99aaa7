/* What a training is said to cost before it starts. */

#include <gio/gio.h>

#include "train/forecast.h"
#include "train/setup.h"

static AtlTrainSettings *
make_settings (AtlTrainKind kind, int size, int batch)
{
  AtlTrainSettings *s = atl_train_settings_new (kind, "quick", NULL, NULL);
  GError *error = NULL;

  s->size = size;
  s->batch = batch;
  s->threads = 1;
  s->cache_mib = 16;
  s->network.ngf = 8;
  s->network.hidden = 16;
  s->ndf = 8;
  g_assert_true (atl_train_settings_check (s, &error));
  g_assert_no_error (error);
  return s;
}

static void
test_steps (void)
{
  for (int kind = ATL_TRAIN_PIX2PIX; kind <= ATL_TRAIN_VQVAE; kind++)
    {
      g_autoptr (AtlTrainSettings) s = make_settings (kind, 32, 2);
      AtlForecast forecast;
      GError *error = NULL;
      gint64 began = g_get_monotonic_time ();

      g_assert_true (atl_forecast (s, 0.02, NULL, &forecast, &error));
      g_assert_no_error (error);
      g_assert_cmpint (forecast.n_steps, >=, 5);
      g_assert_cmpfloat (forecast.seconds, >, 0);
      g_assert_cmpfloat (forecast.seconds * forecast.n_steps / 2, <,
                         (double)(g_get_monotonic_time () - began) / 1e6);
    }
}

/* Activations grow with the batch, weights do not, and the cache is in it. */
static void
test_memory (void)
{
  for (int kind = ATL_TRAIN_PIX2PIX; kind <= ATL_TRAIN_VQVAE; kind++)
    {
      gsize bytes[3];

      for (int i = 0; i < 3; i++)
        {
          g_autoptr (AtlTrainSettings) s = make_settings (kind, 64, 1 << i);
          AtlForecast forecast;

          g_assert_true (atl_forecast (s, 0, NULL, &forecast, NULL));
          g_assert_cmpint (forecast.n_steps, ==, 0);
          bytes[i] = forecast.bytes;
        }
      g_assert_cmpuint (bytes[0], >, 16 << 20);
      g_assert_cmpuint (bytes[1], >, bytes[0]);
      g_assert_cmpuint (bytes[2], >, bytes[1]);
      g_assert_cmpuint (bytes[2], <, 2 * bytes[1]);
    }
}

static void
test_cancel (void)
{
  g_autoptr (AtlTrainSettings) s = make_settings (ATL_TRAIN_PIX2PIX, 32, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  AtlForecast forecast;
  GError *error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (atl_forecast (s, 100, cancellable, &forecast, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
}

/* A size that the network can't take is refused before any step. */
static void
test_refusal (void)
{
  g_autoptr (AtlTrainSettings) s = make_settings (ATL_TRAIN_PIX2PIX, 32, 1);
  AtlForecast forecast;
  GError *error = NULL;

  s->size = 34;
  g_assert_false (atl_forecast (s, 0, NULL, &forecast, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/forecast/times-real-steps", test_steps);
  g_test_add_func ("/forecast/memory-grows-with-the-batch", test_memory);
  g_test_add_func ("/forecast/can-be-cancelled", test_cancel);
  g_test_add_func ("/forecast/says-what-does-not-fit", test_refusal);
  return g_test_run ();
}
