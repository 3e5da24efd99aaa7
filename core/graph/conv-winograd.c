/* Convolutions by Winograd's minimal filtering (Lavin & Gray 2016).
 *
 *   3x3, stride 1: F(4x4, 3x3).
 *   4x4, stride 1: F(3x3, 4x4).
 *   4x4, stride 2: the sum of four 2x2 convolutions with stride 1, one for
 *     each phase of the padded input; F(3x3, 2x2) with the four phases' channels
 *     side by side, so that it is one product with K = 4 C.
 *   4x4, stride 2, padding 1, transposed: each phase of the output is a 2x2
 *     convolution of the input.  Even rows 2 t of a tile at input row t - 1 read
 *     rows t - 1 and t with kernel rows 3 and 1; odd rows 2 t - 1 read the same
 *     two with kernel rows 2 and 0.  So four phases share one transformed input,
 *     one product with N = 4 OC, and a tile writes 6x6 outputs from 6 ty - 1 on.
 *
 * With many tiles and weights that fit into the cache, a task transforms a
 * block of tiles, multiplies and transforms back.  Otherwise all tiles of a
 * chunk are transformed first, and a task takes one panel of the weights, so
 * that large weights are read once.
 */

#include "graph/conv-winograd.h"

#include <string.h>

#define BLOCK_BYTES (1200 << 10) /* of a block's transformed input */
#define WEIGHTS_BYTES ((gsize)16 << 20)
#define CHUNK_BYTES ((gsize)24 << 20)
#define MAX_BLOCK 48
#define FEW_TILES 200

/* Columns that are multiplied and transformed back together. */
typedef struct
{
  int first, columns, padded;
} Group;

static int
n_groups (const Conv *conv)
{
  if (phases_share_panels (conv))
    return 1;
  return (product_n (conv) + ATL_PANEL - 1) / ATL_PANEL;
}

static Group
get_group (const Conv *conv, int i)
{
  int n = product_n (conv);
  Group g;

  if (phases_share_panels (conv))
    return (Group){ 0, n, atl_panels_size (1, n) };
  g.first = i * ATL_PANEL;
  g.columns = MIN (ATL_PANEL, n - g.first);
  g.padded = atl_panel_columns (n, g.first);
  return g;
}

gsize
conv_winograd_form_size (const Conv *conv)
{
  return n_points (conv) * atl_panels_size (product_k (conv), product_n (conv));
}

static gboolean
is_shared (const Conv *conv)
{
  return conv->chunk > 0;
}

void
conv_winograd_prepare (AtlPlan *plan, Conv *conv)
{
  gsize points = n_points (conv), k = product_k (conv);
  gsize v_tile = points * k * sizeof (float);
  int tiles = conv_tiles (conv).n_tiles;
  int widest = get_group (conv, 0).padded;

  if (tiles <= FEW_TILES || conv_winograd_form_size (conv) * 4 > WEIGHTS_BYTES)
    {
      gsize chunk = MAX (MAX_BLOCK, CHUNK_BYTES / v_tile / MAX_BLOCK * MAX_BLOCK);

      conv->block = MIN (tiles, MAX_BLOCK);
      conv->chunk = MIN (chunk, (gsize)tiles);
      conv->workspace_bytes
          = conv->chunk * v_tile + points * SHIFT * sizeof (float);
      conv->scratch = points * (conv->block * widest + SHIFT) * sizeof (float);
      return;
    }
  conv->block = CLAMP (BLOCK_BYTES / v_tile / 6 * 6, 12, MAX_BLOCK);
  conv->scratch
      = points * (conv->block * (k + widest) + 2 * SHIFT) * sizeof (float);
}

/* --- Weights ------------------------------------------------------------ */

/* The kernel position of tap j along one axis, for a phase (0, 1). */
static int
tap_position (const Conv *conv, int phase, int j)
{
  if (conv->stride == 1)
    return conv->transposed ? conv->kernel - 1 - j : j;
  return conv->transposed ? 3 - phase - 2 * j : phase + 2 * j;
}

void
conv_winograd_taps (const Conv *conv, const float *panel, int columns, int phase,
                    int c, const float **g)
{
  int taps = atl_winograd_taps (conv->winograd);

  for (int i = 0; i < taps; i++)
    for (int j = 0; j < taps; j++)
      {
        gsize t = (gsize)tap_position (conv, phase / 2, i) * conv->kernel
                  + tap_position (conv, phase % 2, j);

        g[i * taps + j] = panel + (t * conv->c + c) * columns;
      }
}

typedef struct
{
  AtlPlan *plan;
  const Conv *conv;
  const float *panels; /* of the kernel */
  float *out;          /* U */
} Weights;

gsize
conv_winograd_u_at (const Conv *conv, int first, int row)
{
  int panel = first / ATL_PANEL * ATL_PANEL;
  int columns = atl_panel_columns (product_n (conv), panel);

  return (gsize)product_k (conv) * panel + (gsize)row * columns + (first - panel);
}

/* One row of U: an input phase and channel. */
static void
make_row (gpointer data, gint64 task, gpointer scratch)
{
  const Weights *w = data;
  const Conv *conv = w->conv;
  gsize point = atl_panels_size (product_k (conv), product_n (conv));
  int points = n_points (conv), taps = conv->kernel * conv->kernel;
  int in_phase = task / conv->c, c = task % conv->c;
  const float *g[16];
  float u[36 * ATL_PANEL];

  for (int phase = 0; phase < out_phases (conv); phase++)
    for (int first = 0; first < conv->oc; first += ATL_PANEL)
      {
        int columns = atl_panel_columns (conv->oc, first);
        int to = phase * conv->oc + first;

        conv_winograd_taps (conv, w->panels + (gsize)taps * conv->c * first,
                            columns, out_phases (conv) > 1 ? phase : in_phase, c,
                            g);
        if (!phases_share_panels (conv))
          {
            w->plan->kernels->winograd_weights (
                conv->winograd, g, columns,
                w->out + conv_winograd_u_at (conv, to, task), point);
            continue;
          }
        w->plan->kernels->winograd_weights (conv->winograd, g, columns, u,
                                            ATL_PANEL);
        for (int j = 0; j < MIN (columns, conv->oc - first); j++)
          for (int p = 0; p < points; p++)
            w->out[p * point + conv_winograd_u_at (conv, to + j, task)]
                = u[p * ATL_PANEL + j];
      }
}

void
conv_winograd_make (AtlPlan *plan, const Conv *conv, const float *weights,
                    float *out)
{
  Weights w = { .plan = plan, .conv = conv, .panels = weights, .out = out };

  if (phases_share_panels (conv))
    memset (out, 0, conv_winograd_form_size (conv) * sizeof (float));
  plan_parallel (plan, product_k (conv), make_row, &w);
}

/* --- Running ------------------------------------------------------------ */

/* Transforms one tile's input for all phases. */
static void
transform_input (const Run *r, int tile, float *v, gsize point_stride)
{
  const Conv *conv = r->conv;
  int side = atl_winograd_tile (conv->winograd);
  int tx = tile % r->tiles.tx, ty = tile / r->tiles.tx % r->tiles.ty;
  int n = tile / r->tiles.tx / r->tiles.ty;
  int phases = in_phases (conv), step = phases == 4 ? 2 : 1;
  int advance = atl_winograd_outputs (conv->winograd) * step;
  const float *in[36];

  for (int phase = 0; phase < phases; phase++)
    {
      const int *rows = conv->rows + ty * advance + phase / 2;
      const int *cols = conv->cols + tx * advance + phase % 2;

      for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
          {
            int row = rows[i * step], col = cols[j * step];

            in[i * side + j]
                = row < 0 || col < 0
                      ? r->plan->zeros
                      : r->io->in.data
                            + (((gsize)n * conv->h + row) * conv->w + col)
                                  * r->io->in.stride;
          }
      r->plan->kernels->winograd_input (conv->winograd, in, conv->c, r->io->load,
                                        r->io->load_slope, v + phase * conv->c,
                                        point_stride);
    }
}

void
conv_winograd_output_pixels (const Run *r, int tile, int phase, gint64 *pixels)
{
  const Conv *conv = r->conv;
  int o = atl_winograd_outputs (conv->winograd);
  int tx = tile % r->tiles.tx, ty = tile / r->tiles.tx % r->tiles.ty;
  gint64 n = tile / r->tiles.tx / r->tiles.ty;
  gboolean apart = out_phases (conv) > 1;

  for (int i = 0; i < o; i++)
    for (int j = 0; j < o; j++)
      {
        int y = apart ? 6 * ty + 2 * i - phase / 2 : o * ty + i;
        int x = apart ? 6 * tx + 2 * j - phase % 2 : o * tx + j;

        pixels[i * o + j] = y < 0 || x < 0 || y >= conv->oh || x >= conv->ow
                                ? -1
                                : (n * conv->oh + y) * conv->ow + x;
      }
}

/* One tile's outputs for `channels` channels from `first` on. */
static void
transform_output (const Run *r, int tile, int phase, int first, int channels,
                  const float *m, gsize point_stride)
{
  const AtlView *out = &r->io->out, *add = r->io->residual;
  AtlEpilogue epilogue = conv_epilogue_from (&r->io->epilogue, first);
  int o = atl_winograd_outputs (r->conv->winograd);
  gint64 pixels[16];
  float *to[16];
  const float *residual[16];

  conv_winograd_output_pixels (r, tile, phase, pixels);
  for (int i = 0; i < o * o; i++)
    {
      to[i] = pixels[i] < 0 ? NULL : out->data + pixels[i] * out->stride + first;
      residual[i] = pixels[i] < 0 || add == NULL
                        ? NULL
                        : add->data + pixels[i] * add->stride + first;
    }
  r->plan->kernels->winograd_output (r->conv->winograd, m, point_stride, channels,
                                     add != NULL ? residual : NULL, to, &epilogue);
}

/* Multiplies `count` tiles with one group of columns and transforms back.
 * v: of the first tile, its points v_point apart. */
static void
multiply_group (const Run *r, Group group, int first_tile, int count,
                const float *v, gsize v_point, float *m)
{
  const Conv *conv = r->conv;
  gsize k = product_k (conv), m_point = (gsize)count * group.padded + SHIFT;
  gsize u_point = atl_panels_size (k, product_n (conv));

  for (int p = 0; p < n_points (conv); p++)
    for (int c = 0; c < group.padded; c += ATL_PANEL)
      {
        const float *a = v + p * v_point;
        const float *b = conv->weights + p * u_point + k * (group.first + c);
        int columns = MIN (ATL_PANEL, group.padded - c);

        r->plan->kernels->gemm (&(AtlGemm){
            .m = count,
            .n = columns,
            .k = k,
            .n_segments = 1,
            .a = &a,
            .a_row = k,
            .a_col = 1,
            .b = &b,
            .ldb = columns,
            .c = m + p * m_point + c,
            .ldc = group.padded,
        });
      }
  for (int t = 0; t < count; t++)
    {
      float *mt = m + (gsize)t * group.padded;

      if (phases_share_panels (conv))
        for (int phase = 0; phase < out_phases (conv); phase++)
          transform_output (r, first_tile + t, phase, 0, conv->oc,
                            mt + phase * conv->oc, m_point);
      else
        transform_output (r, first_tile + t, group.first / conv->oc,
                          group.first % conv->oc, group.columns, mt, m_point);
    }
}

static void
block_task (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  const Conv *conv = r->conv;
  int first = task * conv->block;
  int count = MIN (conv->block, r->tiles.n_tiles - first);
  gsize k = product_k (conv), v_point = k * count + SHIFT;
  float *v = scratch, *m = v + n_points (conv) * v_point;

  for (int t = 0; t < count; t++)
    transform_input (r, first + t, v + t * k, v_point);
  for (int g = 0; g < n_groups (conv); g++)
    multiply_group (r, get_group (conv, g), first, count, v, v_point, m);
}

static void
input_task (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  gsize k = product_k (r->conv);
  int last = MIN (r->count, (task + 1) * INPUT_TILES);

  for (int t = task * INPUT_TILES; t < last; t++)
    transform_input (r, r->first + t, r->v + t * k, v_point (r));
}

static void
group_task (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  const Conv *conv = r->conv;
  gsize k = product_k (conv);
  int blocks = (r->count + conv->block - 1) / conv->block;
  int begin = task % blocks * conv->block;

  multiply_group (r, get_group (conv, task / blocks), r->first + begin,
                  MIN (conv->block, r->count - begin), r->v + begin * k,
                  v_point (r), scratch);
}

void
conv_winograd_transform_chunk (Run *r)
{
  plan_parallel (r->plan, (r->count + INPUT_TILES - 1) / INPUT_TILES, input_task,
                 r);
}

void
conv_winograd_run (AtlPlan *plan, Conv *conv, const ConvIo *io)
{
  Run r = { .plan = plan, .conv = conv, .io = io, .tiles = conv_tiles (conv) };
  int n = r.tiles.n_tiles;

  if (!is_shared (conv))
    {
      plan_parallel (plan, (n + conv->block - 1) / conv->block, block_task, &r);
      return;
    }
  r.v = plan_buffer (plan, conv->workspace);
  for (r.first = 0; r.first < n; r.first += conv->chunk)
    {
      r.count = MIN (conv->chunk, n - r.first);
      conv_winograd_transform_chunk (&r);
      plan_parallel (plan,
                     (gint64)n_groups (conv)
                         * ((r.count + conv->block - 1) / conv->block),
                     group_task, &r);
    }
}
