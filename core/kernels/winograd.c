/* The transforms of Winograd's minimal filtering, Lavin & Gray 2016 ("Fast
 * algorithms for convolutional neural networks"), a vector of channels at a
 * time: a 1-D transform over the columns and then over the rows of a tile.
 *
 * F(4x4,3x3) has the interpolation points 0, +-a, +-b and infinity with
 * a = 5/8 and b = 3/2: in float its largest error is a third of that of the
 * usual 0, +-1, +-2 (2.7e-6 against 9.8e-6 of the largest value at 256
 * channels) at no cost, every product being part of a fused multiply-add.
 * F(3x3,4x4) has the same points, so the same B.  F(3x3,2x2) has 0, 1, -1 and
 * infinity.  With M(x) the product of (x - p) over the finite points p, a point's
 * row of
 *   B^T is M(x) / (x - p), and infinity's M(x), lowest power first,
 *   A^T's column is 1, p, p^2, ..., and infinity's 0, ..., 0, 1,
 *   G is 1, p, p^2, ... over M'(p), and infinity's 0, ..., 0, 1.
 */

#include "kernels/vec.h"

#define PA 0.625f
#define PB 1.5f
#define PA2 (PA * PA)
#define PB2 (PB * PB)
#define GA (1 / (2 * PA2 * (PA2 - PB2))) /* 1 / M'(+-a) */
#define GB (1 / (2 * PB2 * (PB2 - PA2)))
#define G0 (1 / (PA2 * PB2))

/* v = B^T d */
INLINE void
input_4_3 (const vec *d, vec *v)
{
  const vec even_a = d[4] - PB2 * d[2], odd_a = d[3] - PB2 * d[1];
  const vec even_b = d[4] - PA2 * d[2], odd_b = d[3] - PA2 * d[1];

  v[0] = d[4] - (PA2 + PB2) * d[2] + (PA2 * PB2) * d[0];
  v[1] = even_a + PA * odd_a;
  v[2] = even_a - PA * odd_a;
  v[3] = even_b + PB * odd_b;
  v[4] = even_b - PB * odd_b;
  v[5] = d[5] - (PA2 + PB2) * d[3] + (PA2 * PB2) * d[1];
}

/* y = A^T m */
INLINE void
output_4_3 (const vec *m, vec *y)
{
  const vec even_a = m[1] + m[2], odd_a = m[1] - m[2];
  const vec even_b = m[3] + m[4], odd_b = m[3] - m[4];

  y[0] = m[0] + even_a + even_b;
  y[1] = PA * odd_a + PB * odd_b;
  y[2] = PA2 * even_a + PB2 * even_b;
  y[3] = m[5] + (PA * PA2) * odd_a + (PB * PB2) * odd_b;
}

/* m = A y */
INLINE void
output_adjoint_4_3 (const vec *y, vec *m)
{
  const vec even_a = y[0] + PA2 * y[2], odd_a = y[1] + PA2 * y[3];
  const vec even_b = y[0] + PB2 * y[2], odd_b = y[1] + PB2 * y[3];

  m[0] = y[0];
  m[1] = even_a + PA * odd_a;
  m[2] = even_a - PA * odd_a;
  m[3] = even_b + PB * odd_b;
  m[4] = even_b - PB * odd_b;
  m[5] = y[3];
}

/* u = G g */
INLINE void
weights_4_3 (const vec *g, vec *u)
{
  const vec even_a = GA * g[0] + (GA * PA2) * g[2], odd_a = (GA * PA) * g[1];
  const vec even_b = GB * g[0] + (GB * PB2) * g[2], odd_b = (GB * PB) * g[1];

  u[0] = G0 * g[0];
  u[1] = even_a + odd_a;
  u[2] = even_a - odd_a;
  u[3] = even_b + odd_b;
  u[4] = even_b - odd_b;
  u[5] = g[2];
}

/* g = G^T u */
INLINE void
weights_adjoint_4_3 (const vec *u, vec *g)
{
  const vec even_a = u[1] + u[2], odd_a = u[1] - u[2];
  const vec even_b = u[3] + u[4], odd_b = u[3] - u[4];

  g[0] = G0 * u[0] + GA * even_a + GB * even_b;
  g[1] = (GA * PA) * odd_a + (GB * PB) * odd_b;
  g[2] = u[5] + (GA * PA2) * even_a + (GB * PB2) * even_b;
}

INLINE void
output_3_4 (const vec *m, vec *y)
{
  const vec even_a = m[1] + m[2], even_b = m[3] + m[4];

  y[0] = m[0] + even_a + even_b;
  y[1] = PA * (m[1] - m[2]) + PB * (m[3] - m[4]);
  y[2] = m[5] + PA2 * even_a + PB2 * even_b;
}

INLINE void
output_adjoint_3_4 (const vec *y, vec *m)
{
  const vec even_a = y[0] + PA2 * y[2], even_b = y[0] + PB2 * y[2];

  m[0] = y[0];
  m[1] = even_a + PA * y[1];
  m[2] = even_a - PA * y[1];
  m[3] = even_b + PB * y[1];
  m[4] = even_b - PB * y[1];
  m[5] = y[2];
}

INLINE void
weights_3_4 (const vec *g, vec *u)
{
  const vec even_a = GA * g[0] + (GA * PA2) * g[2];
  const vec even_b = GB * g[0] + (GB * PB2) * g[2];
  const vec odd_a = (GA * PA) * g[1] + (GA * PA * PA2) * g[3];
  const vec odd_b = (GB * PB) * g[1] + (GB * PB * PB2) * g[3];

  u[0] = G0 * g[0];
  u[1] = even_a + odd_a;
  u[2] = even_a - odd_a;
  u[3] = even_b + odd_b;
  u[4] = even_b - odd_b;
  u[5] = g[3];
}

INLINE void
weights_adjoint_3_4 (const vec *u, vec *g)
{
  const vec even_a = u[1] + u[2], odd_a = u[1] - u[2];
  const vec even_b = u[3] + u[4], odd_b = u[3] - u[4];

  g[0] = G0 * u[0] + GA * even_a + GB * even_b;
  g[1] = (GA * PA) * odd_a + (GB * PB) * odd_b;
  g[2] = (GA * PA2) * even_a + (GB * PB2) * even_b;
  g[3] = u[5] + (GA * PA * PA2) * odd_a + (GB * PB * PB2) * odd_b;
}

INLINE void
input_3_2 (const vec *d, vec *v)
{
  v[0] = d[0] - d[2];
  v[1] = d[1] + d[2];
  v[2] = d[2] - d[1];
  v[3] = d[3] - d[1];
}

INLINE void
output_3_2 (const vec *m, vec *y)
{
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2];
  y[2] = m[1] + m[2] + m[3];
}

INLINE void
output_adjoint_3_2 (const vec *y, vec *m)
{
  m[0] = y[0];
  m[1] = y[0] + y[1] + y[2];
  m[2] = y[0] - y[1] + y[2];
  m[3] = y[2];
}

INLINE void
weights_3_2 (const vec *g, vec *u)
{
  u[0] = g[0];
  u[1] = .5f * g[0] + .5f * g[1];
  u[2] = .5f * g[0] - .5f * g[1];
  u[3] = g[1];
}

INLINE void
weights_adjoint_3_2 (const vec *u, vec *g)
{
  g[0] = u[0] + .5f * (u[1] + u[2]);
  g[1] = u[3] + .5f * (u[1] - u[2]);
}

/* Not unrolled 36 times: no network that we know has one there. */
static __attribute__ ((noinline)) vec
tanh_of_vector (vec x)
{
  return v_tanh (x);
}

INLINE vec
activate (vec x, AtlActivation activation, vec slope)
{
  return activation == ATL_ACTIVATION_TANH ? tanh_of_vector (x)
                                           : v_activate (x, activation, slope);
}

typedef void (*Transform) (const vec *in, vec *out);

/* A tile q x q becomes p x p = T d T^T, T [p x q] being the matrix of
 * `transform`: `half` [q x p] has its rows done, and columns follow.  Rows are
 * done as they are loaded and columns stored as they are done, to keep as much
 * of `half` in registers as there is room for. */
INLINE void
transform_column (Transform transform, int p, int q, const vec *half, int j,
                  vec *out)
{
  vec column[6];

#pragma GCC unroll 6
  for (int i = 0; i < q; i++)
    column[i] = half[i * p + j];
  transform (column, out);
}

/* The distance in bytes from a tile to the one to its right, told from two
 * pixels in its middle; at the picture's edge it may be anything. */
INLINE guintptr
next_tile (const float *const *in, int o, int t)
{
  const int middle = t / 2 * t + t / 2;

  return o * ((guintptr)in[middle] - (guintptr)in[middle - 1]);
}

/* What the next tile has beyond this one, a line at a time: a tile's pixels are
 * too far apart for the CPU to read ahead. */
INLINE void
read_ahead (int o, int t, const float *const *in, int c, guintptr ahead)
{
  if (c % 16 != 0)
    return;
#pragma GCC unroll 6
  for (int i = 0; i < t; i++)
#pragma GCC unroll 6
    for (int j = t - o; j < t; j++)
      __builtin_prefetch ((const void *)((guintptr)(in[i * t + j] + c) + ahead));
}

INLINE void
input_vector (Transform transform, int t, int n, const float *const *in, int c,
              AtlActivation activation, vec slope, float *v, gsize point_stride)
{
  vec half[36], d[6];

#pragma GCC unroll 6
  for (int i = 0; i < t; i++)
    {
#pragma GCC unroll 6
      for (int j = 0; j < t; j++)
        d[j] = activate (v_load_n (in[i * t + j] + c, n), activation, slope);
      transform (d, half + i * t);
    }
#pragma GCC unroll 6
  for (int j = 0; j < t; j++)
    {
      transform_column (transform, t, t, half, j, d);
#pragma GCC unroll 6
      for (int i = 0; i < t; i++)
        v_store_n (v + (i * t + j) * point_stride + c, d[i], n);
    }
}

INLINE void
input_tile (AtlActivation activation, Transform transform, int o, int t,
            const float *const *in, int channels, float slope, float *v,
            gsize point_stride)
{
  const vec slopes = v_set (slope);
  const guintptr ahead = next_tile (in, o, t);
  int c = 0;

  for (; c + V <= channels; c += V)
    {
      read_ahead (o, t, in, c, ahead);
      input_vector (transform, t, V, in, c, activation, slopes, v, point_stride);
    }
  if (c < channels)
    input_vector (transform, t, channels - c, in, c, activation, slopes, v,
                  point_stride);
}

void
SET (winograd_input) (AtlWinograd w, const float *const *in, int channels,
                      AtlActivation activation, float slope, float *v,
                      gsize point_stride)
{
  if (w == ATL_WINOGRAD_4_3)
    WITH_CONSTANT_ACTIVATION (activation, input_tile, input_4_3, 4, 6, in, channels,
                              slope, v, point_stride)
  else if (w == ATL_WINOGRAD_3_4)
    WITH_CONSTANT_ACTIVATION (activation, input_tile, input_4_3, 3, 6, in, channels,
                              slope, v, point_stride)
  else
    WITH_CONSTANT_ACTIVATION (activation, input_tile, input_3_2, 3, 4, in, channels,
                              slope, v, point_stride)
}

INLINE void
output_vector (AtlActivation activation, Transform transform, int o, int t, int n,
               const float *m, gsize point_stride, int c,
               const float *const *residual, float *const *out,
               const AtlEpilogue *e)
{
  const vec scale = e->scale ? v_load_n (e->scale + c, n) : v_set (1);
  const vec shift = e->shift ? v_load_n (e->shift + c, n) : v_set (0);
  const vec slope = v_set (e->slope);
  vec half[36], d[6], y[4];

#pragma GCC unroll 6
  for (int i = 0; i < t; i++)
    {
#pragma GCC unroll 6
      for (int j = 0; j < t; j++)
        d[j] = v_load_n (m + (i * t + j) * point_stride + c, n);
      transform (d, half + i * o);
    }
#pragma GCC unroll 4
  for (int j = 0; j < o; j++)
    {
      transform_column (transform, o, t, half, j, y);
#pragma GCC unroll 4
      for (int i = 0; i < o; i++)
        if (out[i * o + j])
          {
            vec x = y[i] * scale + shift;

            if (residual)
              x += v_load_n (residual[i * o + j] + c, n);
            v_store_n (out[i * o + j] + c, activate (x, activation, slope), n);
          }
    }
}

INLINE void
output_tile (AtlActivation activation, Transform transform, int o, int t,
             const float *m, gsize point_stride, int channels,
             const float *const *residual, float *const *out, const AtlEpilogue *e)
{
  int c = 0;

  for (; c + V <= channels; c += V)
    output_vector (activation, transform, o, t, V, m, point_stride, c, residual,
                   out, e);
  if (c < channels)
    output_vector (activation, transform, o, t, channels - c, m, point_stride, c,
                   residual, out, e);
}

void
SET (winograd_output) (AtlWinograd w, const float *m, gsize point_stride,
                       int channels, const float *const *residual,
                       float *const *out, const AtlEpilogue *e)
{
  if (w == ATL_WINOGRAD_4_3)
    WITH_CONSTANT_ACTIVATION (e->activation, output_tile, output_4_3, 4, 6, m,
                              point_stride, channels, residual, out, e)
  else if (w == ATL_WINOGRAD_3_4)
    WITH_CONSTANT_ACTIVATION (e->activation, output_tile, output_3_4, 3, 6, m,
                              point_stride, channels, residual, out, e)
  else
    WITH_CONSTANT_ACTIVATION (e->activation, output_tile, output_3_2, 3, 4, m,
                              point_stride, channels, residual, out, e)
}

INLINE void
output_adjoint_vector (Transform transform, int o, int t, int n,
                       const float *const *dy, int c, float *m, gsize point_stride)
{
  vec half[24], d[4], out[6];

#pragma GCC unroll 4
  for (int i = 0; i < o; i++)
    {
#pragma GCC unroll 4
      for (int j = 0; j < o; j++)
        d[j] = dy[i * o + j] ? v_load_n (dy[i * o + j] + c, n) : v_set (0);
      transform (d, half + i * t);
    }
#pragma GCC unroll 6
  for (int j = 0; j < t; j++)
    {
      transform_column (transform, t, o, half, j, out);
#pragma GCC unroll 6
      for (int i = 0; i < t; i++)
        v_store_n (m + (i * t + j) * point_stride + c, out[i], n);
    }
}

INLINE void
output_adjoint_tile (Transform transform, int o, int t, const float *const *dy,
                     int channels, float *m, gsize point_stride)
{
  int c = 0;

  for (; c + V <= channels; c += V)
    output_adjoint_vector (transform, o, t, V, dy, c, m, point_stride);
  if (c < channels)
    output_adjoint_vector (transform, o, t, channels - c, dy, c, m, point_stride);
}

void
SET (winograd_output_adjoint) (AtlWinograd w, const float *const *dy, int channels,
                               float *m, gsize point_stride)
{
  if (w == ATL_WINOGRAD_4_3)
    output_adjoint_tile (output_adjoint_4_3, 4, 6, dy, channels, m, point_stride);
  else if (w == ATL_WINOGRAD_3_4)
    output_adjoint_tile (output_adjoint_3_4, 3, 6, dy, channels, m, point_stride);
  else
    output_adjoint_tile (output_adjoint_3_2, 3, 4, dy, channels, m, point_stride);
}

INLINE void
weights_vector (Transform transform, int t, int taps, int n, const float *const *g,
                int c, float *u, gsize point_stride)
{
  vec half[24], in[4], out[6];

#pragma GCC unroll 4
  for (int i = 0; i < taps; i++)
    {
#pragma GCC unroll 4
      for (int j = 0; j < taps; j++)
        in[j] = v_load_n (g[i * taps + j] + c, n);
      transform (in, half + i * t);
    }
#pragma GCC unroll 6
  for (int j = 0; j < t; j++)
    {
      transform_column (transform, t, taps, half, j, out);
#pragma GCC unroll 6
      for (int i = 0; i < t; i++)
        v_store_n (u + (i * t + j) * point_stride + c, out[i], n);
    }
}

INLINE void
weights_columns (Transform transform, int t, int taps, const float *const *g,
                 int columns, float *u, gsize point_stride)
{
  int c = 0;

  for (; c + V <= columns; c += V)
    weights_vector (transform, t, taps, V, g, c, u, point_stride);
  if (c < columns)
    weights_vector (transform, t, taps, columns - c, g, c, u, point_stride);
}

void
SET (winograd_weights) (AtlWinograd w, const float *const *g, int columns, float *u,
                        gsize point_stride)
{
  if (w == ATL_WINOGRAD_4_3)
    weights_columns (weights_4_3, 6, 3, g, columns, u, point_stride);
  else if (w == ATL_WINOGRAD_3_4)
    weights_columns (weights_3_4, 6, 4, g, columns, u, point_stride);
  else
    weights_columns (weights_3_2, 4, 2, g, columns, u, point_stride);
}

INLINE void
weights_adjoint_vector (Transform transform, int t, int taps, int n,
                        const float *du, gsize point_stride, int c,
                        float *const *dg)
{
  vec half[24], in[6], out[4];

#pragma GCC unroll 6
  for (int i = 0; i < t; i++)
    {
#pragma GCC unroll 6
      for (int j = 0; j < t; j++)
        in[j] = v_load_n (du + (i * t + j) * point_stride + c, n);
      transform (in, half + i * taps);
    }
#pragma GCC unroll 4
  for (int j = 0; j < taps; j++)
    {
      transform_column (transform, taps, t, half, j, out);
#pragma GCC unroll 4
      for (int i = 0; i < taps; i++)
        {
          float *to = dg[i * taps + j] + c;

          v_store_n (to, v_load_n (to, n) + out[i], n);
        }
    }
}

INLINE void
weights_adjoint_columns (Transform transform, int t, int taps, const float *du,
                         gsize point_stride, int columns, float *const *dg)
{
  int c = 0;

  for (; c + V <= columns; c += V)
    weights_adjoint_vector (transform, t, taps, V, du, point_stride, c, dg);
  if (c < columns)
    weights_adjoint_vector (transform, t, taps, columns - c, du, point_stride, c,
                            dg);
}

void
SET (winograd_weights_adjoint) (AtlWinograd w, const float *du, gsize point_stride,
                                int columns, float *const *dg)
{
  if (w == ATL_WINOGRAD_4_3)
    weights_adjoint_columns (weights_adjoint_4_3, 6, 3, du, point_stride, columns,
                             dg);
  else if (w == ATL_WINOGRAD_3_4)
    weights_adjoint_columns (weights_adjoint_3_4, 6, 4, du, point_stride, columns,
                             dg);
  else
    weights_adjoint_columns (weights_adjoint_3_2, 4, 2, du, point_stride, columns,
                             dg);
}
