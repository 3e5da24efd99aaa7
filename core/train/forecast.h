/* What a training will cost on this machine, found out by trying: its networks
 * are made as training makes them, and some steps are taken on random pictures.
 */

#pragma once

#include "train/settings.h"

G_BEGIN_DECLS

typedef struct
{
  gsize bytes;    /* networks, gradients, optimisers, and the cache of pictures
                     at its fullest */
  double seconds; /* a step: the median of those tried */
  int n_steps;    /* that were tried after the first two */
} AtlForecast;

/* Takes steps until `seconds` have passed, five at least; with 0 none at all,
 * and only `bytes` is told (at once, and without touching that memory).
 * settings: checked; `threads` counts.  Works in the thread that calls it.
 * FALSE with ATELIER_ERROR_ARGUMENT, _MEMORY, or G_IO_ERROR_CANCELLED, between
 * two steps. */
gboolean atl_forecast (const AtlTrainSettings *settings, double seconds,
                       GCancellable *cancellable, AtlForecast *forecast,
                       GError **error);

G_END_DECLS
