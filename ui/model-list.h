/* A list of models: thumbnail, name, and one line on what each does.
 *
 * A widget to choose from; for Translate and Compress models of one kind that
 * can be used, for Manage Models all that there are.  Its accessible name is
 * "Models"; arrow keys choose, as in any list.
 */

#pragma once

#include <gtk/gtk.h>

#include "models/library.h"

G_BEGIN_DECLS

#define ATL_TYPE_MODEL_LIST (atl_model_list_get_type ())
G_DECLARE_FINAL_TYPE (AtlModelList, atl_model_list, ATL, MODEL_LIST,
                      GtkScrolledWindow)

/* kind: of the models to be listed, those that can be used; NULL: all files.
 * Signals: "changed" when another model is chosen, by whomever. */
GtkWidget          *atl_model_list_new      (const char *kind);
/* Reads the folders again, and keeps the choice if it is still there. */
void                atl_model_list_refresh  (AtlModelList *list);
/* The model that is chosen, the list's own; NULL: none. */
const AtlModelInfo *atl_model_list_get      (AtlModelList *list);
/* By id or path; empty: the first.  A model file that is in none of the folders
 * is listed too, at the end.  FALSE if there is nothing of that name; the choice
 * then stays. */
gboolean            atl_model_list_choose   (AtlModelList *list,
                                             const char   *model);

G_END_DECLS
