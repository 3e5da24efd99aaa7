/* A preview to a screen reader: a slider whose value is the divider's position,
 * in percent of the width that is "before". */

#include <glib/gi18n-lib.h>
#include <gtk/gtk-a11y.h>

#include "preview-view.h"

typedef GtkWidgetAccessible AtlPreviewAccessible;
typedef GtkWidgetAccessibleClass AtlPreviewAccessibleClass;

static void value_interface_init (AtkValueIface *iface);

G_DEFINE_TYPE_WITH_CODE (AtlPreviewAccessible, atl_preview_accessible,
                         GTK_TYPE_WIDGET_ACCESSIBLE,
                         G_IMPLEMENT_INTERFACE (ATK_TYPE_VALUE,
                                                value_interface_init))

static AtlPreviewView *
get_view (gpointer accessible)
{
  GtkWidget *widget = gtk_accessible_get_widget (GTK_ACCESSIBLE (accessible));

  return widget ? ATL_PREVIEW_VIEW (widget) : NULL;
}

static void
get_value_and_text (AtkValue *value, double *number, char **text)
{
  AtlPreviewView *view = get_view (value);

  *number = view ? 100 * atl_preview_view_get_divider (view) : 0;
  if (text)
    *text = g_strdup_printf (_ ("%.0f %% before"), *number);
}

static AtkRange *
get_range (AtkValue *value)
{
  return atk_range_new (0, 100, NULL);
}

static double
get_increment (AtkValue *value)
{
  return 1;
}

static void
set_value (AtkValue *value, double number)
{
  AtlPreviewView *view = get_view (value);

  if (view)
    atl_preview_view_set_divider (view, number / 100);
}

static void
value_interface_init (AtkValueIface *iface)
{
  iface->get_value_and_text = get_value_and_text;
  iface->get_range = get_range;
  iface->get_increment = get_increment;
  iface->set_value = set_value;
}

static void
initialize (AtkObject *accessible, gpointer data)
{
  ATK_OBJECT_CLASS (atl_preview_accessible_parent_class)
      ->initialize (accessible, data);
  atk_object_set_role (accessible, ATK_ROLE_SLIDER);
  atk_object_set_name (accessible, _ ("Preview"));
  atk_object_set_description (
      accessible, _ ("Before on the left, after on the right.  Arrow keys move the "
                     "divider, with Ctrl the part of the layer that is shown."));
}

static void
atl_preview_accessible_class_init (AtlPreviewAccessibleClass *klass)
{
  ATK_OBJECT_CLASS (klass)->initialize = initialize;
}

static void
atl_preview_accessible_init (AtlPreviewAccessible *accessible)
{
}
