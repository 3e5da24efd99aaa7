/* What conv-winograd.c and conv-winograd-gradient.c share. */

#pragma once

#include "graph/conv.h"

/* Floats between points, so that they do not share cache sets. */
#define SHIFT 16
#define INPUT_TILES 4 /* a task */

static inline int
n_points (const Conv *conv)
{
  return atl_winograd_tile (conv->winograd) * atl_winograd_tile (conv->winograd);
}

/* Phases of the input, and of the output. */
static inline int
in_phases (const Conv *conv)
{
  return conv->winograd == ATL_WINOGRAD_3_2 && !conv->transposed ? 4 : 1;
}

static inline int
out_phases (const Conv *conv)
{
  return conv->winograd == ATL_WINOGRAD_3_2 && conv->transposed ? 4 : 1;
}

/* The product's K and N. */
static inline int
product_k (const Conv *conv)
{
  return conv->c * in_phases (conv);
}

static inline int
product_n (const Conv *conv)
{
  return conv->oc * out_phases (conv);
}

/* Output phases are cut into panels of their own, or share panels. */
static inline gboolean
phases_share_panels (const Conv *conv)
{
  return out_phases (conv) > 1 && conv->oc % ATL_PANEL != 0;
}

/* A run over the tiles, chunk by chunk. */
typedef struct
{
  AtlPlan *plan;
  const Conv *conv;
  const ConvIo *io;
  Tiles tiles;
  int first, count; /* tiles of the chunk */
  float *v;         /* [point][tile of the chunk][K] */
  float *m;         /* gradient: [point][tile of the chunk][N] */
  int n_padded;
  float *du;
  gboolean add_du;
} Run;

/* Distance of the points of a chunk's V. */
static inline gsize
v_point (const Run *r)
{
  return (gsize)product_k (r->conv) * r->count + SHIFT;
}

/* Transforms the input of the chunk's tiles to r->v. */
void conv_winograd_transform_chunk (Run *r);
/* Pixel indices of a tile's outputs for one phase; -1 where there is none. */
void conv_winograd_output_pixels (const Run *r, int tile, int phase,
                                  gint64 *pixels);
/* Pointers to the taps of (phase, input channel c) in a panel of `columns`. */
void conv_winograd_taps (const Conv *conv, const float *panel, int columns,
                         int phase, int c, const float **g);
/* Where row `row` of U's columns from `first` on begins, in one point. */
gsize conv_winograd_u_at (const Conv *conv, int first, int row);
