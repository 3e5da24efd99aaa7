/* What the files behind vqi.h share: an encoding that is being made. */

#pragma once

#include "codec/vqi.h"

G_BEGIN_DECLS

typedef struct
{
  AtlModel           *model;
  AtlPool            *pool;
  const AtlVqiSource *source;
  AtlVqiOptions       options;
  AtlContexts        *contexts;
  double              variance; /* of z, a value; 0: unknown, all codes cost
                                   nothing */
  GBytes             *alpha;
} AtlVqiJob;

/* One file with all stages, its codes chosen with `rate`.  codes: NULL, or what
 * becomes the codes, to be cleared. */
AtlVqi *atl_vqi_job_encode (AtlVqiJob *job, int stages, double rate,
                            AtlCodes *codes, const AtlProgress *progress,
                            GError **error);

/* The mean square of an element of z, which the trainer noted; 0: unknown. */
double  atl_vqi_read_variance (const AtlModel *model);

/* vqi-target.c */
AtlVqi *atl_vqi_reach_bytes (AtlVqiJob *job, const AtlProgress *progress,
                             GError **error);
AtlVqi *atl_vqi_reach_psnr  (AtlVqiJob *job, const AtlProgress *progress,
                             GError **error);

G_END_DECLS
