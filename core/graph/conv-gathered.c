/* Direct convolutions of few pixels with many weights, where reading the weights
 * is what takes time.
 *
 *   gathered  all pixels that a chunk needs are gathered (im2col), so that each
 *             weight is read once; taps that only see padding are left out
 *   turned    the same, for gradients: dX^T [C x pixels] = W [C x OC] dY^T, so
 *             that the weights need no transposing
 */

#include "graph/conv-direct.h"

#include <string.h>

#define GATHER_BYTES ((gsize)8 << 20)

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
                        + (((gsize)n * conv->h + row) * conv->w + col)
                              * d->io->in.stride,
                    c * sizeof (float));
        }
      if (load.activation != ATL_ACTIVATION_NONE)
        d->plan->kernels->epilogue (1, width, out, width, NULL, 0, out, width,
                                    &load);
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
  const float *panel = conv->weights + (gsize)taps * conv->c * first;
  const float *a[MAX_TAPS], *b[MAX_TAPS];
  float *tile = scratch;

  for (int t = 0; t < d->n_active; t++)
    {
      a[t] = d->gathered + begin * d->n_active * conv->c + (gsize)t * conv->c;
      b[t] = panel + (gsize)phase->taps[d->active[t]].tap * conv->c * columns;
    }
  if (d->n_active > 0)
    d->plan->kernels->gemm (&(AtlGemm){
        .m = m,
        .n = columns,
        .k = conv->c,
        .n_segments = d->n_active,
        .a = a,
        .a_row = (gsize)d->n_active * conv->c,
        .a_col = 1,
        .b = b,
        .ldb = columns,
        .c = tile,
        .ldc = columns,
    });
  else
    memset (tile, 0, (gsize)m * columns * sizeof (float));
  for (int i = 0; i < m;)
    {
      gint64 pixel = d->first + begin + i;
      int x = pixel % phase->ow, y = pixel / phase->ow % phase->oh;
      int run = MIN (m - i, phase->ow - x);

      conv_store (d, tile + (gsize)i * columns, run, columns, first,
                  pixel / phase->ow / phase->oh, phase->y0 + y * phase->step,
                  phase->x0 + x * phase->step);
      i += run;
    }
}

gint64
conv_gathered_pixels (const Conv *conv)
{
  return (gint64)conv->n * conv_phase_rows (conv)
         * (conv->transposed ? (conv->ow + conv->stride - 1) / conv->stride
                             : conv->ow);
}

/* Pixels gathered at once: all if they fit, else whole tiles. */
static gint64
gather_chunk (const Conv *conv)
{
  gsize row = (gsize)conv->kernel * conv->kernel * conv->c * sizeof (float);
  gint64 all = conv_gathered_pixels (conv);
  gint64 fit = MAX (TILE_ROWS, GATHER_BYTES / row / TILE_ROWS * TILE_ROWS);

  return MIN (all, fit);
}

void
conv_gathered_prepare (Conv *conv)
{
  conv->scratch = (gsize)TILE_ROWS * ATL_PANEL * sizeof (float);
  conv->workspace_bytes = gather_chunk (conv) * conv->kernel * conv->kernel
                          * conv->c * sizeof (float);
}

void
conv_gathered_run (Direct *d)
{
  Conv *conv = d->conv;
  Phase phase;
  int panels = (conv->oc + ATL_PANEL - 1) / ATL_PANEL;

  d->phase = &phase;
  d->gathered = plan_buffer (d->plan, conv->workspace);
  for (int p = 0; p < conv_n_phases (conv); p++)
    {
      gint64 all, chunk = gather_chunk (conv);

      conv_get_phase (conv, p, &phase);
      find_active (d);
      all = (gint64)conv->n * phase.oh * phase.ow;
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
  float *out = d->gathered + (gsize)task * conv->c * width;

  memset (out, 0, (gsize)conv->c * width * sizeof (float));
  for (int i = 0; i < d->count; i++)
    {
      int row = conv->rows[i / phase->ow % phase->oh * phase->stride + tap->dy];
      int col = conv->cols[i % phase->ow * phase->stride + tap->dx];
      int n = i / phase->ow / phase->oh;

      if (row >= 0 && col >= 0)
        {
          const float *in
              = d->io->in.data
                + (((gsize)n * conv->h + row) * conv->w + col) * d->io->in.stride;

          for (int c = 0; c < conv->c; c++)
            out[(gsize)c * width + i] = in[c];
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

  memset (tile, 0, (gsize)m * width * sizeof (float));
  for (int p = 0; p < panels && d->n_active > 0; p++)
    {
      for (int t = 0; t < d->n_active; t++)
        {
          int tap = phase->taps[d->active[t]].tap;

          a[t] = conv->weights
                 + (((gsize)p * taps + tap) * conv->oc + first) * ATL_PANEL;
          b[t] = d->gathered + ((gsize)t * conv->c + p * ATL_PANEL) * width;
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
        turned[c] = tile[(gsize)c * width + i];
      conv_store (d, turned, 1, m, first, i / phase->ow / phase->oh,
                  phase->y0 + y * phase->step, phase->x0 + x * phase->step);
    }
}

void
conv_turned_prepare (Conv *conv)
{
  conv->scratch = TURNED_CHANNELS * (ATL_PANEL + 1) * sizeof (float);
  conv->workspace_bytes = (gsize)conv->kernel * conv->kernel * conv->c
                          * turned_pixels (conv_gathered_pixels (conv))
                          * sizeof (float);
}

void
conv_turned_run (Direct *d)
{
  Conv *conv = d->conv;
  Phase phase;

  d->phase = &phase;
  d->gathered = plan_buffer (d->plan, conv->workspace);
  for (int p = 0; p < conv_n_phases (conv); p++)
    {
      conv_get_phase (conv, p, &phase);
      find_active (d);
      d->count = (gint64)conv->n * phase.oh * phase.ow;
      if (d->count == 0)
        continue;
      plan_parallel (d->plan, d->n_active, turn_task, d);
      plan_parallel (d->plan, (conv->oc + TURNED_CHANNELS - 1) / TURNED_CHANNELS,
                     turned_product, d);
    }
}
