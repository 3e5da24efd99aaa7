/* How a picture is cut into tiles; arithmetic only.
 *
 * The two axes are cut independently.  All tiles of an axis have the same side,
 * so that one plan serves them all: those at the end shift inward instead of
 * shrinking.  Tiles begin at multiples of what the network asks for, so that its
 * strides fall on the same pixels as in an untiled run, and the outer ones end
 * exactly where the padded picture ends, because the network pads there by
 * itself.  Each pixel belongs to the core of one tile, at least `halo` away from
 * every side that is not the picture's own; where the halo is smaller than what
 * the network sees, neighbours are blended around the border of their cores.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  int from, to;           /* the tiles' pixels: multiples of `multiple` */
  int keep_from, keep_to; /* what is wanted of them */
  int multiple;
  int halo;               /* a multiple; if blending, of half of it */
  gboolean blend;
  int tile, n;            /* side and number of tiles */
} AtlAxis;

typedef struct
{
  int from, to;           /* the tile */
  int core_from, core_to; /* may be empty */
  int ramp_from, ramp_to; /* half widths of the blend around the core's ends */
} AtlSpan;

/* value rounded up to a multiple of `multiple`. */
int      atl_round_up  (int value, int multiple);
/* Position in 0 .. n-1 that is seen at `x` if the picture is reflected at its
 * first and last pixel, again and again. */
int      atl_reflect   (int x, int n);

/* Tiles of side `tile` that cover the axis; 0 if there is no such number. */
int      atl_axis_count (const AtlAxis *axis, int tile);
/* The smallest side with which n tiles cover the axis. */
int      atl_axis_side  (const AtlAxis *axis, int n);
/* Tile i of the n. */
AtlSpan  atl_axis_span  (const AtlAxis *axis, int i);
/* The share of a tile in the result at x: 1 in its core, 0 outside, and along a
 * blended border something between; over all tiles the shares add up to 1. */
float    atl_span_share (const AtlSpan *span, int x);
/* Where the share is not 0: [first, end). */
void     atl_span_reach (const AtlSpan *span, int *first, int *end);

typedef struct
{
  AtlAxis x, y;
} AtlLayout;

/* Bytes that it takes to do tiles of this size. */
typedef gsize (*AtlTileBytes) (gpointer data, int width, int height);

/* Chooses the tiles' size: the one that fits into `budget` and costs the least
 * work in all, halos included.  The axes come with everything but tile and n;
 * no side is less than min_tile unless the axis is.  FALSE if nothing fits;
 * *bytes is what it takes, or at least would. */
gboolean atl_layout_choose (AtlLayout *layout, int min_tile, gsize budget,
                            AtlTileBytes tile_bytes, gpointer data,
                            gsize *bytes);
/* Tiles of a given side, as far as halo and picture allow. */
void     atl_layout_force  (AtlLayout *layout, int min_tile, int side);
/* Pixels that all tiles have together. */
double   atl_layout_work   (const AtlLayout *layout);

G_END_DECLS
