/* What trainer.c and the trainer-*.c share. */

#pragma once

#include "train/history.h"
#include "train/setup.h"
#include "train/trainer.h"

G_BEGIN_DECLS

struct _AtlTrainer
{
  AtlTrainSettings *settings;
  AtlTrainCallback callback;
  gpointer data;
  const AtlCollective *collective;
  char *checkpoint_path, *report_folder, *samples_folder;

  GMutex lock;
  GCond wake;
  gboolean paused, stopping; /* under lock */
  GCancellable *cancellable; /* wakes a wait for data */

  AtlPool *pool;
  AtlDataset *dataset;
  AtlCorrupt *corrupt;
  AtlSetup setup;
  AtlModel *model;   /* the setup's */
  AtlMethod *method; /* the setup's */
  AtlLoaderOptions loader_options;
  AtlLoader *loader;
  AtlGallery *gallery; /* rank 0 only */
  gboolean held_out;   /* the gallery's pictures are not trained on */
  AtlHistory *history;
  int n_figures;
  double *row; /* one value a column */

  AtlLoaderStatistics at_first; /* after the first batch had to be waited for */

  gint64 first_step, step; /* where this run began; steps done */
  double figures[ATL_MAX_FIGURES]; /* of the last step */
  gboolean incomplete; /* what follows a step was cut short by a stop */
  AtlMeasurement best;
  gint64 best_step;
  gboolean model_written;
  gint64 began, checkpointed; /* monotonic microseconds */
  gint64 idle;                /* microseconds paused */
  int report_fd; /* the report folder, locked while it runs; -1: none */
};

void atl_trainer_emit (AtlTrainer *trainer, AtlTrainEvent *event);
void atl_trainer_message (AtlTrainer *trainer, AtlTrainEventKind kind,
                          const char *format, ...) G_GNUC_PRINTF (3, 4);

/* trainer-start.c: everything before the first step. */
gboolean atl_trainer_prepare (AtlTrainer *trainer, GError **error);

/* trainer-files.c.  Those that return nothing warn and go on. */
gboolean atl_trainer_write_checkpoint (AtlTrainer *trainer, GError **error);
gboolean atl_trainer_read_checkpoint (AtlTrainer *trainer, GError **error);
/* Whether a training, of whatever process, writes to that report folder now. */
gboolean atl_trainer_is_running (const char *report_folder);
/* FALSE with ATELIER_ERROR_FILE if one does; else it is this one. */
gboolean atl_trainer_lock (AtlTrainer *trainer, GError **error);
void atl_trainer_unlock (AtlTrainer *trainer);
/* The model as it would be applied now. */
gboolean atl_trainer_write_model (AtlTrainer *trainer,
                                  const AtlMeasurement *measurement,
                                  GError **error);
void atl_trainer_write_sheet (AtlTrainer *trainer, const AtlPicture *sheet);
/* The sheet's first input and output become the model's thumbnail. */
void atl_trainer_set_thumbnail (AtlTrainer *trainer, const AtlPicture *sheet);
/* trainer-prime.c: a finished VQ-VAE's file gets its context tables. */
void atl_trainer_prime (AtlTrainer *trainer);
void atl_trainer_write_history (AtlTrainer *trainer);
void atl_trainer_write_report (AtlTrainer *trainer);

G_END_DECLS
