/* k-means (Lloyd 1982) from a k-means++ start (Arthur & Vassilvitskii 2007).
 *
 * Deterministic: what is drawn comes from (seed, stream), and sums are taken in
 * an order that does not depend on the number of threads.
 */

#pragma once

#include "base/error.h"
#include "base/pool.h"

G_BEGIN_DECLS

/* centres[k][dim] of vectors[n][dim], n > 0; counts[k]: vectors nearest to
 * each; nearest[n]: which.  zero: centre 0 is and stays the zero vector.  With
 * fewer distinct vectors than centres some centres coincide.  FALSE with
 * ATELIER_ERROR_MEMORY. */
gboolean atl_kmeans (AtlPool *pool, const float *vectors, gsize n, int dim, int k,
                     gboolean zero, int iterations, guint64 seed, guint64 stream,
                     float *centres, double *counts, gint32 *nearest,
                     GError **error);

G_END_DECLS
