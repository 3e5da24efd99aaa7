/* atelier compress: a picture to a .vqi file. */

#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"
#include "vqi.h"

typedef struct
{
  char *model, *output;
  int quality, alpha_levels, memory, threads;
  gint64 target_bytes;
  double target_psnr;
  gboolean json;
} Options;

static void
options_clear (Options *o)
{
  g_free (o->model);
  g_free (o->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (Options *o, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[]
      = { { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model,
            N_ ("a file, or a name that \"atelier models\" lists"), N_ ("MODEL") },
          { "quality", 'q', 0, G_OPTION_ARG_INT, &o->quality,
            N_ ("residual stages to use (default: all)"), N_ ("N") },
          { "target-bytes", 0, 0, G_OPTION_ARG_INT64, &o->target_bytes,
            N_ ("the best picture in a file of at most so many bytes"), N_ ("N") },
          { "target-psnr", 0, 0, G_OPTION_ARG_DOUBLE, &o->target_psnr,
            N_ ("the smallest file that is so like the picture"), N_ ("DB") },
          { "alpha-levels", 0, 0, G_OPTION_ARG_INT, &o->alpha_levels,
            N_ ("levels that transparency keeps (default: all)"), N_ ("N") },
          { "memory", 0, 0, G_OPTION_ARG_INT, &o->memory,
            N_ ("budget; large pictures go in tiles (default 1024)"), N_ ("MIB") },
          { "threads", 0, 0, G_OPTION_ARG_INT, &o->threads,
            N_ ("processors to use (default: all)"), N_ ("N") },
          { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, N_ ("print JSON"), NULL },
          { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output,
            N_ ("the file to write"), N_ ("OUT.vqi") },
          { NULL } };

  if (!cli_parse (argc, argv, entries, "-m MODEL -o OUT.vqi IN", NULL, 1, 1, error)
      || !cli_require_option (o->model, "-m", error)
      || !cli_require_option (o->output, "-o", error)
      || !cli_check_range (o->threads, 0, CLI_MAX_THREADS, "--threads", error)
      || !cli_check_range (o->memory, 0, 1 << 24, "--memory", error)
      || !cli_check_range (o->alpha_levels, 0, 65535, "--alpha-levels", error)
      || !cli_check_range ((double)o->target_bytes, 0, 1e15, "--target-bytes",
                           error)
      || !cli_check_range (o->target_psnr, 0, 100, "--target-psnr", error))
    return FALSE;
  if ((o->quality != 0) + (o->target_bytes > 0) + (o->target_psnr > 0) > 1)
    return cli_usage_error (error, _ ("--quality, --target-bytes and --target-psnr "
                                      "exclude each other; give one"));
  return TRUE;
}

static void
print_json (const AtlVqi *vqi)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  cli_json_add_vqi (builder, vqi);
  json_builder_end_object (builder);
  cli_print_json (json_builder_get_root (builder));
}

gboolean
command_compress (int argc, char **argv, GError **error)
{
  g_auto (Options) o = { 0 };
  g_autoptr (AtlModel) model = NULL;
  g_autoptr (AtlPool) pool = NULL;
  g_autoptr (AtlPicture) picture = NULL;
  g_autoptr (AtlVqi) vqi = NULL;
  AtlVqiOptions options = ATL_VQI_DEFAULTS;

  if (!parse (&o, &argc, &argv, error)
      || !cli_check_output (o.output, argv + 1, error))
    return FALSE;
  model = cli_open_model (o.model, "vqvae", error);
  if (!model || !cli_check_quality (model, o.quality, error))
    return FALSE;
  options.stages = o.quality;
  options.target_bytes = (gsize)o.target_bytes;
  options.target_psnr = o.target_psnr;
  options.alpha_levels = o.alpha_levels;
  options.memory = (gsize)o.memory << 20;

  pool = atl_pool_new (o.threads);
  picture = atl_picture_load (argv[1], error);
  if (!picture)
    return FALSE;
  vqi = atl_vqi_encode_picture (model, pool, picture, &options,
                                cli_progress ("compress"), error);
  if (!vqi || !atl_vqi_save (vqi, o.output, error))
    return FALSE;
  if (o.json)
    print_json (vqi);
  else
    g_print (_ ("%zu bytes, %.3f bits per pixel, quality %d of %d\n"), vqi->bytes,
             8.0 * (double)vqi->bytes / vqi->width / vqi->height, vqi->stages,
             atl_model_get_config (model)->stages);
  return TRUE;
}
