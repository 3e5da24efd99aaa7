/* The VQ-VAE trainer: van den Oord 2017, "Neural Discrete Representation
 * Learning"; Razavi 2019 (VQ-VAE-2); residual quantisers.
 *
 * The loss is reconstruction (L2 or L1, and optionally 1 - MS-SSIM) plus
 * beta * mean ||z - sg(e)||^2 for each vector quantiser, whose entries move as
 * codebook.h says; the gradient goes straight through it.
 *
 *   k-means start   The first `unquantised` steps train the autoencoder alone;
 *                   then the entries are put where its vectors are.  (VQ-VAE-2,
 *                   whose levels depend on each other, has none of these
 *                   steps.)
 *   stage dropout   Each image uses a random number of the stages, so that one
 *                   model has several qualities.
 *   rate            Codes are chosen by distance^2 + lambda * scale * bits,
 *                   lambda drawn from [rate_from, rate_to] each step, scale that
 *                   of codebook.h for the stage, and the bits told from how
 *                   often a code was chosen so far.
 *   linear skip     starts from the principal components of the blocks of
 *                   pixels: z is scaled to a variance of 1.
 */

#pragma once

#include "train/codebook.h"
#include "train/losses.h"
#include "train/method.h"
#include "train/optimiser.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean l1;    /* reconstruction: else L2 */
  double ms_ssim; /* weight; 0: none */
  double beta;
  AtlAdamSettings adam;
  AtlSchedule schedule;
  guint64 steps, warmup; /* of the schedule */
  AtlCodebookSettings codebook;
  gboolean kmeans;
  guint64 unquantised; /* steps; only with kmeans */
  gboolean stage_dropout;
  double rate_from, rate_to;
  double revive_until; /* share of the steps */
  gboolean pca;
  guint64 seed;
} AtlVqvaeSettings;

#define ATL_VQVAE_DEFAULTS                                                         \
  { FALSE,                                                                         \
    0,                                                                             \
    0.25,                                                                          \
    { 2e-4, 0.9, 0.999, 1e-8, 0, 0, 0 },                                           \
    ATL_SCHEDULE_CONSTANT,                                                         \
    0,                                                                             \
    0,                                                                             \
    { 0.99, 1e-5, FALSE, 2e-4, 2, FALSE, 0 },                                      \
    TRUE,                                                                          \
    0,                                                                             \
    TRUE,                                                                          \
    0,                                                                             \
    0,                                                                             \
    0.75,                                                                          \
    TRUE,                                                                          \
    0 }

enum
{
  ATL_VQVAE_RECONSTRUCTION, /* mean (x - t)^2 or |x - t|, values in [-1, 1] */
  ATL_VQVAE_COMMITMENT,     /* mean ||z - e||^2, without beta */
  ATL_VQVAE_MS_SSIM,        /* 1 - MS-SSIM, or 0 */
  ATL_VQVAE_PERPLEXITY,
  ATL_VQVAE_USAGE, /* share of the entries in use */
  ATL_VQVAE_REVIVED,
  ATL_VQVAE_N_FIGURES
};

/* model: a "vqvae" or "vqvae2".  batch: of this process.  NULL with
 * ATELIER_ERROR_ARGUMENT (a size that does not fit the network) or _MEMORY. */
AtlMethod *atl_vqvae_new (AtlModel *model, AtlPool *pool,
                          const AtlVqvaeSettings *settings, int batch, int height,
                          int width, const AtlCollective *collective,
                          GError **error);

G_END_DECLS
