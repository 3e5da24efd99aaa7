/* The window of Make a Tutorial Set. */

#include <glib/gi18n-lib.h>

#include "dialogs.h"
#include "rows.h"

static void
keep_folder (GtkFileChooser *button, GimpProcedureConfig *config)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (button);

  if (file)
    g_object_set (config, g_object_get_data (G_OBJECT (button), "property"), file,
                  NULL);
}

static GtkWidget *
folder_button (GimpProcedureConfig *config, const char *property, const char *title)
{
  GtkWidget *button
      = gtk_file_chooser_button_new (title, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER);
  g_autoptr (GFile) file = NULL;

  g_object_get (config, property, &file, NULL);
  if (file)
    gtk_file_chooser_set_file (GTK_FILE_CHOOSER (button), file, NULL);
  g_object_set_data (G_OBJECT (button), "property", (gpointer)property);
  g_signal_connect (button, "selection-changed", G_CALLBACK (keep_folder), config);
  return button;
}

static GtkWidget *
build_grid (GimpProcedureConfig *config)
{
  static const char *const words[]
      = { "photocopy", "cartoon", "oilify", "softglow", NULL };
  const char *const labels[]
      = { _ ("Photocopy"), _ ("Cartoon"), _ ("Oilify"), _ ("Softglow"), NULL };
  GtkGrid *grid = GTK_GRID (gtk_grid_new ());
  GtkWidget *note = atl_text_new (_ (
      "Photographs, and the same after one of GIMP's filters, become a folder of "
      "pairs; Train a Style then learns the filter from these examples.  Without "
      "photographs of your own, those that come with Atelier are taken."));

  gtk_grid_set_row_spacing (grid, 6);
  gtk_grid_set_column_spacing (grid, 6);
  gtk_container_set_border_width (GTK_CONTAINER (grid), 12);
  gtk_grid_attach (grid, note, 0, 0, 2, 1);
  atl_grid_add (grid, 1, _ ("_Folder for the pairs:"),
                folder_button (config, "folder", _ ("Choose an Empty Folder")));
  atl_grid_add (grid, 2, _ ("_Photographs:"),
                folder_button (config, "pictures", _ ("Choose Photographs")));
  atl_grid_add (grid, 3, _ ("How _many:"), atl_number_new (config, "count", 1));
  atl_grid_add (grid, 4, _ ("Fi_lter:"),
                atl_choice_new (config, "filter", words, labels));
  gtk_widget_show_all (GTK_WIDGET (grid));
  return GTK_WIDGET (grid);
}

gboolean
atl_tutorial_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config)
{
  GtkWidget *dialog
      = gimp_procedure_dialog_new (procedure, config, _ ("Make a Tutorial Set"));
  gboolean ok;

  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (GTK_DIALOG (dialog))),
                      build_grid (config), TRUE, TRUE, 0);
  ok = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (dialog));
  gtk_widget_destroy (dialog);
  return ok;
}
