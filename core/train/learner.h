/* A network that learns: its gradients, its optimiser, and both in a
 * checkpoint.  What the two trainers share below the run loop.
 */

#pragma once

#include "graph/plan.h"
#include "models/model.h"
#include "train/checkpoint.h"
#include "train/collective.h"
#include "train/optimiser.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name; /* in checkpoints; static */
  AtlModel *model;
  AtlOptimiser *optimiser;
} AtlLearner;

gboolean atl_learner_init (AtlLearner *learner, const char *name, AtlModel *model,
                           AtlPool *pool, const AtlAdamSettings *settings,
                           GError **error);
void atl_learner_clear (AtlLearner *learner);
/* Sums the gradients over all processes and takes a step. */
void atl_learner_step (AtlLearner *learner, const AtlCollective *collective,
                       double factor);
/* NAME: all weights, running statistics and codebooks included; NAME.first,
 * NAME.second, NAME.average. */
void atl_learner_save (AtlLearner *learner, AtlCheckpoint *checkpoint);
gboolean atl_learner_load (AtlLearner *learner, const AtlCheckpoint *checkpoint,
                           GError **error);

/* A plan from one node to another.  ATELIER_ERROR_ARGUMENT, saying which
 * multiple the sides must have, if the shape does not fit the network. */
AtlPlan *atl_learner_plan (AtlModel *model, AtlPool *pool, int input,
                           AtlShape shape, int output,
                           const AtlPlanOptions *options, GError **error);
/* Norms over several processes. */
void atl_learner_plan_options (const AtlCollective *collective,
                               AtlPlanOptions *options);
/* Of a step's dropout masks: another for each process. */
guint64 atl_learner_seed (const AtlCollective *collective, guint64 seed,
                          guint64 step);

G_END_DECLS
