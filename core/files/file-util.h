/* Reading files into memory, and writing files so that nothing is lost: beside
 * the target, then renamed.
 *
 * Files are not mapped: whoever shortens a mapped file, by saving a picture anew
 * say, ends the program that reads it.  (Reading instead costs a tenth of a second
 * a hundred megabytes; docs/RELIABILITY.md has the figures.)
 */

#pragma once

#include "base/buffer.h"
#include "base/error.h"

G_BEGIN_DECLS

/* All of a regular file that is not empty.  What was read stays, whatever
 * becomes of the file.  NULL with ATELIER_ERROR_FILE (also if the file becomes
 * shorter meanwhile), _FORMAT for an empty one, _MEMORY. */
GBytes    *atl_file_read     (const char *path, GError **error);
/* Its first bytes, `most` of them or all there are.  file_size: of the whole;
 * may be NULL. */
GBytes    *atl_file_read_start (const char *path, gsize most, gsize *file_size,
                                GError **error);
/* A descriptor to read such a file by, and its size; -1 with the error. */
int        atl_file_open_regular (const char *path, gsize *size, GError **error);
/* Exactly `size` bytes from `offset` on.  path: for messages. */
gboolean   atl_file_read_at  (int fd, gpointer data, gsize size, gsize offset,
                              const char *path, GError **error);

/* A name out of a file (a tensor's, say) as a message may show it: one line of
 * valid UTF-8, not too long.  Free with g_free. */
char      *atl_display_text  (const char *text);
/* The same of a path, which is shown whole. */
char      *atl_display_path  (const char *path);
/* Puts "PATH: " in front of the error's message, if there is an error. */
void       atl_prefix_path   (GError **error, const char *path);

/* An open file that becomes `path` only if all went well. */
typedef struct _AtlOutput AtlOutput;

/* NULL with ATELIER_ERROR_FILE. */
AtlOutput *atl_output_open   (const char *path, GError **error);
/* FALSE with ATELIER_ERROR_FILE; of one in memory, _MEMORY. */
gboolean   atl_output_write  (AtlOutput *output, gconstpointer data,
                              gsize size, GError **error);
/* The open file, for libraries that want one; still the output's own. */
int        atl_output_get_fd (const AtlOutput *output);
/* One whose bytes go to the end of `bytes`, which must outlive it; it has no
 * file (its descriptor is -1), and committing it only frees it. */
AtlOutput *atl_output_open_memory (AtlBuffer *bytes);
/* Syncs, closes and renames; frees `output` in any case, and removes the
 * temporary file on failure, which ends with ATELIER_ERROR_FILE. */
gboolean   atl_output_commit (AtlOutput *output, GError **error);
/* Closes and removes the temporary file.  NULL is ignored. */
void       atl_output_abort  (AtlOutput *output);

/* Removes every temporary file of this process; for a program that is about to
 * be ended by a signal. */
void       atl_file_remove_temporaries (void);

/* Whether `path` could be written: its folder exists and is writable, and it
 * is a plain file or nothing yet.  Checked before long work starts.  FALSE with
 * ATELIER_ERROR_FILE. */
gboolean   atl_file_check_output (const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlOutput, atl_output_abort)

G_END_DECLS
