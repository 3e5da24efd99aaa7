/* atelier translate: pictures through a Pix2Pix model.
 *
 * One picture goes to a file or into a folder; several go into a folder, under
 * their own names.  What can't be read or written among several is reported
 * and left out; the others are done.
 */

#include <string.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "apply-options.h"
#include "commands.h"
#include "common.h"

/* NAME.jpg goes to FOLDER/NAME.jpg; NAME.heic, which nothing here can write,
 * to FOLDER/NAME.png. */
static char *
output_in_folder (const char *folder, const char *input)
{
  g_autofree char *base = g_path_get_basename (input);
  g_autofree char *path = g_build_filename (folder, base, NULL);
  g_autofree char *png = NULL;
  char *dot;

  if (atl_picture_check_name (path, NULL))
    return g_steal_pointer (&path);
  dot = strrchr (base, '.');
  if (dot && dot != base)
    *dot = '\0';
  png = g_strconcat (base, ".png", NULL);
  return g_build_filename (folder, png, NULL);
}

/* The output of every input; free with g_strfreev. */
static char **
plan_outputs (const char *output, char **inputs, GError **error)
{
  guint n = g_strv_length (inputs);
  g_auto (GStrv) outputs = g_new0 (char *, n + 1);
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);
  gboolean folder = g_file_test (output, G_FILE_TEST_IS_DIR);

  if (n > 1 && !folder)
    {
      if (g_mkdir (output, 0777) != 0)
        {
          g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                       _ ("%s is no folder and can't be made one; several "
                          "pictures need a folder as output"),
                       output);
          return NULL;
        }
      folder = TRUE;
    }
  for (guint i = 0; i < n; i++)
    {
      outputs[i]
          = folder ? output_in_folder (output, inputs[i]) : g_strdup (output);
      if (!g_hash_table_add (taken, outputs[i]))
        {
          g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                       _ ("two of the pictures would be written to %s; "
                          "translate them into different folders"),
                       outputs[i]);
          return NULL;
        }
      if (!atl_picture_check_name (outputs[i], error)
          || !cli_check_output (outputs[i], inputs, error))
        return NULL;
    }
  return g_steal_pointer (&outputs);
}

static gboolean
translate (AtlModel *model, AtlPool *pool, const AtlApplyOptions *options,
           const char *input, const char *output, GError **error)
{
  g_autofree char *label = g_filename_display_basename (input);
  const AtlProgress *progress = cli_progress (label);
  g_autoptr (AtlPicture) picture = atl_picture_load (input, error);
  g_autoptr (AtlPicture) result = NULL;

  if (!picture)
    return FALSE;
  result = atl_apply_picture (model, pool, picture, options, progress, error);
  g_clear_pointer (&picture, atl_picture_free);
  return result && atl_picture_save (result, output, error);
}

/* Reports what fails and goes on. */
static gboolean
translate_all (AtlModel *model, AtlPool *pool, const AtlApplyOptions *options,
               char **inputs, char **outputs)
{
  gboolean all = TRUE;

  for (guint i = 0; inputs[i]; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!translate (model, pool, options, inputs[i], outputs[i], &error))
        {
          cli_print_error (error->message);
          all = FALSE;
        }
    }
  return all;
}

gboolean
command_translate (int argc, char **argv, GError **error)
{
  g_autofree char *model_name = NULL, *output = NULL;
  double strength = 1.0;
  CliApply apply = CLI_APPLY_DEFAULTS;
  const GOptionEntry entries[]
      = { { "model", 'm', 0, G_OPTION_ARG_FILENAME, &model_name,
            N_ ("a file, or a name that \"atelier models\" lists"), N_ ("MODEL") },
          { "strength", 0, 0, G_OPTION_ARG_DOUBLE, &strength,
            N_ ("0: as it was, 1 (default): the model's, or a mixture"),
            N_ ("0..1") },
          CLI_APPLY_ENTRIES (apply),
          { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
            N_ ("a file, or a folder for several pictures"), N_ ("OUT") },
          { NULL } };
  g_auto (GStrv) outputs = NULL;
  g_autoptr (AtlModel) model = NULL;
  g_autoptr (AtlPool) pool = NULL;
  AtlApplyOptions options;
  gboolean done;

  done = cli_parse (&argc, &argv, entries, "-m MODEL -o OUT IN...", NULL, 1, -1,
                    error)
         && cli_require_option (model_name, "-m", error)
         && cli_require_option (output, "-o", error)
         && cli_check_range (strength, 0, 1, "--strength", error)
         && cli_apply_options (&apply, &options, error);
  cli_apply_clear (&apply);
  if (!done)
    return FALSE;
  options.strength = strength;

  outputs = plan_outputs (output, argv + 1, error);
  if (!outputs)
    return FALSE;
  model = cli_open_model (model_name, "pix2pix", error);
  if (!model)
    return FALSE;
  pool = atl_pool_new (apply.threads);
  if (argc == 2)
    return translate (model, pool, &options, argv[1], outputs[0], error);
  return translate_all (model, pool, &options, argv + 1, outputs);
}
