/* A training run in a thread of its own, for a window that watches it from its
 * main loop.
 *
 * The trainer's events are collected behind a lock and handed over in the main
 * context in which the job was made, all that has come up at once: however fast
 * the steps are, the loop is called at most once a round.  AtlTrainView belongs
 * to that loop's thread; nothing else touches it.
 */

#pragma once

#include "train/series.h"
#include "train/trainer.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_JOB_STARTING, /* looking at the pictures, making the networks */
  ATL_JOB_RUNNING,
  ATL_JOB_PAUSED,
  ATL_JOB_STOPPING, /* asked to stop; what it learnt is being written */
  ATL_JOB_ENDED     /* result or error tell how */
} AtlJobState;

typedef struct
{
  gint64 step;
  AtlMeasurement measurement;
  gboolean best;
} AtlMeasured;

typedef struct
{
  gint64 step;
  gboolean warning;
  char *text;
} AtlTrainMessage;

typedef struct
{
  AtlJobState state;
  gint64 first_step, step, steps;
  double seconds_left;   /* negative: not known yet */
  AtlSeries *figures;    /* NULL before the start; of a resumed run from its
                            first step on */
  GArray *measured;      /* AtlMeasured, by step */
  GPtrArray *messages;   /* AtlTrainMessage, the oldest first */
  guint n_dropped;       /* older ones, that are not in the list any more */
  AtlPicture *sheet;     /* input | output | target, or NULL */
  gint64 sheet_step;
  gint64 model_step;     /* that the model file is of; 0: none yet */
  AtlTrainResult result; /* once ended, without an error */
  GError *error;
} AtlTrainView;

typedef struct _AtlTrainJob AtlTrainJob;

/* Called in the main context after the view has changed. */
typedef void (*AtlJobChanged) (gpointer data);

/* Checks the settings, takes them over and starts.  NULL as atl_trainer_new. */
AtlTrainJob *atl_train_job_new (AtlTrainSettings *settings, AtlJobChanged changed,
                                gpointer data, GError **error);
/* Stops it if need be and waits; changed is not called any more. */
void atl_train_job_free (AtlTrainJob *job);

/* Long work in the calling thread, and in threads that it makes from now on,
 * stands back for everything else on the machine. */
void atl_lower_priority (void);

const AtlTrainView *atl_train_job_get_view (const AtlTrainJob *job);
const char *atl_train_job_get_report_folder (const AtlTrainJob *job);
/* The view's state follows at once where it is the caller's doing: stopping; a
 * pause begins after the step under way. */
void atl_train_job_pause (AtlTrainJob *job, gboolean paused);
void atl_train_job_stop (AtlTrainJob *job);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlTrainJob, atl_train_job_free)

G_END_DECLS
