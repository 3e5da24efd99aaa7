/* The curves of a training: the losses of each step and what was measured on
 * held-out pictures, over the steps.
 */

#pragma once

#include <gtk/gtk.h>

#include "train/job.h"

G_BEGIN_DECLS

#define ATL_TYPE_TRAIN_PLOT (atl_train_plot_get_type ())
G_DECLARE_FINAL_TYPE (AtlTrainPlot, atl_train_plot, ATL, TRAIN_PLOT, GtkDrawingArea)

GtkWidget *atl_train_plot_new (void);

/* What is drawn: borrowed, NULL for nothing; to be called again, or followed by
 * gtk_widget_queue_draw, when the view has changed. */
void atl_train_plot_set_view (AtlTrainPlot *plot, AtlTrainKind kind,
                              const AtlTrainView *view);

/* The curves that belong together, by name; what there is depends on the kind. */
int atl_train_plot_get_n_panels (AtlTrainKind kind);
const char *atl_train_plot_get_panel_name (AtlTrainKind kind, int panel);
/* panel: from 0 to n_panels - 1. */
void atl_train_plot_set_panel (AtlTrainPlot *plot, int panel);
/* Whether the values' axis is. */
void atl_train_plot_set_logarithmic (AtlTrainPlot *plot, gboolean logarithmic);

G_END_DECLS
