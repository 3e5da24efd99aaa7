/* The panel product over cblas_sgemm: the body of the baseline, and of any
 * table when the environment says ATELIER_GEMM=openblas, for comparisons.
 *
 * OpenBLAS takes a path that packs nothing for small products; rows are cut so
 * that most calls stay on it.
 */

#include "kernels/table.h"

#include <cblas.h>
#include <string.h>

#define SMALL_PRODUCT 1000000 /* m * n * k up to which nothing is packed */
#define GATHER 4096           /* floats of A gathered at a time */

/* C (+)= A * B for one segment whose A is row-major with a_row >= k, or
 * column-major with a_col >= m. */
static void
multiply (const AtlGemm *g, int m, int k, const float *a, const float *b, float *c,
          gboolean add)
{
  const gboolean transposed = g->a_row == 1 && g->a_col != 1;

  cblas_sgemm (
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, m, g->n,
      k, 1, a,
      MAX (transposed ? (gsize)m : (gsize)k, transposed ? g->a_col : g->a_row), b,
      g->ldb, add ? 1 : 0, c, g->ldc);
}

/* A in any other form: a few rows at a time are copied together. */
static void
multiply_gathered (const AtlGemm *g, const float *a, const float *b, gboolean add)
{
  float copy[GATHER];
  const int k_step = MIN (g->k, GATHER), m_step = MAX (GATHER / MAX (g->k, 1), 1);
  AtlGemm dense = *g;

  dense.a_col = 1;
  for (int i = 0; i < g->m; i += m_step)
    for (int p = 0; p < g->k; p += k_step)
      {
        const int m = MIN (m_step, g->m - i), k = MIN (k_step, g->k - p);

        for (int r = 0; r < m; r++)
          for (int q = 0; q < k; q++)
            copy[r * k + q] = a[(i + r) * g->a_row + (p + q) * g->a_col];
        dense.a_row = k;
        multiply (&dense, m, k, copy, b + p * g->ldb, g->c + i * g->ldc,
                  add || p > 0);
      }
}

/* OpenBLAS wants a leading dimension no smaller than the row, but the rows of
 * a convolution overlap: their k, or the columns' m, is cut to that length. */
static void
multiply_segment (const AtlGemm *g, const float *a, const float *b, gboolean add)
{
  int m_step = g->m, k_step = g->k;

  if (g->a_row == 1 && g->a_col > 1)
    m_step = MIN (m_step, (int)MIN (g->a_col, G_MAXINT));
  else if (g->a_col == 1 && g->a_row > 0)
    k_step = MIN (k_step, (int)MIN (g->a_row, G_MAXINT));
  else
    {
      multiply_gathered (g, a, b, add);
      return;
    }
  m_step = CLAMP (SMALL_PRODUCT / (g->n * k_step), MIN (m_step, 8), m_step);
  for (int p = 0; p < g->k; p += k_step)
    for (int i = 0; i < g->m; i += m_step)
      multiply (g, MIN (m_step, g->m - i), MIN (k_step, g->k - p),
                a + i * g->a_row + p * g->a_col, b + p * g->ldb, g->c + i * g->ldc,
                add || p > 0);
}

void
atl_gemm_openblas (const AtlGemm *g)
{
  gboolean add = g->accumulate;

  if (g->m <= 0 || g->n <= 0)
    return;
  if (g->k > 0)
    for (int s = 0; s < g->n_segments; s++)
      {
        multiply_segment (g, g->a[s], g->b[s], add);
        add = TRUE;
      }
  if (!add)
    for (int i = 0; i < g->m; i++)
      memset (g->c + i * g->ldc, 0, g->n * sizeof (float));
}

const char *
atl_gemm_openblas_name (void)
{
  static gsize name;

  if (g_once_init_enter (&name))
    g_once_init_leave (
        &name, (gsize)g_strconcat ("openblas ", openblas_get_corename (), NULL));
  return (const char *)name;
}
