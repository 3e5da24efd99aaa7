/* Rows of settings; see rows.h. */

#include "rows.h"

#include <glib/gi18n-lib.h>
#include <math.h>

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

static void
keep_folder (GtkFileChooser *button, GimpProcedureConfig *config)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (button);

  if (file)
    g_object_set (config, g_object_get_data (G_OBJECT (button), "property"), file,
                  NULL);
}

GtkWidget *
atl_folder_new (GimpProcedureConfig *config, const char *property,
                const char *title)
{
  GtkWidget *button
      = gtk_file_chooser_button_new (title, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER);
  g_autoptr (GFile) file = NULL;

  g_object_get (config, property, &file, NULL);
  if (file)
    gtk_file_chooser_set_file (GTK_FILE_CHOOSER (button), file, NULL);
  g_object_set_data (G_OBJECT (button), "property", (gpointer)property);
  g_signal_connect (button, "selection-changed", G_CALLBACK (keep_folder), config);
  return button;
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

char *
atl_seconds_text (double seconds)
{
  if (seconds < 1)
    return g_strdup (_ ("less than a second"));
  if (seconds < 90)
    return g_strdup_printf (_ ("%.0f s"), seconds);
  if (seconds < 90 * 60)
    return g_strdup_printf (_ ("%.0f min"), seconds / 60);
  return g_strdup_printf (_ ("%.1f h"), seconds / 3600);
}
