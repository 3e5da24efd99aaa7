/* Pixels as core has them, made into what can be drawn. */

#pragma once

#include "dialogs.h"
#include "shot.h"

G_BEGIN_DECLS

/* A picture of a part of the layer, over a chequerboard where it is
 * transparent; NULL if it can't be read.  Main thread only. */
cairo_surface_t *atl_picture_of_layer (const AtlLayerSource *source,
                                       const AtlArea        *area);
/* The shot, mixed; transparent where nothing is known yet. */
cairo_surface_t *atl_picture_of_shot  (const AtlLayerSource *source, AtlShot *shot,
                                       double strength);

G_END_DECLS
