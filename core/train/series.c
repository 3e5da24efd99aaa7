/* See series.h.  A point is kept as sums and counts, so that merging two is
 * exact. */

#include "train/series.h"

#include <math.h>
#include <string.h>

typedef struct
{
  gint64 step;
  double *sums, *counts; /* one a column */
} Point;

struct _AtlSeries
{
  char **names;
  int n_columns, n_points;
  gint64 per_point; /* rows that make a full point */
  gint64 in_last;   /* rows in the last one */
  Point points[ATL_SERIES_MAX_POINTS];
  double *values; /* that the points are in */
};

AtlSeries *
atl_series_new (const char *const *names, int n_columns)
{
  AtlSeries *s = g_new0 (AtlSeries, 1);

  s->names = g_new0 (char *, n_columns + 1);
  for (int i = 0; i < n_columns; i++)
    s->names[i] = g_strdup (names[i]);
  s->n_columns = n_columns;
  s->per_point = 1;
  s->values = g_new0 (double, 2 * (gsize)n_columns * ATL_SERIES_MAX_POINTS);
  for (int i = 0; i < ATL_SERIES_MAX_POINTS; i++)
    {
      s->points[i].sums = s->values + 2 * (gsize)n_columns * (gsize)i;
      s->points[i].counts = s->points[i].sums + n_columns;
    }
  return s;
}

void
atl_series_free (AtlSeries *s)
{
  if (!s)
    return;
  g_strfreev (s->names);
  g_free (s->values);
  g_free (s);
}

static void
merge_pairs (AtlSeries *s)
{
  gsize row = 2 * (gsize)s->n_columns * sizeof (double);

  for (int i = 0; i < s->n_points / 2; i++)
    {
      const Point *a = &s->points[2 * i], *b = &s->points[2 * i + 1];
      Point *to = &s->points[i];

      to->step = b->step;
      memmove (to->sums, a->sums, row);
      for (int c = 0; c < 2 * s->n_columns; c++)
        to->sums[c] += b->sums[c];
    }
  s->n_points /= 2;
  s->per_point *= 2;
  s->in_last = s->per_point;
}

void
atl_series_add (AtlSeries *s, gint64 step, const double *values)
{
  Point *point;

  if (s->n_points == 0 || s->in_last == s->per_point)
    {
      if (s->n_points == ATL_SERIES_MAX_POINTS)
        merge_pairs (s);
      point = &s->points[s->n_points++];
      memset (point->sums, 0, 2 * (gsize)s->n_columns * sizeof (double));
      s->in_last = 0;
    }
  point = &s->points[s->n_points - 1];
  point->step = step;
  s->in_last++;
  for (int c = 0; c < s->n_columns; c++)
    if (!isnan (values[c]))
      {
        point->sums[c] += values[c];
        point->counts[c]++;
      }
}

int
atl_series_get_n_columns (const AtlSeries *s)
{
  return s->n_columns;
}

const char *
atl_series_get_name (const AtlSeries *s, int column)
{
  return s->names[column];
}

int
atl_series_get_n_points (const AtlSeries *s)
{
  return s->n_points;
}

gint64
atl_series_get_step (const AtlSeries *s, int point)
{
  return s->points[point].step;
}

double
atl_series_get_value (const AtlSeries *s, int point, int column)
{
  const Point *p = &s->points[point];

  return p->counts[column] > 0 ? p->sums[column] / p->counts[column] : NAN;
}
