/* A part of a layer before and after a model: what a preview shows.
 *
 * Made in one thread, piece by piece, while another looks at it.  It may be
 * smaller than the part it shows; each of its pixels then is the mean of those of
 * the layer that fall into it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  int x, y, width, height;
} AtlArea;

/* What both have in common.  FALSE, and an area of nothing, if that is nothing;
 * out may not be a or b. */
gboolean atl_area_intersect (const AtlArea *a, const AtlArea *b, AtlArea *out);

typedef struct _AtlShot AtlShot;

/* area: of the layer; scaled down if need be to fit into max_width x max_height,
 * never up.  samples: 1 to 4 a pixel, alpha included.  NULL if there is no
 * memory. */
AtlShot *atl_shot_new   (const AtlArea *area, int max_width, int max_height,
                         int samples);
AtlShot *atl_shot_ref   (AtlShot *shot);
void     atl_shot_unref (AtlShot *shot);

AtlArea  atl_shot_get_area    (const AtlShot *shot);
int      atl_shot_get_width   (const AtlShot *shot);
int      atl_shot_get_height  (const AtlShot *shot);
int      atl_shot_get_samples (const AtlShot *shot);
/* Whether nothing has been added yet. */
gboolean atl_shot_is_empty    (AtlShot *shot);

/* The part of the shot's area that `area` is.  before: `samples` a pixel; after:
 * `channels` (1 or 3) of colour, dense; alpha is that of before. */
void     atl_shot_add (AtlShot *shot, const AtlArea *area, const float *before,
                       const float *after, int channels);
/* `samples` a pixel of the mixture that strength (0: before, 1: after) makes,
 * and whether each is there: 255, or 0 where nothing has been added. */
void     atl_shot_get (AtlShot *shot, double strength, float *pixels,
                       guint8 *there);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlShot, atl_shot_unref)

G_END_DECLS
