/* JPEG through libjpeg-turbo: grey, RGB and CMYK are read (8 bits); written are
 * grey and RGB with quality 95 and full chroma.
 *
 * libjpeg goes on over damaged data with a warning; here that is an error. */

#include "files/picture-format.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <glib/gi18n-lib.h>
#include <jpeglib.h>
#include <jerror.h> /* needs what jpeglib.h defines */

#include "base/memory.h"

#define QUALITY 95
#define BUFFER 65536
#define ASK_FROM (16 << 20) /* pixels */
#define MAX_SCANS 500 /* a progressive file with more is made to take forever */

typedef struct
{
  struct jpeg_error_mgr manager; /* first: libjpeg knows only this */
  jmp_buf jump;
  gboolean writing;
  const char *file;
  GError **error;
} Errors;

static void
on_error (j_common_ptr jpeg)
{
  Errors *errors = (Errors *)jpeg->err;
  char message[JMSG_LENGTH_MAX];

  jpeg->err->format_message (jpeg, message);
  if (errors->writing)
    atl_picture_unwritten (errors->error, errors->file, message);
  else
    atl_picture_damaged (errors->error, errors->file, message);
  longjmp (errors->jump, 1);
}

static void
on_message (j_common_ptr jpeg, int level)
{
  if (level >= 0)
    return;
  switch (jpeg->err->msg_code)
    {
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HIT_MARKER:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
      on_error (jpeg);
      break;
    default: /* stray bytes between the parts: harmless */
      break;
    }
}

static void
on_output_message (j_common_ptr jpeg)
{
}

static struct jpeg_error_mgr *
errors_init (Errors *errors, gboolean writing, const char *file, GError **error)
{
  jpeg_std_error (&errors->manager);
  errors->manager.error_exit = on_error;
  errors->manager.emit_message = on_message;
  errors->manager.output_message = on_output_message;
  errors->writing = writing;
  errors->file = file;
  errors->error = error;
  return &errors->manager;
}

static gboolean
matches (const guint8 *data, gsize size)
{
  return size >= 3 && memcmp (data, "\xff\xd8\xff", 3) == 0;
}

/* Reading. */

typedef struct
{
  struct jpeg_decompress_struct jpeg;
  Errors errors;
  struct jpeg_progress_mgr progress;
  AtlPicture *picture;
  GBytes *icc;
  AtlInk *ink;
  guint8 *row; /* of ink */
} Reader;

static void
on_progress (j_common_ptr common)
{
  j_decompress_ptr jpeg = (j_decompress_ptr)common;

  if (jpeg->input_scan_number > MAX_SCANS)
    {
      Errors *errors = (Errors *)common->err;

      atl_picture_damaged (errors->error, errors->file,
                           _ ("it has too many scans"));
      longjmp (errors->jump, 1);
    }
}

static void
read_header (Reader *reader, GBytes *bytes, AtlPictureInfo *info)
{
  j_decompress_ptr jpeg = &reader->jpeg;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  jpeg_create_decompress (jpeg);
  reader->progress.progress_monitor = on_progress;
  jpeg->progress = &reader->progress;
  jpeg_mem_src (jpeg, data, size);
  jpeg_save_markers (jpeg, JPEG_APP0 + 1, 0xffff); /* EXIF */
  jpeg_save_markers (jpeg, JPEG_APP0 + 2, 0xffff); /* ICC */
  jpeg_read_header (jpeg, TRUE);
  info->width = (int)jpeg->image_width;
  info->height = (int)jpeg->image_height;
  for (jpeg_saved_marker_ptr m = jpeg->marker_list; m != NULL; m = m->next)
    if (m->marker == JPEG_APP0 + 1 && m->data_length >= 6
        && memcmp (m->data, "Exif\0\0", 6) == 0)
      {
        info->orientation = atl_exif_orientation (m->data, m->data_length);
        break;
      }
}

static GBytes *
read_icc (j_decompress_ptr jpeg)
{
  JOCTET *data = NULL;
  unsigned int size = 0;

  if (!jpeg_read_icc_profile (jpeg, &data, &size))
    return NULL;
  return g_bytes_new_with_free_func (data, size, free, data);
}

/* A progressive file keeps its coefficients in memory, six bytes or more a
 * pixel: libjpeg is told how much there is. */
static void
limit_memory (j_decompress_ptr jpeg)
{
  guint64 available = 0;

  if ((guint64)jpeg->image_width * jpeg->image_height >= ASK_FROM)
    available = atl_memory_available ();
  if (available > 0)
    jpeg->mem->max_memory_to_use = (long)MIN (available, G_MAXLONG);
}

static void
read_rows (Reader *reader)
{
  j_decompress_ptr jpeg = &reader->jpeg;
  AtlPicture *picture = reader->picture;
  gboolean inverted = jpeg->saw_Adobe_marker;

  while (jpeg->output_scanline < jpeg->output_height)
    {
      guint8 *to = picture->pixels + jpeg->output_scanline * picture->row_bytes;
      JSAMPROW row = reader->ink != NULL ? reader->row : to;

      jpeg_read_scanlines (jpeg, &row, 1);
      if (reader->ink == NULL)
        continue;
      for (gsize i = 0; inverted && i < (gsize)picture->width * 4; i++)
        row[i] = (guint8)(255 - row[i]);
      atl_ink_row (reader->ink, row, to, picture->width);
    }
}

static gboolean
read_picture (Reader *reader, GBytes *bytes, AtlPictureInfo *info)
{
  j_decompress_ptr jpeg = &reader->jpeg;
  gboolean grey;

  if (setjmp (reader->errors.jump))
    return FALSE;
  read_header (reader, bytes, info);
  if (!atl_picture_check_claim (info, g_bytes_get_size (bytes), reader->errors.file,
                                reader->errors.error))
    return FALSE;
  grey = jpeg->num_components == 1;
  jpeg->out_color_space = grey                        ? JCS_GRAYSCALE
                          : jpeg->num_components == 4 ? JCS_CMYK
                                                      : JCS_RGB;
  reader->icc = read_icc (jpeg);
  if (jpeg->num_components == 4)
    {
      reader->ink = atl_ink_new (reader->icc, ATL_DEPTH_U8);
      reader->row = atl_try_alloc (jpeg->image_width, 4, reader->errors.file,
                                   reader->errors.error);
      if (reader->row == NULL)
        return FALSE;
    }
  reader->picture = atl_picture_new (
      info->width, info->height, grey ? 1 : 3, FALSE, ATL_DEPTH_U8,
      reader->ink == NULL ? atl_picture_usable_icc (reader->icc, grey ? 1 : 3)
                          : NULL,
      reader->errors.error);
  if (reader->picture == NULL)
    return FALSE;
  limit_memory (jpeg);
  jpeg_start_decompress (jpeg);
  read_rows (reader);
  jpeg_finish_decompress (jpeg);
  return TRUE;
}

static void
reader_clear (Reader *reader)
{
  jpeg_destroy_decompress (&reader->jpeg);
  g_clear_pointer (&reader->icc, g_bytes_unref);
  g_clear_pointer (&reader->ink, atl_ink_free);
  atl_free (reader->row);
}

static AtlPicture *
load (GBytes *bytes, const char *file, int *orientation, GError **error)
{
  Reader *reader = g_new0 (Reader, 1);
  AtlPictureInfo info = { .orientation = 1 };
  AtlPicture *picture;

  reader->jpeg.err = errors_init (&reader->errors, FALSE, file, error);
  if (!read_picture (reader, bytes, &info))
    g_clear_pointer (&reader->picture, atl_picture_free);
  picture = reader->picture;
  reader_clear (reader);
  g_free (reader);
  *orientation = info.orientation;
  return picture;
}

static gboolean
probe_header (Reader *reader, GBytes *bytes, AtlPictureInfo *info)
{
  if (setjmp (reader->errors.jump))
    return FALSE;
  read_header (reader, bytes, info);
  return TRUE;
}

static gboolean
probe (GBytes *bytes, const char *file, AtlPictureInfo *info, GError **error)
{
  Reader *reader = g_new0 (Reader, 1);
  gboolean good;

  reader->jpeg.err = errors_init (&reader->errors, FALSE, file, error);
  good = probe_header (reader, bytes, info);
  reader_clear (reader);
  g_free (reader);
  return good;
}

/* Writing. */

typedef struct
{
  struct jpeg_compress_struct jpeg;
  Errors errors;
  struct jpeg_destination_mgr destination;
  AtlOutput *output;
  guint8 buffer[BUFFER];
  guint8 *row;
} Writer;

static void
reset_buffer (j_compress_ptr jpeg)
{
  Writer *writer = jpeg->client_data;

  writer->destination.next_output_byte = writer->buffer;
  writer->destination.free_in_buffer = BUFFER;
}

static void
write_buffer (Writer *writer, gsize n)
{
  if (!atl_output_write (writer->output, writer->buffer, n, writer->errors.error))
    longjmp (writer->errors.jump, 1);
}

static boolean
on_buffer_full (j_compress_ptr jpeg)
{
  write_buffer (jpeg->client_data, BUFFER);
  reset_buffer (jpeg);
  return TRUE;
}

static void
on_end (j_compress_ptr jpeg)
{
  Writer *writer = jpeg->client_data;

  write_buffer (writer, BUFFER - writer->destination.free_in_buffer);
}

static void
start (Writer *writer, const AtlPicture *picture)
{
  j_compress_ptr jpeg = &writer->jpeg;
  GBytes *icc = atl_picture_usable_icc (picture->icc, picture->channels);

  jpeg_create_compress (jpeg);
  jpeg->client_data = writer;
  writer->destination.init_destination = reset_buffer;
  writer->destination.empty_output_buffer = on_buffer_full;
  writer->destination.term_destination = on_end;
  jpeg->dest = &writer->destination;
  jpeg->image_width = (JDIMENSION)picture->width;
  jpeg->image_height = (JDIMENSION)picture->height;
  jpeg->input_components = picture->channels;
  jpeg->in_color_space = picture->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults (jpeg);
  jpeg_set_quality (jpeg, QUALITY, TRUE);
  for (int i = 0; i < jpeg->num_components; i++)
    jpeg->comp_info[i].h_samp_factor = jpeg->comp_info[i].v_samp_factor = 1;
  jpeg_start_compress (jpeg, TRUE);
  if (icc != NULL)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (icc, &size);

      jpeg_write_icc_profile (jpeg, data, (unsigned int)size);
    }
}

/* Over white: JPEG has no alpha. */
static void
flatten (guint8 *row, int width, int channels)
{
  const guint8 *from = row;

  for (int x = 0; x < width; x++, from += channels + 1, row += channels)
    {
      int alpha = from[channels];

      for (int c = 0; c < channels; c++)
        row[c] = (guint8)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

static gboolean
write_picture (Writer *writer, const AtlPicture *picture)
{
  if (setjmp (writer->errors.jump))
    return FALSE;
  start (writer, picture);
  for (int y = 0; y < picture->height; y++)
    {
      JSAMPROW row = writer->row;

      atl_picture_get_row (picture, y, ATL_DEPTH_U8, picture->channels,
                           picture->has_alpha, row);
      if (picture->has_alpha)
        flatten (row, picture->width, picture->channels);
      jpeg_write_scanlines (&writer->jpeg, &row, 1);
    }
  jpeg_finish_compress (&writer->jpeg);
  return TRUE;
}

static gboolean
save (const AtlPicture *picture, AtlOutput *output, const char *file,
      GError **error)
{
  Writer *writer;
  gboolean good = FALSE;

  if (picture->width > JPEG_MAX_DIMENSION || picture->height > JPEG_MAX_DIMENSION)
    return atl_picture_unwritten (
        error, file, _ ("a JPEG has 65500 pixels a side at most; use PNG or TIFF"));
  writer = g_new0 (Writer, 1);
  writer->output = output;
  writer->row = atl_try_alloc ((gsize)picture->width, 4, file, error);
  writer->jpeg.err = errors_init (&writer->errors, TRUE, file, error);
  if (writer->row != NULL)
    good = write_picture (writer, picture);
  jpeg_destroy_compress (&writer->jpeg);
  atl_free (writer->row);
  g_free (writer);
  return good;
}

const AtlPictureFormat atl_picture_jpeg = {
  .name = "JPEG",
  .extensions = { "jpg", "jpeg", "jpe" },
  .matches = matches,
  .load = load,
  .probe = probe,
  .save = save,
};
