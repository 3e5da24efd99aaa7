/* Folders of pictures, opened as a data set: what was paired, and what was said of
 * the rest. */

#pragma once

#include <string.h>

#include "files/picture.h"
#include "scratch.h"
#include "train/pairs.h"

/* Every picture is another one. */
static inline void
write_size (const char *folder, const char *name, int width, int height)
{
  static int n_written;
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlPicture) picture
      = atl_picture_new (width, height, 3, FALSE, ATL_DEPTH_U8, NULL, &error);

  g_assert_no_error (error);
  g_mkdir_with_parents (parent, 0700);
  memset (picture->pixels, 0, picture->row_bytes * height);
  n_written++;
  for (int i = 0; i < 3 && i < (int)picture->row_bytes; i++)
    picture->pixels[i] = (guint8)(n_written >> (8 * i));
  if (!atl_picture_save (picture, path, &error))
    g_error ("%s: %s", path, error->message);
}

static inline void
write_picture (const char *folder, const char *name)
{
  write_size (folder, name, 12, 8);
}

static inline void
write_text (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_mkdir_with_parents (parent, 0700);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static inline void
copy_file (const char *folder, const char *from, const char *to)
{
  g_autofree char *source = g_build_filename (folder, from, NULL);
  g_autofree char *target = g_build_filename (folder, to, NULL);
  g_autofree char *parent = g_path_get_dirname (target);
  g_autofree char *bytes = NULL;
  gsize size;

  g_mkdir_with_parents (parent, 0700);
  g_assert_true (g_file_get_contents (source, &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (target, bytes, (gssize)size, NULL));
}

static inline AtlDataset *
open_with (const char *folder, const AtlDatasetOptions *options)
{
  g_autoptr (GError) error = NULL;
  AtlDataset *dataset = atl_dataset_open (folder, options, NULL, &error);

  g_assert_no_error (error);
  return dataset;
}

/* Nothing held out unless given. */
static inline AtlDataset *
open_all (const char *folder)
{
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;

  options.held_out = 0;
  return open_with (folder, &options);
}

/* "A/x.png B/x.png; ..." */
static inline char *
list (GPtrArray *pairs)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < pairs->len; i++)
    {
      const AtlPair *pair = pairs->pdata[i];

      g_string_append_printf (text, "%s%s%s%s", i ? "; " : "", pair->name,
                              pair->name_b ? " " : "",
                              pair->name_b ? pair->name_b : "");
    }
  return g_string_free (text, FALSE);
}

static inline void
assert_pairs (GPtrArray *pairs, const char *expected)
{
  g_autofree char *text = list (pairs);

  g_assert_cmpstr (text, ==, expected);
}

/* The one remark of that kind about that file. */
static inline const AtlRemark *
find_remark (const AtlDataset *dataset, AtlRemarkKind kind, const char *name)
{
  const AtlRemark *found = NULL;

  for (guint i = 0; i < dataset->remarks->len; i++)
    {
      const AtlRemark *remark = dataset->remarks->pdata[i];

      if (remark->kind == kind && g_str_equal (remark->name, name))
        {
          g_assert_null (found);
          g_assert_nonnull (strstr (remark->message, name));
          found = remark;
        }
    }
  if (!found)
    {
      g_autofree char *text = atl_dataset_to_text (dataset, 0);

      g_error ("no remark '%s' on %s:\n%s", atl_remark_kind_name (kind), name,
               text);
    }
  return found;
}
