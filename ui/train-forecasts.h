/* What each preset of a training would cost on this machine: tried out in a
 * thread, one preset after the other, the chosen one first. */

#pragma once

#include "train/forecast.h"
#include "train/settings.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean known; /* then forecast and steps say what it costs */
  AtlForecast forecast;
  gint64 steps;
  char *problem; /* why it can't be known, in words; else NULL */
} AtlEstimate;

typedef struct _AtlTrainForecasts AtlTrainForecasts;

/* The settings that a training with the preset would have; NULL with an error
 * where they don't go together. */
typedef AtlTrainSettings *(*AtlPresetSettings) (gpointer data, int preset,
                                                GError **error);

/* changed: the estimate of that preset is another. */
AtlTrainForecasts *atl_train_forecasts_new (int n_presets,
                                            AtlPresetSettings settings,
                                            void (*changed) (gpointer data,
                                                             int preset),
                                            gpointer data);
/* Iterates the main loop until the thread has ended; changed is not called. */
void atl_train_forecasts_free (AtlTrainForecasts *forecasts);

/* The settings are others: all is forgotten, and tried anew. */
void atl_train_forecasts_renew (AtlTrainForecasts *forecasts);
/* Which preset is of interest. */
void atl_train_forecasts_choose (AtlTrainForecasts *forecasts, int preset);
/* Leaves the processors to others, until it is to go on. */
void atl_train_forecasts_suspend (AtlTrainForecasts *forecasts);
void atl_train_forecasts_go_on (AtlTrainForecasts *forecasts);
const AtlEstimate *atl_train_forecasts_get (const AtlTrainForecasts *forecasts,
                                            int preset);

G_END_DECLS
