/* How alike two pictures are: PSNR, SSIM, MS-SSIM, CIEDE2000.
 *
 * Over float pictures of the same size, `channels` interleaved values in
 * [0, 1].  SSIM after Wang 2004 (Gaussian window 11, sigma 1.5, K1 .01, K2 .03,
 * valid positions only, mean over channels); MS-SSIM after Wang 2003 (five
 * scales, weights .0448 .2856 .3001 .2363 .1333; a picture too small for five
 * uses as many as fit, weights renormalised).
 */

#pragma once

#include "base/pool.h"

G_BEGIN_DECLS

/* Over all channels together; infinite for equal pictures. */
double atl_psnr    (const float *a, const float *b, int width, int height,
                    int channels);
double atl_ssim    (AtlPool *pool, const float *a, const float *b, int width,
                    int height, int channels);
double atl_ms_ssim (AtlPool *pool, const float *a, const float *b, int width,
                    int height, int channels);
/* Mean absolute difference. */
double atl_l1      (const float *a, const float *b, int width, int height,
                    int channels);
/* Mean CIEDE2000 colour difference of two sRGB pictures (3 channels). */
double atl_ciede2000 (const float *a, const float *b, int width, int height);

G_END_DECLS
