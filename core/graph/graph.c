/* Building a graph, and the parameters that its nodes ask for; see graph.h. */

#include "graph/graph.h"

#include <string.h>

struct _AtlGraph
{
  GArray *nodes;      /* AtlNode */
  GArray *channels;   /* int, of each node's value */
  GArray *parameters; /* AtlParameter */
  GHashTable *labels; /* name -> node + 1 */
};

static void
clear_node (gpointer data)
{
  g_free (((AtlNode *)data)->name);
}

static void
clear_parameter (gpointer data)
{
  g_free (((AtlParameter *)data)->name);
}

AtlGraph *
atl_graph_new (void)
{
  AtlGraph *graph = g_new0 (AtlGraph, 1);

  graph->nodes = g_array_new (FALSE, FALSE, sizeof (AtlNode));
  g_array_set_clear_func (graph->nodes, clear_node);
  graph->channels = g_array_new (FALSE, FALSE, sizeof (int));
  graph->parameters = g_array_new (FALSE, FALSE, sizeof (AtlParameter));
  g_array_set_clear_func (graph->parameters, clear_parameter);
  graph->labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return graph;
}

void
atl_graph_free (AtlGraph *graph)
{
  if (graph == NULL)
    return;
  g_array_unref (graph->nodes);
  g_array_unref (graph->channels);
  g_array_unref (graph->parameters);
  g_hash_table_unref (graph->labels);
  g_free (graph);
}

int
atl_graph_get_n_nodes (const AtlGraph *graph)
{
  return graph->nodes->len;
}

const AtlNode *
atl_graph_get_node (const AtlGraph *graph, int node)
{
  return &g_array_index (graph->nodes, AtlNode, node);
}

void
atl_graph_label (AtlGraph *graph, int node, const char *label)
{
  g_hash_table_insert (graph->labels, g_strdup (label), GINT_TO_POINTER (node + 1));
}

int
atl_graph_find (const AtlGraph *graph, const char *name)
{
  return GPOINTER_TO_INT (g_hash_table_lookup (graph->labels, name)) - 1;
}

int
atl_graph_get_output (const AtlGraph *graph)
{
  return graph->nodes->len - 1;
}

int
atl_graph_get_channels (const AtlGraph *graph, int node)
{
  return g_array_index (graph->channels, int, node);
}

int
atl_graph_get_n_parameters (const AtlGraph *graph)
{
  return graph->parameters->len;
}

const AtlParameter *
atl_graph_get_parameter (const AtlGraph *graph, int i)
{
  return &g_array_index (graph->parameters, AtlParameter, i);
}

int
atl_graph_find_parameter (const AtlGraph *graph, int node, const char *suffix)
{
  g_autofree char *name
      = g_strdup_printf ("%s.%s", atl_graph_get_node (graph, node)->name, suffix);

  for (guint i = 0; i < graph->parameters->len; i++)
    if (strcmp (atl_graph_get_parameter (graph, i)->name, name) == 0)
      return i;
  return -1;
}

gint64
atl_graph_count_parameters (const AtlGraph *graph, gboolean codebooks)
{
  gint64 count = 0;

  for (guint i = 0; i < graph->parameters->len; i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);
      gint64 n = 1;

      for (int d = 0; d < p->n_dims; d++)
        n *= p->dims[d];
      if (p->trainable
          || (codebooks
              && atl_graph_get_node (graph, p->node)->op == ATL_OP_VECTOR_QUANTISE))
        count += n;
    }
  return count;
}

/* Adds the node; without a name it gets one after its op. */
static int
add_node (AtlGraph *graph, const AtlNode *node, const char *name, int channels)
{
  static const char *const op_names[ATL_N_OPS]
      = { "input",          "conv2d",     "conv_transpose2d", "batch_norm",
          "instance_norm",  "activation", "dropout",          "add",
          "concat",         "quantise",   "upsample",         "space_to_depth",
          "depth_to_space", "reflect_pad" };
  AtlNode copy = *node;
  int index = graph->nodes->len;

  copy.name = name != NULL ? g_strdup (name)
                           : g_strdup_printf ("%s.%d", op_names[node->op], index);
  g_array_append_val (graph->nodes, copy);
  g_array_append_val (graph->channels, channels);
  g_hash_table_insert (graph->labels, g_strdup (copy.name),
                       GINT_TO_POINTER (index + 1));
  return index;
}

static void
add_parameter (AtlGraph *graph, int node, const char *suffix, gboolean trainable,
               gint64 fan_in, int n_dims, const gint64 *dims)
{
  AtlParameter p = {
    .name
    = g_strdup_printf ("%s.%s", atl_graph_get_node (graph, node)->name, suffix),
    .node = node,
    .n_dims = n_dims,
    .trainable = trainable,
    .fan_in = fan_in,
  };

  memcpy (p.dims, dims, n_dims * sizeof *dims);
  g_array_append_val (graph->parameters, p);
}

int
atl_graph_input (AtlGraph *graph, const char *name, int channels)
{
  AtlNode node = { .op = ATL_OP_INPUT, .inputs = { -1, -1 }, .channels = channels };

  return add_node (graph, &node, name, channels);
}

static int
add_convolution (AtlGraph *graph, const char *name, AtlNode *node)
{
  gint64 c = atl_graph_get_channels (graph, node->inputs[0]);
  gint64 oc = node->channels, k = node->kernel;
  gboolean transposed = node->op == ATL_OP_CONV_TRANSPOSE2D;
  int index = add_node (graph, node, name, oc);
  /* PyTorch takes the second dimension for the fan-in of both kinds. */
  gint64 fan_in = (transposed ? oc : c) * k * k;

  add_parameter (graph, index, "weight", TRUE, fan_in, 4,
                 transposed ? (gint64[]){ c, oc, k, k }
                            : (gint64[]){ oc, c, k, k });
  if (node->bias)
    add_parameter (graph, index, "bias", TRUE, fan_in, 1, &oc);
  return index;
}

int
atl_graph_conv2d (AtlGraph *graph, const char *name, int input, int out_channels,
                  int kernel, int stride, int padding, gboolean bias)
{
  AtlNode node = {
    .op = ATL_OP_CONV2D,
    .inputs = { input, -1 },
    .channels = out_channels,
    .kernel = kernel,
    .stride = stride,
    .padding = padding,
    .bias = bias,
  };

  return add_convolution (graph, name, &node);
}

int
atl_graph_conv_transpose2d (AtlGraph *graph, const char *name, int input,
                            int out_channels, int kernel, int stride, int padding,
                            int output_padding, gboolean bias)
{
  AtlNode node = {
    .op = ATL_OP_CONV_TRANSPOSE2D,
    .inputs = { input, -1 },
    .channels = out_channels,
    .kernel = kernel,
    .stride = stride,
    .padding = padding,
    .output_padding = output_padding,
    .bias = bias,
  };

  return add_convolution (graph, name, &node);
}

static int
add_norm (AtlGraph *graph, AtlOp op, const char *name, int input, gboolean affine,
          gboolean running)
{
  gint64 c = atl_graph_get_channels (graph, input);
  AtlNode node = {
    .op = op,
    .inputs = { input, -1 },
    .affine = affine,
    .running = running,
    .epsilon = 1e-5f,
    .momentum = 0.1f,
  };
  int index = add_node (graph, &node, name, c);

  if (affine)
    {
      add_parameter (graph, index, "weight", TRUE, c, 1, &c);
      add_parameter (graph, index, "bias", TRUE, c, 1, &c);
    }
  if (running)
    {
      add_parameter (graph, index, "running_mean", FALSE, c, 1, &c);
      add_parameter (graph, index, "running_var", FALSE, c, 1, &c);
    }
  return index;
}

int
atl_graph_batch_norm (AtlGraph *graph, const char *name, int input, gboolean affine,
                      gboolean running)
{
  return add_norm (graph, ATL_OP_BATCH_NORM, name, input, affine, running);
}

int
atl_graph_instance_norm (AtlGraph *graph, const char *name, int input,
                         gboolean affine, gboolean running)
{
  return add_norm (graph, ATL_OP_INSTANCE_NORM, name, input, affine, running);
}

int
atl_graph_activation (AtlGraph *graph, int input, AtlActivation activation,
                      float slope)
{
  AtlNode node = {
    .op = ATL_OP_ACTIVATION,
    .inputs = { input, -1 },
    .activation = activation,
    .slope = slope,
  };

  return add_node (graph, &node, NULL, atl_graph_get_channels (graph, input));
}

int
atl_graph_dropout (AtlGraph *graph, int input, float probability)
{
  AtlNode node = {
    .op = ATL_OP_DROPOUT,
    .inputs = { input, -1 },
    .probability = probability,
  };

  return add_node (graph, &node, NULL, atl_graph_get_channels (graph, input));
}

int
atl_graph_add (AtlGraph *graph, int a, int b)
{
  AtlNode node = { .op = ATL_OP_ADD, .inputs = { a, b } };

  return add_node (graph, &node, NULL, atl_graph_get_channels (graph, a));
}

int
atl_graph_concat (AtlGraph *graph, int a, int b)
{
  AtlNode node = { .op = ATL_OP_CONCAT, .inputs = { a, b } };

  return add_node (graph, &node, NULL,
                   atl_graph_get_channels (graph, a)
                       + atl_graph_get_channels (graph, b));
}

int
atl_graph_vector_quantise (AtlGraph *graph, const char *name, int input, int codes,
                           int stages)
{
  gint64 dim = atl_graph_get_channels (graph, input);
  AtlNode node = {
    .op = ATL_OP_VECTOR_QUANTISE,
    .inputs = { input, -1 },
    .codes = codes,
    .stages = stages,
  };
  int index = add_node (graph, &node, name, dim);

  for (int s = 0; s < stages; s++)
    {
      g_autofree char *suffix = g_strdup_printf ("codebook.%d", s);

      add_parameter (graph, index, suffix, FALSE, dim, 2, (gint64[]){ codes, dim });
      g_array_index (graph->parameters, AtlParameter, graph->parameters->len - 1)
          .stage
          = s;
    }
  return index;
}

int
atl_graph_upsample (AtlGraph *graph, int input, int factor, gboolean bilinear)
{
  AtlNode node = {
    .op = ATL_OP_UPSAMPLE,
    .inputs = { input, -1 },
    .factor = factor,
    .bilinear = bilinear,
  };

  return add_node (graph, &node, NULL, atl_graph_get_channels (graph, input));
}

int
atl_graph_space_to_depth (AtlGraph *graph, int input, int factor)
{
  AtlNode node = {
    .op = ATL_OP_SPACE_TO_DEPTH,
    .inputs = { input, -1 },
    .factor = factor,
  };

  return add_node (graph, &node, NULL,
                   atl_graph_get_channels (graph, input) * factor * factor);
}

int
atl_graph_depth_to_space (AtlGraph *graph, int input, int factor)
{
  AtlNode node = {
    .op = ATL_OP_DEPTH_TO_SPACE,
    .inputs = { input, -1 },
    .factor = factor,
  };

  return add_node (graph, &node, NULL,
                   atl_graph_get_channels (graph, input) / (factor * factor));
}

int
atl_graph_reflect_pad (AtlGraph *graph, int input, int padding)
{
  AtlNode node = {
    .op = ATL_OP_REFLECT_PAD,
    .inputs = { input, -1 },
    .factor = padding,
  };

  return add_node (graph, &node, NULL, atl_graph_get_channels (graph, input));
}
