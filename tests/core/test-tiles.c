/* The arithmetic of tiles, and colours on their way to a network and back. */

#include <math.h>

#include "apply/colour.h"
#include "apply/geometry.h"
#include "base/colour.h"
#include "base/random.h"

/* A random axis with its tiles chosen; sides of 1 to about 2000. */
static AtlAxis
random_axis (AtlRandom *random, gboolean blend)
{
  static const int multiples[] = { 1, 2, 4, 8, 32, 256 };
  int m = multiples[atl_random_below (random, G_N_ELEMENTS (multiples))];
  int units = 1 + atl_random_below (random, 2000 / m + 3);
  AtlAxis axis = { .multiple = m, .blend = blend };

  axis.from = m * atl_random_below (random, 5);
  axis.to = axis.from + m * units;
  axis.halo = blend ? MAX (1, m / 2) * (1 + atl_random_below (random, 3))
                    : m * atl_random_below (random, 4);
  axis.keep_from = axis.from;
  axis.keep_to = axis.to;
  axis.tile = 2 * axis.halo + m * (1 + atl_random_below (random, units));
  axis.tile = MIN (axis.tile, axis.to - axis.from);
  axis.n = atl_axis_count (&axis, axis.tile);
  return axis;
}

static void
every_pixel_has_one_core_far_from_foreign_borders (void)
{
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  for (int round = 0; round < 3000; round++)
    {
      AtlAxis a = random_axis (&random, round % 2);
      int at = a.keep_from;

      g_assert_cmpint (a.n, >=, 1);
      for (int i = 0; i < a.n; i++)
        {
          AtlSpan s = atl_axis_span (&a, i);

          g_assert_cmpint (s.to - s.from, ==, a.tile);
          g_assert_cmpint (s.from % a.multiple, ==, 0);
          g_assert_cmpint (s.to % a.multiple, ==, 0);
          g_assert_cmpint (s.from, >=, a.from);
          g_assert_cmpint (s.to, <=, a.to);
          g_assert_cmpint (s.core_from, ==, at);
          g_assert_cmpint (s.core_to, >=, s.core_from);
          if (s.from > a.from)
            g_assert_cmpint (s.core_from - s.from, >=, a.halo);
          if (s.to < a.to)
            g_assert_cmpint (s.to - s.core_to, >=, a.halo);
          if (!a.blend)
            g_assert_cmpint (s.core_from % a.multiple, ==, 0);
          at = s.core_to;
        }
      g_assert_cmpint (at, ==, a.keep_to);
    }
}

static void
a_part_of_the_axis_is_covered_once (void)
{
  AtlRandom random;

  atl_random_init (&random, 2, 0);
  for (int round = 0; round < 2000; round++)
    {
      AtlAxis a = random_axis (&random, FALSE);
      int at, length = a.to - a.from;

      a.keep_from = a.from + MIN (a.halo, length / 2 / a.multiple * a.multiple);
      a.keep_to
          = a.keep_from + MAX (1, (int)atl_random_below (&random, length / 2 + 1));
      a.keep_to = MIN (a.keep_to, a.to);
      at = a.keep_from;
      for (int i = 0; i < a.n; i++)
        {
          AtlSpan s = atl_axis_span (&a, i);

          g_assert_cmpint (s.core_from, ==, at);
          at = s.core_to;
        }
      g_assert_cmpint (at, ==, a.keep_to);
    }
}

static void
shares_of_the_tiles_add_up_to_one (void)
{
  AtlRandom random;

  atl_random_init (&random, 3, 0);
  for (int round = 0; round < 500; round++)
    {
      AtlAxis a = random_axis (&random, round % 2);
      g_autofree double *sum = g_new0 (double, a.to - a.from);

      for (int i = 0; i < a.n; i++)
        {
          AtlSpan s = atl_axis_span (&a, i);
          int first, end;

          atl_span_reach (&s, &first, &end);
          g_assert_cmpint (first, >=, s.from);
          g_assert_cmpint (end, <=, s.to);
          for (int x = a.from; x < a.to; x++)
            {
              float share = atl_span_share (&s, x);

              g_assert_true (share >= 0 && share <= 1);
              if (x < first || x >= end)
                g_assert_cmpfloat (share, ==, 0);
              sum[x - a.from] += share;
            }
        }
      for (int x = a.from; x < a.to; x++)
        g_assert_cmpfloat_with_epsilon (sum[x - a.from], 1, 1e-5);
    }
}

static void
neighbours_are_blended_over_most_of_their_overlap (void)
{
  AtlAxis a = { 0, 2048, 0, 2048, .multiple = 256, .halo = 128, .blend = TRUE };
  AtlSpan s;

  a.tile = 768;
  a.n = atl_axis_count (&a, 768);
  s = atl_axis_span (&a, 1);
  g_assert_cmpint (s.ramp_from, >=, 100);
  g_assert_cmpint (s.ramp_to, >=, 100);
  for (int x = s.from; x < s.core_from + s.ramp_from; x++)
    g_assert_cmpfloat (atl_span_share (&s, x), <=, atl_span_share (&s, x + 1));
}

static void
sides_are_the_smallest_that_do (void)
{
  AtlRandom random;

  atl_random_init (&random, 4, 0);
  for (int round = 0; round < 3000; round++)
    {
      AtlAxis a = random_axis (&random, round % 2);
      int n = 1 + atl_random_below (&random, 12), side = atl_axis_side (&a, n);
      int count = atl_axis_count (&a, side);

      g_assert_cmpint (side % a.multiple, ==, 0);
      g_assert_cmpint (count, >=, 1);
      g_assert_cmpint (count, <=, n);
      if (side > 2 * a.halo + a.multiple)
        {
          count = atl_axis_count (&a, side - a.multiple);
          g_assert_true (count == 0 || count > n);
        }
    }
}

static gsize
bytes_of_tile (gpointer data, int width, int height)
{
  return 1000 + (gsize)width * height * 10;
}

/* All sides tried one by one. */
static double
least_work (AtlLayout layout, gsize budget)
{
  double best = G_MAXDOUBLE;

  for (int w = 4; w <= layout.x.to; w += 4)
    for (int h = 4; h <= layout.y.to; h += 4)
      {
        layout.x.tile = w;
        layout.y.tile = h;
        layout.x.n = atl_axis_count (&layout.x, w);
        layout.y.n = atl_axis_count (&layout.y, h);
        if (layout.x.n && layout.y.n && bytes_of_tile (NULL, w, h) <= budget)
          best = MIN (best, atl_layout_work (&layout));
      }
  return best;
}

static void
tiles_fit_and_cost_the_least (void)
{
  AtlRandom random;

  atl_random_init (&random, 5, 0);
  for (int round = 0; round < 60; round++)
    {
      AtlAxis x
          = { .multiple = 4, .halo = 4 * (1 + atl_random_below (&random, 5)) };
      AtlLayout layout = { x, x };
      gsize budget = 20000 + atl_random_below (&random, 600000), bytes;

      layout.x.to = layout.x.keep_to = 4 * (1 + atl_random_below (&random, 150));
      layout.y.to = layout.y.keep_to = 4 * (1 + atl_random_below (&random, 150));
      if (atl_layout_choose (&layout, 4, budget, bytes_of_tile, NULL, &bytes))
        {
          g_assert_cmpuint (bytes, <=, budget);
          g_assert_cmpuint (bytes, ==,
                            bytes_of_tile (NULL, layout.x.tile, layout.y.tile));
          g_assert_cmpfloat (atl_layout_work (&layout), <=,
                             least_work (layout, budget) * 1.01);
        }
      else
        {
          g_assert_cmpfloat (least_work (layout, budget), ==, G_MAXDOUBLE);
          g_assert_cmpuint (bytes, >, budget);
        }
    }
}

static void
a_picture_that_fits_is_one_tile (void)
{
  AtlAxis axis = { 0, 600, 0, 600, .multiple = 4, .halo = 40 };
  AtlLayout layout = { axis, axis };
  gsize bytes;

  g_assert_true (
      atl_layout_choose (&layout, 4, 4000000, bytes_of_tile, NULL, &bytes));
  g_assert_cmpint (layout.x.n * layout.y.n, ==, 1);
  g_assert_cmpint (layout.x.tile, ==, 600);
}

static void
reflection_goes_on_for_ever (void)
{
  static const int four[] = { 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0 };

  for (int i = 0; i < 13; i++)
    {
      g_assert_cmpint (atl_reflect (i, 4), ==, four[i]);
      g_assert_cmpint (atl_reflect (-i, 4), ==, four[i]);
      g_assert_cmpint (atl_reflect (i, 1), ==, 0);
      g_assert_cmpint (atl_reflect (i, 2), ==, i % 2);
    }
}

static AtlColouring
colouring_of (AtlColour colour, int in, int out, int picture, int result,
              double strength)
{
  AtlConfig config
      = { .colour = colour, .input_channels = in, .output_channels = out };
  g_autoptr (GError) error = NULL;
  AtlColouring colouring;

  atl_colouring_init (&colouring, &config, picture, result, strength, &error);
  g_assert_no_error (error);
  return colouring;
}

static void
colours_go_in_and_out_unchanged (void)
{
  const float rgb[6] = { 0, 0.25f, 1, 0.5f, 0.75f, 0.125f };
  const int columns[2] = { 1, 0 };
  AtlColouring c = colouring_of (ATL_COLOUR_RGB, 3, 3, 3, 3, 1);
  float network[10], result[6];

  atl_colouring_in (&c, rgb, columns, 2, network, 5);
  g_assert_cmpfloat (network[0], ==, 0);
  g_assert_cmpfloat (network[5], ==, -1);
  g_assert_cmpfloat (network[7], ==, 1);
  atl_colouring_out (&c, network, 5, NULL, 2, result);
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpfloat (result[i], ==, rgb[3 + i]);
      g_assert_cmpfloat (result[3 + i], ==, rgb[i]);
    }
}

static void
grey_is_spread_and_colour_seen_as_luma (void)
{
  const float grey[1] = { 0.75f }, red[3] = { 1, 0, 0 };
  const int first[1] = { 0 };
  AtlColouring c = colouring_of (ATL_COLOUR_RGB, 3, 3, 1, 1, 1);
  float network[3] = { 9, 9, 9 }, result[3];

  atl_colouring_in (&c, grey, first, 1, network, 3);
  for (int i = 0; i < 3; i++)
    g_assert_cmpfloat (network[i], ==, 0.5f);
  atl_colouring_out (&c, network, 3, NULL, 1, result);
  g_assert_cmpfloat (result[0], ==, 0.75f);

  c = colouring_of (ATL_COLOUR_RGB, 1, 1, 3, 3, 1);
  atl_colouring_in (&c, red, first, 1, network, 1);
  g_assert_cmpfloat_with_epsilon (network[0], 2 * 0.2126f - 1, 1e-6f);
  atl_colouring_out (&c, network, 1, NULL, 1, result);
  for (int i = 0; i < 3; i++)
    g_assert_cmpfloat_with_epsilon (result[i], 0.2126f, 1e-6f);
}

static void
strength_mixes_and_results_are_clamped (void)
{
  const float picture[3] = { 0.2f, 0.4f, 1 }, network[3] = { 3, -3, NAN };
  AtlColouring c = colouring_of (ATL_COLOUR_RGB, 3, 3, 3, 3, 0.25);
  float result[3];

  g_assert_true (atl_colouring_needs_picture (&c));
  atl_colouring_out (&c, network, 3, picture, 1, result);
  g_assert_cmpfloat_with_epsilon (result[0], 0.2f * 0.75f + 0.25f, 1e-6f);
  g_assert_cmpfloat_with_epsilon (result[1], 0.4f * 0.75f, 1e-6f);
  g_assert_cmpfloat_with_epsilon (result[2], 0.75f, 1e-6f);

  c = colouring_of (ATL_COLOUR_RGB, 3, 3, 3, 3, 1);
  g_assert_false (atl_colouring_needs_picture (&c));
  atl_colouring_out (&c, network, 3, NULL, 1, result);
  g_assert_cmpfloat (result[0], ==, 1);
  g_assert_cmpfloat (result[1], ==, 0);
  g_assert_cmpfloat (result[2], ==, 0);
}

static void
chroma_never_changes_the_luma (void)
{
  AtlColouring c = colouring_of (ATL_COLOUR_LUMA_TO_CHROMA, 1, 2, 3, 3, 1);
  AtlRandom random;

  atl_random_init (&random, 6, 0);
  for (int i = 0; i < 20000; i++)
    {
      float picture[3], network[2], result[3];

      for (int j = 0; j < 3; j++)
        picture[j] = atl_random_uniform (&random);
      for (int j = 0; j < 2; j++)
        network[j] = 3 * atl_random_uniform (&random) - 1.5f;
      atl_colouring_out (&c, network, 2, picture, 1, result);
      for (int j = 0; j < 3; j++)
        g_assert_true (result[j] >= 0 && result[j] <= 1);
      g_assert_cmpfloat_with_epsilon (atl_luma (result), atl_luma (picture), 2e-6f);
    }
}

static void
true_chroma_gives_the_picture_back (void)
{
  AtlColouring c = colouring_of (ATL_COLOUR_LUMA_TO_CHROMA, 1, 2, 3, 3, 1);
  const float rgb[3] = { 0.9f, 0.3f, 0.45f };
  float ycc[3], network[2], result[3];

  atl_rgb_to_ycc (rgb, ycc);
  network[0] = 2 * ycc[1];
  network[1] = 2 * ycc[2];
  atl_colouring_out (&c, network, 2, rgb, 1, result);
  for (int i = 0; i < 3; i++)
    g_assert_cmpfloat_with_epsilon (result[i], rgb[i], 1e-6f);
}

static void
networks_of_odd_channels_are_refused (void)
{
  AtlConfig config
      = { .colour = ATL_COLOUR_RGB, .input_channels = 4, .output_channels = 3 };
  g_autoptr (GError) error = NULL;
  AtlColouring colouring;

  g_assert_false (atl_colouring_init (&colouring, &config, 3, 3, 1, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MODEL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tiles/every-pixel-has-one-core-far-from-foreign-borders",
                   every_pixel_has_one_core_far_from_foreign_borders);
  g_test_add_func ("/tiles/a-part-of-the-axis-is-covered-once",
                   a_part_of_the_axis_is_covered_once);
  g_test_add_func ("/tiles/shares-of-the-tiles-add-up-to-one",
                   shares_of_the_tiles_add_up_to_one);
  g_test_add_func ("/tiles/neighbours-are-blended-over-most-of-their-overlap",
                   neighbours_are_blended_over_most_of_their_overlap);
  g_test_add_func ("/tiles/sides-are-the-smallest-that-do",
                   sides_are_the_smallest_that_do);
  g_test_add_func ("/tiles/tiles-fit-and-cost-the-least",
                   tiles_fit_and_cost_the_least);
  g_test_add_func ("/tiles/a-picture-that-fits-is-one-tile",
                   a_picture_that_fits_is_one_tile);
  g_test_add_func ("/tiles/reflection-goes-on-for-ever",
                   reflection_goes_on_for_ever);
  g_test_add_func ("/tiles/colours-go-in-and-out-unchanged",
                   colours_go_in_and_out_unchanged);
  g_test_add_func ("/tiles/grey-is-spread-and-colour-seen-as-luma",
                   grey_is_spread_and_colour_seen_as_luma);
  g_test_add_func ("/tiles/strength-mixes-and-results-are-clamped",
                   strength_mixes_and_results_are_clamped);
  g_test_add_func ("/tiles/chroma-never-changes-the-luma",
                   chroma_never_changes_the_luma);
  g_test_add_func ("/tiles/true-chroma-gives-the-picture-back",
                   true_chroma_gives_the_picture_back);
  g_test_add_func ("/tiles/networks-of-odd-channels-are-refused",
                   networks_of_odd_channels_are_refused);
  return g_test_run ();
}
