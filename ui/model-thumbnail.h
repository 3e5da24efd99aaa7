/* What stands for a model in lists: its file's thumbnail, or its initials. */

#pragma once

#include <gtk/gtk.h>

#include "models/library.h"

G_BEGIN_DECLS

/* Of a thumbnail in a list, in logical pixels. */
#define ATL_THUMBNAIL_WIDTH  96
#define ATL_THUMBNAIL_HEIGHT 48

/* An image of width x width / 2 logical pixels, sharp at the scale of the
 * screen. */
GtkWidget  *atl_model_thumbnail_new   (const AtlModelInfo *info, int width);
/* What a model is called: its card's name, else its id; the info's own. */
const char *atl_model_info_get_title  (const AtlModelInfo *info);

G_END_DECLS
