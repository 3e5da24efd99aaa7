/* Losses and their gradients.
 *
 * Every function returns the plain mean over all elements of the prediction
 * (of all images of the batch together), writes `weight` times its gradient
 * where `gradient` points, and works in tasks of a fixed size whose sums are
 * added in order: the same bits with any number of threads.  Over several
 * processes each passes weight / processes and averages what is returned.
 *
 * prediction and target have the same shape; gradient has it too, or its data
 * is NULL: the value alone is wanted.  accumulate: added to the gradient that
 * is there instead of overwriting it.
 */

#pragma once

#include "graph/plan.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_GAN_VANILLA, /* binary cross-entropy over logits, Goodfellow 2014 */
  ATL_GAN_LSGAN,   /* least squares to 1 and 0, Mao 2017 */
  ATL_GAN_HINGE    /* Lim & Ye 2017, Miyato 2018 */
} AtlGan;

/* Whom the loss is for, and what the discriminator was shown. */
typedef enum
{
  ATL_GAN_REAL,     /* the discriminator, a real picture */
  ATL_GAN_FAKE,     /* the discriminator, a made-up picture */
  ATL_GAN_GENERATOR /* the generator, its own picture */
} AtlGanRole;

/* Mean |x - t|; the gradient at equality is 0, as PyTorch's. */
double atl_loss_l1 (AtlPool *pool, AtlView prediction, AtlView target,
                    double weight, AtlView gradient, gboolean accumulate);
/* Mean (x - t)^2. */
double atl_loss_l2 (AtlPool *pool, AtlView prediction, AtlView target,
                    double weight, AtlView gradient, gboolean accumulate);
double atl_loss_gan (AtlPool *pool, AtlGan gan, AtlGanRole role, AtlView logits,
                     double weight, AtlView gradient, gboolean accumulate);
/* The loss of a discriminator that knows nothing: ln 2, .25, 1. */
double atl_gan_even (AtlGan gan);

/* 1 - MS-SSIM (Wang 2003) of pictures in [-1, 1], the mean over images and
 * channels of each plane's own: Gaussian window 11, sigma 1.5, as many of the
 * five scales as fit, their weights renormalised.  FALSE with
 * ATELIER_ERROR_MEMORY, or ATELIER_ERROR_ARGUMENT for pictures under 11
 * pixels. */
gboolean atl_loss_ms_ssim (AtlPool *pool, AtlView prediction, AtlView target,
                           double weight, AtlView gradient, gboolean accumulate,
                           double *value, GError **error);

/* dst = src for views of one shape; channels [first, first + dst's c) of src
 * are read, or src's c written to [first, ...) of dst if src is narrower. */
void atl_view_copy (AtlPool *pool, AtlView dst, int dst_first, AtlView src,
                    int src_first, int channels);

static inline AtlView
atl_view_dense (float *data, AtlShape shape)
{
  return (AtlView){ data, shape, (gsize)shape.c };
}

#define ATL_NO_VIEW ((AtlView){ NULL, { 0, 0, 0, 0 }, 0 })

G_END_DECLS
