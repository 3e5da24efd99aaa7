/* Convolutions without transforms: panel products on rows of the picture.
 *
 * Both kinds are the same loop.  A convolution is one phase: output (y, x)
 * reads padded input (y s + ky, x s + kx).  A transposed one with stride s is
 * s * s phases, each an ordinary convolution with stride 1 over some of the
 * kernel, whose outputs lie s apart (Dumoulin & Visin 2016).
 *
 *   rows      a task loads some rows, padded, and multiplies stretches of up to
 *             TILE_ROWS pixels with all taps at once
 *   gathered  few pixels, many weights: all pixels that a chunk needs are
 *             gathered (im2col), so that each weight is read once; taps that
 *             only see padding are left out
 *   turned    the same, for gradients: dX^T [C x pixels] = W [C x OC] dY^T, so
 *             that the weights need no transposing
 *   folded    see conv.h
 */

#include "graph/conv.h"

#include <string.h>

#define TILE_ROWS 96
#define MAX_TAPS 256
#define GATHER_BYTES ((gsize) 8 << 20)

typedef struct
{
  int dy, dx; /* in padded coordinates of the input */
  int tap;    /* ky * kernel + kx */
} Tap;

typedef struct
{
  int y0, x0, step;  /* first output, and distance of outputs */
  int oh, ow;        /* outputs of this phase */
  int stride;        /* of the input */
  int n_taps;
  Tap taps[MAX_TAPS];
} Phase;

/* Kernel positions that outputs y0, y0 + s, ... read, and where. */
static int
axis_taps (const Conv *conv, int y0, int *index, int *offset)
{
  int n = 0, before = MAX (0, (conv->kernel - 1 - conv->padding) / conv->stride);

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

static void
get_phase (const Conv *conv, int number, Phase *phase)
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

static int
n_phases (const Conv *conv)
{
  return conv->transposed ? conv->stride * conv->stride : 1;
}

/* The epilogue from channel `first` on. */
static AtlEpilogue
epilogue_from (const AtlEpilogue *e, int first)
{
  AtlEpilogue part = *e;

  part.scale = e->scale != NULL ? e->scale + first : NULL;
  part.shift = e->shift != NULL ? e->shift + first : NULL;
  return part;
}

typedef struct
{
  AtlPlan       *plan;
  Conv          *conv;
  const ConvIo  *io;
  const Phase   *phase;
  /* rows */
  int            row_blocks;
  gboolean       in_place; /* rows are read where they are */
  /* gathered */
  int            active[MAX_TAPS];
  int            n_active;
  gint64         first, count; /* rows of the chunk */
  float         *gathered;
} Direct;

/* Writes `m` pixels of a tile to outputs from (n, y, x) on. */
static void
store (const Direct *d, const float *tile, int m, int columns, int first, int n,
       int y, int x)
{
  const Conv *conv = d->conv;
  const AtlView *out = &d->io->out;
  AtlEpilogue epilogue = epilogue_from (&d->io->epilogue, first);
  gsize at = ((gsize) n * conv->oh + y) * conv->ow + x;
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

/* A whole row of the kernel is one segment where its pixels lie together. */
static gboolean
can_merge (const Conv *conv)
{
  return !conv->transposed;
}

typedef struct
{
  const float *rows; /* padded row `first_row` of the input */
  gsize        row_size, pixel;
  int          first_row;
} Source;

static void
row_products (const Direct *d, const Source *source, int n, int yi, int first,
              float *tile)
{
  const Conv *conv = d->conv;
  const Phase *phase = d->phase;
  int columns = atl_panel_columns (conv->oc, first);
  int taps = conv->kernel * conv->kernel;
  int merge = can_merge (conv) ? conv->kernel : 1;
  const float *panel = conv->weights + (gsize) taps * conv->c * first;
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
          b[s] = panel + (gsize) tap->tap * conv->c * columns;
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
        memset (tile, 0, (gsize) m * columns * sizeof (float));
      store (d, tile, m, columns, first, n, phase->y0 + yi * phase->step,
             phase->x0 + xi * phase->step);
    }
}

static void
rows_task (gpointer data, gint64 task, gpointer scratch)
{
  Direct d = *(Direct *) data;
  Conv *conv = d.conv;
  int n = task / d.row_blocks, y0 = task % d.row_blocks * conv->block;
  float *tile = scratch, *rows = tile + TILE_ROWS * ATL_PANEL;
  Source source = { rows, (gsize) conv->n_cols * conv->c, conv->c, 0 };
  Phase phase;
  int first, last;

  get_phase (conv, 0, &phase);
  /* Phases of a transposed convolution overlap by less than the kernel. */
  first = conv->transposed ? y0 : y0 * phase.stride;
  last = conv->transposed ? MIN (conv->n_rows, y0 + conv->block + conv->kernel)
                          : MIN (conv->n_rows, (y0 + conv->block - 1) * phase.stride
                                                   + conv->kernel);
  if (d.in_place)
    source = (Source){ d.io->in.data + (gsize) n * conv->h * conv->w * d.io->in.stride,
                       conv->w * d.io->in.stride, d.io->in.stride, 0 };
  else
    {
      source.first_row = first;
      for (int r = first; r < last; r++)
        conv_load_row (d.plan, conv, d.io, n, r, rows + (r - first) * source.row_size);
    }
  d.phase = &phase;
  for (int p = 0; p < n_phases (conv); p++)
    {
      get_phase (conv, p, &phase);
      for (int c = 0; c < conv->oc; c += ATL_PANEL)
        for (int y = y0; y < MIN (phase.oh, y0 + conv->block); y++)
          row_products (&d, &source, n, y, c, tile);
    }
}

/* Rows of phases (outputs of a convolution) a picture has at most. */
static int
phase_rows (const Conv *conv)
{
  return conv->transposed ? (conv->oh + conv->stride - 1) / conv->stride : conv->oh;
}

static gboolean
readable_in_place (const Conv *conv, const ConvIo *io)
{
  if (conv->n_rows > conv->h || conv->n_cols > conv->w || io->load)
    return FALSE;
  if (conv->kernel > 1 && io->in.stride != (gsize) conv->c)
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

  d->row_blocks = (phase_rows (conv) + conv->block - 1) / conv->block;
  d->in_place = readable_in_place (conv, d->io);
  plan_parallel (d->plan, (gint64) conv->n * d->row_blocks, rows_task, d);
}

/* --- Gathered ----------------------------------------------------------- */

static void
find_active (Direct *d)
{
  const Phase *phase = d->phase;
  const Conv *conv = d->conv;

  d->n_active = 0;
  for (int t = 0; t < phase->n_taps; t++)
    {
      gboolean row = FALSE, col = FALSE;

      for (int y = 0; y < phase->oh; y++)
        row |= conv->rows[y * phase->stride + phase->taps[t].dy] >= 0;
      for (int x = 0; x < phase->ow; x++)
        col |= conv->cols[x * phase->stride + phase->taps[t].dx] >= 0;
      if (row && col)
        d->active[d->n_active++] = t;
    }
}

#define GATHER_ROWS 8

static void
gather_task (gpointer data, gint64 task, gpointer scratch)
{
  const Direct *d = data;
  const Conv *conv = d->conv;
  const Phase *phase = d->phase;
  gsize c = conv->c, width = d->n_active * c;
  gint64 last = MIN (d->count, (task + 1) * GATHER_ROWS);
  AtlEpilogue load = { .activation = d->io->load, .slope = d->io->load_slope };

  for (gint64 i = task * GATHER_ROWS; i < last; i++)
    {
      gint64 pixel = d->first + i;
      int x = pixel % phase->ow, y = pixel / phase->ow % phase->oh;
      int n = pixel / phase->ow / phase->oh;
      float *out = d->gathered + i * width;

      for (int t = 0; t < d->n_active; t++)
        {
          const Tap *tap = &phase->taps[d->active[t]];
          int row = conv->rows[y * phase->stride + tap->dy];
          int col = conv->cols[x * phase->stride + tap->dx];

          if (row < 0 || col < 0)
            memset (out + t * c, 0, c * sizeof (float));
          else
            memcpy (out + t * c,
                    d->io->in.data
                        + (((gsize) n * conv->h + row) * conv->w + col)
                              * d->io->in.stride,
                    c * sizeof (float));
        }
      if (load.activation != ATL_ACTIVATION_NONE)
        d->plan->kernels->epilogue (1, width, out, width, NULL, 0, out, width, &load);
    }
}

/* A tile of gathered rows with one panel. */
static void
gathered_product (gpointer data, gint64 task, gpointer scratch)
{
  const Direct *d = data;
  const Conv *conv = d->conv;
  const Phase *phase = d->phase;
  gint64 blocks = (d->count + TILE_ROWS - 1) / TILE_ROWS;
  int first = task / blocks * ATL_PANEL;
  gint64 begin = task % blocks * TILE_ROWS;
  int m = MIN (TILE_ROWS, d->count - begin);
  int columns = atl_panel_columns (conv->oc, first);
  int taps = conv->kernel * conv->kernel;
  const float *panel = conv->weights + (gsize) taps * conv->c * first;
  const float *a[MAX_TAPS], *b[MAX_TAPS];
  float *tile = scratch;

  for (int t = 0; t < d->n_active; t++)
    {
      a[t] = d->gathered + begin * d->n_active * conv->c + (gsize) t * conv->c;
      b[t] = panel + (gsize) phase->taps[d->active[t]].tap * conv->c * columns;
    }
  if (d->n_active > 0)
    d->plan->kernels->gemm (&(AtlGemm){
        .m = m,
        .n = columns,
        .k = conv->c,
        .n_segments = d->n_active,
        .a = a,
        .a_row = (gsize) d->n_active * conv->c,
        .a_col = 1,
        .b = b,
        .ldb = columns,
        .c = tile,
        .ldc = columns,
    });
  else
    memset (tile, 0, (gsize) m * columns * sizeof (float));
  for (int i = 0; i < m;)
    {
      gint64 pixel = d->first + begin + i;
      int x = pixel % phase->ow, y = pixel / phase->ow % phase->oh;
      int run = MIN (m - i, phase->ow - x);

      store (d, tile + (gsize) i * columns, run, columns, first,
             pixel / phase->ow / phase->oh, phase->y0 + y * phase->step,
             phase->x0 + x * phase->step);
      i += run;
    }
}

gint64
conv_gathered_pixels (const Conv *conv)
{
  return (gint64) conv->n * phase_rows (conv)
         * (conv->transposed ? (conv->ow + conv->stride - 1) / conv->stride
                             : conv->ow);
}

/* Pixels gathered at once: all if they fit, else whole tiles. */
static gint64
gather_chunk (const Conv *conv)
{
  gsize row = (gsize) conv->kernel * conv->kernel * conv->c * sizeof (float);
  gint64 all = conv_gathered_pixels (conv);
  gint64 fit = MAX (TILE_ROWS, GATHER_BYTES / row / TILE_ROWS * TILE_ROWS);

  return MIN (all, fit);
}

static void
run_gathered (Direct *d)
{
  Conv *conv = d->conv;
  Phase phase;
  int panels = (conv->oc + ATL_PANEL - 1) / ATL_PANEL;

  d->phase = &phase;
  d->gathered = plan_buffer (d->plan, conv->workspace);
  for (int p = 0; p < n_phases (conv); p++)
    {
      gint64 all, chunk = gather_chunk (conv);

      get_phase (conv, p, &phase);
      find_active (d);
      all = (gint64) conv->n * phase.oh * phase.ow;
      for (d->first = 0; d->first < all; d->first += chunk)
        {
          d->count = MIN (chunk, all - d->first);
          plan_parallel (d->plan, (d->count + GATHER_ROWS - 1) / GATHER_ROWS,
                         gather_task, d);
          plan_parallel (d->plan, (d->count + TILE_ROWS - 1) / TILE_ROWS * panels,
                         gathered_product, d);
        }
    }
}

/* --- Turned ------------------------------------------------------------- */

#define TURNED_CHANNELS 48 /* output channels a task */

static int
turned_pixels (gint64 pixels)
{
  return (pixels + ATL_PANEL_STEP - 1) / ATL_PANEL_STEP * ATL_PANEL_STEP;
}

/* Gathers one tap: [c][pixels], zeros where it sees padding or no pixel. */
static void
turn_task (gpointer data, gint64 task, gpointer scratch)
{
  const Direct *d = data;
  const Conv *conv = d->conv;
  const Phase *phase = d->phase;
  const Tap *tap = &phase->taps[d->active[task]];
  int width = turned_pixels (d->count);
  float *out = d->gathered + (gsize) task * conv->c * width;

  memset (out, 0, (gsize) conv->c * width * sizeof (float));
  for (int i = 0; i < d->count; i++)
    {
      int row = conv->rows[i / phase->ow % phase->oh * phase->stride + tap->dy];
      int col = conv->cols[i % phase->ow * phase->stride + tap->dx];
      int n = i / phase->ow / phase->oh;

      if (row >= 0 && col >= 0)
        {
          const float *in = d->io->in.data
                            + (((gsize) n * conv->h + row) * conv->w + col)
                                  * d->io->in.stride;

          for (int c = 0; c < conv->c; c++)
            out[(gsize) c * width + i] = in[c];
        }
    }
}

/* Some output channels of all pixels; the weights are the panels of the
 * convolution that this is the dual of, [c/64][tap][oc][64]. */
static void
turned_product (gpointer data, gint64 task, gpointer scratch)
{
  const Direct *d = data;
  const Conv *conv = d->conv;
  const Phase *phase = d->phase;
  int first = task * TURNED_CHANNELS, m = MIN (TURNED_CHANNELS, conv->oc - first);
  int taps = conv->kernel * conv->kernel, panels = conv->c / ATL_PANEL;
  int width = turned_pixels (d->count);
  float *tile = scratch, *turned = tile + TURNED_CHANNELS * ATL_PANEL;
  const float *a[MAX_TAPS], *b[MAX_TAPS];

  memset (tile, 0, (gsize) m * width * sizeof (float));
  for (int p = 0; p < panels && d->n_active > 0; p++)
    {
      for (int t = 0; t < d->n_active; t++)
        {
          int tap = phase->taps[d->active[t]].tap;

          a[t] = conv->weights
                 + (((gsize) p * taps + tap) * conv->oc + first) * ATL_PANEL;
          b[t] = d->gathered + ((gsize) t * conv->c + p * ATL_PANEL) * width;
        }
      d->plan->kernels->gemm (&(AtlGemm){
          .m = m,
          .n = width,
          .k = ATL_PANEL,
          .n_segments = d->n_active,
          .a = a,
          .a_row = ATL_PANEL,
          .a_col = 1,
          .b = b,
          .ldb = width,
          .c = tile,
          .ldc = width,
          .accumulate = TRUE,
      });
    }
  for (int i = 0; i < d->count; i++)
    {
      int x = i % phase->ow, y = i / phase->ow % phase->oh;

      for (int c = 0; c < m; c++)
        turned[c] = tile[(gsize) c * width + i];
      store (d, turned, 1, m, first, i / phase->ow / phase->oh,
             phase->y0 + y * phase->step, phase->x0 + x * phase->step);
    }
}

static void
run_turned (Direct *d)
{
  Conv *conv = d->conv;
  Phase phase;

  d->phase = &phase;
  d->gathered = plan_buffer (d->plan, conv->workspace);
  for (int p = 0; p < n_phases (conv); p++)
    {
      get_phase (conv, p, &phase);
      find_active (d);
      d->count = (gint64) conv->n * phase.oh * phase.ow;
      if (d->count == 0)
        continue;
      plan_parallel (d->plan, d->n_active, turn_task, d);
      plan_parallel (d->plan, (conv->oc + TURNED_CHANNELS - 1) / TURNED_CHANNELS,
                     turned_product, d);
    }
}

/* --- Folded ------------------------------------------------------------- */

static int
folded_columns (const Conv *conv)
{
  return atl_panel_columns (conv->kernel * conv->oc, 0);
}

/* T[x][kx * OC + oc] = sum over ky, c; the output adds up T[x + kx][kx]. */
static void
folded_task (gpointer data, gint64 task, gpointer scratch)
{
  const Direct *d = data;
  const Conv *conv = d->conv;
  int k = conv->kernel, oc = conv->oc, columns = folded_columns (conv);
  int blocks = (conv->oh + conv->block - 1) / conv->block;
  int n = task / blocks, y0 = task % blocks * conv->block;
  int y1 = MIN (conv->oh, y0 + conv->block);
  gsize row_size = (gsize) conv->n_cols * conv->c;
  float *products = scratch, *sums = products + (gsize) conv->n_cols * columns;
  float *rows = sums + (gsize) conv->ow * oc;
  const float *a[MAX_TAPS], *b[MAX_TAPS];

  for (int r = y0; r < y1 + k - 1; r++)
    conv_load_row (d->plan, conv, d->io, n, r, rows + (r - y0) * row_size);
  for (int y = y0; y < y1; y++)
    {
      for (int i = 0; i < k; i++)
        {
          a[i] = rows + (y - y0 + i) * row_size;
          b[i] = conv->weights + (gsize) i * conv->c * columns;
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
              sum += products[(gsize) (x + i) * columns + i * oc + j];
            sums[x * oc + j] = sum;
          }
      store (d, sums, conv->ow, oc, 0, n, y, 0);
    }
}

/* Panels [KH][KW][C][columns] to [KH][C][KW * OC]. */
static void
make_folded (const Conv *conv, const float *weights, float *out)
{
  int k = conv->kernel, oc = conv->oc, columns = folded_columns (conv);
  int from = atl_panel_columns (oc, 0);

  memset (out, 0, (gsize) k * conv->c * columns * sizeof (float));
  for (int ky = 0; ky < k; ky++)
    for (int kx = 0; kx < k; kx++)
      for (int c = 0; c < conv->c; c++)
        memcpy (out + ((gsize) ky * conv->c + c) * columns + kx * oc,
                weights + (((gsize) ky * k + kx) * conv->c + c) * from,
                oc * sizeof (float));
}

/* --- For conv.c --------------------------------------------------------- */

void
conv_direct_prepare (AtlPlan *plan, Conv *conv)
{
  gsize tile = (gsize) TILE_ROWS * ATL_PANEL, row = (gsize) conv->n_cols * conv->c;
  int s = conv->transposed ? 1 : conv->stride;
  int rows = phase_rows (conv);

  g_assert (conv->kernel * conv->kernel <= MAX_TAPS);
  switch (conv->algorithm)
    {
    case ALGORITHM_ROWS:
      conv->block = rows >= 128 ? 4 : rows >= 32 ? 2 : 1;
      conv->scratch
          = (tile + row * (conv->block * s + conv->kernel + 1)) * sizeof (float);
      break;
    case ALGORITHM_FOLDED:
      conv->block = rows >= 64 ? 8 : 2;
      conv->scratch = ((gsize) conv->n_cols * folded_columns (conv)
                       + (gsize) conv->ow * conv->oc
                       + row * (conv->block + conv->kernel))
                      * sizeof (float);
      break;
    case ALGORITHM_TURNED:
      conv->scratch = TURNED_CHANNELS * (ATL_PANEL + 1) * sizeof (float);
      conv->workspace_bytes = (gsize) conv->kernel * conv->kernel * conv->c
                              * turned_pixels (conv_gathered_pixels (conv))
                              * sizeof (float);
      break;
    default:
      conv->scratch = tile * sizeof (float);
      conv->workspace_bytes = gather_chunk (conv) * conv->kernel * conv->kernel
                              * conv->c * sizeof (float);
      break;
    }
}

gsize
conv_direct_form_size (const Conv *conv)
{
  if (conv->algorithm != ALGORITHM_FOLDED)
    return 0; /* the panels themselves */
  return (gsize) conv->kernel * conv->c * folded_columns (conv);
}

void
conv_direct_make (AtlPlan *plan, const Conv *conv, const float *weights, float *out)
{
  make_folded (conv, weights, out);
}

void
conv_direct_run (AtlPlan *plan, Conv *conv, const ConvIo *io)
{
  Phase phase;
  Direct d = { .plan = plan, .conv = conv, .io = io, .phase = &phase };

  get_phase (conv, 0, &phase);
  if (conv->algorithm == ALGORITHM_ROWS)
    run_rows (&d);
  else if (conv->algorithm == ALGORITHM_GATHER)
    run_gathered (&d);
  else if (conv->algorithm == ALGORITHM_TURNED)
    run_turned (&d);
  else
    plan_parallel (plan,
                   (gint64) conv->n * ((conv->oh + conv->block - 1) / conv->block),
                   folded_task, &d);
}
