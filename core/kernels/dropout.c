/* Inverted dropout with the numbers of base/random.h, several blocks of
 * Philox 4x32-10 at once: one per 64-bit lane, the number in its lower half.
 */

#include "kernels/vec.h"

#define BLOCKS (V / 2)

typedef guint64 wide __attribute__ ((vector_size (V * 4)));
typedef guint64 wide_in_memory
    __attribute__ ((vector_size (V * 4), aligned (4), may_alias));

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

/* The numbers of `blocks`, in their order.  Above the lower half of a lane
 * there may be rubbish until the end. */
INLINE void
philox (guint64 seed, guint64 stream, wide blocks, guint32 *out)
{
  guint32 key0 = (guint32)seed, key1 = (guint32)(seed >> 32);
  wide c0 = blocks, c1 = blocks >> 32;
  wide c2 = (guint32)stream - (wide){ 0 }, c3 = (stream >> 32) - (wide){ 0 };
  wide first, second;

#pragma GCC unroll 10
  for (int i = 0; i < 10; i++)
    {
      const wide p0 = multiply (c0, 0xD2511F53u), p1 = multiply (c2, 0xCD9E8D57u);

      c0 = (p1 >> 32) ^ c1 ^ key0;
      c1 = p1;
      c2 = (p0 >> 32) ^ c3 ^ key1;
      c3 = p0;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
  first = (c0 & 0xffffffff) | c1 << 32;
  second = (c2 & 0xffffffff) | c3 << 32;
  for (int i = 0; i < BLOCKS; i++)
    {
      const guint64 pair[2] = { first[i], second[i] };

      memcpy (out + 4 * i, pair, sizeof pair);
    }
}

void
SET (dropout) (gsize count, const float *x, float p, guint64 seed, guint64 stream,
               guint64 first, float *y)
{
  /* Kept where the number's upper 24 bits, as a fraction, are at least p. */
  const gint32 least = (gint32)__builtin_ceil (p * 0x1p24);
  const float scale = 1 / (1 - p);
  guint32 numbers[4 * BLOCKS];
  wide blocks = first / 4 - (wide){ 0 };

  for (int i = 0; i < BLOCKS; i++)
    blocks[i] += i;
  for (gsize i = 0; i < count; i += 4 * BLOCKS, blocks += BLOCKS)
    {
      philox (seed, stream, blocks, numbers);
      for (gsize j = 0; j < MIN (4 * BLOCKS, count - i); j += V)
        {
          const int n = MIN (V, count - i - j);
          ivec bits;

          memcpy (&bits, numbers + j, sizeof bits);
          bits = (bits >> 8 & 0xffffff) >= v_iset (least);
          v_store_n (y + i + j,
                     (vec)((ivec)(v_load_n (x + i + j, n) * scale) & bits), n);
        }
    }
}
