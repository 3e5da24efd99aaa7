/* torch.save's containers; see checkpoint-file.h.
 *
 * The storages of a legacy file stay where they are in the file's bytes.  Those
 * of a zip file are copied out by libarchive, which also checks their CRCs.
 */

#include "files/checkpoint-file.h"

#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "files/file-util.h"

/* Uncompressed bytes that a zip file may claim: torch.save does not compress,
 * and weights do not shrink much; a bomb does. */
#define EXPANSION 64
#define EXPANSION_FREE (64u << 20)

static const guint8 magic_number[]
    = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };
#define PROTOCOL_VERSION 1001

static gboolean damaged (GError **error, const char *file, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static gboolean
damaged (GError **error, const char *file, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, _ ("%s is damaged: %s"),
               file, what);
  return FALSE;
}

gboolean
atl_storage_id_parse (const AtlPickleValue *identity, AtlStorageId *id)
{
  const AtlPickleValue *type = atl_pickle_item (identity, 1);
  const AtlPickleValue *key = atl_pickle_item (identity, 2);
  const AtlPickleValue *view = atl_pickle_item (identity, 5);

  if (!atl_pickle_is_text (atl_pickle_item (identity, 0), "storage") || type == NULL
      || type->kind != ATL_PICKLE_GLOBAL || type->global->role != ATL_PICKLE_STORAGE
      || key == NULL || key->kind != ATL_PICKLE_TEXT
      || !atl_pickle_get_int (atl_pickle_item (identity, 4), &id->elements)
      || id->elements < 0)
    return FALSE;
  id->view_first = 0;
  id->view_elements = id->elements;
  if (view != NULL && view->kind == ATL_PICKLE_TUPLE
      && (!atl_pickle_get_int (atl_pickle_item (view, 1), &id->view_first)
          || !atl_pickle_get_int (atl_pickle_item (view, 2), &id->view_elements)
          || id->view_first < 0 || id->view_elements < 0
          || id->view_first > id->elements
          || id->view_elements > id->elements - id->view_first))
    return FALSE;
  id->type = type->global;
  id->key = g_strndup (key->text, key->size);
  return TRUE;
}

void
atl_storage_id_clear (AtlStorageId *id)
{
  g_clear_pointer (&id->key, g_free);
}

/* The legacy form. */

typedef struct
{
  GBytes *bytes;
  const guint8 *data;
  gsize size, at;
  const char *file;
} Legacy;

static AtlPickle *
next_pickle (Legacy *legacy, GError **error)
{
  AtlPickle *pickle = atl_pickle_read (
      legacy->data + legacy->at, legacy->size - legacy->at, legacy->file, error);

  if (pickle != NULL)
    legacy->at += pickle->used;
  return pickle;
}

/* The three pickles before the object. */
static gboolean
read_legacy_start (Legacy *legacy, GError **error)
{
  g_autoptr (AtlPickle) magic = next_pickle (legacy, error);
  g_autoptr (AtlPickle) protocol = NULL;
  g_autoptr (AtlPickle) machine = NULL;
  gint64 version = 0;

  if (magic == NULL)
    return FALSE;
  if (magic->root->kind != ATL_PICKLE_LONG
      || magic->root->size != sizeof magic_number
      || memcmp (magic->root->text, magic_number, sizeof magic_number) != 0)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("%s is a pickle, but not one of PyTorch's torch.save"),
                   legacy->file);
      return FALSE;
    }
  if ((protocol = next_pickle (legacy, error)) == NULL
      || (machine = next_pickle (legacy, error)) == NULL)
    return FALSE;
  if (!atl_pickle_get_int (protocol->root, &version) || version != PROTOCOL_VERSION)
    return damaged (error, legacy->file, _ ("its protocol is unknown"));
  for (guint i = 0; i + 1 < atl_pickle_n_items (machine->root); i += 2)
    if (atl_pickle_is_text (atl_pickle_item (machine->root, i), "little_endian")
        && (atl_pickle_item (machine->root, i + 1)->kind != ATL_PICKLE_BOOL
            || !atl_pickle_item (machine->root, i + 1)->integer))
      {
        g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                     _ ("%s was written on a big-endian machine"), legacy->file);
        return FALSE;
      }
  return TRUE;
}

/* key -> size in bytes of one element, for every storage of the object. */
static GHashTable *
element_sizes (const AtlPickle *pickle)
{
  GHashTable *sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < pickle->values->len; i++)
    {
      const AtlPickleValue *value = g_ptr_array_index (pickle->values, i);
      AtlStorageId id;

      if (value->kind != ATL_PICKLE_PERSISTENT
          || !atl_storage_id_parse (value->argument, &id))
        continue;
      if (g_hash_table_contains (sizes, id.key) || id.type->size == 0)
        atl_storage_id_clear (&id);
      else
        g_hash_table_insert (sizes, id.key, GUINT_TO_POINTER (id.type->size));
    }
  return sizes;
}

static gboolean
read_legacy_storage (Legacy *legacy, const char *key, gsize element,
                     GHashTable *storages, GError **error)
{
  g_autofree char *text = atl_display_text (key);
  guint64 elements;
  gsize left;

  if (element == 0)
    return damaged (error, legacy->file, _ ("no tensor uses its storage %s"), text);
  if (legacy->size - legacy->at < 8)
    return damaged (error, legacy->file, _ ("it ends before its storage %s"), text);
  memcpy (&elements, legacy->data + legacy->at, 8);
  elements = GUINT64_FROM_LE (elements);
  legacy->at += 8;
  left = legacy->size - legacy->at;
  if (elements > left / element)
    return damaged (error, legacy->file, _ ("it ends within its storage %s"), text);
  g_hash_table_replace (storages, g_strdup (key),
                        g_bytes_new_from_bytes (legacy->bytes, legacy->at,
                                                (gsize)elements * element));
  legacy->at += (gsize)elements * element;
  return TRUE;
}

static gboolean
read_legacy (AtlCheckpointFile *checkpoint, GBytes *bytes, const char *file,
             GError **error)
{
  Legacy legacy = { .bytes = bytes, .file = file };
  g_autoptr (AtlPickle) keys = NULL;
  g_autoptr (GHashTable) sizes = NULL;

  legacy.data = g_bytes_get_data (bytes, &legacy.size);
  if (!read_legacy_start (&legacy, error)
      || (checkpoint->pickle = next_pickle (&legacy, error)) == NULL
      || (keys = next_pickle (&legacy, error)) == NULL)
    return FALSE;
  checkpoint->bytes = g_bytes_ref (bytes);
  sizes = element_sizes (checkpoint->pickle);
  for (guint i = 0; i < atl_pickle_n_items (keys->root); i++)
    {
      const AtlPickleValue *value = atl_pickle_item (keys->root, i);
      g_autofree char *key = NULL;

      if (value->kind != ATL_PICKLE_TEXT)
        return damaged (error, file, _ ("a storage has no name"));
      key = g_strndup (value->text, value->size);
      if (!read_legacy_storage (&legacy, key,
                                GPOINTER_TO_UINT (g_hash_table_lookup (sizes, key)),
                                checkpoint->storages, error))
        return FALSE;
    }
  return TRUE;
}

/* The zip form. */

typedef struct
{
  AtlCheckpointFile *checkpoint;
  struct archive *archive;
  const char *file;
  char *folder;    /* of data.pkl; NULL: not known yet */
  GBytes *pickle;  /* data.pkl */
  guint64 allowed; /* bytes that may still be unpacked */
} Zip;

static gboolean
zip_fail (const Zip *zip, GError **error)
{
  const char *reason = archive_error_string (zip->archive);
  /* Some of libarchive's end with a newline. */
  g_autofree char *text = reason != NULL ? g_strchomp (g_strdup (reason)) : NULL;
  g_autofree char *shown = text != NULL ? atl_display_text (text) : NULL;

  return damaged (error, zip->file, "%s",
                  shown != NULL ? shown : _ ("a bad zip file"));
}

/* Unpacks exactly `size` bytes, and sees the end, where the checksum is looked
 * at. */
static gboolean
unpack (Zip *zip, guint8 *data, gsize size, GError **error)
{
  gsize done = 0;
  la_ssize_t n = 1;
  guint8 more;

  while (n > 0 && done < size)
    {
      n = archive_read_data (zip->archive, data + done, size - done);
      if (n > 0)
        done += (gsize)n;
    }
  if (n >= 0 && done == size)
    n = archive_read_data (zip->archive, &more, 1);
  if (n < 0)
    return zip_fail (zip, error);
  return (n == 0 && done == size)
         || damaged (error, zip->file, _ ("an entry is not as long as it claims"));
}

/* The whole of the current entry; its size is the archive's claim, and was held
 * against the file's. */
static GBytes *
read_entry (Zip *zip, struct archive_entry *entry, GError **error)
{
  gint64 size = archive_entry_size_is_set (entry) ? archive_entry_size (entry) : -1;
  guint8 *data;

  if (size < 0 || (guint64)size > zip->allowed)
    {
      damaged (error, zip->file, _ ("it claims to unpack to an absurd size"));
      return NULL;
    }
  zip->allowed -= (guint64)size;
  data = atl_try_alloc ((gsize)size, 1, zip->file, error);
  if (data != NULL && unpack (zip, data, (gsize)size, error))
    return g_bytes_new_with_free_func (data, (gsize)size, atl_free, data);
  atl_free (data);
  return NULL;
}

static gboolean
check_byte_order (const Zip *zip, GBytes *bytes, GError **error)
{
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);

  if (size == 6 && memcmp (text, "little", 6) == 0)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
               _ ("%s was written on a big-endian machine"), zip->file);
  return FALSE;
}

/* FOLDER/REST, the same folder for all.  NULL if the entry lies elsewhere. */
static const char *
strip_folder (Zip *zip, const char *path)
{
  const char *slash = strchr (path, '/');
  gsize length = slash != NULL ? (gsize)(slash - path) : 0;

  if (slash == NULL)
    return NULL;
  if (zip->folder == NULL)
    zip->folder = g_strndup (path, length);
  if (strlen (zip->folder) != length || strncmp (zip->folder, path, length) != 0)
    return NULL;
  return slash + 1;
}

static gboolean
use_entry (Zip *zip, struct archive_entry *entry, GError **error)
{
  const char *path = archive_entry_pathname_utf8 (entry);
  const char *name;
  g_autoptr (GBytes) bytes = NULL;

  if (path == NULL)
    path = archive_entry_pathname (entry);
  name = path != NULL ? strip_folder (zip, path) : NULL;
  if (name == NULL
      || (strcmp (name, "data.pkl") != 0 && strcmp (name, "byteorder") != 0
          && !g_str_has_prefix (name, "data/")))
    return TRUE;
  bytes = read_entry (zip, entry, error);
  if (bytes == NULL)
    return FALSE;
  if (strcmp (name, "byteorder") == 0)
    return check_byte_order (zip, bytes, error);
  if (g_str_has_prefix (name, "data/"))
    return g_hash_table_insert (zip->checkpoint->storages, g_strdup (name + 5),
                                g_steal_pointer (&bytes))
           || damaged (error, zip->file, _ ("a storage is there twice"));
  if (zip->pickle != NULL)
    return damaged (error, zip->file, _ ("data.pkl is there twice"));
  zip->pickle = g_steal_pointer (&bytes);
  return TRUE;
}

static gboolean
read_entries (Zip *zip, GBytes *bytes, GError **error)
{
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);
  struct archive_entry *entry;
  int status;

  zip->allowed = (guint64)size * EXPANSION + EXPANSION_FREE;
  archive_read_support_format_zip_seekable (zip->archive);
  if (archive_read_open_memory (zip->archive, data, size) != ARCHIVE_OK)
    return zip_fail (zip, error);
  while ((status = archive_read_next_header (zip->archive, &entry)) == ARCHIVE_OK
         || status == ARCHIVE_WARN)
    if (!use_entry (zip, entry, error))
      return FALSE;
  return status == ARCHIVE_EOF || zip_fail (zip, error);
}

static gboolean
read_zip (AtlCheckpointFile *checkpoint, GBytes *bytes, const char *file,
          GError **error)
{
  Zip zip = { .checkpoint = checkpoint, .file = file };
  gboolean good;

  zip.archive = archive_read_new ();
  if (zip.archive == NULL)
    return damaged (error, file, _ ("a bad zip file"));
  good = read_entries (&zip, bytes, error);
  archive_read_free (zip.archive);
  g_free (zip.folder);
  if (good && zip.pickle == NULL)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("%s is a zip file, but not one of PyTorch's torch.save"),
                   file);
      good = FALSE;
    }
  if (good)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (zip.pickle, &size);

      checkpoint->pickle = atl_pickle_read (data, size, file, error);
      checkpoint->bytes = g_bytes_ref (zip.pickle);
      good = checkpoint->pickle != NULL;
    }
  g_clear_pointer (&zip.pickle, g_bytes_unref);
  return good;
}

AtlCheckpointFile *
atl_checkpoint_file_open (GBytes *bytes, const char *file, GError **error)
{
  g_autoptr (AtlCheckpointFile) checkpoint = g_new0 (AtlCheckpointFile, 1);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  gboolean good = FALSE;

  checkpoint->storages = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                                (GDestroyNotify)g_bytes_unref);
  if (size >= 4 && memcmp (data, "PK\3\4", 4) == 0)
    good = read_zip (checkpoint, bytes, file, error);
  else if (size >= 2 && data[0] == 0x80)
    good = read_legacy (checkpoint, bytes, file, error);
  else
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                 _ ("%s is not a checkpoint of PyTorch's torch.save"), file);
  return good ? g_steal_pointer (&checkpoint) : NULL;
}

void
atl_checkpoint_file_free (AtlCheckpointFile *checkpoint)
{
  if (checkpoint == NULL)
    return;
  g_clear_pointer (&checkpoint->pickle, atl_pickle_free);
  g_clear_pointer (&checkpoint->bytes, g_bytes_unref);
  g_hash_table_unref (checkpoint->storages);
  g_free (checkpoint);
}
