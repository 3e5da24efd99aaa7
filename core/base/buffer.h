/* Bytes that grow by appending, in memory that may run out.
 *
 * Appending returns nothing: a buffer for which memory was short empties itself,
 * stays empty and keeps the error, which is asked for once, at the end.
 */

#pragma once

#include <string.h>

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint8     *data;
  gsize       len, room; /* bytes */
  const char *what;      /* for the message; borrowed */
  GError     *error;     /* ATELIER_ERROR_MEMORY, or NULL */
} AtlBuffer;

#define ATL_BUFFER_INIT(what) { NULL, 0, 0, what, NULL }

/* Makes room for `size` more bytes; FALSE if the buffer failed, now or before. */
gboolean atl_buffer_grow     (AtlBuffer *buffer, gsize size);
/* Appends what `from` holds, or its error, and empties `from`. */
void     atl_buffer_move     (AtlBuffer *to, AtlBuffer *from);
/* Whether all that was appended is there; FALSE with ATELIER_ERROR_MEMORY. */
gboolean atl_buffer_check    (const AtlBuffer *buffer, GError **error);
/* The bytes, without copying them; the buffer is empty then.  NULL with
 * ATELIER_ERROR_MEMORY. */
GBytes  *atl_buffer_to_bytes (AtlBuffer *buffer, GError **error);
/* Frees all of it; it may be used again. */
void     atl_buffer_clear    (AtlBuffer *buffer);
/* A copy, as g_bytes_new; NULL with ATELIER_ERROR_MEMORY. */
GBytes  *atl_bytes_copy      (gconstpointer data, gsize size, const char *what,
                              GError **error);

static inline void
atl_buffer_append (AtlBuffer *buffer, gconstpointer data, gsize size)
{
  if (size == 0
      || (size > buffer->room - buffer->len && !atl_buffer_grow (buffer, size)))
    return;
  memcpy (buffer->data + buffer->len, data, size);
  buffer->len += size;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AtlBuffer, atl_buffer_clear)

G_END_DECLS
