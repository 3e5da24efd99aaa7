/* Any bytes as a safetensors file: every tensor that is accepted lies within the
 * bytes, and is as large as its shape says. */

#include "files/safetensors.h"
#include "fuzz.h"

static void
check_tensor (const AtlTensor *tensor, const uint8_t *data, size_t size)
{
  const uint8_t *at = tensor->data;
  gint64 n = atl_tensor_n_elements (tensor->n_dims, tensor->dims, tensor->type);
  float first[16];

  g_assert_true (at >= data && at <= data + size);
  g_assert_cmpuint (tensor->size, <=, (gsize)(data + size - at));
  g_assert_cmpint (n, >=, 0);
  g_assert_cmpuint ((gsize)n * atl_type_size (tensor->type), ==, tensor->size);
  atl_tensor_to_float (tensor, 0, (gsize)MIN (n, 16), first);
  if (n > 16)
    atl_tensor_to_float (tensor, (gsize)n - 16, 16, first);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) set = NULL;
  GError *error = NULL;

  set = atl_safetensors_parse (bytes, "input", &metadata, &error);
  if (set == NULL)
    {
      g_assert_null (metadata);
      fuzz_check_error (&error);
      return 0;
    }
  g_assert_nonnull (metadata);
  for (guint i = 0; i < atl_tensor_set_size (set); i++)
    check_tensor (atl_tensor_set_get (set, i), data, size);
  return 0;
}
