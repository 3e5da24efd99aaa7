/* The step of a convolution, transposed or not, with what is fused into it. */

#include <string.h>

#include "base/memory.h"
#include "graph/conv.h"

typedef struct
{
  Conv conv;
  float *scale; /* of a fused norm, else NULL: [2][OC], the shift behind it */
  float *shift;

  /* training */
  Conv dual;     /* dY -> dX */
  int temporary; /* buffer of the dual's output where maps or an activation
                         lie between it and dX; with maps, dX follows in it */
  int gradient_workspace;
  double *bias_sums; /* [tasks][OC]; NULL without a bias */
} State;

static void
init_conv (AtlPlan *plan, Step *step, Conv *conv)
{
  const AtlNode *node = atl_graph_get_node (plan->graph, step->node);
  AtlShape in = plan->values[step->source].shape;
  AtlShape out = plan->values[step->node].shape;

  *conv = (Conv){
    .transposed = node->op == ATL_OP_CONV_TRANSPOSE2D,
    .kernel = node->kernel,
    .stride = node->stride,
    .padding = node->padding,
    .c = in.c,
    .oc = out.c,
    .n = in.n,
    .h = in.h,
    .w = in.w,
    .oh = out.h,
    .ow = out.w,
    .parameter = atl_graph_find_parameter (plan->graph, step->node, "weight"),
  };
}

/* Sizes of the op's input as the op sees it. */
static AtlShape
virtual_shape (AtlPlan *plan, Step *step)
{
  const AtlNode *node = atl_graph_get_node (plan->graph, step->node);

  return plan->values[node->inputs[0]].shape;
}

static void
prepare_backward (AtlPlan *plan, Step *step)
{
  State *state = step->state;
  AtlShape seen = virtual_shape (plan, step);

  plan_need_scratch (plan,
                     (gsize)2 * state->conv.n * state->conv.oh * sizeof (void *));
  state->gradient_workspace
      = plan_add_workspace (plan, conv_gradient_bytes (plan, &state->conv), TRUE);
  if (!plan_has_gradient (plan, step->source))
    return;
  state->dual = state->conv;
  state->dual.dual = TRUE;
  if (state->conv.stride == 1 && !state->conv.transposed)
    {
      state->dual.flipped = TRUE;
      state->dual.padding = state->conv.kernel - 1 - state->conv.padding;
    }
  else
    state->dual.transposed = !state->conv.transposed;
  state->dual.c = state->conv.oc;
  state->dual.oc = state->conv.c;
  state->dual.h = state->conv.oh;
  state->dual.w = state->conv.ow;
  state->dual.oh = seen.h;
  state->dual.ow = seen.w;
  state->dual.workspace_bytes = 0;
  state->dual.chunk = 0;
  conv_prepare (plan, &state->dual, NULL, 0, state->conv.oh, state->conv.ow);
  if (state->dual.workspace_bytes > 0)
    state->dual.workspace
        = plan_add_workspace (plan, state->dual.workspace_bytes, TRUE);
  if (step->n_path > 0 || step->load != ATL_ACTIVATION_NONE)
    {
      AtlShape in = plan->values[step->source].shape;
      gsize floats = (gsize)seen.n * seen.h * seen.w * seen.c;

      if (step->n_path > 0)
        floats += (gsize)in.n * in.h * in.w * in.c;
      state->temporary = plan_add_workspace (plan, floats * sizeof (float), TRUE);
    }
}

static void
conv_step_prepare (AtlPlan *plan, Step *step)
{
  State *state = g_new0 (State, 1);
  AtlShape seen = virtual_shape (plan, step);

  step->state = state;
  init_conv (plan, step, &state->conv);
  conv_prepare (plan, &state->conv, step->path, step->n_path, seen.h, seen.w);
  if (state->conv.workspace_bytes > 0)
    state->conv.workspace
        = plan_add_workspace (plan, state->conv.workspace_bytes, FALSE);
  if (plan->options.training)
    prepare_backward (plan, step);
}

static gint64
bias_tasks (const Conv *conv)
{
  gint64 rows = (gint64)conv->n * conv->oh * conv->ow;

  return (rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
}

static gboolean
conv_step_bind (AtlPlan *plan, Step *step, GError **error)
{
  State *state = step->state;
  gsize oc = (gsize)state->conv.oc;

  if (step->norm >= 0)
    {
      state->scale = plan_alloc (2 * oc, sizeof *state->scale, error);
      if (state->scale == NULL)
        return FALSE;
      state->shift = state->scale + oc;
    }
  if (plan->options.training
      && atl_graph_find_parameter (plan->graph, step->node, "bias") >= 0)
    {
      state->bias_sums
          = plan_alloc (bias_tasks (&state->conv) * oc, sizeof (double), error);
      if (state->bias_sums == NULL)
        return FALSE;
    }
  if (!conv_bind (plan, &state->conv, error))
    return FALSE;
  return state->dual.rows == NULL || conv_bind (plan, &state->dual, error);
}

/* A norm with known statistics after a bias: scale (x + bias) + shift. */
static void
fold_norm (AtlPlan *plan, Step *step, const float *bias)
{
  State *state = step->state;
  const float *mean, *variance;

  plan_norm_known (plan, step->norm, &mean, &variance);
  plan_norm_affine (plan, step->norm, mean, variance, state->scale, state->shift);
  for (int c = 0; c < state->conv.oc && bias != NULL; c++)
    state->shift[c] += state->scale[c] * bias[c];
}

static void
conv_step_forward (AtlPlan *plan, Step *step)
{
  State *state = step->state;
  const float *bias = plan_parameter (plan, step->node, "bias");
  AtlView residual;
  ConvIo io = {
    .in = plan_value (plan, step->source),
    .out = plan_value (plan, step->out),
    .load = step->load,
    .load_slope = step->load_slope,
    .epilogue
    = { .shift = bias, .activation = step->activation, .slope = step->slope },
  };

  if (step->norm >= 0)
    {
      fold_norm (plan, step, bias);
      io.epilogue.scale = state->scale;
      io.epilogue.shift = state->shift;
    }
  if (step->residual >= 0)
    {
      residual = plan_value (plan, step->residual);
      io.residual = &residual;
    }
  conv_run (plan, &state->conv, &io);
}

/* --- Backward ----------------------------------------------------------- */

typedef struct
{
  AtlPlan *plan;
  const Step *step;
  AtlView from; /* gradient of what the op saw */
  AtlView to;   /* gradient of what is stored */
  AtlView x;    /* what is stored */
  gboolean accumulate;
  double *sums;
} Fold;

/* One image: each padded pixel's gradient to the pixel it was read from.  The
 * maps of the forward convolution, shifted to the op's own coordinates. */
static void
scatter_image (gpointer data, gint64 n, gpointer scratch)
{
  const Fold *f = data;
  const State *state = f->step->state;
  const Conv *conv = &state->conv;
  const AtlKernels *k = f->plan->kernels;
  int before = conv_pad_before (conv);

  for (int y = 0; y < f->from.shape.h; y++)
    {
      int row = y + before < conv->n_rows ? conv->rows[y + before] : -1;

      for (int x = 0; x < f->from.shape.w && row >= 0; x++)
        {
          int col = x + before < conv->n_cols ? conv->cols[x + before] : -1;
          gsize from = ((gsize)n * f->from.shape.h + y) * f->from.shape.w + x;
          gsize to = ((gsize)n * conv->h + row) * conv->w + col;

          if (col >= 0)
            k->accumulate (1, conv->c, f->from.data + from * f->from.stride,
                           f->from.stride, f->to.data + to * f->to.stride,
                           f->to.stride);
        }
    }
}

static void
undo_load (gpointer data, gint64 first, int rows)
{
  const Fold *f = data;
  float *to = f->to.data + first * f->to.stride;
  const float *from = f->from.data + first * f->from.stride;

  if (f->step->load != ATL_ACTIVATION_NONE)
    f->plan->kernels->activation_backward (
        rows, f->to.shape.c, f->x.data + first * f->x.stride, f->x.stride, from,
        f->from.stride, f->step->load, f->step->load_slope, to, f->to.stride,
        f->accumulate);
  else if (f->accumulate)
    f->plan->kernels->accumulate (rows, f->to.shape.c, from, f->from.stride, to,
                                  f->to.stride);
  else
    for (int i = 0; i < rows; i++)
      memcpy (to + i * f->to.stride, from + i * f->from.stride,
              f->to.shape.c * sizeof (float));
}

/* From the gradient of what the op saw to that of what is stored: pixels go
 * back to where the maps read them, then through the activation. */
static void
fold_input (Fold *f, const State *state)
{
  AtlPlan *plan = f->plan;
  gint64 pixels = (gint64)f->to.shape.n * f->to.shape.h * f->to.shape.w;
  AtlView to = f->to;

  if (f->step->n_path > 0)
    {
      AtlView stored = f->to;

      stored.data = (float *)plan_buffer (plan, state->temporary)
                    + (gsize)f->from.shape.n * f->from.shape.h * f->from.shape.w
                          * f->from.shape.c;
      stored.stride = f->to.shape.c;
      memset (stored.data, 0, pixels * stored.stride * sizeof (float));
      f->to = stored;
      plan_parallel (plan, f->to.shape.n, scatter_image, f);
      f->from = stored;
      f->to = to;
    }
  plan_parallel_rows (plan, pixels, undo_load, f);
}

static void
backward_to_input (AtlPlan *plan, Step *step, AtlView dy)
{
  State *state = step->state;
  AtlShape seen = virtual_shape (plan, step);
  Fold f = {
    .plan = plan,
    .step = step,
    .x = plan_value (plan, step->source),
    .to = plan_gradient (plan, step->source),
  };
  ConvIo io = { .in = dy };

  f.accumulate = plan_take_gradient (plan, step->source);
  if (step->n_path == 0 && step->load == ATL_ACTIVATION_NONE)
    {
      io.out = f.to;
      io.residual = f.accumulate ? &f.to : NULL;
      conv_run (plan, &state->dual, &io);
      return;
    }
  f.from = (AtlView){ plan_buffer (plan, state->temporary), seen, seen.c };
  io.out = f.from;
  conv_run (plan, &state->dual, &io);
  fold_input (&f, state);
}

/* --- Bias --------------------------------------------------------------- */

static void
bias_task (gpointer data, gint64 first, int rows)
{
  const Fold *f = data;
  double *sums = f->sums + first / ROWS_PER_TASK * f->from.shape.c;

  memset (sums, 0, f->from.shape.c * sizeof (double));
  f->plan->kernels->column_sums (rows, f->from.shape.c,
                                 f->from.data + first * f->from.stride,
                                 f->from.stride, sums);
}

static void
backward_to_bias (AtlPlan *plan, Step *step, AtlView dy)
{
  const State *state = step->state;
  int i = atl_graph_find_parameter (plan->graph, step->node, "bias");
  gint64 rows = (gint64)dy.shape.n * dy.shape.h * dy.shape.w;
  gint64 tasks = bias_tasks (&state->conv);
  const double *sums = state->bias_sums;
  Fold f = { .plan = plan, .from = dy, .sums = state->bias_sums };
  gboolean accumulate;
  float *gradient;

  if (i < 0)
    return;
  gradient = atl_weights_gradient_of (plan->weights, i, &accumulate);
  plan_parallel_rows (plan, rows, bias_task, &f);
  for (int c = 0; c < dy.shape.c; c++)
    {
      double sum = 0;

      for (gint64 t = 0; t < tasks; t++)
        sum += sums[t * dy.shape.c + c];
      gradient[c] = accumulate ? gradient[c] + sum : sum;
    }
}

static void
conv_step_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  State *state = step->state;
  AtlView dy = plan_undo_epilogue (plan, step);

  if (!inputs_only)
    {
      ConvIo io = {
        .in = plan_value (plan, step->source),
        .out = dy,
        .load = step->load,
        .load_slope = step->load_slope,
      };
      gboolean accumulate;
      float *gradient = atl_weights_gradient_of (
          plan->weights, state->conv.parameter, &accumulate);

      conv_gradient (plan, &state->conv, &io,
                     plan_buffer (plan, state->gradient_workspace), gradient,
                     accumulate);
      backward_to_bias (plan, step, dy);
    }
  if (state->dual.rows != NULL)
    backward_to_input (plan, step, dy);
}

static char *
conv_step_describe (AtlPlan *plan, Step *step)
{
  const State *state = step->state;
  const Conv *c = &state->conv;

  return g_strdup_printf (
      "%dx%d/%d %d->%d %s%s%s%s", c->kernel, c->kernel, c->stride, c->c, c->oc,
      conv_algorithm_name (c), step->norm >= 0 ? " +norm" : "",
      step->residual >= 0 ? " +sum" : "",
      step->activation != ATL_ACTIVATION_NONE ? " +activation" : "");
}

static void
conv_step_clear (Step *step)
{
  State *state = step->state;

  if (state == NULL)
    return;
  conv_clear (&state->conv);
  conv_clear (&state->dual);
  atl_free (state->scale);
  atl_free (state->bias_sums);
}

const StepClass step_conv_class = {
  .name = "conv",
  .prepare = conv_step_prepare,
  .bind = conv_step_bind,
  .forward = conv_step_forward,
  .backward = conv_step_backward,
  .describe = conv_step_describe,
  .clear = conv_step_clear,
};
