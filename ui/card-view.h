/* A model's card as a page to read: thumbnail, name, what it does, and what is
 * known of where it comes from. */

#pragma once

#include <gtk/gtk.h>

#include "models/library.h"

G_BEGIN_DECLS

/* A scrolled page. */
GtkWidget *atl_card_view_new (void);
/* NULL: an empty page. */
void       atl_card_view_set (GtkWidget *view, const AtlModelInfo *info);

G_END_DECLS
