/* Codes to bytes and back: what the entropy coder, the container and the whole
 * of .vqi files must hold.
 *
 *   test-codec [--grids N] [--corruptions N]
 *
 * sets how many random grids and corruptions are tried (also by the variables
 * ATELIER_TEST_GRIDS and ATELIER_TEST_CORRUPTIONS). */

#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "codec/alpha-coder.h"
#include "codec/prime.h"
#include "codec/range-coder.h"
#include "codec/vqi-thumbnail.h"
#include "codec/vqi.h"
#include "scratch.h"

/* SHA-256 of what test_bytes_are_fixed encodes; must never change. */
#define FIXED_BYTES                                                                \
  "d70475c885ed2f483d340a2eafe8a7f855cf83a74b4df6b3b09439461ed6fc21"

static int n_grids = 400, n_corruptions = 2000;

/* --- What tests are made of ------------------------------------------------ */

static AtlModel *
make_model (const char *arch, int codes, int stages)
{
  AtlConfig config;
  g_autofree char *k = g_strdup_printf ("codes=%d", codes);
  g_autofree char *s = g_strdup_printf ("stages=%d", stages);
  const char *settings[] = { "hidden=8",
                             "residual_blocks=1",
                             "residual_hidden=4",
                             "downsample=4",
                             "code_dim=4",
                             k,
                             s };
  GError *error = NULL;
  AtlModel *model;
  const AtlGraph *graph;

  g_assert_true (atl_config_init (&config, arch, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      atl_config_set (&config, settings[i], &error);
      g_assert_no_error (error);
    }
  model = atl_model_create (&config, 5, &error);
  g_assert_no_error (error);
  /* Entries as far apart as vectors are, so that all occur. */
  graph = atl_model_get_graph (model);
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    if (strstr (atl_graph_get_parameter (graph, i)->name, "codebook"))
      {
        AtlWeights *weights = atl_model_get_weights (model);
        float *values
            = atl_weights_data (weights) + atl_weights_offset (weights, i);

        for (int j = 0; j < 4 * codes; j++)
          values[j] *= 0.7f * (float)codes;
      }
  return model;
}

/* Grids without a model: levels of K and stages. */
static void
make_grids (AtlCodes *codes, int n_levels, int stages, int k, int width, int height)
{
  memset (codes, 0, sizeof *codes);
  codes->n_levels = n_levels;
  codes->stages = stages;
  for (int l = 0; l < n_levels; l++)
    {
      AtlCodeGrid *grid = &codes->levels[l];
      int factor = l < n_levels - 1 ? 1 : n_levels;

      grid->width = width * factor;
      grid->height = height * factor;
      grid->k = k;
      for (int s = 0; s < stages; s++)
        grid->planes[s] = atl_try_alloc0 ((gsize)grid->width * grid->height,
                                          sizeof (guint16), "codes", NULL);
    }
}

/* How codes are spread: anything, one alone, some often, like their left. */
static void
fill_grids (AtlCodes *codes, AtlRandom *random)
{
  for (int l = 0; l < codes->n_levels; l++)
    for (int s = 0; s < codes->stages; s++)
      {
        AtlCodeGrid *grid = &codes->levels[l];
        guint32 kind = atl_random_below (random, 4), k = (guint32)grid->k;
        guint16 last = (guint16)atl_random_below (random, k);

        for (gsize i = 0; i < (gsize)grid->width * grid->height; i++)
          {
            if (kind == 0)
              last = (guint16)atl_random_below (random, k);
            else if (kind == 2)
              last = (guint16)(atl_random_below (random, k)
                               * (guint64)atl_random_below (random, k) / k);
            else if (kind == 3 && atl_random_below (random, 4) == 0)
              last = (guint16)((last + atl_random_below (random, 3)) % k);
            grid->planes[s][i] = last;
          }
      }
}

static gboolean
same_codes (const AtlCodes *a, const AtlCodes *b, int stages)
{
  for (int l = 0; l < a->n_levels; l++)
    for (int s = 0; s < stages; s++)
      if (memcmp (a->levels[l].planes[s], b->levels[l].planes[s],
                  (gsize)a->levels[l].width * a->levels[l].height * 2)
          != 0)
        return FALSE;
  return TRUE;
}

/* All planes in order, there and back. */
static void
check_planes (const AtlCodes *codes, const AtlContexts *contexts, AtlCoding coding)
{
  AtlCodes back;

  make_grids (&back, codes->n_levels, codes->stages, codes->levels[0].k,
              codes->levels[0].width, codes->levels[0].height);
  for (int s = 0; s < codes->stages; s++)
    for (int l = 0; l < codes->n_levels; l++)
      {
        g_auto (AtlBuffer) out = ATL_BUFFER_INIT ("test");

        g_assert_true (
            atl_plane_encode (codes, contexts, l, s, coding, &out, NULL, NULL));
        g_assert_true (atl_plane_decode (&back, contexts, l, s, coding, out.data,
                                         out.len, NULL, NULL));
      }
  g_assert_true (same_codes (codes, &back, codes->stages));
  atl_codes_clear (&back);
}

static AtlPicture *
make_picture (int width, int height, int channels, gboolean alpha, AtlDepth depth,
              GBytes *icc)
{
  AtlPicture *picture
      = atl_picture_new (width, height, channels, alpha, depth, icc, NULL);
  int samples = channels + alpha;
  g_autofree float *row = g_new (float, width *samples);
  AtlRandom random;

  atl_random_init (&random, 3, 0);
  for (int y = 0; y < height; y++)
    {
      for (int x = 0; x < width; x++)
        {
          float *p = row + x * samples;

          for (int c = 0; c < channels; c++)
            p[c] = (float)((x * (c + 1) + y * 2) % 97) / 97.0f * 0.8f
                   + 0.2f * atl_random_uniform (&random);
          if (alpha)
            p[channels] = x < width / 3 ? 0 : x > width / 2 ? 1 : (float)y / height;
        }
      atl_picture_set (picture, 0, y, width, 1, samples, row, samples,
                       (gsize)width * samples);
    }
  return picture;
}

static GBytes *
prime_model (AtlModel *model, int n_threads)
{
  g_autoptr (AtlPool) pool = atl_pool_new (n_threads);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  AtlPrimeOptions options = { 16, 2 };
  AtlRandom random;
  AtlCodes codes[3];
  GBytes *bytes;
  GError *error = NULL;

  atl_random_init (&random, 8, 0);
  for (int i = 0; i < 3; i++)
    {
      g_assert_true (atl_codes_init (&codes[i], model, 120, 80, 0, &error));
      fill_grids (&codes[i], &random);
      g_ptr_array_add (all, &codes[i]);
    }
  bytes = atl_prime_contexts (model, all, pool, &options, NULL, &error);
  g_assert_no_error (error);
  for (int i = 0; i < 3; i++)
    atl_codes_clear (&codes[i]);
  return bytes;
}

/* --- The coders ------------------------------------------------------------ */

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

/* --- The container ---------------------------------------------------------- */

typedef struct
{
  AtlModel *model;
  AtlPool *pool;
  AtlPicture *picture;
  GBytes *icc;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  static const char profile[] = "a profile, as far as anybody here knows";
  const char *arch = data ? data : "vqvae";
  GBytes *bytes;

  f->model = make_model (arch, 40, 3);
  bytes = prime_model (f->model, 1);
  atl_model_set_data (f->model, ATL_CONTEXTS_TENSOR, bytes);
  g_bytes_unref (bytes);
  f->pool = atl_pool_new (2);
  f->icc = g_bytes_new_static (profile, sizeof profile);
  f->picture = make_picture (101, 67, 3, TRUE, ATL_DEPTH_U8, f->icc);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  atl_model_free (f->model);
  atl_pool_free (f->pool);
  atl_picture_free (f->picture);
  g_bytes_unref (f->icc);
}

static AtlVqi *
encode (Fixture *f)
{
  GError *error = NULL;
  AtlVqi *vqi
      = atl_vqi_encode_picture (f->model, f->pool, f->picture, NULL, NULL, &error);

  g_assert_no_error (error);
  return vqi;
}

static void
test_container (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlVqi) vqi = encode (f), back = NULL;
  g_autoptr (GBytes) bytes = NULL;
  GError *error = NULL;

  vqi->exif = g_bytes_new_static ("II*", 3);
  vqi->xmp = g_bytes_new_static ("<x/>", 4);
  vqi->x_resolution = 300;
  vqi->y_resolution = 72.5;
  bytes = atl_vqi_serialise (vqi, NULL);
  g_assert_cmpuint (atl_vqi_measure (vqi, 3), ==, g_bytes_get_size (bytes));
  back = atl_vqi_parse (bytes, "x", &error);
  g_assert_no_error (error);
  g_assert_cmpint (back->width, ==, 101);
  g_assert_cmpint (back->height, ==, 67);
  g_assert_cmpint (back->usable, ==, 3);
  g_assert_false (back->cut_short || back->damaged);
  g_assert_true (g_bytes_equal (back->icc, f->icc));
  g_assert_true (g_bytes_equal (back->exif, vqi->exif));
  g_assert_true (g_bytes_equal (back->xmp, vqi->xmp));
  g_assert_cmpfloat (back->x_resolution, ==, 300);
  g_assert_cmpfloat (back->y_resolution, ==, 72.5);
  g_assert_true (atl_vqi_check_model (back, f->model, &error));
  g_assert_cmpuint (atl_crc32 (0, (const guint8 *)"123456789", 9), ==, 0xcbf43926);
}

static void
test_unknown_sections (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlVqi) vqi = encode (f);
  g_autoptr (GBytes) bytes = atl_vqi_serialise (vqi, NULL);
  gsize size;
  const guint8 *file = g_bytes_get_data (bytes, &size);
  /* after magic and HEAD and MODL */
  gsize at = 8 + 12 + file[12], first;

  at += 12 + (file[at + 4] | file[at + 5] << 8);
  first = at;
  for (int capital = 0; capital < 2; capital++)
    {
      guint8 extra[15]
          = { capital ? 'W' : 'w', 'h', 'a', 't', 3, 0, 0, 0, 1, 2, 3 };
      guint32 crc = atl_crc32 (0, extra, 11);
      g_autoptr (GByteArray) longer = g_byte_array_new ();
      g_autoptr (GBytes) whole = NULL;
      g_autoptr (AtlVqi) back = NULL;
      GError *error = NULL;

      for (int i = 0; i < 4; i++)
        extra[11 + i] = (guint8)(crc >> (8 * i));
      g_byte_array_append (longer, file, (guint)first);
      g_byte_array_append (longer, extra, sizeof extra);
      g_byte_array_append (longer, file + first, (guint)(size - first));
      whole = g_bytes_new (longer->data, longer->len);
      back = atl_vqi_parse (whole, "x.vqi", &error);
      if (capital)
        assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                        "newer Atelier");
      else
        g_assert_cmpint (back->usable, ==, 3);
    }
}

static void
test_cut_short (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlVqi) vqi = encode (f);
  g_autoptr (GBytes) bytes = atl_vqi_serialise (vqi, NULL);
  gsize size;
  const guint8 *file = g_bytes_get_data (bytes, &size);
  AtlCodes all;
  int last = 0, seen = 0;

  g_assert_true (atl_vqi_decode_codes (vqi, f->model, 0, &all, NULL, NULL));
  for (gsize n = 0; n <= size; n++)
    {
      g_autoptr (GBytes) part = g_bytes_new (file, n);
      GError *error = NULL;
      g_autoptr (AtlVqi) cut = atl_vqi_parse (part, "x.vqi", &error);
      AtlCodes codes;

      if (!cut)
        {
          g_assert_cmpint (last, ==, 0);
          assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "x.vqi");
          continue;
        }
      g_assert_cmpint (cut->usable, >=, last);
      g_assert_true (cut->cut_short == (cut->usable < 3));
      if (cut->usable == last)
        continue;
      last = cut->usable;
      seen++;
      g_assert_true (atl_vqi_decode_codes (cut, f->model, 0, &codes, NULL, &error));
      g_assert_true (same_codes (&codes, &all, last));
      atl_codes_clear (&codes);
    }
  g_assert_cmpint (last, ==, 3);
  g_assert_cmpint (seen, ==, 3);
  atl_codes_clear (&all);
}

/* Flips, overwrites, moves or cuts bytes. */
static void
corrupt (GByteArray *file, AtlRandom *random)
{
  guint32 kind = atl_random_below (random, 4), n = file->len;
  guint32 at = atl_random_below (random, n), length;

  if (kind == 0)
    file->data[at] ^= (guint8)(1 << atl_random_below (random, 8));
  else if (kind == 1)
    file->data[at] = (guint8)atl_random_below (random, 256);
  else if (kind == 2)
    {
      length = 1 + atl_random_below (random, MIN (64, n - at));
      memmove (file->data + at,
               file->data + atl_random_below (random, n - length + 1), length);
    }
  else
    g_byte_array_remove_range (file, at,
                               1 + atl_random_below (random, MIN (16, n - at)));
}

static void
test_corrupted (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlVqi) vqi = encode (f);
  g_autoptr (GBytes) bytes = atl_vqi_serialise (vqi, NULL);
  AtlCodes all;
  AtlRandom random;
  int opened = 0, lower = 0;

  g_assert_true (atl_vqi_decode_codes (vqi, f->model, 0, &all, NULL, NULL));
  atl_random_init (&random, 12, 0);
  for (int i = 0; i < n_corruptions; i++)
    {
      g_autoptr (GByteArray) file = g_byte_array_new ();
      g_autoptr (GBytes) whole = NULL;
      g_autoptr (AtlVqi) back = NULL;
      GError *error = NULL;
      AtlCodes codes;

      g_byte_array_append (file, g_bytes_get_data (bytes, NULL),
                           (guint)g_bytes_get_size (bytes));
      corrupt (file, &random);
      whole = g_bytes_new (file->data, file->len);
      back = atl_vqi_parse (whole, "x.vqi", &error);
      if (!back)
        {
          g_assert_true (error->domain == ATELIER_ERROR);
          g_assert_null (strchr (error->message, '\n'));
          g_clear_error (&error);
          continue;
        }
      /* What the checksums let pass is what was written. */
      g_assert_true (
          atl_vqi_decode_codes (back, f->model, 0, &codes, NULL, &error));
      g_assert_true (same_codes (&codes, &all, back->usable));
      atl_codes_clear (&codes);
      opened++;
      lower += back->usable < 3;
    }
  g_assert_cmpint (opened, >, 0);
  g_assert_cmpint (lower, >, 0);
  atl_codes_clear (&all);
}

/* --- Pictures ---------------------------------------------------------------- */

static void
test_picture (Fixture *f, gconstpointer data)
{
  for (int form = 0; form < 8; form++)
    {
      g_autoptr (AtlPicture) picture
          = make_picture (form * 13 + 1, 50 - form * 7, form & 1 ? 1 : 3,
                          (form & 2) != 0, form >> 1 & 1, f->icc);
      GError *error = NULL;
      g_autoptr (AtlVqi) vqi
          = atl_vqi_encode_picture (f->model, f->pool, picture, NULL, NULL, &error);
      g_autoptr (AtlPicture) back
          = atl_vqi_decode (vqi, f->model, f->pool, 0, 0, NULL, &error);
      int samples = picture->channels + 1;
      g_autofree float *a = g_new (float, samples * picture->width);
      g_autofree float *b = g_new (float, samples * picture->width);

      g_assert_no_error (error);
      g_assert_cmpint (back->width, ==, picture->width);
      g_assert_cmpint (back->height, ==, picture->height);
      g_assert_cmpint (back->channels, ==, picture->channels);
      g_assert_cmpint (back->depth, ==, picture->depth);
      g_assert_true (back->has_alpha == picture->has_alpha);
      g_assert_true (g_bytes_equal (back->icc, f->icc));
      for (int y = 0; y < back->height; y++)
        {
          atl_picture_get (picture, 0, y, back->width, 1, samples, a, samples, 0);
          atl_picture_get (back, 0, y, back->width, 1, samples, b, samples, 0);
          for (int x = 0; x < back->width; x++)
            g_assert_cmpfloat (a[x * samples + samples - 1], ==,
                               b[x * samples + samples - 1]);
        }
    }
}

/* Tiles are how it is computed, not what comes out; nor are threads. */
static void
test_one_picture (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlPicture) picture
      = make_picture (333, 221, 3, FALSE, ATL_DEPTH_U8, NULL);
  AtlImageIo io = { 333, 221, 3, atl_picture_io_read, NULL, picture, 3 };
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  AtlCodes whole, tiled;
  GError *error = NULL;

  atl_codes_init (&whole, f->model, 333, 221, 0, NULL);
  g_assert_true (atl_apply_encode (f->model, f->pool, &io, &options, NULL, &whole,
                                   NULL, &error));
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (AtlPool) pool = atl_pool_new (1 + i);

      options.tile = i < 2 ? 128 + 32 * i : 0;
      atl_codes_init (&tiled, f->model, 333, 221, 0, NULL);
      g_assert_true (atl_apply_encode (f->model, pool, &io, &options, NULL, &tiled,
                                       NULL, &error));
      g_assert_true (same_codes (&whole, &tiled, 3));
      atl_codes_clear (&tiled);
    }
  atl_codes_clear (&whole);
}

/* A file's picture is what the model makes of the original. */
static void
test_as_applied (Fixture *f, gconstpointer data)
{
  AtlVqiOptions options = ATL_VQI_DEFAULTS;
  AtlApplyOptions apply = ATL_APPLY_DEFAULTS;

  options.rate = 0;
  for (int stages = 1; stages <= 3; stages++)
    {
      g_autoptr (AtlVqi) vqi = NULL;
      g_autoptr (AtlPicture) a = NULL, b = NULL;

      options.stages = apply.stages = stages;
      vqi = atl_vqi_encode_picture (f->model, f->pool, f->picture, &options, NULL,
                                    NULL);
      a = atl_vqi_decode (vqi, f->model, f->pool, 0, 0, NULL, NULL);
      b = atl_apply_picture (f->model, f->pool, f->picture, &apply, NULL, NULL);
      g_assert_cmpint (vqi->stages, ==, stages);
      for (gsize i = 0; i < a->row_bytes * a->height; i++)
        g_assert_cmpint (ABS (a->pixels[i] - b->pixels[i]), <=, 1);
    }
}

static void
test_same_bytes (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlVqi) first = encode (f);
  g_autoptr (GBytes) bytes = atl_vqi_serialise (first, NULL);

  for (int n = 1; n <= 3; n++)
    {
      g_autoptr (AtlPool) pool = atl_pool_new (n);
      g_autoptr (AtlVqi) vqi
          = atl_vqi_encode_picture (f->model, pool, f->picture, NULL, NULL, NULL);
      g_autoptr (GBytes) again = atl_vqi_serialise (vqi, NULL);

      g_assert_true (g_bytes_equal (bytes, again));
    }
}

static void
test_targets (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlVqi) all = encode (f);
  AtlVqiOptions options = ATL_VQI_DEFAULTS;
  GError *error = NULL;

  for (gsize target = atl_vqi_measure (all, 1) - 5; target < all->bytes + 100;
       target += all->bytes / 5)
    {
      g_autoptr (AtlVqi) vqi = NULL;

      options.target_bytes = target;
      vqi = atl_vqi_encode_picture (f->model, f->pool, f->picture, &options, NULL,
                                    &error);
      if (vqi)
        g_assert_cmpuint (vqi->bytes, <=, target);
      else
        assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "at least");
    }
  options.target_bytes = 50;
  g_assert_null (atl_vqi_encode_picture (f->model, f->pool, f->picture, &options,
                                         NULL, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "at least");
  options.target_bytes = 0;
  options.target_psnr = 90;
  g_assert_null (atl_vqi_encode_picture (f->model, f->pool, f->picture, &options,
                                         NULL, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "reaches");
}

/* Noise must not cost more than the plain coder. */
static void
test_noise (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlVqi) vqi = NULL;
  g_autoptr (AtlContexts) contexts = NULL;
  AtlCodes codes;
  AtlRandom random;

  for (gsize i = 0; i < f->picture->row_bytes * f->picture->height; i++)
    {
      if (i == 0)
        atl_random_init (&random, 14, 0);
      f->picture->pixels[i] = (guint8)atl_random_next (&random);
    }
  vqi = encode (f);
  g_assert_true (atl_vqi_decode_codes (vqi, f->model, 0, &codes, NULL, NULL));
  contexts = atl_contexts_of_model (f->model, &codes, NULL);
  for (int s = 0; s < 3; s++)
    {
      g_auto (AtlBuffer) plain = ATL_BUFFER_INIT ("test");

      atl_plane_encode (&codes, contexts, 0, s, ATL_CODING_PLAIN, &plain, NULL,
                        NULL);
      g_assert_cmpuint (g_bytes_get_size (vqi->codes[0][s]), <=, plain.len);
    }
  atl_codes_clear (&codes);
}

static void
test_thumbnail (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlPicture) large
      = make_picture (1500, 700, 3, TRUE, ATL_DEPTH_U8, NULL);
  const AtlPicture *pictures[] = { f->picture, large };

  for (int i = 0; i < 2; i++)
    {
      const AtlPicture *p = pictures[i];
      g_autoptr (AtlVqi) vqi
          = atl_vqi_encode_picture (f->model, f->pool, p, NULL, NULL, NULL);
      GError *error = NULL;
      g_autoptr (AtlPicture) small
          = atl_vqi_thumbnail (vqi, f->model, f->pool, 64, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (small->width, ==, 64);
      g_assert_cmpint (small->height, ==,
                       (64 * p->height + p->width / 2) / p->width);
      g_assert_true (small->has_alpha);
      g_assert_cmpint (small->pixels[3], ==, 0);
      g_assert_cmpint (small->pixels[small->row_bytes - 1], ==, 255);
    }
}

static void
test_other_model (Fixture *f, gconstpointer data)
{
  g_autoptr (AtlVqi) vqi = encode (f);
  g_autoptr (AtlModel) other = make_model ("vqvae", 41, 3);
  GError *error = NULL;
  AtlCodes codes;

  g_assert_false (atl_vqi_decode_codes (vqi, other, 0, &codes, NULL, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_MODEL, "was made with");
  /* the same weights, other tables */
  atl_model_set_data (f->model, ATL_CONTEXTS_TENSOR, NULL);
  g_assert_false (atl_vqi_decode_codes (vqi, f->model, 0, &codes, NULL, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_MODEL, "context tables");
}

/* Tables that are cut, or of another model. */
static void
test_bad_tables (Fixture *f, gconstpointer data)
{
  GBytes *bytes = atl_model_get_data (f->model, ATL_CONTEXTS_TENSOR);
  gsize size;
  const guint8 *tables = g_bytes_get_data (bytes, &size);
  AtlCodes shapes;
  AtlRandom random;
  GError *error = NULL;

  atl_random_init (&random, 13, 0);
  atl_codes_measure (&shapes, f->model, 64, 64, NULL);
  for (gsize n = 0; n < size; n += 1 + n / 50)
    {
      g_autoptr (GBytes) part = g_bytes_new (tables, n);

      g_assert_null (atl_contexts_parse (part, &shapes, &error));
      assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                      "context tables");
    }
  for (int i = 0; i < 500; i++)
    {
      guint8 *copy = g_memdup2 (tables, size);
      g_autoptr (GBytes) changed = NULL;
      g_autoptr (AtlContexts) contexts = NULL;

      copy[atl_random_below (&random, (guint32)(i % 2 ? size : 400))]
          = (guint8)atl_random_below (&random, 256);
      changed = g_bytes_new_take (copy, size);
      contexts = atl_contexts_parse (changed, &shapes, &error);
      if (contexts)
        {
          AtlCodes codes;

          /* strange ones still code */
          atl_codes_init (&codes, f->model, 64, 64, 0, NULL);
          check_planes (&codes, contexts, ATL_CODING_CONTEXT);
          atl_codes_clear (&codes);
        }
      g_clear_error (&error);
    }
}

/* --- Files for ever --------------------------------------------------------- */

static const struct
{
  const char *file, *model, *codes, *alpha; /* SHA-256 */
} forever[] = {
  { "photo", "tiny",
    "c0886f7f8c6a47ebedee743c6364029b03a7a6514e2ea97b3b639931a7e4917d", NULL },
  { "grey-alpha", "tiny",
    "fec1f2ae483ef011fa29044186e9054262c8d28e65f7b562e36cf8023c996a4a",
    "d48e4fc7a935bd3fef43bd8986a231a1ac8388e50ed4c579986d1feb3b699d0c" },
  { "alpha-levels", "tiny",
    "ddcca266f83bac8d272290be01aac96351428bb0cf42f82a7f5d96c82ed6a032",
    "bd8c028e9e53754abd5c08afcf1a5061c3935cbd0654d8364bbe06dcd418d8fc" },
  { "counts", "counts",
    "274deced9e53c05b739e71659484b56f0aea556e6daa583e4533e5c88862b73e", NULL },
  { "two-levels", "two",
    "f01a4c2f0052661119d531c9c38a8c0a5d441fdb5265442b6d739ba97797c4b7", NULL },
};

/* Little-endian, whatever this machine is. */
static char *
checksum_of (const guint16 *const *planes, const gsize *sizes, int n)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (int i = 0; i < n; i++)
    for (gsize j = 0; j < sizes[i]; j++)
      {
        guint8 bytes[2] = { planes[i][j] & 255, planes[i][j] >> 8 };

        g_checksum_update (checksum, bytes, 2);
      }
  return g_strdup (g_checksum_get_string (checksum));
}

static char *
checksum_codes (const AtlCodes *codes)
{
  const guint16 *planes[ATL_MAX_LEVELS * ATL_MAX_STAGES];
  gsize sizes[ATL_MAX_LEVELS * ATL_MAX_STAGES];
  int n = 0;

  for (int s = 0; s < codes->stages; s++)
    for (int l = 0; l < codes->n_levels; l++, n++)
      {
        planes[n] = codes->levels[l].planes[s];
        sizes[n] = (gsize)codes->levels[l].width * codes->levels[l].height;
      }
  return checksum_of (planes, sizes, n);
}

static char *
data_path (const char *name, const char *extension)
{
  g_autofree char *file = g_strconcat (name, extension, NULL);

  return g_build_filename (g_getenv ("ATELIER_TEST_DATA"), "vqi", file, NULL);
}

static void
test_version_1 (void)
{
  if (!g_getenv ("ATELIER_TEST_DATA"))
    {
      g_test_skip ("ATELIER_TEST_DATA is not set");
      return;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (forever); i++)
    {
      g_autofree char *path = data_path (forever[i].file, ".vqi");
      g_autofree char *model_path = data_path (forever[i].model, ".safetensors");
      GError *error = NULL;
      g_autoptr (AtlVqi) vqi = atl_vqi_open (path, &error);
      g_autoptr (AtlModel) model = atl_model_open (model_path, &error);
      g_autofree char *codes_sum = NULL, *alpha_sum = NULL;
      AtlCodes codes;

      g_assert_no_error (error);
      g_assert_false (vqi->cut_short);
      g_assert_true (atl_vqi_decode_codes (vqi, model, 0, &codes, NULL, &error));
      codes_sum = checksum_codes (&codes);
      atl_codes_clear (&codes);
      g_assert_cmpstr (codes_sum, ==, forever[i].codes);
      if (vqi->alpha)
        {
          gsize n = (gsize)vqi->width * vqi->height;
          g_autofree guint16 *alpha = g_new (guint16, n);
          const guint16 *planes[] = { alpha };

          g_assert_true (atl_alpha_decode (vqi->alpha, vqi->width, vqi->height, 16,
                                           alpha, NULL, &error));
          alpha_sum = checksum_of (planes, &n, 1);
        }
      g_assert_cmpstr (alpha_sum, ==, forever[i].alpha);
    }
}

static int
number_of (int argc, char **argv, const char *option, const char *variable,
           int value)
{
  const char *text = g_getenv (variable);

  if (text)
    value = atoi (text);
  for (int i = 1; i + 1 < argc; i++)
    if (g_str_equal (argv[i], option))
      value = atoi (argv[i + 1]);
  return value;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  n_grids = number_of (argc, argv, "--grids", "ATELIER_TEST_GRIDS", n_grids);
  n_corruptions = number_of (argc, argv, "--corruptions",
                             "ATELIER_TEST_CORRUPTIONS", n_corruptions);

  g_test_add_func ("/range-coder/what-goes-in-comes-out", test_range_coder);
  g_test_add_func ("/planes/random-grids-survive", test_random_grids);
  g_test_add_func ("/planes/with-a-network-too", test_network);
  g_test_add_func ("/planes/learning-pays", test_learning_pays);
  g_test_add_func ("/planes/any-bytes-are-codes", test_any_bytes);
  g_test_add_func ("/planes/bytes-are-the-same-everywhere", test_bytes_are_fixed);
  g_test_add_func ("/alpha/survives", test_alpha);
  g_test_add_func ("/vqi/files-of-version-1-open-for-ever", test_version_1);
#define ADD(name, function)                                                        \
  g_test_add (name, Fixture, NULL, set_up, function, tear_down)
  ADD ("/container/what-goes-in-comes-out", test_container);
  ADD ("/container/unknown-sections", test_unknown_sections);
  ADD ("/container/cut-anywhere-is-a-lower-quality-or-an-error", test_cut_short);
  ADD ("/container/corrupted-is-a-lower-quality-or-an-error", test_corrupted);
  ADD ("/vqi/size-depth-alpha-and-profile-survive", test_picture);
  ADD ("/vqi/tiles-and-threads-do-not-show", test_one_picture);
  ADD ("/vqi/picture-is-what-the-model-makes", test_as_applied);
  ADD ("/vqi/same-bytes-with-any-threads", test_same_bytes);
  ADD ("/vqi/targets-are-met", test_targets);
  ADD ("/vqi/noise-costs-no-more-than-plain", test_noise);
  ADD ("/vqi/thumbnail", test_thumbnail);
  ADD ("/vqi/other-models-are-refused", test_other_model);
  ADD ("/contexts/bad-tables-are-refused", test_bad_tables);
#define ADD_2(name, function)                                                      \
  g_test_add (name, Fixture, "vqvae2", set_up, function, tear_down)
  ADD_2 ("/vqvae2/cut-anywhere-is-a-lower-quality-or-an-error", test_cut_short);
  ADD_2 ("/vqvae2/picture-is-what-the-model-makes", test_as_applied);
  ADD_2 ("/vqvae2/tiles-and-threads-do-not-show", test_one_picture);
  ADD_2 ("/vqvae2/thumbnail", test_thumbnail);
  return g_test_run ();
}
