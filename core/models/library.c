/* Finds models in the folders where they are kept; see library.h. */

#include "models/library.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "files/file-util.h"
#include "files/safetensors.h"
#include "models/model-private.h"
#include "models/thumbnail.h"

/* Folder of the running program; NULL if the system does not tell. */
static char *
program_folder (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

  return program ? g_path_get_dirname (program) : NULL;
}

static char *
user_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "atelier", "models", NULL);
}

static void
add_folder (GPtrArray *folders, char *folder)
{
  for (guint i = 0; i < folders->len; i++)
    if (g_str_equal (folders->pdata[i], folder))
      {
        g_free (folder);
        return;
      }
  g_ptr_array_add (folders, folder);
}

char **
atl_library_folders (const char *beside)
{
  GPtrArray *folders = g_ptr_array_new ();
  g_autofree char *program = beside ? g_strdup (beside) : program_folder ();
  const char *path = g_getenv ("ATELIER_MODEL_PATH");
  const char *const *system = g_get_system_data_dirs ();

  if (program)
    add_folder (folders, g_build_filename (program, "models", NULL));
  add_folder (folders, user_folder ());
  if (path)
    {
      g_auto (GStrv) more = g_strsplit (path, G_SEARCHPATH_SEPARATOR_S, -1);

      for (int i = 0; more[i]; i++)
        if (*more[i])
          add_folder (folders, g_strdup (more[i]));
    }
#ifdef ATELIER_MODELDIR
  add_folder (folders, g_strdup (ATELIER_MODELDIR));
#endif
  for (int i = 0; system[i]; i++)
    add_folder (folders, g_build_filename (system[i], "atelier", "models", NULL));
  g_ptr_array_add (folders, NULL);
  return (char **)g_ptr_array_free (folders, FALSE);
}

char *
atl_library_user_folder (GError **error)
{
  g_autofree char *folder = user_folder ();

  if (g_mkdir_with_parents (folder, 0755) != 0)
    {
      int code = errno;
      g_autofree char *name = atl_display_path (folder);

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                   _ ("%s: the folder for models can't be made: %s"), name,
                   g_strerror (code));
      return NULL;
    }
  return g_steal_pointer (&folder);
}

void
atl_library_make_place (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *there = g_canonicalize_filename (folder, NULL);
  g_autofree char *given = user_folder ();
  g_autofree char *own = g_canonicalize_filename (given, NULL);

  if (g_str_equal (there, own))
    g_free (atl_library_user_folder (NULL));
}

void
atl_model_info_free (AtlModelInfo *info)
{
  if (!info)
    return;
  g_free (info->path);
  g_free (info->id);
  g_free (info->kind);
  g_free (info->name);
  g_free (info->description);
  g_free (info->card);
  g_clear_pointer (&info->thumbnail, g_bytes_unref);
  g_clear_error (&info->error);
  g_free (info);
}

static char *
card_text (JsonObject *card, const char *key)
{
  const char *text = atl_model_card_string (card, key);

  return g_strdup (text ? text : "");
}

/* What the file's header tells. */
static void
fill_info (AtlModelInfo *info)
{
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) tensors
      = atl_safetensors_read_header (info->path, &metadata, &info->error);
  g_autoptr (JsonObject) card = NULL;
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  AtlConfig config;

  if (!tensors)
    return;
  if (!atl_model_read_config (metadata, &config, &info->error))
    {
      atl_prefix_path (&info->error, info->path);
      return;
    }
  card = atl_model_read_card (metadata);
  json_node_set_object (node, card);
  info->kind = g_strdup (atl_config_kind (&config));
  info->name = card_text (card, "name");
  info->description = card_text (card, "description");
  info->card = json_to_string (node, FALSE);
  info->thumbnail = atl_thumbnail_read (metadata);
}

static AtlModelInfo *
info_new (const char *folder, const char *file)
{
  AtlModelInfo *info = g_new0 (AtlModelInfo, 1);
  g_autofree char *own = user_folder ();

  info->path = g_build_filename (folder, file, NULL);
  info->id = g_strndup (file, strlen (file) - strlen (ATL_MODEL_EXTENSION));
  info->user = g_str_equal (folder, own);
  fill_info (info);
  return info;
}

static gboolean
is_model_name (const char *file)
{
  return file[0] != '.' && g_str_has_suffix (file, ATL_MODEL_EXTENSION)
         && strlen (file) > strlen (ATL_MODEL_EXTENSION);
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  const AtlModelInfo *const *x = a, *const *y = b;

  return strcmp ((*x)->id, (*y)->id);
}

/* Adds the folder's models whose file names are not in `seen` yet. */
static void
list_folder (const char *folder, GHashTable *seen, GPtrArray *list)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *file;

  if (!dir)
    return;
  while ((file = g_dir_read_name (dir)))
    if (is_model_name (file) && g_hash_table_insert (seen, g_strdup (file), NULL))
      g_ptr_array_add (list, info_new (folder, file));
  g_dir_close (dir);
}

GPtrArray *
atl_library_list (const char *kind)
{
  GPtrArray *list
      = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_model_info_free);
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) folders = atl_library_folders (NULL);

  for (int i = 0; folders[i]; i++)
    list_folder (folders[i], seen, list);
  for (guint i = list->len; kind && i-- > 0;)
    {
      const AtlModelInfo *info = list->pdata[i];

      /* Unusable ones stay, so that somebody can say why. */
      if (info->kind && !g_str_equal (info->kind, kind))
        g_ptr_array_remove_index (list, i);
    }
  g_ptr_array_sort (list, compare_ids);
  return list;
}

/* "a, b, c": ids of the models there are. */
static char *
list_ids (void)
{
  g_autoptr (GPtrArray) list = atl_library_list (NULL);
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      const AtlModelInfo *info = list->pdata[i];

      if (!info->error)
        g_string_append_printf (ids, "%s%s", ids->len ? ", " : "", info->id);
    }
  return g_string_free (ids, FALSE);
}

char *
atl_library_find (const char *name, GError **error)
{
  g_auto (GStrv) folders = NULL;
  g_autofree char *ids = NULL;
  gboolean whole = g_str_has_suffix (name, ATL_MODEL_EXTENSION);
  g_autofree char *file
      = g_strconcat (name, whole ? "" : ATL_MODEL_EXTENSION, NULL);

  if (g_file_test (name, G_FILE_TEST_IS_REGULAR))
    return g_strdup (name);
  folders = atl_library_folders (NULL);
  for (int i = 0; folders[i] && *name && !strchr (name, G_DIR_SEPARATOR); i++)
    {
      g_autofree char *path = g_build_filename (folders[i], file, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&path);
    }
  ids = list_ids ();
  if (*ids)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                 _ ("there is no model '%s'; give a file, or one of: %s"), name,
                 ids);
  else
    {
      g_autofree char *own = user_folder ();

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                   _ ("there is no model '%s', and no model is installed; give a "
                      "file, or put models into %s"),
                   name, own);
    }
  return NULL;
}
