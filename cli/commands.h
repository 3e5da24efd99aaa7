/* The sub-commands of `atelier`; main.c has the table.
 *
 * Each takes its own part of the command line (argv[0] is its name) and
 * returns FALSE with an error that main prints as one line: exit status 2 for
 * a wrong command line (G_OPTION_ERROR), 130 when stopped, 1 for all else.
 * FALSE without an error: all has been said already, status 1.
 */

#pragma once

#include <glib.h>

typedef struct
{
  const char *name;
  const char *summary;
  gboolean (*run) (int argc, char **argv, GError **error);
} CliCommand;

gboolean command_create (int argc, char **argv, GError **error);
gboolean command_info (int argc, char **argv, GError **error);
gboolean command_import (int argc, char **argv, GError **error);
gboolean command_export (int argc, char **argv, GError **error);
gboolean command_translate (int argc, char **argv, GError **error);
gboolean command_roundtrip (int argc, char **argv, GError **error);
gboolean command_compress (int argc, char **argv, GError **error);
gboolean command_decompress (int argc, char **argv, GError **error);
gboolean command_prime (int argc, char **argv, GError **error);
gboolean command_bench (int argc, char **argv, GError **error);
/* What `atelier bench --train` is. */
gboolean command_bench_train (int argc, char **argv, GError **error);
gboolean command_models (int argc, char **argv, GError **error);
gboolean command_pairs (int argc, char **argv, GError **error);
gboolean command_train (int argc, char **argv, GError **error);
gboolean command_evaluate (int argc, char **argv, GError **error);
