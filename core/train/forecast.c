/* See forecast.h. */

#include "train/forecast.h"

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/setup.h"

#define FIRST_STEPS 2 /* on which plans touch their memory */
#define LEAST_STEPS 5

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static float *
random_pictures (AtlShape shape, GError **error)
{
  gsize n = (gsize)shape.n * shape.h * shape.w * shape.c;
  float *values = atl_try_alloc (n, sizeof (float), _ ("the batch"), error);
  AtlRandom random;

  atl_random_init (&random, 1, 1);
  for (gsize i = 0; values && i < n; i++)
    values[i] = 2 * atl_random_uniform (&random) - 1;
  return values;
}

/* Times of single steps, in seconds. */
static gboolean
take_steps (AtlMethod *method, double seconds, const float *input,
            const float *target, GCancellable *cancellable, GArray *times,
            GError **error)
{
  double figures[ATL_MAX_FIGURES];
  gint64 began = g_get_monotonic_time ();

  for (int i = 0; i < FIRST_STEPS + LEAST_STEPS
                  || g_get_monotonic_time () - began < (gint64)(seconds * 1e6);
       i++)
    {
      gint64 start = g_get_monotonic_time ();
      double took;

      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !method->class->step (method, (guint64)i, input, target, figures,
                                   error))
        return FALSE;
      took = (double)(g_get_monotonic_time () - start) / 1e6;
      if (i >= FIRST_STEPS)
        g_array_append_val (times, took);
    }
  g_array_sort (times, compare_doubles);
  return TRUE;
}

static gboolean
try_steps (AtlMethod *method, double seconds, GCancellable *cancellable,
           AtlForecast *forecast, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  float *input = random_pictures (method->input, error);
  float *target = input ? random_pictures (method->target, error) : NULL;
  gboolean ok
      = target
        && take_steps (method, seconds, input, target, cancellable, times, error);

  if (ok)
    {
      forecast->n_steps = (int)times->len;
      forecast->seconds = g_array_index (times, double, times->len / 2);
    }
  atl_free (input);
  atl_free (target);
  return ok;
}

gboolean
atl_forecast (const AtlTrainSettings *settings, double seconds,
              GCancellable *cancellable, AtlForecast *forecast, GError **error)
{
  AtlPool *pool = atl_pool_new (settings->threads);
  AtlTrainSettings usual = *settings; /* the texts are borrowed */
  AtlSetup setup;
  gboolean ok;

  /* Steps as nearly all of them are: with the codebook. */
  usual.unquantised = 0;
  usual.kmeans = FALSE;
  ok = atl_setup_init (&setup, &usual, pool, NULL, error);

  *forecast = (AtlForecast){ 0 };
  if (ok)
    forecast->bytes
        = atl_setup_get_bytes (&setup) + ((gsize)settings->cache_mib << 20);
  ok = ok
       && (seconds <= 0
           || try_steps (setup.method, seconds, cancellable, forecast, error));
  atl_setup_clear (&setup);
  atl_pool_free (pool);
  return ok;
}
