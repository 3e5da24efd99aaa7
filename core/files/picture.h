/* Pictures in memory and in files.
 *
 * A picture keeps its own depth (8, 16 bits, or float), so that 24 megapixels
 * take 72 MB and not 288; callers read and write float rectangles.  Values are
 * perceptual (the file's own transfer curve), in [0, 1]; the colour profile is
 * carried along and not applied.
 * Files are PNG, JPEG, TIFF and WebP, each read and written by its own library
 * (libpng, libjpeg-turbo, libtiff, libwebp): GIMP itself does it so.
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

/* Palette, CMYK and other forms become RGB; what the camera noted about the
 * picture's orientation is carried out.  The format is told by the file's first
 * bytes, whatever its name.  NULL with ATELIER_ERROR_FILE, _FORMAT, _UNSUPPORTED
 * or _MEMORY. */
AtlPicture *atl_picture_load (const char *path, GError **error);
/* The same from bytes; `name` stands for the file in messages. */
AtlPicture *atl_picture_parse (GBytes *bytes, const char *name, GError **error);
/* The format is told by the extension; 16 bits where format and picture have
 * them (a float picture: float in TIFF, 16 bits in PNG).  JPEG has quality 95
 * without chroma subsampling, and white where the picture is transparent; WebP
 * is lossless (and its encoder takes some 18 bytes a pixel meanwhile).  A profile
 * that fits the format is written byte for byte.  Written beside and renamed.
 * FALSE with ATELIER_ERROR_UNSUPPORTED (the name), _FILE or _MEMORY. */
gboolean    atl_picture_save (const AtlPicture *picture, const char *path,
                              GError **error);
/* The same as the bytes of a PNG file; free with g_bytes_unref. */
GBytes     *atl_picture_to_png (const AtlPicture *picture, GError **error);
/* Width and height as atl_picture_load would give them, of the file's header
 * alone where the format allows.  FALSE with the errors of atl_picture_load. */
gboolean    atl_picture_probe (const char *path, int *width, int *height,
                               GError **error);
/* Whether a file of this name is a picture that atl_picture_load may read. */
gboolean    atl_picture_is_picture_name (const char *name);
/* Whether atl_picture_save can write a file of this name; FALSE with
 * ATELIER_ERROR_UNSUPPORTED, naming the formats. */
gboolean    atl_picture_check_name (const char *path, GError **error);

/* Pixels are not cleared.  icc: a reference is taken.  NULL with
 * ATELIER_ERROR_FORMAT (a side below 1) or _MEMORY. */
AtlPicture *atl_picture_new  (int width, int height, int channels,
                              gboolean has_alpha, AtlDepth depth, GBytes *icc,
                              GError **error);
void        atl_picture_free (AtlPicture *picture);

/* Copies a rectangle to or from floats in [0, 1].  channels: 1 or 3 samples of
 * colour, or 2 or 4 with alpha after them (1 where the picture has none; not
 * stored there).  Grey is spread when a picture of 1 channel is read as 3, and
 * read as 1 a colour picture gives its luma (Rec. 709 weights); writing is the
 * same the other way round.  With 1 or 3 alpha is left alone.  stride,
 * row_stride: floats between pixels and rows.  The rectangle lies within the
 * picture.  Writing rounds and clamps; a NaN counts as 0, both ways. */
void        atl_picture_get  (const AtlPicture *picture, int x, int y,
                              int width, int height, int channels, float *out,
                              gsize stride, gsize row_stride);
void        atl_picture_set  (AtlPicture *picture, int x, int y, int width,
                              int height, int channels, const float *in,
                              gsize stride, gsize row_stride);
/* Copies alpha (and nothing else) from a picture of the same size; opaque if it
 * has none.  Nothing if `to` has none. */
void        atl_picture_copy_alpha (AtlPicture *to, const AtlPicture *from);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPicture, atl_picture_free)

G_END_DECLS
