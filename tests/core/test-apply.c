/* Models over pictures of any size: what comes out, of which part, and what is
 * refused; hosts see each pixel once. */

#include "apply-host.h"
#include "models.h"

static void
pictures_of_any_size_work (void)
{
  static const int sizes[][2]
      = { { 1, 1 }, { 2, 1 }, { 3, 500 }, { 500, 3 }, { 7, 7 }, { 65, 33 } };
  g_autoptr (AtlModel) resnet = model_new ("resnet_6", "ngf=4 blocks=1", 7);
  g_autoptr (AtlModel) unet = model_new ("unet_128", "ngf=4", 7);
  g_autoptr (AtlModel) vqvae
      = model_new ("vqvae", "hidden=16 residual_hidden=8 codes=16 code_dim=8", 7);
  AtlModel *models[] = { resnet, unet, vqvae };
  g_autoptr (AtlPool) pool = atl_pool_new (2);

  for (guint m = 0; m < G_N_ELEMENTS (models); m++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      for (int statistics = 0; statistics < 2; statistics++)
        {
          AtlApplyOptions options = ATL_APPLY_DEFAULTS;
          gsize n = (gsize)sizes[i][0] * sizes[i][1] * 3;
          Host host;

          options.statistics = statistics;
          host_init (&host, sizes[i][0], sizes[i][1], 3, 3);
          apply (models[m], pool, &host, &options);
          assert_written_once (&host, 0, 0, sizes[i][0], sizes[i][1]);
          for (gsize j = 0; j < n; j++)
            g_assert_true (host.out[j] >= 0 && host.out[j] <= 1);
          host_clear (&host);
        }
}

/* Beyond the right and lower border the network sees the picture's reflection:
 * the same as of a picture that was made so beforehand. */
static void
borders_are_reflected (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=4 blocks=1", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  Host small, padded;

  liven (model);
  options.statistics = 0;
  host_init (&small, 61, 42, 3, 3);
  host_init (&padded, 64, 44, 3, 3);
  for (int y = 0; y < 44; y++)
    for (int x = 0; x < 64; x++)
      memcpy (padded.in + (y * 64 + x) * 3,
              small.in + ((y < 42 ? y : 82 - y) * 61 + (x < 61 ? x : 120 - x)) * 3,
              3 * sizeof (float));
  apply (model, pool, &small, &options);
  apply (model, pool, &padded, &options);
  for (int y = 0; y < 42; y++)
    g_assert_cmpfloat (largest_difference (small.out + y * 61 * 3,
                                           padded.out + y * 64 * 3, 61 * 3),
                       <, 1e-5);
  host_clear (&small);
  host_clear (&padded);
}

/* The untiled result is the plan's own. */
static void
a_picture_that_fits_is_the_plans_output (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=8 blocks=1", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  const AtlGraph *graph = atl_model_get_graph (model);
  int input = atl_graph_find (graph, "input"),
      output = atl_graph_find (graph, "output");
  AtlShape shape = { 1, 48, 64, 3 };
  AtlPlanOptions plan_options = { .statistics = ATL_STATISTICS_IMAGE };
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (AtlPlan) plan = NULL;
  g_autoptr (GError) error = NULL;
  AtlView in, out;
  Host host;

  liven (model);
  options.statistics = 1;
  host_init (&host, 64, 48, 3, 3);
  plan = atl_plan_new (graph, atl_model_get_weights (model), pool, &input, &shape,
                       1, &output, 1, &plan_options, &error);
  g_assert_no_error (error);
  in = atl_plan_get_value (plan, input);
  for (int i = 0; i < 64 * 48; i++)
    for (int c = 0; c < 3; c++)
      in.data[i * in.stride + c] = 2 * host.in[i * 3 + c] - 1;
  atl_plan_forward (plan, 0, NULL, &error);
  g_assert_no_error (error);
  apply (model, pool, &host, &options);
  out = atl_plan_get_value (plan, output);
  for (int i = 0; i < 64 * 48; i++)
    for (int c = 0; c < 3; c++)
      {
        float v = out.data[i * out.stride + c] / 2 + 0.5f;

        g_assert_cmpfloat_with_epsilon (host.out[i * 3 + c], CLAMP (v, 0, 1), 1e-6);
      }
  host_clear (&host);
}

static void
a_part_is_that_part_of_the_whole (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=8 blocks=2", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  static const int parts[][4] = {
    { 100, 77, 50, 33 }, { 0, 0, 20, 300 }, { 390, 280, 11, 21 }, { 399, 299, 2, 2 }
  };
  g_autofree float *whole = NULL;
  Host host;

  liven (model);
  host_init (&host, 401, 301, 3, 3);
  for (int statistics = 0; statistics < 2; statistics++)
    {
      AtlApplyOptions options = ATL_APPLY_DEFAULTS;

      options.statistics = statistics;
      apply (model, pool, &host, &options);
      g_free (whole);
      whole = g_memdup2 (host.out, sizeof (float) * 401 * 301 * 3);
      for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        for (int tile = 0; tile <= 128; tile += 128)
          {
            const int *p = parts[i];

            options.x = p[0];
            options.y = p[1];
            options.width = p[2];
            options.height = p[3];
            options.tile = tile;
            apply (model, pool, &host, &options);
            assert_written_once (&host, p[0], p[1], p[2], p[3]);
            for (int y = p[1]; y < p[1] + p[3]; y++)
              g_assert_cmpfloat (
                  largest_difference (whole + (y * 401 + p[0]) * 3,
                                      host.out + (y * 401 + p[0]) * 3, p[2] * 3),
                  <, 1e-4);
          }
    }
  host_clear (&host);
}

/* A preview of a large picture does not pay for all of it. */
static void
a_part_costs_what_the_part_costs (void)
{
  static const struct
  {
    const char *arch, *settings;
    int most; /* side of the square that it may cost */
  } models[]
      = { { "resnet_6", "ngf=8 blocks=2", 400 }, { "unet_128", "ngf=4", 1024 } };
  g_autoptr (AtlPool) pool = atl_pool_new (2);

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    for (int statistics = 0; statistics < 2; statistics++)
      {
        g_autoptr (AtlModel) model
            = model_new (models[i].arch, models[i].settings, 7);
        AtlApplyOptions options = ATL_APPLY_DEFAULTS;
        AtlImageIo small = { models[i].most, models[i].most, 3 };
        AtlApplyForecast part, square;
        g_autoptr (GError) error = NULL;
        AtlImageIo io;
        Host host;

        host_init (&host, 2000, 1500, 3, 3);
        io = host_io (&host);
        options.statistics = statistics;
        atl_apply_forecast (model, pool, &small, &options, &square, &error);
        g_assert_no_error (error);
        options.x = 900;
        options.y = 700;
        options.width = options.height = 250;
        atl_apply_forecast (model, pool, &io, &options, &part, &error);
        g_assert_no_error (error);
        g_assert_cmpfloat (part.macs, <=, square.macs);
        apply (model, pool, &host, &options);
        assert_written_once (&host, 900, 700, 250, 250);
        host_clear (&host);
      }
}

static void
threads_do_not_change_a_bit (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=8 blocks=1", 7);
  g_autoptr (AtlPool) one = atl_pool_new (1);
  g_autoptr (AtlPool) three = atl_pool_new (3);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autofree float *first = NULL;
  Host host;

  liven (model);
  options.statistics = 1;
  options.tile = 128;
  host_init (&host, 200, 230, 3, 3);
  apply (model, one, &host, &options);
  first = g_memdup2 (host.out, sizeof (float) * 200 * 230 * 3);
  apply (model, three, &host, &options);
  g_assert_cmpfloat (largest_difference (first, host.out, 200 * 230 * 3), ==, 0);
  host_clear (&host);
}

static void
strength_zero_is_the_picture (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=4 blocks=1", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autofree float *full = NULL;
  Host host;

  liven (model);
  host_init (&host, 50, 40, 3, 3);
  apply (model, pool, &host, &options);
  full = g_memdup2 (host.out, sizeof (float) * 50 * 40 * 3);
  options.strength = 0;
  apply (model, pool, &host, &options);
  g_assert_cmpfloat (largest_difference (host.in, host.out, 50 * 40 * 3), <, 1e-6);
  options.strength = 0.25;
  apply (model, pool, &host, &options);
  for (int i = 0; i < 50 * 40 * 3; i++)
    g_assert_cmpfloat_with_epsilon (host.out[i],
                                    0.75f * host.in[i] + 0.25f * full[i], 1e-6);
  host_clear (&host);
}

static void
dropout_follows_its_seed (void)
{
  g_autoptr (AtlModel) model
      = model_new ("resnet_6", "ngf=8 blocks=2 dropout=0.5", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  gsize n = 200 * 180 * 3;
  Host host;

  liven (model);
  host_init (&host, 200, 180, 3, 3);
  for (int tile = 0; tile <= 128; tile += 128)
    {
      AtlApplyOptions options = ATL_APPLY_DEFAULTS;
      g_autofree float *off = NULL, *on = NULL;

      options.tile = tile;
      options.dropout = 0;
      apply (model, pool, &host, &options);
      off = g_memdup2 (host.out, n * sizeof (float));
      options.dropout = 1;
      options.seed = 5;
      apply (model, pool, &host, &options);
      on = g_memdup2 (host.out, n * sizeof (float));
      g_assert_cmpfloat (largest_difference (off, on, n), >, 1e-3);
      apply (model, pool, &host, &options);
      g_assert_cmpfloat (largest_difference (host.out, on, n), ==, 0);
      options.seed = 6;
      apply (model, pool, &host, &options);
      g_assert_cmpfloat (largest_difference (host.out, on, n), >, 1e-3);
    }
  host_clear (&host);
}

static void
stages_are_heeded (void)
{
  g_autoptr (AtlModel) model = model_new (
      "vqvae", "hidden=16 residual_hidden=8 codes=16 code_dim=8 stages=3", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  g_autofree float *all = NULL;
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (GError) error = NULL;
  gsize n = 64 * 64 * 3;
  AtlImageIo io;
  Host host;

  liven (model);
  host_init (&host, 64, 64, 3, 3);
  apply (model, pool, &host, &options);
  all = g_memdup2 (host.out, n * sizeof (float));
  options.stages = 3;
  apply (model, pool, &host, &options);
  g_assert_cmpfloat (largest_difference (all, host.out, n), ==, 0);
  options.stages = 1;
  apply (model, pool, &host, &options);
  g_assert_cmpfloat (largest_difference (all, host.out, n), >, 1e-4);
  options.stages = 4;
  io = host_io (&host);
  g_assert_false (atl_apply (model, pool, &io, &options, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  host_clear (&host);
}

static void
grey_pictures_are_coloured (void)
{
  g_autoptr (AtlModel) model
      = model_new ("resnet_6", "ngf=4 blocks=1 colour=luma_to_chroma", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  double colour = 0;
  Host host;

  liven (model);
  g_assert_cmpint (atl_apply_get_channels (model, 1), ==, 3);
  host_init (&host, 60, 50, 1, 3);
  apply (model, pool, &host, &options);
  for (int i = 0; i < 60 * 50; i++)
    {
      const float *p = host.out + i * 3;

      g_assert_cmpfloat_with_epsilon (
          0.2126f * p[0] + 0.7152f * p[1] + 0.0722f * p[2], host.in[i], 1e-5);
      colour = MAX (colour, fabs (p[0] - p[2]));
    }
  g_assert_cmpfloat (colour, >, 0.01);
  host_clear (&host);
}

typedef struct
{
  double last;
  int n;
  gint64 cancel_after, cancelled_at;
  GCancellable *cancellable;
} Watch;

static void
watch (gpointer data, double fraction, const char *text)
{
  Watch *w = data;

  g_assert_cmpfloat (fraction, >=, w->last - 1e-9);
  g_assert_cmpfloat (fraction, <=, 1);
  w->last = fraction;
  w->n++;
  if (w->cancellable && !w->cancelled_at && w->n > w->cancel_after)
    {
      g_cancellable_cancel (w->cancellable);
      w->cancelled_at = g_get_monotonic_time ();
    }
}

static void
progress_runs_from_start_to_end (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=8 blocks=2", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (GError) error = NULL;
  Watch w = { 0 };
  AtlProgress progress = { watch, &w, NULL };
  AtlImageIo io;
  Host host;

  host_init (&host, 300, 300, 3, 3);
  io = host_io (&host);
  options.statistics = 1;
  options.tile = 128;
  g_assert_true (atl_apply (model, pool, &io, &options, &progress, &error));
  g_assert_cmpfloat_with_epsilon (w.last, 1, 1e-6);
  g_assert_cmpint (w.n, >, 20);
  host_clear (&host);
}

static void
cancelling_stops_at_once (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_9", "ngf=32", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Watch w = { 0, 0, 3, 0, cancellable };
  AtlProgress progress = { watch, &w, cancellable };
  AtlImageIo io;
  Host host;

  host_init (&host, 1024, 1024, 3, 3);
  io = host_io (&host);
  options.statistics = 1;
  g_assert_false (atl_apply (model, pool, &io, &options, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_test_message ("stopped after %d ms",
                  (int)((g_get_monotonic_time () - w.cancelled_at) / 1000));
  g_assert_cmpint ((g_get_monotonic_time () - w.cancelled_at) / 1000, <, 3000);
  host_clear (&host);
}

static void
a_hosts_error_is_passed_on (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=4 blocks=1", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (GError) error = NULL;
  AtlImageIo io;
  Host host;

  host_init (&host, 300, 200, 3, 3);
  host.fail_at = 120;
  io = host_io (&host);
  options.tile = 100;
  g_assert_false (atl_apply (model, pool, &io, &options, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE);
  g_assert_cmpstr (error->message, ==, "row 120");
  host_clear (&host);
}

static void
wrong_uses_are_refused (void)
{
  g_autoptr (AtlModel) discriminator = model_new ("patchgan", "", 7);
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=4 blocks=1", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (GError) error = NULL;
  AtlImageIo io;
  Host host;

  host_init (&host, 30, 20, 3, 3);
  io = host_io (&host);
  g_assert_false (atl_apply (discriminator, pool, &io, &options, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MODEL);
  g_clear_error (&error);
  options.x = 20;
  options.width = 11;
  options.height = 5;
  g_assert_false (atl_apply (model, pool, &io, &options, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  host_clear (&host);
}

static void
pictures_keep_depth_alpha_and_profile (void)
{
  static const AtlDepth depths[] = { ATL_DEPTH_U8, ATL_DEPTH_U16, ATL_DEPTH_FLOAT };
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=4 blocks=1", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  g_autoptr (GBytes) icc = g_bytes_new ("profile", 7);

  for (guint i = 0; i < G_N_ELEMENTS (depths); i++)
    {
      g_autoptr (AtlPicture) picture
          = atl_picture_new (37, 23, 3, TRUE, depths[i], icc, NULL);
      g_autoptr (AtlPicture) result = NULL;
      g_autoptr (GError) error = NULL;
      float in[4], out[4];

      for (gsize j = 0; j < picture->row_bytes * 23; j++)
        picture->pixels[j]
            = depths[i] == ATL_DEPTH_FLOAT && j % 4 == 3 ? 0x3e : j * 37 % 251;
      result = atl_apply_picture (model, pool, picture, NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (result->depth, ==, depths[i]);
      g_assert_true (result->has_alpha);
      g_assert_true (g_bytes_equal (result->icc, icc));
      for (int y = 0; y < 23; y += 11)
        {
          atl_picture_get (picture, 5, y, 1, 1, 4, in, 4, 4);
          atl_picture_get (result, 5, y, 1, 1, 4, out, 4, 4);
          g_assert_cmpfloat (in[3], ==, out[3]);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(path, function) g_test_add_func ("/apply/" path, function)
  TEST ("a-picture-that-fits-is-the-plans-output",
        a_picture_that_fits_is_the_plans_output);
  TEST ("pictures-of-any-size-work", pictures_of_any_size_work);
  TEST ("borders-are-reflected", borders_are_reflected);
  TEST ("a-part-is-that-part-of-the-whole", a_part_is_that_part_of_the_whole);
  TEST ("a-part-costs-what-the-part-costs", a_part_costs_what_the_part_costs);
  TEST ("threads-do-not-change-a-bit", threads_do_not_change_a_bit);
  TEST ("strength-zero-is-the-picture", strength_zero_is_the_picture);
  TEST ("dropout-follows-its-seed", dropout_follows_its_seed);
  TEST ("stages-are-heeded", stages_are_heeded);
  TEST ("grey-pictures-are-coloured", grey_pictures_are_coloured);
  TEST ("progress-runs-from-start-to-end", progress_runs_from_start_to_end);
  TEST ("cancelling-stops-at-once", cancelling_stops_at_once);
  TEST ("a-hosts-error-is-passed-on", a_hosts_error_is_passed_on);
  TEST ("wrong-uses-are-refused", wrong_uses_are_refused);
  TEST ("pictures-keep-depth-alpha-and-profile",
        pictures_keep_depth_alpha_and_profile);
  return g_test_run ();
}
