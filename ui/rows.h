/* Rows of settings, as GIMP's own dialogs have them. */

#pragma once

#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>

G_BEGIN_DECLS

/* A combo box for a string property of the config: words and their labels, each
 * ending with NULL. */
GtkWidget *atl_choice_new (GimpProcedureConfig *config, const char *property,
                           const char *const *words, const char *const *labels);
/* A number of the config as a spin button. */
GtkWidget *atl_number_new (GimpProcedureConfig *config, const char *property,
                           double step);
/* A button that chooses a folder.  Its window begins with the user's pictures. */
GtkWidget *atl_folder_button_new (const char *title);
/* The same for a GFile property of the config, which it follows; property:
 * static. */
GtkWidget *atl_folder_new (GimpProcedureConfig *config, const char *property,
                           const char *title);
/* The dialog's OK waits until these GFile properties (ending with NULL; static) are
 * there. */
void       atl_dialog_require (GtkWidget *dialog, GimpProcedureConfig *config,
                               const char *const *properties);
/* Label, which is returned, and widget in a row of the grid. */
GtkWidget *atl_grid_add   (GtkGrid *grid, int row, const char *label,
                           GtkWidget *widget);
/* Wrapped text, as a paragraph of help is. */
GtkWidget *atl_text_new   (const char *text);
/* Destroys all that is in the container. */
void       atl_empty      (GtkWidget *container);

G_END_DECLS
