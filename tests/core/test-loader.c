/* The loader: batches that depend on nothing but seed and step, and hold what the
 * options say. */

#include "base/colour.h"
#include "loader-pairs.h"

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
  int n_measured = 0;

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
        {
          g_assert_cmpfloat_with_epsilon (sqrt (sum / n_inside), 60 / 255.0, 0.03);
          n_measured++;
        }
    }
  g_assert_cmpint (n_measured, >, 0);
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
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
}

/* Half transparent black on white is middle grey. */
static void
transparency_is_seen_on_white_and_depth_is_kept (void)
{
  static const AtlDepth depths[] = { ATL_DEPTH_U8, ATL_DEPTH_U16, ATL_DEPTH_FLOAT };
  static const char *const names[] = { "a.png", "a.png", "a.tif" };

  for (gsize i = 0; i < G_N_ELEMENTS (depths); i++)
    {
      g_autofree char *folder = scratch_new_folder ();
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
      scratch_remove_tree (folder);
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
  g_test_add_func ("/loader/direction-swaps-the-sides", direction_swaps_the_sides);
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
