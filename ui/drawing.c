/* What several widgets draw with; see drawing.h. */

#include "drawing.h"

void
atl_set_ink (GtkWidget *widget, cairo_t *cr, double alpha)
{
  GtkStyleContext *style = gtk_widget_get_style_context (widget);
  GdkRGBA ink;

  gtk_style_context_get_color (style, gtk_style_context_get_state (style), &ink);
  cairo_set_source_rgba (cr, ink.red, ink.green, ink.blue, alpha * ink.alpha);
}

void
atl_trace_round_box (cairo_t *cr, double x, double y, double width, double height,
                     double radius)
{
  double left = x + radius, right = x + width - radius;
  double top = y + radius, bottom = y + height - radius;

  cairo_new_sub_path (cr);
  cairo_arc (cr, right, top, radius, -G_PI / 2, 0);
  cairo_arc (cr, right, bottom, radius, 0, G_PI / 2);
  cairo_arc (cr, left, bottom, radius, G_PI / 2, G_PI);
  cairo_arc (cr, left, top, radius, G_PI, 1.5 * G_PI);
  cairo_close_path (cr);
}
