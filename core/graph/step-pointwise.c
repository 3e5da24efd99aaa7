/* Steps that work on each value alone: activation, sum, copy, dropout.  They
 * run where nothing could be fused. */

#include <string.h>

#include "graph/plan-private.h"

typedef struct
{
  AtlPlan *plan;
  const Step *step;
  AtlView from, to, with; /* with: second operand or activation's output */
  gboolean has_with, accumulate;
  AtlEpilogue epilogue;
} Run;

static gint64
pixels (const AtlView *v)
{
  return (gint64)v->shape.n * v->shape.h * v->shape.w;
}

static void
epilogue_rows (gpointer data, gint64 first, int rows)
{
  const Run *r = data;

  r->plan->kernels->epilogue (
      rows, r->from.shape.c, r->from.data + first * r->from.stride, r->from.stride,
      r->has_with ? r->with.data + first * r->with.stride : NULL, r->with.stride,
      r->to.data + first * r->to.stride, r->to.stride, &r->epilogue);
}

/* to (+)= from */
static void
pass_rows (gpointer data, gint64 first, int rows)
{
  const Run *r = data;
  const float *from = r->from.data + first * r->from.stride;
  float *to = r->to.data + first * r->to.stride;

  if (r->accumulate)
    r->plan->kernels->accumulate (rows, r->from.shape.c, from, r->from.stride, to,
                                  r->to.stride);
  else
    for (int i = 0; i < rows; i++)
      memcpy (to + i * r->to.stride, from + i * r->from.stride,
              r->from.shape.c * sizeof (float));
}

/* Adds the gradient of the step's output to that of `node`. */
static void
pass_gradient (AtlPlan *plan, const Step *step, int node, AtlView dy)
{
  Run r = { .plan = plan, .step = step, .from = dy };

  if (!plan_has_gradient (plan, node))
    return;
  r.accumulate = plan_take_gradient (plan, node);
  r.to = plan_gradient (plan, node);
  plan_parallel_rows (plan, pixels (&dy), pass_rows, &r);
}

/* --- Activation --------------------------------------------------------- */

static void
activation_forward (AtlPlan *plan, Step *step)
{
  const AtlNode *node = atl_graph_get_node (plan->graph, step->node);
  Run r = {
    .plan = plan,
    .step = step,
    .from = plan_value (plan, step->source),
    .to = plan_value (plan, step->out),
    .epilogue = { .activation = node->activation, .slope = node->slope },
  };

  plan_parallel_rows (plan, pixels (&r.from), epilogue_rows, &r);
}

static void
activation_rows (gpointer data, gint64 first, int rows)
{
  const Run *r = data;

  r->plan->kernels->activation_backward (
      rows, r->from.shape.c, r->with.data + first * r->with.stride, r->with.stride,
      r->from.data + first * r->from.stride, r->from.stride, r->epilogue.activation,
      r->epilogue.slope, r->to.data + first * r->to.stride, r->to.stride,
      r->accumulate);
}

static void
activation_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  const AtlNode *node = atl_graph_get_node (plan->graph, step->node);
  Run r = {
    .plan = plan,
    .step = step,
    .from = plan_gradient (plan, step->out),
    .with = plan_value (plan, step->out),
    .epilogue = { .activation = node->activation, .slope = node->slope },
  };

  if (!plan_has_gradient (plan, step->source))
    return;
  r.accumulate = plan_take_gradient (plan, step->source);
  r.to = plan_gradient (plan, step->source);
  plan_parallel_rows (plan, pixels (&r.from), activation_rows, &r);
}

const StepClass step_activation_class = {
  .name = "activation",
  .forward = activation_forward,
  .backward = activation_backward,
};

/* --- Sum ---------------------------------------------------------------- */

static void
add_forward (AtlPlan *plan, Step *step)
{
  Run r = {
    .plan = plan,
    .step = step,
    .from = plan_value (plan, step->source),
    .with = plan_value (plan, step->second),
    .has_with = TRUE,
    .to = plan_value (plan, step->out),
    .epilogue = { .activation = step->activation, .slope = step->slope },
  };

  plan_parallel_rows (plan, pixels (&r.from), epilogue_rows, &r);
}

static void
add_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  AtlView dy = plan_undo_epilogue (plan, step);

  pass_gradient (plan, step, step->source, dy);
  pass_gradient (plan, step, step->second, dy);
}

const StepClass step_add_class = {
  .name = "sum",
  .forward = add_forward,
  .backward = add_backward,
};

/* --- Copy into a concat ------------------------------------------------- */

/* The part of the concat from channel step->second on. */
static AtlView
part_of (const Step *step, AtlView whole, int channels)
{
  whole.data += step->second;
  whole.shape.c = channels;
  return whole;
}

static void
copy_forward (AtlPlan *plan, Step *step)
{
  Run r = { .plan = plan, .step = step, .from = plan_value (plan, step->source) };

  r.to = part_of (step, plan_value (plan, step->out), r.from.shape.c);
  plan_parallel_rows (plan, pixels (&r.from), pass_rows, &r);
}

static void
copy_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  int channels = plan->values[step->source].shape.c;

  pass_gradient (plan, step, step->source,
                 part_of (step, plan_gradient (plan, step->out), channels));
}

const StepClass step_copy_class = {
  .name = "copy",
  .forward = copy_forward,
  .backward = copy_backward,
};

/* --- Dropout ------------------------------------------------------------ */

static void
dropout_rows (gpointer data, gint64 first, int rows)
{
  const Run *r = data;
  const AtlNode *node = atl_graph_get_node (r->plan->graph, r->step->node);
  int c = r->from.shape.c;
  /* each pixel's mask begins at a multiple of four numbers */
  gsize numbers = (c + 3) / 4 * 4;
  gboolean dense = r->from.stride == (gsize)c && r->to.stride == (gsize)c
                   && numbers == (gsize)c;
  int step = dense ? rows : 1;

  for (gint64 i = first; i < first + rows; i += step)
    r->plan->kernels->dropout ((gsize)step * c, r->from.data + i * r->from.stride,
                               node->probability, r->plan->seed, r->step->node,
                               i * numbers, r->to.data + i * r->to.stride);
}

static void
dropout_forward (AtlPlan *plan, Step *step)
{
  Run r = {
    .plan = plan,
    .step = step,
    .from = plan_value (plan, step->source),
    .to = plan_value (plan, step->out),
  };

  plan_parallel_rows (plan, pixels (&r.from), dropout_rows, &r);
}

static void
dropout_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  AtlView dy = plan_gradient (plan, step->out);
  Run r = { .plan = plan, .step = step, .from = dy, .to = dy };

  /* the gradient of the output is nobody else's any more */
  plan_parallel_rows (plan, pixels (&dy), dropout_rows, &r);
  pass_gradient (plan, step, step->source, dy);
}

const StepClass step_dropout_class = {
  .name = "dropout",
  .forward = dropout_forward,
  .backward = dropout_backward,
};
