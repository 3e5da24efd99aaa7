/* Aligned memory, the arena's plan, and what the machine has; see memory.h.
 *
 * Limits of control groups (containers, systemd units) count as the machine's
 * own, both versions of them.
 */

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>

#include "base/error.h"

#define HUGE_FROM (8u << 20) /* bytes: worth asking for huge pages */
#define ASK_FROM (1u << 30)  /* bytes: worth asking how much there is at all */

/* Weights are read at the speed of memory, and large pages save the misses of
 * the address cache.  Advice only. */
static void
advise_huge (gpointer memory, gsize size)
{
#ifdef MADV_HUGEPAGE
  guintptr page = (guintptr)sysconf (_SC_PAGESIZE);
  guintptr begin = ((guintptr)memory + page - 1) / page * page;
  guintptr end = ((guintptr)memory + size) / page * page;

  if (size >= HUGE_FROM && end > begin)
    madvise ((gpointer)begin, end - begin, MADV_HUGEPAGE);
#endif
}

/* The system promises more than it has, and ends the program later. */
static gboolean
is_there (gsize bytes)
{
  guint64 total = bytes >= ASK_FROM ? atl_memory_total () : 0;

  return total == 0 || bytes <= total;
}

static AtlAllocHook alloc_hook;
static gpointer alloc_hook_data;

void
atl_set_alloc_hook (AtlAllocHook hook, gpointer data)
{
  alloc_hook_data = data;
  alloc_hook = hook;
}

/* Whether a test, if there is one, lets this allocation be. */
static inline gboolean
may_alloc (gsize bytes)
{
  return G_LIKELY (alloc_hook == NULL) || alloc_hook (bytes, alloc_hook_data);
}

gpointer
atl_try_alloc (gsize count, gsize size, const char *what, GError **error)
{
  gpointer memory = NULL;
  gsize bytes = 0;
  gboolean fits = g_size_checked_mul (&bytes, count, size)
                  && bytes <= (gsize)G_MAXSSIZE - ATL_ALIGNMENT;

  if (fits && is_there (bytes) && may_alloc (bytes)
      && posix_memalign (&memory, ATL_ALIGNMENT, MAX (bytes, 1)) == 0)
    {
      advise_huge (memory, bytes);
      return memory;
    }
  if (fits)
    {
      g_autofree char *text = g_format_size (bytes);

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
                   _ ("%s needs %s of memory, which this machine can't give"), what,
                   text);
    }
  else
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
                 _ ("%s is larger than any memory"), what);
  return NULL;
}

gpointer
atl_try_alloc0 (gsize count, gsize size, const char *what, GError **error)
{
  gpointer memory = atl_try_alloc (count, size, what, error);

  if (memory != NULL)
    memset (memory, 0, count * size);
  return memory;
}

void
atl_free (gpointer memory)
{
  free (memory);
}

/* Placing. */

typedef struct
{
  gsize size; /* rounded up, so that every offset is aligned */
  int index;
  int placed; /* index of the buffer that has the i-th lowest offset so far */
} Request;

static int
compare_requests (gconstpointer a, gconstpointer b)
{
  const Request *p = a, *q = b;

  if (p->size != q->size)
    return p->size > q->size ? -1 : 1;
  return p->index - q->index;
}

static inline gsize
aligned (gsize size)
{
  return (size + ATL_ALIGNMENT - 1) / ATL_ALIGNMENT * ATL_ALIGNMENT;
}

/* The lowest offset where `buffer` fits between those of the n placed so far that
 * live with it. */
static gsize
lowest_gap (const AtlLifetime *buffers, const Request *requests, int n,
            const AtlLifetime *buffer)
{
  gsize at = 0;

  for (int i = 0; i < n; i++)
    {
      const AtlLifetime *other = &buffers[requests[i].placed];

      if (other->first > buffer->last || other->last < buffer->first)
        continue;
      if (other->offset >= at && other->offset - at >= aligned (buffer->size))
        break;
      at = MAX (at, other->offset + aligned (other->size));
    }
  return at;
}

gboolean
atl_arena_place (AtlLifetime *buffers, int n_buffers, gsize *total, GError **error)
{
  atl_autofree Request *requests = atl_try_alloc (
      n_buffers, sizeof *requests, _ ("the network's intermediate results"), error);
  gsize sum = 0;

  if (requests == NULL)
    return FALSE;
  *total = 0;

  for (int i = 0; i < n_buffers; i++)
    {
      if (buffers[i].size > G_MAXSIZE - ATL_ALIGNMENT
          || !g_size_checked_add (&sum, sum, aligned (buffers[i].size)))
        {
          *total = G_MAXSIZE;
          return TRUE;
        }
      requests[i] = (Request){ aligned (buffers[i].size), i, -1 };
    }
  qsort (requests, n_buffers, sizeof *requests, compare_requests);

  for (int i = 0; i < n_buffers; i++)
    {
      AtlLifetime *buffer = &buffers[requests[i].index];
      int at = i;

      buffer->offset = lowest_gap (buffers, requests, i, buffer);
      *total = MAX (*total, buffer->offset + requests[i].size);
      for (; at > 0 && buffers[requests[at - 1].placed].offset > buffer->offset;
           at--)
        requests[at].placed = requests[at - 1].placed;
      requests[at].placed = requests[i].index;
    }
  return TRUE;
}

/* The machine. */

/* The number after `key` in a file of "Key:   123 kB" lines, in bytes. */
static guint64
proc_value (const char *path, const char *key)
{
  g_autofree char *text = NULL;
  const char *at;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  at = strstr (text, key);
  return at != NULL ? g_ascii_strtoull (at + strlen (key), NULL, 10) * 1024 : 0;
}

/* The number that is a file's whole content; `fallback` for "max" and for a
 * file that is not there. */
static guint64
group_value (const char *folder, const char *file, guint64 fallback)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) || !g_ascii_isdigit (text[0]))
    return fallback;
  return g_ascii_strtoull (text, NULL, 10);
}

/* Page cache that the group would give back. */
static guint64
group_inactive (const char *folder, const char *key)
{
  g_autofree char *path = g_build_filename (folder, "memory.stat", NULL);
  g_autofree char *text = NULL;
  const char *at;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  at = strstr (text, key);
  return at != NULL ? g_ascii_strtoull (at + strlen (key), NULL, 10) : 0;
}

/* Lowers *limit and *room to what `group` and its parents allow. */
static void
group_bounds (const char *root, const char *group, gboolean version2,
              guint64 *limit, guint64 *room)
{
  g_autofree char *folder = g_build_filename (root, group, NULL);

  while (strlen (folder) >= strlen (root))
    {
      guint64 max = group_value (
          folder, version2 ? "memory.max" : "memory.limit_in_bytes", G_MAXUINT64);
      guint64 used = group_value (
          folder, version2 ? "memory.current" : "memory.usage_in_bytes", 0);
      guint64 cache = group_inactive (folder, version2 ? "\ninactive_file "
                                                       : "total_inactive_file ");
      char *parent;

      used -= MIN (used, cache);
      *limit = MIN (*limit, max);
      if (max != G_MAXUINT64)
        *room = MIN (*room, max - MIN (max, used));
      parent = g_path_get_dirname (folder);
      g_free (folder);
      folder = parent;
    }
}

/* /proc/self/cgroup: "0::/path" (version 2), "4:memory:/path" (version 1). */
static void
all_group_bounds (guint64 *limit, guint64 *room)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL))
    return;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, ":", 3);

      if (g_strv_length (fields) != 3)
        continue;
      if (fields[1][0] == '\0')
        group_bounds ("/sys/fs/cgroup", fields[2], TRUE, limit, room);
      else if (strstr (fields[1], "memory") != NULL)
        group_bounds ("/sys/fs/cgroup/memory", fields[2], FALSE, limit, room);
    }
}

guint64
atl_memory_total (void)
{
  guint64 total = proc_value ("/proc/meminfo", "MemTotal:");
  guint64 limit = total, room = total;

  all_group_bounds (&limit, &room);
  return limit;
}

guint64
atl_memory_available (void)
{
  guint64 available = proc_value ("/proc/meminfo", "MemAvailable:");
  guint64 limit = available, room = available;

  all_group_bounds (&limit, &room);
  return room;
}

guint64
atl_memory_peak (void)
{
  return proc_value ("/proc/self/status", "VmHWM:");
}
