/* The last thing a VQ-VAE's training does: its model learns from the training
 * pictures what foretells its codes (codec/prime-pictures.h), so that .vqi
 * files made with it are small.  Without it the model works all the same. */

#include <glib/gi18n-lib.h>

#include "codec/prime-pictures.h"
#include "train/trainer-private.h"

#define MEGAPIXELS 24

static GPtrArray *
list_pictures (const AtlDataset *dataset)
{
  GPtrArray *paths = g_ptr_array_new ();

  for (guint i = 0; i < dataset->train->len; i++)
    {
      const AtlPair *pair = g_ptr_array_index (dataset->train, i);

      g_ptr_array_add (paths, pair->path_a);
    }
  return paths;
}

static gboolean
prime (AtlTrainer *t, GError **error)
{
  g_autoptr (GPtrArray) paths = list_pictures (t->dataset);
  g_autoptr (AtlModel) model = atl_model_open (t->settings->output, error);
  AtlProgress progress = { NULL, NULL, t->cancellable };

  return model
         && atl_prime_model (model, t->pool, paths, MEGAPIXELS, NULL, &progress,
                             error)
         && atl_model_save (model, t->settings->output, FALSE, error);
}

void
atl_trainer_prime (AtlTrainer *t)
{
  g_autoptr (GError) error = NULL;

  if (t->settings->kind != ATL_TRAIN_VQVAE || t->step < t->settings->steps
      || atl_collective_rank (t->collective) != 0)
    return;
  atl_trainer_message (
      t, ATL_EVENT_MESSAGE, "%s",
      _ ("Learning what foretells the codes, for small .vqi files"));
  if (!prime (t, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    atl_trainer_message (t, ATL_EVENT_WARNING, "%s", error->message);
}
