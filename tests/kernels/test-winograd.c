/* Winograd's transforms of every set against the reference, and what they are
 * for: a convolution, against one in double. */

#include "check.h"

#define POINTS 36

typedef struct
{
  int tile, outputs, taps, channels;
  gsize stride; /* between points */
  float *storage[POINTS];
  const float *in[POINTS];
  float *v, *expected;
  gsize size; /* of v and expected */
} Fixture;

static void
fixture_init (Fixture *f, AtlWinograd w, int n_pixels)
{
  f->tile = atl_winograd_tile (w);
  f->outputs = atl_winograd_outputs (w);
  f->taps = atl_winograd_taps (w);
  f->channels = random_channels ();
  f->stride = f->channels + random_int (0, 20);
  for (int i = 0; i < n_pixels; i++)
    f->in[i] = f->storage[i] = random_floats (f->channels);
  f->size = (f->tile * f->tile - 1) * f->stride + f->channels;
  f->v = random_floats (f->size);
  f->expected = copy_floats (f->v, f->size);
}

static void
fixture_clear (Fixture *f, int n_pixels)
{
  for (int i = 0; i < n_pixels; i++)
    g_free (f->storage[i]);
  g_free (f->v);
  g_free (f->expected);
}

static void
test_input (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 200; i++)
    {
      const AtlWinograd w = i % ATL_N_WINOGRADS;
      const int n = atl_winograd_tile (w) * atl_winograd_tile (w);
      const AtlActivation activation = random_activation ();
      Fixture f;

      fixture_init (&f, w, n);
      t->fast->winograd_input (w, f.in, f.channels, activation, .2f, f.v, f.stride);
      t->reference->winograd_input (w, f.in, f.channels, activation, .2f,
                                    f.expected, f.stride);
      assert_close ("winograd_input", f.size, f.v, f.expected, 1e-6);
      fixture_clear (&f, n);
    }
}

static void
test_output_adjoint (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 200; i++)
    {
      const AtlWinograd w = i % ATL_N_WINOGRADS;
      const int n = atl_winograd_outputs (w) * atl_winograd_outputs (w);
      Fixture f;

      fixture_init (&f, w, n);
      for (int p = 0; p < n; p++)
        if (random_int (0, 3) == 0)
          f.in[p] = NULL;
      t->fast->winograd_output_adjoint (w, f.in, f.channels, f.v, f.stride);
      t->reference->winograd_output_adjoint (w, f.in, f.channels, f.expected,
                                             f.stride);
      assert_close ("winograd_output_adjoint", f.size, f.v, f.expected, 1e-6);
      fixture_clear (&f, n);
    }
}

static void
test_weights (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 200; i++)
    {
      const AtlWinograd w = i % ATL_N_WINOGRADS;
      const int n = atl_winograd_taps (w) * atl_winograd_taps (w);
      float *expected[16];
      Fixture f;

      fixture_init (&f, w, n);
      t->fast->winograd_weights (w, f.in, f.channels, f.v, f.stride);
      t->reference->winograd_weights (w, f.in, f.channels, f.expected, f.stride);
      assert_close ("winograd_weights", f.size, f.v, f.expected, 1e-6);
      for (int p = 0; p < n; p++)
        expected[p] = copy_floats (f.storage[p], f.channels);
      t->fast->winograd_weights_adjoint (w, f.v, f.stride, f.channels, f.storage);
      t->reference->winograd_weights_adjoint (w, f.v, f.stride, f.channels,
                                              expected);
      for (int p = 0; p < n; p++)
        {
          assert_close ("winograd_weights_adjoint", f.channels, f.storage[p],
                        expected[p], 3e-6);
          g_free (expected[p]);
        }
      fixture_clear (&f, n);
    }
}

static void
test_output (gconstpointer data)
{
  const Tables *t = data;

  for (int i = 0; i < 200; i++)
    {
      const AtlWinograd w = i % ATL_N_WINOGRADS;
      const int n = atl_winograd_outputs (w) * atl_winograd_outputs (w);
      float *fast[16], *expected[16], *y, *y2;
      AtlEpilogue e = { NULL, NULL, random_activation (), .2f };
      Fixture f;

      fixture_init (&f, w, n);
      if (i & 2)
        e.scale = random_floats (f.channels);
      if (i & 4)
        e.shift = random_floats (f.channels);
      y = random_floats (n * f.channels);
      y2 = copy_floats (y, n * f.channels);
      for (int p = 0; p < n; p++)
        {
          const gboolean outside = random_int (0, 3) == 0;

          fast[p] = outside ? NULL : y + p * f.channels;
          expected[p] = outside ? NULL : y2 + p * f.channels;
          if (outside)
            f.in[p] = NULL;
        }
      t->fast->winograd_output (w, f.v, f.stride, f.channels, i & 8 ? f.in : NULL,
                                fast, &e);
      t->reference->winograd_output (w, f.v, f.stride, f.channels,
                                     i & 8 ? f.in : NULL, expected, &e);
      assert_close ("winograd_output", n * f.channels, y, y2, 1e-5);
      g_free (y);
      g_free (y2);
      g_free ((float *)e.scale);
      g_free ((float *)e.shift);
      fixture_clear (&f, n);
    }
}

/* One tile of C channels and OC output channels by way of the transforms, and
 * directly in double: the largest difference and the largest value. */
static void
convolve_tile (const AtlKernels *kernels, AtlWinograd w, int C, int OC,
               double *error, double *largest)
{
  const int tile = atl_winograd_tile (w), outputs = atl_winograd_outputs (w);
  const int taps = atl_winograd_taps (w), points = tile * tile;
  float *d = random_floats (points * C), *g = random_floats (taps * taps * C * OC);
  float *v = g_new (float, points *C), *u = g_new (float, points *C *OC);
  float *m = g_new (float, points *OC), *y = g_new (float, outputs *outputs *OC);
  const float *pointers[POINTS];
  float *out[16];
  AtlEpilogue none = { NULL, NULL, ATL_ACTIVATION_NONE, 0 };

  for (int i = 0; i < points; i++)
    pointers[i] = d + i * C;
  kernels->winograd_input (w, pointers, C, ATL_ACTIVATION_NONE, 0, v, C);
  for (int i = 0; i < taps * taps; i++)
    pointers[i] = g + i * C * OC;
  kernels->winograd_weights (w, pointers, C * OC, u, C * OC);
  for (int i = 0; i < points; i++)
    {
      const float *a = v + i * C, *b = u + i * C * OC;
      AtlGemm gemm = { 1, OC, C, 1, &a, C, 1, &b, OC, m + i * OC, OC, FALSE };

      kernels->gemm (&gemm);
    }
  for (int i = 0; i < outputs * outputs; i++)
    out[i] = y + i * OC;
  kernels->winograd_output (w, m, OC, OC, NULL, out, &none);
  for (int i = 0; i < outputs * outputs * OC; i++)
    {
      const int h = i / OC / outputs, x = i / OC % outputs;
      double sum = 0;

      for (int q = 0; q < taps * taps; q++)
        for (int c = 0; c < C; c++)
          sum += (double)d[((h + q / taps) * tile + x + q % taps) * C + c]
                 * g[(q * C + c) * OC + i % OC];
      *error = MAX (*error, fabs (y[i] - sum));
      *largest = MAX (*largest, fabs (sum));
    }
  g_free (d);
  g_free (g);
  g_free (v);
  g_free (u);
  g_free (m);
  g_free (y);
}

static void
test_error (gconstpointer data)
{
  const Tables *t = data;
  const double limit[ATL_N_WINOGRADS] = { 6e-6, 2e-6, 9e-6 };

  for (AtlWinograd w = 0; w < ATL_N_WINOGRADS; w++)
    {
      double error = 0, largest = 0;

      for (int i = 0; i < 24; i++)
        convolve_tile (t->fast, w, 256, 64, &error, &largest);
      g_test_message ("F(%d,%d): largest error %.2g of the largest value",
                      atl_winograd_outputs (w), atl_winograd_taps (w),
                      error / largest);
      g_assert_cmpfloat (error / largest, <, limit[w]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_test ("winograd/input", test_input);
  add_test ("winograd/output", test_output);
  add_test ("winograd/output-adjoint", test_output_adjoint);
  add_test ("winograd/weights-and-adjoint", test_weights);
  add_test ("winograd/convolves-as-exactly-as-promised", test_error);
  return g_test_run ();
}
