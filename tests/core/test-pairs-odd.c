/* The pair doctor in folders that hold more than good pairs: every file that is not
 * used has its reason, and no folder is too odd or too large. */

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pair-folders.h"

static void
sizes_that_differ_are_refused_with_both (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;
  const AtlRemark *remark;

  write_size (folder, "train/A/kitten.png", 51, 30);
  write_size (folder, "train/B/kitten.png", 51, 51);
  write_size (folder, "train/A/dog.png", 51, 30);
  write_size (folder, "train/B/dog.png", 102, 60);
  dataset = open_all (folder);
  g_assert_cmpint (dataset->train->len, ==, 0);
  remark = find_remark (dataset, ATL_REMARK_SIZES_DIFFER, "train/A/kitten.png");
  g_assert_nonnull (strstr (remark->message, "51x30"));
  g_assert_nonnull (strstr (remark->message, "51x51"));
  g_assert_cmpstr (remark->partner, ==, "train/B/kitten.png");
  remark = find_remark (dataset, ATL_REMARK_SIZES_DIFFER, "train/A/dog.png");
  g_assert_nonnull (strstr (remark->message, "scale one"));
  scratch_remove_tree (folder);
}

static void
unreadable_files_are_refused (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autofree char *broken = g_build_filename (folder, "B/d.png", NULL);
  g_autoptr (AtlDataset) dataset = NULL;

  for (int i = 0; i < 5; i++)
    {
      g_autofree char *a = g_strdup_printf ("A/%c.png", 'a' + i);
      g_autofree char *b = g_strdup_printf ("B/%c.png", 'a' + i);

      write_picture (folder, a);
      if (i != 3)
        write_picture (folder, b);
    }
  write_text (folder, "A/b.png", "");
  write_text (folder, "B/c.png", "this is no picture at all");
  g_assert_cmpint (symlink ("nowhere.png", broken), ==, 0);
  dataset = open_all (folder);
  assert_pairs (dataset->train, "A/a.png B/a.png; A/e.png B/e.png");
  find_remark (dataset, ATL_REMARK_UNREADABLE, "A/b.png");
  find_remark (dataset, ATL_REMARK_UNREADABLE, "B/c.png");
  find_remark (dataset, ATL_REMARK_UNREADABLE, "B/d.png");
  find_remark (dataset, ATL_REMARK_NO_PARTNER, "A/d.png");
  scratch_remove_tree (folder);
}

/* Headers are fine; only decoding finds out. */
static void
truncated_pictures_are_found_when_decoded (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autofree char *path = g_build_filename (folder, "A/x.png", NULL);
  g_autoptr (AtlDataset) quick = NULL, thorough = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  struct stat st;

  write_size (folder, "A/x.png", 200, 100);
  write_size (folder, "B/x.png", 200, 100);
  write_picture (folder, "A/y.png");
  write_picture (folder, "B/y.png");
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpint (truncate (path, st.st_size / 2), ==, 0);
  quick = open_all (folder);
  g_assert_cmpint (quick->train->len, ==, 2);
  options.n_decode = -1;
  thorough = open_with (folder, &options);
  assert_pairs (thorough->train, "A/y.png B/y.png");
  find_remark (thorough, ATL_REMARK_UNREADABLE, "A/x.png");
  scratch_remove_tree (folder);
}

static void
duplicates_are_used_once (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  /* The same name twice. */
  write_picture (folder, "A/x.png");
  write_picture (folder, "A/x.tif");
  write_picture (folder, "B/x.png");
  /* The same content twice, once in what is held out. */
  write_picture (folder, "A/y.png");
  write_picture (folder, "B/y.png");
  copy_file (folder, "A/y.png", "val/A/z.png");
  copy_file (folder, "B/y.png", "val/B/z.png");
  /* The same input but another target is no duplicate. */
  copy_file (folder, "A/x.png", "A/w.png");
  write_picture (folder, "B/w.png");
  /* Both sides the same. */
  write_picture (folder, "A/v.png");
  copy_file (folder, "A/v.png", "B/v.png");
  dataset = open_all (folder);
  assert_pairs (dataset->train,
                "A/v.png B/v.png; A/w.png B/w.png; A/x.png B/x.png");
  assert_pairs (dataset->held_out, "val/A/z.png val/B/z.png");
  g_assert_true (find_remark (dataset, ATL_REMARK_DUPLICATE, "A/x.tif")->refused);
  g_assert_cmpstr (find_remark (dataset, ATL_REMARK_DUPLICATE, "A/y.png")->partner,
                   ==, "val/A/z.png");
  g_assert_false (
      find_remark (dataset, ATL_REMARK_SAME_CONTENT, "A/v.png")->refused);
  g_assert_cmpint (dataset->remarks->len, ==, 3);
  scratch_remove_tree (folder);
}

/* ---- odd folders ---- */

static void
folders_without_pairs_say_so (void)
{
  g_autofree char *empty = scratch_new_folder (), *odd = scratch_new_folder ();
  g_autofree char *refused = scratch_new_folder ();
  const char *folders[] = { empty, odd, refused };
  static const char *const expected[]
      = { "no pictures", "No pairs found among the 2", "1 refused, the first" };
  g_autoptr (GError) error = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;

  write_size (odd, "one.png", 9, 7);
  write_size (odd, "two.png", 9, 7);
  write_size (refused, "A/x.png", 9, 7);
  write_size (refused, "B/x.png", 8, 7);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (AtlDataset) dataset = open_all (folders[i]);

      g_assert_false (atl_dataset_require (dataset, &error));
      g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA);
      if (!strstr (error->message, expected[i]))
        g_error ("%s", error->message);
      g_clear_error (&error);
    }
  scratch_remove_tree (empty);
  g_assert_null (atl_dataset_open (empty, &options, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE);
  scratch_remove_tree (odd);
  scratch_remove_tree (refused);
}

static void
links_in_circles_end (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  write_picture (folder, "A/x.png");
  write_picture (folder, "B/x.png");
  for (int i = 0; i < 6; i++)
    {
      g_autofree char *up = g_strdup_printf ("%s/A/up%d", folder, i);
      g_autofree char *across = g_strdup_printf ("%s/B/a%d", folder, i);

      g_assert_cmpint (symlink ("..", up), ==, 0);
      g_assert_cmpint (symlink ("../A", across), ==, 0);
    }
  dataset = open_all (folder);
  g_assert_cmpint (dataset->train->len, >=, 1);
  g_assert_cmpstr (((AtlPair *)dataset->train->pdata[0])->name, ==, "A/x.png");
  g_assert_cmpint (dataset->n_files, <, 1000);
  scratch_remove_tree (folder);
}

static void
hidden_files_are_passed_over (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  write_picture (folder, "A/x.png");
  write_picture (folder, "B/x.png");
  write_text (folder, "A/._x.png", "resource fork");
  write_text (folder, ".cache/thumbnail.png", "x");
  write_text (folder, "__MACOSX/A/x.png", "x");
  dataset = open_all (folder);
  assert_pairs (dataset->train, "A/x.png B/x.png");
  g_assert_cmpint (dataset->remarks->len, ==, 0);
  scratch_remove_tree (folder);
}

/* Files that differ in the bytes after the picture's end, without the syncing
 * of real saving. */
static void
write_many (const char *folder, int n)
{
  g_autofree char *template = g_build_filename (folder, "t.png", NULL);
  g_autofree char *bytes = NULL;
  gsize size;

  write_size (folder, "t.png", 4, 4);
  g_assert_true (g_file_get_contents (template, &bytes, &size, NULL));
  g_unlink (template);
  for (int i = 0; i < 2 * n; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%c/%02d/%05d.png", folder,
                                               'A' + i % 2, i / 2 % 50, i / 2);
      g_autofree char *parent = g_path_get_dirname (path);
      FILE *file;

      g_mkdir_with_parents (parent, 0700);
      file = g_fopen (path, "wb");
      g_assert_nonnull (file);
      g_assert_cmpint (fwrite (bytes, 1, size, file), ==, size);
      g_assert_cmpint (fprintf (file, "%06d", i), ==, 6);
      fclose (file);
    }
}

static void
ten_thousand_files_take_seconds (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  double seconds;

  write_many (folder, 5000);
  g_test_timer_start ();
  dataset = open_with (folder, &options);
  seconds = g_test_timer_elapsed ();
  g_test_message ("10,000 files in %.2f s", seconds);
  g_assert_cmpint (dataset->train->len + dataset->held_out->len, ==, 5000);
  g_assert_cmpint (dataset->held_out->len, ==, 200);
  g_assert_cmpfloat (seconds, <, 20);
  scratch_remove_tree (folder);
}

static void
looking_can_be_cancelled (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  AtlProgress progress = { NULL, NULL, cancellable };
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  g_autoptr (GError) error = NULL;

  write_picture (folder, "A/x.png");
  g_cancellable_cancel (cancellable);
  g_assert_null (atl_dataset_open (folder, &options, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  scratch_remove_tree (folder);
}

#define ADD(path, func) g_test_add_func ("/pairs/" path, func)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("sizes-that-differ-are-refused-with-both",
       sizes_that_differ_are_refused_with_both);
  ADD ("unreadable-files-are-refused", unreadable_files_are_refused);
  ADD ("truncated-pictures-are-found-when-decoded",
       truncated_pictures_are_found_when_decoded);
  ADD ("duplicates-are-used-once", duplicates_are_used_once);
  ADD ("folders-without-pairs-say-so", folders_without_pairs_say_so);
  ADD ("links-in-circles-end", links_in_circles_end);
  ADD ("hidden-files-are-passed-over", hidden_files_are_passed_over);
  ADD ("ten-thousand-files-take-seconds", ten_thousand_files_take_seconds);
  ADD ("looking-can-be-cancelled", looking_can_be_cancelled);
  return g_test_run ();
}
