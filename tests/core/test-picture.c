/* Pictures: floats in and out, and every format with every kind of picture. */

#include "files/picture.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include <lcms2.h>

#include "base/memory.h"
#include "base/random.h"
#include "full-disk.h"
#include "icc.h"
#include "scratch.h"

#define RGB_GAMMA 1.83 /* of no profile that anybody knows */

static const char *const names[] = { "a.png", "a.tif", "a.webp", "a.jpg" };

static GBytes *
make_icc (int channels)
{
  cmsCIExyY white = { 0.3457, 0.3585, 1.0 };
  cmsCIExyYTRIPLE primaries
      = { { 0.64, 0.33, 1.0 }, { 0.28, 0.62, 1.0 }, { 0.15, 0.07, 1.0 } };
  cmsToneCurve *curve = cmsBuildGamma (NULL, RGB_GAMMA);
  cmsToneCurve *curves[] = { curve, curve, curve };
  cmsHPROFILE profile = channels == 3
                            ? cmsCreateRGBProfile (&white, &primaries, curves)
                            : cmsCreateGrayProfile (cmsD50_xyY (), curve);
  GBytes *icc = icc_take (profile);

  cmsFreeToneCurve (curve);
  return icc;
}

static int
samples_of (const AtlPicture *picture)
{
  return picture->channels + picture->has_alpha;
}

static gsize
sample_size (AtlDepth depth)
{
  return depth == ATL_DEPTH_U8 ? 1 : depth == ATL_DEPTH_U16 ? 2 : 4;
}

/* Smooth in colour, so that JPEG stays near; alpha has all its values. */
static AtlPicture *
make_picture (int width, int height, int channels, gboolean alpha, AtlDepth depth,
              GBytes *icc)
{
  AtlPicture *picture
      = atl_picture_new (width, height, channels, alpha, depth, icc, NULL);
  int samples = channels + alpha;
  g_autofree float *row = g_new (float, (gsize)width *(gsize)samples);

  for (int y = 0; y < height; y++)
    {
      for (int x = 0; x < width; x++)
        for (int c = 0; c < samples; c++)
          row[x * samples + c]
              = c == channels
                    ? (float)((x * 7 + y * 3) % 256) / 255.0f
                    : 0.5f
                          + 0.45f
                                * sinf (0.11f * (float)x + 0.07f * (float)y
                                        + 1.3f * (float)c);
      atl_picture_set (picture, 0, y, width, 1, samples, row, (gsize)samples, 0);
    }
  return picture;
}

/* The largest difference of two pictures of one size, as `channels` samples. */
static float
difference (const AtlPicture *a, const AtlPicture *b, int channels)
{
  gsize n = (gsize)a->width * (gsize)a->height * (gsize)channels;
  g_autofree float *p = g_new (float, n), *q = g_new (float, n);
  gsize row = (gsize)a->width * (gsize)channels;
  float worst = 0.0f;

  g_assert_cmpint (a->width, ==, b->width);
  g_assert_cmpint (a->height, ==, b->height);
  atl_picture_get (a, 0, 0, a->width, a->height, channels, p, (gsize)channels, row);
  atl_picture_get (b, 0, 0, a->width, a->height, channels, q, (gsize)channels, row);
  for (gsize i = 0; i < n; i++)
    worst = MAX (worst, fabsf (p[i] - q[i]));
  return worst;
}

/* Floats. */

static void
test_values_survive_the_way_to_floats (void)
{
  for (int depth = 0; depth < 2; depth++)
    {
      int n = depth == 0 ? 256 : 65536;
      g_autoptr (AtlPicture) a
          = atl_picture_new (n, 1, 1, FALSE, (AtlDepth)depth, NULL, NULL);
      g_autoptr (AtlPicture) b
          = atl_picture_new (n, 1, 1, FALSE, (AtlDepth)depth, NULL, NULL);
      g_autofree float *floats = g_new (float, (gsize)n);

      for (int i = 0; i < n; i++)
        if (depth == 0)
          a->pixels[i] = (guint8)i;
        else
          ((guint16 *)(void *)a->pixels)[i] = (guint16)i;
      atl_picture_get (a, 0, 0, n, 1, 1, floats, 1, 0);
      g_assert_cmpfloat (floats[0], ==, 0.0f);
      g_assert_cmpfloat (floats[n - 1], ==, 1.0f);
      atl_picture_set (b, 0, 0, n, 1, 1, floats, 1, 0);
      g_assert_cmpmem (a->pixels, a->row_bytes, b->pixels, b->row_bytes);
    }
}

static void
test_writing_rounds_and_clamps (void)
{
  static const float in[]
      = { -1.0f, 0.0f, 0.4f / 255, 0.6f / 255, 1.0f, 7.0f, NAN, INFINITY };
  static const guint8 expected[] = { 0, 0, 0, 1, 255, 255, 0, 255 };
  g_autoptr (AtlPicture) picture
      = atl_picture_new (8, 1, 1, FALSE, ATL_DEPTH_U8, NULL, NULL);
  g_autoptr (AtlPicture) real
      = atl_picture_new (8, 1, 1, FALSE, ATL_DEPTH_FLOAT, NULL, NULL);
  float out[8];

  atl_picture_set (picture, 0, 0, 8, 1, 1, in, 1, 0);
  g_assert_cmpmem (picture->pixels, 8, expected, 8);
  memcpy (real->pixels, in, sizeof in); /* as a file may have it */
  atl_picture_get (real, 0, 0, 8, 1, 1, out, 1, 0);
  for (int i = 0; i < 8; i++)
    g_assert_true (out[i] >= 0.0f && out[i] <= 1.0f);
}

/* Every rectangle, stride and number of channels, against one sample at a
 * time. */
static void
test_rectangles_of_every_kind (void)
{
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  for (int kind = 0; kind < 12; kind++)
    for (int channels = 1; channels <= 4; channels++)
      {
        int colours = kind / 2 % 2 ? 3 : 1;
        g_autoptr (AtlPicture) picture
            = make_picture (601, 5, colours, kind % 2, (AtlDepth)(kind / 4), NULL);
        int x = (int)atl_random_below (&random, 300),
            w = 1 + (int)atl_random_below (&random, 300);
        gsize stride = (gsize)channels + atl_random_below (&random, 3);
        gsize row_stride = stride * (gsize)w + atl_random_below (&random, 5);
        g_autofree float *out = g_new0 (float, row_stride * 3);

        atl_picture_get (picture, x, 1, w, 3, channels, out, stride, row_stride);
        for (int i = 0; i < 3 * w; i++)
          {
            float own[4], *pixel = out + (gsize)(i / w) * row_stride
                                   + (gsize)(i % w) * stride;
            gboolean spread = colours == 1;
            float luma;

            atl_picture_get (picture, x + i % w, 1 + i / w, 1, 1,
                             samples_of (picture), own, 4, 0);
            luma = spread ? own[0]
                          : 0.2126f * own[0] + 0.7152f * own[1] + 0.0722f * own[2];
            for (int c = 0; c < (channels >= 3 ? 3 : 1); c++)
              g_assert_cmpfloat_with_epsilon (
                  pixel[c], channels >= 3 && !spread ? own[c] : luma, 1e-6f);
            if (channels % 2 == 0)
              g_assert_cmpfloat (pixel[channels - 1], ==,
                                 picture->has_alpha ? own[colours] : 1.0f);
          }
      }
}

static void
test_writing_colour_leaves_alpha (void)
{
  for (int depth = 0; depth < 3; depth++)
    {
      g_autoptr (AtlPicture) a
          = make_picture (300, 3, 3, TRUE, (AtlDepth)depth, NULL);
      g_autoptr (AtlPicture) b
          = make_picture (300, 3, 3, TRUE, (AtlDepth)depth, NULL);
      g_autofree float *floats = g_new0 (float, 300 * 3 * 3);
      gsize size = sample_size ((AtlDepth)depth);

      atl_picture_set (a, 0, 0, 300, 3, 3, floats, 3, 900);
      for (int i = 0; i < 900; i++)
        {
          g_assert_cmpmem (a->pixels + (gsize)(4 * i + 3) * size, size,
                           b->pixels + (gsize)(4 * i + 3) * size, size);
          g_assert_cmpuint (a->pixels[(gsize)(4 * i) * size], ==, 0);
        }
    }
}

static void
test_alpha_is_copied_alone (void)
{
  g_autoptr (AtlPicture) from = make_picture (300, 4, 1, TRUE, ATL_DEPTH_U8, NULL);
  g_autoptr (AtlPicture) opaque
      = make_picture (300, 4, 1, FALSE, ATL_DEPTH_U8, NULL);
  g_autoptr (AtlPicture) to = make_picture (300, 4, 3, TRUE, ATL_DEPTH_U16, NULL);
  g_autoptr (AtlPicture) before
      = make_picture (300, 4, 3, TRUE, ATL_DEPTH_U16, NULL);
  const guint16 *samples = (const guint16 *)(const void *)to->pixels;

  atl_picture_copy_alpha (to, from);
  g_assert_cmpfloat (difference (to, before, 3), ==, 0.0f);
  for (int i = 0; i < 1200; i++)
    g_assert_cmpuint (samples[4 * i + 3], ==, from->pixels[2 * i + 1] * 257);
  atl_picture_copy_alpha (to, opaque);
  for (int i = 0; i < 1200; i++)
    g_assert_cmpuint (samples[4 * i + 3], ==, 65535);
  atl_picture_copy_alpha (opaque, from); /* has none: nothing */
}

/* Formats. */

typedef struct
{
  const char *name;
  int channels;
  gboolean alpha;
  AtlDepth depth;
  gboolean icc;
} Kind;

static void
check_round_trip (const Kind *kind)
{
  gboolean jpeg = g_str_has_suffix (kind->name, ".jpg");
  gboolean webp = g_str_has_suffix (kind->name, ".webp");
  gboolean tiff = g_str_has_suffix (kind->name, ".tif");
  AtlDepth depth = jpeg || webp                              ? ATL_DEPTH_U8
                   : kind->depth == ATL_DEPTH_FLOAT && !tiff ? ATL_DEPTH_U16
                                                             : kind->depth;
  g_autoptr (GBytes) icc = kind->icc ? make_icc (kind->channels) : NULL;
  g_autoptr (AtlPicture) picture
      = make_picture (67, 45, kind->channels, kind->alpha, kind->depth, icc);
  g_autoptr (AtlPicture) back = NULL;
  g_autofree char *path = scratch_path (kind->name);
  GError *error = NULL;
  float allowed = depth == kind->depth     ? 1e-6f
                  : depth == ATL_DEPTH_U16 ? 0.502f / 65535
                                           : 0.502f / 255;
  int width, height;

  g_assert_true (atl_picture_save (picture, path, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (scratch_count (), ==, 1);
  g_assert_true (atl_picture_probe (path, &width, &height, &error));
  g_assert_cmpint (width, ==, 67);
  g_assert_cmpint (height, ==, 45);
  back = atl_picture_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (back->channels, ==, webp ? 3 : kind->channels);
  g_assert_cmpint (back->depth, ==, depth);
  g_assert_cmpint (back->has_alpha, ==, kind->alpha && !jpeg);
  if (icc != NULL && !(webp && kind->channels == 1))
    g_assert_true (back->icc != NULL && g_bytes_equal (icc, back->icc));
  else
    g_assert_null (back->icc);
  if (!jpeg)
    g_assert_cmpfloat (difference (picture, back, kind->channels + kind->alpha), <=,
                       allowed);
  else if (!kind->alpha)
    g_assert_cmpfloat (difference (picture, back, kind->channels), <, 0.03f);
  scratch_empty ();
}

static void
test_every_kind_survives (gconstpointer name)
{
  for (int i = 0; i < 24; i++)
    {
      Kind kind = { name, i % 2 ? 3 : 1, i / 2 % 2, (AtlDepth)(i / 4 % 3), i / 12 };

      check_round_trip (&kind);
    }
}

/* JPEG has no alpha: what is transparent becomes white. */
static void
test_jpeg_is_flattened_over_white (void)
{
  g_autoptr (AtlPicture) picture
      = atl_picture_new (32, 8, 3, TRUE, ATL_DEPTH_U8, NULL, NULL);
  g_autoptr (AtlPicture) back = NULL;
  g_autofree char *path = scratch_path ("a.jpg");

  memset (picture->pixels, 0, picture->row_bytes * 8);
  for (int i = 0; i < 32 * 8; i++)
    picture->pixels[4 * i + 3] = i % 32 < 16 ? 0 : 255;
  g_assert_true (atl_picture_save (picture, path, NULL));
  back = atl_picture_load (path, NULL);
  g_assert_cmpuint (back->pixels[0], ==, 255);
  g_assert_cmpuint (back->pixels[3 * 31], ==, 0);
  scratch_empty ();
}

static void
test_extreme_sizes (gconstpointer name)
{
  static const int sizes[][2]
      = { { 1, 1 }, { 2, 1 }, { 1, 3 }, { 16000, 1 }, { 1, 16000 } };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (AtlPicture) picture
          = make_picture (sizes[i][0], sizes[i][1], 3, FALSE, ATL_DEPTH_U8, NULL);
      g_autoptr (AtlPicture) back = NULL;
      g_autofree char *path = scratch_path (name);

      g_assert_true (atl_picture_save (picture, path, NULL));
      back = atl_picture_load (path, NULL);
      g_assert_nonnull (back);
      g_assert_cmpfloat (difference (picture, back, 3), <, 0.08f);
    }
  scratch_empty ();
}

static void
test_sizes_beyond_a_format_are_told (void)
{
  g_autoptr (AtlPicture) wide
      = make_picture (70000, 1, 1, FALSE, ATL_DEPTH_U8, NULL);
  g_autoptr (AtlPicture) back = NULL;
  g_autofree char *jpeg = scratch_path ("a.jpg"), *webp = scratch_path ("a.webp");
  g_autofree char *png = scratch_path ("a.png");
  GError *error = NULL;

  g_assert_false (atl_picture_save (wide, jpeg, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, "65500 pixels a side");
  g_assert_false (atl_picture_save (wide, webp, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, "16383 pixels a side");
  g_assert_cmpuint (scratch_count (), ==, 0);
  g_assert_true (atl_picture_save (wide, png, &error));
  back = atl_picture_load (png, &error);
  g_assert_cmpfloat (difference (wide, back, 1), ==, 0.0f);
  scratch_empty ();
}

static void
test_names_tell_formats (void)
{
  g_autoptr (AtlPicture) picture
      = make_picture (4, 4, 3, FALSE, ATL_DEPTH_U8, NULL);
  g_autofree char *path = scratch_path ("a.bmp");
  GError *error = NULL;

  g_assert_true (atl_picture_is_picture_name ("x.y/KITTEN.JPEG"));
  g_assert_true (atl_picture_is_picture_name ("a.tiff"));
  g_assert_false (atl_picture_is_picture_name ("png"));
  g_assert_false (atl_picture_is_picture_name ("a.png.txt"));
  g_assert_false (atl_picture_is_picture_name ("a.vqi"));
  g_assert_true (atl_picture_check_name ("a.WebP", &error));
  g_assert_false (atl_picture_save (picture, path, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                  "must end with .png");
  g_assert_cmpuint (scratch_count (), ==, 0);
}

/* Orientation. */

/* A JPEG with an EXIF segment of this byte order after its first marker. */
static void
add_exif (const char *path, int orientation, gboolean big)
{
  guint8 segment[] = { 0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0,    0, 'I', 'I',
                       42,   0,    8, 0,  0,   0,   1,   0,   0x12, 1, 3,   0,
                       1,    0,    0, 0,  0,   0,   0,   0,   0,    0, 0,   0 };
  static const guint8 tiff_big[]
      = { 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0,
          3,   0,   0, 0,  1, 0, 0, 0, 0, 0, 0, 0,    0 };
  g_autofree char *content = NULL;
  GByteArray *bytes = g_byte_array_new ();
  gsize size;

  if (big)
    memcpy (segment + 10, tiff_big, sizeof tiff_big);
  segment[28 + (big ? 1 : 0)] = (guint8)orientation;
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_byte_array_append (bytes, (const guint8 *)content, 2);
  g_byte_array_append (bytes, segment, sizeof segment);
  g_byte_array_append (bytes, (const guint8 *)content + 2, (guint)size - 2);
  g_assert_true (
      g_file_set_contents (path, (const char *)bytes->data, bytes->len, NULL));
  g_byte_array_unref (bytes);
}

/* Where the corner that was stored first (dark, the others are bright) must be
 * after turning: EXIF 2.3, "Orientation". */
static void
test_orientation_is_carried_out (void)
{
  static const gboolean right[]
      = { FALSE, TRUE, TRUE, FALSE, FALSE, TRUE, TRUE, FALSE };
  static const gboolean bottom[]
      = { FALSE, FALSE, TRUE, TRUE, FALSE, FALSE, TRUE, TRUE };
  g_autofree char *path = scratch_path ("a.jpg");

  for (int orientation = 1; orientation <= 8; orientation++)
    {
      g_autoptr (AtlPicture) picture
          = atl_picture_new (48, 32, 1, FALSE, ATL_DEPTH_U8, NULL, NULL);
      g_autoptr (AtlPicture) back = NULL;
      int width, height, x, y;

      memset (picture->pixels, 200, picture->row_bytes * 32);
      for (int row = 0; row < 8; row++)
        memset (picture->pixels + (gsize)row * picture->row_bytes, 20, 8);
      g_assert_true (atl_picture_save (picture, path, NULL));
      add_exif (path, orientation, orientation % 2);
      back = atl_picture_load (path, NULL);
      g_assert_nonnull (back);
      g_assert_cmpint (back->width, ==, orientation >= 5 ? 32 : 48);
      g_assert_true (atl_picture_probe (path, &width, &height, NULL));
      g_assert_cmpint (width, ==, back->width);
      g_assert_cmpint (height, ==, back->height);
      x = right[orientation - 1] ? back->width - 4 : 4;
      y = bottom[orientation - 1] ? back->height - 4 : 4;
      g_assert_cmpint (back->pixels[(gsize)y * back->row_bytes + (gsize)x], <, 40);
    }
  scratch_empty ();
}

/* Damage. */

/* stderr, while something runs that must not print. */
static int saved_stderr;

static void
listen (void)
{
  g_autofree char *path = g_strconcat (scratch, ".stderr", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_TRUNC, 0600);

  fflush (stderr);
  saved_stderr = dup (2);
  dup2 (fd, 2);
  close (fd);
}

static void
assert_silence (void)
{
  g_autofree char *path = g_strconcat (scratch, ".stderr", NULL);
  g_autofree char *said = NULL;

  fflush (stderr);
  dup2 (saved_stderr, 2);
  close (saved_stderr);
  g_assert_true (g_file_get_contents (path, &said, NULL, NULL));
  g_assert_cmpstr (said, ==, "");
  g_unlink (path);
}

static GBytes *
encode (const char *name, int width, int height)
{
  g_autoptr (GBytes) icc = make_icc (3);
  g_autoptr (AtlPicture) picture = make_picture (
      width, height, 3, !g_str_has_suffix (name, ".jpg"), ATL_DEPTH_U8, icc);
  g_autofree char *path = scratch_path (name);
  char *content;
  gsize size;

  g_assert_true (atl_picture_save (picture, path, NULL));
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  scratch_empty ();
  return g_bytes_new_take (content, size);
}

static void
test_every_truncation_is_refused (gconstpointer name)
{
  g_autoptr (GBytes) whole = encode (name, 23, 17);
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);

  listen ();
  for (gsize n = 0; n < size; n++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (data, n);
      g_autoptr (AtlPicture) picture = NULL;
      GError *error = NULL;

      picture = atl_picture_parse (bytes, "cut.png", &error);
      g_assert_null (picture);
      assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                      "cut.png is not a picture that can be read: ");
    }
  assert_silence ();
}

static void
test_every_flip_is_survived (gconstpointer name)
{
  g_autoptr (GBytes) whole = encode (name, 23, 17);
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);
  g_autofree guint8 *copy = g_memdup2 (data, size);

  listen ();
  for (gsize n = 0; n < size; n++)
    {
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (AtlPicture) picture = NULL;
      GError *error = NULL;

      copy[n] ^= (guint8)(1 << n % 8);
      bytes = g_bytes_new (copy, size);
      picture = atl_picture_parse (bytes, "x", &error);
      g_assert_true ((picture == NULL) == (error != NULL));
      g_clear_error (&error);
      copy[n] ^= (guint8)(1 << n % 8);
    }
  assert_silence ();
}

static void
test_what_is_no_picture_is_named (void)
{
  g_autofree char *text = scratch_write ("a.png", "hello", 5);
  g_autofree char *empty = scratch_write ("empty.jpg", "", 0);
  g_autofree char *missing = scratch_path ("missing.tif");
  GError *error = NULL;
  int width, height;

  g_assert_null (atl_picture_load (text, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                  "a.png is not a picture that can be read: it is no PNG");
  g_assert_false (atl_picture_probe (text, &width, &height, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "not a picture");
  g_assert_null (atl_picture_load (empty, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                  "empty.jpg is empty");
  g_assert_null (atl_picture_load (missing, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                  "missing.tif can't be read");
  g_assert_null (atl_picture_load (scratch, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, "it is a folder");
  scratch_empty ();
}

/* A header alone that claims more than there is memory, or than can be. */
static void
test_huge_claims_end_soon (void)
{
  static const guint8 png[]
      = { 0x89, 'P',  'N', 'G', 13,  10, 26,   10,   0,    0,    0,
          13,   'I',  'H', 'D', 'R', 0,  0x0f, 0x42, 0x40, 0,    0x0f,
          0x42, 0x40, 16,  6,   0,   0,  0,    0x27, 0xc9, 0x86, 0x90 };
  static const guint8 jpeg[]
      = { 0xff, 0xd8, 0xff, 0xc0, 0,    17, 8, 0xff, 0xdc, 0xff, 0xdc, 3,
          1,    0x11, 0,    2,    0x11, 0,  3, 0x11, 0,    0xff, 0xda, 0,
          12,   3,    1,    0,    2,    0,  3, 0,    0,    63,   0 };
  g_autoptr (GBytes) bytes = g_bytes_new (png, sizeof png);
  g_autoptr (GBytes) more = g_bytes_new (jpeg, sizeof jpeg);
  guint64 before = atl_memory_peak ();
  GError *error = NULL;

  g_assert_null (atl_picture_parse (bytes, "x.png", &error));
  g_assert_nonnull (strstr (error->message, "x.png is not a picture"));
  g_clear_error (&error);
  g_assert_null (atl_picture_parse (more, "x.jpg", &error));
  g_assert_nonnull (
      strstr (error->message, "it claims 65500x65500 pixels in 35 bytes"));
  g_clear_error (&error);
  g_assert_cmpuint (atl_memory_peak (), <, before + (64 << 20));
}

static void
test_a_full_disk_is_told (gconstpointer name)
{
  g_autoptr (AtlPicture) picture
      = atl_picture_new (300, 300, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);
  g_autofree char *path = scratch_path (name);
  GError *error = NULL;
  gboolean saved;
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  for (gsize i = 0; i < picture->row_bytes * 300; i++)
    picture->pixels[i] = (guint8)atl_random_next (&random);
  for (int kib = 0; kib < 100; kib += 9)
    {
      disk_full_at ((guint64)kib << 10);
      saved = atl_picture_save (picture, path, &error);
      disk_has_room ();
      g_assert_false (saved);
      assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                      "can't be written");
      g_assert_cmpuint (scratch_count (), ==, 0);
    }
}

/* Loading and saving take little more than the picture and the file. */
static void
test_memory_is_the_picture (void)
{
  static const char *const cheap[] = { "a.png", "a.tif", "a.jpg" };
  gsize size = 4000 * 3000 * 3;

#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("the sanitizer keeps freed memory");
  return;
#endif
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *path = scratch_path (cheap[i]);
      guint64 before = atl_memory_peak (), file;
      g_autofree char *content = NULL;

      {
        g_autoptr (AtlPicture) picture
            = make_picture (4000, 3000, 3, FALSE, ATL_DEPTH_U8, NULL);

        g_assert_true (atl_picture_save (picture, path, NULL));
      }
      {
        g_autoptr (AtlPicture) back = atl_picture_load (path, NULL);
        GStatBuf status;

        g_assert_nonnull (back);
        g_assert_cmpint (g_stat (path, &status), ==, 0);
        file = (guint64)status.st_size;
      }
      g_assert_cmpuint (atl_memory_peak (), <, before + size + file + (8 << 20));
    }
  scratch_empty ();
}

static void
add_for_each_name (const char *what, GTestDataFunc function)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/picture/%s-%s", what, names[i] + 2);

      g_test_add_data_func (path, names[i], function);
    }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_open ();
#define ADD(name, function) g_test_add_func ("/picture/" name, function)
  ADD ("memory-is-the-picture", test_memory_is_the_picture); /* first: peaks stay */
  ADD ("values-survive-the-way-to-floats", test_values_survive_the_way_to_floats);
  ADD ("writing-rounds-and-clamps", test_writing_rounds_and_clamps);
  ADD ("rectangles-of-every-kind", test_rectangles_of_every_kind);
  ADD ("writing-colour-leaves-alpha", test_writing_colour_leaves_alpha);
  ADD ("alpha-is-copied-alone", test_alpha_is_copied_alone);
  add_for_each_name ("every-kind-survives", test_every_kind_survives);
  ADD ("jpeg-is-flattened-over-white", test_jpeg_is_flattened_over_white);
  add_for_each_name ("extreme-sizes", test_extreme_sizes);
  ADD ("sizes-beyond-a-format-are-told", test_sizes_beyond_a_format_are_told);
  ADD ("names-tell-formats", test_names_tell_formats);
  ADD ("orientation-is-carried-out", test_orientation_is_carried_out);
  add_for_each_name ("every-truncation-is-refused",
                     test_every_truncation_is_refused);
  add_for_each_name ("every-flip-is-survived", test_every_flip_is_survived);
  ADD ("what-is-no-picture-is-named", test_what_is_no_picture_is_named);
  ADD ("huge-claims-end-soon", test_huge_claims_end_soon);
  add_for_each_name ("a-full-disk-is-told", test_a_full_disk_is_told);
  status = g_test_run ();
  scratch_close ();
  return status;
}
