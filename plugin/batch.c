/* script-fu-atelier-batch and script-fu-atelier-train: Atelier's filters over a
 * folder of pictures, and training over one, through Script-Fu.  What they do is
 * in data/scripts; here they are registered, their arguments are checked, and
 * what they have done is reported. */

#include <errno.h>
#include <string.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "dialogs.h"
#include "procedures.h"
#include "script.h"

#define MAX_STEPS 100000000

/* --- Batch: arguments --- */

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
require_path (GimpProcedureConfig *config, const char *argument, char **path,
              GError **error)
{
  if (!atl_config_path (config, argument, path, error))
    return FALSE;
  if (*path)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("the argument \"%s\" is missing; it is a folder"), argument);
  return FALSE;
}

static gboolean
check_source (const char *source, GError **error)
{
  if (strpbrk (source, "*?") || g_file_test (source, G_FILE_TEST_IS_DIR))
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s: there is no such folder; give a folder, or a pattern such "
                  "as *.png"),
               source);
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
  if (batch->format < 0 || !require_path (config, "source", &batch->source, error)
      || !require_path (config, "folder", &batch->folder, error)
      || !check_source (batch->source, error)
      || !check_model (config, batch, error))
    return FALSE;
  if (g_mkdir_with_parents (batch->folder, 0777) == 0)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s: the folder can't be made: %s"), batch->folder,
               g_strerror (errno));
  return FALSE;
}

/* --- Batch: what was done --- */

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
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s: there are no pictures"), batch.source);
  return FALSE;
}

static GimpValueArray *
batch (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
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
add_batch_arguments (GimpProcedure *procedure)
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
      plug_in, ATL_PROC_BATCH, GIMP_PDB_PROC_TYPE_PLUGIN, batch, NULL, NULL);

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
  add_batch_arguments (procedure);
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

/* --- Training --- */

#define N_RESULTS 7

/* Lines as atelier-train.scm writes them. */
static GimpValueArray *
return_trained (GimpProcedure *procedure, char **lines)
{
  GimpValueArray *values = atl_return (procedure, NULL);

  GIMP_VALUES_TAKE_FILE (values, 1, g_file_new_for_path (lines[0]));
  GIMP_VALUES_SET_INT (values, 2, (int)g_ascii_strtoll (lines[1], NULL, 10));
  GIMP_VALUES_SET_BOOLEAN (values, 3, !g_str_equal (lines[2], "0"));
  for (int i = 3; i < N_RESULTS; i++)
    GIMP_VALUES_SET_DOUBLE (values, i + 1, g_ascii_strtod (lines[i], NULL));
  return values;
}

static char *
train_arguments (GimpProcedureConfig *config, GError **error)
{
  g_autofree char *path = NULL;
  const char *const names[] = { "kind", "name", "preset", NULL };
  GString *list = g_string_new (NULL);
  int steps;

  if (!require_path (config, "folder", &path, error))
    {
      g_string_free (list, TRUE);
      return NULL;
    }
  for (int i = -1; i < 0 || names[i]; i++)
    {
      g_autofree char *text
          = i < 0 ? g_strdup (path) : atl_config_string (config, names[i]);
      g_autofree char *quoted = atl_script_quote (text ? text : "");

      g_string_append_printf (list, "%s ", quoted);
    }
  g_object_get (config, "steps", &steps, NULL);
  g_string_append_printf (list, "%d", steps);
  return g_string_free (list, FALSE);
}

static GimpValueArray *
train (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GError *error = NULL;
  g_autofree char *arguments = train_arguments (config, &error);
  g_auto (GStrv) lines = NULL;

  if (arguments)
    lines
        = atl_script_run ("atelier-train.scm", "atelier-train", arguments, &error);
  if (lines && g_strv_length (lines) == N_RESULTS)
    return return_trained (procedure, lines);
  if (!error)
    g_set_error (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "%s",
                 _ ("the training has returned something else than its model"));
  return atl_return (procedure, error);
}

static void
add_train_results (GimpProcedure *procedure)
{
  static const char *const names[] = { "l1", "psnr", "ssim", "ms-ssim" };
  const char *const nicks[] = { _ ("L1"), _ ("PSNR"), _ ("SSIM"), _ ("MS-SSIM") };

  gimp_procedure_add_file_return_value (procedure, "model", _ ("Model"),
                                        _ ("The model file"), G_PARAM_READWRITE);
  gimp_procedure_add_int_return_value (procedure, "step", _ ("Step"),
                                       _ ("The step that the model is of"), 0,
                                       G_MAXINT, 0, G_PARAM_READWRITE);
  gimp_procedure_add_boolean_return_value (
      procedure, "held-out", _ ("Held out"),
      _ ("Whether the figures are of pictures that were not trained on"), FALSE,
      G_PARAM_READWRITE);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    gimp_procedure_add_double_return_value (
        procedure, names[i], nicks[i], _ ("As plug-in-atelier-train returns it"),
        -1, G_MAXDOUBLE, -1, G_PARAM_READWRITE);
}

GimpProcedure *
atl_script_train_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_procedure_new (
      plug_in, ATL_PROC_SCRIPT_TRAIN, GIMP_PDB_PROC_TYPE_PLUGIN, train, NULL, NULL);

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
  add_train_results (procedure);
  return procedure;
}
