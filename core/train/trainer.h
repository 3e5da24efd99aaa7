/* A training run as an object: from settings to a model file.
 *
 * It looks at the folder, trains, measures on held-out pairs now and then,
 * keeps the best model as a usable file at any moment, writes checkpoints from
 * which a run goes on with the same bits, history.csv, sheets of samples and
 * report.html.  With settings->resume it goes on where the checkpoint beside
 * the output ended; with none there it starts afresh.  It refuses to write where
 * another training is at work (where the system has flock).
 *
 * atl_trainer_run works in the thread that calls it, and delivers events there;
 * atl_trainer_pause and atl_trainer_stop may be called from any.
 */

#pragma once

#include "files/picture.h"
#include "train/collective.h"
#include "train/gallery.h"
#include "train/history.h"
#include "train/settings.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_EVENT_MESSAGE,    /* text: something to know */
  ATL_EVENT_WARNING,    /* text: something went wrong, training goes on */
  ATL_EVENT_STARTED,    /* step: where it begins; history; n_figures */
  ATL_EVENT_STEP,       /* figures */
  ATL_EVENT_MEASURED,   /* measurement, best */
  ATL_EVENT_SAMPLES,    /* sheet, path (NULL if it could not be written) */
  ATL_EVENT_MODEL,      /* path: the model so far is there, usable */
  ATL_EVENT_CHECKPOINT, /* path */
  ATL_EVENT_PAUSED,
  ATL_EVENT_CONTINUED
} AtlTrainEventKind;

/* Everything in it is valid only while the callback runs. */
typedef struct
{
  AtlTrainEventKind kind;
  gint64 step, steps;  /* done, of all */
  double seconds_left; /* negative: not known yet */
  const char *text, *path;
  int n_figures;
  const char *const *names;
  const double *figures;
  const AtlMeasurement *measurement;
  gboolean best;
  const AtlPicture *sheet;
  const AtlHistory *history; /* of a resumed run, else without rows; its first
                                n_figures columns are those of the steps */
} AtlTrainEvent;

typedef void (*AtlTrainCallback) (gpointer data, const AtlTrainEvent *event);

typedef struct
{
  gboolean finished; /* else stopped */
  gint64 step;
  gint64 best_step;
  AtlMeasurement best; /* of the model file; n = 0: never measured */
  gboolean held_out;   /* measured on pictures that were not trained on */
  double seconds, waited_seconds; /* of this run; for data */
} AtlTrainResult;

typedef struct _AtlTrainer AtlTrainer;

/* Checks the settings and takes them over (NULL or not, they are the
 * trainer's).  callback may be NULL; collective too (alone).  NULL with
 * ATELIER_ERROR_ARGUMENT or ATELIER_ERROR_FILE (the output can't be written). */
AtlTrainer *atl_trainer_new (AtlTrainSettings *settings, AtlTrainCallback callback,
                             gpointer data, const AtlCollective *collective,
                             GError **error);
void atl_trainer_free (AtlTrainer *trainer);

/* Until the last step, or atl_trainer_stop: then a checkpoint is written, the
 * model file is there, and it returns TRUE with `finished` FALSE.  FALSE with
 * ATELIER_ERROR_DATA, _MEMORY, ...; the last checkpoint stays. */
gboolean atl_trainer_run (AtlTrainer *trainer, AtlTrainResult *result,
                          GError **error);

/* From any thread.  Takes effect between two steps, or two pictures measured. */
void atl_trainer_pause (AtlTrainer *trainer, gboolean paused);
void atl_trainer_stop (AtlTrainer *trainer);

/* Where things are; owned by the trainer. */
const char *atl_trainer_get_checkpoint_path (const AtlTrainer *trainer);
const char *atl_trainer_get_report_folder (const AtlTrainer *trainer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlTrainer, atl_trainer_free)

G_END_DECLS
