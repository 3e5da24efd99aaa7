/* A network as data: a flat array of ops in the order of computation.
 *
 * A node's value is one tensor, NHWC float32.  Inputs are indices of earlier
 * nodes.  `name` is the prefix of the node's parameters, in PyTorch's terms:
 * NAME.weight, NAME.bias, NAME.running_mean, NAME.running_var, and for a
 * vector quantiser NAME.codebook.S for stage S.  Adding nodes does not fail there
 * and then: the builders in models/ check their configuration first, whether
 * memory sufficed is asked once, at the end (atl_graph_check), and shapes are
 * checked by atl_graph_infer.
 */

#pragma once

#include "base/error.h"
#include "kernels/kernels.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_OP_INPUT,
  ATL_OP_CONV2D,
  ATL_OP_CONV_TRANSPOSE2D,
  ATL_OP_BATCH_NORM,
  ATL_OP_INSTANCE_NORM,
  ATL_OP_ACTIVATION,
  ATL_OP_DROPOUT,
  ATL_OP_ADD,
  ATL_OP_CONCAT,
  ATL_OP_VECTOR_QUANTISE,
  ATL_OP_UPSAMPLE,
  ATL_OP_SPACE_TO_DEPTH,
  ATL_OP_DEPTH_TO_SPACE,
  ATL_OP_REFLECT_PAD,
  ATL_N_OPS
} AtlOp;

#define ATL_MAX_STAGES 16

typedef struct
{
  AtlOp op;
  const char *name; /* parameters' prefix, or a label; unique in the graph */
  int inputs[2]; /* ADD and CONCAT use both; -1: none */

  /* Which of these count depends on the op. */
  int channels; /* INPUT, and OC of the convolutions */
  int kernel, stride, padding, output_padding;
  gboolean bias;           /* convolutions */
  gboolean affine;         /* norms: weight and bias */
  gboolean running;        /* norms: running_mean and running_var kept */
  float epsilon, momentum; /* norms; PyTorch's meaning */
  AtlActivation activation;
  float slope;       /* leaky relu */
  float probability; /* DROPOUT */
  int factor;        /* UPSAMPLE, SPACE_TO_DEPTH, DEPTH_TO_SPACE;
                                   padding on each side of REFLECT_PAD */
  gboolean bilinear; /* UPSAMPLE: else nearest */
  int codes;         /* VECTOR_QUANTISE: K */
  int stages;        /* residual quantisers, 1 .. ATL_MAX_STAGES */
} AtlNode;

typedef struct _AtlGraph AtlGraph;

typedef struct
{
  int n, h, w, c;
} AtlShape;

AtlGraph *atl_graph_new (void);
void atl_graph_free (AtlGraph *graph);
/* Whether all that was added is there; FALSE with ATELIER_ERROR_MEMORY, and then
 * only atl_graph_free may follow. */
gboolean atl_graph_check (const AtlGraph *graph, GError **error);
int atl_graph_get_n_nodes (const AtlGraph *graph);
const AtlNode *atl_graph_get_node (const AtlGraph *graph, int node);
/* The node of that name, or -1. */
int atl_graph_find (const AtlGraph *graph, const char *name);
/* A second name under which atl_graph_find knows the node ("output", "z"). */
void atl_graph_label (AtlGraph *graph, int node, const char *label);
/* The last node added. */
int atl_graph_get_output (const AtlGraph *graph);
/* Channels of a node's value. */
int atl_graph_get_channels (const AtlGraph *graph, int node);

/* Each adds a node and returns its index. */
int atl_graph_input (AtlGraph *graph, const char *name, int channels);
/* Zero padding, as PyTorch's Conv2d (square kernels). */
int atl_graph_conv2d (AtlGraph *graph, const char *name, int input,
                      int out_channels, int kernel, int stride, int padding,
                      gboolean bias);
int atl_graph_conv_transpose2d (AtlGraph *graph, const char *name, int input,
                                int out_channels, int kernel, int stride,
                                int padding, int output_padding, gboolean bias);
/* Momentum 0.1, epsilon 1e-5. */
int atl_graph_batch_norm (AtlGraph *graph, const char *name, int input,
                          gboolean affine, gboolean running);
int atl_graph_instance_norm (AtlGraph *graph, const char *name, int input,
                             gboolean affine, gboolean running);
int atl_graph_activation (AtlGraph *graph, int input, AtlActivation activation,
                          float slope);
int atl_graph_dropout (AtlGraph *graph, int input, float probability);
int atl_graph_add (AtlGraph *graph, int a, int b);
int atl_graph_concat (AtlGraph *graph, int a, int b);
/* Residual quantisation of D-vectors, D = channels of the input: stage s codes
 * what the earlier stages left, with K entries of its own.  The value is the
 * sum of the chosen entries; the codes are read with atl_plan_get_codes. */
int atl_graph_vector_quantise (AtlGraph *graph, const char *name, int input,
                               int codes, int stages);
int atl_graph_upsample (AtlGraph *graph, int input, int factor, gboolean bilinear);
/* [H, W, C] <-> [H/f, W/f, f*f*C]; the channel order is PyTorch's pixel
 * unshuffle: c*f*f + y*f + x. */
int atl_graph_space_to_depth (AtlGraph *graph, int input, int factor);
int atl_graph_depth_to_space (AtlGraph *graph, int input, int factor);
int atl_graph_reflect_pad (AtlGraph *graph, int input, int padding);

/* Whether `node` is among nodes[n]. */
static inline gboolean
atl_nodes_contain (const int *nodes, int n, int node)
{
  for (int i = 0; i < n; i++)
    if (nodes[i] == node)
      return TRUE;
  return FALSE;
}

/* Shapes of all nodes, for inputs[i] (node inputs[i].node given a value of
 * shape inputs[i].shape; any node may be given a value, what lies only before
 * it is not computed).  shapes: one per node, n = 0 for nodes that the outputs
 * do not need.  FALSE with ATELIER_ERROR_ARGUMENT, naming the node, where a
 * shape does not fit (say, a concat of different sizes, or a picture smaller
 * than a reflection). */
gboolean atl_graph_infer (const AtlGraph *graph, const int *inputs,
                          const AtlShape *input_shapes, int n_inputs,
                          const int *outputs, int n_outputs, AtlShape *shapes,
                          GError **error);

/* Multiply-accumulates of one forward at these shapes, as the direct
 * algorithms would do them. */
double atl_graph_macs (const AtlGraph *graph, const AtlShape *shapes);

/* How many input pixels around an output pixel can influence it, on each side,
 * and the multiple that the input's sides must have; either may be NULL.  Norms
 * with the image's own statistics are left out: they see everything.  FALSE with
 * ATELIER_ERROR_MEMORY. */
gboolean atl_graph_reach (const AtlGraph *graph, int input, int output, int *halo,
                          int *multiple, GError **error);

/* The same with values given at several nodes, for several outputs at once:
 * halos[i] in pixels of inputs[i]; -1 if no output needs that one, the others
 * being given. */
gboolean atl_graph_reach_inputs (const AtlGraph *graph, const int *inputs,
                                 int n_inputs, const int *outputs, int n_outputs,
                                 int *halos, GError **error);

/* A parameter of the graph, as a file names and shapes it. */
typedef struct
{
  const char *name;
  int node;
  int stage; /* of a codebook, else 0 */
  int n_dims;
  gint64 dims[4];     /* PyTorch's shape: OIHW; IOHW of a transposed conv */
  gboolean trainable; /* FALSE: running statistics and codebooks */
  gint64 fan_in;
} AtlParameter;

int atl_graph_get_n_parameters (const AtlGraph *graph);
const AtlParameter *atl_graph_get_parameter (const AtlGraph *graph, int i);
/* Index of the parameter NAME.suffix of a node, or -1. */
int atl_graph_find_parameter (const AtlGraph *graph, int node, const char *suffix);
/* Sum of the sizes of the trainable parameters (and of codebooks if asked),
 * as PyTorch counts them. */
gint64 atl_graph_count_parameters (const AtlGraph *graph, gboolean codebooks);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlGraph, atl_graph_free)

G_END_DECLS
