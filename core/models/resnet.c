/* The ResNet generator (Johnson 2016, CycleGAN), as
 * pytorch-CycleGAN-and-pix2pix builds it: ResnetGenerator.
 *
 * Names, in the Sequential "model" (B blocks):
 *
 *    0 reflect 3   1 conv 7x7   2 norm   3 relu
 *    4 conv s2     5 norm       6 relu
 *    7 conv s2     8 norm       9 relu
 *   10 ... 9+B     blocks, each x + "conv_block" (x): 0 reflect, 1 conv 3x3,
 *                  2 norm, 3 relu, 4 dropout if any, then reflect, conv, norm
 *   10+B upsampling, norm, relu;  13+B upsampling, norm, relu
 *   16+B reflect 3, 17+B conv 7x7, 18+B tanh
 *
 * With resize convolutions the 3x3 weight has the place and the name of the
 * transposed convolution that it replaces.
 */

#include "models/sequence.h"

static void
add_conv_norm_relu (AtlSequence *s, const AtlConfig *config, int channels,
                    int kernel, int stride, int padding)
{
  atl_sequence_conv (s, channels, kernel, stride, padding,
                     config->norm == ATL_NORM_INSTANCE);
  atl_sequence_norm (s, config->norm);
  atl_sequence_activation (s, ATL_ACTIVATION_RELU, 0);
}

static void
add_block (AtlSequence *outer, const AtlConfig *config)
{
  gboolean bias = config->norm == ATL_NORM_INSTANCE;
  g_autofree char *name = atl_sequence_name (outer);
  g_autofree char *prefix = g_strconcat (name, ".conv_block", NULL);
  int channels = 4 * config->ngf;
  AtlSequence s;

  atl_sequence_init (&s, outer->graph, prefix, outer->node);
  atl_sequence_reflect (&s, 1);
  add_conv_norm_relu (&s, config, channels, 3, 1, 0);
  if (config->dropout > 0)
    atl_sequence_dropout (&s, config->dropout);
  atl_sequence_reflect (&s, 1);
  atl_sequence_conv (&s, channels, 3, 1, 0, bias);
  atl_sequence_norm (&s, config->norm);
  outer->node = atl_graph_add (outer->graph, outer->node, s.node);
  atl_sequence_clear (&s);
}

static void
add_upsampling (AtlSequence *s, const AtlConfig *config, int channels)
{
  atl_sequence_upsampling (s, config->upsample, channels, 3,
                           config->norm == ATL_NORM_INSTANCE);
  atl_sequence_norm (s, config->norm);
  atl_sequence_activation (s, ATL_ACTIVATION_RELU, 0);
}

int
atl_build_resnet (const AtlConfig *config, AtlGraph *graph, int input)
{
  AtlSequence s;

  atl_sequence_init (&s, graph, "model", input);
  atl_sequence_reflect (&s, 3);
  add_conv_norm_relu (&s, config, config->ngf, 7, 1, 0);
  add_conv_norm_relu (&s, config, 2 * config->ngf, 3, 2, 1);
  add_conv_norm_relu (&s, config, 4 * config->ngf, 3, 2, 1);
  for (int i = 0; i < config->blocks; i++)
    add_block (&s, config);
  add_upsampling (&s, config, 2 * config->ngf);
  add_upsampling (&s, config, config->ngf);
  atl_sequence_reflect (&s, 3);
  atl_sequence_conv (&s, config->output_channels, 7, 1, 0, TRUE);
  if (config->residual)
    s.node = atl_graph_add (graph, input, s.node);
  else
    atl_sequence_activation (&s, ATL_ACTIVATION_TANH, 0);
  atl_sequence_clear (&s);
  return s.node;
}
