/* What several widgets draw with. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Draw in the colour of the widget's text; alpha: 0 to 1, of that colour's own. */
void atl_set_ink (GtkWidget *widget, cairo_t *cr, double alpha);
/* A path: a rectangle with round corners, in cr's units. */
void atl_trace_round_box (cairo_t *cr, double x, double y, double width,
                          double height, double radius);

G_END_DECLS
