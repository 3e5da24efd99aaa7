/* Writing safetensors; see safetensors.h for the format. */

#include "files/safetensors.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"
#include "files/json-scan.h"

#define DATA_ALIGNMENT 64

static void
append_metadata (GString *header, GHashTable *metadata)
{
  g_autoptr (GList) keys = g_hash_table_get_keys (metadata);
  const char *comma = "";

  keys = g_list_sort (keys, (GCompareFunc)strcmp);
  g_string_append (header, "\"" ATL_SAFETENSORS_METADATA "\":{");
  for (const GList *key = keys; key != NULL; key = key->next)
    {
      g_string_append (header, comma);
      atl_json_quote (header, key->data);
      g_string_append_c (header, ':');
      atl_json_quote (header, g_hash_table_lookup (metadata, key->data));
      comma = ",";
    }
  g_string_append_c (header, '}');
}

static void
append_tensor (GString *header, const AtlTensor *tensor, guint64 begin)
{
  atl_json_quote (header, tensor->name);
  g_string_append_printf (header, ":{\"dtype\":\"%s\",\"shape\":[",
                          atl_type_name (tensor->type));
  for (int i = 0; i < tensor->n_dims; i++)
    g_string_append_printf (header, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "",
                            tensor->dims[i]);
  g_string_append_printf (
      header, "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}",
      begin, begin + tensor->size);
}

/* Padded with spaces so that the data begin at a multiple of 64 bytes. */
static GString *
make_header (const AtlTensorSet *tensors, GHashTable *metadata)
{
  GString *header = g_string_new ("{");
  guint64 at = 0;

  if (metadata != NULL && g_hash_table_size (metadata) > 0)
    append_metadata (header, metadata);
  for (guint i = 0; i < atl_tensor_set_size (tensors); i++)
    {
      const AtlTensor *tensor = atl_tensor_set_get (tensors, i);

      if (header->len > 1)
        g_string_append_c (header, ',');
      append_tensor (header, tensor, at);
      at += tensor->size;
    }
  g_string_append_c (header, '}');
  while ((8 + header->len) % DATA_ALIGNMENT != 0)
    g_string_append_c (header, ' ');
  return header;
}

gboolean
atl_safetensors_write (const char *path, const AtlTensorSet *tensors,
                       GHashTable *metadata, GError **error)
{
  g_autoptr (GString) header = make_header (tensors, metadata);
  guint64 length = GUINT64_TO_LE ((guint64)header->len);
  g_autofree char *name = atl_display_path (path);
  AtlOutput *output;
  gboolean good;

  if (header->len > ATL_SAFETENSORS_HEADER_MAX
      || atl_tensor_set_lookup (tensors, ATL_SAFETENSORS_METADATA) != NULL)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("%s can't be written: its names do not fit the format"),
                   name);
      return FALSE;
    }
  output = atl_output_open (path, error);
  if (output == NULL)
    return FALSE;
  good = atl_output_write (output, &length, sizeof length, error)
         && atl_output_write (output, header->str, header->len, error);
  for (guint i = 0; good && i < atl_tensor_set_size (tensors); i++)
    {
      const AtlTensor *tensor = atl_tensor_set_get (tensors, i);

      good = atl_output_write (output, tensor->data, tensor->size, error);
    }
  if (good)
    return atl_output_commit (output, error);
  atl_output_abort (output);
  return FALSE;
}
