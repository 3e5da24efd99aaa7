/* Configurations: defaults, settings, what is refused, and JSON. */

#include <string.h>

#include "models/config.h"

static const char *const archs[]
    = { "unet_128", "unet_256", "unet_512", "resnet_6", "resnet_9",
        "drunet",   "patchgan", "pixel",    "vqvae",    "vqvae2" };

static AtlConfig
init (const char *arch)
{
  AtlConfig config;
  GError *error = NULL;

  atl_config_init (&config, arch, &error);
  g_assert_no_error (error);
  return config;
}

/* An error of that code whose message has all the words. */
static void
assert_refused (GError *error, int code, const char *first, const char *second)
{
  g_assert_error (error, ATELIER_ERROR, code);
  g_assert_nonnull (strstr (error->message, first));
  g_assert_nonnull (strstr (error->message, second));
  g_assert_null (strchr (error->message, '\n'));
  g_error_free (error);
}

static void
refuse (const char *arch, const char *setting, const char *first,
        const char *second)
{
  AtlConfig config = init (arch), before = config;
  GError *error = NULL;

  g_assert_false (atl_config_set (&config, setting, &error));
  assert_refused (error, ATELIER_ERROR_ARGUMENT, first, second);
  g_assert_cmpmem (&config, sizeof config, &before, sizeof before);
}

static void
test_defaults (void)
{
  AtlConfig unet = init ("unet_256");
  AtlConfig resnet = init ("resnet_9blocks");
  AtlConfig vqvae = init ("vqvae");

  g_assert_cmpint (unet.levels, ==, 8);
  g_assert_cmpint (unet.ngf, ==, 64);
  g_assert_cmpint (unet.norm, ==, ATL_NORM_BATCH);
  g_assert_cmpfloat (unet.dropout, ==, 0.5f);
  g_assert_true (unet.image_statistics);
  g_assert_false (unet.dropout_applied);
  g_assert_cmpint (init ("unet_128").levels, ==, 7);
  g_assert_cmpint (init ("unet_512").levels, ==, 9);
  g_assert_cmpint (resnet.blocks, ==, 9);
  g_assert_cmpint (init ("resnet_6").blocks, ==, 6);
  g_assert_cmpint (init ("patchgan").n_layers, ==, 3);
  g_assert_cmpint (init ("pixel").n_layers, ==, 0);
  g_assert_cmpint (vqvae.hidden, ==, 256);
  g_assert_cmpint (vqvae.residual_blocks, ==, 2);
  g_assert_cmpint (vqvae.codes, ==, 512);
  g_assert_cmpint (vqvae.code_dim, ==, 64);
  g_assert_cmpint (vqvae.downsample, ==, 4);
  g_assert_false (vqvae.image_statistics);
}

static void
test_names (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    {
      AtlConfig config = init (archs[i]);

      g_assert_cmpstr (atl_config_arch_name (&config), ==, archs[i]);
      g_assert_true (atl_config_check (&config, NULL));
    }
}

static void
test_kinds (void)
{
  AtlConfig unet = init ("unet_256"), judge = init ("patchgan"),
            vqvae = init ("vqvae2");

  g_assert_cmpstr (atl_config_kind (&unet), ==, "pix2pix");
  g_assert_cmpstr (atl_config_kind (&judge), ==, "discriminator");
  g_assert_cmpstr (atl_config_kind (&vqvae), ==, "vqvae");
}

static void
test_unknown_arch (void)
{
  static const char *const bad[] = { "",          "unet",      "unet_",
                                     "unet_100",  "unet_16",   "unet_99999999999",
                                     "resnet",    "resnet_-1", "resnet_6x",
                                     "resnet_65", "VQVAE",     "unet_256 " };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      AtlConfig config;
      GError *error = NULL;

      g_assert_false (atl_config_init (&config, bad[i], &error));
      assert_refused (error, ATELIER_ERROR_ARGUMENT, "unet_256", "vqvae2");
    }
}

static void
set (AtlConfig *config, const char *setting)
{
  GError *error = NULL;

  atl_config_set (config, setting, &error);
  g_assert_no_error (error);
}

static void
test_settings (void)
{
  AtlConfig unet = init ("unet_256"), vqvae = init ("vqvae");

  set (&unet, "ngf=32");
  set (&unet, "norm=instance");
  set (&unet, "dropout=0.25");
  set (&unet, "upsample=bilinear");
  set (&unet, "residual=yes");
  set (&unet, "levels=9");
  set (&unet, "dropout_applied=on");
  set (&unet, "image_statistics=no");
  g_assert_cmpint (unet.ngf, ==, 32);
  g_assert_cmpint (unet.norm, ==, ATL_NORM_INSTANCE);
  g_assert_cmpfloat (unet.dropout, ==, 0.25f);
  g_assert_cmpint (unet.upsample, ==, ATL_UPSAMPLING_BILINEAR);
  g_assert_true (unet.residual && unet.dropout_applied && !unet.image_statistics);
  g_assert_cmpstr (atl_config_arch_name (&unet), ==, "unet_512");
  set (&vqvae, "downsample=16");
  set (&vqvae, "stages=4");
  set (&vqvae, "linear_skip=true");
  g_assert_cmpint (vqvae.downsample, ==, 16);
  g_assert_cmpint (vqvae.stages, ==, 4);
  g_assert_true (vqvae.linear_skip);
}

static void
test_colour_sets_channels (void)
{
  AtlConfig config = init ("resnet_6");

  set (&config, "colour=luma_to_chroma");
  g_assert_cmpint (config.input_channels, ==, 1);
  g_assert_cmpint (config.output_channels, ==, 2);
  g_assert_true (atl_config_check (&config, NULL));
  set (&config, "colour=rgb");
  g_assert_cmpint (config.input_channels, ==, 3);
  g_assert_cmpint (config.output_channels, ==, 3);
}

static void
test_bad_settings (void)
{
  refuse ("unet_256", "ngf", "ngf", "key=value");
  refuse ("unet_256", "=3", "=3", "key=value");
  refuse ("unet_256", "ngf=", "ngf", "1 to 512");
  refuse ("unet_256", "ngf=0", "ngf", "1 to 512");
  refuse ("unet_256", "ngf=64.5", "ngf", "1 to 512");
  refuse ("unet_256", "ngf=99999999999999999999", "ngf", "1 to 512");
  refuse ("unet_256", "dropout=1", "dropout", "0 to 0.9");
  refuse ("unet_256", "dropout=nan", "dropout", "0 to 0.9");
  refuse ("unet_256", "dropout=0.5x", "dropout", "0 to 0.9");
  refuse ("unet_256", "norm=layer", "norm", "none, batch, instance");
  refuse ("unet_256", "residual=maybe", "residual", "yes or no");
  refuse ("unet_256", "codes=64", "no setting 'codes'", "ngf");
  refuse ("vqvae", "ngf=64", "no setting 'ngf'", "code_dim");
  refuse ("vqvae", "downsample=3", "downsample", "power of two");
  refuse ("vqvae", "stages=17", "stages", "1 to 16");
  refuse ("vqvae", "nonsense=1", "no setting 'nonsense'", "hidden");
}

static void
conflict (const char *arch, const char *settings, const char *first,
          const char *second)
{
  AtlConfig config = init (arch);
  g_auto (GStrv) each = g_strsplit (settings, " ", -1);
  GError *error = NULL;

  for (int i = 0; each[i]; i++)
    set (&config, each[i]);
  g_assert_false (atl_config_check (&config, &error));
  assert_refused (error, ATELIER_ERROR_ARGUMENT, first, second);
}

static void
test_conflicts (void)
{
  AtlConfig config = init ("unet_256");
  GError *error = NULL;

  conflict ("unet_256", "residual=yes input_channels=1", "residual", "channels");
  conflict ("unet_256", "upsample=shuffle", "shuffle", "VQ-VAE");
  conflict ("unet_256", "colour=luma_to_chroma input_channels=3", "luma_to_chroma",
            "input_channels=1");
  conflict ("vqvae", "hidden=33", "hidden", "even");
  conflict ("vqvae", "patch=8", "patch", "downsample");
  config.ngf = -1;
  g_assert_false (atl_config_check (&config, &error));
  assert_refused (error, ATELIER_ERROR_ARGUMENT, "ngf", "1 to 512");
}

static void
test_json_round_trip (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    {
      AtlConfig config = init (archs[i]), again;
      g_autofree char *json = NULL;
      GError *error = NULL;

      config.input_channels = config.output_channels = 4;
      if (config.arch == ATL_ARCH_DRUNET)
        config.residual = TRUE;
      else if (config.arch <= ATL_ARCH_RESNET)
        {
          config.dropout = 0.3f;
          config.residual = config.dropout_applied = TRUE;
          config.upsample = ATL_UPSAMPLING_NEAREST;
        }
      json = atl_config_to_json (&config);
      atl_config_from_json (&again, json, &error);
      g_assert_no_error (error);
      g_assert_cmpmem (&config, sizeof config, &again, sizeof again);
    }
}

static void
test_json_is_readable (void)
{
  AtlConfig config = init ("unet_128");
  g_autofree char *json = NULL;

  json = atl_config_to_json (&config);
  g_assert_nonnull (strstr (json, "\"arch\":\"unet_128\""));
  g_assert_nonnull (strstr (json, "\"dropout\":0.5,"));
  g_assert_nonnull (strstr (json, "\"norm\":\"batch\""));
  g_assert_null (strstr (json, "code_dim"));
}

/* Files of a later minor version may hold more, of an earlier one less. */
static void
test_json_missing_and_unknown_keys (void)
{
  AtlConfig config, wanted = init ("unet_256");

  wanted.ngf = 16;
  g_assert_true (atl_config_from_json (
      &config, "{\"arch\": \"unet_256\", \"ngf\": 16, \"later\": [1, {}]}", NULL));
  g_assert_cmpmem (&config, sizeof config, &wanted, sizeof wanted);
}

static void
refuse_json (const char *json, int code, const char *first, const char *second)
{
  AtlConfig config;
  GError *error = NULL;

  g_assert_false (atl_config_from_json (&config, json, &error));
  assert_refused (error, code, first, second);
}

static void
test_bad_json (void)
{
  refuse_json ("", ATELIER_ERROR_FORMAT, "damaged", "architecture");
  refuse_json ("{\"arch\": ", ATELIER_ERROR_FORMAT, "damaged", "architecture");
  refuse_json ("[1]", ATELIER_ERROR_FORMAT, "damaged", "architecture");
  refuse_json ("{\"arch\": 3}", ATELIER_ERROR_FORMAT, "damaged", "architecture");
  refuse_json ("{\"arch\": \"gpt\"}", ATELIER_ERROR_UNSUPPORTED, "gpt", "unknown");
  refuse_json ("{\"arch\": \"vqvae\", \"codes\": \"many\"}", ATELIER_ERROR_FORMAT,
               "codes", "2 to 65536");
  refuse_json ("{\"arch\": \"vqvae\", \"codes\": 4294967808}", ATELIER_ERROR_FORMAT,
               "codes", "2 to 65536");
  refuse_json ("{\"arch\": \"vqvae\", \"downsample\": 12}", ATELIER_ERROR_FORMAT,
               "downsample", "power of two");
  refuse_json ("{\"arch\": \"unet_256\", \"norm\": null}", ATELIER_ERROR_FORMAT,
               "norm", "batch");
  refuse_json ("{\"arch\": \"unet_256\", \"residual\": 1}", ATELIER_ERROR_FORMAT,
               "residual", "yes or no");
  refuse_json ("{\"arch\": \"vqvae\", \"patch\": 8}", ATELIER_ERROR_FORMAT, "patch",
               "downsample");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/defaults-are-the-reference's", test_defaults);
  g_test_add_func ("/config/every-architecture-keeps-its-name", test_names);
  g_test_add_func ("/config/kinds", test_kinds);
  g_test_add_func ("/config/unknown-architecture-lists-the-known",
                   test_unknown_arch);
  g_test_add_func ("/config/settings-are-taken", test_settings);
  g_test_add_func ("/config/colour-sets-channels", test_colour_sets_channels);
  g_test_add_func ("/config/bad-settings-say-what-is-allowed", test_bad_settings);
  g_test_add_func ("/config/conflicts-are-refused", test_conflicts);
  g_test_add_func ("/config/json-round-trip", test_json_round_trip);
  g_test_add_func ("/config/json-is-readable", test_json_is_readable);
  g_test_add_func ("/config/json-missing-and-unknown-keys",
                   test_json_missing_and_unknown_keys);
  g_test_add_func ("/config/bad-json-is-refused", test_bad_json);
  return g_test_run ();
}
