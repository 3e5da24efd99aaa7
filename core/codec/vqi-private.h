/* What the files behind vqi.h share: an encoding that is being made. */

#pragma once

#include "codec/vqi.h"

G_BEGIN_DECLS

/* What the bits of a stage weigh against; 0: unknown, all codes cost nothing. */
typedef struct
{
  double stages[ATL_MAX_LEVELS][ATL_MAX_STAGES];
} AtlVqiScales;

typedef struct
{
  AtlModel *model;
  AtlPool *pool;
  const AtlVqiSource *source;
  AtlVqiOptions options;
  AtlContexts *contexts;
  AtlVqiScales scales;
  GBytes *alpha;
} AtlVqiJob;

/* One file with all stages, its codes chosen with `rate`.  codes: NULL, or what
 * becomes the codes, to be cleared. */
AtlVqi *atl_vqi_job_encode (AtlVqiJob *job, int stages, double rate,
                            AtlCodes *codes, const AtlProgress *progress,
                            GError **error);

/* As the trainer noted them, for grids as in codes.  Older models have one for
 * all stages. */
void atl_vqi_read_scales (const AtlModel *model, const AtlCodes *codes,
                          AtlVqiScales *scales);

/* vqi-target.c */
AtlVqi *atl_vqi_reach_bytes (AtlVqiJob *job, const AtlProgress *progress,
                             GError **error);
AtlVqi *atl_vqi_reach_psnr (AtlVqiJob *job, const AtlProgress *progress,
                            GError **error);

G_END_DECLS
