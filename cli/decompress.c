/* atelier decompress: a .vqi file to a picture. */

#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"
#include "vqi.h"

typedef struct
{
  char *model, *output;
  int quality, memory, threads;
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
            N_ ("the model (default: the one that the file names)"), N_ ("MODEL") },
          { "quality", 'q', 0, G_OPTION_ARG_INT, &o->quality,
            N_ ("stages to use (default: all that the file has)"), N_ ("N") },
          { "memory", 0, 0, G_OPTION_ARG_INT, &o->memory,
            N_ ("budget; large pictures go in tiles (default 1024)"), N_ ("MIB") },
          { "threads", 0, 0, G_OPTION_ARG_INT, &o->threads,
            N_ ("processors to use (default: all)"), N_ ("N") },
          { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, N_ ("print JSON"), NULL },
          { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output,
            N_ ("the picture to write"), N_ ("OUT") },
          { NULL } };

  return cli_parse (argc, argv, entries, "-o OUT IN.vqi", NULL, 1, 1, error)
         && cli_require_option (o->output, "-o", error)
         && cli_check_range (o->threads, 0, CLI_MAX_THREADS, "--threads", error)
         && cli_check_range (o->memory, 0, 1 << 24, "--memory", error);
}

static void
print_json (const AtlVqi *vqi, int stages)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  cli_json_add_vqi (builder, vqi);
  json_builder_set_member_name (builder, "used");
  json_builder_add_int_value (builder, stages);
  json_builder_end_object (builder);
  cli_print_json (json_builder_get_root (builder));
}

gboolean
command_decompress (int argc, char **argv, GError **error)
{
  g_auto (Options) o = { 0 };
  g_autoptr (AtlVqi) vqi = NULL;
  g_autoptr (AtlModel) model = NULL;
  g_autoptr (AtlPool) pool = NULL;
  g_autoptr (AtlPicture) picture = NULL;

  if (!parse (&o, &argc, &argv, error) || !atl_picture_check_name (o.output, error)
      || !cli_check_output (o.output, argv + 1, error))
    return FALSE;
  vqi = atl_vqi_open (argv[1], error);
  if (!vqi)
    return FALSE;
  model = o.model ? cli_open_model (o.model, "vqvae", error)
                  : atl_vqi_find_model (vqi, error);
  if (!model)
    return FALSE;
  pool = atl_pool_new (o.threads);
  picture = atl_vqi_decode (vqi, model, pool, o.quality, (gsize)o.memory << 20,
                            cli_progress ("decompress"), error);
  if (!picture || !atl_picture_save (picture, o.output, error))
    return FALSE;
  cli_progress_clear ();
  if (vqi->cut_short)
    g_printerr (_ ("%s is cut short or damaged: quality %d of %d\n"), argv[1],
                vqi->usable, vqi->stages);
  if (o.json)
    print_json (vqi, o.quality > 0 ? o.quality : vqi->usable);
  return TRUE;
}
