/* Kernels over the rows of a matrix: epilogue, activations, norms, sums. */

#include "check.h"

/* A random matrix: rows, channels, and a stride now and then wider than it
 * must be. */
typedef struct
{
  int rows, channels;
  gsize stride, size;
} Shape;

static Shape
random_shape (int i)
{
  Shape s = { random_int (1, 150), random_channels (), 0, 0 };

  if (i % 4 == 0)
    s.channels = random_int (1, 20); /* folded into longer rows */
  s.stride = s.channels + (i & 1 ? random_int (0, 9) : 0);
  s.size = (s.rows - 1) * s.stride + s.channels;
  return s;
}

static void
test_epilogue (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 300; i++)
    {
      const Shape s = random_shape (i);
      const gboolean in_place = i % 5 == 0;
      float *src = random_floats (s.size), *residual = random_floats (s.size);
      float *dst = in_place ? src : random_floats (s.size);
      float *original = copy_floats (src, s.size);
      float *expected = copy_floats (dst, s.size);
      float *scale = random_floats (s.channels),
            *shift = random_floats (s.channels);
      AtlEpilogue e = { i & 2 ? scale : NULL, i & 4 ? shift : NULL,
                        random_activation (), .2f };

      t->fast->epilogue (s.rows, s.channels, src, s.stride, i & 8 ? residual : NULL,
                         s.stride, dst, s.stride, &e);
      t->reference->epilogue (s.rows, s.channels, original, s.stride,
                              i & 8 ? residual : NULL, s.stride, expected, s.stride,
                              &e);
      assert_close ("epilogue", s.size, dst, expected, 1e-6);
      if (!in_place)
        g_free (dst);
      g_free (src);
      g_free (residual);
      g_free (original);
      g_free (expected);
      g_free (scale);
      g_free (shift);
    }
}

static void
test_activation_backward (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 300; i++)
    {
      const Shape s = random_shape (i);
      const gboolean in_place = i % 5 == 0, add = i & 2;
      const AtlActivation activation = random_activation ();
      float *y = random_floats (s.size), *dy = random_floats (s.size);
      float *original = copy_floats (dy, s.size);
      float *dx = in_place ? dy : random_floats (s.size);
      float *expected = copy_floats (dx, s.size);

      y[0] = 0;
      t->fast->activation_backward (s.rows, s.channels, y, s.stride, dy, s.stride,
                                    activation, .2f, dx, s.stride, add);
      t->reference->activation_backward (s.rows, s.channels, y, s.stride, original,
                                         s.stride, activation, .2f, expected,
                                         s.stride, add);
      assert_close ("activation_backward", s.size, dx, expected, 1e-6);
      if (!in_place)
        g_free (dx);
      g_free (y);
      g_free (dy);
      g_free (original);
      g_free (expected);
    }
}

/* Relative, not of the largest: small results have all their digits too. */
static void
test_tanh (gconstpointer data)
{
  const Tables *t = data;
  const float special[] = { 0,      -0.f,     INFINITY, -INFINITY, NAN,   1e-38f,
                            1e-44f, -3e-30f,  88.7f,    -88.8f,    1e30f, -3e38f,
                            9.01f,  0.34657f, 0.34658f, 20,        1e-4f, -1e-4f };
  AtlEpilogue e = { NULL, NULL, ATL_ACTIVATION_TANH, 0 };
  double worst = 0;

  for (int i = 0; i < 20000; i++)
    {
      const float x
          = i < (int)G_N_ELEMENTS (special)
                ? special[i]
                : ldexp (g_test_rand_double_range (-1, 1), random_int (-30, 5));
      float y;

      t->fast->epilogue (1, 1, &x, 1, NULL, 0, &y, 1, &e);
      if (isnan (x))
        g_assert_true (isnan (y));
      else if (fabsf (x) < 1e-37f)
        g_assert_cmpfloat (fabsf (y - x), <=, 2e-45f);
      else
        {
          worst = MAX (worst, fabs (y - tanh (x)) / fabs (tanh (x)));
          g_assert_cmpint (signbit (y) != 0, ==, signbit (x) != 0);
          g_assert_cmpfloat (fabsf (y), <=, 1);
        }
    }
  g_test_message ("largest relative error %.2g", worst);
  g_assert_cmpfloat (worst, <, 1e-6);
}

/* Rectifiers let NaN pass: a damaged model shows, as it does elsewhere. */
static void
test_nan (gconstpointer data)
{
  const Tables *t = data;
  float x[20], y[20];

  for (int i = 0; i < 20; i++)
    x[i] = NAN;
  for (AtlActivation a = ATL_ACTIVATION_NONE; a <= ATL_ACTIVATION_TANH; a++)
    {
      AtlEpilogue e = { NULL, NULL, a, .2f };

      t->fast->epilogue (1, 20, x, 20, NULL, 0, y, 20, &e);
      for (int i = 0; i < 20; i++)
        g_assert_true (isnan (y[i]));
    }
}

static void
test_accumulate (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 100; i++)
    {
      const Shape s = random_shape (i);
      float *src = random_floats (s.size), *dst = random_floats (s.size);
      float *expected = copy_floats (dst, s.size);
      double *sums = g_new (double, s.channels),
             *sums2 = g_new (double, s.channels);

      t->fast->accumulate (s.rows, s.channels, src, s.stride, dst, s.stride);
      t->reference->accumulate (s.rows, s.channels, src, s.stride, expected,
                                s.stride);
      assert_close ("accumulate", s.size, dst, expected, 0);
      for (int c = 0; c < s.channels; c++)
        sums[c] = sums2[c] = c;
      t->fast->column_sums (s.rows, s.channels, src, s.stride, sums);
      t->reference->column_sums (s.rows, s.channels, src, s.stride, sums2);
      assert_within ("column_sums", s.channels, sums, sums2, 2e-5);
      g_free (src);
      g_free (dst);
      g_free (expected);
      g_free (sums);
      g_free (sums2);
    }
}

/* Also far from zero, where sums of squares would cancel. */
static void
test_moments (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 100; i++)
    {
      const Shape s = random_shape (i);
      float *x = random_floats (s.size);
      double *mean = g_new (double, s.channels),
             *mean2 = g_new (double, s.channels);
      double *m2 = g_new (double, s.channels), *m22 = g_new (double, s.channels);

      if (i % 3 == 0)
        for (gsize j = 0; j < s.size; j++)
          x[j] += 1000;
      t->fast->moments (s.rows, s.channels, x, s.stride, mean, m2);
      t->reference->moments (s.rows, s.channels, x, s.stride, mean2, m22);
      assert_within ("mean", s.channels, mean, mean2, 2e-7);
      assert_within ("m2", s.channels, m2, m22, 1e-6 * s.rows);
      g_free (x);
      g_free (mean);
      g_free (mean2);
      g_free (m2);
      g_free (m22);
    }
}

static void
test_norm_backward (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 100; i++)
    {
      const Shape s = random_shape (i);
      float *x = random_floats (s.size), *dy = random_floats (s.size);
      float *a = random_floats (s.channels), *b = random_floats (s.channels);
      float *d = random_floats (s.channels);
      float *dx = i % 3 ? random_floats (s.size) : dy;
      float *original = copy_floats (dy, s.size),
            *expected = copy_floats (dx, s.size);
      double *sums = g_new0 (double, 2 * s.channels);
      double *sums2 = g_new0 (double, 2 * s.channels);

      t->fast->norm_backward_sums (s.rows, s.channels, x, s.stride, dy, s.stride, a,
                                   b, sums, sums + s.channels);
      t->reference->norm_backward_sums (s.rows, s.channels, x, s.stride, dy,
                                        s.stride, a, b, sums2, sums2 + s.channels);
      assert_within ("norm_backward_sums", 2 * s.channels, sums, sums2, 1e-4);
      t->fast->norm_backward_apply (s.rows, s.channels, x, s.stride, dy, s.stride,
                                    a, b, d, dx, s.stride, i & 2);
      t->reference->norm_backward_apply (s.rows, s.channels, x, s.stride, original,
                                         s.stride, a, b, d, expected, s.stride,
                                         i & 2);
      assert_close ("norm_backward_apply", s.size, dx, expected, 1e-6);
      if (dx != dy)
        g_free (dx);
      g_free (x);
      g_free (dy);
      g_free (a);
      g_free (b);
      g_free (d);
      g_free (original);
      g_free (expected);
      g_free (sums);
      g_free (sums2);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_test ("epilogue", test_epilogue);
  add_test ("activation-backward", test_activation_backward);
  add_test ("tanh-within-1e-6", test_tanh);
  add_test ("activations-keep-nan", test_nan);
  add_test ("accumulate-and-column-sums", test_accumulate);
  add_test ("moments", test_moments);
  add_test ("norm-backward", test_norm_backward);
  return g_test_run ();
}
