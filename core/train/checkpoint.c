/* See checkpoint.h. */

#include "train/checkpoint.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "files/safetensors.h"

#define VERSION_KEY "atelier.training"
#define VERSION "1"

struct _AtlCheckpoint
{
  char *name; /* of the file, for messages */
  AtlTensorSet *tensors;
  GHashTable *metadata;
};

AtlCheckpoint *
atl_training_checkpoint_new (void)
{
  AtlCheckpoint *c = g_new0 (AtlCheckpoint, 1);

  c->name = g_strdup ("checkpoint");
  c->tensors = atl_tensor_set_new ();
  c->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  atl_training_checkpoint_set_string (c, VERSION_KEY, VERSION);
  return c;
}

void
atl_training_checkpoint_free (AtlCheckpoint *c)
{
  if (!c)
    return;
  g_free (c->name);
  g_clear_pointer (&c->tensors, atl_tensor_set_free);
  g_clear_pointer (&c->metadata, g_hash_table_unref);
  g_free (c);
}

static AtlCheckpoint *
read_checkpoint (const char *path, gboolean head, GError **error)
{
  AtlCheckpoint *c = g_new0 (AtlCheckpoint, 1);
  const char *version;

  c->name = g_path_get_basename (path);
  c->tensors = head ? atl_safetensors_read_header (path, &c->metadata, error)
                    : atl_safetensors_read (path, &c->metadata, error);
  if (!c->tensors)
    {
      atl_training_checkpoint_free (c);
      return NULL;
    }
  version = c->metadata ? g_hash_table_lookup (c->metadata, VERSION_KEY) : NULL;
  if (version && strcmp (version, VERSION) == 0)
    return c;

  if (version)
    g_set_error (
        error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
        _ ("%s was written by a later Atelier (checkpoint version %s); update "
           "Atelier to go on with it"),
        c->name, version);
  else
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                 _ ("%s is not a training checkpoint; remove or rename it"),
                 c->name);
  atl_training_checkpoint_free (c);
  return NULL;
}

AtlCheckpoint *
atl_training_checkpoint_read (const char *path, GError **error)
{
  return read_checkpoint (path, FALSE, error);
}

AtlCheckpoint *
atl_training_checkpoint_read_head (const char *path, GError **error)
{
  return read_checkpoint (path, TRUE, error);
}

gboolean
atl_training_checkpoint_write (AtlCheckpoint *c, const char *path, GError **error)
{
  return atl_safetensors_write (path, c->tensors, c->metadata, error);
}

void
atl_training_checkpoint_add_floats (AtlCheckpoint *c, const char *name, gsize n,
                                    const float *data)
{
  gint64 dim = (gint64)n;

  atl_tensor_set_add (c->tensors, name, ATL_TYPE_F32, 1, &dim, data, NULL);
}

void
atl_training_checkpoint_add_doubles (AtlCheckpoint *c, const char *name, gsize n,
                                     const double *data)
{
  gint64 dim = (gint64)n;

  atl_tensor_set_add (c->tensors, name, ATL_TYPE_F64, 1, &dim, data, NULL);
}

static gboolean
get_array (const AtlCheckpoint *c, const char *name, AtlType type, gsize n,
           gpointer data, GError **error)
{
  const AtlTensor *tensor = atl_tensor_set_lookup (c->tensors, name);
  gsize size = n * atl_type_size (type);

  if (!tensor || tensor->type != type || tensor->size != size
      || (size && !tensor->data))
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
          _ ("%s holds no \"%s\" of %zu"
             " numbers: it belongs to another training; remove or rename it "
             "to start afresh"),
          c->name, name, n);
      return FALSE;
    }
  if (size)
    memcpy (data, tensor->data, size);
  return TRUE;
}

gboolean
atl_training_checkpoint_get_floats (const AtlCheckpoint *c, const char *name,
                                    gsize n, float *data, GError **error)
{
  return get_array (c, name, ATL_TYPE_F32, n, data, error);
}

gboolean
atl_training_checkpoint_get_doubles (const AtlCheckpoint *c, const char *name,
                                     gsize n, double *data, GError **error)
{
  return get_array (c, name, ATL_TYPE_F64, n, data, error);
}

void
atl_training_checkpoint_set_string (AtlCheckpoint *c, const char *key,
                                    const char *value)
{
  g_hash_table_replace (c->metadata, g_strdup (key), g_strdup (value));
}

void
atl_training_checkpoint_set_number (AtlCheckpoint *c, const char *key, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  atl_training_checkpoint_set_string (c, key,
                                      g_ascii_dtostr (text, sizeof text, value));
}

const char *
atl_training_checkpoint_get_string (const AtlCheckpoint *c, const char *key,
                                    GError **error)
{
  const char *value = g_hash_table_lookup (c->metadata, key);

  if (!value)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                 _ ("%s holds no \"%s\": it belongs to another training; remove or "
                    "rename it to start afresh"),
                 c->name, key);
  return value;
}

gboolean
atl_training_checkpoint_get_number (const AtlCheckpoint *c, const char *key,
                                    double *value, GError **error)
{
  const char *text = atl_training_checkpoint_get_string (c, key, error);
  char *end;

  if (!text)
    return FALSE;
  *value = g_ascii_strtod (text, &end);
  if (end != text && *end == '\0')
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
               _ ("%s is damaged: its \"%s\" is \"%s\""), c->name, key, text);
  return FALSE;
}
