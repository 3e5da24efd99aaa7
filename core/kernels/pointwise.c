/* Loops over the rows of a matrix that touch each element once: epilogue,
 * activations' backward, sums.
 *
 * Rows of a few channels that follow each other without gaps are taken as one
 * row many times as long, with the parameters repeated, so that pictures of
 * three channels fill whole vectors too.
 */

#include "kernels/vec.h"

/* Rows of `channels` as rows of `channels` * V, at most so long. */
#define MAX_FOLDED 16

INLINE void
epilogue_vector (AtlActivation activation, gboolean affine, int n, const float *src,
                 const float *residual, float *dst, const float *scale,
                 const float *shift, vec slope)
{
  vec x = v_load_n (src, n);

  if (affine)
    x = x * v_load_n (scale, n) + v_load_n (shift, n);
  if (residual)
    x += v_load_n (residual, n);
  v_store_n (dst, v_activate (x, activation, slope), n);
}

INLINE void
epilogue_rows (AtlActivation activation, gboolean affine, int rows, int channels,
               const float *src, gsize src_stride, const float *residual,
               gsize residual_stride, float *dst, gsize dst_stride,
               const float *scale, const float *shift, float slope)
{
  const vec slopes = v_set (slope);

  for (int r = 0; r < rows; r++)
    {
      int c = 0;

      for (; c + V <= channels; c += V)
        epilogue_vector (activation, affine, V, src + c,
                         residual ? residual + c : NULL, dst + c, scale + c,
                         shift + c, slopes);
      if (c < channels)
        epilogue_vector (activation, affine, channels - c, src + c,
                         residual ? residual + c : NULL, dst + c, scale + c,
                         shift + c, slopes);
      src += src_stride;
      dst += dst_stride;
      if (residual)
        residual += residual_stride;
    }
}

#define EPILOGUE(ACTIVATION, ...)                                                  \
  if (affine)                                                                      \
    epilogue_rows (ACTIVATION, TRUE, __VA_ARGS__);                                 \
  else                                                                             \
    epilogue_rows (ACTIVATION, FALSE, __VA_ARGS__)

static void
epilogue_affine (gboolean affine, int rows, int channels, const float *src,
                 gsize src_stride, const float *residual, gsize residual_stride,
                 float *dst, gsize dst_stride, const float *scale,
                 const float *shift, const AtlEpilogue *e)
{
  WITH_CONSTANT_ACTIVATION (e->activation, EPILOGUE, rows, channels, src,
                            src_stride, residual, residual_stride, dst, dst_stride,
                            scale, shift, e->slope)
}

/* The parameters of `channels` channels, `times` times over. */
static void
repeat (const float *parameters, float otherwise, int channels, int times,
        float *out)
{
  for (int i = 0; i < times; i++)
    for (int c = 0; c < channels; c++)
      out[i * channels + c] = parameters ? parameters[c] : otherwise;
}

void
SET (epilogue) (int rows, int channels, const float *src, gsize src_stride,
                const float *residual, gsize residual_stride, float *dst,
                gsize dst_stride, const AtlEpilogue *e)
{
  const gboolean affine = e->scale || e->shift;
  float scale[MAX_FOLDED * V], shift[MAX_FOLDED * V];

  if (channels <= MAX_FOLDED && rows >= V && src_stride == (gsize)channels
      && dst_stride == src_stride && (!residual || residual_stride == src_stride))
    {
      const int folded = rows / V, wide = channels * V;
      const gsize done = (gsize)folded * wide;

      repeat (e->scale, 1, channels, V, scale);
      repeat (e->shift, 0, channels, V, shift);
      epilogue_affine (affine, folded, wide, src, wide, residual, wide, dst, wide,
                       scale, shift, e);
      rows -= folded * V;
      src += done;
      dst += done;
      residual = residual ? residual + done : NULL;
    }
  if (!affine || (e->scale && e->shift))
    {
      epilogue_affine (affine, rows, channels, src, src_stride, residual,
                       residual_stride, dst, dst_stride, e->scale, e->shift, e);
      return;
    }
  for (int c = 0; c < channels; c += MAX_FOLDED * V)
    {
      const int n = MIN (MAX_FOLDED * V, channels - c);

      repeat (e->scale ? e->scale + c : NULL, 1, n, 1, scale);
      repeat (e->shift ? e->shift + c : NULL, 0, n, 1, shift);
      epilogue_affine (TRUE, rows, n, src + c, src_stride,
                       residual ? residual + c : NULL, residual_stride, dst + c,
                       dst_stride, scale, shift, e);
    }
}

INLINE void
backward_vector (AtlActivation activation, gboolean add, int n, const float *y,
                 const float *dy, float *dx, vec slope)
{
  const vec value = v_load_n (y, n);
  vec d = v_load_n (dy, n);

  if (activation == ATL_ACTIVATION_RELU)
    d = v_if_less (v_set (0), value, d, v_set (0));
  else if (activation == ATL_ACTIVATION_LEAKY_RELU)
    d = v_if_less (v_set (0), value, d, d * slope);
  else if (activation == ATL_ACTIVATION_TANH)
    d = d * (1 - value * value);
  if (add)
    d += v_load_n (dx, n);
  v_store_n (dx, d, n);
}

INLINE void
backward_rows (AtlActivation activation, gboolean add, int rows, int channels,
               const float *y, gsize y_stride, const float *dy, gsize dy_stride,
               float slope, float *dx, gsize dx_stride)
{
  const vec slopes = v_set (slope);

  for (int r = 0; r < rows; r++, y += y_stride, dy += dy_stride, dx += dx_stride)
    {
      int c = 0;

      for (; c + V <= channels; c += V)
        backward_vector (activation, add, V, y + c, dy + c, dx + c, slopes);
      if (c < channels)
        backward_vector (activation, add, channels - c, y + c, dy + c, dx + c,
                         slopes);
    }
}

#define BACKWARD(ACTIVATION, ...)                                                  \
  if (add)                                                                         \
    backward_rows (ACTIVATION, TRUE, __VA_ARGS__);                                 \
  else                                                                             \
    backward_rows (ACTIVATION, FALSE, __VA_ARGS__)

void
SET (activation_backward) (int rows, int channels, const float *y, gsize y_stride,
                           const float *dy, gsize dy_stride,
                           AtlActivation activation, float slope, float *dx,
                           gsize dx_stride, gboolean add)
{
  if (channels <= MAX_FOLDED && rows >= V && y_stride == (gsize)channels
      && dy_stride == y_stride && dx_stride == y_stride)
    {
      const int folded = rows / V, wide = channels * V;
      const gsize done = (gsize)folded * wide;

      WITH_CONSTANT_ACTIVATION (activation, BACKWARD, folded, wide, y, wide, dy,
                                wide, slope, dx, wide)
      rows -= folded * V;
      y += done;
      dy += done;
      dx += done;
    }
  WITH_CONSTANT_ACTIVATION (activation, BACKWARD, rows, channels, y, y_stride, dy,
                            dy_stride, slope, dx, dx_stride)
}

void
SET (accumulate) (int rows, int channels, const float *src, gsize src_stride,
                  float *dst, gsize dst_stride)
{
  if (src_stride == (gsize)channels && dst_stride == src_stride
      && rows <= G_MAXINT / MAX (channels, 1))
    {
      channels *= rows;
      rows = 1;
    }
  for (int r = 0; r < rows; r++, src += src_stride, dst += dst_stride)
    {
      int c = 0;

      for (; c + V <= channels; c += V)
        v_store (dst + c, v_load (dst + c) + v_load (src + c));
      if (c < channels)
        v_store_n (dst + c,
                   v_load_n (dst + c, channels - c)
                       + v_load_n (src + c, channels - c),
                   channels - c);
    }
}
