/* Convolutions as the steps of a plan run them: forward, and the gradients of
 * both kinds, which are convolutions of the other kind.
 *
 * A convolution here reads a picture through two maps, one for rows and one for
 * columns, from padded coordinates to the rows and columns of what is stored
 * (-1: zeros).  Zero padding, reflection and nearest upsampling are maps.
 */

#pragma once

#include "graph/plan-private.h"

typedef enum
{
  ALGORITHM_ROWS,     /* a panel product for each row of the output */
  ALGORITHM_GATHER,   /* im2col for few pixels: weights are read once */
  ALGORITHM_TURNED,   /* of a dual, for few pixels: the weights as they lie times
                         the gathered pixels, giving the output's transpose */
  ALGORITHM_FOLDED,   /* few output channels: the kernel's columns side by side
                         as output columns, then added up shifted */
  ALGORITHM_WINOGRAD, /* AtlWinograd, see kernels.h */
} Algorithm;

/* What a convolution is; sizes, maps and weights.  The gradient to its input
 * is a convolution of the other kind on the same weights, its `dual`; with
 * stride 1 it is one of the same kind on the flipped kernel. */
typedef struct
{
  gboolean transposed;
  gboolean dual;    /* computes with the weights' rows and columns exchanged */
  gboolean flipped; /* of a dual: and with the kernel turned by 180 degrees */
  int kernel, stride, padding;
  int c, oc;
  int n;
  int h, w; /* of what is stored */
  int oh, ow;
  int *rows, *cols; /* owned; padded coordinates -> stored ones */
  int n_rows, n_cols;
  int parameter;   /* index of the weight */

  Algorithm algorithm;
  AtlWinograd winograd;
  const float *weights; /* in the algorithm's form, set by conv_bind */
  int form;             /* which of atl_weights_derive */
  gsize scratch;        /* bytes for each worker */
  int workspace;        /* buffer, or -1 */
  gsize workspace_bytes;
  int block; /* tiles or rows a task */
  int chunk; /* winograd: tiles that share a workspace, or 0 */
} Conv;

/* Where it reads and writes. */
typedef struct
{
  AtlView in, out;
  AtlActivation load;
  float load_slope;
  const AtlView *residual; /* or NULL */
  AtlEpilogue epilogue;    /* scale and shift hold oc values */
} ConvIo;

/* The epilogue from channel `first` on. */
static inline AtlEpilogue
conv_epilogue_from (const AtlEpilogue *e, int first)
{
  AtlEpilogue part = *e;

  part.scale = e->scale != NULL ? e->scale + first : NULL;
  part.shift = e->shift != NULL ? e->shift + first : NULL;
  return part;
}

/* Sets maps, algorithm, scratch and workspace_bytes from the fields up to `ow`
 * and `parameter`.  path: the nodes between the op and what is stored, the op's
 * input first; virtual size is that of the op's input. */
void conv_prepare (AtlPlan *plan, Conv *conv, const int *path, int n_path,
                   int virtual_h, int virtual_w);
/* Makes the weights' form; again before each use, when they have changed.
 * FALSE only if memory is short, at the first time. */
gboolean conv_bind (AtlPlan *plan, Conv *conv, GError **error);
void conv_run (AtlPlan *plan, Conv *conv, const ConvIo *io);
void conv_clear (Conv *conv);
/* "winograd F(4,3)"; not to be freed. */
const char *conv_algorithm_name (const Conv *conv);

/* Bytes that the gradient of the weights needs at once, and computing it:
 * (+)= into the panels of `gradient`.  io: in is the convolution's input, out
 * its output's gradient. */
gsize conv_gradient_bytes (const AtlPlan *plan, const Conv *conv);
void conv_gradient (AtlPlan *plan, const Conv *conv, const ConvIo *io,
                    gpointer workspace, float *gradient, gboolean accumulate);

/* conv-direct.c, conv-winograd.c: for conv.c */
void conv_direct_prepare (AtlPlan *plan, Conv *conv);
/* Pixels of the largest phase, of all images. */
gint64 conv_gathered_pixels (const Conv *conv);
gsize conv_direct_form_size (const Conv *conv);
void conv_direct_make (AtlPlan *plan, const Conv *conv, const float *weights,
                       float *out);
void conv_direct_run (AtlPlan *plan, Conv *conv, const ConvIo *io);
void conv_winograd_prepare (AtlPlan *plan, Conv *conv);
gsize conv_winograd_form_size (const Conv *conv);
void conv_winograd_make (AtlPlan *plan, const Conv *conv, const float *weights,
                         float *out);
void conv_winograd_run (AtlPlan *plan, Conv *conv, const ConvIo *io);
gsize conv_winograd_gradient_bytes (const AtlPlan *plan, const Conv *conv);
void conv_winograd_gradient (AtlPlan *plan, const Conv *conv, const ConvIo *io,
                             gpointer workspace, float *gradient,
                             gboolean accumulate);

/* Pixels of padding above and to the left: padded coordinate 0 is this coordinate
 * of the op's input, negated. */
int conv_pad_before (const Conv *conv);
/* Winograd: tiles along each side and altogether. */
typedef struct
{
  int ty, tx, n_tiles;
} Tiles;
Tiles conv_tiles (const Conv *conv);

/* One padded row of the input, `conv->n_cols` pixels of c floats, activation
 * applied; a row that is outside gives zeros. */
void conv_load_row (AtlPlan *plan, const Conv *conv, const ConvIo *io, int n,
                    int padded_row, float *out);
