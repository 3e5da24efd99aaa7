/* Per-channel sums over rows, and the backward of a norm.
 *
 * Sums run in float over at most ROWS rows, a few vectors of channels at a
 * time, and in double from there on: as exact as double throughout to within
 * some 1e-6 of the largest partial sum, and as fast as memory.  Moments take
 * two passes over such a block, which the cache holds, and combine blocks as
 * Chan, Golub & LeVeque 1983 do.
 */

#include "kernels/vec.h"

#define ROWS 32
#define WIDE (64 / V) /* vectors of channels at a time */
#define FEW 4         /* so many that registers hold three of each */

/* sums[c] += the double of each lane */
INLINE void
flush (double *sums, vec x, int n)
{
  float lanes[V];

  v_store (lanes, x);
  for (int i = 0; i < n; i++)
    sums[i] += lanes[i];
}

INLINE void
column_sums_some (int width, int n, int rows, const float *x, gsize stride,
                  double *sums)
{
  vec sum[WIDE] = { 0 };

  for (int r = 0; r < rows; r++)
    for (int i = 0; i < width; i++)
      sum[i] += v_load_n (x + r * stride + i * V, n);
  for (int i = 0; i < width; i++)
    flush (sums + i * V, sum[i], n);
}

void
SET (column_sums) (int rows, int channels, const float *x, gsize stride,
                   double *sums)
{
  for (int first = 0; first < rows; first += ROWS)
    {
      const int some = MIN (ROWS, rows - first);
      const float *block = x + first * stride;
      int c = 0;

      for (; c + WIDE * V <= channels; c += WIDE * V)
        column_sums_some (WIDE, V, some, block + c, stride, sums + c);
      for (; c + V <= channels; c += V)
        column_sums_some (1, V, some, block + c, stride, sums + c);
      if (c < channels)
        column_sums_some (1, channels - c, some, block + c, stride, sums + c);
    }
}

/* Adds a block of `rows` rows, whose mean is `centre` and a little (`sum` of
 * x - centre), to the moments of the `before` rows before it. */
INLINE void
combine (int n, int before, int rows, vec centre, vec sum, vec squares,
         double *mean, double *m2)
{
  float c[V], s[V], q[V];
  const double inverse = 1. / rows, share = rows / ((double)before + rows);

  v_store (c, centre);
  v_store (s, sum);
  v_store (q, squares);
  for (int i = 0; i < n; i++)
    {
      const double rest = s[i] * inverse, delta = c[i] + rest - mean[i];

      mean[i] += delta * share;
      m2[i] += q[i] - rest * s[i] + delta * delta * (before * share);
    }
}

/* The sum of x - centre and of its square, for at most FEW vectors. */
INLINE void
squares_some (int width, int n, int rows, const float *x, gsize stride,
              const vec *centre, vec *sum, vec *squares)
{
  for (int i = 0; i < width; i++)
    sum[i] = squares[i] = v_set (0);
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < width; i++)
      {
        const vec d = v_load_n (x + r * stride + i * V, n) - centre[i];

        sum[i] += d;
        squares[i] += d * d;
      }
}

INLINE void
moments_some (int width, int n, int before, int rows, const float *x, gsize stride,
              double *mean, double *m2)
{
  vec centre[WIDE] = { 0 }, sum[FEW], squares[FEW];

  for (int r = 0; r < rows; r++)
    for (int i = 0; i < width; i++)
      centre[i] += v_load_n (x + r * stride + i * V, n);
  for (int i = 0; i < width; i++)
    centre[i] *= v_set (1.f / rows);
  for (int i = 0; i < width; i += FEW)
    {
      const int few = MIN (width, FEW);

      squares_some (few, n, rows, x + i * V, stride, centre + i, sum, squares);
      for (int j = 0; j < few; j++)
        combine (n, before, rows, centre[i + j], sum[j], squares[j],
                 mean + (i + j) * V, m2 + (i + j) * V);
    }
}

void
SET (moments) (int rows, int channels, const float *x, gsize stride, double *mean,
               double *m2)
{
  memset (mean, 0, channels * sizeof (double));
  memset (m2, 0, channels * sizeof (double));
  for (int first = 0; first < rows; first += ROWS)
    {
      const int some = MIN (ROWS, rows - first);
      const float *block = x + first * stride;
      int c = 0;

      for (; c + WIDE * V <= channels; c += WIDE * V)
        moments_some (WIDE, V, first, some, block + c, stride, mean + c, m2 + c);
      for (; c + V <= channels; c += V)
        moments_some (1, V, first, some, block + c, stride, mean + c, m2 + c);
      if (c < channels)
        moments_some (1, channels - c, first, some, block + c, stride, mean + c,
                      m2 + c);
    }
}

INLINE void
backward_sums_some (int width, int n, int rows, const float *x, gsize x_stride,
                    const float *dy, gsize dy_stride, const float *mean,
                    const float *rstd, double *sum_dy, double *sum_dy_xhat)
{
  vec centre[WIDE], sum[WIDE] = { 0 }, product[WIDE] = { 0 };

  for (int i = 0; i < width; i++)
    centre[i] = v_load_n (mean + i * V, n);
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < width; i++)
      {
        const vec d = v_load_n (dy + r * dy_stride + i * V, n);

        sum[i] += d;
        product[i] += d * (v_load_n (x + r * x_stride + i * V, n) - centre[i]);
      }
  for (int i = 0; i < width; i++)
    {
      flush (sum_dy + i * V, sum[i], n);
      flush (sum_dy_xhat + i * V, product[i] * v_load_n (rstd + i * V, n), n);
    }
}

void
SET (norm_backward_sums) (int rows, int channels, const float *x, gsize x_stride,
                          const float *dy, gsize dy_stride, const float *mean,
                          const float *rstd, double *sum_dy, double *sum_dy_xhat)
{
  for (int first = 0; first < rows; first += ROWS)
    {
      const int some = MIN (ROWS, rows - first);
      const float *xs = x + first * x_stride, *dys = dy + first * dy_stride;
      int c = 0;

      for (; c + WIDE * V <= channels; c += WIDE * V)
        backward_sums_some (WIDE, V, some, xs + c, x_stride, dys + c, dy_stride,
                            mean + c, rstd + c, sum_dy + c, sum_dy_xhat + c);
      for (; c + V <= channels; c += V)
        backward_sums_some (1, V, some, xs + c, x_stride, dys + c, dy_stride,
                            mean + c, rstd + c, sum_dy + c, sum_dy_xhat + c);
      if (c < channels)
        backward_sums_some (1, channels - c, some, xs + c, x_stride, dys + c,
                            dy_stride, mean + c, rstd + c, sum_dy + c,
                            sum_dy_xhat + c);
    }
}

INLINE void
backward_apply_vector (gboolean add, int n, const float *x, const float *dy,
                       const float *a, const float *b, const float *d, float *dx)
{
  vec value = v_load_n (a, n) * v_load_n (dy, n)
              + (v_load_n (b, n) * v_load_n (x, n) + v_load_n (d, n));

  if (add)
    value += v_load_n (dx, n);
  v_store_n (dx, value, n);
}

INLINE void
backward_apply_rows (gboolean add, int rows, int channels, const float *x,
                     gsize x_stride, const float *dy, gsize dy_stride,
                     const float *a, const float *b, const float *d, float *dx,
                     gsize dx_stride)
{
  for (int r = 0; r < rows; r++, x += x_stride, dy += dy_stride, dx += dx_stride)
    {
      int c = 0;

      for (; c + V <= channels; c += V)
        backward_apply_vector (add, V, x + c, dy + c, a + c, b + c, d + c, dx + c);
      if (c < channels)
        backward_apply_vector (add, channels - c, x + c, dy + c, a + c, b + c,
                               d + c, dx + c);
    }
}

void
SET (norm_backward_apply) (int rows, int channels, const float *x, gsize x_stride,
                           const float *dy, gsize dy_stride, const float *a,
                           const float *b, const float *d, float *dx,
                           gsize dx_stride, gboolean add)
{
  if (add)
    backward_apply_rows (TRUE, rows, channels, x, x_stride, dy, dy_stride, a, b, d,
                         dx, dx_stride);
  else
    backward_apply_rows (FALSE, rows, channels, x, x_stride, dy, dy_stride, a, b, d,
                         dx, dx_stride);
}
