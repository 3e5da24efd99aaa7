/* Memory runs out: every allocation that may fail does, in turn, however small,
 * in every job of work.c.  Each time the job ends with an error or goes on
 * without what it can do without; nothing is half written and, under the address
 * sanitizer, nothing leaks.
 *
 * All of them in slow mode (-m slow); otherwise the first ones and some spread
 * over the rest. */

#include "base/memory.h"
#include "work.h"

#define QUICK 24 /* faults a job */

static Work work;
static int seen, fail_at; /* atomic: workers and loaders allocate too */

static gboolean
hook (gsize bytes, gpointer data)
{
  return g_atomic_int_add (&seen, 1) + 1 != g_atomic_int_get (&fail_at);
}

/* Allocations that the job makes if the k-th fails. */
static int
run (const WorkEntry *entry, int k, gboolean *good, GError **error)
{
  g_atomic_int_set (&seen, 0);
  g_atomic_int_set (&fail_at, k);
  atl_set_alloc_hook (hook, NULL);
  *good = entry->job (&work, error);
  atl_set_alloc_hook (NULL, NULL);
  return g_atomic_int_get (&seen);
}

/* Files that this or an earlier job has written are whole: a model opens, a
 * picture loads. */
static void
check_files (void)
{
  g_autoptr (GDir) dir = g_dir_open (work.folder, 0, NULL);
  const char *name;

  g_assert_false (work_has_leftovers (work.folder));
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (work.folder, name, NULL);
      GError *error = NULL;

      if (g_str_has_suffix (name, ".safetensors"))
        {
          g_autoptr (AtlModel) model = atl_model_open (path, &error);

          g_assert_no_error (error);
        }
      else if (atl_picture_is_picture_name (name))
        {
          g_autoptr (AtlPicture) picture = atl_picture_load (path, &error);

          g_assert_no_error (error);
        }
    }
}

/* How far to go on after the k-th. */
static int
stride (int k, int all)
{
  if (g_test_slow () || k <= QUICK / 2)
    return 1;
  return MAX (1, (all - QUICK / 2) / (QUICK / 2));
}

static void
test_job (gconstpointer data)
{
  const WorkEntry *entry = data;
  int all, ended = 0, tolerated = 0;
  GError *error = NULL;
  gboolean good;

  all = run (entry, 0, &good, &error);
  g_assert_no_error (error);
  g_assert_true (good);
  g_assert_cmpint (all, >, 2);
  for (int k = 1; k <= all; k += stride (k, all))
    {
      run (entry, k, &good, &error);
      if (good)
        {
          g_assert_no_error (error);
          tolerated++;
          continue;
        }
      g_assert_nonnull (error);
      g_assert_true (error->domain == ATELIER_ERROR);
      g_assert_null (strchr (error->message, '\n'));
      g_clear_error (&error);
      ended++;
      check_files ();
    }
  run (entry, 0, &good, &error);
  g_assert_no_error (error);
  g_assert_true (good);
  g_assert_cmpint (ended, >, 0);
  g_test_message ("%d allocations; %d failures ended it, it did "
                  "without in %d cases",
                  all, ended, tolerated);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  work_init (&work);
  for (const WorkEntry *entry = work_entries; entry->name != NULL; entry++)
    {
      g_autofree char *path = g_strdup_printf ("/allocations/%s", entry->name);

      g_test_add_data_func (path, entry, test_job);
    }
  result = g_test_run ();
  work_clear (&work);
  return result;
}
