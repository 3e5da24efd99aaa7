/* The two-level VQ-VAE-2 (Razavi 2019): the bottom level codes the picture at
 * 1/F of its size (F = downsample), the top level what lies above, at 1/2F.
 *
 * Names; encoders, decoders and their parts are as in vqvae.c:
 *
 *   encoder_bottom      picture -> hidden channels, factor F
 *   encoder_top         from there on, factor 2
 *   pre_quantise_top, quantise_top    "z_top" and its codes
 *   decoder_top         codes of the top -> D channels, factor 2
 *   pre_quantise        1x1 of [decoder_top, encoder_bottom]: "z"
 *   quantise            the bottom's codes
 *   upsample_top        codes of the top, doubled, D channels
 *   decoder             [upsample_top, quantise] -> picture, factor F
 *   skip.encode, skip.decode          around the bottom level, if asked for
 */

#include "models/sequence.h"

int
atl_build_vqvae2 (const AtlConfig *config, AtlGraph *graph, int input)
{
  int factor = config->downsample, dim = config->code_dim;
  int bottom, top, z, node, codes_top, codes;

  bottom = atl_build_encoder (config, graph, "encoder_bottom", input, factor,
                              config->patch);
  top = atl_build_encoder (config, graph, "encoder_top", bottom, 2, 1);
  z = atl_graph_conv2d (graph, "pre_quantise_top", top, dim, 1, 1, 0, TRUE);
  atl_graph_label (graph, z, "z_top");
  codes_top = atl_graph_vector_quantise (graph, "quantise_top", z, config->codes,
                                         config->stages);

  node = atl_build_decoder (config, graph, "decoder_top", codes_top, dim, 2, 1, 0);
  node = atl_graph_concat (graph, node, bottom);
  node = atl_graph_conv2d (graph, "pre_quantise", node, dim, 1, 1, 0, TRUE);
  z = atl_build_skip_encode (config, graph, input, node);
  atl_graph_label (graph, z, "z");
  codes = atl_graph_vector_quantise (graph, "quantise", z, config->codes,
                                     config->stages);

  node = atl_add_upsampling (graph, "upsample_top", codes_top, config->upsample,
                             dim, 4, TRUE);
  node = atl_graph_concat (graph, node, codes);
  node = atl_build_decoder (config, graph, "decoder", node, config->output_channels,
                            factor, config->patch, config->outer_blocks);
  return atl_build_skip_decode (config, graph, codes, node);
}
