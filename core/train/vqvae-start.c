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

/* Floats of one batch's vectors, and how many batches the ring holds. */
static gsize
ring_size (const AtlVqvae *self, guint64 *n_batches)
{
  AtlShape z = shape_of_z (self);
  gsize vectors = (gsize)z.n * (gsize)z.h * (gsize)z.w;
  gsize wanted = (gsize)self->quantisers[0].k * VECTORS_PER_CODE;
  gsize all = vectors * (gsize)atl_collective_n_ranks (self->method.collective);

  *n_batches = CLAMP ((wanted + all - 1) / all, 1, MAX_KEPT_BATCHES);
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

void
atl_vqvae_keep_vectors (AtlVqvae *self, AtlView z)
{
  guint64 n_batches;
  gsize batch = ring_size (self, &n_batches);
  float *out = self->kept + (gsize)(self->n_kept++ % n_batches) * batch;

  atl_view_copy (self->method.pool, atl_view_dense (out, z.shape), 0, z, 0,
                 z.shape.c);
}

/* vectors[n_parts][part] of this process -> the same of all, in the order that
 * one process alone would have them.  Free with atl_free. */
static float *
gather (const AtlVqvae *self, const float *vectors, gsize part, gsize n_parts,
        GError **error)
{
  gsize ranks = (gsize)atl_collective_n_ranks (self->method.collective);
  gsize rank = (gsize)atl_collective_rank (self->method.collective);
  float *all = atl_try_alloc0 (part * n_parts * ranks, sizeof (float),
                               "the k-means start", error);

  if (!all)
    return NULL;
  for (gsize i = 0; i < n_parts; i++)
    memcpy (all + (i * ranks + rank) * part, vectors + i * part,
            part * sizeof (float));
  atl_collective_sum_floats (self->method.collective, all, part * n_parts * ranks);
  return all;
}

static gboolean
start_codebook (AtlVqvae *self, int q, const float *vectors, gsize part,
                gsize n_parts, GError **error)
{
  AtlCodebook *codebook = self->quantisers[q].codebook;
  float *all = gather (self, vectors, part, n_parts, error);
  gsize n = part * n_parts * (gsize)atl_collective_n_ranks (self->method.collective)
            / (gsize)atl_codebook_get_dim (codebook);
  gboolean ok = all && atl_codebook_start (codebook, all, n, error);

  atl_free (all);
  return ok;
}

/* From the batch itself: the levels one after the other, for each depends on
 * the codes of those above it. */
static gboolean
start_from_batch (AtlVqvae *self, int q, AtlView x, GError **error)
{
  AtlPlan *plan
      = new_plan (self, self->input, x.shape, self->quantisers[q].z, FALSE, error);
  AtlView z;
  float *dense;
  gsize n;
  gboolean ok = plan != NULL;

  if (!ok)
    return FALSE;
  atl_view_copy (self->method.pool, atl_plan_get_value (plan, self->input), 0, x, 0,
                 x.shape.c);
  ok = atl_plan_forward (plan, 0, NULL, error);
  z = atl_plan_get_value (plan, self->quantisers[q].z);
  n = (gsize)z.shape.n * (gsize)z.shape.h * (gsize)z.shape.w * (gsize)z.shape.c;
  dense = ok ? atl_try_alloc (n, sizeof (float), "the k-means start", error) : NULL;
  if (dense)
    atl_view_copy (self->method.pool, atl_view_dense (dense, z.shape), 0, z, 0,
                   z.shape.c);
  ok = dense && start_codebook (self, q, dense, n, 1, error);
  atl_free (dense);
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
    ok = start_codebook (self, 0, self->kept, batch, MIN (self->n_kept, n_batches),
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
static void
set_skip (AtlModel *model, int dim, int n, const double *mean,
          const double *components, const double *variances)
{
  float *encode = g_new0 (float, (gsize)n *(gsize)dim);
  float *decode = g_new0 (float, (gsize)n *(gsize)dim);
  float *shift = g_new0 (float, MAX (n, dim));
  int kept = MIN (n, dim);
  double total = 0, deviation;

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
  g_free (encode);
  g_free (decode);
  g_free (shift);
}

gboolean
atl_vqvae_start (AtlMethod *method, const float *input, int n_pictures,
                 GError **error)
{
  AtlVqvae *self = (AtlVqvae *)method;
  const AtlConfig *config = atl_model_get_config (method->model);
  AtlShape shape = method->input;
  int dim = shape.c * config->downsample * config->downsample;
  double *mean, *components, *variances;
  gboolean ok;

  if (!config->linear_skip || !self->settings.pca
      || config->input_channels != config->output_channels)
    return TRUE;
  mean = g_new (double, dim);
  variances = g_new (double, dim);
  components
      = dim <= ATL_PCA_MAX_DIM ? g_new (double, (gsize)dim *(gsize)dim) : NULL;
  ok = atl_pca (method->pool, input, n_pictures, shape.h, shape.w, shape.c,
                config->downsample, mean, components, variances, error);
  if (ok)
    {
      set_skip (method->model, dim, config->code_dim, mean, components, variances);
      atl_optimiser_reset_average (self->learner.optimiser);
    }
  g_free (mean);
  g_free (components);
  g_free (variances);
  return ok;
}
