/* See vqvae.h.  The start from principal components and k-means is in
 * vqvae-start.c. */

#include "train/vqvae.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/vqvae-private.h"

#define WHAT "the codebook" /* for messages */
#define STREAM_STAGES 0x73746167ull
#define STREAM_RATE 0x72617465ull

static const char *const figures[ATL_VQVAE_N_FIGURES] = {
  "reconstruction", "commitment", "ms_ssim", "perplexity", "usage", "revived"
};

static const char *const quantiser_names[] = { "quantise_top", "quantise" };
static const char *const z_names[] = { "z_top", "z" };

/* How many stages each image uses, of the whole batch's images this process's
 * part. */
static void
draw_stages (AtlVqvae *self, guint64 step, int q)
{
  int rank = atl_collective_rank (self->method.collective);
  int stages = atl_codebook_get_stages (self->quantisers[q].codebook);
  int n = self->method.input.n;
  AtlRandom random;

  atl_random_init (&random, self->settings.seed,
                   STREAM_STAGES + ((guint64)q << 32) + (step << 34));
  for (int i = 0; i < rank * n; i++)
    atl_random_below (&random, (guint32)stages);
  for (int i = 0; i < n; i++)
    self->used[i] = 1 + (int)atl_random_below (&random, (guint32)stages);
  memcpy (self->quantisers[q].used, self->used, (gsize)n * sizeof (int));
  atl_plan_set_stages_used (self->plan, self->quantisers[q].node, self->used);
}

static void
set_costs (AtlVqvae *self, guint64 step, int q)
{
  Quantiser *quantiser = &self->quantisers[q];
  AtlRandom random;
  double lambda;

  atl_random_init (&random, self->settings.seed,
                   STREAM_RATE + ((guint64)q << 32) + (step << 34));
  lambda = self->settings.rate_from
           + (self->settings.rate_to - self->settings.rate_from)
                 * (double)atl_random_uniform (&random);
  for (int s = 0; s < atl_codebook_get_stages (quantiser->codebook); s++)
    {
      atl_codebook_get_bits (quantiser->codebook, s, quantiser->costs);
      for (int i = 0; i < quantiser->k; i++)
        quantiser->costs[i]
            *= (float)(lambda * atl_codebook_get_scale (quantiser->codebook, s));
      atl_plan_set_code_costs (self->plan, quantiser->node, s, quantiser->costs);
    }
}

static gboolean
uses_stage_dropout (const AtlVqvae *self, int q)
{
  return self->settings.stage_dropout
         && atl_codebook_get_stages (self->quantisers[q].codebook) > 1;
}

/* Writes the gradient by the reconstruction. */
static gboolean
reconstruction_loss (AtlVqvae *self, AtlPlan *plan, AtlView target, double *out,
                     GError **error)
{
  AtlPool *pool = self->method.pool;
  AtlView made = atl_plan_get_value (plan, self->output);
  AtlView gradient = atl_plan_get_gradient (plan, self->output);

  out[ATL_VQVAE_RECONSTRUCTION] = (self->settings.l1 ? atl_loss_l1 : atl_loss_l2) (
      pool, made, target, self->share, gradient, FALSE);
  return self->settings.ms_ssim == 0
         || atl_loss_ms_ssim (pool, made, target,
                              self->settings.ms_ssim * self->share, gradient, TRUE,
                              &out[ATL_VQVAE_MS_SSIM], error);
}

static double
factor_at (const AtlVqvae *self, guint64 step)
{
  const AtlVqvaeSettings *s = &self->settings;

  return atl_schedule_factor (s->schedule, step, s->steps, s->warmup);
}

static gboolean
step_unquantised (AtlVqvae *self, guint64 step, AtlView x, AtlView t, double *out,
                  GError **error)
{
  AtlPool *pool = self->method.pool;
  int z = self->quantisers[0].z, e = self->quantisers[0].node;
  AtlView z_value, e_value;

  if (!atl_vqvae_need_halves (self, error))
    return FALSE;
  atl_view_copy (pool, atl_plan_get_value (self->encoder, self->input), 0, x, 0,
                 x.shape.c);
  if (!atl_plan_forward (self->encoder, 0, NULL, error))
    return FALSE;
  z_value = atl_plan_get_value (self->encoder, z);
  e_value = atl_plan_get_value (self->decoder, e);
  atl_view_copy (pool, e_value, 0, z_value, 0, z_value.shape.c);
  atl_vqvae_keep_vectors (self, z_value);
  if (!atl_plan_forward (self->decoder, 0, NULL, error)
      || !reconstruction_loss (self, self->decoder, t, out, error)
      || !atl_plan_backward (self->decoder, FALSE, NULL, error))
    return FALSE;
  atl_view_copy (pool, atl_plan_get_gradient (self->encoder, z), 0,
                 atl_plan_get_gradient (self->decoder, e), 0, z_value.shape.c);
  if (!atl_plan_backward (self->encoder, FALSE, NULL, error))
    return FALSE;
  atl_learner_step (&self->learner, self->method.collective,
                    factor_at (self, step));
  return TRUE;
}

static gboolean
observe_codes (AtlVqvae *self, double *out, GError **error)
{
  for (int q = 0; q < self->n_quantisers; q++)
    {
      Quantiser *quantiser = &self->quantisers[q];
      double distance;

      if (!atl_codebook_observe (
              quantiser->codebook, atl_plan_get_value (self->plan, quantiser->z),
              atl_plan_get_codes (self->plan, quantiser->node),
              uses_stage_dropout (self, q) ? quantiser->used : NULL, &distance,
              error))
        return FALSE;
      out[ATL_VQVAE_COMMITMENT] += distance;
    }
  return TRUE;
}

static void
move_codebooks (AtlVqvae *self, guint64 step, double *out)
{
  const AtlVqvaeSettings *s = &self->settings;
  gboolean revive = (double)step < s->revive_until * (double)s->steps;

  for (int q = 0; q < self->n_quantisers; q++)
    {
      AtlCodebook *codebook = self->quantisers[q].codebook;

      out[ATL_VQVAE_REVIVED]
          += atl_codebook_move (codebook, step, factor_at (self, step), revive);
      out[ATL_VQVAE_PERPLEXITY]
          += atl_codebook_get_perplexity (codebook) / self->n_quantisers;
      out[ATL_VQVAE_USAGE]
          += atl_codebook_get_usage (codebook, step) / self->n_quantisers;
    }
}

static gboolean
step_quantised (AtlVqvae *self, guint64 step, AtlView x, AtlView t, double *out,
                GError **error)
{
  const AtlVqvaeSettings *s = &self->settings;

  if (!atl_vqvae_need_plan (self, error))
    return FALSE;
  for (int q = 0; q < self->n_quantisers; q++)
    {
      if (uses_stage_dropout (self, q))
        draw_stages (self, step, q);
      if (s->rate_to > 0)
        set_costs (self, step, q);
    }
  atl_view_copy (self->method.pool, atl_plan_get_value (self->plan, self->input), 0,
                 x, 0, x.shape.c);
  if (!atl_plan_forward (self->plan, 0, NULL, error)
      || !reconstruction_loss (self, self->plan, t, out, error)
      || !observe_codes (self, out, error)
      || !atl_plan_backward (self->plan, FALSE, NULL, error))
    return FALSE;
  move_codebooks (self, step, out);
  atl_learner_step (&self->learner, self->method.collective,
                    factor_at (self, step));
  return TRUE;
}

static gboolean
vqvae_step (AtlMethod *method, guint64 step, const float *input,
            const float *target, double *out, GError **error)
{
  AtlVqvae *self = (AtlVqvae *)method;
  AtlView x = atl_view_dense ((float *)input, method->input);
  AtlView t = atl_view_dense ((float *)target, method->target);
  gboolean ok;

  memset (out, 0, ATL_VQVAE_N_FIGURES * sizeof *out);
  if (self->settings.kmeans && step == self->settings.unquantised
      && !atl_vqvae_start_codebooks (self, x, error))
    return FALSE;
  if (self->settings.kmeans && step < self->settings.unquantised)
    ok = step_unquantised (self, step, x, t, out, error);
  else
    ok = step_quantised (self, step, x, t, out, error);
  if (!ok)
    return FALSE;

  /* The codebook's figures are the same everywhere already. */
  for (int i = ATL_VQVAE_RECONSTRUCTION; i <= ATL_VQVAE_MS_SSIM; i++)
    out[i] *= self->share;
  atl_collective_sum_doubles (method->collective, out, ATL_VQVAE_MS_SSIM + 1);
  return TRUE;
}

static void
vqvae_save (AtlMethod *method, AtlCheckpoint *checkpoint)
{
  AtlVqvae *self = (AtlVqvae *)method;

  atl_learner_save (&self->learner, checkpoint);
  for (int q = 0; q < self->n_quantisers; q++)
    atl_codebook_save (self->quantisers[q].codebook, checkpoint);
  atl_training_checkpoint_set_number (checkpoint, "vectors.kept",
                                      (double)self->n_kept);
  if (self->n_kept > 0)
    atl_training_checkpoint_add_floats (checkpoint, "vectors", self->n_kept_floats,
                                        self->kept);
}

static gboolean
vqvae_load (AtlMethod *method, const AtlCheckpoint *checkpoint, GError **error)
{
  AtlVqvae *self = (AtlVqvae *)method;
  double n_kept;

  if (!atl_learner_load (&self->learner, checkpoint, error))
    return FALSE;
  for (int q = 0; q < self->n_quantisers; q++)
    if (!atl_codebook_load (self->quantisers[q].codebook, checkpoint, error))
      return FALSE;
  if (!atl_training_checkpoint_get_number (checkpoint, "vectors.kept", &n_kept,
                                           error))
    return FALSE;
  self->n_kept = (guint64)n_kept;
  if (self->n_kept == 0)
    return TRUE;
  return atl_vqvae_need_vectors (self, error)
         && atl_training_checkpoint_get_floats (
             checkpoint, "vectors", self->n_kept_floats, self->kept, error);
}

static void
vqvae_present (AtlMethod *method, gboolean presented)
{
  atl_optimiser_swap_average (((AtlVqvae *)method)->learner.optimiser);
}

static void
append_number (GString *json, int i, double value)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (json, "%s%s", i ? "," : "",
                          g_ascii_formatd (number, sizeof number, "%.6g", value));
}

/* "atelier.codes": { "scales": { "NODE": [...], ... },
 *                    "counts": { "NODE": [[...], ...], ... } }, a number or an
 * array of them a stage. */
static void
vqvae_annotate (AtlMethod *method)
{
  AtlVqvae *self = (AtlVqvae *)method;
  g_autoptr (GString) scales = g_string_new ("{\"scales\":{");
  g_autoptr (GString) counts = g_string_new ("},\"counts\":{");

  for (int q = 0; q < self->n_quantisers; q++)
    {
      Quantiser *quantiser = &self->quantisers[q];
      const AtlCodebook *codebook = quantiser->codebook;

      g_string_append_printf (scales, "%s\"%s\":[", q ? "," : "", quantiser->name);
      g_string_append_printf (counts, "%s\"%s\":[", q ? "," : "", quantiser->name);
      for (int s = 0; s < atl_codebook_get_stages (codebook); s++)
        {
          append_number (scales, s, atl_codebook_get_scale (codebook, s));
          g_string_append (counts, s ? ",[" : "[");
          for (int i = 0; i < quantiser->k; i++)
            append_number (counts, i, atl_codebook_get_counts (codebook, s)[i]);
          g_string_append_c (counts, ']');
        }
      g_string_append_c (scales, ']');
      g_string_append_c (counts, ']');
    }
  g_string_append_printf (scales, "%s}}", counts->str);
  atl_model_set_metadata (method->model, "atelier.codes", scales->str);
}

static gsize
vqvae_bytes (const AtlMethod *method)
{
  const AtlVqvae *self = (const AtlVqvae *)method;
  const AtlPlan *plans[] = { self->plan, self->encoder, self->decoder };
  gsize bytes = atl_optimiser_get_bytes (self->learner.optimiser);

  for (gsize i = 0; i < G_N_ELEMENTS (plans); i++)
    if (plans[i])
      bytes += atl_plan_get_bytes (plans[i]);
  return bytes;
}

static void
vqvae_free (AtlMethod *method)
{
  AtlVqvae *self = (AtlVqvae *)method;

  atl_plan_free (self->plan);
  atl_plan_free (self->encoder);
  atl_plan_free (self->decoder);
  atl_learner_clear (&self->learner);
  for (int q = 0; q < self->n_quantisers; q++)
    {
      atl_codebook_free (self->quantisers[q].codebook);
      atl_free (self->quantisers[q].costs);
      atl_free (self->quantisers[q].used);
    }
  atl_free (self->kept);
  atl_free (self->used);
  g_free (self);
}

static const AtlMethodClass vqvae_class = {
  .n_figures = ATL_VQVAE_N_FIGURES,
  .figures = figures,
  .start = atl_vqvae_start,
  .step = vqvae_step,
  .save = vqvae_save,
  .load = vqvae_load,
  .present = vqvae_present,
  .annotate = vqvae_annotate,
  .bytes = vqvae_bytes,
  .free = vqvae_free,
};

static gboolean
add_quantiser (AtlVqvae *self, int which, GError **error)
{
  const AtlGraph *graph = atl_model_get_graph (self->method.model);
  Quantiser *quantiser = &self->quantisers[self->n_quantisers];
  AtlCodebookSettings settings = self->settings.codebook;

  settings.zero_code = atl_model_get_config (self->method.model)->zero_code;
  settings.seed = self->settings.seed + (guint64)which;
  quantiser->name = quantiser_names[which];
  quantiser->node = atl_graph_find (graph, quantiser_names[which]);
  quantiser->z = atl_graph_find (graph, z_names[which]);
  quantiser->k = atl_graph_get_node (graph, quantiser->node)->codes;
  self->n_quantisers++;
  quantiser->costs = atl_try_alloc (quantiser->k, sizeof (float), WHAT, error);
  if (!quantiser->costs)
    return FALSE;
  quantiser->used
      = atl_try_alloc0 (self->method.input.n, sizeof (int), WHAT, error);
  if (!quantiser->used)
    return FALSE;
  quantiser->codebook
      = atl_codebook_new (self->method.model, quantiser->name, self->method.pool,
                          &settings, self->method.collective, error);
  return quantiser->codebook != NULL;
}

AtlMethod *
atl_vqvae_new (AtlModel *model, AtlPool *pool, const AtlVqvaeSettings *settings,
               int batch, int height, int width, const AtlCollective *collective,
               GError **error)
{
  AtlVqvae *self = g_new0 (AtlVqvae, 1);
  const AtlGraph *graph = atl_model_get_graph (model);
  gboolean two = atl_graph_find (graph, "z_top") >= 0;

  self->method.class = &vqvae_class;
  self->method.model = model;
  self->method.pool = pool;
  self->method.collective = collective;
  self->settings = *settings;
  if (two)
    self->settings.unquantised = 0;
  self->share = 1.0 / atl_collective_n_ranks (collective);
  self->input = atl_graph_find (graph, "input");
  self->output = atl_graph_find (graph, "output");
  self->method.input = (AtlShape){ batch, height, width,
                                   atl_graph_get_channels (graph, self->input) };
  self->method.target = (AtlShape){ batch, height, width,
                                    atl_graph_get_channels (graph, self->output) };
  self->used = atl_try_alloc0 (batch, sizeof (int), WHAT, error);
  if (self->used && (!two || add_quantiser (self, 0, error))
      && add_quantiser (self, 1, error)
      && atl_learner_init (&self->learner, "model", model, pool, &settings->adam,
                           error)
      && (settings->kmeans && self->settings.unquantised > 0
              ? atl_vqvae_need_halves (self, error)
              : atl_vqvae_need_plan (self, error)))
    return &self->method;
  vqvae_free (&self->method);
  return NULL;
}
