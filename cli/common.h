/* What the sub-commands share: options, outputs, progress, Ctrl-C, JSON. */

#pragma once

#include <json-glib/json-glib.h>

#include "base/progress.h"
#include "models/model.h"

/* Parses `entries` out of the command line and leaves argv[0] and the
 * arguments, of which there must be min_args to max_args (-1: any number).
 * arguments: what --help shows for them ("-o OUT IN...");
 * description: what --help says below the options, or NULL.
 * FALSE with a G_OPTION_ERROR. */
gboolean cli_parse (int *argc, char ***argv, const GOptionEntry *entries,
                    const char *arguments, const char *description, int min_args,
                    int max_args, GError **error);
/* Sets a G_OPTION_ERROR and returns FALSE. */
gboolean cli_usage_error (GError **error, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
/* FALSE with a G_OPTION_ERROR, "-o is missing", unless value is set. */
gboolean cli_require_option (const char *value, const char *option, GError **error);
/* FALSE with a G_OPTION_ERROR unless low <= value <= high. */
gboolean cli_check_range (double value, double low, double high, const char *option,
                          GError **error);
/* "1024x768" or "256"; FALSE with a G_OPTION_ERROR. */
gboolean cli_parse_size (const char *text, int *width, int *height, GError **error);

/* "image" or "running" to 1 or 0; NULL leaves *statistics as it is.  FALSE
 * with a G_OPTION_ERROR. */
gboolean cli_parse_statistics (const char *text, int *statistics, GError **error);

#define CLI_MAX_THREADS 1024

/* The configuration of --arch and every --set. */
gboolean cli_parse_config (const char *arch, char **settings, AtlConfig *config,
                           GError **error);

/* Opens a model given by path or by its name in the library.  kind: what it
 * must be ("pix2pix", "vqvae"), or NULL. */
AtlModel *cli_open_model (const char *name, const char *kind, GError **error);

/* Whether `path` can be written and is none of the inputs (a NULL-terminated
 * list, or NULL); before any work starts. */
gboolean cli_check_output (const char *path, char *const *inputs, GError **error);

/* SIGINT and SIGTERM: half-written files are removed and the process ends at
 * once, with CLI_STATUS_STOPPED.  A second signal kills. */
#define CLI_STATUS_STOPPED 130 /* as shells report SIGINT */
void cli_catch_signals (void);
/* From now on the first signal triggers the cancellable of cli_progress
 * instead, for work that has something to save (or, with FALSE, as before). */
void cli_signals_cancel (gboolean cancel);

/* Progress of what follows: a line on a terminal, from the first second on,
 * beginning with `label`. */
const AtlProgress *cli_progress (const char *label);
/* Takes the line away again. */
void cli_progress_clear (void);

/* "atelier: MESSAGE", one line, on stderr. */
void cli_print_error (const char *message);
/* The node as pretty-printed JSON on stdout; frees it. */
void cli_print_json (JsonNode *node);
/* NULL becomes an empty string. */
void cli_json_add_string (JsonBuilder *builder, const char *name, const char *value);
void cli_json_add_int (JsonBuilder *builder, const char *name, gint64 value);
/* A non-finite number (PSNR of equal pictures) becomes null. */
void cli_json_add_number (JsonBuilder *builder, const char *name, double value);
