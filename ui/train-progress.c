/* The second page of the Train a Style window; see train-private.h. */

#include <inttypes.h>
#include <math.h>

#include <glib/gi18n-lib.h>

#include "train-plot.h"
#include "train-private.h"
#include "train-sheet.h"

#define MESSAGE_LINES 4

struct _AtlTrainProgress
{
  GtkWidget *page, *title, *status, *bar;
  GtkWidget *plot, *panel, *logarithmic;
  GtkWidget *sheet, *sheet_label;
  GtkWidget *messages;
  AtlTrainKind kind;
  char *name;
  int measure_steps;
  const AtlTrainView *view; /* NULL: none now */
  gint64 sheet_step;        /* shown; -1: none */
  guint n_messages;         /* shown */
};

char *
atl_train_describe_time (double seconds)
{
  int minutes = (int)ceil (seconds / 60), hours = (int)round (seconds / 3600);

  if (seconds < 50)
    return g_strdup (_ ("less than a minute"));
  if (minutes < 100)
    return g_strdup_printf (
        ngettext ("about %d minute", "about %d minutes", (gulong)minutes), minutes);
  if (hours < 10)
    return g_strdup_printf (_ ("about %d h %02d min"), minutes / 60,
                            minutes % 60 / 10 * 10);
  if (hours < 48)
    return g_strdup_printf (
        ngettext ("about %d hour", "about %d hours", (gulong)hours), hours);
  return g_strdup_printf (_ ("about %d days"), (hours + 12) / 24);
}

/* --- What it says --- */

/* The filter that the model is for. */
static const char *
get_filter (const AtlTrainProgress *p)
{
  return p->kind == ATL_TRAIN_PIX2PIX ? _ ("Translate") : _ ("Compress");
}

static char *
describe_end (const AtlTrainProgress *p)
{
  const AtlTrainView *view = p->view;

  if (g_error_matches (view->error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_strdup (_ ("Stopped before the first step."));
  if (view->error)
    return g_strdup_printf (_ ("It has failed: %s"), view->error->message);
  if (view->result.finished)
    return g_strdup_printf (
        _ ("Finished.  “%s” is ready in Filters > Atelier > %s."), p->name,
        get_filter (p));
  return g_strdup_printf (
      _ ("Stopped and kept.  “%s” is ready in Filters > Atelier "
         "> %s; the training can go on from here another "
         "time."),
      p->name, get_filter (p));
}

static char *
describe_running (const AtlTrainProgress *p)
{
  const AtlTrainView *view = p->view;

  if (view->model_step > 0)
    return g_strdup_printf (
        _ ("The best model so far, of step %" PRId64 ", is in %s already."),
        view->model_step, get_filter (p));
  return g_strdup_printf (_ ("A first model will be in %s after step %d."),
                          get_filter (p), p->measure_steps);
}

static char *
describe_state (const AtlTrainProgress *p)
{
  switch (p->view->state)
    {
    case ATL_JOB_STARTING:
      return g_strdup (_ ("Looking at the pictures, making the networks..."));
    case ATL_JOB_PAUSED:
      return g_strdup (_ ("Paused.  The processors are all yours."));
    case ATL_JOB_STOPPING:
      return g_strdup (_ ("Stopping; what was learnt is being written..."));
    case ATL_JOB_ENDED:
      return describe_end (p);
    case ATL_JOB_RUNNING:
    default:
      return describe_running (p);
    }
}

static void
show_status (AtlTrainProgress *p)
{
  g_autofree char *text = describe_state (p);

  if (g_strcmp0 (text, gtk_label_get_text (GTK_LABEL (p->status))) != 0)
    gtk_label_set_text (GTK_LABEL (p->status), text);
}

static void
show_bar (AtlTrainProgress *p)
{
  const AtlTrainView *view = p->view;
  g_autofree char *left = NULL, *text = NULL;

  if (view->seconds_left >= 0 && view->state == ATL_JOB_RUNNING)
    left = atl_train_describe_time (view->seconds_left);
  if (left)
    text = g_strdup_printf (_ ("Step %" PRId64 " of %" PRId64 ", %s left"),
                            view->step, view->steps, left);
  else
    text = g_strdup_printf (_ ("Step %" PRId64 " of %" PRId64), view->step,
                            view->steps);
  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (p->bar), text);
  atk_object_set_name (gtk_widget_get_accessible (p->bar), text);
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (p->bar),
                                 (double)view->step / (double)MAX (1, view->steps));
}

static void
show_sheet (AtlTrainProgress *p)
{
  const char *headings[2][3]
      = { [ATL_TRAIN_PIX2PIX] = { _ ("Input"), _ ("Output"), _ ("Target") },
          [ATL_TRAIN_VQVAE] = { _ ("Original"), _ ("Reconstruction") } };
  g_autofree char *text = NULL;

  if (!p->view->sheet || p->view->sheet_step == p->sheet_step)
    return;
  p->sheet_step = p->view->sheet_step;
  atl_train_sheet_set (ATL_TRAIN_SHEET (p->sheet), p->view->sheet,
                       headings[p->kind], p->kind == ATL_TRAIN_PIX2PIX ? 3 : 2);
  text = g_strdup_printf (_ ("After step %" PRId64), p->sheet_step);
  gtk_label_set_text (GTK_LABEL (p->sheet_label), text);
}

static void
add_message (AtlTrainProgress *p, const AtlTrainMessage *message)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (p->messages));
  GtkTextIter end;
  g_autofree char *line = NULL;

  line = message->step > 0 ? g_strdup_printf (_ ("Step %" PRId64 ": %s"),
                                              message->step, message->text)
                           : g_strdup (message->text);
  gtk_text_buffer_get_end_iter (buffer, &end);
  if (gtk_text_buffer_get_char_count (buffer) > 0)
    gtk_text_buffer_insert (buffer, &end, "\n", 1);
  gtk_text_buffer_insert (buffer, &end, line, -1);
  gtk_text_view_scroll_to_mark (GTK_TEXT_VIEW (p->messages),
                                gtk_text_buffer_get_insert (buffer), 0, FALSE, 0,
                                1);
}

static void
show_messages (AtlTrainProgress *p)
{
  const AtlTrainView *view = p->view;

  p->n_messages = MAX (p->n_messages, view->n_dropped);
  for (; p->n_messages < view->n_dropped + view->messages->len; p->n_messages++)
    add_message (p, view->messages->pdata[p->n_messages - view->n_dropped]);
}

void
atl_train_progress_update (AtlTrainProgress *p)
{
  if (!p->view)
    return;
  show_bar (p);
  show_status (p);
  show_sheet (p);
  show_messages (p);
  atl_train_plot_set_view (ATL_TRAIN_PLOT (p->plot), p->kind, p->view);
}

/* --- The page --- */

static void
panel_changed (GtkComboBox *combo, AtlTrainProgress *p)
{
  atl_train_plot_set_panel (ATL_TRAIN_PLOT (p->plot),
                            MAX (gtk_combo_box_get_active (combo), 0));
}

static void
logarithmic_toggled (GtkToggleButton *button, AtlTrainProgress *p)
{
  atl_train_plot_set_logarithmic (ATL_TRAIN_PLOT (p->plot),
                                  gtk_toggle_button_get_active (button));
}

static GtkWidget *
new_plot (AtlTrainProgress *p)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *label = gtk_label_new_with_mnemonic (_ ("_Curves"));

  p->plot = atl_train_plot_new ();
  p->panel = gtk_combo_box_text_new ();
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), p->panel);
  p->logarithmic = gtk_check_button_new_with_mnemonic (_ ("_Logarithmic"));
  g_signal_connect (p->panel, "changed", G_CALLBACK (panel_changed), p);
  g_signal_connect (p->logarithmic, "toggled", G_CALLBACK (logarithmic_toggled), p);
  gtk_box_pack_start (GTK_BOX (row), label, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), p->panel, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (row), p->logarithmic, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), row, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), p->plot, TRUE, TRUE, 0);
  return box;
}

static GtkWidget *
new_sheet (AtlTrainProgress *p)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  p->sheet = atl_train_sheet_new ();
  p->sheet_label = gtk_label_new (NULL);
  atk_object_set_name (gtk_widget_get_accessible (p->sheet), _ ("Samples"));
  gtk_box_pack_start (GTK_BOX (box), p->sheet, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), p->sheet_label, FALSE, FALSE, 0);
  return box;
}

static GtkWidget *
new_messages (AtlTrainProgress *p)
{
  GtkWidget *window = gtk_scrolled_window_new (NULL, NULL);
  GtkTextView *view;

  p->messages = gtk_text_view_new ();
  view = GTK_TEXT_VIEW (p->messages);
  gtk_text_view_set_editable (view, FALSE);
  gtk_text_view_set_cursor_visible (view, FALSE);
  gtk_text_view_set_wrap_mode (view, GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (view, FALSE);
  gtk_text_view_set_left_margin (view, 6);
  gtk_text_view_set_right_margin (view, 6);
  gtk_text_view_set_top_margin (view, 3);
  gtk_text_view_set_bottom_margin (view, 3);
  atk_object_set_name (gtk_widget_get_accessible (p->messages), _ ("Messages"));
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (window), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (window), GTK_SHADOW_IN);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (window),
                                              MESSAGE_LINES * 20);
  gtk_container_add (GTK_CONTAINER (window), p->messages);
  return window;
}

static GtkWidget *
new_label (gboolean bold)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  if (bold)
    gimp_label_set_attributes (GTK_LABEL (label), PANGO_ATTR_WEIGHT,
                               PANGO_WEIGHT_BOLD, PANGO_ATTR_SCALE, 1.2, -1);
  return label;
}

AtlTrainProgress *
atl_train_progress_new (void)
{
  AtlTrainProgress *p = g_new0 (AtlTrainProgress, 1);
  GtkWidget *panes = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkBox *page;

  p->page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  page = GTK_BOX (p->page);
  p->title = new_label (TRUE);
  p->status = new_label (FALSE);
  p->bar = gtk_progress_bar_new ();
  gtk_progress_bar_set_show_text (GTK_PROGRESS_BAR (p->bar), TRUE);
  gtk_box_pack_start (GTK_BOX (panes), new_plot (p), TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (panes), new_sheet (p), TRUE, TRUE, 0);
  gtk_box_pack_start (page, p->title, FALSE, FALSE, 0);
  gtk_box_pack_start (page, p->bar, FALSE, FALSE, 0);
  gtk_box_pack_start (page, p->status, FALSE, FALSE, 0);
  gtk_box_pack_start (page, panes, TRUE, TRUE, 0);
  gtk_box_pack_start (page, new_messages (p), FALSE, FALSE, 0);
  gtk_widget_show_all (p->page);
  return p;
}

void
atl_train_progress_free (AtlTrainProgress *p)
{
  g_free (p->name);
  g_free (p);
}

GtkWidget *
atl_train_progress_get_widget (AtlTrainProgress *p)
{
  return p->page;
}

static void
fill_panels (AtlTrainProgress *p)
{
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT (p->panel);

  gtk_combo_box_text_remove_all (combo);
  for (int i = 0; i < atl_train_plot_get_n_panels (p->kind); i++)
    gtk_combo_box_text_append_text (combo,
                                    atl_train_plot_get_panel_name (p->kind, i));
  gtk_combo_box_set_active (GTK_COMBO_BOX (combo), 0);
}

void
atl_train_progress_begin (AtlTrainProgress *p, AtlTrainKind kind, const char *name,
                          int measure_steps, const AtlTrainView *view)
{
  g_autofree char *title = g_strdup_printf (_ ("Training “%s”"), name);
  g_autofree char *placeholder = g_strdup_printf (
      _ ("Samples show here after every %d steps."), measure_steps);

  p->kind = kind;
  g_free (p->name);
  p->name = g_strdup (name);
  p->measure_steps = measure_steps;
  p->view = view;
  p->sheet_step = -1;
  p->n_messages = 0;
  gtk_label_set_text (GTK_LABEL (p->title), title);
  gtk_label_set_text (GTK_LABEL (p->sheet_label), "");
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (p->messages)),
                            "", -1);
  atl_train_sheet_set (ATL_TRAIN_SHEET (p->sheet), NULL, NULL, 0);
  atl_train_sheet_set_placeholder (ATL_TRAIN_SHEET (p->sheet), placeholder);
  atl_train_plot_set_view (ATL_TRAIN_PLOT (p->plot), kind, view);
  fill_panels (p);
  atl_train_progress_update (p);
}

void
atl_train_progress_end (AtlTrainProgress *p)
{
  p->view = NULL;
  atl_train_plot_set_view (ATL_TRAIN_PLOT (p->plot), p->kind, NULL);
}
