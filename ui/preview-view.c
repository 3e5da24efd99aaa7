/* Before and after with a divider between them; see preview-view.h.
 *
 * Everything is drawn in pixels of the screen ("device" pixels): a picture made
 * for its size is never scaled. */

#include "preview-view.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "drawing.h"

#define MIN_SIDE 160
#define NATURAL_WIDTH 448
#define NATURAL_HEIGHT 336
#define GRIP 8    /* how near the divider counts as on it */
#define KNOB 9    /* radius of what marks it */
#define STEP 0.05 /* of the width, by a key */
#define SMALL_STEP 0.01
#define PAN_STEP 32 /* of the layer's pixels, by a key */

typedef struct
{
  cairo_surface_t *surface;
  AtlArea area;
} Picture;

typedef enum
{
  DRAG_NONE,
  DRAG_DIVIDER,
  DRAG_LAYER
} Drag;

struct _AtlPreviewView
{
  GtkDrawingArea parent;

  int layer_width, layer_height;
  gboolean fit, waiting;
  double centre_x, centre_y; /* of the layer, in the middle */
  double divider;
  Picture pictures[ATL_N_PICTURES];

  Drag drag;
  double drag_x, drag_y; /* where the mouse was */
  double from_x, from_y; /* where the centre was */
};

G_DEFINE_FINAL_TYPE (AtlPreviewView, atl_preview_view, GTK_TYPE_DRAWING_AREA)

static guint area_changed_signal;

/* --- Where things are --- */

/* Of the widget, in pixels of the screen. */
static void
get_room (AtlPreviewView *view, int *width, int *height)
{
  GtkWidget *widget = GTK_WIDGET (view);
  int scale = gtk_widget_get_scale_factor (widget);

  *width = MAX (1, gtk_widget_get_allocated_width (widget) * scale);
  *height = MAX (1, gtk_widget_get_allocated_height (widget) * scale);
}

/* Pixels of the screen for one of the layer: at most 1. */
static double
get_zoom (AtlPreviewView *view)
{
  int width, height;

  get_room (view, &width, &height);
  if (!view->fit)
    return 1;
  return MIN (1.0, MIN ((double)width / view->layer_width,
                        (double)height / view->layer_height));
}

AtlArea
atl_preview_view_get_area (AtlPreviewView *view)
{
  AtlArea area = { 0, 0, view->layer_width, view->layer_height };
  int width, height;

  if (view->fit)
    return area;
  get_room (view, &width, &height);
  area.width = MIN (width, view->layer_width);
  area.height = MIN (height, view->layer_height);
  area.x = CLAMP ((int)round (view->centre_x - area.width / 2.0), 0,
                  view->layer_width - area.width);
  area.y = CLAMP ((int)round (view->centre_y - area.height / 2.0), 0,
                  view->layer_height - area.height);
  return area;
}

void
atl_preview_view_get_size (AtlPreviewView *view, int *width, int *height)
{
  AtlArea area = atl_preview_view_get_area (view);
  double zoom = get_zoom (view);

  *width = MAX (1, (int)round (area.width * zoom));
  *height = MAX (1, (int)round (area.height * zoom));
}

/* Where the area lies in the widget, in pixels of the screen. */
static AtlArea
get_frame (AtlPreviewView *view)
{
  AtlArea frame = { 0 };
  int width, height;

  get_room (view, &width, &height);
  atl_preview_view_get_size (view, &frame.width, &frame.height);
  frame.x = (width - frame.width) / 2;
  frame.y = (height - frame.height) / 2;
  return frame;
}

static double
divider_x (AtlPreviewView *view)
{
  AtlArea frame = get_frame (view);

  return frame.x + view->divider * frame.width;
}

/* --- Drawing --- */

static void
draw_picture (AtlPreviewView *view, cairo_t *cr, const Picture *picture)
{
  AtlArea area = atl_preview_view_get_area (view), frame = get_frame (view);
  double zoom = get_zoom (view);
  int width, height;

  if (!picture->surface)
    return;
  width = cairo_image_surface_get_width (picture->surface);
  height = cairo_image_surface_get_height (picture->surface);
  cairo_save (cr);
  cairo_translate (cr, frame.x + (picture->area.x - area.x) * zoom,
                   frame.y + (picture->area.y - area.y) * zoom);
  cairo_scale (cr, picture->area.width * zoom / width,
               picture->area.height * zoom / height);
  cairo_set_source_surface (cr, picture->surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr),
                            zoom < 1 ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
  cairo_rectangle (cr, 0, 0, width, height);
  cairo_fill (cr);
  cairo_restore (cr);
}

static void
draw_sides (AtlPreviewView *view, cairo_t *cr)
{
  AtlArea frame = get_frame (view);
  double x = divider_x (view);

  cairo_save (cr);
  cairo_rectangle (cr, frame.x, frame.y, frame.width, frame.height);
  cairo_clip (cr);
  draw_picture (view, cr, &view->pictures[ATL_PICTURE_BASE]);
  cairo_save (cr);
  cairo_rectangle (cr, frame.x, frame.y, x - frame.x, frame.height);
  cairo_clip (cr);
  draw_picture (view, cr, &view->pictures[ATL_PICTURE_BEFORE]);
  cairo_restore (cr);
  cairo_rectangle (cr, x, frame.y, frame.x + frame.width - x, frame.height);
  cairo_clip (cr);
  if (view->waiting)
    {
      cairo_set_source_rgba (cr, 0.5, 0.5, 0.5, 0.35);
      cairo_paint (cr);
    }
  draw_picture (view, cr, &view->pictures[ATL_PICTURE_AFTER]);
  cairo_restore (cr);
}

static void
draw_arrow (cairo_t *cr, double x, double y, double size)
{
  cairo_move_to (cr, x + size, y);
  cairo_line_to (cr, x, y - fabs (size));
  cairo_line_to (cr, x, y + fabs (size));
  cairo_close_path (cr);
  cairo_fill (cr);
}

static void
draw_divider (AtlPreviewView *view, cairo_t *cr, int scale)
{
  AtlArea frame = get_frame (view);
  double x = round (divider_x (view)), y = frame.y + frame.height / 2.0;
  double radius = KNOB * scale;

  cairo_set_source_rgba (cr, 0, 0, 0, 0.45);
  cairo_rectangle (cr, x - 1.5 * scale, frame.y, 3 * scale, frame.height);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_rectangle (cr, x - 0.5 * scale, frame.y, scale, frame.height);
  cairo_fill (cr);
  cairo_arc (cr, x, y, radius, 0, 2 * G_PI);
  cairo_fill_preserve (cr);
  cairo_set_source_rgba (cr, 0, 0, 0, 0.45);
  cairo_set_line_width (cr, scale);
  cairo_stroke (cr);
  cairo_set_source_rgb (cr, 0.2, 0.2, 0.2);
  draw_arrow (cr, x - radius * 0.25, y, -radius * 0.4);
  draw_arrow (cr, x + radius * 0.25, y, radius * 0.4);
}

/* A word in the lower corner of a side, if there is room for it. */
static void
draw_word (AtlPreviewView *view, cairo_t *cr, const char *word, gboolean right,
           int scale)
{
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (GTK_WIDGET (view), word);
  AtlArea frame = get_frame (view);
  double x = divider_x (view), gap = 6 * scale, left;
  int width, height;

  pango_layout_get_pixel_size (layout, &width, &height);
  width = (width + 12) * scale;
  height = (height + 4) * scale;
  if ((right ? frame.x + frame.width - x : x - frame.x) < width + 2 * gap)
    return;
  left = right ? frame.x + frame.width - gap - width : frame.x + gap;
  atl_trace_round_box (cr, left, frame.y + frame.height - gap - height, width,
                       height, 4 * scale);
  cairo_set_source_rgba (cr, 0, 0, 0, 0.55);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_move_to (cr, left + 6 * scale,
                 frame.y + frame.height - gap - height + 2 * scale);
  cairo_save (cr);
  cairo_scale (cr, scale, scale);
  pango_cairo_show_layout (cr, layout);
  cairo_restore (cr);
}

static gboolean
atl_preview_view_draw (GtkWidget *widget, cairo_t *cr)
{
  AtlPreviewView *view = ATL_PREVIEW_VIEW (widget);
  GtkStyleContext *style = gtk_widget_get_style_context (widget);
  int scale = gtk_widget_get_scale_factor (widget);
  int width = gtk_widget_get_allocated_width (widget);
  int height = gtk_widget_get_allocated_height (widget);

  gtk_render_background (style, cr, 0, 0, width, height);
  cairo_save (cr);
  cairo_scale (cr, 1.0 / scale, 1.0 / scale);
  draw_sides (view, cr);
  draw_word (view, cr, _ ("Before"), FALSE, scale);
  draw_word (view, cr, _ ("After"), TRUE, scale);
  draw_divider (view, cr, scale);
  cairo_restore (cr);
  if (gtk_widget_has_visible_focus (widget))
    gtk_render_focus (style, cr, 1, 1, width - 2, height - 2);
  return FALSE;
}

/* --- The mouse --- */

static gboolean
can_pan (AtlPreviewView *view)
{
  AtlArea area = atl_preview_view_get_area (view);

  return area.width < view->layer_width || area.height < view->layer_height;
}

static gboolean
is_on_divider (AtlPreviewView *view, double x)
{
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (view));

  return fabs (x * scale - divider_x (view)) <= GRIP * scale;
}

static void
show_cursor (AtlPreviewView *view, double x)
{
  GdkWindow *window = gtk_widget_get_window (GTK_WIDGET (view));
  const char *name = view->drag == DRAG_DIVIDER || is_on_divider (view, x)
                         ? "col-resize"
                     : view->drag == DRAG_LAYER ? "grabbing"
                     : can_pan (view)           ? "grab"
                                                : "default";
  g_autoptr (GdkCursor) cursor
      = gdk_cursor_new_from_name (gdk_window_get_display (window), name);

  gdk_window_set_cursor (window, cursor);
}

static void
drag_divider (AtlPreviewView *view, double x)
{
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (view));
  AtlArea frame = get_frame (view);

  atl_preview_view_set_divider (view, (x * scale - frame.x) / frame.width);
}

static gboolean
atl_preview_view_button_press (GtkWidget *widget, GdkEventButton *event)
{
  AtlPreviewView *view = ATL_PREVIEW_VIEW (widget);

  if (event->button != GDK_BUTTON_PRIMARY || event->type != GDK_BUTTON_PRESS)
    return FALSE;
  gtk_widget_grab_focus (widget);
  view->drag = is_on_divider (view, event->x) || !can_pan (view) ? DRAG_DIVIDER
                                                                 : DRAG_LAYER;
  view->drag_x = event->x;
  view->drag_y = event->y;
  view->from_x = view->centre_x;
  view->from_y = view->centre_y;
  if (view->drag == DRAG_DIVIDER)
    drag_divider (view, event->x);
  show_cursor (view, event->x);
  return TRUE;
}

static gboolean
atl_preview_view_motion (GtkWidget *widget, GdkEventMotion *event)
{
  AtlPreviewView *view = ATL_PREVIEW_VIEW (widget);
  double scale = gtk_widget_get_scale_factor (widget) / get_zoom (view);

  if (view->drag == DRAG_DIVIDER)
    drag_divider (view, event->x);
  else if (view->drag == DRAG_LAYER)
    atl_preview_view_set_centre (view,
                                 view->from_x - (event->x - view->drag_x) * scale,
                                 view->from_y - (event->y - view->drag_y) * scale);
  show_cursor (view, event->x);
  return TRUE;
}

static gboolean
atl_preview_view_button_release (GtkWidget *widget, GdkEventButton *event)
{
  AtlPreviewView *view = ATL_PREVIEW_VIEW (widget);

  view->drag = DRAG_NONE;
  show_cursor (view, event->x);
  return TRUE;
}

/* --- Keys --- */

static void
pan (AtlPreviewView *view, int x, int y)
{
  atl_preview_view_set_centre (view, view->centre_x + x, view->centre_y + y);
}

static gboolean
pan_by_key (AtlPreviewView *view, guint key)
{
  switch (key)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      pan (view, -PAN_STEP, 0);
      return TRUE;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      pan (view, PAN_STEP, 0);
      return TRUE;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      pan (view, 0, -PAN_STEP);
      return TRUE;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      pan (view, 0, PAN_STEP);
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
divide_by_key (AtlPreviewView *view, guint key, double step)
{
  switch (key)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      atl_preview_view_set_divider (view, view->divider - step);
      return TRUE;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      atl_preview_view_set_divider (view, view->divider + step);
      return TRUE;
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      atl_preview_view_set_divider (view, 0);
      return TRUE;
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      atl_preview_view_set_divider (view, 1);
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
atl_preview_view_key_press (GtkWidget *widget, GdkEventKey *event)
{
  AtlPreviewView *view = ATL_PREVIEW_VIEW (widget);
  gboolean done
      = event->state & GDK_CONTROL_MASK
            ? pan_by_key (view, event->keyval)
            : divide_by_key (view, event->keyval,
                             event->state & GDK_SHIFT_MASK ? SMALL_STEP : STEP);

  return done
         || GTK_WIDGET_CLASS (atl_preview_view_parent_class)
                ->key_press_event (widget, event);
}

/* --- State --- */

static void
show_other_area (AtlPreviewView *view)
{
  gtk_widget_queue_draw (GTK_WIDGET (view));
  g_signal_emit (view, area_changed_signal, 0);
}

void
atl_preview_view_set_fit (AtlPreviewView *view, gboolean fit)
{
  if (view->fit == fit)
    return;
  view->fit = fit;
  show_other_area (view);
}

/* The centre stays where the area's own is, so that there is no way back to be
 * gone after running into a border. */
void
atl_preview_view_set_centre (AtlPreviewView *view, double x, double y)
{
  AtlArea before = atl_preview_view_get_area (view), after;

  view->centre_x
      = CLAMP (x, before.width / 2.0, view->layer_width - before.width / 2.0);
  view->centre_y
      = CLAMP (y, before.height / 2.0, view->layer_height - before.height / 2.0);
  after = atl_preview_view_get_area (view);
  if (after.x != before.x || after.y != before.y)
    show_other_area (view);
}

void
atl_preview_view_set_divider (AtlPreviewView *view, double position)
{
  AtkObject *accessible = gtk_widget_get_accessible (GTK_WIDGET (view));

  view->divider = CLAMP (position, 0, 1);
  gtk_widget_queue_draw (GTK_WIDGET (view));
  g_signal_emit_by_name (accessible, "value-changed", 100 * view->divider, NULL);
}

double
atl_preview_view_get_divider (AtlPreviewView *view)
{
  return view->divider;
}

void
atl_preview_view_set_picture (AtlPreviewView *view, AtlPreviewPicture which,
                              cairo_surface_t *surface, const AtlArea *area)
{
  Picture *picture = &view->pictures[which];

  g_clear_pointer (&picture->surface, cairo_surface_destroy);
  if (surface)
    *picture = (Picture){ cairo_surface_reference (surface), *area };
  gtk_widget_queue_draw (GTK_WIDGET (view));
}

void
atl_preview_view_set_waiting (AtlPreviewView *view, gboolean waiting)
{
  if (view->waiting == waiting)
    return;
  view->waiting = waiting;
  gtk_widget_queue_draw (GTK_WIDGET (view));
}

/* --- The widget --- */

static void
atl_preview_view_size_allocate (GtkWidget *widget, GtkAllocation *allocation)
{
  GtkAllocation old;

  gtk_widget_get_allocation (widget, &old);
  GTK_WIDGET_CLASS (atl_preview_view_parent_class)
      ->size_allocate (widget, allocation);
  if (old.width != allocation->width || old.height != allocation->height)
    show_other_area (ATL_PREVIEW_VIEW (widget));
}

static void
get_preferred_width (GtkWidget *widget, int *minimum, int *natural)
{
  *minimum = MIN_SIDE;
  *natural = NATURAL_WIDTH;
}

static void
get_preferred_height (GtkWidget *widget, int *minimum, int *natural)
{
  *minimum = MIN_SIDE;
  *natural = NATURAL_HEIGHT;
}

static void
atl_preview_view_finalize (GObject *object)
{
  AtlPreviewView *view = ATL_PREVIEW_VIEW (object);

  for (int i = 0; i < ATL_N_PICTURES; i++)
    g_clear_pointer (&view->pictures[i].surface, cairo_surface_destroy);
  G_OBJECT_CLASS (atl_preview_view_parent_class)->finalize (object);
}

static void
atl_preview_view_class_init (AtlPreviewViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = atl_preview_view_finalize;
  widget_class->draw = atl_preview_view_draw;
  widget_class->button_press_event = atl_preview_view_button_press;
  widget_class->button_release_event = atl_preview_view_button_release;
  widget_class->motion_notify_event = atl_preview_view_motion;
  widget_class->key_press_event = atl_preview_view_key_press;
  widget_class->size_allocate = atl_preview_view_size_allocate;
  widget_class->get_preferred_width = get_preferred_width;
  widget_class->get_preferred_height = get_preferred_height;
  gtk_widget_class_set_accessible_type (widget_class,
                                        atl_preview_accessible_get_type ());
  area_changed_signal
      = g_signal_new ("area-changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                      0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
atl_preview_view_init (AtlPreviewView *view)
{
  view->divider = 0.5;
  gtk_widget_set_can_focus (GTK_WIDGET (view), TRUE);
  gtk_widget_add_events (GTK_WIDGET (view),
                         GDK_BUTTON_PRESS_MASK | GDK_BUTTON_RELEASE_MASK
                             | GDK_POINTER_MOTION_MASK | GDK_KEY_PRESS_MASK);
  gtk_style_context_add_class (gtk_widget_get_style_context (GTK_WIDGET (view)),
                               GTK_STYLE_CLASS_VIEW);
}

GtkWidget *
atl_preview_view_new (int layer_width, int layer_height)
{
  AtlPreviewView *view = g_object_new (ATL_TYPE_PREVIEW_VIEW, NULL);

  view->layer_width = layer_width;
  view->layer_height = layer_height;
  view->centre_x = layer_width / 2.0;
  view->centre_y = layer_height / 2.0;
  return GTK_WIDGET (view);
}
