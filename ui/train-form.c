/* The questions on the first page of the Train a Style window; see train-form.h. */

#include "train-form.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "models/library.h"
#include "rows.h"
#include "train-choices.h"
#include "train/corrupt.h"

struct _AtlTrainForm
{
  GimpProcedureConfig *config;
  void (*changed) (gpointer data);
  gpointer data;

  GtkWidget *grid, *learn, *folder, *damage_label, *damage, *name;
  GtkWidget *preset[ATL_N_PRESETS], *time[ATL_N_PRESETS], *memory;
  GtkWidget *size, *steps, *direction, *direction_label, *arch, *seed, *from,
      *from_label;
  GtkWidget *damage_text_label, *damage_text;

  gboolean reading; /* widgets follow the config: not the user's doing */
};

/* --- What is offered --- */

/* The damages offered; what else is typed in Advanced is the row after them. */
static const struct
{
  const char *label, *damage;
} damages[] = { { N_ ("A worn photograph"),
                  "(gaussian:0-2|motion:0-15)+noise:0-25+jpeg:30-95" },
                { N_ ("Noise"), "noise:5-50" },
                { N_ ("Blur"), "gaussian:0.5-3|motion:3-15" },
                { N_ ("Traces of JPEG"), "jpeg:10-60" },
                { N_ ("Lost colours"), "grey" } };

static int
find_damage (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++)
    if (strcmp (damages[i].damage, text) == 0)
      return (int)i;
  return G_N_ELEMENTS (damages);
}

/* Networks to choose from: for pictures, and to compress. */
static const char *const archs[2][6]
    = { { "", "unet_128", "unet_256", "resnet_6", "resnet_9" },
        { "", "vqvae", "vqvae2" } };

static void
fill_archs (AtlTrainForm *f)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (f->arch);
  const char *const *names
      = archs[atl_choices_learn (f->config) == ATL_LEARN_COMPRESS];
  g_autofree char *now = atl_choices_string (f->config, "arch");

  gtk_combo_box_text_remove_all (combo);
  for (int i = 0; names[i]; i++)
    gtk_combo_box_text_append (combo, names[i],
                               i == 0 ? _ ("as the preset") : names[i]);
  if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), now))
    gtk_combo_box_set_active (GTK_COMBO_BOX (combo), 0);
}

/* Models to go on from, and the file that a script has chosen. */
static void
fill_from (AtlTrainForm *f)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (f->from);
  g_autoptr (GPtrArray) models = atl_library_list ("pix2pix");
  g_autofree char *now = atl_choices_string (f->config, "from");

  gtk_combo_box_text_remove_all (combo);
  gtk_combo_box_text_append (combo, "", _ ("nothing"));
  for (guint i = 0; i < models->len; i++)
    {
      const AtlModelInfo *info = g_ptr_array_index (models, i);

      if (!info->error)
        gtk_combo_box_text_append (combo, info->id, info->id);
    }
  if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), now))
    {
      gtk_combo_box_text_append (combo, now, now);
      gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), now);
    }
}

/* --- Following the config --- */

char *
atl_train_form_find_problem (AtlTrainForm *f)
{
  const char *text = gtk_entry_get_text (GTK_ENTRY (f->damage_text));
  g_autoptr (AtlCorrupt) corrupt = NULL;
  g_autoptr (GError) error = NULL;

  if (atl_choices_learn (f->config) != ATL_LEARN_RESTORE)
    return NULL;
  corrupt = atl_corrupt_parse (text, &error);
  return corrupt ? NULL : g_strdup (error->message);
}

/* The rows that belong to what is to be learnt, and a sign on what is wrong. */
static void
show_rows (AtlTrainForm *f)
{
  AtlLearn learn = atl_choices_learn (f->config);
  gboolean restore = learn == ATL_LEARN_RESTORE;
  g_autofree char *name = atl_choices_folder_name (f->config);
  g_autofree char *from = atl_choices_string (f->config, "from");
  g_autofree char *problem = atl_train_form_find_problem (f);

  gtk_widget_set_visible (f->from_label, learn != ATL_LEARN_COMPRESS);
  gtk_widget_set_visible (f->from, learn != ATL_LEARN_COMPRESS);
  gtk_widget_set_sensitive (f->arch, learn == ATL_LEARN_COMPRESS || !*from);
  gtk_widget_set_visible (f->damage_label, restore);
  gtk_widget_set_visible (f->damage, restore);
  gtk_widget_set_visible (f->damage_text_label, restore);
  gtk_widget_set_visible (f->damage_text, restore);
  gtk_widget_set_visible (f->direction_label, learn == ATL_LEARN_STYLE);
  gtk_widget_set_visible (f->direction, learn == ATL_LEARN_STYLE);
  gtk_entry_set_icon_from_icon_name (GTK_ENTRY (f->damage_text),
                                     GTK_ENTRY_ICON_SECONDARY,
                                     problem ? "dialog-warning" : NULL);
  gtk_entry_set_placeholder_text (GTK_ENTRY (f->name), name);
}

void
atl_train_form_read (AtlTrainForm *f)
{
  g_autofree char *folder = atl_choices_folder (f->config);
  g_autofree char *name = atl_choices_string (f->config, "name");
  g_autofree char *corrupt = atl_choices_string (f->config, "corrupt");
  g_autofree char *direction = atl_choices_string (f->config, "direction");
  int size, steps, seed;

  f->reading = TRUE;
  g_object_get (f->config, "size", &size, "steps", &steps, "seed", &seed, NULL);
  gtk_combo_box_set_active (GTK_COMBO_BOX (f->learn),
                            atl_choices_learn (f->config));
  if (folder)
    gtk_file_chooser_set_filename (GTK_FILE_CHOOSER (f->folder), folder);
  else
    gtk_file_chooser_unselect_all (GTK_FILE_CHOOSER (f->folder));
  gtk_entry_set_text (GTK_ENTRY (f->name), name);
  gtk_entry_set_text (GTK_ENTRY (f->damage_text), corrupt);
  gtk_combo_box_set_active (GTK_COMBO_BOX (f->damage), find_damage (corrupt));
  gtk_toggle_button_set_active (
      GTK_TOGGLE_BUTTON (f->preset[atl_choices_preset (f->config)]), TRUE);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (f->size), size);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (f->steps), steps);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (f->seed), seed);
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (f->direction),
                               strcmp (direction, "BtoA") == 0 ? "BtoA" : "AtoB");
  fill_archs (f);
  fill_from (f);
  f->reading = FALSE;
  show_rows (f);
}

/* --- The user's doing --- */

static void
note_change (AtlTrainForm *f)
{
  show_rows (f);
  f->changed (f->data);
}

static void
learn_changed (GtkComboBox *combo, AtlTrainForm *f)
{
  int learn = gtk_combo_box_get_active (combo);

  if (f->reading || learn < 0)
    return;
  g_object_set (f->config, "kind",
                learn == ATL_LEARN_COMPRESS ? "vqvae" : "pix2pix", "corrupt",
                learn == ATL_LEARN_RESTORE ? damages[0].damage : "", "arch", "",
                NULL);
  atl_train_form_read (f);
  f->changed (f->data);
}

static void
folder_changed (GtkFileChooser *chooser, AtlTrainForm *f)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (chooser);

  if (f->reading || !file)
    return;
  g_object_set (f->config, "folder", file, NULL);
  note_change (f);
}

static void
name_changed (GtkEditable *entry, AtlTrainForm *f)
{
  g_autofree char *text = g_strdup (gtk_entry_get_text (GTK_ENTRY (entry)));

  if (f->reading)
    return;
  g_object_set (f->config, "name", g_strstrip (text), NULL);
  note_change (f);
}

static void
damage_changed (GtkComboBox *combo, AtlTrainForm *f)
{
  guint i = (guint)gtk_combo_box_get_active (combo);

  if (!f->reading && i < G_N_ELEMENTS (damages))
    gtk_entry_set_text (GTK_ENTRY (f->damage_text), damages[i].damage);
}

static void
damage_text_changed (GtkEditable *entry, AtlTrainForm *f)
{
  const char *text = gtk_entry_get_text (GTK_ENTRY (entry));
  g_autoptr (AtlCorrupt) corrupt = NULL;

  if (f->reading)
    return;
  f->reading = TRUE;
  gtk_combo_box_set_active (GTK_COMBO_BOX (f->damage), find_damage (text));
  f->reading = FALSE;
  corrupt = atl_corrupt_parse (text, NULL);
  if (corrupt)
    g_object_set (f->config, "corrupt", text, NULL);
  note_change (f);
}

static void
preset_toggled (GtkToggleButton *button, AtlTrainForm *f)
{
  const char *preset = g_object_get_data (G_OBJECT (button), "atelier-preset");

  if (f->reading || !gtk_toggle_button_get_active (button))
    return;
  g_object_set (f->config, "preset", preset, NULL);
  note_change (f);
}

static void
number_changed (GtkSpinButton *spin, AtlTrainForm *f)
{
  const char *name = g_object_get_data (G_OBJECT (spin), "atelier-argument");

  if (f->reading)
    return;
  g_object_set (f->config, name, gtk_spin_button_get_value_as_int (spin), NULL);
  note_change (f);
}

static void
choice_changed (GtkComboBox *combo, AtlTrainForm *f)
{
  const char *name = g_object_get_data (G_OBJECT (combo), "atelier-argument");
  const char *id = gtk_combo_box_get_active_id (combo);

  if (f->reading || !id)
    return;
  g_object_set (f->config, name, id, NULL);
  note_change (f);
}

/* --- Widgets --- */

static GtkWidget *
new_combo (const char *const *texts, int n)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  for (int i = 0; i < n; i++)
    gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (combo), texts[i]);
  return combo;
}

/* 0 stands for the preset's, and says so. */
static gboolean
show_number (GtkSpinButton *spin, gpointer data)
{
  if (gtk_spin_button_get_value_as_int (spin) != 0)
    return FALSE;
  gtk_entry_set_text (GTK_ENTRY (spin), _ ("as the preset"));
  return TRUE;
}

static int
read_number (GtkSpinButton *spin, double *value, gpointer data)
{
  const char *text = gtk_entry_get_text (GTK_ENTRY (spin));
  char *end;

  *value = g_strtod (text, &end);
  if (end == text)
    *value = 0;
  return TRUE;
}

static GtkWidget *
new_spin (AtlTrainForm *f, const char *argument, double highest, double step,
          gboolean of_preset)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (0, highest, step);

  g_object_set_data (G_OBJECT (spin), "atelier-argument", (gpointer)argument);
  gtk_entry_set_width_chars (GTK_ENTRY (spin), 12);
  if (of_preset)
    {
      gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), FALSE);
      g_signal_connect (spin, "output", G_CALLBACK (show_number), NULL);
      g_signal_connect (spin, "input", G_CALLBACK (read_number), NULL);
    }
  g_signal_connect (spin, "value-changed", G_CALLBACK (number_changed), f);
  return spin;
}

/* Its rows have the words of that argument as ids. */
static GtkWidget *
new_choice (AtlTrainForm *f, const char *argument)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  g_object_set_data (G_OBJECT (combo), "atelier-argument", (gpointer)argument);
  g_signal_connect (combo, "changed", G_CALLBACK (choice_changed), f);
  return combo;
}

static GtkWidget *
new_direction (AtlTrainForm *f)
{
  GtkWidget *combo = new_choice (f, "direction");

  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), "AtoB", _ ("from A to B"));
  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), "BtoA", _ ("from B to A"));
  return combo;
}

static GtkWidget *
new_presets (AtlTrainForm *f)
{
  const char *const labels[ATL_N_PRESETS]
      = { _ ("_Quick: a first look"), _ ("_Standard: worth keeping"),
          _ ("F_ull: the best there is") };
  GtkWidget *grid = gtk_grid_new ();
  GtkRadioButton *group = NULL;

  gtk_grid_set_row_spacing (GTK_GRID (grid), 3);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  for (int i = 0; i < ATL_N_PRESETS; i++)
    {
      GtkWidget *button
          = gtk_radio_button_new_with_mnemonic_from_widget (group, labels[i]);

      group = GTK_RADIO_BUTTON (button);
      f->preset[i] = button;
      f->time[i] = gtk_label_new (NULL);
      gtk_label_set_xalign (GTK_LABEL (f->time[i]), 1);
      gtk_widget_set_hexpand (button, TRUE);
      g_object_set_data (G_OBJECT (button), "atelier-preset",
                         (gpointer)atl_presets[i]);
      g_signal_connect (button, "toggled", G_CALLBACK (preset_toggled), f);
      gtk_grid_attach (GTK_GRID (grid), button, 0, i, 1, 1);
      gtk_grid_attach (GTK_GRID (grid), f->time[i], 1, i, 1, 1);
    }
  f->memory = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (f->memory), 0);
  gtk_label_set_line_wrap (GTK_LABEL (f->memory), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (f->memory), 40);
  gtk_style_context_add_class (gtk_widget_get_style_context (f->memory),
                               "dim-label");
  gtk_grid_attach (GTK_GRID (grid), f->memory, 0, ATL_N_PRESETS, 2, 1);
  return grid;
}

static GtkWidget *
new_grid (void)
{
  GtkWidget *grid = gtk_grid_new ();

  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 6);
  return grid;
}

static GtkWidget *
new_advanced (AtlTrainForm *f)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic (_ ("Ad_vanced"));
  GtkWidget *grid = new_grid ();

  f->size = new_spin (f, "size", 4096, 16, TRUE);
  f->steps = new_spin (f, "steps", 1e8, 100, TRUE);
  f->direction = new_direction (f);
  f->arch = new_choice (f, "arch");
  f->from = new_choice (f, "from");
  f->seed = new_spin (f, "seed", G_MAXINT, 1, FALSE);
  f->damage_text = gtk_entry_new ();
  atl_grid_add (GTK_GRID (grid), 0, _ ("Si_ze of a patch"), f->size);
  atl_grid_add (GTK_GRID (grid), 1, _ ("S_teps"), f->steps);
  f->direction_label
      = atl_grid_add (GTK_GRID (grid), 2, _ ("Di_rection"), f->direction);
  atl_grid_add (GTK_GRID (grid), 3, _ ("Net_work"), f->arch);
  atl_grid_add (GTK_GRID (grid), 4, _ ("See_d"), f->seed);
  f->from_label = atl_grid_add (GTK_GRID (grid), 5, _ ("_Begin with"), f->from);
  f->damage_text_label
      = atl_grid_add (GTK_GRID (grid), 6, _ ("Dama_ge in full"), f->damage_text);
  gtk_widget_set_tooltip_text (f->size,
                               _ ("Side in pixels of the squares that are cut from "
                                  "the pictures to learn from"));
  gtk_widget_set_tooltip_text (f->from,
                               _ ("Go on from what this model has learnt; its "
                                  "network is taken"));
  gtk_widget_set_tooltip_text (f->seed,
                               _ ("The same seed gives the same model again"));
  gtk_widget_set_margin_start (grid, 12);
  gtk_widget_set_margin_top (grid, 6);
  gtk_container_add (GTK_CONTAINER (expander), grid);
  g_signal_connect (f->damage_text, "changed", G_CALLBACK (damage_text_changed), f);
  return expander;
}

static GtkWidget *
new_damage (AtlTrainForm *f)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  for (guint i = 0; i < G_N_ELEMENTS (damages); i++)
    gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (combo),
                                    _ (damages[i].label));
  gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (combo),
                                  _ ("As written below, in Advanced"));
  g_signal_connect (combo, "changed", G_CALLBACK (damage_changed), f);
  return combo;
}

static GtkWidget *
new_rows (AtlTrainForm *f)
{
  const char *const learns[ATL_N_LEARN] = { _ ("A style, from pairs of pictures"),
                                            _ ("To restore, from clean pictures"),
                                            _ ("To compress, from any pictures") };
  GtkWidget *grid = new_grid ();
  GtkWidget *presets_label;

  f->learn = new_combo (learns, ATL_N_LEARN);
  f->folder = atl_folder_button_new (_ ("Choose the Training Pictures"));
  f->damage = new_damage (f);
  f->name = gtk_entry_new ();
  gtk_entry_set_activates_default (GTK_ENTRY (f->name), TRUE);
  atl_grid_add (GTK_GRID (grid), 0, _ ("_Learn"), f->learn);
  atl_grid_add (GTK_GRID (grid), 1, _ ("_Folder"), f->folder);
  f->damage_label = atl_grid_add (GTK_GRID (grid), 2, _ ("Da_mage"), f->damage);
  atl_grid_add (GTK_GRID (grid), 3, _ ("_Name"), f->name);
  presets_label = atl_grid_add (GTK_GRID (grid), 4, _ ("Preset"), new_presets (f));
  gtk_widget_set_valign (presets_label, GTK_ALIGN_START);
  gtk_widget_set_margin_top (presets_label, 3);
  gtk_grid_attach (GTK_GRID (grid), new_advanced (f), 0, 5, 2, 1);
  g_signal_connect (f->learn, "changed", G_CALLBACK (learn_changed), f);
  g_signal_connect (f->folder, "selection-changed", G_CALLBACK (folder_changed), f);
  g_signal_connect (f->name, "changed", G_CALLBACK (name_changed), f);
  return grid;
}

/* --- For the page --- */

AtlTrainForm *
atl_train_form_new (GimpProcedureConfig *config, void (*changed) (gpointer data),
                    gpointer data)
{
  AtlTrainForm *f = g_new0 (AtlTrainForm, 1);

  f->config = config;
  f->changed = changed;
  f->data = data;
  f->grid = new_rows (f);
  gtk_widget_show_all (f->grid);
  gtk_widget_set_no_show_all (f->grid, TRUE);
  atl_train_form_read (f);
  return f;
}

void
atl_train_form_free (AtlTrainForm *f)
{
  g_free (f);
}

GtkWidget *
atl_train_form_get_widget (AtlTrainForm *f)
{
  return f->grid;
}

void
atl_train_form_set_time (AtlTrainForm *f, int preset, const char *text)
{
  gtk_label_set_text (GTK_LABEL (f->time[preset]), text);
  atk_object_set_description (gtk_widget_get_accessible (f->preset[preset]), text);
}

void
atl_train_form_set_memory (AtlTrainForm *f, const char *text)
{
  gtk_label_set_text (GTK_LABEL (f->memory), text);
}
