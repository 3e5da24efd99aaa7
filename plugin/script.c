/* Script-Fu that comes with the plug-in; see script.h.
 *
 * GIMP loads scripts from its own folders only, so that a script in a copied
 * plug-in folder would never be seen, and a script's procedure can return nothing
 * to the PDB.  Hence the plug-in registers the procedures and lets Script-Fu
 * evaluate their scripts.
 */

#include "script.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "files/file-util.h"
#include "procedures.h"

#define EVALUATOR "plug-in-script-fu-eval"

char *
atl_script_quote (const char *text)
{
  GString *quoted = g_string_new ("\"");

  for (; *text; text++)
    {
      if (*text == '"' || *text == '\\')
        g_string_append_c (quoted, '\\');
      g_string_append_c (quoted, *text);
    }
  g_string_append_c (quoted, '"');
  return g_string_free (quoted, FALSE);
}

static char *
find_script (const char *name, GError **error)
{
  g_autofree char *folder = atl_beside ("scripts");
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *shown = atl_display_path (path);

  if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&path);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s is missing; install Atelier again"), shown);
  return NULL;
}

static gboolean
evaluate (const char *code, GError **error)
{
  GimpPDB *pdb = gimp_get_pdb ();
  GimpProcedure *evaluator = gimp_pdb_lookup_procedure (pdb, EVALUATOR);
  GimpValueArray *values;
  GimpPDBStatusType status;

  if (!evaluator)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED, "%s",
                   _ ("this GIMP has no Script-Fu; install it"));
      return FALSE;
    }
  values = gimp_procedure_run (evaluator, "run-mode", GIMP_RUN_NONINTERACTIVE,
                               "script", code, NULL);
  status = GIMP_VALUES_GET_ENUM (values, 0);
  if (status == GIMP_PDB_CANCEL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _ ("stopped"));
  else if (status != GIMP_PDB_SUCCESS)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "%s",
                 gimp_pdb_get_last_error (pdb));
  gimp_value_array_unref (values);
  return status == GIMP_PDB_SUCCESS;
}

static char **
read_lines (const char *path, GError **error)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  return g_strsplit (g_strchomp (text), "\n", -1);
}

char **
atl_script_run (const char *script, const char *function, const char *arguments,
                GError **error)
{
  g_autofree char *path = find_script (script, error);
  g_autofree char *result = NULL, *code = NULL;
  g_autofree char *quoted_path = path ? atl_script_quote (path) : NULL;
  g_autofree char *quoted_result = NULL;
  char **lines = NULL;
  int file = path ? g_file_open_tmp ("atelier-XXXXXX", &result, error) : -1;

  if (file < 0)
    return NULL;
  close (file);
  quoted_result = atl_script_quote (result);
  code = g_strdup_printf ("(begin (load %s) (%s %s %s))", quoted_path, function,
                          quoted_result, arguments);
  if (evaluate (code, error))
    lines = read_lines (result, error);
  g_unlink (result);
  return lines;
}
