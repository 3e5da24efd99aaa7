/* Adam over a flat arena of parameters, its schedules, and a moving average of
 * the weights.
 *
 * One pass over gradients, moments, weights and average (AtlKernels.adam), cut
 * into tasks of a fixed size.  Kingma & Ba 2015; decoupled weight decay as
 * Loshchilov & Hutter 2019.  Gradients that are much longer than usual are
 * shortened before (Pascanu 2013), where usual is a moving average of their
 * norms: so the limit needs no knowledge of the loss's scale.
 */

#pragma once

#include "graph/weights.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_SCHEDULE_CONSTANT,
  ATL_SCHEDULE_LINEAR, /* constant for the first half, then linear to 0: the
                          reference's 100 + 100 epochs */
  ATL_SCHEDULE_COSINE  /* half a cosine from 1 to 0 */
} AtlSchedule;

/* Factor of the learning rate at `step` of `steps` (0-based), after a linear
 * rise over the first `warmup` steps. */
double atl_schedule_factor (AtlSchedule schedule, guint64 step, guint64 steps,
                            guint64 warmup);

typedef struct
{
  double lr, beta1, beta2, epsilon, weight_decay;
  double average_decay; /* of the moving average of the weights; 0: none.  It
                           starts low: (1 + t) / (10 + t) while that is less */
  double clip;          /* gradients are at most so many times as long as usual;
                           0: as long as they are */
} AtlAdamSettings;

#define ATL_ADAM_DEFAULTS { 2e-4, 0.9, 0.999, 1e-8, 0, 0, 0 }

typedef struct _AtlOptimiser AtlOptimiser;

/* For the trainable part of the weights, whose gradients must exist
 * (atl_weights_need_gradients).  weights and pool must outlive it.  NULL with
 * ATELIER_ERROR_MEMORY. */
AtlOptimiser *atl_optimiser_new (AtlWeights *weights, AtlPool *pool,
                                 const AtlAdamSettings *settings, GError **error);
void atl_optimiser_free (AtlOptimiser *optimiser);

/* One step along the gradients with the learning rate times `factor`; leaves
 * the gradients zeroed. */
void atl_optimiser_step (AtlOptimiser *optimiser, double factor);

/* Exchanges weights and moving average; twice is as before.  Nothing without
 * an average. */
void atl_optimiser_swap_average (AtlOptimiser *optimiser);

/* Of its state. */
gsize atl_optimiser_get_bytes (const AtlOptimiser *optimiser);

/* State, for checkpoints: n floats each; the average is NULL without one. */
gsize atl_optimiser_get_size (const AtlOptimiser *optimiser);
float *atl_optimiser_get_first (AtlOptimiser *optimiser);
float *atl_optimiser_get_second (AtlOptimiser *optimiser);
float *atl_optimiser_get_average (AtlOptimiser *optimiser);
guint64 atl_optimiser_get_steps (const AtlOptimiser *optimiser);
void atl_optimiser_set_steps (AtlOptimiser *optimiser, guint64 steps);
/* The usual length of a gradient, its Euclidean norm; only with `clip`. */
double atl_optimiser_get_norm (const AtlOptimiser *optimiser);
void atl_optimiser_set_norm (AtlOptimiser *optimiser, double norm);

/* The average starts as the weights; to be called when they were set by hand
 * after atl_optimiser_new. */
void atl_optimiser_reset_average (AtlOptimiser *optimiser);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlOptimiser, atl_optimiser_free)

G_END_DECLS
