/* What the procedures share; see procedures.h. */

#include <errno.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"
#include "models/library.h"
#include "procedures.h"

#define MENU "<Image>/Filters/Atelier"
#define AUTHORS "The Atelier developers"
#define YEAR "2026"
#define MAX_MEMORY (1 << 20) /* MiB */

char *
atl_beside (const char *name)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program ? g_path_get_dirname (program) : g_strdup (".");

  return g_build_filename (folder, name, NULL);
}

/* The drawing of this procedure's name in the folder `icons`. */
static void
set_icon (GimpProcedure *procedure)
{
  g_autofree char *name
      = g_strdup_printf ("icons/%s.svg", gimp_procedure_get_name (procedure));
  g_autofree char *path = atl_beside (name);
  g_autoptr (GFile) file = g_file_new_for_path (path);

  if (g_file_query_exists (file, NULL))
    gimp_procedure_set_icon_file (procedure, file);
}

void
atl_procedure_describe (GimpProcedure *procedure, const char *menu_label,
                        const char *blurb, const char *help)
{
  if (menu_label)
    {
      gimp_procedure_set_menu_label (procedure, menu_label);
      gimp_procedure_add_menu_path (procedure, MENU);
      set_icon (procedure);
    }
  gimp_procedure_set_documentation (procedure, blurb, help,
                                    gimp_procedure_get_name (procedure));
  gimp_procedure_set_attribution (procedure, AUTHORS, AUTHORS, YEAR);
}

void
atl_add_run_mode (GimpProcedure *procedure)
{
  gimp_procedure_add_enum_argument (procedure, "run-mode", _ ("Run mode"),
                                    _ ("The run mode"), GIMP_TYPE_RUN_MODE,
                                    GIMP_RUN_NONINTERACTIVE, G_PARAM_READWRITE);
}

void
atl_add_model (GimpProcedure *procedure, const char *blurb)
{
  gimp_procedure_add_string_argument (procedure, "model", _ ("_Model"), blurb, "",
                                      G_PARAM_READWRITE);
}

void
atl_add_output (GimpProcedure *procedure)
{
  gimp_procedure_add_string_argument (
      procedure, "output", _ ("_Output"),
      _ ("Where the result goes: in-place, into the layer itself, or new-layer, "
         "into a copy above it"),
      "in-place", G_PARAM_READWRITE);
}

void
atl_add_memory (GimpProcedure *procedure)
{
  gimp_procedure_add_int_argument (
      procedure, "memory", _ ("Memory (M_iB)"),
      _ ("Memory that the work may take, in MiB; larger pictures are done in "
         "tiles; 0: 1024"),
      0, MAX_MEMORY, 0, G_PARAM_READWRITE);
}

void
atl_gegl_init (GimpRunMode run_mode)
{
  /* Where GEGL looks for operations. */
  if (run_mode != GIMP_RUN_INTERACTIVE)
    g_setenv ("GEGL_PATH", "/nonexistent", FALSE);
  gegl_init (NULL, NULL);
}

GimpValueArray *
atl_return (GimpProcedure *procedure, GError *error)
{
  GimpPDBStatusType status = GIMP_PDB_SUCCESS;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    status = GIMP_PDB_CANCEL;
  else if (error)
    status = GIMP_PDB_EXECUTION_ERROR;
  return gimp_procedure_new_return_values (procedure, status, error);
}

GimpValueArray *
atl_return_cancelled (GimpProcedure *procedure)
{
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
}

int
atl_parse_word (const char *value, const char *argument, const char *const *words,
                GError **error)
{
  g_autofree char *list = NULL;

  for (int i = 0; words[i]; i++)
    if (g_strcmp0 (value, words[i]) == 0)
      return i;
  list = g_strjoinv (", ", (char **)words);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("the argument \"%s\" is \"%s\"; it is one of: %s"), argument,
               value ? value : "", list);
  return -1;
}

char *
atl_config_string (GimpProcedureConfig *config, const char *name)
{
  g_autofree char *value = NULL;

  g_object_get (config, name, &value, NULL);
  return value && *value ? g_steal_pointer (&value) : NULL;
}

char *
atl_file_path (GFile *file, GError **error)
{
  char *path = g_file_get_path (file);
  g_autofree char *uri = NULL;

  if (path)
    return path;
  uri = g_file_get_uri (file);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s is not on a disk of this machine; copy it there first"), uri);
  return NULL;
}

gboolean
atl_config_path (GimpProcedureConfig *config, const char *name, char **path,
                 GError **error)
{
  g_autoptr (GFile) file = NULL;

  *path = NULL;
  g_object_get (config, name, &file, NULL);
  if (!file)
    return TRUE;
  *path = atl_file_path (file, error);
  return *path != NULL;
}

gboolean
atl_config_folder (GimpProcedureConfig *config, const char *name, char **path,
                   GError **error)
{
  if (!atl_config_path (config, name, path, error))
    return FALSE;
  if (*path)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("the argument \"%s\" is missing; it is a folder"), name);
  return FALSE;
}

gboolean
atl_make_folder (const char *path, GError **error)
{
  g_autofree char *shown = NULL;
  int why;

  if (g_mkdir_with_parents (path, 0777) == 0)
    return TRUE;
  why = errno;
  shown = atl_display_path (path);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s: the folder can't be made: %s"), shown, g_strerror (why));
  return FALSE;
}

/* The first usable model of the library. */
static char *
first_model (const char *kind, GError **error)
{
  g_autoptr (GPtrArray) list = atl_library_list (kind);

  for (guint i = 0; i < list->len; i++)
    {
      const AtlModelInfo *info = list->pdata[i];

      if (!info->error)
        return g_strdup (info->path);
    }
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("no model of the kind \"%s\" is installed; train one with "
                  "Filters > Atelier > Train a Style, or import one with Manage "
                  "Models"),
               kind);
  return NULL;
}

AtlModel *
atl_config_model (GimpProcedureConfig *config, const char *kind, GError **error)
{
  g_autofree char *name = atl_config_string (config, "model");
  g_autofree char *path
      = name ? atl_library_find (name, error) : first_model (kind, error);
  g_autoptr (AtlModel) model = path ? atl_model_open (path, error) : NULL;

  if (!model || !atl_model_require (model, kind, error))
    return NULL;
  return g_steal_pointer (&model);
}
