/* atelier create: an untrained model of a given architecture. */

#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"

gboolean
command_create (int argc, char **argv, GError **error)
{
  g_autofree char *arch = NULL, *output = NULL, *name = NULL;
  g_auto (GStrv) settings = NULL;
  gint64 seed = 0;
  gboolean half = FALSE;
  const GOptionEntry entries[]
      = { { "arch", 'a', 0, G_OPTION_ARG_STRING, &arch,
            N_ ("unet_256, resnet_9, drunet, vqvae, vqvae2, ..."), N_ ("NAME") },
          { "set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &settings,
            N_ ("change the architecture: ngf=32; may be repeated"),
            N_ ("KEY=VALUE") },
          { "seed", 0, 0, G_OPTION_ARG_INT64, &seed,
            N_ ("the same seed gives the same weights (default 0)"), N_ ("N") },
          { "name", 0, 0, G_OPTION_ARG_STRING, &name,
            N_ ("what the model's card calls it"), N_ ("NAME") },
          { "half", 0, 0, G_OPTION_ARG_NONE, &half,
            N_ ("half-precision weights: half the file"), NULL },
          { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
            N_ ("the model's file"), N_ ("MODEL") },
          { NULL } };
  g_autoptr (AtlModel) model = NULL;
  AtlConfig config;

  if (!cli_parse (&argc, &argv, entries, "--arch NAME -o MODEL", NULL, 0, 0, error)
      || !cli_require_option (arch, "--arch", error)
      || !cli_require_option (output, "-o", error)
      || !cli_parse_config (arch, settings, &config, error)
      || !cli_check_output (output, NULL, error))
    return FALSE;

  model = atl_model_create (&config, seed, error);
  if (!model)
    return FALSE;
  if (name)
    json_object_set_string_member (atl_model_get_card (model), "name", name);
  return atl_model_save (model, output, half, error);
}
