/* Codes to bytes and back: the range coder, the coders of planes and of alpha, and
 * learning the tables of contexts.
 *
 *   test-codec [--grids N]
 *
 * sets how many random grids are tried (also by the variable
 * ATELIER_TEST_GRIDS). */

#include "codec/alpha-coder.h"
#include "codec/prime-pictures.h"
#include "codec/range-coder.h"
#include "codes.h"
#include "scratch.h"

/* SHA-256 of what test_bytes_are_fixed encodes; must never change. */
#define FIXED_BYTES                                                                \
  "d70475c885ed2f483d340a2eafe8a7f855cf83a74b4df6b3b09439461ed6fc21"

static int n_grids = 400;

static void
test_range_coder (void)
{
  AtlRandom random;

  atl_random_init (&random, 1, 0);
  for (int round = 0; round < 200; round++)
    {
      g_auto (AtlBuffer) out = ATL_BUFFER_INIT ("test");
      int n = (int)atl_random_below (&random, 3000);
      g_autofree guint16 *p = g_new (guint16, n + 1);
      g_autofree guint8 *bits = g_new (guint8, n + 1);
      AtlRangeEncoder encoder;
      AtlRangeDecoder decoder;

      atl_range_encoder_init (&encoder, &out);
      for (int i = 0; i < n; i++)
        {
          guint32 kind = atl_random_below (&random, 4);

          p[i] = kind == 0   ? 1
                 : kind == 1 ? 65535
                             : (guint16)(1 + atl_random_below (&random, 65535));
          bits[i] = round % 2 ? atl_random_below (&random, 65536) < p[i]
                              : atl_random_below (&random, 2);
          atl_range_encode (&encoder, bits[i], p[i]);
        }
      atl_range_encoder_finish (&encoder, 0);
      atl_range_decoder_init (&decoder, out.data, out.len);
      for (int i = 0; i < n; i++)
        g_assert_cmpint (atl_range_decode (&decoder, p[i]), ==, bits[i]);
    }
}

static void
test_random_grids (void)
{
  AtlRandom random;

  atl_random_init (&random, 2, 0);
  for (int i = 0; i < n_grids; i++)
    {
      int levels = 1 + (int)atl_random_below (&random, 2);
      int stages = 1 + (int)atl_random_below (&random, 3);
      int width = 1 + (int)atl_random_below (&random, i % 10 ? 24 : 200);
      int height = 1 + (int)atl_random_below (&random, 24);
      int bits = 1 + (int)atl_random_below (&random, 16);
      int k = MAX (2, (int)atl_random_below (&random, 1u << bits) + 1);
      g_autoptr (AtlContexts) contexts = NULL;
      AtlCodes codes;

      if (i < 4)
        k = (const int[]){ 2, 65536, 1, 3 }[i];
      make_grids (&codes, levels, stages, k, width, height);
      fill_grids (&codes, &random);
      contexts = atl_contexts_parse (NULL, &codes, NULL);
      check_planes (&codes, contexts, ATL_CODING_PLAIN);
      if (k <= 4096 || i < 4)
        check_planes (&codes, contexts, ATL_CODING_CONTEXT);
      atl_codes_clear (&codes);
    }
}

static void
check_network (const char *arch, int k)
{
  g_autoptr (AtlModel) model = make_model (arch, k, 2);
  g_autoptr (GBytes) bytes = prime_model (model, 2);
  g_autoptr (GBytes) same = prime_model (model, 1);
  g_autoptr (AtlContexts) contexts = NULL;
  AtlRandom random;
  GError *error = NULL;

  g_assert_true (g_bytes_equal (bytes, same));
  atl_random_init (&random, 9, 0);
  for (int i = 0; i < 20; i++)
    {
      AtlCodes codes;

      g_assert_true (
          atl_codes_init (&codes, model, 1 + (int)atl_random_below (&random, 200),
                          1 + (int)atl_random_below (&random, 100), 0, &error));
      fill_grids (&codes, &random);
      g_clear_pointer (&contexts, atl_contexts_free);
      contexts = atl_contexts_parse (bytes, &codes, &error);
      g_assert_no_error (error);
      g_assert_cmpint (contexts->levels[0][0].hidden, ==, 16);
      check_planes (&codes, contexts, ATL_CODING_CONTEXT);
      check_planes (&codes, contexts, ATL_CODING_PLAIN);
      atl_codes_clear (&codes);
    }
}

static void
test_network (void)
{
  check_network ("vqvae", 37);
  check_network ("vqvae", 64);
  check_network ("vqvae2", 50);
}

/* The network must have learned something. */
static void
test_learning_pays (void)
{
  g_autoptr (AtlModel) model = make_model ("vqvae", 64, 1);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (AtlContexts) contexts = NULL;
  AtlPrimeOptions options = { 16, 3 };
  AtlCodes codes[2];
  gsize sizes[ATL_N_CODINGS];
  AtlRandom random;

  /* Each code tells the next one, all of them being as frequent. */
  atl_random_init (&random, 4, 0);
  for (int i = 0; i < 2; i++)
    {
      guint32 last = 0;

      atl_codes_init (&codes[i], model, 400, 400, 0, NULL);
      for (int j = 0; j < 10000; j++)
        {
          last = (last * 5 + 7 + atl_random_below (&random, 4)) % 64;
          codes[i].levels[0].planes[0][j] = (guint16)last;
        }
    }
  g_ptr_array_add (all, &codes[0]);
  bytes = atl_prime_contexts (model, all, pool, &options, NULL, NULL);
  contexts = atl_contexts_parse (bytes, &codes[1], NULL);
  for (int c = 0; c < ATL_N_CODINGS; c++)
    {
      g_auto (AtlBuffer) out = ATL_BUFFER_INIT ("test");

      atl_plane_encode (&codes[1], contexts, 0, 0, c, &out, NULL, NULL);
      sizes[c] = out.len;
    }
  g_assert_cmpuint (sizes[ATL_CODING_PLAIN], >, 7300);   /* 6 bits a code */
  g_assert_cmpuint (sizes[ATL_CODING_CONTEXT], <, 3600); /* of which 2 tell */
  atl_codes_clear (&codes[0]);
  atl_codes_clear (&codes[1]);
}

static void
test_any_bytes (void)
{
  g_autoptr (AtlModel) model = make_model ("vqvae", 37, 2);
  g_autoptr (GBytes) bytes = prime_model (model, 1);
  g_autoptr (AtlContexts) contexts = NULL;
  AtlRandom random;
  AtlCodes codes;

  atl_codes_init (&codes, model, 100, 60, 0, NULL);
  contexts = atl_contexts_parse (bytes, &codes, NULL);
  atl_random_init (&random, 11, 0);
  for (int i = 0; i < 200; i++)
    {
      guint8 data[300];
      gsize n = atl_random_below (&random, sizeof data);

      for (gsize j = 0; j < n; j++)
        data[j] = (guint8)atl_random_below (&random, 256);
      for (int s = 0; s < 2; s++)
        for (int c = 0; c < ATL_N_CODINGS; c++)
          {
            g_assert_true (
                atl_plane_decode (&codes, contexts, 0, s, c, data, n, NULL, NULL));
            for (int j = 0; j < 25 * 15; j++)
              g_assert_cmpint (codes.levels[0].planes[s][j], <, 37);
          }
    }
  atl_codes_clear (&codes);
}

/* What any machine must write. */
static void
test_bytes_are_fixed (void)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  AtlRandom random;

  atl_random_init (&random, 6, 0);
  for (int k = 2; k < 5000; k = k * 3 + 1)
    {
      g_autoptr (AtlContexts) contexts = NULL;
      AtlCodes codes;

      make_grids (&codes, 2, 2, k, 17, 9);
      fill_grids (&codes, &random);
      contexts = atl_contexts_parse (NULL, &codes, NULL);
      for (int s = 0; s < 2; s++)
        for (int l = 0; l < 2; l++)
          for (int c = 0; c < ATL_N_CODINGS; c++)
            {
              g_auto (AtlBuffer) out = ATL_BUFFER_INIT ("test");

              atl_plane_encode (&codes, contexts, l, s, c, &out, NULL, NULL);
              g_checksum_update (checksum, out.data, (gssize)out.len);
            }
      atl_codes_clear (&codes);
    }
  g_assert_cmpstr (g_checksum_get_string (checksum), ==, FIXED_BYTES);
}

static void
test_alpha (void)
{
  AtlRandom random;

  atl_random_init (&random, 7, 0);
  for (int i = 0; i < 200; i++)
    {
      int width = 1 + (int)atl_random_below (&random, 60);
      int height = 1 + (int)atl_random_below (&random, 60);
      int bits = i % 2 ? 8 : 16, most = (1 << bits) - 1, n = width * height;
      int levels = i % 3 ? 0 : 2 + (int)atl_random_below (&random, most - 1);
      g_autofree guint16 *alpha = g_new (guint16, n);
      g_autofree guint16 *back = g_new (guint16, n);
      g_autoptr (GBytes) content = NULL;

      for (int j = 0; j < n; j++)
        alpha[j] = i % 5 == 0   ? (guint16)atl_random_below (&random, most + 1)
                   : i % 5 == 1 ? (guint16)most
                                : (guint16)(j % width * most / width);
      content = atl_alpha_encode (alpha, width, height, bits, levels, NULL, NULL);
      g_assert_true (
          atl_alpha_decode (content, width, height, bits, back, NULL, NULL));
      for (int j = 0; j < n; j++)
        if (levels == 0)
          g_assert_cmpint (back[j], ==, alpha[j]);
        else
          g_assert_cmpint (ABS (back[j] - alpha[j]), <=,
                           most / (2 * (levels - 1)) + 1);
      if (i % 5 == 1)
        g_assert_cmpuint (g_bytes_get_size (content), <, 40);
      /* Noise costs what it is, each byte once. */
      if (i % 5 == 0 && levels == 0)
        g_assert_cmpuint (g_bytes_get_size (content), <, n * bits / 8 * 1.15 + 80);
    }
}

static void
note_progress (gpointer data, double fraction, const char *text)
{
  GArray *fractions = data;

  g_array_append_val (fractions, fraction);
}

static void
test_prime_reports (void)
{
  g_autoptr (AtlModel) model = make_model ("vqvae", 37, 1);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  g_autoptr (GArray) fractions = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GBytes) bytes = NULL;
  AtlProgress progress = { note_progress, fractions, NULL };
  AtlPrimeOptions options = { 16, 2 };
  AtlRandom random;
  AtlCodes codes;

  atl_random_init (&random, 3, 0);
  g_assert_true (atl_codes_init (&codes, model, 400, 400, 0, NULL));
  fill_grids (&codes, &random);
  g_ptr_array_add (all, &codes);
  bytes = atl_prime_contexts (model, all, pool, &options, &progress, NULL);
  g_assert_nonnull (bytes);
  g_assert_cmpuint (fractions->len, >=, 10);
  for (guint i = 1; i < fractions->len; i++)
    g_assert_cmpfloat (g_array_index (fractions, double, i), >=,
                       g_array_index (fractions, double, i - 1));
  g_assert_cmpfloat (g_array_index (fractions, double, fractions->len - 1), ==, 1);
  atl_codes_clear (&codes);
}

/* Large, and not to be halved. */
static void
test_prime_thin (void)
{
  g_autoptr (AtlModel) model = make_model ("vqvae", 16, 1);
  g_autoptr (AtlPool) pool = atl_pool_new (1);
  g_autoptr (AtlPicture) picture
      = atl_picture_new (3200000, 1, 1, FALSE, ATL_DEPTH_U8, NULL, NULL);
  g_autofree char *path = NULL;
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  AtlPrimeOptions options = { 0, 1 };
  GError *error = NULL;

  for (int x = 0; x < picture->width; x++)
    picture->pixels[x] = (guint8)(x * 7 ^ x >> 8);
  scratch_open ();
  path = scratch_path ("thin.tif");
  g_assert_true (atl_picture_save (picture, path, &error));
  g_ptr_array_add (paths, path);
  g_assert_true (atl_prime_model (model, pool, paths, 1, &options, NULL, &error));
  g_assert_no_error (error);
  scratch_close ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  n_grids = number_of (argc, argv, "--grids", "ATELIER_TEST_GRIDS", n_grids);
  g_test_add_func ("/range-coder/what-goes-in-comes-out", test_range_coder);
  g_test_add_func ("/planes/random-grids-survive", test_random_grids);
  g_test_add_func ("/planes/with-a-network-too", test_network);
  g_test_add_func ("/planes/learning-pays", test_learning_pays);
  g_test_add_func ("/prime/reports-progress", test_prime_reports);
  g_test_add_func ("/prime/takes-a-picture-one-pixel-high", test_prime_thin);
  g_test_add_func ("/planes/any-bytes-are-codes", test_any_bytes);
  g_test_add_func ("/planes/bytes-are-the-same-everywhere", test_bytes_are_fixed);
  g_test_add_func ("/alpha/survives", test_alpha);
  return g_test_run ();
}
