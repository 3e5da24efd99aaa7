/* ONNX files: well-formed protocol buffers with what the model says.  That the
 * networks compute the same is tested against ONNX Runtime in tests/parity. */

#include <string.h>
#include <sys/mman.h>

#include "models.h"
#include "models/onnx-writer.h"
#include "scratch.h"

/* A reader of protocol buffers, independent of the writer. */
typedef struct
{
  const guint8 *at, *end;
} Message;

typedef struct
{
  int field;
  guint64 number;  /* of a varint */
  Message message; /* of bytes */
} Field;

static guint64
read_varint (Message *message)
{
  guint64 value = 0;

  for (int shift = 0; shift < 64; shift += 7)
    {
      guint8 byte;

      g_assert_true (message->at < message->end);
      byte = *message->at++;
      value |= (guint64)(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return value;
    }
  g_assert_not_reached ();
}

static gboolean
next_field (Message *message, Field *field)
{
  guint64 tag;

  if (message->at == message->end)
    return FALSE;
  tag = read_varint (message);
  field->field = (int)(tag >> 3);
  field->number = 0;
  field->message = (Message){ NULL, NULL };
  switch (tag & 7)
    {
    case 0:
      field->number = read_varint (message);
      break;
    case 2:
      field->number = read_varint (message);
      g_assert_cmpuint (field->number, <=, message->end - message->at);
      field->message = (Message){ message->at, message->at + field->number };
      message->at += field->number;
      break;
    case 5:
      message->at += 4;
      break;
    default:
      g_assert_not_reached ();
    }
  g_assert_true (message->at <= message->end);
  return TRUE;
}

/* The first field of that number. */
static Field
get (Message message, int number)
{
  Field field;

  while (next_field (&message, &field))
    if (field.field == number)
      return field;
  g_error ("no field %d", number);
}

static char *
get_string (Message message, int number)
{
  Field field = get (message, number);

  return g_strndup ((const char *)field.message.at, field.number);
}

typedef struct
{
  char *bytes;
  Message graph;
  GHashTable *ops; /* name -> how many */
} File;

static void
count_ops (File *file)
{
  Message graph = file->graph;
  Field field;

  file->ops = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  while (next_field (&graph, &field))
    if (field.field == 1)
      {
        char *op = get_string (field.message, 4);
        int n = GPOINTER_TO_INT (g_hash_table_lookup (file->ops, op));

        g_hash_table_insert (file->ops, op, GINT_TO_POINTER (n + 1));
      }
}

static void export (File *file, AtlModel *model)
{
  g_autofree char *path = scratch_path ("model.onnx");
  GError *error = NULL;
  Message whole;
  gsize size;

  atl_model_export_onnx (model, path, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &file->bytes, &size, NULL));
  whole.at = (const guint8 *)file->bytes;
  whole.end = whole.at + size;
  g_assert_cmpuint (get (whole, 1).number, ==, 8);
  g_assert_cmpuint (get (get (whole, 8).message, 2).number, ==, 17);
  file->graph = get (whole, 7).message;
  count_ops (file);
}

static void
file_clear (File *file)
{
  g_hash_table_unref (file->ops);
  g_free (file->bytes);
}

static int
n_ops (const File *file, const char *op)
{
  return GPOINTER_TO_INT (g_hash_table_lookup (file->ops, op));
}

static void
test_norms_follow_the_model (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_1", "ngf=4", 1);
  File file;

  export (&file, model);
  g_assert_cmpint (n_ops (&file, "InstanceNormalization"), ==, 7);
  g_assert_cmpint (n_ops (&file, "BatchNormalization"), ==, 0);
  file_clear (&file);
  atl_model_edit_config (model)->image_statistics = FALSE;
  export (&file, model);
  g_assert_cmpint (n_ops (&file, "InstanceNormalization"), ==, 0);
  g_assert_cmpint (n_ops (&file, "BatchNormalization"), ==, 7);
  file_clear (&file);
}

static void
test_dropout_follows_the_model (void)
{
  g_autoptr (AtlModel) model = model_new ("unet_256", "ngf=2", 1);
  File file;

  export (&file, model);
  g_assert_cmpint (n_ops (&file, "RandomUniformLike"), ==, 0);
  file_clear (&file);
  atl_model_edit_config (model)->dropout_applied = TRUE;
  export (&file, model);
  g_assert_cmpint (n_ops (&file, "RandomUniformLike"), ==, 3);
  file_clear (&file);
}

static gboolean
has_open_batch (const File *file)
{
  Message shape
      = get (get (get (get (file->graph, 11).message, 2).message, 1).message, 2)
            .message;
  Field batch = get (shape, 1);
  Field field;
  gboolean open = FALSE;

  while (next_field (&batch.message, &field))
    open |= field.field == 2;
  return open;
}

/* Batch norms with the image's own statistics hold for one picture only. */
static void
test_batch (void)
{
  g_autoptr (AtlModel) image = model_new ("resnet_1", "ngf=4", 1);
  g_autoptr (AtlModel) running
      = model_new ("resnet_1", "ngf=4 image_statistics=no", 1);
  g_autoptr (AtlModel) instance = model_new ("resnet_1", "ngf=4 norm=instance", 1);
  File file;

  export (&file, image);
  g_assert_false (has_open_batch (&file));
  file_clear (&file);
  export (&file, running);
  g_assert_true (has_open_batch (&file));
  file_clear (&file);
  export (&file, instance);
  g_assert_true (has_open_batch (&file));
  file_clear (&file);
}

/* Every input of a node is the network's, a constant or an earlier node's, and
 * every constant is used. */
static void
assert_wired (const File *file)
{
  g_autoptr (GHashTable) known
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) unused
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Message graph = file->graph;
  Field field, part;

  while (next_field (&graph, &field))
    if (field.field == 5)
      {
        g_assert_true (g_hash_table_add (known, get_string (field.message, 8)));
        g_assert_true (g_hash_table_add (unused, get_string (field.message, 8)));
      }
    else if (field.field == 11)
      g_assert_true (g_hash_table_add (known, get_string (field.message, 1)));
  graph = file->graph;
  while (next_field (&graph, &field))
    {
      if (field.field != 1)
        continue;
      while (next_field (&field.message, &part))
        {
          g_autofree char *name
              = g_strndup ((const char *)part.message.at, part.number);

          if (part.field == 1 && *name)
            {
              g_assert_true (g_hash_table_contains (known, name));
              g_hash_table_remove (unused, name);
            }
          else if (part.field == 2)
            g_assert_true (g_hash_table_add (known, g_steal_pointer (&name)));
        }
    }
  g_assert_cmpuint (g_hash_table_size (unused), ==, 0);
  g_assert_true (g_hash_table_contains (known, "output"));
}

static void
test_wiring (void)
{
  static const struct
  {
    const char *arch, *settings;
  } cases[] = {
    { "unet_32", "ngf=2 residual=yes" },
    { "unet_32", "ngf=2 norm=instance upsample=nearest" },
    { "unet_256", "ngf=2 dropout_applied=yes" },
    { "resnet_2", "ngf=2 upsample=bilinear dropout=0.5" },
    { "patchgan", "ndf=2" },
    { "pixel", "ndf=2 norm=none" },
    { "vqvae", "hidden=4 stages=3 linear_skip=yes patch=2" },
    { "vqvae2", "hidden=4 upsample=shuffle" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (AtlModel) model = model_new (cases[i].arch, cases[i].settings, 1);
      File file;

      export (&file, model);
      assert_wired (&file);
      file_clear (&file);
    }
}

/* Larger than protocol buffers can be: refused before anything is written. */
static void
test_two_gib (void)
{
  gsize size = (gsize)1 << 31;
  gint64 dims[] = { 1 << 29 };
  gpointer zeros = mmap (NULL, size, PROT_READ,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  g_autoptr (AtlOnnx) onnx = atl_onnx_new ("large");
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *path = scratch_path ("large.onnx");
  GError *error = NULL;

  if (zeros == MAP_FAILED)
    {
      g_test_skip ("2 GiB of address space can't be had");
      return;
    }
  scratch_empty ();
  bytes = g_bytes_new_static (zeros, size);
  atl_onnx_floats (onnx, "zeros", 1, dims, bytes);
  g_assert_false (atl_onnx_write (onnx, path, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "2 GiB"));
  g_assert_cmpuint (scratch_count (), ==, 0);
  g_clear_error (&error);
  munmap (zeros, size);
}

static void
test_unwritable (void)
{
  g_autoptr (AtlModel) model = model_new ("pixel", "ndf=2", 1);
  g_autofree char *path = scratch_path ("no-such-folder/x.onnx");
  GError *error = NULL;

  g_assert_false (atl_model_export_onnx (model, path, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, "no-such-folder"));
  g_clear_error (&error);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_open ();
  g_test_add_func ("/onnx/norms-follow-the-model", test_norms_follow_the_model);
  g_test_add_func ("/onnx/dropout-follows-the-model",
                   test_dropout_follows_the_model);
  g_test_add_func ("/onnx/batch-is-open-where-it-may-be", test_batch);
  g_test_add_func ("/onnx/every-value-is-known-and-used", test_wiring);
  g_test_add_func ("/onnx/over-two-gib-is-refused", test_two_gib);
  g_test_add_func ("/onnx/unwritable-path", test_unwritable);
  status = g_test_run ();
  scratch_close ();
  return status;
}
