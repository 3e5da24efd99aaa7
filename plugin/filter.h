/* A model over one or several layers: what Translate and Compress share, and what
 * all windows over layers are told of them. */

#pragma once

#include "pixels.h"
#include "dialogs.h"

G_BEGIN_DECLS

typedef struct
{
  AtlModel *model;
  AtlApplyOptions options;
  gboolean new_layer;
  /* Computes the changed part of a layer instead of atl_apply with `options`; in
   * the worker.  NULL: atl_apply. */
  gboolean (*apply) (gpointer data, AtlLayer *pixels, AtlPool *pool,
                     const AtlImageIo *io, const AtlProgress *progress,
                     GError **error);
  /* Looks at every layer's source and result before they are merged; in the
   * main thread, for the parts that change.  NULL: nothing to look at. */
  gboolean (*inspect) (gpointer data, AtlLayer *pixels, AtlPool *pool,
                       GError **error);
  gpointer data;
} AtlFilter;

/* Whether these layers can be changed, or new ones made of them; else FALSE with
 * ATELIER_ERROR_ARGUMENT. */
gboolean atl_filter_check (GimpDrawable **drawables, gboolean new_layer,
                           GError **error);
/* Whether at least one of both is possible; before a dialog opens. */
gboolean atl_filter_check_any (GimpDrawable **drawables, GError **error);
/* All layers are computed before the first is changed; one step of undo.  What
 * lies outside the selection is passed over.  FALSE with the errors of atl_apply
 * (or of `apply` and `inspect`), ATELIER_ERROR_ARGUMENT where the image can't take
 * the result. */
gboolean atl_filter_run (const AtlFilter *filter, GimpImage *image,
                         GimpDrawable **drawables, GError **error);
/* "output" of the config.  FALSE with ATELIER_ERROR_ARGUMENT. */
gboolean atl_filter_read_output (GimpProcedureConfig *config, gboolean *new_layer,
                                 GError **error);

/* What a dialog is to know of the first layer; free with
 * atl_filter_source_clear. */
void atl_filter_source_init (AtlLayerSource *source, GimpDrawable **drawables);
void atl_filter_source_clear (AtlLayerSource *source);
/* Shows a filter's dialog over the first layer: FALSE if it was cancelled. */
typedef gboolean (*AtlFilterDialog) (GimpProcedure *procedure,
                                     GimpProcedureConfig *config,
                                     const AtlLayerSource *source);
gboolean atl_filter_ask (AtlFilterDialog dialog, GimpProcedure *procedure,
                         GimpProcedureConfig *config, GimpDrawable **drawables);

G_END_DECLS
