/* atelier roundtrip: a picture through a VQ-VAE and back, and what was lost. */

#include "apply-options.h"
#include "apply/metrics.h"
#include "commands.h"
#include "common.h"

static void
print_json (const AtlPicture *picture, const AtlComparison *lost)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "width");
  json_builder_add_int_value (builder, picture->width);
  json_builder_set_member_name (builder, "height");
  json_builder_add_int_value (builder, picture->height);
  cli_json_add_number (builder, "psnr", lost->psnr);
  cli_json_add_number (builder, "ssim", lost->ssim);
  cli_json_add_number (builder, "ms_ssim", lost->ms_ssim);
  cli_json_add_number (builder, "l1", lost->l1);
  json_builder_end_object (builder);
  cli_print_json (json_builder_get_root (builder));
}

static gboolean
check_quality (AtlModel *model, int quality, GError **error)
{
  int stages = atl_model_get_config (model)->stages;

  if (quality >= 0 && quality <= stages)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               ngettext ("--quality is %d, but %s has only one quality; leave "
                         "--quality out",
                         "--quality is %d; %s has the qualities 1 to %d", stages),
               quality, atl_model_get_name (model), stages);
  return FALSE;
}

gboolean
command_roundtrip (int argc, char **argv, GError **error)
{
  g_autofree char *model_name = NULL, *output = NULL;
  int quality = 0;
  gboolean json = FALSE, done;
  CliApply apply = CLI_APPLY_DEFAULTS;
  const GOptionEntry entries[]
      = { { "model", 'm', 0, G_OPTION_ARG_FILENAME, &model_name,
            N_ ("a file, or a name that \"atelier models\" lists"), N_ ("MODEL") },
          { "quality", 'q', 0, G_OPTION_ARG_INT, &quality,
            N_ ("residual stages to use (default: all)"), N_ ("N") },
          CLI_APPLY_ENTRIES (apply),
          { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("print JSON"), NULL },
          { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
            N_ ("the picture to write"), N_ ("OUT") },
          { NULL } };
  g_autoptr (AtlModel) model = NULL;
  g_autoptr (AtlPool) pool = NULL;
  g_autoptr (AtlPicture) picture = NULL, result = NULL;
  AtlApplyOptions options;
  AtlComparison lost;

  done = cli_parse (&argc, &argv, entries, "-m MODEL -o OUT IN", NULL, 1, 1, error)
         && cli_require_option (model_name, "-m", error)
         && cli_require_option (output, "-o", error)
         && cli_apply_options (&apply, &options, error);
  cli_apply_clear (&apply);
  if (!done || !atl_picture_check_name (output, error)
      || !cli_check_output (output, argv + 1, error))
    return FALSE;
  model = cli_open_model (model_name, "vqvae", error);
  if (!model || !check_quality (model, quality, error))
    return FALSE;
  options.stages = quality;

  pool = atl_pool_new (apply.threads);
  picture = atl_picture_load (argv[1], error);
  if (!picture)
    return FALSE;
  result = atl_apply_picture (model, pool, picture, &options,
                              cli_progress ("roundtrip"), error);
  if (!result || !atl_compare_pictures (pool, picture, result, NULL, &lost, error)
      || !atl_picture_save (result, output, error))
    return FALSE;
  if (json)
    print_json (picture, &lost);
  else
    g_print ("psnr %.2f dB  ssim %.4f  ms_ssim %.4f\n", lost.psnr, lost.ssim,
             lost.ms_ssim);
  return TRUE;
}
