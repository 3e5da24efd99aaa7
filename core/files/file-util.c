/* Whole files in and out; see file-util.h.
 *
 * A link is followed, so that its target is replaced and not the link; devices
 * and pipes are refused, since a rename would replace them.  A replaced file
 * keeps its permissions, a new one gets what the umask gives; until it is whole
 * nobody else may read it.
 */

#include "files/file-util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "base/memory.h"

#define STALE_AFTER 86400 /* seconds */
#define MESSAGE_TEXT 120  /* bytes of a foreign name that a message shows */

/* Line ends would break a message in two, and escapes could paint a terminal. */
static char *
without_controls (char *text)
{
  for (char *at = text; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at))
      *at = '?';
  return text;
}

char *
atl_display_text (const char *text)
{
  g_autofree char *start = g_strndup (text, MESSAGE_TEXT);

  return without_controls (g_utf8_make_valid (start, -1));
}

char *
atl_display_path (const char *path)
{
  return without_controls (g_filename_display_name (path));
}

void
atl_prefix_path (GError **error, const char *path)
{
  g_autofree char *name = atl_display_path (path);

  g_prefix_error (error, "%s: ", name);
}

static void
set_write_error (GError **error, const char *path, int code)
{
  g_autofree char *name = atl_display_path (path);

  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s can't be written: %s"), name, g_strerror (code));
}

static void
set_read_error (GError **error, const char *path, const char *reason)
{
  g_autofree char *name = atl_display_path (path);

  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE, _ ("%s can't be read: %s"),
               name, reason);
}

/* Not blocking, so that a pipe without a writer is refused and not waited for. */
int
atl_file_open_regular (const char *path, gsize *size, GError **error)
{
  struct stat status;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0 || fstat (fd, &status) != 0)
    set_read_error (error, path, g_strerror (errno));
  else if (!S_ISREG (status.st_mode))
    set_read_error (error, path,
                    S_ISDIR (status.st_mode) ? _ ("it is a folder")
                                             : _ ("it is not a file"));
  else if (status.st_size == 0)
    {
      g_autofree char *name = atl_display_path (path);

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, _ ("%s is empty"),
                   name);
    }
  else
    {
      *size = (gsize)status.st_size;
      return fd;
    }
  if (fd >= 0)
    close (fd);
  return -1;
}

gboolean
atl_file_read_at (int fd, gpointer data, gsize size, gsize offset, const char *path,
                  GError **error)
{
  guint8 *at = data;

  while (size > 0)
    {
      gssize n = pread (fd, at, MIN (size, 1 << 30), (off_t)offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          set_read_error (error, path,
                          n < 0 ? g_strerror (errno)
                                : _ ("it became shorter meanwhile; another program "
                                     "is writing it"));
          return FALSE;
        }
      at += n;
      offset += (gsize)n;
      size -= (gsize)n;
    }
  return TRUE;
}

GBytes *
atl_file_read_start (const char *path, gsize most, gsize *file_size, GError **error)
{
  gsize size = 0, wanted;
  int fd = atl_file_open_regular (path, &size, error);
  g_autofree char *name = atl_display_path (path);
  guint8 *data = NULL;
  gboolean good = FALSE;

  if (fd < 0)
    return NULL;
  wanted = MIN (size, most);
  data = atl_try_alloc (wanted, 1, name, error);
  good = data != NULL && atl_file_read_at (fd, data, wanted, 0, path, error);
  close (fd);
  if (!good)
    {
      atl_free (data);
      return NULL;
    }
  if (file_size != NULL)
    *file_size = size;
  return g_bytes_new_with_free_func (data, wanted, atl_free, data);
}

GBytes *
atl_file_read (const char *path, GError **error)
{
  return atl_file_read_start (path, G_MAXSIZE, NULL, error);
}

/* Output. */

/* Where `path` leads: itself, or the end of a chain of links. */
static char *
link_target (const char *path)
{
  char *resolved = realpath (path, NULL);
  char *target = g_strdup (resolved != NULL ? resolved : path);

  free (resolved);
  return target;
}

gboolean
atl_file_check_output (const char *path, GError **error)
{
  g_autofree char *target = link_target (path);
  g_autofree char *folder = g_path_get_dirname (target);
  g_autofree char *name = atl_display_path (path);
  struct stat status;
  gboolean exists = stat (target, &status) == 0;

  if (!exists && errno != ENOENT)
    set_write_error (error, path, errno);
  else if (!exists
           && (path[0] == '\0' || g_str_has_suffix (path, G_DIR_SEPARATOR_S)))
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                 _ ("%s is not a file name"), path[0] == '\0' ? "\"\"" : name);
  else if (exists && S_ISDIR (status.st_mode))
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                 _ ("%s is a folder; give the name of a file"), name);
  else if (exists && !S_ISREG (status.st_mode))
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                 _ ("%s is a device or a pipe, not a file"), name);
  else if (exists && access (target, W_OK) != 0)
    set_write_error (error, path, errno);
  else if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                 _ ("%s can't be written: its folder does not exist"), name);
  else if (access (folder, W_OK | X_OK) != 0)
    set_write_error (error, path, errno);
  else
    return TRUE;
  return FALSE;
}

/* Asking by umask() would change it for other threads. */
static mode_t
current_umask (void)
{
  g_autofree char *text = NULL;
  const char *at = NULL;
  mode_t mask;

  if (g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    at = strstr (text, "\nUmask:");
  if (at != NULL)
    return (mode_t)g_ascii_strtoull (at + strlen ("\nUmask:"), NULL, 8) & 0777;
  mask = umask (077);
  umask (mask);
  return mask;
}

/* The permissions of the file that is replaced, or those of a new one. */
static mode_t
output_mode (const char *target)
{
  struct stat status;

  return stat (target, &status) == 0 ? status.st_mode & 0777
                                     : 0666 & ~current_umask ();
}

/* Temporary files that exist now, for atl_file_remove_temporaries. */
static GMutex temporaries_lock;
static GPtrArray *temporaries; /* owned names */

/* g_mkstemp_full, so that no file exists which the list lacks. */
static int
make_temporary (char *temporary)
{
  int fd;

  g_mutex_lock (&temporaries_lock);
  fd = g_mkstemp_full (temporary, O_RDWR | O_CLOEXEC, 0600);
  if (temporaries == NULL)
    temporaries = g_ptr_array_new_with_free_func (g_free);
  if (fd >= 0)
    g_ptr_array_add (temporaries, g_strdup (temporary));
  g_mutex_unlock (&temporaries_lock);
  return fd;
}

static void
forget (const char *temporary)
{
  guint i;

  g_mutex_lock (&temporaries_lock);
  if (temporaries != NULL
      && g_ptr_array_find_with_equal_func (temporaries, temporary, g_str_equal, &i))
    g_ptr_array_remove_index_fast (temporaries, i);
  g_mutex_unlock (&temporaries_lock);
}

static void
remove_temporary (const char *temporary)
{
  g_unlink (temporary);
  forget (temporary);
}

void
atl_file_remove_temporaries (void)
{
  g_mutex_lock (&temporaries_lock);
  for (guint i = 0; temporaries != NULL && i < temporaries->len; i++)
    g_unlink (g_ptr_array_index (temporaries, i));
  g_mutex_unlock (&temporaries_lock);
}

/* Removes what a process that was killed has left beside `target`, once it is a
 * day old.  start, extension: of the names that open_beside makes. */
static void
remove_stale (const char *folder, const char *start, const char *extension)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  gsize length = strlen (start) + 6 + strlen (extension);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = NULL;
      struct stat status;

      if (strlen (name) != length || !g_str_has_prefix (name, start)
          || !g_str_has_suffix (name, extension))
        continue;
      path = g_build_filename (folder, name, NULL);
      if (lstat (path, &status) == 0 && S_ISREG (status.st_mode)
          && status.st_uid == geteuid () && now - status.st_mtime > STALE_AFTER)
        g_unlink (path);
    }
}

/* Creates a file beside `target`: hidden, and with its extension. */
static int
open_beside (const char *target, char **temporary)
{
  g_autofree char *folder = g_path_get_dirname (target);
  g_autofree char *base = g_path_get_basename (target);
  const char *dot = strrchr (base, '.');
  /* Names are 255 bytes at most: of a long one the start suffices. */
  int stem = MIN (dot != NULL ? (int)(dot - base) : (int)strlen (base), 100);
  const char *extension = dot != NULL && strlen (dot) < 100 ? dot : "";
  g_autofree char *start = g_strdup_printf (".%.*s-", stem, base);
  g_autofree char *name = g_strconcat (start, "XXXXXX", extension, NULL);

  remove_stale (folder, start, extension);
  *temporary = g_build_filename (folder, name, NULL);
  return make_temporary (*temporary);
}

/* After this the new name survives a crash too.  Not every file system can. */
static void
sync_folder (const char *target)
{
  g_autofree char *folder = g_path_get_dirname (target);
  int fd = open (folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);

  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}

/* Gives `fd`, the file `temporary`, the name `target`.  Closes fd. */
static gboolean
finish (int fd, const char *temporary, const char *target, const char *path,
        GError **error)
{
  int code = 0;

  /* Some file systems keep no permissions: no reason to lose the work. */
  if (fchmod (fd, output_mode (target)) != 0)
    g_debug ("permissions of %s: %s", path, g_strerror (errno));
  if (fsync (fd) != 0 && errno != EINVAL && errno != ENOTSUP)
    code = errno;
  if (close (fd) != 0 && code == 0)
    code = errno;
  if (code == 0 && g_rename (temporary, target) != 0)
    code = errno;
  if (code == 0)
    {
      forget (temporary);
      sync_folder (target);
      return TRUE;
    }
  remove_temporary (temporary);
  set_write_error (error, path, code);
  return FALSE;
}

struct _AtlOutput
{
  int fd;
  AtlBuffer *bytes; /* written to instead, if there is no file */
  char *path;       /* as the caller named it */
  char *target;
  char *temporary;
};

static void
output_free (AtlOutput *output)
{
  g_free (output->path);
  g_free (output->target);
  g_free (output->temporary);
  g_free (output);
}

AtlOutput *
atl_output_open (const char *path, GError **error)
{
  AtlOutput *output;

  if (!atl_file_check_output (path, error))
    return NULL;
  output = g_new0 (AtlOutput, 1);
  output->path = g_strdup (path);
  output->target = link_target (path);
  output->fd = open_beside (output->target, &output->temporary);
  if (output->fd >= 0)
    return output;
  set_write_error (error, path, errno);
  output_free (output);
  return NULL;
}

AtlOutput *
atl_output_open_memory (AtlBuffer *bytes)
{
  AtlOutput *output = g_new0 (AtlOutput, 1);

  output->fd = -1;
  output->bytes = bytes;
  return output;
}

gboolean
atl_output_write (AtlOutput *output, gconstpointer data, gsize size, GError **error)
{
  const guint8 *at = data;

  if (output->bytes != NULL)
    {
      atl_buffer_append (output->bytes, at, size);
      return atl_buffer_check (output->bytes, error);
    }
  while (size > 0)
    {
      gssize n = write (output->fd, at, MIN (size, 1 << 30));

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          set_write_error (error, output->path, n < 0 ? errno : ENOSPC);
          return FALSE;
        }
      at += n;
      size -= (gsize)n;
    }
  return TRUE;
}

int
atl_output_get_fd (const AtlOutput *output)
{
  return output->fd;
}

gboolean
atl_output_commit (AtlOutput *output, GError **error)
{
  gboolean done = output->bytes != NULL
                  || finish (output->fd, output->temporary, output->target,
                             output->path, error);

  output_free (output);
  return done;
}

void
atl_output_abort (AtlOutput *output)
{
  if (output == NULL)
    return;
  if (output->bytes == NULL)
    {
      close (output->fd);
      remove_temporary (output->temporary);
    }
  output_free (output);
}
