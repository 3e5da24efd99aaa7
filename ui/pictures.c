/* Pixels as core has them, made into what can be drawn; see pictures.h. */

#include "pictures.h"

#define CHECK 8 /* side of a square, in pixels */
#define CHECK_LIGHT 153
#define CHECK_DARK 102

/* rgb over the chequerboard's square at x, y. */
static guint32
over_checks (const guint8 *rgb, float alpha, int x, int y)
{
  float ground = (x / CHECK + y / CHECK) % 2 ? CHECK_DARK : CHECK_LIGHT;
  guint32 pixel = 0xff;

  for (int c = 0; c < 3; c++)
    pixel = pixel << 8 | (guint32)(ground + alpha * (rgb[c] - ground) + 0.5f);
  return pixel;
}

/* there: 0 for pixels that are to be transparent; NULL: none.  x0, y0: of the
 * chequerboard, so that it stands still on the layer.  NULL without memory. */
static cairo_surface_t *
make_surface (const AtlLayerSource *source, const float *pixels, int width,
              int height, int samples, const guint8 *there, int x0, int y0)
{
  cairo_surface_t *surface
      = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, width, height);
  g_autofree guint8 *rgb = g_try_malloc_n ((gsize)width * height, 3);
  gboolean has_alpha = samples % 2 == 0;
  int stride = cairo_image_surface_get_stride (surface);
  guint8 *data = cairo_image_surface_get_data (surface);

  if (!data || !rgb)
    {
      cairo_surface_destroy (surface);
      return NULL;
    }
  source->to_display (source->data, pixels, samples, (gsize)width * height, rgb);
  for (int y = 0; y < height; y++)
    {
      guint32 *row = (guint32 *)(data + (gsize)y * stride);

      for (int x = 0; x < width; x++)
        {
          gsize i = (gsize)y * width + x;
          float alpha = has_alpha ? pixels[(i + 1) * samples - 1] : 1;

          row[x] = there && !there[i]
                       ? 0
                       : over_checks (rgb + 3 * i, alpha, x0 + x, y0 + y);
        }
    }
  cairo_surface_mark_dirty (surface);
  return surface;
}

cairo_surface_t *
atl_picture_of_layer (const AtlLayerSource *source, const AtlArea *area)
{
  int samples = source->channels + source->has_alpha;
  g_autofree float *pixels
      = g_try_new (float, (gsize)area->width * area->height * samples);

  if (!pixels
      || !source->read (source->data, area->x, area->y, area->width, area->height,
                        samples, pixels, NULL))
    return NULL;
  return make_surface (source, pixels, area->width, area->height, samples, NULL,
                       area->x, area->y);
}

cairo_surface_t *
atl_picture_of_shot (const AtlLayerSource *source, AtlShot *shot, double strength)
{
  int width = atl_shot_get_width (shot), height = atl_shot_get_height (shot);
  int samples = atl_shot_get_samples (shot);
  AtlArea area = atl_shot_get_area (shot);
  g_autofree float *pixels = g_try_new (float, (gsize)width *height *samples);
  g_autofree guint8 *there = g_try_new (guint8, (gsize)width * height);

  if (!pixels || !there)
    return NULL;
  atl_shot_get (shot, strength, pixels, there);
  return make_surface (source, pixels, width, height, samples, there, area.x,
                       area.y);
}
