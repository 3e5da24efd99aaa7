/* What test-training.py and the benchmarks drive: the two trainers on batches
 * that a file gives, and the losses on tensors of a file.
 *
 *   training-tool pix2pix GENERATOR DISCRIMINATOR BATCHES OUT [KEY=VALUE...]
 *   training-tool vqvae   MODEL     -             BATCHES OUT [KEY=VALUE...]
 *   training-tool losses  IN OUT
 *
 * BATCHES holds "input" and "target", steps x N x H x W x C.  OUT gets "figures"
 * (steps x figures, named on standard output), OUT.model the trained model.
 * IN of `losses` holds "prediction" and "target", N x H x W x C; OUT gets, for
 * each loss, NAME (1) and NAME.gradient.
 */

#include <string.h>

#include "files/safetensors.h"
#include "train/settings.h"

static const AtlTensor *
need (const AtlTensorSet *set, const char *name, int n_dims)
{
  const AtlTensor *tensor = atl_tensor_set_lookup (set, name);

  if (!tensor || tensor->type != ATL_TYPE_F32 || tensor->n_dims != n_dims)
    g_error ("the file has no \"%s\" of %d dimensions", name, n_dims);
  return tensor;
}

static float *
floats_of (const AtlTensor *tensor)
{
  gsize n = tensor->size / sizeof (float);
  float *data = g_new (float, n);

  atl_tensor_to_float (tensor, 0, n, data);
  return data;
}

static void
add (AtlTensorSet *set, const char *name, int n_dims, const gint64 *dims,
     const float *data)
{
  gsize size
      = (gsize)atl_tensor_n_elements (n_dims, dims, ATL_TYPE_F32) * sizeof (float);
  GBytes *bytes = g_bytes_new (data, size);

  atl_tensor_set_add (set, name, ATL_TYPE_F32, n_dims, dims,
                      g_bytes_get_data (bytes, NULL), bytes);
  g_bytes_unref (bytes);
}

static AtlModel *
open_model (const char *path, GError **error)
{
  AtlModel *model = atl_model_open (path, error);

  if (!model)
    g_error ("%s", (*error)->message);
  return model;
}

static void
train_on (AtlMethod *method, const AtlTensorSet *batches, const char *out)
{
  const AtlTensor *x = need (batches, "input", 5), *t = need (batches, "target", 5);
  g_autofree float *input = floats_of (x), *target = floats_of (t);
  g_autoptr (AtlTensorSet) set = atl_tensor_set_new ();
  g_autofree char *model_path = g_strconcat (out, ".model", NULL);
  gint64 dims[] = { x->dims[0], method->class->n_figures };
  gsize in_batch = x->size / sizeof (float) / (gsize)x->dims[0];
  gsize out_batch = t->size / sizeof (float) / (gsize)t->dims[0];
  g_autofree float *figures = g_new0 (float, dims[0] * dims[1]);
  GError *error = NULL;

  for (gint64 step = 0; step < dims[0]; step++)
    {
      double values[ATL_MAX_FIGURES];

      if (!method->class->step (method, (guint64)step,
                                input + (gsize)step * in_batch,
                                target + (gsize)step * out_batch, values, &error))
        g_error ("%s", error->message);
      for (gint64 i = 0; i < dims[1]; i++)
        figures[step * dims[1] + i] = (float)values[i];
    }
  for (int i = 0; i < method->class->n_figures; i++)
    g_print ("%s\n", method->class->figures[i]);
  add (set, "figures", 2, dims, figures);
  if (!atl_safetensors_write (out, set, NULL, &error)
      || !atl_model_save (method->model, model_path, FALSE, &error))
    g_error ("%s", error->message);
}

static void
train (AtlTrainKind kind, int argc, char **argv)
{
  GError *error = NULL;
  AtlModel *model = open_model (argv[0], &error), *discriminator = NULL;
  g_autoptr (AtlTensorSet) batches = atl_safetensors_read (argv[2], NULL, &error);
  g_autoptr (AtlTrainSettings) s = atl_train_settings_new (
      kind, "standard", atl_config_arch_name (atl_model_get_config (model)),
      &error);
  AtlPool *pool = atl_pool_new (0);
  AtlMethod *method;
  const AtlTensor *x;

  if (!batches || !s)
    g_error ("%s", error->message);
  for (int i = 4; i < argc; i++)
    if (!atl_train_settings_set (s, argv[i], &error))
      g_error ("%s", error->message);
  x = need (batches, "input", 5);
  if (kind == ATL_TRAIN_PIX2PIX)
    {
      AtlPix2pixSettings settings = atl_train_settings_pix2pix (s);

      discriminator = open_model (argv[1], &error);
      method
          = atl_pix2pix_new (model, discriminator, pool, &settings, (int)x->dims[1],
                             (int)x->dims[2], (int)x->dims[3], NULL, &error);
    }
  else
    {
      AtlVqvaeSettings settings = atl_train_settings_vqvae (s);

      method = atl_vqvae_new (model, pool, &settings, (int)x->dims[1],
                              (int)x->dims[2], (int)x->dims[3], NULL, &error);
    }
  if (!method)
    g_error ("%s", error->message);
  train_on (method, batches, argv[3]);
  atl_method_free (method);
  atl_model_free (model);
  atl_model_free (discriminator);
  atl_pool_free (pool);
}

static void
add_loss (AtlTensorSet *set, const char *name, double value, AtlView gradient)
{
  gint64 one = 1;
  gint64 dims[]
      = { gradient.shape.n, gradient.shape.h, gradient.shape.w, gradient.shape.c };
  float single = (float)value;
  g_autofree char *gradient_name = g_strconcat (name, ".gradient", NULL);

  add (set, name, 1, &one, &single);
  add (set, gradient_name, 4, dims, gradient.data);
}

static void
losses (const char *in, const char *out)
{
  static const char *const gans[] = { "vanilla", "lsgan", "hinge" };
  static const char *const roles[] = { "real", "fake", "generator" };
  GError *error = NULL;
  g_autoptr (AtlTensorSet) given = atl_safetensors_read (in, NULL, &error);
  g_autoptr (AtlTensorSet) set = atl_tensor_set_new ();
  const AtlTensor *tensor = need (given, "prediction", 4);
  g_autofree float *x = floats_of (tensor),
                   *t = floats_of (need (given, "target", 4));
  g_autofree float *d = g_new0 (float, tensor->size / sizeof (float));
  AtlShape shape = { (int)tensor->dims[0], (int)tensor->dims[1],
                     (int)tensor->dims[2], (int)tensor->dims[3] };
  AtlView prediction = atl_view_dense (x, shape),
          target = atl_view_dense (t, shape);
  AtlView gradient = atl_view_dense (d, shape);
  AtlPool *pool = atl_pool_new (2);
  double value;

  value = atl_loss_l1 (pool, prediction, target, 1, gradient, FALSE);
  add_loss (set, "l1", value, gradient);
  value = atl_loss_l2 (pool, prediction, target, 1, gradient, FALSE);
  add_loss (set, "l2", value, gradient);
  for (int g = 0; g < 3; g++)
    for (int r = 0; r < 3; r++)
      {
        g_autofree char *name = g_strdup_printf ("%s.%s", gans[g], roles[r]);

        value = atl_loss_gan (pool, (AtlGan)g, (AtlGanRole)r, prediction, 1,
                              gradient, FALSE);
        add_loss (set, name, value, gradient);
      }
  if (!atl_loss_ms_ssim (pool, prediction, target, 1, gradient, FALSE, &value,
                         &error))
    g_error ("%s", error->message);
  add_loss (set, "ms_ssim", value, gradient);
  if (!atl_safetensors_write (out, set, NULL, &error))
    g_error ("%s", error->message);
  atl_pool_free (pool);
}

int
main (int argc, char **argv)
{
  if (argc >= 6 && strcmp (argv[1], "pix2pix") == 0)
    train (ATL_TRAIN_PIX2PIX, argc - 2, argv + 2);
  else if (argc >= 6 && strcmp (argv[1], "vqvae") == 0)
    train (ATL_TRAIN_VQVAE, argc - 2, argv + 2);
  else if (argc == 4 && strcmp (argv[1], "losses") == 0)
    losses (argv[2], argv[3]);
  else
    g_error ("see the comment at the top of training-tool.c");
  return 0;
}
