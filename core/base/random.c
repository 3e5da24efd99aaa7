/* Philox 4x32-10; see random.h.
 *
 * Constants and rounds as in Salmon, Moraes, Dror & Shaw 2011.  The key is the
 * seed; the 128-bit counter is (block, stream), low words first.
 */

#include "base/random.h"

#include <math.h>

void
atl_random_block (guint64 seed, guint64 stream, guint64 block, guint32 out[4])
{
  guint32 key0 = (guint32)seed, key1 = (guint32)(seed >> 32);
  guint32 c0 = (guint32)block, c1 = (guint32)(block >> 32);
  guint32 c2 = (guint32)stream, c3 = (guint32)(stream >> 32);

  for (int i = 0; i < ATL_PHILOX_ROUNDS; i++)
    {
      guint64 p0 = (guint64)ATL_PHILOX_M0 * c0;
      guint64 p1 = (guint64)ATL_PHILOX_M1 * c2;

      c0 = (guint32)(p1 >> 32) ^ c1 ^ key0;
      c1 = (guint32)p1;
      c2 = (guint32)(p0 >> 32) ^ c3 ^ key1;
      c3 = (guint32)p0;
      key0 += ATL_PHILOX_W0;
      key1 += ATL_PHILOX_W1;
    }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

void
atl_random_init (AtlRandom *random, guint64 seed, guint64 stream)
{
  random->seed = seed;
  random->stream = stream;
  random->counter = 0;
}

guint32
atl_random_next (AtlRandom *random)
{
  guint32 block[4];

  atl_random_block (random->seed, random->stream, random->counter / 4, block);
  return block[random->counter++ % 4];
}

float
atl_random_uniform (AtlRandom *random)
{
  return (float)(atl_random_next (random) >> 8) * 0x1p-24f;
}

/* The cosine half of a pair only, so that the counter is the whole state.  In
 * double: libraries' logarithms differ in the last bit, which rounding to
 * float hides. */
float
atl_random_normal (AtlRandom *random)
{
  double u = ((double)atl_random_next (random) + 1.0) * 0x1p-32; /* (0, 1] */
  double v = (double)atl_random_next (random) * 0x1p-32;

  return (float)(sqrt (-2.0 * log (u)) * cos (2.0 * G_PI * v));
}

/* Lemire 2019, "Fast random integer generation in an interval": unbiased. */
guint32
atl_random_below (AtlRandom *random, guint32 n)
{
  guint64 product = (guint64)atl_random_next (random) * n;

  if ((guint32)product < n)
    {
      guint32 threshold = -n % n;

      while ((guint32)product < threshold)
        product = (guint64)atl_random_next (random) * n;
    }
  return (guint32)(product >> 32);
}
