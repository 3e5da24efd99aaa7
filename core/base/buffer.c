/* Growing bytes; see buffer.h. */

#include "base/buffer.h"

#include "base/memory.h"

#define FIRST_ROOM 256 /* bytes; doubled whenever they do not suffice */

/* Empties the buffer, which stays as it is from then on if it has an error. */
static void
drop (AtlBuffer *buffer)
{
  g_clear_pointer (&buffer->data, atl_free);
  buffer->len = buffer->room = 0;
}

gboolean
atl_buffer_grow (AtlBuffer *buffer, gsize size)
{
  gsize room = MAX (buffer->room, FIRST_ROOM / 2);
  guint8 *data;

  if (buffer->error != NULL)
    return FALSE;
  room = room <= G_MAXSIZE / 2 ? 2 * room : G_MAXSIZE;
  if (size > G_MAXSIZE - buffer->len)
    room = G_MAXSIZE;
  else
    room = MAX (room, buffer->len + size);
  data = atl_try_alloc (room, 1, buffer->what, &buffer->error);
  if (data == NULL)
    {
      drop (buffer);
      return FALSE;
    }
  if (buffer->len > 0)
    memcpy (data, buffer->data, buffer->len);
  atl_free (buffer->data);
  buffer->data = data;
  buffer->room = room;
  return TRUE;
}

void
atl_buffer_move (AtlBuffer *to, AtlBuffer *from)
{
  if (from->error != NULL && to->error == NULL)
    {
      to->error = g_steal_pointer (&from->error);
      drop (to);
    }
  atl_buffer_append (to, from->data, from->len);
  atl_buffer_clear (from);
}

gboolean
atl_buffer_check (const AtlBuffer *buffer, GError **error)
{
  if (buffer->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (buffer->error));
  return FALSE;
}

GBytes *
atl_buffer_to_bytes (AtlBuffer *buffer, GError **error)
{
  GBytes *bytes;

  if (!atl_buffer_check (buffer, error))
    return NULL;
  bytes = g_bytes_new_with_free_func (buffer->data, buffer->len, atl_free,
                                      buffer->data);
  buffer->data = NULL;
  buffer->len = buffer->room = 0;
  return bytes;
}

void
atl_buffer_clear (AtlBuffer *buffer)
{
  drop (buffer);
  g_clear_error (&buffer->error);
}

GBytes *
atl_bytes_copy (gconstpointer data, gsize size, const char *what, GError **error)
{
  g_auto (AtlBuffer) buffer = ATL_BUFFER_INIT (what);

  atl_buffer_append (&buffer, data, size);
  return atl_buffer_to_bytes (&buffer, error);
}
