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
AtlWeights *atl_weights_new (const AtlGraph *graph, GError **error);
void atl_weights_free (AtlWeights *weights);
const AtlGraph *atl_weights_get_graph (const AtlWeights *weights);

/* Fills every parameter from the tensor of its name: F32, F16, BF16 or F64.
 * FALSE with ATELIER_ERROR_FORMAT, naming the tensor, if one is missing or has
 * another shape or holds a NaN or infinity. */
gboolean atl_weights_load (AtlWeights *weights, const AtlTensorSet *tensors,
                           GError **error);

/* Whether `tensors` have all that atl_weights_load needs, apart from the values
 * themselves; told before anything is allocated.  The same errors. */
gboolean atl_weights_check (const AtlGraph *graph, const AtlTensorSet *tensors,
                            GError **error);

/* Parameter i (of atl_graph_get_parameter) to and from the file's order:
 * count_parameters floats of its dims. */
void atl_weights_get (const AtlWeights *weights, int i, float *out);
void atl_weights_set (AtlWeights *weights, int i, const float *in);

/* The arena.  n_trainable floats come first, then n_codebooks floats of
 * codebooks, then running statistics.  Gradients exist after
 * atl_weights_need_gradients, of trainable parameters and of codebooks, in the
 * same order, zeroed there. */
float *atl_weights_data (AtlWeights *weights);
gsize atl_weights_n_trainable (const AtlWeights *weights);
gsize atl_weights_n_floats (const AtlWeights *weights);
gboolean atl_weights_need_gradients (AtlWeights *weights, GError **error);
float *atl_weights_gradients (AtlWeights *weights);
/* To be called before the backwards of a step: gradients start from zero.
 * Nothing is cleared here; each backward overwrites what it finds first, and
 * atl_weights_gradients clears what none has touched. */
void atl_weights_zero_gradients (AtlWeights *weights);
/* For backwards: parameter i's gradient, and whether to add to it. */
float *atl_weights_gradient_of (AtlWeights *weights, int i, gboolean *accumulate);
/* Where parameter i begins in data and gradients, in floats. */
gsize atl_weights_offset (const AtlWeights *weights, int i);

/* Of values, gradients and derived forms as they are now. */
gsize atl_weights_get_bytes (AtlWeights *weights);

/* To be called when data were changed by hand or by an optimiser. */
void atl_weights_changed (AtlWeights *weights);

/* A form of parameter i that a plan computes with, made by `make` when it is
 * first asked for and again after atl_weights_changed.  form: any number that
 * tells it from other forms of this parameter.  size: in floats, the same at
 * every call for this form.  The memory stays where it is as long as `weights` lives.
 * NULL with ATELIER_ERROR_MEMORY; asked for beforehand, it never fails. */
typedef void (*AtlDerive) (AtlWeights *weights, gpointer data, float *out);

float *atl_weights_derive (AtlWeights *weights, int i, int form, gsize size,
                           AtlDerive make, gpointer data, GError **error);

/* Columns of the panel that begins at output channel `first` of OC. */
int atl_panel_columns (int out_channels, int first);
/* Floats of all panels of OC channels with `rows` rows each. */
gsize atl_panels_size (gsize rows, int out_channels);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlWeights, atl_weights_free)

G_END_DECLS
