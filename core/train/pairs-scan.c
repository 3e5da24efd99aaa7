/* Listing the pictures below a folder; see pairs-private.h.
 *
 * Links to folders are followed, but never into a folder that the way there has
 * led through, and no more than three on one way, so that folders linking to
 * each other end too.
 */

#include <string.h>
#include <sys/stat.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"
#include "files/picture.h"
#include "train/pairs-private.h"

#define MAX_DEPTH 64
#define MAX_LINKS 3
#define MAX_FILES 20000000

typedef struct
{
  AtlDoctor *doctor;
  dev_t dev[MAX_DEPTH]; /* the folders on the way */
  ino_t ino[MAX_DEPTH];
  int depth, links;
} Scan;

static gboolean scan_folder (Scan *scan, const char *path, GError **error);

static void
remark_unreadable (AtlDoctor *doctor, const char *path, const char *why)
{
  g_autofree char *name = atl_display_path (*path ? path : ".");

  atl_doctor_remark (doctor, ATL_REMARK_UNREADABLE, TRUE, name, NULL,
                     g_strdup_printf (_ ("%s can't be read: %s"), name, why));
}

static gboolean
is_on_the_way (const Scan *scan, const struct stat *st)
{
  for (int i = 0; i < scan->depth; i++)
    if (scan->dev[i] == st->st_dev && scan->ino[i] == st->st_ino)
      return TRUE;
  return FALSE;
}

static void
add_file (Scan *scan, const char *path, const struct stat *st)
{
  AtlFile *file = g_new0 (AtlFile, 1);

  file->path = g_strdup (path);
  file->name = atl_display_path (path);
  file->bytes = (guint64)st->st_size;
  g_ptr_array_add (scan->doctor->files, file);
}

static gboolean
scan_link_or_folder (Scan *scan, const char *path, const struct stat *st,
                     gboolean is_link, GError **error)
{
  gboolean ok;

  if (is_on_the_way (scan, st) || scan->depth == MAX_DEPTH
      || scan->links + is_link > MAX_LINKS)
    return TRUE;
  scan->dev[scan->depth] = st->st_dev;
  scan->ino[scan->depth++] = st->st_ino;
  scan->links += is_link;
  ok = scan_folder (scan, path, error);
  scan->links -= is_link;
  scan->depth--;
  return ok;
}

static gboolean
scan_entry (Scan *scan, const char *path, const char *base, GError **error)
{
  g_autofree char *full
      = g_build_filename (scan->doctor->dataset->folder, path, NULL);
  gboolean is_picture = atl_picture_is_picture_name (base);
  struct stat st;
  gboolean is_link;

  if (lstat (full, &st) != 0)
    return TRUE; /* gone meanwhile */
  is_link = S_ISLNK (st.st_mode);
  if (is_link && stat (full, &st) != 0)
    {
      if (is_picture)
        remark_unreadable (scan->doctor, path, _ ("the link leads nowhere"));
      return TRUE;
    }
  if (S_ISDIR (st.st_mode))
    return scan_link_or_folder (scan, path, &st, is_link, error);
  if (is_picture && S_ISREG (st.st_mode) && scan->doctor->files->len < MAX_FILES)
    add_file (scan, path, &st);
  return TRUE;
}

static gboolean
scan_folder (Scan *scan, const char *path, GError **error)
{
  g_autofree char *full
      = g_build_filename (scan->doctor->dataset->folder, path, NULL);
  g_autoptr (GError) failure = NULL;
  g_autoptr (GDir) dir = g_dir_open (full, 0, &failure);
  const char *base;
  gboolean ok = atl_progress_update (scan->doctor->progress, 0.0, NULL, error);

  if (!dir)
    {
      remark_unreadable (scan->doctor, path, failure->message);
      return ok;
    }
  while (ok && (base = g_dir_read_name (dir)))
    {
      g_autofree char *below = NULL;

      if (base[0] == '.' || g_str_equal (base, "__MACOSX"))
        continue;
      below = *path ? g_build_filename (path, base, NULL) : g_strdup (base);
      ok = scan_entry (scan, below, base, error);
    }
  return ok;
}

static gint
compare_files (gconstpointer a, gconstpointer b)
{
  const AtlFile *const *x = a, *const *y = b;

  return strcmp ((*x)->path, (*y)->path);
}

gboolean
atl_doctor_scan (AtlDoctor *doctor, GError **error)
{
  Scan scan = { .doctor = doctor };
  struct stat st;

  if (stat (doctor->dataset->folder, &st) != 0 || !S_ISDIR (st.st_mode))
    {
      g_autofree char *name = atl_display_path (doctor->dataset->folder);

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                   _ ("There is no folder %s"), name);
      return FALSE;
    }
  if (!scan_link_or_folder (&scan, "", &st, FALSE, error))
    return FALSE;
  g_ptr_array_sort (doctor->files, compare_files);
  return TRUE;
}
