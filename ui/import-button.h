/* A button that asks for a model file or PyTorch checkpoint and takes it into the
 * user's own folder, without the window standing still meanwhile. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* imported: called with the new model's path after each success.  Failures are
 * said in a message of their own. */
GtkWidget *atl_import_button_new (const char *label,
                                  void (*imported) (gpointer data, const char *path),
                                  gpointer data);

G_END_DECLS
