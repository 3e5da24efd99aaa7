/* In which tiles a pass runs: what a tile takes, how far it must see, and which
 * size is the cheapest that fits.
 */

#include "apply/apply-private.h"

#include <math.h>

/* A halo that is wide enough is taken as long as the work grows no more than
 * this; a narrower one, blended, as long as it grows no more than that. */
#define EXACT_WORK 4.0
#define BLEND_WORK 2.0
#define MIN_HALO 16
/* What a seam that is only blended away counts for, in work. */
#define SEAM_WORK 2.0
#define PROBE 768
/* Work that smaller tiles may cost, and the bytes below which none are tried. */
#define SMALLER_WORK 1.03
#define SMALL_TILE ((gsize)24 << 20)

void
atl_pass_set_shapes (const AtlJob *job, const AtlPass *pass, int width, int height)
{
  for (int i = 0; i < pass->n_from; i++)
    {
      AtlShape s = job->shapes[pass->from[i]];

      pass->shapes[i]
          = (AtlShape){ 1, atl_scale_position (height, job->window.height, s.h),
                        atl_scale_position (width, job->window.width, s.w), s.c };
    }
}

AtlPlanOptions
atl_pass_options (const AtlJob *job, const AtlPass *pass)
{
  return (AtlPlanOptions){ .statistics = pass->statistics,
                           .dropout = job->dropout,
                           .stages = job->options.stages };
}

typedef struct
{
  const AtlJob *job;
  const AtlPass *pass;
  gsize maps; /* bytes held beside */
  gboolean blend;
} Prediction;

static gsize
predict (gpointer data, int width, int height)
{
  const Prediction *d = data;
  const AtlJob *job = d->job;
  const AtlPass *pass = d->pass;
  AtlPlanOptions options = atl_pass_options (job, pass);
  gsize bytes,
      extra = d->maps + atl_pixels_bytes (job, MAX (width, job->region.width));

  atl_pass_set_shapes (job, pass, width, height);
  if (d->blend && pass->last)
    extra += (gsize)job->region.width * height * job->colouring.out_channels
             * sizeof (float);
  bytes = atl_plan_predict (job->graph, atl_pool_get_n_threads (job->pool),
                            pass->from, pass->shapes, pass->n_from, pass->targets,
                            pass->n_targets, &options);
  return bytes > G_MAXSIZE - extra ? G_MAXSIZE : bytes + extra;
}

gboolean
atl_pass_find_reach (const AtlJob *job, AtlPass *pass, GError **error)
{
  int n_from = pass->n_from;
  gint64 reach = 0;

  if (!atl_graph_reach_inputs (job->graph, pass->from, n_from, pass->targets,
                               pass->n_targets, pass->halos, error))
    return FALSE;
  pass->n_from = 0;
  for (int i = 0; i < n_from; i++)
    if (pass->halos[i] >= 0)
      {
        gint64 halo = pass->halos[i];
        int w = job->shapes[pass->from[i]].w;

        reach = MAX (reach, (halo * job->window.width + w - 1) / w);
        pass->from[pass->n_from++] = pass->from[i];
      }
  pass->reach = (int)MIN (reach, 1 << 24);
  return TRUE;
}

static void
set_axis (AtlAxis *axis, const AtlJob *job, int side, int keep_from, int keep_to,
          int halo, gboolean blend)
{
  int m = job->multiple, around = atl_round_up (halo, m);

  *axis = (AtlAxis){ .multiple = m, .halo = halo, .blend = blend };
  axis->keep_from = keep_from;
  axis->keep_to = keep_to;
  axis->from = MAX (0, keep_from / m * m - around);
  axis->to = MIN (side, atl_round_up (keep_to, m) + around);
  if (axis->to - axis->from < MIN (job->min_side, side))
    {
      axis->from = MAX (0, MIN (axis->from, side - job->min_side));
      axis->to = MIN (side, axis->from + job->min_side);
    }
}

/* The axes of a pass: of the last, only the region is kept. */
static void
set_axes (AtlLayout *layout, const AtlJob *job, const AtlPass *pass, int halo,
          gboolean blend)
{
  AtlRect w = job->window, keep = { 0, 0, w.width, w.height };

  if (pass->last)
    keep = (AtlRect){ job->region.x - w.x, job->region.y - w.y, job->region.width,
                      job->region.height };
  set_axis (&layout->x, job, w.width, keep.x, keep.x + keep.width, halo, blend);
  set_axis (&layout->y, job, w.height, keep.y, keep.y + keep.height, halo, blend);
}

/* Halos to be tried: as far as the network sees, then half of it and so on. */
static int
next_halo (const AtlJob *job, int halo)
{
  int grain = job->multiple % 2 ? job->multiple : MAX (1, job->multiple / 2);
  int next = atl_round_up (MAX (halo / 2, MIN_HALO), grain);

  return next < halo ? next : 0;
}

/* Tiles of the side that the options ask for, whatever they take. */
static void
force_layout (const AtlJob *job, AtlPass *pass, Prediction *prediction)
{
  int m = job->multiple, halo = atl_round_up (pass->reach, m);
  int side = job->options.tile;
  gboolean blend = side < 2 * halo + m;

  if (blend)
    halo = atl_round_up (MAX (side / 4, 1), m % 2 ? m : MAX (1, m / 2));
  set_axes (&pass->layout, job, pass, halo, blend);
  atl_layout_force (&pass->layout, job->min_side, side);
  prediction->blend = blend;
  pass->exact = !blend || pass->layout.x.n * pass->layout.y.n == 1;
  pass->bytes = predict (prediction, pass->layout.x.tile, pass->layout.y.tile);
}

/* Smaller tiles than memory permits, where they cost next to no work: what is
 * smaller stays in the caches and is sooner had from the system. */
static void
shrink_tiles (const AtlJob *job, AtlLayout *layout, Prediction *prediction,
              gsize *bytes)
{
  double most = SMALLER_WORK * atl_layout_work (layout);

  for (gsize room = (*bytes - prediction->maps) / 2; room >= SMALL_TILE; room /= 2)
    {
      AtlLayout trial = *layout;
      gsize trial_bytes;

      if (!atl_layout_choose (&trial, job->min_side, prediction->maps + room,
                              predict, prediction, &trial_bytes)
          || atl_layout_work (&trial) > most)
        return;
      *layout = trial;
      *bytes = trial_bytes;
    }
}

static gboolean
choose_layout (const AtlJob *job, AtlPass *pass, gsize maps)
{
  int reach = pass->reach;
  double least_work = G_MAXDOUBLE;
  gsize least_bytes = G_MAXSIZE;
  Prediction prediction = { job, pass, maps, FALSE };

  if (job->options.tile > 0)
    {
      force_layout (job, pass, &prediction);
      return TRUE;
    }
  for (int halo = atl_round_up (reach, job->multiple);;
       halo = next_halo (job, halo))
    {
      gboolean blend = halo < reach;
      AtlLayout layout;
      gsize bytes;
      double ratio;

      prediction.blend = blend;
      set_axes (&layout, job, pass, halo, blend);
      if (atl_layout_choose (&layout, job->min_side, job->budget, predict,
                             &prediction, &bytes))
        {
          shrink_tiles (job, &layout, &prediction, &bytes);
          ratio = atl_layout_work (&layout)
                  / ((double)(layout.x.keep_to - layout.x.keep_from)
                     * (layout.y.keep_to - layout.y.keep_from));
          if (ratio < least_work)
            {
              least_work = ratio;
              pass->layout = layout;
              pass->bytes = bytes;
              pass->exact = !blend || layout.x.n * layout.y.n == 1;
            }
          if (layout.x.n * layout.y.n == 1
              || ratio <= (blend ? BLEND_WORK : EXACT_WORK))
            break;
        }
      least_bytes = MIN (least_bytes, bytes);
      if (next_halo (job, halo) == 0)
        break;
    }
  if (least_work < G_MAXDOUBLE)
    return TRUE;
  pass->bytes = least_bytes;
  return FALSE;
}

static double
macs_of (const AtlJob *job, const AtlPass *pass, int width, int height)
{
  atl_pass_set_shapes (job, pass, width, height);
  if (!atl_graph_infer (job->graph, pass->from, pass->shapes, pass->n_from,
                        pass->targets, pass->n_targets, job->trial, NULL))
    return 0;
  return atl_graph_macs (job->graph, job->trial);
}

static void
set_macs (const AtlJob *job, AtlPass *pass)
{
  const AtlLayout *l = &pass->layout;

  pass->macs = macs_of (job, pass, l->x.tile, l->y.tile) * l->x.n * l->y.n;
}

gboolean
atl_pass_choose_tiles (const AtlJob *job, AtlPass *pass, gsize maps)
{
  if (!choose_layout (job, pass, maps))
    return FALSE;
  set_macs (job, pass);
  return TRUE;
}

gboolean
atl_pass_set_single (const AtlJob *job, AtlPass *pass)
{
  Prediction prediction = { job, pass, 0, FALSE };
  AtlLayout *l = &pass->layout;

  pass->bytes = predict (&prediction, job->window.width, job->window.height);
  if (pass->bytes > job->budget)
    return FALSE;
  set_axes (l, job, pass, 0, FALSE);
  l->x.from = l->y.from = 0;
  l->x.to = l->x.tile = job->window.width;
  l->y.to = l->y.tile = job->window.height;
  l->x.n = l->y.n = 1;
  pass->exact = TRUE;
  set_macs (job, pass);
  return TRUE;
}

double
atl_pass_cost (const AtlPass *pass)
{
  return pass->macs * (pass->exact ? 1 : SEAM_WORK);
}

double
atl_pass_estimate (const AtlJob *job, const AtlPass *pass, gsize maps)
{
  const int sides[2] = { job->window.width, job->window.height };
  int m = job->multiple, halo = atl_round_up (pass->reach, m);
  int width = MIN (sides[0], MAX (job->min_side, atl_round_up (PROBE, m)));
  int height = MIN (sides[1], MAX (job->min_side, atl_round_up (PROBE, m)));
  Prediction prediction = { job, pass, 0, FALSE };
  double room = maps < job->budget ? job->budget - maps : 0;
  double work = 1, pixels, side;

  if (pass->n_targets == 0)
    return 0;
  pixels = room * width * height / MAX (predict (&prediction, width, height), 1);
  if (pixels < (double)sides[0] * sides[1])
    for (int i = 0; i < 2; i++)
      {
        side = MIN (sqrt (pixels), sides[i]);
        if (side < sides[i])
          work *= side >= 2 * halo + m ? side / (side - 2 * halo) : SEAM_WORK;
      }
  return work * macs_of (job, pass, sides[0], sides[1]);
}
