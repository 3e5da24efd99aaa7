/* Changes to the library of models that take a while, without the window standing
 * still; and a button that imports one. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Returns a text (a path, say), or NULL with an error.  b may be NULL. */
typedef char *(*AtlThreadWork) (const char *a, const char *b, GError **error);
typedef void (*AtlThreadDone) (gpointer data, const char *result);

/* Runs `work` in a thread; meanwhile the widget is insensitive.  Then either
 * `done` is called or a message says what has failed, under `heading`.  If the
 * widget's window is closed before, neither. */
void       atl_thread_call       (GtkWidget *widget, AtlThreadWork work, const char *a,
                                  const char *b, const char *heading,
                                  AtlThreadDone done, gpointer data);
/* A message with the error's own words. */
void       atl_complain          (GtkWidget *widget, const char *heading,
                                  const GError *error);

/* Asks for a model file or a PyTorch checkpoint and takes it into the user's own
 * folder; imported gets the new model's path. */
GtkWidget *atl_import_button_new (const char *label, AtlThreadDone imported,
                                  gpointer data);

G_END_DECLS
