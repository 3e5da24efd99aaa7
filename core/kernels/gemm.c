/* The panel product: a tile of C stays in registers while all of its A and B
 * pass by ("batch-reduce GEMM", Georganas et al. 2020); nothing is packed.
 *
 * A tile is `rows` rows of A by `width` vectors of the panel, as many as the
 * registers hold beside one row of B: A's elements are broadcast, so that any
 * strides serve.  k is cut so that the part of B in use stays in the second
 * level of the cache; then tiles are added up in C.
 */

#include "kernels/vec.h"

#define K_BLOCK 512 /* rows of B that stay in cache: 128 KiB of a full panel */

#define MAX_ROWS 12
#define MAX_WIDTH 8

/* Part of a product: whole segments, or a part of one. */
typedef struct
{
  const float *const *a;
  const float *const *b;
  int n_segments;
  int k;
  gsize a_offset, b_offset;
  gsize a_row, a_col, ldb;
} Part;

INLINE void
tile (int rows, int width, const Part *part, float *c, gsize ldc, gboolean add)
{
  vec sum[MAX_ROWS][MAX_WIDTH];
  const gsize a_row = part->a_row, a_col = part->a_col, ldb = part->ldb;

#pragma GCC unroll 12
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
    for (int j = 0; j < width; j++)
      sum[i][j] = v_set (0);
  for (int s = 0; s < part->n_segments; s++)
    {
      const float *a = part->a[s] + part->a_offset;
      const float *b = part->b[s] + part->b_offset;

      for (int p = 0; p < part->k; p++, a += a_col, b += ldb)
        {
          vec row[MAX_WIDTH];

#pragma GCC unroll 8
          for (int j = 0; j < width; j++)
            row[j] = v_load (b + j * V);
#pragma GCC unroll 12
          for (int i = 0; i < rows; i++)
            {
              const vec x = v_set (a[i * a_row]);

#pragma GCC unroll 8
              for (int j = 0; j < width; j++)
                sum[i][j] += x * row[j];
            }
        }
    }
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
    for (int j = 0; j < width; j++)
      {
        float *to = c + i * ldc + j * V;

        v_store (to, add ? v_load (to) + sum[i][j] : sum[i][j]);
      }
}

#define CASE(n)                                                                    \
  case n:                                                                          \
    if (n <= max_rows)                                                             \
      tile (n, width, part, c, ldc, add);                                          \
    break;

/* `rows` is at most `max_rows`, a constant, so that no tile is compiled that
 * the registers don't hold. */
INLINE void
tile_of_rows (int rows, int max_rows, int width, const Part *part, float *c,
              gsize ldc, gboolean add)
{
  switch (rows)
    {
      CASE (1)
      CASE (2)
      CASE (3)
      CASE (4)
      CASE (5)
      CASE (6)
      CASE (7)
      CASE (8)
      CASE (9)
      CASE (10)
      CASE (11)
      CASE (12)
    }
}

/* All rows of A with `width` vectors of the panel, in tiles of equal height. */
INLINE void
column_group (int max_rows, int width, int m, Part part, float *c, gsize ldc,
              gboolean add)
{
  for (int n_tiles = (m + max_rows - 1) / max_rows; n_tiles > 0; n_tiles--)
    {
      const int rows = (m + n_tiles - 1) / n_tiles;

      tile_of_rows (rows, max_rows, width, &part, c, ldc, add);
      part.a_offset += rows * part.a_row;
      c += rows * ldc;
      m -= rows;
    }
}

#define GROUP(max_rows, width)                                                     \
  static void group_##max_rows##x##width (int m, const Part *part, float *c,       \
                                          gsize ldc, gboolean add)                 \
  {                                                                                \
    column_group (max_rows, width, m, *part, c, ldc, add);                         \
  }

#if V == 16
GROUP (12, 1)
GROUP (12, 2)
GROUP (8, 3)
GROUP (6, 4)

static void
multiply (const AtlGemm *g, const Part *part, gboolean add)
{
  static void (*const groups[]) (int, const Part *, float *, gsize, gboolean)
      = { group_12x1, group_12x2, group_8x3, group_6x4 };

  groups[g->n / V - 1](g->m, part, g->c, g->ldc, add);
}
#else
GROUP (6, 2)
GROUP (3, 4)
GROUP (1, 8)

static void
multiply (const AtlGemm *g, const Part *part, gboolean add)
{
  Part columns = *part;
  int width;

  for (int j = 0; j < g->n; j += width * V)
    {
      float *c = g->c + j;

      columns.b_offset = part->b_offset + j;
      if (g->m == 1 && g->n - j >= 8 * V)
        group_1x8 (g->m, &columns, c, g->ldc, add), width = 8;
      else if (g->m <= 3 && g->n - j >= 4 * V)
        group_3x4 (g->m, &columns, c, g->ldc, add), width = 4;
      else
        group_6x2 (g->m, &columns, c, g->ldc, add), width = 2;
    }
}
#endif

void
SET (gemm) (const AtlGemm *g)
{
  Part part = { .a_row = g->a_row, .a_col = g->a_col, .ldb = g->ldb };
  const int at_once = MAX (K_BLOCK / MAX (g->k, 1), 1);
  gboolean add = g->accumulate;

  if (g->m <= 0 || g->n <= 0)
    return;
  if (g->k <= 0 || g->n_segments <= 0)
    {
      if (!add)
        multiply (g, &part, FALSE);
      return;
    }
  for (int s = 0; s < g->n_segments; s += part.n_segments)
    {
      part.a = g->a + s;
      part.b = g->b + s;
      part.n_segments = MIN (at_once, g->n_segments - s);
      /* In equal parts, none longer than K_BLOCK. */
      for (int p = 0, n_parts = (g->k + K_BLOCK - 1) / K_BLOCK; n_parts > 0;
           n_parts--, p += part.k)
        {
          part.k = (g->k - p + n_parts - 1) / n_parts;
          part.a_offset = p * g->a_col;
          part.b_offset = p * g->ldb;
          multiply (g, &part, add);
          add = TRUE;
        }
    }
}
