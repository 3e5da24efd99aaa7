/* Pictures that do not fit: tiled equals untiled, whatever the norms' statistics;
 * budgets of memory hold, and what is kept between passes comes back. */

#include "apply/apply-private.h"
#include "apply-host.h"
#include "full-disk.h"
#include "models.h"

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
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=8 blocks=2", 7);
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
  g_autoptr (AtlModel) batch = model_new ("resnet_6", "ngf=8 blocks=2", 7);
  g_autoptr (AtlModel) instance
      = model_new ("resnet_6", "ngf=8 blocks=3 norm=instance", 7);
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
      = model_new ("resnet_6", "ngf=8 blocks=2 residual=yes", 7);
  AtlApplyForecast f;

  liven (model);
  assert_tiled_is_untiled (model, 301, 250, 128, 1, &f);
  g_assert_true (f.exact);
}

static void
vqvae_in_tiles_is_vqvae (void)
{
  g_autoptr (AtlModel) model
      = model_new ("vqvae", "hidden=16 residual_hidden=8 codes=16 code_dim=8", 7);
  AtlApplyForecast f;

  liven (model);
  assert_tiled_is_untiled (model, 203, 177, 96, -1, &f);
  g_assert_true (f.exact);
  g_assert_cmpint (f.n_tiles, >, 1);
}

static void
unet_with_statistics_is_exact_by_its_passes (void)
{
  g_autoptr (AtlModel) model = model_new ("unet_128", "ngf=4 norm=instance", 7);
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
  g_autoptr (AtlModel) model = model_new ("unet_128", "ngf=4", 7);
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
      g_autoptr (AtlModel) model = model_new (networks[i].arch, settings, 7);
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
  g_autoptr (AtlModel) model = model_new ("unet_128", "ngf=32", 7);
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
a_small_budget_gives_the_same_picture (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=16 blocks=2", 7);
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
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=32 blocks=1", 7);
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autofree float *with_disk = NULL;
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

  disk_full_at (1 << 20);
  apply (model, pool, &host, &options);
  disk_has_room ();
  assert_written_once (&host, 0, 0, 640, 600);
  g_assert_cmpfloat (largest_difference (with_disk, host.out, 640 * 600 * 3), <,
                     1e-4);
  host_clear (&host);
}

/* The budget that messages name is the least in MiB of which so much is counted. */
static void
needed_budgets_are_the_least (void)
{
  static const gsize counted[]
      = { 1, 1 << 20, 7 << 20, 100 << 20, 335 << 20, 337 << 20, 1000 << 20 };
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=4 blocks=1", 1);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  AtlImageIo io = { 30, 20, 3, NULL, NULL, NULL, 3 };

  for (guint i = 0; i < G_N_ELEMENTS (counted); i++)
    for (int less = 0; less <= 1; less++)
      {
        AtlJob job;

        options.memory = (gsize)(atl_job_needed_mib (counted[i]) - less) << 20;
        if (options.memory == 0)
          continue;
        g_assert_true (atl_job_init (&job, model, NULL, &io, &options, NULL));
        g_assert_cmpint (job.budget >= counted[i], ==, less == 0);
        atl_job_clear (&job);
      }
}

static void
too_small_a_budget_says_what_it_takes (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_6", "ngf=16 blocks=2", 7);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(path, function) g_test_add_func ("/apply/" path, function)
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
  TEST ("a-small-budget-gives-the-same-picture",
        a_small_budget_gives_the_same_picture);
  TEST ("a-full-disk-only-takes-longer", a_full_disk_only_takes_longer);
  TEST ("too-small-a-budget-says-what-it-takes",
        too_small_a_budget_says_what_it_takes);
  TEST ("needed-budgets-are-the-least", needed_budgets_are_the_least);
  return g_test_run ();
}
