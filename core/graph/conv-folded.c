/* Convolutions of wide kernels to few channels (7x7 to RGB), where a panel would
 * be mostly padding: the columns of a kernel row stand side by side as columns of
 * the product, T[x][kx OC + oc], and output x adds up T[x + kx][kx].
 */

#include "graph/conv-direct.h"

#include <string.h>

int
conv_folded_columns (const Conv *conv)
{
  return atl_panel_columns (conv->kernel * conv->oc, 0);
}

/* T[x][kx * OC + oc] = sum over ky, c; the output adds up T[x + kx][kx]. */
static void
folded_task (gpointer data, gint64 task, gpointer scratch)
{
  const Direct *d = data;
  const Conv *conv = d->conv;
  int k = conv->kernel, oc = conv->oc, columns = conv_folded_columns (conv);
  int blocks = (conv->oh + conv->block - 1) / conv->block;
  int n = task / blocks, y0 = task % blocks * conv->block;
  int y1 = MIN (conv->oh, y0 + conv->block);
  gsize row_size = (gsize)conv->n_cols * conv->c;
  float *products = scratch, *sums = products + (gsize)conv->n_cols * columns;
  float *rows = sums + (gsize)conv->ow * oc;
  const float *a[MAX_TAPS], *b[MAX_TAPS];

  for (int r = y0; r < y1 + k - 1; r++)
    conv_load_row (d->plan, conv, d->io, n, r, rows + (r - y0) * row_size);
  for (int y = y0; y < y1; y++)
    {
      for (int i = 0; i < k; i++)
        {
          a[i] = rows + (y - y0 + i) * row_size;
          b[i] = conv->weights + (gsize)i * conv->c * columns;
        }
      d->plan->kernels->gemm (&(AtlGemm){
          .m = conv->n_cols,
          .n = columns,
          .k = conv->c,
          .n_segments = k,
          .a = a,
          .a_row = conv->c,
          .a_col = 1,
          .b = b,
          .ldb = columns,
          .c = products,
          .ldc = columns,
      });
      for (int x = 0; x < conv->ow; x++)
        for (int j = 0; j < oc; j++)
          {
            float sum = 0;

            for (int i = 0; i < k; i++)
              sum += products[(gsize)(x + i) * columns + i * oc + j];
            sums[x * oc + j] = sum;
          }
      conv_store (d, sums, conv->ow, oc, 0, n, y, 0);
    }
}

/* Panels [KH][KW][C][columns] to [KH][C][KW * OC]. */
void
conv_folded_make (const Conv *conv, const float *weights, float *out)
{
  int k = conv->kernel, oc = conv->oc, columns = conv_folded_columns (conv);
  int from = atl_panel_columns (oc, 0);

  memset (out, 0, (gsize)k * conv->c * columns * sizeof (float));
  for (int ky = 0; ky < k; ky++)
    for (int kx = 0; kx < k; kx++)
      for (int c = 0; c < conv->c; c++)
        memcpy (out + ((gsize)ky * conv->c + c) * columns + kx * oc,
                weights + (((gsize)ky * k + kx) * conv->c + c) * from,
                oc * sizeof (float));
}

void
conv_folded_prepare (Conv *conv)
{
  gsize row = (gsize)conv->n_cols * conv->c;

  conv->block = conv->oh >= 64 ? 8 : 2;
  conv->scratch
      = ((gsize)conv->n_cols * conv_folded_columns (conv)
         + (gsize)conv->ow * conv->oc + row * (conv->block + conv->kernel))
        * sizeof (float);
}

void
conv_folded_run (Direct *d)
{
  const Conv *conv = d->conv;
  int blocks = (conv->oh + conv->block - 1) / conv->block;

  plan_parallel (d->plan, (gint64)conv->n * blocks, folded_task, d);
}
