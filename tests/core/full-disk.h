/* A full disk, for this process alone: its files may not grow beyond a limit. */

#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <glib.h>

static struct rlimit disk_usual;

static inline void
disk_full_at (guint64 bytes)
{
  struct rlimit limit;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &disk_usual), ==, 0);
  limit = disk_usual;
  limit.rlim_cur = (rlim_t)bytes;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static inline void
disk_has_room (void)
{
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &disk_usual), ==, 0);
}
