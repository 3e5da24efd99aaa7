/* Models: made, saved, opened, and refused with a reason when damaged. */

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "files/safetensors.h"
#include "models.h"
#include "scratch.h"

static void
save (AtlModel *model, const char *path, gboolean half)
{
  GError *error = NULL;

  atl_model_save (model, path, half, &error);
  g_assert_no_error (error);
}

static AtlModel *
open_model (const char *path)
{
  GError *error = NULL;
  AtlModel *model = atl_model_open (path, &error);

  g_assert_no_error (error);
  return model;
}

/* The values of a parameter. */
static float *
values_of (AtlModel *model, const char *name, gsize *n)
{
  const AtlGraph *graph = atl_model_get_graph (model);

  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);
      float *values;

      if (!g_str_equal (p->name, name))
        continue;
      *n = 1;
      for (int d = 0; d < p->n_dims; d++)
        *n *= (gsize)p->dims[d];
      values = g_new (float, *n);
      atl_weights_get (atl_model_get_weights (model), i, values);
      return values;
    }
  g_error ("no parameter %s", name);
}

static void
moments (AtlModel *model, const char *name, double *mean, double *deviation)
{
  gsize n;
  g_autofree float *values = values_of (model, name, &n);
  double sum = 0, squares = 0;

  for (gsize i = 0; i < n; i++)
    {
      sum += values[i];
      squares += (double)values[i] * values[i];
    }
  *mean = sum / (double)n;
  *deviation = sqrt (MAX (0, squares / (double)n - *mean * *mean));
}

static double
largest (AtlModel *model, const char *name)
{
  gsize n;
  g_autofree float *values = values_of (model, name, &n);
  double max = 0;

  for (gsize i = 0; i < n; i++)
    max = MAX (max, fabsf (values[i]));
  return max;
}

static void
assert_moments (AtlModel *model, const char *name, double mean, double deviation,
                double tolerance)
{
  double m, d;

  moments (model, name, &m, &d);
  g_assert_cmpfloat_with_epsilon (m, mean, tolerance);
  g_assert_cmpfloat_with_epsilon (d, deviation, tolerance);
}

static void
test_pix2pix_init (void)
{
  g_autoptr (AtlModel) model = model_new ("resnet_2", "ngf=32", 1);

  assert_moments (model, "model.10.conv_block.1.weight", 0, 0.02, 0.0005);
  assert_moments (model, "model.8.weight", 1, 0.02, 0.01);
  assert_moments (model, "model.8.bias", 0, 0, 1e-9);
  assert_moments (model, "model.8.running_mean", 0, 0, 1e-9);
  assert_moments (model, "model.8.running_var", 1, 0, 1e-9);
  assert_moments (model, "model.19.bias", 0, 0, 1e-9);
}

/* PyTorch's Conv2d and ConvTranspose2d: uniform within 1 / sqrt (fan_in). */
static void
test_vqvae_init (void)
{
  g_autoptr (AtlModel) model
      = model_new ("vqvae", "hidden=64 stages=2 zero_code=yes codes=32", 1);
  double conv = 1 / sqrt (64 * 9), up = 1 / sqrt (3 * 16);
  gsize n;
  g_autofree float *codes = values_of (model, "quantise.codebook.1", &n);

  g_assert_cmpfloat_with_epsilon (largest (model, "encoder.4.weight"), conv, 1e-4);
  assert_moments (model, "encoder.4.weight", 0, conv / sqrt (3), conv / 50);
  g_assert_cmpfloat (largest (model, "encoder.4.bias"), >, conv / 2);
  g_assert_cmpfloat (largest (model, "encoder.4.bias"), <=, conv);
  g_assert_cmpfloat_with_epsilon (largest (model, "decoder.6.weight"), up,
                                  1e-2 * up);
  g_assert_cmpfloat (largest (model, "quantise.codebook.0"), <=, 1.0 / 32);
  for (int d = 0; d < 64; d++)
    g_assert_cmpfloat (codes[d], ==, 0);
  g_assert_cmpfloat (fabsf (codes[64]), >, 0);
}

/* Without norms: calm blocks, and a tail that adds nothing yet. */
static void
test_drunet_init (void)
{
  g_autoptr (AtlModel) model = model_new ("drunet", "ngf=32 residual=yes", 1);
  double conv = 1 / sqrt (32 * 9);

  g_assert_cmpfloat_with_epsilon (largest (model, "down.0.0.block.0.weight"), conv,
                                  1e-4);
  g_assert_cmpfloat_with_epsilon (largest (model, "down.0.0.block.2.weight"),
                                  conv / 10, 1e-5);
  g_assert_cmpfloat (largest (model, "tail.weight"), ==, 0);
}

static void
test_seeds (void)
{
  g_autoptr (AtlModel) a = model_new ("resnet_1", "ngf=8", 5);
  g_autoptr (AtlModel) b = model_new ("resnet_1", "ngf=8", 5);
  g_autoptr (AtlModel) c = model_new ("resnet_1", "ngf=8", 6);

  g_assert_cmpuint (strlen (atl_model_get_hash (a, NULL)), ==, 64);
  g_assert_cmpstr (atl_model_get_hash (a, NULL), ==, atl_model_get_hash (b, NULL));
  g_assert_cmpstr (atl_model_get_hash (a, NULL), !=, atl_model_get_hash (c, NULL));
}

static void
assert_same_weights (AtlModel *a, AtlModel *b)
{
  g_assert_cmpstr (atl_model_get_hash (a, NULL), ==, atl_model_get_hash (b, NULL));
}

static void
test_round_trip (void)
{
  static const char *const archs[]
      = { "unet_32", "resnet_1", "patchgan", "pixel", "vqvae", "vqvae2" };

  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    {
      g_autofree char *path = scratch_path ("round-trip.safetensors");
      g_autoptr (AtlModel) model = model_new (archs[i],
                                              i < 2   ? "ngf=8"
                                              : i < 4 ? "ndf=8"
                                                      : "hidden=16",
                                              3);
      g_autoptr (AtlModel) again = NULL;

      json_object_set_string_member (atl_model_get_card (model), "name",
                                     "Häuser 屋");
      json_object_set_int_member (atl_model_get_card (model), "steps", 1000);
      atl_model_set_metadata (model, "atelier.codes", "{\"x\": 1}");
      atl_model_set_metadata (model, "gone", "1");
      atl_model_set_metadata (model, "gone", NULL);
      save (model, path, FALSE);
      again = open_model (path);
      assert_same_weights (model, again);
      g_assert_cmpmem (atl_model_get_config (model), sizeof (AtlConfig),
                       atl_model_get_config (again), sizeof (AtlConfig));
      g_assert_cmpstr (atl_model_get_name (again), ==, "Häuser 屋");
      g_assert_cmpint (
          json_object_get_int_member (atl_model_get_card (again), "steps"), ==,
          1000);
      g_assert_cmpstr (atl_model_get_metadata (again, "atelier.codes"), ==,
                       "{\"x\": 1}");
      g_assert_null (atl_model_get_metadata (again, "gone"));
      g_assert_null (atl_model_get_metadata (again, "atelier.config"));
    }
}

static void
test_applied_settings_are_kept (void)
{
  g_autofree char *path = scratch_path ("applied.safetensors");
  g_autoptr (AtlModel) model = model_new ("resnet_1", "ngf=4 dropout=0.5", 3);
  g_autoptr (AtlModel) again = NULL;

  atl_model_edit_config (model)->image_statistics = FALSE;
  atl_model_edit_config (model)->dropout_applied = TRUE;
  save (model, path, FALSE);
  again = open_model (path);
  g_assert_false (atl_model_get_config (again)->image_statistics);
  g_assert_true (atl_model_get_config (again)->dropout_applied);
}

static void
test_same_model_same_file (void)
{
  g_autofree char *first = scratch_path ("a.safetensors");
  g_autofree char *second = scratch_path ("b.safetensors");
  g_autofree char *x = NULL;
  g_autofree char *y = NULL;
  g_autoptr (AtlModel) model = model_new ("vqvae", "hidden=16", 3);
  g_autoptr (AtlModel) again = NULL;
  gsize m, n;

  save (model, first, FALSE);
  again = open_model (first);
  save (again, second, FALSE);
  g_assert_true (g_file_get_contents (first, &x, &m, NULL));
  g_assert_true (g_file_get_contents (second, &y, &n, NULL));
  g_assert_cmpmem (x, m, y, n);
}

static void
test_half (void)
{
  g_autofree char *whole = scratch_path ("whole.safetensors");
  g_autofree char *halved = scratch_path ("half.safetensors");
  g_autoptr (AtlModel) model = model_new ("resnet_2", "ngf=16", 3);
  g_autoptr (AtlModel) again = NULL;
  const char *name = "model.10.conv_block.1.weight";
  GStatBuf a, b;
  gsize n;
  g_autofree float *before = values_of (model, name, &n);
  g_autofree float *after = NULL;

  save (model, whole, FALSE);
  save (model, halved, TRUE);
  g_assert_cmpint (g_stat (whole, &a), ==, 0);
  g_assert_cmpint (g_stat (halved, &b), ==, 0);
  g_assert_cmpint (b.st_size, <, a.st_size * 55 / 100);
  again = open_model (halved);
  after = values_of (again, name, &n);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (after[i], before[i],
                                    fabsf (before[i]) / 1024 + 1e-7);
  assert_moments (again, "model.8.running_var", 1, 0, 1e-9);
}

/* A weight that no half can hold is kept as it is. */
static void
test_half_keeps_large_values (void)
{
  g_autofree char *path = scratch_path ("large.safetensors");
  g_autoptr (AtlModel) model = model_new ("resnet_0", "ngf=4", 3);
  g_autoptr (AtlModel) again = NULL;
  gsize n;
  g_autofree float *values = values_of (model, "model.1.weight", &n);

  values[3] = 1e6f;
  atl_weights_set (atl_model_get_weights (model), 0, values);
  save (model, path, TRUE);
  again = open_model (path);
  g_assert_cmpfloat (largest (again, "model.1.weight"), ==, 1e6);
}

static void
test_name (void)
{
  g_autofree char *path = scratch_path ("my style.v2.safetensors");
  g_autoptr (AtlModel) model = model_new ("vqvae", "hidden=4", 3);
  g_autoptr (AtlModel) again = NULL;

  g_assert_cmpstr (atl_model_get_name (model), ==, "");
  save (model, path, FALSE);
  again = open_model (path);
  g_assert_cmpstr (atl_model_get_name (again), ==, "my style.v2");
}

static void
test_require (void)
{
  g_autoptr (AtlModel) vqvae = model_new ("vqvae", "hidden=4", 3);
  g_autoptr (AtlModel) judge = model_new ("pixel", "ndf=4", 3);
  GError *error = NULL;

  g_assert_true (atl_model_require (vqvae, "vqvae", &error));
  g_assert_false (atl_model_require (vqvae, "pix2pix", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "compress"));
  g_clear_error (&error);
  g_assert_false (atl_model_require (judge, "pix2pix", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MODEL);
  g_assert_nonnull (strstr (error->message, "training"));
  g_clear_error (&error);
}

static void
test_create_checks (void)
{
  AtlConfig config;
  GError *error = NULL;

  atl_config_init (&config, "vqvae", NULL);
  config.stages = 0;
  g_assert_null (atl_model_create (&config, 1, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
}

static void
test_unwritable (void)
{
  g_autoptr (AtlModel) model = model_new ("pixel", "ndf=4", 3);
  g_autofree char *path = scratch_path ("no-such-folder/x.safetensors");
  GError *error = NULL;

  g_assert_false (atl_model_save (model, path, FALSE, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, "no-such-folder"));
  g_clear_error (&error);
}

/* Damage */

typedef struct
{
  const char *tensor;   /* that is changed, or NULL */
  gboolean drop;        /* left out */
  gboolean reshape;     /* its first two dims swapped */
  AtlType type;         /* claimed, and the bytes cut or kept to fit */
  const float *value;   /* its first value */
  const char *key;      /* of the metadata */
  const char *metadata; /* its value; NULL: left out */
} Damage;

static void
copy_tensor (AtlTensorSet *out, const AtlTensor *tensor, const Damage *damage)
{
  gint64 dims[ATL_MAX_DIMS];
  gsize size
      = tensor->size / atl_type_size (tensor->type) * atl_type_size (damage->type);
  g_autofree guint8 *data = g_malloc0 (size);
  g_autoptr (GBytes) owner = NULL;

  memcpy (dims, tensor->dims, sizeof dims);
  memcpy (data, tensor->data, MIN (size, tensor->size));
  if (damage->reshape)
    {
      dims[0] = tensor->dims[1];
      dims[1] = tensor->dims[0];
    }
  if (damage->value)
    memcpy (data, damage->value, sizeof (float));
  owner = g_bytes_new (data, size);
  atl_tensor_set_add (out, tensor->name, damage->type, tensor->n_dims, dims,
                      g_bytes_get_data (owner, NULL), owner);
}

/* Writes the model file `from` again, damaged. */
static void
damage_file (const char *from, const char *to, const Damage *damage)
{
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) in = atl_safetensors_read (from, &metadata, NULL);
  g_autoptr (AtlTensorSet) out = atl_tensor_set_new ();
  static const Damage none = { .type = ATL_TYPE_F32 };
  GError *error = NULL;

  for (guint i = 0; i < atl_tensor_set_size (in); i++)
    {
      const AtlTensor *tensor = atl_tensor_set_get (in, i);
      gboolean hit = damage->tensor && g_str_equal (tensor->name, damage->tensor);

      if (!hit || !damage->drop)
        copy_tensor (out, tensor, hit ? damage : &none);
    }
  if (damage->key && damage->metadata)
    g_hash_table_insert (metadata, g_strdup (damage->key),
                         g_strdup (damage->metadata));
  else if (damage->key)
    g_hash_table_remove (metadata, damage->key);
  atl_safetensors_write (to, out, metadata, &error);
  g_assert_no_error (error);
}

static void
refuse_file (const char *path, int code, const char *word)
{
  GError *error = NULL;

  g_assert_null (atl_model_open (path, &error));
  g_assert_error (error, ATELIER_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
  if (!strstr (error->message, word))
    g_error ("'%s' is not in: %s", word, error->message);
  g_assert_null (strchr (error->message, '\n'));
  g_error_free (error);
}

/* A file name that is not UTF-8, as of a Latin-1 disk, gets into no card and no
 * message as it is. */
static void
test_foreign_name (void)
{
  g_autofree char *source = scratch_path ("source.safetensors");
  g_autofree char *odd = scratch_path ("\xe9l\xe8ve.safetensors");
  g_autofree char *again = scratch_path ("again.safetensors");
  g_autoptr (AtlModel) model = model_new ("resnet_1", "ngf=4", 1);
  g_autoptr (AtlTensorSet) tensors = NULL;
  g_autoptr (AtlModel) imported = NULL;
  g_autoptr (AtlModel) opened = NULL;
  GError *error = NULL;

  g_assert_true (atl_model_save (model, source, FALSE, &error));
  tensors = atl_safetensors_read (source, NULL, &error);
  g_assert_true (atl_safetensors_write (odd, tensors, NULL, &error));
  imported = atl_model_import (odd, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_utf8_validate (atl_model_get_name (imported), -1, NULL));
  json_object_set_string_member (atl_model_get_card (imported), "data", "caf\xe9");
  g_assert_true (atl_model_save (imported, again, FALSE, &error));
  opened = atl_model_open (again, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (atl_model_get_name (opened), ==, atl_model_get_name (imported));
  g_assert_null (atl_model_open (odd, &error)); /* it has no metadata */
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_clear_error (&error);
}

static void
test_damage (void)
{
  static const float nan = NAN, infinite = INFINITY;
  static const struct
  {
    Damage damage;
    int code;
    const char *word;
  } cases[] = {
    { { "model.4.weight", TRUE }, ATELIER_ERROR_FORMAT, "model.4.weight" },
    { { "model.4.weight", FALSE, TRUE }, ATELIER_ERROR_FORMAT, "model.4.weight" },
    { { "model.4.weight", .type = ATL_TYPE_I32 }, ATELIER_ERROR_FORMAT, "I32" },
    { { "model.4.weight", .value = &nan }, ATELIER_ERROR_FORMAT, "model.4.weight" },
    { { "model.2.running_var", .value = &infinite },
      ATELIER_ERROR_FORMAT,
      "model.2.running_var" },
    { { .key = "atelier.version" }, ATELIER_ERROR_UNSUPPORTED, "import" },
    { { .key = "atelier.version", .metadata = "2" },
      ATELIER_ERROR_UNSUPPORTED,
      "later version" },
    { { .key = "atelier.version", .metadata = "one" },
      ATELIER_ERROR_FORMAT,
      "atelier.version" },
    { { .key = "atelier.kind" }, ATELIER_ERROR_FORMAT, "atelier.kind" },
    { { .key = "atelier.kind", .metadata = "vqvae" },
      ATELIER_ERROR_FORMAT,
      "vqvae" },
    { { .key = "atelier.config" }, ATELIER_ERROR_FORMAT, "atelier.config" },
    { { .key = "atelier.config", .metadata = "{" },
      ATELIER_ERROR_FORMAT,
      "damaged" },
    { { .key = "atelier.config",
        .metadata = "{\"arch\": \"resnet_64\", \"ngf\": 512}" },
      ATELIER_ERROR_FORMAT,
      "model." },
    { { .key = "atelier.config", .metadata = "{\"arch\": \"later\"}" },
      ATELIER_ERROR_UNSUPPORTED,
      "later" },
  };
  g_autofree char *good = scratch_path ("good.safetensors");
  g_autofree char *bad = scratch_path ("bad.safetensors");
  g_autoptr (AtlModel) model = model_new ("resnet_1", "ngf=4", 3);

  save (model, good, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      damage_file (good, bad, &cases[i].damage);
      refuse_file (bad, cases[i].code, cases[i].word);
    }
}

static void
put_bytes (const char *path, const char *bytes, gsize n)
{
  g_assert_true (g_file_set_contents_full (path, bytes, (gssize)n,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* Cut short anywhere, a file is refused and nothing breaks. */
static void
test_truncated (void)
{
  g_autofree char *good = scratch_path ("good.safetensors");
  g_autofree char *bad = scratch_path ("cut.safetensors");
  g_autofree char *bytes = NULL;
  g_autoptr (AtlModel) model = model_new ("pixel", "ndf=2", 3);
  gsize size;

  save (model, good, FALSE);
  g_assert_true (g_file_get_contents (good, &bytes, &size, NULL));
  for (gsize n = 0; n < size; n += 1 + size / 97)
    {
      put_bytes (bad, bytes, n);
      refuse_file (bad, ATELIER_ERROR_FORMAT, "");
    }
}

/* Whatever bytes of the header are changed: a model or an error with the file's
 * name. */
static void
test_changed_header (void)
{
  g_autofree char *good = scratch_path ("good.safetensors");
  g_autofree char *bad = scratch_path ("changed.safetensors");
  g_autofree char *bytes = NULL;
  g_autoptr (AtlModel) model = model_new ("pixel", "ndf=2", 3);
  AtlRandom random;
  gsize size, header;
  int refused = 0;

  atl_random_init (&random, 1, 0);
  save (model, good, FALSE);
  g_assert_true (g_file_get_contents (good, &bytes, &size, NULL));
  header = 8 + (guint8)bytes[0] + 256 * (guint8)bytes[1];
  for (int i = 0; i < 1000; i++)
    {
      gsize at = atl_random_below (&random, (guint32)header);
      char kept = bytes[at];
      g_autoptr (AtlModel) found = NULL;
      GError *error = NULL;

      bytes[at] = (char)atl_random_below (&random, 256);
      put_bytes (bad, bytes, size);
      bytes[at] = kept;
      found = atl_model_open (bad, &error);
      g_assert_true ((found == NULL) == (error != NULL));
      if (error)
        g_assert_nonnull (strstr (error->message, "changed.safetensors"));
      refused += error != NULL;
      g_clear_error (&error);
    }
  g_assert_cmpint (refused, >, 500);
}

/* A damaged card must not keep a good model shut. */
static void
test_bad_card (void)
{
  static const char *const cards[] = { "", "{", "[]", "{\"name\": 3}" };
  g_autofree char *good = scratch_path ("good.safetensors");
  g_autofree char *bad = scratch_path ("card.safetensors");
  g_autoptr (AtlModel) model = model_new ("pixel", "ndf=4", 3);

  save (model, good, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (cards); i++)
    {
      Damage damage = { .key = "atelier.card", .metadata = cards[i] };
      g_autoptr (AtlModel) again = NULL;

      damage_file (good, bad, &damage);
      again = open_model (bad);
      g_assert_cmpstr (atl_model_get_name (again), ==, "card");
    }
}

/* One file of each version and architecture, kept as it was written. */
static void
test_earlier_versions (void)
{
  static const struct
  {
    const char *file, *arch, *hash;
  } cases[] = {
    { "colour", "resnet_0",
      "7df43663fff5bc562caa9d93722a06f97644a3dfb5b0dd7b2fb2c2f0f3d3af88" },
    { "patchgan", "patchgan",
      "80e4d2345773f6bb2cdb791067bb567b6eafa5903fb0ea86b2ef496f70a6ec9f" },
    { "resnet", "resnet_1",
      "ac2497b0340601bd2b7f7092e767eaec1ce84257747597194e6c1cccaf50edb1" },
    { "unet", "unet_32",
      "5055c94b9a54c387ca08b71abd9362a361d05e77c502c1afc5b872914ca7f0d8" },
    { "vqvae-half", "vqvae",
      "c83b38f23d1c93b787fd79de14555bdda5d7f9ec1730df83161b57eb73ab0c03" },
    { "vqvae2", "vqvae2",
      "6a4abd71b796f35ce5133656de07737694b9c081d0a44a8943a5e2ff4275810f" },
  };
  const char *data = g_getenv ("ATELIER_TEST_DATA");

  if (!data)
    {
      g_test_skip ("ATELIER_TEST_DATA is not set");
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path
          = g_strdup_printf ("%s/version-1/%s.safetensors", data, cases[i].file);
      g_autoptr (AtlModel) model = open_model (path);
      const AtlConfig *config = atl_model_get_config (model);

      g_assert_cmpstr (atl_config_arch_name (config), ==, cases[i].arch);
      g_assert_cmpstr (atl_model_get_hash (model, NULL), ==, cases[i].hash);
      if (g_str_equal (cases[i].file, "colour"))
        g_assert_cmpint (config->colour, ==, ATL_COLOUR_LUMA_TO_CHROMA);
      if (g_str_equal (cases[i].file, "vqvae-half"))
        g_assert_true (config->zero_code && config->linear_skip
                       && config->patch == 2 && config->stages == 2);
    }
}

static void
test_missing_file (void)
{
  g_autofree char *path = scratch_path ("nowhere.safetensors");

  refuse_file (path, ATELIER_ERROR_FILE, "nowhere");
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_open ();
  g_test_add_func ("/model/pix2pix-starts-normal", test_pix2pix_init);
  g_test_add_func ("/model/vqvae-starts-uniform", test_vqvae_init);
  g_test_add_func ("/model/drunet-starts-as-the-identity", test_drunet_init);
  g_test_add_func ("/model/seed-decides-the-weights", test_seeds);
  g_test_add_func ("/model/round-trip", test_round_trip);
  g_test_add_func ("/model/applied-settings-are-kept",
                   test_applied_settings_are_kept);
  g_test_add_func ("/model/same-model-same-file", test_same_model_same_file);
  g_test_add_func ("/model/half-precision", test_half);
  g_test_add_func ("/model/half-precision-keeps-large-values",
                   test_half_keeps_large_values);
  g_test_add_func ("/model/name", test_name);
  g_test_add_func ("/model/file-names-need-not-be-utf8", test_foreign_name);
  g_test_add_func ("/model/wrong-kind-says-what-it-is-for", test_require);
  g_test_add_func ("/model/bad-configuration-is-not-created", test_create_checks);
  g_test_add_func ("/model/unwritable-path", test_unwritable);
  g_test_add_func ("/model/damage-is-named", test_damage);
  g_test_add_func ("/model/truncated-anywhere", test_truncated);
  g_test_add_func ("/model/changed-header", test_changed_header);
  g_test_add_func ("/model/bad-card-does-no-harm", test_bad_card);
  g_test_add_func ("/model/files-of-every-version-load", test_earlier_versions);
  g_test_add_func ("/model/missing-file", test_missing_file);
  status = g_test_run ();
  scratch_close ();
  return status;
}
