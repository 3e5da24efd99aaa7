/* plug-in-atelier-train: a model from a folder of pictures. */

#include <inttypes.h>

#include <glib/gi18n-lib.h>

#include "dialogs.h"
#include "files/file-util.h"
#include "models/library.h"
#include "procedures.h"
#include "train/trainer.h"
#include "worker.h"

#define MAX_STEPS 100000000
#define MAX_SIZE 4096

/* --- From arguments to settings --- */

static gboolean
read_folder (GimpProcedureConfig *config, char **folder, GError **error)
{
  g_autofree char *shown = NULL;

  if (!atl_config_path (config, "folder", folder, error))
    return FALSE;
  if (!*folder)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "%s",
                   _ ("the argument \"folder\" is missing; it is where the "
                      "training pictures are"));
      return FALSE;
    }
  if (g_file_test (*folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  shown = atl_display_path (*folder);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s: there is no such folder"), shown);
  return FALSE;
}

/* The model file: as given, else in the user's own folder. */
static char *
find_output (GimpProcedureConfig *config, const char *name, gboolean resume,
             GError **error)
{
  g_autofree char *given = NULL;
  g_autofree char *path = NULL;

  if (!atl_config_path (config, "output", &given, error))
    return NULL;
  if (given)
    return g_str_has_suffix (given, ".safetensors")
               ? g_steal_pointer (&given)
               : g_strconcat (given, ".safetensors", NULL);
  path = atl_library_path (name, error);
  if (!path || resume || !g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("you already have a model of the name \"%s\"; give another "
                  "name, or resume its training"),
               name);
  return NULL;
}

/* The words among the arguments. */
typedef struct
{
  AtlTrainKind kind;
  gboolean b_to_a;
  char *preset;
} Words;

static gboolean
read_words (GimpProcedureConfig *config, Words *words, GError **error)
{
  static const char *const kinds[] = { "pix2pix", "vqvae", NULL };
  static const char *const directions[] = { "AtoB", "BtoA", NULL };
  static const char *const presets[] = { "quick", "standard", "full", NULL };
  g_autofree char *kind = atl_config_string (config, "kind");
  g_autofree char *direction = atl_config_string (config, "direction");
  int k, d;

  words->preset = atl_config_string (config, "preset");
  k = atl_parse_word (kind, "kind", kinds, error);
  if (k < 0 || atl_parse_word (words->preset, "preset", presets, error) < 0)
    return FALSE;
  d = atl_parse_word (direction, "direction", directions, error);
  words->kind = k == 0 ? ATL_TRAIN_PIX2PIX : ATL_TRAIN_VQVAE;
  words->b_to_a = d == 1;
  return d >= 0;
}

static gboolean
fill_settings (AtlTrainSettings *settings, GimpProcedureConfig *config,
               GError **error)
{
  g_autofree char *base = NULL;
  int steps, size, seed;

  if (!read_folder (config, &settings->folder, error))
    return FALSE;
  g_object_get (config, "steps", &steps, "size", &size, "seed", &seed, "resume",
                &settings->resume, NULL);
  g_free (settings->name);
  settings->name = atl_config_string (config, "name");
  base = g_path_get_basename (settings->folder);
  if (!settings->name)
    settings->name = g_filename_display_name (base);
  settings->output = find_output (config, settings->name, settings->resume, error);
  if (steps > 0)
    settings->steps = steps;
  if (size > 0)
    settings->size = size;
  settings->seed = seed;
  settings->threads = gimp_get_num_processors ();
  return settings->output != NULL;
}

static AtlTrainSettings *
make_settings (GimpProcedureConfig *config, GError **error)
{
  g_autoptr (AtlTrainSettings) settings = NULL;
  g_autofree char *arch = atl_config_string (config, "arch");
  Words words = { 0 };

  if (read_words (config, &words, error))
    settings = atl_train_settings_new (words.kind, words.preset, arch, error);
  g_free (words.preset);
  if (!settings)
    return NULL;
  settings->b_to_a = words.b_to_a;
  settings->corrupt = atl_config_string (config, "corrupt");
  settings->from = atl_config_string (config, "from");
  return fill_settings (settings, config, error) ? g_steal_pointer (&settings)
                                                 : NULL;
}

/* --- Training with nothing but a progress bar --- */

typedef struct
{
  AtlTrainer *trainer;
  AtlTrainResult result;
  const AtlProgress *progress;
  gint64 first_step;
} Training;

static char *
describe_step (const AtlTrainEvent *event)
{
  int left = (int)MAX (event->seconds_left, 0);

  return g_strdup_printf (_ ("Step %" PRId64 " of %" PRId64 ", %d:%02d:%02d left"),
                          event->step, event->steps, left / 3600, left / 60 % 60,
                          left % 60);
}

static void
watch (gpointer data, const AtlTrainEvent *event)
{
  Training *training = data;
  g_autofree char *text = NULL;

  if (event->kind == ATL_EVENT_STARTED)
    training->first_step = event->step;
  if (event->kind != ATL_EVENT_STEP)
    return;
  text = describe_step (event);
  atl_progress_update (training->progress,
                       (double)(event->step - training->first_step)
                           / MAX (1, event->steps - training->first_step),
                       text, NULL);
}

static gboolean
work (gpointer data, const AtlProgress *progress, GError **error)
{
  Training *training = data;

  training->progress = progress;
  return atl_trainer_run (training->trainer, &training->result, error);
}

static GimpValueArray *
return_result (GimpProcedure *procedure, const char *path,
               const AtlTrainResult *result)
{
  GimpValueArray *values = atl_return (procedure, NULL);
  gboolean measured = result->best.n > 0;

  GIMP_VALUES_TAKE_FILE (values, 1, g_file_new_for_path (path));
  GIMP_VALUES_SET_INT (values, 2,
                       (int)(measured ? result->best_step : result->step));
  GIMP_VALUES_SET_BOOLEAN (values, 3, measured && result->held_out);
  GIMP_VALUES_SET_DOUBLE (values, 4, measured ? result->best.l1 : -1);
  GIMP_VALUES_SET_DOUBLE (values, 5, measured ? result->best.psnr : -1);
  GIMP_VALUES_SET_DOUBLE (values, 6, measured ? result->best.ssim : -1);
  GIMP_VALUES_SET_DOUBLE (values, 7, measured ? result->best.ms_ssim : -1);
  return values;
}

static GimpValueArray *
train (GimpProcedure *procedure, GimpProcedureConfig *config)
{
  Training training = { NULL };
  GError *error = NULL;
  AtlTrainSettings *settings = make_settings (config, &error);
  g_autofree char *path = settings ? g_strdup (settings->output) : NULL;
  gboolean done;

  if (settings)
    training.trainer = atl_trainer_new (settings, watch, &training, NULL, &error);
  if (!training.trainer)
    return atl_return (procedure, error);
  gimp_progress_init (_ ("Looking at the pictures"));
  done = atl_work_run (work, &training, &error);
  gimp_progress_end ();
  atl_trainer_free (training.trainer);
  return done ? return_result (procedure, path, &training.result)
              : atl_return (procedure, error);
}

/* --- The procedure --- */

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GimpRunMode run_mode;

  g_object_get (config, "run-mode", &run_mode, NULL);
  gegl_init (NULL, NULL);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      gimp_ui_init ("atelier");
      return atl_train_window_run (procedure, config, make_settings)
                 ? atl_return (procedure, NULL)
                 : atl_return_cancelled (procedure);
    }
  return train (procedure, config);
}

static void
add_arguments (GimpProcedure *procedure)
{
  gimp_procedure_add_file_argument (
      procedure, "folder", _ ("_Folder"),
      _ ("The training pictures: folders A and B, pictures A|B side by side, or "
         "name_a and name_b; for vqvae or with \"corrupt\" any pictures"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "kind", _ ("_Kind"),
      _ ("What is learnt: pix2pix, from pairs, or vqvae, to compress"), "pix2pix",
      G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "corrupt", _ ("Da_mage"),
      _ ("What the inputs are made with, from clean pictures, for pix2pix: noise, "
         "jpeg:10-50, ...; empty: the folder has pairs"),
      "", G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (procedure, "name", _ ("_Name"),
                                      _ ("The model's name; empty: the folder's"),
                                      "", G_PARAM_READWRITE);
  gimp_procedure_add_file_argument (
      procedure, "output", _ ("_Output"),
      _ ("The model file; none: NAME.safetensors in your own folder of models"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "preset", _ ("_Preset"),
      _ ("How much effort: quick (minutes), standard (hours), full (a night)"),
      "standard", G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (procedure, "arch", _ ("Net_work"),
                                      _ ("unet_256, resnet_6, ...; empty: the "
                                         "preset's"),
                                      "", G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "from", _ ("_Begin with"),
      _ ("A pix2pix model to go on from, by its name or file, whose network is "
         "taken; empty: begin with nothing"),
      "", G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "steps", _ ("S_teps"),
                                   _ ("How long to train; 0: as the preset"), 0,
                                   MAX_STEPS, 0, G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (
      procedure, "size", _ ("Si_ze"),
      _ ("Side of the patches that are learnt from, in pixels; 0: as the preset"),
      0, MAX_SIZE, 0, G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "direction", _ ("_Direction"),
      _ ("AtoB: from A to B; BtoA: the other way round"), "AtoB",
      G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "seed", _ ("S_eed"),
                                   _ ("The same seed gives the same model"), 0,
                                   G_MAXINT, 0, G_PARAM_READWRITE);
  gimp_procedure_add_boolean_argument (
      procedure, "resume", _ ("_Resume"),
      _ ("Go on where an interrupted training of this model ended"), FALSE,
      G_PARAM_READWRITE);
}

void
atl_train_add_return_values (GimpProcedure *procedure)
{
  gimp_procedure_add_file_return_value (procedure, "model", _ ("Model"),
                                        _ ("The model file"), G_PARAM_READWRITE);
  gimp_procedure_add_int_return_value (procedure, "step", _ ("Step"),
                                       _ ("The step that the model is of"), 0,
                                       G_MAXINT, 0, G_PARAM_READWRITE);
  gimp_procedure_add_boolean_return_value (
      procedure, "held-out", _ ("Held out"),
      _ ("Whether the figures are of pictures that were not trained on"), FALSE,
      G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (
      procedure, "l1", _ ("L1"),
      _ ("Mean absolute difference from the target; -1: not measured"), -1,
      G_MAXDOUBLE, -1, G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (procedure, "psnr", _ ("PSNR"),
                                          _ ("In dB; -1: not measured"), -1,
                                          G_MAXDOUBLE, -1, G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (procedure, "ssim", _ ("SSIM"),
                                          _ ("Structural similarity; 1: equal"), -1,
                                          1, -1, G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (
      procedure, "ms-ssim", _ ("MS-SSIM"),
      _ ("The same over several scales; 1: equal"), -1, 1, -1, G_PARAM_READWRITE);
}

GimpProcedure *
atl_train_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_procedure_new (
      plug_in, ATL_PROC_TRAIN, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  atl_procedure_describe (
      procedure, _ ("T_rain a Style..."),
      _ ("Makes a model from a folder of your own pictures"),
      _ ("Trains on the processors of this machine and keeps the best model as a "
         "usable file at any moment.  A checkpoint beside it lets an interrupted "
         "training go on, and a report shows curves and samples.  Pairs of "
         "pictures can be made with plug-in-atelier-add-pair."));
  gimp_procedure_set_sensitivity_mask (procedure, GIMP_PROCEDURE_SENSITIVE_ALWAYS);
  atl_add_run_mode (procedure);
  add_arguments (procedure);
  atl_train_add_return_values (procedure);
  return procedure;
}
