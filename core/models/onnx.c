/* Exports a model as ONNX (opset 17), NCHW, values in [-1, 1] in and out.
 *
 * The file does what the model does when it is applied: norms with the image's
 * own statistics or the running ones, dropout on or off.  A batch norm with the
 * image's own statistics is an InstanceNormalization, which is the same for a
 * batch of one; the batch is then fixed at that.  Height and width stay open.
 */

#include "base/memory.h"
#include "models/model-private.h"
#include "models/onnx-writer.h"

typedef struct
{
  AtlModel *model;
  const AtlConfig *config;
  const AtlGraph *graph;
  AtlOnnx *onnx;
  const char **values; /* the name of each node's value; interned */
  int index;           /* of the node that is being written */
  GError **error;
  gboolean failed;
} Export;

/* "NAME.SUFFIX", interned: it lives as long as it may be needed. */
static const char *
join (const char *name, const char *suffix)
{
  g_autofree char *joined = g_strconcat (name, ".", suffix, NULL);

  return g_intern_string (joined);
}

static const char *
join_stage (const char *name, const char *suffix, int stage)
{
  g_autofree char *joined = g_strdup_printf ("%s.%s.%d", name, suffix, stage);

  return g_intern_string (joined);
}

/* The values of parameter i in the file's order; NULL once memory is short. */
static float *
parameter_values (Export *e, int i)
{
  const AtlParameter *p = atl_graph_get_parameter (e->graph, i);
  float *values = NULL;

  if (!e->failed)
    values
        = atl_try_alloc (atl_parameter_size (p), sizeof (float), p->name, e->error);
  if (!values)
    {
      e->failed = TRUE;
      return NULL;
    }
  atl_weights_get (atl_model_get_weights (e->model), i, values);
  return values;
}

/* Takes over `values`. */
static void
add_floats (Export *e, const char *name, int n_dims, const gint64 *dims,
            float *values)
{
  gsize n = 1;
  g_autoptr (GBytes) bytes = NULL;

  for (int d = 0; d < n_dims; d++)
    n *= (gsize)dims[d];
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
  for (gsize i = 0; i < n; i++)
    ((guint32 *)values)[i] = GUINT32_TO_LE (((guint32 *)values)[i]);
#endif
  bytes = g_bytes_new_with_free_func (values, n * sizeof (float), atl_free, values);
  atl_onnx_floats (e->onnx, name, n_dims, dims, bytes);
}

/* Adds the node's parameter "NODE.SUFFIX" as a constant and returns its name; NULL
 * if it has no such parameter. */
static const char *
add_parameter (Export *e, const char *suffix)
{
  int i = atl_graph_find_parameter (e->graph, e->index, suffix);
  const AtlParameter *p = i >= 0 ? atl_graph_get_parameter (e->graph, i) : NULL;
  float *values = p ? parameter_values (e, i) : NULL;

  if (values)
    add_floats (e, p->name, p->n_dims, p->dims, values);
  return p ? p->name : NULL;
}

/* Adds [count] equal numbers. */
static const char *
add_constant (Export *e, const AtlNode *node, const char *suffix, gint64 count,
              float value)
{
  const char *name = join (node->name, suffix);
  float *values = atl_try_alloc ((gsize)count, sizeof (float), name,
                                 e->failed ? NULL : e->error);

  if (!values)
    {
      e->failed = TRUE;
      return name;
    }
  for (gint64 i = 0; i < count; i++)
    values[i] = value;
  add_floats (e, name, 1, &count, values);
  return name;
}

static void
export_conv (Export *e, const AtlNode *node, const char *in, const char *out)
{
  gboolean transposed = node->op == ATL_OP_CONV_TRANSPOSE2D;
  gint64 kernel[] = { node->kernel, node->kernel };
  gint64 strides[] = { node->stride, node->stride };
  gint64 pads[] = { node->padding, node->padding, node->padding, node->padding };
  gint64 more[] = { node->output_padding, node->output_padding };
  const char *weight = add_parameter (e, "weight");
  const char *bias = add_parameter (e, "bias");

  atl_onnx_node (e->onnx, transposed ? "ConvTranspose" : "Conv", out, in, weight,
                 bias, NULL);
  atl_onnx_attribute_ints (e->onnx, "kernel_shape", 2, kernel);
  atl_onnx_attribute_ints (e->onnx, "strides", 2, strides);
  atl_onnx_attribute_ints (e->onnx, "pads", 4, pads);
  if (transposed)
    atl_onnx_attribute_ints (e->onnx, "output_padding", 2, more);
}

/* Whether a norm takes the image's own statistics when the model is applied. */
static gboolean
uses_image_statistics (const Export *e, const AtlNode *node)
{
  return e->config->image_statistics || !node->running;
}

static void
export_norm (Export *e, const AtlNode *node, const char *in, const char *out)
{
  int channels = atl_graph_get_channels (e->graph, e->index);
  const char *weight = add_parameter (e, "weight");
  const char *bias = add_parameter (e, "bias");

  if (!weight)
    weight = add_constant (e, node, "one", channels, 1);
  if (!bias)
    bias = add_constant (e, node, "zero", channels, 0);
  if (uses_image_statistics (e, node))
    atl_onnx_node (e->onnx, "InstanceNormalization", out, in, weight, bias, NULL);
  else
    {
      const char *mean = add_parameter (e, "running_mean");
      const char *variance = add_parameter (e, "running_var");

      atl_onnx_node (e->onnx, "BatchNormalization", out, in, weight, bias, mean,
                     variance, NULL);
    }
  atl_onnx_attribute_float (e->onnx, "epsilon", node->epsilon);
}

static void
export_activation (Export *e, const AtlNode *node, const char *in, const char *out)
{
  static const char *const ops[] = {
    [ATL_ACTIVATION_NONE] = "Identity",
    [ATL_ACTIVATION_RELU] = "Relu",
    [ATL_ACTIVATION_LEAKY_RELU] = "LeakyRelu",
    [ATL_ACTIVATION_TANH] = "Tanh",
  };

  atl_onnx_node (e->onnx, ops[node->activation], out, in, NULL);
  if (node->activation == ATL_ACTIVATION_LEAKY_RELU)
    atl_onnx_attribute_float (e->onnx, "alpha", node->slope);
}

/* Written out, because ONNX Runtime (1.21) removes a Dropout even where it is
 * told to drop. */
static void
export_dropout (Export *e, const AtlNode *node, const char *in, const char *out)
{
  const char *ratio = join (node->name, "ratio"),
             *scale = join (node->name, "scale");
  const char *zero = join (node->name, "zero"), *keep = join (node->name, "keep");
  const char *noise = join (node->name, "noise");
  const char *scaled = join (node->name, "scaled");

  atl_onnx_scalar (e->onnx, ratio, node->probability);
  atl_onnx_scalar (e->onnx, scale, 1 / (1 - node->probability));
  atl_onnx_scalar (e->onnx, zero, 0);
  atl_onnx_node (e->onnx, "RandomUniformLike", noise, in, NULL);
  atl_onnx_node (e->onnx, "GreaterOrEqual", keep, noise, ratio, NULL);
  atl_onnx_node (e->onnx, "Mul", scaled, in, scale, NULL);
  atl_onnx_node (e->onnx, "Where", out, keep, scaled, zero, NULL);
}

/* The codebook of a stage as three constants: entries [K][D], -2 * entries
 * transposed [D][K], and their squared lengths [K]. */
static void
add_codebook (Export *e, const AtlNode *node, int stage)
{
  g_autofree char *suffix = g_strdup_printf ("codebook.%d", stage);
  int i = atl_graph_find_parameter (e->graph, e->index, suffix);
  const AtlParameter *p = atl_graph_get_parameter (e->graph, i);
  gint64 k = p->dims[0], d = p->dims[1];
  gint64 swapped[] = { d, k };
  float *entries = parameter_values (e, i);
  float *product
      = entries ? atl_try_alloc (d * k, sizeof *product, p->name, e->error) : NULL;
  float *lengths
      = product ? atl_try_alloc (k, sizeof *lengths, p->name, e->error) : NULL;

  if (!lengths)
    {
      e->failed = TRUE;
      atl_free (entries);
      atl_free (product);
      return;
    }
  for (gint64 entry = 0; entry < k; entry++)
    {
      double sum = 0;

      for (gint64 j = 0; j < d; j++)
        {
          sum += (double)entries[entry * d + j] * entries[entry * d + j];
          product[j * k + entry] = -2 * entries[entry * d + j];
        }
      lengths[entry] = (float)sum;
    }
  add_floats (e, p->name, 2, p->dims, entries);
  add_floats (e, join_stage (node->name, "product", stage), 2, swapped, product);
  add_floats (e, join_stage (node->name, "lengths", stage), 1, &k, lengths);
}

/* Nearest entry by |e|^2 - 2 x.e, stage after stage, channels last. */
static void
export_quantise (Export *e, const AtlNode *node, const char *in, const char *out)
{
  static const gint64 to_last[] = { 0, 2, 3, 1 };
  static const gint64 to_first[] = { 0, 3, 1, 2 };
  AtlOnnx *onnx = e->onnx;
  const char *rest = join (node->name, "vectors"), *total = NULL;

  atl_onnx_node (onnx, "Transpose", rest, in, NULL);
  atl_onnx_attribute_ints (onnx, "perm", 4, to_last);
  for (int s = 0; s < node->stages; s++)
    {
      const char *dots = join_stage (node->name, "dots", s);
      const char *scores = join_stage (node->name, "scores", s);
      const char *codes = join_stage (node->name, "codes", s);
      const char *entries = join_stage (node->name, "entries", s);
      const char *sum = join_stage (node->name, "sum", s);
      const char *left = join_stage (node->name, "rest", s);

      add_codebook (e, node, s);
      atl_onnx_node (onnx, "MatMul", dots, rest,
                     join_stage (node->name, "product", s), NULL);
      atl_onnx_node (onnx, "Add", scores, dots,
                     join_stage (node->name, "lengths", s), NULL);
      atl_onnx_node (onnx, "ArgMin", codes, scores, NULL);
      atl_onnx_attribute_int (onnx, "axis", -1);
      atl_onnx_attribute_int (onnx, "keepdims", 0);
      atl_onnx_node (onnx, "Gather", entries,
                     join_stage (node->name, "codebook", s), codes, NULL);
      if (total)
        atl_onnx_node (onnx, "Add", sum, total, entries, NULL);
      total = total ? sum : entries;
      if (s == node->stages - 1)
        break;
      atl_onnx_node (onnx, "Sub", left, rest, entries, NULL);
      rest = left;
    }
  atl_onnx_node (onnx, "Transpose", out, total, NULL);
  atl_onnx_attribute_ints (onnx, "perm", 4, to_first);
}

static void
export_upsample (Export *e, const AtlNode *node, const char *in, const char *out)
{
  const char *scales = join (node->name, "scales");
  gint64 dims = 4;
  float *values
      = atl_try_alloc (4, sizeof *values, scales, e->failed ? NULL : e->error);

  if (!values)
    {
      e->failed = TRUE;
      return;
    }
  values[0] = values[1] = 1;
  values[2] = values[3] = (float)node->factor;
  add_floats (e, scales, 1, &dims, values);
  atl_onnx_node (e->onnx, "Resize", out, in, "", scales, NULL);
  atl_onnx_attribute_string (e->onnx, "mode",
                             node->bilinear ? "linear" : "nearest");
  atl_onnx_attribute_string (e->onnx, "coordinate_transformation_mode",
                             node->bilinear ? "half_pixel" : "asymmetric");
  if (!node->bilinear)
    atl_onnx_attribute_string (e->onnx, "nearest_mode", "floor");
}

/* ONNX puts a block's pixels outside and the channels inside, PyTorch (and
 * Atelier) the other way round. */
static void
export_space_to_depth (Export *e, const AtlNode *node, const char *in,
                       const char *out)
{
  int area = node->factor * node->factor;
  int channels = atl_graph_get_channels (e->graph, node->inputs[0]);
  const char *blocks = join (node->name, "blocks");
  const char *order = join (node->name, "order");
  atl_autofree gint64 *indices
      = atl_try_alloc ((gsize)channels * area, sizeof *indices, order, e->error);

  if (!indices)
    {
      e->failed = TRUE;
      return;
    }
  for (int c = 0; c < channels; c++)
    for (int i = 0; i < area; i++)
      indices[c * area + i] = i * channels + c;
  atl_onnx_ints (e->onnx, order, channels * area, indices);
  atl_onnx_node (e->onnx, "SpaceToDepth", blocks, in, NULL);
  atl_onnx_attribute_int (e->onnx, "blocksize", node->factor);
  atl_onnx_node (e->onnx, "Gather", out, blocks, order, NULL);
  atl_onnx_attribute_int (e->onnx, "axis", 1);
}

static void
export_depth_to_space (Export *e, const AtlNode *node, const char *in,
                       const char *out)
{
  atl_onnx_node (e->onnx, "DepthToSpace", out, in, NULL);
  atl_onnx_attribute_int (e->onnx, "blocksize", node->factor);
  atl_onnx_attribute_string (e->onnx, "mode", "CRD");
}

static void
export_reflect_pad (Export *e, const AtlNode *node, const char *in, const char *out)
{
  const char *pads = join (node->name, "pads");
  gint64 p = node->factor;
  gint64 values[] = { 0, 0, p, p, 0, 0, p, p };

  atl_onnx_ints (e->onnx, pads, 8, values);
  atl_onnx_node (e->onnx, "Pad", out, in, pads, NULL);
  atl_onnx_attribute_string (e->onnx, "mode", "reflect");
}

static void
export_join (Export *e, const AtlNode *node, const char *in, const char *out)
{
  const char *other = e->values[node->inputs[1]];

  if (node->op == ATL_OP_ADD)
    {
      atl_onnx_node (e->onnx, "Add", out, in, other, NULL);
      return;
    }
  atl_onnx_node (e->onnx, "Concat", out, in, other, NULL);
  atl_onnx_attribute_int (e->onnx, "axis", 1);
}

static void
export_node (Export *e)
{
  const AtlNode *node = atl_graph_get_node (e->graph, e->index);
  const char *in = node->inputs[0] >= 0 ? e->values[node->inputs[0]] : NULL;
  const char *out = e->values[e->index];

  switch (node->op)
    {
    case ATL_OP_INPUT:
      break;
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
      export_conv (e, node, in, out);
      break;
    case ATL_OP_BATCH_NORM:
    case ATL_OP_INSTANCE_NORM:
      export_norm (e, node, in, out);
      break;
    case ATL_OP_ACTIVATION:
      export_activation (e, node, in, out);
      break;
    case ATL_OP_DROPOUT:
      if (e->config->dropout_applied)
        export_dropout (e, node, in, out);
      else
        e->values[e->index] = in;
      break;
    case ATL_OP_ADD:
    case ATL_OP_CONCAT:
      export_join (e, node, in, out);
      break;
    case ATL_OP_VECTOR_QUANTISE:
      export_quantise (e, node, in, out);
      break;
    case ATL_OP_UPSAMPLE:
      export_upsample (e, node, in, out);
      break;
    case ATL_OP_SPACE_TO_DEPTH:
      export_space_to_depth (e, node, in, out);
      break;
    case ATL_OP_DEPTH_TO_SPACE:
      export_depth_to_space (e, node, in, out);
      break;
    case ATL_OP_REFLECT_PAD:
      export_reflect_pad (e, node, in, out);
      break;
    case ATL_N_OPS:
      break;
    }
}

static gboolean
has_whole_batch_norm (const Export *e)
{
  for (int i = 0; i < atl_graph_get_n_nodes (e->graph); i++)
    {
      const AtlNode *node = atl_graph_get_node (e->graph, i);

      if (node->op == ATL_OP_BATCH_NORM && uses_image_statistics (e, node))
        return TRUE;
    }
  return FALSE;
}

static void
add_ends (Export *e, int output)
{
  gboolean judges = e->config->arch == ATL_ARCH_PATCHGAN && e->config->n_layers > 0;
  int n = has_whole_batch_norm (e) ? 1 : 0;

  atl_onnx_input (e->onnx, "input", n, e->config->input_channels, "height",
                  "width");
  atl_onnx_output (e->onnx, "output", n, atl_graph_get_channels (e->graph, output),
                   judges ? "rows" : "height", judges ? "columns" : "width");
  atl_onnx_metadata (e->onnx, "atelier.kind", atl_config_kind (e->config));
  atl_onnx_metadata (e->onnx, "atelier.values", "NCHW, -1 to 1");
  atl_onnx_metadata (e->onnx, "atelier.name", atl_model_get_name (e->model));
}

gboolean
atl_model_export_onnx (AtlModel *model, const char *path, GError **error)
{
  const AtlGraph *graph = atl_model_get_graph (model);
  int n_nodes = atl_graph_get_n_nodes (graph);
  int output = atl_graph_find (graph, "output");
  g_autoptr (AtlOnnx) onnx = atl_onnx_new (atl_model_get_name (model));
  g_autofree const char **values = g_new (const char *, n_nodes);
  Export e = { .model = model,
               .config = atl_model_get_config (model),
               .graph = graph,
               .onnx = onnx,
               .values = values,
               .error = error };

  for (int i = 0; i < n_nodes; i++)
    values[i] = g_intern_string (i == output ? "output"
                                             : atl_graph_get_node (graph, i)->name);
  add_ends (&e, output);
  for (; e.index < n_nodes && !e.failed; e.index++)
    export_node (&e);
  if (e.failed)
    return FALSE;
  return atl_onnx_write (onnx, path, error);
}
