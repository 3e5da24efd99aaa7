/* Any bytes as a pickle: it ends, within the bytes, whatever it refers to. */

#include "files/pickle.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  GError *error = NULL;
  g_autoptr (AtlPickle) pickle = atl_pickle_read (data, size, "input", &error);

  if (pickle == NULL)
    {
      fuzz_check_error (&error);
      return 0;
    }
  g_assert_nonnull (pickle->root);
  g_assert_cmpuint (pickle->used, <=, size);
  for (guint i = 0; i < pickle->values->len; i++)
    {
      const AtlPickleValue *value = g_ptr_array_index (pickle->values, i);

      if (value->kind == ATL_PICKLE_TEXT || value->kind == ATL_PICKLE_BYTES)
        {
          const uint8_t *text = (const uint8_t *)value->text;

          g_assert_true (text >= data && text <= data + size);
          g_assert_cmpuint (value->size, <=, (gsize)(data + size - text));
        }
      for (guint k = 0; k < atl_pickle_n_items (value); k++)
        g_assert_nonnull (atl_pickle_item (value, k));
    }
  return 0;
}
