/* What the sources that are compiled once per instruction set share: their
 * names.  ATL_SET is the set's, from the build. */

#pragma once

#include "kernels/kernels.h"

G_BEGIN_DECLS

#define SET_JOIN(name, set) atl_##name##_##set
#define SET_EXPAND(name, set) SET_JOIN (name, set)
#define SET(name) SET_EXPAND (name, ATL_SET)

#define INLINE static inline __attribute__ ((always_inline))

/* The functions of AtlKernels, by the same names. */
void SET (gemm) (const AtlGemm *gemm);
void SET (epilogue) (int rows, int channels, const float *src, gsize src_stride,
                     const float *residual, gsize residual_stride, float *dst,
                     gsize dst_stride, const AtlEpilogue *epilogue);
void SET (winograd_input) (AtlWinograd w, const float *const *in, int channels,
                           AtlActivation activation, float slope, float *v,
                           gsize point_stride);
void SET (winograd_output) (AtlWinograd w, const float *m, gsize point_stride,
                            int channels, const float *const *residual,
                            float *const *out, const AtlEpilogue *epilogue);
void SET (winograd_output_adjoint) (AtlWinograd w, const float *const *dy,
                                    int channels, float *m, gsize point_stride);
void SET (winograd_weights) (AtlWinograd w, const float *const *g, int columns,
                             float *u, gsize point_stride);
void SET (winograd_weights_adjoint) (AtlWinograd w, const float *du,
                                     gsize point_stride, int columns,
                                     float *const *dg);
void SET (moments) (int rows, int channels, const float *x, gsize stride,
                    double *mean, double *m2);
void SET (norm_backward_sums) (int rows, int channels, const float *x,
                               gsize x_stride, const float *dy, gsize dy_stride,
                               const float *mean, const float *rstd, double *sum_dy,
                               double *sum_dy_xhat);
void SET (norm_backward_apply) (int rows, int channels, const float *x,
                                gsize x_stride, const float *dy, gsize dy_stride,
                                const float *a, const float *b, const float *d,
                                float *dx, gsize dx_stride, gboolean accumulate);
void SET (activation_backward) (int rows, int channels, const float *y,
                                gsize y_stride, const float *dy, gsize dy_stride,
                                AtlActivation activation, float slope, float *dx,
                                gsize dx_stride, gboolean accumulate);
void SET (accumulate) (int rows, int channels, const float *src, gsize src_stride,
                       float *dst, gsize dst_stride);
void SET (column_sums) (int rows, int channels, const float *x, gsize stride,
                        double *sums);
void SET (dropout) (gsize count, const float *x, float p, guint64 seed,
                    guint64 stream, guint64 first, float *y);
void SET (argmin_scores) (int rows, int columns, const float *scores, gsize stride,
                          const float *bias, int first, float *best_score,
                          gint32 *best_index);
void SET (adam) (gsize n, float *weights, const float *gradients, float *m,
                 float *v, float *average, const AtlAdam *adam);
void SET (float_to_half) (gsize n, const float *in, guint16 *out);

G_END_DECLS
