/* The command `atelier`: finds the sub-command and runs it. */

#include <locale.h>
#include <string.h>

#include <gio/gio.h>
#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"

static const CliCommand commands[] = {
  { "translate", N_ ("send pictures through a Pix2Pix model"), command_translate },
  { "compress", N_ ("make a .vqi file of a picture, with a VQ-VAE"),
    command_compress },
  { "decompress", N_ ("make a picture of a .vqi file"), command_decompress },
  { "roundtrip", N_ ("send a picture through a VQ-VAE and measure the loss"),
    command_roundtrip },
  { "models", N_ ("list the models that can be found"), command_models },
  { "info", N_ ("say what a model or a .vqi file is"), command_info },
  { "create", N_ ("make an untrained model"), command_create },
  { "import", N_ ("make a model of a PyTorch checkpoint"), command_import },
  { "export", N_ ("write a model as ONNX"), command_export },
  { "pairs", N_ ("say what a folder of training pictures holds, and why not"),
    command_pairs },
  { "train", N_ ("make a model from a folder of pictures"), command_train },
  { "prime", N_ ("teach a VQ-VAE to make smaller .vqi files"), command_prime },
  { "evaluate", N_ ("measure a model over a folder of pictures"),
    command_evaluate },
  { "bench", N_ ("measure how fast a model runs"), command_bench },
};

enum
{
  STATUS_FAILED = 1,
  STATUS_USAGE = 2
};

static void
print_help (void)
{
  g_print ("%s\n  atelier %s\n\n", _ ("Usage:"), _ ("COMMAND [OPTION...]"));
  g_print ("%s\n\n%s\n", _ ("Learned filters for pictures."), _ ("Commands:"));
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  %-10s %s\n", commands[i].name, _ (commands[i].summary));
  g_print ("\n%s\n", _ ("\"atelier COMMAND --help\" tells a command's options."));
}

static const CliCommand *
find_command (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (name, commands[i].name) == 0)
      return &commands[i];
  return NULL;
}

static int
run_command (const CliCommand *command, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strconcat ("atelier ", command->name, NULL);
  gboolean done;

  g_set_prgname (name); /* in the usage line of --help */
  done = command->run (argc, argv, &error);
  cli_progress_clear ();
  if (done)
    return 0;
  if (!error)
    return STATUS_FAILED;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      cli_print_error (_ ("stopped"));
      return CLI_STATUS_STOPPED;
    }
  cli_print_error (error->message);
  if (error->domain != G_OPTION_ERROR)
    return STATUS_FAILED;
  g_printerr (_ ("Try \"%s --help\".\n"), name);
  return STATUS_USAGE;
}

int
main (int argc, char **argv)
{
  const CliCommand *command;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, ATELIER_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");

  if (argc < 2)
    {
      print_help ();
      return STATUS_USAGE;
    }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0
      || strcmp (argv[1], "help") == 0)
    {
      print_help ();
      return 0;
    }
  if (strcmp (argv[1], "--version") == 0)
    {
      g_print ("atelier %s\n", ATELIER_VERSION);
      return 0;
    }
  command = find_command (argv[1]);
  if (!command)
    {
      g_autofree char *message
          = g_strdup_printf (_ ("there is no command \"%s\""), argv[1]);
      cli_print_error (message);
      g_printerr (_ ("Try \"%s --help\".\n"), "atelier");
      return STATUS_USAGE;
    }
  cli_catch_signals ();
  return run_command (command, argc - 1, argv + 1);
}
