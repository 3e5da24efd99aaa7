/* Changes to the library of models, in threads; see thread-call.h. */

#include "thread-call.h"

#include <glib/gi18n-lib.h>

#include "models/library.h"

typedef struct
{
  AtlThreadWork work;
  char *a, *b, *heading;
  AtlThreadDone done;
  gpointer data;
} Call;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_free (call->a);
  g_free (call->b);
  g_free (call->heading);
  g_free (call);
}

static void
run (GTask *task, gpointer widget, gpointer data, GCancellable *cancellable)
{
  const Call *call = data;
  GError *error = NULL;
  char *result = call->work (call->a, call->b, &error);

  if (result)
    g_task_return_pointer (task, result, g_free);
  else
    g_task_return_error (task, error);
}

void
atl_complain (GtkWidget *widget, const char *heading, const GError *error)
{
  GtkWidget *dialog = gtk_message_dialog_new (
      GTK_WINDOW (gtk_widget_get_toplevel (widget)),
      GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT, GTK_MESSAGE_ERROR,
      GTK_BUTTONS_CLOSE, "%s", heading);

  gtk_message_dialog_format_secondary_text (GTK_MESSAGE_DIALOG (dialog), "%s",
                                            error->message);
  g_signal_connect (dialog, "response", G_CALLBACK (gtk_widget_destroy), NULL);
  gtk_widget_show (dialog);
}

static void
ended (GObject *object, GAsyncResult *result, gpointer data)
{
  GtkWidget *widget = GTK_WIDGET (object);
  const Call *call = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_task_propagate_pointer (G_TASK (result), &error);

  if (gtk_widget_in_destruction (widget)
      || !gtk_widget_get_mapped (gtk_widget_get_toplevel (widget)))
    return;
  gtk_widget_set_sensitive (widget, TRUE);
  if (text)
    call->done (call->data, text);
  else
    atl_complain (widget, call->heading, error);
}

void
atl_thread_call (GtkWidget *widget, AtlThreadWork work, const char *a,
                 const char *b, const char *heading, AtlThreadDone done,
                 gpointer data)
{
  g_autoptr (GTask) task = g_task_new (widget, NULL, ended, NULL);
  Call *call = g_new (Call, 1);

  *call
      = (Call){ work, g_strdup (a), g_strdup (b), g_strdup (heading), done, data };
  gtk_widget_set_sensitive (widget, FALSE);
  g_task_set_task_data (task, call, call_free);
  g_task_run_in_thread (task, run);
}

/* --- Import --- */

typedef struct
{
  AtlThreadDone imported;
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
import_clicked (GtkWidget *button, Owner *owner)
{
  g_autofree char *path = ask_file (GTK_WINDOW (gtk_widget_get_toplevel (button)));

  if (path)
    atl_thread_call (button, atl_library_import, path, NULL,
                     _ ("The model was not imported"), owner->imported,
                     owner->data);
}

GtkWidget *
atl_import_button_new (const char *label, AtlThreadDone imported, gpointer data)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);
  Owner *owner = g_new (Owner, 1);

  *owner = (Owner){ imported, data };
  g_object_set_data_full (G_OBJECT (button), "owner", owner, g_free);
  gtk_widget_set_tooltip_text (
      button, _ ("A model file of Atelier, or a checkpoint (.pth) of "
                 "pytorch-CycleGAN-and-pix2pix"));
  g_signal_connect (button, "clicked", G_CALLBACK (import_clicked), owner);
  return button;
}
