/* The gradient of a convolution's weights without transforms.
 *
 * For kernel position t and a panel of output channels it is one product,
 * dW_t [C x 64] = sum over rows of the output of X_row^T dY_row, where X_row
 * are the input pixels that the row's outputs saw through t: a product with as
 * many segments as there are rows, summed in registers.  The columns of one
 * kernel row lie together in an input of stride C and make one taller product.
 */

#include "graph/conv.h"

#include <string.h>

typedef struct
{
  AtlPlan *plan;
  const Conv *conv;
  const ConvIo *io;
  float *padded;   /* [n][n_rows][n_cols][c], load applied */
  const float *dy; /* pixels of `dy_stride` floats, whole steps of them */
  gsize dy_stride;
  float *dy_copy;
  float *gradient;
  gboolean accumulate;
} Gradient;

static gsize
padded_floats (const Conv *conv)
{
  return (gsize)conv->n * conv->n_rows * conv->n_cols * conv->c;
}

static gboolean
copies_dy (const Conv *conv)
{
  return conv->oc % ATL_PANEL_STEP != 0;
}

static gsize
spread_floats (const Conv *conv)
{
  return (gsize)conv->n * conv->oh * conv->n_cols
         * atl_panel_columns (conv->kernel * conv->oc, 0);
}

static gsize
direct_bytes (const Conv *conv)
{
  gsize floats = padded_floats (conv);

  if (conv->algorithm == ALGORITHM_FOLDED)
    floats += spread_floats (conv)
              + (gsize)conv->kernel * conv->c
                    * atl_panel_columns (conv->kernel * conv->oc, 0);
  else if (copies_dy (conv))
    floats += (gsize)conv->n * conv->oh * conv->ow * atl_panels_size (1, conv->oc);
  return floats * sizeof (float);
}

gsize
conv_gradient_bytes (const AtlPlan *plan, const Conv *conv)
{
  return conv->algorithm == ALGORITHM_WINOGRAD
             ? conv_winograd_gradient_bytes (plan, conv)
             : direct_bytes (conv);
}

static void
pad_task (gpointer data, gint64 task, gpointer scratch)
{
  Gradient *g = data;
  const Conv *conv = g->conv;

  conv_load_row (g->plan, conv, g->io, task / conv->n_rows, task % conv->n_rows,
                 g->padded + task * conv->n_cols * conv->c);
}

static void
copy_dy (gpointer data, gint64 first, int rows)
{
  Gradient *g = data;
  int oc = g->conv->oc;

  for (gint64 i = first; i < first + rows; i++)
    {
      memcpy (g->dy_copy + i * g->dy_stride,
              g->io->out.data + i * g->io->out.stride, oc * sizeof (float));
      memset (g->dy_copy + i * g->dy_stride + oc, 0,
              (g->dy_stride - oc) * sizeof (float));
    }
}

/* Rows of input and output that meet at kernel position (ky, kx): fills a and b
 * and returns how many; *pixels is the length of each, 0 if there are none. */
static int
meeting_rows (const Gradient *g, int ky, int kx, const float **a, const float **b,
              int *pixels)
{
  const Conv *conv = g->conv;
  int s = conv->transposed ? conv->stride : 1; /* distance of outputs */
  int before = conv_pad_before (conv);
  int y0 = 0, x0 = 0, dy = ky, dx = kx, n_rows = 0;

  if (conv->transposed)
    {
      y0 = ((ky - conv->padding) % s + s) % s;
      x0 = ((kx - conv->padding) % s + s) % s;
      dy = (y0 + conv->padding - ky) / s + before;
      dx = (x0 + conv->padding - kx) / s + before;
    }
  *pixels = conv->ow > x0 ? (conv->ow - x0 + s - 1) / s : 0;
  if (*pixels == 0)
    return 0;
  for (int n = 0; n < conv->n; n++)
    for (int y = y0, i = 0; y < conv->oh; y += s, i++)
      {
        gsize row = (conv->transposed ? i : i * conv->stride) + dy;

        a[n_rows]
            = g->padded
              + (((gsize)n * conv->n_rows + row) * conv->n_cols + dx) * conv->c;
        b[n_rows++]
            = g->dy + (((gsize)n * conv->oh + y) * conv->ow + x0) * g->dy_stride;
      }
  return n_rows;
}

static void
gradient_task (gpointer data, gint64 task, gpointer scratch)
{
  const Gradient *g = data;
  const Conv *conv = g->conv;
  int k = conv->kernel, merge = conv->transposed ? 1 : k;
  int positions = k * k / merge;
  int first = task / positions * ATL_PANEL, t = task % positions * merge;
  int columns = atl_panel_columns (conv->oc, first), pixels;
  const float **a = scratch, **b = a + (gsize)conv->n * conv->oh;
  int n = meeting_rows (g, t / k, t % k, a, b, &pixels);
  float *out
      = g->gradient + (gsize)k * k * conv->c * first + (gsize)t * conv->c * columns;

  if (n == 0)
    {
      if (!g->accumulate)
        memset (out, 0, (gsize)conv->c * merge * columns * sizeof (float));
      return;
    }
  for (int i = 0; i < n; i++)
    b[i] += first;
  g->plan->kernels->gemm (&(AtlGemm){
      .m = conv->c * merge,
      .n = columns,
      .k = pixels,
      .n_segments = n,
      .a = a,
      .a_row = 1,
      .a_col = (gsize)(conv->transposed ? 1 : conv->stride) * conv->c,
      .b = b,
      .ldb = g->dy_stride * (conv->transposed ? conv->stride : 1),
      .c = out,
      .ldc = columns,
      .accumulate = g->accumulate,
  });
}

/* --- Folded ------------------------------------------------------------- */

#define FOLDED_CHANNELS 24 /* input channels a task */

/* A row of E; dy_copy holds [n][oh][n_cols][columns]. */
static void
spread_row (gpointer data, gint64 task, gpointer scratch)
{
  Gradient *g = data;
  const Conv *conv = g->conv;
  int k = conv->kernel, oc = conv->oc;
  float *out = g->dy_copy + task * conv->n_cols * g->dy_stride;
  const float *dy = g->io->out.data + task * conv->ow * g->io->out.stride;

  memset (out, 0, conv->n_cols * g->dy_stride * sizeof (float));
  for (int x = 0; x < conv->ow; x++)
    for (int kx = 0; kx < k; kx++)
      memcpy (out + (x + kx) * g->dy_stride + kx * oc, dy + x * g->io->out.stride,
              oc * sizeof (float));
}

static void
folded_task (gpointer data, gint64 task, gpointer scratch)
{
  const Gradient *g = data;
  const Conv *conv = g->conv;
  int blocks = (conv->c + FOLDED_CHANNELS - 1) / FOLDED_CHANNELS, k = conv->kernel;
  int ky = task / blocks, first = task % blocks * FOLDED_CHANNELS, s = 0;
  int m = MIN (FOLDED_CHANNELS, conv->c - first);
  int columns = g->dy_stride, to_columns = atl_panel_columns (conv->oc, 0);
  const float **a = scratch, **b = a + (gsize)conv->n * conv->oh;
  float *sums
      = g->dy_copy + spread_floats (conv) + ((gsize)ky * conv->c + first) * columns;

  for (int n = 0; n < conv->n; n++)
    for (int y = 0; y < conv->oh; y++, s++)
      {
        a[s] = g->padded
               + ((gsize)n * conv->n_rows + y + ky) * conv->n_cols * conv->c
               + first;
        b[s] = g->dy_copy + (gsize)s * conv->n_cols * columns;
      }
  g->plan->kernels->gemm (&(AtlGemm){
      .m = m,
      .n = columns,
      .k = conv->n_cols,
      .n_segments = s,
      .a = a,
      .a_row = 1,
      .a_col = conv->c,
      .b = b,
      .ldb = columns,
      .c = sums,
      .ldc = columns,
  });
  for (int kx = 0; kx < k; kx++)
    for (int c = 0; c < m; c++)
      {
        float *to = g->gradient
                    + ((gsize)(ky * k + kx) * conv->c + first + c) * to_columns;

        for (int j = 0; j < to_columns; j++)
          {
            float value
                = j < conv->oc ? sums[(gsize)c * columns + kx * conv->oc + j] : 0;

            to[j] = g->accumulate ? to[j] + value : value;
          }
      }
}

static void
folded_gradient (AtlPlan *plan, Gradient *g)
{
  const Conv *conv = g->conv;
  int blocks = (conv->c + FOLDED_CHANNELS - 1) / FOLDED_CHANNELS;

  g->dy_stride = atl_panel_columns (conv->kernel * conv->oc, 0);
  g->dy_copy = g->padded + padded_floats (conv);
  plan_parallel (plan, (gint64)conv->n * conv->oh, spread_row, g);
  plan_parallel (plan, (gint64)conv->kernel * blocks, folded_task, g);
}

static void
direct_gradient (AtlPlan *plan, const Conv *conv, const ConvIo *io,
                 gpointer workspace, float *gradient, gboolean accumulate)
{
  int k = conv->kernel, panels = (conv->oc + ATL_PANEL - 1) / ATL_PANEL;
  Gradient g = {
    .plan = plan,
    .conv = conv,
    .io = io,
    .padded = workspace,
    .dy = io->out.data,
    .dy_stride = io->out.stride,
    .gradient = gradient,
    .accumulate = accumulate,
  };

  plan_parallel (plan, (gint64)conv->n * conv->n_rows, pad_task, &g);
  if (conv->algorithm == ALGORITHM_FOLDED)
    {
      folded_gradient (plan, &g);
      return;
    }
  if (copies_dy (conv))
    {
      g.dy_copy = g.padded + padded_floats (conv);
      g.dy = g.dy_copy;
      g.dy_stride = atl_panels_size (1, conv->oc);
      plan_parallel_rows (plan, (gint64)conv->n * conv->oh * conv->ow, copy_dy, &g);
    }
  plan_parallel (plan, (gint64)panels * k * k / (conv->transposed ? 1 : k),
                 gradient_task, &g);
}

void
conv_gradient (AtlPlan *plan, const Conv *conv, const ConvIo *io,
               gpointer workspace, float *gradient, gboolean accumulate)
{
  if (conv->algorithm == ALGORITHM_WINOGRAD)
    conv_winograd_gradient (plan, conv, io, workspace, gradient, accumulate);
  else
    direct_gradient (plan, conv, io, workspace, gradient, accumulate);
}
