/* Rows of settings; see rows.h. */

#include "rows.h"

#include <glib/gi18n-lib.h>

GtkWidget *
atl_choice_new (GimpProcedureConfig *config, const char *property,
                const char *const *words, const char *const *labels)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  for (int i = 0; words[i]; i++)
    gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), words[i], labels[i]);
  g_object_bind_property (config, property, combo, "active-id",
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  return combo;
}

GtkWidget *
atl_number_new (GimpProcedureConfig *config, const char *property, double step)
{
  GtkWidget *spin
      = gimp_prop_spin_button_new (G_OBJECT (config), property, step, 10 * step, 0);

  gtk_entry_set_width_chars (GTK_ENTRY (spin), 8);
  return spin;
}

static const char *
get_property (GtkWidget *button)
{
  return g_object_get_data (G_OBJECT (button), "atelier-property");
}

static void
keep_folder (GtkFileChooser *button, GimpProcedureConfig *config)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (button);

  g_object_set (config, get_property (GTK_WIDGET (button)), file, NULL);
}

static void
show_folder (GimpProcedureConfig *config, GParamSpec *property, GtkWidget *button)
{
  GtkFileChooser *chooser = GTK_FILE_CHOOSER (button);
  g_autoptr (GFile) shown = gtk_file_chooser_get_file (chooser);
  g_autoptr (GFile) file = NULL;

  g_object_get (config, get_property (button), &file, NULL);
  if (!file)
    gtk_file_chooser_unselect_all (chooser);
  else if (!shown || !g_file_equal (file, shown))
    gtk_file_chooser_set_file (chooser, file, NULL);
}

/* GTK would begin with what was used last, where no folder can be made. */
static void
begin_in_pictures (GtkWidget *dialog, gpointer data)
{
  GtkFileChooser *chooser = GTK_FILE_CHOOSER (dialog);
  g_autoptr (GFile) chosen = gtk_file_chooser_get_file (chooser);
  const char *pictures = g_get_user_special_dir (G_USER_DIRECTORY_PICTURES);

  if (!chosen)
    gtk_file_chooser_set_current_folder (chooser,
                                         pictures ? pictures : g_get_home_dir ());
}

GtkWidget *
atl_folder_button_new (const char *title)
{
  GtkWidget *dialog = gtk_file_chooser_dialog_new (
      title, NULL, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _ ("_Cancel"),
      GTK_RESPONSE_CANCEL, _ ("_Select"), GTK_RESPONSE_ACCEPT, NULL);

  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT);
  g_signal_connect (dialog, "map", G_CALLBACK (begin_in_pictures), NULL);
  return gtk_file_chooser_button_new_with_dialog (dialog);
}

GtkWidget *
atl_folder_new (GimpProcedureConfig *config, const char *property,
                const char *title)
{
  GtkWidget *button = atl_folder_button_new (title);
  g_autofree char *changed = g_strconcat ("notify::", property, NULL);

  g_object_set_data (G_OBJECT (button), "atelier-property", (gpointer)property);
  show_folder (config, NULL, button);
  g_signal_connect (button, "file-set", G_CALLBACK (keep_folder), config);
  g_signal_connect_object (config, changed, G_CALLBACK (show_folder), button, 0);
  return button;
}

static void
show_ready (GimpProcedureConfig *config, GParamSpec *property, GtkWidget *dialog)
{
  const char *const *properties
      = g_object_get_data (G_OBJECT (dialog), "atelier-required");
  gboolean ready = TRUE;

  for (int i = 0; properties[i]; i++)
    {
      g_autoptr (GFile) file = NULL;

      g_object_get (config, properties[i], &file, NULL);
      ready = ready && file;
    }
  gtk_dialog_set_response_sensitive (GTK_DIALOG (dialog), GTK_RESPONSE_OK, ready);
}

void
atl_dialog_require (GtkWidget *dialog, GimpProcedureConfig *config,
                    const char *const *properties)
{
  g_object_set_data (G_OBJECT (dialog), "atelier-required", (gpointer)properties);
  show_ready (config, NULL, dialog);
  g_signal_connect_object (config, "notify", G_CALLBACK (show_ready), dialog, 0);
}

GtkWidget *
atl_grid_add (GtkGrid *grid, int row, const char *label, GtkWidget *widget)
{
  GtkWidget *name = gtk_label_new_with_mnemonic (label);

  gtk_label_set_xalign (GTK_LABEL (name), 0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (name), widget);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_grid_attach (grid, name, 0, row, 1, 1);
  gtk_grid_attach (grid, widget, 1, row, 1, 1);
  gtk_widget_show (name);
  gtk_widget_show (widget);
  return name;
}

GtkWidget *
atl_text_new (const char *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_width_chars (GTK_LABEL (label), 20);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 30);
  return label;
}

static void
destroy (GtkWidget *widget, gpointer data)
{
  gtk_widget_destroy (widget);
}

void
atl_empty (GtkWidget *container)
{
  gtk_container_foreach (GTK_CONTAINER (container), destroy, NULL);
}
