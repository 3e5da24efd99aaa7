/* One vector of floats, as wide as the instruction set has.
 *
 * Arithmetic is GCC's on vector types (which clang knows too); here is what
 * that lacks.  V is the number of lanes.  Loads and stores need no alignment;
 * the _n ones touch only the first n lanes' memory (n <= V; loads give zero in
 * the others), and cost nothing extra where n is the constant V.
 */

#pragma once

#include <string.h>

#include "kernels/set.h"

#if defined __x86_64__ || defined __i386__
#include <immintrin.h>
#endif

#if defined __AVX512F__
#define V 16
#elif defined __AVX2__
#define V 8
#else
#define V 4
#endif

typedef float vec __attribute__ ((vector_size (V * 4)));
typedef gint32 ivec __attribute__ ((vector_size (V * 4)));
typedef float vec_in_memory
    __attribute__ ((vector_size (V * 4), aligned (4), may_alias));

INLINE vec
v_set (float x)
{
  return x - (vec){ 0 };
}

INLINE ivec
v_iset (gint32 x)
{
  return x - (ivec){ 0 };
}

INLINE vec
v_load (const float *p)
{
  return *(const vec_in_memory *)p;
}

INLINE void
v_store (float *p, vec x)
{
  *(vec_in_memory *)p = x;
}

#if defined __AVX512F__

INLINE vec
v_load_n (const float *p, int n)
{
  return n == V ? v_load (p) : (vec)_mm512_maskz_loadu_ps ((1u << n) - 1, p);
}

INLINE void
v_store_n (float *p, vec x, int n)
{
  if (n == V)
    v_store (p, x);
  else
    _mm512_mask_storeu_ps (p, (1u << n) - 1, (__m512)x);
}

/* These give b where either is a NaN. */
INLINE vec
v_min (vec a, vec b)
{
  return (vec)_mm512_min_ps ((__m512)a, (__m512)b);
}

INLINE vec
v_max (vec a, vec b)
{
  return (vec)_mm512_max_ps ((__m512)a, (__m512)b);
}

INLINE vec
v_sqrt (vec x)
{
  return (vec)_mm512_sqrt_ps ((__m512)x);
}

/* x < y ? a : b, lane by lane */
INLINE vec
v_if_less (vec x, vec y, vec a, vec b)
{
  return (vec)_mm512_mask_blend_ps (
      _mm512_cmp_ps_mask ((__m512)x, (__m512)y, _CMP_LT_OQ), (__m512)b, (__m512)a);
}

#else

INLINE vec
v_load_n (const float *p, int n)
{
  vec x = { 0 };

  if (n == V)
    return v_load (p);
#if defined __AVX2__
  const ivec lane = { 0, 1, 2, 3, 4, 5, 6, 7 };

  x = (vec)_mm256_maskload_ps (p, (__m256i)(lane < v_iset (n)));
#else
  for (int i = 0; i < n; i++)
    x[i] = p[i];
#endif
  return x;
}

/* Not AVX's masked store, which is slow on some CPUs. */
INLINE void
v_store_n (float *p, vec x, int n)
{
  if (n == V)
    v_store (p, x);
  else
    for (int i = 0; i < n; i++)
      p[i] = x[i];
}

INLINE vec
v_if_less (vec x, vec y, vec a, vec b)
{
  const ivec mask = x < y;

#if defined __AVX2__
  return (vec)_mm256_blendv_ps ((__m256)b, (__m256)a, (__m256)mask);
#else
  return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
#endif
}

INLINE vec
v_min (vec a, vec b)
{
  return v_if_less (a, b, a, b);
}

INLINE vec
v_max (vec a, vec b)
{
  return v_if_less (b, a, a, b);
}

INLINE vec
v_sqrt (vec x)
{
#if defined __AVX2__
  return (vec)_mm256_sqrt_ps ((__m256)x);
#elif defined __SSE2__
  return (vec)_mm_sqrt_ps ((__m128)x);
#else
  for (int i = 0; i < V; i++)
    x[i] = __builtin_sqrtf (x[i]);
  return x;
#endif
}

#endif

/* tanh, to a relative error of 2e-7 for every x, NaN included: by
 * e^z - 1 = 2^n (e^r - 1) + (2^n - 1), z = n ln 2 + r, which is exact near 0
 * too; tanh |x| = (e^2|x| - 1) / (e^2|x| + 1). */
INLINE vec
v_tanh (vec x)
{
  const vec magic = v_set (0x1.8p23f); /* adding it rounds to an integer */
  const ivec sign = (ivec)x & v_iset (G_MININT32);
  const vec z = v_min (v_set (20), (vec)((ivec)(x + x) & v_iset (G_MAXINT32)));
  const vec t = z * 0x1.715476p0f + magic;
  const vec n = t - magic;
  const vec r = (z - n * 0x1.62e400p-1f) - n * 0x1.7f7d1cp-20f;
  const vec two_n = (vec)(((ivec)t << 23) + v_iset (127 << 23));
  vec e = r * (1 / 5040.f) + 1 / 720.f;

  e = e * r + 1 / 120.f;
  e = e * r + 1 / 24.f;
  e = e * r + 1 / 6.f;
  e = e * r + .5f;
  e = e * (r * r) + r;
  e = two_n * e + (two_n - 1);
  return (vec)((ivec)(e / (e + 2)) | sign);
}

/* Called with a constant activation, so that nothing is decided per vector.
 * A NaN stays one in each. */
INLINE vec
v_activate (vec x, AtlActivation activation, vec slope)
{
  switch (activation)
    {
    case ATL_ACTIVATION_RELU:
      return v_max (v_set (0), x);
    case ATL_ACTIVATION_LEAKY_RELU:
      return v_if_less (x, v_set (0), x * slope, x);
    case ATL_ACTIVATION_TANH:
      return v_tanh (x);
    case ATL_ACTIVATION_NONE:
    default:
      return x;
    }
}

/* Expands to one call of FUNCTION per activation, each with a constant. */
#define WITH_CONSTANT_ACTIVATION(activation, FUNCTION, ...)                        \
  switch (activation)                                                              \
    {                                                                              \
    case ATL_ACTIVATION_RELU:                                                      \
      FUNCTION (ATL_ACTIVATION_RELU, __VA_ARGS__);                                 \
      break;                                                                       \
    case ATL_ACTIVATION_LEAKY_RELU:                                                \
      FUNCTION (ATL_ACTIVATION_LEAKY_RELU, __VA_ARGS__);                           \
      break;                                                                       \
    case ATL_ACTIVATION_TANH:                                                      \
      FUNCTION (ATL_ACTIVATION_TANH, __VA_ARGS__);                                 \
      break;                                                                       \
    case ATL_ACTIVATION_NONE:                                                      \
    default:                                                                       \
      FUNCTION (ATL_ACTIVATION_NONE, __VA_ARGS__);                                 \
    }
