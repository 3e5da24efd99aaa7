/* Writing TIFF: 8 and 16 bits and float, Deflate with a predictor. */

#include "files/picture-format.h"

#include <string.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <tiffio.h>

#include "base/memory.h"

#define STRIP_BYTES (1u << 18) /* of a strip, about */
#define COMPRESSION 4          /* of 9: four times as fast as 6 */

typedef struct
{
  TIFF *tiff;
  const char *file;
  GError **error;
} Writer;

static int on_error (TIFF *, void *, const char *, const char *, va_list)
    G_GNUC_PRINTF (4, 0);
static int on_warning (TIFF *, void *, const char *, const char *, va_list)
    G_GNUC_PRINTF (4, 0);

static int
on_error (TIFF *tiff, void *user, const char *module, const char *format,
          va_list arguments)
{
  const Writer *writer = user;
  g_autofree char *message = g_strdup_vprintf (format, arguments);

  atl_picture_unwritten (writer->error, writer->file, message);
  return 1;
}

static int
on_warning (TIFF *tiff, void *user, const char *module, const char *format,
            va_list arguments)
{
  return 1;
}

static gboolean
write_fields (Writer *writer, const AtlPicture *picture)
{
  static const guint16 extra[] = { EXTRASAMPLE_UNASSALPHA };
  GBytes *icc = atl_picture_usable_icc (picture->icc, picture->channels);
  TIFF *tiff = writer->tiff;
  int samples = atl_picture_samples (picture);
  int bits = picture->depth == ATL_DEPTH_U8    ? 8
             : picture->depth == ATL_DEPTH_U16 ? 16
                                               : 32;
  gboolean real = picture->depth == ATL_DEPTH_FLOAT;
  gboolean good
      = TIFFSetField (tiff, TIFFTAG_IMAGEWIDTH, (guint32)picture->width)
        && TIFFSetField (tiff, TIFFTAG_IMAGELENGTH, (guint32)picture->height)
        && TIFFSetField (tiff, TIFFTAG_SAMPLESPERPIXEL, samples)
        && TIFFSetField (tiff, TIFFTAG_BITSPERSAMPLE, bits)
        && TIFFSetField (tiff, TIFFTAG_SAMPLEFORMAT,
                         real ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT)
        && TIFFSetField (tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG)
        && TIFFSetField (tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT)
        && TIFFSetField (tiff, TIFFTAG_PHOTOMETRIC,
                         picture->channels == 3 ? PHOTOMETRIC_RGB
                                                : PHOTOMETRIC_MINISBLACK)
        && TIFFSetField (tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE)
        && TIFFSetField (tiff, TIFFTAG_ZIPQUALITY, COMPRESSION)
        && TIFFSetField (tiff, TIFFTAG_PREDICTOR,
                         real ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL)
        && TIFFSetField (tiff, TIFFTAG_ROWSPERSTRIP,
                         (guint32)MAX (1, STRIP_BYTES / picture->row_bytes));

  if (good && picture->has_alpha)
    good = TIFFSetField (tiff, TIFFTAG_EXTRASAMPLES, 1, extra);
  if (good && icc != NULL)
    good = TIFFSetField (tiff, TIFFTAG_ICCPROFILE, (guint32)g_bytes_get_size (icc),
                         g_bytes_get_data (icc, NULL));
  return good;
}

static gboolean
write_rows (Writer *writer, const AtlPicture *picture)
{
  /* The predictor works in it. */
  atl_autofree guint8 *row
      = atl_try_alloc (picture->row_bytes, 1, writer->file, writer->error);

  if (row == NULL)
    return FALSE;
  for (int y = 0; y < picture->height; y++)
    {
      memcpy (row, picture->pixels + (gsize)y * picture->row_bytes,
              picture->row_bytes);
      if (TIFFWriteScanline (writer->tiff, row, (guint32)y, 0) < 0)
        return FALSE;
    }
  return TIFFWriteDirectory (writer->tiff) != 0;
}

gboolean
atl_tiff_save (const AtlPicture *picture, AtlOutput *output, const char *file,
               GError **error)
{
  Writer writer = { .file = file, .error = error };
  gboolean big = picture->row_bytes > G_MAXUINT32 / 2 / (gsize)picture->height;
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc ();
  int fd = dup (atl_output_get_fd (output));
  gboolean good;

  TIFFOpenOptionsSetErrorHandlerExtR (options, on_error, &writer);
  TIFFOpenOptionsSetWarningHandlerExtR (options, on_warning, &writer);
  writer.tiff = TIFFFdOpenExt (fd, file, big ? "w8" : "w", options);
  TIFFOpenOptionsFree (options);
  if (writer.tiff == NULL)
    {
      close (fd);
      return atl_picture_unwritten (error, file, _ ("libtiff can't write there"));
    }
  good = write_fields (&writer, picture) && write_rows (&writer, picture);
  TIFFClose (writer.tiff);
  /* What failed while closing has left its message. */
  if (good && *error == NULL)
    return TRUE;
  return atl_picture_unwritten (error, file, _ ("libtiff can't write it"));
}
