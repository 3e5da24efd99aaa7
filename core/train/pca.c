/* See pca.h.  The eigenvectors of the covariance are LAPACK's (dsyev), which
 * OpenBLAS brings along.
 */

#include "train/pca.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"

/* LAPACK: eigenvalues, rising, and eigenvectors, one a column (a row of a in
 * C's order), of the symmetric a. */
void dsyev_ (const char *jobz, const char *uplo, const int *n, double *a,
             const int *lda, double *w, double *work, const int *lwork, int *info);

#define MAX_BLOCKS 32768 /* looked at, spread over all */

typedef struct
{
  const float *pictures;
  int height, width, channels, factor, dim;
  gsize n_blocks, step;
  float *blocks; /* centred, [n][dim] */
  const double *mean;
  double *covariance;
} Pca;

static void
read_block (const Pca *p, gsize block, float *out)
{
  gsize across = (gsize)(p->width / p->factor);
  gsize down = (gsize)(p->height / p->factor);
  gsize picture = block / (across * down);
  gsize y0 = block / across % down * (gsize)p->factor;
  gsize x0 = block % across * (gsize)p->factor;
  const float *base
      = p->pictures + picture * (gsize)p->height * p->width * p->channels;

  for (int c = 0; c < p->channels; c++)
    for (int y = 0; y < p->factor; y++)
      for (int x = 0; x < p->factor; x++)
        *out++
            = base[((y0 + (gsize)y) * p->width + x0 + (gsize)x) * p->channels + c];
}

/* One row of the lower triangle. */
static void
row_task (gpointer data, gint64 task, int worker)
{
  const Pca *p = data;
  double *row = p->covariance + task * p->dim;

  memset (row, 0, (gsize)p->dim * sizeof *row);
  for (gsize i = 0; i < p->n_blocks; i++)
    {
      const float *block = p->blocks + i * p->dim;
      double v = (double)block[task];

      for (gint64 j = 0; j <= task; j++)
        row[j] += v * (double)block[j];
    }
  for (gint64 j = 0; j <= task; j++)
    row[j] /= (double)p->n_blocks;
}

static void
centre_blocks (Pca *p, double *mean)
{
  memset (mean, 0, (gsize)p->dim * sizeof *mean);
  for (gsize i = 0; i < p->n_blocks; i++)
    {
      float *block = p->blocks + i * p->dim;

      read_block (p, i * p->step, block);
      for (int j = 0; j < p->dim; j++)
        mean[j] += (double)block[j] / (double)p->n_blocks;
    }
  for (gsize i = 0; i < p->n_blocks * p->dim; i++)
    p->blocks[i] -= (float)mean[i % p->dim];
}

/* Descending order, and a sign that does not depend on the library. */
static void
arrange (const Pca *p, const double *rising, double *components, double *variances)
{
  for (int i = 0; i < p->dim; i++)
    {
      const double *from = p->covariance + (gsize)(p->dim - 1 - i) * p->dim;
      double *to = components + (gsize)i * p->dim;
      int largest = 0;

      for (int j = 1; j < p->dim; j++)
        if (fabs (from[j]) > fabs (from[largest]) * (1 + 1e-9))
          largest = j;
      for (int j = 0; j < p->dim; j++)
        to[j] = from[largest] < 0 ? -from[j] : from[j];
      variances[i] = MAX (rising[p->dim - 1 - i], 0);
    }
}

static gboolean
decompose (const Pca *p, double *components, double *variances, GError **error)
{
  int lwork = 64 * p->dim, info = 0;
  double *work = atl_try_alloc ((gsize)lwork + p->dim, sizeof *work,
                                "principal components", error);

  if (work)
    {
      double *rising = work + lwork;

      /* Row-major lower is column-major upper. */
      dsyev_ ("V", "U", &p->dim, p->covariance, &p->dim, rising, work, &lwork,
              &info);
      if (info != 0)
        g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
                     _ ("the pictures' principal components can't be told; train "
                        "without linear_skip"));
      else
        arrange (p, rising, components, variances);
    }
  if (!work)
    return FALSE;
  atl_free (work);
  return info == 0;
}

gboolean
atl_pca (AtlPool *pool, const float *pictures, int n, int height, int width,
         int channels, int factor, double *mean, double *components,
         double *variances, GError **error)
{
  Pca p = { pictures, height, width, channels, factor, channels * factor * factor };
  gsize blocks = (gsize)n * (gsize)(height / factor) * (gsize)(width / factor);
  gboolean ok;

  if (p.dim > ATL_PCA_MAX_DIM)
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
          _ ("a linear skip can't start from blocks of %d values (at most %d): "
             "use a smaller downsample, or --set pca=no"),
          p.dim, ATL_PCA_MAX_DIM);
      return FALSE;
    }
  p.step = MAX (1, blocks / MAX_BLOCKS);
  p.n_blocks = blocks / p.step;
  p.mean = mean;
  p.blocks = atl_try_alloc (p.n_blocks * (gsize)p.dim, sizeof (float),
                            "principal components", error);
  p.covariance = p.blocks
                     ? atl_try_alloc ((gsize)p.dim * (gsize)p.dim, sizeof (double),
                                      "principal components", error)
                     : NULL;
  ok = p.covariance != NULL;
  if (ok)
    {
      centre_blocks (&p, mean);
      atl_pool_run (pool, p.dim, row_task, &p);
      ok = decompose (&p, components, variances, error);
    }
  atl_free (p.blocks);
  atl_free (p.covariance);
  return ok;
}
