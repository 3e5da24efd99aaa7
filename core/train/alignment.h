/* Whether the two sides of a pair lie over each other.
 *
 * Edges are what two renderings of one scene have in common: the magnitude of
 * the gradient of luma is correlated (normalised) over shifts of some pixels,
 * once on the whole pair scaled down to 192 pixels, once on its middle at full
 * size; and against the partner mirrored.  Only a clear peak away from the
 * middle counts: a pair that has no edges in common says nothing.
 */

#pragma once

#include "train/pairs.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_ALIGNMENT_FINE, /* or nothing can be told */
  ATL_ALIGNMENT_SHIFTED,
  ATL_ALIGNMENT_MIRRORED
} AtlAlignmentFinding;

typedef struct
{
  AtlAlignmentFinding finding;
  int dx, dy; /* B's content lies so many pixels right of and below A's */
} AtlAlignment;

/* Decodes the pair (or single picture, which is always fine).  FALSE with why it
 * can't be read. */
gboolean atl_alignment_look (const AtlPair *pair, AtlAlignment *alignment,
                             GError **error);

/* The comparison itself: luma of both, width x height, in any linear scale.
 * reach: the largest shift looked for.  FALSE with ATELIER_ERROR_MEMORY. */
gboolean atl_alignment_compare (const float *a, const float *b, int width, int height,
                            int reach, AtlAlignment *alignment, GError **error);

G_END_DECLS
