/* Before and after, side by side with a divider between them that can be dragged.
 *
 * Shows a part of a layer, either all of it scaled to fit or as much as there is
 * room for at one pixel of the layer to one of the screen; it then can be dragged
 * about.  Computes nothing: pictures are set from outside.
 *
 * Keys: Left, Right, Home, End move the divider (with Shift by less), with Ctrl
 * they, Up and Down move the part that is shown.  To a screen reader it is a
 * slider, the divider's position in percent.
 */

#pragma once

#include <gtk/gtk.h>

#include "shot.h"

G_BEGIN_DECLS

#define ATL_TYPE_PREVIEW_VIEW (atl_preview_view_get_type ())
G_DECLARE_FINAL_TYPE (AtlPreviewView, atl_preview_view, ATL, PREVIEW_VIEW,
                      GtkDrawingArea)

/* Signals: "area-changed" when another part of the layer is shown, or in another
 * size. */
GtkWidget *atl_preview_view_new (int layer_width, int layer_height);

/* All of the layer, scaled down to fit, or 1:1. */
void       atl_preview_view_set_fit     (AtlPreviewView *view, gboolean fit);
/* The layer's pixel in the middle, as far as possible. */
void       atl_preview_view_set_centre  (AtlPreviewView *view, double x, double y);
/* What is shown, in pixels of the layer. */
AtlArea    atl_preview_view_get_area    (AtlPreviewView *view);
/* What a picture of the area measures on the screen, in its own pixels. */
void       atl_preview_view_get_size    (AtlPreviewView *view, int *width,
                                         int *height);
/* 0: all after, to 1: all before. */
void       atl_preview_view_set_divider (AtlPreviewView *view, double position);
double     atl_preview_view_get_divider (AtlPreviewView *view);

typedef enum
{
  ATL_PICTURE_BASE,   /* the layer, under everything */
  ATL_PICTURE_BEFORE, /* left of the divider, and */
  ATL_PICTURE_AFTER,  /* right of it; transparent where they are not known */
  ATL_N_PICTURES
} AtlPreviewPicture;

/* area: of the layer, what the picture shows.  NULL: none.  The picture is
 * referenced. */
void       atl_preview_view_set_picture (AtlPreviewView   *view,
                                         AtlPreviewPicture which,
                                         cairo_surface_t  *picture,
                                         const AtlArea    *area);
/* Whether the after side is to look as if something were to come. */
void       atl_preview_view_set_waiting (AtlPreviewView *view, gboolean waiting);

/* Of its accessible object; preview-accessible.c. */
GType      atl_preview_accessible_get_type (void);

G_END_DECLS
