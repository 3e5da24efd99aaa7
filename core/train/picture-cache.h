/* Decoded pictures, each decoded once as far as there is room.
 *
 * A picture is kept at its own depth (8 or 16 bits, floats as 16), without
 * alpha: transparent parts are seen on white.  The most recently used ones stay
 * in memory up to a limit; those that have to leave are cut into tiles of 64x64
 * and go to a temporary file that has no name any more (so it is private and
 * vanishes with the process, however that ends); rectangles are read straight
 * from there.  Only when that is full too is a picture decoded again.
 * Thread-safe.
 */

#pragma once

#include "base/error.h"

G_BEGIN_DECLS

typedef struct _AtlPictureCache AtlPictureCache;
typedef struct _AtlCached AtlCached;

/* Pictures are known by a number, 0 .. n_pictures-1.  disk: most bytes of the
 * file, 0 for none; folder: where it is made.  A file that can't be made is done
 * without.  NULL with ATELIER_ERROR_MEMORY. */
AtlPictureCache *atl_picture_cache_new (guint n_pictures, gsize bytes, guint64 disk,
                                        const char *folder, GError **error);
void atl_picture_cache_free (AtlPictureCache *cache);

/* The picture, decoded from `path` if need be; release it soon.  A failure is
 * remembered.  NULL with ATELIER_ERROR_DATA and atl_picture_load's message. */
AtlCached *atl_picture_cache_acquire (AtlPictureCache *cache, guint number,
                                      const char *path, GError **error);
void atl_picture_cache_release (AtlPictureCache *cache, AtlCached *picture);

int atl_cached_width (const AtlCached *picture);
int atl_cached_height (const AtlCached *picture);

/* The rectangle, which lies within the picture, as height x width x channels
 * floats in [0, 1]; channels 1 or 3.  FALSE with ATELIER_ERROR_FILE if the
 * temporary file can't be read. */
gboolean atl_cached_read (AtlPictureCache *cache, const AtlCached *picture, int x,
                          int y, int width, int height, int channels, float *out,
                          GError **error);

typedef struct
{
  gsize bytes;        /* in memory */
  guint64 disk_bytes; /* in the file */
  guint64 decoded;    /* so far, counting repetitions */
} AtlPictureCacheStatistics;

void atl_picture_cache_get_statistics (AtlPictureCache *cache,
                                       AtlPictureCacheStatistics *statistics);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPictureCache, atl_picture_cache_free)

G_END_DECLS
