/* The panel product: a tile of C stays in registers while all of its A and B
 * pass by ("batch-reduce GEMM", Georganas et al. 2020); nothing is packed.
 *
 * A tile is `rows` rows of A by `width` vectors of the panel, as many as the
 * registers hold beside one row of B: A's elements are broadcast, so that any
 * strides serve.  k is cut so that the part of B in use stays in the second
 * level of the cache; then tiles are added up in C.
 *
 * Measured on one core of a Zen 5 against OpenBLAS 0.3.29, 64 columns: AVX-512
 * reaches 92-100 % of what multiply-adds on registers alone do (260 GF/s) for
 * 12 to 96 rows, k from 64 to 2048 and B in the second or third level; so does
 * OpenBLAS up to m * n * k = 10^6, where it packs nothing, and beyond it needs
 * 1.2 to 1.8 times as long; also 1.1 to 1.2 times where k is a first layer's 27
 * or there are 6 rows.  AVX2 reaches 94-100 % (128 GF/s); OpenBLAS's kernels for
 * Haswell need 1.2 to 1.4 times as long with 32 rows, 2 to 2.9 times with 6
 * (save where, on a CPU that has it, they use AVX-512 all the same).
 * With ATELIER_GEMM=openblas anybody can compare (see table.c).
 */

#include "kernels/vec.h"

#define K_BLOCK 512 /* rows of B that stay in cache: 128 KiB of a full panel */

#define MAX_ROWS 12
#define MAX_WIDTH 8

/* What is read ahead of its use, into the second level of the cache: `lines`
 * of 64 bytes for every STEPS rows of B. */
typedef struct
{
  guintptr next;
  int lines;
} Ahead;

#define STEPS 8
#define AHEAD_MAX_M 32 /* with more rows than that B is not waited for */

/* Part of a product: whole segments, or a part of one. */
typedef struct
{
  const float *const *a;
  const float *const *b;
  int n_segments;
  int k;
  gsize a_offset, b_offset;
  gsize a_row, a_col, ldb;
  Ahead *ahead;
} Part;

/* sum[i][] += a[i] * b[] */
INLINE void
row_of_b (int rows, int width, const float *a, gsize a_row, const float *b,
          vec sum[MAX_ROWS][MAX_WIDTH])
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

INLINE void
tile (int rows, int width, const Part *part, float *c, gsize ldc, gboolean add)
{
  vec sum[MAX_ROWS][MAX_WIDTH];
  const gsize a_row = part->a_row, a_col = part->a_col, ldb = part->ldb;
  const int ahead_lines = part->ahead->lines;
  guintptr ahead = part->ahead->next;

#pragma GCC unroll 12
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
    for (int j = 0; j < width; j++)
      sum[i][j] = v_set (0);
  for (int s = 0; s < part->n_segments; s++)
    {
      const float *a = part->a[s] + part->a_offset;
      const float *b = part->b[s] + part->b_offset;

      for (int left = part->k; left > 0;)
        {
          const int steps = ahead_lines ? MIN (left, STEPS) : left;

          left -= steps;
          for (int i = 0; i < ahead_lines; i++, ahead += 64)
            __builtin_prefetch ((const void *)ahead, 0, 2);
          for (int p = 0; p < steps; p++, a += a_col, b += ldb)
            row_of_b (rows, width, a, a_row, b, sum);
        }
    }
  part->ahead->next = ahead;
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

/* The tiles there are. */
typedef struct
{
  int max_rows, width;
  void (*group) (int m, const Part *part, float *c, gsize ldc, gboolean add);
} Shape;

#define SHAPE(max_rows, width)                                                     \
  static void group_##max_rows##x##width (int m, const Part *part, float *c,       \
                                          gsize ldc, gboolean add)                 \
  {                                                                                \
    column_group (max_rows, width, m, *part, c, ldc, add);                         \
  }                                                                                \
  static const Shape shape_##max_rows##x##width                                    \
      = { max_rows, width, group_##max_rows##x##width };

#if V == 16
SHAPE (12, 1)
SHAPE (12, 2)
SHAPE (8, 3)
SHAPE (6, 4)

static const Shape *
choose_shape (int m, int n)
{
  const Shape *const shapes[]
      = { &shape_12x1, &shape_12x2, &shape_8x3, &shape_6x4 };

  return shapes[n / V - 1];
}
#else
SHAPE (6, 2)
SHAPE (3, 4)
SHAPE (1, 8)

static const Shape *
choose_shape (int m, int n)
{
  if (m == 1 && n >= 8 * V)
    return &shape_1x8;
  return m <= 3 && n >= 4 * V ? &shape_3x4 : &shape_6x2;
}
#endif

/* C (+)= A * B for a part; `next` is the part of B that comes after it, if that
 * is known. */
static void
multiply (const AtlGemm *g, Part part, const float *next, gboolean add)
{
  const Shape *shape = choose_shape (g->m, g->n);
  const int n_tiles = (g->m + shape->max_rows - 1) / shape->max_rows
                      * (g->n / (shape->width * V));
  const int lines = STEPS * g->n / 16; /* of B in STEPS rows */
  Ahead ahead = { (guintptr)next, 0 };

  /* While few tiles pass over B the CPU's own reading ahead is better: it has
   * 42 GB/s from memory here, this has 26 at most.  But it stops when tiles
   * come back to what is in cache, or skip columns; then this gains 1.4 times
   * (AVX-512, 16 rows) to 2.5 times (AVX2, 4 to 16 rows). */
  if (next && n_tiles > V / 8 && g->m <= AHEAD_MAX_M)
    ahead.lines = (lines + n_tiles - 1) / n_tiles;
  part.ahead = &ahead;
  for (int j = 0; j < g->n; j += shape->width * V)
    {
      shape = choose_shape (g->m, g->n - j);
      shape->group (g->m, &part, g->c + j, g->ldc, add);
      part.b_offset += shape->width * V;
    }
}

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
        multiply (g, part, NULL, FALSE);
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
          const int after = s + part.n_segments;
          const float *next;

          part.k = (g->k - p + n_parts - 1) / n_parts;
          part.a_offset = p * g->a_col;
          part.b_offset = p * g->ldb;
          if (n_parts > 1)
            next = g->b[s] + (p + part.k) * g->ldb;
          else
            next = after < g->n_segments ? g->b[after] : NULL;
          multiply (g, part, next, add);
          add = TRUE;
        }
    }
}
