/* Inverted dropout with the numbers of base/random.h, several blocks of
 * Philox 4x32-10 at once: one per 64-bit lane, the number in its lower half.
 */

#include "base/random.h"
#include "kernels/vec.h"

#define BLOCKS (V / 2)

/* Floats to read ahead: too much is done with each for the CPU to do so of its
 * own accord.  From memory this gains 2.6 times. */
#define AHEAD 1024

typedef guint64 wide __attribute__ ((vector_size (V * 4)));

INLINE wide
multiply (wide x, guint32 by)
{
#if defined __AVX512F__
  return (wide)_mm512_mul_epu32 ((__m512i)x, _mm512_set1_epi64 (by));
#elif defined __AVX2__
  return (wide)_mm256_mul_epu32 ((__m256i)x, _mm256_set1_epi64x (by));
#elif defined __SSE2__
  return (wide)_mm_mul_epu32 ((__m128i)x, _mm_set1_epi64x (by));
#else
  return (x & 0xffffffff) * by;
#endif
}

/* The lanes of a and b in turn: of their first halves, and of their second. */
#if V == 16
#define FIRST_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define SECOND_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#elif V == 8
#define FIRST_HALVES 0, 4, 1, 5
#define SECOND_HALVES 2, 6, 3, 7
#else
#define FIRST_HALVES 0, 2
#define SECOND_HALVES 1, 3
#endif

/* The numbers of `blocks`, in their order.  Above the lower half of a lane
 * there may be rubbish until the end. */
INLINE void
philox (guint64 seed, guint64 stream, wide blocks, ivec numbers[2])
{
  guint32 key0 = (guint32)seed, key1 = (guint32)(seed >> 32);
  wide c0 = blocks, c1 = blocks >> 32;
  wide c2 = (guint32)stream - (wide){ 0 }, c3 = (stream >> 32) - (wide){ 0 };
  wide first, second;

#pragma GCC unroll 10
  for (int i = 0; i < ATL_PHILOX_ROUNDS; i++)
    {
      const wide p0 = multiply (c0, ATL_PHILOX_M0),
                 p1 = multiply (c2, ATL_PHILOX_M1);

      c0 = (p1 >> 32) ^ c1 ^ key0;
      c1 = p1;
      c2 = (p0 >> 32) ^ c3 ^ key1;
      c3 = p0;
      key0 += ATL_PHILOX_W0;
      key1 += ATL_PHILOX_W1;
    }
  first = (c0 & 0xffffffff) | c1 << 32;
  second = (c2 & 0xffffffff) | c3 << 32;
  numbers[0] = (ivec)__builtin_shufflevector (first, second, FIRST_HALVES);
  numbers[1] = (ivec)__builtin_shufflevector (first, second, SECOND_HALVES);
}

INLINE void
drop_vector (int n, ivec numbers, ivec least, const float *x, vec scale, float *y)
{
  const ivec keep = (numbers >> 8 & 0xffffff) >= least;

  v_store_n (y, (vec)((ivec)(v_load_n (x, n) * scale) & keep), n);
}

void
SET (dropout) (gsize count, const float *x, float p, guint64 seed, guint64 stream,
               guint64 first, float *y)
{
  /* Kept where the number's upper 24 bits, as a fraction, are at least p. */
  const ivec least = v_iset ((gint32)__builtin_ceil (p * 0x1p24));
  const vec scale = v_set (1 / (1 - p));
  wide blocks = first / 4 - (wide){ 0 };
  ivec numbers[2];
  gsize i = 0;

  for (int j = 0; j < BLOCKS; j++)
    blocks[j] += j;
  for (; i + 2 * V <= count; i += 2 * V, blocks += BLOCKS)
    {
      for (int j = 0; j < 2 * V; j += 16)
        {
          __builtin_prefetch (x + i + j + AHEAD, 0);
          __builtin_prefetch (y + i + j + AHEAD, 1);
        }
      philox (seed, stream, blocks, numbers);
      drop_vector (V, numbers[0], least, x + i, scale, y + i);
      drop_vector (V, numbers[1], least, x + i + V, scale, y + i + V);
    }
  if (i == count)
    return;
  philox (seed, stream, blocks, numbers);
  for (int j = 0; j < 2 && i < count; j++, i += V)
    drop_vector (MIN (V, count - i), numbers[j], least, x + i, scale, y + i);
}
