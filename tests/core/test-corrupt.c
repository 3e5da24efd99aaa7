/* Damage: the grammar of --corrupt, and each kind against what defines it. */

#include <math.h>
#include <string.h>

#include "base/colour.h"
#include "files/picture.h"
#include "scratch.h"
#include "train/corrupt.h"
#include "train/damage.h"

static float *
new_plate (AtlPlate *plate, int width, int height, int channels, float value)
{
  gsize n = (gsize)width * height * channels;

  *plate = (AtlPlate){ width, height, channels, g_new (float, n) };
  for (gsize i = 0; i < n; i++)
    plate->pixels[i] = value;
  return plate->pixels;
}

/* Smooth, coloured, with some edges. */
static float *
new_picture (AtlPlate *plate, int width, int height, int channels)
{
  float *pixels = new_plate (plate, width, height, channels, 0);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < channels; c++)
        *pixels++ = 0.5f + 0.3f * sinf (0.11f * x + 0.07f * y * (c + 1))
                    + ((x / 13 + y / 9) % 2 ? 0.15f : -0.15f);
  return plate->pixels;
}

static void
parses_the_grammar (void)
{
  static const char *const cases[][2] = {
    { "noise:0-50", "noise:0-50" },
    { "noise", "noise:0-50" },
    { "salt:0.1", "salt:0.1" },
    { " Gaussian : 0 - 3 ", "gaussian:0-3" },
    { "gray", "grey" },
    { "grey+jpeg:10-90", "grey+jpeg:10-90" },
    { "noise:25|none", "noise:25|none" },
    { "noise:0-25+jpeg|motion", "noise:0-25+jpeg:10-90|motion:0-21" },
    { "(gaussian:0-2|motion:0-15)+noise:1e1-25",
      "(gaussian:0-2|motion:0-15)+noise:10-25" },
    { "((sensor))", "sensor:0-50" },
    { "motion : 5-15 / 8", "motion:5-15/8" },
    { "motion/2+noise:1", "motion:0-21/2+noise:1" },
    { "(noise+salt)|grey", "noise:0-50+salt:0-0.4|grey" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlCorrupt) corrupt = atl_corrupt_parse (cases[i][0], &error);
      g_autoptr (AtlCorrupt) again = NULL;
      g_autofree char *text = NULL, *text_again = NULL;

      g_assert_no_error (error);
      text = atl_corrupt_to_string (corrupt);
      g_assert_cmpstr (text, ==, cases[i][1]);
      again = atl_corrupt_parse (text, &error);
      g_assert_no_error (error);
      text_again = atl_corrupt_to_string (again);
      g_assert_cmpstr (text_again, ==, text);
    }
}

static void
refuses_what_is_no_damage (void)
{
  static const char *const cases[][2] = {
    { "", "ends where" },
    { "noise+", "ends where" },
    { "nois:3", "'nois' is unknown" },
    { "?", "'?' is unknown" },
    { "noise:", "a number or a range" },
    { "noise:x", "a number or a range" },
    { "noise:nan", "a number or a range" },
    { "noise:inf", "a number or a range" },
    { "noise:0-101", "from 0 to 100" },
    { "noise:-3", "from 0 to 100" },
    { "noise:50-20", "the lower number first" },
    { "jpeg:0", "from 1 to 100" },
    { "salt:0-40", "from 0 to 1" },
    { "grey:1", "takes no number" },
    { "(noise", "not closed" },
    { "noise)", "too much" },
    { "noise jpeg", "too much" },
    { "noise:5/2", "too much" },
    { "motion:9/", "1 to 64" },
    { "motion:9/0", "1 to 64" },
    { "motion:9/65", "1 to 64" },
    { "motion:9/-2", "1 to 64" },
    { "motion:9/2.5", "too much" },
  };
  g_autoptr (GString) deep = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_null (atl_corrupt_parse (cases[i][0], &error));
      g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
      if (!strstr (error->message, cases[i][1]))
        g_error ("'%s' gives: %s", cases[i][0], error->message);
      g_clear_error (&error);
    }
  for (int i = 0; i < 100000; i++)
    g_string_append_c (deep, '(');
  g_assert_null (atl_corrupt_parse (deep->str, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
}

/* Rows of one value each stay under motion across, and columns change under all
 * but motion down. */
static void
motion_keeps_to_its_directions (void)
{
  g_autoptr (AtlCorrupt) across = atl_corrupt_parse ("motion:9/1", NULL);
  g_autoptr (AtlCorrupt) both = atl_corrupt_parse ("motion:9/2", NULL);
  AtlRandom random;
  AtlPlate plate;
  int n_same = 0;

  atl_random_init (&random, 4, 0);
  for (int i = 0; i < 40; i++)
    {
      float *pixels = new_plate (&plate, 32, 32, 1, 0);
      float worst = 0;

      for (int p = 0; p < 32 * 32; p++)
        pixels[p] = p / 32 % 2 ? 0.25f : 0.75f;
      g_assert_true (atl_corrupt_apply (i < 20 ? across : both, &random, 32, 32, 1,
                                        pixels, NULL));
      for (int p = 0; p < 32 * 32; p++)
        worst = MAX (worst, fabsf (pixels[p] - (p / 32 % 2 ? 0.25f : 0.75f)));
      if (i < 20)
        g_assert_cmpfloat (worst, <, 1e-5);
      else
        {
          g_assert_true (worst < 1e-5f || worst > 0.2f);
          n_same += worst < 1e-5f;
        }
      g_free (pixels);
    }
  g_assert_cmpint (n_same, >, 3);
  g_assert_cmpint (n_same, <, 17);
}

/* Pieces of the grammar in any order: parsed or refused, and what is parsed can
 * be written and parsed again. */
static void
no_text_breaks_the_parser (void)
{
  static const char *const pieces[]
      = { "noise", "jpeg", "grey", "none", "x", ":", "-", "+",    "|",      "(",
          ")",     " ",    "3",    "0",    "9", ".", "e", "1-20", "motion", "/" };
  AtlRandom random;
  int n_parsed = 0;

  atl_random_init (&random, 17, 0);
  for (int i = 0; i < 20000; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (AtlCorrupt) corrupt = NULL, again = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *full = NULL;
      int n = 1 + atl_random_below (&random, 7);

      while (n-- > 0)
        g_string_append (text,
                         pieces[atl_random_below (&random, G_N_ELEMENTS (pieces))]);
      corrupt = atl_corrupt_parse (text->str, &error);
      g_assert_true ((corrupt == NULL) == (error != NULL));
      if (!corrupt)
        continue;
      n_parsed++;
      full = atl_corrupt_to_string (corrupt);
      again = atl_corrupt_parse (full, NULL);
      g_assert_nonnull (again);
    }
  g_assert_cmpint (n_parsed, >, 200);
}

static void
find_moments (const float *values, gsize n, double *mean, double *deviation)
{
  double sum = 0, squares = 0;

  for (gsize i = 0; i < n; i++)
    {
      sum += values[i];
      squares += (double)values[i] * values[i];
    }
  *mean = sum / n;
  *deviation = sqrt (squares / n - *mean * *mean);
}

static void
noise_has_the_sigma_asked_for (void)
{
  AtlRandom random;
  AtlPlate plate;
  g_autofree float *pixels = new_plate (&plate, 300, 200, 3, 0.5f);
  gsize n = 300 * 200 * 3;
  double mean, deviation, product = 0;

  atl_random_init (&random, 7, 1);
  atl_random_next (&random); /* an odd start */
  atl_damage_noise (&plate, &random, 25 / 255.0f, FALSE);
  find_moments (pixels, n, &mean, &deviation);
  g_assert_cmpfloat_with_epsilon (mean, 0.5, 0.001);
  g_assert_cmpfloat_with_epsilon (deviation * 255, 25, 0.15);
  /* Neighbouring samples have nothing to do with each other. */
  for (gsize i = 1; i < n; i++)
    product += (pixels[i] - 0.5) * (pixels[i - 1] - 0.5);
  g_assert_cmpfloat (fabs (product / n / deviation / deviation), <, 0.01);
}

static void
sensor_noise_grows_with_the_light (void)
{
  for (float value = 0.25f; value < 0.8f; value += 0.25f)
    {
      AtlRandom random;
      AtlPlate plate;
      g_autofree float *pixels = new_plate (&plate, 200, 200, 1, value);
      double mean, deviation;

      atl_random_init (&random, 3, 0);
      atl_damage_noise (&plate, &random, 0.05f, TRUE);
      find_moments (pixels, 200 * 200, &mean, &deviation);
      g_assert_cmpfloat_with_epsilon (deviation, 0.05 * sqrt (0.1 + 0.9 * value),
                                      0.001);
    }
}

static void
salt_turns_the_share_black_or_white (void)
{
  AtlRandom random;
  AtlPlate plate;
  g_autofree float *pixels = new_plate (&plate, 251, 199, 3, 0.5f);
  int n = 251 * 199, black = 0, white = 0;

  atl_random_init (&random, 1, 0);
  atl_damage_salt (&plate, &random, 0.2f);
  for (int i = 0; i < n; i++)
    {
      const float *p = pixels + 3 * i;

      g_assert_true (p[0] == p[1] && p[1] == p[2]);
      black += p[0] == 0.0f;
      white += p[0] == 1.0f;
      g_assert_true (p[0] == 0.0f || p[0] == 0.5f || p[0] == 1.0f);
    }
  g_assert_cmpfloat_with_epsilon ((black + white) / (double)n, 0.2, 0.006);
  g_assert_cmpfloat_with_epsilon (white / (double)(black + white), 0.5, 0.02);
}

/* Sum, centre of gravity and variances of a plate of one channel. */
static void
find_spread (const AtlPlate *plate, double m[6])
{
  memset (m, 0, 6 * sizeof (double));
  for (int y = 0; y < plate->height; y++)
    for (int x = 0; x < plate->width; x++)
      {
        double v = plate->pixels[y * plate->width + x];

        m[0] += v;
        m[1] += v * x;
        m[2] += v * y;
        m[3] += v * x * x;
        m[4] += v * y * y;
        m[5] += v * x * y;
      }
  m[1] /= m[0];
  m[2] /= m[0];
  m[3] = m[3] / m[0] - m[1] * m[1];
  m[4] = m[4] / m[0] - m[2] * m[2];
  m[5] = m[5] / m[0] - m[1] * m[2];
}

static void
gaussian_blur_spreads_a_point_by_sigma (void)
{
  for (float sigma = 0.75f; sigma < 5; sigma += 1.25f)
    {
      AtlPlate plate;
      g_autofree float *pixels = new_plate (&plate, 61, 57, 1, 0);
      double m[6];

      pixels[28 * 61 + 30] = 1;
      g_assert_true (atl_damage_blur (&plate, sigma, NULL));
      find_spread (&plate, m);
      g_assert_cmpfloat_with_epsilon (m[0], 1, 1e-4);
      g_assert_cmpfloat_with_epsilon (m[1], 30, 1e-3);
      g_assert_cmpfloat_with_epsilon (m[2], 28, 1e-3);
      g_assert_cmpfloat_with_epsilon (m[3], sigma * sigma, 0.03 * sigma * sigma);
      g_assert_cmpfloat_with_epsilon (m[4], sigma * sigma, 0.03 * sigma * sigma);
    }
}

static void
motion_blur_is_a_line_of_that_length_and_angle (void)
{
  for (int i = 0; i < 8; i++)
    {
      double angle = i * G_PI / 8, length = 5 + 3 * i, m[6];
      double along = length * length / 12;
      AtlPlate plate;
      g_autofree float *pixels = new_plate (&plate, 71, 71, 1, 0);

      pixels[35 * 71 + 35] = 1;
      g_assert_true (
          atl_damage_motion (&plate, (float)length, (float)angle, 0, NULL));
      find_spread (&plate, m);
      g_assert_cmpfloat_with_epsilon (m[0], 1, 1e-4);
      g_assert_cmpfloat_with_epsilon (m[1], 35, 2e-3);
      g_assert_cmpfloat_with_epsilon (m[2], 35, 2e-3);
      /* Bilinear drawing adds up to 1/4 to each variance. */
      g_assert_cmpfloat_with_epsilon (m[3], along * pow (cos (angle), 2), 0.3);
      g_assert_cmpfloat_with_epsilon (m[4], along * pow (sin (angle), 2), 0.3);
      g_assert_cmpfloat_with_epsilon (m[5], along * cos (angle) * sin (angle), 0.3);
    }
}

static void
a_bent_motion_shifts_nothing (void)
{
  AtlPlate plate;
  g_autofree float *pixels = new_plate (&plate, 91, 91, 1, 0);
  double m[6];

  pixels[45 * 91 + 45] = 1;
  g_assert_true (atl_damage_motion (&plate, 60, 0.4f, 0.2f, NULL));
  find_spread (&plate, m);
  g_assert_cmpfloat_with_epsilon (m[0], 1, 1e-4);
  g_assert_cmpfloat_with_epsilon (m[1], 45, 0.05);
  g_assert_cmpfloat_with_epsilon (m[2], 45, 0.05);
}

static double
difference (const float *a, const float *b, gsize n, double *largest)
{
  double sum = 0;

  *largest = 0;
  for (gsize i = 0; i < n; i++)
    {
      double d = fabs (a[i] - b[i]) * 255;

      sum += d;
      *largest = MAX (*largest, d);
    }
  return sum / n;
}

static float *
round_to_8_bits (float *pixels, gsize n)
{
  for (gsize i = 0; i < n; i++)
    pixels[i] = rintf (CLAMP (pixels[i], 0, 1) * 255) / 255;
  return pixels;
}

/* Pictures are saved with quality 95 and whole chroma. */
static void
jpeg_traces_are_libjpegs (void)
{
  static const int sizes[][2] = { { 64, 48 }, { 37, 53 }, { 8, 8 }, { 1, 1 } };
  g_autofree char *folder = scratch_new_folder ();
  g_autofree char *path = g_build_filename (folder, "a.jpg", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      int width = sizes[i][0], height = sizes[i][1];
      gsize n = (gsize)width * height * 3;
      AtlPlate plate;
      g_autofree float *pixels
          = round_to_8_bits (new_picture (&plate, width, height, 3), n);
      g_autofree float *real = g_new (float, n);
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlPicture) picture
          = atl_picture_new (width, height, 3, FALSE, ATL_DEPTH_U8, NULL, &error);
      g_autoptr (AtlPicture) saved = NULL;
      double mean, largest;

      atl_picture_set (picture, 0, 0, width, height, 3, pixels, 3, 3 * width);
      g_assert_true (atl_picture_save (picture, path, &error));
      saved = atl_picture_load (path, &error);
      g_assert_no_error (error);
      atl_picture_get (saved, 0, 0, width, height, 3, real, 3, 3 * width);
      g_assert_true (atl_damage_jpeg (&plate, 95, FALSE, 0, 0, &error));
      mean = difference (pixels, real, n, &largest);
      g_test_message ("%dx%d: differs by %.3f on average, %.0f at most", width,
                      height, mean, largest);
      g_assert_cmpfloat (mean, <, 0.5);
      g_assert_cmpfloat (largest, <, 4.5);
    }
  scratch_remove_tree (folder);
}

static void
jpeg_gets_worse_with_quality (void)
{
  AtlPlate clean;
  g_autofree float *pixels = new_picture (&clean, 80, 64, 3);
  gsize n = 80 * 64 * 3;
  double before = 0, largest;

  round_to_8_bits (pixels, n);
  for (float quality = 100; quality >= 5; quality -= 19)
    {
      g_autofree float *copy = g_memdup2 (pixels, n * sizeof (float));
      AtlPlate plate = { 80, 64, 3, copy };
      double now;

      g_assert_true (atl_damage_jpeg (&plate, quality, TRUE, 5, 11, NULL));
      now = difference (copy, pixels, n, &largest);
      g_assert_cmpfloat (now, >, before);
      before = now;
    }
  g_assert_cmpfloat (before, >, 4);
}

/* The same blocks compressed twice lose nothing more than rounding. */
static void
jpeg_twice_on_one_grid_is_jpeg_once (void)
{
  AtlPlate plate;
  g_autofree float *pixels = new_picture (&plate, 64, 64, 1), *once = NULL;
  gsize n = 64 * 64;
  double largest;

  g_assert_true (atl_damage_jpeg (&plate, 30, FALSE, 0, 0, NULL));
  once = g_memdup2 (pixels, n * sizeof (float));
  g_assert_true (atl_damage_jpeg (&plate, 30, FALSE, 0, 0, NULL));
  g_assert_cmpfloat (difference (pixels, once, n, &largest), <, 0.05);
  g_assert_true (atl_damage_jpeg (&plate, 30, FALSE, 3, 5, NULL));
  g_assert_cmpfloat (difference (pixels, once, n, &largest), >, 0.5);
}

static void
grey_is_luma (void)
{
  AtlPlate plate;
  g_autofree float *pixels = new_picture (&plate, 20, 20, 3), *copy = NULL;

  round_to_8_bits (pixels, 1200);
  copy = g_memdup2 (pixels, 1200 * sizeof (float));
  atl_damage_grey (&plate);
  for (int i = 0; i < 400; i++)
    for (int c = 0; c < 3; c++)
      g_assert_cmpfloat_with_epsilon (pixels[3 * i + c], atl_luma (copy + 3 * i),
                                      1e-6);
}

static const char *const all_kinds[]
    = { "noise:20-50",   "sensor:20-50", "salt:0.1-0.4",
        "gaussian:1-10", "motion:4-64",  "jpeg:1-90",
        "grey",          "none",         "(gaussian|motion)+noise+salt+jpeg|grey" };

static void
equal_states_give_equal_pictures_of_any_size (void)
{
  static const int sizes[][3]
      = { { 1, 1, 3 }, { 1, 9, 1 }, { 33, 2, 3 }, { 16, 16, 1 }, { 67, 41, 3 } };

  for (gsize k = 0; k < G_N_ELEMENTS (all_kinds); k++)
    for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
      {
        int width = sizes[i][0], height = sizes[i][1], channels = sizes[i][2];
        gsize n = (gsize)width * height * channels;
        g_autoptr (AtlCorrupt) corrupt = atl_corrupt_parse (all_kinds[k], NULL);
        AtlPlate plate;
        g_autofree float *clean = new_picture (&plate, width, height, channels);
        g_autofree float *a = NULL, *b = NULL;
        AtlRandom random;

        round_to_8_bits (clean, n);
        a = g_memdup2 (clean, n * sizeof (float));
        b = g_memdup2 (clean, n * sizeof (float));
        for (int round = 0; round < 3; round++)
          {
            atl_random_init (&random, 5, i);
            random.counter = round;
            g_assert_true (atl_corrupt_apply (corrupt, &random, width, height,
                                              channels, a, NULL));
            atl_random_init (&random, 5, i);
            random.counter = round;
            g_assert_true (atl_corrupt_apply (corrupt, &random, width, height,
                                              channels, b, NULL));
          }
        g_assert_cmpmem (a, n * sizeof (float), b, n * sizeof (float));
        for (gsize j = 0; j < n; j++)
          g_assert_true (a[j] >= 0 && a[j] <= 1);
        if (n > 6000 && !g_str_equal (all_kinds[k], "none"))
          g_assert_true (memcmp (a, clean, n * sizeof (float)) != 0);
      }
}

static void
every_choice_is_taken (void)
{
  g_autoptr (AtlCorrupt) corrupt = atl_corrupt_parse ("none|grey|gaussian:5", NULL);
  gsize n = 30 * 30 * 3;
  int seen[3] = { 0 };

  for (int i = 0; i < 300; i++)
    {
      AtlPlate plate;
      g_autofree float *pixels = new_picture (&plate, 30, 30, 3), *copy = NULL;
      AtlRandom random;

      round_to_8_bits (pixels, n);
      copy = g_memdup2 (pixels, n * sizeof (float));
      atl_random_init (&random, 0, i);
      g_assert_true (atl_corrupt_apply (corrupt, &random, 30, 30, 3, pixels, NULL));
      if (memcmp (pixels, copy, n * sizeof (float)) == 0)
        seen[0]++;
      else if (pixels[0] == pixels[1] && pixels[300] == pixels[301])
        seen[1]++;
      else
        seen[2]++;
    }
  for (int k = 0; k < 3; k++)
    g_assert_true (seen[k] > 70 && seen[k] < 130);
}

/* What lies beyond the margin must not reach into the patch. */
static void
the_margin_is_wide_enough (void)
{
  static const char *const kinds[]
      = { "gaussian:2", "motion:30", "jpeg:20", "gaussian:1+motion:9" };

  for (gsize k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (int round = 0; round < 20; round++)
      {
        g_autoptr (AtlCorrupt) corrupt = atl_corrupt_parse (kinds[k], NULL);
        /* The plate has one pixel more around than needed. */
        int margin = atl_corrupt_margin (corrupt) + 1, side = 20 + 2 * margin;
        AtlPlate plate;
        g_autofree float *a = new_picture (&plate, side, side, 3), *b = NULL;
        AtlRandom random;

        round_to_8_bits (a, (gsize)side * side * 3);
        b = g_memdup2 (a, (gsize)side * side * 3 * sizeof (float));
        /* The outermost pixels differ; repeated ones beyond them as well. */
        for (int i = 0; i < side; i++)
          for (int c = 0; c < 3; c++)
            b[i * 3 + c] = b[((side - 1) * side + i) * 3 + c] = b[i * side * 3 + c]
                = b[(i * side + side - 1) * 3 + c] = 0;
        atl_random_init (&random, 1, round);
        atl_corrupt_apply (corrupt, &random, side, side, 3, a, NULL);
        atl_random_init (&random, 1, round);
        atl_corrupt_apply (corrupt, &random, side, side, 3, b, NULL);
        for (int y = margin; y < side - margin; y++)
          for (int i = margin * 3; i < (side - margin) * 3; i++)
            g_assert_cmpfloat_with_epsilon (a[y * side * 3 + i],
                                            b[y * side * 3 + i], 1e-6);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/corrupt/parses-the-grammar", parses_the_grammar);
  g_test_add_func ("/corrupt/refuses-what-is-no-damage", refuses_what_is_no_damage);
  g_test_add_func ("/corrupt/motion-keeps-to-its-directions",
                   motion_keeps_to_its_directions);
  g_test_add_func ("/corrupt/no-text-breaks-the-parser", no_text_breaks_the_parser);
  g_test_add_func ("/corrupt/noise-has-the-sigma-asked-for",
                   noise_has_the_sigma_asked_for);
  g_test_add_func ("/corrupt/sensor-noise-grows-with-the-light",
                   sensor_noise_grows_with_the_light);
  g_test_add_func ("/corrupt/salt-turns-the-share-black-or-white",
                   salt_turns_the_share_black_or_white);
  g_test_add_func ("/corrupt/gaussian-blur-spreads-a-point-by-sigma",
                   gaussian_blur_spreads_a_point_by_sigma);
  g_test_add_func ("/corrupt/motion-blur-is-a-line-of-that-length-and-angle",
                   motion_blur_is_a_line_of_that_length_and_angle);
  g_test_add_func ("/corrupt/a-bent-motion-shifts-nothing",
                   a_bent_motion_shifts_nothing);
  g_test_add_func ("/corrupt/jpeg-traces-are-libjpegs", jpeg_traces_are_libjpegs);
  g_test_add_func ("/corrupt/jpeg-gets-worse-with-quality",
                   jpeg_gets_worse_with_quality);
  g_test_add_func ("/corrupt/jpeg-twice-on-one-grid-is-jpeg-once",
                   jpeg_twice_on_one_grid_is_jpeg_once);
  g_test_add_func ("/corrupt/grey-is-luma", grey_is_luma);
  g_test_add_func ("/corrupt/equal-states-give-equal-pictures-of-any-size",
                   equal_states_give_equal_pictures_of_any_size);
  g_test_add_func ("/corrupt/every-choice-is-taken", every_choice_is_taken);
  g_test_add_func ("/corrupt/the-margin-is-wide-enough", the_margin_is_wide_enough);
  return g_test_run ();
}
