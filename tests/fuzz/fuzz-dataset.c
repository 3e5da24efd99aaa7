/* Any folder of pictures: the input is a list of entries, one a block,
 *
 *   1 byte    kind: 0 file, 1 folder, 2 link; others count modulo 3
 *   1 byte    length of the name, which may hold '/'
 *   2 bytes   length of the content (of a link: its target), little-endian
 *
 * with name and content behind.  What the data set then lists lies in the
 * folder, and every remark is one line. */

#define _GNU_SOURCE /* nftw */

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "fuzz.h"
#include "train/pairs.h"

#define MAX_ENTRIES 64

static int
remove_entry (const char *path, const struct stat *status, int type,
              struct FTW *where)
{
  return remove (path);
}

/* Names that would lead out of the folder are the maker's problem, not what is
 * tested. */
static gboolean
is_safe (const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);

  for (char **part = parts; *part != NULL; part++)
    if (g_str_equal (*part, ".."))
      return FALSE;
  return name[0] != '\0' && name[0] != '/';
}

/* A link may lead anywhere within, or nowhere. */
static void
make_entry (const char *root, int kind, const char *name, const uint8_t *content,
            gsize size)
{
  g_autofree char *path = g_build_filename (root, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  g_autofree char *target = g_strndup ((const char *)content, size);

  if (g_mkdir_with_parents (parent, 0700) != 0)
    return;
  if (kind == 0)
    g_file_set_contents (path, (const char *)content, (gssize)size, NULL);
  else if (kind == 1)
    g_mkdir (path, 0700);
  else if (is_safe (target))
    {
      g_autofree char *absolute = g_build_filename (root, target, NULL);

      if (symlink (absolute, path) != 0)
        return;
    }
}

static void
make_folder (const char *root, const uint8_t *data, size_t size)
{
  for (int i = 0; i < MAX_ENTRIES && size >= 4; i++)
    {
      int kind = data[0] % 3;
      gsize name_size = data[1];
      gsize content_size = data[2] | (gsize)data[3] << 8;
      g_autofree char *name = NULL;

      data += 4;
      size -= 4;
      name_size = MIN (name_size, size);
      name = g_strndup ((const char *)data, name_size);
      data += name_size;
      size -= name_size;
      content_size = MIN (content_size, size);
      if (is_safe (name))
        make_entry (root, kind, name, data, content_size);
      data += content_size;
      size -= content_size;
    }
}

static void
check_pairs (const GPtrArray *pairs, const char *root)
{
  for (guint i = 0; i < pairs->len; i++)
    {
      const AtlPair *pair = g_ptr_array_index (pairs, i);

      g_assert_true (g_str_has_prefix (pair->path_a, root));
      g_assert_true (pair->path_b == NULL || g_str_has_prefix (pair->path_b, root));
      g_assert_true (g_utf8_validate (pair->name, -1, NULL));
      g_assert_cmpint (pair->width, >, 0);
      g_assert_cmpint (pair->height, >, 0);
    }
}

static void
look (const char *root, AtlDatasetOptions options)
{
  GError *error = NULL;
  g_autoptr (AtlDataset) dataset = atl_dataset_open (root, &options, NULL, &error);
  g_autoptr (JsonNode) json = NULL;
  g_autofree char *text = NULL;

  if (dataset == NULL)
    {
      fuzz_check_error (&error);
      return;
    }
  check_pairs (dataset->train, root);
  check_pairs (dataset->held_out, root);
  for (guint i = 0; i < dataset->remarks->len; i++)
    {
      const AtlRemark *remark = g_ptr_array_index (dataset->remarks, i);

      g_assert_true (g_utf8_validate (remark->message, -1, NULL));
      g_assert_null (strchr (remark->message, '\n'));
    }
  json = atl_dataset_to_json (dataset);
  text = atl_dataset_to_text (dataset, 0);
  if (!atl_dataset_require (dataset, &error))
    {
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_clear_error (&error);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const places[] = { "/dev/shm", "/tmp" };
  const char *place = places[access (places[0], W_OK) == 0 ? 0 : 1];
  g_autofree char *root = g_build_filename (place, "atelier-fuzz-XXXXXX", NULL);
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;

  g_assert_nonnull (g_mkdtemp (root));
  make_folder (root, data, size);
  options.n_threads = 1;
  options.n_decode = -1;
  look (root, options);
  options.pictures = TRUE;
  look (root, options);
  nftw (root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  return 0;
}
