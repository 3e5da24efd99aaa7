/* What picture.c and the files that know one format each (picture-png.c ...)
 * have in common. */

#pragma once

#include "files/file-util.h"
#include "files/picture.h"

G_BEGIN_DECLS

/* What a file says about its picture before the pixels. */
typedef struct
{
  int width, height;
  int orientation; /* EXIF: 1 .. 8 */
} AtlPictureInfo;

typedef struct
{
  const char *name;          /* "PNG" */
  const char *extensions[4]; /* lower case; the first is the usual one */
  gboolean (*matches) (const guint8 *data, gsize size);
  /* file: for messages.  orientation: as in AtlPictureInfo; not carried out. */
  AtlPicture *(*load) (GBytes *bytes, const char *file, int *orientation,
                       GError **error);
  /* bytes: all of the file, or its first ones; FALSE where these don't tell. */
  gboolean (*probe) (GBytes *bytes, const char *file, AtlPictureInfo *info,
                     GError **error);
  /* Instead, where what is wanted may lie anywhere.  fd: the open file. */
  gboolean (*probe_file) (int fd, gsize size, const char *file,
                          AtlPictureInfo *info, GError **error);
  gboolean (*save) (const AtlPicture *picture, AtlOutput *output, const char *file,
                    GError **error);
} AtlPictureFormat;

extern const AtlPictureFormat atl_picture_png;
extern const AtlPictureFormat atl_picture_jpeg;
extern const AtlPictureFormat atl_picture_tiff;
extern const AtlPictureFormat atl_picture_webp;

/* picture-tiff-save.c: `save` of TIFF. */
gboolean atl_tiff_save (const AtlPicture *picture, AtlOutput *output, const char *file,
                        GError **error);

/* "FILE is not a picture that can be read: REASON", unless *error is set
 * already.  Always FALSE. */
gboolean atl_picture_damaged (GError **error, const char *file, const char *reason);
/* Whether a file of this many bytes may hold a picture of this size: no PNG or
 * JPEG has more than some ten thousand pixels a byte.  (A WebP or a TIFF of one
 * colour can.)  FALSE with the error. */
gboolean atl_picture_check_claim (const AtlPictureInfo *info, gsize size, const char *file,
                                  GError **error);
/* "FILE can't be written: REASON", likewise. */
gboolean atl_picture_unwritten (GError **error, const char *file, const char *reason);

static inline int
atl_picture_samples (const AtlPicture *picture)
{
  return picture->channels + (picture->has_alpha ? 1 : 0);
}

/* Row y of the picture in another depth, as interleaved samples: its own, or
 * with RGB for grey.  alpha: whether one more sample follows. */
void atl_picture_get_row (const AtlPicture *picture, int y, AtlDepth depth, int channels,
                          gboolean alpha, void *out);

/* The profile, if one of this many channels can carry it. */
GBytes *atl_picture_usable_icc (GBytes *icc, int channels);

/* The orientation in EXIF data ("Exif\0\0" in front or not); 1 if there is
 * none. */
int atl_exif_orientation (const guint8 *data, gsize size);
/* The picture turned as `orientation` asks; takes `picture`, and frees it if it
 * fails with ATELIER_ERROR_MEMORY. */
AtlPicture *atl_picture_turn (AtlPicture *picture, int orientation, GError **error);
/* Divides colour by alpha, where that is not 0. */
void atl_picture_unpremultiply (AtlPicture *picture);

/* From ink to sRGB: through the profile of the file, or with the plain formula
 * where it has none. */
typedef struct _AtlInk AtlInk;

/* depth: ATL_DEPTH_U8 or _U16.  icc may be NULL.  Never NULL. */
AtlInk *atl_ink_new (GBytes *icc, AtlDepth depth);
void    atl_ink_free (AtlInk *ink);
/* n pixels of C M Y K (0: no ink) to R G B. */
void    atl_ink_row (AtlInk *ink, const void *cmyk, void *rgb, int n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlInk, atl_ink_free)

G_END_DECLS
