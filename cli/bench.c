/* atelier bench: how fast a model runs on this machine.
 *
 * The network alone, without pictures: an input of the given size, norms as
 * PyTorch's eval() has them, dropout off.  The first run counts from the start
 * of the process; the others are timed one by one.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cblas.h>
#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "base/random.h"
#include "commands.h"
#include "common.h"
#include "files/safetensors.h"
#include "graph/plan.h"

typedef struct
{
  char *size, *input, *output;
  int batch, threads, repeat;
  gint64 seed;
  gboolean json, verbose;
} Options;

typedef struct
{
  AtlModel *model;
  AtlPool *pool;
  AtlPlan *plan;
  int input, output; /* nodes */
  AtlShape shape;    /* of the input */
  float *values;     /* the input, dense N H W C */
  double macs;
  double first_output_ms, median_ms, min_ms;
} Bench;

static double
clock_ms (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* Milliseconds since this process began.  The kernel tells its start to a
 * clock tick only (10 ms); within that tick the processor time used so far
 * decides, which is exact where nothing was waited for. */
static double
process_age_ms (double cpu_ms)
{
  g_autofree char *stat = NULL;
  const char *field;
  double tick = 1e3 / sysconf (_SC_CLK_TCK), age;

  if (!g_file_get_contents ("/proc/self/stat", &stat, NULL, NULL))
    return cpu_ms;
  /* The name, in parentheses, may hold anything; starttime is the 20th field
   * after it. */
  field = strrchr (stat, ')');
  for (int i = 0; field && i < 20; i++)
    field = strchr (field + 1, ' ');
  if (!field)
    return cpu_ms;
  age = clock_ms (CLOCK_BOOTTIME) - g_ascii_strtoull (field, NULL, 10) * tick;
  return CLAMP (cpu_ms, age - tick, age);
}

/* --- Input and output --- */

static void
random_input (Bench *bench, gsize n, guint64 seed)
{
  AtlRandom random;

  atl_random_init (&random, seed, 0);
  for (gsize i = 0; i < n; i++)
    bench->values[i] = 2 * atl_random_uniform (&random) - 1;
}

/* A forward may use the input's memory for something else, so that every run
 * needs it anew. */
static gboolean
forward (Bench *bench, guint64 seed, GError **error)
{
  AtlView view = atl_plan_get_value (bench->plan, bench->input);
  gsize pixels = (gsize)view.shape.n * view.shape.h * view.shape.w;

  for (gsize p = 0; p < pixels; p++)
    for (int c = 0; c < view.shape.c; c++)
      view.data[p * view.stride + c] = bench->values[p * view.shape.c + c];
  return atl_plan_forward (bench->plan, seed, NULL, error);
}

/* The tensor "input" of a safetensors file, N C H W. */
static const AtlTensor *
find_input (const AtlTensorSet *set, const char *path, int channels, GError **error)
{
  const AtlTensor *tensor = atl_tensor_set_lookup (set, "input");
  g_autofree char *dims = NULL;

  if (tensor && tensor->n_dims == 4 && tensor->dims[1] == channels
      && tensor->dims[0] > 0 && tensor->dims[2] > 0 && tensor->dims[3] > 0
      && tensor->dims[0] <= 1 << 20 && tensor->dims[2] <= 1 << 20
      && tensor->dims[3] <= 1 << 20)
    return tensor;
  dims = tensor ? atl_dims_to_string (tensor->n_dims, tensor->dims)
                : g_strdup (_ ("missing"));
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
               _ ("%s: the tensor \"input\" is %s; it must be N x %d x H x W"),
               path, dims, channels);
  return NULL;
}

static gboolean
read_input (Bench *bench, const AtlTensor *tensor, gsize n, GError **error)
{
  float *values = atl_try_alloc (n, sizeof (float), "input", error);
  const AtlShape *shape = &bench->shape;
  gsize plane = (gsize)shape->h * shape->w;

  if (!values)
    return FALSE;
  atl_tensor_to_float (tensor, 0, n, values);
  for (gsize i = 0; i < n; i++)
    {
      gsize image = i / (plane * shape->c), c = i / plane % shape->c;

      bench->values[(image * plane + i % plane) * shape->c + c] = values[i];
    }
  atl_free (values);
  return TRUE;
}

static gboolean
write_output (const Bench *bench, const char *path, GError **error)
{
  AtlView view = atl_plan_get_value (bench->plan, bench->output);
  const gint64 dims[] = { view.shape.n, view.shape.c, view.shape.h, view.shape.w };
  gsize size
      = (gsize)atl_tensor_n_elements (4, dims, ATL_TYPE_F32) * sizeof (float);
  gsize plane = (gsize)view.shape.h * view.shape.w;
  float *values = atl_try_alloc (size, 1, path, error);
  g_autoptr (AtlTensorSet) set = atl_tensor_set_new ();
  g_autoptr (GBytes) bytes = NULL;

  if (!values)
    return FALSE;
  for (gsize i = 0; i < size / sizeof (float); i++)
    {
      gsize image = i / (plane * view.shape.c), c = i / plane % view.shape.c;

      values[i] = view.data[(image * plane + i % plane) * view.stride + c];
    }
  bytes = g_bytes_new_with_free_func (values, size, atl_free, values);
  atl_tensor_set_add (set, "output", ATL_TYPE_F32, 4, dims, values, bytes);
  return atl_safetensors_write (path, set, NULL, error);
}

/* --- Running --- */

static gboolean
make_plan (Bench *bench, GError **error)
{
  const AtlPlanOptions options = { .statistics = ATL_STATISTICS_RUNNING };
  const AtlGraph *graph = atl_model_get_graph (bench->model);
  g_autofree AtlShape *shapes = g_new0 (AtlShape, atl_graph_get_n_nodes (graph));
  int multiple;

  if (!atl_graph_reach (graph, bench->input, bench->output, NULL, &multiple, error))
    return FALSE;
  if (bench->shape.w % multiple || bench->shape.h % multiple)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("the input is %dx%d, but this network takes multiples of %d "
                      "only; give another --size"),
                   bench->shape.w, bench->shape.h, multiple);
      return FALSE;
    }
  if (!atl_graph_infer (graph, &bench->input, &bench->shape, 1, &bench->output, 1,
                        shapes, error))
    return FALSE;
  bench->macs = atl_graph_macs (graph, shapes);
  bench->plan = atl_plan_new (graph, atl_model_get_weights (bench->model),
                              bench->pool, &bench->input, &bench->shape, 1,
                              &bench->output, 1, &options, error);
  return bench->plan != NULL;
}

static gboolean
prepare (Bench *bench, const char *model, const Options *options, GError **error)
{
  g_autoptr (AtlTensorSet) set = NULL;
  const AtlTensor *tensor = NULL;
  const AtlGraph *graph;
  int width = 256, height = 256;
  gsize n;

  if (options->size && !cli_parse_size (options->size, &width, &height, error))
    return FALSE;
  bench->model = cli_open_model (model, NULL, error);
  if (!bench->model)
    return FALSE;
  graph = atl_model_get_graph (bench->model);
  bench->input = atl_graph_find (graph, "input");
  bench->output = atl_graph_find (graph, "output");
  bench->shape = (AtlShape){ options->batch, height, width,
                             atl_graph_get_channels (graph, bench->input) };
  if (options->input)
    {
      set = atl_safetensors_read (options->input, NULL, error);
      tensor = set ? find_input (set, options->input, bench->shape.c, error) : NULL;
      if (!tensor)
        return FALSE;
      bench->shape.n = tensor->dims[0];
      bench->shape.h = tensor->dims[2];
      bench->shape.w = tensor->dims[3];
    }
  bench->pool = atl_pool_new (options->threads);
  if (!make_plan (bench, error))
    return FALSE;
  n = (gsize)bench->shape.n * bench->shape.h * bench->shape.w * bench->shape.c;
  bench->values = atl_try_alloc (n, sizeof (float), "input", error);
  if (!bench->values)
    return FALSE;
  if (!tensor)
    random_input (bench, n, options->seed);
  return !tensor || read_input (bench, tensor, n, error);
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static gboolean
run (Bench *bench, const Options *options, double start_ms, GError **error)
{
  const AtlProgress *progress = cli_progress ("bench");
  g_autofree double *times = g_new (double, options->repeat);

  if (!forward (bench, options->seed, error))
    return FALSE;
  bench->first_output_ms = clock_ms (CLOCK_MONOTONIC) - start_ms;
  for (int i = 0; i < options->repeat; i++)
    {
      double start = clock_ms (CLOCK_MONOTONIC);

      if (!forward (bench, options->seed, error))
        return FALSE;
      times[i] = clock_ms (CLOCK_MONOTONIC) - start;
      if (!atl_progress_update (progress, (i + 1.0) / options->repeat, NULL, error))
        return FALSE;
    }
  qsort (times, options->repeat, sizeof *times, compare_doubles);
  bench->min_ms = times[0];
  bench->median_ms
      = (times[(options->repeat - 1) / 2] + times[options->repeat / 2]) / 2;
  return TRUE;
}

/* --- Report --- */

static double
gflops (const Bench *bench)
{
  return 2 * bench->macs / (bench->median_ms * 1e6);
}

static void
print_json (const Bench *bench, const Options *options)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const AtlConfig *config = atl_model_get_config (bench->model);

  json_builder_begin_object (builder);
  cli_json_add_string (builder, "model", atl_model_get_name (bench->model));
  cli_json_add_string (builder, "arch", atl_config_arch_name (config));
  cli_json_add_int (builder, "width", bench->shape.w);
  cli_json_add_int (builder, "height", bench->shape.h);
  cli_json_add_int (builder, "batch", bench->shape.n);
  cli_json_add_int (builder, "threads", atl_pool_get_n_threads (bench->pool));
  cli_json_add_int (builder, "repeat", options->repeat);
  cli_json_add_number (builder, "median_ms", bench->median_ms);
  cli_json_add_number (builder, "min_ms", bench->min_ms);
  cli_json_add_number (builder, "first_output_ms", bench->first_output_ms);
  cli_json_add_number (builder, "peak_rss_mib", atl_memory_peak () / 1048576.0);
  cli_json_add_number (builder, "plan_mib",
                       atl_plan_get_bytes (bench->plan) / 1048576.0);
  cli_json_add_number (builder, "gflops", gflops (bench));
  cli_json_add_number (builder, "gmacs", bench->macs / 1e9);
  cli_json_add_string (builder, "blas_kernel", openblas_get_corename ());
  cli_json_add_string (builder, "kernels", atl_kernels_get ()->name);
  cli_json_add_string (builder, "gemm", atl_kernels_get ()->gemm_name);
  if (options->verbose)
    {
      g_auto (GStrv) steps = atl_plan_describe (bench->plan);

      json_builder_set_member_name (builder, "steps");
      json_builder_begin_array (builder);
      for (char **step = steps; *step; step++)
        json_builder_add_string_value (builder, *step);
      json_builder_end_array (builder);
    }
  json_builder_end_object (builder);
  cli_print_json (json_builder_get_root (builder));
}

static void
print_text (const Bench *bench, const Options *options)
{
  if (options->verbose)
    {
      g_auto (GStrv) steps = atl_plan_describe (bench->plan);

      for (char **step = steps; *step; step++)
        g_print ("%s\n", *step);
    }
  g_print (_ ("%d x %d x %d x %d, %d threads, kernels %s, product %s, "
              "OpenBLAS for %s\n"),
           bench->shape.n, bench->shape.c, bench->shape.h, bench->shape.w,
           atl_pool_get_n_threads (bench->pool), atl_kernels_get ()->name,
           atl_kernels_get ()->gemm_name, openblas_get_corename ());
  g_print (_ ("median %.2f ms, least %.2f ms, %.0f GFLOP/s, peak memory %.0f "
              "MiB, first output after %.1f ms\n"),
           bench->median_ms, bench->min_ms, gflops (bench),
           atl_memory_peak () / 1048576.0, bench->first_output_ms);
}

static gboolean
bench_model (const char *model, const Options *options, double start_ms,
             GError **error)
{
  Bench bench = { 0 };
  gboolean done
      = prepare (&bench, model, options, error)
        && run (&bench, options, start_ms, error)
        && (!options->output || write_output (&bench, options->output, error));

  if (done && options->json)
    print_json (&bench, options);
  else if (done)
    print_text (&bench, options);
  atl_free (bench.values);
  atl_plan_free (bench.plan);
  atl_pool_free (bench.pool);
  atl_model_free (bench.model);
  return done;
}

gboolean
command_bench (int argc, char **argv, GError **error)
{
  double start_ms = clock_ms (CLOCK_MONOTONIC)
                    - process_age_ms (clock_ms (CLOCK_PROCESS_CPUTIME_ID));
  Options options = { .batch = 1, .repeat = 10 };
  const GOptionEntry entries[] = {
    { "size", 0, 0, G_OPTION_ARG_STRING, &options.size,
      N_ ("of the input (default 256x256)"), N_ ("WxH") },
    { "batch", 0, 0, G_OPTION_ARG_INT, &options.batch,
      N_ ("images at once (default 1)"), N_ ("N") },
    { "threads", 0, 0, G_OPTION_ARG_INT, &options.threads,
      N_ ("processors to use (default: all)"), N_ ("N") },
    { "repeat", 0, 0, G_OPTION_ARG_INT, &options.repeat,
      N_ ("timed runs after the first (default 10)"), N_ ("N") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, N_ ("of the input"),
      N_ ("N") },
    { "input", 0, 0, G_OPTION_ARG_FILENAME, &options.input,
      N_ ("safetensors with the tensor \"input\", N x C x H x W"), N_ ("FILE") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
      N_ ("write the tensor \"output\" to this safetensors file"), N_ ("FILE") },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &options.verbose,
      N_ ("tell which algorithm every layer runs"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("print JSON"), NULL },
    { NULL }
  };
  gboolean done;

  for (int i = 1; i < argc; i++)
    if (g_str_has_prefix (argv[i], "--train"))
      return command_bench_train (argc, argv, error);
  done
      = cli_parse (&argc, &argv, entries, "MODEL --size WxH",
                   _ ("\"atelier bench --train pix2pix|vqvae\" measures training "
                      "steps; see its --help."),
                   1, 1, error)
        && cli_check_range (options.batch, 1, 65536, "--batch", error)
        && cli_check_range (options.repeat, 1, 1e6, "--repeat", error)
        && cli_check_range (options.threads, 0, CLI_MAX_THREADS, "--threads", error)
        && (!options.output
            || cli_check_output (options.output, (char *[]){ options.input, NULL },
                                 error))
        && bench_model (argv[1], &options, start_ms, error);
  g_free (options.size);
  g_free (options.input);
  g_free (options.output);
  return done;
}
