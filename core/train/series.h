/* Figures over the steps of a run, for a plot: as many points as a screen can
 * show, however long the run is.  When there is no room for another point,
 * every two become one, their mean.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ATL_SERIES_MAX_POINTS 1024

typedef struct _AtlSeries AtlSeries;

/* names: of n columns, copied. */
AtlSeries *atl_series_new (const char *const *names, int n_columns);
void atl_series_free (AtlSeries *series);

/* Steps come in order; a NaN is no value. */
void atl_series_add (AtlSeries *series, gint64 step, const double *values);

int atl_series_get_n_columns (const AtlSeries *series);
const char *atl_series_get_name (const AtlSeries *series, int column);
int atl_series_get_n_points (const AtlSeries *series);
/* The last step that a point is of, and its mean; NaN if there is none. */
gint64 atl_series_get_step (const AtlSeries *series, int point);
double atl_series_get_value (const AtlSeries *series, int point, int column);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlSeries, atl_series_free)

G_END_DECLS
