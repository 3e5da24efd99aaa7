/* See setup.h. */

#include "train/setup.h"

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
  setup->model
      = atl_model_create (&settings->network, (guint64)settings->seed, error);
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
