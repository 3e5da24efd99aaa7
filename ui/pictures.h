/* Pixels as core has them, made into what can be drawn. */

#pragma once

#include "dialogs.h"
#include "shot.h"

G_BEGIN_DECLS

/* Both main thread only; free with cairo_surface_destroy; NULL if the layer can't
 * be read, or without memory.
 * A picture of a part of the layer, over a chequerboard where it is
 * transparent. */
cairo_surface_t *atl_picture_of_layer (const AtlLayerSource *source,
                                       const AtlArea        *area);
/* The shot, mixed (strength: 0 before, 1 after); transparent where nothing is
 * known yet. */
cairo_surface_t *atl_picture_of_shot  (const AtlLayerSource *source, AtlShot *shot,
                                       double strength);

G_END_DECLS
