/* Reading what is known of a model's codes; see contexts.h. */

#include "codec/contexts.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

#define HEADER 16

int
atl_tree_depth (int k)
{
  int depth = 0;

  while (1 << depth < k)
    depth++;
  return depth;
}

void
atl_contexts_free (AtlContexts *contexts)
{
  if (!contexts)
    return;
  for (int l = 0; l < ATL_MAX_LEVELS; l++)
    for (int s = 0; s < ATL_MAX_STAGES; s++)
      {
        AtlCodeContext *c = &contexts->levels[l][s];

        atl_free (c->leaf);
        atl_free (c->code);
        atl_free (c->prior);
        atl_free (c->weights);
        atl_free (c->node_bias);
      }
  if (contexts->bytes)
    g_bytes_unref (contexts->bytes);
  atl_free (contexts);
}

static gboolean
damaged (const char *what, GError **error)
{
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
               _ ("The model's context tables are damaged (%s); make them anew "
                  "with \"atelier prime\""),
               what);
  return FALSE;
}

gpointer
atl_context_alloc (gsize count, gsize size, GError **error)
{
  return atl_try_alloc0 (count, size, _ ("the context tables"), error);
}

/* Room for the tree over k codes. */
static gboolean
alloc_tree (AtlCodeContext *c, int k, GError **error)
{
  c->k = k;
  c->depth = atl_tree_depth (k);
  return (c->leaf = atl_context_alloc ((gsize)k, sizeof *c->leaf, error))
         && (c->code = atl_context_alloc ((gsize)k, sizeof *c->code, error))
         && (c->prior
             = atl_context_alloc ((gsize)1 << c->depth, sizeof *c->prior, error));
}

/* --- Nothing, or counts -------------------------------------------------- */

/* The tree over the codes in their own order; counts NULL: all alike. */
static gboolean
fill_plain (AtlCodeContext *c, int k, const guint32 *counts, GError **error)
{
  int n;
  atl_autofree guint64 *sums = NULL;

  if (!alloc_tree (c, k, error))
    return FALSE;
  c->primed = counts != NULL;
  n = 1 << c->depth;
  sums = atl_context_alloc (2 * (gsize)n, sizeof *sums, error);
  if (!sums)
    return FALSE;
  for (int i = 0; i < k; i++)
    {
      c->leaf[i] = c->code[i] = (guint16)i;
      sums[n + i] = counts ? 16 * (guint64)counts[i] + 1 : 1;
    }
  for (int i = n - 1; i > 0; i--)
    sums[i] = sums[2 * i] + sums[2 * i + 1];
  c->prior[0] = 1;
  for (int i = 1; i < n; i++)
    c->prior[i] = sums[i] ? (guint16)CLAMP ((sums[2 * i + 1] << 16) / sums[i], 64,
                                            65536 - 64)
                          : 32768;
  return TRUE;
}

static const char *
level_name (const AtlCodes *shapes, int level)
{
  return level == shapes->n_levels - 1 ? "quantise" : "quantise_top";
}

/* Counts of the metadata as integers; FALSE if there are none. */
static gboolean
read_counts (JsonObject *counts, const char *name, int stage, int k, guint32 *out)
{
  JsonNode *node = counts ? json_object_get_member (counts, name) : NULL;
  JsonArray *array
      = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  node = array && stage < (int)json_array_get_length (array)
             ? json_array_get_element (array, stage)
             : NULL;
  array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  if (!array || (int)json_array_get_length (array) != k)
    return FALSE;
  for (int i = 0; i < k; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      double value
          = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_double (element) : 0;

      /* Truncated: exact everywhere. */
      out[i] = value > 0 ? (guint32)MIN (value, 1e9) : 0;
    }
  return TRUE;
}

static void
set_id (AtlContexts *contexts, const guint8 *data, gsize size)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize length = sizeof digest;

  g_checksum_update (checksum, data, (gssize)size);
  g_checksum_get_digest (checksum, digest, &length);
  memcpy (contexts->id, digest, sizeof contexts->id);
}

static AtlContexts *
make_plain (const AtlCodes *shapes, JsonObject *counts, GError **error)
{
  g_autoptr (AtlContexts) contexts = atl_context_alloc (1, sizeof *contexts, error);
  g_auto (AtlBuffer) known = ATL_BUFFER_INIT (_ ("the context tables"));

  if (!contexts)
    return NULL;
  contexts->n_levels = shapes->n_levels;
  contexts->stages = shapes->stages;
  for (int l = 0; l < shapes->n_levels; l++)
    for (int s = 0; s < shapes->stages; s++)
      {
        int k = shapes->levels[l].k;
        AtlCodeContext *c = &contexts->levels[l][s];
        atl_autofree guint32 *values
            = atl_context_alloc ((gsize)k, sizeof *values, error);
        gboolean counted
            = values && read_counts (counts, level_name (shapes, l), s, k, values);

        if (!values || !fill_plain (c, k, counted ? values : NULL, error))
          return NULL;
        for (int i = 0; c->primed && i < 1 << c->depth; i++)
          {
            guint8 pair[2] = { c->prior[i] & 255, c->prior[i] >> 8 };

            atl_buffer_append (&known, pair, 2);
          }
      }
  if (!atl_buffer_check (&known, error))
    return NULL;
  set_id (contexts, known.data, known.len);
  return g_steal_pointer (&contexts);
}

/* --- The tensor ----------------------------------------------------------- */

typedef struct
{
  const guint8 *at, *end;
} Reader;

static const guint8 *
take (Reader *r, guint64 bytes)
{
  const guint8 *at = r->at;

  if (bytes > (guint64)(r->end - r->at))
    return NULL;
  r->at += bytes;
  return at;
}

static guint32
get16 (const guint8 *p)
{
  return p[0] | p[1] << 8;
}

static guint32
get32 (const guint8 *p)
{
  return get16 (p) | get16 (p + 2) << 16;
}

static gboolean
read_tree (AtlCodeContext *c, Reader *r, GError **error)
{
  const guint8 *leaves = take (r, 2 * (guint64)c->k);
  const guint8 *prior = take (r, (guint64)2 << c->depth);

  if (!leaves || !prior)
    return damaged (_ ("cut short"), error);
  if (!alloc_tree (c, c->k, error))
    return FALSE;
  c->primed = TRUE;
  for (int i = 0; i < c->k; i++)
    {
      int leaf = get16 (leaves + 2 * i);

      if (leaf >= c->k)
        return damaged (_ ("leaves"), error);
      c->leaf[i] = (guint16)leaf;
      c->code[leaf] = (guint16)i;
    }
  for (int i = 0; i < c->k; i++)
    if (c->code[c->leaf[i]] != i)
      return damaged (_ ("leaves"), error);
  for (int i = 0; i < 1 << c->depth; i++)
    {
      c->prior[i] = (guint16)get16 (prior + 2 * i);
      if (c->prior[i] == 0)
        return damaged (_ ("probabilities"), error);
    }
  return TRUE;
}

/* Whether a decoder knows it by then: stage by stage, in each the coarser level
 * first. */
static gboolean
is_known (const AtlNeighbour *n, int level, int stage, const AtlContexts *contexts)
{
  if (n->level >= contexts->n_levels || n->stage > stage || n->level > level)
    return FALSE;
  if (n->level == level && n->stage == stage)
    return n->dy < 0 || (n->dy == 0 && n->dx < 0);
  return TRUE;
}

static gboolean
read_network (AtlContexts *contexts, int level, int stage, const AtlCodes *shapes,
              Reader *r, GError **error)
{
  AtlCodeContext *c = &contexts->levels[level][stage];
  gsize nodes = (gsize)1 << c->depth, hidden = c->hidden;
  const guint8 *p = take (r, 4 * (guint64)c->n_neighbours);

  if (!p)
    return damaged (_ ("cut short"), error);
  for (int j = 0; j < c->n_neighbours; j++, p += 4)
    {
      AtlNeighbour n = { p[0], p[1], (gint8)p[2], (gint8)p[3] };

      if (!is_known (&n, level, stage, contexts))
        return damaged (_ ("neighbours"), error);
      c->neighbours[j] = n;
    }
  for (int j = 0; j < c->n_neighbours; j++)
    {
      gsize k = shapes->levels[c->neighbours[j].level].k;

      c->rows[j] = (const gint8 *)take (r, (k + 1) * hidden);
      if (!c->rows[j])
        return damaged (_ ("cut short"), error);
    }
  p = take (r, 2 * hidden + 2 * (guint64)nodes * hidden + 4 * (guint64)nodes);
  if (!p)
    return damaged (_ ("cut short"), error);
  c->weights = atl_context_alloc (nodes * hidden, sizeof *c->weights, error);
  if (!c->weights)
    return FALSE;
  c->node_bias = atl_context_alloc (nodes, sizeof *c->node_bias, error);
  if (!c->node_bias)
    return FALSE;
  for (gsize i = 0; i < hidden; i++, p += 2)
    c->bias[i] = (gint16)get16 (p);
  for (gsize i = 0; i < nodes * hidden; i++, p += 2)
    c->weights[i] = (gint16)CLAMP ((gint16)get16 (p), -2047, 2047);
  for (gsize i = 0; i < nodes; i++, p += 4)
    c->node_bias[i] = CLAMP ((gint32)get32 (p), -(1 << 28), 1 << 28);
  return TRUE;
}

static gboolean
read_context (AtlContexts *contexts, int level, int stage, const AtlCodes *shapes,
              Reader *r, GError **error)
{
  AtlCodeContext *c = &contexts->levels[level][stage];
  const guint8 *p = take (r, 12);

  if (!p)
    return damaged (_ ("cut short"), error);
  if (get32 (p) != (guint32)shapes->levels[level].k)
    return damaged (_ ("number of codes"), error);
  c->k = (int)get32 (p);
  c->depth = atl_tree_depth (c->k);
  c->hidden = (int)get16 (p + 4);
  c->n_neighbours = (int)get16 (p + 6);
  c->shift = (int)get16 (p + 8);
  if (c->hidden > ATL_MAX_HIDDEN || c->hidden % 16 != 0
      || c->n_neighbours > ATL_MAX_NEIGHBOURS || c->shift > 24)
    return damaged (_ ("sizes"), error);
  if (!read_tree (c, r, error))
    return FALSE;
  return c->hidden == 0 || read_network (contexts, level, stage, shapes, r, error);
}

AtlContexts *
atl_contexts_parse (GBytes *bytes, const AtlCodes *shapes, GError **error)
{
  g_autoptr (AtlContexts) contexts = NULL;
  gsize size;
  const guint8 *data;
  Reader r;

  if (!bytes)
    return make_plain (shapes, NULL, error);
  data = g_bytes_get_data (bytes, &size);
  contexts = atl_context_alloc (1, sizeof *contexts, error);
  if (!contexts)
    return NULL;
  contexts->bytes = g_bytes_ref (bytes);
  if (size < HEADER || memcmp (data, "ATLC", 4) != 0)
    {
      damaged (_ ("no header"), error);
      return NULL;
    }
  if (get32 (data + 4) != 1)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("The model's context tables are of a later version (%u); get "
                      "a newer Atelier"),
                   get32 (data + 4));
      return NULL;
    }
  if (get32 (data + 8) != (guint32)shapes->n_levels
      || get32 (data + 12) < (guint32)shapes->stages
      || get32 (data + 12) > ATL_MAX_STAGES)
    {
      damaged (_ ("levels and stages"), error);
      return NULL;
    }
  contexts->n_levels = (int)get32 (data + 8);
  contexts->stages = (int)get32 (data + 12);
  r = (Reader){ data + HEADER, data + size };
  for (int s = 0; s < contexts->stages; s++)
    for (int l = 0; l < contexts->n_levels; l++)
      if (!read_context (contexts, l, s, shapes, &r, error))
        return NULL;
  set_id (contexts, data, size);
  return g_steal_pointer (&contexts);
}

AtlContexts *
atl_contexts_of_model (const AtlModel *model, const AtlCodes *shapes,
                       GError **error)
{
  GBytes *bytes = atl_model_get_data (model, ATL_CONTEXTS_TENSOR);
  const char *json;
  g_autoptr (JsonNode) node = NULL;
  JsonNode *counts;
  JsonObject *object;

  if (bytes)
    return atl_contexts_parse (bytes, shapes, error);
  json = atl_model_get_metadata (model, "atelier.codes");
  node = json ? json_from_string (json, NULL) : NULL;
  object
      = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  counts = object ? json_object_get_member (object, "counts") : NULL;
  return make_plain (shapes,
                     counts && JSON_NODE_HOLDS_OBJECT (counts)
                         ? json_node_get_object (counts)
                         : NULL,
                     error);
}
