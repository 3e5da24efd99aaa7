/* What can be told of a graph without running it: shapes, work, and how far an
 * output pixel sees; see graph.h. */

#include "graph/graph.h"

#include <glib/gi18n-lib.h>

#include "base/memory.h"

/* n = -1: must be computed or is given and read, as the outputs need it. */
static void
mark_needed (const AtlGraph *graph, const int *inputs, int n_inputs,
             const int *outputs, int n_outputs, AtlShape *shapes)
{
  for (int i = 0; i < n_outputs; i++)
    shapes[outputs[i]].n = -1;
  for (int i = atl_graph_get_n_nodes (graph) - 1; i >= 0; i--)
    if (shapes[i].n == -1 && !atl_nodes_contain (inputs, n_inputs, i))
      for (int j = 0; j < 2; j++)
        if (atl_graph_get_node (graph, i)->inputs[j] >= 0)
          shapes[atl_graph_get_node (graph, i)->inputs[j]].n = -1;
}

static gboolean
fail (const AtlNode *node, GError **error, const char *why, int h, int w)
{
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("%s: %s (its input is %d pixels wide and %d high)"), node->name,
               why, w, h);
  return FALSE;
}

/* Side of a convolution's output; <= 0 if there is none. */
static gint64
convolved (const AtlNode *node, gint64 side)
{
  gint64 rest;

  if (node->op == ATL_OP_CONV_TRANSPOSE2D)
    return (side - 1) * node->stride - 2 * node->padding + node->kernel
           + node->output_padding;
  rest = side + 2 * node->padding - node->kernel;
  return rest < 0 ? 0 : rest / node->stride + 1;
}

static gboolean
infer_node (const AtlGraph *graph, int index, AtlShape *shapes, GError **error)
{
  const AtlNode *node = atl_graph_get_node (graph, index);
  AtlShape in = node->inputs[0] >= 0 ? shapes[node->inputs[0]] : (AtlShape){ 0 };
  gint64 h = in.h, w = in.w, f = node->factor;

  switch (node->op)
    {
    case ATL_OP_INPUT:
      return fail (node, error, _ ("this input was given no value"), 0, 0);
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
      h = convolved (node, in.h);
      w = convolved (node, in.w);
      break;
    case ATL_OP_ADD:
    case ATL_OP_CONCAT:
      {
        AtlShape b = shapes[node->inputs[1]];

        if (in.n != b.n || in.h != b.h || in.w != b.w
            || (node->op == ATL_OP_ADD && in.c != b.c))
          return fail (
              node, error,
              _ ("its two inputs differ in size; the picture's sides must be "
                 "multiples of what the network asks for"),
              in.h, in.w);
      }
      break;
    case ATL_OP_UPSAMPLE:
    case ATL_OP_DEPTH_TO_SPACE:
      h *= f;
      w *= f;
      break;
    case ATL_OP_SPACE_TO_DEPTH:
      if (h % f != 0 || w % f != 0)
        return fail (node, error, _ ("the sides are no multiple of the block"),
                     in.h, in.w);
      h /= f;
      w /= f;
      break;
    case ATL_OP_REFLECT_PAD:
      if (f >= h || f >= w)
        return fail (node, error, _ ("too small to be reflected at its border"),
                     in.h, in.w);
      h += 2 * f;
      w += 2 * f;
      break;
    default:
      break;
    }
  if (h <= 0 || w <= 0)
    return fail (node, error, _ ("the picture is too small for this network"), in.h,
                 in.w);
  if (h > G_MAXINT / 4 || w > G_MAXINT / 4)
    return fail (node, error, _ ("the picture is too large"), in.h, in.w);
  shapes[index] = (AtlShape){ in.n, h, w, atl_graph_get_channels (graph, index) };
  return TRUE;
}

gboolean
atl_graph_infer (const AtlGraph *graph, const int *inputs,
                 const AtlShape *input_shapes, int n_inputs, const int *outputs,
                 int n_outputs, AtlShape *shapes, GError **error)
{
  int n = atl_graph_get_n_nodes (graph);

  for (int i = 0; i < n; i++)
    shapes[i] = (AtlShape){ 0, 0, 0, 0 };
  mark_needed (graph, inputs, n_inputs, outputs, n_outputs, shapes);
  for (int i = 0; i < n_inputs; i++)
    {
      const AtlShape *s = &input_shapes[i];
      int c = atl_graph_get_channels (graph, inputs[i]);

      if (s->c != c || s->n <= 0 || s->h <= 0 || s->w <= 0)
        {
          g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                       _ ("%s takes %d channels, not a %dx%d picture of %d"),
                       atl_graph_get_node (graph, inputs[i])->name, c, s->w, s->h,
                       s->c);
          return FALSE;
        }
      shapes[inputs[i]] = *s;
    }
  for (int i = 0; i < n; i++)
    if (shapes[i].n == -1 && !infer_node (graph, i, shapes, error))
      return FALSE;
  return TRUE;
}

double
atl_graph_macs (const AtlGraph *graph, const AtlShape *shapes)
{
  double macs = 0;

  for (int i = 0; i < atl_graph_get_n_nodes (graph); i++)
    {
      const AtlNode *node = atl_graph_get_node (graph, i);
      AtlShape out = shapes[i], in;
      double pixels = (double)out.n * out.h * out.w;

      if (out.n == 0 || node->inputs[0] < 0 || shapes[node->inputs[0]].n == 0)
        continue;
      in = shapes[node->inputs[0]];
      if (node->op == ATL_OP_CONV2D)
        macs += pixels * out.c * in.c * node->kernel * node->kernel;
      else if (node->op == ATL_OP_CONV_TRANSPOSE2D)
        macs += (double)in.n * in.h * in.w * in.c * out.c * node->kernel
                * node->kernel;
      else if (node->op == ATL_OP_VECTOR_QUANTISE)
        macs += pixels * out.c * node->codes * node->stages;
    }
  return macs;
}

static gpointer
try_alloc (gsize count, gsize size, GError **error)
{
  return atl_try_alloc0 (count, size, _ ("the network's layers"), error);
}

/* Pixels needed beyond [a, b) of a node's value, a and b being multiples of
 * what the network asks for: [a - lo, b + hi). */
typedef struct
{
  gboolean seen;
  int lo, hi;
} Reach;

static int
ceil_div (int a, int b)
{
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

static int
floor_div (int a, int b)
{
  return -ceil_div (-a, b);
}

/* The same of the node's input. */
static Reach
reach_back (const AtlNode *node, Reach r)
{
  int k = node->kernel, s = node->stride, p = node->padding, f = node->factor;

  switch (node->op)
    {
    case ATL_OP_CONV2D:
      return (Reach){ TRUE, r.lo * s + p, r.hi * s + k - s - p };
    case ATL_OP_CONV_TRANSPOSE2D:
      return (Reach){ TRUE, floor_div (r.lo + k - 1 - p, s),
                      floor_div (r.hi + p - 1, s) + 1 };
    case ATL_OP_UPSAMPLE:
      return (Reach){ TRUE, ceil_div (r.lo, f) + (node->bilinear ? 1 : 0),
                      ceil_div (r.hi, f) + (node->bilinear ? 1 : 0) };
    case ATL_OP_SPACE_TO_DEPTH:
      return (Reach){ TRUE, r.lo * f, r.hi * f };
    case ATL_OP_DEPTH_TO_SPACE:
      return (Reach){ TRUE, ceil_div (r.lo, f), ceil_div (r.hi, f) };
    case ATL_OP_REFLECT_PAD:
      return (Reach){ TRUE, r.lo + f, r.hi - f };
    default:
      return r;
    }
}

/* The most input pixels, along a side, that one pixel of a node spans. */
static gboolean
find_largest_span (const AtlGraph *graph, int input, int output, int *largest,
                   GError **error)
{
  int n = output + 1;
  atl_autofree double *span = try_alloc (n, sizeof *span, error);

  if (span == NULL)
    return FALSE;
  *largest = 1;
  span[input] = 1;
  for (int i = input + 1; i < n; i++)
    {
      const AtlNode *node = atl_graph_get_node (graph, i);
      double s = 0;

      for (int j = 0; j < 2; j++)
        if (node->inputs[j] >= 0)
          s = MAX (s, span[node->inputs[j]]);
      if (node->op == ATL_OP_CONV2D)
        s *= node->stride;
      else if (node->op == ATL_OP_CONV_TRANSPOSE2D)
        s /= node->stride;
      else if (node->op == ATL_OP_SPACE_TO_DEPTH)
        s *= node->factor;
      else if (node->op == ATL_OP_DEPTH_TO_SPACE || node->op == ATL_OP_UPSAMPLE)
        s /= node->factor;
      span[i] = s;
      *largest = MAX (*largest, (int)(s + 0.5));
    }
  return TRUE;
}

gboolean
atl_graph_reach_inputs (const AtlGraph *graph, const int *inputs, int n_inputs,
                        const int *outputs, int n_outputs, int *halos,
                        GError **error)
{
  int n = atl_graph_get_n_nodes (graph);
  atl_autofree Reach *reach = try_alloc (n, sizeof *reach, error);

  if (reach == NULL)
    return FALSE;
  for (int i = 0; i < n_outputs; i++)
    reach[outputs[i]].seen = TRUE;
  for (int i = n - 1; i > 0; i--)
    {
      const AtlNode *node = atl_graph_get_node (graph, i);
      Reach back;

      if (!reach[i].seen || atl_nodes_contain (inputs, n_inputs, i))
        continue;
      back = reach_back (node, reach[i]);
      for (int j = 0; j < 2; j++)
        if (node->inputs[j] >= 0)
          {
            Reach *r = &reach[node->inputs[j]];

            r->lo = r->seen ? MAX (r->lo, back.lo) : back.lo;
            r->hi = r->seen ? MAX (r->hi, back.hi) : back.hi;
            r->seen = TRUE;
          }
    }
  for (int i = 0; i < n_inputs; i++)
    {
      halos[i] = -1;
      if (reach[inputs[i]].seen)
        halos[i] = MAX (0, MAX (reach[inputs[i]].lo, reach[inputs[i]].hi));
    }
  return TRUE;
}

gboolean
atl_graph_reach (const AtlGraph *graph, int input, int output, int *halo,
                 int *multiple, GError **error)
{
  int reach;

  if (halo != NULL)
    {
      if (!atl_graph_reach_inputs (graph, &input, 1, &output, 1, &reach, error))
        return FALSE;
      *halo = MAX (0, reach);
    }
  return multiple == NULL
         || find_largest_span (graph, input, output, multiple, error);
}
