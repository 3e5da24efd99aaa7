/* What the tests of kernels share: random arrays and the comparison of every
 * table that this CPU runs with the reference.
 *
 * Outputs start as the same random numbers for both, and all of the memory is
 * compared, gaps between rows included: a kernel that writes where it should
 * not is found.  Arrays are as long as they must be and not a float longer, so
 * that the address sanitizer finds reads beyond them.
 */

#pragma once

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

typedef struct
{
  const AtlKernels *fast;
  const AtlKernels *reference;
} Tables;

static inline int
random_int (int low, int high) /* both included */
{
  return g_test_rand_int_range (low, high + 1);
}

static inline float *
random_floats (gsize n)
{
  float *x = g_new (float, MAX (n, 1));

  for (gsize i = 0; i < n; i++)
    x[i] = g_test_rand_double_range (-2, 2);
  return x;
}

static inline float *
copy_floats (const float *x, gsize n)
{
  return g_memdup2 (x, MAX (n, 1) * sizeof (float));
}

/* Every |fast - reference| is at most tolerance times the largest reference, or
 * 1 where all are smaller: the terms of their sums are of that size. */
static inline void
assert_close (const char *what, gsize n, const float *fast, const float *reference,
              double tolerance)
{
  double largest = 1;

  for (gsize i = 0; i < n; i++)
    if (isfinite (reference[i]))
      largest = MAX (largest, fabs (reference[i]));
  for (gsize i = 0; i < n; i++)
    {
      if (fast[i] == reference[i] || (isnan (fast[i]) && isnan (reference[i])))
        continue;
      if (!(fabs ((double)fast[i] - reference[i]) <= tolerance * largest))
        g_error ("%s: element %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                 " is %.9g, not %.9g (largest %g)",
                 what, i, n, fast[i], reference[i], largest);
    }
}

/* Every |fast - reference| is at most `error`. */
static inline void
assert_within (const char *what, gsize n, const double *fast,
               const double *reference, double error)
{
  for (gsize i = 0; i < n; i++)
    if (!(fabs (fast[i] - reference[i]) <= error))
      g_error ("%s: element %" G_GSIZE_FORMAT " is %.12g, not %.12g", what, i,
               fast[i], reference[i]);
}

/* A random activation, by number. */
static inline AtlActivation
random_activation (void)
{
  return random_int (ATL_ACTIVATION_NONE, ATL_ACTIVATION_TANH);
}

/* Numbers of channels with and without tails for every width of vector. */
static inline int
random_channels (void)
{
  static const int usual[] = { 1, 3, 4, 8, 16, 32, 64, 128, 256 };

  return random_int (0, 1) ? random_int (1, 200)
                           : usual[random_int (0, G_N_ELEMENTS (usual) - 1)];
}

/* Adds "/kernels/SET/NAME" for every set there is. */
static inline void
add_test (const char *name, GTestDataFunc test)
{
  static const char *const sets[] = { "baseline", "avx2", "avx512" };

  for (guint i = 0; i < G_N_ELEMENTS (sets); i++)
    {
      const AtlKernels *fast = atl_kernels_lookup (sets[i]);
      Tables *tables;
      char *path;

      if (!fast)
        continue;
      path = g_strdup_printf ("/kernels/%s/%s", sets[i], name);
      tables = g_new (Tables, 1);
      *tables = (Tables){ fast, atl_kernels_lookup ("reference") };
      g_test_add_data_func_full (path, tables, test, g_free);
      g_free (path);
    }
}
