/* Models over pictures of any size: tiled equals untiled, whatever the norms'
 * statistics; budgets hold; hosts see each pixel once. */

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "apply/apply-private.h"
#include "base/random.h"

/* A host with float buffers that counts what is written. */
typedef struct
{
  int width, height, channels, out_channels;
  float *in, *out;
  guint8 *written;
  int fail_at; /* row whose reading fails; -1 */
} Host;

static gboolean
host_read (gpointer data, int x, int y, int width, int height, int channels,
           float *out, GError **error)
{
  const Host *h = data;

  g_assert_cmpint (channels, ==, h->channels);
  g_assert_true (x >= 0 && y >= 0 && width > 0 && height > 0);
  g_assert_true (x + width <= h->width && y + height <= h->height);
  if (h->fail_at >= y && h->fail_at < y + height)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE, "row %d", h->fail_at);
      return FALSE;
    }
  for (int i = 0; i < height; i++)
    memcpy (out + (gsize)i * width * channels,
            h->in + ((gsize)(y + i) * h->width + x) * channels,
            sizeof (float) * width * channels);
  return TRUE;
}

static gboolean
host_write (gpointer data, int x, int y, int width, int height, int channels,
            const float *in, GError **error)
{
  Host *h = data;

  g_assert_cmpint (channels, ==, h->out_channels);
  g_assert_true (x >= 0 && y >= 0 && x + width <= h->width
                 && y + height <= h->height);
  for (int i = 0; i < height; i++)
    {
      gsize at = (gsize)(y + i) * h->width + x;

      for (int j = 0; j < width; j++)
        h->written[at + j]++;
      memcpy (h->out + at * channels, in + (gsize)i * width * channels,
              sizeof (float) * width * channels);
    }
  return TRUE;
}

/* Smooth, with noise on top: statistics differ from place to place. */
static void
host_init (Host *h, int width, int height, int channels, int out_channels)
{
  AtlRandom random;

  *h = (Host){ width, height, channels, out_channels, NULL, NULL, NULL, -1 };
  h->in = g_new (float, (gsize)width *height *channels);
  h->out = g_new0 (float, (gsize)width *height *out_channels);
  h->written = g_new0 (guint8, (gsize)width * height);
  atl_random_init (&random, width * 7919 + height, 0);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < channels; c++)
        h->in[((gsize)y * width + x) * channels + c]
            = 0.5f + 0.35f * sinf (x * 0.02f + c) * cosf (y * 0.013f * (c + 1))
              + 0.15f * (atl_random_uniform (&random) - 0.5f);
}

static void
host_clear (Host *h)
{
  g_free (h->in);
  g_free (h->out);
  g_free (h->written);
}

static void
host_restart (Host *h)
{
  memset (h->out, 0, sizeof (float) * h->width * h->height * h->out_channels);
  memset (h->written, 0, (gsize)h->width * h->height);
}

static AtlImageIo
host_io (Host *h)
{
  return (AtlImageIo){ h->width,   h->height, h->channels,    host_read,
                       host_write, h,         h->out_channels };
}

/* settings: "key=value" separated by spaces. */
static AtlModel *
make_model (const char *arch, const char *settings)
{
  g_auto (GStrv) list = g_strsplit (settings, " ", -1);
  g_autoptr (GError) error = NULL;
  AtlConfig config;
  AtlModel *model;

  atl_config_init (&config, arch, &error);
  for (int i = 0; list[i] && !error; i++)
    if (*list[i])
      atl_config_set (&config, list[i], &error);
  g_assert_no_error (error);
  model = atl_model_create (&config, 7, &error);
  g_assert_no_error (error);
  return model;
}

/* Weights of untrained models are so small that nothing could be seen: makes
 * the network's answers as large as a trained one's, and gives the running
 * statistics values of their own. */
static void
liven (AtlModel *model)
{
  AtlWeights *weights = atl_model_get_weights (model);
  const AtlGraph *graph = atl_model_get_graph (model);
  AtlRandom random;

  atl_random_init (&random, 3, 0);
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);
      gint64 n = 1;
      g_autofree float *values = NULL;
      gboolean variance = g_str_has_suffix (p->name, "running_var");
      float scale = p->n_dims > 1 && p->trainable ? sqrtf (2.0f / p->fan_in) : 0.1f;

      for (int d = 0; d < p->n_dims; d++)
        n *= p->dims[d];
      values = g_new (float, n);
      for (gint64 j = 0; j < n; j++)
        values[j] = variance ? 0.5f + atl_random_uniform (&random)
                             : scale * atl_random_normal (&random);
      if (p->n_dims == 1 && p->trainable && g_str_has_suffix (p->name, ".weight"))
        for (gint64 j = 0; j < n; j++)
          values[j] += 1;
      atl_weights_set (weights, i, values);
    }
  atl_weights_changed (weights);
}

static void
apply (AtlModel *model, AtlPool *pool, Host *host, const AtlApplyOptions *options)
{
  AtlImageIo io = host_io (host);
  g_autoptr (GError) error = NULL;

  host_restart (host);
  atl_apply (model, pool, &io, options, NULL, &error);
  g_assert_no_error (error);
}

static void
assert_written_once (const Host *h, int x, int y, int width, int height)
{
  for (int i = 0; i < h->height; i++)
    for (int j = 0; j < h->width; j++)
      {
        gboolean inside = j >= x && j < x + width && i >= y && i < y + height;

        g_assert_cmpint (h->written[(gsize)i * h->width + j], ==, inside);
      }
}

static double
largest_difference (const float *a, const float *b, gsize n)
{
  double largest = 0;

  for (gsize i = 0; i < n; i++)
    {
      g_assert_true (isfinite (a[i]) && isfinite (b[i]));
      largest = MAX (largest, fabs (a[i] - b[i]));
    }
  return largest;
}

static double
spread (const float *a, gsize n)
{
  double sum = 0, squares = 0;

  for (gsize i = 0; i < n; i++)
    {
      sum += a[i];
      squares += a[i] * a[i];
    }
  return sqrt (squares / n - sum / n * (sum / n));
}

/* Tiled against untiled; how many passes and tiles the former took. */
static void
assert_tiled_is_untiled (AtlModel *model, int width, int height, int tile,
                         int statistics, AtlApplyForecast *forecast)
{
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (GError) error = NULL;
  g_autofree float *whole = NULL;
  gsize n = (gsize)width * height * 3;
  AtlImageIo io;
  Host host;

  host_init (&host, width, height, 3, 3);
  io = host_io (&host);
  options.statistics = statistics;
  apply (model, pool, &host, &options);
  assert_written_once (&host, 0, 0, width, height);
  whole = g_memdup2 (host.out, n * sizeof (float));
  g_assert_cmpfloat (spread (whole, n), >, 0.02);

  options.tile = tile;
  atl_apply_forecast (model, pool, &io, &options, forecast, &error);
  g_assert_no_error (error);
  apply (model, pool, &host, &options);
  assert_written_once (&host, 0, 0, width, height);
  g_test_message ("%d passes, %d tiles of %dx%d, halo %d: largest difference %.2g",
                  forecast->n_passes, forecast->n_tiles, forecast->tile_width,
                  forecast->tile_height, forecast->halo,
                  largest_difference (whole, host.out, n));
  g_assert_cmpfloat (largest_difference (whole, host.out, n), <,
                     forecast->exact ? 1e-4 : 0.5);
  host_clear (&host);
}

static void
resnet_in_tiles_is_resnet (void)
{
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=8 blocks=2");
  AtlApplyForecast f;

  liven (model);
  assert_tiled_is_untiled (model, 301, 250, 128, 0, &f);
  g_assert_true (f.exact);
  g_assert_cmpint (f.n_tiles, >, 4);
  g_assert_cmpint (f.n_passes, ==, 1);
}

static void
resnet_in_tiles_keeps_the_pictures_statistics (void)
{
  g_autoptr (AtlModel) batch = make_model ("resnet_6", "ngf=8 blocks=2");
  g_autoptr (AtlModel) instance
      = make_model ("resnet_6", "ngf=8 blocks=3 norm=instance");
  AtlApplyForecast f;

  liven (batch);
  assert_tiled_is_untiled (batch, 301, 250, 128, 1, &f);
  g_assert_true (f.exact);
  g_assert_cmpint (f.n_tiles, >, 1);
  g_assert_cmpint (f.n_passes, >, 5);
  liven (instance);
  assert_tiled_is_untiled (instance, 190, 333, 160, 0, &f);
  g_assert_true (f.exact);
  g_assert_cmpint (f.n_passes, >, 5);
}

static void
residual_networks_may_be_tiled (void)
{
  g_autoptr (AtlModel) model
      = make_model ("resnet_6", "ngf=8 blocks=2 residual=yes");
  AtlApplyForecast f;

  liven (model);
  assert_tiled_is_untiled (model, 301, 250, 128, 1, &f);
  g_assert_true (f.exact);
}

static void
vqvae_in_tiles_is_vqvae (void)
{
  g_autoptr (AtlModel) model
      = make_model ("vqvae", "hidden=16 residual_hidden=8 codes=16 code_dim=8");
  AtlApplyForecast f;

  liven (model);
  assert_tiled_is_untiled (model, 203, 177, 96, -1, &f);
  g_assert_true (f.exact);
  g_assert_cmpint (f.n_tiles, >, 1);
}

static void
unet_with_statistics_is_exact_by_its_passes (void)
{
  g_autoptr (AtlModel) model = make_model ("unet_128", "ngf=4 norm=instance");
  AtlApplyForecast f;

  liven (model);
  assert_tiled_is_untiled (model, 1000, 700, 640, 1, &f);
  g_assert_cmpint (f.n_passes, >, 5);
  g_assert_cmpint (f.n_tiles, >, 1);
  g_assert_true (f.exact);
}

static void
unet_tiles_are_blended (void)
{
  g_autoptr (AtlModel) model = make_model ("unet_128", "ngf=4");
  AtlApplyForecast f;

  liven (model);
  assert_tiled_is_untiled (model, 900, 640, 384, 0, &f);
  g_assert_false (f.exact);
  g_assert_cmpint (f.n_tiles, >, 1);
}

/* Every kind of layer that a network may have: their reach must be known. */
static void
every_network_may_be_tiled (void)
{
  static const struct
  {
    const char *arch, *settings;
  } networks[] = {
    { "resnet_6", "ngf=4 blocks=1 upsample=nearest" },
    { "resnet_6", "ngf=4 blocks=1 upsample=bilinear norm=none" },
    { "vqvae", "upsample=nearest" },
    { "vqvae", "upsample=bilinear" },
    { "vqvae", "upsample=shuffle outer_blocks=1" },
    { "vqvae", "patch=4 downsample=8 linear_skip=yes" },
    { "vqvae", "downsample=8 stages=3 zero_code=yes" },
    { "vqvae", "downsample=1" },
    { "vqvae2", "" },
    { "vqvae2", "patch=2 linear_skip=yes" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++)
    {
      gboolean vqvae = g_str_has_prefix (networks[i].arch, "vqvae");
      g_autofree char *settings = g_strconcat (
          networks[i].settings,
          vqvae ? " hidden=16 residual_hidden=8 codes=16 code_dim=8" : "", NULL);
      g_autoptr (AtlModel) model = make_model (networks[i].arch, settings);
      AtlApplyForecast f;

      g_test_message ("%s %s", networks[i].arch, settings);
      liven (model);
      assert_tiled_is_untiled (model, 290, 330, vqvae ? 208 : 128, 0, &f);
      g_assert_true (f.exact);
      g_assert_cmpint (f.n_tiles, >, 1);
    }
}

/* A U-Net sees further than any tile, but from level to level not far. */
static void
unet_in_stages_has_no_seams (void)
{
  g_autoptr (AtlModel) model = make_model ("unet_128", "ngf=32");
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  g_autoptr (GError) error = NULL;
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autofree float *whole = NULL;
  gsize n = 1000 * 900 * 3;
  AtlApplyForecast f;
  AtlImageIo io;
  Host host;

  liven (model);
  host_init (&host, 1000, 900, 3, 3);
  io = host_io (&host);
  options.statistics = 0;
  apply (model, pool, &host, &options);
  whole = g_memdup2 (host.out, n * sizeof (float));
  options.memory = 100 << 20;
  atl_apply_forecast (model, pool, &io, &options, &f, &error);
  g_assert_no_error (error);
  g_test_message ("%d passes, %d tiles of %dx%d, halo %d, %d KiB", f.n_passes,
                  f.n_tiles, f.tile_width, f.tile_height, f.halo,
                  (int)(f.bytes >> 10));
  g_assert_true (f.exact);
  g_assert_cmpint (f.n_tiles, >, 1);
  g_assert_cmpint (f.n_passes, >, 1);
  apply (model, pool, &host, &options);
  assert_written_once (&host, 0, 0, 1000, 900);
  g_assert_cmpfloat (largest_difference (whole, host.out, n), <, 1e-4);
  host_clear (&host);
}

static void
maps_give_back_what_they_got (void)
{
  AtlShape shape = { 1, 37, 53, 5 }, tile_shape = { 1, 20, 30, 5 };
  g_autofree float *values = g_new (float, 20 * 30 * 9);
  g_autofree float *back = g_new (float, 20 * 30 * 9);
  g_autoptr (AtlPool) pool = atl_pool_new (2);

  for (int i = 0; i < 20 * 30 * 9; i++)
    values[i] = i;
  for (int in_file = 0; in_file < 2; in_file++)
    for (gsize stride = 5; stride <= 9; stride += 4)
      {
        g_autoptr (GPtrArray) maps = g_ptr_array_new ();
        AtlJob job = { .shapes = &shape,
                       .n_nodes = 1,
                       .maps = maps,
                       .map_memory = in_file ? 0 : 1 << 20 };
        AtlView from = { values, tile_shape, stride },
                to = { back, tile_shape, stride };
        g_autoptr (GError) error = NULL;
        AtlMap *map;

        if (in_file && atl_maps_file_space () == 0)
          continue;
        map = atl_map_new (&job, 0, &error);
        g_assert_no_error (error);
        g_assert_true ((map->data == NULL) == in_file);
        memset (back, 0, sizeof (float) * 20 * 30 * 9);
        g_assert_true (atl_map_write (map, pool, (AtlRect){ 26, 19, 27, 18 }, from,
                                      3, 2, &error));
        g_assert_true (
            atl_map_read (map, pool, (AtlRect){ 30, 22, 23, 15 }, to, &error));
        for (int y = 0; y < 15; y++)
          for (int x = 0; x < 23; x++)
            for (int c = 0; c < 5; c++)
              g_assert_cmpfloat (back[(y * 30 + x) * stride + c], ==,
                                 values[((y + 5) * 30 + x + 7) * stride + c]);
        atl_map_free (map);
      }
}

static void
moments_are_those_of_the_values (void)
{
  AtlShape shape = { 1, 41, 67, 3 };
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  g_autofree float *values = g_new (float, 41 * 67 * 4);
  AtlMoments moments;
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  for (int i = 0; i < 41 * 67 * 4; i++)
    values[i] = 1000 + (i % 4) * atl_random_normal (&random);
  g_assert_true (atl_moments_init (&moments, 3, NULL));
  /* All of it, in four unequal parts. */
  for (int i = 0; i < 4; i++)
    {
      AtlRect part
          = { i % 2 ? 20 : 0, i / 2 ? 11 : 0, i % 2 ? 47 : 20, i / 2 ? 30 : 11 };

      g_assert_true (atl_moments_add (&moments, pool, (AtlView){ values, shape, 4 },
                                      part, NULL));
    }
  g_assert_cmpfloat (moments.n, ==, 41 * 67);
  for (int c = 0; c < 3; c++)
    {
      double mean = 0, m2 = 0;

      for (int i = 0; i < 41 * 67; i++)
        mean += values[i * 4 + c] / (41 * 67.0);
      for (int i = 0; i < 41 * 67; i++)
        m2 += (values[i * 4 + c] - mean) * (values[i * 4 + c] - mean);
      g_assert_cmpfloat_with_epsilon (moments.mean[c], mean, 1e-9 * mean);
      g_assert_cmpfloat_with_epsilon (moments.m2[c], m2, 1e-6 * m2 + 1e-12);
    }
  atl_moments_clear (&moments);
}

static void
pictures_of_any_size_work (void)
{
  static const int sizes[][2]
      = { { 1, 1 }, { 2, 1 }, { 3, 500 }, { 500, 3 }, { 7, 7 }, { 65, 33 } };
  g_autoptr (AtlModel) resnet = make_model ("resnet_6", "ngf=4 blocks=1");
  g_autoptr (AtlModel) unet = make_model ("unet_128", "ngf=4");
  g_autoptr (AtlModel) vqvae
      = make_model ("vqvae", "hidden=16 residual_hidden=8 codes=16 code_dim=8");
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
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=4 blocks=1");
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
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=8 blocks=1");
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
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=8 blocks=2");
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
            = make_model (models[i].arch, models[i].settings);
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
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=8 blocks=1");
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
a_small_budget_gives_the_same_picture (void)
{
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=16 blocks=2");
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  g_autoptr (GError) error = NULL;
  g_autofree float *whole = NULL;
  gsize n = 900 * 700 * 3;
  Host host;

  liven (model);
  host_init (&host, 900, 700, 3, 3);
  for (int statistics = 0; statistics < 2; statistics++)
    {
      AtlApplyOptions options = ATL_APPLY_DEFAULTS;
      AtlImageIo io = host_io (&host);
      AtlApplyForecast f;

      options.statistics = statistics;
      apply (model, pool, &host, &options);
      g_free (whole);
      whole = g_memdup2 (host.out, n * sizeof (float));
      options.memory = 32 << 20;
      atl_apply_forecast (model, pool, &io, &options, &f, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (f.bytes, <=, options.memory);
      g_assert_cmpint (f.n_tiles, >, 1);
      g_assert_true (f.exact);
      apply (model, pool, &host, &options);
      assert_written_once (&host, 0, 0, 900, 700);
      g_assert_cmpfloat (largest_difference (whole, host.out, n), <, 1e-4);
    }
  host_clear (&host);
}

static gboolean
keeps_maps_in_files (AtlModel *model, AtlPool *pool, Host *host,
                     const AtlApplyOptions *options)
{
  AtlImageIo io = host_io (host);
  gsize stored = 0;
  AtlJob job;

  g_assert_true (atl_job_init (&job, model, pool, &io, options, NULL));
  g_assert_true (atl_passes_plan (&job, NULL));
  for (guint i = 0; i < job.passes->len; i++)
    {
      const AtlPass *pass = g_ptr_array_index (job.passes, i);

      for (int j = 0; j < pass->n_store; j++)
        {
          AtlShape s = job.shapes[pass->store[j]];

          stored = MAX (stored, sizeof (float) * s.w * s.h * s.c);
        }
    }
  stored = stored > job.map_memory ? stored : 0;
  atl_job_clear (&job);
  return stored > 0;
}

/* Files of this process may not grow: intermediate results that were to go to
 * the disk are computed again instead. */
static void
a_full_disk_only_takes_longer (void)
{
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=32 blocks=1");
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autofree float *with_disk = NULL;
  struct rlimit before, small;
  Host host;

  if (atl_maps_file_space () == 0)
    {
      g_test_skip ("no disk for temporary files");
      return;
    }
  liven (model);
  host_init (&host, 640, 600, 3, 3);
  options.statistics = 1;
  options.memory = 16 << 20;
  g_assert_true (keeps_maps_in_files (model, pool, &host, &options));
  apply (model, pool, &host, &options);
  with_disk = g_memdup2 (host.out, sizeof (float) * 640 * 600 * 3);

  signal (SIGXFSZ, SIG_IGN);
  getrlimit (RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 1 << 20;
  setrlimit (RLIMIT_FSIZE, &small);
  apply (model, pool, &host, &options);
  setrlimit (RLIMIT_FSIZE, &before);
  assert_written_once (&host, 0, 0, 640, 600);
  g_assert_cmpfloat (largest_difference (with_disk, host.out, 640 * 600 * 3), <,
                     1e-4);
  host_clear (&host);
}

static void
too_small_a_budget_says_what_it_takes (void)
{
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=16 blocks=2");
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  g_autoptr (GError) error = NULL;
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  AtlImageIo io;
  Host host;

  host_init (&host, 900, 700, 3, 3);
  io = host_io (&host);
  options.memory = 300 << 10;
  g_assert_false (atl_apply (model, pool, &io, &options, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, "MiB"));
  assert_written_once (&host, 0, 0, 0, 0);
  host_clear (&host);
}

static void
strength_zero_is_the_picture (void)
{
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=4 blocks=1");
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
      = make_model ("resnet_6", "ngf=8 blocks=2 dropout=0.5");
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
  g_autoptr (AtlModel) model = make_model (
      "vqvae", "hidden=16 residual_hidden=8 codes=16 code_dim=8 stages=3");
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
      = make_model ("resnet_6", "ngf=4 blocks=1 colour=luma_to_chroma");
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
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=8 blocks=2");
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
  g_autoptr (AtlModel) model = make_model ("resnet_9", "ngf=32");
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
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=4 blocks=1");
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
  g_autoptr (AtlModel) discriminator = make_model ("patchgan", "");
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=4 blocks=1");
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
  g_autoptr (AtlModel) model = make_model ("resnet_6", "ngf=4 blocks=1");
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
  TEST ("resnet-in-tiles-is-resnet", resnet_in_tiles_is_resnet);
  TEST ("resnet-in-tiles-keeps-the-pictures-statistics",
        resnet_in_tiles_keeps_the_pictures_statistics);
  TEST ("residual-networks-may-be-tiled", residual_networks_may_be_tiled);
  TEST ("vqvae-in-tiles-is-vqvae", vqvae_in_tiles_is_vqvae);
  TEST ("unet-with-statistics-is-exact-by-its-passes",
        unet_with_statistics_is_exact_by_its_passes);
  TEST ("unet-tiles-are-blended", unet_tiles_are_blended);
  TEST ("every-network-may-be-tiled", every_network_may_be_tiled);
  TEST ("unet-in-stages-has-no-seams", unet_in_stages_has_no_seams);
  TEST ("maps-give-back-what-they-got", maps_give_back_what_they_got);
  TEST ("moments-are-those-of-the-values", moments_are_those_of_the_values);
  TEST ("pictures-of-any-size-work", pictures_of_any_size_work);
  TEST ("borders-are-reflected", borders_are_reflected);
  TEST ("a-part-is-that-part-of-the-whole", a_part_is_that_part_of_the_whole);
  TEST ("a-part-costs-what-the-part-costs", a_part_costs_what_the_part_costs);
  TEST ("threads-do-not-change-a-bit", threads_do_not_change_a_bit);
  TEST ("a-small-budget-gives-the-same-picture",
        a_small_budget_gives_the_same_picture);
  TEST ("a-full-disk-only-takes-longer", a_full_disk_only_takes_longer);
  TEST ("too-small-a-budget-says-what-it-takes",
        too_small_a_budget_says_what_it_takes);
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
