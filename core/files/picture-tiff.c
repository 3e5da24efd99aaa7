/* TIFF through libtiff, first page; writing is in picture-tiff-save.c.
 *
 * Read as they are: grey, RGB and CMYK of 8 and 16 bits and 32-bit float, in
 * strips or tiles, samples together or apart.  Everything else that libtiff can
 * turn into 8-bit RGBA (palettes, 1 to 4 bits, Lab, YCbCr) is read through that.
 */

#include "files/picture-format.h"

#include <string.h>

#include <glib/gi18n-lib.h>
#include <tiffio.h>

#include "base/buffer.h"
#include "base/memory.h"

/* Bytes that may be asked for at once: no compression of TIFF packs more than
 * some thousand bytes into one. */
#define FREE_ALLOCATION (64u << 20)
#define MAX_EXPANSION 2048
#define FREE_PIXELS (64 << 20) /* that a file of any size may claim */

typedef struct
{
  TIFF *tiff;
  const char *file;
  GError **error;
  const guint8 *data; /* the file's bytes; NULL: they are in fd */
  int fd;
  gsize size, at;

  /* What the directory says. */
  guint32 width, height;
  guint16 bits, samples, format, photometric, planar;
  int alpha; /* index of alpha's sample, 0: none */
  gboolean premultiplied;
  int orientation;
  gboolean cut; /* a field is missing */

  AtlPicture *picture;
  AtlInk *ink;
  guint8 *row; /* of ink */
} Tiff;

static gboolean
matches (const guint8 *data, gsize size)
{
  return size >= 8
         && (memcmp (data, "II*\0", 4) == 0 || memcmp (data, "MM\0*", 4) == 0
             || memcmp (data, "II+\0", 4) == 0 || memcmp (data, "MM\0+", 4) == 0);
}

/* libtiff's messages: the first one is the error. */

static int on_error (TIFF *, void *, const char *, const char *, va_list)
    G_GNUC_PRINTF (4, 0);
static int on_warning (TIFF *, void *, const char *, const char *, va_list)
    G_GNUC_PRINTF (4, 0);

static int
on_error (TIFF *tiff, void *user, const char *module, const char *format,
          va_list arguments)
{
  Tiff *job = user;
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  g_autofree char *shown = atl_display_text (message); /* it may quote the file */

  atl_picture_damaged (job->error, job->file, shown);
  return 1;
}

/* libtiff warns, and goes on, where a field of the directory lies past the end
 * of the file. */
static int
on_warning (TIFF *tiff, void *user, const char *module, const char *format,
            va_list arguments)
{
  Tiff *job = user;

  job->cut = job->cut || strstr (format, "IO error") != NULL;
  return 1;
}

static gsize
most_bytes (const Tiff *job)
{
  return FREE_ALLOCATION + MIN (job->size, G_MAXINT32) * MAX_EXPANSION;
}

/* NULL, perhaps with the error set, for what the file can't justify. */
static gpointer
allocate (const Tiff *job, gsize bytes)
{
  return bytes <= most_bytes (job) ? atl_try_alloc (bytes, 1, job->file, job->error)
                                   : NULL;
}

static TIFFOpenOptions *
make_options (Tiff *job)
{
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc ();

  TIFFOpenOptionsSetErrorHandlerExtR (options, on_error, job);
  TIFFOpenOptionsSetWarningHandlerExtR (options, on_warning, job);
  TIFFOpenOptionsSetMaxSingleMemAlloc (
      options, (tmsize_t)MIN (most_bytes (job), G_MAXINT32));
  return options;
}

/* libtiff's view of the file. */

static tmsize_t
on_read (thandle_t handle, void *out, tmsize_t n)
{
  Tiff *job = (Tiff *)handle;
  gsize left = job->size - MIN (job->at, job->size);
  gsize size = MIN ((gsize)n, left);

  if (job->data == NULL)
    {
      if (!atl_file_read_at (job->fd, out, size, job->at, job->file, NULL))
        return -1;
    }
  else if (size > 0)
    memcpy (out, job->data + job->at, size);
  job->at += size;
  return (tmsize_t)size;
}

static tmsize_t
on_write (thandle_t handle, void *data, tmsize_t n)
{
  return 0;
}

static toff_t
on_seek (thandle_t handle, toff_t offset, int whence)
{
  Tiff *job = (Tiff *)handle;

  job->at = whence == SEEK_SET   ? offset
            : whence == SEEK_CUR ? job->at + offset
                                 : job->size + offset;
  return job->at;
}

static int
on_close (thandle_t handle)
{
  return 0;
}

static toff_t
on_size (thandle_t handle)
{
  return ((Tiff *)handle)->size;
}

static int
on_map (thandle_t handle, void **base, toff_t *size)
{
  Tiff *job = (Tiff *)handle;

  *base = (void *)job->data;
  *size = job->size;
  return job->data != NULL;
}

static void
on_unmap (thandle_t handle, void *base, toff_t size)
{
}

/* Reading. */

static void
read_alpha (Tiff *job)
{
  guint16 n = 0, *kinds = NULL;
  int colours = job->photometric == PHOTOMETRIC_SEPARATED    ? 4
                : job->photometric <= PHOTOMETRIC_MINISBLACK ? 1
                                                             : 3;

  TIFFGetFieldDefaulted (job->tiff, TIFFTAG_EXTRASAMPLES, &n, &kinds);
  if (n == 0 || job->samples <= colours)
    return;
  job->alpha = colours;
  job->premultiplied = kinds[0] == EXTRASAMPLE_ASSOCALPHA;
}

/* Where the file is, its name and `error` are set already. */
static gboolean
open_reader (Tiff *job)
{
  const char *file = job->file;
  GError **error = job->error;
  TIFFOpenOptions *options;
  AtlPictureInfo info;
  guint16 orientation = 1, compression = 0;

  options = make_options (job);
  job->tiff = TIFFClientOpenExt (file, "r", job, on_read, on_write, on_seek,
                                 on_close, on_size, on_map, on_unmap, options);
  TIFFOpenOptionsFree (options);
  if (job->tiff == NULL)
    return atl_picture_damaged (error, file, _ ("its directory is damaged"));
  TIFFGetField (job->tiff, TIFFTAG_IMAGEWIDTH, &job->width);
  TIFFGetField (job->tiff, TIFFTAG_IMAGELENGTH, &job->height);
  TIFFGetFieldDefaulted (job->tiff, TIFFTAG_BITSPERSAMPLE, &job->bits);
  TIFFGetFieldDefaulted (job->tiff, TIFFTAG_SAMPLESPERPIXEL, &job->samples);
  TIFFGetFieldDefaulted (job->tiff, TIFFTAG_SAMPLEFORMAT, &job->format);
  TIFFGetFieldDefaulted (job->tiff, TIFFTAG_PLANARCONFIG, &job->planar);
  TIFFGetFieldDefaulted (job->tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted (job->tiff, TIFFTAG_ORIENTATION, &orientation);
  if (!TIFFGetField (job->tiff, TIFFTAG_PHOTOMETRIC, &job->photometric))
    job->photometric = job->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  job->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  if (job->photometric == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG
      && job->planar == PLANARCONFIG_CONTIG
      && TIFFSetField (job->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB))
    job->photometric = PHOTOMETRIC_RGB;
  if (job->width < 1 || job->height < 1 || job->width > G_MAXINT32
      || job->height > G_MAXINT32)
    return atl_picture_damaged (error, file, _ ("its size is impossible"));
  if (job->cut)
    return atl_picture_damaged (error, file, _ ("it is cut off"));
  info = (AtlPictureInfo){ (int)job->width, (int)job->height, 1 };
  if ((guint64)job->width * job->height > FREE_PIXELS
      && !atl_picture_check_claim (&info, job->size, file, error))
    return FALSE;
  read_alpha (job);
  return TRUE;
}

static void
close_reader (Tiff *job)
{
  if (job->tiff != NULL)
    TIFFClose (job->tiff);
  g_clear_pointer (&job->ink, atl_ink_free);
  atl_free (job->row);
}

/* Whether samples can be taken as they are stored. */
static gboolean
is_plain (const Tiff *job)
{
  gboolean whole
      = (job->bits == 8 || job->bits == 16) && job->format == SAMPLEFORMAT_UINT;
  gboolean real = job->bits == 32 && job->format == SAMPLEFORMAT_IEEEFP;

  if (job->photometric == PHOTOMETRIC_SEPARATED)
    return whole && job->samples >= 4 && job->planar == PLANARCONFIG_CONTIG;
  if (job->photometric == PHOTOMETRIC_RGB)
    return (whole || real) && job->samples >= 3;
  return (job->photometric == PHOTOMETRIC_MINISBLACK
          || job->photometric == PHOTOMETRIC_MINISWHITE)
         && (whole || real);
}

static void
invert (const Tiff *job, guint8 *samples, gsize n)
{
  guint16 *u16 = (guint16 *)(void *)samples;
  float *real = (float *)(void *)samples;

  for (gsize i = 0; i < n; i++)
    if (job->bits == 8)
      samples[i] = (guint8)(255 - samples[i]);
    else if (job->bits == 16)
      u16[i] = (guint16)(65535 - u16[i]);
    else
      real[i] = 1.0f - real[i];
}

/* Puts n stored pixels into the picture at (x, y).  plane: -1 if a pixel's
 * samples lie together, else the sample that `from` holds. */
static void
store (Tiff *job, const guint8 *from, guint32 x, guint32 y, guint32 n, int plane)
{
  AtlPicture *picture = job->picture;
  gsize size = job->bits / 8;
  gsize samples = (gsize)atl_picture_samples (picture);
  gsize stored = plane < 0 ? job->samples : 1;
  guint8 *to = picture->pixels + (gsize)y * picture->row_bytes + x * samples * size;

  if (plane < 0 && stored == samples)
    memcpy (to, from, n * samples * size);
  else
    for (gsize s = 0; s < samples; s++)
      {
        int source = s < (gsize)picture->channels ? (int)s : job->alpha;

        if (plane >= 0 && plane != source)
          continue;
        for (gsize i = 0; i < n; i++)
          memcpy (to + (i * samples + s) * size,
                  from + (i * stored + (plane < 0 ? (gsize)source : 0)) * size,
                  size);
      }
}

/* The same for ink: colour through the profile, alpha beside it. */
static void
store_ink (Tiff *job, const guint8 *from, guint32 x, guint32 y, guint32 n)
{
  AtlPicture *picture = job->picture;
  gsize size = job->bits / 8;
  gsize samples = (gsize)atl_picture_samples (picture);
  gsize stored = job->samples;
  guint8 *to = picture->pixels + (gsize)y * picture->row_bytes + x * samples * size;
  guint8 *cmyk = job->row, *rgb = job->row + (gsize)n * 4 * size;

  for (gsize i = 0; i < n; i++)
    memcpy (cmyk + i * 4 * size, from + i * stored * size, 4 * size);
  atl_ink_row (job->ink, cmyk, rgb, (int)n);
  for (gsize i = 0; i < n; i++)
    {
      memcpy (to + i * samples * size, rgb + i * 3 * size, 3 * size);
      if (picture->has_alpha)
        memcpy (to + (i * samples + 3) * size,
                from + (i * stored + (gsize)job->alpha) * size, size);
    }
}

static void
store_any (Tiff *job, const guint8 *from, guint32 x, guint32 y, guint32 n,
           int plane)
{
  if (job->ink != NULL)
    store_ink (job, from, x, y, n);
  else
    store (job, from, x, y, n, plane);
}

static gboolean
read_strips (Tiff *job, int plane)
{
  atl_autofree guint8 *line = NULL;
  tmsize_t size = TIFFScanlineSize (job->tiff);
  gsize needed
      = (gsize)job->width * (plane < 0 ? job->samples : 1u) * (job->bits / 8u);

  if (size <= 0 || (gsize)size < needed)
    return FALSE;
  line = allocate (job, (gsize)size);
  if (line == NULL)
    return FALSE;
  for (guint32 y = 0; y < job->height; y++)
    {
      if (TIFFReadScanline (job->tiff, line, y, (guint16)MAX (plane, 0)) < 0)
        return FALSE;
      store_any (job, line, 0, y, job->width, plane);
    }
  return TRUE;
}

static gboolean
read_tiles (Tiff *job, int plane)
{
  atl_autofree guint8 *tile = NULL;
  tmsize_t size = TIFFTileSize (job->tiff);
  guint32 tile_width = 0, tile_height = 0;
  gsize pixel = (plane < 0 ? job->samples : 1u) * (gsize)(job->bits / 8u);
  gsize needed = 0;

  TIFFGetField (job->tiff, TIFFTAG_TILEWIDTH, &tile_width);
  TIFFGetField (job->tiff, TIFFTAG_TILELENGTH, &tile_height);
  if (size <= 0 || tile_width == 0 || tile_height == 0
      || !g_size_checked_mul (&needed, tile_width * pixel, tile_height)
      || (gsize)size < needed)
    return FALSE;
  tile = allocate (job, (gsize)size);
  if (tile == NULL)
    return FALSE;
  for (guint64 y = 0; y < job->height; y += tile_height)
    for (guint64 x = 0; x < job->width; x += tile_width)
      {
        guint32 n = (guint32)MIN (tile_width, job->width - x);
        guint32 rows = (guint32)MIN (tile_height, job->height - y);

        if (TIFFReadTile (job->tiff, tile, (guint32)x, (guint32)y, 0,
                          (guint16)MAX (plane, 0))
            < 0)
          return FALSE;
        for (guint32 row = 0; row < rows; row++)
          store_any (job, tile + (gsize)row * tile_width * pixel, (guint32)x,
                     (guint32)y + row, n, plane);
      }
  return TRUE;
}

/* Every plane that the picture has a place for, or all at once. */
static gboolean
read_planes (Tiff *job)
{
  gboolean tiled = TIFFIsTiled (job->tiff) != 0;
  int samples = atl_picture_samples (job->picture);

  if (job->planar == PLANARCONFIG_CONTIG || job->samples == 1)
    return tiled ? read_tiles (job, -1) : read_strips (job, -1);
  for (int s = 0; s < samples; s++)
    {
      int plane = s < job->picture->channels ? s : job->alpha;

      if (!(tiled ? read_tiles (job, plane) : read_strips (job, plane)))
        return FALSE;
    }
  return TRUE;
}

/* White-is-zero grey: alpha is not inverted. */
static void
invert_grey (Tiff *job)
{
  AtlPicture *picture = job->picture;
  gsize samples = (gsize)atl_picture_samples (picture);
  gsize size = job->bits / 8;

  for (int y = 0; y < picture->height; y++)
    {
      guint8 *row = picture->pixels + (gsize)y * picture->row_bytes;

      if (samples == 1)
        invert (job, row, (gsize)picture->width);
      else
        for (int x = 0; x < picture->width; x++)
          invert (job, row + (gsize)x * samples * size, 1);
    }
}

static gboolean
read_plain (Tiff *job, GBytes *icc)
{
  gboolean ink = job->photometric == PHOTOMETRIC_SEPARATED;
  int channels = ink || job->photometric == PHOTOMETRIC_RGB ? 3 : 1;
  AtlDepth depth = job->bits == 8    ? ATL_DEPTH_U8
                   : job->bits == 16 ? ATL_DEPTH_U16
                                     : ATL_DEPTH_FLOAT;

  job->picture = atl_picture_new (
      (int)job->width, (int)job->height, channels, job->alpha > 0, depth,
      ink ? NULL : atl_picture_usable_icc (icc, channels), job->error);
  if (job->picture == NULL)
    return FALSE;
  if (ink)
    {
      job->ink = atl_ink_new (icc, depth);
      job->row = allocate (job, (gsize)job->width * 7 * sizeof (guint16));
      if (job->row == NULL)
        return FALSE;
    }
  if (!read_planes (job))
    return FALSE;
  if (job->photometric == PHOTOMETRIC_MINISWHITE)
    invert_grey (job);
  if (job->premultiplied)
    atl_picture_unpremultiply (job->picture);
  return TRUE;
}

/* Rows y .. y+rows-1 of libtiff's own conversion into the picture. */
static void
store_rgba (AtlPicture *picture, const guint32 *raster, guint32 y, guint32 rows)
{
  gsize samples = (gsize)atl_picture_samples (picture);

  for (guint32 row = 0; row < rows; row++)
    {
      const guint32 *from = raster + (gsize)row * (gsize)picture->width;
      guint8 *to = picture->pixels + (gsize)(y + row) * picture->row_bytes;

      for (int x = 0; x < picture->width; x++, to += samples)
        {
          to[0] = (guint8)TIFFGetR (from[x]);
          if (picture->channels == 3)
            {
              to[1] = (guint8)TIFFGetG (from[x]);
              to[2] = (guint8)TIFFGetB (from[x]);
            }
          if (picture->has_alpha)
            to[picture->channels] = (guint8)TIFFGetA (from[x]);
        }
    }
}

/* A band is as many rows as lie in one strip or row of tiles. */
static gboolean
read_bands (Tiff *job, TIFFRGBAImage *image)
{
  atl_autofree guint32 *raster = NULL;
  guint32 band = 0;
  gsize pixels = 0;

  TIFFGetFieldDefaulted (
      job->tiff,
      TIFFIsTiled (job->tiff) ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, &band);
  band = CLAMP (band, 1, job->height);
  if (g_size_checked_mul (&pixels, band, job->width)
      && pixels < G_MAXSIZE / sizeof *raster)
    raster = allocate (job, pixels * sizeof *raster);
  if (raster == NULL)
    return FALSE;
  image->req_orientation = image->orientation; /* turned later, if at all */
  for (guint32 y = 0; y < job->height; y += band)
    {
      guint32 rows = MIN (band, job->height - y);

      image->row_offset = (int)y;
      image->col_offset = 0;
      if (!TIFFRGBAImageGet (image, raster, job->width, rows))
        return FALSE;
      store_rgba (job->picture, raster, y, rows);
      if (job->height - y <= band)
        break;
    }
  return TRUE;
}

static gboolean
read_converted (Tiff *job, GBytes *icc)
{
  gboolean grey = job->photometric == PHOTOMETRIC_MINISBLACK
                  || job->photometric == PHOTOMETRIC_MINISWHITE;
  gboolean ink = job->photometric == PHOTOMETRIC_SEPARATED;
  char message[1024] = "";
  TIFFRGBAImage image;
  gboolean good;

  if (!TIFFRGBAImageOK (job->tiff, message)
      || !TIFFRGBAImageBegin (&image, job->tiff, 1, message))
    {
      g_clear_error (job->error);
      g_set_error (job->error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("%s is a kind of TIFF that can't be read: %s"), job->file,
                   message);
      return FALSE;
    }
  job->picture = atl_picture_new (
      (int)job->width, (int)job->height, grey ? 1 : 3, image.alpha != 0,
      ATL_DEPTH_U8, ink ? NULL : atl_picture_usable_icc (icc, grey ? 1 : 3),
      job->error);
  good = job->picture != NULL && read_bands (job, &image);
  TIFFRGBAImageEnd (&image);
  if (good && job->picture->has_alpha)
    atl_picture_unpremultiply (job->picture);
  return good;
}

static AtlPicture *
load (GBytes *bytes, const char *file, int *orientation, GError **error)
{
  g_autoptr (GBytes) icc = NULL;
  gboolean good = FALSE;
  guint32 icc_size = 0;
  void *icc_data = NULL;
  Tiff job = { .file = file, .error = error };

  job.data = g_bytes_get_data (bytes, &job.size);
  if (open_reader (&job))
    {
      if (TIFFGetField (job.tiff, TIFFTAG_ICCPROFILE, &icc_size, &icc_data))
        icc = atl_bytes_copy (icc_data, icc_size, file, error);
      if (icc == NULL && icc_size > 0)
        good = FALSE;
      else
        good
            = is_plain (&job) ? read_plain (&job, icc) : read_converted (&job, icc);
      if (!good)
        atl_picture_damaged (error, file, _ ("its data are damaged"));
    }
  *orientation = job.orientation;
  close_reader (&job);
  if (!good)
    g_clear_pointer (&job.picture, atl_picture_free);
  else
    g_clear_error (error); /* libtiff also complains about what it can repair */
  return job.picture;
}

static gboolean
probe_file (int fd, gsize size, const char *file, AtlPictureInfo *info,
            GError **error)
{
  Tiff job = { .fd = fd, .size = size, .file = file, .error = error };
  gboolean good = open_reader (&job);

  info->width = (int)job.width;
  info->height = (int)job.height;
  info->orientation = job.orientation;
  close_reader (&job);
  if (good)
    g_clear_error (error);
  return good;
}

const AtlPictureFormat atl_picture_tiff = {
  .name = "TIFF",
  .extensions = { "tif", "tiff" },
  .matches = matches,
  .load = load,
  .probe_file = probe_file,
  .save = atl_tiff_save,
};
