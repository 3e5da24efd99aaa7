/* A model's card as a page to read; see card-view.h. */

#include "card-view.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>

#include "model-thumbnail.h"
#include "rows.h"

/* What a card says, in the order it is shown.  What is not listed comes after,
 * under its own name, so that nothing that a model's author wrote is lost. */
static const struct
{
  const char *key, *label; /* label NULL: not shown */
} fields[] = {
  { "name", NULL },
  { "description", NULL },
  { "author", N_ ("Author") },
  { "licence", N_ ("Licence") },
  { "data", N_ ("Learned from") },
  { "direction", N_ ("Direction") },
  { "from", N_ ("Began with") },
  { "training", N_ ("Training") },
  { "steps", N_ ("Steps") },
  { "steps_planned", NULL },
  { "date", N_ ("Date") },
  { "figures", N_ ("Measured on") },
  { "psnr", N_ ("PSNR (dB)") },
  { "ssim", N_ ("SSIM") },
  { "ms_ssim", N_ ("MS-SSIM") },
  { "l1", N_ ("Mean difference") },
  { "program", N_ ("Made with") },
  { "imported_from", N_ ("Imported from") },
};

static const char *
kind_text (const char *kind)
{
  if (g_strcmp0 (kind, "pix2pix") == 0)
    return _ ("Translates pictures (Pix2Pix)");
  if (g_strcmp0 (kind, "vqvae") == 0)
    return _ ("Compresses pictures (VQ-VAE)");
  if (g_strcmp0 (kind, "discriminator") == 0)
    return _ ("Judges pictures during training (discriminator)");
  return kind;
}

static GtkWidget *
text_new (const char *text, gboolean dim)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_yalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 40);
  if (dim)
    gtk_style_context_add_class (gtk_widget_get_style_context (label), "dim-label");
  else
    gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  return label;
}

static void
add_row (GtkGrid *grid, int *row, const char *label, const char *text)
{
  GtkWidget *name, *value;

  if (!text || !*text)
    return;
  name = text_new (label, TRUE);
  value = text_new (text, FALSE);
  gtk_widget_set_hexpand (value, TRUE);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), value);
  gtk_grid_attach (grid, name, 0, *row, 1, 1);
  gtk_grid_attach (grid, value, 1, *row, 1, 1);
  (*row)++;
}

/* Free with g_free; NULL for what is neither text nor number. */
static char *
value_text (JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_dup_string (node);
  if (json_node_get_value_type (node) == G_TYPE_DOUBLE)
    return g_strdup_printf ("%.4g", json_node_get_double (node));
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  return NULL;
}

static gboolean
is_listed (const char *key)
{
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    if (g_str_equal (fields[i].key, key))
      return TRUE;
  return FALSE;
}

static void
add_fields (GtkGrid *grid, int *row, JsonObject *card)
{
  g_autoptr (GList) keys = json_object_get_members (card);

  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      JsonNode *node = json_object_get_member (card, fields[i].key);
      g_autofree char *text = node && fields[i].label ? value_text (node) : NULL;

      if (text)
        add_row (grid, row, _ (fields[i].label), text);
    }
  for (GList *key = keys; key; key = key->next)
    {
      g_autofree char *text
          = is_listed (key->data)
                ? NULL
                : value_text (json_object_get_member (card, key->data));

      add_row (grid, row, key->data, text);
    }
}

static GtkWidget *
fields_new (const AtlModelInfo *info)
{
  GtkWidget *grid = gtk_grid_new ();
  g_autoptr (JsonNode) node
      = info->card ? json_from_string (info->card, NULL) : NULL;
  int row = 0;

  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  if (node && JSON_NODE_HOLDS_OBJECT (node))
    add_fields (GTK_GRID (grid), &row, json_node_get_object (node));
  add_row (GTK_GRID (grid), &row, _ ("File"), info->path);
  return grid;
}

static GtkWidget *
title_new (const char *title)
{
  GtkWidget *label = text_new (title, FALSE);
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_LARGE));
  gtk_label_set_attributes (GTK_LABEL (label), attributes);
  return label;
}

static void
add (GtkWidget *page, GtkWidget *child)
{
  gtk_box_pack_start (GTK_BOX (page), child, FALSE, FALSE, 0);
}

static void
fill (GtkWidget *page, const AtlModelInfo *info)
{
  GtkWidget *thumbnail = atl_model_thumbnail_new (info, 2 * ATL_THUMBNAIL_WIDTH);

  gtk_widget_set_halign (thumbnail, GTK_ALIGN_START);
  add (page, thumbnail);
  add (page, title_new (atl_model_info_get_title (info)));
  if (info->kind)
    add (page, text_new (kind_text (info->kind), TRUE));
  if (info->error)
    add (page, text_new (info->error->message, FALSE));
  else if (info->description && *info->description)
    add (page, text_new (info->description, FALSE));
  add (page, fields_new (info));
}

GtkWidget *
atl_card_view_new (void)
{
  GtkWidget *view = gtk_scrolled_window_new (NULL, NULL);
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (view), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_container_set_border_width (GTK_CONTAINER (page), 12);
  gtk_container_add (GTK_CONTAINER (view), page);
  gtk_widget_show_all (view);
  atk_object_set_name (gtk_widget_get_accessible (view), _ ("Card"));
  return view;
}

void
atl_card_view_set (GtkWidget *view, const AtlModelInfo *info)
{
  GtkWidget *viewport = gtk_bin_get_child (GTK_BIN (view));
  GtkWidget *page = gtk_bin_get_child (GTK_BIN (viewport));

  atl_empty (page);
  if (info)
    fill (page, info);
  gtk_widget_show_all (page);
}
