/* See work.h. */

#include "work.h"

#include <glib/gstdio.h>

#include "apply/apply.h"
#include "apply/metrics.h"
#include "codec/prime-pictures.h"
#include "codec/vqi-thumbnail.h"
#include "codec/vqi.h"
#include "icc.h"
#include "models/library.h"
#include "scratch.h"
#include "train/alignment.h"
#include "train/trainer.h"

#define WIDTH 80
#define HEIGHT 56

static AtlPicture *
make_picture (int width, int height, int seed)
{
  g_autoptr (GBytes) icc = icc_take (cmsCreate_sRGBProfile ());
  AtlPicture *picture
      = atl_picture_new (width, height, 3, FALSE, ATL_DEPTH_U8, icc, NULL);

  for (gsize i = 0; i < picture->row_bytes * (gsize)height; i++)
    picture->pixels[i] = (guint8)((i * (gsize)(7 + seed) + i / 29) % 251);
  return picture;
}

static char *
make_model (Work *work, const char *name, const char *arch,
            const char *const *settings)
{
  char *path = g_build_filename (work->folder, name, NULL);
  g_autoptr (AtlModel) model = NULL;
  AtlConfig config;

  g_assert_true (atl_config_init (&config, arch, NULL));
  for (; *settings != NULL; settings++)
    g_assert_true (atl_config_set (&config, *settings, NULL));
  model = atl_model_create (&config, 1, NULL);
  g_assert_true (atl_model_save (model, path, FALSE, NULL));
  return path;
}

static void
make_pairs (Work *work)
{
  static const char *const sides[] = { "A", "B" };

  work->pairs = g_build_filename (work->folder, "pairs", NULL);
  for (int side = 0; side < 2; side++)
    {
      g_autofree char *folder = g_build_filename (work->pairs, sides[side], NULL);

      g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
      for (int i = 0; i < 4; i++)
        {
          g_autofree char *path = g_strdup_printf ("%s/%d.png", folder, i);
          g_autoptr (AtlPicture) picture = make_picture (48, 48, i + 4 * side);

          g_assert_true (atl_picture_save (picture, path, NULL));
        }
    }
}

void
work_init (Work *work)
{
  static const char *const generator[] = { "ngf=16", "blocks=1", NULL };
  static const char *const vqvae[]
      = { "hidden=16",   "residual_blocks=1", "codes=32",
          "code_dim=16", "stages=2",          NULL };
  static const char *const names[] = { "p.png", "p.jpg", "p.tif", "p.webp" };
  g_autoptr (AtlPicture) picture = make_picture (WIDTH, HEIGHT, 0);
  g_autofree char *library = NULL;

  *work = (Work){ .folder = g_dir_make_tmp ("atelier-robust-XXXXXX", NULL) };
  g_assert_nonnull (work->folder);
  work->pix2pix = make_model (work, "pix2pix.safetensors", "resnet_6", generator);
  library = g_build_filename (work->folder, "library", NULL);
  g_assert_cmpint (g_mkdir (library, 0700), ==, 0);
  g_setenv ("ATELIER_MODEL_PATH", library, TRUE);
  work->vqvae = make_model (work, "library/vqvae.safetensors", "vqvae", vqvae);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      work->pictures[i] = g_build_filename (work->folder, names[i], NULL);
      g_assert_true (atl_picture_save (picture, work->pictures[i], NULL));
    }
  make_pairs (work);
  work->pool = atl_pool_new (2);
}

void
work_clear (Work *work)
{
  atl_pool_free (work->pool);
  scratch_remove_tree (work->folder);
  for (guint i = 0; i < G_N_ELEMENTS (work->pictures); i++)
    g_free (work->pictures[i]);
  g_free (work->pix2pix);
  g_free (work->vqvae);
  g_free (work->pairs);
  g_free (work->folder);
}

gboolean
work_has_leftovers (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (folder, name, NULL);

      if (name[0] == '.')
        {
          g_test_message ("left over: %s", child);
          return TRUE;
        }
      if (g_file_test (child, G_FILE_TEST_IS_DIR) && work_has_leftovers (child))
        return TRUE;
    }
  return FALSE;
}

/* The jobs. */

static gboolean
open_and_save (Work *work, GError **error)
{
  g_autoptr (AtlModel) model = atl_model_open (work->pix2pix, error);
  g_autofree char *path
      = g_build_filename (work->folder, "saved.safetensors", NULL);

  return model != NULL && atl_model_save (model, path, TRUE, error);
}

static gboolean
create_and_export (Work *work, GError **error)
{
  g_autoptr (AtlModel) model = NULL;
  g_autofree char *path = g_build_filename (work->folder, "saved.onnx", NULL);
  AtlConfig config;

  if (!atl_config_init (&config, "unet_32", error)
      || !atl_config_set (&config, "ngf=8", error))
    return FALSE;
  model = atl_model_create (&config, 3, error);
  return model != NULL && atl_model_export_onnx (model, path, error);
}

/* In tiles, with the picture's own statistics. */
static gboolean
translate (Work *work, GError **error)
{
  g_autoptr (AtlModel) model = atl_model_open (work->pix2pix, error);
  g_autoptr (AtlPicture) in
      = model != NULL ? atl_picture_load (work->pictures[0], error) : NULL;
  g_autoptr (AtlPicture) out = NULL;
  g_autofree char *path = g_build_filename (work->folder, "translated.png", NULL);
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;

  if (in == NULL)
    return FALSE;
  options.tile = 64;
  options.statistics = 1;
  out = atl_apply_picture (model, work->pool, in, &options, NULL, error);
  return out != NULL && atl_picture_save (out, path, error);
}

static gboolean
roundtrip (Work *work, GError **error)
{
  g_autoptr (AtlModel) model = atl_model_open (work->vqvae, error);
  g_autoptr (AtlPicture) in
      = model != NULL ? atl_picture_load (work->pictures[2], error) : NULL;
  g_autoptr (AtlPicture) out
      = in != NULL ? atl_apply_picture (model, work->pool, in, NULL, NULL, error)
                   : NULL;
  AtlComparison comparison;

  return out != NULL
         && atl_compare_pictures (work->pool, in, out, NULL, &comparison, error);
}

/* The same picture, with transparency. */
static AtlPicture *
load_with_alpha (const char *path, GError **error)
{
  g_autoptr (AtlPicture) in = atl_picture_load (path, error);
  AtlPicture *out = in != NULL
                        ? atl_picture_new (in->width, in->height, in->channels,
                                           TRUE, in->depth, in->icc, error)
                        : NULL;

  for (int y = 0; out != NULL && y < in->height; y++)
    for (int x = 0; x < in->width; x++)
      {
        float pixel[4] = { 0, 0, 0, 0 };

        atl_picture_get (in, x, y, 1, 1, 3, pixel, 3, 3);
        pixel[3] = (float)((x * y) % 7) / 6;
        atl_picture_set (out, x, y, 1, 1, 4, pixel, 4, 4);
      }
  return out;
}

/* The model is looked for where it is known to be. */
static gboolean
compress (Work *work, GError **error)
{
  g_autoptr (AtlModel) model = atl_model_open (work->vqvae, error);
  g_autoptr (AtlPicture) in
      = model != NULL ? load_with_alpha (work->pictures[0], error) : NULL;
  g_autoptr (AtlModel) found = NULL;
  g_autofree char *path = g_build_filename (work->folder, "compressed.vqi", NULL);
  AtlVqiOptions options = ATL_VQI_DEFAULTS;
  g_autoptr (AtlVqi) made = NULL;
  g_autoptr (AtlVqi) read = NULL;
  g_autoptr (AtlPicture) out = NULL;

  if (in != NULL)
    made = atl_vqi_encode_picture (model, work->pool, in, &options, NULL, error);
  if (made != NULL && atl_vqi_save (made, path, error))
    read = atl_vqi_open (path, error);
  if (read != NULL)
    found = atl_vqi_find_model (read, error);
  if (found != NULL)
    out = atl_vqi_decode (read, found, work->pool, 0, 0, NULL, error);
  return out != NULL;
}

/* Its codes' tables learned anew; then a file of them. */
static gboolean
prime (Work *work, GError **error)
{
  g_autoptr (AtlModel) model = atl_model_open (work->vqvae, error);
  g_autoptr (AtlPicture) in
      = model != NULL ? atl_picture_load (work->pictures[0], error) : NULL;
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  AtlPrimeOptions options = { 16, 1 };
  AtlVqiOptions how = ATL_VQI_DEFAULTS;
  g_autoptr (AtlVqi) vqi = NULL;
  g_autoptr (AtlPicture) small = NULL;
  g_autoptr (AtlModel) again = NULL;
  g_autofree char *path
      = g_build_filename (work->folder, "primed.safetensors", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (work->pictures); i++)
    g_ptr_array_add (paths, work->pictures[i]);
  if (in == NULL
      || !atl_prime_model (model, work->pool, paths, 4, &options, NULL, error))
    return FALSE;
  if (!atl_model_save (model, path, TRUE, error))
    return FALSE;
  again = atl_model_open (path, error);
  if (again == NULL)
    return FALSE;
  vqi = atl_vqi_encode_picture (again, work->pool, in, &how, NULL, error);
  if (vqi != NULL)
    small = atl_vqi_thumbnail (vqi, again, work->pool, 16, NULL, error);
  return small != NULL;
}

static gboolean
load_and_save_pictures (Work *work, GError **error)
{
  static const char *const names[] = { "s.png", "s.jpg", "s.tif", "s.webp" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (AtlPicture) picture = atl_picture_load (work->pictures[i], error);
      g_autofree char *path = g_build_filename (work->folder, names[i], NULL);

      if (picture == NULL || !atl_picture_save (picture, path, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
align (Work *work, GError **error)
{
  g_autofree char *a = g_build_filename (work->pairs, "A", "0.png", NULL);
  g_autofree char *b = g_build_filename (work->pairs, "B", "0.png", NULL);
  char name[] = "0.png";
  AtlPair pair = { .name = name,
                   .name_b = name,
                   .path_a = a,
                   .path_b = b,
                   .width = 48,
                   .height = 48,
                   .region = { 0, 0, 48, 48 } };
  AtlAlignment alignment;

  return atl_alignment_look (&pair, &alignment, error);
}

static gboolean
train (Work *work, AtlTrainKind kind, const char *const *keys, GError **error)
{
  AtlTrainSettings *settings = atl_train_settings_new (kind, "quick", NULL, error);
  g_autoptr (AtlTrainer) trainer = NULL;
  AtlTrainResult result;

  if (settings == NULL)
    return FALSE;
  for (; *keys != NULL; keys++)
    g_assert_true (atl_train_settings_set (settings, *keys, NULL));
  settings->folder = g_strdup (work->pairs);
  settings->output = g_build_filename (work->folder, "trained.safetensors", NULL);
  settings->steps = 3;
  settings->measure_steps = 2;
  settings->checkpoint_seconds = 0;
  settings->threads = 2;
  trainer = atl_trainer_new (settings, NULL, NULL, NULL, error);
  return trainer != NULL && atl_trainer_run (trainer, &result, error);
}

static gboolean
train_pix2pix (Work *work, GError **error)
{
  static const char *const keys[]
      = { "ngf=4", "ndf=4", "size=32", "batch=1", "load_threads=1", NULL };

  return train (work, ATL_TRAIN_PIX2PIX, keys, error);
}

static gboolean
train_vqvae (Work *work, GError **error)
{
  static const char *const keys[]
      = { "hidden=16", "residual_blocks=1", "codes=16",       "code_dim=8",
          "stages=2",  "unquantised=1",     "size=32",        "batch=1",
          "patch=1",   "linear_skip=no",    "load_threads=1", NULL };

  return train (work, ATL_TRAIN_VQVAE, keys, error);
}

/* Codebooks by gradient, dead entries, fewer stages, damaged pictures. */
static gboolean
train_vqvae_otherwise (Work *work, GError **error)
{
  static const char *const keys[]
      = { "hidden=16",      "residual_blocks=1", "codes=64",
          "code_dim=32",    "stages=2",          "unquantised=0",
          "size=32",        "batch=2",           "patch=1",
          "linear_skip=no", "codebook=gradient", "dead=1",
          "kmeans=no",      "stage_dropout=yes", "rate_to=0.03",
          "ms_ssim=0.5",    "load_threads=1",    NULL };

  return train (work, ATL_TRAIN_VQVAE, keys, error);
}

const WorkEntry work_entries[] = {
  { "open-and-save", open_and_save },
  { "create-and-export", create_and_export },
  { "translate", translate },
  { "roundtrip", roundtrip },
  { "compress", compress },
  { "prime", prime },
  { "load-and-save-pictures", load_and_save_pictures },
  { "align", align },
  { "train-pix2pix", train_pix2pix },
  { "train-vqvae", train_vqvae },
  { "train-vqvae-otherwise", train_vqvae_otherwise },
  { NULL, NULL },
};
