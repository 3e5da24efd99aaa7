/* atelier pairs: the pair doctor.  What a folder holds, what was matched and
 * what was refused, with the reason for each file, before any training. */

#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"
#include "train/pairs.h"

/* So many pairs are decoded unless all are asked for: a look at damage and
 * alignment that takes seconds, whatever the folder's size. */
#define SAMPLE 24

#define DESCRIPTION                                                                \
  N_ ("DIR has two folders of pictures (A and B, input and target, before and "    \
      "after),\neach below train and val or the other way round; or pictures "     \
      "name_a and name_b;\nor pictures that hold A and B side by side.  Partners " \
      "have the same name,\nwhatever extension and case.")

gboolean
command_pairs (int argc, char **argv, GError **error)
{
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  gboolean json = FALSE, thorough = FALSE, quick = FALSE;
  gint64 seed = 0;
  g_autofree char *form = NULL, *suffix_a = NULL, *suffix_b = NULL;
  const GOptionEntry entries[] = {
    { "pictures", 0, 0, G_OPTION_ARG_NONE, &options.pictures,
      N_ ("single pictures instead of pairs"), NULL },
    { "form", 0, 0, G_OPTION_ARG_STRING, &form,
      N_ ("folders, suffixes, side-by-side or pictures (found)"), N_ ("FORM") },
    { "suffix-a", 0, 0, G_OPTION_ARG_STRING, &suffix_a,
      N_ ("what names of A end in, before the extension"), N_ ("TEXT") },
    { "suffix-b", 0, 0, G_OPTION_ARG_STRING, &suffix_b,
      N_ ("what names of B end in"), N_ ("TEXT") },
    { "held-out", 0, 0, G_OPTION_ARG_DOUBLE, &options.held_out,
      N_ ("share held out where DIR has no val, 0 to 0.5 (0.1)"), N_ ("SHARE") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, N_ ("what picks that share (0)"),
      N_ ("N") },
    { "thorough", 0, 0, G_OPTION_ARG_NONE, &thorough,
      N_ ("decode every picture, not just some"), NULL },
    { "quick", 0, 0, G_OPTION_ARG_NONE, &quick, N_ ("read headers only"), NULL },
    { "threads", 0, 0, G_OPTION_ARG_INT, &options.n_threads,
      N_ ("processors to use (default: all)"), N_ ("N") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("print JSON"), NULL },
    { NULL }
  };
  g_autoptr (AtlDataset) dataset = NULL;

  if (!cli_parse (&argc, &argv, entries, "DIR", _ (DESCRIPTION), 1, 1, error)
      || !cli_check_range (options.held_out, 0, 0.5, "--held-out", error)
      || !cli_check_range (options.n_threads, 0, CLI_MAX_THREADS, "--threads",
                           error)
      || (form && !atl_data_form_parse (form, &options.form, error)))
    return FALSE;
  options.suffix_a = suffix_a;
  options.suffix_b = suffix_b;
  options.seed = (guint64)seed;
  options.n_decode = thorough ? -1 : quick ? 0 : SAMPLE;
  dataset = atl_dataset_open (argv[1], &options, cli_progress (_ ("Pairs")), error);
  if (!dataset)
    return FALSE;
  cli_progress_clear ();
  if (json)
    cli_print_json (atl_dataset_to_json (dataset));
  else
    {
      g_autofree char *text = atl_dataset_to_text (dataset, 0);

      g_print ("%s", text);
    }
  return atl_dataset_require (dataset, error);
}
