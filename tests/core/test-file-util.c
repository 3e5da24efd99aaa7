/* Files: what is written is there whole or not at all. */

#include "files/file-util.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "full-disk.h"
#include "scratch.h"

static void
check_content (const char *path, const char *content)
{
  g_autofree char *found = NULL;

  g_assert_true (g_file_get_contents (path, &found, NULL, NULL));
  g_assert_cmpstr (found, ==, content);
}

static void
test_commit_replaces (void)
{
  g_autofree char *path = scratch_write ("a.txt", "old", 3);
  GError *error = NULL;
  struct stat status;
  AtlOutput *output;

  g_assert_cmpint (g_chmod (path, 0640), ==, 0);
  output = atl_output_open (path, &error);
  g_assert_no_error (error);
  g_assert_true (atl_output_write (output, "new ", 4, &error));
  g_assert_true (atl_output_write (output, "content", 7, &error));
  check_content (path, "old"); /* until all is well */
  g_assert_true (atl_output_commit (output, &error));
  g_assert_no_error (error);
  check_content (path, "new content");
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0640);
  g_assert_cmpuint (scratch_count (), ==, 1);
  scratch_empty ();
}

static void
test_new_files_obey_the_umask (void)
{
  g_autofree char *path = scratch_path ("b.txt");
  mode_t mask = umask (027);
  struct stat status;
  AtlOutput *output = atl_output_open (path, NULL);

  g_assert_true (atl_output_commit (output, NULL));
  umask (mask);
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0640);
  scratch_empty ();
}

static void
test_abort_leaves_nothing (void)
{
  g_autofree char *path = scratch_write ("a.txt", "old", 3);
  AtlOutput *output = atl_output_open (path, NULL);

  g_assert_true (atl_output_write (output, "new", 3, NULL));
  atl_output_abort (output);
  atl_output_abort (NULL);
  check_content (path, "old");
  g_assert_cmpuint (scratch_count (), ==, 1);
  scratch_empty ();
}

static void
test_a_full_disk_is_told (void)
{
  g_autofree char *path = scratch_write ("a.txt", "old", 3);
  g_autofree char *data = g_malloc0 (100000);
  GError *error = NULL;
  AtlOutput *output = atl_output_open (path, NULL);
  gboolean written;

  disk_full_at (4096);
  written = atl_output_write (output, data, 100000, &error);
  disk_has_room ();
  g_assert_false (written);
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                  "a.txt can't be written");
  atl_output_abort (output);
  check_content (path, "old");
  g_assert_cmpuint (scratch_count (), ==, 1);
  scratch_empty ();
}

static void
test_links_are_followed (void)
{
  g_autofree char *path = scratch_write ("target.txt", "old", 3);
  g_autofree char *link = scratch_path ("link.txt");
  AtlOutput *output;

  g_assert_cmpint (symlink ("target.txt", link), ==, 0);
  output = atl_output_open (link, NULL);
  g_assert_true (atl_output_write (output, "new", 3, NULL));
  g_assert_true (atl_output_commit (output, NULL));
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  check_content (path, "new");
  scratch_empty ();
}

static void
check_refused (const char *path, const char *words)
{
  GError *error = NULL;

  g_assert_false (atl_file_check_output (path, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, words);
  g_assert_null (atl_output_open (path, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, words);
}

static void
test_bad_targets_are_refused_early (void)
{
  g_autofree char *lost = scratch_path ("missing/a.txt");
  g_autofree char *file = scratch_write ("file", "x", 1);
  g_autofree char *under = scratch_path ("file/a.txt");
  g_autofree char *slash = scratch_path ("new/");
  g_autofree char *pipe = scratch_path ("pipe");

  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  check_refused (scratch, "is a folder");
  check_refused (lost, "its folder does not exist");
  check_refused (under, "can't be written");
  check_refused (slash, "is not a file name");
  check_refused ("", "is not a file name");
  check_refused ("/dev/null", "is a device");
  check_refused (pipe, "is a device or a pipe");
  g_assert_true (atl_file_check_output (file, NULL));
  scratch_empty ();
}

static void
test_temporary_is_beside_with_the_extension (void)
{
  g_autofree char *path = scratch_path ("picture.name.tif");
  AtlOutput *output = atl_output_open (path, NULL);
  GDir *folder = g_dir_open (scratch, 0, NULL);
  const char *temporary = g_dir_read_name (folder);

  g_assert_true (g_str_has_prefix (temporary, ".picture.name-"));
  g_assert_true (g_str_has_suffix (temporary, ".tif"));
  g_dir_close (folder);
  g_assert_true (atl_output_write (output, "abc", 3, NULL));
  g_assert_true (atl_output_commit (output, NULL));
  check_content (path, "abc");
  g_assert_cmpuint (scratch_count (), ==, 1);
  scratch_empty ();
}

static void
test_temporaries_can_be_swept (void)
{
  g_autofree char *kept = scratch_path ("kept");
  g_autofree char *lost = scratch_path ("lost");
  AtlOutput *done = atl_output_open (kept, NULL);
  AtlOutput *open = atl_output_open (lost, NULL);

  g_assert_true (atl_output_commit (done, NULL));
  g_assert_cmpuint (scratch_count (), ==, 2);
  atl_file_remove_temporaries ();
  g_assert_cmpuint (scratch_count (), ==, 1);
  g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
  atl_output_abort (open);
  scratch_empty ();
}

static void
test_reading_refuses_what_is_no_file (void)
{
  g_autofree char *empty = scratch_write ("empty", "", 0);
  g_autofree char *missing = scratch_path ("missing");
  g_autofree char *pipe = scratch_path ("pipe");
  GError *error = NULL;

  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  g_assert_null (atl_file_read (empty, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "empty is empty");
  g_assert_null (atl_file_read (missing, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                  "missing can't be read");
  g_assert_null (atl_file_read (scratch, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, "it is a folder");
  g_assert_null (atl_file_read (pipe, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, "it is not a file");
  scratch_empty ();
}

/* A mapped file would end the program here (SIGBUS). */
static void
test_what_was_read_outlives_the_file (void)
{
  gsize size = 300000, seen = 0;
  g_autofree char *data = g_strnfill (size, 'x');
  g_autofree char *path = scratch_write ("large", data, size);
  g_autoptr (GBytes) all = atl_file_read (path, NULL);
  g_autoptr (GBytes) start = atl_file_read_start (path, 1000, &seen, NULL);
  g_autofree char *small = g_malloc (10);
  GError *error = NULL;
  int fd = atl_file_open_regular (path, &seen, NULL);

  g_assert_cmpint (truncate (path, 5), ==, 0);
  g_assert_cmpuint (seen, ==, size);
  g_assert_cmpuint (g_bytes_get_size (all), ==, size);
  g_assert_cmpmem (g_bytes_get_data (all, NULL), size, data, size);
  g_assert_cmpmem (g_bytes_get_data (start, NULL), g_bytes_get_size (start), data,
                   1000);
  g_assert_false (atl_file_read_at (fd, small, 10, 0, path, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, "became shorter");
  close (fd);
  scratch_empty ();
}

/* What a killed process left goes after a day, and nothing else. */
static void
test_stale_temporaries_are_removed (void)
{
  static const char *const names[]
      = { ".m-abcdef.png", ".m-ghijkl.png", ".m-toolong.png",
          ".m-abcdef.jpg", ".n-abcdef.png", "m-abcdef.png" };
  g_autofree char *path = scratch_path ("m.png");
  struct timespec old[2]
      = { { .tv_sec = time (NULL) - 90000 }, { .tv_sec = time (NULL) - 90000 } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *made = scratch_write (names[i], "x", 1);

      if (i != 1) /* a running program's */
        g_assert_cmpint (utimensat (AT_FDCWD, made, old, 0), ==, 0);
    }
  g_assert_true (atl_output_commit (atl_output_open (path, NULL), NULL));
  g_assert_cmpuint (scratch_count (), ==, G_N_ELEMENTS (names));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *made = scratch_path (names[i]);

      g_assert_cmpint (g_file_test (made, G_FILE_TEST_EXISTS), ==, i != 0);
    }
  scratch_empty ();
}

static void
test_foreign_names_are_shown_safely (void)
{
  g_autofree char *lines = atl_display_text ("a\nb\x1b[31m");
  g_autofree char *bad = atl_display_text ("\xff\xfe");
  g_autofree char *filler = g_strnfill (100000, 'x');
  g_autofree char *shown = atl_display_text (filler);
  g_autofree char *path = atl_display_path ("/a\n/b\x1b");

  g_assert_cmpstr (path, ==, "/a?/b?");
  g_assert_cmpstr (lines, ==, "a?b?[31m");
  g_assert_true (g_utf8_validate (bad, -1, NULL));
  g_assert_cmpuint (strlen (shown), <, 200);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_open ();
  g_test_add_func ("/file-util/commit-replaces", test_commit_replaces);
  g_test_add_func ("/file-util/new-files-obey-the-umask",
                   test_new_files_obey_the_umask);
  g_test_add_func ("/file-util/abort-leaves-nothing", test_abort_leaves_nothing);
  g_test_add_func ("/file-util/a-full-disk-is-told", test_a_full_disk_is_told);
  g_test_add_func ("/file-util/links-are-followed", test_links_are_followed);
  g_test_add_func ("/file-util/bad-targets-are-refused-early",
                   test_bad_targets_are_refused_early);
  g_test_add_func ("/file-util/temporary-is-beside-with-the-extension",
                   test_temporary_is_beside_with_the_extension);
  g_test_add_func ("/file-util/temporaries-can-be-swept",
                   test_temporaries_can_be_swept);
  g_test_add_func ("/file-util/reading-refuses-what-is-no-file",
                   test_reading_refuses_what_is_no_file);
  g_test_add_func ("/file-util/stale-temporaries-are-removed",
                   test_stale_temporaries_are_removed);
  g_test_add_func ("/file-util/what-was-read-outlives-the-file",
                   test_what_was_read_outlives_the_file);
  g_test_add_func ("/file-util/foreign-names-are-shown-safely",
                   test_foreign_names_are_shown_safely);
  status = g_test_run ();
  scratch_close ();
  return status;
}
