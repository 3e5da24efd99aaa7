/* atelier prime: teaches a VQ-VAE's file what foretells its codes, so that .vqi
 * files become smaller. */

#include <string.h>

#include <glib/gi18n-lib.h>

#include "codec/prime-pictures.h"
#include "commands.h"
#include "common.h"
#include "files/safetensors.h"
#include "models/library.h"

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* A picture, or all pictures of a folder and of those in it. */
static void
add_paths (GPtrArray *paths, const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  if (!folder)
    {
      g_ptr_array_add (paths, g_strdup (path));
      return;
    }
  while ((name = g_dir_read_name (folder)))
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);

      if (*name != '.'
          && (g_file_test (inner, G_FILE_TEST_IS_DIR)
                  ? !g_file_test (inner, G_FILE_TEST_IS_SYMLINK)
                  : atl_picture_is_picture_name (name)))
        add_paths (paths, inner);
    }
}

/* Whether the file keeps its weights as halves. */
static gboolean
is_half (const char *path)
{
  g_autoptr (AtlTensorSet) tensors = atl_safetensors_read (path, NULL, NULL);

  for (guint i = 0; tensors && i < atl_tensor_set_size (tensors); i++)
    if (atl_tensor_set_get (tensors, i)->type == ATL_TYPE_F16)
      return TRUE;
  return FALSE;
}

static gboolean
check_fresh (AtlModel *model, gboolean force, GError **error)
{
  if (force || !atl_model_get_data (model, ATL_CONTEXTS_TENSOR))
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("%s has context tables; .vqi files made with it would no longer "
                  "open with the new ones.  --force makes them anew, -o OUT "
                  "leaves this file as it is"),
               atl_model_get_name (model));
  return FALSE;
}

gboolean
command_prime (int argc, char **argv, GError **error)
{
  g_autofree char *model_name = NULL, *output = NULL, *path = NULL;
  int threads = 0, megapixels = ATL_PRIME_MEGAPIXELS;
  AtlPrimeOptions options = ATL_PRIME_DEFAULTS;
  gboolean force = FALSE;
  const GOptionEntry entries[]
      = { { "model", 'm', 0, G_OPTION_ARG_FILENAME, &model_name,
            N_ ("a file, or a name that \"atelier models\" lists"), N_ ("MODEL") },
          { "megapixels", 0, 0, G_OPTION_ARG_INT, &megapixels,
            N_ ("to look at, of all pictures together (default 48)"), N_ ("N") },
          { "width", 0, 0, G_OPTION_ARG_INT, &options.hidden,
            N_ ("of the network: 0, 16, 32, 48 or 64 (default 48)"), N_ ("N") },
          { "passes", 0, 0, G_OPTION_ARG_INT, &options.passes,
            N_ ("over the codes (default 4)"), N_ ("N") },
          { "force", 0, 0, G_OPTION_ARG_NONE, &force,
            N_ ("even if the model was primed before"), NULL },
          { "threads", 0, 0, G_OPTION_ARG_INT, &threads,
            N_ ("processors to use (default: all)"), N_ ("N") },
          { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
            N_ ("where to write it (default: where it is)"), N_ ("OUT") },
          { NULL } };
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (AtlModel) model = NULL;
  g_autoptr (AtlPool) pool = NULL;

  if (!cli_parse (&argc, &argv, entries, "-m MODEL FOLDER|PICTURE...", NULL, 1, -1,
                  error)
      || !cli_require_option (model_name, "-m", error)
      || !cli_check_range (threads, 0, CLI_MAX_THREADS, "--threads", error)
      || !cli_check_range (megapixels, 1, 4096, "--megapixels", error)
      || !cli_check_range (options.hidden, 0, ATL_MAX_HIDDEN, "--width", error)
      || !cli_check_range (options.passes, 1, 1000, "--passes", error))
    return FALSE;
  if (options.hidden % 16 != 0)
    return cli_usage_error (error, _ ("--width is %d; give 0, 16, 32, 48 or 64"),
                            options.hidden);
  path = atl_library_find (model_name, error);
  model = path ? cli_open_model (path, "vqvae", error) : NULL;
  if (!model || !check_fresh (model, force || output, error)
      || !cli_check_output (output ? output : path, NULL, error))
    return FALSE;
  for (int i = 1; i < argc; i++)
    add_paths (paths, argv[i]);
  g_ptr_array_sort (paths, compare_paths);
  pool = atl_pool_new (threads);
  if (!atl_prime_model (model, pool, paths, megapixels, &options,
                        cli_progress ("prime"), error)
      || !atl_model_save (model, output ? output : path, is_half (path), error))
    return FALSE;
  cli_progress_clear ();
  g_print (
      _ ("%s: %.1f MB of context tables\n"), output ? output : path,
      (double)g_bytes_get_size (atl_model_get_data (model, ATL_CONTEXTS_TENSOR))
          / 1e6);
  return TRUE;
}
