/* The Pix2Pix trainer on tiny sets.  tests/parity/test-training.py compares its
 * steps with PyTorch's. */

#include "train/pix2pix.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "models.h"
#include "resume.h"

#define SIDE 32
#define PAIRS 4
#define FLOATS (PAIRS * SIDE * SIDE * 3)

typedef struct
{
  AtlPool *pool;
  AtlModel *generator, *discriminator;
  AtlMethod *method;
  float *input, *target;
  int n_messages;
  char *message;
} Fixture;

/* Soft blobs, and targets that are a function of them. */
static void
make_pairs (float *input, float *target)
{
  AtlRandom random;

  atl_random_init (&random, 11, 0);
  for (int n = 0; n < PAIRS; n++)
    {
      float a = 6 * atl_random_uniform (&random),
            b = 6 * atl_random_uniform (&random);

      for (int p = 0; p < SIDE * SIDE; p++)
        for (int c = 0; c < 3; c++)
          {
            float v = sinf (a + 0.2f * (float)(p % SIDE) + (float)c)
                      * cosf (b + 0.15f * (float)(p / SIDE));

            *input++ = v;
            *target++ = 0.8f * (c == 0 ? -v : v * v - 0.5f);
          }
    }
}

static void
count_message (gpointer data, const char *text)
{
  Fixture *f = data;

  f->n_messages++;
  g_free (f->message);
  f->message = g_strdup (text);
}

static void
set_up (Fixture *f, const AtlPix2pixSettings *settings, int n_threads)
{
  GError *error = NULL;

  memset (f, 0, sizeof *f);
  f->pool = atl_pool_new (n_threads);
  f->generator = model_new ("unet_32", "ngf=16 dropout=0.5", 1);
  if (settings->gan_weight > 0)
    f->discriminator = model_new ("patchgan", "ndf=8 n_layers=1", 2);
  f->method = atl_pix2pix_new (f->generator, f->discriminator, f->pool, settings,
                               PAIRS, SIDE, SIDE, NULL, &error);
  g_assert_no_error (error);
  f->method->message = count_message;
  f->method->message_data = f;
  f->input = g_new (float, FLOATS);
  f->target = g_new (float, FLOATS);
  make_pairs (f->input, f->target);
}

static void
tear_down (Fixture *f)
{
  atl_method_free (f->method);
  atl_model_free (f->generator);
  atl_model_free (f->discriminator);
  atl_pool_free (f->pool);
  g_free (f->input);
  g_free (f->target);
  g_free (f->message);
}

static void
step (Fixture *f, guint64 number, double *figures)
{
  GError *error = NULL;

  f->method->class->step (f->method, number, f->input, f->target, figures, &error);
  g_assert_no_error (error);
}

static gboolean
same_weights (AtlModel *a, AtlModel *b)
{
  AtlWeights *wa = atl_model_get_weights (a), *wb = atl_model_get_weights (b);

  return memcmp (atl_weights_data (wa), atl_weights_data (wb),
                 atl_weights_n_floats (wa) * sizeof (float))
         == 0;
}

static AtlPix2pixSettings
defaults (void)
{
  AtlPix2pixSettings s = ATL_PIX2PIX_DEFAULTS;

  s.schedule = ATL_SCHEDULE_CONSTANT;
  s.throttle = 0;
  return s;
}

static void
test_four_pairs_are_learned (void)
{
  AtlPix2pixSettings s = defaults ();
  Fixture f;
  double figures[ATL_PIX2PIX_N_FIGURES], l1 = 1;

  s.no_dropout = TRUE;
  s.adam.lr = 1e-3;
  s.schedule = ATL_SCHEDULE_COSINE;
  s.steps = 600;
  set_up (&f, &s, 2);
  for (guint64 i = 0; i < s.steps && l1 > 0.02; i++)
    {
      step (&f, i, figures);
      l1 = figures[ATL_PIX2PIX_L1];
    }
  g_assert_cmpfloat (l1, <=, 0.02);
  tear_down (&f);
}

static void
test_l1_alone_needs_no_discriminator (void)
{
  AtlPix2pixSettings s = defaults ();
  Fixture f;
  double first[ATL_PIX2PIX_N_FIGURES], last[ATL_PIX2PIX_N_FIGURES];

  s.gan_weight = 0;
  set_up (&f, &s, 2);
  step (&f, 0, first);
  for (guint64 i = 1; i < 30; i++)
    step (&f, i, last);
  g_assert_cmpfloat (last[ATL_PIX2PIX_L1], <, 0.8 * first[ATL_PIX2PIX_L1]);
  g_assert_cmpfloat (last[ATL_PIX2PIX_GAN], ==, 0);
  tear_down (&f);
}

/* While the discriminator waits, the target of a step is for L1 alone: with its
 * weight 0 the generator's steps are the same whatever that target is. */
static void
test_gan_alone_does_not_look_at_l1 (void)
{
  for (int with_l1 = 0; with_l1 < 2; with_l1++)
    {
      AtlPix2pixSettings s = defaults ();
      double of_a[ATL_PIX2PIX_N_FIGURES], of_b[ATL_PIX2PIX_N_FIGURES];
      Fixture a, b;

      s.l1_weight = with_l1 ? 100 : 0;
      s.throttle = 10; /* it waits after its first step */
      set_up (&a, &s, 2);
      set_up (&b, &s, 2);
      step (&a, 0, of_a);
      step (&b, 0, of_b);
      for (int i = 0; i < FLOATS; i++)
        b.target[i] = -b.target[i];
      for (guint64 i = 1; i < 3; i++)
        {
          step (&a, i, of_a);
          step (&b, i, of_b);
          g_assert_cmpfloat (of_a[ATL_PIX2PIX_WAITING], ==, 1);
        }
      g_assert_cmpfloat (of_a[ATL_PIX2PIX_GAN], >, 0);
      g_assert_cmpfloat (of_a[ATL_PIX2PIX_L1], !=, of_b[ATL_PIX2PIX_L1]);
      g_assert_true (same_weights (a.generator, b.generator) == !with_l1);
      tear_down (&a);
      tear_down (&b);
    }
}

/* A generator that hardly looks at the discriminator, and a threshold that any
 * is under that does better than guess: it must wait, that must be told once,
 * and its weights stand still. */
static void
test_a_winning_discriminator_waits (void)
{
  AtlPix2pixSettings s = defaults ();
  Fixture f;
  double figures[ATL_PIX2PIX_N_FIGURES];
  AtlWeights *weights;
  float *before;
  gsize size;

  s.throttle = 1;
  s.adam.lr = 1e-3;
  s.gan_weight = 1e-4;
  set_up (&f, &s, 2);
  weights = atl_model_get_weights (f.discriminator);
  size = atl_weights_n_trainable (weights) * sizeof (float);
  for (guint64 i = 0; i < 200 && f.n_messages == 0; i++)
    step (&f, i, figures);
  g_assert_cmpint (f.n_messages, ==, 1);
  g_assert_nonnull (strstr (f.message, "discriminator"));
  before = g_memdup2 (atl_weights_data (weights), size);
  step (&f, 200, figures);
  g_assert_cmpfloat (figures[ATL_PIX2PIX_WAITING], ==, 1);
  g_assert_cmpmem (before, size, atl_weights_data (weights), size);
  g_free (before);
  tear_down (&f);
}

static void
test_same_bits_with_any_threads (void)
{
  AtlPix2pixSettings s = defaults ();
  Fixture a, b;
  double of_a[ATL_PIX2PIX_N_FIGURES], of_b[ATL_PIX2PIX_N_FIGURES];

  s.adam.average_decay = 0.9;
  set_up (&a, &s, 1);
  set_up (&b, &s, 2);
  for (guint64 i = 0; i < 4; i++)
    {
      step (&a, i, of_a);
      step (&b, i, of_b);
      g_assert_cmpmem (of_a, sizeof of_a, of_b, sizeof of_b);
    }
  g_assert_true (same_weights (a.generator, b.generator));
  tear_down (&a);
  tear_down (&b);
}

/* What a checkpoint holds is all that the next steps depend on. */
static void
test_goes_on_from_a_checkpoint (void)
{
  AtlPix2pixSettings s = defaults ();
  Fixture a, b;
  double of_a[ATL_PIX2PIX_N_FIGURES], of_b[ATL_PIX2PIX_N_FIGURES];

  s.adam.average_decay = 0.9;
  s.throttle = 0.9;
  set_up (&a, &s, 2);
  set_up (&b, &s, 2);
  for (guint64 i = 0; i < 3; i++)
    step (&a, i, of_a);
  resume_from (b.method, a.method);
  for (guint64 i = 3; i < 6; i++)
    {
      step (&a, i, of_a);
      step (&b, i, of_b);
      g_assert_cmpmem (of_a, sizeof of_a, of_b, sizeof of_b);
    }
  a.method->class->present (a.method, TRUE);
  b.method->class->present (b.method, TRUE);
  g_assert_cmpstr (atl_model_get_hash (a.generator, NULL), ==,
                   atl_model_get_hash (b.generator, NULL));
  tear_down (&a);
  tear_down (&b);
}

static void
test_sizes_that_do_not_fit_are_refused (void)
{
  AtlPix2pixSettings s = defaults ();
  AtlModel *model = model_new ("unet_32", "ngf=4", 1);
  AtlPool *pool = atl_pool_new (1);
  GError *error = NULL;

  s.gan_weight = 0;
  g_assert_null (atl_pix2pix_new (model, NULL, pool, &s, 1, 48, 48, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "32"));
  g_clear_error (&error);
  atl_model_free (model);
  atl_pool_free (pool);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pix2pix/four-pairs-are-learned", test_four_pairs_are_learned);
  g_test_add_func ("/pix2pix/l1-alone-needs-no-discriminator",
                   test_l1_alone_needs_no_discriminator);
  g_test_add_func ("/pix2pix/gan-alone-does-not-look-at-l1",
                   test_gan_alone_does_not_look_at_l1);
  g_test_add_func ("/pix2pix/a-winning-discriminator-waits",
                   test_a_winning_discriminator_waits);
  g_test_add_func ("/pix2pix/same-bits-with-any-threads",
                   test_same_bits_with_any_threads);
  g_test_add_func ("/pix2pix/goes-on-from-a-checkpoint",
                   test_goes_on_from_a_checkpoint);
  g_test_add_func ("/pix2pix/sizes-that-do-not-fit-are-refused",
                   test_sizes_that_do_not_fit_are_refused);
  return g_test_run ();
}
