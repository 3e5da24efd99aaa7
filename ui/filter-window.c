/* What the windows of Translate and Compress have in common; see
 * filter-window.h. */

#include "filter-window.h"

#include <glib/gi18n-lib.h>

#include "card-view.h"
#include "rows.h"
#include "thread-call.h"

#define LIST_WIDTH 300
#define LIST_HEIGHT 180
#define CARD_WIDTH 380
#define CARD_HEIGHT 360

/* --- Model --- */

static void
show_card (GtkMenuButton *button, AtlFilterWindow *window)
{
  if (gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (button)))
    atl_card_view_set (window->card, atl_model_list_get (window->models));
}

static void
update_preview (AtlFilterWindow *window)
{
  const AtlModelInfo *info = atl_model_list_get (window->models);
  AtlPreviewSettings settings = { .statistics = -1 };
  int memory;

  if (!info)
    {
      atl_preview_set (window->preview, NULL);
      return;
    }
  g_object_get (window->config, "memory", &memory, NULL);
  settings.model = info->path;
  settings.memory = (gsize)memory << 20;
  window->collect (window, &settings);
  atl_preview_set (window->preview, &settings);
}

static void
show_model (AtlFilterWindow *window)
{
  const AtlModelInfo *info = atl_model_list_get (window->models);

  gtk_stack_set_visible_child_name (GTK_STACK (window->pages),
                                    info ? "filter" : "empty");
  gtk_widget_set_sensitive (window->card_button, info != NULL);
  gtk_label_set_text (GTK_LABEL (window->about),
                      info && info->description ? info->description : "");
  gtk_widget_set_visible (window->about,
                          info && info->description && *info->description);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (window->dialog), GTK_RESPONSE_OK,
                                     info != NULL);
}

static void
model_chosen (AtlModelList *list, AtlFilterWindow *window)
{
  const AtlModelInfo *info = atl_model_list_get (list);
  g_autofree char *model = NULL;

  show_model (window);
  g_object_get (window->config, "model", &model, NULL);
  if (!info || g_strcmp0 (model, info->id) == 0
      || g_strcmp0 (model, info->path) == 0)
    return;
  window->choosing = TRUE;
  g_object_set (window->config, "model", info->id, NULL);
  window->choosing = FALSE;
}

/* What the config names may be gone; then the first is taken. */
static void
choose_configured (AtlFilterWindow *window)
{
  g_autofree char *model = NULL;

  g_object_get (window->config, "model", &model, NULL);
  if (!atl_model_list_choose (window->models, model))
    atl_model_list_choose (window->models, NULL);
  model_chosen (window->models, window);
}

static void
imported (gpointer data, const char *path)
{
  AtlFilterWindow *window = data;

  atl_model_list_refresh (window->models);
  atl_model_list_choose (window->models, path);
  update_preview (window);
}

/* --- Settings --- */

static void
config_changed (GimpProcedureConfig *config, const GParamSpec *property,
                AtlFilterWindow *window)
{
  if (g_str_equal (property->name, "output")
      || g_str_equal (property->name, "run-mode"))
    return;
  if (g_str_equal (property->name, "strength"))
    {
      double strength;

      g_object_get (config, "strength", &strength, NULL);
      atl_preview_set_strength (window->preview, strength);
      return;
    }
  if (g_str_equal (property->name, "model") && !window->choosing)
    choose_configured (window);
  update_preview (window);
}

/* "3 s", "2 min"; free with g_free. */
static char *
seconds_text (double seconds)
{
  if (seconds < 1)
    return g_strdup (_ ("less than a second"));
  if (seconds < 90)
    return g_strdup_printf (_ ("%.0f s"), seconds);
  if (seconds < 90 * 60)
    return g_strdup_printf (_ ("%.0f min"), seconds / 60);
  return g_strdup_printf (_ ("%.1f h"), seconds / 3600);
}

/* "Expected: 4 s and 310 MB of memory, in 6 tiles"; free with g_free. */
static char *
expect_text (AtlFilterWindow *window)
{
  const AtlPreviewState *state = atl_preview_get_state (window->preview);
  g_autofree char *time = seconds_text (state->seconds);
  g_autofree char *memory = g_strdup_printf (_ ("%.0f MB"), state->bytes / 1e6);

  if (state->seconds < 0 || state->error)
    return g_strdup ("\n");
  if (state->n_tiles > 1)
    return g_strdup_printf (ngettext ("Expected: %s and %s of memory, in %d tile",
                                      "Expected: %s and %s of memory, in %d tiles",
                                      state->n_tiles),
                            time, memory, state->n_tiles);
  return g_strdup_printf (_ ("Expected: %s and %s of memory"), time, memory);
}

static void
preview_changed (AtlPreview *preview, AtlFilterWindow *window)
{
  const AtlPreviewState *state = atl_preview_get_state (preview);
  g_autofree char *expect = expect_text (window);

  gtk_label_set_text (GTK_LABEL (window->expect), expect);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (window->dialog), GTK_RESPONSE_OK,
                                     atl_model_list_get (window->models)
                                         && !state->error);
  if (window->show)
    window->show (window);
}

/* --- Parts of the window --- */

static GtkWidget *
card_button_new (AtlFilterWindow *window)
{
  GtkWidget *button = gtk_menu_button_new ();
  GtkWidget *popover = gtk_popover_new (button);

  gtk_button_set_label (GTK_BUTTON (button), _ ("_Details"));
  gtk_button_set_use_underline (GTK_BUTTON (button), TRUE);
  gtk_widget_set_tooltip_text (button,
                               _ ("The model's card: who made it, from what, "
                                  "and how good it is"));
  window->card = atl_card_view_new ();
  gtk_widget_set_size_request (window->card, CARD_WIDTH, CARD_HEIGHT);
  gtk_container_add (GTK_CONTAINER (popover), window->card);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), popover);
  g_signal_connect (button, "toggled", G_CALLBACK (show_card), window);
  return button;
}

static GtkWidget *
models_new (AtlFilterWindow *window)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *list = GTK_WIDGET (window->models);
  GtkWidget *label = gtk_label_new_with_mnemonic (_ ("_Model"));

  window->card_button = card_button_new (window);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label),
                                 gtk_bin_get_child (GTK_BIN (list)));
  gtk_box_pack_start (GTK_BOX (row), label, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), window->card_button, FALSE, FALSE, 0);
  gtk_widget_set_size_request (list, LIST_WIDTH, LIST_HEIGHT);
  window->about = atl_text_new ("");
  gtk_widget_set_no_show_all (window->about, TRUE);
  gtk_box_pack_start (GTK_BOX (box), row, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), list, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), window->about, FALSE, FALSE, 0);
  return box;
}

static GtkWidget *
output_new (AtlFilterWindow *window)
{
  static const char *const words[] = { "in-place", "new-layer", NULL };
  const char *labels[] = { _ ("Change the layer"), _ ("New layer above it"), NULL };
  GtkWidget *grid = gtk_grid_new ();

  if (window->source->n_layers > 1)
    {
      labels[0] = _ ("Change the layers");
      labels[1] = _ ("New layers above them");
    }
  gtk_grid_set_column_spacing (GTK_GRID (grid), 6);
  atl_grid_add (GTK_GRID (grid), 0, _ ("Res_ult"),
                atl_choice_new (window->config, "output", words, labels));
  return grid;
}

static GtkWidget *
advanced_new (AtlFilterWindow *window)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic (_ ("Ad_vanced"));
  GtkWidget *grid = gtk_grid_new ();

  window->advanced = GTK_GRID (grid);
  gtk_grid_set_row_spacing (window->advanced, 6);
  gtk_grid_set_column_spacing (window->advanced, 6);
  gtk_widget_set_margin_top (grid, 6);
  gtk_container_add (GTK_CONTAINER (expander), grid);
  return expander;
}

/* Last, as the filters add theirs before. */
static void
add_memory (AtlFilterWindow *window)
{
  GtkWidget *memory = atl_number_new (window->config, "memory", 64);

  gtk_widget_set_tooltip_text (
      memory, _ ("Larger layers are done in tiles that fit into it; 0: 1024 MiB"));
  atl_filter_window_add_advanced (window, _ ("Memory (M_iB)"), memory);
}

static GtkWidget *
side_new (AtlFilterWindow *window)
{
  GtkWidget *side = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  window->settings = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  /* Room for two lines from the start, so that nothing moves later. */
  window->expect = atl_text_new ("\n");
  gtk_box_pack_start (GTK_BOX (side), models_new (window), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (side), window->settings, FALSE, FALSE, 0);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (window->config), "output"))
    gtk_box_pack_start (GTK_BOX (side), output_new (window), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), advanced_new (window), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), window->expect, FALSE, FALSE, 0);
  return side;
}

static GtkWidget *
filter_page_new (AtlFilterWindow *window)
{
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  gtk_box_pack_start (GTK_BOX (page), GTK_WIDGET (window->preview), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (page), side_new (window), FALSE, FALSE, 0);
  return page;
}

/* What there is to do where no model is. */
static GtkWidget *
empty_page_new (AtlFilterWindow *window, const char *kind)
{
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gboolean translates = g_str_equal (kind, "pix2pix");
  GtkWidget *title = atl_text_new (translates ? _ ("There is no Pix2Pix model yet")
                                              : _ ("There is no VQ-VAE model yet"));
  GtkWidget *text = atl_text_new (
      translates ? _ ("Train one with Filters > Atelier > Train a Style, from "
                      "pictures before and after, or import one that you have.")
                 : _ ("Train one with Filters > Atelier > Train a Style, from any "
                      "pictures, or import one that you have."));
  GtkWidget *button
      = atl_import_button_new (_ ("_Import a Model..."), imported, window);
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

  gtk_label_set_max_width_chars (GTK_LABEL (text), 50);
  pango_attr_list_insert (attributes, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_LARGE));
  gtk_label_set_attributes (GTK_LABEL (title), attributes);
  gtk_box_pack_start (GTK_BOX (page), title, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), text, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), button, FALSE, FALSE, 0);
  gtk_widget_set_halign (button, GTK_ALIGN_START);
  gtk_widget_set_halign (page, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (page, GTK_ALIGN_CENTER);
  return page;
}

/* --- For the filters --- */

void
atl_filter_window_add_advanced (AtlFilterWindow *window, const char *label,
                                GtkWidget *widget)
{
  atl_grid_add (window->advanced, window->n_advanced++, label, widget);
}

void
atl_filter_window_init (AtlFilterWindow *window, GimpProcedure *procedure,
                        GimpProcedureConfig *config, const AtlLayerSource *source,
                        const char *title, const char *kind)
{
  GtkWidget *content;

  *window = (AtlFilterWindow){ .config = config, .source = source };
  window->dialog = gimp_procedure_dialog_new (procedure, config, title);
  content = gtk_dialog_get_content_area (GTK_DIALOG (window->dialog));
  window->models = ATL_MODEL_LIST (atl_model_list_new (kind));
  window->preview = ATL_PREVIEW (atl_preview_new (source));
  window->pages = gtk_stack_new ();
  gtk_stack_add_named (GTK_STACK (window->pages), filter_page_new (window),
                       "filter");
  gtk_stack_add_named (GTK_STACK (window->pages), empty_page_new (window, kind),
                       "empty");
  gtk_box_pack_start (GTK_BOX (content), window->pages, TRUE, TRUE, 0);
}

gboolean
atl_filter_window_run (AtlFilterWindow *window)
{
  gboolean apply;
  gulong handler;

  add_memory (window);
  gtk_widget_show_all (window->pages);
  choose_configured (window);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (window->config),
                                    "strength"))
    {
      double strength;

      g_object_get (window->config, "strength", &strength, NULL);
      atl_preview_set_strength (window->preview, strength);
    }
  g_signal_connect (window->models, "changed", G_CALLBACK (model_chosen), window);
  g_signal_connect (window->preview, "updated", G_CALLBACK (preview_changed),
                    window);
  handler = g_signal_connect (window->config, "notify", G_CALLBACK (config_changed),
                              window);
  update_preview (window);
  apply = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (window->dialog));
  g_signal_handler_disconnect (window->config, handler);
  gtk_widget_hide (window->dialog);
  atl_preview_close (window->preview);
  gtk_widget_destroy (window->dialog);
  return apply;
}
