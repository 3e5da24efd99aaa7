/* A sheet of samples, input | output | target, as large as there is room. */

#pragma once

#include <gtk/gtk.h>

#include "files/picture.h"

G_BEGIN_DECLS

#define ATL_TYPE_TRAIN_SHEET (atl_train_sheet_get_type ())
G_DECLARE_FINAL_TYPE (AtlTrainSheet, atl_train_sheet, ATL, TRAIN_SHEET,
                      GtkDrawingArea)

GtkWidget *atl_train_sheet_new (void);
/* picture: 8-bit RGB, copied; NULL for none.  headings: one a column, borrowed
 * (static); n_columns of them. */
void atl_train_sheet_set (AtlTrainSheet *sheet, const AtlPicture *picture,
                          const char *const *headings, int n_columns);
/* Shown as long as there is no picture. */
void atl_train_sheet_set_placeholder (AtlTrainSheet *sheet, const char *text);

G_END_DECLS
