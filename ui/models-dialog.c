/* The window that manages models; see dialogs.h. */

#include <glib/gi18n-lib.h>

#include "card-view.h"
#include "dialogs.h"
#include "files/file-util.h"
#include "model-list.h"
#include "model-thumbnail.h"
#include "rows.h"
#include "thread-call.h"

#define LIST_WIDTH 320
#define CARD_WIDTH 380
#define HEIGHT 420

typedef struct
{
  GtkWidget *dialog;
  AtlModelList *models;
  GtkWidget *pages, *card;
  GtkWidget *rename, *remove;
} Window;

static void
show_chosen (AtlModelList *models, Window *window)
{
  const AtlModelInfo *info = atl_model_list_get (models);
  gboolean own = info && info->user;
  const char *only_own
      = _ ("Only models in your own folder can be renamed and removed");

  atl_card_view_set (window->card, info);
  gtk_stack_set_visible_child_name (GTK_STACK (window->pages),
                                    info ? "card" : "empty");
  gtk_widget_set_sensitive (window->rename, own && !info->error);
  gtk_widget_set_sensitive (window->remove, own);
  gtk_widget_set_tooltip_text (window->rename, own ? NULL : only_own);
  gtk_widget_set_tooltip_text (window->remove, own ? NULL : only_own);
}

/* After a change: `path` is the model that it left. */
static void
changed (gpointer data, const char *path)
{
  Window *window = data;

  atl_model_list_refresh (window->models);
  if (path)
    atl_model_list_choose (window->models, path);
  show_chosen (window->models, window);
}

/* While a question is open an import may end, and the list be read anew: what is
 * known of the model is kept from before. */

/* --- Rename --- */

/* Free with g_free; NULL: none. */
static char *
ask_name (Window *window, const char *old)
{
  GtkWidget *dialog = gtk_dialog_new_with_buttons (
      _ ("Rename a Model"), GTK_WINDOW (window->dialog), GTK_DIALOG_MODAL,
      _ ("_Cancel"), GTK_RESPONSE_CANCEL, _ ("_Rename"), GTK_RESPONSE_ACCEPT, NULL);
  GtkWidget *content = gtk_dialog_get_content_area (GTK_DIALOG (dialog));
  GtkWidget *grid = gtk_grid_new (), *entry = gtk_entry_new ();
  char *name = NULL;

  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT);
  gtk_container_set_border_width (GTK_CONTAINER (grid), 12);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 6);
  gtk_entry_set_text (GTK_ENTRY (entry), old);
  gtk_entry_set_width_chars (GTK_ENTRY (entry), 30);
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  atl_grid_add (GTK_GRID (grid), 0, _ ("_Name"), entry);
  gtk_container_add (GTK_CONTAINER (content), grid);
  gtk_widget_show_all (grid);
  if (gtk_dialog_run (GTK_DIALOG (dialog)) == GTK_RESPONSE_ACCEPT)
    name = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (entry))));
  gtk_widget_destroy (dialog);
  if (name && (!*name || g_str_equal (name, old)))
    g_clear_pointer (&name, g_free);
  return name;
}

static void
rename_clicked (GtkWidget *button, Window *window)
{
  const AtlModelInfo *info = atl_model_list_get (window->models);
  g_autofree char *path = info ? g_strdup (info->path) : NULL;
  g_autofree char *name
      = info ? ask_name (window, atl_model_info_get_title (info)) : NULL;

  if (name)
    atl_thread_call (button, atl_library_rename, path, name,
                     _ ("The model was not renamed"), changed, window);
}

/* --- Remove --- */

static gboolean
ask_removal (Window *window, const AtlModelInfo *info)
{
  GtkWidget *dialog = gtk_message_dialog_new (
      GTK_WINDOW (window->dialog), GTK_DIALOG_MODAL, GTK_MESSAGE_QUESTION,
      GTK_BUTTONS_NONE, _ ("Remove \"%s\"?"), atl_model_info_get_title (info));
  int answer;

  gtk_message_dialog_format_secondary_text (
      GTK_MESSAGE_DIALOG (dialog), "%s",
      _ ("The file and what training keeps beside it are deleted from your disk.  "
         "This can't be undone."));
  gtk_dialog_add_buttons (GTK_DIALOG (dialog), _ ("_Cancel"), GTK_RESPONSE_CANCEL,
                          _ ("_Remove"), GTK_RESPONSE_ACCEPT, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_CANCEL);
  answer = gtk_dialog_run (GTK_DIALOG (dialog));
  gtk_widget_destroy (dialog);
  return answer == GTK_RESPONSE_ACCEPT;
}

static void
remove_clicked (GtkWidget *button, Window *window)
{
  const AtlModelInfo *info = atl_model_list_get (window->models);
  g_autofree char *path = info ? g_strdup (info->path) : NULL;
  g_autoptr (GError) error = NULL;

  if (!info || !ask_removal (window, info))
    return;
  if (atl_library_remove (path, &error))
    changed (window, NULL);
  else
    atl_complain (button, _ ("The model was not removed"), error);
}

/* --- Folder --- */

/* Of the chosen model, or else the user's own. */
static void
open_folder (GtkWidget *button, Window *window)
{
  const AtlModelInfo *info = atl_model_list_get (window->models);
  g_autoptr (GError) error = NULL;
  g_autofree char *folder
      = info ? g_path_get_dirname (info->path) : atl_library_user_folder (&error);
  g_autofree char *uri = folder ? g_filename_to_uri (folder, NULL, &error) : NULL;

  if (uri
      && gtk_show_uri_on_window (GTK_WINDOW (window->dialog), uri, GDK_CURRENT_TIME,
                                 &error))
    return;
  if (uri)
    {
      g_autofree char *shown = atl_display_path (folder);

      g_prefix_error (&error, "%s: ", shown);
    }
  atl_complain (button, _ ("No program has opened the folder"), error);
}

/* --- The window --- */

static GtkWidget *
button_new (Window *window, const char *label, GCallback clicked)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  g_signal_connect (button, "clicked", clicked, window);
  return button;
}

static GtkWidget *
left_new (Window *window)
{
  GtkWidget *left = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *buttons = gtk_grid_new ();
  GtkGrid *grid = GTK_GRID (buttons);
  GtkWidget *list = GTK_WIDGET (window->models);

  gtk_widget_set_size_request (list, LIST_WIDTH, HEIGHT);
  window->rename
      = button_new (window, _ ("_Rename..."), G_CALLBACK (rename_clicked));
  window->remove
      = button_new (window, _ ("Re_move..."), G_CALLBACK (remove_clicked));
  gtk_grid_set_row_spacing (grid, 6);
  gtk_grid_set_column_spacing (grid, 6);
  gtk_grid_set_column_homogeneous (grid, TRUE);
  gtk_grid_attach (grid, atl_import_button_new (_ ("_Import..."), changed, window),
                   0, 0, 1, 1);
  gtk_grid_attach (
      grid, button_new (window, _ ("_Open Folder"), G_CALLBACK (open_folder)), 1, 0,
      1, 1);
  gtk_grid_attach (grid, window->rename, 0, 1, 1, 1);
  gtk_grid_attach (grid, window->remove, 1, 1, 1, 1);
  gtk_box_pack_start (GTK_BOX (left), list, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (left), buttons, FALSE, FALSE, 0);
  return left;
}

static GtkWidget *
right_new (Window *window)
{
  GtkWidget *frame = gtk_frame_new (NULL);
  GtkWidget *empty = atl_text_new (_ (
      "There is no model yet.  Train one with Filters > Atelier > Train a Style, "
      "or import one that you have."));

  gtk_widget_set_halign (empty, GTK_ALIGN_CENTER);
  gtk_label_set_max_width_chars (GTK_LABEL (empty), 44);
  gtk_frame_set_shadow_type (GTK_FRAME (frame), GTK_SHADOW_IN);
  window->card = atl_card_view_new ();
  window->pages = gtk_stack_new ();
  gtk_widget_set_size_request (window->pages, CARD_WIDTH, HEIGHT);
  gtk_stack_add_named (GTK_STACK (window->pages), window->card, "card");
  gtk_stack_add_named (GTK_STACK (window->pages), empty, "empty");
  gtk_container_add (GTK_CONTAINER (frame), window->pages);
  return frame;
}

static void
make_window (Window *window, GimpProcedure *procedure)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12), *content;

  window->dialog = gimp_dialog_new (
      _ ("Manage Models"), "atelier-models", NULL, 0, gimp_standard_help_func,
      gimp_procedure_get_name (procedure), _ ("_Close"), GTK_RESPONSE_CLOSE, NULL);
  gimp_window_set_transient (GTK_WINDOW (window->dialog));
  window->models = ATL_MODEL_LIST (atl_model_list_new (NULL));
  content = gtk_dialog_get_content_area (GTK_DIALOG (window->dialog));
  gtk_container_set_border_width (GTK_CONTAINER (box), 12);
  gtk_box_pack_start (GTK_BOX (box), left_new (window), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), right_new (window), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (content), box, TRUE, TRUE, 0);
  gtk_widget_show_all (box);
  g_signal_connect (window->models, "changed", G_CALLBACK (show_chosen), window);
  show_chosen (window->models, window);
}

gboolean
atl_models_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config)
{
  Window window;

  make_window (&window, procedure);
  gimp_dialog_run (GIMP_DIALOG (window.dialog));
  gtk_widget_destroy (window.dialog);
  /* What was done is done: the config may still say what a script did last. */
  g_object_set (config, "action", "list", NULL);
  return TRUE;
}
