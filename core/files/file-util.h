/* Writing files so that nothing is lost: beside the target, then renamed. */

#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* An open file that becomes `path` only if all went well. */
typedef struct _AtlOutput AtlOutput;

AtlOutput *atl_output_open   (const char *path, GError **error);
gboolean   atl_output_write  (AtlOutput *output, gconstpointer data,
                              gsize size, GError **error);
/* Syncs, closes and renames; frees `output` in any case, and removes the
 * temporary file on failure. */
gboolean   atl_output_commit (AtlOutput *output, GError **error);
/* Closes and removes the temporary file.  NULL is ignored. */
void       atl_output_abort  (AtlOutput *output);

/* A temporary name beside `path` with the same extension, for libraries that
 * want a name; rename it with atl_file_replace.  Free with g_free. */
char      *atl_file_temporary (const char *path);
gboolean   atl_file_replace   (const char *temporary, const char *path,
                               GError **error);

/* Whether `path` could be written: its folder exists and is writable, and it
 * is not a folder.  Checked before long work starts. */
gboolean   atl_file_check_output (const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlOutput, atl_output_abort)

G_END_DECLS
