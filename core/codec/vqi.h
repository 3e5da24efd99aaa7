/* Pictures to .vqi files and back, with a model. */

#pragma once

#include "codec/container.h"

G_BEGIN_DECLS

/* What a file is made of.  read is called as atl_apply calls it. */
typedef struct
{
  AtlImageIo     io;         /* write: for atl_vqi_send only */
  AtlDepth       depth;      /* that the file notes */
  const guint16 *alpha;      /* [height][width], or NULL: opaque */
  int            alpha_bits; /* 8 or 16 */
  GBytes        *icc, *exif, *xmp; /* or NULL; borrowed */
  double         x_resolution, y_resolution; /* pixels an inch; 0: unknown */
} AtlVqiSource;

typedef struct
{
  int    stages;       /* 0: all that the model has */
  double rate;         /* how much bits count when codes are chosen; negative:
                          as models are trained (ATL_VQI_RATE) */
  int    alpha_levels; /* 0: exact */
  gsize  target_bytes; /* 0: none; the best picture in so many bytes */
  double target_psnr;  /* 0: none; the smallest file that reaches it, in dB */
  gsize  memory;       /* as AtlApplyOptions */
} AtlVqiOptions;

#define ATL_VQI_DEFAULTS { 0, -1, 0, 0, 0, 0 }
#define ATL_VQI_RATE 0.03
#define ATL_VQI_RATE_MAX 1.0

/* NULL with ATELIER_ERROR_MODEL (no VQ-VAE), _ARGUMENT (a target that can't be
 * reached, naming what can), _MEMORY, G_IO_ERROR_CANCELLED, or read's error. */
AtlVqi *atl_vqi_encode (AtlModel *model, AtlPool *pool, const AtlVqiSource *source,
                        const AtlVqiOptions *options, const AtlProgress *progress,
                        GError **error);
/* The same of a picture, with its alpha (8 bits, or 16 where it has more) and
 * profile. */
AtlVqi *atl_vqi_encode_picture (AtlModel *model, AtlPool *pool,
                                const AtlPicture *picture,
                                const AtlVqiOptions *options,
                                const AtlProgress *progress, GError **error);

/* FALSE with ATELIER_ERROR_MODEL, naming what is needed, unless the file was
 * made with this model. */
gboolean atl_vqi_check_model (const AtlVqi *vqi, AtlModel *model, GError **error);
/* Finds it in the library.  NULL with ATELIER_ERROR_MODEL that names it and
 * says where to put it, or _MEMORY if that is why none was found. */
AtlModel *atl_vqi_find_model (const AtlVqi *vqi, GError **error);

/* stages: 0 for all that are usable.  Clear codes with atl_codes_clear.  FALSE,
 * codes being empty, with ATELIER_ERROR_ARGUMENT (so many stages are not there),
 * _MODEL (another model, or its contexts changed), _FORMAT, _MEMORY or
 * G_IO_ERROR_CANCELLED. */
gboolean atl_vqi_decode_codes (const AtlVqi *vqi, AtlModel *model, int stages,
                               AtlCodes *codes, const AtlProgress *progress,
                               GError **error);
/* The picture with alpha and profile.  memory: as AtlApplyOptions.  NULL with the
 * errors of atl_vqi_decode_codes and atl_apply. */
AtlPicture *atl_vqi_decode (const AtlVqi *vqi, AtlModel *model, AtlPool *pool,
                            int stages, gsize memory, const AtlProgress *progress,
                            GError **error);

/* There and back: source->io.write gets the colours as a file would give them;
 * *bytes: of that file.  FALSE with the errors of both, or write's. */
gboolean atl_vqi_send (AtlModel *model, AtlPool *pool, const AtlVqiSource *source,
                       const AtlVqiOptions *options, const AtlProgress *progress,
                       gsize *bytes, GError **error);

/* Mean squared error, values in [0, 1], of the source sent through these codes;
 * for tests and for those who search. */
gboolean atl_vqi_error (AtlModel *model, AtlPool *pool, const AtlVqiSource *source,
                        const AtlCodes *codes, int stages, gsize memory,
                        const AtlProgress *progress, double *mse, GError **error);

G_END_DECLS
