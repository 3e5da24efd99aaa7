/* Layers and .vqi files: what Compress and the export share. */

#pragma once

#include "codec/vqi.h"
#include "pixels.h"

G_BEGIN_DECLS

/* What of a layer a file is made of, with its transparency. */
typedef struct
{
  AtlVqiSource source;
  AtlLayer *pixels;
  GeglRectangle rect; /* of the layer */
  const AtlImageIo *io; /* of the layer; NULL: only read */
  guint16 *alpha;
} AtlVqiLayer;

/* In any thread (the main loop running, if it is a worker).  FALSE with
 * ATELIER_ERROR_MEMORY; clear in any case. */
gboolean atl_vqi_layer_init  (AtlVqiLayer *layer, AtlLayer *pixels,
                              const GeglRectangle *rect, const AtlImageIo *io,
                              GError **error);
void     atl_vqi_layer_clear (AtlVqiLayer *layer);

/* The changed part through a file and back into the layer's result; see
 * atl_vqi_send. */
gboolean atl_vqi_layer_send (AtlModel *model, AtlPool *pool, AtlLayer *pixels,
                             const AtlImageIo *io, const AtlVqiOptions *options,
                             const AtlProgress *progress, gsize *bytes,
                             GError **error);

/* The argument "quality", and how many stages of the model it asks for: FALSE with
 * ATELIER_ERROR_ARGUMENT if it has not so many. */
void     atl_vqi_add_quality  (GimpProcedure *procedure);
gboolean atl_vqi_read_quality (GimpProcedureConfig *config, AtlModel *model,
                               int *stages, GError **error);

G_END_DECLS
