/* What is done to a pair on its way to the network, the same on both sides.
 *
 * Drawing is apart from doing: an AtlCrop says which part of a picture becomes
 * the patch and how, and is a pure function of settings, sizes and random
 * state; rendering is a pure function of the crop and the pixels.  A crop
 * without rotation or scale is copied pixel by pixel; others are interpolated
 * by Catmull-Rom, after averaging where the picture shrinks by 2 or more.
 * Beyond the picture's edge lies its reflection (edge pixel not repeated), so
 * that pictures smaller than the patch work, a single pixel too.
 */

#pragma once

#include "base/error.h"
#include "base/random.h"
#include "models/config.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean flip;  /* left-right, half of the time */
  gboolean turns; /* by 0, 90, 180 or 270 degrees; for pictures without an
                         up: textures, scans from above */
  float rotation; /* degrees, up to so many either way: 0-45 */
  float scale;    /* times 1/(1+s) to 1+s: 0-1 */
  float colour;   /* strength of brightness, contrast and saturation jitter,
                         0-1; 0 where colours are labels */
  int load_size;  /* first scaled so that the shorter side has so many
                         pixels (the reference: load 286, crop 256); 0: not */
} AtlAugment;

/* Flips; nothing else. */
#define ATL_AUGMENT_DEFAULTS { TRUE, FALSE, 0.0f, 0.0f, 0.0f, 0 }
#define ATL_AUGMENT_NONE { FALSE, FALSE, 0.0f, 0.0f, 0.0f, 0 }

/* "key=value" with the names above (flip=no, rotation=5).  FALSE with
 * ATELIER_ERROR_ARGUMENT that says what is allowed; *known (may be NULL) tells
 * whether the key was one of these at all. */
gboolean atl_augment_set (AtlAugment *augment, const char *setting, gboolean *known,
                          GError **error);

/* Every key, its value and what it may be. */
void atl_augment_each (const AtlAugment *augment, AtlSettingCallback callback,
                       gpointer data);

/* Centre of the patch in pixels of the picture (pixel centres at .5), and the
 * picture's pixels per patch pixel and their direction: patch (u, v) from its
 * centre lies at (x + xx u + xy v, y + yx u + yy v). */
typedef struct
{
  double x, y;
  double xx, xy, yx, yy;
  float brightness, contrast, saturation; /* 0, 1, 1: as it is */
} AtlCrop;

/* Draws a crop of width x height patch pixels in a picture. */
void atl_crop_draw (AtlCrop *crop, const AtlAugment *augment, AtlRandom *random,
                    int picture_width, int picture_height, int width, int height);
/* The middle of the picture, undamaged (load_size is obeyed). */
void atl_crop_centre (AtlCrop *crop, const AtlAugment *augment, int picture_width,
                      int picture_height);

/* How rendering gets pixels: fills out, height x width x channels floats in
 * [0, 1], with the rectangle, which lies within the picture. */
typedef gboolean (*AtlReadPixels) (gpointer data, int x, int y, int width,
                                   int height, float *out, GError **error);

/* Renders the crop to out, height x width x channels, in [0, 1].  FALSE with
 * what `read` set, or ATELIER_ERROR_MEMORY. */
gboolean atl_crop_render (const AtlCrop *crop, int picture_width,
                          int picture_height, int channels, AtlReadPixels read,
                          gpointer data, int width, int height, float *out,
                          GError **error);

G_END_DECLS
