/* A live preview of what a model makes of a layer: before and after, an overview
 * to choose the part, 1:1 or all of it, and a line that says what goes on. */

#pragma once

#include <gtk/gtk.h>

#include "preview-engine.h"

G_BEGIN_DECLS

#define ATL_TYPE_PREVIEW (atl_preview_get_type ())
G_DECLARE_FINAL_TYPE (AtlPreview, atl_preview, ATL, PREVIEW, GtkBox)

/* The source must outlive it.  Signal "updated": the state is another. */
GtkWidget *atl_preview_new          (const AtlLayerSource *source);
/* Replaces what is under way; the settings are copied.  With `measure` in them the
 * layer's size as a file is found out too.  NULL: there is no model. */
void       atl_preview_set          (AtlPreview               *preview,
                                     const AtlPreviewSettings *settings);
/* Mixes anew what has been computed; strength: 0 before, 1 after. */
void       atl_preview_set_strength (AtlPreview *preview, double strength);
/* The preview's own, until it is closed. */
const AtlPreviewState *
           atl_preview_get_state    (AtlPreview *preview);
/* Ends the thread, iterating the main loop meanwhile; to be called before it is
 * destroyed, with its window hidden. */
void       atl_preview_close        (AtlPreview *preview);

G_END_DECLS
