/* Adam over the arena, its moving average and its schedules. */

#include "train/optimiser.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

typedef struct
{
  AtlGraph *graph;
  AtlWeights *weights;
  AtlPool *pool;
  AtlOptimiser *optimiser;
  gsize n;
} Fixture;

static void
set_up (Fixture *f, int n_threads, const AtlAdamSettings *settings)
{
  GError *error = NULL;
  AtlRandom random;
  int node;

  f->graph = atl_graph_new ();
  node = atl_graph_input (f->graph, "input", 32);
  node = atl_graph_conv2d (f->graph, "a", node, 64, 3, 1, 1, TRUE);
  atl_graph_conv2d (f->graph, "b", node, 5, 3, 1, 1, TRUE);
  f->weights = atl_weights_new (f->graph, &error);
  f->pool = atl_pool_new (n_threads);
  g_assert_true (atl_weights_need_gradients (f->weights, &error));
  f->n = atl_weights_n_trainable (f->weights);
  atl_random_init (&random, 3, 0);
  for (gsize i = 0; i < f->n; i++)
    atl_weights_data (f->weights)[i] = atl_random_normal (&random);
  f->optimiser = atl_optimiser_new (f->weights, f->pool, settings, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f)
{
  atl_optimiser_free (f->optimiser);
  atl_pool_free (f->pool);
  atl_weights_free (f->weights);
  atl_graph_free (f->graph);
}

static void
fill_gradients (Fixture *f, guint64 step)
{
  float *g = atl_weights_gradients (f->weights);
  AtlRandom random;

  atl_random_init (&random, 5, step);
  for (gsize i = 0; i < f->n; i++)
    g[i] = 0.1f * atl_random_normal (&random);
}

/* As PyTorch's AdamW and a moving average beside it, in double. */
static void
test_steps_are_adamw (void)
{
  const AtlAdamSettings s = { 2e-3, 0.5, 0.999, 1e-8, 0.1, 0.9, 0 };
  Fixture f = { 0 };
  double *w, *m, *v, *average;

  set_up (&f, 2, &s);
  w = g_new (double, f.n);
  average = g_new (double, f.n);
  m = g_new0 (double, f.n);
  v = g_new0 (double, f.n);
  for (gsize i = 0; i < f.n; i++)
    w[i] = average[i] = (double)atl_weights_data (f.weights)[i];
  for (int t = 1; t <= 20; t++)
    {
      double lr = s.lr * 0.5, decay = MIN (s.average_decay, (1.0 + t) / (10.0 + t));

      fill_gradients (&f, (guint64)t);
      for (gsize i = 0; i < f.n; i++)
        {
          double g = (double)atl_weights_gradients (f.weights)[i];

          m[i] = s.beta1 * m[i] + (1 - s.beta1) * g;
          v[i] = s.beta2 * v[i] + (1 - s.beta2) * g * g;
          w[i] -= lr * s.weight_decay * w[i];
          w[i] -= lr * m[i] / (1 - pow (s.beta1, t))
                  / (sqrt (v[i] / (1 - pow (s.beta2, t))) + s.epsilon);
          average[i] = decay * average[i] + (1 - decay) * w[i];
        }
      atl_optimiser_step (f.optimiser, 0.5);
    }
  g_assert_cmpuint (atl_optimiser_get_steps (f.optimiser), ==, 20);
  for (gsize i = 0; i < f.n; i++)
    {
      g_assert_cmpfloat_with_epsilon (atl_weights_data (f.weights)[i], w[i], 5e-6);
      g_assert_cmpfloat_with_epsilon (atl_optimiser_get_average (f.optimiser)[i],
                                      average[i], 5e-6);
    }
  g_free (w);
  g_free (m);
  g_free (v);
  g_free (average);
  tear_down (&f);
}

/* A gradient ten thousand times as long as the others moves the weights as one
 * that is twice as long; without the limit Adam's moments would carry it on. */
static void
test_long_gradients_are_clipped (void)
{
  AtlAdamSettings s = ATL_ADAM_DEFAULTS;
  Fixture clipped = { 0 }, doubled = { 0 };

  s.clip = 2;
  set_up (&clipped, 2, &s);
  s.clip = 0;
  set_up (&doubled, 2, &s);
  for (guint64 t = 1; t <= 8; t++)
    {
      /* The same each time, so that the usual length is exactly its own. */
      fill_gradients (&clipped, 1);
      fill_gradients (&doubled, 1);
      for (gsize i = 0; t == 5 && i < clipped.n; i++)
        {
          atl_weights_gradients (clipped.weights)[i] *= 1e4f;
          atl_weights_gradients (doubled.weights)[i] *= 2;
        }
      atl_optimiser_step (clipped.optimiser, 1);
      atl_optimiser_step (doubled.optimiser, 1);
    }
  for (gsize i = 0; i < clipped.n; i++)
    g_assert_cmpfloat_with_epsilon (atl_weights_data (clipped.weights)[i],
                                    atl_weights_data (doubled.weights)[i], 1e-7);
  g_assert_cmpfloat (atl_optimiser_get_norm (clipped.optimiser), >, 0);
  g_assert_cmpfloat (atl_optimiser_get_norm (doubled.optimiser), ==, 0);
  tear_down (&clipped);
  tear_down (&doubled);
}

static void
test_gradients_are_zero_afterwards (void)
{
  const AtlAdamSettings s = ATL_ADAM_DEFAULTS;
  Fixture f = { 0 };

  set_up (&f, 2, &s);
  fill_gradients (&f, 1);
  atl_optimiser_step (f.optimiser, 1);
  for (gsize i = 0; i < f.n; i++)
    g_assert_true (atl_weights_gradients (f.weights)[i] == 0);
  g_assert_null (atl_optimiser_get_average (f.optimiser));
  atl_optimiser_swap_average (f.optimiser); /* without one: nothing */
  tear_down (&f);
}

static void
test_swapping_twice_changes_nothing (void)
{
  const AtlAdamSettings s = { 1e-2, 0.9, 0.999, 1e-8, 0, 0.99, 0 };
  Fixture f = { 0 };
  float *before;

  set_up (&f, 2, &s);
  fill_gradients (&f, 1);
  atl_optimiser_step (f.optimiser, 1);
  before = g_memdup2 (atl_weights_data (f.weights), f.n * sizeof (float));
  atl_optimiser_swap_average (f.optimiser);
  g_assert_cmpint (
      memcmp (before, atl_weights_data (f.weights), f.n * sizeof (float)), !=, 0);
  atl_optimiser_swap_average (f.optimiser);
  g_assert_cmpmem (before, f.n * sizeof (float), atl_weights_data (f.weights),
                   f.n * sizeof (float));
  g_free (before);
  tear_down (&f);
}

static void
test_same_bits_with_any_threads (void)
{
  const AtlAdamSettings s = { 1e-3, 0.5, 0.999, 1e-8, 0.01, 0.99, 0 };
  Fixture a = { 0 }, b = { 0 };

  set_up (&a, 1, &s);
  set_up (&b, 3, &s);
  for (guint64 step = 0; step < 3; step++)
    {
      fill_gradients (&a, step);
      fill_gradients (&b, step);
      atl_optimiser_step (a.optimiser, 1);
      atl_optimiser_step (b.optimiser, 1);
    }
  g_assert_cmpmem (atl_weights_data (a.weights), a.n * sizeof (float),
                   atl_weights_data (b.weights), b.n * sizeof (float));
  tear_down (&a);
  tear_down (&b);
}

static void
test_schedules (void)
{
  /* The reference's: constant for half of the steps, then to 0. */
  g_assert_cmpfloat (atl_schedule_factor (ATL_SCHEDULE_LINEAR, 0, 100, 0), ==, 1);
  g_assert_cmpfloat (atl_schedule_factor (ATL_SCHEDULE_LINEAR, 49, 100, 0), ==, 1);
  g_assert_cmpfloat_with_epsilon (
      atl_schedule_factor (ATL_SCHEDULE_LINEAR, 75, 100, 0), 0.5, 1e-12);
  g_assert_cmpfloat_with_epsilon (
      atl_schedule_factor (ATL_SCHEDULE_LINEAR, 100, 100, 0), 0, 1e-12);
  g_assert_cmpfloat_with_epsilon (
      atl_schedule_factor (ATL_SCHEDULE_COSINE, 50, 100, 0), 0.5, 1e-12);
  g_assert_cmpfloat (atl_schedule_factor (ATL_SCHEDULE_CONSTANT, 99, 100, 0), ==,
                     1);
  /* Warm-up, and a number of steps that nobody knows. */
  g_assert_cmpfloat_with_epsilon (
      atl_schedule_factor (ATL_SCHEDULE_CONSTANT, 0, 100, 10), 0.1, 1e-12);
  g_assert_cmpfloat (atl_schedule_factor (ATL_SCHEDULE_CONSTANT, 9, 100, 10), ==,
                     1);
  g_assert_cmpfloat (atl_schedule_factor (ATL_SCHEDULE_LINEAR, 5, 0, 0), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/optimiser/steps-are-adamw", test_steps_are_adamw);
  g_test_add_func ("/optimiser/long-gradients-are-clipped",
                   test_long_gradients_are_clipped);
  g_test_add_func ("/optimiser/gradients-are-zero-afterwards",
                   test_gradients_are_zero_afterwards);
  g_test_add_func ("/optimiser/swapping-twice-changes-nothing",
                   test_swapping_twice_changes_nothing);
  g_test_add_func ("/optimiser/same-bits-with-any-threads",
                   test_same_bits_with_any_threads);
  g_test_add_func ("/optimiser/schedules", test_schedules);
  return g_test_run ();
}
