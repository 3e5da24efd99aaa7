/* What several picture formats need: orientation, ink, alpha, profiles; see
 * picture-format.h. */

#include "files/picture-format.h"

#include <string.h>

#include <lcms2.h>

#define CHUNK 256 /* pixels at a time */

#define ICC_SPACE_AT 16 /* bytes before the signature of a profile's colour space */
#define ICC_HEADER 128

GBytes *
atl_picture_usable_icc (GBytes *icc, int channels)
{
  gsize size = 0;
  const guint8 *data = icc != NULL ? g_bytes_get_data (icc, &size) : NULL;

  if (size < ICC_HEADER
      || memcmp (data + ICC_SPACE_AT, channels == 1 ? "GRAY" : "RGB ", 4) != 0)
    return NULL;
  return icc;
}

/* Orientation: EXIF 2.3, tag 0x0112 of the first directory of a TIFF header. */

static guint32
exif_number (const guint8 *data, int n, gboolean big)
{
  guint32 value = 0;

  for (int i = 0; i < n; i++)
    value |= (guint32)data[i] << 8 * (big ? n - 1 - i : i);
  return value;
}

int
atl_exif_orientation (const guint8 *data, gsize size)
{
  gboolean big;
  guint32 at, n;

  if (size >= 6 && memcmp (data, "Exif\0\0", 6) == 0)
    {
      data += 6;
      size -= 6;
    }
  if (size < 8
      || (memcmp (data, "II*\0", 4) != 0 && memcmp (data, "MM\0*", 4) != 0))
    return 1;
  big = data[0] == 'M';
  at = exif_number (data + 4, 4, big);
  if (at > size - 2)
    return 1;
  n = exif_number (data + at, 2, big);
  for (gsize entry = (gsize)at + 2; n > 0 && entry + 12 <= size; n--, entry += 12)
    if (exif_number (data + entry, 2, big) == 0x0112)
      {
        guint32 value = exif_number (data + entry + 8, 2, big);

        return value >= 1 && value <= 8 ? (int)value : 1;
      }
  return 1;
}

/* Where pixel (x, y) of the turned picture comes from: first + x * step_x +
 * y * step_y, in pixels of the stored one. */
static void
turn_steps (int orientation, gssize w, gssize h, gssize *first, gssize *step_x,
            gssize *step_y)
{
  gboolean mirror_x = orientation == 2 || orientation == 3 || orientation == 7
                      || orientation == 8; /* the stored columns run backwards */
  gboolean mirror_y = orientation == 3 || orientation == 4 || orientation == 6
                      || orientation == 7;
  gssize along_x = mirror_x ? -1 : 1;
  gssize along_y = mirror_y ? -w : w;

  *first = (mirror_x ? w - 1 : 0) + (mirror_y ? (h - 1) * w : 0);
  *step_x = orientation >= 5 ? along_y : along_x;
  *step_y = orientation >= 5 ? along_x : along_y;
}

AtlPicture *
atl_picture_turn (AtlPicture *picture, int orientation, GError **error)
{
  gsize pixel = picture->row_bytes / (gsize)picture->width;
  gboolean swap = orientation >= 5;
  gssize first, step_x, step_y;
  AtlPicture *turned;

  if (orientation <= 1 || orientation > 8)
    return picture;
  turned
      = atl_picture_new (swap ? picture->height : picture->width,
                         swap ? picture->width : picture->height, picture->channels,
                         picture->has_alpha, picture->depth, picture->icc, error);
  if (turned == NULL)
    {
      atl_picture_free (picture);
      return NULL;
    }
  turn_steps (orientation, picture->width, picture->height, &first, &step_x,
              &step_y);
  for (gssize y = 0; y < turned->height; y++)
    {
      guint8 *to = turned->pixels + (gsize)y * turned->row_bytes;
      const guint8 *from = picture->pixels + (first + y * step_y) * (gssize)pixel;

      for (int x = 0; x < turned->width;
           x++, to += pixel, from += step_x * (gssize)pixel)
        memcpy (to, from, pixel);
    }
  atl_picture_free (picture);
  return turned;
}

/* n pixels whose last sample is alpha. */
static void
unpremultiply (float *pixel, int n, int samples)
{
  for (int i = 0; i < n; i++, pixel += samples)
    {
      float alpha = pixel[samples - 1];

      for (int c = 0; c < samples - 1 && alpha > 0.0f; c++)
        pixel[c] /= alpha;
    }
}

void
atl_picture_unpremultiply (AtlPicture *picture)
{
  int samples = atl_picture_samples (picture);
  float part[CHUNK * 4];

  if (!picture->has_alpha)
    return;
  for (int y = 0; y < picture->height; y++)
    for (int x = 0; x < picture->width; x += CHUNK)
      {
        int n = MIN (CHUNK, picture->width - x);

        atl_picture_get (picture, x, y, n, 1, samples, part, (gsize)samples, 0);
        unpremultiply (part, n, samples);
        atl_picture_set (picture, x, y, n, 1, samples, part, (gsize)samples, 0);
      }
}

/* Ink. */

struct _AtlInk
{
  cmsContext context;
  cmsHTRANSFORM transform; /* NULL: the plain formula */
  AtlDepth depth;
};

AtlInk *
atl_ink_new (GBytes *icc, AtlDepth depth)
{
  AtlInk *ink = g_new0 (AtlInk, 1);
  gsize size = 0;
  const void *data = icc != NULL ? g_bytes_get_data (icc, &size) : NULL;
  cmsHPROFILE from, to;

  ink->depth = depth;
  ink->context = cmsCreateContext (NULL, NULL);
  if (ink->context == NULL || data == NULL || size > G_MAXINT32)
    return ink;
  from = cmsOpenProfileFromMemTHR (ink->context, data, (cmsUInt32Number)size);
  to = from != NULL ? cmsCreate_sRGBProfileTHR (ink->context) : NULL;
  if (to != NULL && cmsGetColorSpace (from) == cmsSigCmykData)
    ink->transform = cmsCreateTransformTHR (
        ink->context, from, depth == ATL_DEPTH_U8 ? TYPE_CMYK_8 : TYPE_CMYK_16, to,
        depth == ATL_DEPTH_U8 ? TYPE_RGB_8 : TYPE_RGB_16,
        INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_BLACKPOINTCOMPENSATION);
  if (to != NULL)
    cmsCloseProfile (to);
  if (from != NULL)
    cmsCloseProfile (from);
  return ink;
}

void
atl_ink_free (AtlInk *ink)
{
  if (ink == NULL)
    return;
  if (ink->transform != NULL)
    cmsDeleteTransform (ink->transform);
  if (ink->context != NULL)
    cmsDeleteContext (ink->context);
  g_free (ink);
}

void
atl_ink_row (AtlInk *ink, const void *cmyk, void *rgb, int n)
{
  if (ink->transform != NULL)
    cmsDoTransform (ink->transform, cmyk, rgb, (cmsUInt32Number)n);
  else if (ink->depth == ATL_DEPTH_U8)
    {
      const guint8 *from = cmyk;
      guint8 *to = rgb;

      for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
          to[3 * i + c]
              = (guint8)(((255 - from[4 * i + c]) * (255 - from[4 * i + 3]) + 127)
                         / 255);
    }
  else
    {
      const guint16 *from = cmyk;
      guint16 *to = rgb;

      for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
          to[3 * i + c] = (guint16)(((guint64)(65535 - from[4 * i + c])
                                         * (65535 - from[4 * i + 3])
                                     + 32767)
                                    / 65535);
    }
}
