/* Does each job of work.c over and over in one process:
 *
 *   leaks ROUNDS [JOB...]
 *
 * and prints, a line a job, the resident memory in KiB after a tenth of the
 * rounds and at the end. */

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work.h"

static long
resident (void)
{
  g_autofree char *text = NULL;
  const char *at;

  malloc_trim (0); /* what was freed is given back, so that only leaks stay */
  g_assert_true (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  at = strstr (text, "VmRSS:");
  return at != NULL ? atol (at + 6) : 0;
}

static void
repeat (Work *work, const WorkEntry *entry, int rounds)
{
  long early = 0;

  for (int i = 0; i < rounds; i++)
    {
      GError *error = NULL;

      if (!entry->job (work, &error))
        g_error ("%s: %s", entry->name, error->message);
      if (i == MAX (rounds / 10, 3))
        early = resident ();
    }
  printf ("%s %d %ld %ld\n", entry->name, rounds, early, resident ());
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  int rounds = argc > 1 ? atoi (argv[1]) : 0;
  Work work;

  if (rounds < 5)
    {
      fprintf (stderr, "usage: leaks ROUNDS [JOB...]   (5 or more)\n");
      return 2;
    }
  work_init (&work);
  for (const WorkEntry *entry = work_entries; entry->name != NULL; entry++)
    if (argc < 3 || g_strv_contains ((const char *const *)argv + 2, entry->name))
      repeat (&work, entry, rounds);
  work_clear (&work);
  return 0;
}
