/* PNG through libpng: every form is read; written are grey and RGB, with alpha
 * or not, 8 and 16 bits. */

#include "files/picture-format.h"

#include <string.h>

#include <glib/gi18n-lib.h>
#include <png.h>

#include "base/buffer.h"
#include "base/memory.h"

#define COMPRESSION 3 /* of 9: twice as fast as 4, and 7 % larger */

/* One reading or writing.  What a longjmp must not lose lies here. */
typedef struct
{
  png_structp png;
  png_infop info;
  const char *file;
  GError **error;
  const guint8 *data; /* reading */
  gsize size, at;
  AtlPicture *picture;
  guint8 **rows;
  AtlOutput *output; /* writing */
  guint8 *row;
} Png;

static void
on_read_error (png_structp png, png_const_charp message)
{
  const Png *job = png_get_error_ptr (png);

  atl_picture_damaged (job->error, job->file, message);
  png_longjmp (png, 1);
}

static void
on_write_error (png_structp png, png_const_charp message)
{
  const Png *job = png_get_error_ptr (png);

  atl_picture_unwritten (job->error, job->file, message);
  png_longjmp (png, 1);
}

static void
on_warning (png_structp png, png_const_charp message)
{
}

static void
on_read (png_structp png, png_bytep out, size_t n)
{
  Png *job = png_get_io_ptr (png);

  if (n > job->size - job->at)
    png_error (png, _ ("it is cut off"));
  memcpy (out, job->data + job->at, n);
  job->at += n;
}

static void
on_write (png_structp png, png_bytep data, size_t n)
{
  const Png *job = png_get_io_ptr (png);

  if (!atl_output_write (job->output, data, n, job->error))
    png_error (png, "");
}

static void
on_flush (png_structp png)
{
}

static gboolean
matches (const guint8 *data, gsize size)
{
  return size >= 8 && memcmp (data, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static gboolean
open_reader (Png *job, GBytes *bytes, const char *file, GError **error)
{
  *job = (Png){ .file = file, .error = error };
  job->data = g_bytes_get_data (bytes, &job->size);
  job->png = png_create_read_struct (PNG_LIBPNG_VER_STRING, job, on_read_error,
                                     on_warning);
  if (job->png != NULL)
    job->info = png_create_info_struct (job->png);
  if (job->info == NULL)
    return atl_picture_damaged (error, file, _ ("out of memory"));
  png_set_read_fn (job->png, job, on_read);
  return TRUE;
}

static void
close_reader (Png *job)
{
  if (job->png != NULL)
    png_destroy_read_struct (&job->png, &job->info, NULL);
  atl_free (job->rows);
}

/* *icc: the profile, or NULL if there is none of use. */
static gboolean
read_icc (Png *job, int channels, GBytes **icc)
{
  png_charp name;
  png_bytep profile;
  png_uint_32 size;
  int compression;

  *icc = NULL;
  if (png_get_iCCP (job->png, job->info, &name, &compression, &profile, &size) == 0)
    return TRUE;
  *icc = atl_bytes_copy (profile, size, job->file, job->error);
  if (*icc != NULL && atl_picture_usable_icc (*icc, channels) == NULL)
    {
      g_clear_pointer (icc, g_bytes_unref);
      return TRUE;
    }
  return *icc != NULL;
}

static void
read_header (Png *job, AtlPictureInfo *info)
{
  png_uint_32 exif_size;
  png_bytep exif;

  png_read_info (job->png, job->info);
  info->width = (int)png_get_image_width (job->png, job->info);
  info->height = (int)png_get_image_height (job->png, job->info);
  if (png_get_eXIf_1 (job->png, job->info, &exif_size, &exif) != 0)
    info->orientation = atl_exif_orientation (exif, exif_size);
}

static gboolean
read_picture (Png *job, AtlPictureInfo *info)
{
  int channels;
  GBytes *icc;

  if (setjmp (png_jmpbuf (job->png)))
    return FALSE;
  read_header (job, info);
  if (!atl_picture_check_claim (info, job->size, job->file, job->error))
    return FALSE;
  png_set_expand (job->png); /* palettes, 1 to 4 bits, transparent colours */
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  png_set_swap (job->png);
#endif
  png_set_interlace_handling (job->png);
  png_read_update_info (job->png, job->info);

  channels = png_get_channels (job->png, job->info);
  if (!read_icc (job, channels >= 3 ? 3 : 1, &icc))
    return FALSE;
  job->picture = atl_picture_new (
      info->width, info->height, channels >= 3 ? 3 : 1, channels % 2 == 0,
      png_get_bit_depth (job->png, job->info) == 16 ? ATL_DEPTH_U16 : ATL_DEPTH_U8,
      icc, job->error);
  g_clear_pointer (&icc, g_bytes_unref);
  if (job->picture == NULL)
    return FALSE;
  job->rows = atl_try_alloc ((gsize)info->height, sizeof *job->rows, job->file,
                             job->error);
  if (job->rows == NULL)
    return FALSE;
  for (int y = 0; y < info->height; y++)
    job->rows[y] = job->picture->pixels + (gsize)y * job->picture->row_bytes;
  png_read_image (job->png, job->rows);
  png_read_end (job->png, NULL);
  return TRUE;
}

static AtlPicture *
load (GBytes *bytes, const char *file, int *orientation, GError **error)
{
  AtlPictureInfo info = { .orientation = 1 };
  Png job;

  if (open_reader (&job, bytes, file, error) && !read_picture (&job, &info))
    g_clear_pointer (&job.picture, atl_picture_free);
  close_reader (&job);
  *orientation = info.orientation;
  return job.picture;
}

static gboolean
probe_header (Png *job, AtlPictureInfo *info)
{
  if (setjmp (png_jmpbuf (job->png)))
    return FALSE;
  read_header (job, info);
  return TRUE;
}

static gboolean
probe (GBytes *bytes, const char *file, AtlPictureInfo *info, GError **error)
{
  Png job;
  gboolean good
      = open_reader (&job, bytes, file, error) && probe_header (&job, info);

  close_reader (&job);
  return good;
}

static void
write_header (Png *job, const AtlPicture *picture)
{
  GBytes *icc = atl_picture_usable_icc (picture->icc, picture->channels);
  int type = (picture->channels == 3 ? PNG_COLOR_MASK_COLOR : 0)
             | (picture->has_alpha ? PNG_COLOR_MASK_ALPHA : 0);

  png_set_compression_level (job->png, COMPRESSION);
  png_set_benign_errors (job->png, 1);
  png_set_user_limits (job->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR (job->png, job->info, (png_uint_32)picture->width,
                (png_uint_32)picture->height,
                picture->depth == ATL_DEPTH_U8 ? 8 : 16, type, PNG_INTERLACE_NONE,
                PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (icc != NULL)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (icc, &size);

      png_set_iCCP (job->png, job->info, "ICC profile", PNG_COMPRESSION_TYPE_BASE,
                    data, (png_uint_32)size);
    }
  png_write_info (job->png, job->info);
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  if (picture->depth != ATL_DEPTH_U8)
    png_set_swap (job->png);
#endif
}

static gboolean
write_picture (Png *job, const AtlPicture *picture)
{
  AtlDepth depth = picture->depth == ATL_DEPTH_U8 ? ATL_DEPTH_U8 : ATL_DEPTH_U16;

  if (setjmp (png_jmpbuf (job->png)))
    return FALSE;
  write_header (job, picture);
  for (int y = 0; y < picture->height; y++)
    {
      atl_picture_get_row (picture, y, depth, picture->channels, picture->has_alpha,
                           job->row);
      png_write_row (job->png, job->row);
    }
  png_write_end (job->png, job->info);
  return TRUE;
}

static gboolean
save (const AtlPicture *picture, AtlOutput *output, const char *file,
      GError **error)
{
  Png job = { .file = file, .error = error, .output = output };
  gboolean good = FALSE;

  job.png = png_create_write_struct (PNG_LIBPNG_VER_STRING, &job, on_write_error,
                                     on_warning);
  if (job.png != NULL)
    job.info = png_create_info_struct (job.png);
  if (job.info != NULL)
    {
      job.row = atl_try_alloc ((gsize)picture->width, 4 * sizeof (guint16), file,
                               error);
      png_set_write_fn (job.png, &job, on_write, on_flush);
      good = job.row != NULL && write_picture (&job, picture);
    }
  else
    atl_picture_unwritten (error, file, _ ("out of memory"));
  if (job.png != NULL)
    png_destroy_write_struct (&job.png, &job.info);
  atl_free (job.row);
  return good;
}

const AtlPictureFormat atl_picture_png = {
  .name = "PNG",
  .extensions = { "png" },
  .matches = matches,
  .load = load,
  .probe = probe,
  .save = save,
};
