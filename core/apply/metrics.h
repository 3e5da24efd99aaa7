/* How alike two pictures are: PSNR, SSIM, MS-SSIM, L1, CIEDE2000.
 *
 * Over float pictures of the same size, `channels` interleaved values in
 * [0, 1].  SSIM after Wang 2004 (Gaussian window 11, sigma 1.5, K1 .01, K2 .03,
 * valid positions only, mean over channels); MS-SSIM after Wang 2003 (five
 * scales, weights .0448 .2856 .3001 .2363 .1333; a picture too small for five
 * uses as many as fit, weights renormalised; per channel, then the mean).
 * A picture narrower than the window shrinks the window to the largest odd size
 * that fits.  The result does not depend on the number of threads.
 */

#pragma once

#include "base/pool.h"
#include "base/progress.h"
#include "files/picture.h"

G_BEGIN_DECLS

#define ATL_METRICS_MAX_CHANNELS 4

/* Over all channels together; infinite for equal pictures. */
double atl_psnr    (const float *a, const float *b, int width, int height,
                    int channels);
/* At most ATL_METRICS_MAX_CHANNELS channels; NaN if memory is short. */
double atl_ssim    (AtlPool *pool, const float *a, const float *b, int width,
                    int height, int channels);
double atl_ms_ssim (AtlPool *pool, const float *a, const float *b, int width,
                    int height, int channels);
/* Mean absolute difference. */
double atl_l1      (const float *a, const float *b, int width, int height,
                    int channels);
/* Mean CIEDE2000 colour difference of two sRGB pictures (3 channels). */
double atl_ciede2000 (const float *a, const float *b, int width, int height);
/* The same of two CIE L*a*b* colours (Sharma, Wu & Dalal 2005). */
double atl_ciede2000_lab (const double lab1[3], const double lab2[3]);

typedef struct
{
  double l1, psnr, ssim, ms_ssim;
} AtlComparison;

/* All four of two float pictures, of at most ATL_METRICS_MAX_CHANNELS
 * channels.  FALSE with ATELIER_ERROR_MEMORY or
 * G_IO_ERROR_CANCELLED. */
gboolean atl_compare_floats (AtlPool *pool, const float *a, const float *b,
                             int width, int height, int channels,
                             const AtlProgress *progress,
                             AtlComparison *comparison, GError **error);
/* All four of two pictures, read row by row in their own depth, so that beside
 * the pictures it takes half a float picture of memory; the same figures as of
 * the functions above.  Alpha is left out.  FALSE with ATELIER_ERROR_ARGUMENT
 * (sizes or channels differ), _MEMORY or G_IO_ERROR_CANCELLED. */
gboolean atl_compare_pictures (AtlPool *pool, const AtlPicture *a,
                               const AtlPicture  *b,
                               const AtlProgress *progress,
                               AtlComparison *comparison, GError **error);

G_END_DECLS
