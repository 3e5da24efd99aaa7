/* Between a picture's pixels and a network's channels.
 *
 * A picture has 1 (grey) or 3 channels (R, G, B) in [0, 1]; networks work in
 * [-1, 1].  A network with 3 inputs sees grey spread to three, one with 1 input
 * sees the luma (base/colour.h).  ATL_COLOUR_LUMA_TO_CHROMA: the network sees
 * 2 Y - 1 and answers 2 Cb, 2 Cr; the picture's own Y is kept exactly, chroma
 * shrinking towards grey where the colour would leave [0, 1].
 */

#pragma once

#include "base/error.h"
#include "models/config.h"

G_BEGIN_DECLS

typedef struct
{
  AtlColour colour;
  int in_channels, out_channels;           /* of the network */
  int picture_channels, result_channels;   /* 1 or 3 each */
  float strength;                          /* 0: the picture, 1: the network */
} AtlColouring;

/* FALSE with ATELIER_ERROR_MODEL if pictures can't go through such a network. */
gboolean atl_colouring_init (AtlColouring *colouring, const AtlConfig *config,
                             int picture_channels, int result_channels,
                             double strength, GError **error);
/* Whether the result needs the picture beside the network's output. */
gboolean atl_colouring_needs_picture (const AtlColouring *colouring);
/* n pixels, dense, to in_channels each, `stride` apart; pixel i is taken from
 * columns[i] of `picture`. */
void     atl_colouring_in  (const AtlColouring *colouring, const float *picture,
                            const int *columns, int n, float *out, gsize stride);
/* n pixels of the network, `stride` apart, and of the picture, dense (unused
 * unless needed), to result_channels dense, in [0, 1]; NaN becomes 0. */
void     atl_colouring_out (const AtlColouring *colouring, const float *network,
                            gsize stride, const float *picture, int n,
                            float *result);

G_END_DECLS
