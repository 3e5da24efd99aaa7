/* Named tensors as files hold them: a type, a shape and bytes.
 *
 * The common currency of the readers in files/ and of models/.  Data are
 * little-endian, dense, in the file's own order (C order, as PyTorch's).
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ATL_MAX_DIMS 8

typedef enum
{
  ATL_TYPE_F32,
  ATL_TYPE_F16,
  ATL_TYPE_BF16,
  ATL_TYPE_F64,
  ATL_TYPE_I64,
  ATL_TYPE_I32,
  ATL_TYPE_U8,
  ATL_N_TYPES
} AtlType;

/* Bytes an element, and the name that safetensors gives it ("F32"). */
gsize       atl_type_size (AtlType type);
const char *atl_type_name (AtlType type);

typedef struct
{
  char       *name;
  AtlType     type;
  int         n_dims;
  gint64      dims[ATL_MAX_DIMS];
  const void *data; /* points into the set's bytes; 8-byte aligned or not */
  gsize       size; /* bytes: product of dims times the type's size */
} AtlTensor;

/* An ordered set of tensors with distinct names, and what keeps their data
 * alive. */
typedef struct _AtlTensorSet AtlTensorSet;

AtlTensorSet    *atl_tensor_set_new    (void);
void             atl_tensor_set_free   (AtlTensorSet *set);
/* Adds a tensor; copies name and dims, and keeps a reference on `owner`, the
 * bytes that `data` points into (NULL: `data` is static).  FALSE if the name
 * is taken. */
gboolean         atl_tensor_set_add    (AtlTensorSet *set,
                                        const char   *name,
                                        AtlType       type,
                                        int           n_dims,
                                        const gint64 *dims,
                                        const void   *data,
                                        GBytes       *owner);
const AtlTensor *atl_tensor_set_lookup (const AtlTensorSet *set,
                                        const char         *name);
guint            atl_tensor_set_size   (const AtlTensorSet *set);
const AtlTensor *atl_tensor_set_get    (const AtlTensorSet *set, guint i);

/* Product of the dims (1 for a scalar); -1 if it or its bytes overflow. */
gint64           atl_tensor_n_elements (int n_dims, const gint64 *dims,
                                        AtlType type);
/* Converts `count` elements from `first` on to float32. */
void             atl_tensor_to_float   (const AtlTensor *tensor,
                                        gsize            first,
                                        gsize            count,
                                        float           *out);
/* "64x3x4x4"; for messages.  Free with g_free. */
char            *atl_dims_to_string    (int n_dims, const gint64 *dims);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlTensorSet, atl_tensor_set_free)

G_END_DECLS
