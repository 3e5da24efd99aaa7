/* See codebook.h. */

#include "train/codebook.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/kmeans.h"

#define WHAT "the codebook" /* for messages */
#define SLICE 16            /* columns a task */
#define KMEANS_ITERATIONS 12
#define RECENT 100.0  /* steps */
#define SMOOTHING 0.1 /* of the average count, added to each for its bits */
#define STREAM_KMEANS 0x6b6d6561ull
#define STREAM_REVIVE 0x72657669ull

struct _AtlCodebook
{
  char *name;
  AtlWeights *weights;
  AtlPool *pool;
  const AtlCollective *collective;
  AtlCodebookSettings settings;
  int node, stages, k, dim;
  float *entries[ATL_MAX_STAGES]; /* in the arena: [k][dim] */

  /* Kept from step to step; [stages][k], [stages][k][dim]. */
  double *counts, *sums, *last_used;
  float *first, *second; /* Adam's moments, by gradient; else NULL */
  double *variances;     /* [stages]; 0: not seen yet */
  double steps;          /* of moving */

  /* Of this step: [stages][k] counts, [stages][k][dim] sums, [stages][dim] sums
   * of squares, and the number of vectors; in one array, which is summed over
   * all processes. */
  double *seen;
  gsize n_seen;
  AtlView z;
  float *vectors; /* z, dense, for those to be revived */
  gsize n_vectors;
  const gint32 *codes;
  const int *used;
  double *squares; /* per slice */

  /* To work in. */
  float *gradient; /* [k][dim], by gradient */
  int *dead;       /* [k]; NULL where dead entries stay */
  double *drawn;   /* [k][dim + 1] */
};

static gsize
count_entries (const AtlCodebook *c)
{
  return (gsize)c->stages * (gsize)c->k;
}

static double *
seen_counts (const AtlCodebook *c, int stage)
{
  return c->seen + (gsize)stage * c->k;
}

static double *
seen_sums (const AtlCodebook *c, int stage)
{
  return c->seen + count_entries (c) + (gsize)stage * c->k * c->dim;
}

static double *
seen_squares (const AtlCodebook *c, int stage)
{
  return c->seen + count_entries (c) * (1 + (gsize)c->dim) + (gsize)stage * c->dim;
}

/* What a step works in, so that none is without it half way. */
static gboolean
allocate_room (AtlCodebook *c, const char *what, GError **error)
{
  gsize k = c->k, dim = c->dim;

  c->squares
      = atl_try_alloc0 ((dim + SLICE - 1) / SLICE, sizeof (double), what, error);
  if (c->squares && c->settings.by_gradient)
    c->gradient = atl_try_alloc (k * dim, sizeof (float), what, error);
  if (!c->squares || (c->settings.by_gradient && !c->gradient))
    return FALSE;
  if (!(c->settings.dead > 0))
    return TRUE;
  c->dead = atl_try_alloc (k, sizeof (int), what, error);
  c->drawn = c->dead ? atl_try_alloc (k * (dim + 1), sizeof (double), what, error)
                     : NULL;
  return c->drawn != NULL;
}

static gboolean
allocate (AtlCodebook *c, GError **error)
{
  const char *what = WHAT;
  gsize n = count_entries (c);
  gsize values = n * (gsize)c->dim;

  c->n_seen = n + values + (gsize)c->stages * (gsize)c->dim + 1;
  c->counts = atl_try_alloc0 (n, sizeof (double), what, error);
  c->last_used
      = c->counts ? atl_try_alloc0 (n, sizeof (double), what, error) : NULL;
  c->sums
      = c->last_used ? atl_try_alloc0 (values, sizeof (double), what, error) : NULL;
  c->seen
      = c->sums ? atl_try_alloc0 (c->n_seen, sizeof (double), what, error) : NULL;
  if (!c->seen || !allocate_room (c, what, error))
    return FALSE;
  if (!c->settings.by_gradient)
    return TRUE;
  c->first = atl_try_alloc0 (values, sizeof (float), what, error);
  c->second
      = c->first ? atl_try_alloc0 (values, sizeof (float), what, error) : NULL;
  return c->second != NULL;
}

/* Sums that belong to the counts and the entries as they are. */
static void
reset_sums (AtlCodebook *c)
{
  for (int s = 0; s < c->stages; s++)
    for (gsize i = 0; i < (gsize)c->k; i++)
      {
        gsize entry = (gsize)s * c->k + i;

        for (int j = 0; j < c->dim; j++)
          c->sums[entry * c->dim + j]
              = c->counts[entry] * (double)c->entries[s][i * c->dim + j];
      }
}

static void
pin_zero (AtlCodebook *c)
{
  for (int s = 1; c->settings.zero_code && s < c->stages; s++)
    memset (c->entries[s], 0, (gsize)c->dim * sizeof (float));
}

AtlCodebook *
atl_codebook_new (AtlModel *model, const char *name, AtlPool *pool,
                  const AtlCodebookSettings *settings,
                  const AtlCollective *collective, GError **error)
{
  AtlCodebook *c = g_new0 (AtlCodebook, 1);
  const AtlGraph *graph = atl_model_get_graph (model);
  const AtlNode *node;

  c->name = g_strdup (name);
  c->weights = atl_model_get_weights (model);
  c->pool = pool;
  c->collective = collective;
  c->settings = *settings;
  c->node = atl_graph_find (graph, name);
  node = atl_graph_get_node (graph, c->node);
  c->stages = node->stages;
  c->k = node->codes;
  c->dim = atl_graph_get_channels (graph, c->node);
  c->variances = g_new0 (double, c->stages);
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);

      if (p->node == c->node)
        c->entries[p->stage]
            = atl_weights_data (c->weights) + atl_weights_offset (c->weights, i);
    }
  if (!allocate (c, error))
    {
      atl_codebook_free (c);
      return NULL;
    }
  pin_zero (c);
  atl_weights_changed (c->weights);
  for (gsize i = 0; i < count_entries (c); i++)
    c->counts[i] = 1;
  reset_sums (c);
  return c;
}

void
atl_codebook_free (AtlCodebook *c)
{
  if (!c)
    return;
  g_free (c->name);
  g_free (c->variances);
  atl_free (c->squares);
  atl_free (c->gradient);
  atl_free (c->dead);
  atl_free (c->drawn);
  atl_free (c->vectors);
  atl_free (c->counts);
  atl_free (c->last_used);
  atl_free (c->sums);
  atl_free (c->seen);
  atl_free (c->first);
  atl_free (c->second);
  g_free (c);
}

int
atl_codebook_get_stages (const AtlCodebook *c)
{
  return c->stages;
}

int
atl_codebook_get_dim (const AtlCodebook *c)
{
  return c->dim;
}

gboolean
atl_codebook_start (AtlCodebook *c, const float *vectors, gsize n, GError **error)
{
  gsize values = n * (gsize)c->dim;
  float *residual = atl_try_alloc (values, sizeof (float), "k-means", error);
  gint32 *nearest
      = residual ? atl_try_alloc (n, sizeof (gint32), "k-means", error) : NULL;
  gboolean ok = nearest != NULL;

  if (ok)
    memcpy (residual, vectors, values * sizeof (float));
  for (int s = 0; ok && s < c->stages; s++)
    {
      ok = atl_kmeans (c->pool, residual, n, c->dim, c->k,
                       s > 0 && c->settings.zero_code, KMEANS_ITERATIONS,
                       c->settings.seed, STREAM_KMEANS + ((guint64)s << 32),
                       c->entries[s], c->counts + (gsize)s * c->k, nearest, error);
      for (gsize i = 0; ok && i < values; i++)
        residual[i]
            -= c->entries[s][(gsize)nearest[i / c->dim] * c->dim + i % c->dim];
    }
  /* The clusters' sizes, 1 on the average. */
  for (gsize i = 0; ok && i < count_entries (c); i++)
    c->counts[i] = MAX (c->counts[i] * c->k / (double)n, 0.05);
  if (ok)
    reset_sums (c);
  atl_weights_changed (c->weights);
  atl_free (residual);
  atl_free (nearest);
  return ok;
}

/* A slice of all columns, through all stages: the vectors in order, so that
 * sums do not depend on who runs it. */
static void
observe_task (gpointer data, gint64 task, int worker)
{
  AtlCodebook *c = data;
  int first = (int)task * SLICE, n = MIN (SLICE, c->dim - first);
  gsize pixels = (gsize)c->z.shape.h * c->z.shape.w;
  gsize n_vectors = pixels * (gsize)c->z.shape.n;
  double squares = 0;

  for (gsize v = 0; v < n_vectors; v++)
    {
      const float *z = c->z.data + v * c->z.stride + first;
      const gint32 *codes = c->codes + v * c->stages;
      int used = c->used ? c->used[v / pixels] : c->stages;
      float r[SLICE];

      for (int j = 0; j < n; j++)
        {
          r[j] = z[j];
          c->vectors[v * c->dim + first + j] = z[j];
        }
      for (int s = 0; s < used; s++)
        {
          gsize at = (gsize)codes[s] * c->dim + first;
          double *sum = seen_sums (c, s) + at;
          double *square = seen_squares (c, s) + first;
          const float *entry = c->entries[s] + at;

          for (int j = 0; j < n; j++)
            {
              sum[j] += (double)r[j];
              square[j] += (double)r[j] * (double)r[j];
              r[j] -= entry[j];
            }
          if (task == 0)
            seen_counts (c, s)[codes[s]]++;
        }
      for (int j = 0; j < n; j++)
        squares += (double)r[j] * (double)r[j];
    }
  c->squares[task] = squares;
}

gboolean
atl_codebook_observe (AtlCodebook *c, AtlView z, const gint32 *codes,
                      const int *used, double *distance, GError **error)
{
  gsize n_vectors = (gsize)z.shape.n * (gsize)z.shape.h * (gsize)z.shape.w;
  int n_slices = (c->dim + SLICE - 1) / SLICE;
  double squares = 0;

  if (n_vectors != c->n_vectors)
    {
      g_clear_pointer (&c->vectors, atl_free);
      c->n_vectors = 0;
      c->vectors
          = atl_try_alloc (n_vectors, (gsize)c->dim * sizeof (float), WHAT, error);
      if (!c->vectors)
        return FALSE;
      c->n_vectors = n_vectors;
    }
  c->z = z;
  c->codes = codes;
  c->used = used;
  memset (c->seen, 0, c->n_seen * sizeof (double));
  c->seen[c->n_seen - 1] = (double)n_vectors;
  atl_pool_run (c->pool, n_slices, observe_task, c);
  for (int i = 0; i < n_slices; i++)
    squares += c->squares[i];
  *distance = squares / (double)n_vectors / c->dim;
  return TRUE;
}

static void
move_by_averages (AtlCodebook *c, int stage)
{
  double decay = c->settings.decay, epsilon = c->settings.epsilon, total = 0;
  double *counts = c->counts + (gsize)stage * c->k;
  double *sums = c->sums + (gsize)stage * c->k * c->dim;

  for (int i = 0; i < c->k; i++)
    {
      counts[i] = decay * counts[i] + (1 - decay) * seen_counts (c, stage)[i];
      total += counts[i];
    }
  for (int i = 0; i < c->k; i++)
    {
      double smoothed = (counts[i] + epsilon) / (total + c->k * epsilon) * total;
      double *sum = sums + (gsize)i * c->dim;
      float *entry = c->entries[stage] + (gsize)i * c->dim;

      for (int j = 0; j < c->dim; j++)
        {
          sum[j] = decay * sum[j]
                   + (1 - decay) * seen_sums (c, stage)[(gsize)i * c->dim + j];
          entry[j] = (float)(sum[j] / smoothed);
        }
    }
}

static void
move_by_gradient (AtlCodebook *c, int stage, double lr_factor)
{
  double decay = c->settings.decay, elements = c->seen[c->n_seen - 1] * c->dim;
  gsize n = (gsize)c->k * (gsize)c->dim, offset = (gsize)stage * n;
  float *gradient = c->gradient;
  AtlAdam adam = { .lr = (float)(c->settings.lr * lr_factor),
                   .beta1 = 0.9f,
                   .beta2 = 0.999f,
                   .epsilon = 1e-8f,
                   .correction1 = (float)(1 - pow (0.9, c->steps)),
                   .correction2 = (float)(1 - pow (0.999, c->steps)) };

  for (int i = 0; i < c->k; i++)
    {
      double *count = &c->counts[(gsize)stage * c->k + i];

      *count = decay * *count + (1 - decay) * seen_counts (c, stage)[i];
      for (gsize j = (gsize)i * c->dim; j < (gsize)(i + 1) * c->dim; j++)
        gradient[j]
            = (float)(2
                      * (seen_counts (c, stage)[i] * (double)c->entries[stage][j]
                         - seen_sums (c, stage)[j])
                      / elements);
    }
  atl_kernels_get ()->adam (n, c->entries[stage], gradient, c->first + offset,
                            c->second + offset, NULL, &adam);
}

/* A vector of this step, as `stage` sees it, into out[dim]: of a random image
 * that uses the stage, on whichever process.  FALSE if none does. */
static gboolean
draw_residual (AtlCodebook *c, int stage, AtlRandom *random, double *out)
{
  int n = c->z.shape.n, rank = atl_collective_rank (c->collective);
  int n_ranks = atl_collective_n_ranks (c->collective);
  guint32 pixels = (guint32)(c->z.shape.h * c->z.shape.w);
  guint32 image = atl_random_below (random, (guint32)(n * n_ranks));
  guint32 pixel = atl_random_below (random, pixels);
  int local = (int)image - rank * n;
  gsize v = (gsize)local * pixels + pixel;

  memset (out, 0, (gsize)(c->dim + 1) * sizeof *out);
  if (local < 0 || local >= n || (c->used && c->used[local] <= stage))
    return FALSE;
  out[c->dim] = 1;
  for (int j = 0; j < c->dim; j++)
    {
      float r = c->vectors[v * c->dim + j];

      for (int s = 0; s < stage; s++)
        r -= c->entries[s][(gsize)c->codes[v * c->stages + s] * c->dim + j];
      out[j] = (double)r;
    }
  return TRUE;
}

/* Every process finds the same dead entries and draws the same images. */
static int
revive_stage (AtlCodebook *c, int stage, guint64 step)
{
  double *counts = c->counts + (gsize)stage * c->k, average = 0;
  int n_dead = 0, n_revived = 0, first = stage > 0 && c->settings.zero_code;
  int *dead = c->dead;
  double *drawn = c->drawn;
  AtlRandom random;

  for (int i = 0; i < c->k; i++)
    average += counts[i] / c->k;
  for (int i = first; i < c->k; i++)
    if (counts[i] < MIN (c->settings.dead, 0.1 * average))
      dead[n_dead++] = i;

  atl_random_init (&random, c->settings.seed,
                   STREAM_REVIVE + ((guint64)stage << 32) + (step << 40));
  for (int d = 0; d < n_dead; d++)
    draw_residual (c, stage, &random, drawn + (gsize)d * (c->dim + 1));
  if (n_dead > 0)
    atl_collective_sum_doubles (c->collective, drawn,
                                (gsize)n_dead * (gsize)(c->dim + 1));
  for (int d = 0; d < n_dead; d++)
    {
      const double *vector = drawn + (gsize)d * (c->dim + 1);
      gsize entry = (gsize)stage * c->k + dead[d];

      if (vector[c->dim] == 0)
        continue;
      counts[dead[d]] = 0.5 * average;
      for (int j = 0; j < c->dim; j++)
        {
          c->entries[stage][(gsize)dead[d] * c->dim + j] = (float)vector[j];
          c->sums[entry * c->dim + j] = 0.5 * average * vector[j];
        }
      n_revived++;
    }
  return n_revived;
}

/* Mean variance of an element of what a stage saw in this step. */
static double
seen_variance (const AtlCodebook *c, int stage)
{
  double n = 0, variance = 0;

  for (int i = 0; i < c->k; i++)
    n += seen_counts (c, stage)[i];
  if (n == 0)
    return 0;
  for (int j = 0; j < c->dim; j++)
    {
      double sum = 0;

      for (int i = 0; i < c->k; i++)
        sum += seen_sums (c, stage)[(gsize)i * c->dim + j];
      variance += (seen_squares (c, stage)[j] / n - sum / n * (sum / n)) / c->dim;
    }
  return variance;
}

static void
note_use (AtlCodebook *c, guint64 step)
{
  for (gsize i = 0; i < count_entries (c); i++)
    if (c->seen[i] > 0)
      c->last_used[i] = (double)(step + 1);
  for (int s = 0; s < c->stages; s++)
    {
      double seen = seen_variance (c, s), *mean = &c->variances[s];

      if (seen > 0)
        *mean = *mean == 0 ? seen : 0.99 * *mean + 0.01 * seen;
    }
}

int
atl_codebook_move (AtlCodebook *c, guint64 step, double lr_factor, gboolean revive)
{
  int revived = 0;

  atl_collective_sum_doubles (c->collective, c->seen, c->n_seen);
  note_use (c, step);
  c->steps++;
  for (int s = 0; s < c->stages; s++)
    {
      if (c->settings.by_gradient)
        move_by_gradient (c, s, lr_factor);
      else
        move_by_averages (c, s);
    }
  pin_zero (c);
  for (int s = 0; revive && c->settings.dead > 0 && s < c->stages; s++)
    revived += revive_stage (c, s, step);
  atl_weights_changed (c->weights);
  return revived;
}

void
atl_codebook_get_bits (const AtlCodebook *c, int stage, float *bits)
{
  const double *counts = c->counts + (gsize)stage * c->k;
  double total = 0, extra;

  for (int i = 0; i < c->k; i++)
    total += counts[i];
  extra = SMOOTHING * total / c->k;
  for (int i = 0; i < c->k; i++)
    bits[i] = (float)-log2 ((counts[i] + extra) / (total * (1 + SMOOTHING)));
}

const double *
atl_codebook_get_counts (const AtlCodebook *c, int stage)
{
  return c->counts + (gsize)stage * c->k;
}

double
atl_codebook_get_scale (const AtlCodebook *c, int stage)
{
  return sqrt (c->variances[0] * c->variances[stage]);
}

double
atl_codebook_get_perplexity (const AtlCodebook *c)
{
  double mean = 0;

  for (int s = 0; s < c->stages; s++)
    {
      const double *counts = c->counts + (gsize)s * c->k;
      double total = 0, entropy = 0;

      for (int i = 0; i < c->k; i++)
        total += counts[i];
      for (int i = 0; i < c->k; i++)
        if (counts[i] > 0)
          entropy -= counts[i] / total * log (counts[i] / total);
      mean += exp (entropy) / c->stages;
    }
  return mean;
}

double
atl_codebook_get_usage (const AtlCodebook *c, guint64 step)
{
  gsize used = 0;

  for (gsize i = 0; i < count_entries (c); i++)
    used += c->last_used[i] > 0 && c->last_used[i] > (double)step + 1 - RECENT;
  return (double)used / (double)count_entries (c);
}

static char *
key (const AtlCodebook *c, const char *what)
{
  return g_strconcat (c->name, ".", what, NULL);
}

void
atl_codebook_save (AtlCodebook *c, AtlCheckpoint *checkpoint)
{
  gsize n = count_entries (c), values = n * (gsize)c->dim;
  g_autofree char *counts = key (c, "counts"), *sums = key (c, "sums");
  g_autofree char *last_used = key (c, "last_used"),
                  *variances = key (c, "variances");
  g_autofree char *steps = key (c, "steps");
  g_autofree char *first = key (c, "first"), *second = key (c, "second");

  atl_training_checkpoint_add_doubles (checkpoint, counts, n, c->counts);
  atl_training_checkpoint_add_doubles (checkpoint, sums, values, c->sums);
  atl_training_checkpoint_add_doubles (checkpoint, last_used, n, c->last_used);
  atl_training_checkpoint_add_doubles (checkpoint, variances, (gsize)c->stages,
                                       c->variances);
  atl_training_checkpoint_set_number (checkpoint, steps, c->steps);
  if (!c->first)
    return;
  atl_training_checkpoint_add_floats (checkpoint, first, values, c->first);
  atl_training_checkpoint_add_floats (checkpoint, second, values, c->second);
}

gboolean
atl_codebook_load (AtlCodebook *c, const AtlCheckpoint *checkpoint, GError **error)
{
  gsize n = count_entries (c), values = n * (gsize)c->dim;
  g_autofree char *counts = key (c, "counts"), *sums = key (c, "sums");
  g_autofree char *last_used = key (c, "last_used"),
                  *variances = key (c, "variances");
  g_autofree char *steps = key (c, "steps");
  g_autofree char *first = key (c, "first"), *second = key (c, "second");

  return atl_training_checkpoint_get_doubles (checkpoint, counts, n, c->counts,
                                              error)
         && atl_training_checkpoint_get_doubles (checkpoint, sums, values, c->sums,
                                                 error)
         && atl_training_checkpoint_get_doubles (checkpoint, last_used, n,
                                                 c->last_used, error)
         && atl_training_checkpoint_get_doubles (
             checkpoint, variances, (gsize)c->stages, c->variances, error)
         && atl_training_checkpoint_get_number (checkpoint, steps, &c->steps, error)
         && (!c->first
             || (atl_training_checkpoint_get_floats (checkpoint, first, values,
                                                     c->first, error)
                 && atl_training_checkpoint_get_floats (checkpoint, second, values,
                                                        c->second, error)));
}
