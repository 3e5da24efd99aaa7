/* Helpers of the builders: layers one after the other, numbered as PyTorch's
 * nn.Sequential numbers them, so that parameters get PyTorch's names. */

#pragma once

#include "models/config.h"

G_BEGIN_DECLS

typedef struct
{
  AtlGraph *graph;
  char     *prefix; /* of the Sequential: "model", "encoder.5.block" */
  int       index;  /* of the next layer in it */
  int       node;   /* the last layer's value */
} AtlSequence;

void  atl_sequence_init       (AtlSequence *sequence, AtlGraph *graph,
                               const char *prefix, int input);
void  atl_sequence_clear      (AtlSequence *sequence);
/* "PREFIX.INDEX" of the next layer, which is thereby taken.  Free with
 * g_free. */
char *atl_sequence_name       (AtlSequence *sequence);

/* Each adds one layer and takes one index, also where the layer is none
 * (ATL_NORM_NONE is PyTorch's Identity). */
void  atl_sequence_conv       (AtlSequence *sequence, int channels, int kernel,
                               int stride, int padding, gboolean bias);
/* Twice the size; see atl_add_upsampling. */
void  atl_sequence_upsampling (AtlSequence *sequence, AtlUpsampling upsampling,
                               int channels, int kernel, gboolean bias);
void  atl_sequence_norm       (AtlSequence *sequence, AtlNorm norm);
void  atl_sequence_activation (AtlSequence *sequence, AtlActivation activation,
                               float slope);
void  atl_sequence_dropout    (AtlSequence *sequence, float probability);
void  atl_sequence_reflect    (AtlSequence *sequence, int padding);

/* A layer that doubles the size, `name` being its convolution's:
 *   transposed  kernel x kernel, stride 2 (kernel 4: padding 1; kernel 3:
 *               padding 1, output padding 1)
 *   nearest, bilinear  resize by 2, 3x3 convolution
 *   shuffle     1x1 convolution to 4 * channels, depth-to-space by 2 */
int   atl_add_upsampling      (AtlGraph *graph, const char *name, int input,
                               AtlUpsampling upsampling, int channels,
                               int kernel, gboolean bias);

/* One builder per file; each adds the network after `input` and returns its
 * output. */
int   atl_build_unet          (const AtlConfig *config, AtlGraph *graph,
                               int input);
int   atl_build_resnet        (const AtlConfig *config, AtlGraph *graph,
                               int input);
int   atl_build_drunet        (const AtlConfig *config, AtlGraph *graph,
                               int input);
int   atl_build_patchgan      (const AtlConfig *config, AtlGraph *graph,
                               int input);
int   atl_build_vqvae         (const AtlConfig *config, AtlGraph *graph,
                               int input);
int   atl_build_vqvae2        (const AtlConfig *config, AtlGraph *graph,
                               int input);

/* The parts of a VQ-VAE that both kinds have.  The encoder makes the picture
 * smaller by `factor`, of which `patch` by space-to-depth; the decoder undoes
 * that. */
int   atl_build_encoder       (const AtlConfig *config, AtlGraph *graph,
                               const char *prefix, int input, int factor,
                               int patch);
int   atl_build_decoder       (const AtlConfig *config, AtlGraph *graph,
                               const char *prefix, int input, int channels,
                               int factor, int patch, int outer_blocks);
/* Adds the linear skip to z or to the output, if the model has one. */
int   atl_build_skip_encode   (const AtlConfig *config, AtlGraph *graph,
                               int input, int z);
int   atl_build_skip_decode   (const AtlConfig *config, AtlGraph *graph,
                               int codes, int output);

G_END_DECLS
