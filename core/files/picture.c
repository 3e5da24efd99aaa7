/* Pictures in memory, and the choice of a format; see picture.h. */

#include "files/picture-format.h"

#include <string.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>

#include "base/colour.h"
#include "base/memory.h"

#define CHUNK 256           /* pixels converted at a time */
#define MAX_DENSITY 65536   /* pixels a byte of a file */
#define ASK_FROM (64 << 20) /* bytes: pictures from here on ask what is free */
#define START 65536         /* bytes of a file that tell its size, as a rule */

static const AtlPictureFormat *const formats[]
    = { &atl_picture_png, &atl_picture_jpeg, &atl_picture_tiff, &atl_picture_webp };

static const gsize depth_size[] = { 1, 2, 4 };

gboolean
atl_picture_damaged (GError **error, const char *file, const char *reason)
{
  if (error != NULL && *error == NULL)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                 _ ("%s is not a picture that can be read: %s"), file, reason);
  return FALSE;
}

gboolean
atl_picture_check_claim (const AtlPictureInfo *info, gsize size, const char *file,
                         GError **error)
{
  g_autofree char *reason = NULL;

  if ((guint64)info->width * (guint64)info->height / MAX_DENSITY <= size)
    return TRUE;
  reason = g_strdup_printf (_ ("it claims %dx%d pixels in %zu bytes"), info->width,
                            info->height, size);
  return atl_picture_damaged (error, file, reason);
}

gboolean
atl_picture_unwritten (GError **error, const char *file, const char *reason)
{
  if (error != NULL && *error == NULL)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                 _ ("%s can't be written: %s"), file, reason);
  return FALSE;
}

/* A claim of a size costs nothing before rows arrive (pages are lazy), but one
 * that can't end well is refused at once. */
static gboolean
check_room (gsize bytes, int width, int height, GError **error)
{
  guint64 available = bytes >= ASK_FROM ? atl_memory_available () : 0;
  g_autofree char *need = NULL;
  g_autofree char *have = NULL;

  if (available == 0 || bytes <= available)
    return TRUE;
  need = g_format_size (bytes);
  have = g_format_size (available);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
               _ ("a picture of %dx%d needs %s of memory, and %s are free"), width,
               height, need, have);
  return FALSE;
}

AtlPicture *
atl_picture_new (int width, int height, int channels, gboolean has_alpha,
                 AtlDepth depth, GBytes *icc, GError **error)
{
  gsize pixel = ((gsize)channels + (has_alpha ? 1 : 0)) * depth_size[depth];
  g_autofree char *what = NULL;
  AtlPicture *picture;
  guint8 *pixels;
  gsize bytes = 0;

  g_return_val_if_fail (channels == 1 || channels == 3, NULL);
  if (width < 1 || height < 1)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("a picture can't be %dx%d"), width, height);
      return NULL;
    }
  what = g_strdup_printf (_ ("a picture of %dx%d"), width, height);
  if (g_size_checked_mul (&bytes, (gsize)width * pixel, (gsize)height)
      && !check_room (bytes, width, height, error))
    return NULL;
  pixels = atl_try_alloc ((gsize)height, (gsize)width * pixel, what, error);
  if (pixels == NULL)
    return NULL;
  picture = g_new0 (AtlPicture, 1);
  picture->width = width;
  picture->height = height;
  picture->channels = channels;
  picture->has_alpha = has_alpha;
  picture->depth = depth;
  picture->row_bytes = (gsize)width * pixel;
  picture->pixels = pixels;
  picture->icc = icc != NULL ? g_bytes_ref (icc) : NULL;
  return picture;
}

void
atl_picture_free (AtlPicture *picture)
{
  if (picture == NULL)
    return;
  atl_free (picture->pixels);
  g_clear_pointer (&picture->icc, g_bytes_unref);
  g_free (picture);
}

/* Samples to floats and back. */

static inline float
clamp01 (float value)
{
  value = value > 0.0f ? value : 0.0f; /* a NaN fails every comparison */
  return value < 1.0f ? value : 1.0f;
}

static void
samples_to_floats (AtlDepth depth, const void *in, gsize n, float *out)
{
  const guint8 *u8 = in;
  const guint16 *u16 = in;
  const float *real = in;

  if (depth == ATL_DEPTH_U8)
    for (gsize i = 0; i < n; i++)
      out[i] = (float)u8[i] / 255.0f;
  else if (depth == ATL_DEPTH_U16)
    for (gsize i = 0; i < n; i++)
      out[i] = (float)u16[i] / 65535.0f; /* exact, as GIMP has it */
  else
    for (gsize i = 0; i < n; i++)
      out[i] = clamp01 (real[i]);
}

static void
floats_to_samples (AtlDepth depth, const float *in, gsize n, void *out)
{
  guint8 *u8 = out;
  guint16 *u16 = out;
  float *real = out;

  if (depth == ATL_DEPTH_U8)
    for (gsize i = 0; i < n; i++)
      u8[i] = (guint8)(gint32)(clamp01 (in[i]) * 255.0f + 0.5f);
  else if (depth == ATL_DEPTH_U16)
    for (gsize i = 0; i < n; i++)
      u16[i] = (guint16)(gint32)(clamp01 (in[i]) * 65535.0f + 0.5f);
  else
    for (gsize i = 0; i < n; i++)
      real[i] = clamp01 (in[i]);
}

/* n pixels of `from_channels` samples of colour (and alpha) to `to_channels`
 * (and alpha). */
static void
map_pixels (const float *from, int from_channels, gboolean from_alpha,
            gsize from_stride, float *to, int to_channels, gboolean to_alpha,
            gsize to_stride, gsize n)
{
  for (gsize i = 0; i < n; i++, from += from_stride, to += to_stride)
    {
      if (from_channels == to_channels)
        for (int c = 0; c < to_channels; c++)
          to[c] = from[c];
      else if (from_channels == 1)
        to[0] = to[1] = to[2] = from[0];
      else
        to[0] = atl_luma (from);
      if (to_alpha)
        to[to_channels] = from_alpha ? from[from_channels] : 1.0f;
    }
}

static guint8 *
pixel_at (const AtlPicture *picture, int x, int y)
{
  return picture->pixels + (gsize)y * picture->row_bytes
         + (gsize)x * (gsize)atl_picture_samples (picture)
               * depth_size[picture->depth];
}

void
atl_picture_get (const AtlPicture *picture, int x, int y, int width, int height,
                 int channels, float *out, gsize stride, gsize row_stride)
{
  int samples = atl_picture_samples (picture);
  int colours = channels >= 3 ? 3 : 1;
  gboolean alpha = channels % 2 == 0;
  gboolean same = colours == picture->channels && alpha == picture->has_alpha
                  && stride == (gsize)samples;
  float chunk[CHUNK * 4];

  for (int row = 0; row < height; row++)
    {
      float *to = out + (gsize)row * row_stride;

      if (same)
        {
          samples_to_floats (picture->depth, pixel_at (picture, x, y + row),
                             (gsize)width * (gsize)samples, to);
          continue;
        }
      for (int done = 0; done < width; done += CHUNK)
        {
          gsize n = (gsize)MIN (CHUNK, width - done);

          samples_to_floats (picture->depth, pixel_at (picture, x + done, y + row),
                             n * (gsize)samples, chunk);
          map_pixels (chunk, picture->channels, picture->has_alpha, (gsize)samples,
                      to + (gsize)done * stride, colours, alpha, stride, n);
        }
    }
}

void
atl_picture_set (AtlPicture *picture, int x, int y, int width, int height,
                 int channels, const float *in, gsize stride, gsize row_stride)
{
  int samples = atl_picture_samples (picture);
  int colours = channels >= 3 ? 3 : 1;
  gboolean alpha = channels % 2 == 0;
  gboolean same = colours == picture->channels && alpha == picture->has_alpha
                  && stride == (gsize)samples;
  float chunk[CHUNK * 4];

  for (int row = 0; row < height; row++)
    {
      const float *from = in + (gsize)row * row_stride;

      if (same)
        {
          floats_to_samples (picture->depth, from, (gsize)width * (gsize)samples,
                             pixel_at (picture, x, y + row));
          continue;
        }
      for (int done = 0; done < width; done += CHUNK)
        {
          gsize n = (gsize)MIN (CHUNK, width - done);
          guint8 *pixels = pixel_at (picture, x + done, y + row);

          /* The alpha that is to stay passes through unchanged: every depth
           * survives the way to float and back. */
          if (picture->has_alpha && !alpha)
            samples_to_floats (picture->depth, pixels, n * (gsize)samples, chunk);
          map_pixels (from + (gsize)done * stride, colours, alpha, stride, chunk,
                      picture->channels, picture->has_alpha && alpha,
                      (gsize)samples, n);
          floats_to_samples (picture->depth, chunk, n * (gsize)samples, pixels);
        }
    }
}

void
atl_picture_copy_alpha (AtlPicture *to, const AtlPicture *from)
{
  float chunk[CHUNK * 2], pixels[CHUNK * 4];
  int samples = atl_picture_samples (to);

  g_return_if_fail (to->width == from->width && to->height == from->height);
  if (!to->has_alpha)
    return;
  for (int y = 0; y < to->height; y++)
    for (int x = 0; x < to->width; x += CHUNK)
      {
        int n = MIN (CHUNK, to->width - x);

        atl_picture_get (from, x, y, n, 1, 2, chunk, 2, 0);
        atl_picture_get (to, x, y, n, 1, samples, pixels, (gsize)samples, 0);
        for (int i = 0; i < n; i++)
          pixels[i * samples + samples - 1] = chunk[2 * i + 1];
        atl_picture_set (to, x, y, n, 1, samples, pixels, (gsize)samples, 0);
      }
}

void
atl_picture_get_row (const AtlPicture *picture, int y, AtlDepth depth, int channels,
                     gboolean alpha, void *out)
{
  int samples = channels + (alpha ? 1 : 0);
  float chunk[CHUNK * 4];
  guint8 *to = out;

  if (depth == picture->depth && channels == picture->channels
      && alpha == picture->has_alpha)
    {
      memcpy (out, pixel_at (picture, 0, y), picture->row_bytes);
      return;
    }
  for (int x = 0; x < picture->width; x += CHUNK)
    {
      int n = MIN (CHUNK, picture->width - x);
      gsize count = (gsize)n * (gsize)samples;

      atl_picture_get (picture, x, y, n, 1, samples, chunk, (gsize)samples, 0);
      floats_to_samples (depth, chunk, count, to);
      to += count * depth_size[depth];
    }
}

/* Files. */

static const AtlPictureFormat *
format_of_name (const char *name)
{
  const char *dot = strrchr (name, '.');

  for (gsize i = 0; dot != NULL && i < G_N_ELEMENTS (formats); i++)
    for (int j = 0; j < 4 && formats[i]->extensions[j] != NULL; j++)
      if (g_ascii_strcasecmp (dot + 1, formats[i]->extensions[j]) == 0)
        return formats[i];
  return NULL;
}

gboolean
atl_picture_is_picture_name (const char *name)
{
  return format_of_name (name) != NULL;
}

gboolean
atl_picture_check_name (const char *path, GError **error)
{
  g_autofree char *file = NULL;

  if (format_of_name (path) != NULL)
    return TRUE;
  file = atl_display_path (path);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
               _ ("%s: the name must end with .png, .jpg, .tif or .webp"), file);
  return FALSE;
}

static const AtlPictureFormat *
format_of_bytes (GBytes *bytes, const char *file, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i]->matches (data, size))
      return formats[i];
  atl_picture_damaged (error, file, _ ("it is no PNG, JPEG, TIFF or WebP file"));
  return NULL;
}

AtlPicture *
atl_picture_parse (GBytes *bytes, const char *name, GError **error)
{
  g_autofree char *file = atl_display_path (name);
  const AtlPictureFormat *format = format_of_bytes (bytes, file, error);
  g_autoptr (GError) problem = NULL;
  AtlPicture *picture;
  int orientation = 1;

  if (format == NULL)
    return NULL;
  picture = format->load (bytes, file, &orientation, &problem);
  if (picture != NULL)
    picture = atl_picture_turn (picture, orientation, &problem);
  if (picture != NULL)
    return picture;
  atl_picture_damaged (&problem, file, _ ("its data are damaged"));
  if (problem->code == ATELIER_ERROR_MEMORY)
    g_prefix_error (&problem, "%s: ", file);
  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}

AtlPicture *
atl_picture_load (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = atl_file_read (path, error);

  return bytes != NULL ? atl_picture_parse (bytes, path, error) : NULL;
}

static gboolean
probe_file (const AtlPictureFormat *format, const char *path, const char *file,
            AtlPictureInfo *info, GError **error)
{
  gsize size = 0;
  int fd = atl_file_open_regular (path, &size, error);
  gboolean good = fd >= 0 && format->probe_file (fd, size, file, info, error);

  if (fd >= 0)
    close (fd);
  return good;
}

/* By the first bytes, and all of them where those are not enough. */
static gboolean
probe_bytes (const AtlPictureFormat *format, GBytes *start, gsize size,
             const char *path, const char *file, AtlPictureInfo *info,
             GError **error)
{
  gboolean whole = g_bytes_get_size (start) == size;
  g_autoptr (GBytes) bytes = NULL;

  if (format->probe (start, file, info, whole ? error : NULL))
    return TRUE;
  if (whole)
    return FALSE;
  *info = (AtlPictureInfo){ .orientation = 1 };
  bytes = atl_file_read (path, error);
  return bytes != NULL && format->probe (bytes, file, info, error);
}

gboolean
atl_picture_probe (const char *path, int *width, int *height, GError **error)
{
  g_autofree char *file = atl_display_path (path);
  gsize size = 0;
  g_autoptr (GBytes) start = atl_file_read_start (path, START, &size, error);
  const AtlPictureFormat *format
      = start != NULL ? format_of_bytes (start, file, error) : NULL;
  AtlPictureInfo info = { .orientation = 1 };
  g_autoptr (GError) problem = NULL;
  gboolean good;

  if (format == NULL)
    return FALSE;
  good = format->probe_file != NULL
             ? probe_file (format, path, file, &info, &problem)
             : probe_bytes (format, start, size, path, file, &info, &problem);
  if (!good)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  *width = info.orientation >= 5 ? info.height : info.width;
  *height = info.orientation >= 5 ? info.width : info.height;
  return TRUE;
}

gboolean
atl_picture_save (const AtlPicture *picture, const char *path, GError **error)
{
  g_autofree char *file = atl_display_path (path);
  const AtlPictureFormat *format = format_of_name (path);
  g_autoptr (GError) problem = NULL;
  AtlOutput *output;

  if (format == NULL)
    return atl_picture_check_name (path, error);
  output = atl_output_open (path, error);
  if (output == NULL)
    return FALSE;
  if (format->save (picture, output, file, &problem))
    return atl_output_commit (output, error);
  atl_output_abort (output);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

GBytes *
atl_picture_to_png (const AtlPicture *picture, GError **error)
{
  g_auto (AtlBuffer) bytes = ATL_BUFFER_INIT ("PNG");
  g_autoptr (AtlOutput) output = atl_output_open_memory (&bytes);

  if (!atl_picture_png.save (picture, output, "PNG", error))
    return NULL;
  return atl_buffer_to_bytes (&bytes, error);
}
