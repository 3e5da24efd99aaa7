/* The window of Make a Tutorial Set. */

#include <glib/gi18n-lib.h>

#include "dialogs.h"
#include "rows.h"

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
  gtk_grid_attach (grid, note, 0, 0, 2, 1);
  atl_grid_add (grid, 1, _ ("_Folder for the pairs"),
                atl_folder_new (config, "folder", _ ("Choose an Empty Folder")));
  atl_grid_add (grid, 2, _ ("_Photographs"),
                atl_folder_new (config, "pictures", _ ("Choose Photographs")));
  atl_grid_add (grid, 3, _ ("How _many"), atl_number_new (config, "count", 1));
  atl_grid_add (grid, 4, _ ("Fi_lter"),
                atl_choice_new (config, "filter", words, labels));
  gtk_widget_show_all (GTK_WIDGET (grid));
  return GTK_WIDGET (grid);
}

gboolean
atl_tutorial_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config)
{
  static const char *const required[] = { "folder", NULL };
  GtkWidget *dialog
      = gimp_procedure_dialog_new (procedure, config, _ ("Make a Tutorial Set"));
  gboolean ok;

  gtk_box_pack_start (GTK_BOX (gtk_dialog_get_content_area (GTK_DIALOG (dialog))),
                      build_grid (config), TRUE, TRUE, 0);
  atl_dialog_require (dialog, config, required);
  ok = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (dialog));
  gtk_widget_destroy (dialog);
  return ok;
}
