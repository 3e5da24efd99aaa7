/* atelier import: a model made of a PyTorch checkpoint. */

#include <inttypes.h>
#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"

/* "on" or "off"; NULL leaves *value alone. */
static gboolean
parse_switch (const char *text, const char *option, gboolean *value, GError **error)
{
  if (!text)
    return TRUE;
  if (g_str_equal (text, "on") || g_str_equal (text, "off"))
    {
      *value = g_str_equal (text, "on");
      return TRUE;
    }
  return cli_usage_error (error, _ ("%s is \"%s\"; give on or off"), option, text);
}

gboolean
command_import (int argc, char **argv, GError **error)
{
  g_autofree char *arch = NULL, *output = NULL, *name = NULL;
  g_autofree char *statistics = NULL, *dropout = NULL;
  gboolean half = FALSE;
  const GOptionEntry entries[]
      = { { "arch", 'a', 0, G_OPTION_ARG_STRING, &arch,
            N_ ("the architecture, where it can't be recognised"), N_ ("NAME") },
          { "statistics", 0, 0, G_OPTION_ARG_STRING, &statistics,
            N_ ("what norms go by: image (default) or running"), N_ ("WHICH") },
          { "dropout", 0, 0, G_OPTION_ARG_STRING, &dropout,
            N_ ("whether dropout is on when applied: on or off (default)"),
            N_ ("SWITCH") },
          { "name", 0, 0, G_OPTION_ARG_STRING, &name,
            N_ ("what the model's card calls it"), N_ ("NAME") },
          { "half", 0, 0, G_OPTION_ARG_NONE, &half,
            N_ ("half-precision weights: half the file"), NULL },
          { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
            N_ ("the model's file"), N_ ("MODEL") },
          { NULL } };
  g_autoptr (AtlModel) model = NULL;
  int image_statistics = -1;
  AtlConfig *config;

  if (!cli_parse (&argc, &argv, entries, "FILE.pth -o MODEL", NULL, 1, 1, error)
      || !cli_require_option (output, "-o", error)
      || !cli_parse_statistics (statistics, &image_statistics, error)
      || !cli_check_output (output, argv + 1, error))
    return FALSE;

  model = atl_model_import (argv[1], arch, error);
  if (!model)
    return FALSE;
  config = atl_model_edit_config (model);
  if (image_statistics >= 0)
    config->image_statistics = image_statistics;
  if (!parse_switch (dropout, "--dropout", &config->dropout_applied, error))
    return FALSE;
  if (name)
    json_object_set_string_member (atl_model_get_card (model), "name", name);
  if (!atl_model_save (model, output, half, error))
    return FALSE;
  g_print (_ ("%s: %s, %" PRId64 " parameters\n"), output,
           atl_config_arch_name (config),
           atl_graph_count_parameters (atl_model_get_graph (model), FALSE));
  return TRUE;
}
