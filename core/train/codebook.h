/* The entries of a vector quantiser, as training moves them.
 *
 * By moving averages (van den Oord 2017, appendix A.1): with n_k vectors of a
 * step assigned to entry k and s_k their sum,
 *   N_k = decay N_k + (1 - decay) n_k       S_k = decay S_k + (1 - decay) s_k
 *   e_k = S_k / (Laplace-smoothed N_k, epsilon)
 * or by the gradient of mean ||sg(z) - e||^2 with Adam.  Stage s of a residual
 * quantiser sees what its earlier stages left.
 *
 * Entries that are hardly chosen any more (N_k under `dead`, though never over
 * a tenth of the average) are put where vectors are.  An entry's N_k also tells
 * how many bits it costs.
 */

#pragma once

#include "graph/plan.h"
#include "models/model.h"
#include "train/checkpoint.h"
#include "train/collective.h"

G_BEGIN_DECLS

typedef struct
{
  double decay, epsilon;
  gboolean by_gradient; /* else by moving averages */
  double lr;            /* of Adam, by gradient */
  double dead;          /* 0: dead entries stay */
  gboolean zero_code;   /* entry 0 of all stages but the first is zero */
  guint64 seed;
} AtlCodebookSettings;

typedef struct _AtlCodebook AtlCodebook;

/* For the vector quantiser of that name in the model.  NULL with
 * ATELIER_ERROR_MEMORY. */
AtlCodebook *atl_codebook_new (AtlModel *model, const char *name, AtlPool *pool,
                               const AtlCodebookSettings *settings,
                               const AtlCollective *collective, GError **error);
void atl_codebook_free (AtlCodebook *codebook);
int atl_codebook_get_stages (const AtlCodebook *codebook);
int atl_codebook_get_dim (const AtlCodebook *codebook);

/* All entries by k-means over vectors[n][dim], stage after stage. */
gboolean atl_codebook_start (AtlCodebook *codebook, const float *vectors, gsize n,
                             GError **error);

/* After a forward: takes in z and its codes ([n * h * w][stages]).  used: stages
 * of each of this process's images, or NULL: all.  *distance: this process's mean
 * ||z - e||^2 over all elements.  FALSE with ATELIER_ERROR_MEMORY, at the first
 * of a new size only. */
gboolean atl_codebook_observe (AtlCodebook *codebook, AtlView z,
                               const gint32 *codes, const int *used,
                               double *distance, GError **error);
/* Then moves the entries; revive: dead ones too.  codes and used as before.
 * Returns how many were revived. */
int atl_codebook_move (AtlCodebook *codebook, guint64 step, double lr_factor,
                       gboolean revive);

/* costs[K] of a stage: -log2 of each entry's share, from N_k, smoothed. */
void atl_codebook_get_bits (const AtlCodebook *codebook, int stage, float *bits);
/* N_k of a stage. */
const double *atl_codebook_get_counts (const AtlCodebook *codebook, int stage);
/* What a stage's bits weigh against: the geometric mean of the variances of an
 * element of z and of what the stage sees, moving averages; 0: it saw nothing
 * yet.  With the first alone later stages would lie idle, with the second alone
 * they would not save. */
double atl_codebook_get_scale (const AtlCodebook *codebook, int stage);
/* exp of the entropy of the shares, and the share of entries chosen within the
 * last 100 steps; means over stages. */
double atl_codebook_get_perplexity (const AtlCodebook *codebook);
double atl_codebook_get_usage (const AtlCodebook *codebook, guint64 step);

void atl_codebook_save (AtlCodebook *codebook, AtlCheckpoint *checkpoint);
gboolean atl_codebook_load (AtlCodebook *codebook, const AtlCheckpoint *checkpoint,
                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlCodebook, atl_codebook_free)

G_END_DECLS
