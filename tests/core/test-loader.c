/* The loader: batches that depend on nothing but seed and step, whatever
 * threads, cache and neighbours do. */

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include <glib/gstdio.h>

#include "base/colour.h"
#include "files/picture.h"
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
static void
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

static void
open_dataset (Fixture *fixture, gboolean pictures)
{
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  g_autoptr (GError) error = NULL;

  options.pictures = pictures;
  options.held_out = 0;
  fixture->dataset = atl_dataset_open (fixture->folder, &options, NULL, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, int n_pairs, gboolean pictures)
{
  fixture->folder = g_dir_make_tmp ("atelier-XXXXXX", NULL);
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

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        remove_folder (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
tear_down (Fixture *fixture)
{
  atl_dataset_free (fixture->dataset);
  remove_folder (fixture->folder);
  g_free (fixture->folder);
}

static AtlLoaderOptions
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

static AtlLoader *
new_loader (GPtrArray *pairs, const AtlLoaderOptions *options)
{
  g_autoptr (GError) error = NULL;
  AtlLoader *loader = atl_loader_new (pairs, options, &error);

  g_assert_no_error (error);
  return loader;
}

static const AtlBatch *
next_batch (AtlLoader *loader)
{
  g_autoptr (GError) error = NULL;
  const AtlBatch *batch = atl_loader_next (loader, NULL, &error);

  g_assert_no_error (error);
  return batch;
}

/* Input and target of n batches, one after the other. */
static GByteArray *
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

static void
assert_same (GByteArray *a, GByteArray *b)
{
  g_assert_cmpmem (a->data, a->len, b->data, b->len);
}

static void
threads_and_queues_change_nothing (void)
{
  static const int cases[][2] = { { 1, 1 }, { 2, 1 }, { 4, 8 }, { 3, 2 } };
  AtlLoaderOptions options = usual_options ();
  g_autoptr (GByteArray) expected = NULL;
  Fixture fixture;

  set_up (&fixture, 7, FALSE);
  expected = collect (fixture.dataset->train, &options, 12);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) all = NULL;

      options.n_threads = cases[i][0];
      options.ahead = cases[i][1];
      all = collect (fixture.dataset->train, &options, 12);
      assert_same (all, expected);
    }
  tear_down (&fixture);
}

static void
another_seed_gives_other_batches (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (GByteArray) a = NULL, b = NULL;
  Fixture fixture;

  set_up (&fixture, 7, FALSE);
  a = collect (fixture.dataset->train, &options, 3);
  options.seed++;
  b = collect (fixture.dataset->train, &options, 3);
  g_assert_true (memcmp (a->data, b->data, a->len) != 0);
  tear_down (&fixture);
}

static void
resuming_at_any_step_goes_on_exactly (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (GByteArray) all = NULL;
  g_autoptr (AtlCorrupt) corrupt = atl_corrupt_parse ("noise:0-50+jpeg", NULL);
  Fixture fixture;

  options.corrupt = corrupt;
  set_up (&fixture, 7, TRUE);
  all = collect (fixture.dataset->train, &options, 10);
  for (int first = 1; first < 10; first++)
    {
      g_autoptr (GByteArray) rest = NULL;
      gsize skipped = all->len / 10 * first;

      options.first_step = first;
      rest = collect (fixture.dataset->train, &options, 10 - first);
      g_assert_cmpmem (rest->data, rest->len, all->data + skipped,
                       all->len - skipped);
    }
  tear_down (&fixture);
}

static void
ranks_get_contiguous_parts_of_the_same_batch (void)
{
  AtlLoaderOptions options = usual_options ();
  AtlLoader *whole, *parts[3];
  Fixture fixture;

  set_up (&fixture, 7, FALSE);
  whole = new_loader (fixture.dataset->train, &options);
  options.n_ranks = 3;
  for (options.rank = 0; options.rank < 3; options.rank++)
    parts[options.rank] = new_loader (fixture.dataset->train, &options);
  for (int i = 0; i < 4; i++)
    {
      const AtlBatch *all = next_batch (whole);
      gsize item = SIDE * SIDE * 3;
      int first = 0;

      for (int rank = 0; rank < 3; rank++)
        {
          const AtlBatch *part = next_batch (parts[rank]);
          gsize bytes = part->n * item * sizeof (float);

          g_assert_cmpint (part->first, ==, first);
          g_assert_cmpmem (part->input, bytes, all->input + first * item, bytes);
          g_assert_cmpmem (part->target, bytes, all->target + first * item, bytes);
          first += part->n;
        }
      g_assert_cmpint (first, ==, 5);
    }
  for (int rank = 0; rank < 3; rank++)
    g_clear_pointer (&parts[rank], atl_loader_free);
  g_clear_pointer (&whole, atl_loader_free);
  tear_down (&fixture);
}

/* The number that write_picture has put into blue, of a pixel in [-1, 1]. */
static int
number_of (const float *pixel)
{
  return (int)lrintf ((pixel[2] + 1) * 127.5f);
}

static void
an_epoch_shows_every_pair_once_and_both_sides_alike (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlLoader) loader = NULL;
  Fixture fixture;
  int first_order[7], seen_order = 0;

  options.augment = (AtlAugment){ TRUE, TRUE, 0, 0, 0, 0 };
  options.batch = 1;
  set_up (&fixture, 7, FALSE);
  loader = new_loader (fixture.dataset->train, &options);
  for (int epoch = 0; epoch < 5; epoch++)
    {
      int seen[7] = { 0 };

      for (int i = 0; i < 7; i++)
        {
          const AtlBatch *batch = next_batch (loader);
          int number = number_of (batch->input) / 2;

          g_assert_cmpint (number_of (batch->input) % 2, ==, 0);
          seen[number]++;
          for (int k = 0; k < SIDE * SIDE; k++)
            {
              const float *a = batch->input + 3 * k, *b = batch->target + 3 * k;

              g_assert_true (a[0] == b[0] && a[1] == b[1]);
              g_assert_cmpint (number_of (b), ==, 2 * number + 1);
            }
          if (epoch == 0)
            first_order[i] = number;
          else
            seen_order += first_order[i] == number;
        }
      for (int k = 0; k < 7; k++)
        g_assert_cmpint (seen[k], ==, 1);
    }
  g_assert_cmpint (seen_order, <, 28);
  g_clear_pointer (&loader, atl_loader_free);
  tear_down (&fixture);
}

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

/* A file may not grow any more: as on a full disk. */
static void
a_full_disk_is_done_without (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (GByteArray) expected = NULL, all = NULL;
  struct rlimit before, limit;
  Fixture fixture;

  set_up (&fixture, 7, FALSE);
  expected = collect (fixture.dataset->train, &options, 9);
  getrlimit (RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 20000;
  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &limit);
  options.cache_bytes = 1;
  options.cache_disk = 1 << 30;
  all = collect (fixture.dataset->train, &options, 9);
  setrlimit (RLIMIT_FSIZE, &before);
  assert_same (all, expected);
  tear_down (&fixture);
}

static void
direction_swaps_the_sides (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlLoader) ab = NULL, ba = NULL;
  Fixture fixture;

  set_up (&fixture, 7, FALSE);
  ab = new_loader (fixture.dataset->train, &options);
  options.b_to_a = TRUE;
  ba = new_loader (fixture.dataset->train, &options);
  for (int i = 0; i < 5; i++)
    {
      const AtlBatch *p = next_batch (ab), *q = next_batch (ba);
      gsize bytes = 5 * SIDE * SIDE * 3 * sizeof (float);

      g_assert_cmpmem (p->input, bytes, q->target, bytes);
      g_assert_cmpmem (p->target, bytes, q->input, bytes);
    }
  g_clear_pointer (&ab, atl_loader_free);
  g_clear_pointer (&ba, atl_loader_free);
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

static void
waiting_can_be_cancelled (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (AtlLoader) loader = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  options.width = options.height = 500;
  options.batch = 20;
  options.ahead = 1;
  set_up (&fixture, 3, FALSE);
  loader = new_loader (fixture.dataset->train, &options);
  g_cancellable_cancel (cancellable);
  g_assert_null (atl_loader_next (loader, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* And the threads stop in the middle of a batch. */
  g_clear_pointer (&loader, atl_loader_free);
  tear_down (&fixture);
}

static void
damage_is_for_the_input_only (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlCorrupt) corrupt = atl_corrupt_parse ("noise:30", NULL);
  g_autoptr (GByteArray) clean = NULL, damaged = NULL;
  gsize n = 5 * SIDE * SIDE * 3;
  Fixture fixture;

  options.augment.colour = 0;
  set_up (&fixture, 7, TRUE);
  clean = collect (fixture.dataset->train, &options, 4);
  options.corrupt = corrupt;
  damaged = collect (fixture.dataset->train, &options, 4);
  for (int i = 0; i < 4; i++)
    {
      const float *p = (const float *)clean->data + i * 2 * n;
      const float *q = (const float *)damaged->data + i * 2 * n;
      double sum = 0;
      gsize n_inside = 0;

      g_assert_cmpmem (p + n, n * sizeof (float), q + n, n * sizeof (float));
      for (gsize k = 0; k < n; k++)
        if (p[k] > -0.4f && p[k] < 0.4f)
          {
            sum += (double)(p[k] - q[k]) * (p[k] - q[k]);
            n_inside++;
          }
      if (n_inside > 300)
        g_assert_cmpfloat_with_epsilon (sqrt (sum / n_inside), 60 / 255.0, 0.03);
    }
  tear_down (&fixture);
}

static void
luma_and_chroma_make_up_the_colour (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlLoader) colour = NULL, split = NULL;
  Fixture fixture;

  set_up (&fixture, 7, TRUE);
  colour = new_loader (fixture.dataset->train, &options);
  options.luma_to_chroma = TRUE;
  split = new_loader (fixture.dataset->train, &options);
  for (int i = 0; i < 3; i++)
    {
      const AtlBatch *whole = next_batch (colour), *parts = next_batch (split);

      g_assert_true (whole->input == whole->target);
      g_assert_cmpint (parts->input_channels, ==, 1);
      g_assert_cmpint (parts->target_channels, ==, 2);
      for (int k = 0; k < 5 * SIDE * SIDE; k++)
        {
          float ycc[3] = { (parts->input[k] + 1) / 2, parts->target[2 * k] / 2,
                           parts->target[2 * k + 1] / 2 };
          float rgb[3];

          atl_ycc_to_rgb (ycc, rgb);
          for (int c = 0; c < 3; c++)
            g_assert_cmpfloat_with_epsilon (2 * rgb[c] - 1, whole->input[3 * k + c],
                                            1e-5);
        }
    }
  g_clear_pointer (&colour, atl_loader_free);
  g_clear_pointer (&split, atl_loader_free);
  tear_down (&fixture);
}

static void
patches_keep_to_their_region (void)
{
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlLoader) loader = NULL;
  Fixture fixture;
  AtlPair *pair;

  options.augment = (AtlAugment){ TRUE, TRUE, 30, 0.5f, 0, 0 };
  set_up (&fixture, 3, FALSE);
  pair = fixture.dataset->train->pdata[2];
  g_ptr_array_set_size (fixture.dataset->train, 3);
  pair->region = (AtlRegion){ 20, 30, 33, 40 };
  g_ptr_array_remove_range (fixture.dataset->train, 0, 2);
  loader = new_loader (fixture.dataset->train, &options);
  for (int i = 0; i < 20; i++)
    {
      const AtlBatch *batch = next_batch (loader);

      for (int k = 0; k < 5 * SIDE * SIDE; k++)
        {
          float x = (batch->input[3 * k] + 1) * 127.5f;
          float y = (batch->input[3 * k + 1] + 1) * 127.5f;

          g_assert_true (x > 19 && x < 53.1f && y > 29 && y < 70.1f);
        }
    }
  g_clear_pointer (&loader, atl_loader_free);
  tear_down (&fixture);
}

static void
side_by_side_pictures_are_cut_in_two (void)
{
  AtlDatasetOptions dataset_options = ATL_DATASET_DEFAULTS;
  AtlLoaderOptions options = usual_options ();
  g_autoptr (AtlDataset) dataset = NULL;
  g_autoptr (AtlLoader) loader = NULL;
  g_autofree char *folder = g_dir_make_tmp ("atelier-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "ab.png", NULL);
  g_autoptr (AtlPicture) picture
      = atl_picture_new (80, 40, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);

  for (int i = 0; i < 80 * 40; i++)
    {
      guint8 *p = picture->pixels + i / 80 * picture->row_bytes + i % 80 * 3;

      p[0] = (guint8)(i % 80 % 40);
      p[1] = (guint8)(i / 80);
      p[2] = i % 80 < 40 ? 10 : 20;
    }
  g_assert_true (atl_picture_save (picture, path, NULL));
  dataset = atl_dataset_open (folder, &dataset_options, NULL, NULL);
  g_assert_cmpint (dataset->train->len, ==, 1);
  options.augment = (AtlAugment)ATL_AUGMENT_DEFAULTS;
  loader = new_loader (dataset->train, &options);
  for (int i = 0; i < 5; i++)
    {
      const AtlBatch *batch = next_batch (loader);

      for (int k = 0; k < 5 * SIDE * SIDE; k++)
        {
          const float *a = batch->input + 3 * k, *b = batch->target + 3 * k;

          g_assert_true (a[0] == b[0] && a[1] == b[1]);
          g_assert_cmpint (number_of (a), ==, 10);
          g_assert_cmpint (number_of (b), ==, 20);
        }
    }
  remove_folder (folder);
}

/* Half transparent black on white is middle grey. */
static void
transparency_is_seen_on_white_and_depth_is_kept (void)
{
  static const AtlDepth depths[] = { ATL_DEPTH_U8, ATL_DEPTH_U16, ATL_DEPTH_FLOAT };
  static const char *const names[] = { "a.png", "a.png", "a.tif" };

  for (gsize i = 0; i < G_N_ELEMENTS (depths); i++)
    {
      g_autofree char *folder = g_dir_make_tmp ("atelier-XXXXXX", NULL);
      g_autofree char *path = g_build_filename (folder, names[i], NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlPicture) picture
          = atl_picture_new (4, 2, 3, TRUE, depths[i], NULL, &error);
      g_autoptr (AtlSample) sample = NULL;
      AtlLoaderOptions options = { 0 };
      AtlPair pair = { .name = (char *)"a", .path_a = path };

      for (int k = 0; k < 8; k++)
        {
          float pixel[4] = { 0.2f, 0.6f, 0.9f, k / 7.0f };

          atl_picture_set (picture, k % 4, k / 4, 1, 1, 4, pixel, 4, 4);
        }
      atl_picture_save (picture, path, &error);
      g_assert_no_error (error);
      sample = atl_sample_load (&pair, 0, &options, &error);
      g_assert_no_error (error);
      g_assert_cmpint (sample->width, ==, 4);
      for (int k = 0; k < 8; k++)
        for (int c = 0; c < 3; c++)
          {
            double colour = (double[]){ 0.2, 0.6, 0.9 }[c], alpha = k / 7.0;

            g_assert_cmpfloat_with_epsilon (
                (sample->input[3 * k + c] + 1) / 2, colour * alpha + 1 - alpha,
                depths[i] == ATL_DEPTH_U8 ? 0.006 : 3e-5);
          }
      remove_folder (folder);
    }
}

static void
a_sample_is_the_middle_or_all_of_a_pair (void)
{
  Fixture fixture;
  AtlLoaderOptions options = { .width = SIDE, .height = SIDE };
  AtlPair *pair;
  g_autoptr (AtlSample) middle = NULL, whole = NULL, scaled = NULL;

  set_up (&fixture, 7, FALSE);
  pair = fixture.dataset->train->pdata[2]; /* 70x90 */
  middle = atl_sample_load (pair, 0, &options, NULL);
  g_assert_cmpint (middle->width, ==, SIDE);
  g_assert_cmpint (lrintf ((middle->input[0] + 1) * 127.5f), ==, 23);
  g_assert_cmpint (lrintf ((middle->input[1] + 1) * 127.5f), ==, 33);
  g_assert_cmpint (number_of (middle->target), ==, 5);
  options.width = options.height = 0;
  whole = atl_sample_load (pair, 0, &options, NULL);
  g_assert_true (whole->width == 70 && whole->height == 90);
  for (int k = 0; k < 70 * 90; k++)
    g_assert_true (lrintf ((whole->input[3 * k] + 1) * 127.5f) == k % 70
                   && lrintf ((whole->input[3 * k + 1] + 1) * 127.5f) == k / 70);
  options.augment.load_size = 35;
  scaled = atl_sample_load (pair, 0, &options, NULL);
  g_assert_true (scaled->width == 35 && scaled->height == 45);
  tear_down (&fixture);
}

static void
impossible_options_are_refused (void)
{
  Fixture fixture;
  g_autoptr (GPtrArray) empty = g_ptr_array_new ();
  AtlLoaderOptions options = usual_options (), wrong;
  g_autoptr (GError) error = NULL;

  set_up (&fixture, 1, FALSE);
  g_assert_null (atl_loader_new (empty, &options, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA);
  g_clear_error (&error);
  for (int i = 0; i < 6; i++)
    {
      wrong = options;
      wrong.width = i == 0 ? 0 : SIDE;
      wrong.height = i == 1 ? 1 << 20 : SIDE;
      wrong.batch = i == 2 ? 0 : 5;
      wrong.n_ranks = i == 3 ? 6 : 1;
      wrong.rank = i == 4 ? 1 : 0;
      wrong.input_channels = i == 5 ? 4 : 3;
      g_assert_null (atl_loader_new (fixture.dataset->train, &wrong, &error));
      g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
      g_clear_error (&error);
    }
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/loader/threads-and-queues-change-nothing",
                   threads_and_queues_change_nothing);
  g_test_add_func ("/loader/another-seed-gives-other-batches",
                   another_seed_gives_other_batches);
  g_test_add_func ("/loader/resuming-at-any-step-goes-on-exactly",
                   resuming_at_any_step_goes_on_exactly);
  g_test_add_func ("/loader/ranks-get-contiguous-parts-of-the-same-batch",
                   ranks_get_contiguous_parts_of_the_same_batch);
  g_test_add_func ("/loader/an-epoch-shows-every-pair-once-and-both-sides-alike",
                   an_epoch_shows_every_pair_once_and_both_sides_alike);
  g_test_add_func ("/loader/large-pictures-are-used-several-times-while-at-hand",
                   large_pictures_are_used_several_times_while_at_hand);
  g_test_add_func ("/loader/a-full-disk-is-done-without",
                   a_full_disk_is_done_without);
  g_test_add_func ("/loader/direction-swaps-the-sides", direction_swaps_the_sides);
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
  g_test_add_func ("/loader/waiting-can-be-cancelled", waiting_can_be_cancelled);
  g_test_add_func ("/loader/damage-is-for-the-input-only",
                   damage_is_for_the_input_only);
  g_test_add_func ("/loader/luma-and-chroma-make-up-the-colour",
                   luma_and_chroma_make_up_the_colour);
  g_test_add_func ("/loader/patches-keep-to-their-region",
                   patches_keep_to_their_region);
  g_test_add_func ("/loader/side-by-side-pictures-are-cut-in-two",
                   side_by_side_pictures_are_cut_in_two);
  g_test_add_func ("/loader/transparency-is-seen-on-white-and-depth-is-kept",
                   transparency_is_seen_on_white_and_depth_is_kept);
  g_test_add_func ("/loader/a-sample-is-the-middle-or-all-of-a-pair",
                   a_sample_is_the_middle_or_all_of_a_pair);
  g_test_add_func ("/loader/impossible-options-are-refused",
                   impossible_options_are_refused);
  return g_test_run ();
}
