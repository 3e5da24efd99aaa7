/* The one error domain of core.
 *
 * Every fallible function returns a gboolean or a pointer and sets a GError
 * whose message says what is wrong, where, and what to do, in words for an
 * artist.  Cancelled work ends with G_IO_ERROR_CANCELLED instead; errors of
 * GIO on files are passed on with the file's name before them.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ATELIER_ERROR (atelier_error_quark ())

typedef enum
{
  ATELIER_ERROR_FILE,        /* a file can't be opened, read or written */
  ATELIER_ERROR_FORMAT,      /* a file is damaged or not what it claims to be */
  ATELIER_ERROR_UNSUPPORTED, /* well-formed, but nothing that Atelier handles */
  ATELIER_ERROR_MODEL,       /* a model of the wrong kind for the job */
  ATELIER_ERROR_ARGUMENT,    /* a value given by the user is out of range */
  ATELIER_ERROR_MEMORY,      /* the work does not fit into memory or budget */
  ATELIER_ERROR_DATA         /* a data set can't be trained on */
} AtelierError;

GQuark atelier_error_quark (void);

G_END_DECLS
