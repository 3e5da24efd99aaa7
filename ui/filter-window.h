/* What the windows of Translate and Compress have in common: models to choose
 * from, the live preview, where the result goes, memory, and what to expect. */

#pragma once

#include "dialogs.h"
#include "model-list.h"
#include "preview.h"

G_BEGIN_DECLS

typedef struct _AtlFilterWindow AtlFilterWindow;

struct _AtlFilterWindow
{
  GimpProcedureConfig  *config;
  const AtlLayerSource *source;
  GtkWidget            *dialog;
  AtlModelList         *models;
  AtlPreview           *preview;
  GtkWidget            *settings; /* GtkBox, for what the filter alone has */
  GtkGrid              *advanced; /* likewise, under the expander: rows */
  int                   n_advanced;
  /* Fills in what the config says, but for the model and memory. */
  void (*collect) (AtlFilterWindow *window, AtlPreviewSettings *settings);
  /* The preview's state has changed.  NULL: of no interest. */
  void (*show)    (AtlFilterWindow *window);

  /* private */
  GtkWidget *pages, *card_button, *card, *about, *expect;
  gboolean   choosing;
};

/* kind: of the models, "pix2pix" or "vqvae".  The caller sets collect and show, adds
 * its widgets, and runs. */
void     atl_filter_window_init (AtlFilterWindow *window, GimpProcedure *procedure,
                                 GimpProcedureConfig  *config,
                                 const AtlLayerSource *source, const char *title,
                                 const char *kind);
/* A row under the expander, bound to the widget by its mnemonic. */
void     atl_filter_window_add_advanced (AtlFilterWindow *window, const char *label,
                                         GtkWidget *widget);
/* TRUE: apply.  Destroys everything. */
gboolean atl_filter_window_run  (AtlFilterWindow *window);

G_END_DECLS
