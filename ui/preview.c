/* A live preview of what a model makes of a layer; see preview.h. */

#include "preview.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "overview.h"
#include "pictures.h"
#include "preview-view.h"

#define PAN_DELAY_MS 40 /* without a move, until a new part is computed */

struct _AtlPreview
{
  GtkBox parent;

  const AtlLayerSource *source;
  AtlPreviewEngine *engine;
  AtlPreviewSettings settings; /* model NULL: none */
  char *model;
  double strength;
  gboolean outside; /* nothing that is shown will be changed */
  guint start_id, mix_id;

  GtkWidget *view, *overview;
  GtkWidget *one_to_one, *fit;
  GtkWidget *spinner, *icon, *status;
};

G_DEFINE_FINAL_TYPE (AtlPreview, atl_preview, GTK_TYPE_BOX)

static guint updated_signal;

/* --- Pictures --- */

static AtlPreviewView *
get_view (AtlPreview *preview)
{
  return ATL_PREVIEW_VIEW (preview->view);
}

/* The layer as it is, at once. */
static void
show_base (AtlPreview *preview)
{
  AtlPreviewView *view = get_view (preview);
  const AtlLayerSource *source = preview->source;
  AtlArea area = atl_preview_view_get_area (view);
  cairo_surface_t *surface;
  int width, height;

  atl_preview_view_get_size (view, &width, &height);
  if (width == area.width && height == area.height)
    surface = atl_picture_of_layer (source, &area);
  else
    {
      g_autoptr (GdkPixbuf) picture
          = source->thumbnail (source->data, width, height);

      surface = picture ? gdk_cairo_surface_create_from_pixbuf (picture, 1, NULL)
                        : NULL;
    }
  atl_preview_view_set_picture (view, ATL_PICTURE_BASE, surface, &area);
  g_clear_pointer (&surface, cairo_surface_destroy);
}

static gboolean
mix (gpointer data)
{
  AtlPreview *preview = data;
  AtlShot *shot = atl_preview_engine_get_state (preview->engine)->shot;
  const AtlPreviewPicture which[2] = { ATL_PICTURE_BEFORE, ATL_PICTURE_AFTER };

  preview->mix_id = 0;
  for (int i = 0; i < 2; i++)
    {
      AtlArea area = { 0 };
      cairo_surface_t *surface = NULL;

      if (shot)
        {
          area = atl_shot_get_area (shot);
          surface = atl_picture_of_shot (preview->source, shot,
                                         i == 0 ? 0 : preview->strength);
        }
      atl_preview_view_set_picture (get_view (preview), which[i], surface, &area);
      g_clear_pointer (&surface, cairo_surface_destroy);
    }
  return G_SOURCE_REMOVE;
}

static void
mix_soon (AtlPreview *preview)
{
  if (preview->mix_id == 0 && preview->engine)
    preview->mix_id = g_idle_add_full (GDK_PRIORITY_REDRAW - 1, mix, preview, NULL);
}

/* --- What goes on --- */

static void
set_status (AtlPreview *preview, const char *text, gboolean busy, gboolean problem)
{
  gtk_label_set_text (GTK_LABEL (preview->status), text);
  gtk_widget_set_visible (preview->icon, problem);
  gtk_widget_set_visible (preview->spinner, busy);
  g_object_set (preview->spinner, "active", busy, NULL);
}

static void
show_state (AtlPreview *preview)
{
  const AtlPreviewState *state = atl_preview_engine_get_state (preview->engine);
  g_autofree char *text = NULL;

  if (state->error)
    set_status (preview, state->error->message, FALSE, TRUE);
  else if (state->busy && state->fraction > 0)
    {
      text = g_strdup_printf (_ ("Computing the preview: %.0f %%"),
                              100 * state->fraction);
      set_status (preview, text, TRUE, FALSE);
    }
  else if (state->busy)
    set_status (preview, _ ("Computing the preview"), TRUE, FALSE);
  else
    set_status (preview,
                preview->outside ? _ ("Nothing in this part is selected") : "",
                FALSE, FALSE);
  atl_preview_view_set_waiting (get_view (preview), state->busy);
}

static void
engine_changed (gpointer data)
{
  AtlPreview *preview = data;

  show_state (preview);
  mix_soon (preview);
  if (preview->settings.measure && preview->settings.model)
    atl_preview_engine_measure (preview->engine, &preview->settings);
  g_signal_emit (preview, updated_signal, 0);
}

/* --- Starting --- */

static gboolean
start (gpointer data)
{
  AtlPreview *preview = data;
  AtlPreviewView *view = get_view (preview);
  const AtlLayerSource *source = preview->source;
  const AtlArea changed
      = { source->x, source->y, source->changed_width, source->changed_height };
  AtlArea shown = atl_preview_view_get_area (view), area;
  int width, height;

  preview->start_id = 0;
  atl_preview_view_get_size (view, &width, &height);
  preview->outside = !atl_area_intersect (&shown, &changed, &area);
  if (!preview->settings.model || preview->outside)
    {
      atl_preview_engine_stop (preview->engine);
      return G_SOURCE_REMOVE;
    }
  atl_preview_engine_start (
      preview->engine, &preview->settings, &area,
      (int)ceil ((double)area.width * width / shown.width),
      (int)ceil ((double)area.height * height / shown.height));
  return G_SOURCE_REMOVE;
}

/* Once the view has its size. */
static void
start_soon (AtlPreview *preview, guint delay)
{
  if (preview->start_id)
    g_source_remove (preview->start_id);
  preview->start_id = 0;
  if (preview->engine && gtk_widget_get_mapped (preview->view))
    preview->start_id = g_timeout_add (delay, start, preview);
}

static void
area_changed (GtkWidget *view, AtlPreview *preview)
{
  AtlArea area = atl_preview_view_get_area (get_view (preview));

  atl_overview_set_area (ATL_OVERVIEW (preview->overview), &area);
  if (!gtk_widget_get_mapped (view))
    return;
  show_base (preview);
  start_soon (preview, PAN_DELAY_MS);
}

static void
mapped (GtkWidget *view, AtlPreview *preview)
{
  show_base (preview);
  start_soon (preview, 0);
}

static void
overview_moved (GtkWidget *overview, double x, double y, AtlPreview *preview)
{
  atl_preview_view_set_centre (get_view (preview), x, y);
}

static void
zoom_toggled (GtkToggleButton *button, AtlPreview *preview)
{
  if (gtk_toggle_button_get_active (button))
    atl_preview_view_set_fit (get_view (preview),
                              GTK_WIDGET (button) == preview->fit);
}

/* --- For its owner --- */

void
atl_preview_set (AtlPreview *preview, const AtlPreviewSettings *settings)
{
  char *model = settings ? g_strdup (settings->model) : NULL;

  g_free (preview->model);
  preview->model = model;
  if (settings)
    preview->settings = *settings;
  preview->settings.model = model;
  start_soon (preview, 0);
}

void
atl_preview_set_strength (AtlPreview *preview, double strength)
{
  preview->strength = strength;
  mix_soon (preview);
}

const AtlPreviewState *
atl_preview_get_state (AtlPreview *preview)
{
  return atl_preview_engine_get_state (preview->engine);
}

void
atl_preview_close (AtlPreview *preview)
{
  g_clear_handle_id (&preview->start_id, g_source_remove);
  g_clear_handle_id (&preview->mix_id, g_source_remove);
  g_clear_pointer (&preview->engine, atl_preview_engine_free);
}

/* --- The widget --- */

static void
atl_preview_finalize (GObject *object)
{
  AtlPreview *preview = ATL_PREVIEW (object);

  g_warn_if_fail (!preview->engine);
  g_free (preview->model);
  G_OBJECT_CLASS (atl_preview_parent_class)->finalize (object);
}

static void
atl_preview_class_init (AtlPreviewClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = atl_preview_finalize;
  updated_signal
      = g_signal_new ("updated", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
atl_preview_init (AtlPreview *preview)
{
  preview->strength = 1;
}

static GtkWidget *
zoom_button_new (AtlPreview *preview, GtkWidget *group, const char *label,
                 const char *tip)
{
  GtkWidget *button = gtk_radio_button_new_with_mnemonic_from_widget (
      group ? GTK_RADIO_BUTTON (group) : NULL, label);

  gtk_toggle_button_set_mode (GTK_TOGGLE_BUTTON (button), FALSE);
  gtk_widget_set_tooltip_text (button, tip);
  g_signal_connect (button, "toggled", G_CALLBACK (zoom_toggled), preview);
  return button;
}

static GtkWidget *
zoom_new (AtlPreview *preview)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  gtk_style_context_add_class (gtk_widget_get_style_context (box),
                               GTK_STYLE_CLASS_LINKED);
  gtk_widget_set_halign (box, GTK_ALIGN_START);
  preview->one_to_one = zoom_button_new (
      preview, NULL, _ ("_1:1"), _ ("One pixel of the layer is one of the screen"));
  preview->fit = zoom_button_new (preview, preview->one_to_one, _ ("_Fit"),
                                  _ ("The whole layer; computed piece by piece"));
  gtk_container_add (GTK_CONTAINER (box), preview->one_to_one);
  gtk_container_add (GTK_CONTAINER (box), preview->fit);
  return box;
}

static GtkWidget *
status_new (AtlPreview *preview)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  preview->spinner = gtk_spinner_new ();
  preview->icon
      = gtk_image_new_from_icon_name ("dialog-error", GTK_ICON_SIZE_BUTTON);
  preview->status = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (preview->status), 0);
  gtk_label_set_line_wrap (GTK_LABEL (preview->status), TRUE);
  gtk_label_set_width_chars (GTK_LABEL (preview->status), 20);
  gtk_label_set_max_width_chars (GTK_LABEL (preview->status), 40);
  gtk_box_pack_start (GTK_BOX (box), preview->spinner, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), preview->icon, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), preview->status, TRUE, TRUE, 0);
  gtk_widget_set_no_show_all (preview->spinner, TRUE);
  gtk_widget_set_no_show_all (preview->icon, TRUE);
  return box;
}

/* Overview, zoom and status, under the pictures. */
static GtkWidget *
bar_new (AtlPreview *preview)
{
  GtkWidget *bar = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *right = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *overview
      = atl_overview_new (preview->source->width, preview->source->height);

  preview->overview = overview;
  gtk_box_pack_start (GTK_BOX (right), zoom_new (preview), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (right), status_new (preview), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (bar), overview, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (bar), right, TRUE, TRUE, 0);
  g_signal_connect (overview, "moved", G_CALLBACK (overview_moved), preview);
  return bar;
}

static void
show_overview (AtlPreview *preview)
{
  const AtlLayerSource *source = preview->source;
  int scale = gtk_widget_get_scale_factor (preview->overview), width, height;
  g_autoptr (GdkPixbuf) picture = NULL;

  atl_overview_get_size (ATL_OVERVIEW (preview->overview), &width, &height);
  picture = source->thumbnail (source->data, width * scale, height * scale);
  atl_overview_set_picture (ATL_OVERVIEW (preview->overview), picture);
}

GtkWidget *
atl_preview_new (const AtlLayerSource *source)
{
  AtlPreview *preview = g_object_new (ATL_TYPE_PREVIEW, "orientation",
                                      GTK_ORIENTATION_VERTICAL, "spacing", 6, NULL);
  GtkWidget *frame = gtk_frame_new (NULL);

  preview->source = source;
  preview->engine = atl_preview_engine_new (source, engine_changed, preview);
  preview->view = atl_preview_view_new (source->width, source->height);
  atl_preview_view_set_centre (get_view (preview),
                               source->x + source->changed_width / 2.0,
                               source->y + source->changed_height / 2.0);
  gtk_frame_set_shadow_type (GTK_FRAME (frame), GTK_SHADOW_IN);
  gtk_container_add (GTK_CONTAINER (frame), preview->view);
  gtk_box_pack_start (GTK_BOX (preview), frame, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (preview), bar_new (preview), FALSE, FALSE, 0);
  g_signal_connect (preview->view, "area-changed", G_CALLBACK (area_changed),
                    preview);
  g_signal_connect (preview->view, "map", G_CALLBACK (mapped), preview);
  gtk_widget_show_all (GTK_WIDGET (preview));
  show_overview (preview);
  return GTK_WIDGET (preview);
}
