/* One plane of codes (a stage of a level) to bytes and back.
 *
 * Each code is the way to its leaf in the tree of its context (contexts.h), a
 * decision at a node, coded by range-coder.h with a probability of
 *   ATL_CODING_PLAIN     a counter for each node that learns as it goes
 *   ATL_CODING_CONTEXT   a mixture of such counters, alone and by the kinds of
 *                        the codes to the left, above and of the stage before,
 *                        and of the context's network
 * A decision that can go only one way (K is no power of two) is not coded.
 */

#pragma once

#include "base/buffer.h"
#include "codec/contexts.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_CODING_PLAIN,
  ATL_CODING_CONTEXT,
  ATL_N_CODINGS
} AtlCoding;

/* Appends codes->levels[level].planes[stage]; the planes that come before it
 * (stages before; of the same stage, coarser levels) must be there too.
 * FALSE only with ATELIER_ERROR_MEMORY or G_IO_ERROR_CANCELLED. */
gboolean atl_plane_encode (const AtlCodes *codes, const AtlContexts *contexts,
                           int level, int stage, AtlCoding coding, AtlBuffer *out,
                           const AtlProgress *progress, GError **error);
/* Fills the plane; any bytes give some codes below K.  The same errors. */
gboolean atl_plane_decode (AtlCodes *codes, const AtlContexts *contexts, int level,
                           int stage, AtlCoding coding, const guint8 *data,
                           gsize size, const AtlProgress *progress, GError **error);

G_END_DECLS
