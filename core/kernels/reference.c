/* Every kernel as a small scalar loop: the yardstick of the tests, in use only
 * when asked for by name.  Sums are taken in double where that matters.
 */

#include "kernels/table.h"

#include <math.h>

#include "base/random.h"

static float
activate (float x, AtlActivation activation, float slope)
{
  switch (activation)
    {
    case ATL_ACTIVATION_RELU:
      return x < 0 ? 0 : x;
    case ATL_ACTIVATION_LEAKY_RELU:
      return x < 0 ? slope * x : x;
    case ATL_ACTIVATION_TANH:
      return tanhf (x);
    case ATL_ACTIVATION_NONE:
    default:
      return x;
    }
}

static void
gemm (const AtlGemm *g)
{
  for (int i = 0; i < g->m; i++)
    for (int j = 0; j < g->n; j++)
      {
        float *c = g->c + (gsize)i * g->ldc + j;
        double sum = g->accumulate ? *c : 0;

        for (int s = 0; s < g->n_segments; s++)
          for (int p = 0; p < g->k; p++)
            sum += (double)g->a[s][(gsize)i * g->a_row + (gsize)p * g->a_col]
                   * g->b[s][(gsize)p * g->ldb + j];
        *c = sum;
      }
}

static void
epilogue (int rows, int channels, const float *src, gsize src_stride,
          const float *residual, gsize residual_stride, float *dst,
          gsize dst_stride, const AtlEpilogue *e)
{
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < channels; c++)
      {
        float x = src[r * src_stride + c];

        if (e->scale)
          x *= e->scale[c];
        if (e->shift)
          x += e->shift[c];
        if (residual)
          x += residual[r * residual_stride + c];
        dst[r * dst_stride + c] = activate (x, e->activation, e->slope);
      }
}

/* B^T [tile x tile], G [tile x taps], A^T [outputs x tile], row by row.
 * F(4,3) and F(3,4) have the points 0, +-a, +-b and infinity. */
#define a 0.625
#define b 1.5
#define a2 (a * a)
#define b2 (b * b)
#define na (2 * a2 * (a2 - b2))
#define nb (2 * b2 * (b2 - a2))
/* clang-format off */
static const double matrices[ATL_N_WINOGRADS][3][36] = {
  { { a2 * b2, 0,       -a2 - b2, 0,        1, 0,
      0,       -a * b2, -b2,      a,        1, 0,
      0,       a * b2,  -b2,      -a,       1, 0,
      0,       -a2 * b, -a2,      b,        1, 0,
      0,       a2 * b,  -a2,      -b,       1, 0,
      0,       a2 * b2, 0,        -a2 - b2, 0, 1 },
    { 1 / (a2 * b2), 0, 0,
      1 / na, a / na,  a2 / na,
      1 / na, -a / na, a2 / na,
      1 / nb, b / nb,  b2 / nb,
      1 / nb, -b / nb, b2 / nb,
      0, 0, 1 },
    { 1, 1,      1,       1,      1,       0,
      0, a,      -a,      b,      -b,      0,
      0, a2,     a2,      b2,     b2,      0,
      0, a2 * a, -a2 * a, b2 * b, -b2 * b, 1 } },
  { { 1, 0,  -1, 0,
      0, 1,  1,  0,
      0, -1, 1,  0,
      0, -1, 0,  1 },
    { 1, 0,
      .5, .5,
      .5, -.5,
      0, 1 },
    { 1, 1, 1,  0,
      0, 1, -1, 0,
      0, 1, 1,  1 } },
  { { a2 * b2, 0,       -a2 - b2, 0,        1, 0,
      0,       -a * b2, -b2,      a,        1, 0,
      0,       a * b2,  -b2,      -a,       1, 0,
      0,       -a2 * b, -a2,      b,        1, 0,
      0,       a2 * b,  -a2,      -b,       1, 0,
      0,       a2 * b2, 0,        -a2 - b2, 0, 1 },
    { 1 / (a2 * b2), 0, 0, 0,
      1 / na, a / na,  a2 / na, a2 * a / na,
      1 / na, -a / na, a2 / na, -a2 * a / na,
      1 / nb, b / nb,  b2 / nb, b2 * b / nb,
      1 / nb, -b / nb, b2 / nb, -b2 * b / nb,
      0, 0, 0, 1 },
    { 1, 1,  1,  1,  1,  0,
      0, a,  -a, b,  -b, 0,
      0, a2, a2, b2, b2, 1 } }
};
/* clang-format on */
#undef a
#undef b

enum
{
  BT,
  G,
  AT
};

/* out[p x p] = M in[q x q] M^T with M [p x q], or M^T's rows if transposed. */
static void
sandwich (const double *matrix, gboolean transposed, int p, int q, const double *in,
          double *out)
{
  double half[36];

  for (int i = 0; i < p; i++)
    for (int j = 0; j < q; j++)
      {
        half[i * q + j] = 0;
        for (int k = 0; k < q; k++)
          half[i * q + j]
              += matrix[transposed ? k * p + i : i * q + k] * in[k * q + j];
      }
  for (int i = 0; i < p; i++)
    for (int j = 0; j < p; j++)
      {
        out[i * p + j] = 0;
        for (int k = 0; k < q; k++)
          out[i * p + j]
              += half[i * q + k] * matrix[transposed ? k * p + j : j * q + k];
      }
}

static void
winograd_input (AtlWinograd w, const float *const *in, int channels,
                AtlActivation activation, float slope, float *v, gsize point_stride)
{
  const int t = atl_winograd_tile (w);
  double d[36], out[36];

  for (int c = 0; c < channels; c++)
    {
      for (int i = 0; i < t * t; i++)
        d[i] = activate (in[i][c], activation, slope);
      sandwich (matrices[w][BT], FALSE, t, t, d, out);
      for (int i = 0; i < t * t; i++)
        v[i * point_stride + c] = out[i];
    }
}

static void
winograd_output (AtlWinograd w, const float *m, gsize point_stride, int channels,
                 const float *const *residual, float *const *out,
                 const AtlEpilogue *e)
{
  const int t = atl_winograd_tile (w), o = atl_winograd_outputs (w);
  double d[36], y[36];

  for (int c = 0; c < channels; c++)
    {
      for (int i = 0; i < t * t; i++)
        d[i] = m[i * point_stride + c];
      sandwich (matrices[w][AT], FALSE, o, t, d, y);
      for (int i = 0; i < o * o; i++)
        if (out[i])
          {
            double x = y[i] * (e->scale ? e->scale[c] : 1)
                       + (e->shift ? e->shift[c] : 0);

            x += residual ? residual[i][c] : 0;
            out[i][c] = activate (x, e->activation, e->slope);
          }
    }
}

static void
winograd_output_adjoint (AtlWinograd w, const float *const *dy, int channels,
                         float *m, gsize point_stride)
{
  const int t = atl_winograd_tile (w), o = atl_winograd_outputs (w);
  double d[36], out[36];

  for (int c = 0; c < channels; c++)
    {
      for (int i = 0; i < o * o; i++)
        d[i] = dy[i] ? dy[i][c] : 0;
      sandwich (matrices[w][AT], TRUE, t, o, d, out);
      for (int i = 0; i < t * t; i++)
        m[i * point_stride + c] = out[i];
    }
}

static void
winograd_weights (AtlWinograd w, const float *const *g, int columns, float *u,
                  gsize point_stride)
{
  const int t = atl_winograd_tile (w), taps = atl_winograd_taps (w);
  double d[36], out[36];

  for (int c = 0; c < columns; c++)
    {
      for (int i = 0; i < taps * taps; i++)
        d[i] = g[i][c];
      sandwich (matrices[w][G], FALSE, t, taps, d, out);
      for (int i = 0; i < t * t; i++)
        u[i * point_stride + c] = out[i];
    }
}

static void
winograd_weights_adjoint (AtlWinograd w, const float *du, gsize point_stride,
                          int columns, float *const *dg)
{
  const int t = atl_winograd_tile (w), taps = atl_winograd_taps (w);
  double d[36], out[36];

  for (int c = 0; c < columns; c++)
    {
      for (int i = 0; i < t * t; i++)
        d[i] = du[i * point_stride + c];
      sandwich (matrices[w][G], TRUE, taps, t, d, out);
      for (int i = 0; i < taps * taps; i++)
        dg[i][c] += out[i];
    }
}

static void
moments (int rows, int channels, const float *x, gsize stride, double *mean,
         double *m2)
{
  for (int c = 0; c < channels; c++)
    {
      mean[c] = 0;
      for (int r = 0; r < rows; r++)
        mean[c] += x[r * stride + c];
      mean[c] /= MAX (rows, 1);
      m2[c] = 0;
      for (int r = 0; r < rows; r++)
        m2[c] += (x[r * stride + c] - mean[c]) * (x[r * stride + c] - mean[c]);
    }
}

static void
norm_backward_sums (int rows, int channels, const float *x, gsize x_stride,
                    const float *dy, gsize dy_stride, const float *mean,
                    const float *rstd, double *sum_dy, double *sum_dy_xhat)
{
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < channels; c++)
      {
        double xhat = ((double)x[r * x_stride + c] - mean[c]) * rstd[c];

        sum_dy[c] += dy[r * dy_stride + c];
        sum_dy_xhat[c] += dy[r * dy_stride + c] * xhat;
      }
}

static void
norm_backward_apply (int rows, int channels, const float *x, gsize x_stride,
                     const float *dy, gsize dy_stride, const float *a,
                     const float *b, const float *d, float *dx, gsize dx_stride,
                     gboolean add)
{
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < channels; c++)
      {
        float *to = dx + r * dx_stride + c;
        float value
            = a[c] * dy[r * dy_stride + c] + b[c] * x[r * x_stride + c] + d[c];

        *to = add ? *to + value : value;
      }
}

static void
activation_backward (int rows, int channels, const float *y, gsize y_stride,
                     const float *dy, gsize dy_stride, AtlActivation activation,
                     float slope, float *dx, gsize dx_stride, gboolean add)
{
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < channels; c++)
      {
        float *to = dx + r * dx_stride + c;
        float value = y[r * y_stride + c];
        float d = dy[r * dy_stride + c];

        if (activation == ATL_ACTIVATION_RELU)
          d = value > 0 ? d : 0;
        else if (activation == ATL_ACTIVATION_LEAKY_RELU)
          d = value > 0 ? d : slope * d;
        else if (activation == ATL_ACTIVATION_TANH)
          d *= 1 - value * value;
        *to = add ? *to + d : d;
      }
}

static void
accumulate (int rows, int channels, const float *src, gsize src_stride, float *dst,
            gsize dst_stride)
{
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < channels; c++)
      dst[r * dst_stride + c] += src[r * src_stride + c];
}

static void
column_sums (int rows, int channels, const float *x, gsize stride, double *sums)
{
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < channels; c++)
      sums[c] += x[r * stride + c];
}

static void
dropout (gsize count, const float *x, float p, guint64 seed, guint64 stream,
         guint64 first, float *y)
{
  guint32 block[4];

  for (gsize i = 0; i < count; i++)
    {
      if (i % 4 == 0)
        atl_random_block (seed, stream, (first + i) / 4, block);
      /* The test is that of atl_random_uniform: 24 bits of each number. */
      y[i] = (block[i % 4] >> 8) * 0x1p-24f >= p ? x[i] * (1 / (1 - p)) : 0;
    }
}

static void
argmin_scores (int rows, int columns, const float *scores, gsize stride,
               const float *bias, int first, float *best_score, gint32 *best_index)
{
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < columns; c++)
      {
        float score = bias[c] - 2 * scores[r * stride + c];

        if (score < best_score[r])
          {
            best_score[r] = score;
            best_index[r] = first + c;
          }
      }
}

static void
adam (gsize n, float *weights, const float *gradients, float *m, float *v,
      float *average, const AtlAdam *a)
{
  for (gsize i = 0; i < n; i++)
    {
      const double g = gradients[i];
      double w = weights[i];

      m[i] = a->beta1 * m[i] + (1 - a->beta1) * g;
      v[i] = a->beta2 * v[i] + (1 - a->beta2) * g * g;
      w -= a->lr * a->weight_decay * w;
      w -= a->lr * (m[i] / a->correction1)
           / (sqrt (v[i] / a->correction2) + a->epsilon);
      weights[i] = w;
      if (average)
        average[i] += (1 - a->average_decay) * (w - average[i]);
    }
}

static guint16
to_half (float x)
{
  const guint16 sign = signbit (x) ? 0x8000 : 0;
  int exponent;

  x = fabsf (x);
  if (isnan (x))
    return sign | 0x7e00;
  if (x >= 65520) /* rounds to more than the largest, 65504 */
    return sign | 0x7c00;
  if (x < 0x1p-14f) /* subnormal: units of 2^-24; 1024 of them are 2^-14 */
    return sign | (guint16)rintf (x * 0x1p24f);
  frexpf (x, &exponent); /* x = [0.5, 1) * 2^exponent */
  /* A fraction rounded up to 2048 carries into the exponent as it should. */
  return sign + ((exponent + 13) << 10)
         + (guint16)rintf (ldexpf (x, 11 - exponent));
}

static void
float_to_half (gsize n, const float *in, guint16 *out)
{
  for (gsize i = 0; i < n; i++)
    out[i] = to_half (in[i]);
}

const AtlKernels atl_kernels_reference = {
  .name = "reference",
  .gemm_name = "reference",
  .gemm = gemm,
  .epilogue = epilogue,
  .winograd_input = winograd_input,
  .winograd_output = winograd_output,
  .winograd_output_adjoint = winograd_output_adjoint,
  .winograd_weights = winograd_weights,
  .winograd_weights_adjoint = winograd_weights_adjoint,
  .moments = moments,
  .norm_backward_sums = norm_backward_sums,
  .norm_backward_apply = norm_backward_apply,
  .activation_backward = activation_backward,
  .accumulate = accumulate,
  .column_sums = column_sums,
  .dropout = dropout,
  .argmin_scores = argmin_scores,
  .adam = adam,
  .float_to_half = float_to_half,
};
