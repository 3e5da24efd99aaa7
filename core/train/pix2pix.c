/* See pix2pix.h. */

#include "train/pix2pix.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "train/learner.h"

#define WATCH_DECAY 0.98 /* of the average of the discriminator's loss */

typedef struct
{
  AtlMethod method;
  AtlPix2pixSettings settings;
  double share; /* of this process: 1 / processes */
  AtlLearner generator, discriminator;
  int g_input, g_output, d_input, d_output;
  AtlPlan *g, *d;
  double watched; /* average of the discriminator's loss */
  gboolean waiting;
} Pix2pix;

static const char *const figures[ATL_PIX2PIX_N_FIGURES]
    = { "L1", "G", "D_fake", "D_real", "D_waits" };

/* The pair (input, picture) through the discriminator.  picture_view: at its
 * first channel. */
static gboolean
discriminate (Pix2pix *self, AtlView input, AtlView picture, guint64 seed,
              GError **error)
{
  AtlView d = atl_plan_get_value (self->d, self->d_input);

  atl_view_copy (self->method.pool, d, 0, input, 0, input.shape.c);
  atl_view_copy (self->method.pool, d, input.shape.c, picture, 0, picture.shape.c);
  return atl_plan_forward (self->d, seed, NULL, error);
}

/* Half of the discriminator's step: it sees one of the two. */
static gboolean
judge (Pix2pix *self, AtlGanRole role, AtlView input, AtlView picture, guint64 seed,
       double *loss, GError **error)
{
  AtlView logits, gradient;

  if (!discriminate (self, input, picture, seed, error))
    return FALSE;
  logits = atl_plan_get_value (self->d, self->d_output);
  gradient = atl_plan_get_gradient (self->d, self->d_output);
  *loss = atl_loss_gan (self->method.pool, self->settings.gan, role, logits,
                        0.5 * self->share, gradient, FALSE);
  return self->waiting || atl_plan_backward (self->d, FALSE, NULL, error);
}

static gboolean
step_discriminator (Pix2pix *self, AtlView input, AtlView made, AtlView target,
                    guint64 seed, double factor, double *out, GError **error)
{
  out[ATL_PIX2PIX_WAITING] = self->waiting;
  if (!judge (self, ATL_GAN_FAKE, input, made, seed, &out[ATL_PIX2PIX_D_FAKE],
              error)
      || !judge (self, ATL_GAN_REAL, input, target, seed, &out[ATL_PIX2PIX_D_REAL],
                 error))
    return FALSE;
  if (!self->waiting)
    atl_learner_step (&self->discriminator, self->method.collective, factor);
  return TRUE;
}

/* Writes the adversarial part of the gradient by the made-up picture. */
static gboolean
gradient_through_discriminator (Pix2pix *self, AtlView input, AtlView made,
                                guint64 seed, double *loss, GError **error)
{
  AtlPool *pool = self->method.pool;
  AtlView logits, gradient;

  if (!discriminate (self, input, made, seed, error))
    return FALSE;
  logits = atl_plan_get_value (self->d, self->d_output);
  gradient = atl_plan_get_gradient (self->d, self->d_output);
  *loss = atl_loss_gan (pool, self->settings.gan, ATL_GAN_GENERATOR, logits,
                        self->settings.gan_weight * self->share, gradient, FALSE);
  if (!atl_plan_backward (self->d, TRUE, NULL, error))
    return FALSE;
  atl_view_copy (pool, atl_plan_get_gradient (self->g, self->g_output), 0,
                 atl_plan_get_gradient (self->d, self->d_input), input.shape.c,
                 made.shape.c);
  return TRUE;
}

static void
watch_discriminator (Pix2pix *self, const double *out)
{
  double even = atl_gan_even (self->settings.gan);
  double loss = 0.5 * (out[ATL_PIX2PIX_D_FAKE] + out[ATL_PIX2PIX_D_REAL]);
  double limit = self->settings.throttle * even;

  self->watched = WATCH_DECAY * self->watched + (1 - WATCH_DECAY) * loss;
  if (!self->waiting && self->watched < limit)
    {
      self->waiting = TRUE;
      atl_method_message (&self->method,
                          _ ("The discriminator tells made-up pictures from real "
                             "ones too easily; it "
                             "waits until the generator has caught up."));
    }
  else if (self->waiting && self->watched > 2 * limit)
    {
      self->waiting = FALSE;
      atl_method_message (
          &self->method,
          _ ("The generator has caught up; the discriminator learns again."));
    }
}

static gboolean
pix2pix_step (AtlMethod *method, guint64 step, const float *input,
              const float *target, double *out, GError **error)
{
  Pix2pix *self = (Pix2pix *)method;
  const AtlPix2pixSettings *s = &self->settings;
  double factor = atl_schedule_factor (s->schedule, step, s->steps, s->warmup);
  guint64 seed = atl_learner_seed (method->collective, s->seed, step);
  AtlView x = atl_view_dense ((float *)input, method->input);
  AtlView t = atl_view_dense ((float *)target, method->target);
  AtlView made, gradient;

  memset (out, 0, ATL_PIX2PIX_N_FIGURES * sizeof *out);
  atl_view_copy (method->pool, atl_plan_get_value (self->g, self->g_input), 0, x, 0,
                 x.shape.c);
  if (!atl_plan_forward (self->g, seed, NULL, error))
    return FALSE;
  made = atl_plan_get_value (self->g, self->g_output);
  gradient = atl_plan_get_gradient (self->g, self->g_output);

  if (self->d
      && (!step_discriminator (self, x, made, t, seed, factor, out, error)
          || !gradient_through_discriminator (self, x, made, seed,
                                              &out[ATL_PIX2PIX_GAN], error)))
    return FALSE;
  out[ATL_PIX2PIX_L1] = atl_loss_l1 (
      method->pool, made, t, s->l1_weight * self->share, gradient, self->d != NULL);
  if (!atl_plan_backward (self->g, FALSE, NULL, error))
    return FALSE;
  atl_learner_step (&self->generator, method->collective, factor);

  for (int i = 0; i < ATL_PIX2PIX_N_FIGURES; i++)
    out[i] *= self->share;
  atl_collective_sum_doubles (method->collective, out, ATL_PIX2PIX_N_FIGURES);
  if (self->d && s->throttle > 0)
    watch_discriminator (self, out);
  return TRUE;
}

static void
pix2pix_save (AtlMethod *method, AtlCheckpoint *checkpoint)
{
  Pix2pix *self = (Pix2pix *)method;

  atl_learner_save (&self->generator, checkpoint);
  if (self->d)
    atl_learner_save (&self->discriminator, checkpoint);
  atl_training_checkpoint_set_number (checkpoint, "watched", self->watched);
  atl_training_checkpoint_set_number (checkpoint, "waiting", self->waiting);
}

static gboolean
pix2pix_load (AtlMethod *method, const AtlCheckpoint *checkpoint, GError **error)
{
  Pix2pix *self = (Pix2pix *)method;
  double waiting;

  if (!atl_learner_load (&self->generator, checkpoint, error)
      || (self->d && !atl_learner_load (&self->discriminator, checkpoint, error))
      || !atl_training_checkpoint_get_number (checkpoint, "watched", &self->watched,
                                              error)
      || !atl_training_checkpoint_get_number (checkpoint, "waiting", &waiting,
                                              error))
    return FALSE;
  self->waiting = waiting != 0;
  return TRUE;
}

static void
pix2pix_present (AtlMethod *method, gboolean presented)
{
  atl_optimiser_swap_average (((Pix2pix *)method)->generator.optimiser);
}

static gsize
pix2pix_bytes (const AtlMethod *method)
{
  const Pix2pix *self = (const Pix2pix *)method;
  gsize bytes = atl_plan_get_bytes (self->g)
                + atl_optimiser_get_bytes (self->generator.optimiser);

  if (self->d)
    bytes += atl_plan_get_bytes (self->d)
             + atl_optimiser_get_bytes (self->discriminator.optimiser);
  return bytes;
}

static void
pix2pix_free (AtlMethod *method)
{
  Pix2pix *self = (Pix2pix *)method;

  atl_plan_free (self->g);
  atl_plan_free (self->d);
  atl_learner_clear (&self->generator);
  atl_learner_clear (&self->discriminator);
  g_free (self);
}

static const AtlMethodClass pix2pix_class = {
  .n_figures = ATL_PIX2PIX_N_FIGURES,
  .figures = figures,
  .step = pix2pix_step,
  .save = pix2pix_save,
  .load = pix2pix_load,
  .present = pix2pix_present,
  .bytes = pix2pix_bytes,
  .free = pix2pix_free,
};

static gboolean
set_up_generator (Pix2pix *self, int batch, int height, int width, GError **error)
{
  AtlMethod *method = &self->method;
  const AtlGraph *graph = atl_model_get_graph (method->model);
  AtlPlanOptions options
      = { .training = TRUE, .no_dropout = self->settings.no_dropout };

  self->g_input = atl_graph_find (graph, "input");
  self->g_output = atl_graph_find (graph, "output");
  method->input = (AtlShape){ batch, height, width,
                              atl_graph_get_channels (graph, self->g_input) };
  method->target = (AtlShape){ batch, height, width,
                               atl_graph_get_channels (graph, self->g_output) };
  atl_learner_plan_options (method->collective, &options);
  self->g = atl_learner_plan (method->model, method->pool, self->g_input,
                              method->input, self->g_output, &options, error);
  return self->g
         && atl_learner_init (&self->generator, "generator", method->model,
                              method->pool, &self->settings.adam, error);
}

static gboolean
set_up_discriminator (Pix2pix *self, AtlModel *discriminator, GError **error)
{
  AtlMethod *method = &self->method;
  const AtlGraph *graph = atl_model_get_graph (discriminator);
  AtlPlanOptions options = { .training = TRUE,
                             .input_gradients = TRUE,
                             .no_dropout = self->settings.no_dropout };
  AtlAdamSettings adam = self->settings.adam;
  AtlShape shape = method->input;

  shape.c += method->target.c;
  self->d_input = atl_graph_find (graph, "input");
  self->d_output = atl_graph_find (graph, "output");
  if (atl_graph_get_channels (graph, self->d_input) != shape.c)
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
          _ ("the discriminator looks at %d channels, but the generator's input "
             "and output have %d together"),
          atl_graph_get_channels (graph, self->d_input), shape.c);
      return FALSE;
    }
  adam.average_decay = 0;
  atl_learner_plan_options (method->collective, &options);
  self->d = atl_learner_plan (discriminator, method->pool, self->d_input, shape,
                              self->d_output, &options, error);
  return self->d
         && atl_learner_init (&self->discriminator, "discriminator", discriminator,
                              method->pool, &adam, error);
}

AtlMethod *
atl_pix2pix_new (AtlModel *generator, AtlModel *discriminator, AtlPool *pool,
                 const AtlPix2pixSettings *settings, int batch, int height,
                 int width, const AtlCollective *collective, GError **error)
{
  Pix2pix *self = g_new0 (Pix2pix, 1);

  self->method.class = &pix2pix_class;
  self->method.model = generator;
  self->method.pool = pool;
  self->method.collective = collective;
  self->settings = *settings;
  self->share = 1.0 / atl_collective_n_ranks (collective);
  self->watched = atl_gan_even (settings->gan);
  if (set_up_generator (self, batch, height, width, error)
      && (settings->gan_weight == 0
          || set_up_discriminator (self, discriminator, error)))
    return &self->method;
  pix2pix_free (&self->method);
  return NULL;
}
