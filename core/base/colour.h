/* Luma and chroma, as everything in Atelier that splits colours means them.
 *
 * Rec. 709 weights on perceptual R, G, B in [0, 1].  Y lies in [0, 1]; Cb and
 * Cr in [-0.5, 0.5]: Cb = (B - Y) / 1.8556, Cr = (R - Y) / 1.5748.  Inside
 * networks the three are 2 Y - 1, 2 Cb and 2 Cr.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ATL_LUMA_R 0.2126f
#define ATL_LUMA_G 0.7152f
#define ATL_LUMA_B 0.0722f

static inline float
atl_luma (const float rgb[3])
{
  return ATL_LUMA_R * rgb[0] + ATL_LUMA_G * rgb[1] + ATL_LUMA_B * rgb[2];
}

/* rgb to Y, Cb, Cr; may be in place. */
static inline void
atl_rgb_to_ycc (const float rgb[3], float ycc[3])
{
  float y = atl_luma (rgb), r = rgb[0], b = rgb[2];

  ycc[0] = y;
  ycc[1] = (b - y) / (2.0f * (1.0f - ATL_LUMA_B));
  ycc[2] = (r - y) / (2.0f * (1.0f - ATL_LUMA_R));
}

/* Not clamped. */
static inline void
atl_ycc_to_rgb (const float ycc[3], float rgb[3])
{
  float y = ycc[0];
  float b = y + ycc[1] * (2.0f * (1.0f - ATL_LUMA_B));
  float r = y + ycc[2] * (2.0f * (1.0f - ATL_LUMA_R));

  rgb[0] = r;
  rgb[1] = (y - ATL_LUMA_R * r - ATL_LUMA_B * b) / ATL_LUMA_G;
  rgb[2] = b;
}

G_END_DECLS
