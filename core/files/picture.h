/* Pictures in memory and in files.
 *
 * A picture keeps its own depth (8, 16 bits, or float), so that 24 megapixels
 * take 72 MB and not 288; callers read and write float rectangles.  Values are
 * perceptual (the file's own transfer curve), in [0, 1]; the colour profile is
 * carried along and not applied.
 * Files go through GEGL: PNG, JPEG, TIFF, WebP, and what else it reads.
 */

#pragma once

#include "base/error.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_DEPTH_U8,
  ATL_DEPTH_U16,
  ATL_DEPTH_FLOAT
} AtlDepth;

typedef struct
{
  int      width, height;
  int      channels;  /* 1 grey, 3 RGB; without alpha */
  gboolean has_alpha; /* one more sample a pixel, not premultiplied, last */
  AtlDepth depth;
  gsize    row_bytes;
  guint8  *pixels;    /* height * row_bytes */
  GBytes  *icc;       /* profile, or NULL: sRGB */
} AtlPicture;

/* Palette, CMYK and other forms become RGB.  NULL with ATELIER_ERROR_FILE,
 * _FORMAT, _UNSUPPORTED or _MEMORY. */
AtlPicture *atl_picture_load (const char *path, GError **error);
/* The format is told by the extension; 16 bits where format and picture have
 * them.  Written beside and renamed. */
gboolean    atl_picture_save (const AtlPicture *picture, const char *path,
                              GError **error);
/* Size without decoding where the format allows. */
gboolean    atl_picture_probe (const char *path, int *width, int *height,
                               GError **error);
/* Whether a file of this name is a picture that atl_picture_load may read. */
gboolean    atl_picture_is_picture_name (const char *name);

/* Pixels are not cleared.  icc: a reference is taken. */
AtlPicture *atl_picture_new  (int width, int height, int channels,
                              gboolean has_alpha, AtlDepth depth, GBytes *icc,
                              GError **error);
void        atl_picture_free (AtlPicture *picture);

/* Copies a rectangle to or from floats in [0, 1].  `channels` samples a pixel
 * are exchanged, from the picture's sample `first` on; grey is spread when a
 * picture of 1 channel is read as 3, and read as 1 a colour picture gives its
 * luma (Rec. 709 weights).  stride, row_stride: floats between pixels and
 * rows.  The rectangle lies within the picture.  Writing rounds and clamps. */
void        atl_picture_get  (const AtlPicture *picture, int x, int y,
                              int width, int height, int channels, float *out,
                              gsize stride, gsize row_stride);
void        atl_picture_set  (AtlPicture *picture, int x, int y, int width,
                              int height, int channels, const float *in,
                              gsize stride, gsize row_stride);
/* Copies alpha (and nothing else) from a picture of the same size. */
void        atl_picture_copy_alpha (AtlPicture *to, const AtlPicture *from);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPicture, atl_picture_free)

G_END_DECLS
