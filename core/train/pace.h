/* What a training will take on this machine, in time and memory: measured once
 * and remembered.
 *
 * $XDG_CACHE_HOME/atelier/pace.ini maps a checksum of the processor, its
 * threads, the version and everything that a step depends on to seconds a step.
 * A finished training writes what it really took, pictures and measuring
 * included.
 */

#pragma once

#include "train/forecast.h"

G_BEGIN_DECLS

/* As atl_forecast, for settings->threads threads; steps are tried only where
 * the pace is not known yet. */
gboolean atl_pace_forecast (const AtlTrainSettings *settings,
                            GCancellable *cancellable, AtlForecast *forecast,
                            GError **error);
/* From a training: its seconds a step.  Failing is no harm. */
void atl_pace_note (const AtlTrainSettings *settings, double seconds);

G_END_DECLS
