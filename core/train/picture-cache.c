/* Decoded pictures in memory and in a temporary file; see picture-cache.h.
 *
 * One lock over states and the list of the recently used; decoding, writing and
 * reading happen outside of it.  A picture being decoded or moved to the file
 * is BUSY, and who wants it waits.  Pictures in the file stay there: the offset
 * of each is fixed, and tiles are read with pread.
 */

#include "train/picture-cache.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "base/colour.h"
#include "base/memory.h"
#include "files/picture.h"

#define TILE 64
#define TILE_BYTES_MAX (TILE * TILE * 3 * 2)

typedef enum
{
  STATE_EMPTY,
  STATE_BUSY,
  STATE_MEMORY,
  STATE_DISK,
  STATE_BAD
} State;

struct _AtlCached
{
  State state;
  int refs;
  int width, height, channels, sample_bytes;
  AtlPicture *picture; /* STATE_MEMORY */
  guint64 offset;      /* STATE_DISK */
  GError *error;       /* STATE_BAD */
  GList link;          /* in `recent` while in memory; data is the entry */
};

struct _AtlPictureCache
{
  pthread_mutex_t mutex; /* not GMutex: thread sanitizer knows these */
  pthread_cond_t changed;
  AtlCached *entries;
  guint n_entries;
  GQueue recent; /* most recently used first */
  gsize bytes, max_bytes;
  int fd; /* -1: no file */
  guint64 disk_bytes, max_disk;
  guint64 decoded;
};

/* A file without a name, or -1. */
static int
open_nameless (const char *folder)
{
  g_autofree char *name = NULL;
  int fd = -1;

#ifdef O_TMPFILE
  fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
#endif
  if (fd >= 0)
    return fd;
  name = g_build_filename (folder, "atelier-XXXXXX", NULL);
  fd = g_mkstemp_full (name, O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0)
    g_unlink (name);
  return fd;
}

AtlPictureCache *
atl_picture_cache_new (guint n_pictures, gsize bytes, guint64 disk,
                       const char *folder, GError **error)
{
  AtlPictureCache *cache;
  AtlCached *entries
      = atl_try_alloc0 (n_pictures, sizeof *entries, "decoded pictures", error);

  if (!entries)
    return NULL;
  cache = g_new0 (AtlPictureCache, 1);
  pthread_mutex_init (&cache->mutex, NULL);
  pthread_cond_init (&cache->changed, NULL);
  g_queue_init (&cache->recent);
  cache->entries = entries;
  cache->n_entries = n_pictures;
  cache->max_bytes = bytes;
  cache->fd = disk > 0 ? open_nameless (folder) : -1;
  cache->max_disk = disk;
  for (guint i = 0; i < n_pictures; i++)
    cache->entries[i].link.data = &cache->entries[i];
  return cache;
}

void
atl_picture_cache_free (AtlPictureCache *cache)
{
  if (!cache)
    return;
  for (guint i = 0; i < cache->n_entries; i++)
    {
      g_clear_pointer (&cache->entries[i].picture, atl_picture_free);
      g_clear_error (&cache->entries[i].error);
    }
  if (cache->fd >= 0)
    close (cache->fd);
  atl_free (cache->entries);
  pthread_mutex_destroy (&cache->mutex);
  pthread_cond_destroy (&cache->changed);
  g_free (cache);
}

/* ---- decoding ---- */

static float
get_sample (const AtlPicture *picture, const guint8 *row, gsize i)
{
  switch (picture->depth)
    {
    case ATL_DEPTH_U8:
      return row[i] / 255.0f;
    case ATL_DEPTH_U16:
      return ((const guint16 *)row)[i] / 65535.0f;
    default:
      return CLAMP (((const float *)row)[i], 0.0f, 1.0f);
    }
}

/* The picture on white, with 8 or 16 bits. */
static AtlPicture *
flatten (const AtlPicture *picture, GError **error)
{
  int channels = picture->channels, samples = channels + (picture->has_alpha != 0);
  gboolean narrow = picture->depth == ATL_DEPTH_U8;
  AtlPicture *flat
      = atl_picture_new (picture->width, picture->height, channels, FALSE,
                         narrow ? ATL_DEPTH_U8 : ATL_DEPTH_U16, NULL, error);

  if (!flat)
    return NULL;
  for (int y = 0; y < picture->height; y++)
    {
      const guint8 *in = picture->pixels + y * picture->row_bytes;
      guint8 *out = flat->pixels + y * flat->row_bytes;

      for (int x = 0; x < picture->width; x++)
        {
          gsize at = (gsize)x * samples;
          float alpha
              = picture->has_alpha ? get_sample (picture, in, at + channels) : 1.0f;

          for (int c = 0; c < channels; c++)
            {
              float v = get_sample (picture, in, at + c) * alpha + 1.0f - alpha;
              gsize to = (gsize)x * channels + c;

              if (narrow)
                out[to] = (guint8)lrintf (v * 255.0f);
              else
                ((guint16 *)out)[to] = (guint16)lrintf (v * 65535.0f);
            }
        }
    }
  return flat;
}

static AtlPicture *
decode (const char *path, GError **error)
{
  AtlPicture *picture = atl_picture_load (path, error), *flat;

  if (!picture || (!picture->has_alpha && picture->depth != ATL_DEPTH_FLOAT))
    return picture;
  flat = flatten (picture, error);
  atl_picture_free (picture);
  return flat;
}

/* ---- the file ---- */

static gsize
tile_bytes (const AtlCached *entry)
{
  return (gsize)TILE * TILE * entry->channels * entry->sample_bytes;
}

static guint64
disk_size (const AtlCached *entry)
{
  return (guint64)((entry->width + TILE - 1) / TILE)
         * ((entry->height + TILE - 1) / TILE) * tile_bytes (entry);
}

static gboolean
write_fully (int fd, const guint8 *bytes, gsize size, guint64 offset)
{
  while (size > 0)
    {
      gssize n = pwrite (fd, bytes, size, (off_t)offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      bytes += n;
      size -= n;
      offset += n;
    }
  return TRUE;
}

static gboolean
read_fully (int fd, guint8 *bytes, gsize size, guint64 offset)
{
  while (size > 0)
    {
      gssize n = pread (fd, bytes, size, (off_t)offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      bytes += n;
      size -= n;
      offset += n;
    }
  return TRUE;
}

/* Tiles row by row; those at the edges are as large as the others. */
static gboolean
write_tiles (int fd, const AtlCached *entry, const AtlPicture *picture,
             guint64 offset)
{
  int pixel = entry->channels * entry->sample_bytes;
  guint8 tile[TILE_BYTES_MAX];

  memset (tile, 0, sizeof tile);
  for (int y = 0; y < entry->height; y += TILE)
    for (int x = 0; x < entry->width; x += TILE)
      {
        int width = MIN (TILE, entry->width - x);
        int height = MIN (TILE, entry->height - y);

        for (int j = 0; j < height; j++)
          memcpy (tile + (gsize)j * TILE * pixel,
                  picture->pixels + (y + j) * picture->row_bytes + (gsize)x * pixel,
                  (gsize)width * pixel);
        if (!write_fully (fd, tile, tile_bytes (entry), offset))
          return FALSE;
        offset += tile_bytes (entry);
      }
  return TRUE;
}

/* Gives the entry its place in the file, or FALSE.  Called with the lock, and
 * lets go of it meanwhile; the entry is BUSY. */
static gboolean
move_to_disk (AtlPictureCache *cache, AtlCached *entry, const AtlPicture *picture)
{
  guint64 size = disk_size (entry), offset = cache->disk_bytes;
  gboolean ok;

  if (cache->fd < 0 || size > cache->max_disk || offset > cache->max_disk - size)
    return FALSE;
  cache->disk_bytes += size;
  pthread_mutex_unlock (&cache->mutex);
  ok = write_tiles (cache->fd, entry, picture, offset);
  pthread_mutex_lock (&cache->mutex);
  entry->offset = offset;
  if (!ok) /* a full disk: no further attempts */
    cache->max_disk = 0;
  return ok;
}

/* ---- who stays in memory ---- */

static gsize
memory_size (const AtlPicture *picture)
{
  return picture->row_bytes * (gsize)picture->height;
}

/* Takes the picture out of memory; with the lock. */
static void
expel (AtlPictureCache *cache, AtlCached *entry)
{
  AtlPicture *picture = g_steal_pointer (&entry->picture);

  g_queue_unlink (&cache->recent, &entry->link);
  entry->state = STATE_BUSY;
  entry->state = move_to_disk (cache, entry, picture) ? STATE_DISK : STATE_EMPTY;
  cache->bytes -= memory_size (picture);
  atl_picture_free (picture);
  pthread_cond_broadcast (&cache->changed);
}

static void
make_room (AtlPictureCache *cache)
{
  GList *link = cache->recent.tail;

  while (link && cache->bytes > cache->max_bytes)
    {
      AtlCached *entry = link->data;

      link = link->prev;
      if (entry->refs == 0)
        {
          expel (cache, entry);
          link = cache->recent.tail; /* the list may have changed meanwhile */
        }
    }
}

/* With the lock; the entry is BUSY. */
static void
admit (AtlPictureCache *cache, AtlCached *entry, AtlPicture *picture)
{
  entry->width = picture->width;
  entry->height = picture->height;
  entry->channels = picture->channels;
  entry->sample_bytes = picture->depth == ATL_DEPTH_U8 ? 1 : 2;
  cache->decoded++;
  if (memory_size (picture) > cache->max_bytes / 2
      && move_to_disk (cache, entry, picture))
    {
      atl_picture_free (picture);
      entry->state = STATE_DISK;
      return;
    }
  entry->picture = picture;
  entry->state = STATE_MEMORY;
  cache->bytes += memory_size (picture);
  g_queue_push_head_link (&cache->recent, &entry->link);
}

AtlCached *
atl_picture_cache_acquire (AtlPictureCache *cache, guint number, const char *path,
                           GError **error)
{
  AtlCached *entry = &cache->entries[number];

  pthread_mutex_lock (&cache->mutex);
  while (entry->state == STATE_BUSY)
    pthread_cond_wait (&cache->changed, &cache->mutex);
  if (entry->state == STATE_EMPTY)
    {
      AtlPicture *picture;
      GError *failure = NULL;

      entry->state = STATE_BUSY;
      pthread_mutex_unlock (&cache->mutex);
      picture = decode (path, &failure);
      pthread_mutex_lock (&cache->mutex);
      if (picture)
        admit (cache, entry, picture);
      else
        {
          /* One code for all: it is this picture that can't be used, while
             ATELIER_ERROR_MEMORY means that nothing can go on. */
          entry->error = g_error_new_literal (ATELIER_ERROR, ATELIER_ERROR_DATA,
                                              failure->message);
          entry->state = STATE_BAD;
          g_error_free (failure);
        }
      pthread_cond_broadcast (&cache->changed);
    }
  else if (entry->state == STATE_MEMORY)
    {
      g_queue_unlink (&cache->recent, &entry->link);
      g_queue_push_head_link (&cache->recent, &entry->link);
    }
  if (entry->state == STATE_BAD)
    {
      g_propagate_error (error, g_error_copy (entry->error));
      pthread_mutex_unlock (&cache->mutex);
      return NULL;
    }
  entry->refs++;
  make_room (cache);
  pthread_mutex_unlock (&cache->mutex);
  return entry;
}

void
atl_picture_cache_release (AtlPictureCache *cache, AtlCached *picture)
{
  if (!picture)
    return;
  pthread_mutex_lock (&cache->mutex);
  picture->refs--;
  make_room (cache);
  pthread_mutex_unlock (&cache->mutex);
}

int
atl_cached_width (const AtlCached *picture)
{
  return picture->width;
}

int
atl_cached_height (const AtlCached *picture)
{
  return picture->height;
}

/* ---- reading ---- */

/* One row of `width` pixels to floats. */
static void
convert_row (const AtlCached *entry, const guint8 *row, int x, int width,
             int channels, float *out)
{
  gsize first = (gsize)x * entry->channels;
  gsize n = (gsize)width * entry->channels;
  const guint8 *narrow = row + first;
  const guint16 *wide = (const guint16 *)row + first;
  gboolean is_narrow = entry->sample_bytes == 1;

  if (channels == entry->channels)
    {
      for (gsize i = 0; i < n; i++)
        out[i]
            = is_narrow ? narrow[i] * (1.0f / 255.0f) : wide[i] * (1.0f / 65535.0f);
      return;
    }
  for (int i = 0; i < width; i++)
    {
      float p[3];

      for (int c = 0; c < entry->channels; c++)
        p[c] = is_narrow ? narrow[i * entry->channels + c] * (1.0f / 255.0f)
                         : wide[i * entry->channels + c] * (1.0f / 65535.0f);
      if (channels == 1)
        out[i] = atl_luma (p);
      else
        out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = p[0];
    }
}

/* The part of one tile that lies within the rectangle. */
static void
copy_tile (const AtlCached *entry, const guint8 *tile, int tile_x, int tile_y,
           int x, int y, int width, int height, int channels, float *out)
{
  gsize tile_row = (gsize)TILE * entry->channels * entry->sample_bytes;
  int left = MAX (x, tile_x), right = MIN (x + width, tile_x + TILE);
  int top = MAX (y, tile_y), bottom = MIN (y + height, tile_y + TILE);

  for (int j = top; j < bottom; j++)
    convert_row (entry, tile + (j - tile_y) * tile_row, left - tile_x, right - left,
                 channels, out + ((gsize)(j - y) * width + (left - x)) * channels);
}

static gboolean
read_tiles (AtlPictureCache *cache, const AtlCached *entry, int x, int y, int width,
            int height, int channels, float *out, GError **error)
{
  int across = (entry->width + TILE - 1) / TILE;
  guint16 tile[TILE_BYTES_MAX / 2];

  for (int ty = y / TILE; ty * TILE < y + height; ty++)
    for (int tx = x / TILE; tx * TILE < x + width; tx++)
      {
        guint64 number = (guint64)ty * across + tx;

        if (!read_fully (cache->fd, (guint8 *)tile, tile_bytes (entry),
                         entry->offset + number * tile_bytes (entry)))
          {
            g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                         _ ("The temporary file of decoded pictures can't be "
                            "read: %s"),
                         g_strerror (errno));
            return FALSE;
          }
        copy_tile (entry, (const guint8 *)tile, tx * TILE, ty * TILE, x, y, width,
                   height, channels, out);
      }
  return TRUE;
}

gboolean
atl_cached_read (AtlPictureCache *cache, const AtlCached *picture, int x, int y,
                 int width, int height, int channels, float *out, GError **error)
{
  if (picture->state == STATE_DISK)
    return read_tiles (cache, picture, x, y, width, height, channels, out, error);
  for (int j = 0; j < height; j++)
    convert_row (picture,
                 picture->picture->pixels + (y + j) * picture->picture->row_bytes,
                 x, width, channels, out + (gsize)j * width * channels);
  return TRUE;
}

void
atl_picture_cache_get_statistics (AtlPictureCache *cache,
                                  AtlPictureCacheStatistics *statistics)
{
  pthread_mutex_lock (&cache->mutex);
  *statistics = (AtlPictureCacheStatistics){ cache->bytes, cache->disk_bytes,
                                             cache->decoded };
  pthread_mutex_unlock (&cache->mutex);
}
