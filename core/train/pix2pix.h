/* The Pix2Pix trainer: Isola 2017, "Image-to-Image Translation with
 * Conditional Adversarial Networks".
 *
 * A step is the reference implementation's (pytorch-CycleGAN-and-pix2pix):
 * forward through the generator; the discriminator learns from the made-up and
 * the real picture, each beside its input, its loss halved; then the generator
 * learns through the updated discriminator, and from the L1 distance.
 *
 * A discriminator that wins too early leaves the generator without a
 * direction.  While the average of its loss is under `throttle` times that of
 * guessing, it is not trained; it goes on at twice that.
 */

#pragma once

#include "train/losses.h"
#include "train/method.h"
#include "train/optimiser.h"

G_BEGIN_DECLS

typedef struct
{
  AtlGan gan;
  double gan_weight;    /* 0: L1 only, no discriminator needed */
  double l1_weight;     /* 0: GAN only */
  AtlAdamSettings adam; /* average_decay: of the generator alone */
  AtlSchedule schedule;
  guint64 steps, warmup; /* of the schedule */
  double throttle;       /* 0: never */
  gboolean no_dropout;   /* for comparisons */
  guint64 seed;          /* of the dropout masks */
} AtlPix2pixSettings;

#define ATL_PIX2PIX_DEFAULTS                                                       \
  { ATL_GAN_VANILLA,                                                               \
    1,                                                                             \
    100,                                                                           \
    { 2e-4, 0.5, 0.999, 1e-8, 0, 0, 0 },                                              \
    ATL_SCHEDULE_LINEAR,                                                           \
    0,                                                                             \
    0,                                                                             \
    0.15,                                                                          \
    FALSE,                                                                         \
    0 }

enum
{
  ATL_PIX2PIX_L1,  /* mean |made - target|, values in [-1, 1] */
  ATL_PIX2PIX_GAN, /* the generator's */
  ATL_PIX2PIX_D_FAKE,
  ATL_PIX2PIX_D_REAL,
  ATL_PIX2PIX_WAITING, /* 1 if the discriminator was not trained */
  ATL_PIX2PIX_N_FIGURES
};

/* discriminator: a "patchgan" over input and output channels together; NULL
 * with gan_weight 0.  batch: of this process.  All must outlive the method.
 * NULL with ATELIER_ERROR_ARGUMENT (a size that does not fit the network),
 * _MODEL or _MEMORY. */
AtlMethod *atl_pix2pix_new (AtlModel *generator, AtlModel *discriminator,
                            AtlPool *pool, const AtlPix2pixSettings *settings,
                            int batch, int height, int width,
                            const AtlCollective *collective, GError **error);

G_END_DECLS
