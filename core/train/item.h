/* One item of a batch: a pair cut, damaged and put into the network's form.
 *
 * Within train/ only: what loader.h's batches and samples have in common.
 */

#pragma once

#include "train/loader.h"
#include "train/picture-cache.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *pairs;         /* AtlPair; borrowed */
  AtlPictureCache *cache;   /* pair i has the numbers 2 i and 2 i + 1; owned */
  AtlLoaderOptions options; /* with defaults filled in */
  int channels;             /* pictures are rendered with: 1 or 3 */
  int margin;               /* around patches that get damaged */
} AtlItems;

/* Checks and completes the options; FALSE with ATELIER_ERROR_ARGUMENT.  The
 * cache is the caller's to make. */
gboolean atl_items_init (AtlItems *items, GPtrArray *pairs,
                         const AtlLoaderOptions *options, GError **error);

/* Size of a pair's region.  Opens its pictures; FALSE with why they can't be
 * used. */
gboolean atl_items_measure (const AtlItems *items, guint pair, int *width,
                            int *height, GError **error);

/* Renders a crop of a pair (crop NULL: one drawn from options.augment by
 * `where`), damage drawn from `damage`.  input, target: width x height x their
 * channels, in [-1, 1]; target may be NULL. */
gboolean atl_items_make (const AtlItems *items, guint pair, const AtlCrop *crop,
                         AtlRandom *where, AtlRandom *damage, int width, int height,
                         float *input, float *target, GError **error);

/* Whether the target is the input itself. */
gboolean atl_items_target_is_input (const AtlItems *items);

G_END_DECLS
