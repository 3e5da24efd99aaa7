/* Learning contexts: a tree over each codebook by its principal axes, how often
 * each way through it is taken, and the network by stochastic descent (AdaGrad:
 * Duchi 2011) on the cost in bits; then all of it rounded to integers.
 *
 * Each context is learned by one thread, the contexts side by side.
 */

#include "codec/prime.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"

#define RATE 0.05f
#define MIN_CODES 256               /* fewer can't be learned from */
#define MAX_K 4096                  /* more get no network */
#define MAX_SAMPLES (gint64)1500000 /* of a pass */
#define SCALE_BITS 28               /* of node biases */

/* --- The tree ------------------------------------------------------------- */

typedef struct
{
  float along;
  int entry;
} Place;

typedef struct
{
  const float *entries; /* [k][dim] */
  int dim;
  double *weights; /* [k]: how often each occurs */
  double *axis;    /* [3][dim], to work in */
  Place *places;   /* [k], to work in */
} Splitter;

static int
compare_places (const void *a, const void *b)
{
  const Place *p = a, *q = b;

  if (p->along != q->along)
    return p->along < q->along ? -1 : 1;
  return p->entry - q->entry;
}

/* The first principal axis of some entries, by power iteration, into
 * s->axis. */
static void
find_axis (const Splitter *s, const int *order, int n)
{
  double *axis = s->axis, *mean = axis + s->dim, *next = mean + s->dim, total = 0;

  memset (mean, 0, s->dim * sizeof *mean);
  for (int i = 0; i < n; i++)
    {
      total += s->weights[order[i]];
      for (int d = 0; d < s->dim; d++)
        mean[d] += s->weights[order[i]] * s->entries[(gsize)order[i] * s->dim + d];
    }
  for (int d = 0; d < s->dim; d++)
    {
      mean[d] /= total;
      axis[d] = 1 + 0.01 * d;
    }
  for (int round = 0; round < 30; round++)
    {
      double norm = 0;

      memset (next, 0, s->dim * sizeof *next);
      for (int i = 0; i < n; i++)
        {
          const float *e = s->entries + (gsize)order[i] * s->dim;
          double dot = 0;

          for (int d = 0; d < s->dim; d++)
            dot += (e[d] - mean[d]) * axis[d];
          for (int d = 0; d < s->dim; d++)
            next[d] += s->weights[order[i]] * dot * (e[d] - mean[d]);
        }
      for (int d = 0; d < s->dim; d++)
        norm += next[d] * next[d];
      if (norm <= 0)
        return;
      for (int d = 0; d < s->dim; d++)
        axis[d] = next[d] / sqrt (norm);
    }
}

/* Sorts order[0..n-1] so that its halves, and theirs, are alike. */
static void
split (const Splitter *s, int *order, int n)
{
  const double *axis = s->axis;
  Place *places = s->places;
  int half = 1;

  if (n < 2)
    return;
  find_axis (s, order, n);
  for (int i = 0; i < n; i++)
    {
      const float *e = s->entries + (gsize)order[i] * s->dim;
      double sum = 0;

      for (int d = 0; d < s->dim; d++)
        sum += e[d] * axis[d];
      places[i] = (Place){ (float)sum, order[i] };
    }
  qsort (places, n, sizeof *places, compare_places);
  for (int i = 0; i < n; i++)
    order[i] = places[i].entry;
  while (2 * half < n)
    half *= 2;
  split (s, order, half);
  split (s, order + half, n - half);
}

/* --- One context ---------------------------------------------------------- */

typedef struct
{
  const AtlModel *model;
  const AtlPrimeOptions *options;
  GPtrArray *pictures;
  int level, stage;

  int k, depth, hidden;
  int *order; /* codes in the order of their leaves */
  guint16 *leaf;
  double *counts; /* [k] */
  double *sums;   /* [2 << depth]: how often each node is met */
  int n_neighbours;
  AtlNeighbour neighbours[ATL_MAX_NEIGHBOURS];
  gsize row_count[ATL_MAX_NEIGHBOURS]; /* K' + 1 */

  /* parameters, each with its sum of squared gradients behind it */
  float *memory;
  float *rows[ATL_MAX_NEIGHBOURS], *bias, *weights, *node_bias;
  gsize n_parameters;

  AtlBuffer out;
  gint done; /* of its passes, in 1000ths; atomic */
  GError *error;
} Learner;

typedef struct
{
  Learner *learners;
  int n;
  const AtlProgress *progress;
} Learners;

static const AtlCodes *
picture (const Learner *l, guint i)
{
  return g_ptr_array_index (l->pictures, i);
}

static void
add_neighbour (Learner *l, int level, int stage, int dx, int dy)
{
  if (l->n_neighbours < ATL_MAX_NEIGHBOURS)
    l->neighbours[l->n_neighbours++]
        = (AtlNeighbour){ (guint8)level, (guint8)stage, (gint8)dx, (gint8)dy };
}

/* What is known and worth looking at, the most telling first. */
static void
choose_neighbours (Learner *l)
{
  static const int around[][2] = { { -1, 0 }, { 0, -1 }, { 1, 0 }, { 0, 1 } };
  int level = l->level, stage = l->stage;

  add_neighbour (l, level, stage, -1, 0);
  add_neighbour (l, level, stage, 0, -1);
  add_neighbour (l, level, stage, -1, -1);
  add_neighbour (l, level, stage, 1, -1);
  if (level > 0)
    {
      add_neighbour (l, level - 1, stage, 0, 0);
      for (int i = 0; i < 4; i++)
        add_neighbour (l, level - 1, stage, around[i][0], around[i][1]);
    }
  if (stage == 0)
    {
      add_neighbour (l, level, 0, -2, 0);
      add_neighbour (l, level, 0, 0, -2);
      return;
    }
  for (int s = 0; s < stage; s++)
    add_neighbour (l, level, s, 0, 0);
  for (int i = 0; i < 4; i++)
    add_neighbour (l, level, 0, around[i][0], around[i][1]);
  if (stage > 1)
    for (int i = 2; i < 4; i++)
      add_neighbour (l, level, stage - 1, around[i][0], around[i][1]);
}

static const float *
codebook (const Learner *l, int level, int stage, int *dim)
{
  AtlWeights *weights = atl_model_get_weights ((AtlModel *)l->model);
  const AtlGraph *graph = atl_model_get_graph (l->model);
  int node = picture (l, 0)->levels[level].node;
  g_autofree char *suffix = g_strdup_printf ("codebook.%d", stage);

  *dim = atl_graph_get_channels (graph, node);
  return atl_weights_data (weights)
         + atl_weights_offset (weights,
                               atl_graph_find_parameter (graph, node, suffix));
}

static gboolean
count_codes (Learner *l)
{
  l->counts = atl_context_alloc (l->k, sizeof *l->counts, &l->error);
  if (!l->counts)
    return FALSE;
  for (guint i = 0; i < l->pictures->len; i++)
    {
      const AtlCodeGrid *grid = &picture (l, i)->levels[l->level];

      for (gsize j = 0; j < (gsize)grid->width * grid->height; j++)
        l->counts[grid->planes[l->stage][j]]++;
    }
  return TRUE;
}

static gboolean
make_tree (Learner *l)
{
  atl_autofree double *weights = NULL;
  atl_autofree Place *places = NULL;
  Splitter s = { 0 };

  s.entries = codebook (l, l->level, l->stage, &s.dim);
  weights = atl_context_alloc ((gsize)l->k + 3 * (gsize)s.dim, sizeof *weights,
                               &l->error);
  if (!weights || !(places = atl_context_alloc (l->k, sizeof *places, &l->error))
      || !(l->order = atl_context_alloc (l->k, sizeof *l->order, &l->error))
      || !(l->leaf = atl_context_alloc (l->k, sizeof *l->leaf, &l->error))
      || !(l->sums
           = atl_context_alloc ((gsize)2 << l->depth, sizeof *l->sums, &l->error)))
    return FALSE;
  s.weights = weights;
  s.axis = weights + l->k;
  s.places = places;
  for (int i = 0; i < l->k; i++)
    {
      weights[i] = l->counts[i] + 0.5;
      l->order[i] = i;
    }
  split (&s, l->order, l->k);
  for (int i = 0; i < l->k; i++)
    l->leaf[l->order[i]] = (guint16)i;
  return TRUE;
}

/* --- The network in floats ------------------------------------------------ */

static float *
next_part (Learner *l, gsize n)
{
  float *part = l->memory ? l->memory + l->n_parameters : NULL;

  l->n_parameters += n;
  return part;
}

static void
lay_out (Learner *l)
{
  gsize nodes = (gsize)1 << l->depth;

  l->n_parameters = 0;
  for (int j = 0; j < l->n_neighbours; j++)
    l->rows[j] = next_part (l, l->row_count[j] * l->hidden);
  l->bias = next_part (l, l->hidden);
  l->weights = next_part (l, nodes * l->hidden);
  l->node_bias = next_part (l, nodes);
}

/* Embeddings start as random projections of the codebook's entries: what is
 * alike is foretold alike. */
static gboolean
start_rows (Learner *l, int j, AtlRandom *random, GError **error)
{
  int dim, k = (int)l->row_count[j] - 1;
  const float *entries
      = codebook (l, l->neighbours[j].level, l->neighbours[j].stage, &dim);
  atl_autofree float *projection
      = atl_context_alloc ((gsize)dim * l->hidden, sizeof *projection, error);
  double norm = 1e-12;

  if (!projection)
    return FALSE;
  for (gsize i = 0; i < (gsize)k * dim; i++)
    norm += (double)entries[i] * entries[i];
  norm = sqrt (norm / k * l->n_neighbours);
  for (int i = 0; i < dim * l->hidden; i++)
    projection[i] = (float)((2 * atl_random_uniform (random) - 1) / norm);
  for (int i = 0; i < k; i++)
    for (int h = 0; h < l->hidden; h++)
      {
        float sum = 0;

        for (int d = 0; d < dim; d++)
          sum += projection[h * dim + d] * entries[(gsize)i * dim + d];
        l->rows[j][(gsize)i * l->hidden + h] = sum;
      }
  return TRUE;
}

static gboolean
start_network (Learner *l, GError **error)
{
  AtlRandom random;

  lay_out (l);
  l->memory = atl_try_alloc0 (2 * l->n_parameters, sizeof (float),
                              _ ("the context tables"), error);
  if (!l->memory)
    return FALSE;
  lay_out (l);
  for (gsize i = 0; i < l->n_parameters; i++)
    l->memory[l->n_parameters + i] = 1e-4f;
  atl_random_init (&random, 1, (guint64)(l->stage * ATL_MAX_LEVELS + l->level));
  for (int j = 0; j < l->n_neighbours; j++)
    if (!start_rows (l, j, &random, error))
      return FALSE;
  for (int i = 0; i < l->hidden; i++)
    l->bias[i] = 0.1f;
  return TRUE;
}

/* Steps n parameters down scale * gradient. */
static void
descend (const Learner *l, float *restrict p, const float *restrict gradient,
         float scale, int n, float rate)
{
  float *restrict squares = p + l->n_parameters;

  for (int i = 0; i < n; i++)
    {
      float g = gradient[i] * scale;

      squares[i] += g * g;
      p[i] -= rate * g / sqrtf (squares[i]);
    }
}

static void
find_rows (const Learner *l, const AtlCodes *codes, int x, int y, float **rows)
{
  const AtlCodeGrid *own = &codes->levels[l->level];

  for (int j = 0; j < l->n_neighbours; j++)
    {
      const AtlNeighbour *n = &l->neighbours[j];
      const AtlCodeGrid *grid = &codes->levels[n->level];
      int at_x = (int)((gint64)x * grid->width / own->width) + n->dx;
      int at_y = (int)((gint64)y * grid->height / own->height) + n->dy;
      gsize code = l->row_count[j] - 1;

      if (at_x >= 0 && at_y >= 0 && at_x < grid->width && at_y < grid->height)
        code = grid->planes[n->stage][(gsize)at_y * grid->width + at_x];
      rows[j] = l->rows[j] + code * l->hidden;
    }
}

static void
learn_code (const Learner *l, const AtlCodes *codes, int x, int y, float rate)
{
  const AtlCodeGrid *grid = &codes->levels[l->level];
  int leaf = l->leaf[grid->planes[l->stage][(gsize)y * grid->width + x]];
  int width = l->hidden, node = 1, first = 0;
  float *rows[ATL_MAX_NEIGHBOURS];
  float hidden[ATL_MAX_HIDDEN], back[ATL_MAX_HIDDEN] = { 0 };

  find_rows (l, codes, x, y, rows);
  memcpy (hidden, l->bias, width * sizeof *hidden);
  for (int j = 0; j < l->n_neighbours; j++)
    for (int i = 0; i < width; i++)
      hidden[i] += rows[j][i];
  for (int i = 0; i < width; i++)
    hidden[i] = MAX (hidden[i], 0);

  for (int d = l->depth - 1; d >= 0; d--)
    {
      int bit = 0;
      float *w = l->weights + (gsize)node * width;

      if (first + (1 << d) < l->k)
        {
          float sum = l->node_bias[node], wrong;

          bit = leaf >> d & 1;
          for (int i = 0; i < width; i++)
            sum += w[i] * hidden[i];
          wrong = 1 / (1 + expf (-sum)) - bit;
          for (int i = 0; i < width; i++)
            back[i] += wrong * w[i];
          descend (l, w, hidden, wrong, width, rate);
          descend (l, l->node_bias + node, &wrong, 1, 1, rate);
        }
      first += bit << d;
      node = 2 * node + bit;
    }
  for (int i = 0; i < width; i++)
    back[i] = hidden[i] > 0 ? back[i] : 0;
  for (int j = 0; j < l->n_neighbours; j++)
    descend (l, rows[j], back, 1, width, rate);
  descend (l, l->bias, back, 1, width, rate);
}

/* Positions of all pictures, by number. */
static void
locate (const Learner *l, gint64 at, const AtlCodes **codes, int *x, int *y)
{
  for (guint i = 0;; i++)
    {
      const AtlCodeGrid *grid = &picture (l, i)->levels[l->level];
      gint64 n = (gint64)grid->width * grid->height;

      if (at < n)
        {
          *codes = picture (l, i);
          *x = (int)(at % grid->width);
          *y = (int)(at / grid->width);
          return;
        }
      at -= n;
    }
}

static gint64
count_positions (const Learner *l)
{
  gint64 n = 0;

  for (guint i = 0; i < l->pictures->len; i++)
    n += (gint64)picture (l, i)->levels[l->level].width
         * picture (l, i)->levels[l->level].height;
  return n;
}

/* Notes how far `l` is, and reports of all if this is the thread that may.  FALSE
 * if the work is to stop. */
static gboolean
report (const Learners *all, Learner *l, int worker, double done)
{
  double sum = 0;

  g_atomic_int_set (&l->done, (gint)(1000 * done));
  if (worker != 0)
    return !atl_progress_cancelled (all->progress);
  for (int i = 0; i < all->n; i++)
    sum += g_atomic_int_get (&all->learners[i].done);
  return atl_progress_update (all->progress, sum / (1000.0 * all->n), NULL, NULL);
}

/* Passes over random positions. */
static void
learn (const Learners *all, Learner *l, int worker)
{
  gint64 n = count_positions (l), samples = MIN (n, MAX_SAMPLES);
  gint64 total = samples * l->options->passes;
  AtlRandom random;

  atl_random_init (&random, 2, (guint64)(l->stage * ATL_MAX_LEVELS + l->level));
  for (gint64 i = 0; i < total; i++)
    {
      const AtlCodes *codes;
      int x, y;
      guint32 at = atl_random_below (&random, (guint32)MIN (n, G_MAXUINT32));

      if (i % 1024 == 0 && !report (all, l, worker, (double)i / (double)total))
        return;
      locate (l, at, &codes, &x, &y);
      learn_code (l, codes, x, y,
                  RATE * (float)(1 - 0.9 * (double)i / (double)total));
    }
}

/* --- To integers ---------------------------------------------------------- */

static void
put16 (AtlBuffer *out, int value)
{
  guint8 b[2] = { (guint8)value, (guint8)(value >> 8) };

  atl_buffer_append (out, b, 2);
}

static void
put32 (AtlBuffer *out, guint32 value)
{
  put16 (out, (int)(value & 0xffff));
  put16 (out, (int)(value >> 16));
}

/* The number of fraction bits, at most `limit`, with which all but one in 2000 of
 * the values stay within `most`. */
static int
fraction_bits (const float *values, gsize n, int most, int limit)
{
  int bits = limit;

  for (; bits > 0; bits--)
    {
      gsize beyond = 0;

      for (gsize i = 0; i < n; i++)
        beyond += fabsf (values[i]) * (float)(1 << bits) > (float)most;
      if (beyond * 2000 <= n)
        break;
    }
  return bits;
}

static int
quantise (float value, int bits, int most)
{
  double scaled = rint (ldexp (value, bits));

  return (int)CLAMP (scaled, -most, most);
}

static void
write_tree (Learner *l)
{
  int nodes = 1 << l->depth;
  double *sums = l->sums;

  for (int i = 0; i < l->k; i++)
    put16 (&l->out, l->leaf[i]);
  for (int i = 0; i < l->k; i++)
    sums[nodes + l->leaf[i]] = l->counts[i] + 0.3;
  for (int i = nodes - 1; i > 0; i--)
    sums[i] = sums[2 * i] + sums[2 * i + 1];
  put16 (&l->out, 1);
  for (int i = 1; i < nodes; i++)
    {
      double p = sums[i] > 0 ? 65536 * sums[2 * i + 1] / sums[i] : 32768;

      put16 (&l->out, (int)CLAMP (rint (p), 16, 65520));
    }
}

static void
write_network (Learner *l, int row_bits, int weight_bits)
{
  gsize nodes = (gsize)1 << l->depth, width = l->hidden;

  for (int j = 0; j < l->n_neighbours; j++)
    {
      const AtlNeighbour *n = &l->neighbours[j];
      guint8 bytes[4] = { n->level, n->stage, (guint8)n->dx, (guint8)n->dy };

      atl_buffer_append (&l->out, bytes, 4);
    }
  for (int j = 0; j < l->n_neighbours; j++)
    for (gsize i = 0; i < l->row_count[j] * width; i++)
      {
        guint8 byte = (guint8)quantise (l->rows[j][i], row_bits, 127);

        atl_buffer_append (&l->out, &byte, 1);
      }
  for (gsize i = 0; i < width; i++)
    put16 (&l->out, quantise (l->bias[i], row_bits, 2047));
  for (gsize i = 0; i < nodes * width; i++)
    put16 (&l->out, quantise (l->weights[i], weight_bits, 2047));
  for (gsize i = 0; i < nodes; i++)
    put32 (&l->out, (guint32)quantise (l->node_bias[i], row_bits + weight_bits,
                                       1 << SCALE_BITS));
}

static void
write_context (Learner *l)
{
  int row_bits = 0, weight_bits = 0;

  if (l->hidden > 0)
    {
      row_bits = fraction_bits (l->memory, (gsize)(l->bias - l->memory), 127, 10);
      weight_bits
          = fraction_bits (l->weights, (gsize)l->hidden << l->depth, 2047, 14);
      row_bits = MAX (row_bits, 8 - MIN (weight_bits, 8));
    }
  put32 (&l->out, (guint32)l->k);
  put16 (&l->out, l->hidden);
  put16 (&l->out, l->hidden > 0 ? l->n_neighbours : 0);
  put16 (&l->out, MAX (0, row_bits + weight_bits - 8));
  put16 (&l->out, 0);
  write_tree (l);
  if (l->hidden > 0)
    write_network (l, row_bits, weight_bits);
}

/* --- All contexts --------------------------------------------------------- */

static void
learner_init (Learner *l)
{
  l->k = picture (l, 0)->levels[l->level].k;
  l->depth = atl_tree_depth (l->k);
  l->hidden = l->k <= MAX_K && l->k > 1 ? l->options->hidden : 0;
  l->out = (AtlBuffer)ATL_BUFFER_INIT (_ ("the context tables"));
  choose_neighbours (l);
  for (int j = 0; j < l->n_neighbours; j++)
    l->row_count[j] = (gsize)picture (l, 0)->levels[l->neighbours[j].level].k + 1;
}

static void
learner_clear (Learner *l)
{
  atl_free (l->order);
  atl_free (l->leaf);
  atl_free (l->counts);
  atl_free (l->sums);
  atl_free (l->memory);
  atl_buffer_clear (&l->out);
  g_clear_error (&l->error);
}

static void
learn_task (gpointer data, gint64 task, int worker)
{
  const Learners *all = data;
  Learner *l = &all->learners[task];
  GError *error = NULL;

  if (!count_codes (l) || !make_tree (l))
    return;
  if (l->hidden > 0 && !start_network (l, &error))
    {
      g_clear_error (&error);
      l->hidden = 0; /* a smaller context serves too */
    }
  if (l->hidden > 0)
    learn (all, l, worker);
  write_context (l);
  g_atomic_int_set (&l->done, 1000);
}

GBytes *
atl_prime_contexts (const AtlModel *model, GPtrArray *pictures, AtlPool *pool,
                    const AtlPrimeOptions *options, const AtlProgress *progress,
                    GError **error)
{
  static const AtlPrimeOptions defaults = ATL_PRIME_DEFAULTS;
  const AtlCodes *first
      = pictures->len > 0 ? g_ptr_array_index (pictures, 0) : NULL;
  g_auto (AtlBuffer) out = ATL_BUFFER_INIT (_ ("the context tables"));
  g_autofree Learner *learners = NULL;
  Learners all;
  int n;
  GError *problem = NULL;

  if (!first
      || (pictures->len == 1
          && (gint64)first->levels[0].width * first->levels[0].height < MIN_CODES))
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_DATA,
          _ ("There are too few codes to learn contexts from; give more or "
             "larger pictures"));
      return NULL;
    }
  n = first->n_levels * first->stages;
  learners = g_new0 (Learner, n);
  all = (Learners){ learners, n, progress };
  for (int i = 0; i < n; i++)
    {
      learners[i] = (Learner){ .model = model,
                               .options = options ? options : &defaults,
                               .pictures = pictures,
                               .stage = i / first->n_levels,
                               .level = i % first->n_levels };
      learner_init (&learners[i]);
    }
  atl_pool_run (pool, n, learn_task, &all);
  atl_buffer_append (&out, "ATLC", 4);
  put32 (&out, 1);
  put32 (&out, (guint32)first->n_levels);
  put32 (&out, (guint32)first->stages);
  for (int i = 0; i < n; i++)
    {
      atl_buffer_move (&out, &learners[i].out);
      if (!problem)
        problem = g_steal_pointer (&learners[i].error);
      learner_clear (&learners[i]);
    }
  if (problem)
    {
      g_propagate_error (error, problem);
      return NULL;
    }
  if (!atl_progress_update (progress, 1, NULL, error))
    return NULL;
  return atl_buffer_to_bytes (&out, error);
}
