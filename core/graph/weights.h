/* The values of a graph's parameters, float32, in the layout of the kernels.
 *
 * All trainable parameters lie in one arena, so that an optimiser and an
 * all-reduce run over one flat array.  A convolution's weight is stored as
 * panels of output channels, [OC / 64][KH][KW][C][64], the last panel padded
 * with zeros to a multiple of 16 columns; everything else as in the file.
 * Codebooks and running statistics follow the trainable part.
 *
 * Forms derived from the weights (transposed panels, Winograd's U) are made by
 * plans and cached here until atl_weights_changed.
 */

#pragma once

#include "base/pool.h"
#include "base/tensor.h"
#include "graph/graph.h"

G_BEGIN_DECLS

typedef struct _AtlWeights AtlWeights;

/* Zero-filled weights for `graph`, which must outlive them.  NULL with
 * ATELIER_ERROR_MEMORY. */
AtlWeights *atl_weights_new  (const AtlGraph *graph, GError **error);
void        atl_weights_free (AtlWeights *weights);
const AtlGraph *atl_weights_get_graph (const AtlWeights *weights);

/* Fills every parameter from the tensor of its name: F32, F16, BF16 or F64.
 * FALSE with ATELIER_ERROR_FORMAT, naming the tensor, if one is missing or has
 * another shape or holds a NaN or infinity. */
gboolean atl_weights_load (AtlWeights *weights, const AtlTensorSet *tensors,
                           GError **error);

/* Parameter i (of atl_graph_get_parameter) to and from the file's order:
 * count_parameters floats of its dims. */
void     atl_weights_get (const AtlWeights *weights, int i, float *out);
void     atl_weights_set (AtlWeights *weights, int i, const float *in);

/* The arena.  n_trainable floats come first.  Gradients exist after
 * atl_weights_need_gradients, in the same order, zeroed there. */
float   *atl_weights_data         (AtlWeights *weights);
gsize    atl_weights_n_trainable  (const AtlWeights *weights);
gsize    atl_weights_n_floats     (const AtlWeights *weights);
gboolean atl_weights_need_gradients (AtlWeights *weights, GError **error);
float   *atl_weights_gradients    (AtlWeights *weights);
/* Where parameter i begins in data and gradients, in floats. */
gsize    atl_weights_offset       (const AtlWeights *weights, int i);

/* To be called when data were changed by hand or by an optimiser. */
void     atl_weights_changed      (AtlWeights *weights);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlWeights, atl_weights_free)

G_END_DECLS
