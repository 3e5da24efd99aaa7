/* What vqvae.c and vqvae-start.c share. */

#pragma once

#include "train/learner.h"
#include "train/vqvae.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  int node, z, k;
  AtlCodebook *codebook;
  float *costs; /* [k] */
  int *used;    /* stages of each image of this step */
} Quantiser;

typedef struct
{
  AtlMethod method;
  AtlVqvaeSettings settings;
  double share; /* of this process: 1 / processes */
  AtlLearner learner;
  int input, output;
  Quantiser quantisers[2]; /* top before bottom */
  int n_quantisers;
  int *used;

  AtlPlan *plan;              /* the whole, once quantised */
  AtlPlan *encoder, *decoder; /* its halves, until then */

  /* For the k-means start: vectors of the latest unquantised batches, a ring. */
  float *kept;
  gsize n_kept_floats; /* of the whole ring */
  guint64 n_kept;      /* batches so far */
} AtlVqvae;

gboolean atl_vqvae_need_plan (AtlVqvae *self, GError **error);
gboolean atl_vqvae_need_halves (AtlVqvae *self, GError **error);
gboolean atl_vqvae_need_vectors (AtlVqvae *self, GError **error);
void atl_vqvae_keep_vectors (AtlVqvae *self, AtlView z);
/* k-means; x: the batch, used where no vectors were kept. */
gboolean atl_vqvae_start_codebooks (AtlVqvae *self, AtlView x, GError **error);
/* The linear skip from principal components. */
gboolean atl_vqvae_start (AtlMethod *method, const float *input, int n_pictures,
                          GError **error);

G_END_DECLS
