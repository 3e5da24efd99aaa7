/* Chooses among the tables at start-up, from what the CPU says and what the
 * environment allows.
 *
 * ATELIER_CPU=baseline|avx2|avx512 lowers the choice ("reference" is taken as
 * well); ATELIER_GEMM=openblas puts OpenBLAS behind `gemm` of every table.
 */

#include "kernels/table.h"

#include <string.h>

static gboolean
cpu_has (const char *name)
{
#if defined __x86_64__ || defined __i386__
  if (!strcmp (name, "avx2"))
    return __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma")
           && __builtin_cpu_supports ("bmi2") && __builtin_cpu_supports ("f16c");
  if (!strcmp (name, "avx512"))
    return cpu_has ("avx2") && __builtin_cpu_supports ("avx512f")
           && __builtin_cpu_supports ("avx512bw")
           && __builtin_cpu_supports ("avx512dq")
           && __builtin_cpu_supports ("avx512vl")
           && __builtin_cpu_supports ("avx512cd");
#endif
  return !strcmp (name, "baseline") || !strcmp (name, "reference");
}

/* From the fastest to the plainest. */
static const AtlKernels *const tables[] = {
#ifdef ATL_HAVE_AVX512
  &atl_kernels_avx512,
#endif
#ifdef ATL_HAVE_AVX2
  &atl_kernels_avx2,
#endif
  &atl_kernels_baseline,
  &atl_kernels_reference,
};

static AtlKernels ready[G_N_ELEMENTS (tables)]; /* name NULL: not on this CPU */

static void
prepare (void)
{
  static gsize once;

  if (!g_once_init_enter (&once))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      if (!cpu_has (tables[i]->name))
        continue;
      ready[i] = *tables[i];
      if (ready[i].gemm == NULL
          || (!g_strcmp0 (g_getenv ("ATELIER_GEMM"), "openblas")
              && strcmp (ready[i].name, "reference")))
        {
          ready[i].gemm = atl_gemm_openblas;
          ready[i].gemm_name = atl_gemm_openblas_name ();
        }
    }
  g_once_init_leave (&once, 1);
}

const AtlKernels *
atl_kernels_lookup (const char *name)
{
  prepare ();
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    if (!g_strcmp0 (ready[i].name, name))
      return &ready[i];
  return NULL;
}

const AtlKernels *
atl_kernels_get (void)
{
  static gsize chosen;

  if (g_once_init_enter (&chosen))
    {
      const char *wish = g_getenv ("ATELIER_CPU");
      const AtlKernels *found = wish ? atl_kernels_lookup (wish) : NULL;

      prepare ();
      for (guint i = 0; !found; i++)
        if (ready[i].name)
          found = &ready[i];
      g_once_init_leave (&chosen, (gsize)found);
    }
  return (const AtlKernels *)chosen;
}
