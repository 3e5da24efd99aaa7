/* The discriminators of Pix2Pix (Isola 2017), as pytorch-CycleGAN-and-pix2pix
 * builds them: NLayerDiscriminator (names "model.N"), which judges overlapping
 * patches (70x70 with three layers), and PixelDiscriminator ("net.N").
 *
 * The output is logits, one a patch; no sigmoid.
 */

#include "models/sequence.h"

#define SLOPE 0.2f

static int
build_pixel (const AtlConfig *config, AtlGraph *graph, int input)
{
  gboolean bias = config->norm == ATL_NORM_INSTANCE;
  AtlSequence s;

  atl_sequence_init (&s, graph, "net", input);
  atl_sequence_conv (&s, config->ndf, 1, 1, 0, TRUE);
  atl_sequence_activation (&s, ATL_ACTIVATION_LEAKY_RELU, SLOPE);
  atl_sequence_conv (&s, 2 * config->ndf, 1, 1, 0, bias);
  atl_sequence_norm (&s, config->norm);
  atl_sequence_activation (&s, ATL_ACTIVATION_LEAKY_RELU, SLOPE);
  atl_sequence_conv (&s, config->output_channels, 1, 1, 0, bias);
  atl_sequence_clear (&s);
  return s.node;
}

int
atl_build_patchgan (const AtlConfig *config, AtlGraph *graph, int input)
{
  gboolean bias = config->norm == ATL_NORM_INSTANCE;
  AtlSequence s;

  if (config->n_layers == 0)
    return build_pixel (config, graph, input);

  atl_sequence_init (&s, graph, "model", input);
  atl_sequence_conv (&s, config->ndf, 4, 2, 1, TRUE);
  atl_sequence_activation (&s, ATL_ACTIVATION_LEAKY_RELU, SLOPE);
  for (int i = 1; i <= config->n_layers; i++)
    {
      int stride = i < config->n_layers ? 2 : 1;

      atl_sequence_conv (&s, config->ndf << MIN (i, 3), 4, stride, 1, bias);
      atl_sequence_norm (&s, config->norm);
      atl_sequence_activation (&s, ATL_ACTIVATION_LEAKY_RELU, SLOPE);
    }
  atl_sequence_conv (&s, config->output_channels, 4, 1, 1, TRUE);
  atl_sequence_clear (&s);
  return s.node;
}
