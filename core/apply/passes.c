/* Which passes a job takes.
 *
 * A picture that fits into the budget is one pass in one tile.  Otherwise norms
 * with statistics of the image take a pass each over all tiles, as the
 * statistics of one layer depend on those of the layers before; norms that do
 * not depend on each other share one.  A pass need not start at the pixels: the
 * values that cross from what is known to what is not (its frontier) can be kept
 * for the whole picture, in memory or in a file, and later passes start there.
 * That saves work and, as what lies behind sees less far, halos; so much of the
 * latter that a U-Net without such norms, too, goes through a large picture in
 * stages, cut where its resolution changes, and then without seams.  Which
 * frontiers are worth keeping is a shortest path over (pass, frontier kept).
 */

#include "apply/apply-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"

/* What it costs to write or read one float of a map, in multiply-accumulates;
 * from a few measurements, and not delicate. */
#define MEMORY_COST 150
#define FILE_COST 800
/* Stages are looked for if tiles take so much more work than the picture. */
#define STAGES_FROM 1.2

typedef struct
{
  int *nodes;
  int n;
  gsize bytes; /* of the maps: the picture itself needs none */
  gboolean usable;
} Frontier;

/* Of a frontier, while it is chosen which ones to keep. */
typedef struct
{
  double cost; /* of the passes so far if this one was kept last */
  int before;  /* what was kept before it */
  gboolean kept;
} Choice;

typedef struct
{
  AtlJob *job;
  GError *error;    /* memory was short: everything stops */
  gboolean *scales; /* the node's value grows as the picture does */
  gboolean *marked; /* to work in, one a node */
  int *level;       /* passes that must be done before a node is known */
  int n_levels;
  Frontier *frontiers; /* 0 .. n_levels */
  Choice *choices;     /* as many */

  /* The way of keeping maps that is being tried: bytes of them in all, and in
   * memory. */
  gsize limit, memory;

  GPtrArray *best; /* passes */
  gsize best_memory;
  double best_cost;
  gsize least_bytes; /* that a way that does not fit would take */
} Planner;

static gpointer
try_alloc (gsize count, gsize size, GError **error)
{
  return atl_try_alloc0 (count, size, _ ("the network's intermediate results"),
                         error);
}

AtlPass *
atl_pass_new (int n_from, int n_nodes, GError **error)
{
  gsize ints = 3 * (gsize)n_from + 3 * (gsize)n_nodes;
  AtlPass *pass = try_alloc (
      1, sizeof *pass + n_from * sizeof (AtlShape) + ints * sizeof (int), error);

  if (!pass)
    return NULL;
  pass->shapes = (AtlShape *)(pass + 1);
  pass->from = (int *)(pass->shapes + n_from);
  pass->drop = pass->from + n_from;
  pass->halos = pass->drop + n_from;
  pass->targets = pass->halos + n_from;
  pass->norms = pass->targets + n_nodes;
  pass->store = pass->norms + n_nodes;
  return pass;
}

void
atl_pass_free (AtlPass *pass)
{
  atl_free (pass);
}

static gsize
map_bytes (const AtlJob *job, int node)
{
  AtlShape s = job->shapes[node];

  return node == job->input ? 0 : (gsize)s.w * s.h * s.c * sizeof (float);
}

/* --- Frontiers ---------------------------------------------------------- */

/* All FALSE where a larger picture can't be told of.  FALSE if memory is short. */
static gboolean
find_scales (Planner *p)
{
  AtlJob *job = p->job;
  int m = job->multiple;
  AtlShape larger = { 1, job->window.height + m, job->window.width + m,
                      job->colouring.in_channels };

  p->scales = try_alloc (2 * job->n_nodes, sizeof (gboolean), &p->error);
  if (!p->scales)
    return FALSE;
  p->marked = p->scales + job->n_nodes;
  if (!atl_graph_infer (job->graph, &job->input, &larger, 1, &job->output, 1,
                        job->trial, NULL))
    return TRUE;
  for (int i = 0; i < job->n_nodes; i++)
    {
      AtlShape a = job->shapes[i], b = job->trial[i];

      p->scales[i] = a.n > 0
                     && (gint64)a.w * larger.w == (gint64)b.w * job->window.width
                     && (gint64)a.h * larger.h == (gint64)b.h * job->window.height;
    }
  return TRUE;
}

/* Marks the nodes that are known before the statistics of level k and read after;
 * at level 0 that is the picture.  Returns how many. */
static int
mark_crossing (Planner *p, int k)
{
  const AtlJob *job = p->job;
  int n = 0;

  memset (p->marked, 0, job->n_nodes * sizeof *p->marked);
  if (k == 0)
    p->marked[job->input] = TRUE;
  for (int i = 0; i < job->n_nodes; i++)
    for (int j = 0; j < 2; j++)
      {
        int input = atl_graph_get_node (job->graph, i)->inputs[j];

        if (job->shapes[i].n > 0 && p->level[i] >= k && input >= 0
            && p->level[input] < k)
          p->marked[input] = TRUE;
      }
  for (int i = 0; i < job->n_nodes; i++)
    n += p->marked[i];
  return n;
}

static gboolean
find_frontier (Planner *p, int k)
{
  const AtlJob *job = p->job;
  Frontier *f = &p->frontiers[k];
  int n = mark_crossing (p, k);

  f->nodes = try_alloc (n, sizeof (int), &p->error);
  if (!f->nodes)
    return FALSE;
  f->usable = TRUE;
  for (int i = 0; i < job->n_nodes; i++)
    if (p->marked[i])
      {
        f->nodes[f->n++] = i;
        f->bytes += map_bytes (job, i);
        f->usable = f->usable && (i == job->input || p->scales[i]);
      }
  return TRUE;
}

/* --- Levels ------------------------------------------------------------- */

/* Whether a network without statistics may be cut before this node. */
static gboolean
changes_resolution (const AtlNode *node)
{
  return node->op == ATL_OP_CONV_TRANSPOSE2D || node->op == ATL_OP_UPSAMPLE
         || (node->op == ATL_OP_CONV2D && node->stride > 1);
}

static void
clear_levels (Planner *p)
{
  for (int k = 0; p->frontiers && k <= p->n_levels; k++)
    atl_free (p->frontiers[k].nodes);
  g_clear_pointer (&p->frontiers, atl_free);
  g_clear_pointer (&p->choices, atl_free);
  g_clear_pointer (&p->level, atl_free);
  p->n_levels = 0;
}

static gboolean
set_levels (Planner *p, gboolean cuts)
{
  const AtlJob *job = p->job;

  clear_levels (p);
  p->level = try_alloc (job->n_nodes, sizeof (int), &p->error);
  if (!p->level)
    return FALSE;
  for (int i = 0; i < job->n_nodes; i++)
    {
      const AtlNode *node = atl_graph_get_node (job->graph, i);

      if (job->shapes[i].n == 0)
        continue;
      for (int j = 0; j < 2; j++)
        if (node->inputs[j] >= 0)
          p->level[i] = MAX (p->level[i], p->level[node->inputs[j]]);
      p->level[i] += cuts ? changes_resolution (node) : atl_job_measures (job, i);
      p->n_levels = MAX (p->n_levels, p->level[i]);
    }
  p->choices = try_alloc (p->n_levels + 1, sizeof (Choice), &p->error);
  if (!p->choices)
    return FALSE;
  p->frontiers = try_alloc (p->n_levels + 1, sizeof (Frontier), &p->error);
  if (!p->frontiers)
    return FALSE;
  for (int k = 0; k <= p->n_levels; k++)
    if (!find_frontier (p, k))
      return FALSE;
  return TRUE;
}

/* --- Passes ------------------------------------------------------------- */

static void
add_node (int *nodes, int *n, int node)
{
  if (!atl_nodes_contain (nodes, *n, node))
    nodes[(*n)++] = node;
}

/* Pass k = 1 .. n_levels takes the statistics of level k and, if it is to keep
 * its frontier, makes the maps of that; the last yields the output.  s: the
 * frontier that was kept before.  NULL, and why in p->error, if memory is
 * short. */
static AtlPass *
make_pass (Planner *p, int s, int k, gboolean keep)
{
  const AtlJob *job = p->job;
  const Frontier *from = &p->frontiers[s], *next = keep ? &p->frontiers[k] : NULL;
  AtlPass *pass = p->error ? NULL : atl_pass_new (from->n, job->n_nodes, &p->error);

  if (!pass)
    return NULL;
  pass->last = k > p->n_levels;
  pass->statistics = job->measures ? ATL_STATISTICS_GIVEN : job->statistics;

  if (pass->last)
    add_node (pass->targets, &pass->n_targets, job->output);
  for (int i = 0; i < job->n_nodes; i++)
    if (p->level[i] == k && job->shapes[i].n > 0 && atl_job_measures (job, i))
      {
        pass->norms[pass->n_norms++] = i;
        add_node (pass->targets, &pass->n_targets,
                  atl_graph_get_node (job->graph, i)->inputs[0]);
      }
  for (int i = 0; keep && i < next->n; i++)
    if (next->nodes[i] != job->input
        && !atl_nodes_contain (from->nodes, from->n, next->nodes[i]))
      {
        pass->store[pass->n_store++] = next->nodes[i];
        add_node (pass->targets, &pass->n_targets, next->nodes[i]);
      }
  for (int i = 0; keep && i < from->n; i++)
    if (from->nodes[i] != job->input
        && !atl_nodes_contain (next->nodes, next->n, from->nodes[i]))
      pass->drop[pass->n_drop++] = from->nodes[i];

  memcpy (pass->from, from->nodes, from->n * sizeof *pass->from);
  pass->n_from = from->n;
  if (!atl_pass_find_reach (job, pass, &p->error))
    g_clear_pointer (&pass, atl_pass_free);
  return pass;
}

/* Bytes of the maps of both frontiers. */
static gsize
union_bytes (const Planner *p, int s, int k)
{
  const Frontier *a = &p->frontiers[s], *b = &p->frontiers[k];
  gsize bytes = a->bytes;

  for (int i = 0; i < b->n; i++)
    if (!atl_nodes_contain (a->nodes, a->n, b->nodes[i]))
      bytes += map_bytes (p->job, b->nodes[i]);
  return bytes;
}

/* Bytes of maps while pass k runs. */
static gsize
held_bytes (const Planner *p, int s, int k, gboolean keep)
{
  return keep ? union_bytes (p, s, k) : p->frontiers[s].bytes;
}

/* What it costs to move the pass's maps, `held` bytes being kept in all. */
static double
io_cost (const Planner *p, const AtlPass *pass, gsize held)
{
  double in_memory = held > p->memory ? (double)p->memory / held : 1, bytes = 0;

  for (int i = 0; i < pass->n_from; i++)
    bytes += map_bytes (p->job, pass->from[i]);
  for (int i = 0; i < pass->n_store; i++)
    bytes += map_bytes (p->job, pass->store[i]);
  return (in_memory * MEMORY_COST + (1 - in_memory) * FILE_COST) * bytes
         / sizeof (float);
}

static double
estimate (Planner *p, int s, int k, gboolean keep)
{
  AtlPass *pass = make_pass (p, s, k, keep);
  gsize held = held_bytes (p, s, k, keep);
  double cost;

  if (!pass)
    return 0;
  cost = io_cost (p, pass, held)
         + atl_pass_estimate (p->job, pass, MIN (held, p->memory));
  atl_pass_free (pass);
  return cost;
}

/* choices[k].kept for k = 1 .. n_levels: whether pass k keeps its frontier. */
static void
choose_frontiers (Planner *p)
{
  int n = p->n_levels, at = 0;
  Choice *c = p->choices;

  c[0].cost = 0;
  for (int k = 1; k <= n; k++)
    {
      gboolean usable = p->frontiers[k].usable;

      c[k].cost = G_MAXDOUBLE;
      for (int s = 0; s < k; s++)
        {
          double with;

          if (c[s].cost == G_MAXDOUBLE)
            continue;
          if (usable && union_bytes (p, s, k) <= p->limit)
            {
              with = c[s].cost + estimate (p, s, k, TRUE);
              if (with < c[k].cost)
                {
                  c[k].cost = with;
                  c[k].before = s;
                }
            }
          c[s].cost += estimate (p, s, k, FALSE);
        }
    }
  for (int s = 0; s <= n; s++)
    {
      if (c[s].cost < G_MAXDOUBLE)
        c[s].cost += estimate (p, s, n + 1, FALSE);
      if (c[s].cost < c[at].cost)
        at = s;
    }
  for (int k = 0; k <= n; k++)
    c[k].kept = FALSE;
  for (; at > 0; at = c[at].before)
    c[at].kept = TRUE;
}

/* All passes with the chosen frontiers kept; *cost in multiply-accumulates, maps
 * and halos included.  NULL if a pass does not fit, *needed being what it takes,
 * or with p->error. */
static GPtrArray *
make_passes (Planner *p, double *cost, gsize *needed)
{
  g_autoptr (GPtrArray) passes
      = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_pass_free);
  int s = 0;

  *cost = 0;
  for (int k = 1; k <= p->n_levels + 1; k++)
    {
      gboolean keep = k <= p->n_levels && p->choices[k].kept;
      AtlPass *pass = make_pass (p, s, k, keep);
      gsize held = held_bytes (p, s, k, keep);

      if (!pass)
        return NULL;
      if (pass->n_targets == 0 && !keep)
        {
          atl_pass_free (pass);
          continue;
        }
      g_ptr_array_add (passes, pass);
      if (!atl_pass_choose_tiles (p->job, pass, MIN (held, p->memory)))
        {
          *needed = pass->bytes;
          return NULL;
        }
      *cost += atl_pass_cost (pass) + io_cost (p, pass, held);
      if (keep)
        s = k;
    }
  return g_steal_pointer (&passes);
}

/* --- Choosing ----------------------------------------------------------- */

/* Keeping maps of up to `limit` bytes in all, so many of them in memory. */
static void
try_way (Planner *p, gsize limit, gsize memory)
{
  GPtrArray *passes;
  gsize needed = G_MAXSIZE;
  double cost;

  p->limit = limit;
  p->memory = memory;
  choose_frontiers (p);
  passes = make_passes (p, &cost, &needed);
  if (!passes)
    p->least_bytes = MIN (p->least_bytes, needed);
  else if (cost < p->best_cost)
    {
      g_clear_pointer (&p->best, g_ptr_array_unref);
      p->best = passes;
      p->best_cost = cost;
      p->best_memory = memory;
    }
  else
    g_ptr_array_unref (passes);
}

static void
try_maps (Planner *p)
{
  guint64 disk = p->job->no_files ? 0 : atl_maps_file_space () / 2;
  gsize budget = p->job->budget;

  if (p->n_levels == 0)
    return;
  try_way (p, budget / 4 * 3, budget / 4 * 3);
  if (disk > 0)
    {
      try_way (p, MIN (disk, G_MAXSIZE / 2), budget / 2);
      try_way (p, MIN (disk, G_MAXSIZE / 2), 0);
    }
}

static gboolean
too_little_memory (const AtlJob *job, gsize needed, GError **error)
{
  gsize memory = job->options.memory > 0 ? job->options.memory : ATL_DEFAULT_MEMORY;

  g_set_error (
      error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
      _ ("This model needs at least %d MiB for a picture of %dx%d; %d MiB are "
         "allowed"),
      atl_job_needed_mib (needed), job->width, job->height,
      (int)MIN (memory / (1 << 20), G_MAXINT));
  return FALSE;
}

static gboolean
check_scales (const Planner *p, GError **error)
{
  for (int i = 0; i < p->job->n_nodes; i++)
    {
      const AtlNode *node = atl_graph_get_node (p->job->graph, i);

      if (p->job->shapes[i].n > 0 && atl_job_measures (p->job, i)
          && !p->scales[node->inputs[0]])
        {
          g_set_error (
              error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
              _ ("%s: this norm's statistics can't be taken in tiles; use a "
                 "smaller picture or the model's own statistics"),
              node->name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
plan_tiled (Planner *p, GError **error)
{
  AtlJob *job = p->job;

  if (!set_levels (p, FALSE))
    return FALSE;
  try_way (p, 0, 0);
  try_maps (p);
  if (!job->measures && job->options.tile == 0
      && p->best_cost > STAGES_FROM * atl_graph_macs (job->graph, job->shapes))
    {
      if (!set_levels (p, TRUE))
        return FALSE;
      try_maps (p);
    }
  if (p->error)
    return FALSE;
  if (!p->best)
    return too_little_memory (job, p->least_bytes, error);
  g_ptr_array_unref (job->passes);
  job->passes = g_steal_pointer (&p->best);
  job->map_memory = p->best_memory;
  return TRUE;
}

/* TRUE if everything fits into one tile, where norms find their statistics by
 * themselves. */
static gboolean
plan_single (Planner *p)
{
  AtlJob *job = p->job;
  int tile = job->options.tile;
  AtlPass *pass;

  if (tile > 0 && tile < MAX (job->window.width, job->window.height))
    return FALSE;
  if (!set_levels (p, FALSE))
    return FALSE;
  pass = make_pass (p, 0, p->n_levels + 1, FALSE);
  if (!pass)
    return FALSE;
  pass->statistics = job->statistics;
  if (!atl_pass_set_single (job, pass))
    {
      atl_pass_free (pass);
      return FALSE;
    }
  g_ptr_array_add (job->passes, pass);
  return TRUE;
}

gboolean
atl_passes_plan (AtlJob *job, GError **error)
{
  Planner p = { .job = job, .best_cost = G_MAXDOUBLE, .least_bytes = G_MAXSIZE };
  gboolean ok
      = find_scales (&p)
        && (plan_single (&p)
            || (!p.error && check_scales (&p, error) && plan_tiled (&p, error)));

  if (p.error)
    g_propagate_error (error, p.error);
  clear_levels (&p);
  g_clear_pointer (&p.best, g_ptr_array_unref);
  atl_free (p.scales);
  for (guint i = 0; i < job->passes->len; i++)
    job->macs_total += ((AtlPass *)g_ptr_array_index (job->passes, i))->macs;
  return ok;
}
