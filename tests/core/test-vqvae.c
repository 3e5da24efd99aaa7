/* The VQ-VAE trainer, its codebooks, k-means and principal components.
 * tests/parity/test-training.py compares its steps with PyTorch's. */

#include "train/vqvae.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "models.h"
#include "resume.h"
#include "train/kmeans.h"
#include "train/pca.h"

#define SIDE 32
#define PATCHES 8
#define FLOATS (PATCHES * SIDE * SIDE * 3)

typedef struct
{
  AtlPool *pool;
  AtlModel *model;
  AtlMethod *method;
  float *input;
} Fixture;

static void
make_patches (float *input)
{
  AtlRandom random;

  atl_random_init (&random, 12, 0);
  for (int n = 0; n < PATCHES; n++)
    {
      float a = 6 * atl_random_uniform (&random),
            b = 6 * atl_random_uniform (&random);
      float f = 0.1f + 0.3f * atl_random_uniform (&random);

      for (int p = 0; p < SIDE * SIDE; p++)
        for (int c = 0; c < 3; c++)
          *input++ = 0.7f * sinf (a + f * (float)(p % SIDE) + 0.7f * (float)c)
                     * cosf (b + 0.8f * f * (float)(p / SIDE));
    }
}

static const char plain[] = "hidden=32 residual_blocks=1 codes=64 code_dim=16";
static const char codec[]
    = "hidden=32 codes=32 code_dim=16 stages=3 downsample=8 patch=4 zero_code=yes "
      "linear_skip=yes upsample=shuffle";

static AtlVqvaeSettings
defaults (void)
{
  AtlVqvaeSettings s = ATL_VQVAE_DEFAULTS;

  s.adam.lr = 2e-3;
  s.steps = 1000;
  return s;
}

static void
set_up (Fixture *f, const char *arch, const char *config,
        const AtlVqvaeSettings *settings, int n_threads)
{
  GError *error = NULL;

  f->pool = atl_pool_new (n_threads);
  f->model = model_new (arch, config, 1);
  f->method = atl_vqvae_new (f->model, f->pool, settings, PATCHES, SIDE, SIDE, NULL,
                             &error);
  g_assert_no_error (error);
  f->input = g_new (float, FLOATS);
  make_patches (f->input);
  f->method->class->start (f->method, f->input, PATCHES, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f)
{
  atl_method_free (f->method);
  atl_model_free (f->model);
  atl_pool_free (f->pool);
  g_free (f->input);
}

static void
step (Fixture *f, guint64 number, double *figures)
{
  GError *error = NULL;

  f->method->class->step (f->method, number, f->input, f->input, figures, &error);
  g_assert_no_error (error);
}

static void
test_eight_patches_are_learned (void)
{
  AtlVqvaeSettings s = defaults ();
  Fixture f;
  double figures[ATL_VQVAE_N_FIGURES], psnr = 0;
  guint64 i;

  s.unquantised = 20;
  set_up (&f, "vqvae", plain, &s, 2);
  for (i = 0; i < s.steps && (psnr < 30.5 || i < 130); i++)
    {
      step (&f, i, figures);
      /* Values in [-1, 1]: a peak of 2. */
      psnr = 10 * log10 (4 / figures[ATL_VQVAE_RECONSTRUCTION]);
    }
  g_assert_cmpfloat (psnr, >, 30);
  g_assert_cmpfloat (figures[ATL_VQVAE_USAGE], >, 0.5);
  g_assert_cmpfloat (figures[ATL_VQVAE_PERPLEXITY], >, 16);
  tear_down (&f);
}

static void
learns (const char *arch, const char *config, AtlVqvaeSettings *s, guint64 steps,
        double share)
{
  Fixture f;
  double first[ATL_VQVAE_N_FIGURES], last[ATL_VQVAE_N_FIGURES];

  set_up (&f, arch, config, s, 2);
  step (&f, 0, first);
  for (guint64 i = 1; i < steps; i++)
    step (&f, i, last);
  g_assert_cmpfloat (last[ATL_VQVAE_RECONSTRUCTION], <,
                     share * first[ATL_VQVAE_RECONSTRUCTION]);
  tear_down (&f);
}

static void
test_two_levels_learn (void)
{
  AtlVqvaeSettings s = defaults ();

  learns ("vqvae2", "hidden=16 residual_hidden=8 codes=32 code_dim=8", &s, 40, 0.7);
}

static void
test_the_loss_form_learns (void)
{
  AtlVqvaeSettings s = defaults ();

  s.codebook.by_gradient = TRUE;
  s.codebook.lr = 2e-3;
  s.l1 = TRUE;
  s.ms_ssim = 0.2;
  learns ("vqvae", plain, &s, 40, 0.8);
}

static const float *
entry (const Fixture *f, int stage, int code)
{
  const AtlGraph *graph = atl_model_get_graph (f->model);
  AtlWeights *weights = atl_model_get_weights (f->model);

  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);

      if (p->node == atl_graph_find (graph, "quantise") && p->stage == stage)
        return atl_weights_data (weights) + atl_weights_offset (weights, i)
               + (gsize)code * (gsize)p->dims[1];
    }
  g_assert_not_reached ();
}

static void
test_the_zero_code_stays_zero_and_is_used (void)
{
  AtlVqvaeSettings s = defaults ();
  Fixture f;
  double figures[ATL_VQVAE_N_FIGURES];
  const char *codes;

  s.rate_from = 0;
  s.rate_to = 2; /* bits are dear: the zero code is worth it */
  set_up (&f, "vqvae", codec, &s, 2);
  for (guint64 i = 0; i < 30; i++)
    step (&f, i, figures);
  for (int stage = 1; stage < 3; stage++)
    for (int j = 0; j < 16; j++)
      g_assert_cmpfloat (entry (&f, stage, 0)[j], ==, 0);
  g_assert_cmpfloat (entry (&f, 0, 0)[0], !=, 0);
  f.method->class->annotate (f.method);
  codes = atl_model_get_metadata (f.model, "atelier.codes");
  g_assert_nonnull (strstr (codes, "\"quantise\":[["));
  g_assert_nonnull (strstr (codes, "\"scales\":{\"quantise\":["));
  tear_down (&f);
}

/* With the linear skip from principal components the untrained network is
 * already a codec. */
static void
test_principal_components_start_the_skip (void)
{
  AtlVqvaeSettings s = defaults ();
  Fixture f;
  double with[ATL_VQVAE_N_FIGURES], without[ATL_VQVAE_N_FIGURES];

  s.unquantised = 2;
  set_up (&f, "vqvae", codec, &s, 2);
  step (&f, 0, with);
  tear_down (&f);
  s.pca = FALSE;
  set_up (&f, "vqvae", codec, &s, 2);
  step (&f, 0, without);
  tear_down (&f);
  g_assert_cmpfloat (with[ATL_VQVAE_RECONSTRUCTION], <,
                     0.5 * without[ATL_VQVAE_RECONSTRUCTION]);
}

static void
test_rates_make_codes_cheaper (void)
{
  AtlVqvaeSettings s = defaults ();
  double perplexity[2];

  for (int i = 0; i < 2; i++)
    {
      Fixture f;
      double figures[ATL_VQVAE_N_FIGURES];

      s.rate_from = s.rate_to = i;
      set_up (&f, "vqvae", codec, &s, 2);
      for (guint64 j = 0; j < 60; j++)
        step (&f, j, figures);
      perplexity[i] = figures[ATL_VQVAE_PERPLEXITY];
      tear_down (&f);
    }
  g_assert_cmpfloat (perplexity[1], <, perplexity[0]);
}

static void
test_same_bits_with_any_threads (void)
{
  AtlVqvaeSettings s = defaults ();
  Fixture a, b;
  double of_a[ATL_VQVAE_N_FIGURES], of_b[ATL_VQVAE_N_FIGURES];

  s.unquantised = 2;
  s.rate_to = 0.1;
  s.ms_ssim = 0.1;
  set_up (&a, "vqvae", codec, &s, 1);
  set_up (&b, "vqvae", codec, &s, 2);
  for (guint64 i = 0; i < 6; i++)
    {
      step (&a, i, of_a);
      step (&b, i, of_b);
      g_assert_cmpmem (of_a, sizeof of_a, of_b, sizeof of_b);
    }
  g_assert_cmpstr (atl_model_get_hash (a.model, NULL), ==,
                   atl_model_get_hash (b.model, NULL));
  tear_down (&a);
  tear_down (&b);
}

/* From step `at`, in the unquantised part and after it. */
static void
check_resume (const AtlVqvaeSettings *s, guint64 at)
{
  Fixture a, b;
  double of_a[ATL_VQVAE_N_FIGURES], of_b[ATL_VQVAE_N_FIGURES];

  set_up (&a, "vqvae", codec, s, 2);
  set_up (&b, "vqvae", codec, s, 2);
  for (guint64 i = 0; i < at; i++)
    step (&a, i, of_a);
  resume_from (b.method, a.method);
  for (guint64 i = at; i < at + 6; i++)
    {
      step (&a, i, of_a);
      step (&b, i, of_b);
      g_assert_cmpmem (of_a, sizeof of_a, of_b, sizeof of_b);
    }
  g_assert_cmpstr (atl_model_get_hash (a.model, NULL), ==,
                   atl_model_get_hash (b.model, NULL));
  tear_down (&a);
  tear_down (&b);
}

static void
test_goes_on_from_a_checkpoint (void)
{
  AtlVqvaeSettings s = defaults ();

  s.unquantised = 4;
  s.rate_to = 0.1;
  check_resume (&s, 2);
  check_resume (&s, 7);
  s.codebook.by_gradient = TRUE;
  check_resume (&s, 7);
}

static void
test_dead_codes_are_revived (void)
{
  AtlVqvaeSettings s = defaults ();
  Fixture f;
  double figures[ATL_VQVAE_N_FIGURES], revived = 0;

  /* Without k-means nearly all entries lie where no vector is. */
  s.kmeans = FALSE;
  s.codebook.decay = 0.8;
  set_up (&f, "vqvae", plain, &s, 2);
  for (guint64 i = 0; i < 120; i++)
    {
      step (&f, i, figures);
      revived += figures[ATL_VQVAE_REVIVED];
    }
  g_assert_cmpfloat (revived, >, 10);
  g_assert_cmpfloat (figures[ATL_VQVAE_USAGE], >, 0.5);
  tear_down (&f);
}

static void
test_kmeans_finds_clusters (void)
{
  enum
  {
    K = 5,
    D = 20,
    N = 1000
  };
  float *vectors = g_new (float, N *D), *centres = g_new (float, K *D);
  float *again = g_new (float, K *D), true_centres[K][D];
  double counts[K];
  gint32 *nearest = g_new (gint32, N);
  AtlPool *one = atl_pool_new (1), *three = atl_pool_new (3);
  AtlRandom random;
  GError *error = NULL;

  atl_random_init (&random, 1, 0);
  for (int k = 0; k < K; k++)
    for (int j = 0; j < D; j++)
      true_centres[k][j] = k == 0 ? 0 : 5 * atl_random_normal (&random);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < D; j++)
      vectors[i * D + j]
          = true_centres[i % K][j] + 0.1f * atl_random_normal (&random);
  g_assert_true (atl_kmeans (three, vectors, N, D, K, TRUE, 10, 3, 4, centres,
                             counts, nearest, &error));
  for (int k = 0; k < K; k++)
    g_assert_cmpfloat (counts[k], ==, N / K);
  for (int i = K; i < N; i++)
    g_assert_cmpint (nearest[i], ==, nearest[i % K]);
  for (int j = 0; j < D; j++)
    {
      g_assert_cmpfloat (centres[j], ==, 0);
      g_assert_cmpfloat_with_epsilon (centres[nearest[3] * D + j],
                                      true_centres[3][j], 0.05);
    }
  g_assert_true (atl_kmeans (one, vectors, N, D, K, TRUE, 10, 3, 4, again, counts,
                             nearest, &error));
  g_assert_cmpmem (centres, K * D * sizeof (float), again, K * D * sizeof (float));
  /* Fewer vectors than centres. */
  g_assert_true (atl_kmeans (one, vectors, 2, D, K, FALSE, 5, 3, 4, again, counts,
                             nearest, &error));
  g_assert_cmpfloat (counts[nearest[0]] + counts[nearest[1]], >=, 2);
  g_free (vectors);
  g_free (centres);
  g_free (again);
  g_free (nearest);
  atl_pool_free (one);
  atl_pool_free (three);
}

static void
test_principal_components_are_those_of_the_data (void)
{
  enum
  {
    N = 40,
    DIM = 12
  };
  AtlPool *pool = atl_pool_new (2);
  float *pictures = g_new (float, N * 8 * 6 * 3);
  double mean[DIM], components[DIM * DIM], variances[DIM], direction[DIM], norm = 0;
  AtlRandom random;
  GError *error = NULL;

  /* Blocks of 2x2x3 that vary along one direction, and a little noise. */
  atl_random_init (&random, 1, 0);
  for (int j = 0; j < DIM; j++)
    {
      direction[j] = (double)(atl_random_uniform (&random) + 0.1f);
      norm += direction[j] * direction[j];
    }
  for (int n = 0; n < N; n++)
    for (int block = 0; block < 12; block++)
      {
        float along = 2 * atl_random_normal (&random);
        int y0 = block / 3 * 2, x0 = block % 3 * 2;

        for (int c = 0; c < 3; c++)
          for (int y = 0; y < 2; y++)
            for (int x = 0; x < 2; x++)
              pictures[((n * 8 + y0 + y) * 6 + x0 + x) * 3 + c]
                  = 0.3f
                    + along * (float)(direction[c * 4 + y * 2 + x] / sqrt (norm))
                    + 0.01f * atl_random_normal (&random);
      }
  g_assert_true (
      atl_pca (pool, pictures, N, 8, 6, 3, 2, mean, components, variances, &error));
  g_assert_cmpfloat_with_epsilon (variances[0], 4, 0.8);
  g_assert_cmpfloat (variances[1], <, 1e-3);
  for (int j = 0; j < DIM; j++)
    {
      g_assert_cmpfloat_with_epsilon (components[j], direction[j] / sqrt (norm),
                                      5e-3);
      g_assert_cmpfloat_with_epsilon (mean[j], 0.3, 0.2);
    }
  for (int i = 0; i < DIM; i++)
    for (int j = 0; j <= i; j++)
      {
        double dot = 0;

        for (int k = 0; k < DIM; k++)
          dot += components[i * DIM + k] * components[j * DIM + k];
        g_assert_cmpfloat_with_epsilon (dot, i == j, 1e-9);
      }
  g_free (pictures);
  atl_pool_free (pool);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vqvae/eight-patches-are-learned",
                   test_eight_patches_are_learned);
  g_test_add_func ("/vqvae/two-levels-learn", test_two_levels_learn);
  g_test_add_func ("/vqvae/the-loss-form-learns", test_the_loss_form_learns);
  g_test_add_func ("/vqvae/the-zero-code-stays-zero-and-is-used",
                   test_the_zero_code_stays_zero_and_is_used);
  g_test_add_func ("/vqvae/principal-components-start-the-skip",
                   test_principal_components_start_the_skip);
  g_test_add_func ("/vqvae/rates-make-codes-cheaper",
                   test_rates_make_codes_cheaper);
  g_test_add_func ("/vqvae/same-bits-with-any-threads",
                   test_same_bits_with_any_threads);
  g_test_add_func ("/vqvae/goes-on-from-a-checkpoint",
                   test_goes_on_from_a_checkpoint);
  g_test_add_func ("/vqvae/dead-codes-are-revived", test_dead_codes_are_revived);
  g_test_add_func ("/kmeans/finds-clusters", test_kmeans_finds_clusters);
  g_test_add_func ("/pca/components-are-those-of-the-data",
                   test_principal_components_are_those_of_the_data);
  return g_test_run ();
}
