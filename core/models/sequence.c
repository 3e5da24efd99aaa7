/* Helpers of the builders, and the choice of the builder; see sequence.h. */

#include "models/sequence.h"

void
atl_sequence_init (AtlSequence *sequence, AtlGraph *graph, const char *prefix,
                   int input)
{
  sequence->graph = graph;
  sequence->prefix = g_strdup (prefix);
  sequence->index = 0;
  sequence->node = input;
}

void
atl_sequence_clear (AtlSequence *sequence)
{
  g_clear_pointer (&sequence->prefix, g_free);
}

char *
atl_sequence_name (AtlSequence *sequence)
{
  return g_strdup_printf ("%s.%d", sequence->prefix, sequence->index++);
}

void
atl_sequence_conv (AtlSequence *sequence, int channels, int kernel, int stride,
                   int padding, gboolean bias)
{
  g_autofree char *name = atl_sequence_name (sequence);

  sequence->node = atl_graph_conv2d (sequence->graph, name, sequence->node,
                                     channels, kernel, stride, padding, bias);
}

void
atl_sequence_upsampling (AtlSequence *sequence, AtlUpsampling upsampling,
                         int channels, int kernel, gboolean bias)
{
  g_autofree char *name = atl_sequence_name (sequence);

  sequence->node = atl_add_upsampling (sequence->graph, name, sequence->node,
                                       upsampling, channels, kernel, bias);
}

void
atl_sequence_norm (AtlSequence *sequence, AtlNorm norm)
{
  g_autofree char *name = atl_sequence_name (sequence);

  if (norm == ATL_NORM_BATCH)
    sequence->node
        = atl_graph_batch_norm (sequence->graph, name, sequence->node, TRUE, TRUE);
  else if (norm == ATL_NORM_INSTANCE)
    sequence->node = atl_graph_instance_norm (sequence->graph, name, sequence->node,
                                              FALSE, FALSE);
}

void
atl_sequence_activation (AtlSequence *sequence, AtlActivation activation,
                         float slope)
{
  sequence->index++;
  sequence->node
      = atl_graph_activation (sequence->graph, sequence->node, activation, slope);
}

void
atl_sequence_dropout (AtlSequence *sequence, float probability)
{
  sequence->index++;
  sequence->node = atl_graph_dropout (sequence->graph, sequence->node, probability);
}

void
atl_sequence_reflect (AtlSequence *sequence, int padding)
{
  sequence->index++;
  sequence->node = atl_graph_reflect_pad (sequence->graph, sequence->node, padding);
}

int
atl_add_upsampling (AtlGraph *graph, const char *name, int input,
                    AtlUpsampling upsampling, int channels, int kernel,
                    gboolean bias)
{
  int node = input;

  switch (upsampling)
    {
    case ATL_UPSAMPLING_TRANSPOSED:
      node = atl_graph_conv_transpose2d (graph, name, node, channels, kernel, 2, 1,
                                         kernel == 3 ? 1 : 0, bias);
      break;
    case ATL_UPSAMPLING_NEAREST:
    case ATL_UPSAMPLING_BILINEAR:
      node = atl_graph_upsample (graph, node, 2,
                                 upsampling == ATL_UPSAMPLING_BILINEAR);
      node = atl_graph_conv2d (graph, name, node, channels, 3, 1, 1, bias);
      break;
    case ATL_UPSAMPLING_SHUFFLE:
      node = atl_graph_conv2d (graph, name, node, 4 * channels, 1, 1, 0, bias);
      node = atl_graph_depth_to_space (graph, node, 2);
      break;
    }
  return node;
}

AtlGraph *
atl_config_build (const AtlConfig *config, GError **error)
{
  g_autoptr (AtlGraph) graph = atl_graph_new ();
  int input = atl_graph_input (graph, "input", config->input_channels);
  int output = -1;

  switch (config->arch)
    {
    case ATL_ARCH_UNET:
      output = atl_build_unet (config, graph, input);
      break;
    case ATL_ARCH_RESNET:
      output = atl_build_resnet (config, graph, input);
      break;
    case ATL_ARCH_DRUNET:
      output = atl_build_drunet (config, graph, input);
      break;
    case ATL_ARCH_PATCHGAN:
      output = atl_build_patchgan (config, graph, input);
      break;
    case ATL_ARCH_VQVAE:
      output = atl_build_vqvae (config, graph, input);
      break;
    case ATL_ARCH_VQVAE2:
      output = atl_build_vqvae2 (config, graph, input);
      break;
    }
  atl_graph_label (graph, output, "output");
  if (!atl_graph_check (graph, error))
    return NULL;
  return g_steal_pointer (&graph);
}
