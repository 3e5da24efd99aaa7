/* Convolutions without transforms: panel products on rows of the picture.
 *
 *   rows      a task loads some rows, padded, and multiplies stretches of up to
 *             TILE_ROWS pixels with all taps at once
 *   gathered, turned, folded: see conv.h, conv-gathered.c, conv-folded.c
 */

#include "graph/conv-direct.h"

#include <string.h>

/* Kernel positions that outputs y0, y0 + s, ... read, and where. */
static int
axis_taps (const Conv *conv, int y0, int *index, int *offset)
{
  int n = 0, before = conv_pad_before (conv);

  for (int k = 0; k < conv->kernel; k++)
    if ((y0 + conv->padding - k) % conv->stride == 0)
      {
        index[n] = k;
        offset[n++] = (y0 + conv->padding - k) / conv->stride + before;
      }
  return n;
}

static void
transposed_phase (const Conv *conv, int number, Phase *phase)
{
  int s = conv->stride, y0 = number / s, x0 = number % s;
  int ky[MAX_TAPS], dy[MAX_TAPS], kx[MAX_TAPS], dx[MAX_TAPS];
  int ny = axis_taps (conv, y0, ky, dy), nx = axis_taps (conv, x0, kx, dx);

  phase->y0 = y0;
  phase->x0 = x0;
  phase->step = s;
  phase->stride = 1;
  phase->oh = conv->oh > y0 ? (conv->oh - y0 + s - 1) / s : 0;
  phase->ow = conv->ow > x0 ? (conv->ow - x0 + s - 1) / s : 0;
  phase->n_taps = 0;
  for (int i = 0; i < ny; i++)
    for (int j = 0; j < nx; j++)
      phase->taps[phase->n_taps++]
          = (Tap){ dy[i], dx[j], ky[i] * conv->kernel + kx[j] };
}

void
conv_get_phase (const Conv *conv, int number, Phase *phase)
{
  int k = conv->kernel;

  if (conv->transposed)
    {
      transposed_phase (conv, number, phase);
      return;
    }
  *phase = (Phase){
    .step = 1,
    .oh = conv->oh,
    .ow = conv->ow,
    .stride = conv->stride,
    .n_taps = k * k,
  };
  for (int i = 0; i < k * k; i++)
    phase->taps[i] = (Tap){ i / k, i % k, i };
}

int
conv_n_phases (const Conv *conv)
{
  return conv->transposed ? conv->stride * conv->stride : 1;
}

int
conv_phase_rows (const Conv *conv)
{
  return conv->transposed ? (conv->oh + conv->stride - 1) / conv->stride : conv->oh;
}

void
conv_store (const Direct *d, const float *tile, int m, int columns, int first,
            int n, int y, int x)
{
  const Conv *conv = d->conv;
  const AtlView *out = &d->io->out;
  AtlEpilogue epilogue = conv_epilogue_from (&d->io->epilogue, first);
  gsize at = ((gsize)n * conv->oh + y) * conv->ow + x;
  const float *residual = NULL;
  gsize residual_stride = 0;

  if (d->io->residual != NULL)
    {
      residual = d->io->residual->data + at * d->io->residual->stride + first;
      residual_stride = d->io->residual->stride * d->phase->step;
    }
  d->plan->kernels->epilogue (m, MIN (columns, conv->oc - first), tile, columns,
                              residual, residual_stride,
                              out->data + at * out->stride + first,
                              out->stride * d->phase->step, &epilogue);
}

/* --- Rows --------------------------------------------------------------- */

typedef struct
{
  const float *rows; /* padded row `first_row` of the input */
  gsize row_size, pixel;
  int first_row;
} Source;

static void
row_products (const Direct *d, const Source *source, int n, int yi, int first,
              float *tile)
{
  const Conv *conv = d->conv;
  const Phase *phase = d->phase;
  int columns = atl_panel_columns (conv->oc, first);
  int taps = conv->kernel * conv->kernel;
  /* A whole row of the kernel is one segment where its pixels lie together. */
  int merge = conv->transposed ? 1 : conv->kernel;
  const float *panel = conv->weights + (gsize)taps * conv->c * first;
  const float *a[MAX_TAPS], *b[MAX_TAPS];

  for (int xi = 0; xi < phase->ow; xi += TILE_ROWS)
    {
      int m = MIN (TILE_ROWS, phase->ow - xi), s = 0;

      for (int t = 0; t < phase->n_taps; t += merge, s++)
        {
          const Tap *tap = &phase->taps[t];
          int row = yi * phase->stride + tap->dy - source->first_row;

          a[s] = source->rows + row * source->row_size
                 + (xi * phase->stride + tap->dx) * source->pixel;
          b[s] = panel + (gsize)tap->tap * conv->c * columns;
        }
      if (s > 0)
        d->plan->kernels->gemm (&(AtlGemm){
            .m = m,
            .n = columns,
            .k = conv->c * merge,
            .n_segments = s,
            .a = a,
            .a_row = phase->stride * source->pixel,
            .a_col = 1,
            .b = b,
            .ldb = columns,
            .c = tile,
            .ldc = columns,
        });
      else
        memset (tile, 0, (gsize)m * columns * sizeof (float));
      conv_store (d, tile, m, columns, first, n, phase->y0 + yi * phase->step,
                  phase->x0 + xi * phase->step);
    }
}

static void
rows_task (gpointer data, gint64 task, gpointer scratch)
{
  Direct d = *(Direct *)data;
  Conv *conv = d.conv;
  int n = task / d.row_blocks, y0 = task % d.row_blocks * conv->block;
  float *tile = scratch, *rows = tile + TILE_ROWS * ATL_PANEL;
  Source source = { rows, (gsize)conv->n_cols * conv->c, conv->c, 0 };
  Phase phase;
  int first, last;

  conv_get_phase (conv, 0, &phase);
  /* Phases of a transposed convolution overlap by less than the kernel. */
  first = conv->transposed ? y0 : y0 * phase.stride;
  last = conv->transposed ? MIN (conv->n_rows, y0 + conv->block + conv->kernel)
                          : MIN (conv->n_rows, (y0 + conv->block - 1) * phase.stride
                                                   + conv->kernel);
  if (d.in_place)
    source
        = (Source){ d.io->in.data + (gsize)n * conv->h * conv->w * d.io->in.stride,
                    conv->w * d.io->in.stride, d.io->in.stride, 0 };
  else
    {
      source.first_row = first;
      for (int r = first; r < last; r++)
        conv_load_row (d.plan, conv, d.io, n, r,
                       rows + (r - first) * source.row_size);
    }
  d.phase = &phase;
  for (int p = 0; p < conv_n_phases (conv); p++)
    {
      conv_get_phase (conv, p, &phase);
      for (int c = 0; c < conv->oc; c += ATL_PANEL)
        for (int y = y0; y < MIN (phase.oh, y0 + conv->block); y++)
          row_products (&d, &source, n, y, c, tile);
    }
}

static gboolean
readable_in_place (const Conv *conv, const ConvIo *io)
{
  if (conv->n_rows > conv->h || conv->n_cols > conv->w || io->load)
    return FALSE;
  if (conv->kernel > 1 && io->in.stride != (gsize)conv->c)
    return FALSE;
  for (int i = 0; i < conv->n_rows; i++)
    if (conv->rows[i] != i)
      return FALSE;
  for (int i = 0; i < conv->n_cols; i++)
    if (conv->cols[i] != i)
      return FALSE;
  return TRUE;
}

static void
run_rows (Direct *d)
{
  Conv *conv = d->conv;

  d->row_blocks = (conv_phase_rows (conv) + conv->block - 1) / conv->block;
  d->in_place = readable_in_place (conv, d->io);
  plan_parallel (d->plan, (gint64)conv->n * d->row_blocks, rows_task, d);
}

/* --- For conv.c --------------------------------------------------------- */

static void
rows_prepare (Conv *conv)
{
  gsize tile = (gsize)TILE_ROWS * ATL_PANEL, row = (gsize)conv->n_cols * conv->c;
  int s = conv->transposed ? 1 : conv->stride, rows = conv_phase_rows (conv);

  conv->block = rows >= 128 ? 4 : rows >= 32 ? 2 : 1;
  conv->scratch
      = (tile + row * (conv->block * s + conv->kernel + 1)) * sizeof (float);
}

void
conv_direct_prepare (AtlPlan *plan, Conv *conv)
{
  g_assert (conv->kernel * conv->kernel <= MAX_TAPS);
  switch (conv->algorithm)
    {
    case ALGORITHM_ROWS:
      rows_prepare (conv);
      break;
    case ALGORITHM_TURNED:
      conv_turned_prepare (conv);
      break;
    case ALGORITHM_FOLDED:
      conv_folded_prepare (conv);
      break;
    default:
      conv_gathered_prepare (conv);
      break;
    }
}

gsize
conv_direct_form_size (const Conv *conv)
{
  if (conv->algorithm != ALGORITHM_FOLDED)
    return 0; /* the panels themselves */
  return (gsize)conv->kernel * conv->c * conv_folded_columns (conv);
}

void
conv_direct_make (AtlPlan *plan, const Conv *conv, const float *weights, float *out)
{
  conv_folded_make (conv, weights, out);
}

void
conv_direct_run (AtlPlan *plan, Conv *conv, const ConvIo *io)
{
  Phase phase;
  Direct d = { .plan = plan, .conv = conv, .io = io, .phase = &phase };

  conv_get_phase (conv, 0, &phase);
  switch (conv->algorithm)
    {
    case ALGORITHM_ROWS:
      run_rows (&d);
      break;
    case ALGORITHM_TURNED:
      conv_turned_run (&d);
      break;
    case ALGORITHM_FOLDED:
      conv_folded_run (&d);
      break;
    default:
      conv_gathered_run (&d);
      break;
    }
}
