/* Named tensors; see tensor.h. */

#include "base/tensor.h"

#include <string.h>

static const struct
{
  const char *name;
  gsize size;
} types[ATL_N_TYPES] = {
  [ATL_TYPE_F32] = { "F32", 4 },   [ATL_TYPE_F16] = { "F16", 2 },
  [ATL_TYPE_BF16] = { "BF16", 2 }, [ATL_TYPE_F64] = { "F64", 8 },
  [ATL_TYPE_I64] = { "I64", 8 },   [ATL_TYPE_I32] = { "I32", 4 },
  [ATL_TYPE_U8] = { "U8", 1 },
};

gsize
atl_type_size (AtlType type)
{
  return types[type].size;
}

const char *
atl_type_name (AtlType type)
{
  return types[type].name;
}

/* The set: entries in order, and their names. */

typedef struct
{
  AtlTensor tensor;
  GBytes *owner;
} Entry;

struct _AtlTensorSet
{
  GPtrArray *entries; /* Entry */
  GHashTable *names;  /* name (the entry's) -> Entry */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->tensor.name);
  g_clear_pointer (&entry->owner, g_bytes_unref);
  g_free (entry);
}

AtlTensorSet *
atl_tensor_set_new (void)
{
  AtlTensorSet *set = g_new0 (AtlTensorSet, 1);

  set->entries = g_ptr_array_new_with_free_func (entry_free);
  set->names = g_hash_table_new (g_str_hash, g_str_equal);
  return set;
}

void
atl_tensor_set_free (AtlTensorSet *set)
{
  if (set == NULL)
    return;
  g_hash_table_unref (set->names);
  g_ptr_array_unref (set->entries);
  g_free (set);
}

gboolean
atl_tensor_set_add (AtlTensorSet *set, const char *name, AtlType type, int n_dims,
                    const gint64 *dims, const void *data, GBytes *owner)
{
  gint64 n = atl_tensor_n_elements (n_dims, dims, type);
  Entry *entry;

  g_return_val_if_fail (n_dims >= 0 && n_dims <= ATL_MAX_DIMS && n >= 0, FALSE);
  if (g_hash_table_contains (set->names, name))
    return FALSE;
  entry = g_new0 (Entry, 1);
  entry->tensor.name = g_strdup (name);
  entry->tensor.type = type;
  entry->tensor.n_dims = n_dims;
  for (int i = 0; i < n_dims; i++)
    entry->tensor.dims[i] = dims[i];
  entry->tensor.data = data;
  entry->tensor.size = (gsize)n * types[type].size;
  entry->owner = owner != NULL ? g_bytes_ref (owner) : NULL;
  g_ptr_array_add (set->entries, entry);
  g_hash_table_insert (set->names, entry->tensor.name, entry);
  return TRUE;
}

const AtlTensor *
atl_tensor_set_lookup (const AtlTensorSet *set, const char *name)
{
  const Entry *entry = g_hash_table_lookup (set->names, name);

  return entry != NULL ? &entry->tensor : NULL;
}

guint
atl_tensor_set_size (const AtlTensorSet *set)
{
  return set->entries->len;
}

const AtlTensor *
atl_tensor_set_get (const AtlTensorSet *set, guint i)
{
  return &((const Entry *)g_ptr_array_index (set->entries, i))->tensor;
}

gint64
atl_tensor_n_elements (int n_dims, const gint64 *dims, AtlType type)
{
  gint64 max = (gint64)(MIN (G_MAXINT64, G_MAXSSIZE) / types[type].size);
  gint64 n = 1;
  gboolean empty = FALSE;

  for (int i = 0; i < n_dims; i++)
    {
      if (dims[i] < 0)
        return -1;
      empty = empty || dims[i] == 0;
    }
  if (empty)
    return 0;
  for (int i = 0; i < n_dims; i++)
    {
      if (dims[i] > max / n)
        return -1;
      n *= dims[i];
    }
  return n;
}

char *
atl_dims_to_string (int n_dims, const gint64 *dims)
{
  GString *text = g_string_new (NULL);

  for (int i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? "x" : "", dims[i]);
  return g_string_free (text, FALSE);
}

/* Conversion.  Data may lie at any address: elements are copied out. */

static inline float
float_of_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* The exponent is rebased by a multiplication, which also normalises
 * subnormals; infinities and NaNs get their exponent by hand. */
static inline float
float_of_half (guint16 half)
{
  guint32 magnitude = (guint32)(half & 0x7fff) << 13;
  guint32 sign = (guint32)(half & 0x8000) << 16;
  float value = float_of_bits (magnitude) * 0x1p112f;
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  bits = (half & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000u : bits;
  return float_of_bits (bits | sign);
}

#define CONVERT(ctype, raw, expression)                                            \
  for (gsize i = 0; i < count; i++)                                                \
    {                                                                              \
      ctype raw;                                                                   \
      memcpy (&raw, from + i * sizeof raw, sizeof raw);                            \
      out[i] = (expression);                                                       \
    }

static float
float_of_double_bits (guint64 bits)
{
  double value;

  memcpy (&value, &bits, sizeof value);
  return (float)value;
}

void
atl_tensor_to_float (const AtlTensor *tensor, gsize first, gsize count, float *out)
{
  const guint8 *from
      = (const guint8 *)tensor->data + first * types[tensor->type].size;

  switch (tensor->type)
    {
    case ATL_TYPE_F32:
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
      if (count > 0)
        memcpy (out, from, count * sizeof *out);
#else
      CONVERT (guint32, raw, float_of_bits (GUINT32_FROM_LE (raw)));
#endif
      break;
    case ATL_TYPE_F16:
      CONVERT (guint16, raw, float_of_half (GUINT16_FROM_LE (raw)));
      break;
    case ATL_TYPE_BF16:
      CONVERT (guint16, raw, float_of_bits ((guint32)GUINT16_FROM_LE (raw) << 16));
      break;
    case ATL_TYPE_F64:
      CONVERT (guint64, raw, float_of_double_bits (GUINT64_FROM_LE (raw)));
      break;
    case ATL_TYPE_I64:
      CONVERT (guint64, raw, (float)(gint64)GUINT64_FROM_LE (raw));
      break;
    case ATL_TYPE_I32:
      CONVERT (guint32, raw, (float)(gint32)GUINT32_FROM_LE (raw));
      break;
    case ATL_TYPE_U8:
      CONVERT (guint8, raw, raw);
      break;
    case ATL_N_TYPES:
      break;
    }
}
