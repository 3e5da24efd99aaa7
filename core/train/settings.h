/* Everything that a training run can be told, its presets, and its text form.
 *
 * Keys of `--set key=value` are those of the table in settings.c, those of
 * augmentation (augment.h) and those of the network (models/config.h); of
 * Pix2Pix also ndf and n_layers, which are the discriminator's.
 *
 * Presets (network, patch, batch, steps; times on two cores with AVX-512, from
 * the processor time of steps and, of pix2pix quick, of a whole training):
 *   pix2pix  quick     resnet_6, ngf 32, instance norm; 4 patches of 128; 1500
 *                      steps: four to five minutes
 *            standard  unet_256, ngf 64, as the paper; 1 patch of 256; 20,000:
 *                      an hour and a half
 *            full      the same, 100,000 steps: seven to eight hours
 *   vqvae    quick     factor 8, patches of 4, 128 units, four residual
 *                      quantisers of 512 entries in 32 dimensions, linear skip;
 *                      4 patches of 96; 3000 steps: a minute
 *            standard  the same, 10,000 steps: three minutes
 *            full      192 units, five quantisers; 8 patches of 128; 40,000:
 *                      an hour
 */

#pragma once

#include "models/config.h"
#include "train/augment.h"
#include "train/pairs.h"
#include "train/pix2pix.h"
#include "train/vqvae.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_TRAIN_PIX2PIX,
  ATL_TRAIN_VQVAE
} AtlTrainKind;

typedef struct
{
  AtlTrainKind kind;
  char *preset;
  char *folder; /* of the pictures */
  char *output; /* the model file */
  char *report; /* folder for history, samples and report; NULL: one
                           beside the output */
  gboolean resume;

  AtlConfig network;
  int ndf, n_layers; /* the discriminator's */

  int size, batch;
  gint64 steps;
  gint64 seed;
  int threads; /* 0: all processors */
  gboolean b_to_a;
  char *corrupt; /* specification (corrupt.h), or NULL */
  AtlAugment augment;
  AtlDataForm form;
  char *suffix_a, *suffix_b;
  double held_out; /* share, where none is given */
  int load_threads, cache_mib;

  /* Of both methods. */
  double lr, beta1, beta2, weight_decay, ema, clip;
  int schedule; /* AtlSchedule */
  int warmup;
  gboolean no_dropout;

  /* Pix2Pix */
  int gan; /* AtlGan */
  double gan_weight, l1_weight, throttle;

  /* VQ-VAE */
  int reconstruction; /* 0 L2, 1 L1 */
  double ms_ssim, beta, decay, dead, rate_from, rate_to, revive_until;
  int codebook; /* 0 moving averages, 1 gradient */
  gboolean kmeans, stage_dropout, pca;
  int unquantised;

  /* Pace */
  int checkpoint_seconds;
  int measure_steps; /* 0: a fortieth of the steps, 50 to 1000 */
  int measure_pairs; /* at most so many held-out ones */
  int keep;          /* 0 the best model, 1 the last */

  char *from; /* a model to start from, by file or name, or NULL */

  /* The card */
  char *name, *description, *author, *licence;
} AtlTrainSettings;

/* The preset's values; arch: NULL for the preset's network (its other keys
 * then are the preset's too).  NULL with ATELIER_ERROR_ARGUMENT that lists
 * what there is. */
AtlTrainSettings *atl_train_settings_new (AtlTrainKind kind, const char *preset,
                                          const char *arch, GError **error);
void atl_train_settings_free (AtlTrainSettings *settings);
/* "key=value"; FALSE with ATELIER_ERROR_ARGUMENT that says what is allowed. */
gboolean atl_train_settings_set (AtlTrainSettings *settings, const char *setting,
                                 GError **error);
/* Whether all of it fits together; to be called once it is complete.  With
 * `from` the network becomes that model's.  FALSE with ATELIER_ERROR_ARGUMENT,
 * or what opening that model says. */
gboolean atl_train_settings_check (AtlTrainSettings *settings, GError **error);

/* Every key that atl_train_settings_set takes, training's first, then
 * augmentation's and the network's, with its value and what it may be. */
void atl_train_settings_each (const AtlTrainSettings *settings,
                              AtlSettingCallback callback, gpointer data);

/* What the result depends on: "key=value" lines, the same for the same run. */
char *atl_train_settings_to_text (const AtlTrainSettings *settings);
/* The settings of such a text, as they were; what it does not tell (folder,
 * output, steps, ...) is the preset's.  NULL with ATELIER_ERROR_ARGUMENT. */
AtlTrainSettings *atl_train_settings_from_text (const char *text,
                                                const char *preset,
                                                GError **error);
/* FALSE with ATELIER_ERROR_ARGUMENT, naming the first key that differs between
 * that text of a checkpoint and these settings (the number of steps may). */
gboolean atl_train_settings_compare (const AtlTrainSettings *settings,
                                     const char *text, GError **error);

AtlPix2pixSettings atl_train_settings_pix2pix (const AtlTrainSettings *settings);
AtlVqvaeSettings atl_train_settings_vqvae (const AtlTrainSettings *settings);
/* The discriminator that belongs to the network. */
gboolean atl_train_settings_discriminator (const AtlTrainSettings *settings,
                                           AtlConfig *config, GError **error);
/* "pix2pix" or "vqvae". */
const char *atl_train_kind_name (AtlTrainKind kind);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlTrainSettings, atl_train_settings_free)

G_END_DECLS
