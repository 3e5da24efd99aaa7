/* As much of GLib as the entropy coder calls, for building it where there is no
 * GLib; see tests/codec/other-architectures.  Nothing is freed. */

#include <stdlib.h>
#include <string.h>

#include <glib.h>

struct _GBytes
{
  gconstpointer data;
  gsize size;
};

gpointer
g_malloc (gsize n)
{
  return malloc (n ? n : 1);
}

gpointer
g_malloc0 (gsize n)
{
  return calloc (n ? n : 1, 1);
}

gpointer
g_malloc_n (gsize n, gsize size)
{
  return g_malloc (n * size);
}

gpointer
g_malloc0_n (gsize n, gsize size)
{
  return g_malloc0 (n * size);
}

void (g_free) (gpointer memory)
{
}

GBytes *
g_bytes_new (gconstpointer data, gsize size)
{
  GBytes *bytes = g_malloc (sizeof *bytes);

  bytes->data = memcpy (g_malloc (size), data, size);
  bytes->size = size;
  return bytes;
}

GBytes *
g_bytes_new_with_free_func (gconstpointer data, gsize size,
                            GDestroyNotify free_func, gpointer user_data)
{
  return g_bytes_new (data, size);
}

gconstpointer
g_bytes_get_data (GBytes *bytes, gsize *size)
{
  if (size)
    *size = bytes->size;
  return bytes->data;
}

GBytes *
g_bytes_ref (GBytes *bytes)
{
  return bytes;
}

gboolean (g_once_init_enter) (volatile void *location)
{
  return *(volatile gsize *)location == 0;
}

void (g_once_init_leave) (volatile void *location, gsize result)
{
  *(volatile gsize *)location = result;
}

gboolean
atl_progress_update (gconstpointer progress, double fraction, const char *text,
                     GError **error)
{
  return TRUE;
}

gpointer
atl_try_alloc (gsize n, gsize size, const char *what, GError **error)
{
  return g_malloc (n * size);
}

gpointer
atl_try_alloc0 (gsize n, gsize size, const char *what, GError **error)
{
  return g_malloc0 (n * size);
}

void
atl_free (gpointer memory)
{
}

void
g_clear_error (GError **error)
{
}

void
g_propagate_error (GError **to, GError *error)
{
}

GError *
g_error_copy (const GError *error)
{
  return NULL;
}

void
g_bytes_unref (GBytes *bytes)
{
}

const gchar *
g_dgettext (const gchar *domain, const gchar *text)
{
  return text;
}

/* The tables' identity is no part of what is coded. */
GChecksum *
g_checksum_new (GChecksumType type)
{
  return g_malloc (1);
}

void
g_checksum_update (GChecksum *checksum, const guchar *data, gssize n)
{
}

void
g_checksum_get_digest (GChecksum *checksum, guint8 *digest, gsize *n)
{
}

void
g_checksum_free (GChecksum *checksum)
{
}
