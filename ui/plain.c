/* GIMP's own dialog, filled with a procedure's arguments: for every window that
 * has none of its own. */

#include <glib/gi18n-lib.h>

#include "dialogs.h"

static gboolean
run_plain (GimpProcedure *procedure, GimpProcedureConfig *config, const char *title)
{
  GtkWidget *dialog = gimp_procedure_dialog_new (procedure, config, title);
  gboolean ok;

  gimp_procedure_dialog_fill (GIMP_PROCEDURE_DIALOG (dialog), NULL);
  ok = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (dialog));
  gtk_widget_destroy (dialog);
  return ok;
}

gboolean
atl_pair_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                     const AtlLayerSource *before, const AtlLayerSource *after)
{
  return run_plain (procedure, config, _ ("Add Layers as a Training Pair"));
}

gboolean
atl_models_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config)
{
  return run_plain (procedure, config, _ ("Manage Models"));
}
