/* The first page of the Train a Style window; see train-private.h.  The
 * procedure's config holds what is chosen (train-choices.h): the widgets write it,
 * and what depends on it follows a moment later, in `update`. */

#include <string.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "models/library.h"
#include "rows.h"
#include "train-choices.h"
#include "train-findings.h"
#include "train-forecasts.h"
#include "train-private.h"

#define UPDATE_MS 300 /* after the last key */
#define GIB (1024.0 * 1024 * 1024)

struct _AtlTrainSetup
{
  GimpProcedureConfig *config;
  void (*changed) (gpointer data);
  gpointer data;

  GtkWidget *page, *learn, *folder, *damage_label, *damage, *name;
  GtkWidget *preset[ATL_N_PRESETS], *time[ATL_N_PRESETS], *memory;
  GtkWidget *size, *steps, *direction, *direction_label, *arch, *seed, *from,
      *from_label;
  GtkWidget *damage_text_label, *damage_text;
  GtkWidget *findings, *problem_box, *problem;

  gboolean reading; /* widgets follow the config: not the user's doing */
  guint update;     /* source */
  char *looked;     /* what was last looked at, as one text */
  char *forecasted;
  char *problem_text; /* NULL: ready */
  AtlTrainForecasts *forecasts;
};

static void schedule_update (AtlTrainSetup *s);

/* --- What it costs --- */

static AtlTrainSettings *
settings_of_preset (gpointer data, int preset, GError **error)
{
  AtlTrainSetup *s = data;

  return atl_choices_settings (s->config, preset, error);
}

static void
show_estimate (gpointer data, int preset)
{
  AtlTrainSetup *s = data;
  const AtlEstimate *e = atl_train_forecasts_get (s->forecasts, preset);
  g_autofree char *text = NULL;

  if (e->known)
    text = atl_train_describe_time (e->forecast.seconds * (double)e->steps);
  gtk_label_set_text (GTK_LABEL (s->time[preset]), e->known ? text
                                                   : e->problem
                                                       ? _ ("not possible")
                                                       : _ ("being measured..."));
  schedule_update (s);
}

static const AtlEstimate *
get_estimate (AtlTrainSetup *s)
{
  return atl_train_forecasts_get (s->forecasts, atl_choices_preset (s->config));
}

static void
show_memory (AtlTrainSetup *s)
{
  const AtlEstimate *e = get_estimate (s);
  g_autofree char *text = NULL;

  if (e->known)
    text = g_strdup_printf (
        _ ("Times are measured on this machine.  It needs %.1f GB of memory; "
           "%.1f GB are free."),
        (double)e->forecast.bytes / GIB, (double)atl_memory_available () / GIB);
  gtk_label_set_text (GTK_LABEL (s->memory),
                      text ? text : _ ("Trying some steps on this machine..."));
}

/* --- What is wrong --- */

static char *
find_name_problem (AtlTrainSetup *s)
{
  g_autofree char *name = atl_choices_name (s->config);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  if (!*name)
    return NULL;
  path = atl_library_path (name, &error);
  if (!path)
    return g_strdup (error->message);
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_strdup_printf (_ ("You already have a model “%s”: give another name."),
                            name);
  return NULL;
}

static char *
find_memory_problem (const AtlEstimate *e)
{
  guint64 available = atl_memory_available ();

  if (!e->known || available == 0 || e->forecast.bytes <= available)
    return NULL;
  return g_strdup_printf (_ ("This training needs about %.1f GB of memory, and "
                             "%.1f GB are free: choose "
                             "a smaller preset or size, or close other programs."),
                          (double)e->forecast.bytes / GIB, (double)available / GIB);
}

/* "" while it is not known yet. */
static char *
find_problem (AtlTrainSetup *s)
{
  g_autofree char *folder = atl_choices_folder (s->config);
  const AtlEstimate *e = get_estimate (s);
  char *problem = find_name_problem (s);

  if (!folder || !atl_train_findings_usable (ATL_TRAIN_FINDINGS (s->findings)))
    return problem ? problem : g_strdup ("");
  if (!problem && e->problem)
    problem = g_strdup (e->problem);
  if (!problem)
    problem = find_memory_problem (e);
  return problem;
}

static void
show_problem (AtlTrainSetup *s)
{
  g_free (s->problem_text);
  s->problem_text = find_problem (s);
  gtk_widget_set_visible (s->problem_box, s->problem_text && *s->problem_text);
  gtk_label_set_text (GTK_LABEL (s->problem),
                      s->problem_text ? s->problem_text : "");
  s->changed (s->data);
}

/* --- Following the config --- */

static gboolean
replace_text (char **text, char *now)
{
  gboolean same = g_strcmp0 (*text, now) == 0;

  g_free (*text);
  *text = now;
  return !same;
}

static void
look (AtlTrainSetup *s)
{
  g_autofree char *folder = atl_choices_folder (s->config);
  g_autoptr (AtlTrainSettings) settings = atl_choices_settings (s->config, 0, NULL);

  if (!settings)
    settings = atl_train_settings_new (ATL_TRAIN_PIX2PIX, "quick", NULL, NULL);
  settings->folder = g_strdup (folder);
  if (!replace_text (&s->looked,
                     g_strdup_printf ("%s|%d|%s|%d|%d", folder ? folder : "",
                                      settings->kind,
                                      settings->corrupt ? settings->corrupt : "",
                                      settings->b_to_a, (int)settings->seed)))
    return;
  atl_train_findings_look (ATL_TRAIN_FINDINGS (s->findings),
                           folder ? settings : NULL);
}

static void
forecast (AtlTrainSetup *s)
{
  g_autofree char *kind = atl_choices_string (s->config, "kind");
  g_autofree char *arch = atl_choices_string (s->config, "arch");
  g_autofree char *from = atl_choices_string (s->config, "from");
  int steps, size;

  atl_train_forecasts_choose (s->forecasts, atl_choices_preset (s->config));
  g_object_get (s->config, "steps", &steps, "size", &size, NULL);
  if (replace_text (&s->forecasted,
                    g_strdup_printf ("%s|%s|%s|%d|%d|%d", kind, arch, from, steps,
                                     size, atl_choices_learn (s->config))))
    atl_train_forecasts_renew (s->forecasts);
}

static void
show_choices (AtlTrainSetup *s)
{
  AtlLearn learn = atl_choices_learn (s->config);
  gboolean restore = learn == ATL_LEARN_RESTORE;
  g_autofree char *name = atl_choices_folder_name (s->config);
  g_autofree char *from = atl_choices_string (s->config, "from");

  gtk_widget_set_visible (s->from_label, learn != ATL_LEARN_COMPRESS);
  gtk_widget_set_visible (s->from, learn != ATL_LEARN_COMPRESS);
  gtk_widget_set_sensitive (s->arch, learn == ATL_LEARN_COMPRESS || !*from);
  gtk_widget_set_visible (s->damage_label, restore);
  gtk_widget_set_visible (s->damage, restore);
  gtk_widget_set_visible (s->damage_text_label, restore);
  gtk_widget_set_visible (s->damage_text, restore);
  gtk_widget_set_visible (s->direction_label, learn == ATL_LEARN_STYLE);
  gtk_widget_set_visible (s->direction, learn == ATL_LEARN_STYLE);
  gtk_entry_set_placeholder_text (GTK_ENTRY (s->name), name);
}

static gboolean
update (gpointer data)
{
  AtlTrainSetup *s = data;

  s->update = 0;
  show_choices (s);
  look (s);
  forecast (s);
  show_memory (s);
  show_problem (s);
  return G_SOURCE_REMOVE;
}

static void
schedule_update (AtlTrainSetup *s)
{
  if (s->update == 0)
    s->update = g_timeout_add (UPDATE_MS, update, s);
}

/* --- The user's doing --- */

/* The damages offered; what else is typed into the text below is "another". */
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

static const char *const archs[2][6]
    = { { "", "unet_128", "unet_256", "resnet_6", "resnet_9" },
        { "", "vqvae", "vqvae2" } };

static void
fill_archs (AtlTrainSetup *s)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (s->arch);
  const char *const *names
      = archs[atl_choices_learn (s->config) == ATL_LEARN_COMPRESS];
  g_autofree char *now = atl_choices_string (s->config, "arch");

  gtk_combo_box_text_remove_all (combo);
  for (int i = 0; names[i]; i++)
    gtk_combo_box_text_append (combo, names[i],
                               i == 0 ? _ ("as the preset") : names[i]);
  if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (combo), now))
    gtk_combo_box_set_active (GTK_COMBO_BOX (combo), 0);
}

/* Models to go on from, and the file that a script has chosen. */
static void
fill_from (AtlTrainSetup *s)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (s->from);
  g_autoptr (GPtrArray) models = atl_library_list ("pix2pix");
  g_autofree char *now = atl_choices_string (s->config, "from");

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

/* Widgets as the config says. */
static void
read_config (AtlTrainSetup *s)
{
  g_autofree char *folder = atl_choices_folder (s->config);
  g_autofree char *name = atl_choices_string (s->config, "name");
  g_autofree char *corrupt = atl_choices_string (s->config, "corrupt");
  g_autofree char *direction = atl_choices_string (s->config, "direction");
  int size, steps, seed;

  s->reading = TRUE;
  g_object_get (s->config, "size", &size, "steps", &steps, "seed", &seed, NULL);
  gtk_combo_box_set_active (GTK_COMBO_BOX (s->learn),
                            atl_choices_learn (s->config));
  if (folder)
    gtk_file_chooser_set_filename (GTK_FILE_CHOOSER (s->folder), folder);
  else
    gtk_file_chooser_unselect_all (GTK_FILE_CHOOSER (s->folder));
  gtk_entry_set_text (GTK_ENTRY (s->name), name);
  gtk_entry_set_text (GTK_ENTRY (s->damage_text), corrupt);
  gtk_combo_box_set_active (GTK_COMBO_BOX (s->damage), find_damage (corrupt));
  gtk_toggle_button_set_active (
      GTK_TOGGLE_BUTTON (s->preset[atl_choices_preset (s->config)]), TRUE);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (s->size), size);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (s->steps), steps);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (s->seed), seed);
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (s->direction),
                               strcmp (direction, "BtoA") == 0 ? "BtoA" : "AtoB");
  fill_archs (s);
  fill_from (s);
  s->reading = FALSE;
  schedule_update (s);
}

static void
learn_changed (GtkComboBox *combo, AtlTrainSetup *s)
{
  int learn = gtk_combo_box_get_active (combo);

  if (s->reading || learn < 0)
    return;
  g_object_set (s->config, "kind",
                learn == ATL_LEARN_COMPRESS ? "vqvae" : "pix2pix", "corrupt",
                learn == ATL_LEARN_RESTORE ? damages[0].damage : "", "arch", "",
                NULL);
  read_config (s);
}

static void
folder_changed (GtkFileChooser *chooser, AtlTrainSetup *s)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (chooser);

  if (s->reading || !file)
    return;
  g_object_set (s->config, "folder", file, NULL);
  schedule_update (s);
}

static void
name_changed (GtkEditable *entry, AtlTrainSetup *s)
{
  g_autofree char *text = g_strdup (gtk_entry_get_text (GTK_ENTRY (entry)));

  if (s->reading)
    return;
  g_object_set (s->config, "name", g_strstrip (text), NULL);
  schedule_update (s);
}

static void
damage_changed (GtkComboBox *combo, AtlTrainSetup *s)
{
  guint i = (guint)gtk_combo_box_get_active (combo);

  if (!s->reading && i < G_N_ELEMENTS (damages))
    gtk_entry_set_text (GTK_ENTRY (s->damage_text), damages[i].damage);
}

static void
damage_text_changed (GtkEditable *entry, AtlTrainSetup *s)
{
  const char *text = gtk_entry_get_text (GTK_ENTRY (entry));
  AtlCorrupt *corrupt;

  if (s->reading || !*text)
    return;
  s->reading = TRUE;
  gtk_combo_box_set_active (GTK_COMBO_BOX (s->damage), find_damage (text));
  s->reading = FALSE;
  corrupt = atl_corrupt_parse (text, NULL);
  gtk_entry_set_icon_from_icon_name (GTK_ENTRY (entry), GTK_ENTRY_ICON_SECONDARY,
                                     corrupt ? NULL : "dialog-warning");
  if (corrupt)
    g_object_set (s->config, "corrupt", text, NULL);
  atl_corrupt_free (corrupt);
  schedule_update (s);
}

static void
preset_toggled (GtkToggleButton *button, AtlTrainSetup *s)
{
  const char *preset = g_object_get_data (G_OBJECT (button), "atelier-preset");

  if (s->reading || !gtk_toggle_button_get_active (button))
    return;
  g_object_set (s->config, "preset", preset, NULL);
  schedule_update (s);
}

static void
number_changed (GtkSpinButton *spin, AtlTrainSetup *s)
{
  const char *name = g_object_get_data (G_OBJECT (spin), "atelier-argument");

  if (s->reading)
    return;
  g_object_set (s->config, name, gtk_spin_button_get_value_as_int (spin), NULL);
  schedule_update (s);
}

static void
choice_changed (GtkComboBox *combo, AtlTrainSetup *s)
{
  const char *name = g_object_get_data (G_OBJECT (combo), "atelier-argument");
  const char *id = gtk_combo_box_get_active_id (combo);

  if (s->reading || !id)
    return;
  g_object_set (s->config, name, id, NULL);
  schedule_update (s);
}

static void
findings_changed (AtlTrainFindings *findings, AtlTrainSetup *s)
{
  schedule_update (s);
}

/* --- The page --- */

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
new_spin (AtlTrainSetup *s, const char *argument, double highest, double step,
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
  g_signal_connect (spin, "value-changed", G_CALLBACK (number_changed), s);
  return spin;
}

/* Its rows have the words of that argument as ids. */
static GtkWidget *
new_choice (AtlTrainSetup *s, const char *argument)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  g_object_set_data (G_OBJECT (combo), "atelier-argument", (gpointer)argument);
  g_signal_connect (combo, "changed", G_CALLBACK (choice_changed), s);
  return combo;
}

static GtkWidget *
new_direction (AtlTrainSetup *s)
{
  GtkWidget *combo = new_choice (s, "direction");

  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), "AtoB", _ ("from A to B"));
  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (combo), "BtoA", _ ("from B to A"));
  return combo;
}

static GtkWidget *
new_presets (AtlTrainSetup *s)
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
      s->preset[i] = button;
      s->time[i] = gtk_label_new (NULL);
      gtk_label_set_xalign (GTK_LABEL (s->time[i]), 1);
      gtk_widget_set_hexpand (button, TRUE);
      g_object_set_data (G_OBJECT (button), "atelier-preset",
                         (gpointer)atl_presets[i]);
      g_signal_connect (button, "toggled", G_CALLBACK (preset_toggled), s);
      gtk_grid_attach (GTK_GRID (grid), button, 0, i, 1, 1);
      gtk_grid_attach (GTK_GRID (grid), s->time[i], 1, i, 1, 1);
    }
  s->memory = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (s->memory), 0);
  gtk_label_set_line_wrap (GTK_LABEL (s->memory), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (s->memory), 40);
  gtk_style_context_add_class (gtk_widget_get_style_context (s->memory),
                               "dim-label");
  gtk_grid_attach (GTK_GRID (grid), s->memory, 0, ATL_N_PRESETS, 2, 1);
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
new_advanced (AtlTrainSetup *s)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic (_ ("Ad_vanced"));
  GtkWidget *grid = new_grid ();

  s->size = new_spin (s, "size", 4096, 16, TRUE);
  s->steps = new_spin (s, "steps", 1e8, 100, TRUE);
  s->direction = new_direction (s);
  s->arch = new_choice (s, "arch");
  s->from = new_choice (s, "from");
  s->seed = new_spin (s, "seed", G_MAXINT, 1, FALSE);
  s->damage_text = gtk_entry_new ();
  atl_grid_add (GTK_GRID (grid), 0, _ ("Si_ze of a patch"), s->size);
  atl_grid_add (GTK_GRID (grid), 1, _ ("S_teps"), s->steps);
  s->direction_label
      = atl_grid_add (GTK_GRID (grid), 2, _ ("Di_rection"), s->direction);
  atl_grid_add (GTK_GRID (grid), 3, _ ("Net_work"), s->arch);
  atl_grid_add (GTK_GRID (grid), 4, _ ("See_d"), s->seed);
  s->from_label = atl_grid_add (GTK_GRID (grid), 5, _ ("_Begin with"), s->from);
  s->damage_text_label
      = atl_grid_add (GTK_GRID (grid), 6, _ ("Dama_ge in full"), s->damage_text);
  gtk_widget_set_tooltip_text (s->size,
                               _ ("Side in pixels of the squares that are cut from "
                                  "the pictures to learn from"));
  gtk_widget_set_tooltip_text (s->from,
                               _ ("Go on from what this model has learnt; its "
                                  "network is taken"));
  gtk_widget_set_tooltip_text (s->seed,
                               _ ("The same seed gives the same model again"));
  gtk_widget_set_margin_start (grid, 12);
  gtk_widget_set_margin_top (grid, 6);
  gtk_container_add (GTK_CONTAINER (expander), grid);
  g_signal_connect (s->damage_text, "changed", G_CALLBACK (damage_text_changed), s);
  return expander;
}

static GtkWidget *
new_damage (AtlTrainSetup *s)
{
  GtkWidget *combo = gtk_combo_box_text_new ();

  for (guint i = 0; i < G_N_ELEMENTS (damages); i++)
    gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (combo),
                                    _ (damages[i].label));
  gtk_combo_box_text_append_text (GTK_COMBO_BOX_TEXT (combo),
                                  _ ("As written below, in Advanced"));
  g_signal_connect (combo, "changed", G_CALLBACK (damage_changed), s);
  return combo;
}

static GtkWidget *
new_choices (AtlTrainSetup *s)
{
  const char *const learns[ATL_N_LEARN] = { _ ("A style, from pairs of pictures"),
                                            _ ("To restore, from clean pictures"),
                                            _ ("To compress, from any pictures") };
  GtkWidget *grid = new_grid ();
  GtkWidget *presets_label;

  s->learn = new_combo (learns, ATL_N_LEARN);
  s->folder = atl_folder_button_new (_ ("Choose the Training Pictures"));
  s->damage = new_damage (s);
  s->name = gtk_entry_new ();
  gtk_entry_set_activates_default (GTK_ENTRY (s->name), TRUE);
  atl_grid_add (GTK_GRID (grid), 0, _ ("_Learn"), s->learn);
  atl_grid_add (GTK_GRID (grid), 1, _ ("_Folder"), s->folder);
  s->damage_label = atl_grid_add (GTK_GRID (grid), 2, _ ("Da_mage"), s->damage);
  atl_grid_add (GTK_GRID (grid), 3, _ ("_Name"), s->name);
  presets_label = atl_grid_add (GTK_GRID (grid), 4, _ ("Preset"), new_presets (s));
  gtk_widget_set_valign (presets_label, GTK_ALIGN_START);
  gtk_widget_set_margin_top (presets_label, 3);
  gtk_grid_attach (GTK_GRID (grid), new_advanced (s), 0, 5, 2, 1);
  g_signal_connect (s->learn, "changed", G_CALLBACK (learn_changed), s);
  g_signal_connect (s->folder, "selection-changed", G_CALLBACK (folder_changed), s);
  g_signal_connect (s->name, "changed", G_CALLBACK (name_changed), s);
  return grid;
}

static GtkWidget *
new_problem (AtlTrainSetup *s)
{
  s->problem_box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  s->problem = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (s->problem), 0);
  gtk_label_set_line_wrap (GTK_LABEL (s->problem), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (s->problem), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (s->problem), 48);
  gtk_box_pack_start (
      GTK_BOX (s->problem_box),
      gtk_image_new_from_icon_name ("dialog-warning", GTK_ICON_SIZE_BUTTON), FALSE,
      FALSE, 0);
  gtk_box_pack_start (GTK_BOX (s->problem_box), s->problem, TRUE, TRUE, 0);
  gtk_widget_show_all (s->problem_box);
  gtk_widget_set_no_show_all (s->problem_box, TRUE);
  gtk_widget_hide (s->problem_box);
  return s->problem_box;
}

static void
make_page (AtlTrainSetup *s)
{
  GtkWidget *left = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *frame = gimp_frame_new (_ ("What is in the folder"));

  s->page = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 18);
  s->findings = atl_train_findings_new ();
  g_signal_connect (s->findings, "changed", G_CALLBACK (findings_changed), s);
  gtk_container_add (GTK_CONTAINER (frame), s->findings);
  gtk_widget_set_hexpand (left, FALSE);
  gtk_box_pack_start (GTK_BOX (left), new_choices (s), FALSE, FALSE, 0);
  gtk_box_pack_end (GTK_BOX (left), new_problem (s), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (s->page), left, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (s->page), frame, TRUE, TRUE, 0);
  gtk_widget_show_all (s->page);
}

AtlTrainSetup *
atl_train_setup_new (GimpProcedureConfig *config, void (*changed) (gpointer data),
                     gpointer data)
{
  AtlTrainSetup *s = g_new0 (AtlTrainSetup, 1);

  s->config = config;
  s->changed = changed;
  s->data = data;
  s->problem_text = g_strdup ("");
  s->forecasts = atl_train_forecasts_new (ATL_N_PRESETS, settings_of_preset,
                                          show_estimate, s);
  make_page (s);
  read_config (s);
  show_choices (s);
  return s;
}

void
atl_train_setup_free (AtlTrainSetup *s)
{
  g_clear_handle_id (&s->update, g_source_remove);
  atl_train_forecasts_free (s->forecasts);
  g_free (s->looked);
  g_free (s->forecasted);
  g_free (s->problem_text);
  g_free (s);
}

GtkWidget *
atl_train_setup_get_widget (AtlTrainSetup *s)
{
  return s->page;
}

gboolean
atl_train_setup_is_ready (const AtlTrainSetup *s)
{
  return !s->problem_text;
}

void
atl_train_setup_suspend (AtlTrainSetup *s)
{
  atl_train_forecasts_suspend (s->forecasts);
}

void
atl_train_setup_refresh (AtlTrainSetup *s)
{
  atl_train_forecasts_go_on (s->forecasts);
  schedule_update (s);
}

void
atl_train_setup_reset (AtlTrainSetup *s)
{
  gimp_config_reset (GIMP_CONFIG (s->config));
  read_config (s);
}
