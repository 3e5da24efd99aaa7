/* Protocol buffers and the messages of ONNX; see onnx-writer.h. */

#include "models/onnx-writer.h"

#include <glib/gi18n-lib.h>
#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"
#include "files/file-util.h"

#define WHAT "ONNX" /* for messages */

/* The largest file that protocol buffers can hold. */
#define MAX_SIZE ((gsize)G_MAXINT32)

enum
{
  WIRE_VARINT = 0,
  WIRE_BYTES = 2,
  WIRE_32 = 5
};

/* TensorProto.DataType */
enum
{
  DATA_FLOAT = 1,
  DATA_INT64 = 7
};

/* AttributeProto.AttributeType */
enum
{
  ATTRIBUTE_FLOAT = 1,
  ATTRIBUTE_INT = 2,
  ATTRIBUTE_STRING = 3,
  ATTRIBUTE_INTS = 7
};

/* A TensorProto: its fields but for the data, and the data, which are copied
 * only on their way into the file. */
typedef struct
{
  AtlBuffer head;
  GBytes *data;
} Initializer;

struct _AtlOnnx
{
  AtlBuffer name; /* fields of GraphProto, in the order of the file */
  AtlBuffer nodes;
  AtlBuffer values; /* inputs and outputs */
  AtlBuffer node;   /* the NodeProto that attributes go to, or empty */
  GArray *initializers;
  AtlBuffer properties; /* fields of ModelProto */
};

static void
put_varint (AtlBuffer *out, guint64 value)
{
  guint8 byte;

  do
    {
      byte = value & 0x7f;
      value >>= 7;
      if (value)
        byte |= 0x80;
      atl_buffer_append (out, &byte, 1);
    }
  while (value);
}

static void
put_tag (AtlBuffer *out, int field, int wire)
{
  put_varint (out, (guint64)(field << 3 | wire));
}

static void
put_int (AtlBuffer *out, int field, gint64 value)
{
  put_tag (out, field, WIRE_VARINT);
  put_varint (out, (guint64)value);
}

static void
put_bytes (AtlBuffer *out, int field, gconstpointer data, gsize size)
{
  put_tag (out, field, WIRE_BYTES);
  put_varint (out, size);
  atl_buffer_append (out, data, size);
}

static void
put_string (AtlBuffer *out, int field, const char *text)
{
  put_bytes (out, field, text, strlen (text));
}

static void
put_float (AtlBuffer *out, int field, float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  bits = GUINT32_TO_LE (bits);
  put_tag (out, field, WIRE_32);
  atl_buffer_append (out, &bits, sizeof bits);
}

/* Puts `message` as a field and empties it. */
static void
put_message (AtlBuffer *out, int field, AtlBuffer *message)
{
  put_tag (out, field, WIRE_BYTES);
  put_varint (out, message->len);
  atl_buffer_move (out, message);
}

static void
initializer_clear (gpointer data)
{
  Initializer *initializer = data;

  atl_buffer_clear (&initializer->head);
  g_bytes_unref (initializer->data);
}

AtlOnnx *
atl_onnx_new (const char *name)
{
  AtlOnnx *onnx = g_new0 (AtlOnnx, 1);
  AtlBuffer empty = ATL_BUFFER_INIT (WHAT);

  onnx->name = onnx->nodes = onnx->values = onnx->node = onnx->properties = empty;
  onnx->initializers = g_array_new (FALSE, FALSE, sizeof (Initializer));
  g_array_set_clear_func (onnx->initializers, initializer_clear);
  put_string (&onnx->name, 2, name);
  return onnx;
}

void
atl_onnx_free (AtlOnnx *onnx)
{
  if (!onnx)
    return;
  atl_buffer_clear (&onnx->name);
  atl_buffer_clear (&onnx->nodes);
  atl_buffer_clear (&onnx->values);
  atl_buffer_clear (&onnx->node);
  atl_buffer_clear (&onnx->properties);
  g_array_unref (onnx->initializers);
  g_free (onnx);
}

/* TensorShapeProto { 1 dim }, Dimension { 1 dim_value, 2 dim_param } */
static void
put_dim (AtlBuffer *shape, int value, const char *param)
{
  g_auto (AtlBuffer) dim = ATL_BUFFER_INIT (WHAT);

  if (value > 0)
    put_int (&dim, 1, value);
  else
    put_string (&dim, 2, param);
  put_message (shape, 1, &dim);
}

/* ValueInfoProto { 1 name, 2 type }, TypeProto { 1 tensor_type },
 * Tensor { 1 elem_type, 2 shape } */
static void
put_value (AtlOnnx *onnx, int field, const char *name, int n, int channels,
           const char *height, const char *width)
{
  g_auto (AtlBuffer) shape = ATL_BUFFER_INIT (WHAT);
  g_auto (AtlBuffer) tensor = ATL_BUFFER_INIT (WHAT);
  g_auto (AtlBuffer) type = ATL_BUFFER_INIT (WHAT);
  g_auto (AtlBuffer) value = ATL_BUFFER_INIT (WHAT);

  put_dim (&shape, n, "batch");
  put_dim (&shape, channels, NULL);
  put_dim (&shape, 0, height);
  put_dim (&shape, 0, width);
  put_int (&tensor, 1, DATA_FLOAT);
  put_message (&tensor, 2, &shape);
  put_message (&type, 1, &tensor);
  put_string (&value, 1, name);
  put_message (&value, 2, &type);
  put_message (&onnx->values, field, &value);
}

void
atl_onnx_input (AtlOnnx *onnx, const char *name, int n, int channels,
                const char *height, const char *width)
{
  put_value (onnx, 11, name, n, channels, height, width);
}

void
atl_onnx_output (AtlOnnx *onnx, const char *name, int n, int channels,
                 const char *height, const char *width)
{
  put_value (onnx, 12, name, n, channels, height, width);
}

static void
end_node (AtlOnnx *onnx)
{
  if (onnx->node.len > 0 || onnx->node.error != NULL)
    put_message (&onnx->nodes, 1, &onnx->node);
}

/* NodeProto { 1 input, 2 output, 3 name, 4 op_type, 5 attribute } */
void
atl_onnx_node (AtlOnnx *onnx, const char *op, const char *output, ...)
{
  va_list inputs;
  const char *input;

  end_node (onnx);
  va_start (inputs, output);
  while ((input = va_arg (inputs, const char *)))
    put_string (&onnx->node, 1, input);
  va_end (inputs);
  put_string (&onnx->node, 2, output);
  put_string (&onnx->node, 3, output);
  put_string (&onnx->node, 4, op);
}

/* AttributeProto { 1 name, 2 f, 3 i, 4 s, 8 ints, 20 type } */
static void
put_attribute (AtlOnnx *onnx, const char *name, int type, AtlBuffer *value)
{
  g_auto (AtlBuffer) attribute = ATL_BUFFER_INIT (WHAT);

  put_string (&attribute, 1, name);
  atl_buffer_move (&attribute, value);
  put_int (&attribute, 20, type);
  put_message (&onnx->node, 5, &attribute);
}

void
atl_onnx_attribute_int (AtlOnnx *onnx, const char *name, gint64 value)
{
  g_auto (AtlBuffer) field = ATL_BUFFER_INIT (WHAT);

  put_int (&field, 3, value);
  put_attribute (onnx, name, ATTRIBUTE_INT, &field);
}

void
atl_onnx_attribute_ints (AtlOnnx *onnx, const char *name, int n,
                         const gint64 *values)
{
  g_auto (AtlBuffer) field = ATL_BUFFER_INIT (WHAT);

  for (int i = 0; i < n; i++)
    put_int (&field, 8, values[i]);
  put_attribute (onnx, name, ATTRIBUTE_INTS, &field);
}

void
atl_onnx_attribute_float (AtlOnnx *onnx, const char *name, float value)
{
  g_auto (AtlBuffer) field = ATL_BUFFER_INIT (WHAT);

  put_float (&field, 2, value);
  put_attribute (onnx, name, ATTRIBUTE_FLOAT, &field);
}

void
atl_onnx_attribute_string (AtlOnnx *onnx, const char *name, const char *value)
{
  g_auto (AtlBuffer) field = ATL_BUFFER_INIT (WHAT);

  put_string (&field, 4, value);
  put_attribute (onnx, name, ATTRIBUTE_STRING, &field);
}

/* TensorProto { 1 dims, 2 data_type, 8 name, 9 raw_data } */
static void
add_initializer (AtlOnnx *onnx, const char *name, int type, int n_dims,
                 const gint64 *dims, GBytes *data)
{
  Initializer initializer = { ATL_BUFFER_INIT (WHAT), g_bytes_ref (data) };

  for (int d = 0; d < n_dims; d++)
    put_int (&initializer.head, 1, dims[d]);
  put_int (&initializer.head, 2, type);
  put_string (&initializer.head, 8, name);
  put_tag (&initializer.head, 9, WIRE_BYTES);
  put_varint (&initializer.head, g_bytes_get_size (data));
  g_array_append_val (onnx->initializers, initializer);
}

void
atl_onnx_floats (AtlOnnx *onnx, const char *name, int n_dims, const gint64 *dims,
                 GBytes *values)
{
  add_initializer (onnx, name, DATA_FLOAT, n_dims, dims, values);
}

void
atl_onnx_ints (AtlOnnx *onnx, const char *name, int n, const gint64 *values)
{
  g_auto (AtlBuffer) copy = ATL_BUFFER_INIT (WHAT);
  gint64 dim = n;
  g_autoptr (GBytes) bytes = NULL;

  for (int i = 0; i < n; i++)
    {
      gint64 value = GINT64_TO_LE (values[i]);

      atl_buffer_append (&copy, &value, sizeof value);
    }
  bytes = atl_buffer_to_bytes (&copy, NULL);
  if (bytes)
    add_initializer (onnx, name, DATA_INT64, 1, &dim, bytes);
  else
    atl_buffer_move (&onnx->nodes, &copy); /* for atl_onnx_write to tell */
}

void
atl_onnx_scalar (AtlOnnx *onnx, const char *name, float value)
{
  g_autoptr (GBytes) bytes = NULL;
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  bits = GUINT32_TO_LE (bits);
  bytes = g_bytes_new (&bits, sizeof bits);
  add_initializer (onnx, name, DATA_FLOAT, 0, NULL, bytes);
}

/* StringStringEntryProto { 1 key, 2 value } */
void
atl_onnx_metadata (AtlOnnx *onnx, const char *key, const char *value)
{
  g_auto (AtlBuffer) entry = ATL_BUFFER_INIT (WHAT);

  put_string (&entry, 1, key);
  put_string (&entry, 2, value);
  put_message (&onnx->properties, 14, &entry);
}

static int
varint_size (guint64 value)
{
  int size = 1;

  while (value >>= 7)
    size++;
  return size;
}

static gsize
initializer_size (const Initializer *initializer)
{
  return initializer->head.len + g_bytes_get_size (initializer->data);
}

/* All of ModelProto up to the contents of the graph. */
static void
put_model_head (AtlBuffer *head, gsize graph_size)
{
  g_auto (AtlBuffer) opset = ATL_BUFFER_INIT (WHAT);

  put_int (head, 1, 8);
  put_string (head, 2, "Atelier");
  put_string (head, 3, ATELIER_VERSION);
  put_string (&opset, 1, "");
  put_int (&opset, 2, 17);
  put_message (head, 8, &opset);
  put_tag (head, 7, WIRE_BYTES);
  put_varint (head, graph_size);
}

static gboolean
write_buffer (AtlOutput *output, const AtlBuffer *buffer, GError **error)
{
  return atl_buffer_check (buffer, error)
         && atl_output_write (output, buffer->data, buffer->len, error);
}

static gboolean
write_initializer (AtlOutput *output, const Initializer *initializer,
                   GError **error)
{
  g_auto (AtlBuffer) tag = ATL_BUFFER_INIT (WHAT);
  gsize size;
  gconstpointer data = g_bytes_get_data (initializer->data, &size);

  put_tag (&tag, 5, WIRE_BYTES);
  put_varint (&tag, initializer_size (initializer));
  return write_buffer (output, &tag, error)
         && write_buffer (output, &initializer->head, error)
         && atl_output_write (output, data, size, error);
}

static gboolean
write_all (AtlOnnx *onnx, AtlOutput *output, const AtlBuffer *head, GError **error)
{
  if (!write_buffer (output, head, error)
      || !write_buffer (output, &onnx->nodes, error)
      || !write_buffer (output, &onnx->name, error))
    return FALSE;
  for (guint i = 0; i < onnx->initializers->len; i++)
    if (!write_initializer (
            output, &g_array_index (onnx->initializers, Initializer, i), error))
      return FALSE;
  return write_buffer (output, &onnx->values, error)
         && write_buffer (output, &onnx->properties, error);
}

gboolean
atl_onnx_write (AtlOnnx *onnx, const char *path, GError **error)
{
  g_autoptr (AtlOutput) output = NULL;
  g_auto (AtlBuffer) head = ATL_BUFFER_INIT (WHAT);
  gsize size;

  end_node (onnx);
  size = onnx->nodes.len + onnx->name.len + onnx->values.len;
  for (guint i = 0; i < onnx->initializers->len; i++)
    {
      gsize one
          = initializer_size (&g_array_index (onnx->initializers, Initializer, i));

      size += 1 + (gsize)varint_size (one) + one;
    }
  put_model_head (&head, size);
  if (size + head.len + onnx->properties.len > MAX_SIZE)
    {
      g_autofree char *file = atl_display_path (path);

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("%s: the model takes %zu"
                      " MiB, and ONNX files end at 2 GiB; choose a smaller model"),
                   file, size >> 20);
      return FALSE;
    }
  output = atl_output_open (path, error);
  if (!output || !write_all (onnx, output, &head, error))
    return FALSE;
  return atl_output_commit (g_steal_pointer (&output), error);
}
