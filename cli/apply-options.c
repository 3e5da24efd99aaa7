/* The options that translate, roundtrip and evaluate have in common. */

#include "apply-options.h"
#include "common.h"

gboolean
cli_apply_options (const CliApply *apply, AtlApplyOptions *options, GError **error)
{
  *options = (AtlApplyOptions)ATL_APPLY_DEFAULTS;
  options->seed = apply->seed;
  options->memory = (gsize)MAX (apply->memory, 0) << 20;
  return cli_parse_statistics (apply->statistics, &options->statistics, error)
         && (apply->memory == 0
             || cli_check_range (apply->memory, 1, 1 << 24, "--memory", error))
         && cli_check_range (apply->threads, 0, CLI_MAX_THREADS, "--threads",
                             error);
}

void
cli_apply_clear (CliApply *apply)
{
  g_clear_pointer (&apply->statistics, g_free);
}
