/* What the run loop (trainer.h) asks of a way of training.
 *
 * A method owns its networks' plans, optimisers and whatever else a step
 * changes, and is stepped with dense batches.  It is deterministic: what a step
 * does depends on the state saved, the step's number and the batch.
 */

#pragma once

#include "base/pool.h"
#include "graph/plan.h"
#include "models/model.h"
#include "train/checkpoint.h"
#include "train/collective.h"

G_BEGIN_DECLS

#define ATL_MAX_FIGURES 16

typedef struct _AtlMethod AtlMethod;

typedef struct
{
  /* Figures of a step, the same over all processes; the first is the one that
   * a line of progress shows first. */
  int n_figures;
  const char *const *figures;

  /* Before step 0 only, with some pictures of the batch's size; the same on
   * every process.  May be NULL. */
  gboolean (*start) (AtlMethod *method, const float *input, int n_pictures,
                     GError **error);
  /* input, target: this process's part of the batch, dense NHWC in [-1, 1]. */
  gboolean (*step) (AtlMethod *method, guint64 step, const float *input,
                    const float *target, double *figures, GError **error);
  void (*save) (AtlMethod *method, AtlCheckpoint *checkpoint);
  gboolean (*load) (AtlMethod *method, const AtlCheckpoint *checkpoint,
                    GError **error);
  /* Puts the weights that are to be applied into `model` (a moving average, if
   * one is kept), and back. */
  void (*present) (AtlMethod *method, gboolean presented);
  /* Adds to the model's metadata what applying it can use; may be NULL. */
  void (*annotate) (AtlMethod *method);
  /* Of plans and optimisers. */
  gsize (*bytes) (const AtlMethod *method);
  void (*free) (AtlMethod *method);
} AtlMethodClass;

struct _AtlMethod
{
  const AtlMethodClass *class;
  AtlModel *model; /* that is trained; borrowed */
  AtlPool *pool;
  const AtlCollective *collective;
  AtlShape input, target; /* of this process's part of a batch */
  /* Something an artist should know, already translated; may be NULL. */
  void (*message) (gpointer data, const char *text);
  gpointer message_data;
};

static inline void
atl_method_free (AtlMethod *method)
{
  if (method)
    method->class->free (method);
}

static inline void
atl_method_message (AtlMethod *method, const char *text)
{
  if (method->message)
    method->message (method->message_data, text);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlMethod, atl_method_free)

G_END_DECLS
