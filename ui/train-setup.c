/* The first page of the Train a Style window; see train-private.h.  The form
 * (train-form.h) writes what is chosen into the procedure's config; what depends
 * on it follows a moment later, in `update`: what is in the folder, what the
 * presets would cost, and what stands in the way of a start. */

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "models/library.h"
#include "train-choices.h"
#include "train-findings.h"
#include "train-forecasts.h"
#include "train-form.h"
#include "train-private.h"

#define UPDATE_MS 300 /* after a change */
#define GIB (1024.0 * 1024 * 1024)

struct _AtlTrainSetup
{
  GimpProcedureConfig *config;
  void (*changed) (gpointer data);
  gpointer data;

  AtlTrainForm *form;
  GtkWidget *page, *findings, *problem_box, *problem;

  guint update;       /* source */
  char *looked;       /* what was last looked at, as one text */
  char *forecasted;   /* likewise */
  char *problem_text; /* NULL: ready */
  AtlTrainForecasts *forecasts;
};

static void schedule_update (gpointer data);

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
  atl_train_form_set_time (s->form, preset,
                           e->known     ? text
                           : e->problem ? _ ("not possible")
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
  atl_train_form_set_memory (
      s->form, text ? text : _ ("Trying some steps on this machine..."));
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
  char *problem = atl_train_form_find_problem (s->form);

  if (!problem)
    problem = find_name_problem (s);
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
                           folder ? g_steal_pointer (&settings) : NULL);
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

static gboolean
update (gpointer data)
{
  AtlTrainSetup *s = data;

  s->update = 0;
  look (s);
  forecast (s);
  show_memory (s);
  show_problem (s);
  return G_SOURCE_REMOVE;
}

static void
schedule_update (gpointer data)
{
  AtlTrainSetup *s = data;

  if (s->update == 0)
    s->update = g_timeout_add (UPDATE_MS, update, s);
}

/* --- The page --- */

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
  g_signal_connect_swapped (s->findings, "changed", G_CALLBACK (schedule_update),
                            s);
  gtk_container_add (GTK_CONTAINER (frame), s->findings);
  gtk_widget_set_hexpand (left, FALSE);
  gtk_box_pack_start (GTK_BOX (left), atl_train_form_get_widget (s->form), FALSE,
                      FALSE, 0);
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
  s->form = atl_train_form_new (config, schedule_update, s);
  make_page (s);
  schedule_update (s);
  return s;
}

void
atl_train_setup_free (AtlTrainSetup *s)
{
  g_clear_handle_id (&s->update, g_source_remove);
  atl_train_forecasts_free (s->forecasts);
  atl_train_form_free (s->form);
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
  atl_train_form_read (s->form);
  schedule_update (s);
}

void
atl_train_setup_reset (AtlTrainSetup *s)
{
  gimp_config_reset (GIMP_CONFIG (s->config));
  atl_train_form_read (s->form);
  schedule_update (s);
}
