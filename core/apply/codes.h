/* Half of a VQ-VAE over a picture of any size: from its pixels to code indices,
 * and from those back to pixels.
 *
 * The picture is one: tiles are only how it is computed within the budget, with
 * halos as wide as the network sees.  The grids are those of the padded picture
 * (reflected to the right and below up to the network's multiple).
 */

#pragma once

#include "apply/apply.h"

G_BEGIN_DECLS

#define ATL_MAX_LEVELS 2

/* The codes of one vector quantiser: plane after plane, one a stage, each in
 * rows of `width`.  0 <= code < K <= 65536. */
typedef struct
{
  int      node;
  int      width, height;
  int      k;
  guint16 *planes[ATL_MAX_STAGES];
} AtlCodeGrid;

/* All levels of a picture, the coarsest first. */
typedef struct
{
  int         n_levels, stages;
  AtlCodeGrid levels[ATL_MAX_LEVELS];
} AtlCodes;

/* Per level and stage K costs in units of squared distance, or NULL; see
 * atl_plan_set_code_costs. */
typedef struct
{
  float *costs[ATL_MAX_LEVELS][ATL_MAX_STAGES];
} AtlCodeCosts;

/* Empty grids (zeros) as the model makes them for such a picture.  stages: 0
 * for all of the model's.  FALSE with ATELIER_ERROR_MODEL (no VQ-VAE),
 * _ARGUMENT, _MEMORY. */
gboolean atl_codes_init  (AtlCodes *codes, const AtlModel *model, int width,
                          int height, int stages, GError **error);
/* Of zeroed or initialised codes. */
void     atl_codes_clear (AtlCodes *codes);
/* The same shapes, told without a picture: for readers of files, who compare. */
gboolean atl_codes_measure (AtlCodes *codes, const AtlModel *model, int width,
                            int height, GError **error);

/* Fills codes, which atl_codes_init made for io's size.  Of the options only
 * memory and tile count; costs may be NULL.  FALSE as atl_apply. */
gboolean atl_apply_encode (AtlModel *model, AtlPool *pool, const AtlImageIo *io,
                           const AtlApplyOptions *options,
                           const AtlCodeCosts *costs, AtlCodes *codes,
                           const AtlProgress *progress, GError **error);
/* The other way: io->read is not called.  Of the options memory, tile, stages
 * (0: all that codes have) and the part to be computed count. */
gboolean atl_apply_decode (AtlModel *model, AtlPool *pool, const AtlImageIo *io,
                           const AtlApplyOptions *options, const AtlCodes *codes,
                           const AtlProgress *progress, GError **error);

G_END_DECLS
