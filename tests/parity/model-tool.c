/* Drives models from the parity tests:
 *
 *   model-tool create ARCH SEED OUT [KEY=VALUE]...
 *   model-tool import FILE OUT [ARCH]
 *   model-tool save MODEL OUT [half]
 *   model-tool onnx MODEL OUT
 */

#include <stdlib.h>
#include <string.h>

#include "models/model.h"

static int
fail (GError *error)
{
  g_printerr ("%s\n", error->message);
  g_error_free (error);
  return 1;
}

static int
save (AtlModel *model, const char *path, gboolean half)
{
  GError *error = NULL;

  if (!atl_model_save (model, path, half, &error))
    return fail (error);
  return 0;
}

static int
create (int argc, char **argv)
{
  g_autoptr (AtlModel) model = NULL;
  GError *error = NULL;
  AtlConfig config;

  if (!atl_config_init (&config, argv[2], &error))
    return fail (error);
  for (int i = 5; i < argc; i++)
    if (!atl_config_set (&config, argv[i], &error))
      return fail (error);
  model = atl_model_create (&config, g_ascii_strtoull (argv[3], NULL, 10), &error);
  if (!model)
    return fail (error);
  return save (model, argv[4], FALSE);
}

static int
import (int argc, char **argv)
{
  GError *error = NULL;
  g_autoptr (AtlModel) model
      = atl_model_import (argv[2], argc > 4 ? argv[4] : NULL, &error);

  if (!model)
    return fail (error);
  return save (model, argv[3], FALSE);
}

static int
convert (int argc, char **argv)
{
  GError *error = NULL;
  g_autoptr (AtlModel) model = atl_model_open (argv[2], &error);

  if (!model)
    return fail (error);
  if (g_str_equal (argv[1], "save"))
    return save (model, argv[3], argc > 4 && g_str_equal (argv[4], "half"));
  if (!atl_model_export_onnx (model, argv[3], &error))
    return fail (error);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc >= 5 && g_str_equal (argv[1], "create"))
    return create (argc, argv);
  if (argc >= 4 && g_str_equal (argv[1], "import"))
    return import (argc, argv);
  if (argc >= 4 && (g_str_equal (argv[1], "save") || g_str_equal (argv[1], "onnx")))
    return convert (argc, argv);
  g_printerr ("usage: see the head of model-tool.c\n");
  return 2;
}
