/* A plan makes a graph run at one input shape: where every buffer lies in one
 * arena, and which algorithm each op uses.
 *
 * For inference buffers are reused as soon as nothing reads them any more, and
 * bias, norm, activation, residual sum, padding and concatenation are fused
 * into the convolutions beside them.  For training everything that backward
 * needs is kept.  A plan is used by one thread at a time; several plans may
 * share graph, weights and pool.
 */

#pragma once

#include "base/pool.h"
#include "base/progress.h"
#include "graph/graph.h"
#include "graph/weights.h"

G_BEGIN_DECLS

typedef struct _AtlPlan AtlPlan;

typedef enum
{
  ATL_STATISTICS_RUNNING, /* running_mean and running_var, as PyTorch's eval;
                             norms that keep none use the image's own */
  ATL_STATISTICS_IMAGE,   /* of the batch (batch norm) or of each image */
  ATL_STATISTICS_GIVEN    /* as set with atl_plan_set_statistics */
} AtlStatistics;

/* Which algorithm convolutions use: the fastest for the size, or one kind
 * wherever it can be used. */
typedef enum
{
  ATL_CONVOLUTION_FASTEST,
  ATL_CONVOLUTION_DIRECT,
  ATL_CONVOLUTION_WINOGRAD
} AtlConvolution;

typedef struct
{
  gboolean training;        /* backward will be called; batch norms use the
                               batch's statistics and update the running ones;
                               dropout is on unless `no_dropout` */
  AtlStatistics statistics; /* inference only */
  gboolean dropout;         /* inference only */
  gboolean no_dropout;      /* training only; for tests */
  gboolean input_gradients; /* training: backward also gives the
                               gradients of the inputs */
  int stages;               /* residual quantiser stages in use; 0: all */
  AtlConvolution algorithm; /* for tests */

  /* Training over several processes: replaces values[0..n-1] by their sums
   * over all of them.  NULL: alone.  */
  void (*all_reduce) (gpointer data, double *values, gsize n);
  gpointer all_reduce_data;
} AtlPlanOptions;

/* A node's value or gradient: element (n, y, x, c) is at
 * data[((n * h + y) * w + x) * stride + c]. */
typedef struct
{
  float *data;
  AtlShape shape;
  gsize stride;
} AtlView;

/* inputs: the nodes that will be given values (see atl_graph_infer), with
 * their shapes; outputs: the nodes whose values will be read.  graph, weights
 * and pool must outlive the plan.  NULL with ATELIER_ERROR_ARGUMENT for shapes
 * that do not fit, ATELIER_ERROR_MEMORY. */
AtlPlan *atl_plan_new (const AtlGraph *graph, AtlWeights *weights, AtlPool *pool,
                       const int *inputs, const AtlShape *input_shapes,
                       int n_inputs, const int *outputs, int n_outputs,
                       const AtlPlanOptions *options, GError **error);
void atl_plan_free (AtlPlan *plan);

/* Bytes that such a plan will take (arena and scratch, without weights), told
 * without allocating it; G_MAXSIZE if the shapes do not fit. */
gsize atl_plan_predict (const AtlGraph *graph, int n_threads, const int *inputs,
                        const AtlShape *input_shapes, int n_inputs,
                        const int *outputs, int n_outputs,
                        const AtlPlanOptions *options);
gsize atl_plan_get_bytes (const AtlPlan *plan);

/* Where to write an input before forward, and to read an output after it. */
AtlView atl_plan_get_value (AtlPlan *plan, int node);

/* seed: of the dropout masks.  FALSE only when cancelled. */
gboolean atl_plan_forward (AtlPlan *plan, guint64 seed, const AtlProgress *progress,
                           GError **error);

/* Whether `node` is a norm that this plan was made to be given the statistics
 * of. */
gboolean atl_plan_wants_statistics (const AtlPlan *plan, int node);
/* Of a plan made with ATL_STATISTICS_GIVEN: mean[C] and variance[C] of the norm
 * `node`, which is one that the plan computes; both 0 until they are set. */
void atl_plan_set_statistics (AtlPlan *plan, int node, const float *mean,
                              const float *variance);

/* The codes of the vector quantiser `node` after forward: [N*H*W][stages]. */
const gint32 *atl_plan_get_codes (AtlPlan *plan, int node);
/* value[n][D] of codes[n][stages], the first `used` stages of each. */
void atl_codes_lookup (AtlWeights *weights, int node, const gint32 *codes, gsize n,
                       int used, float *value, gsize stride);
/* Assignment that counts bits: for each stage K costs, added to the squared
 * distance (lambda * variance * bits).  NULL: plain nearest entry.  Copied. */
void atl_plan_set_code_costs (AtlPlan *plan, int node, int stage,
                              const float *costs);
/* Training: how many stages each of the N images uses; others pass nothing
 * on.  Copied.  NULL: all. */
void atl_plan_set_stages_used (AtlPlan *plan, int node, const int *used);

/* Training.  The gradient of the loss with respect to each output is written
 * to its view first; backward adds the parameters' gradients to the weights'
 * (unless `inputs_only`).  A vector quantiser passes its output's gradient
 * straight through to its input (the loss adds the commitment term through
 * atl_plan_set_commitment). */
AtlView atl_plan_get_gradient (AtlPlan *plan, int node);
gboolean atl_plan_backward (AtlPlan *plan, gboolean inputs_only,
                            const AtlProgress *progress, GError **error);
/* beta of beta * mean ||z - sg(e)||^2, the mean being over all elements; and
 * whether the codebook follows by gradient (||sg(z) - e||^2), else by moving
 * averages, which are the trainer's. */
void atl_plan_set_commitment (AtlPlan *plan, int node, float beta,
                              gboolean codebook_gradient);

/* What runs: one line per step, for `atelier bench --verbose`.  Free with
 * g_strfreev. */
char **atl_plan_describe (const AtlPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPlan, atl_plan_free)

G_END_DECLS
