/* The Train a Style window: set up, then watch.  The training works in a thread
 * of its own (train/job.h); everything here is the main loop's. */

#include <string.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"
#include "latency.h"
#include "thread-call.h"
#include "train-private.h"
#include "train/pace.h"

#define QUICK_CHECKPOINT 60 /* seconds; a short training loses no minutes */
#define STEPS_TO_NOTE 200   /* at least, for a pace worth remembering */

enum
{
  RESPONSE_START = 1,
  RESPONSE_RESET,
  RESPONSE_PAUSE,
  RESPONSE_STOP,
  RESPONSE_REPORT,
  RESPONSE_AGAIN
};

typedef struct
{
  GimpProcedureConfig *config;
  AtlMakeSettings make_settings;
  GMainLoop *loop;
  GtkWidget *dialog, *stack, *unfinished, *first_page;
  AtlTrainSetup *setup;
  AtlTrainProgress *progress;

  AtlTrainJob *job;
  AtlTrainSettings *settings; /* a copy of the job's, for its pace */
  GtkWidget *question;        /* whether to stop, while it is asked */
  gboolean has_trained;
  gboolean closing; /* once the job has ended */
} Window;

static AtlJobState
get_state (const Window *w)
{
  return w->job ? atl_train_job_get_view (w->job)->state : ATL_JOB_ENDED;
}

/* --- Buttons --- */

static void
set_button (Window *w, int response, gboolean visible, gboolean sensitive)
{
  GtkWidget *button
      = gtk_dialog_get_widget_for_response (GTK_DIALOG (w->dialog), response);

  gtk_widget_set_visible (button, visible);
  gtk_widget_set_sensitive (button, sensitive);
}

static void
show_buttons (Window *w)
{
  AtlJobState state = get_state (w);
  gboolean running = w->job && state != ATL_JOB_ENDED;
  gboolean can_stop = running && state != ATL_JOB_STOPPING;
  GtkWidget *pause
      = gtk_dialog_get_widget_for_response (GTK_DIALOG (w->dialog), RESPONSE_PAUSE);

  gtk_button_set_label (GTK_BUTTON (pause),
                        state == ATL_JOB_PAUSED ? _ ("_Resume") : _ ("_Pause"));
  set_button (w, RESPONSE_RESET, !w->job, TRUE);
  set_button (w, RESPONSE_START, !w->job, atl_train_setup_is_ready (w->setup));
  set_button (w, RESPONSE_PAUSE, running,
              state == ATL_JOB_RUNNING || state == ATL_JOB_PAUSED);
  set_button (w, RESPONSE_STOP, running, can_stop);
  set_button (w, RESPONSE_REPORT, w->job && !running,
              w->job && !atl_train_job_get_view (w->job)->error);
  set_button (w, RESPONSE_AGAIN, w->job && !running, TRUE);
  set_button (w, GTK_RESPONSE_CLOSE, TRUE, TRUE);
}

static void
setup_changed (gpointer data)
{
  Window *w = data;

  if (w->setup)
    show_buttons (w);
}

/* --- A training --- */

/* What was really taken, for the next forecast. */
static void
note_pace (Window *w, const AtlTrainView *view)
{
  gint64 steps = view->result.step - view->first_step;

  if (!view->error && w->settings && steps >= STEPS_TO_NOTE)
    atl_pace_note (w->settings, view->result.seconds / (double)steps);
}

static void
job_changed (gpointer data)
{
  Window *w = data;
  const AtlTrainView *view = atl_train_job_get_view (w->job);

  atl_train_progress_update (w->progress);
  show_buttons (w);
  if (view->state != ATL_JOB_ENDED)
    return;
  note_pace (w, view);
  if (w->question)
    gtk_dialog_response (GTK_DIALOG (w->question), GTK_RESPONSE_CANCEL);
  if (w->closing)
    g_main_loop_quit (w->loop);
  else
    gtk_window_set_urgency_hint (GTK_WINDOW (w->dialog), TRUE);
}

static AtlTrainSettings *
copy_settings (const AtlTrainSettings *settings)
{
  g_autofree char *text = atl_train_settings_to_text (settings);
  AtlTrainSettings *copy
      = atl_train_settings_from_text (text, settings->preset, NULL);

  if (copy)
    copy->threads = settings->threads;
  return copy;
}

/* Takes the settings. */
static void
start (Window *w, AtlTrainSettings *settings)
{
  g_autofree char *name = g_strdup (settings->name);
  AtlTrainKind kind = settings->kind;
  int measure_steps;
  g_autoptr (GError) error = NULL;

  if (strcmp (settings->preset, "quick") == 0)
    settings->checkpoint_seconds = QUICK_CHECKPOINT;
  if (atl_train_settings_check (settings, NULL))
    w->settings = copy_settings (settings);
  measure_steps = settings->measure_steps;
  w->job = atl_train_job_new (settings, job_changed, w, &error);
  if (!w->job)
    {
      g_clear_pointer (&w->settings, atl_train_settings_free);
      atl_complain (w->dialog, _ ("The training can't start."), error);
      return;
    }
  w->has_trained = TRUE;
  atl_train_setup_suspend (w->setup);
  atl_train_progress_begin (w->progress, kind, name, measure_steps,
                            atl_train_job_get_view (w->job));
  gtk_stack_set_visible_child (GTK_STACK (w->stack),
                               atl_train_progress_get_widget (w->progress));
  show_buttons (w);
}

static void
start_new (Window *w)
{
  g_autoptr (GError) error = NULL;
  AtlTrainSettings *settings;

  g_object_set (w->config, "resume", FALSE, "output", NULL, NULL);
  settings = w->make_settings (w->config, &error);
  if (settings)
    start (w, settings);
  else
    atl_complain (w->dialog, _ ("The training can't start."), error);
}

static void
resume (gpointer data, const AtlUnfinished *unfinished)
{
  Window *w = data;
  g_autoptr (GError) error = NULL;
  AtlTrainSettings *settings = atl_unfinished_settings (unfinished, &error);

  if (!settings)
    {
      atl_complain (w->dialog, _ ("The training can't go on."), error);
      return;
    }
  if (!settings->name)
    settings->name = g_strdup (unfinished->name);
  settings->threads = gimp_get_num_processors ();
  start (w, settings);
}

static void
end_training (Window *w)
{
  atl_train_progress_end (w->progress);
  g_clear_pointer (&w->job, atl_train_job_free);
  g_clear_pointer (&w->settings, atl_train_settings_free);
}

static void
back_to_setup (Window *w)
{
  end_training (w);
  atl_train_unfinished_refresh (w->unfinished);
  atl_train_setup_refresh (w->setup);
  gtk_stack_set_visible_child (GTK_STACK (w->stack), w->first_page);
  show_buttons (w);
}

static void
toggle_pause (Window *w)
{
  atl_train_job_pause (w->job, get_state (w) != ATL_JOB_PAUSED);
}

static void
stop (Window *w)
{
  if (get_state (w) == ATL_JOB_ENDED)
    return;
  atl_train_job_stop (w->job);
  atl_train_progress_update (w->progress);
  show_buttons (w);
}

static void
show_report (Window *w)
{
  g_autofree char *path = g_build_filename (
      atl_train_job_get_report_folder (w->job), "report.html", NULL);
  g_autofree char *shown = atl_display_path (path);
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = g_filename_to_uri (path, NULL, &error);

  if (!uri
      || !gtk_show_uri_on_window (GTK_WINDOW (w->dialog), uri, GDK_CURRENT_TIME,
                                  &error))
    atl_complain (w->dialog, shown, error);
}

/* --- Closing --- */

static void
stop_and_close (Window *w)
{
  if (get_state (w) == ATL_JOB_ENDED)
    {
      g_main_loop_quit (w->loop);
      return;
    }
  w->closing = TRUE;
  stop (w);
}

static void
answered (GtkDialog *dialog, int response, Window *w)
{
  gtk_widget_destroy (GTK_WIDGET (dialog));
  w->question = NULL;
  if (response == GTK_RESPONSE_ACCEPT)
    stop_and_close (w);
}

static void
ask_to_stop (Window *w)
{
  GtkWidget *dialog = gtk_message_dialog_new (
      GTK_WINDOW (w->dialog), GTK_DIALOG_MODAL, GTK_MESSAGE_QUESTION,
      GTK_BUTTONS_NONE, "%s", _ ("Stop the training?"));

  w->question = dialog;
  gtk_message_dialog_format_secondary_text (
      GTK_MESSAGE_DIALOG (dialog), "%s",
      _ ("What was learnt is kept: the best model so far can be used, and the "
         "training can go on another time.  To go on now, keep the window; it may "
         "be minimised."));
  gtk_dialog_add_buttons (GTK_DIALOG (dialog), _ ("_Continue Training"),
                          GTK_RESPONSE_CANCEL, _ ("_Stop and Keep"),
                          GTK_RESPONSE_ACCEPT, NULL);
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_CANCEL);
  g_signal_connect (dialog, "response", G_CALLBACK (answered), w);
  gtk_widget_show (dialog);
}

static void
close_window (Window *w)
{
  AtlJobState state = get_state (w);

  if (w->closing || w->question)
    return;
  if (state == ATL_JOB_ENDED || state == ATL_JOB_STOPPING)
    stop_and_close (w);
  else
    ask_to_stop (w);
}

static void
respond (GtkDialog *dialog, int response, Window *w)
{
  switch (response)
    {
    case RESPONSE_START:
      start_new (w);
      break;
    case RESPONSE_RESET:
      atl_train_setup_reset (w->setup);
      break;
    case RESPONSE_PAUSE:
      toggle_pause (w);
      break;
    case RESPONSE_STOP:
      stop (w);
      break;
    case RESPONSE_REPORT:
      show_report (w);
      break;
    case RESPONSE_AGAIN:
      back_to_setup (w);
      break;
    case GTK_RESPONSE_HELP:
      break;
    case GTK_RESPONSE_CLOSE:
    case GTK_RESPONSE_DELETE_EVENT:
    default:
      close_window (w);
      break;
    }
}

/* GtkDialog would have itself destroyed. */
static gboolean
keep_window (GtkWidget *dialog, GdkEvent *event, gpointer data)
{
  return TRUE;
}

/* --- The window --- */

static void
make_dialog (Window *w, GimpProcedure *procedure)
{
  w->dialog = gimp_dialog_new (
      _ ("Train a Style"), "atelier-train", NULL, 0, gimp_standard_help_func,
      gimp_procedure_get_name (procedure), _ ("R_eset"), RESPONSE_RESET,
      _ ("Show _Report"), RESPONSE_REPORT, _ ("Train _Another"), RESPONSE_AGAIN,
      _ ("_Close"), GTK_RESPONSE_CLOSE, _ ("_Pause"), RESPONSE_PAUSE,
      _ ("_Stop and Keep"), RESPONSE_STOP, _ ("St_art Training"), RESPONSE_START,
      NULL);
  gimp_dialog_set_alternative_button_order (
      GTK_DIALOG (w->dialog), RESPONSE_START, RESPONSE_STOP, RESPONSE_PAUSE,
      GTK_RESPONSE_CLOSE, RESPONSE_AGAIN, RESPONSE_REPORT, RESPONSE_RESET, -1);
  gtk_dialog_set_default_response (GTK_DIALOG (w->dialog), RESPONSE_START);
  /* A training lasts: the window may be minimised meanwhile. */
  gtk_window_set_type_hint (GTK_WINDOW (w->dialog), GDK_WINDOW_TYPE_HINT_NORMAL);
  gtk_window_set_resizable (GTK_WINDOW (w->dialog), TRUE);
  gtk_window_set_default_size (GTK_WINDOW (w->dialog), 940, 600);
  g_signal_connect (w->dialog, "response", G_CALLBACK (respond), w);
  g_signal_connect (w->dialog, "delete-event", G_CALLBACK (keep_window), NULL);
}

static void
fill_dialog (Window *w)
{
  GtkWidget *content = gtk_dialog_get_content_area (GTK_DIALOG (w->dialog));

  w->setup = atl_train_setup_new (w->config, setup_changed, w);
  w->progress = atl_train_progress_new ();
  w->unfinished = atl_train_unfinished_new (resume, w);
  w->first_page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_box_pack_start (GTK_BOX (w->first_page), w->unfinished, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (w->first_page),
                      atl_train_setup_get_widget (w->setup), TRUE, TRUE, 0);
  gtk_widget_show (w->first_page);
  w->stack = gtk_stack_new ();
  gtk_container_set_border_width (GTK_CONTAINER (w->stack), 12);
  gtk_container_add (GTK_CONTAINER (w->stack), w->first_page);
  gtk_container_add (GTK_CONTAINER (w->stack),
                     atl_train_progress_get_widget (w->progress));
  gtk_box_pack_start (GTK_BOX (content), w->stack, TRUE, TRUE, 0);
  gtk_widget_show (w->stack);
  show_buttons (w);
}

gboolean
atl_train_window_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                      AtlMakeSettings make_settings)
{
  Window w = { .config = config, .make_settings = make_settings };

  w.loop = g_main_loop_new (NULL, FALSE);
  make_dialog (&w, procedure);
  fill_dialog (&w);
  atl_latency_watch ();
  gtk_widget_show (w.dialog);
  g_main_loop_run (w.loop);
  gtk_widget_hide (w.dialog);
  if (w.job)
    end_training (&w);
  atl_train_setup_suspend (w.setup);
  gtk_widget_destroy (w.dialog);
  atl_train_progress_free (w.progress);
  atl_train_setup_free (w.setup);
  g_main_loop_unref (w.loop);
  return w.has_trained;
}
