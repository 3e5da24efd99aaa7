/* A folder for a test's files, and what the tests of files all do with it. */

#pragma once

#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

static char *scratch;

/* Another folder, for scratch_remove_tree and g_free. */
static inline char *
scratch_new_folder (void)
{
  char *folder = g_dir_make_tmp ("atelier-test-XXXXXX", NULL);

  g_assert_nonnull (folder);
  return folder;
}

static inline void
scratch_open (void)
{
  scratch = scratch_new_folder ();
}

/* How many files lie in the folder: leftovers are found so. */
static inline guint
scratch_count (void)
{
  GDir *dir = g_dir_open (scratch, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  g_dir_close (dir);
  return n;
}

static inline void
scratch_empty (void)
{
  GDir *dir = g_dir_open (scratch, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      char *path = g_build_filename (scratch, name, NULL);

      if (g_remove (path) != 0)
        g_assert_cmpint (g_rmdir (path), ==, 0);
      g_free (path);
    }
  g_dir_close (dir);
}

/* A file, a link, or a folder with all that is in it. */
static inline void
scratch_remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK)
                             ? NULL
                             : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      scratch_remove_tree (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static inline void
scratch_close (void)
{
  scratch_empty ();
  g_assert_cmpint (g_rmdir (scratch), ==, 0);
  g_clear_pointer (&scratch, g_free);
}

static inline char *
scratch_path (const char *name)
{
  return g_build_filename (scratch, name, NULL);
}

/* Writes the file and returns its path. */
static inline char *
scratch_write (const char *name, gconstpointer data, gsize size)
{
  char *path = scratch_path (name);

  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  return path;
}

/* The error must be one line, of this code, and hold the words. */
static inline void
assert_message (GError **error, GQuark domain, int code, const char *words)
{
  g_assert_error (*error, domain, code);
  if (strstr ((*error)->message, words) == NULL)
    g_error ("\"%s\" is not in: %s", words, (*error)->message);
  g_assert_null (strchr ((*error)->message, '\n'));
  g_assert_true (g_utf8_validate ((*error)->message, -1, NULL));
  g_clear_error (error);
}
