/* Tiles; see geometry.h. */

#include "apply/geometry.h"

int
atl_round_up (int value, int multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

int
atl_reflect (int x, int n)
{
  int period = 2 * (n - 1);

  if (n == 1)
    return 0;
  x %= period;
  if (x < 0)
    x += period;
  return x < n ? x : period - x;
}

int
atl_axis_count (const AtlAxis *axis, int tile)
{
  int length = axis->to - axis->from, step = tile - 2 * axis->halo;

  if (tile >= length)
    return 1;
  if (step <= 0)
    return 0;
  return (length - 2 * axis->halo + step - 1) / step;
}

int
atl_axis_side (const AtlAxis *axis, int n)
{
  int length = axis->to - axis->from;
  int side;

  if (n <= 1)
    return length;
  side = (length - 2 * axis->halo + n - 1) / n;
  side = atl_round_up (MAX (side, 1), axis->multiple) + 2 * axis->halo;
  return MIN (side, length);
}

/* Tiles are spread evenly. */
static int
tile_start (const AtlAxis *axis, int i)
{
  gint64 free = axis->to - axis->from - axis->tile;

  if (i <= 0)
    return axis->from;
  if (i >= axis->n - 1)
    return axis->from + (int)free;
  return axis->from
         + (int)(free * i / (axis->n - 1) / axis->multiple * axis->multiple);
}

/* Where the core of tile i - 1 ends and that of tile i begins: the middle of
 * their overlap, which is at least two halos wide. */
static int
cut (const AtlAxis *axis, int i)
{
  int grain = axis->blend ? MAX (1, axis->multiple / 2) : axis->multiple;
  int start = tile_start (axis, i);
  int overlap = tile_start (axis, i - 1) + axis->tile - start;

  if (i <= 0)
    return axis->from;
  if (i >= axis->n)
    return axis->to;
  return start + overlap / 2 / grain * grain;
}

/* Half width of the blend around cut i.  The outermost eighth of a tile is left
 * out: there the network saw the most of a border that the picture lacks. */
static int
ramp (const AtlAxis *axis, int i)
{
  int at = cut (axis, i);
  int width;

  if (!axis->blend || i <= 0 || i >= axis->n)
    return 0;
  width
      = MIN (at - tile_start (axis, i), tile_start (axis, i - 1) + axis->tile - at);
  width -= width / 8;
  return MIN (width, MIN (at - cut (axis, i - 1), cut (axis, i + 1) - at) / 2);
}

AtlSpan
atl_axis_span (const AtlAxis *axis, int i)
{
  AtlSpan span;

  span.from = tile_start (axis, i);
  span.to = span.from + axis->tile;
  span.core_from = CLAMP (cut (axis, i), axis->keep_from, axis->keep_to);
  span.core_to = CLAMP (cut (axis, i + 1), axis->keep_from, axis->keep_to);
  if (i == 0)
    span.core_from = axis->keep_from;
  if (i == axis->n - 1)
    span.core_to = axis->keep_to;
  span.ramp_from = ramp (axis, i);
  span.ramp_to = ramp (axis, i + 1);
  return span;
}

/* 0 before the ramp around 0, 1 after it; s (-x) = 1 - s (x). */
static float
smooth_step (float x, int half_width)
{
  float t = half_width > 0 ? 0.5f + x / (2 * half_width) : x > 0;

  t = CLAMP (t, 0, 1);
  return t * t * (3 - 2 * t);
}

float
atl_span_share (const AtlSpan *span, int x)
{
  return smooth_step (x + 0.5f - span->core_from, span->ramp_from)
         * smooth_step (span->core_to - x - 0.5f, span->ramp_to);
}

void
atl_span_reach (const AtlSpan *span, int *first, int *end)
{
  *first = span->core_from - span->ramp_from;
  *end = span->core_to + span->ramp_to;
}

double
atl_layout_work (const AtlLayout *layout)
{
  return (double)layout->x.n * layout->x.tile * layout->y.n * layout->y.tile;
}

static void
set_side (AtlAxis *axis, int min_tile, int side)
{
  int length = axis->to - axis->from;

  side = MAX (side, MAX (min_tile, 2 * axis->halo + axis->multiple));
  axis->tile = MIN (atl_round_up (side, axis->multiple), length);
  axis->n = atl_axis_count (axis, axis->tile);
}

void
atl_layout_force (AtlLayout *layout, int min_tile, int side)
{
  set_side (&layout->x, min_tile, side);
  set_side (&layout->y, min_tile, side);
}

/* n tiles, or a few more if what is rounded up is less in all. */
static void
least_rows_work (AtlAxis *axis, int min_tile, int n)
{
  AtlAxis trial = *axis;

  set_side (axis, min_tile, atl_axis_side (axis, n));
  for (int more = 1; more <= 8; more++)
    {
      set_side (&trial, min_tile, atl_axis_side (&trial, n + more));
      if ((gint64)trial.n * trial.tile < (gint64)axis->n * axis->tile)
        *axis = trial;
    }
}

/* The fewest tiles of the y axis that fit, those of x being set.  Memory grows
 * with the side, so they are found by bisection. */
static gboolean
fit_rows (AtlLayout *layout, int min_tile, gsize budget, AtlTileBytes tile_bytes,
          gpointer data, gsize *bytes)
{
  AtlAxis *y = &layout->y;
  int low = 1, high;

  set_side (y, min_tile, 1);
  high = y->n;
  *bytes = tile_bytes (data, layout->x.tile, y->tile);
  if (*bytes > budget)
    return FALSE;
  while (low < high)
    {
      int middle = (low + high) / 2;

      set_side (y, min_tile, atl_axis_side (y, middle));
      if (tile_bytes (data, layout->x.tile, y->tile) <= budget)
        high = middle;
      else
        low = middle + 1;
    }
  least_rows_work (y, min_tile, low);
  *bytes = tile_bytes (data, layout->x.tile, y->tile);
  return *bytes <= budget;
}

gboolean
atl_layout_choose (AtlLayout *layout, int min_tile, gsize budget,
                   AtlTileBytes tile_bytes, gpointer data, gsize *bytes)
{
  AtlLayout best, trial = *layout;
  gsize best_bytes = 0, least = G_MAXSIZE;
  double best_work = G_MAXDOUBLE;
  int max_n, previous = 0;

  set_side (&trial.x, min_tile, 1);
  max_n = trial.x.n;
  for (int n = 1; n <= max_n; n++)
    {
      gsize trial_bytes;
      double work;

      set_side (&trial.x, min_tile, n == max_n ? 1 : atl_axis_side (&trial.x, n));
      if (trial.x.tile == previous)
        continue;
      previous = trial.x.tile;
      if ((double)trial.x.n * trial.x.tile * (trial.y.to - trial.y.from)
          >= best_work)
        continue;
      if (fit_rows (&trial, min_tile, budget, tile_bytes, data, &trial_bytes))
        {
          work = atl_layout_work (&trial);
          if (work < best_work)
            {
              best_work = work;
              best = trial;
              best_bytes = trial_bytes;
            }
        }
      least = MIN (least, trial_bytes);
    }
  if (best_work < G_MAXDOUBLE)
    {
      *layout = best;
      *bytes = best_bytes;
      return TRUE;
    }
  *bytes = least;
  return FALSE;
}
