/* Float to IEEE half precision, rounding to nearest even; infinities and NaNs
 * stay what they are.  By the CPU's instructions where it has them, else on the
 * bits (after F. Giesen's public-domain float_to_half_fast3_rtne).  The way back
 * is atl_tensor_to_float.
 */

#include "kernels/vec.h"

static inline float
as_float (guint32 bits)
{
  float x;

  memcpy (&x, &bits, sizeof x);
  return x;
}

static inline guint32
as_bits (float x)
{
  guint32 bits;

  memcpy (&bits, &x, sizeof bits);
  return bits;
}

static inline guint16
to_half (float x)
{
  const guint32 bits = as_bits (x) & 0x7fffffff;
  const guint16 sign = as_bits (x) >> 16 & 0x8000;
  guint32 result;

  if (bits >= 0x47800000) /* 2^16: too large, infinite or not a number */
    result = bits > 0x7f800000 ? 0x7e00 | (bits >> 13 & 0x3ff) : 0x7c00;
  else if (bits < 0x38800000) /* 2^-14: the sum rounds to units of 2^-24 */
    result = as_bits (as_float (bits) + 0.5f) - as_bits (0.5f);
  else
    result = (bits - 0x38000000 + 0xfff + (bits >> 13 & 1)) >> 13;
  return sign | result;
}

void
SET (float_to_half) (gsize n, const float *in, guint16 *out)
{
  gsize i = 0;

#if defined __AVX512F__
  for (; i + V <= n; i += V)
    _mm256_storeu_si256 (
        (void *)(out + i),
        _mm512_cvtps_ph (_mm512_loadu_ps (in + i), _MM_FROUND_TO_NEAREST_INT));
#elif defined __F16C__
  for (; i + V <= n; i += V)
    _mm_storeu_si128 (
        (void *)(out + i),
        _mm256_cvtps_ph (_mm256_loadu_ps (in + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < n; i++)
    out[i] = to_half (in[i]);
}
