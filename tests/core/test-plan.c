/* Plans against plain loops: every op forward, and every gradient against
 * finite differences. */

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "graph/plan.h"

static AtlPool *pool;

static float
noise (AtlRandom *random)
{
  return 2 * atl_random_uniform (random) - 1;
}

static AtlWeights *
random_weights (const AtlGraph *graph, guint64 seed)
{
  AtlWeights *weights = atl_weights_new (graph, NULL);
  AtlRandom random;

  atl_random_init (&random, seed, 0);
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);
      gsize n = 1;
      g_autofree float *values = NULL;

      for (int d = 0; d < p->n_dims; d++)
        n *= p->dims[d];
      values = g_new (float, n);
      for (gsize j = 0; j < n; j++)
        values[j] = noise (&random) / sqrtf (p->n_dims == 4 ? p->fan_in : 4);
      if (g_str_has_suffix (p->name, "running_var"))
        for (gsize j = 0; j < n; j++)
          values[j] = 1 + fabsf (values[j]);
      atl_weights_set (weights, i, values);
    }
  return weights;
}

static void
fill (AtlView v, guint64 seed)
{
  AtlRandom random;

  atl_random_init (&random, seed, 1);
  for (gint64 i = 0; i < (gint64)v.shape.n * v.shape.h * v.shape.w; i++)
    for (int c = 0; c < v.shape.c; c++)
      v.data[i * v.stride + c] = noise (&random);
}

static double *
copy_out (AtlView v)
{
  gint64 pixels = (gint64)v.shape.n * v.shape.h * v.shape.w;
  double *out = g_new (double, pixels *v.shape.c);

  for (gint64 i = 0; i < pixels; i++)
    for (int c = 0; c < v.shape.c; c++)
      out[i * v.shape.c + c] = v.data[i * v.stride + c];
  return out;
}

/* --- Convolutions against loops in double ------------------------------- */

static double *
plain_conv (AtlView x, const float *w, const float *bias, const AtlNode *node,
            AtlShape out)
{
  int k = node->kernel, s = node->stride, p = node->padding;
  gboolean transposed = node->op == ATL_OP_CONV_TRANSPOSE2D;
  double *y = g_new0 (double, (gsize)out.n *out.h *out.w *out.c);
  AtlShape in = x.shape;

  for (int n = 0; n < out.n; n++)
    for (int iy = 0; iy < (transposed ? in.h : out.h); iy++)
      for (int ix = 0; ix < (transposed ? in.w : out.w); ix++)
        for (int t = 0; t < k * k; t++)
          {
            /* (a, b): in the picture with more pixels */
            int a = iy * s - p + t / k, b = ix * s - p + t % k;
            int yi = transposed ? a : iy, xi = transposed ? b : ix;
            int yj = transposed ? iy : a, xj = transposed ? ix : b;

            if (yi < 0 || xi < 0 || yj < 0 || xj < 0 || yi >= out.h || xi >= out.w
                || yj >= in.h || xj >= in.w)
              continue;
            for (int oc = 0; oc < out.c; oc++)
              for (int c = 0; c < in.c; c++)
                {
                  gsize major
                      = transposed ? (gsize)c * out.c + oc : (gsize)oc * in.c + c;

                  y[(((gsize)n * out.h + yi) * out.w + xi) * out.c + oc]
                      += (double)w[major * k * k + t]
                         * x.data[(((gsize)n * in.h + yj) * in.w + xj) * x.stride
                                  + c];
                }
          }
  for (gsize i = 0; i < (gsize)out.n * out.h * out.w * out.c && bias != NULL; i++)
    y[i] += bias[i % out.c];
  return y;
}

static void
check_conv (gboolean transposed, int kernel, int stride, int padding, AtlShape in,
            int oc, AtlConvolution algorithm, double tolerance)
{
  g_autoptr (AtlGraph) graph = atl_graph_new ();
  int x = atl_graph_input (graph, "input", in.c);
  int node = transposed ? atl_graph_conv_transpose2d (graph, "conv", x, oc, kernel,
                                                      stride, padding, 0, TRUE)
                        : atl_graph_conv2d (graph, "conv", x, oc, kernel, stride,
                                            padding, TRUE);
  g_autoptr (AtlWeights) weights = random_weights (graph, kernel * 100 + oc);
  AtlPlanOptions options = { .algorithm = algorithm };
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlPlan) plan
      = atl_plan_new (graph, weights, pool, &x, &in, 1, &node, 1, &options, &error);
  const AtlParameter *p = atl_graph_get_parameter (graph, 0);
  g_autofree float *w
      = g_new (float, p->dims[0] * p->dims[1] * p->dims[2] * p->dims[3]);
  g_autofree float *bias = g_new (float, oc);
  g_autofree double *wanted = NULL;
  g_autofree double *found = NULL;
  double largest = 0, worst = 0;
  AtlView y;

  g_assert_no_error (error);
  fill (atl_plan_get_value (plan, x), 7);
  atl_weights_get (weights, 0, w);
  atl_weights_get (weights, 1, bias);
  y = atl_plan_get_value (plan, node);
  wanted = plain_conv (atl_plan_get_value (plan, x), w, bias,
                       atl_graph_get_node (graph, node), y.shape);
  g_assert_true (atl_plan_forward (plan, 0, NULL, &error));
  found = copy_out (y);
  for (gint64 i = 0; i < (gint64)y.shape.n * y.shape.h * y.shape.w * oc; i++)
    {
      largest = MAX (largest, fabs (wanted[i]));
      worst = MAX (worst, fabs (wanted[i] - found[i]));
    }
  if (!(worst <= tolerance * largest))
    g_error ("%s %dx%d/%d pad %d, %dx%dx%dx%d -> %d: error %g of %g",
             transposed ? "transposed" : "conv", kernel, kernel, stride, padding,
             in.n, in.h, in.w, in.c, oc, worst, largest);
}

static void
test_convolutions (gconstpointer data)
{
  AtlConvolution algorithm = GPOINTER_TO_INT (data);
  static const int kernels[][4] = {
    /* transposed, kernel, stride, padding */
    { 0, 1, 1, 0 }, { 0, 3, 1, 1 }, { 0, 3, 1, 0 }, { 0, 3, 2, 1 },
    { 0, 4, 2, 1 }, { 0, 4, 1, 1 }, { 0, 5, 1, 2 }, { 0, 7, 1, 3 },
    { 0, 8, 8, 0 }, { 0, 2, 2, 0 }, { 1, 4, 2, 1 }, { 1, 3, 2, 1 },
    { 1, 3, 1, 1 }, { 1, 2, 2, 0 }, { 1, 1, 1, 0 }, { 1, 8, 8, 0 },
  };
  static const int sides[][2] = { { 8, 8 }, { 9, 13 }, { 33, 50 } };
  static const int channels[][2] = { { 3, 64 }, { 64, 3 }, { 20, 70 }, { 5, 7 } };
  double tolerance = algorithm == ATL_CONVOLUTION_DIRECT ? 2e-6 : 1e-5;

  for (guint k = 0; k < G_N_ELEMENTS (kernels); k++)
    for (guint s = 0; s < G_N_ELEMENTS (sides); s++)
      for (guint c = 0; c < G_N_ELEMENTS (channels); c++)
        {
          AtlShape in = { 1 + (s == 0), sides[s][0], sides[s][1], channels[c][0] };

          check_conv (kernels[k][0], kernels[k][1], kernels[k][2], kernels[k][3],
                      in, channels[c][1], algorithm, tolerance);
        }
}

static void
test_tiny_pictures (void)
{
  for (int side = 1; side <= 4; side++)
    {
      check_conv (FALSE, 3, 1, 1, (AtlShape){ 1, side, side, 8 }, 24,
                  ATL_CONVOLUTION_FASTEST, 1e-5);
      check_conv (TRUE, 4, 2, 1, (AtlShape){ 1, side, side, 48 }, 80,
                  ATL_CONVOLUTION_FASTEST, 1e-5);
      if (side > 1)
        check_conv (FALSE, 4, 2, 1, (AtlShape){ 2, side, side, 32 }, 64,
                    ATL_CONVOLUTION_FASTEST, 1e-5);
    }
}

/* --- Gradients ---------------------------------------------------------- */

/* The loss is a fixed random weighting of the outputs, so that its gradient is
 * those weights. */
typedef struct
{
  AtlGraph *graph;
  AtlWeights *weights;
  AtlPlan *plan;
  int input, output;
} Net;

static double
loss (Net *net)
{
  AtlView y = atl_plan_get_value (net->plan, net->output);
  AtlRandom random;
  double sum = 0;

  g_assert_true (atl_plan_forward (net->plan, 5, NULL, NULL));
  atl_random_init (&random, 11, 2);
  for (gint64 i = 0; i < (gint64)y.shape.n * y.shape.h * y.shape.w; i++)
    for (int c = 0; c < y.shape.c; c++)
      sum += noise (&random) * y.data[i * y.stride + c];
  return sum;
}

static void
backward (Net *net)
{
  AtlView g;
  AtlRandom random;

  loss (net);
  g = atl_plan_get_gradient (net->plan, net->output);
  atl_random_init (&random, 11, 2);
  for (gint64 i = 0; i < (gint64)g.shape.n * g.shape.h * g.shape.w; i++)
    for (int c = 0; c < g.shape.c; c++)
      g.data[i * g.stride + c] = noise (&random);
  atl_weights_zero_gradients (net->weights);
  g_assert_true (atl_plan_backward (net->plan, FALSE, NULL, NULL));
}

static double
central_difference (Net *net, float *value, float step)
{
  float old = *value;
  double up, down;

  *value = old + step;
  atl_weights_changed (net->weights);
  up = loss (net);
  *value = old - step;
  atl_weights_changed (net->weights);
  down = loss (net);
  *value = old;
  atl_weights_changed (net->weights);
  return (up - down) / (2 * step);
}

/* A long step crosses kinks of the rectifiers, a short one drowns in rounding:
 * one of them must agree. */
static void
check_difference (Net *net, float *value, double gradient, const char *what)
{
  double nearest = G_MAXDOUBLE;

  for (float step = 1e-2f; step > 5e-4f; step /= 2)
    {
      double d = central_difference (net, value, step);

      if (fabs (d - gradient) < fabs (nearest - gradient))
        nearest = d;
      if (fabs (nearest - gradient) <= 1e-2 * MAX (1, fabs (gradient)))
        return;
    }
  g_error ("%s: gradient %g, difference %g", what, gradient, nearest);
}

static void
check_gradients (AtlGraph *graph, int input, AtlShape shape,
                 AtlConvolution algorithm)
{
  Net net = {
    .graph = graph,
    .weights = random_weights (graph, 3),
    .input = input,
    .output = atl_graph_get_output (graph),
  };
  AtlPlanOptions options
      = { .training = TRUE, .input_gradients = TRUE, .algorithm = algorithm };
  g_autoptr (GError) error = NULL;
  AtlView x, dx;
  g_autofree double *saved = NULL;
  AtlRandom random;
  gint64 n;

  net.plan = atl_plan_new (graph, net.weights, pool, &input, &shape, 1, &net.output,
                           1, &options, &error);
  g_assert_no_error (error);
  x = atl_plan_get_value (net.plan, input);
  fill (x, 9);
  backward (&net);
  dx = atl_plan_get_gradient (net.plan, input);
  saved = copy_out (dx);
  atl_random_init (&random, 1, 3);
  n = (gint64)shape.n * shape.h * shape.w;
  for (int i = 0; i < 12; i++)
    {
      gint64 pixel = atl_random_below (&random, n);
      int c = atl_random_below (&random, shape.c);
      g_autofree char *what = g_strdup_printf ("input %d,%d", (int)pixel, c);

      check_difference (&net, &x.data[pixel * x.stride + c],
                        saved[pixel * shape.c + c], what);
    }
  for (int p = 0; p < atl_graph_get_n_parameters (graph); p++)
    {
      const AtlParameter *parameter = atl_graph_get_parameter (graph, p);
      gsize offset = atl_weights_offset (net.weights, p), size = 1;
      float *data = atl_weights_data (net.weights);

      if (!parameter->trainable)
        continue;
      for (int d = 0; d < parameter->n_dims; d++)
        size *= parameter->dims[d];
      for (int i = 0; i < 6; i++)
        {
          gsize at = offset + atl_random_below (&random, size);

          backward (&net);
          if (data[at] == 0) /* padding of a panel */
            continue;
          check_difference (&net, &data[at],
                            atl_weights_gradients (net.weights)[at],
                            parameter->name);
        }
    }
  atl_plan_free (net.plan);
  atl_weights_free (net.weights);
}

static void
test_conv_gradients (gconstpointer data)
{
  AtlConvolution algorithm = GPOINTER_TO_INT (data);
  static const int kernels[][5] = {
    /* transposed, kernel, stride, padding, reflection before */
    { 0, 1, 1, 0, 0 }, { 0, 3, 1, 1, 0 }, { 0, 3, 1, 0, 1 }, { 0, 3, 2, 1, 0 },
    { 0, 4, 2, 1, 0 }, { 0, 4, 1, 1, 0 }, { 0, 7, 1, 0, 3 }, { 0, 4, 4, 0, 0 },
    { 1, 4, 2, 1, 0 }, { 1, 3, 2, 1, 0 }, { 1, 3, 1, 1, 0 }, { 1, 2, 2, 0, 0 },
  };

  for (guint k = 0; k < G_N_ELEMENTS (kernels); k++)
    for (int wide = 0; wide < 2; wide++)
      {
        g_autoptr (AtlGraph) graph = atl_graph_new ();
        AtlShape shape = { 2, wide ? 14 : 8, wide ? 50 : 8, wide ? 5 : 18 };
        int x = atl_graph_input (graph, "input", shape.c);
        int y = kernels[k][4] > 0 ? atl_graph_reflect_pad (graph, x, kernels[k][4])
                                  : x;

        if (kernels[k][0])
          atl_graph_conv_transpose2d (graph, "conv", y, 20, kernels[k][1],
                                      kernels[k][2], kernels[k][3], 0, TRUE);
        else
          atl_graph_conv2d (graph, "conv", y, 20, kernels[k][1], kernels[k][2],
                            kernels[k][3], TRUE);
        check_gradients (graph, x, shape, algorithm);
      }
}

/* Everything at once: fused norms, activations on load and in epilogues, skips
 * through a concat, residual sums, resizing.  The rectifiers are gentle, so that
 * differences across their kinks mean something. */
static void
test_network_gradients (gconstpointer data)
{
  g_autoptr (AtlGraph) graph = atl_graph_new ();
  AtlShape shape = { 2, 8, 12, 6 };
  int x = atl_graph_input (graph, "input", shape.c);
  int a = atl_graph_conv2d (graph, "a", x, 16, 4, 2, 1, FALSE);
  int leaky = atl_graph_activation (
      graph, atl_graph_batch_norm (graph, "norm", a, TRUE, TRUE),
      ATL_ACTIVATION_LEAKY_RELU, 0.9f);
  int b = atl_graph_conv2d (graph, "b", leaky, 16, 3, 1, 1, TRUE);
  int n = atl_graph_instance_norm (graph, "instance", b, TRUE, FALSE);
  int sum = atl_graph_add (graph, leaky, n);
  int cat = atl_graph_concat (graph, leaky, sum);
  int relu = atl_graph_activation (graph, cat, ATL_ACTIVATION_LEAKY_RELU, 0.9f);
  int up = atl_graph_conv_transpose2d (graph, "up", relu, 8, 4, 2, 1, 0, TRUE);
  int drop = atl_graph_dropout (graph, up, 0.5f);
  int s2d = atl_graph_space_to_depth (graph, drop, 2);
  int mix = atl_graph_conv2d (graph, "mix", s2d, 12, 1, 1, 0, TRUE);
  int skip = atl_graph_add (
      graph, mix, atl_graph_conv2d (graph, "skip", leaky, 12, 1, 1, 0, TRUE));
  int near = atl_graph_upsample (graph, skip, 2, FALSE);
  int c = atl_graph_conv2d (graph, "c", near, 8, 3, 1, 1, TRUE);
  int smooth = atl_graph_upsample (graph, c, 2, TRUE);
  int pad = atl_graph_reflect_pad (
      graph, atl_graph_activation (graph, smooth, ATL_ACTIVATION_LEAKY_RELU, 0.9f),
      1);
  int d2s = atl_graph_depth_to_space (graph, pad, 2);

  atl_graph_activation (graph,
                        atl_graph_conv2d (graph, "out", d2s, 3, 3, 1, 1, TRUE),
                        ATL_ACTIVATION_TANH, 0);
  check_gradients (graph, x, shape, GPOINTER_TO_INT (data));
}

/* --- Plans in general --------------------------------------------------- */

/* A training plan keeps every value, an inference plan reuses memory and fuses:
 * both must give the same. */
static void
test_inference_equals_training (void)
{
  g_autoptr (AtlGraph) graph = atl_graph_new ();
  AtlShape shape = { 1, 32, 40, 3 };
  int x = atl_graph_input (graph, "input", 3);
  int h = atl_graph_conv2d (graph, "in", x, 32, 7, 1, 3, TRUE);
  int out;
  g_autoptr (AtlWeights) weights = NULL;
  double *values[2];

  for (int i = 0; i < 3; i++)
    {
      g_autofree char *one = g_strdup_printf ("one%d", i);
      g_autofree char *two = g_strdup_printf ("two%d", i);
      g_autofree char *norm = g_strdup_printf ("norm%d", i);
      int r = atl_graph_activation (graph, h, ATL_ACTIVATION_RELU, 0);

      r = atl_graph_conv2d (graph, one, r, 32, 3, 1, 1, TRUE);
      r = atl_graph_instance_norm (graph, norm, r, FALSE, FALSE);
      r = atl_graph_activation (graph, r, ATL_ACTIVATION_RELU, 0);
      h = atl_graph_add (graph, h,
                         atl_graph_conv2d (graph, two, r, 32, 1, 1, 0, TRUE));
    }
  out = atl_graph_conv2d (graph, "out", h, 3, 7, 1, 3, TRUE);
  weights = random_weights (graph, 21);
  for (int training = 0; training < 2; training++)
    {
      AtlPlanOptions options
          = { .training = training, .statistics = ATL_STATISTICS_IMAGE };
      g_autoptr (AtlPlan) plan = atl_plan_new (graph, weights, pool, &x, &shape, 1,
                                               &out, 1, &options, NULL);

      g_assert_cmpuint (atl_plan_get_bytes (plan), ==,
                        atl_plan_predict (graph, atl_pool_get_n_threads (pool), &x,
                                          &shape, 1, &out, 1, &options));
      fill (atl_plan_get_value (plan, x), 4);
      atl_plan_forward (plan, 0, NULL, NULL);
      values[training] = copy_out (atl_plan_get_value (plan, out));
    }
  for (int i = 0; i < shape.h * shape.w * 3; i++)
    g_assert_cmpfloat_with_epsilon (values[0][i], values[1][i], 1e-5);
  g_free (values[0]);
  g_free (values[1]);
}

static void
test_one_thread_gives_the_same_bits (void)
{
  g_autoptr (AtlGraph) graph = atl_graph_new ();
  AtlShape shape = { 2, 50, 70, 24 };
  int x = atl_graph_input (graph, "input", 24);
  int h = atl_graph_conv2d (graph, "a", x, 40, 3, 1, 1, TRUE), out;
  g_autoptr (AtlWeights) weights = NULL;
  g_autofree float *first = NULL;

  h = atl_graph_batch_norm (graph, "n", h, TRUE, TRUE);
  h = atl_graph_conv2d (graph, "b", h, 64, 4, 2, 1, TRUE);
  out = atl_graph_conv_transpose2d (graph, "c", h, 3, 4, 2, 1, 0, TRUE);
  weights = random_weights (graph, 2);
  for (int threads = 1; threads <= 5; threads += 2)
    {
      g_autoptr (AtlPool) own = atl_pool_new (threads);
      AtlPlanOptions options = { .training = TRUE };
      g_autoptr (AtlPlan) plan = atl_plan_new (graph, weights, own, &x, &shape, 1,
                                               &out, 1, &options, NULL);
      gsize n = atl_weights_n_trainable (weights);
      AtlView g;

      fill (atl_plan_get_value (plan, x), 4);
      atl_plan_forward (plan, 0, NULL, NULL);
      g = atl_plan_get_gradient (plan, out);
      fill (g, 5);
      atl_weights_zero_gradients (weights);
      atl_plan_backward (plan, FALSE, NULL, NULL);
      if (first == NULL)
        first = g_memdup2 (atl_weights_gradients (weights), n * sizeof (float));
      else
        g_assert_cmpmem (first, n * sizeof (float), atl_weights_gradients (weights),
                         n * sizeof (float));
    }
}

static void
test_quantiser_takes_the_nearest (void)
{
  g_autoptr (AtlGraph) graph = atl_graph_new ();
  AtlShape shape = { 1, 13, 17, 8 };
  int x = atl_graph_input (graph, "input", 8);
  int q = atl_graph_vector_quantise (graph, "quantise", x, 100, 2);
  g_autoptr (AtlWeights) weights = random_weights (graph, 6);
  AtlPlanOptions options = { 0 };
  g_autoptr (AtlPlan) plan
      = atl_plan_new (graph, weights, pool, &x, &shape, 1, &q, 1, &options, NULL);
  g_autofree float *book = g_new (float, 2 * 800);
  g_autofree float *looked_up = g_new (float, 13 * 17 * 8);
  const gint32 *codes;
  AtlView in = atl_plan_get_value (plan, x), out = atl_plan_get_value (plan, q);

  fill (in, 8);
  g_assert_true (atl_plan_forward (plan, 0, NULL, NULL));
  codes = atl_plan_get_codes (plan, q);
  atl_weights_get (weights, 0, book);
  atl_weights_get (weights, 1, book + 800);
  atl_codes_lookup (weights, q, codes, 13 * 17, 2, looked_up, 8);
  for (int i = 0; i < 13 * 17; i++)
    {
      float residual[8];

      memcpy (residual, in.data + i * in.stride, sizeof residual);
      for (int s = 0; s < 2; s++)
        {
          int best = 0;
          double least = G_MAXDOUBLE;

          for (int k = 0; k < 100; k++)
            {
              double d2 = 0;

              for (int d = 0; d < 8; d++)
                {
                  double difference = residual[d] - book[s * 800 + k * 8 + d];

                  d2 += difference * difference;
                }
              if (d2 < least)
                {
                  least = d2;
                  best = k;
                }
            }
          g_assert_cmpint (codes[i * 2 + s], ==, best);
          for (int d = 0; d < 8; d++)
            residual[d] -= book[s * 800 + best * 8 + d];
        }
      for (int d = 0; d < 8; d++)
        g_assert_cmpfloat_with_epsilon (out.data[i * out.stride + d],
                                        looked_up[i * 8 + d], 1e-6);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  pool = atl_pool_new (2);
  g_test_add_data_func ("/plan/convolutions/fastest",
                        GINT_TO_POINTER (ATL_CONVOLUTION_FASTEST),
                        test_convolutions);
  g_test_add_data_func ("/plan/convolutions/direct",
                        GINT_TO_POINTER (ATL_CONVOLUTION_DIRECT),
                        test_convolutions);
  g_test_add_data_func ("/plan/convolutions/winograd",
                        GINT_TO_POINTER (ATL_CONVOLUTION_WINOGRAD),
                        test_convolutions);
  g_test_add_func ("/plan/convolutions/tiny-pictures", test_tiny_pictures);
  g_test_add_data_func ("/plan/gradients/convolutions/direct",
                        GINT_TO_POINTER (ATL_CONVOLUTION_DIRECT),
                        test_conv_gradients);
  g_test_add_data_func ("/plan/gradients/convolutions/winograd",
                        GINT_TO_POINTER (ATL_CONVOLUTION_WINOGRAD),
                        test_conv_gradients);
  g_test_add_data_func ("/plan/gradients/network/direct",
                        GINT_TO_POINTER (ATL_CONVOLUTION_DIRECT),
                        test_network_gradients);
  g_test_add_data_func ("/plan/gradients/network/fastest",
                        GINT_TO_POINTER (ATL_CONVOLUTION_FASTEST),
                        test_network_gradients);
  g_test_add_func ("/plan/inference-equals-training",
                   test_inference_equals_training);
  g_test_add_func ("/plan/one-thread-gives-the-same-bits",
                   test_one_thread_gives_the_same_bits);
  g_test_add_func ("/plan/quantiser-takes-the-nearest",
                   test_quantiser_takes_the_nearest);
  return g_test_run ();
}
