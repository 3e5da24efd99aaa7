/* Runs single ops for test-ops.py:
 *
 *   op-tool IN OUT
 *
 * IN's metadata "cases" is a JSON array of objects {"op": ..., parameters}; case
 * i reads the tensors "i.x" and "i.dy" (and "i.x2", "i.weight", "i.bias",
 * "i.running_mean", "i.running_var", "i.codebook.0", as the op needs them) and
 * writes "i.y", "i.dx" (and "i.dx2") and the gradients "i.d.weight", "i.d.bias".
 * Pictures are N H W C.  "algorithm": 0 fastest, 1 direct, 2 Winograd.
 */

#include <json-glib/json-glib.h>
#include <string.h>

#include "files/safetensors.h"
#include "graph/plan.h"

typedef struct
{
  AtlGraph *graph;
  AtlWeights *weights;
  AtlPlan *plan;
  int inputs[2], n_inputs, output;
} Net;

static int
number (JsonObject *o, const char *key)
{
  return json_object_get_int_member_with_default (o, key, 0);
}

static int
add_op (AtlGraph *graph, JsonObject *o, const int *x)
{
  const char *op = json_object_get_string_member (o, "op");
  int k = number (o, "kernel"), s = number (o, "stride"), p = number (o, "padding");
  int c = number (o, "channels"), f = number (o, "factor");
  float slope = json_object_get_double_member_with_default (o, "slope", 0);

  if (strcmp (op, "conv2d") == 0)
    return atl_graph_conv2d (graph, "op", x[0], c, k, s, p, TRUE);
  if (strcmp (op, "conv_transpose2d") == 0)
    return atl_graph_conv_transpose2d (graph, "op", x[0], c, k, s, p,
                                       number (o, "output_padding"), TRUE);
  if (strcmp (op, "batch_norm") == 0)
    return atl_graph_batch_norm (graph, "op", x[0], TRUE, TRUE);
  if (strcmp (op, "instance_norm") == 0)
    return atl_graph_instance_norm (graph, "op", x[0], TRUE, FALSE);
  if (strcmp (op, "activation") == 0)
    return atl_graph_activation (graph, x[0], number (o, "activation"), slope);
  if (strcmp (op, "add") == 0)
    return atl_graph_add (graph, x[0], x[1]);
  if (strcmp (op, "concat") == 0)
    return atl_graph_concat (graph, x[0], x[1]);
  if (strcmp (op, "quantise") == 0)
    return atl_graph_vector_quantise (graph, "op", x[0], number (o, "codes"), 1);
  if (strcmp (op, "upsample") == 0)
    return atl_graph_upsample (graph, x[0], f, number (o, "bilinear"));
  if (strcmp (op, "space_to_depth") == 0)
    return atl_graph_space_to_depth (graph, x[0], f);
  if (strcmp (op, "depth_to_space") == 0)
    return atl_graph_depth_to_space (graph, x[0], f);
  if (strcmp (op, "reflect_pad") == 0)
    return atl_graph_reflect_pad (graph, x[0], f);
  /* an op as convolutions see it: read on load through maps */
  if (strcmp (op, "reflect_conv") == 0)
    return atl_graph_conv2d (graph, "op", atl_graph_reflect_pad (graph, x[0], f), c,
                             k, s, 0, TRUE);
  if (strcmp (op, "upsample_conv") == 0)
    return atl_graph_conv2d (
        graph, "op",
        atl_graph_upsample (
            graph, atl_graph_activation (graph, x[0], ATL_ACTIVATION_RELU, 0), f,
            FALSE),
        c, k, s, p, TRUE);
  g_error ("op-tool: no op %s", op);
}

static const AtlTensor *
lookup (const AtlTensorSet *set, int i, const char *what)
{
  g_autofree char *name = g_strdup_printf ("%d.%s", i, what);

  return atl_tensor_set_lookup (set, name);
}

static void
copy_rows (AtlView v, float *dense, gboolean in)
{
  for (gint64 i = 0; i < (gint64)v.shape.n * v.shape.h * v.shape.w; i++)
    if (in)
      memcpy (v.data + i * v.stride, dense + i * v.shape.c,
              v.shape.c * sizeof (float));
    else
      memcpy (dense + i * v.shape.c, v.data + i * v.stride,
              v.shape.c * sizeof (float));
}

static void
put (AtlTensorSet *out, int i, const char *what, int n_dims, const gint64 *dims,
     float *data)
{
  g_autofree char *name = g_strdup_printf ("%d.%s", i, what);
  gsize size = atl_tensor_n_elements (n_dims, dims, ATL_TYPE_F32) * sizeof (float);
  g_autoptr (GBytes) owner = g_bytes_new_take (data, size);

  atl_tensor_set_add (out, name, ATL_TYPE_F32, n_dims, dims, data, owner);
}

static void
put_view (AtlTensorSet *out, int i, const char *what, AtlView v)
{
  AtlShape s = v.shape;
  float *dense = g_new (float, (gsize)s.n *s.h *s.w *s.c);

  copy_rows (v, dense, FALSE);
  put (out, i, what, 4, (gint64[]){ s.n, s.h, s.w, s.c }, dense);
}

static void
read_view (const AtlTensorSet *in, int i, const char *what, AtlView v)
{
  const AtlTensor *t = lookup (in, i, what);
  g_autofree float *dense = NULL;
  gsize n;

  g_assert_nonnull (t);
  n = atl_tensor_n_elements (t->n_dims, t->dims, ATL_TYPE_F32);
  g_assert_cmpuint (n, ==, (gsize)v.shape.n * v.shape.h * v.shape.w * v.shape.c);
  dense = g_new (float, n);
  atl_tensor_to_float (t, 0, n, dense);
  copy_rows (v, dense, TRUE);
}

static void
set_parameters (Net *net, const AtlTensorSet *in, int i)
{
  for (int p = 0; p < atl_graph_get_n_parameters (net->graph); p++)
    {
      const AtlParameter *parameter = atl_graph_get_parameter (net->graph, p);
      const AtlTensor *t = lookup (in, i, parameter->name + strlen ("op."));
      gsize n = atl_tensor_n_elements (parameter->n_dims, parameter->dims,
                                       ATL_TYPE_F32);
      g_autofree float *values = g_new (float, n);

      g_assert_nonnull (t);
      atl_tensor_to_float (t, 0, n, values);
      atl_weights_set (net->weights, p, values);
    }
}

/* Gradients lie as the weights do: through the weights' own reordering. */
static void
put_gradients (Net *net, AtlTensorSet *out, int i)
{
  gsize n = atl_weights_n_trainable (net->weights);
  float *data = atl_weights_data (net->weights);

  memcpy (data, atl_weights_gradients (net->weights), n * sizeof (float));
  for (int p = 0; p < atl_graph_get_n_parameters (net->graph); p++)
    {
      const AtlParameter *parameter = atl_graph_get_parameter (net->graph, p);
      g_autofree char *what
          = g_strdup_printf ("d.%s", parameter->name + strlen ("op."));
      float *values;

      if (!parameter->trainable)
        continue;
      values = g_new (float, atl_tensor_n_elements (parameter->n_dims,
                                                    parameter->dims, ATL_TYPE_F32));
      atl_weights_get (net->weights, p, values);
      put (out, i, what, parameter->n_dims, parameter->dims, values);
    }
}

static void
run_case (AtlPool *pool, JsonObject *o, const AtlTensorSet *in, int i,
          AtlTensorSet *out)
{
  static const char *const names[2] = { "x", "x2" };
  Net net = { .graph = atl_graph_new () };
  AtlShape shapes[2];
  AtlPlanOptions options = {
    .training = !json_object_get_boolean_member_with_default (o, "running", FALSE),
    .input_gradients = TRUE,
    .algorithm = number (o, "algorithm"),
  };
  GError *error = NULL;

  for (; net.n_inputs < 2 && lookup (in, i, names[net.n_inputs]); net.n_inputs++)
    {
      const gint64 *d = lookup (in, i, names[net.n_inputs])->dims;

      shapes[net.n_inputs] = (AtlShape){ d[0], d[1], d[2], d[3] };
      net.inputs[net.n_inputs]
          = atl_graph_input (net.graph, names[net.n_inputs], d[3]);
    }
  net.output = add_op (net.graph, o, net.inputs);
  net.weights = atl_weights_new (net.graph, NULL);
  set_parameters (&net, in, i);
  net.plan = atl_plan_new (net.graph, net.weights, pool, net.inputs, shapes,
                           net.n_inputs, &net.output, 1, &options, &error);
  g_assert_no_error (error);
  for (int j = 0; j < net.n_inputs; j++)
    read_view (in, i, names[j], atl_plan_get_value (net.plan, net.inputs[j]));
  g_assert_true (atl_plan_forward (net.plan, 0, NULL, NULL));
  put_view (out, i, "y", atl_plan_get_value (net.plan, net.output));
  if (options.training)
    {
      read_view (in, i, "dy", atl_plan_get_gradient (net.plan, net.output));
      atl_weights_zero_gradients (net.weights);
      g_assert_true (atl_plan_backward (net.plan, FALSE, NULL, NULL));
      for (int j = 0; j < net.n_inputs; j++)
        put_view (out, i, j == 0 ? "dx" : "dx2",
                  atl_plan_get_gradient (net.plan, net.inputs[j]));
      put_gradients (&net, out, i);
    }
  atl_plan_free (net.plan);
  atl_weights_free (net.weights);
  atl_graph_free (net.graph);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) in = NULL;
  g_autoptr (AtlTensorSet) out = atl_tensor_set_new ();
  g_autoptr (JsonNode) cases = NULL;
  g_autoptr (AtlPool) pool = atl_pool_new (2);
  JsonArray *array;

  g_assert_cmpint (argc, ==, 3);
  in = atl_safetensors_read (argv[1], &metadata, &error);
  g_assert_no_error (error);
  cases = json_from_string (g_hash_table_lookup (metadata, "cases"), &error);
  g_assert_no_error (error);
  array = json_node_get_array (cases);
  for (guint i = 0; i < json_array_get_length (array); i++)
    run_case (pool, json_array_get_object_element (array, i), in, i, out);
  atl_safetensors_write (argv[2], out, NULL, &error);
  g_assert_no_error (error);
  return 0;
}
