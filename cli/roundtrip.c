/* atelier roundtrip: a picture through a .vqi file and back: what it takes, and
 * what is lost. */

#include "apply-options.h"
#include "apply/metrics.h"
#include "commands.h"
#include "common.h"
#include "vqi.h"

static void
print_json (const AtlPicture *picture, const AtlComparison *lost, gsize bytes)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  double pixels = (double)picture->width * picture->height;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "width");
  json_builder_add_int_value (builder, picture->width);
  json_builder_set_member_name (builder, "height");
  json_builder_add_int_value (builder, picture->height);
  json_builder_set_member_name (builder, "bytes");
  json_builder_add_int_value (builder, (gint64)bytes);
  cli_json_add_number (builder, "bits_per_pixel", 8.0 * (double)bytes / pixels);
  cli_json_add_number (builder, "psnr", lost->psnr);
  cli_json_add_number (builder, "ssim", lost->ssim);
  cli_json_add_number (builder, "ms_ssim", lost->ms_ssim);
  cli_json_add_number (builder, "l1", lost->l1);
  json_builder_end_object (builder);
  cli_print_json (json_builder_get_root (builder));
}

/* The picture as a .vqi file gives it back; *bytes: of that file. */
static AtlPicture *
send (AtlModel *model, AtlPool *pool, const AtlPicture *picture,
      const AtlApplyOptions *apply, gsize *bytes, GError **error)
{
  AtlVqiOptions options = ATL_VQI_DEFAULTS;
  const AtlProgress *progress = cli_progress ("roundtrip");
  AtlProgressPart part, rest;
  g_autoptr (AtlVqi) vqi = NULL;

  options.stages = apply->stages;
  options.memory = apply->memory;
  vqi = atl_vqi_encode_picture (model, pool, picture, &options,
                                atl_progress_part (&part, progress, 0, 0.4), error);
  if (!vqi)
    return NULL;
  *bytes = vqi->bytes;
  return atl_vqi_decode (vqi, model, pool, 0, apply->memory,
                         atl_progress_part (&rest, progress, 0.4, 1), error);
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
  gsize bytes = 0;

  done = cli_parse (&argc, &argv, entries, "-m MODEL -o OUT IN", NULL, 1, 1, error)
         && cli_require_option (model_name, "-m", error)
         && cli_require_option (output, "-o", error)
         && cli_apply_options (&apply, &options, error);
  cli_apply_clear (&apply);
  if (!done || !atl_picture_check_name (output, error)
      || !cli_check_output (output, argv + 1, error))
    return FALSE;
  model = cli_open_model (model_name, "vqvae", error);
  if (!model || !cli_check_quality (model, quality, error))
    return FALSE;
  options.stages = quality;

  pool = atl_pool_new (apply.threads);
  picture = atl_picture_load (argv[1], error);
  if (!picture)
    return FALSE;
  result = send (model, pool, picture, &options, &bytes, error);
  if (!result || !atl_compare_pictures (pool, picture, result, NULL, &lost, error)
      || !atl_picture_save (result, output, error))
    return FALSE;
  if (json)
    print_json (picture, &lost, bytes);
  else
    g_print (_ ("%zu bytes  %.3f bits per pixel  psnr %.2f dB  "
                "ssim %.4f  ms_ssim %.4f\n"),
             bytes, 8.0 * (double)bytes / picture->width / picture->height,
             lost.psnr, lost.ssim, lost.ms_ssim);
  return TRUE;
}
