/* A residual U-Net for restoration, after DRUNet (Zhang 2021, "Plug-and-Play
 * Image Restoration with Deep Denoiser Prior"): no norms, residual blocks at
 * every level, and skips that are sums.  It differs from DRUNet by starting from
 * blocks of patch x patch pixels, which makes it as many times faster squared,
 * by its widths, by biases, and by 4x4 kernels where it halves.
 *
 * Names, P = patch, W = ngf << level, L levels, B blocks:
 *
 *   head     PixelUnshuffle(P), a 3x3 convolution to ngf
 *   down.l   Sequential, for level l of 0 ... L-2: B blocks at width W, then a
 *            4x4 convolution of stride 2 to the next level's width
 *   body     B blocks at the last level's width
 *   up.l     from L-2 to 0: Sequential of a doubling to width W (1x1 convolution
 *            and PixelShuffle, or what `upsample` says); after it the value
 *            that entered down.l's halving is added, then B blocks
 *   tail     3x3 convolution, PixelShuffle(P)
 *
 * A block with index N is x + "N.block" (x): 0 conv 3x3, 1 relu, 2 conv 3x3.
 * All convolutions have biases.  With residual=yes the picture is added to the
 * output, else a tanh follows it.
 */

#include "models/sequence.h"

static void
add_blocks (AtlSequence *outer, int n_blocks, int width)
{
  for (int i = 0; i < n_blocks; i++)
    {
      g_autofree char *name = atl_sequence_name (outer);
      g_autofree char *prefix = g_strconcat (name, ".block", NULL);
      AtlSequence s;

      atl_sequence_init (&s, outer->graph, prefix, outer->node);
      atl_sequence_conv (&s, width, 3, 1, 1, TRUE);
      atl_sequence_activation (&s, ATL_ACTIVATION_RELU, 0);
      atl_sequence_conv (&s, width, 3, 1, 1, TRUE);
      outer->node = atl_graph_add (outer->graph, outer->node, s.node);
      atl_sequence_clear (&s);
    }
}

/* The level's way down, the levels below it, and its way up. */
static int
add_level (const AtlConfig *config, AtlGraph *graph, int input, int level)
{
  gboolean last = level == config->levels - 1;
  int width = config->ngf << level;
  g_autofree char *down
      = last ? g_strdup ("body") : g_strdup_printf ("down.%d", level);
  g_autofree char *up = g_strdup_printf ("up.%d", level);
  AtlSequence s;
  int skip, node;

  atl_sequence_init (&s, graph, down, input);
  add_blocks (&s, config->blocks, width);
  skip = s.node;
  if (!last)
    atl_sequence_conv (&s, 2 * width, 4, 2, 1, TRUE);
  node = s.node;
  atl_sequence_clear (&s);
  if (last)
    return node;

  node = add_level (config, graph, node, level + 1);
  atl_sequence_init (&s, graph, up, node);
  atl_sequence_upsampling (&s, config->upsample, width, 4, TRUE);
  s.node = atl_graph_add (graph, skip, s.node);
  add_blocks (&s, config->blocks, width);
  node = s.node;
  atl_sequence_clear (&s);
  return node;
}

int
atl_build_drunet (const AtlConfig *config, AtlGraph *graph, int input)
{
  int area = config->patch * config->patch;
  int node = input;

  if (config->patch > 1)
    node = atl_graph_space_to_depth (graph, node, config->patch);
  node = atl_graph_conv2d (graph, "head", node, config->ngf, 3, 1, 1, TRUE);
  node = add_level (config, graph, node, 0);
  node = atl_graph_conv2d (graph, "tail", node, area * config->output_channels, 3,
                           1, 1, TRUE);
  if (config->patch > 1)
    node = atl_graph_depth_to_space (graph, node, config->patch);
  if (config->residual)
    return atl_graph_add (graph, input, node);
  return atl_graph_activation (graph, node, ATL_ACTIVATION_TANH, 0);
}
