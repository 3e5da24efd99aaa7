/* The metrics against their definitions, written out plainly in double
 * precision, and against published values. */

#include <math.h>

#include "apply/metrics.h"
#include "base/random.h"

static float *
random_picture (guint64 seed, gsize n)
{
  float *values = g_new (float, n);
  AtlRandom random;

  atl_random_init (&random, seed, 0);
  for (gsize i = 0; i < n; i++)
    values[i] = atl_random_uniform (&random);
  return values;
}

/* A copy with noise: something that SSIM finds alike. */
static float *
disturbed (const float *in, guint64 seed, gsize n, float amount)
{
  float *out = random_picture (seed, n);

  for (gsize i = 0; i < n; i++)
    out[i] = CLAMP (in[i] + amount * (out[i] - 0.5f), 0, 1);
  return out;
}

static int
plain_window (int side, double *taps)
{
  int n = MIN (11, side % 2 ? side : side - 1);
  double sum = 0;

  for (int i = 0; i < n; i++)
    sum += taps[i] = exp (-pow (i - n / 2, 2) / (2 * 1.5 * 1.5));
  for (int i = 0; i < n; i++)
    taps[i] /= sum;
  return n;
}

/* SSIM and its structure factor at one position of one channel. */
static double
plain_ssim_at (const float *a, const float *b, int width, int channels,
               const double *wx, int nx, const double *wy, int ny,
               double *structure)
{
  double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;

  for (int y = 0; y < ny; y++)
    for (int x = 0; x < nx; x++)
      {
        double w = wx[x] * wy[y];
        double p = a[(y * width + x) * channels], q = b[(y * width + x) * channels];

        ma += w * p;
        mb += w * q;
        aa += w * p * p;
        bb += w * q * q;
        ab += w * p * q;
      }
  *structure = (2 * (ab - ma * mb) + 9e-4) / (aa - ma * ma + bb - mb * mb + 9e-4);
  return *structure * (2 * ma * mb + 1e-4) / (ma * ma + mb * mb + 1e-4);
}

static double
plain_ssim (const float *a, const float *b, int width, int height, int channels,
            int channel, double *structure)
{
  double wx[11], wy[11], sum = 0, sum_structure = 0;
  int nx = plain_window (width, wx), ny = plain_window (height, wy), n = 0;

  for (int y = 0; y + ny <= height; y++)
    for (int x = 0; x + nx <= width; x++, n++)
      {
        gsize at = (gsize)(y * width + x) * channels + channel;
        double s;

        sum += plain_ssim_at (a + at, b + at, width, channels, wx, nx, wy, ny, &s);
        sum_structure += s;
      }
  *structure = sum_structure / n;
  return sum / n;
}

static void
ssim_is_wangs (void)
{
  static const int sizes[][3]
      = { { 11, 11, 1 }, { 40, 30, 3 }, { 131, 17, 3 }, { 12, 90, 1 }, { 1, 1, 1 },
          { 1, 20, 3 },  { 8, 5, 3 },   { 23, 150, 3 }, { 64, 75, 4 } };
  g_autoptr (AtlPool) pool = atl_pool_new (2);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      int width = sizes[i][0], height = sizes[i][1], channels = sizes[i][2];
      gsize n = (gsize)width * height * channels;
      g_autofree float *a = random_picture (i, n);
      g_autofree float *b = disturbed (a, 100 + i, n, 0.5f);
      double expected = 0, s;

      for (int c = 0; c < channels; c++)
        expected += plain_ssim (a, b, width, height, channels, c, &s) / channels;
      g_assert_cmpfloat_with_epsilon (
          atl_ssim (pool, a, b, width, height, channels), expected, 2e-6);
      g_assert_cmpfloat_with_epsilon (
          atl_ssim (pool, a, a, width, height, channels), 1, 1e-6);
    }
}

static float *
plain_half (const float *in, int width, int height, int channels)
{
  int w = (width + 1) / 2, h = (height + 1) / 2;
  float *out = g_new (float, (gsize)w *h *channels);

  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      for (int c = 0; c < channels; c++)
        {
          double sum = 0;

          for (int i = 0; i < 4; i++)
            sum += in[(MIN (2 * y + i / 2, height - 1) * width
                       + MIN (2 * x + i % 2, width - 1))
                          * channels
                      + c];
          out[(y * w + x) * channels + c] = (float)(sum / 4);
        }
  return out;
}

static double
plain_ms_ssim (const float *in_a, const float *in_b, int width, int height,
               int channels, int n_scales)
{
  static const double weights[5] = { .0448, .2856, .3001, .2363, .1333 };
  float *a = g_memdup2 (in_a, sizeof *a * width * height * channels);
  float *b = g_memdup2 (in_b, sizeof *b * width * height * channels);
  double product[4] = { 1, 1, 1, 1 }, total = 0, mean = 0;

  for (int i = 0; i < n_scales; i++)
    total += weights[i];
  for (int i = 0; i < n_scales; i++)
    {
      float *half_a, *half_b;

      for (int c = 0; c < channels; c++)
        {
          double s, ssim = plain_ssim (a, b, width, height, channels, c, &s);

          product[c]
              *= pow (i == n_scales - 1 ? ssim : s, weights[i] * 1.0001 / total);
        }
      half_a = plain_half (a, width, height, channels);
      half_b = plain_half (b, width, height, channels);
      g_free (a);
      g_free (b);
      a = half_a;
      b = half_b;
      width = (width + 1) / 2;
      height = (height + 1) / 2;
    }
  g_free (a);
  g_free (b);
  for (int c = 0; c < channels; c++)
    mean += product[c] / channels;
  return mean;
}

static void
ms_ssim_is_wangs (void)
{
  static const int cases[][4]
      = { { 176, 161, 1, 5 }, { 181, 165, 3, 5 }, { 160, 161, 1, 4 },
          { 30, 200, 3, 2 },  { 9, 9, 3, 1 },     { 1, 1, 3, 1 } };
  g_autoptr (AtlPool) pool = atl_pool_new (2);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      int width = cases[i][0], height = cases[i][1], channels = cases[i][2];
      gsize n = (gsize)width * height * channels;
      g_autofree float *a = random_picture (i, n);
      g_autofree float *b = disturbed (a, 100 + i, n, 0.5f);

      g_assert_cmpfloat_with_epsilon (
          atl_ms_ssim (pool, a, b, width, height, channels),
          plain_ms_ssim (a, b, width, height, channels, cases[i][3]), 2e-6);
      g_assert_cmpfloat_with_epsilon (
          atl_ms_ssim (pool, a, a, width, height, channels), 1, 1e-6);
    }
}

static void
threads_do_not_change_a_bit (void)
{
  g_autoptr (AtlPool) one = atl_pool_new (1);
  g_autoptr (AtlPool) three = atl_pool_new (3);
  g_autofree float *a = random_picture (1, 301 * 517 * 3);
  g_autofree float *b = disturbed (a, 2, 301 * 517 * 3, 0.3f);

  g_assert_cmpfloat (atl_ssim (one, a, b, 301, 517, 3), ==,
                     atl_ssim (three, a, b, 301, 517, 3));
  g_assert_cmpfloat (atl_ms_ssim (one, a, b, 301, 517, 3), ==,
                     atl_ms_ssim (three, a, b, 301, 517, 3));
}

static void
psnr_and_l1_are_exact (void)
{
  float a[21], b[21];

  for (int i = 0; i < 21; i++)
    {
      a[i] = 0.5f;
      b[i] = i % 2 ? 0.625f : 0.375f;
    }
  g_assert_cmpfloat_with_epsilon (atl_psnr (a, b, 7, 1, 3), -20 * log10 (0.125),
                                  1e-9);
  g_assert_cmpfloat_with_epsilon (atl_psnr (a, b, 3, 7, 1), -20 * log10 (0.125),
                                  1e-9);
  g_assert_cmpfloat_with_epsilon (atl_l1 (a, b, 7, 1, 3), 0.125, 1e-12);
  g_assert_true (isinf (atl_psnr (a, a, 7, 1, 3)));
  g_assert_cmpfloat (atl_l1 (a, a, 7, 1, 3), ==, 0);
}

/* Sharma, Wu & Dalal 2005, table 1. */
static const double sharma[][7]
    = { { 50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425 },
        { 50, 3.1571, -77.2803, 50, 0, -82.7485, 2.8615 },
        { 50, 2.8361, -74.0200, 50, 0, -82.7485, 3.4412 },
        { 50, -1.3802, -84.2814, 50, 0, -82.7485, 1.0000 },
        { 50, -1.1848, -84.8006, 50, 0, -82.7485, 1.0000 },
        { 50, -0.9009, -85.5211, 50, 0, -82.7485, 1.0000 },
        { 50, 0, 0, 50, -1, 2, 2.3669 },
        { 50, -1, 2, 50, 0, 0, 2.3669 },
        { 50, 2.4900, -0.0010, 50, -2.4900, 0.0009, 7.1792 },
        { 50, 2.4900, -0.0010, 50, -2.4900, 0.0010, 7.1792 },
        { 50, 2.4900, -0.0010, 50, -2.4900, 0.0011, 7.2195 },
        { 50, 2.4900, -0.0010, 50, -2.4900, 0.0012, 7.2195 },
        { 50, -0.0010, 2.4900, 50, 0.0009, -2.4900, 4.8045 },
        { 50, -0.0010, 2.4900, 50, 0.0010, -2.4900, 4.8045 },
        { 50, -0.0010, 2.4900, 50, 0.0011, -2.4900, 4.7461 },
        { 50, 2.5, 0, 50, 0, -2.5, 4.3065 },
        { 50, 2.5, 0, 73, 25, -18, 27.1492 },
        { 50, 2.5, 0, 61, -5, 29, 22.8977 },
        { 50, 2.5, 0, 56, -27, -3, 31.9030 },
        { 50, 2.5, 0, 58, 24, 15, 19.4535 },
        { 50, 2.5, 0, 50, 3.1736, 0.5854, 1.0000 },
        { 50, 2.5, 0, 50, 3.2972, 0, 1.0000 },
        { 50, 2.5, 0, 50, 1.8634, 0.5757, 1.0000 },
        { 50, 2.5, 0, 50, 3.2592, 0.3350, 1.0000 },
        { 60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644 },
        { 63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630 },
        { 61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731 },
        { 35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645 },
        { 22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373 },
        { 36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146 },
        { 90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441 },
        { 90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381 },
        { 6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377 },
        { 2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082 } };

static void
ciede2000_is_sharmas (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sharma); i++)
    {
      const double *d = sharma[i];

      g_assert_cmpfloat_with_epsilon (atl_ciede2000_lab (d, d + 3), d[6], 5.1e-5);
      g_assert_cmpfloat_with_epsilon (atl_ciede2000_lab (d + 3, d), d[6], 5.1e-5);
    }
}

static void
ciede2000_of_pictures_goes_through_srgb (void)
{
  const float black_red[6] = { 0, 0, 0, 1, 0, 0 };
  const float white_blue[6] = { 1, 1, 1, 0, 0, 1 };
  /* L*a*b* of the sRGB primaries under D65. */
  const double red[3] = { 53.2408, 80.0925, 67.2032 };
  const double blue[3] = { 32.2970, 79.1875, -107.8602 };
  double expected = (100 + atl_ciede2000_lab (red, blue)) / 2;

  g_assert_cmpfloat_with_epsilon (atl_ciede2000 (black_red, white_blue, 2, 1),
                                  expected, 1e-3);
  g_assert_cmpfloat (atl_ciede2000 (black_red, black_red, 2, 1), ==, 0);
}

static void
pictures_compare_as_their_floats (void)
{
  const int width = 191, height = 170;
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  g_autoptr (AtlPicture) a
      = atl_picture_new (width, height, 3, TRUE, ATL_DEPTH_U16, NULL, NULL);
  g_autoptr (AtlPicture) b
      = atl_picture_new (width, height, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);
  g_autofree float *fa = random_picture (3, width * height * 3);
  g_autofree float *fb = disturbed (fa, 4, width * height * 3, 0.4f);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  AtlProgress progress = { .cancellable = cancellable };
  g_autoptr (GError) error = NULL;
  AtlComparison c;

  atl_picture_set (a, 0, 0, width, height, 3, fa, 3, width * 3);
  atl_picture_set (b, 0, 0, width, height, 3, fb, 3, width * 3);
  atl_picture_get (a, 0, 0, width, height, 3, fa, 3, width * 3);
  atl_picture_get (b, 0, 0, width, height, 3, fb, 3, width * 3);
  g_assert_true (atl_compare_pictures (pool, a, b, &progress, &c, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (c.ssim, ==, atl_ssim (pool, fa, fb, width, height, 3));
  g_assert_cmpfloat (c.ms_ssim, ==, atl_ms_ssim (pool, fa, fb, width, height, 3));
  g_assert_cmpfloat_with_epsilon (c.psnr, atl_psnr (fa, fb, width, height, 3),
                                  1e-9);
  g_assert_cmpfloat_with_epsilon (c.l1, atl_l1 (fa, fb, width, height, 3), 1e-12);

  g_cancellable_cancel (cancellable);
  g_assert_false (atl_compare_pictures (pool, a, b, &progress, &c, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
pictures_of_two_sizes_are_refused (void)
{
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  g_autoptr (AtlPicture) a
      = atl_picture_new (5, 4, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);
  g_autoptr (AtlPicture) b
      = atl_picture_new (4, 5, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);
  g_autoptr (GError) error = NULL;
  AtlComparison c;

  g_assert_false (atl_compare_pictures (pool, a, b, NULL, &c, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/psnr-and-l1-are-exact", psnr_and_l1_are_exact);
  g_test_add_func ("/metrics/ssim-is-wangs", ssim_is_wangs);
  g_test_add_func ("/metrics/ms-ssim-is-wangs", ms_ssim_is_wangs);
  g_test_add_func ("/metrics/threads-do-not-change-a-bit",
                   threads_do_not_change_a_bit);
  g_test_add_func ("/metrics/ciede2000-is-sharmas", ciede2000_is_sharmas);
  g_test_add_func ("/metrics/ciede2000-of-pictures-goes-through-srgb",
                   ciede2000_of_pictures_goes_through_srgb);
  g_test_add_func ("/metrics/pictures-compare-as-their-floats",
                   pictures_compare_as_their_floats);
  g_test_add_func ("/metrics/pictures-of-two-sizes-are-refused",
                   pictures_of_two_sizes_are_refused);
  return g_test_run ();
}
