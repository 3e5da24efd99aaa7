/* Where a plan's values, gradients and workspaces lie: lifetimes and views; see
 * plan-private.h. */

#include "graph/plan-private.h"

#include <string.h>

#include "base/memory.h"

/* Time runs over the forward steps 0 .. S-1, the caller's look at the results
 * at S, and the backward of step k at 2 S - k. */
static int
backward_time (const AtlPlan *plan, int step)
{
  return 2 * plan->n_steps - step;
}

static int
add_buffer (AtlPlan *plan, gsize bytes, int first, int last)
{
  AtlLifetime buffer = { .size = bytes, .first = first, .last = last };

  atl_buffer_append (&plan->buffers, &buffer, sizeof buffer);
  return (int)(plan->buffers.len / sizeof buffer) - 1;
}

int
plan_add_workspace (AtlPlan *plan, gsize bytes, gboolean backward)
{
  int step = plan->preparing;
  int time = backward ? backward_time (plan, step) : step;

  return add_buffer (plan, bytes, time, time);
}

int
plan_add_result (AtlPlan *plan, gsize bytes)
{
  return add_buffer (plan, bytes, plan->preparing, 2 * plan->n_steps + 1);
}

void
plan_need_scratch (AtlPlan *plan, gsize bytes)
{
  plan->scratch_size = MAX (plan->scratch_size, (bytes + 63) / 64 * 64);
}

void
plan_need_zeros (AtlPlan *plan, int channels)
{
  plan->n_zeros = MAX (plan->n_zeros, channels);
}

gpointer
plan_buffer (AtlPlan *plan, int buffer)
{
  return plan->arena + ((const AtlLifetime *)plan->buffers.data)[buffer].offset;
}

/* --- Values ------------------------------------------------------------- */

/* The node whose buffer holds `node`'s value, and the channel it starts at. */
static int
host_of (const AtlPlan *plan, int node, int *channel)
{
  *channel = 0;
  while (plan->values[node].host >= 0)
    {
      *channel += plan->values[node].host_channel;
      node = plan->values[node].host;
    }
  return node;
}

static AtlView
view (AtlPlan *plan, int node, gboolean gradient)
{
  int channel, host = host_of (plan, node, &channel);
  const Value *value = &plan->values[host];
  float *data = plan_buffer (plan, gradient ? value->gradient : value->buffer);

  return (AtlView){
    .data = data + channel,
    .shape = plan->values[node].shape,
    .stride = value->shape.c,
  };
}

AtlView
plan_value (AtlPlan *plan, int node)
{
  return view (plan, node, FALSE);
}

AtlView
plan_gradient (AtlPlan *plan, int node)
{
  return view (plan, node, TRUE);
}

gboolean
plan_has_gradient (AtlPlan *plan, int node)
{
  int channel;

  return plan->values[host_of (plan, node, &channel)].gradient >= 0;
}

void
plan_clear_gradient (AtlPlan *plan, int node)
{
  AtlView g = plan_gradient (plan, node);

  for (gint64 i = 0; i < (gint64)g.shape.n * g.shape.h * g.shape.w; i++)
    memset (g.data + i * g.stride, 0, g.shape.c * sizeof (float));
}

/* Whether a gradient has been written, wholly or, of a concat, in part. */
static gboolean
gradient_begun (AtlPlan *plan, int node)
{
  if (plan->values[node].gradient_written)
    return TRUE;
  for (int i = 0; i < node; i++)
    if (plan->values[i].host == node && gradient_begun (plan, i))
      return TRUE;
  return FALSE;
}

/* Marks a gradient, and those of the values that a concat holds, as written;
 * clears those that are not, if the others are to be kept. */
static void
mark_gradient (AtlPlan *plan, int node, gboolean clear)
{
  gboolean holds = FALSE;

  for (int i = 0; i < node; i++)
    if (plan->values[i].host == node)
      {
        holds = TRUE;
        if (!plan->values[i].gradient_written)
          mark_gradient (plan, i, clear);
      }
  if (clear && !holds && !plan->values[node].gradient_written)
    plan_clear_gradient (plan, node);
  plan->values[node].gradient_written = TRUE;
}

gboolean
plan_take_gradient (AtlPlan *plan, int node)
{
  gboolean begun = gradient_begun (plan, node);

  if (!plan->values[node].gradient_written)
    mark_gradient (plan, node, begun);
  return begun;
}

AtlView
atl_plan_get_value (AtlPlan *plan, int node)
{
  return plan_value (plan, plan_resolve (plan, node));
}

AtlView
atl_plan_get_gradient (AtlPlan *plan, int node)
{
  return plan_gradient (plan, plan_resolve (plan, node));
}

const float *
plan_parameter (AtlPlan *plan, int node, const char *suffix)
{
  int i = atl_graph_find_parameter (plan->graph, node, suffix);

  if (i < 0)
    return NULL;
  return atl_weights_data (plan->weights) + atl_weights_offset (plan->weights, i);
}

/* --- Lifetimes ---------------------------------------------------------- */

static void
touch (int *first, int *last, int time)
{
  *first = MIN (*first, time);
  *last = MAX (*last, time);
}

/* Forward times at which the buffer of each host is in use. */
static void
value_lifetimes (AtlPlan *plan, int *first, int *last)
{
  int n_steps = plan->n_steps, channel;

  for (int i = 0; i < plan->n_nodes; i++)
    {
      first[i] = G_MAXINT;
      last[i] = -1;
    }
  for (int s = 0; s < n_steps; s++)
    {
      const Step *step = &plan->steps[s];
      int nodes[4] = { step->out, step->source, step->residual,
                       step->class == &step_add_class ? step->second : -1 };

      for (int j = 0; j < 4; j++)
        if (nodes[j] >= 0)
          {
            int host = host_of (plan, nodes[j], &channel);

            touch (&first[host], &last[host], s);
            if (plan->options.training)
              touch (&first[host], &last[host], backward_time (plan, s));
          }
    }
  for (int i = 0; i < plan->n_inputs; i++)
    {
      int host = host_of (plan, plan->inputs[i], &channel);

      touch (&first[host], &last[host], 0);
    }
  for (int i = 0; i < plan->n_outputs; i++)
    {
      int host = host_of (plan, plan_resolve (plan, plan->outputs[i]), &channel);

      touch (&first[host], &last[host], n_steps);
      if (plan->options.training)
        touch (&first[host], &last[host], 2 * n_steps);
    }
}

/* Every value that a step writes has a gradient, and the inputs if wanted. */
static void
gradient_lifetimes (AtlPlan *plan, int *first, int *last)
{
  int n_steps = plan->n_steps, channel;

  for (int i = 0; i < plan->n_nodes; i++)
    {
      first[i] = G_MAXINT;
      last[i] = -1;
    }
  for (int i = 0; i < plan->n_inputs && plan->options.input_gradients; i++)
    {
      int host = host_of (plan, plan->inputs[i], &channel);

      touch (&first[host], &last[host], 2 * n_steps + 1);
    }
  for (int s = 0; s < n_steps; s++)
    {
      const Step *step = &plan->steps[s];
      int nodes[4] = { step->out, step->source, step->residual,
                       step->class == &step_add_class ? step->second : -1 };

      for (int j = 0; j < 4; j++)
        if (nodes[j] >= 0)
          {
            int host = host_of (plan, nodes[j], &channel);

            if (plan->values[host].role == ROLE_STORED
                || plan->options.input_gradients)
              touch (&first[host], &last[host], backward_time (plan, s));
          }
    }
  for (int i = 0; i < plan->n_outputs; i++)
    {
      int host = host_of (plan, plan_resolve (plan, plan->outputs[i]), &channel);

      touch (&first[host], &last[host], n_steps);
    }
}

static gsize
value_bytes (const AtlPlan *plan, int node)
{
  AtlShape s = plan->values[node].shape;

  return (gsize)s.n * s.h * s.w * s.c * sizeof (float);
}

gboolean
plan_add_value_buffers (AtlPlan *plan, GError **error)
{
  atl_autofree int *first = plan_alloc (2 * plan->n_nodes, sizeof *first, error);
  int *last;

  if (first == NULL)
    return FALSE;
  last = first + plan->n_nodes;
  value_lifetimes (plan, first, last);
  for (int i = 0; i < plan->n_nodes; i++)
    if (last[i] >= 0)
      plan->values[i].buffer
          = add_buffer (plan, value_bytes (plan, i), first[i], last[i]);
  if (!plan->options.training)
    return TRUE;
  gradient_lifetimes (plan, first, last);
  for (int i = 0; i < plan->n_nodes; i++)
    if (last[i] >= 0)
      plan->values[i].gradient
          = add_buffer (plan, value_bytes (plan, i), first[i], last[i]);
  return TRUE;
}
