/* Any bytes as a checkpoint of PyTorch's: the zip and the legacy container, the
 * pickles within, and what is made of the tensors. */

#include "files/checkpoint.h"
#include "fuzz.h"
#include "models/recognise.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (AtlTensorSet) set = NULL;
  g_autoptr (AtlTensorSet) network = NULL;
  GError *error = NULL;
  AtlConfig config;

  set = atl_checkpoint_parse (bytes, "input", &error);
  if (set == NULL)
    {
      fuzz_check_error (&error);
      return 0;
    }
  for (guint i = 0; i < atl_tensor_set_size (set); i++)
    {
      const AtlTensor *tensor = atl_tensor_set_get (set, i);
      gsize n = tensor->size / atl_type_size (tensor->type);
      float values[16];

      for (gsize at = 0; at < n; at += 16)
        atl_tensor_to_float (tensor, at, MIN (n - at, 16), values);
    }
  network = atl_recognise (set, NULL, &config, &error);
  if (network == NULL)
    fuzz_check_error (&error);
  return 0;
}
