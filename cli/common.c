/* What the sub-commands share; see common.h. */

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib-unix.h>

#include "common.h"
#include "files/file-util.h"
#include "models/library.h"

#define PROGRESS_AFTER (1.0 * G_USEC_PER_SEC)
#define PROGRESS_EVERY (0.1 * G_USEC_PER_SEC)

/* --- Command line --- */

gboolean
cli_usage_error (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
  return FALSE;
}

static void G_GNUC_NORETURN
print_help_and_exit (GOptionContext *context)
{
  g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);

  g_print ("%s", text);
  exit (0);
}

gboolean
cli_parse (int *argc, char ***argv, const GOptionEntry *entries,
           const char *arguments, const char *description, int min_args,
           int max_args, GError **error)
{
  GOptionContext *context = g_option_context_new (arguments);
  gboolean parsed, help = FALSE;
  const GOptionEntry help_entries[]
      = { { "help", 'h', 0, G_OPTION_ARG_NONE, &help, N_ ("show this"), NULL },
          { NULL } };
  int n_args;

  /* GLib's own help has a heading and takes three lines. */
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, help_entries, GETTEXT_PACKAGE);
  g_option_context_set_description (context, description);
  parsed = g_option_context_parse (context, argc, argv, error);
  if (parsed && help)
    print_help_and_exit (context);
  g_option_context_free (context);
  if (!parsed)
    {
      /* Bad UTF-8 and the like: the command line is wrong all the same. */
      if (error && *error)
        (*error)->domain = G_OPTION_ERROR;
      return FALSE;
    }
  /* A lone "--" before the arguments stays in argv. */
  if (*argc > 1 && strcmp ((*argv)[1], "--") == 0)
    {
      (*argc)--;
      memmove (*argv + 1, *argv + 2, *argc * sizeof **argv);
    }
  n_args = *argc - 1;
  if (n_args < min_args)
    return cli_usage_error (error, _ ("an argument is missing; expected: %s"),
                            arguments);
  if (max_args >= 0 && n_args > max_args)
    return cli_usage_error (error, _ ("\"%s\" is one argument too many"),
                            (*argv)[max_args + 1]);
  return TRUE;
}

gboolean
cli_require_option (const char *value, const char *option, GError **error)
{
  if (value && *value)
    return TRUE;
  return cli_usage_error (error, _ ("%s is missing"), option);
}

gboolean
cli_check_range (double value, double low, double high, const char *option,
                 GError **error)
{
  if (value >= low && value <= high)
    return TRUE;
  return cli_usage_error (error, _ ("%s is %g; give a number from %g to %g"),
                          option, value, low, high);
}

gboolean
cli_parse_size (const char *text, int *width, int *height, GError **error)
{
  char *end;
  guint64 w = g_ascii_strtoull (text, &end, 10), h = w;

  if (end != text && *end == 'x' && g_ascii_isdigit (end[1]))
    h = g_ascii_strtoull (end + 1, &end, 10);
  if (end == text || *end || w < 1 || h < 1 || w > 1 << 20 || h > 1 << 20
      || !g_ascii_isdigit (*text))
    return cli_usage_error (
        error, _ ("\"%s\" is no size; give WIDTHxHEIGHT, say 512x512"), text);
  *width = w;
  *height = h;
  return TRUE;
}

gboolean
cli_parse_statistics (const char *text, int *statistics, GError **error)
{
  if (!text)
    return TRUE;
  if (!g_str_equal (text, "image") && !g_str_equal (text, "running"))
    return cli_usage_error (
        error, _ ("--statistics is \"%s\"; give image or running"), text);
  *statistics = g_str_equal (text, "image");
  return TRUE;
}

gboolean
cli_parse_config (const char *arch, char **settings, AtlConfig *config,
                  GError **error)
{
  if (!atl_config_init (config, arch, error))
    return FALSE;
  for (char **setting = settings; setting && *setting; setting++)
    if (!atl_config_set (config, *setting, error))
      return FALSE;
  return atl_config_check (config, error);
}

/* --- Files --- */

AtlModel *
cli_open_model (const char *name, const char *kind, GError **error)
{
  g_autofree char *path = atl_library_find (name, error);
  g_autoptr (AtlModel) model = NULL;

  if (!path)
    return NULL;
  model = atl_model_open (path, error);
  if (!model || (kind && !atl_model_require (model, kind, error)))
    return NULL;
  return g_steal_pointer (&model);
}

static gboolean
same_file (const char *a, const char *b)
{
  struct stat a_stat, b_stat;

  return stat (a, &a_stat) == 0 && stat (b, &b_stat) == 0
         && a_stat.st_dev == b_stat.st_dev && a_stat.st_ino == b_stat.st_ino;
}

gboolean
cli_check_output (const char *path, char *const *inputs, GError **error)
{
  atl_library_make_place (path);
  if (!atl_file_check_output (path, error))
    return FALSE;
  for (char *const *input = inputs; input && *input; input++)
    if (same_file (path, *input))
      {
        g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                     _ ("%s is an input and would be overwritten; give another "
                        "output with -o"),
                     path);
        return FALSE;
      }
  return TRUE;
}

/* --- Signals --- */

static int signal_pipe[2];
static gint signals_cancel; /* atomic */
static GCancellable *cancellable;

static void
write_out (int fd, const char *text)
{
  gsize length = strlen (text);

  while (length > 0)
    {
      gssize n = write (fd, text, length);

      if (n < 0 && errno != EINTR)
        return;
      if (n > 0)
        {
          text += n;
          length -= n;
        }
    }
}

static void
on_signal (int number)
{
  int saved = errno;
  char byte = number;

  if (write (signal_pipe[1], &byte, 1) < 0)
    _exit (CLI_STATUS_STOPPED);
  errno = saved;
}

/* A handler may not take locks, so a thread does what is to be done. */
static gpointer
watch_signals (gpointer data)
{
  char byte;

  while (read (signal_pipe[0], &byte, 1) != 1)
    if (errno != EINTR)
      return NULL;
  if (g_atomic_int_get (&signals_cancel))
    {
      g_cancellable_cancel (cancellable);
      return NULL;
    }
  cli_print_error (_ ("stopped"));
  atl_file_remove_temporaries ();
  _exit (CLI_STATUS_STOPPED);
}

void
cli_catch_signals (void)
{
  /* The second signal does what signals do: it kills. */
  struct sigaction action
      = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART };

  cancellable = g_cancellable_new ();
  if (!g_unix_open_pipe (signal_pipe, O_CLOEXEC, NULL))
    return;
  g_thread_unref (g_thread_new ("signals", watch_signals, NULL));
  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
}

void
cli_signals_cancel (gboolean cancel)
{
  g_atomic_int_set (&signals_cancel, cancel);
}

/* --- Progress --- */

static struct
{
  AtlProgress progress;
  char *label, *text;
  gint64 start, shown; /* g_get_monotonic_time; shown 0: no line there */
} state;

static void
show_progress (gpointer data, double fraction, const char *text)
{
  gint64 now = g_get_monotonic_time ();
  double elapsed = (now - state.start) / (double)G_USEC_PER_SEC;

  if (text && g_strcmp0 (text, state.text) != 0)
    {
      g_free (state.text);
      state.text = g_strdup (text);
    }
  if (now - state.start < PROGRESS_AFTER || now - state.shown < PROGRESS_EVERY)
    return;
  state.shown = now;
  fprintf (stderr, "\r\033[K%s%s%s %3.0f %%", state.label, state.text ? ": " : "",
           state.text ? state.text : "", 100 * fraction);
  if (fraction > 0.01)
    {
      int left = lrint (elapsed * (1 / fraction - 1));

      fprintf (stderr, _ (", %d:%02d left"), left / 60, left % 60);
    }
  fflush (stderr);
}

const AtlProgress *
cli_progress (const char *label)
{
  cli_progress_clear ();
  g_free (state.label);
  state.label = g_strdup (label);
  g_clear_pointer (&state.text, g_free);
  state.start = g_get_monotonic_time ();
  state.progress.update = isatty (STDERR_FILENO) ? show_progress : NULL;
  state.progress.cancellable = cancellable;
  return &state.progress;
}

void
cli_progress_clear (void)
{
  if (state.shown)
    write_out (STDERR_FILENO, "\r\033[K");
  state.shown = 0;
}

/* --- Output --- */

void
cli_print_error (const char *message)
{
  g_autofree char *line = g_strdup (message);

  g_strstrip (line);
  g_strdelimit (line, "\n\r", ' ');
  cli_progress_clear ();
  g_printerr ("atelier: %s\n", line);
}

void
cli_print_json (JsonNode *node)
{
  g_autofree char *text = json_to_string (node, TRUE);

  json_node_unref (node);
  g_print ("%s\n", text);
}

void
cli_json_add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value ? value : "");
}

void
cli_json_add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

void
cli_json_add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (isfinite (value))
    json_builder_add_double_value (builder, value);
  else
    json_builder_add_null_value (builder);
}
