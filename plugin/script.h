/* Script-Fu that comes with the plug-in, in the folder `scripts` beside the
 * executable. */

#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

/* A string as Scheme reads it, quotes included; free with g_free. */
char *atl_script_quote (const char *text);

/* Loads the script and evaluates (function "result-file" arguments) in a
 * Script-Fu interpreter; the function writes what it has to say into that file.
 * Returns its lines; free with g_strfreev.  NULL with ATELIER_ERROR_FILE where
 * the script is missing, _ARGUMENT with Script-Fu's message where it fails. */
char **atl_script_run (const char *script, const char *function,
                       const char *arguments, GError **error);

G_END_DECLS
