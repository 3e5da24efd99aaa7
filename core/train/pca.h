/* Principal components of square blocks of pictures. */

#pragma once

#include "base/error.h"
#include "base/pool.h"

G_BEGIN_DECLS

#define ATL_PCA_MAX_DIM 1024

/* From n pictures of height x width x channels (dense; sides multiples of
 * `factor`), over all their factor x factor blocks.  A block's values are in
 * the order of ATL_OP_SPACE_TO_DEPTH, dim = channels * factor^2 of them:
 *   mean[dim], components[dim][dim] (row i is the i-th, of length 1, the one of
 *   the largest variance first, its largest value positive), variances[dim].
 * FALSE with ATELIER_ERROR_ARGUMENT where dim exceeds ATL_PCA_MAX_DIM,
 * ATELIER_ERROR_MEMORY. */
gboolean atl_pca (AtlPool *pool, const float *pictures, int n, int height,
                  int width, int channels, int factor, double *mean,
                  double *components, double *variances, GError **error);

G_END_DECLS
