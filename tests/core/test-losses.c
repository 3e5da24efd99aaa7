/* Losses: values, gradients against finite differences, and the same bits with
 * any number of threads.  tests/parity/test-training.py compares them with
 * PyTorch. */

#include "train/losses.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

typedef double (*Loss) (AtlPool *pool, AtlView x, AtlView t, double weight,
                        AtlView dx, gboolean accumulate);

#define GAN(name, gan, role)                                                       \
  static double name (AtlPool *pool, AtlView x, AtlView t, double weight,          \
                      AtlView dx, gboolean accumulate)                             \
  {                                                                                \
    return atl_loss_gan (pool, gan, role, x, weight, dx, accumulate);              \
  }

GAN (vanilla_real, ATL_GAN_VANILLA, ATL_GAN_REAL)
GAN (vanilla_fake, ATL_GAN_VANILLA, ATL_GAN_FAKE)
GAN (lsgan_real, ATL_GAN_LSGAN, ATL_GAN_REAL)
GAN (lsgan_fake, ATL_GAN_LSGAN, ATL_GAN_FAKE)
GAN (hinge_real, ATL_GAN_HINGE, ATL_GAN_REAL)
GAN (hinge_fake, ATL_GAN_HINGE, ATL_GAN_FAKE)
GAN (hinge_generator, ATL_GAN_HINGE, ATL_GAN_GENERATOR)

static double
ms_ssim (AtlPool *pool, AtlView x, AtlView t, double weight, AtlView dx,
         gboolean accumulate)
{
  double value = NAN;
  GError *error = NULL;

  g_assert_true (
      atl_loss_ms_ssim (pool, x, t, weight, dx, accumulate, &value, &error));
  g_assert_no_error (error);
  return value;
}

static AtlView
random_view (AtlShape shape, int spare, guint64 stream, double scale)
{
  AtlView view = { NULL, shape, (gsize)(shape.c + spare) };
  gsize n = (gsize)shape.n * (gsize)shape.h * (gsize)shape.w * view.stride;
  AtlRandom random;

  atl_random_init (&random, 7, stream);
  view.data = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    view.data[i] = (float)scale * atl_random_normal (&random);
  return view;
}

static float *
element (AtlView v, int n, int y, int x, int c)
{
  return v.data
         + ((gsize)(n * v.shape.h + y) * (gsize)v.shape.w + (gsize)x) * v.stride
         + c;
}

/* Central differences at some places; the loss's own gradient was asked for
 * with weight 3, added to ones. */
static void
check_gradient (Loss loss, AtlShape shape, float h, double tolerance)
{
  AtlPool *pool = atl_pool_new (2);
  AtlView x = random_view (shape, 2, 1, 0.5), t = random_view (shape, 1, 2, 0.5);
  AtlView dx = random_view (shape, 3, 3, 1);
  gsize n_dx = (gsize)shape.n * (gsize)shape.h * (gsize)shape.w * dx.stride;
  AtlRandom random;
  double largest = 0, worst = 0;

  /* Pictures that have something in common. */
  for (int n = 0; n < shape.n; n++)
    for (int p = 0; p < shape.h * shape.w; p++)
      for (int c = 0; c < shape.c; c++)
        *element (t, n, 0, p, c)
            = 0.6f * *element (x, n, 0, p, c) + 0.4f * *element (t, n, 0, p, c);
  for (gsize i = 0; i < n_dx; i++)
    dx.data[i] = 1;
  loss (pool, x, t, 3, dx, TRUE);
  atl_random_init (&random, 7, 9);
  for (int k = 0; k < 40; k++)
    {
      int n = (int)atl_random_below (&random, (guint32)shape.n);
      int row = (int)atl_random_below (&random, (guint32)shape.h);
      int column = (int)atl_random_below (&random, (guint32)shape.w);
      int c = (int)atl_random_below (&random, (guint32)shape.c);
      float *at = element (x, n, row, column, c), was = *at, up, down;
      double high, low, ours = (double)*element (dx, n, row, column, c) - 1;

      up = was + h;
      down = was - h;
      *at = up;
      high = loss (pool, x, t, 1, ATL_NO_VIEW, FALSE);
      *at = down;
      low = loss (pool, x, t, 1, ATL_NO_VIEW, FALSE);
      *at = was;
      worst = MAX (worst, fabs (3 * (high - low) / (double)(up - down) - ours));
      largest = MAX (largest, fabs (ours));
    }
  g_assert_cmpfloat (largest, >, 0);
  g_assert_cmpfloat (worst / largest, <, tolerance);
  /* What lies between the pixels' channels is untouched. */
  g_assert_cmpfloat (dx.data[shape.c], ==, 1);
  g_free (x.data);
  g_free (t.data);
  g_free (dx.data);
  atl_pool_free (pool);
}

static void
test_pointwise_gradients (void)
{
  const Loss losses[]
      = { atl_loss_l1, atl_loss_l2, vanilla_real, vanilla_fake,   lsgan_real,
          lsgan_fake,  hinge_real,  hinge_fake,   hinge_generator };
  const AtlShape shape = { 2, 5, 7, 3 };

  for (guint i = 0; i < G_N_ELEMENTS (losses); i++)
    check_gradient (losses[i], shape, 1e-3f, 2e-2);
}

static void
test_ms_ssim_gradient (void)
{
  check_gradient (ms_ssim, (AtlShape){ 1, 12, 15, 1 }, 2e-2f, 5e-2);
  check_gradient (ms_ssim, (AtlShape){ 2, 47, 50, 3 }, 2e-2f, 5e-2);
}

static void
test_values (void)
{
  AtlPool *pool = atl_pool_new (1);
  float x[] = { 0.5f, -1, 2, 0 }, t[] = { 0, 1, 2, -0.5f };
  AtlView vx = atl_view_dense (x, (AtlShape){ 1, 2, 2, 1 });
  AtlView vt = atl_view_dense (t, (AtlShape){ 1, 2, 2, 1 });
  float d[4];
  AtlView vd = atl_view_dense (d, vx.shape);

  g_assert_cmpfloat_with_epsilon (atl_loss_l1 (pool, vx, vt, 1, vd, FALSE), 0.75,
                                  1e-7);
  g_assert_cmpfloat (d[0], ==, 0.25f);
  g_assert_cmpfloat (d[1], ==, -0.25f);
  g_assert_cmpfloat (d[2], ==, 0); /* equal: no direction */
  g_assert_cmpfloat_with_epsilon (atl_loss_l2 (pool, vx, vt, 1, vd, FALSE), 1.125,
                                  1e-7);
  g_assert_cmpfloat_with_epsilon (
      atl_loss_gan (pool, ATL_GAN_HINGE, ATL_GAN_REAL, vx, 1, vd, FALSE),
      (0.5 + 2 + 0 + 1) / 4, 1e-7);
  /* A discriminator that says 0 everywhere knows nothing. */
  memset (x, 0, sizeof x);
  for (int role = ATL_GAN_REAL; role <= ATL_GAN_FAKE; role++)
    {
      g_assert_cmpfloat_with_epsilon (
          atl_loss_gan (pool, ATL_GAN_VANILLA, (AtlGanRole)role, vx, 1, vd, FALSE),
          atl_gan_even (ATL_GAN_VANILLA), 1e-6);
      g_assert_cmpfloat_with_epsilon (
          atl_loss_gan (pool, ATL_GAN_HINGE, (AtlGanRole)role, vx, 1, vd, FALSE),
          atl_gan_even (ATL_GAN_HINGE), 1e-6);
    }
  atl_pool_free (pool);
}

static void
test_large_logits_stay_finite (void)
{
  AtlPool *pool = atl_pool_new (1);
  float x[] = { 1000, -1000, 88, -88 }, d[4];
  AtlView vx = atl_view_dense (x, (AtlShape){ 1, 1, 4, 1 });
  AtlView vd = atl_view_dense (d, vx.shape);

  for (int role = ATL_GAN_REAL; role <= ATL_GAN_GENERATOR; role++)
    {
      double v = atl_loss_gan (pool, ATL_GAN_VANILLA, (AtlGanRole)role, vx, 1, vd,
                               FALSE);

      g_assert_true (isfinite (v));
      for (int i = 0; i < 4; i++)
        g_assert_true (isfinite (d[i]));
    }
  atl_pool_free (pool);
}

static void
test_same_bits_with_any_threads (void)
{
  const AtlShape shape = { 3, 61, 47, 3 };
  AtlPool *one = atl_pool_new (1), *three = atl_pool_new (3);
  AtlView x = random_view (shape, 0, 1, 0.5), t = random_view (shape, 0, 2, 0.5);
  AtlView a = random_view (shape, 0, 3, 1), b = random_view (shape, 0, 4, 1);
  gsize size = 3 * 61 * 47 * 3 * sizeof (float);
  const Loss losses[] = { atl_loss_l1, atl_loss_l2, vanilla_real, ms_ssim };

  for (guint i = 0; i < G_N_ELEMENTS (losses); i++)
    {
      g_assert_true (losses[i](one, x, t, 1, a, FALSE)
                     == losses[i](three, x, t, 1, b, FALSE));
      g_assert_cmpmem (a.data, size, b.data, size);
    }
  g_free (x.data);
  g_free (t.data);
  g_free (a.data);
  g_free (b.data);
  atl_pool_free (one);
  atl_pool_free (three);
}

static void
test_equal_pictures_have_ms_ssim_loss_0 (void)
{
  AtlPool *pool = atl_pool_new (1);
  AtlView x = random_view ((AtlShape){ 1, 32, 32, 1 }, 0, 1, 0.3);
  float small[100] = { 0 };
  AtlView v = atl_view_dense (small, (AtlShape){ 1, 10, 10, 1 });
  GError *error = NULL;
  double value;

  g_assert_cmpfloat_with_epsilon (ms_ssim (pool, x, x, 1, ATL_NO_VIEW, FALSE), 0,
                                  1e-5);
  g_assert_false (
      atl_loss_ms_ssim (pool, v, v, 1, ATL_NO_VIEW, FALSE, &value, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_free (x.data);
  atl_pool_free (pool);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/losses/known-values", test_values);
  g_test_add_func ("/losses/gradients-match-finite-differences",
                   test_pointwise_gradients);
  g_test_add_func ("/losses/ms-ssim-gradient-matches-finite-differences",
                   test_ms_ssim_gradient);
  g_test_add_func ("/losses/large-logits-stay-finite",
                   test_large_logits_stay_finite);
  g_test_add_func ("/losses/same-bits-with-any-threads",
                   test_same_bits_with_any_threads);
  g_test_add_func ("/losses/ms-ssim-of-equal-and-of-tiny-pictures",
                   test_equal_pictures_have_ms_ssim_loss_0);
  return g_test_run ();
}
