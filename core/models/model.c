/* Models: graph, weights and what is known about them; see model.h. */

#include "models/model.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"
#include "files/file-util.h"
#include "files/safetensors.h"
#include "models/model-private.h"

#define VERSION 1

#define KEY_VERSION "atelier.version"
#define KEY_KIND "atelier.kind"
#define KEY_CONFIG "atelier.config"
#define KEY_CARD "atelier.card"

#define DATA_PREFIX "codec." /* of tensors that are no parameters */

struct _AtlModel
{
  AtlConfig config;
  AtlGraph *graph;
  AtlWeights *weights;
  JsonObject *card;
  GHashTable *metadata; /* what else the file's metadata held */
  GHashTable *data;     /* name -> GBytes */
  char *name;           /* of the file, without folder and extension */
  char *hash;
};

static AtlModel *
model_new (const AtlConfig *config, AtlGraph *graph, AtlWeights *weights)
{
  AtlModel *model = g_new0 (AtlModel, 1);

  model->config = *config;
  model->graph = graph;
  model->weights = weights;
  model->card = json_object_new ();
  model->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  model->data = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                       (GDestroyNotify)g_bytes_unref);
  return model;
}

void
atl_model_free (AtlModel *model)
{
  if (!model)
    return;
  atl_weights_free (model->weights);
  atl_graph_free (model->graph);
  json_object_unref (model->card);
  g_hash_table_unref (model->metadata);
  g_hash_table_unref (model->data);
  g_free (model->name);
  g_free (model->hash);
  g_free (model);
}

char *
atl_model_path_name (const char *path)
{
  char *name = g_filename_display_basename (path);
  char *dot = strrchr (name, '.');

  if (dot && dot != name)
    *dot = '\0';
  return name;
}

AtlModel *
atl_model_from_tensors (const AtlConfig *config, const AtlTensorSet *tensors,
                        const char *path, GError **error)
{
  g_autoptr (AtlGraph) graph = atl_config_build (config, error);
  g_autoptr (AtlWeights) weights = NULL;
  AtlModel *model;

  if (!graph || !atl_weights_check (graph, tensors, error))
    return NULL;
  weights = atl_weights_new (graph, error);
  if (!weights || !atl_weights_load (weights, tensors, error))
    return NULL;
  model = model_new (config, g_steal_pointer (&graph), g_steal_pointer (&weights));
  model->name = atl_model_path_name (path);
  return model;
}

static gboolean
check_version (const char *version, GError **error)
{
  guint64 number;

  if (!version)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("no model of Atelier's; import it first (atelier import, or "
                      "Manage Models)"));
      return FALSE;
    }
  if (!g_ascii_string_to_unsigned (version, 10, 1, G_MAXUINT, &number, NULL))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("the model's metadata are damaged: %s is no number"),
                   KEY_VERSION);
      return FALSE;
    }
  if (number > VERSION)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("made by a later version of Atelier (format %s); get a newer "
                      "Atelier to open it"),
                   version);
      return FALSE;
    }
  return TRUE;
}

gboolean
atl_model_read_config (GHashTable *metadata, AtlConfig *config, GError **error)
{
  const char *kind = g_hash_table_lookup (metadata, KEY_KIND);
  const char *json = g_hash_table_lookup (metadata, KEY_CONFIG);

  if (!check_version (g_hash_table_lookup (metadata, KEY_VERSION), error))
    return FALSE;
  if (!json || !kind)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("the model's metadata are damaged: %s is missing"),
                   json ? KEY_KIND : KEY_CONFIG);
      return FALSE;
    }
  if (!atl_config_from_json (config, json, error))
    return FALSE;
  if (!g_str_equal (kind, atl_config_kind (config)))
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
          _ ("the model's metadata are damaged: a %s can't be of kind '%s'"),
          atl_config_arch_name (config), kind);
      return FALSE;
    }
  return TRUE;
}

JsonObject *
atl_model_read_card (GHashTable *metadata)
{
  const char *json = g_hash_table_lookup (metadata, KEY_CARD);
  g_autoptr (JsonNode) node = json ? json_from_string (json, NULL) : NULL;

  /* A card is for people: a bad one must not keep the model shut. */
  if (node && JSON_NODE_HOLDS_OBJECT (node))
    return json_node_dup_object (node);
  return json_object_new ();
}

/* Fills card and metadata from the file's. */
static void
take_metadata (AtlModel *model, GHashTable *metadata)
{
  GHashTableIter iter;
  gpointer key, value;

  json_object_unref (model->card);
  model->card = atl_model_read_card (metadata);
  g_hash_table_iter_init (&iter, metadata);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (!g_str_equal (key, KEY_VERSION) && !g_str_equal (key, KEY_KIND)
        && !g_str_equal (key, KEY_CONFIG) && !g_str_equal (key, KEY_CARD))
      g_hash_table_insert (model->metadata, g_strdup (key), g_strdup (value));
}

/* Copies the tensors that belong to no parameter. */
static gboolean
take_data (AtlModel *model, const AtlTensorSet *tensors, GError **error)
{
  for (guint i = 0; i < atl_tensor_set_size (tensors); i++)
    {
      const AtlTensor *t = atl_tensor_set_get (tensors, i);
      GBytes *bytes;

      if (!g_str_has_prefix (t->name, DATA_PREFIX) || t->type != ATL_TYPE_U8
          || t->n_dims != 1)
        continue;
      bytes = atl_bytes_copy (t->data, t->size, t->name, error);
      if (bytes == NULL)
        return FALSE;
      g_hash_table_insert (model->data, g_strdup (t->name), bytes);
    }
  return TRUE;
}

AtlModel *
atl_model_open (const char *path, GError **error)
{
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) tensors = NULL;
  AtlModel *model = NULL;
  AtlConfig config;

  tensors = atl_safetensors_read (path, &metadata, error);
  if (!tensors)
    return NULL;
  if (atl_model_read_config (metadata, &config, error))
    model = atl_model_from_tensors (&config, tensors, path, error);
  if (!model)
    {
      atl_prefix_path (error, path);
      return NULL;
    }
  take_metadata (model, metadata);
  if (!take_data (model, tensors, error))
    g_clear_pointer (&model, atl_model_free);
  return model;
}

gsize
atl_parameter_size (const AtlParameter *p)
{
  gsize n = 1;

  for (int d = 0; d < p->n_dims; d++)
    n *= (gsize)p->dims[d];
  return n;
}

/* PyTorch's bound for the uniform weights and biases of a convolution:
 * 1 / sqrt (fan_in), fan_in being taken from dims 1.. of the weight even where
 * it is transposed. */
static float
uniform_bound (const AtlGraph *graph, const AtlParameter *p)
{
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *weight = atl_graph_get_parameter (graph, i);

      if (weight->node == p->node && weight->n_dims == 4)
        return (float)(1
                       / sqrt ((double)(weight->dims[1] * weight->dims[2]
                                        * weight->dims[3])));
    }
  return 0;
}

static void
fill_uniform (float *out, gsize n, float bound, AtlRandom *random)
{
  for (gsize i = 0; i < n; i++)
    out[i] = bound * (2 * atl_random_uniform (random) - 1);
}

static void
fill_normal (float *out, gsize n, float mean, float deviation, AtlRandom *random)
{
  for (gsize i = 0; i < n; i++)
    out[i] = mean + deviation * atl_random_normal (random);
}

static void
fill_constant (float *out, gsize n, float value)
{
  for (gsize i = 0; i < n; i++)
    out[i] = value;
}

/* Without norms a deep network starts calmly if each of its residual blocks adds
 * little at first, and the tail nothing: drunet begins as the identity (Zhang
 * 2019, "Fixup Initialization"). */
static float
start_share (const AtlParameter *p)
{
  if (g_str_has_prefix (p->name, "tail."))
    return 0;
  return strstr (p->name, ".block.2.") ? 0.1f : 1;
}

/* Values of a parameter as the reference starts with them. */
static void
init_parameter (const AtlConfig *config, const AtlGraph *graph,
                const AtlParameter *p, AtlRandom *random, float *out)
{
  const AtlNode *node = atl_graph_get_node (graph, p->node);
  gsize n = atl_parameter_size (p);
  /* What stands in for norms that would set the scale. */
  gboolean uniform = g_str_equal (atl_config_kind (config), "vqvae")
                     || config->arch == ATL_ARCH_DRUNET;

  if (node->op == ATL_OP_VECTOR_QUANTISE)
    {
      fill_uniform (out, n, 1.0f / (float)node->codes, random);
      if (config->zero_code && p->stage > 0)
        fill_constant (out, (gsize)p->dims[1], 0);
    }
  else if (g_str_has_suffix (p->name, ".running_mean"))
    fill_constant (out, n, 0);
  else if (g_str_has_suffix (p->name, ".running_var"))
    fill_constant (out, n, 1);
  else if (uniform)
    fill_uniform (out, n, start_share (p) * uniform_bound (graph, p), random);
  else if (g_str_has_suffix (p->name, ".bias"))
    fill_constant (out, n, 0);
  else
    fill_normal (out, n, p->n_dims == 1 ? 1 : 0, 0.02f, random);
}

static gboolean
init_weights (const AtlConfig *config, AtlWeights *weights, guint64 seed,
              GError **error)
{
  const AtlGraph *graph = atl_weights_get_graph (weights);

  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);
      float *values
          = atl_try_alloc (atl_parameter_size (p), sizeof (float), p->name, error);
      AtlRandom random;

      if (!values)
        return FALSE;
      /* A stream each: a layer's start does not depend on the others. */
      atl_random_init (&random, seed, (guint64)i);
      init_parameter (config, graph, p, &random, values);
      atl_weights_set (weights, i, values);
      atl_free (values);
    }
  return TRUE;
}

AtlModel *
atl_model_create (const AtlConfig *config, guint64 seed, GError **error)
{
  g_autoptr (AtlGraph) graph = NULL;
  g_autoptr (AtlWeights) weights = NULL;

  if (!atl_config_check (config, error))
    return NULL;
  graph = atl_config_build (config, error);
  if (!graph)
    return NULL;
  weights = atl_weights_new (graph, error);
  if (!weights || !init_weights (config, weights, seed, error))
    return NULL;
  return model_new (config, g_steal_pointer (&graph), g_steal_pointer (&weights));
}

const AtlConfig *
atl_model_get_config (const AtlModel *model)
{
  return &model->config;
}

AtlConfig *
atl_model_edit_config (AtlModel *model)
{
  return &model->config;
}

const AtlGraph *
atl_model_get_graph (const AtlModel *model)
{
  return model->graph;
}

AtlWeights *
atl_model_get_weights (AtlModel *model)
{
  return model->weights;
}

JsonObject *
atl_model_get_card (AtlModel *model)
{
  return model->card;
}

const char *
atl_model_get_metadata (const AtlModel *model, const char *key)
{
  return g_hash_table_lookup (model->metadata, key);
}

void
atl_model_set_metadata (AtlModel *model, const char *key, const char *value)
{
  if (value)
    g_hash_table_insert (model->metadata, g_strdup (key), g_strdup (value));
  else
    g_hash_table_remove (model->metadata, key);
}

GBytes *
atl_model_get_data (const AtlModel *model, const char *name)
{
  return g_hash_table_lookup (model->data, name);
}

void
atl_model_set_data (AtlModel *model, const char *name, GBytes *bytes)
{
  g_return_if_fail (g_str_has_prefix (name, DATA_PREFIX));
  if (bytes)
    g_hash_table_insert (model->data, g_strdup (name), g_bytes_ref (bytes));
  else
    g_hash_table_remove (model->data, name);
}

const char *
atl_model_card_string (JsonObject *card, const char *key)
{
  JsonNode *node = json_object_get_member (card, key);
  const char *text = NULL;

  if (node && JSON_NODE_HOLDS_VALUE (node)
      && json_node_get_value_type (node) == G_TYPE_STRING)
    text = json_node_get_string (node);
  return text && *text ? text : NULL;
}

const char *
atl_model_get_name (const AtlModel *model)
{
  const char *name = atl_model_card_string (model->card, "name");

  if (name)
    return name;
  return model->name ? model->name : "";
}

static gboolean
require_kind (const AtlConfig *config, const char *name, const char *kind,
              GError **error)
{
  const char *found = atl_config_kind (config);

  if (g_str_equal (found, kind))
    return TRUE;
  if (g_str_equal (found, "pix2pix"))
    g_set_error (
        error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
        _ ("the model '%s' is a Pix2Pix generator, which is for translating "
           "pictures; choose another model"),
        name);
  else if (g_str_equal (found, "vqvae"))
    g_set_error (
        error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
        _ ("the model '%s' is a VQ-VAE, which is for compressing pictures; "
           "choose another model"),
        name);
  else
    g_set_error (
        error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
        _ ("the model '%s' is a discriminator, which is for training only; "
           "choose another model"),
        name);
  return FALSE;
}

gboolean
atl_model_require (const AtlModel *model, const char *kind, GError **error)
{
  return require_kind (&model->config, atl_model_get_name (model), kind, error);
}

gboolean
atl_model_peek_config (const char *path, const char *kind, AtlConfig *config,
                       GError **error)
{
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) tensors
      = atl_safetensors_read_header (path, &metadata, error);
  g_autofree char *name = atl_model_path_name (path);

  if (!tensors)
    return FALSE;
  if (atl_model_read_config (metadata, config, error))
    return require_kind (config, name, kind, error);
  atl_prefix_path (error, path);
  return FALSE;
}

/* Whether every value can be a half without becoming infinite. */
static gboolean
fits_half (const float *values, gsize n)
{
  gboolean fits = TRUE;

  for (gsize i = 0; i < n; i++)
    fits &= fabsf (values[i]) < 65504;
  return fits;
}

/* Adds a tensor that owns `values`. */
static void
add_tensor (AtlTensorSet *tensors, const AtlParameter *p, AtlType type,
            gpointer values)
{
  gsize bytes = atl_parameter_size (p) * atl_type_size (type);
  g_autoptr (GBytes) owner
      = g_bytes_new_with_free_func (values, bytes, atl_free, values);

  atl_tensor_set_add (tensors, p->name, type, p->n_dims, p->dims, values, owner);
}

static gboolean
add_parameter (AtlModel *model, int i, gboolean half, AtlTensorSet *tensors,
               GError **error)
{
  const AtlParameter *p = atl_graph_get_parameter (model->graph, i);
  gsize n = atl_parameter_size (p);
  float *values = atl_try_alloc (n, sizeof (float), p->name, error);
  guint16 *halves;

  if (!values)
    return FALSE;
  atl_weights_get (model->weights, i, values);
  /* Only what is large: norms, biases and codebooks stay exact. */
  if (!half || p->n_dims != 4 || !fits_half (values, n))
    {
      add_tensor (tensors, p, ATL_TYPE_F32, values);
      return TRUE;
    }
  halves = atl_try_alloc (n, sizeof *halves, p->name, error);
  if (halves)
    {
      atl_kernels_get ()->float_to_half (n, values, halves);
      add_tensor (tensors, p, ATL_TYPE_F16, halves);
    }
  atl_free (values);
  return halves != NULL;
}

static void
add_data (AtlModel *model, AtlTensorSet *tensors)
{
  g_autoptr (GList) names
      = g_list_sort (g_hash_table_get_keys (model->data), (GCompareFunc)strcmp);

  for (GList *l = names; l; l = l->next)
    {
      GBytes *bytes = g_hash_table_lookup (model->data, l->data);
      gint64 dim = (gint64)g_bytes_get_size (bytes);

      atl_tensor_set_add (tensors, l->data, ATL_TYPE_U8, 1, &dim,
                          g_bytes_get_data (bytes, NULL), bytes);
    }
}

static char *
object_to_json (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_node_set_object (node, object);
  return json_to_string (node, FALSE);
}

gboolean
atl_model_save (AtlModel *model, const char *path, gboolean half, GError **error)
{
  g_autoptr (AtlTensorSet) tensors = atl_tensor_set_new ();
  g_autoptr (GHashTable) metadata
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  GHashTableIter iter;
  gpointer key, value;

  for (int i = 0; i < atl_graph_get_n_parameters (model->graph); i++)
    if (!add_parameter (model, i, half, tensors, error))
      return FALSE;
  add_data (model, tensors);

  g_hash_table_iter_init (&iter, model->metadata);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (metadata, key, g_strdup (value));
  g_hash_table_insert (metadata, (gpointer)KEY_VERSION,
                       g_strdup_printf ("%d", VERSION));
  g_hash_table_insert (metadata, (gpointer)KEY_KIND,
                       g_strdup (atl_config_kind (&model->config)));
  g_hash_table_insert (metadata, (gpointer)KEY_CONFIG,
                       atl_config_to_json (&model->config));
  g_hash_table_insert (metadata, (gpointer)KEY_CARD, object_to_json (model->card));
  return atl_safetensors_write (path, tensors, metadata, error);
}

/* Feeds name, shape and values, each ended so that none can run into the
 * next. */
static gboolean
hash_parameter (AtlModel *model, int i, GChecksum *checksum, GError **error)
{
  const AtlParameter *p = atl_graph_get_parameter (model->graph, i);
  g_autofree char *dims = atl_dims_to_string (p->n_dims, p->dims);
  gsize n = atl_parameter_size (p);
  atl_autofree float *values = atl_try_alloc (n, sizeof *values, p->name, error);

  if (!values)
    return FALSE;
  g_checksum_update (checksum, (const guchar *)p->name,
                     (gssize)strlen (p->name) + 1);
  g_checksum_update (checksum, (const guchar *)dims, (gssize)strlen (dims) + 1);
  atl_weights_get (model->weights, i, values);
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
  for (gsize j = 0; j < n; j++)
    ((guint32 *)values)[j] = GUINT32_TO_LE (((guint32 *)values)[j]);
#endif
  g_checksum_update (checksum, (const guchar *)values,
                     (gssize)(n * sizeof (float)));
  return TRUE;
}

const char *
atl_model_get_hash (AtlModel *model, GError **error)
{
  if (!model->hash)
    {
      g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

      for (int i = 0; i < atl_graph_get_n_parameters (model->graph); i++)
        if (!hash_parameter (model, i, checksum, error))
          return NULL;
      model->hash = g_strdup (g_checksum_get_string (checksum));
    }
  return model->hash;
}
