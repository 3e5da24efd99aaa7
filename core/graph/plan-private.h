/* What the files behind plan.h share: a plan is a list of steps, and a step is
 * one op together with everything that was fused into it.
 *
 * plan.c      the public calls: making, running
 * plan-memory.c  where values, gradients and workspaces lie
 * fuse.c      from nodes to steps: what is fused into what
 * step-*.c    one kind of step each: memory, forward, backward
 * conv*.c     convolution itself, for step-conv.c
 */

#pragma once

#include "base/buffer.h"
#include "graph/plan.h"

typedef struct _Step Step;

/* How a kind of step works.  Any function may be NULL. */
typedef struct
{
  const char *name;
  /* Sizes only: buffers, workspace and scratch are asked for; nothing is
   * allocated, so that a plan can be predicted. */
  void (*prepare) (AtlPlan *plan, Step *step);
  /* Once, when memory is there: makes derived weights. */
  gboolean (*bind) (AtlPlan *plan, Step *step, GError **error);
  void (*forward) (AtlPlan *plan, Step *step);
  void (*backward) (AtlPlan *plan, Step *step, gboolean inputs_only);
  char *(*describe) (AtlPlan *plan, Step *step);
  void (*clear) (Step *step);
} StepClass;

struct _Step
{
  const StepClass *class;
  int node;   /* the op */
  int out;    /* the node whose value it writes, after what is fused */
  int source; /* the node whose buffer it reads */
  int second; /* ADD: the other operand; else -1 */

  /* Read on load, between source and the op: an activation, and nodes that
   * only move pixels (reflect_pad, nearest upsample), the op's input first. */
  AtlActivation load;
  float load_slope;
  int path[4];
  int n_path;

  /* Done before the result is stored. */
  int norm;     /* a norm with known statistics, or -1 */
  int residual; /* a node that is added, or -1 */
  AtlActivation activation;
  float slope;

  gpointer state; /* of the class */
};

typedef enum
{
  ROLE_UNUSED,
  ROLE_GIVEN,   /* its value is written by the caller */
  ROLE_STORED,  /* written by a step, has a buffer */
  ROLE_INNER,   /* only exists inside a step */
  ROLE_ON_LOAD, /* computed by those who read it */
  ROLE_SAME,    /* the same value as its input: dropout that is off */
} Role;

typedef struct
{
  Role role;
  AtlShape shape;
  int readers; /* nodes that read it, and 1 more if it is an output */
  gboolean output;
  int step; /* that writes it; -1 */
  /* Where the value lies.  A concat's inputs lie in its buffer. */
  int host; /* the concat that holds it, or -1 */
  int host_channel;
  int buffer;                /* of hosts only */
  int gradient;              /* buffer, training only */
  gboolean gradient_written; /* in the backward that is running */
} Value;

/* A workspace is memory of one step; scratch is memory of one worker. */
struct _AtlPlan
{
  const AtlGraph *graph;
  AtlWeights *weights; /* NULL while predicting */
  AtlPool *pool;       /* likewise */
  const AtlKernels *kernels;
  AtlPlanOptions options;
  int n_threads;

  int n_nodes;
  Value *values;
  int *inputs;
  int n_inputs;
  int *outputs;
  int n_outputs;
  Step *steps; /* room for two per node, which is what a concat takes at most */
  int n_steps;
  AtlBuffer buffers; /* AtlLifetime */
  int preparing;     /* the step that is asking for memory */
  gsize arena_size;
  gsize scratch_size; /* bytes for each worker */
  char *arena;
  char *scratch;
  float *zeros; /* as many as the widest source has channels */
  int n_zeros;

  guint64 seed;
  const AtlProgress *progress; /* of the call that is running */
  float **statistics;          /* per node: mean and variance, or NULL */
  GError *problem;             /* of prepare, which can't fail there and then */
};

/* fuse.c: fills plan->values' roles and plan->steps. */
void plan_fuse (AtlPlan *plan);
/* Whether the statistics of this norm are known before it runs. */
gboolean plan_norm_is_known (const AtlPlan *plan, int node);
/* The node itself, or what it is the same as. */
int plan_resolve (const AtlPlan *plan, int node);

/* For prepare: a buffer that lives during this step's forward (or backward),
 * and scratch of at least so many bytes.  Returns the buffer's index. */
int plan_add_workspace (AtlPlan *plan, gsize bytes, gboolean backward);
/* A buffer kept until the next forward. */
int plan_add_result (AtlPlan *plan, gsize bytes);
void plan_need_scratch (AtlPlan *plan, gsize bytes);
void plan_need_zeros (AtlPlan *plan, int channels);

/* For bind: zeroed memory of a step's state, to be freed with atl_free in its
 * clear.  NULL with ATELIER_ERROR_MEMORY. */
gpointer plan_alloc (gsize count, gsize size, GError **error);

/* plan-memory.c: the buffers of all values, and of their gradients; FALSE with
 * ATELIER_ERROR_MEMORY. */
gboolean plan_add_value_buffers (AtlPlan *plan, GError **error);
void plan_clear_gradient (AtlPlan *plan, int node);

/* For forward and backward. */
gpointer plan_buffer (AtlPlan *plan, int buffer);
AtlView plan_value (AtlPlan *plan, int node);
AtlView plan_gradient (AtlPlan *plan, int node);
/* Whether gradients flow to this node at all. */
gboolean plan_has_gradient (AtlPlan *plan, int node);
/* The gradient of a node that is about to be added to: TRUE if there is
 * something to add to, else it is to be overwritten. */
gboolean plan_take_gradient (AtlPlan *plan, int node);

typedef void (*PlanTask) (gpointer data, gint64 task, gpointer scratch);
/* A parallel for that ends early when the plan is cancelled. */
void plan_parallel (AtlPlan *plan, gint64 n_tasks, PlanTask task, gpointer data);

/* Fixed grain of loops over pixels. */
#define ROWS_PER_TASK 512

typedef void (*RowsTask) (gpointer data, gint64 first, int rows);
/* Over the pixels of a picture, some hundred at a time; neighbouring pixels
 * are shape.n * h * w in a row. */
void plan_parallel_rows (AtlPlan *plan, gint64 n_rows, RowsTask task,
                         gpointer data);

/* A parameter's values, or NULL where the node has none of that suffix. */
const float *plan_parameter (AtlPlan *plan, int node, const char *suffix);

/* norm: scale and shift that a norm with these statistics amounts to. */
void plan_norm_affine (AtlPlan *plan, int node, const float *mean,
                       const float *variance, float *scale, float *shift);
/* The statistics of a known norm. */
void plan_norm_known (AtlPlan *plan, int node, const float **mean,
                      const float **variance);

/* The gradient of a step's output with its fused activation undone in place,
 * and its fused residual served; what is left is the op's own gradient. */
AtlView plan_undo_epilogue (AtlPlan *plan, Step *step);

extern const StepClass step_conv_class;
extern const StepClass step_norm_class;
extern const StepClass step_activation_class;
extern const StepClass step_add_class;
extern const StepClass step_copy_class; /* part of a concat that lies elsewhere */
extern const StepClass step_dropout_class;
extern const StepClass step_quantise_class;
extern const StepClass step_upsample_class;
extern const StepClass step_reorder_class; /* space_to_depth and back */
extern const StepClass step_reflect_class;
