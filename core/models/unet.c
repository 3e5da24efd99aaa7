/* The U-Net generator of Pix2Pix (Isola 2017), as pytorch-CycleGAN-and-pix2pix
 * builds it: UnetGenerator, a chain of nested UnetSkipConnectionBlocks.
 *
 * Names: the outermost block's layers are "model.model.N", the next block is
 * "model.model.1" with its layers in "model.model.1.model.N", and so on:
 *
 *   outermost  0 conv            1 block  2 relu  3 upsampling  4 tanh
 *   middle     0 leaky relu      1 conv   2 norm  3 block
 *              4 relu            5 upsampling     6 norm        7 dropout
 *   innermost  0 leaky relu      1 conv   2 relu  3 upsampling  4 norm
 *
 * The reference's leaky relu works in place, so what a skip connection carries
 * is already rectified; so here.  With resize convolutions the 3x3 weight has
 * the place and the name of the transposed convolution that it replaces.
 */

#include "models/sequence.h"

#define SLOPE 0.2f

/* Channels inside the block of that depth. */
static int
inner_channels (const AtlConfig *config, int depth)
{
  return config->ngf << MIN (depth, 3);
}

/* Adds the block of that depth (0 is the outermost) and all within it, and
 * returns its value: for all but the outermost [input, block (input)]. */
static int
build_block (const AtlConfig *config, AtlGraph *graph, const char *name, int input,
             int depth)
{
  gboolean outermost = depth == 0;
  gboolean innermost = depth == config->levels - 1;
  gboolean bias = config->norm == ATL_NORM_INSTANCE;
  int outer
      = outermost ? config->output_channels : inner_channels (config, depth - 1);
  g_autofree char *prefix = g_strconcat (name, ".model", NULL);
  int skip = input;
  AtlSequence s;

  atl_sequence_init (&s, graph, prefix, input);
  if (!outermost)
    {
      atl_sequence_activation (&s, ATL_ACTIVATION_LEAKY_RELU, SLOPE);
      skip = s.node;
    }
  atl_sequence_conv (&s, inner_channels (config, depth), 4, 2, 1, bias);
  if (!innermost)
    {
      g_autofree char *inner = NULL;

      if (!outermost)
        atl_sequence_norm (&s, config->norm);
      inner = atl_sequence_name (&s);
      s.node = build_block (config, graph, inner, s.node, depth + 1);
    }
  atl_sequence_activation (&s, ATL_ACTIVATION_RELU, 0);
  atl_sequence_upsampling (&s, config->upsample, outer, 4, outermost || bias);
  if (!outermost)
    {
      atl_sequence_norm (&s, config->norm);
      if (depth >= 4 && !innermost && config->dropout > 0)
        atl_sequence_dropout (&s, config->dropout);
      s.node = atl_graph_concat (graph, skip, s.node);
    }
  atl_sequence_clear (&s);
  return s.node;
}

int
atl_build_unet (const AtlConfig *config, AtlGraph *graph, int input)
{
  int node = build_block (config, graph, "model", input, 0);

  if (config->residual)
    return atl_graph_add (graph, input, node);
  return atl_graph_activation (graph, node, ATL_ACTIVATION_TANH, 0);
}
