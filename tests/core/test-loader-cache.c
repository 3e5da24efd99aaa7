/* What the loader does with pictures that are large, do not fit into its cache,
 * or turn bad while it runs: the batches stay the same. */

#include "full-disk.h"
#include "loader-pairs.h"

/* Many large pictures: few are decoded a batch, all come equally often. */
static void
large_pictures_are_used_several_times_while_at_hand (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlLoader) loader = NULL;
  g_autoptr (GByteArray) all = NULL, rest = NULL;
  AtlLoaderStatistics statistics;
  int seen[50] = { 0 };
  Fixture fixture;

  set_up (&fixture, 50, TRUE);
  options.width = options.height = 8; /* the mean area is 61 patches */
  options.augment = (AtlAugment)ATL_AUGMENT_NONE;
  options.ahead = 1;
  loader = new_loader (fixture.dataset->train, &options);
  for (int i = 0; i < 50 * 15 * 8 / 5; i++)
    {
      const AtlBatch *batch = next_batch (loader);

      for (int k = 0; k < 5; k++)
        seen[number_of (batch->input + k * 192) / 2]++;
      if (i == 29)
        {
          atl_loader_get_statistics (loader, &statistics);
          g_assert_cmpint (statistics.decoded, <, 32 + 160 / 15 + 2);
        }
    }
  for (int k = 0; k < 50; k++)
    g_assert_true (seen[k] >= 6 * 15 && seen[k] <= 10 * 15);
  all = collect (fixture.dataset->train, &options, 30);
  options.first_step = 17;
  rest = collect (fixture.dataset->train, &options, 13);
  g_assert_cmpmem (rest->data, rest->len, all->data + all->len / 30 * 17,
                   all->len / 30 * 13);
  g_clear_pointer (&loader, atl_loader_free);
  tear_down (&fixture);
}

static void
a_full_disk_is_done_without (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (GByteArray) expected = NULL, all = NULL;
  Fixture fixture;

  set_up (&fixture, 7, FALSE);
  expected = collect (fixture.dataset->train, &options, 9);
  disk_full_at (20000);
  options.cache_bytes = 1;
  options.cache_disk = 1 << 30;
  all = collect (fixture.dataset->train, &options, 9);
  disk_has_room ();
  assert_same (all, expected);
  tear_down (&fixture);
}

/* Memory enough, none to speak of with a file, and none at all. */
static void
the_cache_changes_nothing (void)
{
  static const gint64 cases[][2]
      = { { 64 << 20, -1 }, { 1, 1 << 30 }, { 20000, 1 << 30 },
          { 20000, 30000 }, { 1, -1 },      { 9000, -1 } };
  AtlLoaderOptions options = usual_options ();
  g_autoptr (GByteArray) expected = NULL;
  Fixture fixture;

  set_up (&fixture, 7, FALSE);
  expected = collect (fixture.dataset->train, &options, 9);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (int threads = 1; threads < 4; threads += 2)
      {
        g_autoptr (GByteArray) all = NULL;

        options.cache_bytes = (gsize)cases[i][0];
        options.cache_disk = cases[i][1];
        options.cache_folder = g_get_tmp_dir ();
        options.n_threads = threads;
        all = collect (fixture.dataset->train, &options, 9);
        assert_same (all, expected);
      }
  tear_down (&fixture);
}

static void
pictures_are_decoded_once_where_there_is_room (void)
{
  AtlLoaderOptions options = usual_options ();
  Fixture fixture;

  set_up (&fixture, 7, FALSE);
  for (int on_disk = 0; on_disk < 2; on_disk++)
    {
      g_autoptr (AtlLoader) loader = NULL;
      AtlLoaderStatistics statistics;

      options.cache_bytes = on_disk ? 1 : 64 << 20;
      options.cache_disk = on_disk ? 1 << 30 : -1;
      loader = new_loader (fixture.dataset->train, &options);
      for (int i = 0; i < 20; i++)
        next_batch (loader);
      atl_loader_get_statistics (loader, &statistics);
      g_assert_cmpint (statistics.decoded, ==, 14);
      g_assert_cmpint (statistics.batches, ==, 20);
      g_assert_true ((statistics.disk_bytes > 0) == on_disk);
      g_assert_true ((statistics.cache_bytes > 0) == !on_disk);
      g_assert_cmpfloat (statistics.worked_seconds, >, 0);
      g_assert_cmpfloat (statistics.waited_seconds, >, 0);
    }
  tear_down (&fixture);
}

static void
memory_stays_under_its_limit (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlLoader) loader = NULL;
  AtlLoaderStatistics statistics;
  Fixture fixture;

  set_up (&fixture, 14, FALSE);
  options.cache_bytes = 50000;
  options.n_threads = 1;
  loader = new_loader (fixture.dataset->train, &options);
  for (int i = 0; i < 20; i++)
    {
      next_batch (loader);
      atl_loader_get_statistics (loader, &statistics);
      /* The pair in the thread's hands comes on top. */
      g_assert_cmpint (statistics.cache_bytes, <=, 50000 + 2 * 150 * 65 * 3);
    }
  g_clear_pointer (&loader, atl_loader_free);
  tear_down (&fixture);
}

typedef struct
{
  int n;
  char *name, *message;
} Reports;

static void
note_bad_picture (gpointer data, const char *name, const char *message)
{
  Reports *reports = data;

  reports->n++;
  g_free (reports->name);
  g_free (reports->message);
  reports->name = g_strdup (name);
  reports->message = g_strdup (message);
}

static void
spoil (const Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, "no picture", -1, NULL));
}

static void
a_picture_that_turns_bad_is_reported_once_and_replaced (void)
{
  AtlLoaderOptions options = usual_options ();
  Reports reports = { 0 };
  g_autoptr (GByteArray) one = NULL, three = NULL;
  Fixture fixture;

  options.bad_picture = note_bad_picture;
  options.data = &reports;
  options.batch = 7;
  options.augment = (AtlAugment)ATL_AUGMENT_NONE;
  set_up (&fixture, 7, FALSE);
  spoil (&fixture, "B/03.png");
  one = collect (fixture.dataset->train, &options, 6);
  g_assert_cmpint (reports.n, ==, 1);
  g_assert_cmpstr (reports.name, ==, "A/03.png");
  g_assert_nonnull (strstr (reports.message, "B/03.png"));
  g_assert_null (strstr (reports.message, fixture.folder));
  options.n_threads = 3;
  three = collect (fixture.dataset->train, &options, 6);
  assert_same (one, three);
  /* Six numbers in every epoch, one of them twice, and never the bad one. */
  for (int i = 0; i < 6; i++)
    {
      const float *input = (const float *)(one->data + one->len / 6 * i);
      int seen[7] = { 0 };

      for (int k = 0; k < 7; k++)
        seen[number_of (input + k * SIDE * SIDE * 3) / 2]++;
      g_assert_cmpint (seen[3], ==, 0);
      for (int k = 0; k < 7; k++)
        g_assert_true (k == 3 || seen[k] == 1 || seen[k] == 2);
    }
  g_free (reports.name);
  g_free (reports.message);
  tear_down (&fixture);
}

static void
a_picture_of_another_size_than_before_is_bad (void)
{
  AtlLoaderOptions options = usual_options ();
  Reports reports = { 0 };
  g_autoptr (GByteArray) all = NULL;
  Fixture fixture;

  options.bad_picture = note_bad_picture;
  options.data = &reports;
  set_up (&fixture, 7, FALSE);
  write_picture (fixture.folder, "B/02.png", 3, 1);
  all = collect (fixture.dataset->train, &options, 3);
  g_assert_cmpint (reports.n, ==, 1);
  g_assert_nonnull (strstr (reports.message, "B/02.png is 10x33"));
  g_free (reports.name);
  g_free (reports.message);
  tear_down (&fixture);
}

static void
no_good_picture_left_is_an_error (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlLoader) loader = NULL;
  g_autoptr (GError) error = NULL;
  Reports reports = { 0 };
  Fixture fixture;

  options.bad_picture = note_bad_picture;
  options.data = &reports;
  options.n_threads = 2;
  set_up (&fixture, 3, FALSE);
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("A/%02d.png", i);

      spoil (&fixture, name);
    }
  loader = new_loader (fixture.dataset->train, &options);
  g_assert_null (atl_loader_next (loader, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA);
  g_assert_cmpint (reports.n, ==, 3);
  g_clear_error (&error);
  g_assert_null (atl_loader_next (loader, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA);
  g_free (reports.name);
  g_free (reports.message);
  g_clear_pointer (&loader, atl_loader_free);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/loader/large-pictures-are-used-several-times-while-at-hand",
                   large_pictures_are_used_several_times_while_at_hand);
  g_test_add_func ("/loader/a-full-disk-is-done-without",
                   a_full_disk_is_done_without);
  g_test_add_func ("/loader/the-cache-changes-nothing", the_cache_changes_nothing);
  g_test_add_func ("/loader/pictures-are-decoded-once-where-there-is-room",
                   pictures_are_decoded_once_where_there_is_room);
  g_test_add_func ("/loader/memory-stays-under-its-limit",
                   memory_stays_under_its_limit);
  g_test_add_func ("/loader/a-picture-that-turns-bad-is-reported-once-and-replaced",
                   a_picture_that_turns_bad_is_reported_once_and_replaced);
  g_test_add_func ("/loader/a-picture-of-another-size-than-before-is-bad",
                   a_picture_of_another_size_than_before_is_bad);
  g_test_add_func ("/loader/no-good-picture-left-is-an-error",
                   no_good_picture_left_is_an_error);
  return g_test_run ();
}
