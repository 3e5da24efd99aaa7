/* Held-out pairs, kept in memory: what a model is measured on while it learns,
 * and the sheets of input | output | target.
 */

#pragma once

#include "files/picture.h"
#include "models/model.h"
#include "train/loader.h"

G_BEGIN_DECLS

typedef struct
{
  int n;                          /* pictures; the figures are means over them */
  double l1, psnr, ssim, ms_ssim; /* values in [0, 1]; l1: mean |difference| */
} AtlMeasurement;

typedef struct _AtlGallery AtlGallery;

/* The first n_max pairs that can be read, width x height from their middle;
 * which is a multiple of what the model needs.  options: the loader's.  NULL
 * with ATELIER_ERROR_DATA if none can be read, _MEMORY. */
AtlGallery *atl_gallery_new (GPtrArray *pairs, int n_max,
                             const AtlLoaderOptions *options, int width, int height,
                             GError **error);
void atl_gallery_free (AtlGallery *gallery);

/* Sends all through the model as it would be applied.  cancellable: looked at
 * between two pictures (G_IO_ERROR_CANCELLED), or NULL.  sheet: if not NULL,
 * receives the first `rows` of them as a picture (free with
 * atl_picture_free). */
gboolean atl_gallery_measure (AtlGallery *gallery, AtlModel *model, AtlPool *pool,
                              GCancellable *cancellable,
                              AtlMeasurement *measurement, int rows,
                              AtlPicture **sheet, GError **error);

/* A picture of such a sheet: dense RGB in [0, 1], atl_gallery_get_side pixels
 * wide and high (the shorter side's square in the middle).  column: 0 input,
 * 1 output. */
int atl_gallery_get_side (const AtlGallery *gallery);
void atl_gallery_read_cell (const AtlGallery *gallery, const AtlPicture *sheet,
                            int row, int column, float *rgb);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlGallery, atl_gallery_free)

G_END_DECLS
