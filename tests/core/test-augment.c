/* Crops: drawn within the picture, rendered as the mapping says. */

#include <math.h>
#include <string.h>

#include "train/augment.h"

typedef struct
{
  int width, height, channels;
  float *pixels;
  int left, top, right, bottom; /* of what was read */
} Picture;

static void
new_picture (Picture *picture, int width, int height, int channels)
{
  AtlRandom random;

  *picture = (Picture){ width,    height,
                        channels, g_new (float, (gsize)width *height *channels),
                        width,    height,
                        0,        0 };
  atl_random_init (&random, 11, 0);
  for (int i = 0; i < width * height * channels; i++)
    picture->pixels[i] = atl_random_uniform (&random);
}

/* Linear in x and y, and so exactly interpolated. */
static float
ramp_at (double x, double y, int c)
{
  return (float)(0.1 + 0.002 * x + 0.0015 * y + 0.1 * c);
}

static void
new_ramp (Picture *picture, int width, int height, int channels)
{
  new_picture (picture, width, height, channels);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < channels; c++)
        picture->pixels[(y * width + x) * channels + c]
            = ramp_at (x + 0.5, y + 0.5, c);
}

static gboolean
read_picture (gpointer data, int x, int y, int width, int height, float *out,
              GError **error)
{
  Picture *p = data;

  g_assert_true (x >= 0 && y >= 0 && width > 0 && height > 0
                 && x + width <= p->width && y + height <= p->height);
  p->left = MIN (p->left, x);
  p->top = MIN (p->top, y);
  p->right = MAX (p->right, x + width);
  p->bottom = MAX (p->bottom, y + height);
  for (int j = 0; j < height; j++)
    memcpy (out + (gsize)j * width * p->channels,
            p->pixels + ((gsize)(y + j) * p->width + x) * p->channels,
            (gsize)width * p->channels * sizeof (float));
  return TRUE;
}

static float *
render (const AtlCrop *crop, Picture *picture, int width, int height)
{
  float *out = g_new (float, (gsize)width *height * picture->channels);
  g_autoptr (GError) error = NULL;

  atl_crop_render (crop, picture->width, picture->height, picture->channels,
                   read_picture, picture, width, height, out, &error);
  g_assert_no_error (error);
  return out;
}

static void
settings_are_read_and_refused (void)
{
  AtlAugment augment = ATL_AUGMENT_DEFAULTS;
  gboolean known;
  g_autoptr (GError) error = NULL;
  static const char *const wrong[]
      = { "flip=maybe", "flip",           "rotation=46", "rotation=-1", "scale=2",
          "scale=x",    "colour_jitter=", "load_size=x", "load_size=-1" };

  g_assert_true (atl_augment_set (&augment, "flip=no", &known, NULL) && known);
  g_assert_true (atl_augment_set (&augment, "turns=yes", NULL, NULL));
  g_assert_true (atl_augment_set (&augment, "rotation=7.5", NULL, NULL));
  g_assert_true (atl_augment_set (&augment, "scale=0.25", NULL, NULL));
  g_assert_true (atl_augment_set (&augment, "colour_jitter=0.5", NULL, NULL));
  g_assert_true (atl_augment_set (&augment, "load_size=286", NULL, NULL));
  g_assert_true (!augment.flip && augment.turns && augment.rotation == 7.5f
                 && augment.scale == 0.25f && augment.colour == 0.5f
                 && augment.load_size == 286);
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (atl_augment_set (&augment, wrong[i], &known, &error));
      g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
      g_assert_true (known);
      g_clear_error (&error);
    }
  g_assert_false (atl_augment_set (&augment, "ngf=64", &known, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_assert_false (known);
}

static void
without_augmentation_a_patch_is_a_piece_of_the_picture (void)
{
  AtlAugment none = ATL_AUGMENT_NONE;
  Picture picture;
  gboolean corners[4] = { FALSE };

  new_picture (&picture, 23, 17, 3);
  for (int i = 0; i < 2000; i++)
    {
      AtlRandom random;
      AtlCrop crop;
      g_autofree float *out = NULL;
      int x, y;

      atl_random_init (&random, 1, i);
      atl_crop_draw (&crop, &none, &random, 23, 17, 20, 15);
      out = render (&crop, &picture, 20, 15);
      x = (int)(crop.x - 10);
      y = (int)(crop.y - 7.5);
      g_assert_true (x >= 0 && x <= 3 && y >= 0 && y <= 2);
      corners[0] |= x == 0 && y == 0;
      corners[1] |= x == 3 && y == 0;
      corners[2] |= x == 0 && y == 2;
      corners[3] |= x == 3 && y == 2;
      for (int j = 0; j < 15; j++)
        g_assert_cmpmem (out + j * 60, 240, picture.pixels + ((y + j) * 23 + x) * 3,
                         240);
    }
  for (int k = 0; k < 4; k++)
    g_assert_true (corners[k]);
  g_free (picture.pixels);
}

/* Every pixel is one of the picture's, where the mapping says. */
static void
flips_and_turns_move_whole_pixels (void)
{
  AtlAugment augment = { .flip = TRUE, .turns = TRUE };
  gboolean seen[8] = { FALSE };
  Picture picture;

  new_picture (&picture, 40, 30, 1);
  for (int i = 0; i < 200; i++)
    {
      int width = i % 2 ? 14 : 17, height = 11;
      AtlRandom random;
      AtlCrop crop;
      g_autofree float *out = NULL;

      atl_random_init (&random, 2, i);
      atl_crop_draw (&crop, &augment, &random, 40, 30, width, height);
      out = render (&crop, &picture, width, height);
      for (int v = 0; v < height; v++)
        for (int u = 0; u < width; u++)
          {
            double p = u + 0.5 - width / 2.0, q = v + 0.5 - height / 2.0;
            double x = crop.x + crop.xx * p + crop.xy * q;
            double y = crop.y + crop.yx * p + crop.yy * q;

            g_assert_cmpfloat (x - floor (x), ==, 0.5);
            g_assert_cmpfloat (y - floor (y), ==, 0.5);
            g_assert_cmpfloat (out[v * width + u], ==,
                               picture.pixels[(int)y * 40 + (int)x]);
          }
      seen[(crop.xx != 0) * 4 + (crop.xx + crop.xy > 0) * 2
           + (crop.yx + crop.yy > 0)]
          = TRUE;
    }
  for (int k = 0; k < 8; k++)
    g_assert_true (seen[k]);
  g_free (picture.pixels);
}

/* Where no reflection is near, the value is the ramp's at the mapped place. */
static void
check_ramp (const AtlCrop *crop, const Picture *picture, int width, int height,
            const float *out, double border, int *n_checked)
{
  for (int v = 0; v < height; v++)
    for (int u = 0; u < width; u++)
      {
        double p = u + 0.5 - width / 2.0, q = v + 0.5 - height / 2.0;
        double x = crop->x + crop->xx * p + crop->xy * q;
        double y = crop->y + crop->yx * p + crop->yy * q;

        if (x < border || y < border || x > picture->width - border
            || y > picture->height - border)
          continue;
        (*n_checked)++;
        for (int c = 0; c < picture->channels; c++)
          g_assert_cmpfloat_with_epsilon (
              out[(v * width + u) * picture->channels + c], ramp_at (x, y, c),
              2e-5);
      }
}

static void
rotation_and_scale_interpolate (void)
{
  AtlAugment augment = { .flip = TRUE, .rotation = 20, .scale = 0.3f };
  Picture picture;
  int n_checked = 0;

  new_ramp (&picture, 120, 100, 3);
  for (int i = 0; i < 60; i++)
    {
      AtlRandom random;
      AtlCrop crop;
      g_autofree float *out = NULL;
      double step;

      augment.turns = i % 2;
      atl_random_init (&random, 3, i);
      atl_crop_draw (&crop, &augment, &random, 120, 100, 41, 32);
      step = hypot (crop.xx, crop.yx);
      g_assert_true (step >= 1 / 1.3001 && step <= 1.3001);
      out = render (&crop, &picture, 41, 32);
      check_ramp (&crop, &picture, 41, 32, out, 3, &n_checked);
    }
  g_assert_cmpint (n_checked, >, 40000);
  g_free (picture.pixels);
}

static void
shrinking_averages (void)
{
  for (int load = 20; load <= 90; load += 7)
    {
      AtlAugment augment = { .load_size = load };
      Picture picture;
      AtlRandom random;
      AtlCrop crop;
      g_autofree float *out = NULL;
      int n_checked = 0, side = load - 4;

      new_ramp (&picture, 190, 180, 3);
      atl_random_init (&random, 3, load);
      atl_crop_draw (&crop, &augment, &random, 190, 180, side, side);
      g_assert_cmpfloat_with_epsilon (crop.xx, 180.0 / load, 1e-9);
      out = render (&crop, &picture, side, side);
      check_ramp (&crop, &picture, side, side, out, 3 * crop.xx, &n_checked);
      g_assert_cmpint (n_checked, >, 50);
      g_free (picture.pixels);
    }
}

/* A checkerboard of single pixels scaled to a quarter is grey, not a moire. */
static void
shrinking_leaves_no_moire (void)
{
  AtlAugment augment = { .load_size = 32 };
  Picture picture;
  AtlCrop crop;
  g_autofree float *out = NULL;

  new_picture (&picture, 128, 128, 1);
  for (int i = 0; i < 128 * 128; i++)
    picture.pixels[i] = (i / 128 + i % 128) % 2;
  atl_crop_centre (&crop, &augment, 128, 128);
  out = render (&crop, &picture, 32, 32);
  for (int i = 0; i < 32 * 32; i++)
    g_assert_cmpfloat_with_epsilon (out[i], 0.5, 1e-6);
  g_free (picture.pixels);
}

static int
plain_reflect (int i, int n)
{
  while (i < 0 || i >= n)
    {
      if (n == 1)
        return 0;
      i = i < 0 ? -i : 2 * (n - 1) - i;
    }
  return i;
}

static void
small_pictures_are_reflected (void)
{
  static const int sizes[][2] = { { 1, 1 }, { 1, 5 }, { 3, 2 }, { 7, 40 } };
  AtlAugment none = ATL_AUGMENT_NONE;

  for (gsize k = 0; k < G_N_ELEMENTS (sizes); k++)
    for (int i = 0; i < 20; i++)
      {
        int width = sizes[k][0], height = sizes[k][1];
        Picture picture;
        AtlRandom random;
        AtlCrop crop;
        g_autofree float *out = NULL;
        int x0, y0;

        new_picture (&picture, width, height, 3);
        atl_random_init (&random, 4, i);
        atl_crop_draw (&crop, &none, &random, width, height, 16, 16);
        out = render (&crop, &picture, 16, 16);
        x0 = (int)floor (crop.x - 8);
        y0 = (int)floor (crop.y - 8);
        g_assert_true (width > 16 || (x0 <= 0 && x0 + 16 >= width));
        for (int y = 0; y < 16; y++)
          for (int x = 0; x < 16; x++)
            g_assert_cmpmem (out + (y * 16 + x) * 3, 12,
                             picture.pixels
                                 + (plain_reflect (y0 + y, height) * width
                                    + plain_reflect (x0 + x, width))
                                       * 3,
                             12);
        g_free (picture.pixels);
      }
}

/* All at once on awkward sizes: nothing but the picture is read, values stay in
 * [0, 1]. */
static void
any_size_can_be_rendered (void)
{
  AtlAugment augment = { TRUE, TRUE, 45, 1, 1, 0 };

  for (int i = 0; i < 150; i++)
    {
      static const int loads[] = { 0, 16, 286, 3 };
      AtlRandom random;
      Picture picture;
      AtlCrop crop;
      g_autofree float *out = NULL;
      int width, height;

      atl_random_init (&random, 6, i);
      new_picture (&picture, 1 + atl_random_below (&random, 90),
                   1 + atl_random_below (&random, 90), i % 2 ? 3 : 1);
      width = 1 + atl_random_below (&random, 60);
      height = 1 + atl_random_below (&random, 60);
      augment.load_size = loads[i % 4];
      atl_crop_draw (&crop, &augment, &random, picture.width, picture.height, width,
                     height);
      out = render (&crop, &picture, width, height);
      for (int j = 0; j < width * height * picture.channels; j++)
        g_assert_true (out[j] >= 0 && out[j] <= 1);
      g_free (picture.pixels);
    }
}

/* A rotated patch that fits into the picture shows none of its reflection. */
static void
patches_stay_within_where_they_fit (void)
{
  AtlAugment augment = { TRUE, TRUE, 15, 0.2f, 0, 0 };

  for (int i = 0; i < 500; i++)
    {
      AtlRandom random;
      AtlCrop crop;

      atl_random_init (&random, 7, i);
      atl_crop_draw (&crop, &augment, &random, 100, 90, 50, 40);
      for (int corner = 0; corner < 4; corner++)
        {
          double p = corner & 1 ? 25 : -25, q = corner & 2 ? 20 : -20;
          double x = crop.x + crop.xx * p + crop.xy * q;
          double y = crop.y + crop.yx * p + crop.yy * q;

          g_assert_true (x > -1e-4 && x < 100 + 1e-4 && y > -1e-4 && y < 90 + 1e-4);
        }
    }
}

static void
colour_jitter_keeps_grey_grey_and_range (void)
{
  AtlAugment augment = { .colour = 1 };
  Picture picture;
  gboolean changed = FALSE;

  new_picture (&picture, 16, 16, 3);
  for (int i = 0; i < 128; i++)
    picture.pixels[3 * i + 1] = picture.pixels[3 * i + 2] = picture.pixels[3 * i];
  for (int i = 0; i < 50; i++)
    {
      AtlRandom random;
      AtlCrop crop;
      g_autofree float *out = NULL;

      atl_random_init (&random, 9, i);
      atl_crop_draw (&crop, &augment, &random, 16, 16, 16, 16);
      out = render (&crop, &picture, 16, 16);
      for (int j = 0; j < 128; j++)
        {
          g_assert_cmpfloat_with_epsilon (out[3 * j], out[3 * j + 1], 1e-5);
          g_assert_cmpfloat_with_epsilon (out[3 * j], out[3 * j + 2], 1e-5);
        }
      for (int j = 0; j < 768; j++)
        {
          g_assert_true (out[j] >= 0 && out[j] <= 1);
          changed |= fabsf (out[j] - picture.pixels[j]) > 0.1f;
        }
    }
  g_assert_true (changed);
  g_free (picture.pixels);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/augment/settings-are-read-and-refused",
                   settings_are_read_and_refused);
  g_test_add_func (
      "/augment/without-augmentation-a-patch-is-a-piece-of-the-picture",
      without_augmentation_a_patch_is_a_piece_of_the_picture);
  g_test_add_func ("/augment/flips-and-turns-move-whole-pixels",
                   flips_and_turns_move_whole_pixels);
  g_test_add_func ("/augment/rotation-and-scale-interpolate",
                   rotation_and_scale_interpolate);
  g_test_add_func ("/augment/shrinking-averages", shrinking_averages);
  g_test_add_func ("/augment/shrinking-leaves-no-moire", shrinking_leaves_no_moire);
  g_test_add_func ("/augment/small-pictures-are-reflected",
                   small_pictures_are_reflected);
  g_test_add_func ("/augment/any-size-can-be-rendered", any_size_can_be_rendered);
  g_test_add_func ("/augment/patches-stay-within-where-they-fit",
                   patches_stay_within_where_they_fit);
  g_test_add_func ("/augment/colour-jitter-keeps-grey-grey-and-range",
                   colour_jitter_keeps_grey_grey_and_range);
  return g_test_run ();
}
