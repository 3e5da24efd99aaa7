/* The whole layer, small, with a frame to move; see overview.h. */

#include "overview.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define MAX_WIDTH 96
#define MAX_HEIGHT 72
#define STEPS 8 /* of a key, from one border of the area to the other */

struct _AtlOverview
{
  GtkDrawingArea parent;

  int layer_width, layer_height;
  int width, height;
  GdkPixbuf *picture;
  AtlArea area;
  gboolean dragging;
};

G_DEFINE_FINAL_TYPE (AtlOverview, atl_overview, GTK_TYPE_DRAWING_AREA)

static guint moved_signal;

static void
move_to (AtlOverview *overview, double x, double y)
{
  g_signal_emit (overview, moved_signal, 0, x, y);
}

/* x, y: in the widget. */
static void
move_to_mouse (AtlOverview *overview, double x, double y)
{
  move_to (overview, x * overview->layer_width / overview->width,
           y * overview->layer_height / overview->height);
}

static gboolean
is_whole (const AtlOverview *overview)
{
  return overview->area.width >= overview->layer_width
         && overview->area.height >= overview->layer_height;
}

static gboolean
atl_overview_draw (GtkWidget *widget, cairo_t *cr)
{
  AtlOverview *overview = ATL_OVERVIEW (widget);
  const AtlArea *area = &overview->area;
  double sx = (double)overview->width / overview->layer_width;
  double sy = (double)overview->height / overview->layer_height;
  double width = MAX (4, area->width * sx), height = MAX (4, area->height * sy);

  if (overview->picture)
    {
      cairo_save (cr);
      cairo_scale (
          cr, (double)overview->width / gdk_pixbuf_get_width (overview->picture),
          (double)overview->height / gdk_pixbuf_get_height (overview->picture));
      gdk_cairo_set_source_pixbuf (cr, overview->picture, 0, 0);
      cairo_paint (cr);
      cairo_restore (cr);
    }
  if (!is_whole (overview) && area->width > 0)
    {
      cairo_rectangle (cr, 0, 0, overview->width, overview->height);
      cairo_rectangle (cr, area->x * sx, area->y * sy, width, height);
      cairo_set_fill_rule (cr, CAIRO_FILL_RULE_EVEN_ODD);
      cairo_set_source_rgba (cr, 0, 0, 0, 0.4);
      cairo_fill (cr);
      cairo_rectangle (cr, area->x * sx, area->y * sy, width, height);
      cairo_set_source_rgb (cr, 1, 1, 1);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
    }
  if (gtk_widget_has_visible_focus (widget))
    gtk_render_focus (gtk_widget_get_style_context (widget), cr, 0, 0,
                      overview->width, overview->height);
  return FALSE;
}

static gboolean
atl_overview_button_press (GtkWidget *widget, GdkEventButton *event)
{
  AtlOverview *overview = ATL_OVERVIEW (widget);

  if (event->button != GDK_BUTTON_PRIMARY)
    return FALSE;
  gtk_widget_grab_focus (widget);
  overview->dragging = TRUE;
  move_to_mouse (overview, event->x, event->y);
  return TRUE;
}

static gboolean
atl_overview_motion (GtkWidget *widget, GdkEventMotion *event)
{
  AtlOverview *overview = ATL_OVERVIEW (widget);

  if (overview->dragging)
    move_to_mouse (overview, event->x, event->y);
  return overview->dragging;
}

static gboolean
atl_overview_button_release (GtkWidget *widget, GdkEventButton *event)
{
  ATL_OVERVIEW (widget)->dragging = FALSE;
  return TRUE;
}

static gboolean
atl_overview_key_press (GtkWidget *widget, GdkEventKey *event)
{
  AtlOverview *overview = ATL_OVERVIEW (widget);
  const AtlArea *area = &overview->area;
  double x = area->x + area->width / 2.0, y = area->y + area->height / 2.0;
  double step_x = fmax (1, (double)area->width / STEPS);
  double step_y = fmax (1, (double)area->height / STEPS);

  switch (event->keyval)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      move_to (overview, x - step_x, y);
      return TRUE;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      move_to (overview, x + step_x, y);
      return TRUE;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      move_to (overview, x, y - step_y);
      return TRUE;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      move_to (overview, x, y + step_y);
      return TRUE;
    default:
      return GTK_WIDGET_CLASS (atl_overview_parent_class)
          ->key_press_event (widget, event);
    }
}

void
atl_overview_get_size (AtlOverview *overview, int *width, int *height)
{
  *width = overview->width;
  *height = overview->height;
}

void
atl_overview_set_picture (AtlOverview *overview, GdkPixbuf *picture)
{
  g_set_object (&overview->picture, picture);
  gtk_widget_queue_draw (GTK_WIDGET (overview));
}

void
atl_overview_set_area (AtlOverview *overview, const AtlArea *area)
{
  overview->area = *area;
  gtk_widget_queue_draw (GTK_WIDGET (overview));
}

static void
atl_overview_finalize (GObject *object)
{
  g_clear_object (&ATL_OVERVIEW (object)->picture);
  G_OBJECT_CLASS (atl_overview_parent_class)->finalize (object);
}

static void
atl_overview_class_init (AtlOverviewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = atl_overview_finalize;
  widget_class->draw = atl_overview_draw;
  widget_class->button_press_event = atl_overview_button_press;
  widget_class->button_release_event = atl_overview_button_release;
  widget_class->motion_notify_event = atl_overview_motion;
  widget_class->key_press_event = atl_overview_key_press;
  moved_signal = g_signal_new ("moved", G_TYPE_FROM_CLASS (klass),
                               G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                               2, G_TYPE_DOUBLE, G_TYPE_DOUBLE);
}

static void
atl_overview_init (AtlOverview *overview)
{
  GtkWidget *widget = GTK_WIDGET (overview);
  AtkObject *accessible = gtk_widget_get_accessible (widget);

  gtk_widget_set_can_focus (widget, TRUE);
  gtk_widget_set_halign (widget, GTK_ALIGN_START);
  gtk_widget_set_valign (widget, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (widget, _ ("Click or drag to choose the part of the "
                                          "layer that the preview shows"));
  gtk_widget_add_events (widget, GDK_BUTTON_PRESS_MASK | GDK_BUTTON_RELEASE_MASK
                                     | GDK_BUTTON1_MOTION_MASK
                                     | GDK_KEY_PRESS_MASK);
  atk_object_set_name (accessible, _ ("Overview"));
  atk_object_set_description (
      accessible, _ ("Arrow keys choose the part of the layer that the preview "
                     "shows"));
}

GtkWidget *
atl_overview_new (int layer_width, int layer_height)
{
  AtlOverview *overview = g_object_new (ATL_TYPE_OVERVIEW, NULL);
  double scale
      = fmin ((double)MAX_WIDTH / layer_width, (double)MAX_HEIGHT / layer_height);

  overview->layer_width = layer_width;
  overview->layer_height = layer_height;
  overview->width = MAX (8, (int)round (layer_width * scale));
  overview->height = MAX (8, (int)round (layer_height * scale));
  gtk_widget_set_size_request (GTK_WIDGET (overview), overview->width,
                               overview->height);
  return GTK_WIDGET (overview);
}
