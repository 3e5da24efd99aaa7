/* How a VQ-VAE's training starts: its plans, principal components for the
 * linear skip, and k-means for the codebooks.  See vqvae.h.
 */

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "train/pca.h"
#include "train/vqvae-private.h"

#define VECTORS_PER_CODE 32 /* kept for k-means */
#define MAX_KEPT_BATCHES 64

static AtlPlan *
new_plan (AtlVqvae *self, int from, AtlShape shape, int to,
          gboolean input_gradients, GError **error)
{
  AtlPlanOptions options = { .training = TRUE, .input_gradients = input_gradients };

  atl_learner_plan_options (self->method.collective, &options);
  return atl_learner_plan (self->method.model, self->method.pool, from, shape, to,
                           &options, error);
}

gboolean
atl_vqvae_need_plan (AtlVqvae *self, GError **error)
{
  if (self->plan)
    return TRUE;
  g_clear_pointer (&self->encoder, atl_plan_free);
  g_clear_pointer (&self->decoder, atl_plan_free);
  self->plan = new_plan (self, self->input, self->method.input, self->output, FALSE,
                         error);
  if (!self->plan)
    return FALSE;
  for (int q = 0; q < self->n_quantisers; q++)
    atl_plan_set_commitment (self->plan, self->quantisers[q].node,
                             (float)(self->settings.beta * self->share), FALSE);
  return TRUE;
}

static AtlShape
shape_of_z (const AtlVqvae *self)
{
  AtlShape shape = self->method.input;
  int factor = atl_model_get_config (self->method.model)->downsample;

  shape.h /= factor;
  shape.w /= factor;
  shape.c
      = atl_codebook_get_dim (self->quantisers[self->n_quantisers - 1].codebook);
  return shape;
}

gboolean
atl_vqvae_need_halves (AtlVqvae *self, GError **error)
{
  const Quantiser *quantiser = &self->quantisers[0];

  if (!atl_vqvae_need_vectors (self, error))
    return FALSE;
  if (!self->encoder)
    self->encoder = new_plan (self, self->input, self->method.input, quantiser->z,
                              FALSE, error);
  if (self->encoder && !self->decoder)
    self->decoder = new_plan (self, quantiser->node, shape_of_z (self),
                              self->output, TRUE, error);
  return self->decoder != NULL;
}

/* Floats of a whole batch's vectors (of all processes), and how many batches the
 * ring holds. */
static gsize
ring_size (const AtlVqvae *self, guint64 *n_batches)
{
  AtlShape z = shape_of_z (self);
  gsize ranks = (gsize)atl_collective_n_ranks (self->method.collective);
  gsize vectors = (gsize)z.n * (gsize)z.h * (gsize)z.w * ranks;
  gsize wanted = (gsize)self->quantisers[0].k * VECTORS_PER_CODE;

  *n_batches = CLAMP ((wanted + vectors - 1) / vectors, 1, MAX_KEPT_BATCHES);
  return vectors * (gsize)z.c;
}

gboolean
atl_vqvae_need_vectors (AtlVqvae *self, GError **error)
{
  guint64 n_batches;
  gsize batch = ring_size (self, &n_batches);

  if (self->kept)
    return TRUE;
  self->n_kept_floats = batch * (gsize)n_batches;
  self->kept = atl_try_alloc0 (self->n_kept_floats, sizeof (float),
                               "the k-means start", error);
  return self->kept != NULL;
}

/* This process's vectors to their place among all, in the order that one process
 * alone would have them: what is kept does not depend on the processes. */
static void
gather (const AtlVqvae *self, AtlView z, float *all, gsize n_all)
{
  gsize ranks = (gsize)atl_collective_n_ranks (self->method.collective);
  gsize rank = (gsize)atl_collective_rank (self->method.collective);

  memset (all, 0, n_all * sizeof (float));
  atl_view_copy (self->method.pool,
                 atl_view_dense (all + n_all / ranks * rank, z.shape), 0, z, 0,
                 z.shape.c);
  atl_collective_sum_floats (self->method.collective, all, n_all);
}

void
atl_vqvae_keep_vectors (AtlVqvae *self, AtlView z)
{
  guint64 n_batches;
  gsize batch = ring_size (self, &n_batches);

  gather (self, z, self->kept + (gsize)(self->n_kept++ % n_batches) * batch, batch);
}

/* From the batch itself: the levels one after the other, for each depends on
 * the codes of those above it. */
static gboolean
start_from_batch (AtlVqvae *self, int q, AtlView x, GError **error)
{
  AtlPlan *plan
      = new_plan (self, self->input, x.shape, self->quantisers[q].z, FALSE, error);
  gsize ranks = (gsize)atl_collective_n_ranks (self->method.collective), n;
  float *all = NULL;
  AtlView z;
  gboolean ok = plan != NULL;

  if (!ok)
    return FALSE;
  atl_view_copy (self->method.pool, atl_plan_get_value (plan, self->input), 0, x, 0,
                 x.shape.c);
  ok = atl_plan_forward (plan, 0, NULL, error);
  z = atl_plan_get_value (plan, self->quantisers[q].z);
  n = (gsize)z.shape.n * (gsize)z.shape.h * (gsize)z.shape.w * ranks;
  if (ok)
    all = atl_try_alloc (n * (gsize)z.shape.c, sizeof (float), "the k-means start",
                         error);
  if (all)
    gather (self, z, all, n * (gsize)z.shape.c);
  ok = all && atl_codebook_start (self->quantisers[q].codebook, all, n, error);
  atl_free (all);
  atl_plan_free (plan);
  return ok;
}

gboolean
atl_vqvae_start_codebooks (AtlVqvae *self, AtlView x, GError **error)
{
  guint64 n_batches;
  gsize batch = ring_size (self, &n_batches);
  gboolean ok = TRUE;

  if (self->n_kept > 0)
    ok = atl_codebook_start (self->quantisers[0].codebook, self->kept,
                             (gsize)MIN (self->n_kept, n_batches) * batch
                                 / (gsize)shape_of_z (self).c,
                             error);
  else
    for (int q = 0; ok && q < self->n_quantisers; q++)
      ok = start_from_batch (self, q, x, error);
  g_clear_pointer (&self->kept, atl_free);
  self->n_kept = 0;
  return ok;
}

static void
set_parameter (AtlModel *model, const char *name, const float *values)
{
  const AtlGraph *graph = atl_model_get_graph (model);

  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    if (strcmp (atl_graph_get_parameter (graph, i)->name, name) == 0)
      atl_weights_set (atl_model_get_weights (model), i, values);
}

/* skip.encode: components / deviation; skip.decode: the transpose. */
static gboolean
set_skip (AtlModel *model, int dim, int n, const double *mean,
          const double *components, const double *variances, GError **error)
{
  gsize size = (gsize)n * (gsize)dim;
  atl_autofree float *encode
      = atl_try_alloc0 (2 * size + (gsize)MAX (n, dim), sizeof *encode,
                        "principal components", error);
  float *decode = encode + size, *shift = decode + size;
  int kept = MIN (n, dim);
  double total = 0, deviation;

  if (!encode)
    return FALSE;
  for (int i = 0; i < kept; i++)
    total += variances[i];
  deviation = sqrt (MAX (total / n, 1e-8));
  for (int i = 0; i < kept; i++)
    {
      double along = 0;

      for (int j = 0; j < dim; j++)
        {
          double v = components[(gsize)i * dim + j];

          along += v * mean[j];
          encode[(gsize)i * dim + j] = (float)(v / deviation);
          decode[(gsize)j * n + i] = (float)(v * deviation);
        }
      shift[i] = (float)(-along / deviation);
    }
  set_parameter (model, "skip.encode.weight", encode);
  set_parameter (model, "skip.decode.weight", decode);
  set_parameter (model, "skip.encode.bias", shift);
  for (int j = 0; j < dim; j++)
    shift[j] = (float)mean[j];
  set_parameter (model, "skip.decode.bias", shift);
  atl_weights_changed (atl_model_get_weights (model));
  return TRUE;
}

gboolean
atl_vqvae_start (AtlMethod *method, const float *input, int n_pictures,
                 GError **error)
{
  AtlVqvae *self = (AtlVqvae *)method;
  const AtlConfig *config = atl_model_get_config (method->model);
  AtlShape shape = method->input;
  int dim = shape.c * config->downsample * config->downsample;
  gsize n = (gsize)MIN (dim, ATL_PCA_MAX_DIM); /* more are refused */
  atl_autofree double *mean = NULL;
  double *variances, *components;

  if (!config->linear_skip || !self->settings.pca
      || config->input_channels != config->output_channels)
    return TRUE;
  mean = atl_try_alloc (n * (2 + n), sizeof *mean, "principal components", error);
  if (!mean)
    return FALSE;
  variances = mean + n;
  components = variances + n;
  if (!atl_pca (method->pool, input, n_pictures, shape.h, shape.w, shape.c,
                config->downsample, mean, components, variances, error)
      || !set_skip (method->model, dim, config->code_dim, mean, components,
                    variances, error))
    return FALSE;
  atl_optimiser_reset_average (self->learner.optimiser);
  return TRUE;
}
