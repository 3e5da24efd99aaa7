/* What a training run has gone through: a table of figures over its steps. */

#pragma once

#include "train/checkpoint.h"

G_BEGIN_DECLS

typedef struct _AtlHistory AtlHistory;

/* columns: names after the first one, which is "step"; at most 32, copied. */
AtlHistory *atl_history_new (const char *const *columns, int n_columns);
void atl_history_free (AtlHistory *history);

/* Adds to the averages of the row under way; NaN where there is nothing. */
void atl_history_note (AtlHistory *history, const double *values);
/* Ends that row. */
void atl_history_add_row (AtlHistory *history, guint64 step);

int atl_history_get_n_columns (const AtlHistory *history);
const char *atl_history_get_column (const AtlHistory *history, int column);
int atl_history_get_n_rows (const AtlHistory *history);
/* The row's step, then its values. */
const double *atl_history_get_row (const AtlHistory *history, int row);

/* Comma-separated, with a line of names; empty where there is nothing. */
gboolean atl_history_write (const AtlHistory *history, const char *path,
                            GError **error);
void atl_history_save (AtlHistory *history, AtlCheckpoint *checkpoint);
gboolean atl_history_load (AtlHistory *history, const AtlCheckpoint *checkpoint,
                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlHistory, atl_history_free)

G_END_DECLS
