/* A plane of transparency to bytes and back: exact, or quantised to so many
 * levels.
 *
 * Pixel after pixel, with range-coder.h and counters that learn (mixing.h):
 *   1. is it as the one to the left?   by which of the neighbours are alike and
 *   2. if not, as the one above?       whether they are clear, opaque or between
 *   3. if not, its upper byte, bit by bit, by the upper bits of the gradient's
 *      guess (left + above - above left); of 16 bits then its lower byte.
 * Outside the picture alpha is 0, but to the left of a row it is what is above.
 */

#pragma once

#include "base/progress.h"

G_BEGIN_DECLS

/* Samples of `bits` (8 or 16) in native guint16.  levels: 2 to 65535, or 0:
 * exact.  The content of an ALPH section (container.h); NULL with
 * ATELIER_ERROR_MEMORY or G_IO_ERROR_CANCELLED. */
GBytes  *atl_alpha_encode (const guint16 *alpha, int width, int height, int bits,
                           int levels, const AtlProgress *progress,
                           GError **error);
/* Fills width * height samples, scaled to `bits` bits.  FALSE with
 * ATELIER_ERROR_FORMAT, _MEMORY or G_IO_ERROR_CANCELLED. */
gboolean atl_alpha_decode (GBytes *content, int width, int height, int bits,
                           guint16 *alpha, const AtlProgress *progress,
                           GError **error);

G_END_DECLS
