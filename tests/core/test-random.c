/* Random numbers: the published vectors of Philox, and what a sequence must
 * keep whatever draws it. */

#include "base/random.h"

#include <math.h>

/* kat_vectors of Random123: philox4x32, 10 rounds. */
static void
test_known_answers (void)
{
  static const struct
  {
    guint64 seed, stream, block;
    guint32 out[4];
  } cases[] = {
    { 0, 0, 0, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
    { G_MAXUINT64,
      G_MAXUINT64,
      G_MAXUINT64,
      { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
    { 0x299f31d0a4093822,
      0x0370734413198a2e,
      0x85a308d3243f6a88,
      { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint32 out[4];

      atl_random_block (cases[i].seed, cases[i].stream, cases[i].block, out);
      for (int j = 0; j < 4; j++)
        g_assert_cmphex (out[j], ==, cases[i].out[j]);
    }
}

static void
test_next_walks_the_blocks (void)
{
  AtlRandom random;
  guint32 block[4];

  atl_random_init (&random, 7, 3);
  for (guint64 i = 0; i < 103; i++)
    {
      atl_random_block (7, 3, i / 4, block);
      g_assert_cmpuint (atl_random_next (&random), ==, block[i % 4]);
    }
  g_assert_cmpuint (random.counter, ==, 103);
}

static void
test_three_integers_are_the_state (void)
{
  AtlRandom random, copy;

  atl_random_init (&random, 11, 0);
  for (int i = 0; i < 37; i++)
    {
      atl_random_normal (&random);
      atl_random_below (&random, 1000);
    }
  copy = (AtlRandom){ random.seed, random.stream, random.counter };
  for (int i = 0; i < 100; i++)
    g_assert_cmpfloat (atl_random_normal (&random), ==, atl_random_normal (&copy));
}

static void
test_streams_differ (void)
{
  AtlRandom a, b;
  int equal = 0;

  atl_random_init (&a, 5, 0);
  atl_random_init (&b, 5, 1);
  for (int i = 0; i < 1000; i++)
    equal += atl_random_next (&a) == atl_random_next (&b);
  g_assert_cmpint (equal, ==, 0);
}

static void
test_uniform_moments (void)
{
  enum
  {
    n = 200000
  };
  AtlRandom random;
  double sum = 0.0, squares = 0.0;

  atl_random_init (&random, 1, 0);
  for (int i = 0; i < n; i++)
    {
      float value = atl_random_uniform (&random);

      g_assert_true (value >= 0.0f && value < 1.0f);
      sum += value;
      squares += (double)value * value;
    }
  g_assert_cmpfloat_with_epsilon (sum / n, 0.5, 0.003);
  g_assert_cmpfloat_with_epsilon (squares / n, 1.0 / 3.0, 0.003);
}

static void
test_normal_moments (void)
{
  enum
  {
    n = 200000
  };
  AtlRandom random;
  double sum = 0.0, squares = 0.0, fourth = 0.0;

  atl_random_init (&random, 2, 0);
  for (int i = 0; i < n; i++)
    {
      double value = atl_random_normal (&random);

      g_assert_true (isfinite (value));
      sum += value;
      squares += value * value;
      fourth += value * value * value * value;
    }
  g_assert_cmpfloat_with_epsilon (sum / n, 0.0, 0.01);
  g_assert_cmpfloat_with_epsilon (squares / n, 1.0, 0.015);
  g_assert_cmpfloat_with_epsilon (fourth / n, 3.0, 0.1);
}

static void
test_below_is_even (void)
{
  enum
  {
    n = 70000
  };
  guint32 counts[7] = { 0 };
  AtlRandom random;

  atl_random_init (&random, 3, 0);
  for (int i = 0; i < n; i++)
    {
      guint32 value = atl_random_below (&random, 7);

      g_assert_cmpuint (value, <, 7);
      counts[value]++;
    }
  for (int i = 0; i < 7; i++)
    g_assert_cmpint (ABS ((int)counts[i] - n / 7), <, 400); /* 4 sigma */
  for (int i = 0; i < 100; i++)
    {
      g_assert_cmpuint (atl_random_below (&random, 1), ==, 0);
      g_assert_cmpuint (atl_random_below (&random, 0x80000001u), <, 0x80000001u);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/random/known-answers", test_known_answers);
  g_test_add_func ("/random/next-walks-the-blocks", test_next_walks_the_blocks);
  g_test_add_func ("/random/three-integers-are-the-state",
                   test_three_integers_are_the_state);
  g_test_add_func ("/random/streams-differ", test_streams_differ);
  g_test_add_func ("/random/uniform-moments", test_uniform_moments);
  g_test_add_func ("/random/normal-moments", test_normal_moments);
  g_test_add_func ("/random/below-is-even", test_below_is_even);
  return g_test_run ();
}
