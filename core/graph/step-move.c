/* Steps that move pixels: upsampling, space to depth and back, reflection.
 * (Nearest upsampling and reflection before convolutions do not come here: the
 * convolutions read through maps.) */

#include <math.h>
#include <string.h>

#include "graph/plan-private.h"

typedef struct
{
  AtlPlan *plan;
  const AtlNode *node;
  AtlView in, out; /* values, or gradients in backward */
  gboolean accumulate;
} Run;

static float *
pixel (const AtlView *v, int n, int y, int x)
{
  return v->data + (((gsize)n * v->shape.h + y) * v->shape.w + x) * v->stride;
}

/* One task a row of the output (forward) or an image (backward, which adds up
 * at pixels that several others were made from). */

static void
clear_input_gradient (const Run *r, int n)
{
  for (int y = 0; y < r->in.shape.h && !r->accumulate; y++)
    for (int x = 0; x < r->in.shape.w; x++)
      memset (pixel (&r->in, n, y, x), 0, r->in.shape.c * sizeof (float));
}

static void
add_scaled (float *to, const float *from, float scale, int n)
{
  for (int i = 0; i < n; i++)
    to[i] += scale * from[i];
}

static gint64
out_rows (AtlPlan *plan, Step *step)
{
  AtlShape out = plan->values[step->out].shape;

  return (gint64)out.n * out.h;
}

static void
run_forward (AtlPlan *plan, Step *step, PlanTask task, gint64 n_tasks)
{
  Run r = {
    .plan = plan,
    .node = atl_graph_get_node (plan->graph, step->node),
    .in = plan_value (plan, step->source),
    .out = plan_value (plan, step->out),
  };

  plan_parallel (plan, n_tasks, task, &r);
}

static void
run_backward (AtlPlan *plan, Step *step, PlanTask task, gint64 n_tasks)
{
  Run r = {
    .plan = plan,
    .node = atl_graph_get_node (plan->graph, step->node),
    .out = plan_gradient (plan, step->out),
  };

  if (!plan_has_gradient (plan, step->source))
    return;
  r.accumulate = plan_take_gradient (plan, step->source);
  r.in = plan_gradient (plan, step->source);
  plan_parallel (plan, n_tasks, task, &r);
}

/* --- Upsampling --------------------------------------------------------- */

/* PyTorch's align_corners=False: output y lies at (y + .5) / f - .5. */
static void
bilinear_at (int y, int factor, int side, int *y0, int *y1, float *t)
{
  float at = fmaxf (0, (y + 0.5f) / factor - 0.5f);

  *y0 = (int)at;
  *y1 = MIN (*y0 + 1, side - 1);
  *t = at - *y0;
}

/* Weights and places of the up to four pixels that make output (y, x). */
static int
upsample_sources (const Run *r, int y, int x, int ys[4], int xs[4],
                  float weights[4])
{
  int f = r->node->factor, y0, y1, x0, x1;
  float ty, tx;

  if (!r->node->bilinear)
    {
      ys[0] = y / f;
      xs[0] = x / f;
      weights[0] = 1;
      return 1;
    }
  bilinear_at (y, f, r->in.shape.h, &y0, &y1, &ty);
  bilinear_at (x, f, r->in.shape.w, &x0, &x1, &tx);
  for (int i = 0; i < 4; i++)
    {
      ys[i] = i / 2 ? y1 : y0;
      xs[i] = i % 2 ? x1 : x0;
      weights[i] = (i / 2 ? ty : 1 - ty) * (i % 2 ? tx : 1 - tx);
    }
  return 4;
}

static void
upsample_row (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  int n = task / r->out.shape.h, y = task % r->out.shape.h, c = r->out.shape.c;
  int ys[4], xs[4];
  float weights[4];

  for (int x = 0; x < r->out.shape.w; x++)
    {
      int sources = upsample_sources (r, y, x, ys, xs, weights);
      float *out = pixel (&r->out, n, y, x);

      memset (out, 0, c * sizeof (float));
      for (int i = 0; i < sources; i++)
        add_scaled (out, pixel (&r->in, n, ys[i], xs[i]), weights[i], c);
    }
}

static void
upsample_back (gpointer data, gint64 n, gpointer scratch)
{
  const Run *r = data;
  int ys[4], xs[4];
  float weights[4];

  clear_input_gradient (r, n);
  for (int y = 0; y < r->out.shape.h; y++)
    for (int x = 0; x < r->out.shape.w; x++)
      {
        int sources = upsample_sources (r, y, x, ys, xs, weights);

        for (int i = 0; i < sources; i++)
          add_scaled (pixel (&r->in, n, ys[i], xs[i]), pixel (&r->out, n, y, x),
                      weights[i], r->out.shape.c);
      }
}

static void
upsample_forward (AtlPlan *plan, Step *step)
{
  run_forward (plan, step, upsample_row, out_rows (plan, step));
}

static void
upsample_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  run_backward (plan, step, upsample_back, plan->values[step->out].shape.n);
}

const StepClass step_upsample_class = {
  .name = "upsample",
  .forward = upsample_forward,
  .backward = upsample_backward,
};

/* --- Space to depth and back -------------------------------------------- */

/* Between a deep pixel, channels c f f + i f + j, and the f x f block of wide
 * ones: copies to the deep one, or from it, or adds. */
static void
exchange (const AtlView *deep, const AtlView *wide, int f, int n, int y, int x,
          gboolean to_deep, gboolean accumulate)
{
  float *d = pixel (deep, n, y, x);
  int channels = wide->shape.c;

  for (int i = 0; i < f; i++)
    for (int j = 0; j < f; j++)
      {
        float *w = pixel (wide, n, y * f + i, x * f + j);
        float *part = d + i * f + j;

        for (int c = 0; c < channels; c++)
          {
            float *to = to_deep ? &part[c * f * f] : &w[c];
            float from = to_deep ? w[c] : part[c * f * f];

            *to = accumulate ? *to + from : from;
          }
      }
}

static void
reorder_task (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  gboolean deepen = r->node->op == ATL_OP_SPACE_TO_DEPTH;
  const AtlView *deep = deepen ? &r->out : &r->in;
  const AtlView *wide = deepen ? &r->in : &r->out;
  int n = task / deep->shape.h, y = task % deep->shape.h;

  for (int x = 0; x < deep->shape.w; x++)
    exchange (deep, wide, r->node->factor, n, y, x, deepen, FALSE);
}

static void
reorder_back (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  gboolean deepen = r->node->op == ATL_OP_SPACE_TO_DEPTH;
  const AtlView *deep = deepen ? &r->out : &r->in;
  const AtlView *wide = deepen ? &r->in : &r->out;
  int n = task / deep->shape.h, y = task % deep->shape.h;

  for (int x = 0; x < deep->shape.w; x++)
    exchange (deep, wide, r->node->factor, n, y, x, !deepen, r->accumulate);
}

/* A task is a row of the deep picture. */
static gint64
deep_rows (AtlPlan *plan, Step *step)
{
  AtlShape in = plan->values[step->source].shape,
           out = plan->values[step->out].shape;

  return (gint64)in.n * MIN (in.h, out.h);
}

static void
reorder_forward (AtlPlan *plan, Step *step)
{
  run_forward (plan, step, reorder_task, deep_rows (plan, step));
}

static void
reorder_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  run_backward (plan, step, reorder_back, deep_rows (plan, step));
}

const StepClass step_reorder_class = {
  .name = "reorder",
  .forward = reorder_forward,
  .backward = reorder_backward,
};

/* --- Reflection --------------------------------------------------------- */

static int
reflect (int at, int side)
{
  if (at < 0)
    return -at;
  return at >= side ? 2 * (side - 1) - at : at;
}

static void
reflect_row (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  int p = r->node->factor;
  int n = task / r->out.shape.h, y = task % r->out.shape.h;
  int from = reflect (y - p, r->in.shape.h);

  for (int x = 0; x < r->out.shape.w; x++)
    memcpy (pixel (&r->out, n, y, x),
            pixel (&r->in, n, from, reflect (x - p, r->in.shape.w)),
            r->out.shape.c * sizeof (float));
}

static void
reflect_back (gpointer data, gint64 n, gpointer scratch)
{
  const Run *r = data;
  int p = r->node->factor;

  clear_input_gradient (r, n);
  for (int y = 0; y < r->out.shape.h; y++)
    for (int x = 0; x < r->out.shape.w; x++)
      add_scaled (pixel (&r->in, n, reflect (y - p, r->in.shape.h),
                         reflect (x - p, r->in.shape.w)),
                  pixel (&r->out, n, y, x), 1, r->out.shape.c);
}

static void
reflect_forward (AtlPlan *plan, Step *step)
{
  run_forward (plan, step, reflect_row, out_rows (plan, step));
}

static void
reflect_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  run_backward (plan, step, reflect_back, plan->values[step->out].shape.n);
}

const StepClass step_reflect_class = {
  .name = "reflect",
  .forward = reflect_forward,
  .backward = reflect_backward,
};
