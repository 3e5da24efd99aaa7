/* Plans: which steps, where every buffer lies, and running them; see plan.h. */

#include "graph/plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"

/* --- Making a plan ------------------------------------------------------ */

gpointer
plan_alloc (gsize count, gsize size, GError **error)
{
  return atl_try_alloc0 (count, size, _ ("the network's intermediate results"),
                         error);
}

static void
prepare_all (AtlPlan *plan)
{
  for (int s = 0; s < plan->n_steps; s++)
    {
      Step *step = &plan->steps[s];

      plan->preparing = s;
      if (step->class->prepare != NULL)
        step->class->prepare (plan, step);
    }
}

static int *
copy_ints (const int *values, int n, GError **error)
{
  int *copy = plan_alloc (n, sizeof (int), error);

  if (copy != NULL && n > 0)
    memcpy (copy, values, n * sizeof (int));
  return copy;
}

/* What there is one of for each node, input and output. */
static gboolean
allocate_nodes (AtlPlan *plan, const int *inputs, const int *outputs,
                GError **error)
{
  plan->statistics = plan_alloc (plan->n_nodes, sizeof (float *), error);
  if (plan->statistics == NULL)
    return FALSE;
  plan->values = plan_alloc (plan->n_nodes, sizeof (Value), error);
  if (plan->values == NULL)
    return FALSE;
  plan->steps = plan_alloc (2 * (gsize)plan->n_nodes, sizeof (Step), error);
  if (plan->steps == NULL)
    return FALSE;
  plan->inputs = copy_ints (inputs, plan->n_inputs, error);
  if (plan->inputs == NULL)
    return FALSE;
  plan->outputs = copy_ints (outputs, plan->n_outputs, error);
  return plan->outputs != NULL;
}

/* Everything but memory. */
static AtlPlan *
lay_out (const AtlGraph *graph, int n_threads, const int *inputs,
         const AtlShape *input_shapes, int n_inputs, const int *outputs,
         int n_outputs, const AtlPlanOptions *options, GError **error)
{
  int n = atl_graph_get_n_nodes (graph);
  atl_autofree AtlShape *shapes = plan_alloc (n, sizeof *shapes, error);
  g_autoptr (AtlPlan) plan = NULL;

  if (shapes == NULL
      || !atl_graph_infer (graph, inputs, input_shapes, n_inputs, outputs,
                           n_outputs, shapes, error))
    return NULL;
  plan = g_new0 (AtlPlan, 1);
  plan->graph = graph;
  plan->kernels = atl_kernels_get ();
  plan->options = *options;
  plan->n_threads = n_threads;
  plan->n_nodes = n;
  plan->n_inputs = n_inputs;
  plan->n_outputs = n_outputs;
  plan->buffers
      = (AtlBuffer)ATL_BUFFER_INIT (_ ("the network's intermediate results"));
  if (!allocate_nodes (plan, inputs, outputs, error))
    return NULL;
  for (int i = 0; i < n; i++)
    plan->values[i] = (Value){
      .role = shapes[i].n > 0 ? ROLE_STORED : ROLE_UNUSED,
      .shape = shapes[i],
      .step = -1,
      .host = -1,
      .buffer = -1,
      .gradient = -1,
    };
  for (int i = 0; i < n_inputs; i++)
    plan->values[inputs[i]].role = ROLE_GIVEN;
  for (int i = 0; i < n_outputs; i++)
    {
      plan->values[outputs[i]].output = TRUE;
      plan->values[outputs[i]].readers++;
    }
  plan_fuse (plan);
  if (!plan_add_value_buffers (plan, error))
    return NULL;
  prepare_all (plan);
  if (plan->problem != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&plan->problem));
      return NULL;
    }
  if (!atl_buffer_check (&plan->buffers, error)
      || !atl_arena_place ((AtlLifetime *)plan->buffers.data,
                           (int)(plan->buffers.len / sizeof (AtlLifetime)),
                           &plan->arena_size, error))
    return NULL;
  return g_steal_pointer (&plan);
}

/* Room for what the norms will be given. */
static gboolean
allocate_statistics (AtlPlan *plan, GError **error)
{
  if (plan->options.statistics != ATL_STATISTICS_GIVEN)
    return TRUE;
  for (int i = 0; i < plan->n_nodes; i++)
    {
      AtlOp op = atl_graph_get_node (plan->graph, i)->op;

      if (plan->values[i].role == ROLE_UNUSED
          || (op != ATL_OP_BATCH_NORM && op != ATL_OP_INSTANCE_NORM))
        continue;
      plan->statistics[i]
          = plan_alloc (2 * (gsize)atl_graph_get_channels (plan->graph, i),
                        sizeof (float), error);
      if (plan->statistics[i] == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
allocate (AtlPlan *plan, GError **error)
{
  const char *what = _ ("the network's intermediate results");

  if (plan->arena_size == G_MAXSIZE)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
                   _ ("the picture is too large to be computed at once"));
      return FALSE;
    }
  plan->arena = atl_try_alloc (plan->arena_size, 1, what, error);
  if (plan->arena == NULL)
    return FALSE;
  plan->scratch = atl_try_alloc (plan->scratch_size, plan->n_threads, what, error);
  if (plan->scratch == NULL)
    return FALSE;
  plan->zeros = atl_try_alloc0 (plan->n_zeros, sizeof (float), what, error);
  return plan->zeros != NULL && allocate_statistics (plan, error);
}

AtlPlan *
atl_plan_new (const AtlGraph *graph, AtlWeights *weights, AtlPool *pool,
              const int *inputs, const AtlShape *input_shapes, int n_inputs,
              const int *outputs, int n_outputs, const AtlPlanOptions *options,
              GError **error)
{
  g_autoptr (AtlPlan) plan
      = lay_out (graph, atl_pool_get_n_threads (pool), inputs, input_shapes,
                 n_inputs, outputs, n_outputs, options, error);

  if (plan == NULL)
    return NULL;
  plan->weights = weights;
  plan->pool = pool;
  if (!allocate (plan, error))
    return NULL;
  if (options->training && !atl_weights_need_gradients (weights, error))
    return NULL;
  for (int s = 0; s < plan->n_steps; s++)
    {
      Step *step = &plan->steps[s];

      if (step->class->bind != NULL && !step->class->bind (plan, step, error))
        return NULL;
    }
  return g_steal_pointer (&plan);
}

void
atl_plan_free (AtlPlan *plan)
{
  if (plan == NULL)
    return;
  for (int s = 0; s < plan->n_steps; s++)
    {
      Step *step = &plan->steps[s];

      if (step->class->clear != NULL)
        step->class->clear (step);
      g_free (step->state);
    }
  for (int i = 0; plan->statistics != NULL && i < plan->n_nodes; i++)
    atl_free (plan->statistics[i]);
  atl_free (plan->statistics);
  atl_free (plan->steps);
  atl_buffer_clear (&plan->buffers);
  atl_free (plan->inputs);
  atl_free (plan->outputs);
  atl_free (plan->values);
  atl_free (plan->arena);
  atl_free (plan->scratch);
  atl_free (plan->zeros);
  g_free (plan);
}

gsize
atl_plan_get_bytes (const AtlPlan *plan)
{
  if (plan->arena_size == G_MAXSIZE)
    return G_MAXSIZE;
  return plan->arena_size + plan->scratch_size * plan->n_threads
         + plan->n_zeros * sizeof (float);
}

gsize
atl_plan_predict (const AtlGraph *graph, int n_threads, const int *inputs,
                  const AtlShape *input_shapes, int n_inputs, const int *outputs,
                  int n_outputs, const AtlPlanOptions *options)
{
  g_autoptr (AtlPlan) plan = lay_out (graph, n_threads, inputs, input_shapes,
                                      n_inputs, outputs, n_outputs, options, NULL);

  return plan != NULL ? atl_plan_get_bytes (plan) : G_MAXSIZE;
}

/* --- Running ------------------------------------------------------------ */

typedef struct
{
  AtlPlan *plan;
  PlanTask task;
  gpointer data;
} Parallel;

static void
run_task (gpointer data, gint64 task, int worker)
{
  Parallel *p = data;

  if (!atl_progress_cancelled (p->plan->progress))
    p->task (p->data, task, p->plan->scratch + p->plan->scratch_size * worker);
}

void
plan_parallel (AtlPlan *plan, gint64 n_tasks, PlanTask task, gpointer data)
{
  Parallel p = { plan, task, data };

  atl_pool_run (plan->pool, n_tasks, run_task, &p);
}

typedef struct
{
  gint64 n_rows;
  RowsTask task;
  gpointer data;
} ParallelRows;

static void
run_rows (gpointer data, gint64 task, gpointer scratch)
{
  ParallelRows *p = data;
  gint64 first = task * ROWS_PER_TASK;

  p->task (p->data, first, MIN (ROWS_PER_TASK, p->n_rows - first));
}

void
plan_parallel_rows (AtlPlan *plan, gint64 n_rows, RowsTask task, gpointer data)
{
  ParallelRows p = { n_rows, task, data };

  plan_parallel (plan, (n_rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK, run_rows, &p);
}

gboolean
atl_plan_forward (AtlPlan *plan, guint64 seed, const AtlProgress *progress,
                  GError **error)
{
  int n = plan->n_steps;

  plan->seed = seed;
  plan->progress = progress;
  for (int s = 0; s < n; s++)
    {
      Step *step = &plan->steps[s];

      if (!atl_progress_update (progress, (double)s / n, NULL, error))
        return FALSE;
      step->class->forward (plan, step);
    }
  return atl_progress_update (progress, 1.0, NULL, error);
}

/* A gradient that no reader wrote is zero: of a value that is only looked at. */
static void
clear_unwritten (AtlPlan *plan, int node)
{
  if (!plan_take_gradient (plan, node))
    plan_clear_gradient (plan, node);
}

gboolean
atl_plan_backward (AtlPlan *plan, gboolean inputs_only, const AtlProgress *progress,
                   GError **error)
{
  int n = plan->n_steps;

  g_return_val_if_fail (plan->options.training, FALSE);
  plan->progress = progress;
  for (int i = 0; i < plan->n_nodes; i++)
    plan->values[i].gradient_written = FALSE;
  for (int i = 0; i < plan->n_outputs; i++)
    plan_take_gradient (plan, plan_resolve (plan, plan->outputs[i]));
  for (int s = n - 1; s >= 0; s--)
    {
      Step *step = &plan->steps[s];

      if (!atl_progress_update (progress, (double)(n - s) / n, NULL, error))
        return FALSE;
      clear_unwritten (plan, step->out);
      step->class->backward (plan, step, inputs_only);
    }
  return atl_progress_update (progress, 1.0, NULL, error);
}

typedef struct
{
  AtlPlan *plan;
  Step *step;
  AtlView y, g, residual;
  gboolean accumulate;
} Undo;

static void
undo_activation (gpointer data, gint64 first, int rows)
{
  Undo *u = data;

  u->plan->kernels->activation_backward (
      rows, u->g.shape.c, u->y.data + first * u->y.stride, u->y.stride,
      u->g.data + first * u->g.stride, u->g.stride, u->step->activation,
      u->step->slope, u->g.data + first * u->g.stride, u->g.stride, FALSE);
}

static void
undo_residual (gpointer data, gint64 first, int rows)
{
  Undo *u = data;
  const AtlKernels *k = u->plan->kernels;
  static const AtlEpilogue copy = { 0 };

  if (u->accumulate)
    k->accumulate (rows, u->g.shape.c, u->g.data + first * u->g.stride, u->g.stride,
                   u->residual.data + first * u->residual.stride,
                   u->residual.stride);
  else
    k->epilogue (rows, u->g.shape.c, u->g.data + first * u->g.stride, u->g.stride,
                 NULL, 0, u->residual.data + first * u->residual.stride,
                 u->residual.stride, &copy);
}

AtlView
plan_undo_epilogue (AtlPlan *plan, Step *step)
{
  Undo u = { .plan = plan,
             .step = step,
             .y = plan_value (plan, step->out),
             .g = plan_gradient (plan, step->out) };
  gint64 rows = (gint64)u.g.shape.n * u.g.shape.h * u.g.shape.w;

  if (step->activation != ATL_ACTIVATION_NONE)
    plan_parallel_rows (plan, rows, undo_activation, &u);
  if (step->residual >= 0 && plan_has_gradient (plan, step->residual))
    {
      u.accumulate = plan_take_gradient (plan, step->residual);
      u.residual = plan_gradient (plan, step->residual);
      plan_parallel_rows (plan, rows, undo_residual, &u);
    }
  return u.g;
}

char **
atl_plan_describe (const AtlPlan *plan)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new ();

  for (int s = 0; s < plan->n_steps; s++)
    {
      AtlPlan *p = (AtlPlan *)plan;
      Step *step = &plan->steps[s];
      AtlShape shape = plan->values[step->out].shape;
      g_autofree char *detail
          = step->class->describe != NULL ? step->class->describe (p, step) : NULL;

      g_ptr_array_add (
          lines,
          g_strdup_printf ("%-32s %-10s %dx%dx%dx%d %s",
                           atl_graph_get_node (plan->graph, step->node)->name,
                           step->class->name, shape.n, shape.h, shape.w, shape.c,
                           detail != NULL ? detail : ""));
    }
  g_ptr_array_add (lines, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&lines), FALSE);
}
