/* A drawable's pixels as core takes them, and back.
 *
 * core sees the numbers of a perceptual encoding, as they stand in a file: the
 * drawable's own profile where that is perceptual, and where it is linear the
 * sRGB curve over the same primaries.  Values outside [0, 1] (float layers) are
 * clipped.  The result is kept beside the drawable, in its own format, until
 * it is merged: whatever ends the work before, the picture is as it was.
 */

#pragma once

#include <libgimp/gimp.h>

#include "apply/apply.h"

G_BEGIN_DECLS

typedef struct
{
  GimpDrawable *drawable;
  GeglBuffer *source;
  GeglBuffer *result;              /* of the changed part */
  const Babl *colour, *with_alpha; /* formats, float */
  const Babl *stored;              /* in which pixels are moved */
  AtlDepth depth;                  /* of stored */
  int width, height;
  int channels; /* of colour: 1 or 3 */
  gboolean has_alpha;
  GeglRectangle changed; /* what the selection leaves; width 0: nothing */
  gint64 moving;         /* microseconds that core has waited for pixels */
} AtlLayer;

/* FALSE with a message for an artist if this drawable can't be changed: groups,
 * locked ones (unless only read), indexed images, the selection itself. */
gboolean atl_layer_check (GimpDrawable *drawable, gboolean only_read,
                          GError **error);

/* Main thread only, as everything but the callbacks of `io`. */
AtlLayer *atl_layer_new (GimpDrawable *drawable);
void atl_layer_free (AtlLayer *pixels);
/* Reads the source and writes the result; to be used in a worker while the main
 * loop runs. */
AtlImageIo atl_layer_io (AtlLayer *pixels);
/* As AtlLayerSource has it. */
gboolean atl_layer_read (gpointer pixels, int x, int y, int width, int height,
                         int channels, float *out, GError **error);
/* Depth and profile that a picture of it has; free the profile. */
void atl_layer_get_form (AtlLayer *pixels, AtlDepth *depth, GBytes **icc);
/* The next two as AtlLayerSource has them. */
GdkPixbuf *atl_layer_get_thumbnail (gpointer pixels, int width, int height);
void atl_layer_to_display (gpointer pixels, const float *values, int channels,
                           gsize n, guint8 *rgb);

/* A rectangle of the source, or of the result, as a picture of the same depth
 * with the profile that belongs to it; free with atl_picture_free.  NULL with
 * ATELIER_ERROR_MEMORY. */
AtlPicture *atl_layer_get_picture (AtlLayer *pixels, gboolean result,
                                   const GeglRectangle *rect, GError **error);

/* Puts the result into the drawable as the selection says; one step of undo.
 * FALSE with GIMP's words if it refuses. */
gboolean atl_layer_merge (AtlLayer *pixels, GError **error);
/* The same with a copy of the layer that is put right above it; the copy is
 * GIMP's.  NULL if GIMP refuses. */
GimpLayer *atl_layer_merge_above (AtlLayer *pixels, const char *name,
                                  GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlLayer, atl_layer_free)

G_END_DECLS
