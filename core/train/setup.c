/* See setup.h. */

#include "train/setup.h"

#include <string.h>

#include "models/library.h"

static gboolean
make_discriminator (AtlSetup *setup, const AtlTrainSettings *s, GError **error)
{
  AtlConfig config;

  if (s->gan_weight == 0)
    return TRUE;
  if (!atl_train_settings_discriminator (s, &config, error))
    return FALSE;
  setup->discriminator = atl_model_create (&config, (guint64)s->seed + 1, error);
  return setup->discriminator != NULL;
}

static AtlModel *
open_from (const AtlTrainSettings *s, GError **error)
{
  g_autofree char *path = atl_library_find (s->from, error);
  g_autoptr (AtlModel) from = path ? atl_model_open (path, error) : NULL;

  if (!from || !atl_model_require (from, atl_train_kind_name (s->kind), error))
    return NULL;
  return g_steal_pointer (&from);
}

/* Random weights, or those of the model to start from; everything else of that
 * model's file is its own. */
static AtlModel *
make_model (const AtlTrainSettings *s, GError **error)
{
  g_autoptr (AtlModel) from = NULL;
  AtlModel *model;
  AtlWeights *weights;

  if (!s->from)
    return atl_model_create (&s->network, (guint64)s->seed, error);
  from = open_from (s, error);
  model = from ? atl_model_create (atl_model_get_config (from), (guint64)s->seed,
                                   error)
               : NULL;
  if (!model)
    return NULL;
  weights = atl_model_get_weights (model);
  memcpy (atl_weights_data (weights),
          atl_weights_data (atl_model_get_weights (from)),
          atl_weights_n_floats (weights) * sizeof (float));
  atl_weights_changed (weights);
  return model;
}

static gboolean
make_method (AtlSetup *setup, const AtlTrainSettings *s, AtlPool *pool,
             const AtlCollective *collective, GError **error)
{
  int batch = s->batch / atl_collective_n_ranks (collective);

  if (s->kind == ATL_TRAIN_VQVAE)
    {
      AtlVqvaeSettings settings = atl_train_settings_vqvae (s);

      setup->method = atl_vqvae_new (setup->model, pool, &settings, batch, s->size,
                                     s->size, collective, error);
    }
  else if (make_discriminator (setup, s, error))
    {
      AtlPix2pixSettings settings = atl_train_settings_pix2pix (s);

      setup->method
          = atl_pix2pix_new (setup->model, setup->discriminator, pool, &settings,
                             batch, s->size, s->size, collective, error);
    }
  return setup->method != NULL;
}

gboolean
atl_setup_init (AtlSetup *setup, const AtlTrainSettings *settings, AtlPool *pool,
                const AtlCollective *collective, GError **error)
{
  *setup = (AtlSetup){ 0 };
  setup->model = make_model (settings, error);
  return setup->model && make_method (setup, settings, pool, collective, error);
}

void
atl_setup_clear (AtlSetup *setup)
{
  g_clear_pointer (&setup->method, atl_method_free);
  g_clear_pointer (&setup->model, atl_model_free);
  g_clear_pointer (&setup->discriminator, atl_model_free);
}

gsize
atl_setup_get_bytes (const AtlSetup *setup)
{
  gsize bytes = setup->method->class->bytes (setup->method);

  bytes += atl_weights_get_bytes (atl_model_get_weights (setup->model));
  if (setup->discriminator)
    bytes += atl_weights_get_bytes (atl_model_get_weights (setup->discriminator));
  return bytes;
}
