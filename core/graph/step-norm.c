/* Batch and instance norm (Ioffe & Szegedy 2015; Ulyanov 2016).
 *
 * A batch norm has one group of statistics, over all images; an instance norm
 * one for each image.  Moments are taken per block of pixels and combined in
 * the order of the blocks (Chan, Golub & LeVeque 1983).
 */

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "graph/plan-private.h"

typedef struct
{
  int groups, c;
  gint64 rows;            /* pixels of a group */
  gint64 blocks;          /* of a group */
  double *partial;        /* [groups][blocks][2][C] */
  double *sums;           /* [4 C + 1], to work in */
  float *mean, *variance; /* [groups][C], of the last forward */
  float *a, *b, *d;       /* [groups][C], coefficients */
  float *rstd;
} State;

typedef struct
{
  AtlPlan *plan;
  Step *step;
  State *state;
  AtlView x, y, dy, dx, residual;
  gboolean has_residual, accumulate;
} Run;

void
plan_norm_affine (AtlPlan *plan, int node, const float *mean, const float *variance,
                  float *scale, float *shift)
{
  const AtlNode *n = atl_graph_get_node (plan->graph, node);
  const float *weight = plan_parameter (plan, node, "weight");
  const float *bias = plan_parameter (plan, node, "bias");
  int channels = atl_graph_get_channels (plan->graph, node);

  for (int c = 0; c < channels; c++)
    {
      scale[c]
          = (weight != NULL ? weight[c] : 1) / sqrtf (variance[c] + n->epsilon);
      shift[c] = (bias != NULL ? bias[c] : 0) - mean[c] * scale[c];
    }
}

void
plan_norm_known (AtlPlan *plan, int node, const float **mean,
                 const float **variance)
{
  int channels = atl_graph_get_channels (plan->graph, node);

  if (plan->options.statistics == ATL_STATISTICS_GIVEN)
    {
      *mean = plan->statistics[node];
      *variance = plan->statistics[node] + channels;
      return;
    }
  *mean = plan_parameter (plan, node, "running_mean");
  *variance = plan_parameter (plan, node, "running_var");
}

gboolean
atl_plan_wants_statistics (const AtlPlan *plan, int node)
{
  return plan->statistics[node] != NULL;
}

void
atl_plan_set_statistics (AtlPlan *plan, int node, const float *mean,
                         const float *variance)
{
  int channels = atl_graph_get_channels (plan->graph, node);

  g_return_if_fail (plan->statistics[node] != NULL);
  memcpy (plan->statistics[node], mean, channels * sizeof (float));
  memcpy (plan->statistics[node] + channels, variance, channels * sizeof (float));
}

static void
norm_prepare (AtlPlan *plan, Step *step)
{
  AtlShape shape = plan->values[step->node].shape;
  State *state = g_new0 (State, 1);
  gint64 pixels = (gint64)shape.h * shape.w;
  gboolean batch
      = atl_graph_get_node (plan->graph, step->node)->op == ATL_OP_BATCH_NORM;

  state->groups = batch ? 1 : shape.n;
  state->c = shape.c;
  state->rows = batch ? pixels * shape.n : pixels;
  state->blocks = (state->rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
  step->state = state;
}

static gboolean
norm_bind (AtlPlan *plan, Step *step, GError **error)
{
  State *state = step->state;
  gsize n = (gsize)state->groups * state->c;

  state->partial = plan_alloc (n * 2 * state->blocks, sizeof (double), error);
  if (state->partial == NULL)
    return FALSE;
  state->sums = plan_alloc (4 * state->c + 1, sizeof (double), error);
  if (state->sums == NULL)
    return FALSE;
  state->mean = plan_alloc (6 * n, sizeof (float), error);
  if (state->mean == NULL)
    return FALSE;
  state->variance = state->mean + n;
  state->a = state->mean + 2 * n;
  state->b = state->mean + 3 * n;
  state->d = state->mean + 4 * n;
  state->rstd = state->mean + 5 * n;
  return TRUE;
}

static void
norm_clear (Step *step)
{
  State *state = step->state;

  if (state == NULL)
    return;
  atl_free (state->partial);
  atl_free (state->sums);
  atl_free (state->mean);
}

/* Block `task`: its group, first pixel, and number of pixels. */
static gint64
block_of (const State *state, gint64 task, int *group, int *rows)
{
  gint64 block = task % state->blocks;

  *group = task / state->blocks;
  *rows = MIN (ROWS_PER_TASK, state->rows - block * ROWS_PER_TASK);
  return *group * state->rows + block * ROWS_PER_TASK;
}

static void
moments_task (gpointer data, gint64 task, gpointer scratch)
{
  Run *r = data;
  int group, rows, c = r->state->c;
  gint64 first = block_of (r->state, task, &group, &rows);
  double *partial = r->state->partial + task * 2 * c;

  r->plan->kernels->moments (rows, c, r->x.data + first * r->x.stride, r->x.stride,
                             partial, partial + c);
}

/* Mean and sum of squared deviations of one channel over a group. */
static void
combine (const State *state, int group, int c, double *mean, double *m2)
{
  double n = 0;

  *mean = *m2 = 0;
  for (gint64 b = 0; b < state->blocks; b++)
    {
      const double *p
          = state->partial + (group * state->blocks + b) * 2 * state->c + c;
      double rows = MIN (ROWS_PER_TASK, state->rows - b * ROWS_PER_TASK);
      double delta = p[0] - *mean, total = n + rows;

      *mean += delta * rows / total;
      *m2 += p[state->c] + delta * delta * n * rows / total;
      n = total;
    }
}

/* With several processes: the statistics of all their images together. */
static double
combine_processes (AtlPlan *plan, const State *state, double *mean, double *m2,
                   double *sums)
{
  double count = state->rows;

  if (plan->options.all_reduce == NULL)
    return count;
  sums[state->c] = count;
  for (int c = 0; c < state->c; c++)
    sums[c] = mean[c] * count;
  plan->options.all_reduce (plan->options.all_reduce_data, sums, state->c + 1);
  for (int c = 0; c < state->c; c++)
    {
      double all = sums[c] / sums[state->c], delta = mean[c] - all;

      m2[c] += delta * delta * count;
      mean[c] = all;
    }
  plan->options.all_reduce (plan->options.all_reduce_data, m2, state->c);
  return sums[state->c];
}

static void
update_running (AtlPlan *plan, Step *step, const double *mean, const double *m2,
                double count)
{
  const AtlNode *node = atl_graph_get_node (plan->graph, step->node);
  float *running_mean = (float *)plan_parameter (plan, step->node, "running_mean");
  float *running_var = (float *)plan_parameter (plan, step->node, "running_var");
  float m = node->momentum;

  if (running_mean == NULL)
    return;
  for (int c = 0; c < atl_graph_get_channels (plan->graph, step->node); c++)
    {
      double variance = m2[c] / MAX (count - 1, 1);

      running_mean[c] = (1 - m) * running_mean[c] + m * mean[c];
      running_var[c] = (1 - m) * running_var[c] + m * variance;
    }
}

static void
measure (Run *r)
{
  State *state = r->state;
  double *mean = state->sums, *m2 = mean + state->c;
  gboolean batch
      = atl_graph_get_node (r->plan->graph, r->step->node)->op == ATL_OP_BATCH_NORM;

  plan_parallel (r->plan, state->groups * state->blocks, moments_task, r);
  for (int g = 0; g < state->groups; g++)
    {
      double count = state->rows;

      for (int c = 0; c < state->c; c++)
        combine (state, g, c, &mean[c], &m2[c]);
      if (batch)
        count = combine_processes (r->plan, state, mean, m2, m2 + state->c);
      for (int c = 0; c < state->c; c++)
        {
          state->mean[g * state->c + c] = mean[c];
          state->variance[g * state->c + c] = m2[c] / count;
        }
      if (r->plan->options.training && batch)
        update_running (r->plan, r->step, mean, m2, count);
    }
}

static void
apply_task (gpointer data, gint64 task, gpointer scratch)
{
  Run *r = data;
  int group, rows, c = r->state->c;
  gint64 first = block_of (r->state, task, &group, &rows);
  AtlEpilogue epilogue = {
    .scale = r->state->a + (gsize)group * c,
    .shift = r->state->b + (gsize)group * c,
    .activation = r->step->activation,
    .slope = r->step->slope,
  };

  r->plan->kernels->epilogue (
      rows, c, r->x.data + first * r->x.stride, r->x.stride,
      r->has_residual ? r->residual.data + first * r->residual.stride : NULL,
      r->residual.stride, r->y.data + first * r->y.stride, r->y.stride, &epilogue);
}

static void
norm_forward (AtlPlan *plan, Step *step)
{
  State *state = step->state;
  const AtlNode *node = atl_graph_get_node (plan->graph, step->node);
  Run r = {
    .plan = plan,
    .step = step,
    .state = state,
    .x = plan_value (plan, step->source),
    .y = plan_value (plan, step->out),
    .has_residual = step->residual >= 0,
  };

  if (r.has_residual)
    r.residual = plan_value (plan, step->residual);
  if (!plan_norm_is_known (plan, step->node))
    measure (&r);
  for (int g = 0; g < state->groups; g++)
    {
      gsize at = (gsize)g * state->c;
      const float *mean = state->mean + at, *variance = state->variance + at;

      if (plan_norm_is_known (plan, step->node))
        plan_norm_known (plan, step->node, &mean, &variance);
      plan_norm_affine (plan, step->node, mean, variance, state->a + at,
                        state->b + at);
      for (int c = 0; c < state->c; c++)
        state->rstd[at + c] = 1 / sqrtf (variance[c] + node->epsilon);
    }
  plan_parallel (plan, state->groups * state->blocks, apply_task, &r);
}

/* --- Backward ----------------------------------------------------------- */

static void
sums_task (gpointer data, gint64 task, gpointer scratch)
{
  Run *r = data;
  int group, rows, c = r->state->c;
  gint64 first = block_of (r->state, task, &group, &rows);
  double *partial = r->state->partial + task * 2 * c;

  memset (partial, 0, 2 * c * sizeof (double));
  r->plan->kernels->norm_backward_sums (
      rows, c, r->x.data + first * r->x.stride, r->x.stride,
      r->dy.data + first * r->dy.stride, r->dy.stride,
      r->state->mean + (gsize)group * c, r->state->rstd + (gsize)group * c, partial,
      partial + c);
}

static void
backward_task (gpointer data, gint64 task, gpointer scratch)
{
  Run *r = data;
  int group, rows, c = r->state->c;
  gint64 first = block_of (r->state, task, &group, &rows);
  gsize at = (gsize)group * c;

  r->plan->kernels->norm_backward_apply (
      rows, c, r->x.data + first * r->x.stride, r->x.stride,
      r->dy.data + first * r->dy.stride, r->dy.stride, r->state->a + at,
      r->state->b + at, r->state->d + at, r->dx.data + first * r->dx.stride,
      r->dx.stride, r->accumulate);
}

static void
add_gradient (AtlPlan *plan, int node, const char *suffix, const double *values,
              int n)
{
  int i = atl_graph_find_parameter (plan->graph, node, suffix);
  gboolean accumulate;
  float *gradient;

  if (i < 0)
    return;
  gradient = atl_weights_gradient_of (plan->weights, i, &accumulate);
  for (int c = 0; c < n; c++)
    gradient[c] = accumulate ? gradient[c] + values[c] : values[c];
}

/* dx = gamma rstd (dy - mean (dy) - xhat mean (dy xhat)) = a dy + b x + d */
static void
coefficients (Run *r, int group, const double *sum_dy, const double *sum_dy_xhat,
              double count)
{
  State *state = r->state;
  const float *weight = plan_parameter (r->plan, r->step->node, "weight");

  for (int c = 0; c < state->c; c++)
    {
      gsize at = (gsize)group * state->c + c;
      double rstd = state->rstd[at];
      double scale = (weight != NULL ? weight[c] : 1) * rstd;
      double slope = -scale * rstd * sum_dy_xhat[c] / count;

      state->a[at] = scale;
      state->b[at] = slope;
      state->d[at] = -scale * sum_dy[c] / count - slope * state->mean[at];
    }
}

static void
backward_sums (Run *r, gboolean inputs_only)
{
  State *state = r->state;
  AtlPlan *plan = r->plan;
  double *sums = state->sums, *all = sums + 2 * state->c + 1;
  gboolean batch
      = atl_graph_get_node (plan->graph, r->step->node)->op == ATL_OP_BATCH_NORM;

  memset (all, 0, 2 * state->c * sizeof *all);
  for (int g = 0; g < state->groups; g++)
    {
      memset (sums, 0, 2 * state->c * sizeof (double));
      for (gint64 b = 0; b < state->blocks; b++)
        for (int c = 0; c < 2 * state->c; c++)
          sums[c] += state->partial[(g * state->blocks + b) * 2 * state->c + c];
      for (int c = 0; c < 2 * state->c; c++)
        all[c] += sums[c];
      sums[2 * state->c] = state->rows;
      if (batch && plan->options.all_reduce != NULL)
        plan->options.all_reduce (plan->options.all_reduce_data, sums,
                                  2 * state->c + 1);
      coefficients (r, g, sums, sums + state->c, sums[2 * state->c]);
    }
  if (inputs_only)
    return;
  add_gradient (plan, r->step->node, "bias", all, state->c);
  add_gradient (plan, r->step->node, "weight", all + state->c, state->c);
}

static void
norm_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  State *state = step->state;
  Run r = {
    .plan = plan,
    .step = step,
    .state = state,
    .x = plan_value (plan, step->source),
    .dy = plan_undo_epilogue (plan, step),
  };

  plan_parallel (plan, state->groups * state->blocks, sums_task, &r);
  backward_sums (&r, inputs_only);
  if (!plan_has_gradient (plan, step->source))
    return;
  r.accumulate = plan_take_gradient (plan, step->source);
  r.dx = plan_gradient (plan, step->source);
  plan_parallel (plan, state->groups * state->blocks, backward_task, &r);
}

const StepClass step_norm_class = {
  .name = "norm",
  .prepare = norm_prepare,
  .bind = norm_bind,
  .forward = norm_forward,
  .backward = norm_backward,
  .clear = norm_clear,
};
