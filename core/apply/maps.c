/* Values of one node over the whole window, kept between passes: in memory, or
 * in a nameless file that vanishes with the process.
 *
 * The file lies where FHS wants large temporary files (/var/tmp, or $TMPDIR),
 * never on a file system that is itself memory, and its space is taken before
 * anything is computed.  Layout: rows of pixels of floats, dense.
 */

#include "apply/apply-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/vfs.h>
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#endif

#include "base/memory.h"

/* A folder on a disk, and what is free there; NULL if there is none. */
static const char *
find_folder (guint64 *space)
{
  const char *folders[] = { g_getenv ("TMPDIR"), "/var/tmp" };

  *space = 0;
#ifdef __linux__
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      struct statfs fs;

      if (folders[i] && g_access (folders[i], W_OK) == 0
          && statfs (folders[i], &fs) == 0 && fs.f_type != TMPFS_MAGIC
          && (guint32)fs.f_type != RAMFS_MAGIC)
        {
          *space = (guint64)fs.f_bavail * fs.f_bsize;
          return folders[i];
        }
    }
#endif
  return NULL;
}

guint64
atl_maps_file_space (void)
{
  guint64 space;

  return find_folder (&space) ? space : 0;
}

static int
open_nameless (const char *folder)
{
  g_autofree char *name = g_build_filename (folder, "atelier-XXXXXX", NULL);
  int file = g_mkstemp_full (name, O_RDWR | O_CLOEXEC, 0600);

  if (file >= 0)
    g_unlink (name);
  return file;
}

static gboolean
make_file (AtlMap *map, gsize bytes, GError **error)
{
  guint64 space;
  const char *folder = find_folder (&space);
  int code;

  map->file = folder ? open_nameless (folder) : -1;
  if (!folder)
    code = ENOSPC;
  else
    code = map->file < 0 ? errno : posix_fallocate (map->file, 0, bytes);
  if (code == 0)
    return TRUE;
  g_set_error (
      error, ATELIER_ERROR, ATELIER_ERROR_FILE,
      _ ("%s: can't keep %d MiB of intermediate results there: %s; make room "
         "or allow more memory"),
      folder ? folder : "/var/tmp", (int)(bytes >> 20), g_strerror (code));
  return FALSE;
}

static gsize
size_of (const AtlMap *map)
{
  return (gsize)map->width * map->height * map->channels * sizeof (float);
}

/* Whether there is room for it in memory beside the others. */
static gboolean
fits_memory (const AtlJob *job, const AtlMap *map)
{
  gsize used = size_of (map);

  for (guint i = 0; i < job->maps->len; i++)
    {
      const AtlMap *other = g_ptr_array_index (job->maps, i);

      used += other->data ? size_of (other) : 0;
    }
  return used <= job->map_memory;
}

AtlMap *
atl_map_new (AtlJob *job, int node, GError **error)
{
  AtlShape s = job->shapes[node];
  AtlMap *map = g_new0 (AtlMap, 1);
  gboolean ok;

  map->node = node;
  map->width = s.w;
  map->height = s.h;
  map->channels = s.c;
  map->file = -1;
  if (!fits_memory (job, map))
    {
      ok = make_file (map, size_of (map), error);
      job->file_failed = job->file_failed || !ok;
    }
  else
    {
      map->data = atl_try_alloc ((gsize)s.w * s.h, s.c * sizeof (float),
                                 _ ("the network's intermediate results"), error);
      ok = map->data != NULL;
    }
  if (!ok)
    g_clear_pointer (&map, atl_map_free);
  return map;
}

void
atl_map_free (AtlMap *map)
{
  if (map->file >= 0)
    close (map->file);
  atl_free (map->data);
  g_free (map);
}

AtlMap *
atl_map_find (const AtlJob *job, int node)
{
  for (guint i = 0; i < job->maps->len; i++)
    if (((AtlMap *)g_ptr_array_index (job->maps, i))->node == node)
      return g_ptr_array_index (job->maps, i);
  return NULL;
}

/* 0, or what went wrong. */
static int
transfer (int file, gboolean write, char *data, gsize n, goffset offset)
{
  while (n > 0)
    {
      gssize done
          = write ? pwrite (file, data, n, offset) : pread (file, data, n, offset);

      if (done < 0 && errno == EINTR)
        continue;
      if (done <= 0)
        return done < 0 ? errno : EIO;
      data += done;
      n -= done;
      offset += done;
    }
  return 0;
}

typedef struct
{
  const AtlMap *map;
  AtlRect rect;
  float *pixels; /* of the view, at the rectangle's corner */
  gsize stride, row_stride;
  gboolean write;
  float *scratch; /* one row a worker, where a row can't be transferred whole */
  int code;       /* of the first failure */
} CopyJob;

static void
copy_row (gpointer data, gint64 task, int worker)
{
  CopyJob *c = data;
  const AtlMap *map = c->map;
  gsize pixel = map->channels, n = c->rect.width * pixel;
  gsize at = (((gsize)c->rect.y + task) * map->width + c->rect.x) * pixel;
  float *pixels = c->pixels + task * c->row_stride;
  float *row = map->data    ? map->data + at
               : c->scratch ? c->scratch + worker * n
                            : pixels;
  int code = 0;

  if (!map->data && !c->write)
    code = transfer (map->file, FALSE, (char *)row, n * sizeof (float),
                     at * sizeof (float));
  if (row != pixels && c->stride == pixel)
    memcpy (c->write ? row : pixels, c->write ? pixels : row, n * sizeof (float));
  else if (row != pixels)
    for (int x = 0; x < c->rect.width; x++)
      {
        float *a = row + x * pixel, *b = pixels + x * c->stride;

        memcpy (c->write ? a : b, c->write ? b : a, pixel * sizeof (float));
      }
  if (!map->data && c->write)
    code = transfer (map->file, TRUE, (char *)row, n * sizeof (float),
                     at * sizeof (float));
  if (code != 0)
    g_atomic_int_compare_and_exchange (&c->code, 0, code);
}

static gboolean
copy_rect (const AtlMap *map, AtlPool *pool, AtlRect rect, AtlView view, int x,
           int y, gboolean write, GError **error)
{
  CopyJob c = { map, rect, NULL, view.stride, view.stride * view.shape.w, write };
  atl_autofree float *scratch = NULL;

  c.pixels = view.data + y * c.row_stride + x * view.stride;
  if (!map->data && view.stride != (gsize)map->channels)
    {
      c.scratch = scratch = atl_try_alloc (
          (gsize)rect.width * map->channels * atl_pool_get_n_threads (pool),
          sizeof (float), _ ("an intermediate result"), error);
      if (!scratch)
        return FALSE;
    }
  atl_pool_run (pool, rect.height, copy_row, &c);
  if (c.code == 0)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("Intermediate results can't be kept on the disk: %s"),
               g_strerror (c.code));
  return FALSE;
}

gboolean
atl_map_read (const AtlMap *map, AtlPool *pool, AtlRect rect, AtlView view,
              GError **error)
{
  return copy_rect (map, pool, rect, view, 0, 0, FALSE, error);
}

gboolean
atl_map_write (AtlMap *map, AtlPool *pool, AtlRect rect, AtlView view, int x, int y,
               GError **error)
{
  return copy_rect (map, pool, rect, view, x, y, TRUE, error);
}
