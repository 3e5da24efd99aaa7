/* The VQ-VAE (van den Oord 2017), with residual quantisation, and optionally
 * with patches for its outer layers and a linear skip around all of it.
 *
 * Names, as PyTorch modules would have them (tests/parity/networks.py has them
 * written out); F = downsample, P = patch, H = hidden, D = code_dim:
 *
 *   encoder      Sequential.  P = 1: a 4x4 convolution of stride 2 and a relu
 *                for each halving, the first to H/2 channels, the others to H;
 *                then a 3x3 to H.  P > 1: PixelUnshuffle(P), a 3x3 to H/2, and
 *                for each further halving a relu and a 4x4 of stride 2 to H
 *                (F = P: just the 3x3, to H).  Then residual_blocks blocks and
 *                a relu.
 *   pre_quantise 1x1 convolution to D.  Its value (plus the skip) is "z".
 *   quantise     codebook.0, codebook.1, ...: K x D, one for each stage
 *   decoder      Sequential.  3x3 to H, decoder_blocks blocks, then, each after
 *                a relu, the doublings (to H, the last one to H/2), outer_blocks
 *                blocks, a relu and the last layer: P = 1, the last doubling,
 *                to the picture's channels; P > 1, a 3x3 to P*P times as many
 *                and PixelShuffle(P).  No activation at the end.
 *   skip.encode, skip.decode   PixelUnshuffle(F) and a 1x1 convolution to D,
 *                added to z; a 1x1 convolution and PixelShuffle(F), added to
 *                the output: linear maps of F x F blocks, which training may
 *                start from their principal components.
 *
 * A block with index N is x + "N.block" (x): 0 relu, 1 conv 3x3 to
 * residual_hidden (0: as many as the block's width), 2 relu, 3 conv 1x1.
 * A doubling is a 4x4 transposed convolution of stride 2, or what `upsample`
 * says.  All convolutions have biases.
 */

#include "models/sequence.h"

static int
count_halvings (int factor)
{
  return g_bit_nth_msf ((gulong)factor, -1);
}

static void
add_relu (AtlSequence *s)
{
  atl_sequence_activation (s, ATL_ACTIVATION_RELU, 0);
}

static void
add_blocks (AtlSequence *outer, const AtlConfig *config, int n_blocks, int width)
{
  /* In a narrower part the inner width shrinks in proportion. */
  int inner = config->residual_hidden > 0
                  ? MAX (1, (int)((gint64)config->residual_hidden * width
                                  / config->hidden))
                  : width;

  for (int i = 0; i < n_blocks; i++)
    {
      g_autofree char *name = atl_sequence_name (outer);
      g_autofree char *prefix = g_strconcat (name, ".block", NULL);
      AtlSequence s;

      atl_sequence_init (&s, outer->graph, prefix, outer->node);
      add_relu (&s);
      atl_sequence_conv (&s, inner, 3, 1, 1, TRUE);
      add_relu (&s);
      atl_sequence_conv (&s, width, 1, 1, 0, TRUE);
      outer->node = atl_graph_add (outer->graph, outer->node, s.node);
      atl_sequence_clear (&s);
    }
}

int
atl_build_encoder (const AtlConfig *config, AtlGraph *graph, const char *prefix,
                   int input, int factor, int patch)
{
  int halvings = count_halvings (factor / patch);
  AtlSequence s;

  atl_sequence_init (&s, graph, prefix, input);
  if (patch > 1)
    {
      s.index++;
      s.node = atl_graph_space_to_depth (graph, input, patch);
      atl_sequence_conv (&s, halvings > 0 ? config->hidden / 2 : config->hidden, 3,
                         1, 1, TRUE);
      for (int i = 0; i < halvings; i++)
        {
          add_relu (&s);
          atl_sequence_conv (&s, config->hidden, 4, 2, 1, TRUE);
        }
    }
  else
    {
      for (int i = 0; i < halvings; i++)
        {
          atl_sequence_conv (&s, i == 0 ? config->hidden / 2 : config->hidden, 4, 2,
                             1, TRUE);
          add_relu (&s);
        }
      atl_sequence_conv (&s, config->hidden, 3, 1, 1, TRUE);
    }
  add_blocks (&s, config, config->residual_blocks, config->hidden);
  add_relu (&s);
  atl_sequence_clear (&s);
  return s.node;
}

int
atl_build_decoder (const AtlConfig *config, AtlGraph *graph, const char *prefix,
                   int input, int channels, int factor, int patch, int outer_blocks)
{
  int doublings = count_halvings (factor / patch);
  /* Without patches the last doubling makes the picture. */
  int n_inner = patch > 1 ? doublings : MAX (0, doublings - 1);
  int width = config->hidden;
  AtlSequence s;

  atl_sequence_init (&s, graph, prefix, input);
  atl_sequence_conv (&s, config->hidden, 3, 1, 1, TRUE);
  add_blocks (&s, config,
              config->decoder_blocks > 0 ? config->decoder_blocks
                                         : config->residual_blocks,
              width);
  for (int i = 0; i < n_inner; i++)
    {
      width = i == n_inner - 1 ? config->hidden / 2 : config->hidden;
      add_relu (&s);
      atl_sequence_upsampling (&s, config->upsample, width, 4, TRUE);
    }
  add_blocks (&s, config, outer_blocks, width);
  add_relu (&s);
  if (patch > 1)
    {
      atl_sequence_conv (&s, channels * patch * patch, 3, 1, 1, TRUE);
      s.node = atl_graph_depth_to_space (graph, s.node, patch);
    }
  else if (doublings > 0)
    atl_sequence_upsampling (&s, config->upsample, channels, 4, TRUE);
  else
    atl_sequence_conv (&s, channels, 3, 1, 1, TRUE);
  atl_sequence_clear (&s);
  return s.node;
}

int
atl_build_skip_encode (const AtlConfig *config, AtlGraph *graph, int input, int z)
{
  int node = input;

  if (!config->linear_skip)
    return z;
  if (config->downsample > 1)
    node = atl_graph_space_to_depth (graph, node, config->downsample);
  node = atl_graph_conv2d (graph, "skip.encode", node, config->code_dim, 1, 1, 0,
                           TRUE);
  return atl_graph_add (graph, z, node);
}

int
atl_build_skip_decode (const AtlConfig *config, AtlGraph *graph, int codes,
                       int output)
{
  int factor = config->downsample;
  int node;

  if (!config->linear_skip)
    return output;
  node
      = atl_graph_conv2d (graph, "skip.decode", codes,
                          config->output_channels * factor * factor, 1, 1, 0, TRUE);
  if (factor > 1)
    node = atl_graph_depth_to_space (graph, node, factor);
  return atl_graph_add (graph, output, node);
}

int
atl_build_vqvae (const AtlConfig *config, AtlGraph *graph, int input)
{
  int node, codes;

  node = atl_build_encoder (config, graph, "encoder", input, config->downsample,
                            config->patch);
  node = atl_graph_conv2d (graph, "pre_quantise", node, config->code_dim, 1, 1, 0,
                           TRUE);
  node = atl_build_skip_encode (config, graph, input, node);
  atl_graph_label (graph, node, "z");
  codes = atl_graph_vector_quantise (graph, "quantise", node, config->codes,
                                     config->stages);
  node
      = atl_build_decoder (config, graph, "decoder", codes, config->output_channels,
                           config->downsample, config->patch, config->outer_blocks);
  return atl_build_skip_decode (config, graph, codes, node);
}
