/* How fast the kernels are:
 *
 *   bench-kernels [--set=baseline|avx2|avx512] [NAME-PREFIX...]
 *
 * Each line is the least of many runs, in processor time of one thread, so that
 * a busy machine does little harm.  GEMM is given in GF/s, as a share of what
 * multiply-adds on registers alone reach here, and beside OpenBLAS (with
 * whatever kernels OPENBLAS_CORETYPE or the CPU selects); everything else in
 * GB/s of memory read and written, beside the scalar reference.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kernels/table.h"

#define ROUNDS 9
#define ROUND_SECONDS 0.004

static const AtlKernels *kernels, *reference;
static char **wanted;
static double peak; /* flops per second */

static double
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static gboolean
is_wanted (const char *name)
{
  if (!wanted || !wanted[0])
    return TRUE;
  for (char **w = wanted; *w; w++)
    if (g_str_has_prefix (name, *w))
      return TRUE;
  return FALSE;
}

typedef void (*Work) (const AtlKernels *k, gpointer data);

/* Seconds per call. */
static double
measure (Work work, const AtlKernels *k, gpointer data)
{
  double best = G_MAXDOUBLE, start;
  int n = 1;

  work (k, data);
  for (int round = 0; round < ROUNDS;)
    {
      start = now ();
      for (int i = 0; i < n; i++)
        work (k, data);
      start = now () - start;
      if (start < ROUND_SECONDS && n < 1 << 24)
        {
          n *= 2;
          continue;
        }
      best = MIN (best, start / n);
      round++;
    }
  return best;
}

static float *
floats (gsize n)
{
  float *x = g_aligned_alloc (n, sizeof (float), 64);

  for (gsize i = 0; i < n; i++)
    x[i] = (float)(i * 2654435761u % 1000) / 1000 - .5f;
  return x;
}

/* --- peak ---------------------------------------------------------------- */

#if defined __x86_64__
#define PEAK(name, isa, lanes)                                                     \
  typedef float peak_vec_##name __attribute__ ((vector_size (lanes * 4)));         \
  static __attribute__ ((target (isa))) float peak_##name (void)                   \
  {                                                                                \
    peak_vec_##name s[12] = { { 0 } }, x = { 1 }, y = { 1 };                       \
    __asm__ volatile ("" : "+m"(x), "+m"(y));                                      \
    for (int i = 0; i < 100000; i++)                                               \
      _Pragma ("GCC unroll 12") for (int j = 0; j < 12; j++) s[j] += x * y;        \
    for (int j = 1; j < 12; j++)                                                   \
      s[0] += s[j];                                                                \
    return s[0][0];                                                                \
  }
PEAK (avx2, "avx2,fma", 8)
PEAK (avx512, "avx512f", 16)
PEAK (baseline, "sse2", 4)

static void
peak_work (const AtlKernels *k, gpointer data)
{
  static volatile float sink;

  if (!strcmp (k->name, "avx512"))
    sink = peak_avx512 ();
  else if (!strcmp (k->name, "avx2"))
    sink = peak_avx2 ();
  else
    sink = peak_baseline ();
  (void)sink;
}

static double
measure_peak (void)
{
  int lanes = 4;

  if (!strcmp (kernels->name, "avx512"))
    lanes = 16;
  else if (!strcmp (kernels->name, "avx2"))
    lanes = 8;
  return 2. * lanes * 12 * 100000 / measure (peak_work, kernels, NULL);
}
#else
static double
measure_peak (void)
{
  return 0;
}
#endif

/* --- gemm ---------------------------------------------------------------- */

typedef struct
{
  AtlGemm gemm;
  float *a, *b, *c;
  int n_panels, panel; /* B's, taken in turn: they decide which cache it is in */
  gboolean openblas;
} Gemm;

static void
gemm_work (const AtlKernels *k, gpointer data)
{
  Gemm *g = data;
  const gsize size = (gsize)g->gemm.k * g->gemm.ldb;
  const float *a[16], *b[16];

  for (int s = 0; s < g->gemm.n_segments; s++)
    {
      a[s] = g->a + s * 64;
      b[s] = g->b + size * (g->panel * g->gemm.n_segments + s);
    }
  g->gemm.a = a;
  g->gemm.b = b;
  if (g->openblas)
    atl_gemm_openblas (&g->gemm);
  else
    k->gemm (&g->gemm);
  g->panel = (g->panel + 1) % g->n_panels;
}

/* `megabytes` of panels in turn, at least one. */
static void
bench_gemm (const char *note, int m, int k, int n, int segments,
            gboolean transposed, double megabytes)
{
  const gsize panel = (gsize)k * n * segments;
  char *name = g_strdup_printf ("gemm/%s/%dx%dx%d", note, m, k * segments, n);
  Gemm g = { .n_panels = MAX (1, (int)(megabytes * 1e6 / (panel * 4))) };
  double own, openblas, flops = 2. * m * panel;

  if (is_wanted (name))
    {
      g.a = floats ((gsize)(m + 1) * (k + 16) + segments * 64 + 8192);
      g.b = floats (g.n_panels * panel);
      g.c = floats ((gsize)m * n);
      g.gemm = (AtlGemm){
        m,    n, k,   segments, NULL, transposed ? 1 : k, transposed ? m : 1,
        NULL, n, g.c, n,        FALSE
      };
      own = flops / measure (gemm_work, kernels, &g);
      g.openblas = TRUE;
      openblas = flops / measure (gemm_work, kernels, &g);
      printf (
          "%-34s %7.1f GF/s %4.0f %% of peak %7.2f GB/s of B   %s %.1f (x%.2f)\n",
          name, own / 1e9, peak > 0 ? 100 * own / peak : 0,
          own / flops * panel * 4 / 1e9, atl_gemm_openblas_name (), openblas / 1e9,
          own / openblas);
      fflush (stdout);
      g_aligned_free (g.a);
      g_aligned_free (g.b);
      g_aligned_free (g.c);
    }
  g_free (name);
}

static void
bench_gemms (void)
{
  const int ms[] = { 6, 12, 16, 24, 32, 36, 48, 96 };
  const int ks[] = { 64, 128, 256, 512, 1024, 2048 };

  for (guint i = 0; i < G_N_ELEMENTS (ks); i++)
    for (guint j = 0; j < G_N_ELEMENTS (ms); j++)
      bench_gemm ("in-L2", ms[j], ks[i], 64, 1, FALSE, 0);
  for (guint i = 0; i < G_N_ELEMENTS (ks); i++)
    for (guint j = 0; j < G_N_ELEMENTS (ms); j++)
      bench_gemm ("in-L3", ms[j], ks[i], 64, 1, FALSE, 8);
  for (int m = 1; m <= 16; m *= 2)
    bench_gemm ("in-DRAM", m, 512, 64, 4, FALSE, 256);
  for (int m = 1; m <= 16; m *= 2)
    bench_gemm ("in-DRAM", m, 512, 64, 16, FALSE, 256);
  for (int n = 16; n <= 64; n += 16)
    bench_gemm ("columns", 48, 256, n, 1, FALSE, 0);
  bench_gemm ("segments", 48, 9, 64, 3, FALSE, 0);
  bench_gemm ("segments", 64, 12, 64, 4, FALSE, 0);
  bench_gemm ("segments", 64, 192, 64, 3, FALSE, 0);
  bench_gemm ("segments", 64, 448, 16, 7, FALSE, 0);
  bench_gemm ("segments", 64, 1024, 64, 4, FALSE, 4);
  bench_gemm ("transposed", 64, 32, 64, 1, TRUE, 0);
  bench_gemm ("transposed", 64, 256, 64, 1, TRUE, 0);
  bench_gemm ("transposed", 64, 1024, 64, 1, TRUE, 0);
  bench_gemm ("transposed", 256, 1024, 64, 1, TRUE, 0);
}

/* --- the others ---------------------------------------------------------- */

typedef struct
{
  int rows, channels;
  float *x, *y, *z, *w, *u; /* rows * channels each */
  float *parameters[3];
  double *sums[2];
  guint16 *half;
  float *best;
  gint32 *index;
  const float *in[36];
  float *out[36];
  AtlEpilogue epilogue;
  AtlAdam adam;
  AtlWinograd winograd;
} Data;

static void
epilogue_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->epilogue (d->rows, d->channels, d->x, d->channels, NULL, 0, d->y, d->channels,
               &d->epilogue);
}

static void
epilogue_residual_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->epilogue (d->rows, d->channels, d->x, d->channels, d->z, d->channels, d->y,
               d->channels, &d->epilogue);
}

static void
activation_backward_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->activation_backward (d->rows, d->channels, d->x, d->channels, d->y,
                          d->channels, d->epilogue.activation, .2f, d->z,
                          d->channels, FALSE);
}

static void
moments_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->moments (d->rows, d->channels, d->x, d->channels, d->sums[0], d->sums[1]);
}

static void
norm_sums_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->norm_backward_sums (d->rows, d->channels, d->x, d->channels, d->y, d->channels,
                         d->parameters[0], d->parameters[1], d->sums[0],
                         d->sums[1]);
}

static void
norm_apply_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->norm_backward_apply (d->rows, d->channels, d->x, d->channels, d->y,
                          d->channels, d->parameters[0], d->parameters[1],
                          d->parameters[2], d->z, d->channels, FALSE);
}

static void
accumulate_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->accumulate (d->rows, d->channels, d->x, d->channels, d->y, d->channels);
}

static void
column_sums_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->column_sums (d->rows, d->channels, d->x, d->channels, d->sums[0]);
}

static void
dropout_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->dropout ((gsize)d->rows * d->channels, d->x, .5f, 1, 2, 0, d->y);
}

static void
argmin_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  for (int r = 0; r < d->rows; r++)
    d->best[r] = G_MAXFLOAT;
  k->argmin_scores (d->rows, d->channels, d->x, d->channels, d->parameters[0], 0,
                    d->best, d->index);
}

static void
adam_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->adam ((gsize)d->rows * d->channels, d->x, d->y, d->z, d->w, d->u, &d->adam);
}

static void
float_to_half_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;

  k->float_to_half ((gsize)d->rows * d->channels, d->x, d->half);
}

/* A strip of tiles across x as a picture of 6 rows; transformed into w. */
static void
winograd_input_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;
  const int t = atl_winograd_tile (d->winograd),
            o = atl_winograd_outputs (d->winograd);
  const int width = d->rows * o + t - o;

  for (int tile = 0; tile < d->rows; tile++)
    {
      for (int i = 0; i < t * t; i++)
        d->in[i] = d->x + (gsize)(i / t * width + tile * o + i % t) * d->channels;
      k->winograd_input (d->winograd, d->in, d->channels, d->epilogue.activation,
                         .2f, d->w + (gsize)tile * d->channels,
                         (gsize)d->rows * d->channels + 16);
    }
}

static void
winograd_output_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;
  const int o = atl_winograd_outputs (d->winograd), width = d->rows * o;

  for (int tile = 0; tile < d->rows; tile++)
    {
      for (int i = 0; i < o * o; i++)
        d->out[i] = d->x + (gsize)(i / o * width + tile * o + i % o) * d->channels;
      k->winograd_output (d->winograd, d->w + (gsize)tile * d->channels,
                          (gsize)d->rows * d->channels + 16, d->channels, NULL,
                          d->out, &d->epilogue);
    }
}

static void
winograd_adjoint_work (const AtlKernels *k, gpointer data)
{
  Data *d = data;
  const int o = atl_winograd_outputs (d->winograd), width = d->rows * o;

  for (int tile = 0; tile < d->rows; tile++)
    {
      for (int i = 0; i < o * o; i++)
        d->in[i] = d->x + (gsize)(i / o * width + tile * o + i % o) * d->channels;
      k->winograd_output_adjoint (d->winograd, d->in, d->channels,
                                  d->w + (gsize)tile * d->channels,
                                  (gsize)d->rows * d->channels + 16);
    }
}

/* `floats_moved` per element of rows * channels. */
static void
bench (const char *name, Work work, Data *d, double floats_moved)
{
  const double bytes = 4. * d->rows * d->channels * floats_moved;
  char *full = g_strdup_printf ("%s/%dx%d", name, d->rows, d->channels);
  double fast, plain;

  if (is_wanted (full))
    {
      fast = measure (work, kernels, d);
      plain = measure (work, reference, d);
      printf ("%-34s %7.1f GB/s %9.2f us   reference %.2f GB/s (x%.1f)\n", full,
              bytes / fast / 1e9, fast * 1e6, bytes / plain / 1e9, plain / fast);
      fflush (stdout);
    }
  g_free (full);
}

static void
bench_rows (int rows, int channels)
{
  static const char *const names[]
      = { "epilogue/affine", "epilogue/relu", "epilogue/leaky", "epilogue/tanh" };
  const gsize n = (gsize)rows * channels;
  Data d = { .rows = rows, .channels = channels };

  d.x = floats (n), d.y = floats (n), d.z = floats (n);
  d.w = floats (n), d.u = floats (n);
  for (gsize i = 0; i < n; i++)
    d.w[i] = ABS (d.w[i]);
  for (int i = 0; i < 3; i++)
    d.parameters[i] = floats (channels);
  d.sums[0] = g_new0 (double, channels), d.sums[1] = g_new0 (double, channels);
  d.half = g_new0 (guint16, n);
  d.best = floats (rows);
  d.index = g_new0 (gint32, rows);
  d.epilogue
      = (AtlEpilogue){ d.parameters[0], d.parameters[1], ATL_ACTIVATION_NONE, .2f };
  d.adam = (AtlAdam){ 1e-9f, .5f, .999f, 1e-8f, 0, 1, 1, .999f };
  for (int a = 0; a <= ATL_ACTIVATION_TANH; a++)
    {
      d.epilogue.activation = a;
      bench (names[a], epilogue_work, &d, 2);
    }
  d.epilogue.activation = ATL_ACTIVATION_RELU;
  bench ("epilogue/residual", epilogue_residual_work, &d, 3);
  bench ("activation_backward", activation_backward_work, &d, 3);
  bench ("moments", moments_work, &d, 1);
  bench ("norm_backward_sums", norm_sums_work, &d, 2);
  bench ("norm_backward_apply", norm_apply_work, &d, 3);
  bench ("accumulate", accumulate_work, &d, 3);
  bench ("column_sums", column_sums_work, &d, 1);
  bench ("dropout", dropout_work, &d, 2);
  if (channels <= 64)
    bench ("argmin_scores", argmin_work, &d, 1);
  bench ("adam", adam_work, &d, 9);
  bench ("float_to_half", float_to_half_work, &d, 1.5);
  g_aligned_free (d.x), g_aligned_free (d.y), g_aligned_free (d.z);
  g_aligned_free (d.w), g_aligned_free (d.u);
  for (int i = 0; i < 3; i++)
    g_aligned_free (d.parameters[i]);
  g_free (d.sums[0]), g_free (d.sums[1]);
  g_free (d.half);
  g_aligned_free (d.best);
  g_free (d.index);
}

static void
bench_winograd (AtlWinograd w, int tiles, int channels)
{
  const int t = atl_winograd_tile (w), o = atl_winograd_outputs (w);
  const char *f = w == ATL_WINOGRAD_4_3   ? "4,3"
                  : w == ATL_WINOGRAD_3_4 ? "3,4"
                                          : "3,2";
  char *name;
  Data d = { .rows = tiles, .channels = channels, .winograd = w };

  d.x = floats ((gsize)t * (tiles * o + t) * channels);
  d.w = floats ((gsize)t * t * (tiles * channels + 16));
  d.parameters[0] = floats (channels), d.parameters[1] = floats (channels);
  d.epilogue
      = (AtlEpilogue){ d.parameters[0], d.parameters[1], ATL_ACTIVATION_NONE, .2f };
  name = g_strdup_printf ("winograd/%s/input", f);
  bench (name, winograd_input_work, &d, t * o + t * t);
  g_free (name);
  name = g_strdup_printf ("winograd/%s/output", f);
  bench (name, winograd_output_work, &d, o * o + t * t);
  d.epilogue.activation = ATL_ACTIVATION_RELU;
  g_free (name);
  name = g_strdup_printf ("winograd/%s/output-relu", f);
  bench (name, winograd_output_work, &d, o * o + t * t);
  g_free (name);
  name = g_strdup_printf ("winograd/%s/input-relu", f);
  bench (name, winograd_input_work, &d, t * o + t * t);
  g_free (name);
  name = g_strdup_printf ("winograd/%s/output-adjoint", f);
  bench (name, winograd_adjoint_work, &d, o * o + t * t);
  g_free (name);
  g_aligned_free (d.x);
  g_aligned_free (d.w);
  g_aligned_free (d.parameters[0]), g_aligned_free (d.parameters[1]);
}

int
main (int argc, char **argv)
{
  kernels = atl_kernels_get ();
  reference = atl_kernels_lookup ("reference");
  wanted = argv + 1;
  if (argc > 1 && g_str_has_prefix (argv[1], "--set="))
    {
      kernels = atl_kernels_lookup (argv[1] + 6);
      wanted++;
    }
  if (!kernels)
    {
      fprintf (stderr, "bench-kernels: this CPU or build has no set '%s'\n",
               argv[1] + 6);
      return 1;
    }
  peak = measure_peak ();
  printf ("set %s, gemm %s, peak %.1f GF/s\n", kernels->name, kernels->gemm_name,
          peak / 1e9);
  bench_gemms ();
  for (int w = 0; w < ATL_N_WINOGRADS; w++)
    for (int channels = 32; channels <= 512; channels *= 2)
      bench_winograd (w, 32, channels);
  bench_rows (65536, 64); /* 16 MiB: memory */
  bench_rows (512, 64);   /* 128 KiB: cache */
  bench_rows (512, 3);
  return 0;
}
