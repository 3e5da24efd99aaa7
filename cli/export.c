/* atelier export: a model as ONNX, for other programs. */

#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"
#include "models/library.h"

gboolean
command_export (int argc, char **argv, GError **error)
{
  g_autofree char *output = NULL, *path = NULL;
  const GOptionEntry entries[] = { { "onnx", 0, 0, G_OPTION_ARG_FILENAME, &output,
                                     N_ ("the file to write"), N_ ("FILE.onnx") },
                                   { NULL } };
  g_autoptr (AtlModel) model = NULL;

  if (!cli_parse (&argc, &argv, entries, "MODEL --onnx FILE.onnx", NULL, 1, 1,
                  error)
      || !cli_require_option (output, "--onnx", error))
    return FALSE;
  path = atl_library_find (argv[1], error);
  if (!path || !cli_check_output (output, (char *[]){ path, NULL }, error))
    return FALSE;
  model = cli_open_model (path, NULL, error);
  return model && atl_model_export_onnx (model, output, error);
}
