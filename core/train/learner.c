/* See learner.h. */

#include "train/learner.h"

#include <glib/gi18n-lib.h>

#include "base/random.h"

/* Stream of atl_random_block that seeds of dropout masks come from. */
#define STREAM_DROPOUT 0x64726f70ull

gboolean
atl_learner_init (AtlLearner *learner, const char *name, AtlModel *model,
                  AtlPool *pool, const AtlAdamSettings *settings, GError **error)
{
  AtlWeights *weights = atl_model_get_weights (model);

  learner->name = name;
  learner->model = model;
  learner->optimiser = atl_weights_need_gradients (weights, error)
                           ? atl_optimiser_new (weights, pool, settings, error)
                           : NULL;
  return learner->optimiser != NULL;
}

void
atl_learner_clear (AtlLearner *learner)
{
  g_clear_pointer (&learner->optimiser, atl_optimiser_free);
}

void
atl_learner_step (AtlLearner *learner, const AtlCollective *collective,
                  double factor)
{
  AtlWeights *weights = atl_model_get_weights (learner->model);

  atl_collective_sum_floats (collective, atl_weights_gradients (weights),
                             atl_weights_n_trainable (weights));
  atl_optimiser_step (learner->optimiser, factor);
}

void
atl_learner_save (AtlLearner *l, AtlCheckpoint *checkpoint)
{
  AtlWeights *weights = atl_model_get_weights (l->model);
  gsize n = atl_optimiser_get_size (l->optimiser);
  g_autofree char *first = g_strconcat (l->name, ".first", NULL);
  g_autofree char *second = g_strconcat (l->name, ".second", NULL);
  g_autofree char *average = g_strconcat (l->name, ".average", NULL);
  g_autofree char *steps = g_strconcat (l->name, ".steps", NULL);
  g_autofree char *norm = g_strconcat (l->name, ".norm", NULL);

  atl_training_checkpoint_add_floats (checkpoint, l->name,
                                      atl_weights_n_floats (weights),
                                      atl_weights_data (weights));
  atl_training_checkpoint_add_floats (checkpoint, first, n,
                                      atl_optimiser_get_first (l->optimiser));
  atl_training_checkpoint_add_floats (checkpoint, second, n,
                                      atl_optimiser_get_second (l->optimiser));
  if (atl_optimiser_get_average (l->optimiser))
    atl_training_checkpoint_add_floats (checkpoint, average, n,
                                        atl_optimiser_get_average (l->optimiser));
  atl_training_checkpoint_set_number (
      checkpoint, steps, (double)atl_optimiser_get_steps (l->optimiser));
  atl_training_checkpoint_set_number (checkpoint, norm,
                                      atl_optimiser_get_norm (l->optimiser));
}

gboolean
atl_learner_load (AtlLearner *l, const AtlCheckpoint *checkpoint, GError **error)
{
  AtlWeights *weights = atl_model_get_weights (l->model);
  gsize n = atl_optimiser_get_size (l->optimiser);
  g_autofree char *first = g_strconcat (l->name, ".first", NULL);
  g_autofree char *second = g_strconcat (l->name, ".second", NULL);
  g_autofree char *average = g_strconcat (l->name, ".average", NULL);
  g_autofree char *key = g_strconcat (l->name, ".steps", NULL);
  g_autofree char *norm_key = g_strconcat (l->name, ".norm", NULL);
  double steps, norm;

  if (!atl_training_checkpoint_get_floats (checkpoint, l->name,
                                           atl_weights_n_floats (weights),
                                           atl_weights_data (weights), error)
      || !atl_training_checkpoint_get_floats (
          checkpoint, first, n, atl_optimiser_get_first (l->optimiser), error)
      || !atl_training_checkpoint_get_floats (
          checkpoint, second, n, atl_optimiser_get_second (l->optimiser), error)
      || (atl_optimiser_get_average (l->optimiser)
          && !atl_training_checkpoint_get_floats (
              checkpoint, average, n, atl_optimiser_get_average (l->optimiser),
              error))
      || !atl_training_checkpoint_get_number (checkpoint, key, &steps, error)
      || !atl_training_checkpoint_get_number (checkpoint, norm_key, &norm, error))
    return FALSE;
  atl_optimiser_set_norm (l->optimiser, norm);
  atl_optimiser_set_steps (l->optimiser, (guint64)steps);
  atl_weights_changed (weights);
  return TRUE;
}

AtlPlan *
atl_learner_plan (AtlModel *model, AtlPool *pool, int input, AtlShape shape,
                  int output, const AtlPlanOptions *options, GError **error)
{
  const AtlGraph *graph = atl_model_get_graph (model);
  int multiple;

  if (!atl_graph_reach (graph, input, output, NULL, &multiple, error))
    return NULL;
  if (shape.w % multiple || shape.h % multiple)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("this network needs patches whose sides are multiples of %d; "
                      "%dx%d is not: choose another size"),
                   multiple, shape.w, shape.h);
      return NULL;
    }
  return atl_plan_new (graph, atl_model_get_weights (model), pool, &input, &shape,
                       1, &output, 1, options, error);
}

static void
reduce (gpointer data, double *values, gsize n)
{
  const AtlCollective *collective = data;

  collective->sum_doubles (collective->data, values, n);
}

void
atl_learner_plan_options (const AtlCollective *collective, AtlPlanOptions *options)
{
  if (atl_collective_n_ranks (collective) == 1)
    return;
  options->all_reduce = reduce;
  options->all_reduce_data = (gpointer)collective;
}

guint64
atl_learner_seed (const AtlCollective *collective, guint64 seed, guint64 step)
{
  guint32 block[4];
  guint64 rank = (guint64)atl_collective_rank (collective);

  atl_random_block (seed, STREAM_DROPOUT + (rank << 32), step, block);
  return block[0] | (guint64)block[1] << 32;
}
