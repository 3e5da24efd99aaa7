/* script-fu-atelier-batch: Atelier's filters over a folder of pictures, through
 * Script-Fu.  What is done is in data/scripts/atelier-batch.scm; here the arguments
 * are checked, and what was done is reported. */

#include <string.h>

#include <glib/gi18n-lib.h>

#include "dialogs.h"
#include "files/file-util.h"
#include "procedures.h"
#include "script.h"

/* --- Arguments --- */

typedef struct
{
  char *source, *folder, *model;
  int filter, format; /* words below */
} Batch;

static const char *const filters[] = { "translate", "compress", NULL };
static const char *const formats[] = { "png", "jpg", "tif", "webp", "xcf", NULL };

static void
batch_clear (Batch *batch)
{
  g_free (batch->source);
  g_free (batch->folder);
  g_free (batch->model);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Batch, batch_clear)

static gboolean
check_source (const char *source, GError **error)
{
  g_autofree char *shown = NULL;

  if (strpbrk (source, "*?") || g_file_test (source, G_FILE_TEST_IS_DIR))
    return TRUE;
  shown = atl_display_path (source);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s: there is no such folder; give a folder, or a pattern such "
                  "as *.png"),
               shown);
  return FALSE;
}

/* The model is looked at now, and not once a picture. */
static gboolean
check_model (GimpProcedureConfig *config, const Batch *batch, GError **error)
{
  g_autoptr (AtlModel) model
      = atl_config_model (config, batch->filter == 0 ? "pix2pix" : "vqvae", error);

  return model != NULL;
}

static gboolean
read_batch (GimpProcedureConfig *config, Batch *batch, GError **error)
{
  g_autofree char *filter = atl_config_string (config, "filter");
  g_autofree char *format = atl_config_string (config, "format");

  batch->model = atl_config_string (config, "model");
  batch->filter = atl_parse_word (filter, "filter", filters, error);
  if (batch->filter < 0)
    return FALSE;
  batch->format = atl_parse_word (format, "format", formats, error);
  if (batch->format < 0
      || !atl_config_folder (config, "source", &batch->source, error)
      || !atl_config_folder (config, "folder", &batch->folder, error)
      || !check_source (batch->source, error)
      || !check_model (config, batch, error))
    return FALSE;
  return atl_make_folder (batch->folder, error);
}

/* --- What was done --- */

typedef struct
{
  int done, failed;
  GStrvBuilder *failures; /* a line each */
} Outcome;

static void
note_line (Outcome *outcome, const char *line)
{
  const char *name = strchr (line, ' ');
  const char *why = strchr (line, '\t');
  g_autofree char *failure = NULL;

  if (!name)
    return;
  if (g_str_has_prefix (line, "done "))
    {
      outcome->done++;
      return;
    }
  outcome->failed++;
  if (why)
    failure
        = g_strdup_printf ("%.*s: %s", (int)(why - name - 1), name + 1, why + 1);
  else
    failure = g_strdup_printf (
        _ ("%s: a picture of this name is there already and was left alone"),
        name + 1);
  g_strv_builder_add (outcome->failures, failure);
}

static char *
report (const Outcome *outcome, char **failures)
{
  g_autofree char *done = g_strdup_printf (
      ngettext ("%d picture is done.", "%d pictures are done.", outcome->done),
      outcome->done);
  g_autofree char *failed = g_strdup_printf (
      ngettext ("%d picture failed:", "%d pictures failed:", outcome->failed),
      outcome->failed);
  g_autofree char *lines = g_strjoinv ("\n", failures);

  return outcome->failed ? g_strjoin ("\n", done, failed, lines, NULL)
                         : g_steal_pointer (&done);
}

static GimpValueArray *
return_outcome (GimpProcedure *procedure, const Outcome *outcome)
{
  GimpValueArray *values = atl_return (procedure, NULL);
  g_auto (GStrv) failures = g_strv_builder_end (outcome->failures);
  g_autofree char *text = report (outcome, failures);

  gimp_message (text);
  GIMP_VALUES_SET_INT (values, 1, outcome->done);
  GIMP_VALUES_SET_INT (values, 2, outcome->failed);
  GIMP_VALUES_TAKE_STRV (values, 3, g_steal_pointer (&failures));
  return values;
}

static gboolean
run_batch (GimpProcedureConfig *config, Outcome *outcome, GError **error)
{
  g_auto (Batch) batch = { NULL };
  g_autofree char *source = NULL, *folder = NULL, *model = NULL, *list = NULL;
  g_autofree char *shown = NULL;
  g_auto (GStrv) lines = NULL;

  if (!read_batch (config, &batch, error))
    return FALSE;
  source = atl_script_quote (batch.source);
  folder = atl_script_quote (batch.folder);
  model = atl_script_quote (batch.model ? batch.model : "");
  list = g_strdup_printf ("%s %s %s \"%s\" \"%s\"", source, folder, model,
                          filters[batch.filter], formats[batch.format]);
  gimp_progress_init (_ ("Applying to a folder"));
  lines = atl_script_run ("atelier-batch.scm", "atelier-batch", list, error);
  gimp_progress_end ();
  if (!lines)
    return FALSE;
  for (int i = 0; lines[i]; i++)
    note_line (outcome, lines[i]);
  if (outcome->done + outcome->failed > 0)
    return TRUE;
  shown = atl_display_path (batch.source);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s: there are no pictures"), shown);
  return FALSE;
}

/* --- The procedure --- */

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GimpRunMode run_mode;
  Outcome outcome = { 0, 0, NULL };
  GError *error = NULL;
  GimpValueArray *values;

  g_object_get (config, "run-mode", &run_mode, NULL);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      gimp_ui_init ("atelier");
      if (!atl_batch_dialog_run (procedure, config))
        return atl_return_cancelled (procedure);
    }
  outcome.failures = g_strv_builder_new ();
  values = run_batch (config, &outcome, &error)
               ? return_outcome (procedure, &outcome)
               : atl_return (procedure, error);
  g_strv_builder_unref (outcome.failures);
  return values;
}

static void
add_arguments (GimpProcedure *procedure)
{
  gimp_procedure_add_file_argument (
      procedure, "source", _ ("_Pictures"),
      _ ("A folder of pictures, or a pattern such as /home/me/scans/*.tif"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  gimp_procedure_add_file_argument (
      procedure, "folder", _ ("_Results"),
      _ ("The folder for the results; it is made where it is missing"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  atl_add_model (procedure,
                 _ ("The model: a name that plug-in-atelier-models lists, or a "
                    "file; empty: the first that fits the filter"));
  /* "procedure" would be a property of every config already. */
  gimp_procedure_add_string_argument (
      procedure, "filter", _ ("_Filter"),
      _ ("What is done to each picture: translate or compress"), "translate",
      G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "format", _ ("F_ormat"),
      _ ("What the results are written as: png, jpg, tif, webp or xcf"), "png",
      G_PARAM_READWRITE);
}

GimpProcedure *
atl_batch_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_procedure_new (
      plug_in, ATL_PROC_BATCH, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  atl_procedure_describe (
      procedure, _ ("Apply to a _Folder..."),
      _ ("Sends every picture of a folder through one of Atelier's filters"),
      _ ("Takes every picture of a folder, or all that fit a pattern, flattens "
         "it to one layer, sends it through Translate or Compress, and writes the "
         "result under the same name into another folder.  Nothing is "
         "overwritten.  A picture that fails is told at the end, and the others "
         "are done."));
  gimp_procedure_set_sensitivity_mask (procedure, GIMP_PROCEDURE_SENSITIVE_ALWAYS);
  atl_add_run_mode (procedure);
  add_arguments (procedure);
  gimp_procedure_add_int_return_value (procedure, "done", _ ("Done"),
                                       _ ("How many pictures are done"), 0,
                                       G_MAXINT, 0, G_PARAM_READWRITE);
  gimp_procedure_add_int_return_value (procedure, "failed", _ ("Failed"),
                                       _ ("How many failed"), 0, G_MAXINT, 0,
                                       G_PARAM_READWRITE);
  gimp_procedure_add_string_array_return_value (
      procedure, "failures", _ ("Failures"), _ ("Which failed, and why"),
      G_PARAM_READWRITE);
  return procedure;
}
