/* The gradient of the weights by Winograd's filtering, the adjoint of the forward
 * step by step: dU = sum over tiles of (B^T d B)^T (A dY A^T), point by point, and
 * dg = G^T dU G.
 */

#include "graph/conv-winograd.h"

#include <string.h>

#define GRADIENT_BYTES ((gsize)32 << 20) /* of a chunk's V and M */

typedef struct
{
  AtlPlan *plan;
  const Conv *conv;
  const float *du;
  float *gradient;
  gboolean accumulate;
} Weights;

static int
gradient_chunk (const Conv *conv)
{
  gsize n = atl_panels_size (1, product_n (conv));
  gsize tile = n_points (conv) * (product_k (conv) + n) * sizeof (float);

  return MIN (conv_tiles (conv).n_tiles, (int)MAX (24, GRADIENT_BYTES / tile));
}

gsize
conv_winograd_gradient_bytes (const AtlPlan *plan, const Conv *conv)
{
  gsize n = atl_panels_size (1, product_n (conv));
  gsize chunk = gradient_chunk (conv);

  return (n_points (conv) * (chunk * (product_k (conv) + n) + 2 * SHIFT)
          + conv_winograd_form_size (conv))
         * sizeof (float);
}

/* Distance of the points of a chunk's M. */
static gsize
m_point (const Run *r)
{
  return (gsize)r->count * r->n_padded + SHIFT;
}

/* M = A dY A^T of some tiles. */
static void
adjoint_task (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  const Conv *conv = r->conv;
  int o = atl_winograd_outputs (conv->winograd);
  int last = MIN (r->count, (task + 1) * INPUT_TILES);
  gsize point = m_point (r);
  gint64 pixels[16];
  const float *dy[16];

  for (int t = task * INPUT_TILES; t < last; t++)
    {
      float *m = r->m + (gsize)t * r->n_padded;

      for (int phase = 0; phase < out_phases (conv); phase++)
        {
          conv_winograd_output_pixels (r, r->first + t, phase, pixels);
          for (int i = 0; i < o * o; i++)
            dy[i] = pixels[i] < 0 ? NULL
                                  : r->io->out.data + pixels[i] * r->io->out.stride;
          r->plan->kernels->winograd_output_adjoint (conv->winograd, dy, conv->oc,
                                                     m + phase * conv->oc, point);
        }
      for (int p = 0; p < n_points (conv); p++)
        memset (m + p * point + product_n (conv), 0,
                (r->n_padded - product_n (conv)) * sizeof (float));
    }
}

/* dU (+)= V^T M for one point and panel. */
static void
product_task (gpointer data, gint64 task, gpointer scratch)
{
  const Run *r = data;
  const Conv *conv = r->conv;
  int panels = (product_n (conv) + ATL_PANEL - 1) / ATL_PANEL;
  int point = task / panels, first = task % panels * ATL_PANEL;
  gsize k = product_k (conv);
  int columns = atl_panel_columns (product_n (conv), first);
  const float *a = r->v + point * v_point (r);
  const float *b = r->m + point * m_point (r) + first;

  r->plan->kernels->gemm (&(AtlGemm){
      .m = k,
      .n = columns,
      .k = r->count,
      .n_segments = 1,
      .a = &a,
      .a_row = 1,
      .a_col = k,
      .b = &b,
      .ldb = r->n_padded,
      .c = r->du + point * atl_panels_size (k, product_n (conv)) + k * first,
      .ldc = columns,
      .accumulate = r->add_du,
  });
}

/* The kernel's gradient (+)= G^T dU G, for one row of dU, which is an input phase
 * and channel; the rows of all phases of a channel touch different taps. */
static void
fold_row (gpointer data, gint64 task, gpointer scratch)
{
  const Weights *w = data;
  const Conv *conv = w->conv;
  int n_taps
      = atl_winograd_taps (conv->winograd) * atl_winograd_taps (conv->winograd);
  gsize point = atl_panels_size (product_k (conv), product_n (conv));
  int taps = conv->kernel * conv->kernel, points = n_points (conv);
  int in_phase = task / conv->c, c = task % conv->c;
  float *g[16];
  float u[36 * ATL_PANEL];

  for (int phase = 0; phase < out_phases (conv); phase++)
    for (int first = 0; first < conv->oc; first += ATL_PANEL)
      {
        int columns = atl_panel_columns (conv->oc, first);
        int from = phase * conv->oc + first;
        const float *du = w->du + conv_winograd_u_at (conv, from, task);
        gsize du_point = point;

        if (phases_share_panels (conv))
          {
            memset (u, 0, sizeof u);
            for (int j = 0; j < MIN (columns, conv->oc - first); j++)
              for (int p = 0; p < points; p++)
                u[p * ATL_PANEL + j]
                    = w->du[p * point + conv_winograd_u_at (conv, from + j, task)];
            du = u;
            du_point = ATL_PANEL;
          }
        conv_winograd_taps (conv, w->gradient + (gsize)taps * conv->c * first,
                            columns, out_phases (conv) > 1 ? phase : in_phase, c,
                            (const float **)g);
        if (!w->accumulate)
          for (int t = 0; t < n_taps; t++)
            memset (g[t], 0, columns * sizeof (float));
        w->plan->kernels->winograd_weights_adjoint (conv->winograd, du, du_point,
                                                    columns, g);
      }
}

void
conv_winograd_gradient (AtlPlan *plan, const Conv *conv, const ConvIo *io,
                        gpointer workspace, float *gradient, gboolean accumulate)
{
  Run r = { .plan = plan, .conv = conv, .io = io, .tiles = conv_tiles (conv) };
  int chunk = gradient_chunk (conv);
  gsize k = product_k (conv);
  int panels = (product_n (conv) + ATL_PANEL - 1) / ATL_PANEL;
  Weights w = {
    .plan = plan, .conv = conv, .gradient = gradient, .accumulate = accumulate
  };

  r.n_padded = atl_panels_size (1, product_n (conv));
  r.v = workspace;
  r.m = r.v + n_points (conv) * (chunk * k + SHIFT);
  r.du = r.m + n_points (conv) * ((gsize)chunk * r.n_padded + SHIFT);
  for (r.first = 0; r.first < r.tiles.n_tiles; r.first += chunk)
    {
      r.count = MIN (chunk, r.tiles.n_tiles - r.first);
      conv_winograd_transform_chunk (&r);
      plan_parallel (plan, (r.count + INPUT_TILES - 1) / INPUT_TILES, adjoint_task,
                     &r);
      plan_parallel (plan, (gint64)n_points (conv) * panels, product_task, &r);
      r.add_du = TRUE;
    }
  w.du = r.du;
  plan_parallel (plan, k, fold_row, &w);
}
