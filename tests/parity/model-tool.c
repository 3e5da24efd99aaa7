/* Drives models from the parity tests:
 *
 *   model-tool create ARCH SEED OUT [KEY=VALUE]...
 *   model-tool import FILE OUT [ARCH]
 *   model-tool save MODEL OUT [half]
 *   model-tool onnx MODEL OUT
 *   model-tool run MODEL IN OUT [STAGES]
 *
 * `run` reads the tensors of a safetensors file, each (N C H W) being the value
 * of the node of its name ("input"; or "quantise", for a decoder alone), and
 * writes "output", and "codes.NODE" (N H W stages) of each vector quantiser that
 * ran.  Norms as the model says, dropout off; STAGES: how many residual stages
 * are used.
 */

#include <stdlib.h>

#include "files/safetensors.h"
#include "graph/plan.h"
#include "models/model.h"

static int
fail (GError *error)
{
  g_printerr ("%s\n", error->message);
  g_error_free (error);
  return 1;
}

static int
save (AtlModel *model, const char *path, gboolean half)
{
  GError *error = NULL;

  if (!atl_model_save (model, path, half, &error))
    return fail (error);
  return 0;
}

static int
create (int argc, char **argv)
{
  g_autoptr (AtlModel) model = NULL;
  GError *error = NULL;
  AtlConfig config;

  if (!atl_config_init (&config, argv[2], &error))
    return fail (error);
  for (int i = 5; i < argc; i++)
    if (!atl_config_set (&config, argv[i], &error))
      return fail (error);
  model = atl_model_create (&config, g_ascii_strtoull (argv[3], NULL, 10), &error);
  if (!model)
    return fail (error);
  return save (model, argv[4], FALSE);
}

static int
import (int argc, char **argv)
{
  GError *error = NULL;
  g_autoptr (AtlModel) model
      = atl_model_import (argv[2], argc > 4 ? argv[4] : NULL, &error);

  if (!model)
    return fail (error);
  return save (model, argv[3], FALSE);
}

static int
convert (int argc, char **argv)
{
  GError *error = NULL;
  g_autoptr (AtlModel) model = atl_model_open (argv[2], &error);

  if (!model)
    return fail (error);
  if (g_str_equal (argv[1], "save"))
    return save (model, argv[3], argc > 4 && g_str_equal (argv[4], "half"));
  if (!atl_model_export_onnx (model, argv[3], &error))
    return fail (error);
  return 0;
}

/* NCHW to the plan's view and back. */
static void
exchange (AtlView view, float *nchw, gboolean write)
{
  AtlShape s = view.shape;

  for (int n = 0; n < s.n; n++)
    for (int c = 0; c < s.c; c++)
      for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++)
          {
            float *a = &nchw[(((gsize)n * s.c + c) * s.h + y) * s.w + x];
            float *b
                = &view.data[(((gsize)n * s.h + y) * s.w + x) * view.stride + c];

            *(write ? b : a) = *(write ? a : b);
          }
}

static void
add (AtlTensorSet *set, const char *name, AtlType type, const gint64 *dims,
     gconstpointer data)
{
  gsize size = atl_type_size (type);
  g_autoptr (GBytes) owner = NULL;

  for (int d = 0; d < 4; d++)
    size *= (gsize)dims[d];
  owner = g_bytes_new (data, size);
  atl_tensor_set_add (set, name, type, 4, dims, g_bytes_get_data (owner, NULL),
                      owner);
}

static void
add_output (AtlTensorSet *set, AtlPlan *plan, int node)
{
  AtlView view = atl_plan_get_value (plan, node);
  gint64 dims[] = { view.shape.n, view.shape.c, view.shape.h, view.shape.w };
  g_autofree float *values
      = g_new (float, (gsize)dims[0] * dims[1] * dims[2] * dims[3]);

  exchange (view, values, FALSE);
  add (set, "output", ATL_TYPE_F32, dims, values);
}

static void
add_codes (AtlTensorSet *set, AtlPlan *plan, const AtlNode *node, int index)
{
  AtlShape shape = atl_plan_get_value (plan, index).shape;
  gint64 dims[] = { shape.n, shape.h, shape.w, node->stages };
  g_autofree char *name = g_strconcat ("codes.", node->name, NULL);

  add (set, name, ATL_TYPE_I32, dims, atl_plan_get_codes (plan, index));
}

/* Writes "output" and the codes of the quantisers whose values were not
 * given. */
static int
write_results (AtlPlan *plan, const AtlGraph *graph, const AtlTensorSet *given,
               const char *path)
{
  g_autoptr (AtlTensorSet) set = atl_tensor_set_new ();
  GError *error = NULL;

  add_output (set, plan, atl_graph_find (graph, "output"));
  for (int i = 0; i < atl_graph_get_n_nodes (graph); i++)
    {
      const AtlNode *node = atl_graph_get_node (graph, i);

      if (node->op == ATL_OP_VECTOR_QUANTISE
          && !atl_tensor_set_lookup (given, node->name))
        add_codes (set, plan, node, i);
    }
  if (!atl_safetensors_write (path, set, NULL, &error))
    return fail (error);
  return 0;
}

static void
write_input (AtlPlan *plan, int node, const AtlTensor *tensor)
{
  gsize n = tensor->size / sizeof (float);
  g_autofree float *values = g_new (float, n);

  atl_tensor_to_float (tensor, 0, n, values);
  exchange (atl_plan_get_value (plan, node), values, TRUE);
}

static AtlPlan *
plan_for (AtlModel *model, AtlPool *pool, const AtlTensorSet *given, int stages,
          GError **error)
{
  const AtlGraph *graph = atl_model_get_graph (model);
  int output = atl_graph_find (graph, "output");
  int n = (int)atl_tensor_set_size (given);
  g_autofree int *nodes = g_new (int, n);
  g_autofree AtlShape *shapes = g_new (AtlShape, n);
  AtlPlanOptions options = { .stages = stages };

  for (int i = 0; i < n; i++)
    {
      const AtlTensor *t = atl_tensor_set_get (given, i);

      nodes[i] = atl_graph_find (graph, t->name);
      shapes[i] = (AtlShape){ (int)t->dims[0], (int)t->dims[2], (int)t->dims[3],
                              (int)t->dims[1] };
    }
  options.statistics = atl_model_get_config (model)->image_statistics
                           ? ATL_STATISTICS_IMAGE
                           : ATL_STATISTICS_RUNNING;
  return atl_plan_new (graph, atl_model_get_weights (model), pool, nodes, shapes, n,
                       &output, 1, &options, error);
}

static int
run (int argc, char **argv)
{
  int stages = argc > 5 ? atoi (argv[5]) : 0;
  GError *error = NULL;
  g_autoptr (AtlPool) pool = atl_pool_new (0);
  g_autoptr (AtlModel) model = atl_model_open (argv[2], &error);
  g_autoptr (AtlTensorSet) given
      = model ? atl_safetensors_read (argv[3], NULL, &error) : NULL;
  g_autoptr (AtlPlan) plan
      = given ? plan_for (model, pool, given, stages, &error) : NULL;
  const AtlGraph *graph;

  if (!plan)
    return fail (error);
  graph = atl_model_get_graph (model);
  for (guint i = 0; i < atl_tensor_set_size (given); i++)
    {
      const AtlTensor *tensor = atl_tensor_set_get (given, i);

      write_input (plan, atl_graph_find (graph, tensor->name), tensor);
    }
  if (!atl_plan_forward (plan, 0, NULL, &error))
    return fail (error);
  return write_results (plan, graph, given, argv[4]);
}

int
main (int argc, char **argv)
{
  if (argc >= 5 && g_str_equal (argv[1], "create"))
    return create (argc, argv);
  if (argc >= 4 && g_str_equal (argv[1], "import"))
    return import (argc, argv);
  if (argc >= 4 && (g_str_equal (argv[1], "save") || g_str_equal (argv[1], "onnx")))
    return convert (argc, argv);
  if (argc >= 5 && g_str_equal (argv[1], "run"))
    return run (argc, argv);
  g_printerr ("usage: see the head of model-tool.c\n");
  return 2;
}
