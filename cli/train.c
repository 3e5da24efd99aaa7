/* atelier train: a model from a folder of pictures. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"
#include "models/library.h"
#include "processes.h"
#include "train/forecast.h"
#include "train/trainer.h"

#define FORECAST_SECONDS 3

typedef struct
{
  char *output, *preset, *arch, *direction, *corrupt, *report, *seed;
  char **settings;
  gint64 steps;
  int size, batch, threads;
  gboolean resume, forecast, list;
} Options;

typedef struct
{
  const AtlProgress *progress;
  gint64 first_step;
  gboolean begun;
} Watch;

/* "L1 0.0312, G 1.2, ..." */
static char *
describe_step (const AtlTrainEvent *event)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, _ ("step %" PRId64 " of %" PRId64), event->step,
                   event->steps);
  for (int i = 0; i < event->n_figures; i++)
    g_string_append_printf (text, ", %s %.4g", event->names[i], event->figures[i]);
  return g_string_free (text, FALSE);
}

static char *
describe_time (double seconds)
{
  gint64 left = llrint (MAX (seconds, 0));

  if (left >= 3600)
    return g_strdup_printf ("%" G_GINT64_FORMAT ":%02d:%02d", left / 3600,
                            (int)(left / 60 % 60), (int)(left % 60));
  return g_strdup_printf ("%d:%02d", (int)(left / 60), (int)(left % 60));
}

static void
show_step (Watch *watch, const AtlTrainEvent *event)
{
  if (!watch->begun)
    watch->first_step = event->step - 1;
  watch->begun = TRUE;
  if (watch->progress->update)
    {
      g_autofree char *text = describe_step (event);

      watch->progress->update (watch->progress->data,
                               (double)(event->step - watch->first_step)
                                   / (event->steps - watch->first_step),
                               text);
    }
}

static void
show_measurement (const AtlTrainEvent *event)
{
  const AtlMeasurement *m = event->measurement;
  g_autofree char *left = describe_time (event->seconds_left);

  cli_progress_clear ();
  g_print (_ ("step %" PRId64 " of %" PRId64
              ": L1 %.4f, PSNR %.2f dB, SSIM %.4f, MS-SSIM %.4f%s, %s left\n"),
           event->step, event->steps, m->l1, m->psnr, m->ssim, m->ms_ssim,
           event->best ? _ (" (best so far)") : "", left);
}

static void
show_event (gpointer data, const AtlTrainEvent *event)
{
  switch (event->kind)
    {
    case ATL_EVENT_STEP:
      show_step (data, event);
      break;
    case ATL_EVENT_MEASURED:
      show_measurement (event);
      break;
    case ATL_EVENT_MESSAGE:
      cli_progress_clear ();
      g_print ("%s\n", event->text);
      break;
    case ATL_EVENT_WARNING:
      cli_print_error (event->text);
      break;
    case ATL_EVENT_STARTED:
      if (event->step > 0)
        g_print (_ ("Going on after step %" PRId64 ".\n"), event->step);
      break;
    default:
      break;
    }
}

static gboolean
parse_kind (const char *name, AtlTrainKind *kind, GError **error)
{
  *kind = strcmp (name, "vqvae") == 0 ? ATL_TRAIN_VQVAE : ATL_TRAIN_PIX2PIX;
  if (strcmp (name, atl_train_kind_name (*kind)) == 0)
    return TRUE;
  return cli_usage_error (error, _ ("'%s' can't be trained; pix2pix or vqvae can"),
                          name);
}

static gboolean
parse_seed (const char *text, gint64 *seed, GError **error)
{
  if (!text
      || g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, seed, NULL))
    return TRUE;
  return cli_usage_error (error, _ ("--seed must be a whole number"));
}

static gboolean
parse_direction (const char *text, gboolean *b_to_a, GError **error)
{
  *b_to_a = text && g_ascii_strcasecmp (text, "BtoA") == 0;
  if (!text || *b_to_a || g_ascii_strcasecmp (text, "AtoB") == 0)
    return TRUE;
  return cli_usage_error (error, _ ("--direction is AtoB or BtoA"));
}

static AtlTrainSettings *
make_settings (AtlTrainKind kind, const char *folder, const Options *o,
               GError **error)
{
  g_autoptr (AtlTrainSettings) s
      = atl_train_settings_new (kind, o->preset, o->arch, error);

  if (!s)
    return NULL;
  for (char **set = o->settings; set && *set; set++)
    if (!atl_train_settings_set (s, *set, error))
      return NULL;
  if (!parse_seed (o->seed, &s->seed, error)
      || !parse_direction (o->direction, &s->b_to_a, error))
    return NULL;
  s->folder = g_strdup (folder);
  s->output = g_strdup (o->output);
  s->report = g_strdup (o->report);
  s->corrupt = g_strdup (o->corrupt);
  s->resume = o->resume;
  s->threads = o->threads;
  if (o->steps > 0)
    s->steps = o->steps;
  if (o->size > 0)
    s->size = o->size;
  if (o->batch > 0)
    s->batch = o->batch;
  return g_steal_pointer (&s);
}

static void
show_result (const AtlTrainer *trainer, const AtlTrainResult *r, const char *output)
{
  g_autofree char *time = describe_time (r->seconds);

  cli_progress_clear ();
  g_print (_ ("%s: step %" PRId64), output, r->best_step ? r->best_step : r->step);
  if (r->best.n > 0)
    g_print (_ (", L1 %.4f, PSNR %.2f dB, SSIM %.4f, MS-SSIM %.4f on %d %s"),
             r->best.l1, r->best.psnr, r->best.ssim, r->best.ms_ssim, r->best.n,
             r->held_out ? _ ("held-out pictures") : _ ("training pictures"));
  g_print (_ ("\n%s of training, %.2f %% of it waiting for pictures; report in "
              "%s\n"),
           time, r->seconds > 0 ? 100 * r->waited_seconds / r->seconds : 0,
           atl_trainer_get_report_folder (trainer));
}

static void
stop_trainer (GCancellable *cancellable, gpointer trainer)
{
  atl_trainer_stop (trainer);
}

static gboolean
run_trainer (AtlTrainer *trainer, Watch *watch, const char *output, gboolean speaks,
             GError **error)
{
  AtlTrainResult result;
  GCancellable *cancellable = watch->progress->cancellable;
  gulong handler;
  gboolean ok;

  cli_signals_cancel (TRUE);
  handler = g_cancellable_connect (cancellable, G_CALLBACK (stop_trainer), trainer,
                                   NULL);
  ok = atl_trainer_run (trainer, &result, error);
  g_cancellable_disconnect (cancellable, handler);
  cli_signals_cancel (FALSE);
  if (!ok || !speaks)
    return ok;
  if (result.finished)
    show_result (trainer, &result, output);
  else
    {
      cli_progress_clear ();
      g_print (_ ("Stopped after step %" PRId64
                  ". All of it is in %s: the same command with --resume goes on. "
                  "%s is usable as it is.\n"),
               result.step, atl_trainer_get_checkpoint_path (trainer), output);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
      return FALSE;
    }
  return TRUE;
}

static gboolean
tell_forecast (AtlTrainSettings *settings, GError **error)
{
  g_autofree char *time = NULL;
  AtlForecast forecast;

  if (!atl_train_settings_check (settings, error)
      || !atl_forecast (settings, FORECAST_SECONDS,
                        cli_progress ("train")->cancellable, &forecast, error))
    return FALSE;
  time = describe_time (forecast.seconds * (double)settings->steps);
  g_print (_ ("%s for %" PRId64 " steps of %.1f ms, and about %.2f GB of "
              "memory, on this machine as busy as it is now\n"),
           time, settings->steps, forecast.seconds * 1e3,
           (double)forecast.bytes / 1e9);
  return TRUE;
}

static gboolean
forecast (const char *kind_name, const char *folder, const Options *o,
          GError **error)
{
  AtlTrainKind kind;
  g_autoptr (AtlTrainSettings) settings
      = parse_kind (kind_name, &kind, error)
            ? make_settings (kind, folder, o, error)
            : NULL;

  return settings && tell_forecast (settings, error);
}

static void
print_setting (gpointer data, const char *key, const char *value,
               const char *allowed)
{
  g_autofree char *setting = g_strdup_printf ("%s=%s", key, value);

  g_print ("  %-23s %s\n", setting, allowed);
}

/* Everything that --set can change, as it is with the other options. */
static gboolean
list_settings (const char *kind_name, const Options *o, GError **error)
{
  g_autoptr (AtlTrainSettings) settings = NULL;
  AtlTrainKind kind;

  if (parse_kind (kind_name, &kind, error))
    settings = make_settings (kind, NULL, o, error);
  if (!settings)
    return FALSE;
  g_print (_ ("--arch %s, and to change with --set:\n"),
           atl_config_arch_name (&settings->network));
  atl_train_settings_each (settings, print_setting, NULL);
  return TRUE;
}

static gboolean
train (const char *kind_name, const char *folder, const Options *o, GError **error)
{
  const AtlCollective *collective;
  gboolean speaks;
  Watch watch = { cli_progress ("train"), 0, FALSE };
  AtlTrainSettings *settings = NULL;
  AtlTrainer *trainer = NULL;
  AtlTrainKind kind;
  gboolean ok, failed;

  if (!cli_mpi_join (&collective, error))
    return FALSE;
  speaks = atl_collective_rank (collective) == 0;
  if (parse_kind (kind_name, &kind, error))
    settings = make_settings (kind, folder, o, error);
  if (settings)
    {
      atl_library_make_place (settings->output);
      trainer = atl_trainer_new (settings, speaks ? show_event : NULL, &watch,
                                 collective, error);
    }
  ok = trainer && run_trainer (trainer, &watch, o->output, speaks, error);
  failed = !ok && !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  if (failed && collective)
    cli_print_error ((*error)->message);
  atl_trainer_free (trainer);
  cli_mpi_leave (failed, 1);
  return ok;
}

static gboolean
require_folder (int argc, GError **error)
{
  return argc > 2
         || cli_usage_error (error,
                             _ ("the folder of training pictures is missing"));
}

static const char description[]
    = N_ ("DIR holds pairs, as \"atelier pairs --help\" says; for vqvae, and with "
          "--corrupt,\nany pictures.  Ctrl-C keeps what was learnt, beside MODEL; "
          "--resume goes on.");

gboolean
command_train (int argc, char **argv, GError **error)
{
  Options o = { 0 };
  const GOptionEntry entries[]
      = { { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output,
            N_ ("the model file"), N_ ("MODEL") },
          { "preset", 0, 0, G_OPTION_ARG_STRING, &o.preset,
            N_ ("quick, standard (default) or full"), N_ ("NAME") },
          { "arch", 0, 0, G_OPTION_ARG_STRING, &o.arch,
            N_ ("the network, if not the preset's"), N_ ("ARCH") },
          { "steps", 0, 0, G_OPTION_ARG_INT64, &o.steps, N_ ("how long to train"),
            N_ ("N") },
          { "size", 0, 0, G_OPTION_ARG_INT, &o.size, N_ ("side of a patch, pixels"),
            N_ ("N") },
          { "batch", 0, 0, G_OPTION_ARG_INT, &o.batch, N_ ("patches a step"),
            N_ ("N") },
          { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.settings,
            N_ ("any other setting; --settings lists them"), N_ ("KEY=VALUE") },
          { "direction", 0, 0, G_OPTION_ARG_STRING, &o.direction,
            N_ ("AtoB (default) or BtoA"), N_ ("WAY") },
          { "corrupt", 0, 0, G_OPTION_ARG_STRING, &o.corrupt,
            N_ ("damages clean pictures: noise, jpeg:10-50, ..."), N_ ("DAMAGE") },
          { "seed", 0, 0, G_OPTION_ARG_STRING, &o.seed,
            N_ ("the same seed gives the same model"), N_ ("N") },
          { "threads", 0, 0, G_OPTION_ARG_INT, &o.threads,
            N_ ("processors to use (default: all)"), N_ ("N") },
          { "resume", 0, 0, G_OPTION_ARG_NONE, &o.resume,
            N_ ("go on where the checkpoint ended"), NULL },
          { "forecast", 0, 0, G_OPTION_ARG_NONE, &o.forecast,
            N_ ("only try some steps, and say what it will take"), NULL },
          { "settings", 0, 0, G_OPTION_ARG_NONE, &o.list,
            N_ ("only list what --set can change (without DIR)"), NULL },
          { "report", 0, 0, G_OPTION_ARG_FILENAME, &o.report,
            N_ ("folder for the report (default: beside the model)"), N_ ("DIR") },
          { NULL } };
  gboolean done;

  done = cli_parse (&argc, &argv, entries, "pix2pix|vqvae DIR -o MODEL",
                    _ (description), 1, 2, error)
         && (o.list || require_folder (argc, error))
         && (o.list || cli_require_option (o.output, "-o", error))
         && cli_check_range (o.steps, 0, 1e12, "--steps", error)
         && cli_check_range (o.size, 0, 4096, "--size", error)
         && cli_check_range (o.batch, 0, 4096, "--batch", error)
         && cli_check_range (o.threads, 0, CLI_MAX_THREADS, "--threads", error)
         && (o.list       ? list_settings (argv[1], &o, error)
             : o.forecast ? forecast (argv[1], argv[2], &o, error)
                          : train (argv[1], argv[2], &o, error));
  g_free (o.output);
  g_free (o.preset);
  g_free (o.arch);
  g_free (o.direction);
  g_free (o.corrupt);
  g_free (o.report);
  g_free (o.seed);
  g_strfreev (o.settings);
  return done;
}
