/* Loops over floats that cannot fail: one table of functions, filled at
 * start-up with the fastest version that this CPU runs.
 *
 * The sources in this folder are compiled once per instruction set (baseline,
 * avx2 = AVX2+FMA, avx512 = AVX-512 F/BW/DQ/VL); ATELIER_CPU=baseline|avx2|
 * avx512 in the environment lowers the choice, for tests.  Everything here
 * works on the calling thread alone and writes only where it is told to.
 *
 * Dimensions, here and everywhere: N images, C channels, H rows, W columns;
 * OC output channels; KH, KW kernel rows and columns.  Layout is NHWC.  A
 * "stride" is the distance, in floats, between neighbouring pixels or rows of
 * a matrix.  Pointers need no alignment.  Unless a comment says otherwise,
 * outputs are overwritten and must not overlap inputs.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ATL_PANEL 64      /* columns of a full panel of weights */
#define ATL_PANEL_STEP 16 /* a panel's columns are a multiple of this */

typedef enum
{
  ATL_ACTIVATION_NONE,
  ATL_ACTIVATION_RELU,
  ATL_ACTIVATION_LEAKY_RELU, /* x < 0 ? slope * x : x */
  ATL_ACTIVATION_TANH
} AtlActivation;

/* C[m x n] (+)= sum over segments s of A_s[m x k] * B_s[k x n].
 *
 * A_s's element (i, p) is a[s][i * a_row + p * a_col], so that with a_row = 1
 * the product is with the transpose; B_s's (p, j) is b[s][p * ldb + j].
 * n is at most ATL_PANEL and a multiple of ATL_PANEL_STEP: a panel.  Small k
 * and long b are blocked inside so that a panel is reused from cache. */
typedef struct
{
  int m, n, k;
  int n_segments;
  const float *const *a;
  gsize a_row, a_col;
  const float *const *b;
  gsize ldb;
  float *c;
  gsize ldc;
  gboolean accumulate; /* C += instead of C = */
} AtlGemm;

/* y = activation (scale[c] * x + shift[c] + residual) */
typedef struct
{
  const float *scale; /* [C], NULL: 1 */
  const float *shift; /* [C], NULL: 0 */
  AtlActivation activation;
  float slope; /* of ATL_ACTIVATION_LEAKY_RELU */
} AtlEpilogue;

/* Winograd's minimal filtering F(outputs x outputs, taps x taps), Lavin & Gray
 * 2016: y = A^T [(G g G^T) . (B^T d B)] A, tiles of (outputs + taps - 1)^2.
 * "points" are the tile's elements in the transformed domain. */
typedef enum
{
  ATL_WINOGRAD_4_3, /* F(4x4, 3x3): 3x3, stride 1; 36 points */
  ATL_WINOGRAD_3_2, /* F(3x3, 2x2): the four phases of a 4x4 kernel with
                       stride 2, and of its transpose; 16 points */
  ATL_WINOGRAD_3_4, /* F(3x3, 4x4): 4x4, stride 1; 36 points */
  ATL_N_WINOGRADS
} AtlWinograd;

static inline int
atl_winograd_outputs (AtlWinograd w)
{
  return w == ATL_WINOGRAD_4_3 ? 4 : 3;
}

static inline int
atl_winograd_taps (AtlWinograd w)
{
  return w == ATL_WINOGRAD_4_3 ? 3 : w == ATL_WINOGRAD_3_4 ? 4 : 2;
}

static inline int
atl_winograd_tile (AtlWinograd w)
{
  return atl_winograd_outputs (w) + atl_winograd_taps (w) - 1;
}

/* Adam (Kingma & Ba 2015), decoupled weight decay (Loshchilov & Hutter 2019),
 * and an exponential moving average of the result, in one pass. */
typedef struct
{
  float lr, beta1, beta2, epsilon, weight_decay;
  float correction1, correction2; /* 1 - beta^t */
  float average_decay;            /* of `average`, if that is not NULL */
} AtlAdam;

typedef struct
{
  const char *name;      /* "baseline", "avx2", "avx512" */
  const char *gemm_name; /* which body `gemm` is: "own avx512", "openblas
                            Haswell"; for reports */

  void (*gemm) (const AtlGemm *gemm);

  /* Rows of `channels` floats through an epilogue.  src may equal dst (same
   * stride).  residual: NULL, or added before the activation. */
  void (*epilogue) (int rows, int channels, const float *src, gsize src_stride,
                    const float *residual, gsize residual_stride, float *dst,
                    gsize dst_stride, const AtlEpilogue *epilogue);

  /* V = B^T d B of one tile, for `channels` channels.  in[t*t]: the tile's
   * pixels, row by row; a pixel outside the picture points to zeros.  The
   * activation is applied as they are read.  Point p goes to
   * v + p * point_stride. */
  void (*winograd_input) (AtlWinograd w, const float *const *in, int channels,
                          AtlActivation activation, float slope, float *v,
                          gsize point_stride);

  /* y = A^T m A of one tile, then the epilogue.  out[o*o]: where the pixels
   * go, NULL where there is none; residual: NULL or o*o pointers (read only
   * where out is not NULL). */
  void (*winograd_output) (AtlWinograd w, const float *m, gsize point_stride,
                           int channels, const float *const *residual,
                           float *const *out, const AtlEpilogue *epilogue);

  /* The adjoint of winograd_output, for weight gradients: m = A dy A^T.
   * dy[o*o]: NULL stands for zeros. */
  void (*winograd_output_adjoint) (AtlWinograd w, const float *const *dy,
                                   int channels, float *m, gsize point_stride);

  /* U = G g G^T for `columns` columns.  g[taps*taps]. */
  void (*winograd_weights) (AtlWinograd w, const float *const *g, int columns,
                            float *u, gsize point_stride);

  /* Its adjoint: dg[t] += G^T du G. */
  void (*winograd_weights_adjoint) (AtlWinograd w, const float *du,
                                    gsize point_stride, int columns,
                                    float *const *dg);

  /* Per channel over `rows` rows: mean[c] and m2[c] = sum (x - mean)^2. */
  void (*moments) (int rows, int channels, const float *x, gsize stride,
                   double *mean, double *m2);

  /* Sums for the backward of a norm: sum_dy[c] += sum dy,
   * sum_dy_xhat[c] += sum dy * (x - mean[c]) * rstd[c]. */
  void (*norm_backward_sums) (int rows, int channels, const float *x,
                              gsize x_stride, const float *dy, gsize dy_stride,
                              const float *mean, const float *rstd, double *sum_dy,
                              double *sum_dy_xhat);

  /* dx (+)= a[c] * dy + b[c] * x + d[c]; dx may equal dy. */
  void (*norm_backward_apply) (int rows, int channels, const float *x,
                               gsize x_stride, const float *dy, gsize dy_stride,
                               const float *a, const float *b, const float *d,
                               float *dx, gsize dx_stride, gboolean accumulate);

  /* dx (+)= dy * activation'(.), told from the activation's output y (for
   * the rectifiers its input serves as well).  dx may equal dy. */
  void (*activation_backward) (int rows, int channels, const float *y,
                               gsize y_stride, const float *dy, gsize dy_stride,
                               AtlActivation activation, float slope, float *dx,
                               gsize dx_stride, gboolean accumulate);

  /* dst += src, row by row. */
  void (*accumulate) (int rows, int channels, const float *src, gsize src_stride,
                      float *dst, gsize dst_stride);
  /* sums[c] += sum over rows of x: a bias's gradient. */
  void (*column_sums) (int rows, int channels, const float *x, gsize stride,
                       double *sums);

  /* Inverted dropout: y = keep ? x / (1 - p) : 0 for `count` elements, the
   * mask being Philox (seed, stream) from element `first` on (a multiple of
   * 4).  The same call with dy in place of x is the backward. */
  void (*dropout) (gsize count, const float *x, float p, guint64 seed,
                   guint64 stream, guint64 first, float *y);

  /* For each row the column of the least scores[j] * -2 + bias[j]; merges
   * with what best_* hold from earlier columns (ties keep the earlier).
   * index = first + j. */
  void (*argmin_scores) (int rows, int columns, const float *scores, gsize stride,
                         const float *bias, int first, float *best_score,
                         gint32 *best_index);

  /* One step of n weights, with their moments m and v, all changed in place.
   * average: NULL for none. */
  void (*adam) (gsize n, float *weights, const float *gradients, float *m, float *v,
                float *average, const AtlAdam *adam);

  /* To IEEE half precision, nearest even; from 65520 on infinite, NaN stays. */
  void (*float_to_half) (gsize n, const float *in, guint16 *out);
} AtlKernels;

/* The table in use.  The first call chooses it; any thread. */
const AtlKernels *atl_kernels_get (void);

/* The table for one instruction set, "baseline" | "avx2" | "avx512" | and
 * "reference" (scalar C, the yardstick of the tests); NULL if this CPU or this
 * build lacks it. */
const AtlKernels *atl_kernels_lookup (const char *name);

G_END_DECLS
