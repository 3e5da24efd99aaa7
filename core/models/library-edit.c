/* Changes to the user's own models: import, rename, remove; see library.h. */

#include "models/library.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "files/file-util.h"
#include "files/safetensors.h"
#include "models/model-private.h"

#define MAX_STEM 100

/* What training keeps beside a model. */
static const char *const beside[] = { ".checkpoint", ".report", NULL };

/* A file name that works everywhere, for a name as an artist writes it; NULL if
 * nothing is left of it. */
static char *
file_stem (const char *name)
{
  g_autofree char *stem = g_strstrip (g_strdup (name));

  g_strdelimit (stem, "/\\:*?\"<>|\n\r\t", '-');
  if (*stem == '\0' || *stem == '.' || strlen (stem) > MAX_STEM
      || !g_utf8_validate (stem, -1, NULL))
    return NULL;
  return g_steal_pointer (&stem);
}

char *
atl_library_path (const char *name, GError **error)
{
  g_autofree char *stem = file_stem (name);
  g_autofree char *folder = stem ? atl_library_user_folder (error) : NULL;
  g_autofree char *file = NULL;

  if (!stem)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                 _ ("\"%s\" can't be the name of a model; give a short one that "
                    "does not begin with a dot"),
                 name);
  if (!folder)
    return NULL;
  file = g_strconcat (stem, ATL_MODEL_EXTENSION, NULL);
  return g_build_filename (folder, file, NULL);
}

/* The path for a new model. */
static char *
free_path (const char *name, GError **error)
{
  g_autofree char *path = atl_library_path (name, error);

  if (path && g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("you already have a model of the name \"%s\"; give another "
                      "name"),
                   name);
      return NULL;
    }
  return g_steal_pointer (&path);
}

/* --- Files as they are stored --- */

static gboolean
is_model_file (const char *path)
{
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) tensors
      = atl_safetensors_read_header (path, &metadata, NULL);

  return tensors && metadata && g_hash_table_contains (metadata, "atelier.config");
}

/* Whether weights are stored with 16 bits, which they are to keep. */
static gboolean
is_half (const char *path)
{
  g_autoptr (AtlTensorSet) tensors = atl_safetensors_read_header (path, NULL, NULL);

  for (guint i = 0; tensors && i < atl_tensor_set_size (tensors); i++)
    if (atl_tensor_set_get (tensors, i)->type == ATL_TYPE_F16)
      return TRUE;
  return FALSE;
}

/* --- The calls --- */

char *
atl_library_import (const char *file, const char *name, GError **error)
{
  gboolean ours = is_model_file (file);
  g_autoptr (AtlModel) model
      = ours ? atl_model_open (file, error) : atl_model_import (file, NULL, error);
  g_autofree char *stem = atl_model_path_name (file);
  g_autofree char *path = NULL;

  if (!model)
    return NULL;
  path = free_path (name ? name : stem, error);
  if (!path)
    return NULL;
  if (name || !ours)
    json_object_set_string_member (atl_model_get_card (model), "name",
                                   name ? name : stem);
  if (!atl_model_save (model, path, ours && is_half (file), error))
    return NULL;
  return g_steal_pointer (&path);
}

/* The path of a model that is the user's own. */
static char *
own_model (const char *name, GError **error)
{
  g_autofree char *path = atl_library_find (name, error);
  g_autofree char *folder = path ? atl_library_user_folder (error) : NULL;
  g_autofree char *parent = path ? g_path_get_dirname (path) : NULL;
  g_autofree char *shown = NULL;

  if (!folder)
    return NULL;
  if (g_str_equal (folder, parent) && g_str_has_suffix (path, ATL_MODEL_EXTENSION))
    return g_steal_pointer (&path);
  shown = atl_display_path (path);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("%s is none of your own models, which are in %s; it stays as "
                  "it is"),
               shown, folder);
  return NULL;
}

/* PATH.safetensors to PATH.checkpoint. */
static char *
sibling (const char *path, const char *extension)
{
  return g_strdup_printf ("%.*s%s",
                          (int)(strlen (path) - strlen (ATL_MODEL_EXTENSION)), path,
                          extension);
}

char *
atl_library_rename (const char *name, const char *new_name, GError **error)
{
  g_autofree char *path = own_model (name, error);
  g_autofree char *new_path = path ? free_path (new_name, error) : NULL;
  g_autoptr (AtlModel) model = new_path ? atl_model_open (path, error) : NULL;

  if (!model)
    return NULL;
  json_object_set_string_member (atl_model_get_card (model), "name", new_name);
  if (!atl_model_save (model, new_path, is_half (path), error))
    return NULL;
  g_unlink (path);
  for (int i = 0; beside[i]; i++)
    {
      g_autofree char *from = sibling (path, beside[i]);
      g_autofree char *to = sibling (new_path, beside[i]);

      if (!g_file_test (to, G_FILE_TEST_EXISTS))
        g_rename (from, to);
    }
  return g_steal_pointer (&new_path);
}

gboolean
atl_library_remove (const char *name, GError **error)
{
  g_autofree char *path = own_model (name, error);
  g_autofree char *checkpoint = NULL;

  if (!path)
    return FALSE;
  if (g_unlink (path) != 0)
    {
      int code = errno;
      g_autofree char *shown = atl_display_path (path);

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                   _ ("%s: can't be removed: %s"), shown, g_strerror (code));
      return FALSE;
    }
  checkpoint = sibling (path, beside[0]);
  g_unlink (checkpoint);
  return TRUE;
}
