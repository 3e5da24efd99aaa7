/* Kernels over plain arrays: dropout, codes, Adam, half precision. */

#include "base/random.h"
#include "base/tensor.h"
#include "check.h"

static void
to_floats (gsize n, const guint16 *halves, float *out)
{
  AtlTensor tensor = { .type = ATL_TYPE_F16, .data = halves };

  atl_tensor_to_float (&tensor, 0, n, out);
}

static void
test_dropout (gconstpointer data)
{
  const Tables *t = data;
  const float rates[] = { 0, .1f, .5f, .75f, 1 };

  for (int i = 0; i < 100; i++)
    {
      const gsize n = random_int (1, 500);
      const guint64 seed = (guint64)g_test_rand_int () << 32 | g_test_rand_int ();
      const guint64 stream = (guint64)g_test_rand_int () << 32 | i;
      /* Near a carry from one half of the counter to the other, now and then. */
      const guint64 first = i % 3 ? 4 * (guint64)random_int (0, 1000)
                                  : 4 * (G_MAXUINT32 - (guint64)i);
      const float p = rates[i % G_N_ELEMENTS (rates)];
      float *x = random_floats (n), *y = random_floats (n);
      float *expected = copy_floats (y, n);

      t->fast->dropout (n, x, p, seed, stream, first, y);
      t->reference->dropout (n, x, p, seed, stream, first, expected);
      assert_close ("dropout", n, y, expected, 0);
      g_free (x);
      g_free (y);
      g_free (expected);
    }
}

/* It is the sequence that AtlRandom draws, whatever part of it is asked for. */
static void
test_dropout_sequence (gconstpointer data)
{
  const Tables *t = data;
  float x[1000], y[1000], rest[600];
  AtlRandom random;

  for (int i = 0; i < 1000; i++)
    x[i] = 1;
  t->fast->dropout (1000, x, .5f, 7, 9, 0, y);
  t->fast->dropout (600, x, .5f, 7, 9, 400, rest);
  g_assert_cmpmem (rest, sizeof rest, y + 400, sizeof rest);
  atl_random_init (&random, 7, 9);
  for (int i = 0; i < 1000; i++)
    g_assert_cmpfloat (y[i], ==, atl_random_uniform (&random) >= .5f ? 2 : 0);
}

static void
test_argmin (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 100; i++)
    {
      const int rows = random_int (1, 20), columns = random_int (1, 70);
      const gsize stride = columns + random_int (0, 3);
      float *best = g_new (float, rows), *expected = g_new (float, rows);
      gint32 *index = g_new0 (gint32, rows),
             *expected_index = g_new0 (gint32, rows);

      for (int r = 0; r < rows; r++)
        best[r] = expected[r] = INFINITY;
      for (int panel = 0; panel < 3; panel++)
        {
          float *scores = random_floats ((rows - 1) * stride + columns);
          float *bias = random_floats (columns);

          if (i & 1) /* ties */
            for (gsize j = 0; j < (rows - 1) * stride + columns; j++)
              scores[j] = rintf (scores[j]);
          if (i & 1)
            for (int j = 0; j < columns; j++)
              bias[j] = rintf (bias[j]);
          t->fast->argmin_scores (rows, columns, scores, stride, bias,
                                  panel * columns, best, index);
          t->reference->argmin_scores (rows, columns, scores, stride, bias,
                                       panel * columns, expected, expected_index);
          g_free (scores);
          g_free (bias);
        }
      g_assert_cmpmem (index, rows * sizeof (gint32), expected_index,
                       rows * sizeof (gint32));
      assert_close ("argmin_scores", rows, best, expected, 0);
      g_free (best);
      g_free (expected);
      g_free (index);
      g_free (expected_index);
    }
}

static void
test_argmin_nan (gconstpointer data)
{
  const Tables *t = data;
  float scores[40], bias[40] = { 0 }, best = INFINITY;
  gint32 index = -1;

  for (int i = 0; i < 40; i++)
    scores[i] = i == 21 ? 3 : NAN;
  t->fast->argmin_scores (1, 40, scores, 40, bias, 100, &best, &index);
  g_assert_cmpint (index, ==, 121);
  g_assert_cmpfloat (best, ==, -6);
}

static void
test_adam (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 50; i++)
    {
      const gsize n = random_int (1, 300);
      float *values[2][5];
      AtlAdam a = { 2e-3f, .5f, .999f, 1e-8f, i & 1 ? .01f : 0, 1, 1, .99f };

      for (int j = 0; j < 5; j++)
        {
          values[0][j] = random_floats (n);
          if (j == 3) /* v, never negative */
            for (gsize q = 0; q < n; q++)
              values[0][j][q] = q % 7 ? fabsf (values[0][j][q]) : 0;
          values[1][j] = copy_floats (values[0][j], n);
        }
      for (int step = 1; step <= 5; step++)
        for (int which = 0; which < 2; which++)
          {
            float **v = values[which];

            a.correction1 = 1 - powf (a.beta1, step);
            a.correction2 = 1 - powf (a.beta2, step);
            (which ? t->reference : t->fast)
                ->adam (n, v[0], v[1], v[2], v[3], i & 2 ? v[4] : NULL, &a);
          }
      for (int j = 0; j < 5; j++)
        {
          assert_close ("adam", n, values[0][j], values[1][j], 2e-6);
          g_free (values[0][j]);
          g_free (values[1][j]);
        }
    }
}

/* Every half, and floats near and between them. */
static void
test_half (gconstpointer data)
{
  const Tables *t = data;
  guint16 *halves = g_new (guint16, 65536), *back = g_new (guint16, 65536);
  float *x = g_new (float, 65536), *value = g_new (float, 65536);

  for (int i = 0; i < 65536; i++)
    halves[i] = i;
  to_floats (65536, halves, x);
  to_floats (65536, halves, value);
  t->fast->float_to_half (65536, x, back);
  for (int i = 0; i < 65536; i++)
    if (isnan (x[i])) /* stays one; it may become a quiet one */
      g_assert_true ((back[i] & 0x7c00) == 0x7c00 && (back[i] & 0x3ff));
    else
      g_assert_cmpint (back[i], ==, halves[i]);
  for (int i = 0; i < 65535; i++) /* the middle between a half and the next, +-1 */
    {
      x[i] = (value[i] + value[i + 1]) / 2;
      if (i % 3)
        x[i] = nextafterf (x[i], i % 3 == 1 ? INFINITY : -INFINITY);
      if (isnan (x[i]))
        x[i] = 65520 + i % 3 - 1;
    }
  for (int length = 65535; length > 65500; length--)
    {
      t->fast->float_to_half (length, x, back);
      t->reference->float_to_half (length, x, halves);
      g_assert_cmpmem (back, length * 2, halves, length * 2);
    }
  g_free (halves);
  g_free (back);
  g_free (x);
  g_free (value);
}

static void
test_half_odd_lengths (gconstpointer data)
{
  const Tables *t = data;

  for (int n = 1; n < 70; n++)
    {
      float *x = random_floats (n), *y = g_new (float, n);
      guint16 *h = g_new (guint16, n);

      t->fast->float_to_half (n, x, h);
      to_floats (n, h, y);
      assert_close ("half", n, y, x, 0x1p-11);
      g_free (x);
      g_free (y);
      g_free (h);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_test ("dropout", test_dropout);
  add_test ("dropout-is-the-sequence-of-random", test_dropout_sequence);
  add_test ("argmin-first-of-equals", test_argmin);
  add_test ("argmin-passes-over-nan", test_argmin_nan);
  add_test ("adam", test_adam);
  add_test ("half-every-value", test_half);
  add_test ("half-odd-lengths", test_half_odd_lengths);
  return g_test_run ();
}
