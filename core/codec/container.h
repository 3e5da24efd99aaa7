/* The .vqi file: its bytes, without a model and without decoding.
 *
 * All numbers are little-endian.  A file is
 *
 *   0  8  89 56 51 49 0D 0A 1A 0A  ("\211VQI\r\n\032\n")
 *   8  .  sections, each
 *           0  4  tag, four ASCII letters or blanks
 *           4  4  length N of the content
 *           8  N  content
 *       8 + N  4  CRC-32 (ISO 3309, as in PNG) of tag, length and content
 *
 * HEAD comes first and MODL second; codes come last, in the order of the
 * stages, so that a file that is cut short still holds the picture in a lower
 * quality.  A reader ignores sections that it doesn't know if their tag begins
 * with a small letter, and refuses the file otherwise.
 *
 *   HEAD   0  2  version, 1: a reader refuses a later one
 *          2  1  colour channels, 1 or 3
 *          3  1  depth of the samples: 0 8 bits, 1 16 bits, 2 float
 *          4  4  width    8  4  height of the picture, 1 to 2^24
 *         12  1  levels of codes, 1 or 2
 *         13  1  stages of each in this file, 1 to 16
 *         14  .  for each level, the coarsest first: 4 width, 4 height of its
 *                grid, 4 entries K of its codebooks, 1 to 65536
 *   MODL   0 16  the first half of the SHA-256 of the model's weights
 *         16  8  what is known of its codes: the first 8 bytes of the SHA-256
 *                of its context tables (contexts.h)
 *         24  .  name, UTF-8
 *   ALPH   0  1  bits a sample, 8 or 16
 *          1  2  levels that alpha was quantised to; 0: none, it is exact
 *          3  .  as alpha-coder.h says
 *   iccp   .  .  an ICC profile
 *   exif   .  .  an Exif block, from its TIFF header on
 *   xmp    .  .  an XMP packet (tag "xmp ")
 *   reso   0  4  horizontal and 4 vertical pixels an inch, in 65536ths
 *   CODE   0  1  level    1  1  stage, from 0
 *          2  1  coding (AtlCoding of plane-coder.h)
 *          3  .  as plane-coder.h says
 *
 * What is not there is not known: a picture without ALPH is opaque, one without
 * iccp is sRGB (or grey with its curve).
 */

#pragma once

#include "codec/plane-coder.h"

G_BEGIN_DECLS

#define ATL_VQI_VERSION 1
#define ATL_VQI_MAX_SIDE (1 << 24)

typedef struct
{
  int width, height, k;
} AtlVqiGrid;

typedef struct
{
  int        channels;
  AtlDepth   depth;
  int        width, height;
  int        n_levels, stages; /* stages: that the file was made with */
  AtlVqiGrid grids[ATL_MAX_LEVELS];

  guint8     model[16], contexts[8];
  char      *model_name;

  GBytes    *alpha; /* content of ALPH, or NULL */
  GBytes    *icc, *exif, *xmp;
  double     x_resolution, y_resolution; /* pixels an inch; 0: unknown */

  GBytes    *codes[ATL_MAX_LEVELS][ATL_MAX_STAGES]; /* without level, stage and
                                                       coding */
  AtlCoding  codings[ATL_MAX_LEVELS][ATL_MAX_STAGES];
  int        usable;    /* stages that are there in all levels: at least 1 */
  gboolean   cut_short; /* the rest is missing or damaged */
  gboolean   damaged;   /* something that is no pixel was left out */
  gsize      bytes;     /* of the file */
} AtlVqi;

AtlVqi  *atl_vqi_new       (void);
void     atl_vqi_free      (AtlVqi *vqi);

/* NULL with ATELIER_ERROR_FORMAT (no such file, or damaged where that can't be
 * left out) or _UNSUPPORTED (a later version's).  name: for messages.  Content
 * is shared with `bytes`, not copied. */
AtlVqi  *atl_vqi_parse     (GBytes *bytes, const char *name, GError **error);
/* The same of a file, which is read whole; also with ATELIER_ERROR_FILE or
 * _MEMORY. */
AtlVqi  *atl_vqi_open      (const char *path, GError **error);
/* NULL with ATELIER_ERROR_MEMORY. */
GBytes  *atl_vqi_serialise (const AtlVqi *vqi, GError **error);
/* FALSE with that or the error of writing. */
gboolean atl_vqi_save      (const AtlVqi *vqi, const char *path, GError **error);
/* Bytes of the file if it had so many stages. */
gsize    atl_vqi_measure   (const AtlVqi *vqi, int stages);
/* Whether these are the first bytes of such a file. */
gboolean atl_vqi_is_vqi    (const guint8 *data, gsize size);
/* The model's identity, 32 hexadecimal digits; free with g_free. */
char    *atl_vqi_model_id  (const AtlVqi *vqi);
/* CRC-32 of more bytes behind those that made `crc` (at first 0). */
guint32  atl_crc32         (guint32 crc, const guint8 *data, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlVqi, atl_vqi_free)

G_END_DECLS
