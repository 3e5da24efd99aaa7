/* The window of Apply to a Folder: where the pictures are, where the results go,
 * which filter, model and format.  Folders only; patterns are for scripts. */

#include <glib/gi18n-lib.h>

#include "dialogs.h"
#include "model-thumbnail.h"
#include "rows.h"

/* The models of the filter's kind; the one in the config if it is among them,
 * else the first. */
static void
fill_models (GimpProcedureConfig *config, GParamSpec *pspec, GtkComboBoxText *combo)
{
  g_autofree char *filter = NULL, *model = NULL;
  g_autoptr (GPtrArray) list = NULL;

  g_object_get (config, "filter", &filter, "model", &model, NULL);
  list = atl_library_list (g_str_equal (filter, "compress") ? "vqvae" : "pix2pix");
  gtk_combo_box_text_remove_all (combo);
  for (guint i = 0; i < list->len; i++)
    {
      const AtlModelInfo *info = list->pdata[i];

      if (!info->error)
        gtk_combo_box_text_append (combo, info->id,
                                   atl_model_info_get_title (info));
    }
  if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), model))
    gtk_combo_box_set_active (GTK_COMBO_BOX (combo), 0);
}

static void
keep_model (GtkComboBox *combo, GimpProcedureConfig *config)
{
  const char *id = gtk_combo_box_get_active_id (combo);

  if (id)
    g_object_set (config, "model", id, NULL);
}

/* What else changes it: Reset, say. */
static void
follow_model (GimpProcedureConfig *config, GParamSpec *pspec,
              GtkComboBoxText *combo)
{
  const char *shown = gtk_combo_box_get_active_id (GTK_COMBO_BOX (combo));
  g_autofree char *model = NULL;

  g_object_get (config, "model", &model, NULL);
  if (g_strcmp0 (model, shown) != 0)
    fill_models (config, NULL, combo);
}

static GtkWidget *
model_combo (GimpProcedureConfig *config)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  fill_models (config, NULL, GTK_COMBO_BOX_TEXT (combo));
  keep_model (GTK_COMBO_BOX (combo), config);
  g_signal_connect (combo, "changed", G_CALLBACK (keep_model), config);
  g_signal_connect_object (config, "notify::filter", G_CALLBACK (fill_models),
                           combo, 0);
  g_signal_connect_object (config, "notify::model", G_CALLBACK (follow_model),
                           combo, 0);
  return combo;
}

static GtkWidget *
build_grid (GimpProcedureConfig *config)
{
  static const char *const filters[] = { "translate", "compress", NULL };
  static const char *const formats[] = { "png", "jpg", "tif", "webp", "xcf", NULL };
  static const char *const format_labels[]
      = { "PNG", "JPEG", "TIFF", "WebP", "XCF", NULL };
  const char *const filter_labels[]
      = { _ ("Translate (Pix2Pix)"), _ ("Compress (VQ-VAE)"), NULL };
  GtkGrid *grid = GTK_GRID (gtk_grid_new ());
  GtkWidget *note = gtk_label_new (
      _ ("Nothing is overwritten.  A picture that fails is told at the end."));

  gtk_grid_set_row_spacing (grid, 6);
  gtk_grid_set_column_spacing (grid, 12);
  atl_grid_add (grid, 0, _ ("_Pictures"),
                atl_folder_new (config, "source", _ ("The folder of pictures")));
  atl_grid_add (
      grid, 1, _ ("_Results"),
      atl_folder_new (config, "folder", _ ("The folder for the results")));
  atl_grid_add (grid, 2, _ ("_Filter"),
                atl_choice_new (config, "filter", filters, filter_labels));
  atl_grid_add (grid, 3, _ ("_Model"), model_combo (config));
  atl_grid_add (grid, 4, _ ("F_ormat"),
                atl_choice_new (config, "format", formats, format_labels));
  gtk_label_set_xalign (GTK_LABEL (note), 0);
  gtk_label_set_line_wrap (GTK_LABEL (note), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (note), 44);
  gtk_style_context_add_class (gtk_widget_get_style_context (note), "dim-label");
  gtk_grid_attach (grid, note, 0, 5, 2, 1);
  gtk_widget_show_all (GTK_WIDGET (grid));
  return GTK_WIDGET (grid);
}

gboolean
atl_batch_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config)
{
  static const char *const required[] = { "source", "folder", NULL };
  GtkWidget *dialog
      = gimp_procedure_dialog_new (procedure, config, _ ("Apply to a Folder"));
  gboolean ok;

  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (GTK_DIALOG (dialog))),
                      build_grid (config), TRUE, TRUE, 0);
  atl_dialog_require (dialog, config, required);
  ok = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (dialog));
  gtk_widget_destroy (dialog);
  return ok;
}
