/* The panel product of every set against the reference. */

#include "check.h"

#define MAX_SEGMENTS 9

/* One product of the given size; A's rows or its columns are contiguous, or
 * neither; rows may overlap, as a convolution's do. */
static void
check_product (const Tables *t, int m, int n, int k, int n_segments, int form)
{
  const gsize ldb = n + (form & 1 ? 16 : 0), ldc = n + random_int (0, 20);
  gsize a_row, a_col, a_size;
  float *storage[2 * MAX_SEGMENTS];
  const float *a[MAX_SEGMENTS], *b[MAX_SEGMENTS];
  float *c, *expected;
  AtlGemm g;

  switch (form % 4)
    {
    case 0: /* rows */
      a_row = k + random_int (0, 5), a_col = 1;
      break;
    case 1: /* rows that overlap */
      a_row = random_int (1, k), a_col = 1;
      break;
    case 2: /* the transpose */
      a_row = 1, a_col = m + random_int (0, 5);
      break;
    default:
      a_row = random_int (2, 5), a_col = a_row * m + 1;
    }
  a_size = (m - 1) * a_row + (k - 1) * a_col + 1;
  for (int s = 0; s < n_segments; s++)
    {
      a[s] = storage[2 * s] = random_floats (a_size);
      b[s] = storage[2 * s + 1] = random_floats ((k - 1) * ldb + n);
    }
  c = random_floats ((m - 1) * ldc + n);
  expected = copy_floats (c, (m - 1) * ldc + n);
  g = (AtlGemm){ m, n, k, n_segments, a, a_row, a_col, b, ldb, c, ldc, form & 4 };
  t->fast->gemm (&g);
  g.c = expected;
  t->reference->gemm (&g);
  assert_close ("gemm", (m - 1) * ldc + n, c, expected, 1e-5);
  for (int i = 0; i < 2 * n_segments; i++)
    g_free (storage[i]);
  g_free (c);
  g_free (expected);
}

static void
test_small (gconstpointer data)
{
  for (int m = 1; m <= 26; m++)
    for (int n = ATL_PANEL_STEP; n <= ATL_PANEL; n += ATL_PANEL_STEP)
      check_product (data, m, n, random_int (1, 40), random_int (1, 3),
                     random_int (0, 7));
}

static void
test_forms (gconstpointer data)
{
  for (int i = 0; i < 160; i++)
    check_product (data, random_int (1, 100), ATL_PANEL_STEP * random_int (1, 4),
                   random_int (1, 300), random_int (1, MAX_SEGMENTS), i % 8);
}

static void
test_long (gconstpointer data)
{
  for (int form = 0; form < 8; form++)
    {
      check_product (data, random_int (1, 20), ATL_PANEL, random_int (500, 5000), 1,
                     form);
      check_product (data, random_int (1, 20), ATL_PANEL, random_int (300, 1100), 4,
                     form);
    }
}

/* No segment, or none with anything in it, is a product of zero. */
static void
test_empty (gconstpointer data)
{
  const Tables *t = data;
  float a = 1, b[16] = { 1 }, c[16];
  const float *as = &a, *bs = b;
  AtlGemm g = { 1, 16, 0, 1, &as, 1, 1, &bs, 16, c, 16, FALSE };

  for (int i = 0; i < 4; i++)
    {
      g.k = i & 1;
      g.n_segments = 1 - (i & 1);
      g.accumulate = i >= 2;
      for (int j = 0; j < 16; j++)
        c[j] = NAN;
      t->fast->gemm (&g);
      for (int j = 0; j < 16; j++)
        g_assert_true (g.accumulate ? isnan (c[j]) : c[j] == 0);
    }
  g.m = 0;
  t->fast->gemm (&g);
}

/* What C held is not looked at unless it is accumulated into. */
static void
test_overwrites_nan (gconstpointer data)
{
  const Tables *t = data;
  float *a = random_floats (7 * 600), *b = random_floats (600 * 64);
  float c[7 * 64];
  const float *as = a, *bs = b;
  AtlGemm g = { 7, 64, 600, 1, &as, 600, 1, &bs, 64, c, 64, FALSE };

  for (int i = 0; i < 7 * 64; i++)
    c[i] = NAN;
  t->fast->gemm (&g);
  for (int i = 0; i < 7 * 64; i++)
    g_assert_false (isnan (c[i]));
  g_free (a);
  g_free (b);
}

/* What ATELIER_CPU and ATELIER_GEMM ask for is what is used; in a process of
 * its own, because the choice is made once. */
static void
test_environment (gconstpointer data)
{
  const Tables *t = data;
  char *path;

  if (g_test_subprocess ())
    {
      g_setenv ("ATELIER_CPU", t->fast->name, TRUE);
      g_assert_cmpstr (atl_kernels_get ()->name, ==, t->fast->name);
      return;
    }
  path = g_strdup_printf ("/kernels/%s/chosen-by-the-environment", t->fast->name);
  g_test_trap_subprocess (path, 0, 0);
  g_test_trap_assert_passed ();
  g_free (path);
}

static void
test_openblas (void)
{
  const AtlKernels *k;

  if (g_test_subprocess ())
    {
      k = atl_kernels_get ();
      g_assert_true (g_str_has_prefix (k->gemm_name, "openblas "));
      test_forms (&(Tables){ k, atl_kernels_lookup ("reference") });
      return;
    }
  g_setenv ("ATELIER_GEMM", "openblas", TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_unsetenv ("ATELIER_GEMM");
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_test ("gemm/every-small-shape", test_small);
  add_test ("gemm/every-form-of-strides", test_forms);
  add_test ("gemm/long-sums-in-parts", test_long);
  add_test ("gemm/empty-sum-is-zero", test_empty);
  add_test ("gemm/overwrites-nan", test_overwrites_nan);
  add_test ("chosen-by-the-environment", test_environment);
  g_test_add_func ("/kernels/gemm-of-openblas-if-asked", test_openblas);
  return g_test_run ();
}
