/* Convolutions: maps, the choice of algorithm, weights; see conv.h. */

#include "graph/conv.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"

#define SLACK 16 /* map entries past the end, for the last tile */

int
conv_pad_before (const Conv *conv)
{
  if (!conv->transposed)
    return conv->padding;
  return MAX (0, (conv->kernel - 1 - conv->padding) / conv->stride);
}

/* Padded coordinates that an output of this side reads. */
static int
padded_side (const Conv *conv, int out)
{
  if (!conv->transposed)
    return (out - 1) * conv->stride + conv->kernel;
  return (out - 1 + conv->padding) / conv->stride + conv_pad_before (conv) + 1;
}

/* Follows one coordinate from the op's input back to what is stored. */
static int
follow (const AtlPlan *plan, const int *path, int n_path, int at, int side)
{
  if (at < 0 || at >= side)
    return -1;
  for (int i = 0; i < n_path; i++)
    {
      const AtlNode *node = atl_graph_get_node (plan->graph, path[i]);

      if (node->op == ATL_OP_REFLECT_PAD)
        {
          side -= 2 * node->factor;
          at -= node->factor;
          at = at < 0 ? -at : at >= side ? 2 * (side - 1) - at : at;
        }
      else
        {
          side /= node->factor;
          at /= node->factor;
        }
    }
  return at;
}

/* NULL, and why in plan->problem, if memory is short. */
static int *
make_map (AtlPlan *plan, const Conv *conv, const int *path, int n_path,
          int virtual_side, int out, int *length)
{
  int n = padded_side (conv, out), pad = conv_pad_before (conv);
  int *map = atl_try_alloc ((gsize)n + SLACK, sizeof *map,
                            _ ("the network's intermediate results"),
                            plan->problem ? NULL : &plan->problem);

  for (int i = 0; map && i < n + SLACK; i++)
    map[i] = i < n ? follow (plan, path, n_path, i - pad, virtual_side) : -1;
  *length = n;
  return map;
}

static gboolean
winograd_fits (const Conv *conv)
{
  if (conv->stride == 1)
    return conv->kernel == 3 || conv->kernel == 4;
  return conv->kernel == 4 && conv->stride == 2
         && (!conv->transposed || conv->padding == 1);
}

Tiles
conv_tiles (const Conv *conv)
{
  int o = atl_winograd_outputs (conv->winograd);
  Tiles tiles;

  if (conv->stride == 1 || !conv->transposed)
    {
      tiles.ty = (conv->oh + o - 1) / o;
      tiles.tx = (conv->ow + o - 1) / o;
    }
  else
    {
      /* tile t writes the six rows from 6 t - 1 on */
      tiles.ty = conv->oh / 6 + 1;
      tiles.tx = conv->ow / 6 + 1;
    }
  tiles.n_tiles = conv->n * tiles.ty * tiles.tx;
  return tiles;
}

/* Winograd's weights are 2.25 to 4 times as many as the direct ones, and pay
 * where enough tiles share them; its transforms pay where enough channels share
 * them. */
static void
choose_algorithm (const AtlPlan *plan, Conv *conv)
{
  int forced = plan->options.algorithm;

  conv->winograd = conv->kernel == 3   ? ATL_WINOGRAD_4_3
                   : conv->stride == 1 ? ATL_WINOGRAD_3_4
                                       : ATL_WINOGRAD_3_2;
  if (winograd_fits (conv) && forced != ATL_CONVOLUTION_DIRECT
      && (forced == ATL_CONVOLUTION_WINOGRAD
          || (conv_tiles (conv).n_tiles >= 24 && conv->c >= 16
              && conv->oc * (conv->transposed ? 4 : 1) >= 12)))
    {
      conv->algorithm = ALGORITHM_WINOGRAD;
      return;
    }
  if (!conv->transposed && conv->stride == 1 && conv->kernel >= 5
      && conv->oc * conv->kernel <= ATL_PANEL && conv->ow >= 16)
    conv->algorithm = ALGORITHM_FOLDED;
  else if (conv->ow / (conv->transposed ? conv->stride : 1) >= 24)
    conv->algorithm = ALGORITHM_ROWS;
  else if (conv->dual && !conv->flipped && conv_gathered_pixels (conv) <= ATL_PANEL
           && conv->c % ATL_PANEL == 0)
    conv->algorithm = ALGORITHM_TURNED;
  else
    conv->algorithm = ALGORITHM_GATHER;
}

void
conv_prepare (AtlPlan *plan, Conv *conv, const int *path, int n_path, int virtual_h,
              int virtual_w)
{
  conv->rows
      = make_map (plan, conv, path, n_path, virtual_h, conv->oh, &conv->n_rows);
  conv->cols
      = make_map (plan, conv, path, n_path, virtual_w, conv->ow, &conv->n_cols);
  conv->workspace = -1;
  plan_need_zeros (plan, conv->c);
  choose_algorithm (plan, conv);
  if (conv->algorithm == ALGORITHM_WINOGRAD)
    conv_winograd_prepare (plan, conv);
  else
    conv_direct_prepare (plan, conv);
  plan_need_scratch (plan, conv->scratch);
  conv->form = (int)conv->algorithm << 4 | (int)conv->winograd << 2
               | conv->transposed << 1 | conv->dual;
  g_assert (conv->algorithm < 8);
}

void
conv_clear (Conv *conv)
{
  g_clear_pointer (&conv->rows, atl_free);
  g_clear_pointer (&conv->cols, atl_free);
}

const char *
conv_algorithm_name (const Conv *conv)
{
  switch (conv->algorithm)
    {
    case ALGORITHM_ROWS:
      return "direct, rows";
    case ALGORITHM_GATHER:
      return "direct, gathered";
    case ALGORITHM_TURNED:
      return "direct, turned";
    case ALGORITHM_FOLDED:
      return "direct, folded";
    default:
      return conv->winograd == ATL_WINOGRAD_4_3   ? "winograd F(4,3)"
             : conv->winograd == ATL_WINOGRAD_3_4 ? "winograd F(3,4)"
                                                  : "winograd F(3,2)";
    }
}

/* --- Weights ------------------------------------------------------------ */

typedef struct
{
  AtlPlan *plan;
  const Conv *conv;
  const float *in;
  float *out;
} Make;

/* One row of output panels: for kernel position and input channel `task`. */
static void
transpose_row (gpointer data, gint64 task, gpointer scratch)
{
  Make *m = data;
  const Conv *conv = m->conv;
  int taps = conv->kernel * conv->kernel, c = conv->c;
  int tap = task / c, row = task % c;
  int from_tap = conv->flipped ? taps - 1 - tap : tap;
  /* in: panels over conv->c columns with conv->oc rows */
  int from_panel = row / ATL_PANEL * ATL_PANEL;
  int from_columns = atl_panel_columns (c, from_panel);
  const float *in = m->in + (gsize)taps * conv->oc * from_panel
                    + (gsize)from_tap * conv->oc * from_columns
                    + (row - from_panel);

  for (int first = 0; first < conv->oc; first += ATL_PANEL)
    {
      int columns = atl_panel_columns (conv->oc, first);
      float *out
          = m->out + (gsize)taps * c * first + ((gsize)tap * c + row) * columns;

      for (int j = 0; j < columns; j++)
        out[j] = first + j < conv->oc ? in[(gsize)(first + j) * from_columns] : 0;
    }
}

static void
make_transposed (AtlWeights *weights, gpointer data, float *out)
{
  Make *m = data;

  m->in = atl_weights_data (weights)
          + atl_weights_offset (weights, m->conv->parameter);
  m->out = out;
  plan_parallel (m->plan, (gint64)m->conv->kernel * m->conv->kernel * m->conv->c,
                 transpose_row, m);
}

/* Weights of `conv` as panels over its own output channels, [OC/64][KH][KW][C]
 * [64]: the master, or its transposed copy for a dual.  NULL without memory. */
static const float *
get_panels (AtlPlan *plan, const Conv *conv, GError **error)
{
  Make m = { .plan = plan, .conv = conv };

  /* turned products read a dual's weights as they lie */
  if (!conv->dual || conv->algorithm == ALGORITHM_TURNED)
    return atl_weights_data (plan->weights)
           + atl_weights_offset (plan->weights, conv->parameter);
  return atl_weights_derive (
      plan->weights, conv->parameter, conv->flipped ? 0xfd : 0xff,
      atl_panels_size ((gsize)conv->kernel * conv->kernel * conv->c, conv->oc),
      make_transposed, &m, error);
}

static void
make_form (AtlWeights *weights, gpointer data, float *out)
{
  Make *m = data;

  if (m->conv->algorithm == ALGORITHM_WINOGRAD)
    conv_winograd_make (m->plan, m->conv, m->in, out);
  else
    conv_direct_make (m->plan, m->conv, m->in, out);
}

/* Half-made weights would be used again: making them is not cancelled. */
static gboolean
bind_uncancelled (AtlPlan *plan, Conv *conv, GError **error)
{
  Make m = { .plan = plan, .conv = conv };
  gsize size = conv->algorithm == ALGORITHM_WINOGRAD
                   ? conv_winograd_form_size (conv)
                   : conv_direct_form_size (conv);

  m.in = get_panels (plan, conv, error);
  if (m.in == NULL)
    return FALSE;
  conv->weights = m.in;
  if (size > 0)
    conv->weights = atl_weights_derive (plan->weights, conv->parameter, conv->form,
                                        size, make_form, &m, error);
  return conv->weights != NULL;
}

gboolean
conv_bind (AtlPlan *plan, Conv *conv, GError **error)
{
  const AtlProgress *progress = plan->progress;
  gboolean bound;

  plan->progress = NULL;
  bound = bind_uncancelled (plan, conv, error);
  plan->progress = progress;
  return bound;
}

/* --- Running ------------------------------------------------------------ */

void
conv_load_row (AtlPlan *plan, const Conv *conv, const ConvIo *io, int n,
               int padded_row, float *out)
{
  int row
      = padded_row >= 0 && padded_row < conv->n_rows ? conv->rows[padded_row] : -1;
  gsize c = conv->c, stride = io->in.stride;
  const float *in;

  if (row < 0)
    {
      memset (out, 0, conv->n_cols * c * sizeof (float));
      return;
    }
  in = io->in.data + ((gsize)n * conv->h + row) * conv->w * stride;
  for (int x = 0; x < conv->n_cols;)
    {
      int col = conv->cols[x], run = 1;

      if (col < 0)
        {
          memset (out + x++ * c, 0, c * sizeof (float));
          continue;
        }
      if (stride == c)
        while (x + run < conv->n_cols && conv->cols[x + run] == col + run)
          run++;
      memcpy (out + x * c, in + col * stride, run * c * sizeof (float));
      x += run;
    }
  if (io->load != ATL_ACTIVATION_NONE)
    {
      AtlEpilogue load = { .activation = io->load, .slope = io->load_slope };

      plan->kernels->epilogue (conv->n_cols, c, out, c, NULL, 0, out, c, &load);
    }
}

void
conv_run (AtlPlan *plan, Conv *conv, const ConvIo *io)
{
  conv_bind (plan, conv, NULL);
  if (conv->algorithm == ALGORITHM_WINOGRAD)
    conv_winograd_run (plan, conv, io);
  else
    conv_direct_run (plan, conv, io);
}
