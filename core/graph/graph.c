/* Building a graph, and the parameters that its nodes ask for; see graph.h. */

#include "graph/graph.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/buffer.h"

#define NAMES_BLOCK 1024 /* bytes: of GLib's, so under a page */

typedef struct
{
  AtlNode node;
  int channels; /* of its value */
} Entry;

typedef struct
{
  const char *name;
  int node;
} Label;

struct _AtlGraph
{
  AtlBuffer entries;    /* Entry, one per node */
  AtlBuffer parameters; /* AtlParameter */
  AtlBuffer labels;     /* Label */
  GStringChunk *names;  /* of all three */
};

AtlGraph *
atl_graph_new (void)
{
  AtlGraph *graph = g_new0 (AtlGraph, 1);
  const char *what = _ ("the network's layers");

  graph->entries = (AtlBuffer)ATL_BUFFER_INIT (what);
  graph->parameters = (AtlBuffer)ATL_BUFFER_INIT (what);
  graph->labels = (AtlBuffer)ATL_BUFFER_INIT (what);
  graph->names = g_string_chunk_new (NAMES_BLOCK);
  return graph;
}

void
atl_graph_free (AtlGraph *graph)
{
  if (graph == NULL)
    return;
  atl_buffer_clear (&graph->entries);
  atl_buffer_clear (&graph->parameters);
  atl_buffer_clear (&graph->labels);
  g_string_chunk_free (graph->names);
  g_free (graph);
}

gboolean
atl_graph_check (const AtlGraph *graph, GError **error)
{
  return atl_buffer_check (&graph->entries, error)
         && atl_buffer_check (&graph->parameters, error)
         && atl_buffer_check (&graph->labels, error);
}

static const Entry *
get_entry (const AtlGraph *graph, int node)
{
  return (const Entry *)graph->entries.data + node;
}

int
atl_graph_get_n_nodes (const AtlGraph *graph)
{
  return (int)(graph->entries.len / sizeof (Entry));
}

const AtlNode *
atl_graph_get_node (const AtlGraph *graph, int node)
{
  return &get_entry (graph, node)->node;
}

void
atl_graph_label (AtlGraph *graph, int node, const char *label)
{
  Label entry = { g_string_chunk_insert (graph->names, label), node };

  atl_buffer_append (&graph->labels, &entry, sizeof entry);
}

int
atl_graph_find (const AtlGraph *graph, const char *name)
{
  const Label *labels = (const Label *)graph->labels.data;
  int n_labels = (int)(graph->labels.len / sizeof *labels);

  for (int i = 0; i < n_labels; i++)
    if (strcmp (labels[i].name, name) == 0)
      return labels[i].node;
  for (int i = 0; i < atl_graph_get_n_nodes (graph); i++)
    if (strcmp (atl_graph_get_node (graph, i)->name, name) == 0)
      return i;
  return -1;
}

int
atl_graph_get_output (const AtlGraph *graph)
{
  return atl_graph_get_n_nodes (graph) - 1;
}

int
atl_graph_get_channels (const AtlGraph *graph, int node)
{
  return get_entry (graph, node)->channels;
}

int
atl_graph_get_n_parameters (const AtlGraph *graph)
{
  return (int)(graph->parameters.len / sizeof (AtlParameter));
}

const AtlParameter *
atl_graph_get_parameter (const AtlGraph *graph, int i)
{
  return (const AtlParameter *)graph->parameters.data + i;
}

int
atl_graph_find_parameter (const AtlGraph *graph, int node, const char *suffix)
{
  gsize prefix = strlen (atl_graph_get_node (graph, node)->name);

  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);

      if (p->node == node && strcmp (p->name + prefix + 1, suffix) == 0)
        return i;
    }
  return -1;
}

gint64
atl_graph_count_parameters (const AtlGraph *graph, gboolean codebooks)
{
  gint64 count = 0;

  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
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

/* Channels of a node's value, while there may be no such node: see
 * atl_graph_check. */
static int
channels_of (const AtlGraph *graph, int node)
{
  return graph->entries.error == NULL ? atl_graph_get_channels (graph, node) : 1;
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
  Entry entry = { *node, channels };
  int index = atl_graph_get_n_nodes (graph);
  g_autofree char *numbered = NULL;

  if (name == NULL)
    name = numbered = g_strdup_printf ("%s.%d", op_names[node->op], index);
  entry.node.name = g_string_chunk_insert (graph->names, name);
  atl_buffer_append (&graph->entries, &entry, sizeof entry);
  return index;
}

/* A parameter of the node `name`, `parameter` but for its name and shape. */
static void
add_parameter (AtlGraph *graph, const char *name, const char *suffix,
               const AtlParameter *parameter, int n_dims, const gint64 *dims)
{
  AtlParameter p = *parameter;
  g_autofree char *full = g_strdup_printf ("%s.%s", name, suffix);

  p.name = g_string_chunk_insert (graph->names, full);
  p.n_dims = n_dims;
  memcpy (p.dims, dims, n_dims * sizeof *dims);
  atl_buffer_append (&graph->parameters, &p, sizeof p);
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
  gint64 c = channels_of (graph, node->inputs[0]);
  gint64 oc = node->channels, k = node->kernel;
  gboolean transposed = node->op == ATL_OP_CONV_TRANSPOSE2D;
  int index = add_node (graph, node, name, oc);
  /* PyTorch takes the second dimension for the fan-in of both kinds. */
  AtlParameter p = { .node = index,
                     .trainable = TRUE,
                     .fan_in = (transposed ? oc : c) * k * k };

  add_parameter (graph, name, "weight", &p, 4,
                 transposed ? (gint64[]){ c, oc, k, k }
                            : (gint64[]){ oc, c, k, k });
  if (node->bias)
    add_parameter (graph, name, "bias", &p, 1, &oc);
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
  gint64 c = channels_of (graph, input);
  AtlNode node = {
    .op = op,
    .inputs = { input, -1 },
    .affine = affine,
    .running = running,
    .epsilon = 1e-5f,
    .momentum = 0.1f,
  };
  int index = add_node (graph, &node, name, c);

  AtlParameter p = { .node = index, .fan_in = c };

  p.trainable = TRUE;
  if (affine)
    {
      add_parameter (graph, name, "weight", &p, 1, &c);
      add_parameter (graph, name, "bias", &p, 1, &c);
    }
  p.trainable = FALSE;
  if (running)
    {
      add_parameter (graph, name, "running_mean", &p, 1, &c);
      add_parameter (graph, name, "running_var", &p, 1, &c);
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

  return add_node (graph, &node, NULL, channels_of (graph, input));
}

int
atl_graph_dropout (AtlGraph *graph, int input, float probability)
{
  AtlNode node = {
    .op = ATL_OP_DROPOUT,
    .inputs = { input, -1 },
    .probability = probability,
  };

  return add_node (graph, &node, NULL, channels_of (graph, input));
}

int
atl_graph_add (AtlGraph *graph, int a, int b)
{
  AtlNode node = { .op = ATL_OP_ADD, .inputs = { a, b } };

  return add_node (graph, &node, NULL, channels_of (graph, a));
}

int
atl_graph_concat (AtlGraph *graph, int a, int b)
{
  AtlNode node = { .op = ATL_OP_CONCAT, .inputs = { a, b } };

  return add_node (graph, &node, NULL,
                   channels_of (graph, a) + channels_of (graph, b));
}

int
atl_graph_vector_quantise (AtlGraph *graph, const char *name, int input, int codes,
                           int stages)
{
  gint64 dim = channels_of (graph, input);
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
      AtlParameter p = { .node = index, .stage = s, .fan_in = dim };

      add_parameter (graph, name, suffix, &p, 2, (gint64[]){ codes, dim });
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

  return add_node (graph, &node, NULL, channels_of (graph, input));
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
                   channels_of (graph, input) * factor * factor);
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
                   channels_of (graph, input) / (factor * factor));
}

int
atl_graph_reflect_pad (AtlGraph *graph, int input, int padding)
{
  AtlNode node = {
    .op = ATL_OP_REFLECT_PAD,
    .inputs = { input, -1 },
    .factor = padding,
  };

  return add_node (graph, &node, NULL, channels_of (graph, input));
}
