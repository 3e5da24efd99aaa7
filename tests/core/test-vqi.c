/* .vqi files: their container, what pictures come out of it, and which tables
 * and models are refused.
 *
 *   test-vqi [--corruptions N]
 *
 * sets how many corruptions are tried (also by the variable
 * ATELIER_TEST_CORRUPTIONS). */

#include "codec/alpha-coder.h"
#include "codec/vqi-thumbnail.h"
#include "codec/vqi.h"
#include "codes.h"
#include "scratch.h"

static int n_corruptions = 2000;

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
  int n_met = 0, n_refused = 0;

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
      n_met += vqi != NULL;
      n_refused += vqi == NULL;
    }
  g_assert_cmpint (n_met, >, 0);
  g_assert_cmpint (n_refused, >, 0);
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
  int n_parsed = 0;

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
          n_parsed++;
          atl_codes_init (&codes, f->model, 64, 64, 0, NULL);
          check_planes (&codes, contexts, ATL_CODING_CONTEXT);
          atl_codes_clear (&codes);
        }
      g_clear_error (&error);
    }
  g_assert_cmpint (n_parsed, >, 0);
  g_assert_cmpint (n_parsed, <, 500);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  n_corruptions = number_of (argc, argv, "--corruptions",
                             "ATELIER_TEST_CORRUPTIONS", n_corruptions);
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
