/* From nodes to steps.
 *
 * Fused into the convolution (or norm, or sum) before them, where nothing else
 * reads the value in between: a norm whose statistics are known, one residual
 * sum, one activation, in this order.  Read on load by convolutions, where all
 * readers are convolutions: activations, reflection and nearest upsampling.
 * Placed instead of copied: the inputs of a concat.
 */

#include "graph/plan-private.h"

int
plan_resolve (const AtlPlan *plan, int node)
{
  while (plan->values[node].role == ROLE_SAME)
    node = atl_graph_get_node (plan->graph, node)->inputs[0];
  return node;
}

gboolean
plan_norm_is_known (const AtlPlan *plan, int node)
{
  const AtlNode *n = atl_graph_get_node (plan->graph, node);

  if (n->op != ATL_OP_BATCH_NORM && n->op != ATL_OP_INSTANCE_NORM)
    return FALSE;
  if (plan->options.training)
    return FALSE;
  if (plan->options.statistics == ATL_STATISTICS_GIVEN)
    return TRUE;
  return plan->options.statistics == ATL_STATISTICS_RUNNING && n->running;
}

static gboolean
dropout_is_off (const AtlPlan *plan, const AtlNode *node)
{
  if (node->op != ATL_OP_DROPOUT)
    return FALSE;
  if (plan->options.training)
    return plan->options.no_dropout;
  return !plan->options.dropout;
}

static gboolean
is_convolution (const AtlNode *node)
{
  return node->op == ATL_OP_CONV2D || node->op == ATL_OP_CONV_TRANSPOSE2D;
}

static void
count_readers (AtlPlan *plan)
{
  for (int i = 0; i < plan->n_nodes; i++)
    {
      const AtlNode *node = atl_graph_get_node (plan->graph, i);
      Value *value = &plan->values[i];

      if (value->role == ROLE_UNUSED || value->role == ROLE_GIVEN)
        continue;
      if (dropout_is_off (plan, node) && !value->output)
        {
          value->role = ROLE_SAME;
          continue;
        }
      for (int j = 0; j < 2; j++)
        if (node->inputs[j] >= 0)
          plan->values[plan_resolve (plan, node->inputs[j])].readers++;
    }
  /* What reads a node that is the same as another reads that other: given
   * by plan_resolve above, since inputs come before their readers. */
}

/* Can everyone who reads `index` do its work while loading?  Only convolutions
 * can, through further pads and upsamplings. */
static gboolean
readers_can_load (const AtlPlan *plan, int index, gboolean through_moves)
{
  const Value *value = &plan->values[index];
  int found = 0;

  if (value->output)
    return FALSE;
  for (int i = index + 1; i < plan->n_nodes; i++)
    {
      const AtlNode *node = atl_graph_get_node (plan->graph, i);

      if (plan->values[i].role == ROLE_UNUSED || plan->values[i].role == ROLE_SAME
          || plan->values[i].role == ROLE_GIVEN)
        continue;
      for (int j = 0; j < 2; j++)
        if (node->inputs[j] >= 0 && plan_resolve (plan, node->inputs[j]) == index)
          {
            gboolean moves = node->op == ATL_OP_REFLECT_PAD
                             || (node->op == ATL_OP_UPSAMPLE && !node->bilinear);

            found++;
            if (is_convolution (node))
              continue;
            if (!through_moves || !moves || !readers_can_load (plan, i, TRUE))
              return FALSE;
          }
    }
  return found > 0;
}

static Step *
last_writer (AtlPlan *plan, int node)
{
  int step = plan->values[node].step;

  return step >= 0 ? &plan->steps[step] : NULL;
}

/* The step that writes `node`, if more can be done before it is stored. */
static Step *
open_step (AtlPlan *plan, int node)
{
  Value *value = &plan->values[node];
  Step *step = last_writer (plan, node);

  if (value->role != ROLE_STORED || value->readers != 1 || step == NULL
      || step->out != node || step->activation != ATL_ACTIVATION_NONE)
    return NULL;
  if (step->class == &step_conv_class || step->class == &step_norm_class
      || step->class == &step_add_class)
    return step;
  return NULL;
}

/* The step's result is from now on the value of `index`. */
static void
extend_step (AtlPlan *plan, Step *step, int index)
{
  plan->values[step->out].role = ROLE_INNER;
  plan->values[index].role = ROLE_STORED;
  plan->values[index].step = plan->values[step->out].step;
  plan->values[step->out].step = -1;
  step->out = index;
}

static void
add_step (AtlPlan *plan, const StepClass *class, int node, int source, int second)
{
  Step step = {
    .class = class,
    .node = node,
    .out = node,
    .source = source,
    .second = second,
    .norm = -1,
    .residual = -1,
  };

  plan->values[node].role = ROLE_STORED;
  plan->values[node].step = plan->n_steps;
  plan->steps[plan->n_steps++] = step;
}

static void
fuse_convolution (AtlPlan *plan, int index, int input)
{
  Step *step;

  add_step (plan, &step_conv_class, index, input, -1);
  step = &plan->steps[plan->n_steps - 1];
  /* Back through what is read on load. */
  while (plan->values[step->source].role == ROLE_ON_LOAD)
    {
      const AtlNode *node = atl_graph_get_node (plan->graph, step->source);

      if (node->op == ATL_OP_ACTIVATION)
        {
          step->load = node->activation;
          step->load_slope = node->slope;
        }
      else
        step->path[step->n_path++] = step->source;
      step->source = plan_resolve (plan, node->inputs[0]);
    }
}

static void
fuse_norm (AtlPlan *plan, int index, int input)
{
  Step *step = open_step (plan, input);

  if (plan_norm_is_known (plan, index) && step != NULL
      && step->class == &step_conv_class && step->residual < 0 && step->norm < 0)
    {
      step->norm = index;
      extend_step (plan, step, index);
    }
  else
    add_step (plan, &step_norm_class, index, input, -1);
}

/* How many nodes are read on load behind `input`, and whether one of them is an
 * activation: a step has room for one activation and four moves. */
static gboolean
path_has_room (const AtlPlan *plan, int input, gboolean activation)
{
  int moves = 0;

  while (plan->values[input].role == ROLE_ON_LOAD)
    {
      const AtlNode *node = atl_graph_get_node (plan->graph, input);

      if (node->op == ATL_OP_ACTIVATION)
        {
          if (activation)
            return FALSE;
        }
      else
        moves++;
      input = plan_resolve (plan, node->inputs[0]);
    }
  return moves < 3;
}

static void
fuse_activation (AtlPlan *plan, int index, int input)
{
  const AtlNode *node = atl_graph_get_node (plan->graph, index);
  Step *step = open_step (plan, input);

  if (step != NULL)
    {
      step->activation = node->activation;
      step->slope = node->slope;
      extend_step (plan, step, index);
    }
  /* tanh costs too much to be done by every reader */
  else if (node->activation != ATL_ACTIVATION_TANH
           && path_has_room (plan, input, TRUE)
           && readers_can_load (plan, index, TRUE))
    plan->values[index].role = ROLE_ON_LOAD;
  else
    add_step (plan, &step_activation_class, index, input, -1);
}

/* A sum becomes the residual of the later of the steps that write its two
 * operands. */
static void
fuse_add (AtlPlan *plan, int index, int a, int b)
{
  Step *step_a = open_step (plan, a), *step_b = open_step (plan, b);
  int at_a = plan->values[a].step, at_b = plan->values[b].step;
  Step *step;

  if (step_a != NULL && at_a < at_b)
    step_a = NULL;
  if (step_b != NULL && at_b < at_a)
    step_b = NULL;
  step = step_a != NULL ? step_a : step_b;
  if (a == b || step == NULL || step->residual >= 0
      || step->class == &step_add_class)
    {
      add_step (plan, &step_add_class, index, a, b);
      return;
    }
  step->residual = step == step_a ? b : a;
  extend_step (plan, step, index);
}

/* Lets the concat's inputs be written where they belong; copies those that
 * cannot be. */
static void
fuse_concat (AtlPlan *plan, int index, int a, int b)
{
  int inputs[2] = { a, b };
  int channel = 0;

  plan->values[index].role = ROLE_STORED;
  for (int j = 0; j < 2; j++)
    {
      Value *value = &plan->values[inputs[j]];

      if (value->host < 0 && !(j == 1 && a == b))
        {
          value->host = index;
          value->host_channel = channel;
          /* Read by more than the concat or not, it is as good here. */
        }
      else
        {
          add_step (plan, &step_copy_class, index, inputs[j], channel);
          plan->values[index].step = plan->n_steps - 1;
        }
      channel += value->shape.c;
    }
  /* Its value is complete once both inputs are. */
  for (int j = 0; j < 2; j++)
    plan->values[index].step
        = MAX (plan->values[index].step, plan->values[inputs[j]].step);
}

static void
fuse_node (AtlPlan *plan, int index)
{
  const AtlNode *node = atl_graph_get_node (plan->graph, index);
  int a = node->inputs[0] >= 0 ? plan_resolve (plan, node->inputs[0]) : -1;
  int b = node->inputs[1] >= 0 ? plan_resolve (plan, node->inputs[1]) : -1;

  switch (node->op)
    {
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
      fuse_convolution (plan, index, a);
      break;
    case ATL_OP_BATCH_NORM:
    case ATL_OP_INSTANCE_NORM:
      fuse_norm (plan, index, a);
      break;
    case ATL_OP_ACTIVATION:
      fuse_activation (plan, index, a);
      break;
    case ATL_OP_DROPOUT:
      add_step (plan,
                dropout_is_off (plan, node) ? &step_activation_class
                                            : &step_dropout_class,
                index, a, -1);
      break;
    case ATL_OP_ADD:
      fuse_add (plan, index, a, b);
      break;
    case ATL_OP_CONCAT:
      fuse_concat (plan, index, a, b);
      break;
    case ATL_OP_VECTOR_QUANTISE:
      add_step (plan, &step_quantise_class, index, a, -1);
      break;
    case ATL_OP_UPSAMPLE:
      if (!node->bilinear && path_has_room (plan, a, FALSE)
          && readers_can_load (plan, index, TRUE))
        plan->values[index].role = ROLE_ON_LOAD;
      else
        add_step (plan, &step_upsample_class, index, a, -1);
      break;
    case ATL_OP_REFLECT_PAD:
      if (path_has_room (plan, a, FALSE) && readers_can_load (plan, index, TRUE))
        plan->values[index].role = ROLE_ON_LOAD;
      else
        add_step (plan, &step_reflect_class, index, a, -1);
      break;
    case ATL_OP_SPACE_TO_DEPTH:
    case ATL_OP_DEPTH_TO_SPACE:
      add_step (plan, &step_reorder_class, index, a, -1);
      break;
    case ATL_OP_INPUT:
    case ATL_N_OPS:
      break;
    }
}

void
plan_fuse (AtlPlan *plan)
{
  count_readers (plan);
  for (int i = 0; i < plan->n_nodes; i++)
    if (plan->values[i].role == ROLE_STORED)
      fuse_node (plan, i);
}
