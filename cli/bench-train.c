/* atelier bench --train: how fast a training step is on this machine.
 *
 * Steps as `atelier train` takes them, on random batches that are in memory
 * already: forward, backward and the optimisers, without loading pictures.
 * Under mpirun the batch is split as in training.
 */

#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "base/random.h"
#include "commands.h"
#include "common.h"
#include "processes.h"
#include "train/setup.h"

typedef struct
{
  char *kind, *arch;
  char **settings;
  int size, batch, threads, repeat;
  gboolean json;
} Options;

typedef struct
{
  AtlTrainSettings *settings;
  AtlPool *pool;
  const AtlCollective *collective;
  AtlSetup setup;
  float *input, *target;
  double figures[ATL_MAX_FIGURES];
  double median_ms, min_ms;
} Bench;

/* The reference's step: no moving average of the weights, and a codebook that
 * is there from the first step on; --set changes that. */
static AtlTrainSettings *
make_settings (const Options *o, GError **error)
{
  AtlTrainKind kind
      = strcmp (o->kind, "vqvae") == 0 ? ATL_TRAIN_VQVAE : ATL_TRAIN_PIX2PIX;
  const char *arch = o->arch                   ? o->arch
                     : kind == ATL_TRAIN_VQVAE ? "vqvae"
                                               : "unet_256";
  g_autoptr (AtlTrainSettings) s = NULL;

  if (strcmp (o->kind, atl_train_kind_name (kind)) != 0)
    {
      cli_usage_error (error, _ ("'%s' can't be trained; pix2pix or vqvae can"),
                       o->kind);
      return NULL;
    }
  s = atl_train_settings_new (kind, "standard", arch, error);
  if (!s)
    return NULL;
  s->ema = 0;
  s->kmeans = FALSE;
  s->unquantised = 0;
  if (o->size > 0)
    s->size = o->size;
  if (o->batch > 0)
    s->batch = o->batch;
  for (char **set = o->settings; set && *set; set++)
    if (!atl_train_settings_set (s, *set, error))
      return NULL;
  return atl_train_settings_check (s, error) ? g_steal_pointer (&s) : NULL;
}

static float *
random_batch (AtlShape shape, guint64 stream, GError **error)
{
  gsize n = (gsize)shape.n * shape.h * shape.w * shape.c;
  float *values = atl_try_alloc (n, sizeof (float), _ ("the batch"), error);
  AtlRandom random;

  atl_random_init (&random, 1, stream);
  for (gsize i = 0; values && i < n; i++)
    values[i] = 2 * atl_random_uniform (&random) - 1;
  return values;
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Two steps first: plans lay out what they need on the first. */
static gboolean
run (Bench *b, int repeat, GError **error)
{
  const AtlProgress *progress = cli_progress ("bench");
  AtlMethod *method = b->setup.method;
  g_autofree double *times = g_new (double, repeat);

  for (int i = -2; i < repeat; i++)
    {
      gint64 start = g_get_monotonic_time ();

      if (!method->class->step (method, (guint64)(i + 2), b->input, b->target,
                                b->figures, error))
        return FALSE;
      if (i >= 0)
        times[i] = (g_get_monotonic_time () - start) / 1e3;
      if (!atl_progress_update (progress, (i + 3.0) / (repeat + 2), NULL, error))
        return FALSE;
    }
  qsort (times, repeat, sizeof *times, compare_doubles);
  b->min_ms = times[0];
  b->median_ms = (times[(repeat - 1) / 2] + times[repeat / 2]) / 2;
  return TRUE;
}

static void
print_json (const Bench *b, int repeat)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const AtlTrainSettings *s = b->settings;
  const struct
  {
    const char *name;
    int value;
  } numbers[] = { { "size", s->size },
                  { "batch", s->batch },
                  { "threads", atl_pool_get_n_threads (b->pool) },
                  { "repeat", repeat } };

  json_builder_begin_object (builder);
  cli_json_add_string (builder, "train", atl_train_kind_name (s->kind));
  cli_json_add_string (builder, "arch", atl_config_arch_name (&s->network));
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      json_builder_set_member_name (builder, numbers[i].name);
      json_builder_add_int_value (builder, numbers[i].value);
    }
  cli_json_add_number (builder, "median_ms", b->median_ms);
  cli_json_add_number (builder, "min_ms", b->min_ms);
  cli_json_add_number (builder, "peak_rss_mib", atl_memory_peak () / 1048576.0);
  cli_json_add_string (builder, "blas_kernel", openblas_get_corename ());
  cli_json_add_string (builder, "kernels", atl_kernels_get ()->name);
  cli_json_add_string (builder, "gemm", atl_kernels_get ()->gemm_name);
  json_builder_end_object (builder);
  cli_print_json (json_builder_get_root (builder));
}

static gboolean
bench (Bench *b, const Options *o, GError **error)
{
  b->settings = make_settings (o, error);
  if (!b->settings)
    return FALSE;
  if (b->settings->batch % atl_collective_n_ranks (b->collective) != 0)
    return cli_usage_error (error, _ ("--batch must be a multiple of %d processes"),
                            atl_collective_n_ranks (b->collective));
  b->pool = atl_pool_new (o->threads);
  if (!atl_setup_init (&b->setup, b->settings, b->pool, b->collective, error))
    return FALSE;
  b->input = random_batch (b->setup.method->input, 1, error);
  b->target = !b->input ? NULL
              : b->settings->kind == ATL_TRAIN_VQVAE
                  ? b->input
                  : random_batch (b->setup.method->target, 2, error);
  if (!b->target || !run (b, o->repeat, error))
    return FALSE;
  if (atl_collective_rank (b->collective) != 0)
    return TRUE;
  if (o->json)
    print_json (b, o->repeat);
  else
    g_print (_ ("%s, batches of %d, %dx%d, %d threads, kernels %s, product %s\n"
                "median %.1f ms a step, least %.1f ms, peak memory %.0f MiB\n"),
             atl_config_arch_name (&b->settings->network), b->settings->batch,
             b->settings->size, b->settings->size, atl_pool_get_n_threads (b->pool),
             atl_kernels_get ()->name, atl_kernels_get ()->gemm_name, b->median_ms,
             b->min_ms, atl_memory_peak () / 1048576.0);
  return TRUE;
}

gboolean
command_bench_train (int argc, char **argv, GError **error)
{
  Options o = { .repeat = 10 };
  Bench b = { 0 };
  const GOptionEntry entries[] = {
    { "train", 0, 0, G_OPTION_ARG_STRING, &o.kind, N_ ("pix2pix or vqvae"),
      N_ ("KIND") },
    { "arch", 0, 0, G_OPTION_ARG_STRING, &o.arch,
      N_ ("the network (unet_256, or vqvae)"), N_ ("ARCH") },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.settings,
      N_ ("any setting of training or the network"), N_ ("KEY=VALUE") },
    { "size", 0, 0, G_OPTION_ARG_INT, &o.size, N_ ("side of a patch"), N_ ("N") },
    { "batch", 0, 0, G_OPTION_ARG_INT, &o.batch, N_ ("patches a step"), N_ ("N") },
    { "threads", 0, 0, G_OPTION_ARG_INT, &o.threads,
      N_ ("processors to use (default: all)"), N_ ("N") },
    { "repeat", 0, 0, G_OPTION_ARG_INT, &o.repeat,
      N_ ("timed steps after the first two (default 10)"), N_ ("N") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, N_ ("print JSON"), NULL },
    { NULL }
  };
  gboolean done;

  done = cli_parse (&argc, &argv, entries, "--train pix2pix|vqvae", NULL, 0, 0,
                    error)
         && cli_require_option (o.kind, "--train", error)
         && cli_check_range (o.size, 0, 4096, "--size", error)
         && cli_check_range (o.batch, 0, 4096, "--batch", error)
         && cli_check_range (o.repeat, 1, 1e6, "--repeat", error)
         && cli_check_range (o.threads, 0, CLI_MAX_THREADS, "--threads", error)
         && cli_mpi_join (&b.collective, error) && bench (&b, &o, error);
  cli_mpi_leave (!done, 1);
  if (b.target != b.input)
    atl_free (b.target);
  atl_free (b.input);
  atl_setup_clear (&b.setup);
  g_clear_pointer (&b.pool, atl_pool_free);
  atl_train_settings_free (b.settings);
  g_free (o.kind);
  g_free (o.arch);
  g_strfreev (o.settings);
  return done;
}
