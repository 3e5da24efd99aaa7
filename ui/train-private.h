/* What the parts of the Train a Style window share: train-window.c holds them
 * together; train-setup.c is the first page (with train-form.h, train-choices.h,
 * train-findings.h and train-forecasts.h), train-unfinished.c the list above it,
 * train-progress.c the second page (with train-plot.h and train-sheet.h).
 */

#pragma once

#include "dialogs.h"
#include "train/job.h"
#include "train/unfinished.h"

G_BEGIN_DECLS

/* --- The first page --- */

typedef struct _AtlTrainSetup AtlTrainSetup;

/* changed: called when `is_ready` may have changed. */
AtlTrainSetup *atl_train_setup_new (GimpProcedureConfig *config,
                                    void (*changed) (gpointer data), gpointer data);
/* Iterates the main loop until its thread has ended; the widget is the
 * window's. */
void atl_train_setup_free (AtlTrainSetup *setup);
GtkWidget *atl_train_setup_get_widget (AtlTrainSetup *setup);
/* Whether a training could start; else the page says why not. */
gboolean atl_train_setup_is_ready (const AtlTrainSetup *setup);
/* Leaves the processors to a training. */
void atl_train_setup_suspend (AtlTrainSetup *setup);
/* After that, or when something may have changed outside. */
void atl_train_setup_refresh (AtlTrainSetup *setup);
/* All as the procedure's defaults. */
void atl_train_setup_reset (AtlTrainSetup *setup);

/* --- Trainings that can go on --- */

/* resume: with the AtlUnfinished to go on with.  The list is hidden while there
 * is none. */
GtkWidget *atl_train_unfinished_new (void (*resume) (gpointer data,
                                                     const AtlUnfinished *unfinished),
                                     gpointer data);
void atl_train_unfinished_refresh (GtkWidget *list);

/* --- The second page --- */

typedef struct _AtlTrainProgress AtlTrainProgress;

AtlTrainProgress *atl_train_progress_new (void);
void atl_train_progress_free (AtlTrainProgress *progress);
GtkWidget *atl_train_progress_get_widget (AtlTrainProgress *progress);
/* A new training; name: of the model. */
void atl_train_progress_begin (AtlTrainProgress *progress, AtlTrainKind kind,
                               const char *name, int measure_steps,
                               const AtlTrainView *view);
/* The view has changed. */
void atl_train_progress_update (AtlTrainProgress *progress);
/* The view is about to go. */
void atl_train_progress_end (AtlTrainProgress *progress);

/* --- Words --- */

/* "about 5 minutes", "about 1 h 20 min"; free with g_free.  train-progress.c. */
char *atl_train_describe_time (double seconds);

G_END_DECLS
