/* plug-in-atelier-models: what models there are, and changes to one's own. */

#include <glib/gi18n-lib.h>

#include "dialogs.h"
#include "models/library.h"
#include "procedures.h"

typedef enum
{
  ACTION_LIST,
  ACTION_IMPORT,
  ACTION_RENAME,
  ACTION_REMOVE
} Action;

static const char *const actions[] = { "list", "import", "rename", "remove", NULL };

static gboolean
require (const char *value, const char *argument, const char *action,
         GError **error)
{
  if (value)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("the argument \"%s\" is missing; the action \"%s\" needs it"),
               argument, action);
  return FALSE;
}

/* path: the model's, where the action has one as its result. */
static gboolean
act (GimpProcedureConfig *config, char **path, GError **error)
{
  g_autofree char *word = atl_config_string (config, "action");
  g_autofree char *model = atl_config_string (config, "model");
  g_autofree char *name = atl_config_string (config, "name");
  g_autofree char *file = NULL;
  int action = atl_parse_word (word, "action", actions, error);

  if (action < 0 || !atl_config_path (config, "file", &file, error))
    return FALSE;
  switch ((Action)action)
    {
    case ACTION_LIST:
      return TRUE;
    case ACTION_IMPORT:
      if (require (file, "file", word, error))
        *path = atl_library_import (file, name, error);
      return *path != NULL;
    case ACTION_RENAME:
      if (require (model, "model", word, error)
          && require (name, "name", word, error))
        *path = atl_library_rename (model, name, error);
      return *path != NULL;
    case ACTION_REMOVE:
      return require (model, "model", word, error)
             && atl_library_remove (model, error);
    }
  return FALSE;
}

/* Ids, kinds, names and paths of all usable models. */
static void
return_list (GimpValueArray *values)
{
  g_autoptr (GPtrArray) list = atl_library_list (NULL);
  GStrvBuilder *columns[4];

  for (int c = 0; c < 4; c++)
    columns[c] = g_strv_builder_new ();
  for (guint i = 0; i < list->len; i++)
    {
      const AtlModelInfo *info = list->pdata[i];

      if (info->error)
        continue;
      g_strv_builder_add (columns[0], info->id);
      g_strv_builder_add (columns[1], info->kind);
      g_strv_builder_add (columns[2], *info->name ? info->name : info->id);
      g_strv_builder_add (columns[3], info->path);
    }
  for (int c = 0; c < 4; c++)
    {
      GIMP_VALUES_TAKE_STRV (values, 2 + c, g_strv_builder_end (columns[c]));
      g_strv_builder_unref (columns[c]);
    }
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  g_autofree char *path = NULL;
  GError *error = NULL;
  GimpRunMode run_mode;
  GimpValueArray *values;

  g_object_get (config, "run-mode", &run_mode, NULL);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      gimp_ui_init ("atelier");
      if (!atl_models_dialog_run (procedure, config))
        return atl_return_cancelled (procedure);
    }
  if (!act (config, &path, &error))
    return atl_return (procedure, error);
  values = atl_return (procedure, NULL);
  GIMP_VALUES_SET_STRING (values, 1, path ? path : "");
  return_list (values);
  return values;
}

static void
add_return_values (GimpProcedure *procedure)
{
  gimp_procedure_add_string_return_value (
      procedure, "model-file", _ ("Model"),
      _ ("Path of the model that was imported or renamed; empty otherwise"), "",
      G_PARAM_READWRITE);
  gimp_procedure_add_string_array_return_value (
      procedure, "ids", _ ("Ids"),
      _ ("What the models are called in other procedures' argument \"model\", "
         "after the action"),
      G_PARAM_READWRITE);
  gimp_procedure_add_string_array_return_value (
      procedure, "kinds", _ ("Kinds"),
      _ ("Their kinds: pix2pix, vqvae, discriminator"), G_PARAM_READWRITE);
  gimp_procedure_add_string_array_return_value (procedure, "names", _ ("Names"),
                                                _ ("Their names for reading"),
                                                G_PARAM_READWRITE);
  gimp_procedure_add_string_array_return_value (
      procedure, "files", _ ("Files"), _ ("Their files"), G_PARAM_READWRITE);
}

GimpProcedure *
atl_models_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_procedure_new (
      plug_in, ATL_PROC_MODELS, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  atl_procedure_describe (
      procedure, _ ("_Manage Models..."),
      _ ("Lists, imports, renames and removes models"),
      _ ("Imports model files of Atelier and PyTorch checkpoints (.pth) of "
         "pytorch-CycleGAN-and-pix2pix; nothing in a checkpoint is executed.  "
         "Only models in your own folder can be renamed and removed."));
  gimp_procedure_set_sensitivity_mask (procedure, GIMP_PROCEDURE_SENSITIVE_ALWAYS);
  atl_add_run_mode (procedure);
  gimp_procedure_add_string_argument (
      procedure, "action", _ ("_Action"),
      _ ("What to do: list, import (needs file), rename (needs model and name), "
         "remove (needs model)"),
      "list", G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (procedure, "model", _ ("_Model"),
                                      _ ("The model to rename or remove"), "",
                                      G_PARAM_READWRITE);
  gimp_procedure_add_file_argument (
      procedure, "file", _ ("_File"), _ ("The file to import"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "name", _ ("_Name"),
      _ ("The model's new name; of an import, empty: the file's"), "",
      G_PARAM_READWRITE);
  add_return_values (procedure);
  return procedure;
}
