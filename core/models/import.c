/* Imports checkpoints of PyTorch and safetensors that other programs wrote. */

#include "files/checkpoint.h"
#include "files/file-util.h"
#include "files/safetensors.h"
#include "models/model-private.h"
#include "models/recognise.h"

/* A safetensors file begins with the length of its header, and this with '{';
 * a checkpoint with "PK" or with a pickle's 0x80. */
static gboolean
is_safetensors (GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return size > 8 && data[8] == '{';
}

static AtlTensorSet *
read_tensors (const char *path, GHashTable **metadata, GError **error)
{
  g_autoptr (GBytes) bytes = atl_file_read (path, error);

  if (!bytes)
    return NULL;
  if (is_safetensors (bytes))
    return atl_safetensors_parse (bytes, path, metadata, error);
  return atl_checkpoint_parse (bytes, path, error);
}

AtlModel *
atl_model_import (const char *path, const char *arch, GError **error)
{
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) tensors = NULL;
  g_autoptr (AtlTensorSet) network = NULL;
  g_autofree char *file = g_filename_display_basename (path);
  AtlModel *model = NULL;
  AtlConfig config;

  tensors = read_tensors (path, &metadata, error);
  if (!tensors)
    return NULL;
  /* Already one of ours: nothing to guess. */
  if (!arch && metadata && g_hash_table_contains (metadata, "atelier.version"))
    {
      g_clear_pointer (&tensors, atl_tensor_set_free);
      return atl_model_open (path, error);
    }
  network = atl_recognise (tensors, arch, &config, error);
  if (network)
    model = atl_model_from_tensors (&config, network, path, error);
  if (!model)
    {
      atl_prefix_path (error, path);
      return NULL;
    }
  json_object_set_string_member (atl_model_get_card (model), "name",
                                 atl_model_get_name (model));
  json_object_set_string_member (atl_model_get_card (model), "imported_from", file);
  return model;
}
