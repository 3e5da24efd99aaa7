/* The options that translate, roundtrip and evaluate have in common. */

#pragma once

#include <glib/gi18n-lib.h>

#include "apply/apply.h"

typedef struct
{
  char *statistics;
  gint64 seed;
  int memory; /* MiB */
  int threads;
} CliApply;

#define CLI_APPLY_DEFAULTS { NULL, 0, 0, 0 }

/* To stand in an array of GOptionEntry. */
#define CLI_APPLY_ENTRIES(apply)                                                   \
  { "statistics",                                                                  \
    0,                                                                             \
    0,                                                                             \
    G_OPTION_ARG_STRING,                                                           \
    &(apply).statistics,                                                           \
    N_ ("norms go by: image or running (default: model's)"),        \
    N_ ("WHICH") },                                                                \
      { "seed",                                                                    \
        0,                                                                         \
        0,                                                                         \
        G_OPTION_ARG_INT64,                                                        \
        &(apply).seed,                                                             \
        N_ ("of the dropout, where the model uses it"),                            \
        N_ ("N") },                                                                \
      { "memory",                                                                  \
        0,                                                                         \
        0,                                                                         \
        G_OPTION_ARG_INT,                                                          \
        &(apply).memory,                                                           \
        N_ ("budget; large pictures go in tiles (default 1024)"),   \
        N_ ("MIB") },                                                              \
  {                                                                                \
    "threads", 0, 0, G_OPTION_ARG_INT, &(apply).threads,                           \
        N_ ("processors to use (default: all)"), N_ ("N")                          \
  }

/* FALSE with a G_OPTION_ERROR. */
gboolean cli_apply_options (const CliApply *apply, AtlApplyOptions *options,
                            GError **error);
void cli_apply_clear (CliApply *apply);
