/* A drawable's pixels as core takes them, and back; see pixels.h. */

#include "pixels.h"

#include <glib/gi18n-lib.h>

#include "worker.h"

#define COPY_ROWS 64
#define MAX_THUMBNAIL 1024 /* that GIMP makes */

static gboolean refuse (GError **error, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error)
    *error
        = g_error_new_valist (ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, format, args);
  va_end (args);
  return FALSE;
}

/* Locked itself, or in a locked group. */
static gboolean
is_locked (GimpItem *item)
{
  for (; item; item = gimp_item_get_parent (item))
    if (gimp_item_get_lock_content (item))
      return TRUE;
  return FALSE;
}

gboolean
atl_layer_check (GimpDrawable *drawable, gboolean only_read, GError **error)
{
  GimpItem *item = GIMP_ITEM (drawable);
  g_autofree char *name = gimp_item_get_name (item);

  if (gimp_drawable_is_indexed (drawable))
    return refuse (error,
                   _ ("\"%s\" is in an indexed image, whose colours can't take "
                      "a model's result; choose Image > Mode > RGB first"),
                   name);
  if (only_read)
    return TRUE;
  if (gimp_item_is_group (item))
    return refuse (error,
                   _ ("\"%s\" is a layer group, whose pixels are those of its "
                      "layers; select the layers in it, or merge it first"),
                   name);
  if (gimp_item_is_selection (item))
    return refuse (error, "%s",
                   _ ("The selection itself can't be filtered; choose a layer"));
  /* GIMP's own words. */
  if (is_locked (item))
    return refuse (error,
                   _ ("Item \"%s\" cannot be modified because its contents are "
                      "locked"),
                   name);
  return TRUE;
}

/* --- Formats --- */

/* Whether the numbers of the drawable's own profile are linear light. */
static gboolean
is_linear (const Babl *space)
{
  const Babl *own = babl_format_with_space ("R'G'B' float", space);
  const Babl *light = babl_format_with_space ("RGB float", space);
  const float grey[3] = { 0.5f, 0.5f, 0.5f };
  float result[3];

  babl_process (babl_fish (own, light), grey, result, 1);
  return fabsf (result[1] - grey[1]) < 0.05f;
}

static AtlDepth
depth_of (GimpDrawable *drawable)
{
  const Babl *type = babl_format_get_type (gimp_drawable_get_format (drawable), 0);

  if (type == babl_type ("u8"))
    return ATL_DEPTH_U8;
  if (type == babl_type ("u16"))
    return ATL_DEPTH_U16;
  return ATL_DEPTH_FLOAT;
}

static void
find_formats (AtlLayer *pixels)
{
  const Babl *space
      = babl_format_get_space (gimp_drawable_get_format (pixels->drawable));
  gboolean linear = is_linear (space);
  const char *colour, *with_alpha;

  if (pixels->channels == 1)
    {
      colour = linear ? "Y~ float" : "Y' float";
      with_alpha = linear ? "Y~A float" : "Y'A float";
    }
  else
    {
      colour = linear ? "R~G~B~ float" : "R'G'B' float";
      with_alpha = linear ? "R~G~B~A float" : "R'G'B'A float";
    }
  pixels->colour = babl_format_with_space (colour, space);
  pixels->with_alpha = babl_format_with_space (with_alpha, space);
}

/* In which form pixels are moved: the drawable's own, if it is the encoding that
 * core wants with 8 or 16 bits or float (babl would take a table of 256 MB for
 * R'G'B'A with 8 bits, and several times as long); else floats by babl.  Alpha
 * comes with the colours where there is one: babl is exact only then. */
static void
find_stored (AtlLayer *pixels)
{
  const Babl *own = gimp_drawable_get_format (pixels->drawable);
  const Babl *wanted = pixels->has_alpha ? pixels->with_alpha : pixels->colour;
  const Babl *type = babl_format_get_type (own, 0);
  gboolean direct = babl_format_get_model (own) == babl_format_get_model (wanted)
                    && (type == babl_type ("u8") || type == babl_type ("u16"));

  pixels->stored = direct ? own : wanted;
  pixels->depth = direct ? depth_of (pixels->drawable) : ATL_DEPTH_FLOAT;
}

AtlLayer *
atl_layer_new (GimpDrawable *drawable)
{
  AtlLayer *pixels = g_new0 (AtlLayer, 1);
  GeglRectangle *changed = &pixels->changed;

  pixels->drawable = drawable;
  pixels->source = gimp_drawable_get_buffer (drawable);
  pixels->width = gimp_drawable_get_width (drawable);
  pixels->height = gimp_drawable_get_height (drawable);
  pixels->channels = gimp_drawable_is_gray (drawable) ? 1 : 3;
  pixels->has_alpha = gimp_drawable_has_alpha (drawable);
  find_formats (pixels);
  find_stored (pixels);
  if (!gimp_drawable_mask_intersect (drawable, &changed->x, &changed->y,
                                     &changed->width, &changed->height))
    *changed = (GeglRectangle){ 0, 0, 0, 0 };
  return pixels;
}

void
atl_layer_free (AtlLayer *pixels)
{
  if (!pixels)
    return;
  g_clear_object (&pixels->source);
  g_clear_object (&pixels->result);
  g_free (pixels);
}

/* --- Reading --- */

/* Rows of the layer as they are kept, as a picture over `bytes`; its
 * conversions serve for all depths. */
static AtlPicture
strip_over (const AtlLayer *pixels, const GeglRectangle *rows, guint8 *bytes)
{
  return (AtlPicture){
    .width = rows->width,
    .height = rows->height,
    .channels = pixels->channels,
    .has_alpha = pixels->has_alpha,
    .depth = pixels->depth,
    .row_bytes
    = (gsize)rows->width * babl_format_get_bytes_per_pixel (pixels->stored),
    .pixels = bytes,
  };
}

static guint8 *
strip_alloc (const AtlLayer *pixels, int width)
{
  return g_malloc_n ((gsize)width * COPY_ROWS,
                     babl_format_get_bytes_per_pixel (pixels->stored));
}

static GeglRectangle
strip_at (const GeglRectangle *rect, int y)
{
  return (GeglRectangle){ rect->x, rect->y + y, rect->width,
                          MIN (COPY_ROWS, rect->height - y) };
}

static void
read_rect (const AtlLayer *pixels, GeglBuffer *buffer, const GeglRectangle *rect,
           int channels, float *out)
{
  g_autofree guint8 *bytes = strip_alloc (pixels, rect->width);
  gsize row = (gsize)rect->width * channels;

  for (int y = 0; y < rect->height; y += COPY_ROWS)
    {
      GeglRectangle rows = strip_at (rect, y);
      AtlPicture strip = strip_over (pixels, &rows, bytes);

      gegl_buffer_get (buffer, &rows, 1.0, pixels->stored, bytes,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      atl_picture_get (&strip, 0, 0, rows.width, rows.height, channels,
                       out + (gsize)y * row, channels, row);
    }
}

typedef struct
{
  AtlLayer *pixels;
  GeglRectangle rect;
  int channels;
  float *out;
} Reading;

static void
read_pixels (gpointer data)
{
  const Reading *r = data;

  read_rect (r->pixels, r->pixels->source, &r->rect, r->channels, r->out);
}

gboolean
atl_layer_read (gpointer data, int x, int y, int width, int height, int channels,
                float *out, GError **error)
{
  Reading r = { data, { x, y, width, height }, channels, out };
  gint64 began = g_get_monotonic_time ();

  atl_call_main (read_pixels, &r);
  r.pixels->moving += g_get_monotonic_time () - began;
  return TRUE;
}

/* The layer in the pixels of a screen, with alpha. */
static GdkPixbuf *
shrink (AtlLayer *pixels, int width, int height)
{
  double scale = MIN (
      1.0, MIN ((double)width / pixels->width, (double)height / pixels->height));
  GeglRectangle rect = { 0, 0, MAX (1, (int)(pixels->width * scale)),
                         MAX (1, (int)(pixels->height * scale)) };
  GdkPixbuf *picture
      = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, rect.width, rect.height);

  if (picture)
    gegl_buffer_get (pixels->source, &rect, scale, babl_format ("R'G'B'A u8"),
                     gdk_pixbuf_get_pixels (picture),
                     gdk_pixbuf_get_rowstride (picture), GEGL_ABYSS_NONE);
  return picture;
}

/* GIMP makes thumbnails faster, but of 8 bits only. */
GdkPixbuf *
atl_layer_get_thumbnail (gpointer data, int width, int height)
{
  AtlLayer *pixels = data;
  g_autoptr (GdkPixbuf) picture = NULL;

  width = MIN (width, MAX_THUMBNAIL);
  height = MIN (height, MAX_THUMBNAIL);
  if (depth_of (pixels->drawable) == ATL_DEPTH_U8)
    return gimp_drawable_get_thumbnail (pixels->drawable, width, height,
                                        GIMP_PIXBUF_SMALL_CHECKS);
  picture = shrink (pixels, width, height);
  return picture ? gdk_pixbuf_composite_color_simple (
                       picture, gdk_pixbuf_get_width (picture),
                       gdk_pixbuf_get_height (picture), GDK_INTERP_NEAREST, 255,
                       GIMP_CHECK_SIZE_SM, 0x666666, 0x999999)
                 : NULL;
}

void
atl_layer_to_display (gpointer data, const float *values, int channels, gsize n,
                      guint8 *rgb)
{
  AtlLayer *pixels = data;
  const Babl *from
      = channels == pixels->channels ? pixels->colour
        : channels == pixels->channels + 1
            ? pixels->with_alpha
            : babl_format_with_space (channels == 4   ? "R'G'B'A float"
                                      : channels == 3 ? "R'G'B' float"
                                                      : "Y' float",
                                      babl_format_get_space (pixels->colour));

  babl_process (babl_fish (from, babl_format ("R'G'B' u8")), values, rgb, (long)n);
}

/* --- Writing --- */

typedef struct
{
  AtlLayer *pixels;
  GeglRectangle rect;
  const float *in;
} Writing;

/* Colours from `in`, alpha from the source. */
static void
write_pixels (gpointer data)
{
  const Writing *w = data;
  const AtlLayer *pixels = w->pixels;
  g_autofree guint8 *bytes = strip_alloc (pixels, w->rect.width);
  gsize row = (gsize)w->rect.width * pixels->channels;

  for (int y = 0; y < w->rect.height; y += COPY_ROWS)
    {
      GeglRectangle rows = strip_at (&w->rect, y);
      AtlPicture strip = strip_over (pixels, &rows, bytes);

      if (pixels->has_alpha)
        gegl_buffer_get (pixels->source, &rows, 1.0, pixels->stored, bytes,
                         GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      atl_picture_set (&strip, 0, 0, rows.width, rows.height, pixels->channels,
                       w->in + (gsize)y * row, pixels->channels, row);
      gegl_buffer_set (pixels->result, &rows, 0, pixels->stored, bytes,
                       GEGL_AUTO_ROWSTRIDE);
    }
}

static gboolean
write_result (gpointer data, int x, int y, int width, int height, int channels,
              const float *in, GError **error)
{
  Writing w = { data, { x, y, width, height }, in };
  gint64 began = g_get_monotonic_time ();

  atl_call_main (write_pixels, &w);
  w.pixels->moving += g_get_monotonic_time () - began;
  return TRUE;
}

AtlImageIo
atl_layer_io (AtlLayer *pixels)
{
  AtlImageIo io = { pixels->width, pixels->height, pixels->channels, atl_layer_read,
                    write_result,  pixels,         pixels->channels };

  if (!pixels->result)
    pixels->result = gegl_buffer_new (&pixels->changed,
                                      gimp_drawable_get_format (pixels->drawable));
  return io;
}

/* --- Pictures --- */

/* The profile of the numbers that core sees; NULL: sRGB. */
static GBytes *
profile_of (GimpDrawable *drawable)
{
  GimpImage *image = gimp_item_get_image (GIMP_ITEM (drawable));
  GimpColorProfile *profile = gimp_image_get_color_profile (image);
  const guint8 *data;
  gsize length;
  GBytes *bytes = NULL;

  if (profile && gimp_color_profile_is_linear (profile))
    {
      GimpColorProfile *perceptual
          = gimp_color_profile_new_srgb_trc_from_color_profile (profile);

      g_object_unref (profile);
      profile = perceptual;
    }
  if (profile)
    {
      data = gimp_color_profile_get_icc_profile (profile, &length);
      bytes = g_bytes_new (data, length);
      g_object_unref (profile);
    }
  return bytes;
}

void
atl_layer_get_form (AtlLayer *pixels, AtlDepth *depth, GBytes **icc)
{
  *depth = depth_of (pixels->drawable);
  *icc = profile_of (pixels->drawable);
}

AtlPicture *
atl_layer_get_picture (AtlLayer *pixels, gboolean result, const GeglRectangle *rect,
                       GError **error)
{
  g_autoptr (GBytes) icc = profile_of (pixels->drawable);
  g_autoptr (AtlPicture) picture = atl_picture_new (
      rect->width, rect->height, pixels->channels, pixels->has_alpha,
      depth_of (pixels->drawable), icc, error);
  int samples = pixels->channels + pixels->has_alpha;
  gsize row = (gsize)rect->width * samples;
  g_autofree float *buffer = NULL;

  if (!picture)
    return NULL;
  buffer = g_new (float, row *COPY_ROWS);
  for (int y = 0; y < rect->height; y += COPY_ROWS)
    {
      GeglRectangle rows = strip_at (rect, y);

      read_rect (pixels, result ? pixels->result : pixels->source, &rows, samples,
                 buffer);
      atl_picture_set (picture, 0, y, rows.width, rows.height, samples, buffer,
                       samples, row);
    }
  return g_steal_pointer (&picture);
}

/* --- Merging --- */

static gboolean
merge_into (AtlLayer *pixels, GimpDrawable *drawable, GError **error)
{
  const GeglRectangle *changed = &pixels->changed;
  GeglBuffer *shadow = gimp_drawable_get_shadow_buffer (drawable);
  gboolean merged;

  if (shadow)
    {
      gegl_buffer_copy (pixels->result, changed, GEGL_ABYSS_NONE, shadow, changed);
      g_object_unref (shadow);
    }
  merged = shadow && gimp_drawable_merge_shadow (drawable, TRUE);
  if (merged)
    gimp_drawable_update (drawable, changed->x, changed->y, changed->width,
                          changed->height);
  else
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "%s",
                 gimp_pdb_get_last_error (gimp_get_pdb ()));
  return merged;
}

gboolean
atl_layer_merge (AtlLayer *pixels, GError **error)
{
  return merge_into (pixels, pixels->drawable, error);
}

GimpLayer *
atl_layer_merge_above (AtlLayer *pixels, const char *name, GError **error)
{
  GimpItem *item = GIMP_ITEM (pixels->drawable);
  GimpImage *image = gimp_item_get_image (item);
  GimpLayer *copy = gimp_layer_copy (GIMP_LAYER (pixels->drawable));

  if (!copy
      || !gimp_image_insert_layer (image, copy,
                                   GIMP_LAYER (gimp_item_get_parent (item)),
                                   gimp_image_get_item_position (image, item)))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "%s",
                   gimp_pdb_get_last_error (gimp_get_pdb ()));
      return NULL;
    }
  gimp_item_set_name (GIMP_ITEM (copy), name);
  gimp_item_set_lock_content (GIMP_ITEM (copy), FALSE);
  return merge_into (pixels, GIMP_DRAWABLE (copy), error) ? copy : NULL;
}
