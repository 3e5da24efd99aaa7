/* A button that imports a model; see import-button.h. */

#include "import-button.h"

#include <glib/gi18n-lib.h>

#include "models/library.h"

typedef struct
{
  void (*imported) (gpointer data, const char *path);
  gpointer data;
} Owner;

static void
add_filter (GtkFileChooser *chooser, const char *name, const char *const *patterns)
{
  GtkFileFilter *filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, name);
  for (int i = 0; patterns[i]; i++)
    gtk_file_filter_add_pattern (filter, patterns[i]);
  gtk_file_chooser_add_filter (chooser, filter);
}

/* Path, or NULL; free with g_free. */
static char *
ask_file (GtkWindow *parent)
{
  static const char *const models[]
      = { "*.safetensors", "*.pth", "*.pt", "*.ckpt", "*.bin", NULL };
  static const char *const all[] = { "*", NULL };
  GtkWidget *dialog = gtk_file_chooser_dialog_new (
      _ ("Import a Model"), parent, GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Cancel"),
      GTK_RESPONSE_CANCEL, _ ("_Import"), GTK_RESPONSE_ACCEPT, NULL);
  char *path = NULL;

  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT);
  add_filter (GTK_FILE_CHOOSER (dialog),
              _ ("Models and checkpoints (.safetensors, .pth)"), models);
  add_filter (GTK_FILE_CHOOSER (dialog), _ ("All files"), all);
  if (gtk_dialog_run (GTK_DIALOG (dialog)) == GTK_RESPONSE_ACCEPT)
    path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));
  gtk_widget_destroy (dialog);
  return path;
}

static void
import (GTask *task, gpointer button, gpointer path, GCancellable *cancellable)
{
  GError *error = NULL;
  char *model = atl_library_import (path, NULL, &error);

  if (model)
    g_task_return_pointer (task, model, g_free);
  else
    g_task_return_error (task, error);
}

static void
complain (GtkWidget *button, const GError *error)
{
  GtkWidget *dialog = gtk_message_dialog_new (
      GTK_WINDOW (gtk_widget_get_toplevel (button)), GTK_DIALOG_MODAL,
      GTK_MESSAGE_ERROR, GTK_BUTTONS_CLOSE, "%s", _ ("The model was not imported"));

  gtk_message_dialog_format_secondary_text (GTK_MESSAGE_DIALOG (dialog), "%s",
                                            error->message);
  gtk_dialog_run (GTK_DIALOG (dialog));
  gtk_widget_destroy (dialog);
}

static void
import_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  GtkWidget *button = GTK_WIDGET (object);
  Owner *owner = g_object_get_data (object, "owner");
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_task_propagate_pointer (G_TASK (result), &error);

  /* The window may have gone meanwhile. */
  if (gtk_widget_in_destruction (button) || !gtk_widget_get_mapped (button))
    return;
  gtk_widget_set_sensitive (button, TRUE);
  if (path)
    owner->imported (owner->data, path);
  else
    complain (button, error);
}

static void
clicked (GtkWidget *button, gpointer data)
{
  char *path = ask_file (GTK_WINDOW (gtk_widget_get_toplevel (button)));
  GTask *task;

  if (!path)
    return;
  gtk_widget_set_sensitive (button, FALSE);
  task = g_task_new (button, NULL, import_ended, NULL);
  g_task_set_task_data (task, path, g_free);
  g_task_run_in_thread (task, import);
  g_object_unref (task);
}

GtkWidget *
atl_import_button_new (const char *label,
                       void (*imported) (gpointer data, const char *path),
                       gpointer data)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);
  Owner *owner = g_new (Owner, 1);

  *owner = (Owner){ imported, data };
  g_object_set_data_full (G_OBJECT (button), "owner", owner, g_free);
  gtk_widget_set_tooltip_text (
      button, _ ("A model file of Atelier, or a checkpoint (.pth) of "
                 "pytorch-CycleGAN-and-pix2pix"));
  g_signal_connect (button, "clicked", G_CALLBACK (clicked), NULL);
  return button;
}
