/* Reading safetensors; see safetensors.h for the format.
 *
 * Types that no network here uses (F8_E4M3, BOOL, I16 ...) are refused by name,
 * and so are fields that the format does not know.
 */

#include "files/safetensors.h"

#include <inttypes.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"
#include "files/json-scan.h"

#define START 65536 /* bytes: the whole header, as a rule */

/* One tensor as the header claims it. */
typedef struct
{
  char *name;
  AtlType type;
  int n_dims;
  gint64 dims[ATL_MAX_DIMS];
  gint64 begin, end;
} Claim;

typedef struct
{
  const char *file; /* for messages */
  AtlJsonScan scan;
  GArray *claims;    /* Claim */
  GHashTable *names; /* of the claims */
  GHashTable *metadata;
  GError *error; /* of what JSON allows and the format does not */
} Reader;

static gboolean reader_fail (Reader *reader, AtelierError code, const char *format,
                             ...) G_GNUC_PRINTF (3, 4);

static gboolean
reader_fail (Reader *reader, AtelierError code, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  if (reader->error != NULL)
    return FALSE;
  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  reader->error = g_error_new (ATELIER_ERROR, code, "%s: %s", reader->file, what);
  return FALSE;
}

static gboolean
tensor_fail (Reader *reader, const char *name, const char *what)
{
  g_autofree char *text = atl_display_text (name);

  return reader_fail (reader, ATELIER_ERROR_FORMAT,
                      _ ("the file is damaged: tensor %s %s"), text, what);
}

static void
claim_clear (gpointer data)
{
  g_free (((Claim *)data)->name);
}

/* The header. */

static gboolean
read_type (Reader *reader, Claim *claim)
{
  g_autofree char *name = atl_json_string (&reader->scan);
  g_autofree char *tensor = NULL;
  g_autofree char *text = NULL;

  if (name == NULL)
    return FALSE;
  for (AtlType type = 0; type < ATL_N_TYPES; type++)
    if (strcmp (name, atl_type_name (type)) == 0)
      {
        claim->type = type;
        return TRUE;
      }
  tensor = atl_display_text (claim->name);
  text = atl_display_text (name);
  return reader_fail (reader, ATELIER_ERROR_UNSUPPORTED,
                      _ ("tensor %s has the type %s, which Atelier can't use"),
                      tensor, text);
}

/* [1, 2, 3]: at most `max` numbers.  Returns how many, or -1. */
static int
read_numbers (Reader *reader, const Claim *claim, gint64 *numbers, int max)
{
  int n = 0;

  if (!atl_json_expect (&reader->scan, '['))
    return -1;
  if (atl_json_accept (&reader->scan, ']'))
    return 0;
  do
    {
      if (n == max)
        {
          tensor_fail (reader, claim->name,
                       _ ("has too many dimensions or offsets"));
          return -1;
        }
      if (!atl_json_integer (&reader->scan, &numbers[n++]))
        return -1;
    }
  while (atl_json_accept (&reader->scan, ','));
  return atl_json_expect (&reader->scan, ']') ? n : -1;
}

static gboolean
read_offsets (Reader *reader, Claim *claim)
{
  gint64 offsets[2];
  int n = read_numbers (reader, claim, offsets, 2);

  if (n < 0)
    return FALSE;
  if (n != 2)
    return tensor_fail (reader, claim->name, _ ("does not have two offsets"));
  claim->begin = offsets[0];
  claim->end = offsets[1];
  return TRUE;
}

static gboolean
read_field (Reader *reader, Claim *claim, guint *seen)
{
  static const char *const fields[] = { "dtype", "shape", "data_offsets" };
  g_autofree char *name = atl_json_string (&reader->scan);
  guint field = 0;

  if (name == NULL || !atl_json_expect (&reader->scan, ':'))
    return FALSE;
  while (field < G_N_ELEMENTS (fields) && strcmp (name, fields[field]) != 0)
    field++;
  if (field == G_N_ELEMENTS (fields))
    return tensor_fail (reader, claim->name,
                        _ ("has a field that the format lacks"));
  if (*seen & 1u << field)
    return tensor_fail (reader, claim->name, _ ("has a field twice"));
  *seen |= 1u << field;
  if (field == 0)
    return read_type (reader, claim);
  if (field == 2)
    return read_offsets (reader, claim);
  claim->n_dims = read_numbers (reader, claim, claim->dims, ATL_MAX_DIMS);
  return claim->n_dims >= 0;
}

/* The size that type and shape ask for must be the size that the offsets give. */
static gboolean
check_size (Reader *reader, const Claim *claim)
{
  gint64 n = atl_tensor_n_elements (claim->n_dims, claim->dims, claim->type);
  g_autofree char *dims = atl_dims_to_string (claim->n_dims, claim->dims);
  g_autofree char *what = NULL;

  if (n < 0)
    {
      what = g_strdup_printf (_ ("claims the impossible shape %s"), dims);
      return tensor_fail (reader, claim->name, what);
    }
  if (claim->begin > claim->end)
    return tensor_fail (reader, claim->name, _ ("ends before it begins"));
  if (claim->end - claim->begin == n * (gint64)atl_type_size (claim->type))
    return TRUE;
  what = g_strdup_printf (
      _ ("has the shape %s of %s, but %" PRId64 " bytes of data"), dims,
      atl_type_name (claim->type), claim->end - claim->begin);
  return tensor_fail (reader, claim->name, what);
}

static gboolean
read_fields (Reader *reader, Claim *claim)
{
  guint seen = 0;

  if (!atl_json_expect (&reader->scan, '{'))
    return FALSE;
  if (!atl_json_accept (&reader->scan, '}'))
    {
      do
        if (!read_field (reader, claim, &seen))
          return FALSE;
      while (atl_json_accept (&reader->scan, ','));
      if (!atl_json_expect (&reader->scan, '}'))
        return FALSE;
    }
  if (seen != 7)
    return tensor_fail (reader, claim->name,
                        _ ("lacks its type, shape or offsets"));
  return check_size (reader, claim);
}

/* Takes `name`. */
static gboolean
read_tensor (Reader *reader, char *name)
{
  Claim claim = { .name = name };

  if (g_hash_table_contains (reader->names, name))
    {
      tensor_fail (reader, name, _ ("is there twice"));
      g_free (name);
      return FALSE;
    }
  if (!read_fields (reader, &claim))
    {
      g_free (name);
      return FALSE;
    }
  g_array_append_val (reader->claims, claim);
  g_hash_table_add (reader->names, name);
  return TRUE;
}

static gboolean
read_metadata_entry (Reader *reader)
{
  g_autofree char *key = atl_json_string (&reader->scan);
  g_autofree char *value = NULL;

  if (key == NULL || !atl_json_expect (&reader->scan, ':'))
    return FALSE;
  value = atl_json_string (&reader->scan);
  if (value == NULL)
    return FALSE;
  if (!g_hash_table_contains (reader->metadata, key))
    return g_hash_table_insert (reader->metadata, g_steal_pointer (&key),
                                g_steal_pointer (&value));
  return reader_fail (reader, ATELIER_ERROR_FORMAT,
                      _ ("the file is damaged: metadata with one name twice"));
}

static gboolean
read_metadata (Reader *reader)
{
  if (reader->metadata != NULL)
    return reader_fail (reader, ATELIER_ERROR_FORMAT,
                        _ ("the file is damaged: metadata twice"));
  reader->metadata
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!atl_json_expect (&reader->scan, '{'))
    return FALSE;
  if (atl_json_accept (&reader->scan, '}'))
    return TRUE;
  do
    if (!read_metadata_entry (reader))
      return FALSE;
  while (atl_json_accept (&reader->scan, ','));
  return atl_json_expect (&reader->scan, '}');
}

static gboolean
read_entry (Reader *reader)
{
  g_autofree char *name = atl_json_string (&reader->scan);

  if (name == NULL || !atl_json_expect (&reader->scan, ':'))
    return FALSE;
  if (strcmp (name, ATL_SAFETENSORS_METADATA) == 0)
    return read_metadata (reader);
  return read_tensor (reader, g_steal_pointer (&name));
}

static gboolean
read_header (Reader *reader)
{
  if (!atl_json_expect (&reader->scan, '{'))
    return FALSE;
  if (!atl_json_accept (&reader->scan, '}'))
    {
      do
        if (!read_entry (reader))
          return FALSE;
      while (atl_json_accept (&reader->scan, ','));
      if (!atl_json_expect (&reader->scan, '}'))
        return FALSE;
    }
  return atl_json_end (&reader->scan);
}

/* The data. */

static int
compare_claims (gconstpointer a, gconstpointer b)
{
  const Claim *p = *(const Claim *const *)a, *q = *(const Claim *const *)b;

  if (p->begin != q->begin)
    return p->begin < q->begin ? -1 : 1;
  return p->end < q->end ? -1 : p->end > q->end;
}

/* The tensors must cover the data exactly: no overlap, no hole, no rest. */
static gboolean
check_layout (Reader *reader, gint64 data_size)
{
  guint n = reader->claims->len;
  g_autofree const Claim **sorted = g_new (const Claim *, MAX (n, 1));
  gint64 at = 0;

  for (guint i = 0; i < n; i++)
    sorted[i] = &g_array_index (reader->claims, Claim, i);
  qsort (sorted, n, sizeof *sorted, compare_claims);
  for (guint i = 0; i < n; i++)
    {
      if (sorted[i]->end > data_size)
        return tensor_fail (reader, sorted[i]->name,
                            _ ("reaches past the end of the file"));
      if (sorted[i]->begin < at)
        return tensor_fail (reader, sorted[i]->name, _ ("overlaps another one"));
      if (sorted[i]->begin > at)
        return tensor_fail (reader, sorted[i]->name, _ ("has a hole before it"));
      at = sorted[i]->end;
    }
  if (at < data_size)
    return reader_fail (
        reader, ATELIER_ERROR_FORMAT,
        _ ("the file is damaged: %" PRId64 " bytes at its end belong to no tensor"),
        data_size - at);
  return TRUE;
}

/* data_at: where the data begin in `bytes`; 0: they are not there. */
static AtlTensorSet *
make_set (const Reader *reader, GBytes *bytes, gsize data_at)
{
  const guint8 *data = g_bytes_get_data (bytes, NULL);
  AtlTensorSet *set = atl_tensor_set_new ();

  for (guint i = 0; i < reader->claims->len; i++)
    {
      const Claim *claim = &g_array_index (reader->claims, Claim, i);

      atl_tensor_set_add (set, claim->name, claim->type, claim->n_dims, claim->dims,
                          data_at > 0 ? data + data_at + claim->begin : NULL,
                          data_at > 0 ? bytes : NULL);
    }
  return set;
}

/* Reads the length in front of the header and sees that it makes sense. */
static gboolean
read_length (const guint8 *data, gsize size, const char *name, gsize *length,
             GError **error)
{
  guint64 n = 0;

  if (size >= 8)
    {
      memcpy (&n, data, 8);
      n = GUINT64_FROM_LE (n);
    }
  if (size < 10 || n < 2 || data[8] != '{')
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                 _ ("%s is not a safetensors file"), name);
  else if (n > ATL_SAFETENSORS_HEADER_MAX)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                 _ ("%s is damaged: it claims a header of %" PRIu64 " bytes"), name,
                 n);
  else if (n > size - 8)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                 _ ("%s is cut off: its header alone is longer than the file"),
                 name);
  else
    {
      *length = (gsize)n;
      return TRUE;
    }
  return FALSE;
}

/* bytes: of the file, which has `size` of them, at least all up to the data. */
static AtlTensorSet *
parse (GBytes *bytes, gsize size, const char *name, GHashTable **metadata,
       GError **error)
{
  gsize length = 0;
  const guint8 *data = g_bytes_get_data (bytes, NULL);
  g_autofree char *file = atl_display_path (name);
  Reader reader = { .file = file };
  AtlTensorSet *set = NULL;

  if (!read_length (data, size, file, &length, error))
    return NULL;
  atl_json_scan_init (&reader.scan, (const char *)data + 8, length);
  reader.claims = g_array_new (FALSE, FALSE, sizeof (Claim));
  g_array_set_clear_func (reader.claims, claim_clear);
  reader.names = g_hash_table_new (g_str_hash, g_str_equal);
  if (read_header (&reader) && check_layout (&reader, (gint64)(size - 8 - length)))
    set = make_set (&reader, bytes,
                    g_bytes_get_size (bytes) == size ? 8 + length : 0);
  else if (reader.scan.problem != NULL)
    reader_fail (&reader, ATELIER_ERROR_FORMAT, _ ("its header is damaged: %s"),
                 reader.scan.problem);

  if (set != NULL && metadata != NULL)
    *metadata
        = reader.metadata != NULL
              ? g_steal_pointer (&reader.metadata)
              : g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (set == NULL)
    g_propagate_error (error, g_steal_pointer (&reader.error));
  g_clear_error (&reader.error);
  g_clear_pointer (&reader.metadata, g_hash_table_unref);
  g_hash_table_unref (reader.names);
  g_array_unref (reader.claims);
  atl_json_scan_clear (&reader.scan);
  return set;
}

AtlTensorSet *
atl_safetensors_parse (GBytes *bytes, const char *name, GHashTable **metadata,
                       GError **error)
{
  return parse (bytes, g_bytes_get_size (bytes), name, metadata, error);
}

AtlTensorSet *
atl_safetensors_read (const char *path, GHashTable **metadata, GError **error)
{
  g_autoptr (GBytes) bytes = atl_file_read (path, error);

  return bytes != NULL ? atl_safetensors_parse (bytes, path, metadata, error)
                       : NULL;
}

AtlTensorSet *
atl_safetensors_read_header (const char *path, GHashTable **metadata,
                             GError **error)
{
  g_autofree char *file = atl_display_path (path);
  gsize size = 0, length = 0;
  g_autoptr (GBytes) bytes = atl_file_read_start (path, START, &size, error);

  if (bytes == NULL
      || !read_length (g_bytes_get_data (bytes, NULL), size, file, &length, error))
    return NULL;
  if (8 + length > g_bytes_get_size (bytes))
    {
      g_bytes_unref (bytes);
      bytes = atl_file_read_start (path, 8 + length, &size, error);
      /* Another file by now? */
      if (bytes == NULL
          || !read_length (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                           file, &length, error))
        return NULL;
    }
  return parse (bytes, size, path, metadata, error);
}
