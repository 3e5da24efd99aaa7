/* What stands for a model in lists; see model-thumbnail.h. */

#include "model-thumbnail.h"

#include <math.h>

#include "drawing.h"

#define CORNER 4.0

const char *
atl_model_info_get_title (const AtlModelInfo *info)
{
  return info->name && *info->name ? info->name : info->id;
}

/* The first letters of up to two words, in capitals; free with g_free. */
static char *
find_initials (const char *title)
{
  GString *initials = g_string_new (NULL);
  gboolean begins = TRUE;

  for (const char *p = title; *p && g_utf8_strlen (initials->str, -1) < 2;
       p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (begins && g_unichar_isalnum (c))
        g_string_append_unichar (initials, g_unichar_toupper (c));
      begins = !g_unichar_isalnum (c);
    }
  return g_string_free (initials, FALSE);
}

/* A calm colour that is always the same for the same title. */
static void
title_colour (const char *title, double shift, double rgb[3])
{
  double hue = fmod (g_str_hash (title) % 360 / 360.0 + shift, 1.0);

  gtk_hsv_to_rgb (hue, 0.38, 0.52, &rgb[0], &rgb[1], &rgb[2]);
}

static void
draw_placeholder (cairo_t *cr, const char *title, double width, double height)
{
  g_autofree char *initials = find_initials (title);
  g_autoptr (PangoLayout) layout = pango_cairo_create_layout (cr);
  g_autoptr (PangoFontDescription) font = pango_font_description_new ();
  cairo_pattern_t *shade = cairo_pattern_create_linear (0, 0, width, height);
  PangoRectangle ink;
  double from[3], to[3];

  title_colour (title, 0, from);
  title_colour (title, 0.08, to);
  cairo_pattern_add_color_stop_rgb (shade, 0, from[0], from[1], from[2]);
  cairo_pattern_add_color_stop_rgb (shade, 1, to[0] * 0.8, to[1] * 0.8,
                                    to[2] * 0.8);
  cairo_set_source (cr, shade);
  cairo_paint (cr);
  cairo_pattern_destroy (shade);
  pango_font_description_set_family (font, "Sans");
  pango_font_description_set_weight (font, PANGO_WEIGHT_SEMIBOLD);
  pango_font_description_set_absolute_size (font, height * 0.42 * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_text (layout, initials, -1);
  pango_layout_get_pixel_extents (layout, &ink, NULL);
  cairo_move_to (cr, (width - ink.width) / 2 - ink.x,
                 (height - ink.height) / 2 - ink.y);
  cairo_set_source_rgba (cr, 1, 1, 1, 0.92);
  pango_cairo_show_layout (cr, layout);
}

static GdkPixbuf *
load (GBytes *png)
{
  g_autoptr (GInputStream) stream = NULL;

  if (!png)
    return NULL;
  stream = g_memory_input_stream_new_from_bytes (png);
  return gdk_pixbuf_new_from_stream (stream, NULL, NULL);
}

static void
draw_picture (cairo_t *cr, GdkPixbuf *pixbuf, double width, double height)
{
  cairo_scale (cr, width / gdk_pixbuf_get_width (pixbuf),
               height / gdk_pixbuf_get_height (pixbuf));
  gdk_cairo_set_source_pixbuf (cr, pixbuf, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_GOOD);
  cairo_paint (cr);
}

GtkWidget *
atl_model_thumbnail_new (const AtlModelInfo *info, int width)
{
  int height = width * ATL_THUMBNAIL_HEIGHT / ATL_THUMBNAIL_WIDTH, scale;
  g_autoptr (GdkPixbuf) pixbuf = load (info->thumbnail);
  GtkWidget *image = gtk_image_new ();
  cairo_surface_t *surface;
  cairo_t *cr;

  scale = gtk_widget_get_scale_factor (image);
  surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, width * scale,
                                        height * scale);
  cairo_surface_set_device_scale (surface, scale, scale);
  cr = cairo_create (surface);
  atl_trace_round_box (cr, 0, 0, width, height, CORNER);
  cairo_clip (cr);
  if (pixbuf)
    draw_picture (cr, pixbuf, width, height);
  else
    draw_placeholder (cr, atl_model_info_get_title (info), width, height);
  cairo_destroy (cr);
  gtk_image_set_from_surface (GTK_IMAGE (image), surface);
  cairo_surface_destroy (surface);
  return image;
}
