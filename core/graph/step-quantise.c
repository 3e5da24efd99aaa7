/* Vector quantisation (van den Oord 2017), in one stage or several: stage s
 * codes what the stages before left.
 *
 * ||r - e||^2 = ||r||^2 - 2 r.e + ||e||^2, and the first term is the same for
 * every entry: a product of the residuals with the codebook, panel by panel,
 * and a search for the least.  The gradient passes straight through to z; the
 * commitment term beta ||z - sg(q)||^2 and, if asked for, the codebook's
 * ||sg(z) - q||^2 are added here.
 */

#include <string.h>

#include "base/memory.h"
#include "graph/plan-private.h"

#define ROWS 96

typedef struct
{
  int codes, stages, dim;
  int buffer;    /* gint32 codes [pixels][stages] */
  float *biases; /* [stages][codes]: ||e||^2 + costs */
  float *costs;  /* [stages][codes] */
  gboolean has_costs[ATL_MAX_STAGES];
  int *used; /* per image, or NULL: all */
  int *used_room;
  float beta;
  gboolean codebook_gradient;
  int parameters[ATL_MAX_STAGES];
} State;

typedef struct
{
  AtlPlan *plan;
  const State *state;
  AtlView z, q, dz;
  gint32 *codes;
  const float *entries[ATL_MAX_STAGES]; /* [codes][dim] */
  const float *panels[ATL_MAX_STAGES];  /* transposed, [codes/64][dim][64] */
  const float *biases[ATL_MAX_STAGES];  /* ||e||^2 + costs */
  int most;                             /* stages that any image uses */
  gboolean accumulate;
  float scale;
} Run;

static void
quantise_prepare (AtlPlan *plan, Step *step)
{
  const AtlNode *node = atl_graph_get_node (plan->graph, step->node);
  AtlShape shape = plan->values[step->node].shape;
  State *state = g_new0 (State, 1);

  state->codes = node->codes;
  state->stages = node->stages;
  state->dim = shape.c;
  state->buffer = plan_add_result (plan, (gsize)shape.n * shape.h * shape.w
                                             * node->stages * sizeof (gint32));
  for (int s = 0; s < node->stages; s++)
    {
      g_autofree char *suffix = g_strdup_printf ("codebook.%d", s);

      state->parameters[s]
          = atl_graph_find_parameter (plan->graph, step->node, suffix);
    }
  plan_need_scratch (plan,
                     (ROWS * (state->dim + ATL_PANEL + 1) + ROWS) * sizeof (float));
  step->state = state;
}

static void
quantise_clear (Step *step)
{
  State *state = step->state;

  if (state == NULL)
    return;
  atl_free (state->biases);
  atl_free (state->used_room);
}

/* --- The codebook, ready for products ----------------------------------- */

typedef struct
{
  const float *entries;
  int codes, dim;
} Codebook;

/* Panels of E^T, then ||e||^2 for each entry. */
static void
make_panels (AtlWeights *weights, gpointer data, float *out)
{
  const Codebook *book = data;
  float *norms = out + atl_panels_size (book->dim, book->codes);

  for (int first = 0; first < book->codes; first += ATL_PANEL)
    {
      int columns = atl_panel_columns (book->codes, first);

      for (int d = 0; d < book->dim; d++)
        for (int j = 0; j < columns; j++)
          out[(gsize)book->dim * first + (gsize)d * columns + j]
              = first + j < book->codes
                    ? book->entries[(gsize)(first + j) * book->dim + d]
                    : 0;
    }
  for (int k = 0; k < book->codes; k++)
    {
      double sum = 0;

      for (int d = 0; d < book->dim; d++)
        {
          double e = book->entries[(gsize)k * book->dim + d];

          sum += e * e;
        }
      norms[k] = sum;
    }
}

static const float *
derive_panels (AtlPlan *plan, const State *state, int stage, GError **error)
{
  Codebook book = {
    .entries = atl_weights_data (plan->weights)
               + atl_weights_offset (plan->weights, state->parameters[stage]),
    .codes = state->codes,
    .dim = state->dim,
  };

  return atl_weights_derive (plan->weights, state->parameters[stage], 0xfe,
                             atl_panels_size (state->dim, state->codes)
                                 + state->codes,
                             make_panels, &book, error);
}

static gboolean
quantise_bind (AtlPlan *plan, Step *step, GError **error)
{
  State *state = step->state;
  gsize n = (gsize)state->stages * state->codes;

  state->biases = plan_alloc (2 * n, sizeof *state->biases, error);
  if (state->biases == NULL)
    return FALSE;
  state->costs = state->biases + n;
  state->used_room = plan_alloc (plan->values[step->node].shape.n,
                                 sizeof *state->used_room, error);
  if (state->used_room == NULL)
    return FALSE;
  for (int s = 0; s < state->stages; s++)
    if (derive_panels (plan, state, s, error) == NULL)
      return FALSE;
  return TRUE;
}

/* --- Forward ------------------------------------------------------------ */

static int
stages_of (const Run *r, gint64 pixel)
{
  if (r->state->used == NULL)
    return r->most;
  return MIN (r->most,
              r->state->used[pixel / ((gint64)r->z.shape.h * r->z.shape.w)]);
}

/* Nearest entries of stage s to `rows` residuals. */
static void
search (const Run *r, int stage, int rows, const float *residuals, float *scores,
        float *best, gint32 *index)
{
  const State *state = r->state;

  for (int i = 0; i < rows; i++)
    {
      best[i] = G_MAXFLOAT;
      index[i] = 0;
    }
  for (int first = 0; first < state->codes; first += ATL_PANEL)
    {
      int columns = atl_panel_columns (state->codes, first);
      const float *b = r->panels[stage] + (gsize)state->dim * first;

      r->plan->kernels->gemm (&(AtlGemm){
          .m = rows,
          .n = columns,
          .k = state->dim,
          .n_segments = 1,
          .a = &residuals,
          .a_row = state->dim,
          .a_col = 1,
          .b = &b,
          .ldb = columns,
          .c = scores,
          .ldc = columns,
      });
      r->plan->kernels->argmin_scores (rows, MIN (columns, state->codes - first),
                                       scores, columns, r->biases[stage] + first,
                                       first, best, index);
    }
}

static void
quantise_task (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  const State *state = r->state;
  gint64 all = (gint64)r->z.shape.n * r->z.shape.h * r->z.shape.w;
  gint64 first = task * ROWS;
  int rows = MIN (ROWS, all - first), dim = state->dim;
  float *residuals = scratch, *scores = residuals + (gsize)ROWS * dim;
  float *best = scores + ROWS * ATL_PANEL;
  gint32 *index = (gint32 *)(best + ROWS);

  for (int i = 0; i < rows; i++)
    {
      memcpy (residuals + (gsize)i * dim, r->z.data + (first + i) * r->z.stride,
              dim * sizeof (float));
      memset (r->q.data + (first + i) * r->q.stride, 0, dim * sizeof (float));
    }
  for (int s = 0; s < state->stages; s++)
    {
      if (s < r->most)
        search (r, s, rows, residuals, scores, best, index);
      for (int i = 0; i < rows; i++)
        {
          gint32 *code = &r->codes[(first + i) * state->stages + s];
          const float *entry;
          float *residual = residuals + (gsize)i * dim;
          float *q = r->q.data + (first + i) * r->q.stride;

          *code = -1;
          if (s >= stages_of (r, first + i))
            continue;
          entry = r->entries[s] + (gsize)index[i] * dim;
          *code = index[i];
          for (int d = 0; d < dim; d++)
            {
              residual[d] -= entry[d];
              q[d] += entry[d];
            }
        }
    }
}

static void
quantise_forward (AtlPlan *plan, Step *step)
{
  const State *state = step->state;
  Run r = {
    .plan = plan,
    .state = state,
    .z = plan_value (plan, step->source),
    .q = plan_value (plan, step->out),
    .codes = plan_buffer (plan, state->buffer),
    .most = plan->options.stages > 0 ? MIN (plan->options.stages, state->stages)
                                     : state->stages,
  };
  gint64 rows = (gint64)r.z.shape.n * r.z.shape.h * r.z.shape.w;

  for (int s = 0; s < state->stages; s++)
    {
      float *bias = state->biases + (gsize)s * state->codes;
      const float *costs = state->costs + (gsize)s * state->codes;
      const float *norms;

      r.entries[s] = atl_weights_data (plan->weights)
                     + atl_weights_offset (plan->weights, state->parameters[s]);
      r.panels[s] = derive_panels (plan, state, s, NULL);
      norms = r.panels[s] + atl_panels_size (state->dim, state->codes);
      for (int k = 0; k < state->codes; k++)
        bias[k] = norms[k] + (state->has_costs[s] ? costs[k] : 0);
      r.biases[s] = bias;
    }
  plan_parallel (plan, (rows + ROWS - 1) / ROWS, quantise_task, &r);
}

/* --- Backward ----------------------------------------------------------- */

/* dz += scale (z - q), the commitment term */
static void
commitment_rows (gpointer data, gint64 first, int rows)
{
  const Run *r = data;

  for (gint64 i = first; i < first + rows; i++)
    {
      const float *z = r->z.data + i * r->z.stride;
      const float *q = r->q.data + i * r->q.stride;
      float *dz = r->dz.data + i * r->dz.stride;

      for (int d = 0; d < r->state->dim; d++)
        dz[d] += r->scale * (z[d] - q[d]);
    }
}

/* dz (+)= dq */
static void
pass_rows (gpointer data, gint64 first, int rows)
{
  const Run *r = data;
  const AtlView *dq = &r->q;

  for (gint64 i = first; i < first + rows; i++)
    {
      const float *from = dq->data + i * dq->stride;
      float *to = r->dz.data + i * r->dz.stride;

      for (int d = 0; d < r->state->dim; d++)
        to[d] = r->accumulate ? to[d] + from[d] : from[d];
    }
}

/* de += scale (q - z) for every entry that was chosen, in the order of the
 * pixels. */
static void
codebook_gradient (AtlPlan *plan, const Run *r, const gint32 *codes)
{
  const State *state = r->state;
  gint64 rows = (gint64)r->z.shape.n * r->z.shape.h * r->z.shape.w;

  for (int s = 0; s < state->stages; s++)
    {
      gboolean accumulate;
      float *gradient = atl_weights_gradient_of (plan->weights,
                                                 state->parameters[s], &accumulate);

      if (!accumulate)
        memset (gradient, 0, (gsize)state->codes * state->dim * sizeof (float));
      for (gint64 i = 0; i < rows; i++)
        {
          gint32 code = codes[i * state->stages + s];
          const float *z = r->z.data + i * r->z.stride;
          const float *q = r->q.data + i * r->q.stride;

          for (int d = 0; d < state->dim && code >= 0; d++)
            gradient[(gsize)code * state->dim + d] += r->scale * (q[d] - z[d]);
        }
    }
}

static void
quantise_backward (AtlPlan *plan, Step *step, gboolean inputs_only)
{
  const State *state = step->state;
  Run r = {
    .plan = plan,
    .state = state,
    .z = plan_value (plan, step->source),
    .q = plan_gradient (plan, step->out),
  };
  gint64 rows = (gint64)r.z.shape.n * r.z.shape.h * r.z.shape.w;
  float per_element = 2.0f / ((float)rows * state->dim);

  if (state->codebook_gradient && !inputs_only)
    {
      Run book = r;

      book.q = plan_value (plan, step->out);
      book.scale = per_element;
      codebook_gradient (plan, &book, plan_buffer (plan, state->buffer));
    }
  if (!plan_has_gradient (plan, step->source))
    return;
  r.accumulate = plan_take_gradient (plan, step->source);
  r.dz = plan_gradient (plan, step->source);
  plan_parallel_rows (plan, rows, pass_rows, &r);
  r.q = plan_value (plan, step->out);
  r.scale = state->beta * per_element;
  if (r.scale != 0)
    plan_parallel_rows (plan, rows, commitment_rows, &r);
}

/* --- Public ------------------------------------------------------------- */

static State *
state_of (AtlPlan *plan, int node)
{
  Step *step = &plan->steps[plan->values[node].step];

  g_assert (step->class == &step_quantise_class);
  return step->state;
}

const gint32 *
atl_plan_get_codes (AtlPlan *plan, int node)
{
  return plan_buffer (plan, state_of (plan, node)->buffer);
}

void
atl_plan_set_code_costs (AtlPlan *plan, int node, int stage, const float *costs)
{
  State *state = state_of (plan, node);

  state->has_costs[stage] = costs != NULL;
  if (costs != NULL)
    memcpy (state->costs + (gsize)stage * state->codes, costs,
            state->codes * sizeof *costs);
}

void
atl_plan_set_stages_used (AtlPlan *plan, int node, const int *used)
{
  State *state = state_of (plan, node);

  state->used = used != NULL ? state->used_room : NULL;
  if (used != NULL)
    memcpy (state->used, used, plan->values[node].shape.n * sizeof *used);
}

void
atl_plan_set_commitment (AtlPlan *plan, int node, float beta,
                         gboolean with_codebook_gradient)
{
  State *state = state_of (plan, node);

  state->beta = beta;
  state->codebook_gradient = with_codebook_gradient;
}

void
atl_codes_lookup (AtlWeights *weights, int node, const gint32 *codes, gsize n,
                  int used, float *value, gsize stride)
{
  const AtlGraph *graph = atl_weights_get_graph (weights);
  const AtlNode *quantise = atl_graph_get_node (graph, node);
  int dim = atl_graph_get_channels (graph, node), stages = quantise->stages;

  for (gsize i = 0; i < n; i++)
    memset (value + i * stride, 0, dim * sizeof (float));
  for (int s = 0; s < MIN (used, stages); s++)
    {
      g_autofree char *suffix = g_strdup_printf ("codebook.%d", s);
      const float *entries
          = atl_weights_data (weights)
            + atl_weights_offset (weights,
                                  atl_graph_find_parameter (graph, node, suffix));

      for (gsize i = 0; i < n; i++)
        {
          gint32 code = codes[i * stages + s];

          for (int d = 0; d < dim && code >= 0 && code < quantise->codes; d++)
            value[i * stride + d] += entries[(gsize)code * dim + d];
        }
    }
}

const StepClass step_quantise_class = {
  .name = "quantise",
  .prepare = quantise_prepare,
  .bind = quantise_bind,
  .forward = quantise_forward,
  .backward = quantise_backward,
  .clear = quantise_clear,
};
