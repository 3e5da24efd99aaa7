/* Which passes a job takes, and in which tiles each runs.
 *
 * A picture that fits into the budget is one pass in one tile.  Otherwise norms
 * with statistics of the image take a pass each over all tiles, as the
 * statistics of one layer depend on those of the layers before; norms that do
 * not depend on each other share one.  A pass need not start at the pixels: the
 * values that cross from what is known to what is not (its frontier) can be kept
 * for the whole picture, in memory or in a file, and later passes start there.
 * That saves work and, as what lies behind sees less far, halos.  Which
 * frontiers are worth keeping is a shortest path over (pass, frontier kept).
 */

#include "apply/apply-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What it costs to write or read one float of a map, in multiply-accumulates;
 * from a few measurements, and not delicate. */
#define MEMORY_COST 150
#define FILE_COST 800

/* A halo that is wide enough is taken as long as the work grows no more than
 * this; a narrower one, blended, as long as it grows no more than that. */
#define EXACT_WORK 4.0
#define BLEND_WORK 2.0
#define MIN_HALO 16

typedef struct
{
  int *nodes;
  int n;
  gsize bytes; /* of the maps: the picture itself needs none */
  gboolean usable;
} Frontier;

typedef struct
{
  AtlJob *job;
  gboolean *scales; /* the node's value grows as the picture does */
  Frontier *frontiers;
  double io_cost;
  gsize limit; /* bytes of maps */
} Planner;

void
atl_pass_free (AtlPass *pass)
{
  g_free (pass->from);
  g_free (pass->targets);
  g_free (pass->norms);
  g_free (pass->store);
  g_free (pass->drop);
  g_free (pass);
}

static gsize
map_bytes (const AtlJob *job, int node)
{
  AtlShape s = job->shapes[node];

  return node == job->input ? 0 : (gsize)s.w * s.h * s.c * sizeof (float);
}

static gboolean
contains (const int *nodes, int n, int node)
{
  for (int i = 0; i < n; i++)
    if (nodes[i] == node)
      return TRUE;
  return FALSE;
}

/* --- Frontiers ---------------------------------------------------------- */

static void
find_scales (Planner *p)
{
  AtlJob *job = p->job;
  int m = job->multiple;
  AtlShape larger = { 1, job->window.height + m, job->window.width + m,
                      job->colouring.in_channels };
  g_autofree AtlShape *shapes = g_new (AtlShape, job->n_nodes);

  p->scales = g_new0 (gboolean, job->n_nodes);
  if (!atl_graph_infer (job->graph, &job->input, &larger, 1, &job->output, 1,
                        shapes, NULL))
    return;
  for (int i = 0; i < job->n_nodes; i++)
    {
      AtlShape a = job->shapes[i], b = shapes[i];

      p->scales[i] = a.n > 0
                     && (gint64)a.w * larger.w == (gint64)b.w * job->window.width
                     && (gint64)a.h * larger.h == (gint64)b.h * job->window.height;
    }
}

/* Nodes that are known before the statistics of level k and read after. */
static void
find_frontier (Planner *p, int k)
{
  AtlJob *job = p->job;
  Frontier *f = &p->frontiers[k];
  g_autofree gboolean *crossing = g_new0 (gboolean, job->n_nodes);

  f->nodes = g_new (int, job->n_nodes);
  f->usable = TRUE;
  if (k == 0)
    {
      f->nodes[f->n++] = job->input;
      return;
    }
  for (int i = 0; i < job->n_nodes; i++)
    for (int j = 0; j < 2; j++)
      {
        int input = atl_graph_get_node (job->graph, i)->inputs[j];

        if (job->shapes[i].n > 0 && job->level[i] >= k && input >= 0
            && job->level[input] < k)
          crossing[input] = TRUE;
      }
  for (int i = 0; i < job->n_nodes; i++)
    if (crossing[i])
      {
        f->nodes[f->n++] = i;
        f->bytes += map_bytes (job, i);
        f->usable = f->usable && (i == job->input || p->scales[i]);
      }
}

/* The values that pass k is to yield. */
static int
find_targets (const AtlJob *job, int k, int *targets, int *norms, int *n_norms)
{
  int n = 0;

  *n_norms = 0;
  if (k > job->n_levels)
    {
      targets[n++] = job->output;
      return n;
    }
  for (int i = 0; i < job->n_nodes; i++)
    {
      int input = atl_graph_get_node (job->graph, i)->inputs[0];

      if (job->shapes[i].n == 0 || input < 0 || job->level[i] != k
          || job->level[input] >= k)
        continue;
      if (atl_graph_get_node (job->graph, i)->op != ATL_OP_BATCH_NORM
          && atl_graph_get_node (job->graph, i)->op != ATL_OP_INSTANCE_NORM)
        continue;
      norms[(*n_norms)++] = i;
      if (!contains (targets, n, input))
        targets[n++] = input;
    }
  return n;
}

/* Which nodes are computed or read to get from `from` to the targets. */
static gboolean *
mark_needed (const AtlJob *job, const Frontier *from, const int *targets,
             int n_targets)
{
  gboolean *needed = g_new0 (gboolean, job->n_nodes);

  for (int i = 0; i < n_targets; i++)
    needed[targets[i]] = TRUE;
  for (int i = job->n_nodes - 1; i >= 0; i--)
    if (needed[i] && !contains (from->nodes, from->n, i))
      for (int j = 0; j < 2; j++)
        if (atl_graph_get_node (job->graph, i)->inputs[j] >= 0)
          needed[atl_graph_get_node (job->graph, i)->inputs[j]] = TRUE;
  return needed;
}

/* --- Which frontiers to keep -------------------------------------------- */

/* Of pass k if frontier s is kept, without halos. */
static double
pass_cost (const Planner *p, int s, int k)
{
  const AtlJob *job = p->job;
  g_autofree int *targets = g_new (int, job->n_nodes);
  g_autofree int *norms = g_new (int, job->n_nodes);
  g_autofree AtlShape *shapes = g_new0 (AtlShape, job->n_nodes);
  g_autofree gboolean *needed = NULL;
  const Frontier *from = &p->frontiers[s];
  int n_norms, n = find_targets (job, k, targets, norms, &n_norms);
  double cost = 0;

  needed = mark_needed (job, from, targets, n);
  for (int i = 0; i < job->n_nodes; i++)
    if (needed[i])
      shapes[i] = job->shapes[i];
  for (int i = 0; i < from->n; i++)
    if (needed[from->nodes[i]])
      cost += p->io_cost * map_bytes (job, from->nodes[i]) / sizeof (float);
  return cost + atl_graph_macs (job->graph, shapes);
}

/* Bytes of the maps of both frontiers. */
static gsize
union_bytes (const Planner *p, int s, int k)
{
  const Frontier *a = &p->frontiers[s], *b = &p->frontiers[k];
  gsize bytes = a->bytes;

  for (int i = 0; i < b->n; i++)
    if (!contains (a->nodes, a->n, b->nodes[i]))
      bytes += map_bytes (p->job, b->nodes[i]);
  return bytes;
}

/* kept[k] for k = 1 .. levels: whether pass k keeps its frontier. */
static void
choose_frontiers (const Planner *p, gboolean *kept)
{
  int n = p->job->n_levels, at;
  double *cost = g_new (double, (n + 2) * (n + 1));
  int *before = g_new0 (int, n + 1); /* the frontier that k follows */

#define COST(k, s) cost[(k) * (n + 1) + (s)]
  for (int i = 0; i < (n + 2) * (n + 1); i++)
    cost[i] = G_MAXDOUBLE;
  COST (0, 0) = 0;
  for (int k = 1; k <= n + 1; k++)
    for (int s = 0; s < k; s++)
      {
        double here, store;

        if (COST (k - 1, s) == G_MAXDOUBLE)
          continue;
        here = COST (k - 1, s) + pass_cost (p, s, k);
        COST (k, s) = here;
        if (k > n || !p->frontiers[k].usable || union_bytes (p, s, k) > p->limit)
          continue;
        store = (union_bytes (p, s, k) - p->frontiers[s].bytes) / sizeof (float);
        if (here + store * p->io_cost < COST (k, k))
          {
            COST (k, k) = here + store * p->io_cost;
            before[k] = s;
          }
      }
  at = 0;
  for (int s = 0; s <= n; s++)
    if (COST (n + 1, s) < COST (n + 1, at))
      at = s;
#undef COST
  memset (kept, 0, (n + 1) * sizeof *kept);
  for (; at > 0; at = before[at])
    kept[at] = TRUE;
  g_free (cost);
  g_free (before);
}

/* --- Passes ------------------------------------------------------------- */

static AtlPass *
make_pass (const Planner *p, int s, int k, gboolean keep)
{
  const AtlJob *job = p->job;
  const Frontier *from = &p->frontiers[s], *next = &p->frontiers[k];
  AtlPass *pass = g_new0 (AtlPass, 1);
  g_autofree gboolean *needed = NULL;

  pass->from = g_new (int, job->n_nodes);
  pass->targets = g_new (int, job->n_nodes);
  pass->norms = g_new (int, job->n_nodes);
  pass->store = g_new (int, job->n_nodes);
  pass->drop = g_new (int, job->n_nodes);
  pass->statistics = job->n_levels > 0 ? ATL_STATISTICS_GIVEN : job->statistics;
  pass->n_targets
      = find_targets (job, k, pass->targets, pass->norms, &pass->n_norms);
  for (int i = 0; keep && i < next->n; i++)
    {
      int node = next->nodes[i];

      if (node == job->input || contains (from->nodes, from->n, node))
        continue;
      pass->store[pass->n_store++] = node;
      if (!contains (pass->targets, pass->n_targets, node))
        pass->targets[pass->n_targets++] = node;
    }
  for (int i = 0; keep && i < from->n; i++)
    if (!contains (next->nodes, next->n, from->nodes[i])
        && from->nodes[i] != job->input)
      pass->drop[pass->n_drop++] = from->nodes[i];
  needed = mark_needed (job, from, pass->targets, pass->n_targets);
  for (int i = 0; i < from->n; i++)
    if (needed[from->nodes[i]])
      pass->from[pass->n_from++] = from->nodes[i];
  return pass;
}

void
atl_pass_shapes (const AtlJob *job, const AtlPass *pass, int width, int height,
                 AtlShape *shapes)
{
  for (int i = 0; i < pass->n_from; i++)
    {
      AtlShape s = job->shapes[pass->from[i]];

      shapes[i]
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
  g_autofree AtlShape *shapes = g_new (AtlShape, pass->n_from);
  gsize bytes,
      extra = d->maps + atl_pixels_bytes (job, MAX (width, job->region.width));

  atl_pass_shapes (job, pass, width, height, shapes);
  if (d->blend && pass->n_norms == 0)
    extra += (gsize)job->region.width * height * job->colouring.out_channels
             * sizeof (float);
  bytes = atl_plan_predict (job->graph, atl_pool_get_n_threads (job->pool),
                            pass->from, shapes, pass->n_from, pass->targets,
                            pass->n_targets, &options);
  return bytes > G_MAXSIZE - extra ? G_MAXSIZE : bytes + extra;
}

/* How far the pass sees, in pixels of the picture. */
static int
pass_reach (const AtlJob *job, const AtlPass *pass)
{
  g_autofree int *halos = g_new (int, pass->n_from);
  gint64 reach = 0;

  for (int t = 0; t < pass->n_targets; t++)
    {
      atl_graph_reach_inputs (job->graph, pass->from, pass->n_from,
                              pass->targets[t], halos);
      for (int i = 0; i < pass->n_from; i++)
        if (halos[i] > 0)
          {
            AtlShape s = job->shapes[pass->from[i]];

            reach = MAX (reach,
                         ((gint64)halos[i] * job->window.width + s.w - 1) / s.w);
          }
    }
  return (int)MIN (reach, 1 << 24);
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

  if (pass->n_norms == 0)
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

static gboolean
force_layout (const AtlJob *job, AtlPass *pass, int reach, Prediction *prediction)
{
  int m = job->multiple, halo = atl_round_up (reach, m), side = job->options.tile;
  gboolean blend = side < 2 * halo + m;

  if (blend)
    halo = atl_round_up (MAX (side / 4, 1), m % 2 ? m : MAX (1, m / 2));
  set_axes (&pass->layout, job, pass, halo, blend);
  atl_layout_force (&pass->layout, job->min_side, side);
  prediction->blend = blend;
  pass->exact = !blend || pass->layout.x.n * pass->layout.y.n == 1;
  pass->bytes = predict (prediction, pass->layout.x.tile, pass->layout.y.tile);
  return TRUE;
}

/* The pass's tiles.  FALSE if none fit: pass->bytes is then the least that it
 * would take. */
static gboolean
choose_layout (const AtlJob *job, AtlPass *pass, gsize maps)
{
  int reach = pass_reach (job, pass);
  double least_work = G_MAXDOUBLE;
  gsize least_bytes = G_MAXSIZE;
  Prediction prediction = { job, pass, maps, FALSE };

  if (job->options.tile > 0)
    return force_layout (job, pass, reach, &prediction);
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
tile_macs (const AtlJob *job, const AtlPass *pass)
{
  g_autofree AtlShape *from = g_new (AtlShape, pass->n_from);
  g_autofree AtlShape *shapes = g_new (AtlShape, job->n_nodes);

  atl_pass_shapes (job, pass, pass->layout.x.tile, pass->layout.y.tile, from);
  if (!atl_graph_infer (job->graph, pass->from, from, pass->n_from, pass->targets,
                        pass->n_targets, shapes, NULL))
    return 0;
  return atl_graph_macs (job->graph, shapes);
}

/* All passes with these frontiers kept; cost in multiply-accumulates, maps and
 * halos included.  NULL if a pass does not fit; *needed is what it would take. */
static GPtrArray *
make_passes (const Planner *p, const gboolean *kept, gboolean in_file, double *cost,
             gsize *needed)
{
  AtlJob *job = p->job;
  GPtrArray *passes
      = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_pass_free);
  int s = 0;

  *cost = 0;
  *needed = 0;
  for (int k = 1; k <= job->n_levels + 1; k++)
    {
      gboolean keep = k <= job->n_levels && kept[k];
      AtlPass *pass = make_pass (p, s, k, keep);
      gsize maps = in_file ? 0
                   : keep  ? union_bytes (p, s, k)
                           : p->frontiers[s].bytes;

      g_ptr_array_add (passes, pass);
      if (!choose_layout (job, pass, maps))
        *needed = MAX (*needed, pass->bytes);
      pass->macs
          = tile_macs (job, pass) * pass->layout.x.n * (double)pass->layout.y.n;
      *cost += pass->macs;
      for (int i = 0; i < pass->n_from; i++)
        *cost += p->io_cost * map_bytes (job, pass->from[i]) / sizeof (float);
      for (int i = 0; i < pass->n_store; i++)
        *cost += p->io_cost * map_bytes (job, pass->store[i]) / sizeof (float);
      if (keep)
        s = k;
      if (*needed > 0)
        break;
    }
  if (*needed > 0)
    g_clear_pointer (&passes, g_ptr_array_unref);
  return passes;
}

/* --- The whole picture at once ------------------------------------------ */

/* TRUE if everything fits into one tile, where norms find their statistics by
 * themselves. */
static gboolean
plan_single (Planner *p)
{
  AtlJob *job = p->job;
  AtlPass *pass;
  Prediction prediction = { .job = job };

  if (job->options.tile > 0
      && job->options.tile < MAX (job->window.width, job->window.height))
    return FALSE;
  pass = make_pass (p, 0, job->n_levels + 1, FALSE);
  pass->statistics = job->statistics;
  prediction.pass = pass;
  pass->bytes = predict (&prediction, job->window.width, job->window.height);
  if (pass->bytes > job->budget)
    {
      atl_pass_free (pass);
      return FALSE;
    }
  set_axes (&pass->layout, job, pass, 0, FALSE);
  pass->layout.x.from = pass->layout.y.from = 0;
  pass->layout.x.to = pass->layout.x.tile = job->window.width;
  pass->layout.y.to = pass->layout.y.tile = job->window.height;
  pass->layout.x.n = pass->layout.y.n = 1;
  pass->exact = TRUE;
  pass->macs = tile_macs (job, pass);
  g_ptr_array_add (job->passes, pass);
  return TRUE;
}

static gboolean
check_scales (const Planner *p, GError **error)
{
  const AtlJob *job = p->job;
  g_autofree int *targets = g_new (int, job->n_nodes);
  g_autofree int *norms = g_new (int, job->n_nodes);
  int n_norms;

  for (int k = 1; k <= job->n_levels; k++)
    {
      int n = find_targets (job, k, targets, norms, &n_norms);

      for (int i = 0; i < n; i++)
        if (!p->scales[targets[i]])
          {
            g_set_error (
                error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
                _ ("%s: this norm's statistics can't be taken in tiles; use a "
                   "smaller picture or the model's own statistics"),
                atl_graph_get_node (job->graph, norms[0])->name);
            return FALSE;
          }
    }
  return TRUE;
}

static gboolean
too_little_memory (const AtlJob *job, gsize needed, GError **error)
{
  gsize mib = 1 << 20, memory = job->options.memory;

  if (memory == 0)
    memory = ATL_DEFAULT_MEMORY;
  needed += memory - job->budget;
  g_set_error (
      error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
      _ ("This model needs at least %d MiB for a picture of %dx%d; %d MiB are "
         "allowed"),
      (int)MIN (needed / mib + 1, G_MAXINT), job->width, job->height,
      (int)MIN (memory / mib, G_MAXINT));
  return FALSE;
}

/* Without maps, with maps in memory, in a file: whatever costs the least. */
static gboolean
plan_tiled (Planner *p, GError **error)
{
  AtlJob *job = p->job;
  g_autofree gboolean *kept = g_new0 (gboolean, job->n_levels + 1);
  double best = G_MAXDOUBLE;
  gsize least = G_MAXSIZE;
  guint64 disk = job->n_levels > 0 ? atl_maps_file_space () / 2 : 0;
  const struct
  {
    gsize limit;
    double cost;
    gboolean in_file;
  } ways[] = { { 0, MEMORY_COST, FALSE },
               { job->budget / 2, MEMORY_COST, FALSE },
               { MIN (disk, G_MAXSIZE / 2), FILE_COST, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      GPtrArray *passes;
      gsize needed;
      double cost;

      if (i > 0 && (job->n_levels == 0 || ways[i].limit == 0))
        break;
      p->limit = ways[i].limit;
      p->io_cost = ways[i].cost;
      choose_frontiers (p, kept);
      passes = make_passes (p, kept, ways[i].in_file, &cost, &needed);
      if (!passes)
        least = MIN (least, needed);
      else if (cost < best)
        {
          best = cost;
          g_ptr_array_unref (job->passes);
          job->passes = passes;
          job->maps_in_file = ways[i].in_file;
        }
      else
        g_ptr_array_unref (passes);
    }
  return best < G_MAXDOUBLE || too_little_memory (job, least, error);
}

gboolean
atl_passes_plan (AtlJob *job, GError **error)
{
  Planner p = { .job = job };
  gboolean ok;

  p.frontiers = g_new0 (Frontier, job->n_levels + 2);
  find_scales (&p);
  for (int k = 0; k <= job->n_levels + 1; k++)
    find_frontier (&p, k);
  ok = plan_single (&p) || (check_scales (&p, error) && plan_tiled (&p, error));

  for (int k = 0; k <= job->n_levels + 1; k++)
    g_free (p.frontiers[k].nodes);
  g_free (p.frontiers);
  g_free (p.scales);
  for (guint i = 0; i < job->passes->len; i++)
    job->macs_total += ((AtlPass *)g_ptr_array_index (job->passes, i))->macs;
  return ok;
}
