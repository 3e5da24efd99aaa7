/* See latency.h.  A timer of 10 ms notes by how much it comes late. */

#include "latency.h"

#define INTERVAL_MS 10
#define SETTLE_MS 1000 /* a window that opens is not one that hangs */

typedef struct
{
  const char *path;
  gint64 due;
  gint64 longest; /* microseconds */
} Watch;

static gboolean
tick (gpointer data)
{
  Watch *watch = data;
  gint64 now = g_get_monotonic_time ();

  if (now - watch->due > watch->longest)
    {
      g_autofree char *text = NULL;

      watch->longest = now - watch->due;
      text = g_strdup_printf ("%.1f\n", (double)watch->longest / 1e3);
      g_file_set_contents (watch->path, text, -1, NULL);
      now = g_get_monotonic_time ();
    }
  watch->due = now + INTERVAL_MS * 1000;
  return G_SOURCE_CONTINUE;
}

static gboolean
begin (gpointer data)
{
  Watch *watch = data;

  watch->due = g_get_monotonic_time () + INTERVAL_MS * 1000;
  g_timeout_add (INTERVAL_MS, tick, watch);
  return G_SOURCE_REMOVE;
}

void
atl_latency_watch (void)
{
  static Watch watch;

  if (watch.path)
    return;
  watch.path = g_getenv ("ATELIER_LATENCY");
  if (watch.path)
    g_timeout_add (SETTLE_MS, begin, &watch);
}
