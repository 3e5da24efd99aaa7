/* The small picture that a model file carries to show what it does: 192 by 96
 * pixels, a picture before the model beside the same after it.  Kept as
 * base64 of a PNG in the metadata under "atelier.thumbnail".
 */

#pragma once

#include "models/model.h"

G_BEGIN_DECLS

#define ATL_THUMBNAIL_SIDE 96 /* of each of the two */

/* before, after: dense RGB in [0, 1], `side` pixels wide and high, sRGB.  FALSE
 * with ATELIER_ERROR_MEMORY. */
gboolean atl_model_set_thumbnail (AtlModel *model, const float *before,
                                  const float *after, int side, GError **error);

/* PNG out of a model file's metadata (an element of it may be any file's);
 * NULL if there is none, or what is there is no PNG of that size.  Free with
 * g_bytes_unref. */
GBytes  *atl_thumbnail_read (GHashTable *metadata);

G_END_DECLS
