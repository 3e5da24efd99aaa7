/* See optimiser.h. */

#include "train/optimiser.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define TASK_FLOATS 16384
#define LANES 8         /* sums side by side */
#define NORM_DECAY 0.99 /* of the usual length of a gradient */

struct _AtlOptimiser
{
  AtlWeights *weights;
  AtlPool *pool;
  AtlAdamSettings settings;
  gsize n;
  float *m, *v, *average;
  guint64 steps;
  double norm; /* usual */

  AtlAdam step; /* of the step under way */
  float *gradients;
  double *squares; /* a task; only with clip */
  float scale;
};

double
atl_schedule_factor (AtlSchedule schedule, guint64 step, guint64 steps,
                     guint64 warmup)
{
  double factor = 1, done = steps ? (double)step / (double)steps : 0;

  done = MIN (done, 1);
  switch (schedule)
    {
    case ATL_SCHEDULE_LINEAR:
      factor = done < 0.5 ? 1 : 2 * (1 - done);
      break;
    case ATL_SCHEDULE_COSINE:
      factor = 0.5 * (1 + cos (G_PI * done));
      break;
    case ATL_SCHEDULE_CONSTANT:
      break;
    }
  if (step < warmup)
    factor *= (double)(step + 1) / (double)warmup;
  return factor;
}

AtlOptimiser *
atl_optimiser_new (AtlWeights *weights, AtlPool *pool,
                   const AtlAdamSettings *settings, GError **error)
{
  AtlOptimiser *o = g_new0 (AtlOptimiser, 1);
  const char *what = "the optimiser";

  o->weights = weights;
  o->pool = pool;
  o->settings = *settings;
  o->n = atl_weights_n_trainable (weights);
  o->m = atl_try_alloc0 (o->n, sizeof (float), what, error);
  o->v = o->m ? atl_try_alloc0 (o->n, sizeof (float), what, error) : NULL;
  if (o->v && settings->average_decay > 0)
    o->average = atl_try_alloc (o->n, sizeof (float), what, error);
  if (o->v && settings->clip > 0)
    o->squares
        = atl_try_alloc (o->n / TASK_FLOATS + 1, sizeof (double), what, error);
  if (!o->v || (settings->average_decay > 0 && !o->average)
      || (settings->clip > 0 && !o->squares))
    {
      atl_optimiser_free (o);
      return NULL;
    }
  atl_optimiser_reset_average (o);
  return o;
}

void
atl_optimiser_free (AtlOptimiser *optimiser)
{
  if (!optimiser)
    return;
  atl_free (optimiser->m);
  atl_free (optimiser->v);
  atl_free (optimiser->average);
  atl_free (optimiser->squares);
  g_free (optimiser);
}

static void
step_task (gpointer data, gint64 task, int worker)
{
  AtlOptimiser *o = data;
  gsize first = (gsize)task * TASK_FLOATS;
  gsize n = MIN (TASK_FLOATS, o->n - first);

  atl_kernels_get ()->adam (n, atl_weights_data (o->weights) + first,
                            o->gradients + first, o->m + first, o->v + first,
                            o->average ? o->average + first : NULL, &o->step);
}

static gint64
count_tasks (const AtlOptimiser *o)
{
  return (gint64)((o->n + TASK_FLOATS - 1) / TASK_FLOATS);
}

static void
squares_task (gpointer data, gint64 task, int worker)
{
  AtlOptimiser *o = data;
  gsize first = (gsize)task * TASK_FLOATS;
  gsize last = MIN (first + TASK_FLOATS, o->n), i = first;
  double sums[LANES] = { 0 }, sum = 0;

  for (; i + LANES <= last; i += LANES)
    for (gsize j = 0; j < LANES; j++)
      sums[j] += (double)o->gradients[i + j] * (double)o->gradients[i + j];
  for (; i < last; i++)
    sum += (double)o->gradients[i] * (double)o->gradients[i];
  for (int j = 0; j < LANES; j++)
    sum += sums[j];
  o->squares[task] = sum;
}

static void
scale_task (gpointer data, gint64 task, int worker)
{
  AtlOptimiser *o = data;
  gsize first = (gsize)task * TASK_FLOATS;
  gsize last = MIN (first + TASK_FLOATS, o->n);

  for (gsize i = first; i < last; i++)
    o->gradients[i] *= o->scale;
}

/* The usual length starts with that of the first step, and learns of longer
 * ones only what was left of them. */
static void
clip_gradients (AtlOptimiser *o)
{
  gint64 n_tasks = count_tasks (o);
  double norm = 0, longest = o->settings.clip * o->norm;

  atl_pool_run (o->pool, n_tasks, squares_task, o);
  for (gint64 i = 0; i < n_tasks; i++)
    norm += o->squares[i];
  norm = sqrt (norm);
  if (o->norm == 0)
    longest = o->norm = norm;
  if (norm > longest)
    {
      o->scale = (float)(longest / norm);
      atl_pool_run (o->pool, n_tasks, scale_task, o);
      norm = longest;
    }
  o->norm = NORM_DECAY * o->norm + (1 - NORM_DECAY) * norm;
}

void
atl_optimiser_step (AtlOptimiser *o, double factor)
{
  const AtlAdamSettings *s = &o->settings;
  double t = (double)++o->steps;

  o->step = (AtlAdam){
    .lr = (float)(s->lr * factor),
    .beta1 = (float)s->beta1,
    .beta2 = (float)s->beta2,
    .epsilon = (float)s->epsilon,
    .weight_decay = (float)s->weight_decay,
    .correction1 = (float)(1 - pow (s->beta1, t)),
    .correction2 = (float)(1 - pow (s->beta2, t)),
    .average_decay = (float)MIN (s->average_decay, (1 + t) / (10 + t)),
  };
  o->gradients = atl_weights_gradients (o->weights);
  if (s->clip > 0)
    clip_gradients (o);
  atl_pool_run (o->pool, count_tasks (o), step_task, o);
  atl_weights_zero_gradients (o->weights);
  atl_weights_changed (o->weights);
}

static void
swap_task (gpointer data, gint64 task, int worker)
{
  AtlOptimiser *o = data;
  gsize first = (gsize)task * TASK_FLOATS;
  gsize last = MIN (first + TASK_FLOATS, o->n);
  float *weights = atl_weights_data (o->weights);

  for (gsize i = first; i < last; i++)
    {
      float w = weights[i];

      weights[i] = o->average[i];
      o->average[i] = w;
    }
}

void
atl_optimiser_swap_average (AtlOptimiser *o)
{
  if (!o->average)
    return;
  atl_pool_run (o->pool, count_tasks (o), swap_task, o);
  atl_weights_changed (o->weights);
}

void
atl_optimiser_reset_average (AtlOptimiser *o)
{
  if (o->average)
    memcpy (o->average, atl_weights_data (o->weights), o->n * sizeof (float));
}

gsize
atl_optimiser_get_size (const AtlOptimiser *optimiser)
{
  return optimiser->n;
}

float *
atl_optimiser_get_first (AtlOptimiser *optimiser)
{
  return optimiser->m;
}

float *
atl_optimiser_get_second (AtlOptimiser *optimiser)
{
  return optimiser->v;
}

float *
atl_optimiser_get_average (AtlOptimiser *optimiser)
{
  return optimiser->average;
}

guint64
atl_optimiser_get_steps (const AtlOptimiser *optimiser)
{
  return optimiser->steps;
}

void
atl_optimiser_set_steps (AtlOptimiser *optimiser, guint64 steps)
{
  optimiser->steps = steps;
}

double
atl_optimiser_get_norm (const AtlOptimiser *optimiser)
{
  return optimiser->norm;
}

void
atl_optimiser_set_norm (AtlOptimiser *optimiser, double norm)
{
  optimiser->norm = norm;
}

gsize
atl_optimiser_get_bytes (const AtlOptimiser *optimiser)
{
  return optimiser->n * (optimiser->average ? 3 : 2) * sizeof (float);
}
