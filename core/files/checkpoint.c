/* PyTorch's checkpoints; see checkpoint.h.
 *
 * Only tensors in dicts count; numbers, strings and lists (an optimiser's
 * settings, a counter of epochs) are passed over.  Tensors that lie dense in
 * their storage point into it; others are gathered, and all that is gathered
 * together may not exceed what the storages hold by much.
 */

#include "files/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "files/checkpoint-file.h"
#include "files/file-util.h"

#define MAX_DEPTH 16          /* dicts within dicts */
#define MAX_VISITS (1u << 18) /* entries of dicts */
#define MAX_NAME 1024         /* bytes of a tensor's full name */
#define GATHER_FACTOR 2       /* copies, relative to the storages' bytes */

typedef struct
{
  const char *file;
  const AtlCheckpointFile *checkpoint;
  AtlTensorSet *set;
  GString *name; /* of the entry being looked at */
  guint visits;
  guint64 gather_left; /* bytes */
  GError **error;
} Walk;

/* A tensor's place in its storage. */
typedef struct
{
  AtlType type;
  int n_dims;
  gint64 dims[ATL_MAX_DIMS];
  gint64 strides[ATL_MAX_DIMS]; /* elements */
  gint64 n;                     /* elements of the tensor */
  gint64 first;                 /* element of the storage */
  GBytes *storage;              /* borrowed */
} Extent;

static gboolean tensor_fail (Walk *walk, AtelierError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static gboolean
tensor_fail (Walk *walk, AtelierError code, const char *format, ...)
{
  g_autofree char *name = atl_display_text (walk->name->str);
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (walk->error, ATELIER_ERROR, code, _ ("%s: tensor %s %s"), walk->file,
               name, what);
  return FALSE;
}

/* The storage that a tensor's first argument stands for. */
static gboolean
find_storage (Walk *walk, const AtlStorageId *id, Extent *extent)
{
  if (id->type->type < 0)
    return tensor_fail (walk, ATELIER_ERROR_UNSUPPORTED,
                        _ ("has the type %s, which Atelier can't use"),
                        id->type->name);
  extent->type = (AtlType)id->type->type;
  extent->storage = g_hash_table_lookup (walk->checkpoint->storages, id->key);
  if (extent->storage == NULL)
    return tensor_fail (walk, ATELIER_ERROR_FORMAT,
                        _ ("is damaged: its data are not in the file"));
  if (id->elements != (gint64)(g_bytes_get_size (extent->storage) / id->type->size))
    return tensor_fail (walk, ATELIER_ERROR_FORMAT,
                        _ ("is damaged: it claims %" PRId64
                           " elements of data, but the file has %zu"),
                        id->elements,
                        g_bytes_get_size (extent->storage) / id->type->size);
  return TRUE;
}

/* The last element of the tensor must lie within [0, elements) of its part of
 * the storage. */
static gboolean
check_extent (Walk *walk, const Extent *extent, gint64 elements)
{
  gint64 last = extent->first, reach;

  for (int i = 0; i < extent->n_dims && extent->n > 0; i++)
    if (extent->strides[i] < 0
        || __builtin_mul_overflow (extent->dims[i] - 1, extent->strides[i], &reach)
        || __builtin_add_overflow (last, reach, &last))
      last = G_MAXINT64;
  if (extent->first >= 0 && (extent->n == 0 || last < elements))
    return TRUE;
  return tensor_fail (walk, ATELIER_ERROR_FORMAT,
                      _ ("is damaged: it reaches past the end of its data"));
}

/* (storage, offset, size, stride, ...) */
static gboolean
read_extent (Walk *walk, const AtlPickleValue *arguments, Extent *extent)
{
  const AtlPickleValue *storage = atl_pickle_item (arguments, 0);
  const AtlPickleValue *size = atl_pickle_item (arguments, 2);
  const AtlPickleValue *stride = atl_pickle_item (arguments, 3);
  AtlStorageId id;
  gboolean good;

  if (storage == NULL || storage->kind != ATL_PICKLE_PERSISTENT
      || !atl_pickle_get_int (atl_pickle_item (arguments, 1), &extent->first)
      || extent->first < 0 || size == NULL || stride == NULL
      || atl_pickle_n_items (size) != atl_pickle_n_items (stride)
      || atl_pickle_n_items (size) > ATL_MAX_DIMS)
    return tensor_fail (walk, ATELIER_ERROR_FORMAT,
                        _ ("is damaged: it has no shape"));
  extent->n_dims = (int)atl_pickle_n_items (size);
  for (int i = 0; i < extent->n_dims; i++)
    if (!atl_pickle_get_int (atl_pickle_item (size, (guint)i), &extent->dims[i])
        || !atl_pickle_get_int (atl_pickle_item (stride, (guint)i),
                                &extent->strides[i]))
      return tensor_fail (walk, ATELIER_ERROR_FORMAT,
                          _ ("is damaged: it has no shape"));
  if (!atl_storage_id_parse (storage->argument, &id))
    return tensor_fail (walk, ATELIER_ERROR_FORMAT,
                        _ ("is damaged: it names no data"));
  good = find_storage (walk, &id, extent);
  if (good)
    {
      extent->n
          = atl_tensor_n_elements (extent->n_dims, extent->dims, extent->type);
      if (extent->n < 0)
        good = tensor_fail (walk, ATELIER_ERROR_FORMAT,
                            _ ("is damaged: its shape is impossible"));
      else
        good = check_extent (walk, extent, id.view_elements);
      extent->first += id.view_first;
    }
  atl_storage_id_clear (&id);
  return good;
}

static gboolean
is_dense (const Extent *extent)
{
  gint64 expected = 1;

  for (int i = extent->n_dims - 1; i >= 0; i--)
    {
      if (extent->dims[i] != 1 && extent->strides[i] != expected)
        return FALSE;
      expected *= extent->dims[i];
    }
  return TRUE;
}

/* Copies the elements of a tensor that does not lie dense, in C order. */
static void
gather (const Extent *extent, const guint8 *from, guint8 *to)
{
  gsize size = atl_type_size (extent->type);
  int last = extent->n_dims - 1;
  gint64 index[ATL_MAX_DIMS] = { 0 };
  gint64 at = extent->first;

  for (gint64 done = 0; done < extent->n; done += extent->dims[last])
    {
      for (gint64 i = 0; i < extent->dims[last]; i++, to += size)
        memcpy (to, from + (gsize)(at + i * extent->strides[last]) * size, size);
      for (int dim = last - 1; dim >= 0; dim--)
        {
          at += extent->strides[dim];
          if (++index[dim] < extent->dims[dim])
            break;
          at -= extent->dims[dim] * extent->strides[dim];
          index[dim] = 0;
        }
    }
}

static GBytes *
gather_bytes (Walk *walk, const Extent *extent)
{
  gsize size = (gsize)extent->n * atl_type_size (extent->type);
  guint8 *data;

  if (size > walk->gather_left)
    {
      tensor_fail (walk, ATELIER_ERROR_FORMAT,
                   _ ("is damaged: it claims more elements than the file has"));
      return NULL;
    }
  walk->gather_left -= size;
  data = atl_try_alloc (size, 1, walk->file, walk->error);
  if (data == NULL)
    return NULL;
  gather (extent, g_bytes_get_data (extent->storage, NULL), data);
  return g_bytes_new_with_free_func (data, size, atl_free, data);
}

static gboolean
add_tensor (Walk *walk, const AtlPickleValue *arguments)
{
  g_autoptr (GBytes) owner = NULL;
  const guint8 *data;
  Extent extent;

  if (!read_extent (walk, arguments, &extent))
    return FALSE;
  if (extent.n == 0 || is_dense (&extent))
    {
      owner = g_bytes_ref (extent.storage);
      data = g_bytes_get_data (owner, NULL);
      if (extent.n > 0)
        data += (gsize)extent.first * atl_type_size (extent.type);
    }
  else if ((owner = gather_bytes (walk, &extent)) != NULL)
    data = g_bytes_get_data (owner, NULL);
  else
    return FALSE;
  return atl_tensor_set_add (walk->set, walk->name->str, extent.type, extent.n_dims,
                             extent.dims, data, owner)
         || tensor_fail (walk, ATELIER_ERROR_FORMAT, _ ("is there twice"));
}

/* Appends a key to the name: text, or the number of an optimiser's parameter.
 * FALSE for other keys. */
static gboolean
append_key (Walk *walk, const AtlPickleValue *key)
{
  if (walk->name->len > 0)
    g_string_append_c (walk->name, '.');
  if (key->kind == ATL_PICKLE_INT)
    g_string_append_printf (walk->name, "%" G_GINT64_FORMAT, key->integer);
  else if (key->kind != ATL_PICKLE_TEXT || key->size > MAX_NAME
           || !g_utf8_validate (key->text, (gssize)key->size, NULL))
    return FALSE;
  else
    g_string_append_len (walk->name, key->text, (gssize)key->size);
  return walk->name->len <= MAX_NAME;
}

static gboolean walk_dict (Walk *walk, const AtlPickleValue *dict, int depth);

static gboolean
walk_entry (Walk *walk, const AtlPickleValue *key, const AtlPickleValue *value,
            int depth)
{
  gsize length = walk->name->len;
  gboolean good = TRUE;

  if (value->kind == ATL_PICKLE_CALL && value->global->role == ATL_PICKLE_PARAMETER)
    {
      value = atl_pickle_item (value->argument, 0);
      if (value == NULL)
        return TRUE;
    }
  if (value->kind != ATL_PICKLE_DICT
      && (value->kind != ATL_PICKLE_CALL
          || value->global->role != ATL_PICKLE_TENSOR))
    return TRUE;
  if (!append_key (walk, key))
    good = tensor_fail (walk, ATELIER_ERROR_FORMAT, _ ("has a name that can't be"));
  else if (value->kind == ATL_PICKLE_DICT)
    good = walk_dict (walk, value, depth + 1);
  else
    good = add_tensor (walk, value->argument);
  g_string_truncate (walk->name, length);
  return good;
}

static gboolean
walk_dict (Walk *walk, const AtlPickleValue *dict, int depth)
{
  guint n = atl_pickle_n_items (dict) / 2;

  if (depth > MAX_DEPTH || n > MAX_VISITS - walk->visits)
    {
      g_set_error (walk->error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("%s is damaged: its dicts are nested without end"),
                   walk->file);
      return FALSE;
    }
  walk->visits += n;
  for (guint i = 0; i < n; i++)
    if (!walk_entry (walk, atl_pickle_item (dict, 2 * i),
                     atl_pickle_item (dict, 2 * i + 1), depth))
      return FALSE;
  return TRUE;
}

static guint64
storage_bytes (const AtlCheckpointFile *checkpoint)
{
  GHashTableIter iter;
  gpointer bytes;
  guint64 sum = 0;

  g_hash_table_iter_init (&iter, checkpoint->storages);
  while (g_hash_table_iter_next (&iter, NULL, &bytes))
    sum += g_bytes_get_size (bytes);
  return sum;
}

AtlTensorSet *
atl_checkpoint_parse (GBytes *bytes, const char *name, GError **error)
{
  g_autofree char *file = atl_display_path (name);
  g_autoptr (AtlCheckpointFile) checkpoint
      = atl_checkpoint_file_open (bytes, file, error);
  g_autoptr (AtlTensorSet) set = atl_tensor_set_new ();
  g_autoptr (GString) prefix = g_string_new (NULL);
  Walk walk = { .file = file, .set = set, .name = prefix, .error = error };

  if (checkpoint == NULL)
    return NULL;
  walk.checkpoint = checkpoint;
  walk.gather_left = storage_bytes (checkpoint) * GATHER_FACTOR;
  if (checkpoint->pickle->root->kind == ATL_PICKLE_DICT
      && !walk_dict (&walk, checkpoint->pickle->root, 0))
    return NULL;
  if (atl_tensor_set_size (set) > 0)
    return g_steal_pointer (&set);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
               _ ("%s holds no state_dict: there is no dict with tensors in it"),
               file);
  return NULL;
}

AtlTensorSet *
atl_checkpoint_read (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = atl_file_read (path, error);

  return bytes != NULL ? atl_checkpoint_parse (bytes, path, error) : NULL;
}
