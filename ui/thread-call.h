/* Changes to the library of models that take a while, without the window standing
 * still; a message where something has failed; and a button that imports a
 * model. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* In the thread: returns a text (a path, say; freed with g_free), or NULL with an
 * error.  b may be NULL. */
typedef char *(*AtlThreadWork) (const char *a, const char *b, GError **error);
typedef void (*AtlThreadDone) (gpointer data, const char *result);

/* Runs `work` in a thread; meanwhile the widget is insensitive.  Then either
 * `done` is called or a message says what has failed, under `heading`.  If the
 * widget's window is closed before, neither. */
void       atl_thread_call       (GtkWidget *widget, AtlThreadWork work, const char *a,
                                  const char *b, const char *heading,
                                  AtlThreadDone done, gpointer data);
/* A message over the widget's window, with the error's own words; returns at
 * once. */
void       atl_complain          (GtkWidget *widget, const char *heading,
                                  const GError *error);

/* Asks for a model file or a PyTorch checkpoint and takes it into the user's own
 * folder; imported gets the new model's path. */
GtkWidget *atl_import_button_new (const char *label, AtlThreadDone imported,
                                  gpointer data);

G_END_DECLS
