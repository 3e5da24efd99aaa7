/* A list of models to choose from; see model-list.h. */

#include "model-list.h"

#include <glib/gi18n-lib.h>

#include "model-thumbnail.h"
#include "rows.h"

struct _AtlModelList
{
  GtkScrolledWindow parent;

  char *kind;
  GtkWidget *box;    /* GtkListBox */
  GPtrArray *models; /* AtlModelInfo, one a row */
  gboolean filling, reveal;
};

G_DEFINE_FINAL_TYPE (AtlModelList, atl_model_list, GTK_TYPE_SCROLLED_WINDOW)

static guint changed_signal;

/* --- Rows --- */

/* GIMP's themes give labels a ground of their own, which in a row is neither the
 * list's nor that of what is chosen. */
static void
clear_ground (GtkWidget *widget)
{
  static GtkCssProvider *provider;

  if (!provider)
    {
      provider = gtk_css_provider_new ();
      gtk_css_provider_load_from_data (provider, "* { background: none; }", -1,
                                       NULL);
    }
  gtk_style_context_add_provider (gtk_widget_get_style_context (widget),
                                  GTK_STYLE_PROVIDER (provider),
                                  GTK_STYLE_PROVIDER_PRIORITY_USER + 1);
}

static GtkWidget *
line_new (const char *text, const char *class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  clear_ground (label);
  if (class)
    gtk_style_context_add_class (gtk_widget_get_style_context (label), class);
  return label;
}

static const char *
line_of (const AtlModelInfo *info)
{
  if (info->error)
    return _ ("Can't be used; its card says why");
  return info->description && *info->description ? info->description
                                                 : _ ("No description");
}

static GtkWidget *
row_new (const AtlModelInfo *info)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *lines = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *title = line_new (NULL, NULL);
  const char *name = atl_model_info_get_title (info);
  g_autofree char *bold = g_markup_printf_escaped ("<b>%s</b>", name);

  gtk_label_set_markup (GTK_LABEL (title), bold);
  gtk_container_add (GTK_CONTAINER (lines), title);
  gtk_container_add (GTK_CONTAINER (lines), line_new (line_of (info), "dim-label"));
  gtk_widget_set_valign (lines, GTK_ALIGN_CENTER);
  clear_ground (lines);
  clear_ground (box);
  gtk_box_pack_start (GTK_BOX (box),
                      atl_model_thumbnail_new (info, ATL_THUMBNAIL_WIDTH), FALSE,
                      FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), lines, TRUE, TRUE, 0);
  gtk_container_set_border_width (GTK_CONTAINER (box), 3);
  gtk_container_add (GTK_CONTAINER (row), box);
  gtk_widget_set_tooltip_text (row, line_of (info));
  atk_object_set_name (gtk_widget_get_accessible (row), name);
  atk_object_set_description (gtk_widget_get_accessible (row), line_of (info));
  gtk_widget_show_all (row);
  return row;
}

static void
add_row (AtlModelList *list, AtlModelInfo *info)
{
  g_ptr_array_add (list->models, info);
  gtk_container_add (GTK_CONTAINER (list->box), row_new (info));
}

/* --- Choosing --- */

static void
row_selected (GtkListBox *box, GtkListBoxRow *row, AtlModelList *list)
{
  if (!list->filling)
    g_signal_emit (list, changed_signal, 0);
}

/* Brings the chosen row into sight, as soon as it has a place. */
static void
reveal (GtkWidget *box, GtkAllocation *allocation, AtlModelList *list)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (GTK_LIST_BOX (box));
  GtkAdjustment *place
      = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (list));
  GtkAllocation at;

  if (!row || !list->reveal)
    return;
  list->reveal = FALSE;
  gtk_widget_get_allocation (GTK_WIDGET (row), &at);
  gtk_adjustment_clamp_page (place, at.y, at.y + at.height);
}

static void
select_row (AtlModelList *list, int index)
{
  GtkListBoxRow *row
      = gtk_list_box_get_row_at_index (GTK_LIST_BOX (list->box), index);

  list->reveal = TRUE;
  gtk_list_box_select_row (GTK_LIST_BOX (list->box), row);
  gtk_widget_queue_resize (list->box);
}

static int
find (AtlModelList *list, const char *model)
{
  for (guint i = 0; i < list->models->len; i++)
    {
      const AtlModelInfo *info = list->models->pdata[i];

      if (g_str_equal (info->id, model) || g_str_equal (info->path, model))
        return i;
    }
  return -1;
}

/* A file from outside the folders. */
static gboolean
add_file (AtlModelList *list, const char *path)
{
  AtlModelInfo *info;

  if (!g_path_is_absolute (path) || !g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return FALSE;
  info = g_new0 (AtlModelInfo, 1);
  info->path = g_strdup (path);
  info->id = g_strdup (path);
  info->name = g_path_get_basename (path);
  info->description = g_strdup (path);
  add_row (list, info);
  return TRUE;
}

gboolean
atl_model_list_choose (AtlModelList *list, const char *model)
{
  int index = !model || !*model ? 0 : find (list, model);

  if (index < 0 && add_file (list, model))
    index = list->models->len - 1;
  if (index < 0 || index >= (int)list->models->len)
    return FALSE;
  select_row (list, index);
  return TRUE;
}

const AtlModelInfo *
atl_model_list_get (AtlModelList *list)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (GTK_LIST_BOX (list->box));
  int index = row ? gtk_list_box_row_get_index (row) : -1;

  return index >= 0 && index < (int)list->models->len ? list->models->pdata[index]
                                                      : NULL;
}

void
atl_model_list_refresh (AtlModelList *list)
{
  g_autoptr (GPtrArray) found = atl_library_list (list->kind);
  const AtlModelInfo *chosen = atl_model_list_get (list);
  g_autofree char *id = chosen ? g_strdup (chosen->id) : NULL;

  list->filling = TRUE;
  atl_empty (list->box);
  g_ptr_array_set_size (list->models, 0);
  g_ptr_array_set_free_func (found, NULL);
  for (guint i = 0; i < found->len; i++)
    {
      AtlModelInfo *info = found->pdata[i];

      if (list->kind && info->error)
        atl_model_info_free (info);
      else
        add_row (list, info);
    }
  if (!atl_model_list_choose (list, id))
    atl_model_list_choose (list, NULL);
  list->filling = FALSE;
  g_signal_emit (list, changed_signal, 0);
}

/* --- The widget --- */

static void
atl_model_list_finalize (GObject *object)
{
  AtlModelList *list = ATL_MODEL_LIST (object);

  g_free (list->kind);
  g_ptr_array_unref (list->models);
  G_OBJECT_CLASS (atl_model_list_parent_class)->finalize (object);
}

/* Its rows go one by one, and each might become the chosen one. */
static void
atl_model_list_destroy (GtkWidget *widget)
{
  ATL_MODEL_LIST (widget)->filling = TRUE;
  GTK_WIDGET_CLASS (atl_model_list_parent_class)->destroy (widget);
}

static void
atl_model_list_class_init (AtlModelListClass *klass)
{
  GTK_WIDGET_CLASS (klass)->destroy = atl_model_list_destroy;
  G_OBJECT_CLASS (klass)->finalize = atl_model_list_finalize;
  changed_signal
      = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
atl_model_list_init (AtlModelList *list)
{
  list->models
      = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_model_info_free);
}

GtkWidget *
atl_model_list_new (const char *kind)
{
  AtlModelList *list
      = g_object_new (ATL_TYPE_MODEL_LIST, "shadow-type", GTK_SHADOW_IN,
                      "hscrollbar-policy", GTK_POLICY_NEVER, NULL);

  list->kind = g_strdup (kind);
  list->box = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list->box), GTK_SELECTION_BROWSE);
  atk_object_set_name (gtk_widget_get_accessible (list->box), _ ("Models"));
  gtk_container_add (GTK_CONTAINER (list), list->box);
  gtk_widget_show (list->box);
  g_signal_connect (list->box, "row-selected", G_CALLBACK (row_selected), list);
  g_signal_connect_after (list->box, "size-allocate", G_CALLBACK (reveal), list);
  atl_model_list_refresh (list);
  return GTK_WIDGET (list);
}
