/* The list of trainings that can go on; see train-private.h. */

#include <inttypes.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "models/library.h"
#include "rows.h"
#include "thread-call.h"
#include "train-private.h"

#define MAX_ROWS 5

typedef struct
{
  GtkWidget *frame, *rows;
  void (*resume) (gpointer data, const AtlUnfinished *unfinished);
  gpointer data;
  GPtrArray *list;
} List;

static List *
get_list (GtkWidget *frame)
{
  return g_object_get_data (G_OBJECT (frame), "atelier-list");
}

static void
free_list (gpointer data)
{
  List *list = data;

  g_clear_pointer (&list->list, g_ptr_array_unref);
  g_free (list);
}

static const AtlUnfinished *
get_row (GtkWidget *button)
{
  return g_object_get_data (G_OBJECT (button), "atelier-row");
}

static void
resume_clicked (GtkWidget *button, List *list)
{
  list->resume (list->data, get_row (button));
}

/* The row may be gone by the time of the answer: it is looked for again. */
static void
answered (GtkDialog *dialog, int response, List *list)
{
  const char *path = g_object_get_data (G_OBJECT (dialog), "atelier-checkpoint");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; response == GTK_RESPONSE_ACCEPT && i < list->list->len; i++)
    {
      const AtlUnfinished *u = list->list->pdata[i];

      if (strcmp (u->checkpoint, path) == 0)
        atl_unfinished_forget (u, &error);
    }
  gtk_widget_destroy (GTK_WIDGET (dialog));
  atl_train_unfinished_refresh (list->frame);
  if (error)
    atl_complain (list->frame, _ ("The training was not given up."), error);
}

static void
ask_to_forget (List *list, const AtlUnfinished *u)
{
  GtkWidget *dialog = gtk_message_dialog_new (
      GTK_WINDOW (gtk_widget_get_toplevel (list->frame)), GTK_DIALOG_MODAL,
      GTK_MESSAGE_QUESTION, GTK_BUTTONS_NONE, _ ("Give up the training of “%s”?"),
      u->name);

  gtk_message_dialog_format_secondary_text (
      GTK_MESSAGE_DIALOG (dialog), "%s",
      g_file_test (u->output, G_FILE_TEST_EXISTS)
          ? _ ("It can't go on after that.  Its best model so far stays.")
          : _ ("It can't go on after that.  It has left no model yet."));
  gtk_dialog_add_buttons (GTK_DIALOG (dialog), _ ("_Cancel"), GTK_RESPONSE_CANCEL,
                          _ ("_Give Up"), GTK_RESPONSE_ACCEPT, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_CANCEL);
  g_object_set_data_full (G_OBJECT (dialog), "atelier-checkpoint",
                          g_strdup (u->checkpoint), g_free);
  g_signal_connect (dialog, "response", G_CALLBACK (answered), list);
  gtk_widget_show (dialog);
}

static void
forget_clicked (GtkWidget *button, List *list)
{
  ask_to_forget (list, get_row (button));
}

static char *
describe_when (gint64 unix_time)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (unix_time);

  return then ? g_date_time_format (then, "%x %H:%M") : g_strdup ("");
}

static char *
describe (const AtlUnfinished *u)
{
  g_autofree char *when = describe_when (u->written);
  g_autofree char *size = g_format_size (u->bytes);
  g_autofree char *name = g_markup_escape_text (u->name, -1);
  g_autofree char *base = g_path_get_basename (u->folder);
  g_autofree char *folder = g_markup_escape_text (base, -1);

  return g_strdup_printf (
      _ ("<b>%s</b>: step %" PRId64 " of %" PRId64 " (%d %%), %s\n"
         "<small>from the folder %s; %s on disk</small>"),
      name, u->step, u->steps, (int)(100 * u->step / MAX (1, u->steps)), when,
      folder, size);
}

static GtkWidget *
new_button (List *list, const AtlUnfinished *u, const char *label,
            GCallback clicked)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  g_object_set_data (G_OBJECT (button), "atelier-row", (gpointer)u);
  g_signal_connect (button, "clicked", clicked, list);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  return button;
}

static GtkWidget *
new_row (List *list, const AtlUnfinished *u)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = gtk_label_new (NULL);
  g_autofree char *text = describe (u);
  GtkWidget *resume
      = new_button (list, u, _ ("_Go On"), G_CALLBACK (resume_clicked));

  gtk_label_set_markup (GTK_LABEL (label), text);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_widget_set_tooltip_text (label, u->folder);
  gtk_box_pack_start (GTK_BOX (row), label, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), resume, FALSE, FALSE, 0);
  gtk_box_pack_start (
      GTK_BOX (row),
      new_button (list, u, _ ("Gi_ve Up..."), G_CALLBACK (forget_clicked)), FALSE,
      FALSE, 0);
  return row;
}

GtkWidget *
atl_train_unfinished_new (void (*resume) (gpointer data,
                                          const AtlUnfinished *unfinished),
                          gpointer data)
{
  List *list = g_new0 (List, 1);

  list->resume = resume;
  list->data = data;
  list->frame = gimp_frame_new (_ ("Interrupted trainings"));
  list->rows = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_container_add (GTK_CONTAINER (list->frame), list->rows);
  g_object_set_data_full (G_OBJECT (list->frame), "atelier-list", list, free_list);
  gtk_widget_set_no_show_all (list->frame, TRUE);
  atl_train_unfinished_refresh (list->frame);
  return list->frame;
}

void
atl_train_unfinished_refresh (GtkWidget *frame)
{
  List *list = get_list (frame);
  g_autofree char *folder = atl_library_user_folder (NULL);

  atl_empty (list->rows);
  g_clear_pointer (&list->list, g_ptr_array_unref);
  list->list = folder ? atl_unfinished_list (folder) : g_ptr_array_new ();
  for (guint i = 0; i < MIN (list->list->len, MAX_ROWS); i++)
    gtk_box_pack_start (GTK_BOX (list->rows), new_row (list, list->list->pdata[i]),
                        FALSE, FALSE, 0);
  gtk_widget_show_all (list->rows);
  gtk_widget_set_visible (list->frame, list->list->len > 0);
}
