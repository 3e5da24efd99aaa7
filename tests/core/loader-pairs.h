/* A folder of pairs whose pixels tell where they are from, and batches that a
 * loader makes of it. */

#pragma once

#include <math.h>
#include <string.h>

#include "files/picture.h"
#include "scratch.h"
#include "train/loader.h"

#define SIDE 24

typedef struct
{
  char *folder;
  AtlDataset *dataset;
} Fixture;

static const int sizes[][2] = { { 40, 30 }, { 24, 24 },  { 70, 90 }, { 10, 33 },
                                { 1, 1 },   { 150, 65 }, { 64, 64 } };

/* Pixels tell where they are from: red x, green y, blue number and side. */
static inline void
write_picture (const char *folder, const char *name, int number, int side)
{
  int width = sizes[number % G_N_ELEMENTS (sizes)][0];
  int height = sizes[number % G_N_ELEMENTS (sizes)][1];
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlPicture) picture
      = atl_picture_new (width, height, 3, FALSE, ATL_DEPTH_U8, NULL, &error);

  g_assert_no_error (error);
  g_mkdir_with_parents (parent, 0700);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        guint8 *p = picture->pixels + y * picture->row_bytes + 3 * x;

        p[0] = (guint8)x;
        p[1] = (guint8)y;
        p[2] = (guint8)(2 * number + side);
      }
  atl_picture_save (picture, path, &error);
  g_assert_no_error (error);
}

static inline void
open_dataset (Fixture *fixture, gboolean pictures)
{
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  g_autoptr (GError) error = NULL;

  options.pictures = pictures;
  options.held_out = 0;
  fixture->dataset = atl_dataset_open (fixture->folder, &options, NULL, &error);
  g_assert_no_error (error);
}

static inline void
set_up (Fixture *fixture, int n_pairs, gboolean pictures)
{
  fixture->folder = scratch_new_folder ();
  for (int i = 0; i < n_pairs; i++)
    {
      g_autofree char *a = g_strdup_printf ("A/%02d.png", i);
      g_autofree char *b = g_strdup_printf ("B/%02d.png", i);

      write_picture (fixture->folder, a, i, 0);
      if (!pictures)
        write_picture (fixture->folder, b, i, 1);
    }
  open_dataset (fixture, pictures);
  g_assert_cmpint (fixture->dataset->train->len, ==, n_pairs);
}

static inline void
tear_down (Fixture *fixture)
{
  atl_dataset_free (fixture->dataset);
  scratch_remove_tree (fixture->folder);
  g_free (fixture->folder);
}

static inline AtlLoaderOptions
usual_options (void)
{
  return (AtlLoaderOptions){ .width = SIDE,
                             .height = SIDE,
                             .batch = 5,
                             .augment = { TRUE, TRUE, 10, 0.2f, 0.3f, 0 },
                             .seed = 42,
                             .cache_bytes = 64 << 20,
                             .cache_disk = -1 };
}

static inline AtlLoader *
new_loader (GPtrArray *pairs, const AtlLoaderOptions *options)
{
  g_autoptr (GError) error = NULL;
  AtlLoader *loader = atl_loader_new (pairs, options, &error);

  g_assert_no_error (error);
  return loader;
}

static inline const AtlBatch *
next_batch (AtlLoader *loader)
{
  g_autoptr (GError) error = NULL;
  const AtlBatch *batch = atl_loader_next (loader, NULL, &error);

  g_assert_no_error (error);
  return batch;
}

/* Input and target of n batches, one after the other. */
static inline GByteArray *
collect (GPtrArray *pairs, const AtlLoaderOptions *options, int n)
{
  g_autoptr (AtlLoader) loader = new_loader (pairs, options);
  GByteArray *all = g_byte_array_new ();

  for (int i = 0; i < n; i++)
    {
      const AtlBatch *batch = next_batch (loader);
      gsize pixels = (gsize)batch->n * batch->width * batch->height;

      g_assert_cmpint (batch->step, ==, options->first_step + i);
      g_byte_array_append (all, (const guint8 *)batch->input,
                           pixels * batch->input_channels * sizeof (float));
      g_byte_array_append (all, (const guint8 *)batch->target,
                           pixels * batch->target_channels * sizeof (float));
    }
  return all;
}

static inline void
assert_same (GByteArray *a, GByteArray *b)
{
  g_assert_cmpmem (a->data, a->len, b->data, b->len);
}

/* The number that write_picture has put into blue, of a pixel in [-1, 1]. */
static inline int
number_of (const float *pixel)
{
  return (int)lrintf ((pixel[2] + 1) * 127.5f);
}
