/* What an entropy coder knows of a model's codes before it sees any: how often
 * each occurs, which are alike, and a small network that foretells a code from
 * those around it.
 *
 * A code is coded as the way to its leaf in a binary tree over the codebook,
 * whose neighbouring leaves are neighbouring entries; a decision at each node.
 * The network has one hidden layer: rows of the neighbours' embeddings are
 * added up and rectified; a node's logit is a dot product with that.  All
 * integers, so that every machine computes the same.
 *
 * As bytes (made by `atelier prime`, kept in the model as the tensor
 * "codec.contexts"), little-endian:
 *   0   4  "ATLC"
 *   4   4  version, 1
 *   8   4  levels L, 1 or 2, the coarsest first
 *  12   4  stages S
 * then for each stage, and in it for each level:
 *   0   4  K, entries; the tree has DEPTH = ceil (log2 K) levels of nodes, and
 *          node i has the children 2i (for 0) and 2i + 1, from 1 on;
 *          N = 2^DEPTH is one more than the last node
 *   4   2  H, width of the hidden layer: 0 (no network) or 16, 32, 48, 64
 *   6   2  J, neighbours, 0 to 24
 *   8   2  shift of the logits, 0 to 24
 *  10   2  0
 *  12   .  K x u16: leaf of each code
 *       .  N x u16: probability of a 1 at each node, out of 65536 (node 0: 1)
 *       .  J x (u8 level, u8 stage, i8 dx, i8 dy)
 *       .  J x (K' + 1) x H x i8: embeddings of the K' codes of each
 *          neighbour's level, and of the outside
 *       .  H x i16: bias of the hidden layer
 *       .  N x H x i16: weights of the nodes, -2047 to 2047
 *       .  N x i32: biases of the nodes, -2^28 to 2^28
 * hidden = min (4095, max (0, bias + sum of embeddings));
 * logit = (bias + weights . hidden) >> shift, in 256ths.
 */

#pragma once

#include "apply/codes.h"

G_BEGIN_DECLS

#define ATL_CONTEXTS_TENSOR "codec.contexts"
#define ATL_MAX_NEIGHBOURS 24
#define ATL_MAX_HIDDEN 64

/* A code that is known when another is coded: of a level's stage, at an offset.
 * Of a coarser level the position is that which lies under the code's own. */
typedef struct
{
  guint8 level, stage;
  gint8  dx, dy;
} AtlNeighbour;

typedef struct
{
  int           k, depth;
  guint16      *leaf, *code; /* [k], each the other's inverse */
  guint16      *prior;       /* [1 << depth] */
  gboolean      primed;      /* the prior was learned */
  int           hidden, n_neighbours, shift;
  AtlNeighbour  neighbours[ATL_MAX_NEIGHBOURS];
  const gint8  *rows[ATL_MAX_NEIGHBOURS]; /* into the bytes */
  gint16        bias[ATL_MAX_HIDDEN];
  gint16       *weights;   /* [1 << depth][hidden] */
  gint32       *node_bias; /* [1 << depth] */
} AtlCodeContext;

typedef struct
{
  int            n_levels, stages;
  AtlCodeContext levels[ATL_MAX_LEVELS][ATL_MAX_STAGES];
  GBytes        *bytes;
  guint8         id[8]; /* of what is known: two that differ code differently */
} AtlContexts;

/* Of a model: its tensor; else the codes' counts in its metadata; else nothing
 * known, for grids of these shapes.  NULL with ATELIER_ERROR_FORMAT,
 * _UNSUPPORTED, _MEMORY. */
AtlContexts *atl_contexts_of_model (const AtlModel *model, const AtlCodes *shapes,
                                    GError **error);
/* The same without a model: bytes may be NULL. */
AtlContexts *atl_contexts_parse    (GBytes *bytes, const AtlCodes *shapes,
                                    GError **error);
void         atl_contexts_free     (AtlContexts *contexts);

/* For what goes with a context: zeroed, to be freed with atl_free.  NULL with
 * ATELIER_ERROR_MEMORY. */
gpointer     atl_context_alloc     (gsize count, gsize size, GError **error);

/* Levels of the tree over k entries. */
int          atl_tree_depth        (int k);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlContexts, atl_contexts_free)

G_END_DECLS
