/* The single kinds of damage that a specification (corrupt.h) is made of.
 *
 * pixels: height x width x channels (1 or 3), dense, in place; values in [0, 1]
 * before and after.  Beyond the edge the edge pixel is repeated; callers give a
 * margin instead.  What needs memory returns FALSE with ATELIER_ERROR_MEMORY.
 */

#pragma once

#include "base/error.h"
#include "base/random.h"

G_BEGIN_DECLS

typedef struct
{
  int width, height, channels;
  float *pixels;
} AtlPlate;

/* sigma in units of [0, 1].  signal: of a sensor, growing with the light. */
void atl_damage_noise (const AtlPlate *plate, AtlRandom *random, float sigma,
                       gboolean signal);
/* share of pixels turned black or white. */
void atl_damage_salt (const AtlPlate *plate, AtlRandom *random, float share);
void atl_damage_grey (const AtlPlate *plate);
/* sigma in pixels. */
gboolean atl_damage_blur (const AtlPlate *plate, float sigma, GError **error);
/* length in pixels, bend: height of the arc over its chord's length. */
gboolean atl_damage_motion (const AtlPlate *plate, float length, float angle,
                            float bend, GError **error);
/* quality 1-100; halved: chroma at half the size; the block grid starts x, y
 * (0-15) pixels outside of the upper left corner. */
gboolean atl_damage_jpeg (const AtlPlate *plate, float quality, gboolean halved,
                          int x, int y, GError **error);

G_END_DECLS
