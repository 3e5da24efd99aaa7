/* Parameters in the layout of the kernels; see weights.h. */

#include "graph/weights.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

#define STEP 16 /* floats: every parameter begins on a cache line */

typedef struct _Derived Derived;

struct _Derived
{
  int form;
  float *data;
  gsize size;
  guint generation; /* of the weights it was made from */
  Derived *next;    /* of the same parameter */
};

struct _AtlWeights
{
  const AtlGraph *graph;
  gsize *offsets;
  gsize n_trainable, n_codebooks, n_floats;
  float *data;
  float *gradients;
  gboolean *fresh; /* this gradient counts as zero */
  guint generation;
  Derived **derived; /* per parameter */
  GMutex lock;       /* of derived */
};

int
atl_panel_columns (int out_channels, int first)
{
  int left = out_channels - first;

  if (left >= ATL_PANEL)
    return ATL_PANEL;
  return (left + ATL_PANEL_STEP - 1) / ATL_PANEL_STEP * ATL_PANEL_STEP;
}

gsize
atl_panels_size (gsize rows, int out_channels)
{
  int full = out_channels / ATL_PANEL * ATL_PANEL;
  int tail = full < out_channels ? atl_panel_columns (out_channels, full) : 0;

  return rows * (full + tail);
}

/* A convolution's weight as PyTorch orders it, and where an element of it lies
 * in the panels. */
typedef struct
{
  gboolean transposed;
  int c, oc, k;
} Kernel;

static gboolean
is_kernel (const AtlGraph *graph, const AtlParameter *p, Kernel *kernel)
{
  if (p->n_dims != 4)
    return FALSE;
  kernel->transposed
      = atl_graph_get_node (graph, p->node)->op == ATL_OP_CONV_TRANSPOSE2D;
  kernel->c = p->dims[kernel->transposed ? 0 : 1];
  kernel->oc = p->dims[kernel->transposed ? 1 : 0];
  kernel->k = p->dims[2];
  return TRUE;
}

static gsize
n_elements (const AtlParameter *p)
{
  gsize n = 1;

  for (int d = 0; d < p->n_dims; d++)
    n *= p->dims[d];
  return n;
}

static gsize
stored_size (const AtlGraph *graph, const AtlParameter *p)
{
  Kernel kernel;
  gsize n = n_elements (p);

  if (is_kernel (graph, p, &kernel))
    n = atl_panels_size ((gsize)kernel.k * kernel.k * kernel.c, kernel.oc);
  return (n + STEP - 1) / STEP * STEP;
}

/* The parts of the arena, in order. */
typedef enum
{
  GROUP_TRAINABLE,
  GROUP_CODEBOOKS,
  GROUP_RUNNING
} Group;

static Group
group_of (const AtlGraph *graph, const AtlParameter *p)
{
  if (p->trainable)
    return GROUP_TRAINABLE;
  return atl_graph_get_node (graph, p->node)->op == ATL_OP_VECTOR_QUANTISE
             ? GROUP_CODEBOOKS
             : GROUP_RUNNING;
}

/* Gives the parameters of a group their places; returns how many floats. */
static gsize
place (AtlWeights *weights, Group group)
{
  gsize begin = weights->n_floats;

  for (int i = 0; i < atl_graph_get_n_parameters (weights->graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (weights->graph, i);

      if (group_of (weights->graph, p) != group)
        continue;
      weights->offsets[i] = weights->n_floats;
      weights->n_floats += stored_size (weights->graph, p);
    }
  return weights->n_floats - begin;
}

static gboolean
allocate_lists (AtlWeights *weights, GError **error)
{
  const char *what = _ ("the model's weights");
  int n = atl_graph_get_n_parameters (weights->graph);

  weights->offsets = atl_try_alloc0 (n, sizeof *weights->offsets, what, error);
  if (weights->offsets == NULL)
    return FALSE;
  weights->fresh = atl_try_alloc0 (n, sizeof *weights->fresh, what, error);
  if (weights->fresh == NULL)
    return FALSE;
  weights->derived = atl_try_alloc0 (n, sizeof *weights->derived, what, error);
  return weights->derived != NULL;
}

AtlWeights *
atl_weights_new (const AtlGraph *graph, GError **error)
{
  g_autoptr (AtlWeights) weights = g_new0 (AtlWeights, 1);

  weights->graph = graph;
  g_mutex_init (&weights->lock);
  if (!allocate_lists (weights, error))
    return NULL;
  weights->n_trainable = place (weights, GROUP_TRAINABLE);
  weights->n_codebooks = place (weights, GROUP_CODEBOOKS);
  place (weights, GROUP_RUNNING);
  weights->data = atl_try_alloc0 (weights->n_floats, sizeof (float),
                                  _ ("the model's weights"), error);
  if (weights->data == NULL)
    return NULL;
  return g_steal_pointer (&weights);
}

static void
free_derived (Derived *derived)
{
  while (derived != NULL)
    {
      Derived *next = derived->next;

      atl_free (derived->data);
      g_free (derived);
      derived = next;
    }
}

void
atl_weights_free (AtlWeights *weights)
{
  if (weights == NULL)
    return;
  for (int i = 0;
       weights->derived != NULL && i < atl_graph_get_n_parameters (weights->graph);
       i++)
    free_derived (weights->derived[i]);
  atl_free (weights->derived);
  g_mutex_clear (&weights->lock);
  atl_free (weights->data);
  atl_free (weights->gradients);
  atl_free (weights->offsets);
  atl_free (weights->fresh);
  g_free (weights);
}

const AtlGraph *
atl_weights_get_graph (const AtlWeights *weights)
{
  return weights->graph;
}

/* A part of a kernel: some taps of some input channels, of a panel's columns.
 * Where it begins and how it goes on, in floats, in the file's order and in the
 * panels. */
typedef struct
{
  int taps, channels, columns;
  gsize file, file_channel, file_column; /* taps follow each other */
  gsize panel, panel_tap, panel_channel; /* columns follow each other */
} Block;

/* Both ways lead through `buffer`, [taps][channels][columns], which stays in the
 * nearest cache: straight from one to the other, each element of a deep layer
 * lies on a page of its own, and all of them in the same few cache sets. */
static void
fill_panel (const Block *b, const float *file, float *panels, float *buffer)
{
  for (int j = 0; j < b->columns; j++)
    for (int c = 0; c < b->channels; c++)
      {
        const float *in = file + b->file + j * b->file_column + c * b->file_channel;

        for (int t = 0; t < b->taps; t++)
          buffer[(t * b->channels + c) * b->columns + j] = in[t];
      }
  for (int t = 0; t < b->taps; t++)
    for (int c = 0; c < b->channels; c++)
      memcpy (panels + b->panel + t * b->panel_tap + c * b->panel_channel,
              buffer + (t * b->channels + c) * b->columns,
              b->columns * sizeof *buffer);
}

static void
read_panel (const Block *b, const float *panels, float *file, float *buffer)
{
  for (int t = 0; t < b->taps; t++)
    for (int c = 0; c < b->channels; c++)
      memcpy (buffer + (t * b->channels + c) * b->columns,
              panels + b->panel + t * b->panel_tap + c * b->panel_channel,
              b->columns * sizeof *buffer);
  for (int j = 0; j < b->columns; j++)
    for (int c = 0; c < b->channels; c++)
      {
        float *out = file + b->file + j * b->file_column + c * b->file_channel;

        for (int t = 0; t < b->taps; t++)
          out[t] = buffer[(t * b->channels + c) * b->columns + j];
      }
}

/* Copies between the file's order and the panels: of each pair of pointers
 * given, `in` is read and `out` written. */
static void
reorder (const Kernel *kernel, const float *file_in, float *panels_out,
         const float *panels_in, float *file_out)
{
  enum
  {
    TAPS = 64,
    BUFFER = ATL_PANEL * TAPS
  };
  gsize taps = (gsize)kernel->k * kernel->k;
  int channels = MAX (TAPS / (int)taps, 1);
  gsize panel_begin = 0;
  float buffer[BUFFER];
  Block b = { .file_channel = kernel->transposed ? kernel->oc * taps : taps,
              .file_column = kernel->transposed ? taps : kernel->c * taps };

  for (int first = 0; first < kernel->oc; first += ATL_PANEL)
    {
      b.panel_channel = (gsize)atl_panel_columns (kernel->oc, first);
      b.panel_tap = b.panel_channel * kernel->c;
      b.columns = MIN (ATL_PANEL, kernel->oc - first);
      for (int c = 0; c < kernel->c; c += channels)
        for (gsize t = 0; t < taps; t += TAPS)
          {
            b.channels = MIN (channels, kernel->c - c);
            b.taps = (int)MIN (TAPS, taps - t);
            b.file = first * b.file_column + c * b.file_channel + t;
            b.panel = panel_begin + t * b.panel_tap + c * b.panel_channel;
            if (file_in != NULL)
              fill_panel (&b, file_in, panels_out, buffer);
            else
              read_panel (&b, panels_in, file_out, buffer);
          }
      panel_begin += taps * b.panel_tap;
    }
}

void
atl_weights_get (const AtlWeights *weights, int i, float *out)
{
  const AtlParameter *p = atl_graph_get_parameter (weights->graph, i);
  const float *data = weights->data + weights->offsets[i];
  Kernel kernel;

  if (is_kernel (weights->graph, p, &kernel))
    reorder (&kernel, NULL, NULL, data, out);
  else
    memcpy (out, data, n_elements (p) * sizeof (float));
}

void
atl_weights_set (AtlWeights *weights, int i, const float *in)
{
  const AtlParameter *p = atl_graph_get_parameter (weights->graph, i);
  float *data = weights->data + weights->offsets[i];
  Kernel kernel;

  if (is_kernel (weights->graph, p, &kernel))
    reorder (&kernel, in, data, NULL, NULL);
  else
    memcpy (data, in, n_elements (p) * sizeof (float));
  atl_weights_changed (weights);
}

static gboolean
check_tensor (const AtlParameter *p, const AtlTensor *tensor, GError **error)
{
  g_autofree char *wanted = atl_dims_to_string (p->n_dims, p->dims);
  g_autofree char *found = NULL;

  if (tensor == NULL)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("tensor %s (%s) is missing"), p->name, wanted);
      return FALSE;
    }
  if (tensor->type > ATL_TYPE_F64)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("tensor %s holds %s, not floating-point numbers"), p->name,
                   atl_type_name (tensor->type));
      return FALSE;
    }
  if (tensor->n_dims == p->n_dims
      && memcmp (tensor->dims, p->dims, p->n_dims * sizeof *p->dims) == 0)
    return TRUE;
  found = atl_dims_to_string (tensor->n_dims, tensor->dims);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
               _ ("tensor %s is %s where this network needs %s"), p->name, found,
               wanted);
  return FALSE;
}

/* The tensor's values in place, if they are floats as this machine has them. */
static const float *
floats_of (const AtlTensor *tensor)
{
  if (G_BYTE_ORDER != G_LITTLE_ENDIAN || tensor->type != ATL_TYPE_F32
      || (guintptr)tensor->data % G_ALIGNOF (float) != 0)
    return NULL;
  return tensor->data;
}

static gboolean
load_one (AtlWeights *weights, int i, const AtlTensor *tensor, GError **error)
{
  const AtlParameter *p = atl_graph_get_parameter (weights->graph, i);
  gsize n = n_elements (p);
  atl_autofree float *converted = NULL;
  const float *values;
  gboolean finite = TRUE;

  if (!check_tensor (p, tensor, error))
    return FALSE;
  values = floats_of (tensor);
  if (values == NULL)
    {
      converted = atl_try_alloc (n, sizeof (float), p->name, error);
      if (converted == NULL)
        return FALSE;
      atl_tensor_to_float (tensor, 0, n, converted);
      values = converted;
    }
  for (gsize j = 0; j < n; j++)
    finite &= isfinite (values[j]) != 0;
  if (finite)
    atl_weights_set (weights, i, values);
  else
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                 _ ("tensor %s holds values that are not numbers; the model is "
                    "damaged or its training diverged"),
                 p->name);
  return finite;
}

gboolean
atl_weights_check (const AtlGraph *graph, const AtlTensorSet *tensors,
                   GError **error)
{
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);

      if (!check_tensor (p, atl_tensor_set_lookup (tensors, p->name), error))
        return FALSE;
    }
  return TRUE;
}

gboolean
atl_weights_load (AtlWeights *weights, const AtlTensorSet *tensors, GError **error)
{
  for (int i = 0; i < atl_graph_get_n_parameters (weights->graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (weights->graph, i);

      if (!load_one (weights, i, atl_tensor_set_lookup (tensors, p->name), error))
        return FALSE;
    }
  return TRUE;
}

float *
atl_weights_data (AtlWeights *weights)
{
  return weights->data;
}

gsize
atl_weights_n_trainable (const AtlWeights *weights)
{
  return weights->n_trainable;
}

gsize
atl_weights_n_floats (const AtlWeights *weights)
{
  return weights->n_floats;
}

gsize
atl_weights_offset (const AtlWeights *weights, int i)
{
  return weights->offsets[i];
}

gboolean
atl_weights_need_gradients (AtlWeights *weights, GError **error)
{
  if (weights->gradients == NULL)
    weights->gradients
        = atl_try_alloc0 (weights->n_trainable + weights->n_codebooks,
                          sizeof (float), _ ("the gradients"), error);
  return weights->gradients != NULL;
}

void
atl_weights_zero_gradients (AtlWeights *weights)
{
  for (int i = 0; i < atl_graph_get_n_parameters (weights->graph); i++)
    weights->fresh[i] = TRUE;
}

float *
atl_weights_gradient_of (AtlWeights *weights, int i, gboolean *accumulate)
{
  *accumulate = !weights->fresh[i];
  weights->fresh[i] = FALSE;
  return weights->gradients + weights->offsets[i];
}

float *
atl_weights_gradients (AtlWeights *weights)
{
  for (int i = 0; i < atl_graph_get_n_parameters (weights->graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (weights->graph, i);

      if (weights->fresh[i] && group_of (weights->graph, p) != GROUP_RUNNING)
        memset (weights->gradients + weights->offsets[i], 0,
                stored_size (weights->graph, p) * sizeof (float));
      weights->fresh[i] = FALSE;
    }
  return weights->gradients;
}

void
atl_weights_changed (AtlWeights *weights)
{
  weights->generation++;
}

/* The form as it is, or new and out of date; NULL if memory is short. */
static Derived *
get_derived (AtlWeights *weights, int i, int form, gsize size, GError **error)
{
  Derived *derived = weights->derived[i];
  float *data;

  while (derived != NULL && derived->form != form)
    derived = derived->next;
  if (derived != NULL)
    return derived;
  data = atl_try_alloc (size, sizeof (float), _ ("weights ready for computing"),
                        error);
  if (data == NULL)
    return NULL;
  derived = g_new (Derived, 1);
  *derived
      = (Derived){ form, data, size, weights->generation - 1, weights->derived[i] };
  weights->derived[i] = derived;
  return derived;
}

float *
atl_weights_derive (AtlWeights *weights, int i, int form, gsize size,
                    AtlDerive make, gpointer data, GError **error)
{
  Derived *derived;

  g_mutex_lock (&weights->lock);
  derived = get_derived (weights, i, form, size, error);
  if (derived != NULL && derived->generation != weights->generation)
    {
      make (weights, data, derived->data);
      derived->generation = weights->generation;
    }
  g_mutex_unlock (&weights->lock);
  return derived != NULL ? derived->data : NULL;
}

gsize
atl_weights_get_bytes (AtlWeights *weights)
{
  gsize n = weights->n_floats;

  if (weights->gradients != NULL)
    n += weights->n_trainable + weights->n_codebooks;
  g_mutex_lock (&weights->lock);
  for (int i = 0; i < atl_graph_get_n_parameters (weights->graph); i++)
    for (Derived *d = weights->derived[i]; d != NULL; d = d->next)
      n += d->size;
  g_mutex_unlock (&weights->lock);
  return n * sizeof (float);
}
