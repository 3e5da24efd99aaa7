/* What the direct algorithms share; for conv-direct.c, conv-gathered.c and
 * conv-folded.c.
 *
 * Both kinds of convolution are the same loop.  A convolution is one phase:
 * output (y, x) reads padded input (y s + ky, x s + kx).  A transposed one with
 * stride s is s * s phases, each an ordinary convolution with stride 1 over some
 * of the kernel, whose outputs lie s apart (Dumoulin & Visin 2016).
 */

#pragma once

#include "graph/conv.h"

#define TILE_ROWS 96
#define MAX_TAPS 256

typedef struct
{
  int dy, dx; /* in padded coordinates of the input */
  int tap;    /* ky * kernel + kx */
} Tap;

typedef struct
{
  int y0, x0, step; /* first output, and distance of outputs */
  int oh, ow;       /* outputs of this phase */
  int stride;       /* of the input */
  int n_taps;
  Tap taps[MAX_TAPS];
} Phase;

/* A run of one of the algorithms. */
typedef struct
{
  AtlPlan *plan;
  Conv *conv;
  const ConvIo *io;
  const Phase *phase;
  /* rows */
  int row_blocks;
  gboolean in_place; /* rows are read where they are */
  /* gathered */
  int active[MAX_TAPS];
  int n_active;
  gint64 first, count; /* rows of the chunk */
  float *gathered;
} Direct;

int conv_n_phases (const Conv *conv);
void conv_get_phase (const Conv *conv, int number, Phase *phase);
/* Rows of outputs that a phase has at most. */
int conv_phase_rows (const Conv *conv);
/* Puts `m` pixels of a tile, `columns` channels from `first` on, through the
 * epilogue to the outputs of d->phase from (n, y, x) on. */
void conv_store (const Direct *d, const float *tile, int m, int columns, int first,
                 int n, int y, int x);

/* conv-gathered.c */
void conv_gathered_prepare (Conv *conv);
void conv_gathered_run (Direct *d);
void conv_turned_prepare (Conv *conv);
void conv_turned_run (Direct *d);

/* conv-folded.c */
int conv_folded_columns (const Conv *conv);
void conv_folded_prepare (Conv *conv);
void conv_folded_make (const Conv *conv, const float *weights, float *out);
void conv_folded_run (Direct *d);
