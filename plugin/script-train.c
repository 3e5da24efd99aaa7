/* script-fu-atelier-train: training for scripts, through Script-Fu, with the few
 * arguments that are needed to begin.  What is done is in
 * data/scripts/atelier-train.scm. */

#include <glib/gi18n-lib.h>

#include "procedures.h"
#include "script.h"

#define MAX_STEPS 100000000
#define N_RESULTS 7

/* Lines as atelier-train.scm writes them. */
static GimpValueArray *
return_results (GimpProcedure *procedure, char **lines)
{
  GimpValueArray *values = atl_return (procedure, NULL);

  GIMP_VALUES_TAKE_FILE (values, 1, g_file_new_for_path (lines[0]));
  GIMP_VALUES_SET_INT (values, 2, (int)g_ascii_strtoll (lines[1], NULL, 10));
  GIMP_VALUES_SET_BOOLEAN (values, 3, !g_str_equal (lines[2], "0"));
  for (int i = 3; i < N_RESULTS; i++)
    GIMP_VALUES_SET_DOUBLE (values, i + 1, g_ascii_strtod (lines[i], NULL));
  return values;
}

static void
append_quoted (GString *list, const char *text)
{
  g_autofree char *quoted = atl_script_quote (text ? text : "");

  g_string_append_printf (list, "%s ", quoted);
}

/* As the function in atelier-train.scm takes them; free with g_free. */
static char *
make_arguments (GimpProcedureConfig *config, GError **error)
{
  static const char *const names[] = { "kind", "name", "preset" };
  g_autofree char *folder = NULL;
  GString *list;
  int steps;

  if (!atl_config_folder (config, "folder", &folder, error))
    return NULL;
  list = g_string_new (NULL);
  append_quoted (list, folder);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *text = atl_config_string (config, names[i]);

      append_quoted (list, text);
    }
  g_object_get (config, "steps", &steps, NULL);
  g_string_append_printf (list, "%d", steps);
  return g_string_free (list, FALSE);
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GError *error = NULL;
  g_autofree char *arguments = make_arguments (config, &error);
  g_auto (GStrv) lines = NULL;

  if (arguments)
    lines
        = atl_script_run ("atelier-train.scm", "atelier-train", arguments, &error);
  if (lines && g_strv_length (lines) == N_RESULTS)
    return return_results (procedure, lines);
  if (!error)
    g_set_error (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "%s",
                 _ ("the training has returned something else than its model"));
  return atl_return (procedure, error);
}

GimpProcedure *
atl_script_train_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_procedure_new (
      plug_in, ATL_PROC_SCRIPT_TRAIN, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  atl_procedure_describe (
      procedure, NULL, _ ("Makes a model from a folder of paired images"),
      _ ("The entry point for scripts: trains without a window, as "
         "plug-in-atelier-train does, which has more arguments.  The model of "
         "that name in the user's own folder can be used at once."));
  atl_add_run_mode (procedure);
  gimp_procedure_add_file_argument (
      procedure, "folder", _ ("_Folder"), _ ("The folder of training pictures"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "kind", _ ("_Kind"),
      _ ("What is learnt: pix2pix, from pairs, or vqvae, to compress"), "pix2pix",
      G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (procedure, "name", _ ("_Name"),
                                      _ ("The model's name; empty: the folder's"),
                                      "", G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "preset", _ ("_Preset"),
      _ ("How much effort: quick (minutes), standard (hours), full (a night)"),
      "quick", G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "steps", _ ("S_teps"),
                                   _ ("How long to train; 0: as the preset"), 0,
                                   MAX_STEPS, 0, G_PARAM_READWRITE);
  atl_train_add_return_values (procedure);
  return procedure;
}
