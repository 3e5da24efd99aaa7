/* The whole layer, small, with a frame around the part that a preview shows;
 * click, drag or arrow keys choose another part. */

#pragma once

#include <gtk/gtk.h>

#include "shot.h"

G_BEGIN_DECLS

#define ATL_TYPE_OVERVIEW (atl_overview_get_type ())
G_DECLARE_FINAL_TYPE (AtlOverview, atl_overview, ATL, OVERVIEW, GtkDrawingArea)

/* Signal "moved" (double x, double y): the pixel of the layer that is to be in
 * the middle. */
GtkWidget *atl_overview_new         (int layer_width, int layer_height);
/* What it measures, in logical pixels. */
void       atl_overview_get_size    (AtlOverview *overview, int *width,
                                     int *height);
/* Of the whole layer, in any size; NULL: none yet. */
void       atl_overview_set_picture (AtlOverview *overview, GdkPixbuf *picture);
/* What the preview shows, in pixels of the layer. */
void       atl_overview_set_area    (AtlOverview *overview, const AtlArea *area);

G_END_DECLS
