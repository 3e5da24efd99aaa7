/* Traces of JPEG, in floats; see damage.h.
 *
 * ITU-T T.81: Y Cb Cr by Rec. 601, 8x8 DCT, the tables of annex K scaled by
 * quality as libjpeg does, coefficients rounded, and back; chroma averaged over
 * 2x2 and interpolated as libjpeg's "fancy upsampling" does.  The entropy coder
 * is left out, as it loses nothing.  Samples are rounded to 8 bits wherever a
 * codec has them as such.
 */

#include "train/damage.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

static const guint8 luma_table[64]
    = { 16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
        14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
        18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99 };

static const guint8 chroma_table[64]
    = { 17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99 };

/* Values of a plane are whole numbers, -128 to 127. */
typedef struct
{
  int width, height; /* multiples of 8 */
  float *values;
} Plane;

/* As rintf, for values under 2^22, without a call. */
static inline float
round_even (float v)
{
  return (v + 0x1.8p23f) - 0x1.8p23f;
}

static void
scale_table (const guint8 base[64], float quality, float table[64])
{
  float scale = quality < 50 ? 5000.0f / MAX (quality, 1.0f)
                             : 200.0f - 2.0f * MIN (quality, 100.0f);

  for (int i = 0; i < 64; i++)
    table[i] = CLAMP (floorf ((base[i] * scale + 50.0f) / 100.0f), 1.0f, 255.0f);
}

/* basis[u][x] of the orthonormal DCT-II. */
static void
make_basis (float basis[8][8])
{
  for (int u = 0; u < 8; u++)
    for (int x = 0; x < 8; x++)
      basis[u][x] = (float)((u ? 0.5 : 0.5 * G_SQRT2 / 2)
                            * cos ((2 * x + 1) * u * G_PI / 16));
}

/* out = left * in * right, all 8x8. */
static void
sandwich (const float left[8][8], const float in[8][8], const float right[8][8],
          float out[8][8])
{
  float half[8][8] = { 0 };

  memset (out, 0, 64 * sizeof (float));
  for (int i = 0; i < 8; i++)
    for (int k = 0; k < 8; k++)
      for (int j = 0; j < 8; j++)
        half[i][j] += left[i][k] * in[k][j];
  for (int i = 0; i < 8; i++)
    for (int k = 0; k < 8; k++)
      for (int j = 0; j < 8; j++)
        out[i][j] += half[i][k] * right[k][j];
}

static void
quantise_plane (const Plane *plane, const guint8 base[64], float quality)
{
  float table[64], basis[8][8], transposed[8][8], block[8][8], freq[8][8];

  scale_table (base, quality, table);
  make_basis (basis);
  for (int u = 0; u < 8; u++)
    for (int x = 0; x < 8; x++)
      transposed[x][u] = basis[u][x];

  for (int y = 0; y < plane->height; y += 8)
    for (int x = 0; x < plane->width; x += 8)
      {
        float *at = plane->values + (gsize)y * plane->width + x;

        for (int i = 0; i < 8; i++)
          memcpy (block[i], at + (gsize)i * plane->width, sizeof block[i]);
        sandwich (basis, block, transposed, freq);
        for (int i = 0; i < 64; i++)
          freq[i / 8][i % 8]
              = round_even (freq[i / 8][i % 8] / table[i]) * table[i];
        sandwich (transposed, freq, basis, block);
        for (int i = 0; i < 64; i++)
          at[(gsize)(i / 8) * plane->width + i % 8]
              = CLAMP (round_even (block[i / 8][i % 8]), -128.0f, 127.0f);
      }
}

static void
halve (const Plane *from, const Plane *to)
{
  for (int y = 0; y < to->height; y++)
    for (int x = 0; x < to->width; x++)
      {
        const float *p = from->values + (gsize)2 * y * from->width + 2 * x;

        to->values[(gsize)y * to->width + x] = round_even (
            0.25f * (p[0] + p[1] + p[from->width] + p[from->width + 1]));
      }
}

/* 3/4 of the nearer and 1/4 of the further sample, in both directions. */
static void
double_size (const Plane *from, const Plane *to)
{
  for (int y = 0; y < to->height; y++)
    {
      int near_y = y / 2;
      int far_y = CLAMP (near_y + (y % 2 ? 1 : -1), 0, from->height - 1);
      const float *near_row = from->values + (gsize)near_y * from->width;
      const float *far_row = from->values + (gsize)far_y * from->width;

      for (int x = 0; x < to->width; x++)
        {
          int near_x = x / 2;
          int far_x = CLAMP (near_x + (x % 2 ? 1 : -1), 0, from->width - 1);
          float near_value = 0.75f * near_row[near_x] + 0.25f * far_row[near_x];
          float far_value = 0.75f * near_row[far_x] + 0.25f * far_row[far_x];

          to->values[(gsize)y * to->width + x]
              = round_even (0.75f * near_value + 0.25f * far_value);
        }
    }
}

/* Rows and columns beyond the picture repeat its edge. */
static void
to_planes (const AtlPlate *plate, int x0, int y0, Plane planes[3])
{
  for (int y = 0; y < planes[0].height; y++)
    for (int x = 0; x < planes[0].width; x++)
      {
        int px = CLAMP (x - x0, 0, plate->width - 1);
        int py = CLAMP (y - y0, 0, plate->height - 1);
        const float *p
            = plate->pixels + ((gsize)py * plate->width + px) * plate->channels;
        gsize at = (gsize)y * planes[0].width + x;

        if (plate->channels == 1)
          {
            planes[0].values[at] = round_even (255.0f * p[0]) - 128.0f;
            continue;
          }
        planes[0].values[at]
            = round_even (255.0f * (0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]))
              - 128.0f;
        planes[1].values[at] = round_even (
            255.0f * (-0.168736f * p[0] - 0.331264f * p[1] + 0.5f * p[2]));
        planes[2].values[at] = round_even (
            255.0f * (0.5f * p[0] - 0.418688f * p[1] - 0.081312f * p[2]));
      }
}

static inline float
to_8_bits (float v)
{
  v = round_even (v);
  return (v < 0.0f ? 0.0f : v > 255.0f ? 255.0f : v) / 255.0f;
}

static void
from_planes (const AtlPlate *plate, int x0, int y0, const Plane planes[3])
{
  for (int y = 0; y < plate->height; y++)
    for (int x = 0; x < plate->width; x++)
      {
        gsize at = (gsize)(y + y0) * planes[0].width + x + x0;
        float *p = plate->pixels + ((gsize)y * plate->width + x) * plate->channels;
        float luma = planes[0].values[at] + 128.0f, cb, cr;

        if (plate->channels == 1)
          {
            p[0] = to_8_bits (luma);
            continue;
          }
        cb = planes[1].values[at];
        cr = planes[2].values[at];
        p[0] = to_8_bits (luma + 1.402f * cr);
        p[1] = to_8_bits (luma - 0.344136f * cb - 0.714136f * cr);
        p[2] = to_8_bits (luma + 1.772f * cb);
      }
}

gboolean
atl_damage_jpeg (const AtlPlate *plate, float quality, gboolean halved, int x0,
                 int y0, GError **error)
{
  int width = (plate->width + x0 + 15) & ~15;
  int height = (plate->height + y0 + 15) & ~15;
  gsize size = (gsize)width * height;
  int n_planes = plate->channels == 3 ? 3 : 1;
  Plane planes[3], small;
  float *memory = atl_try_alloc (size * n_planes + size / 4, sizeof (float),
                                 "a picture compressed as JPEG", error);

  if (!memory)
    return FALSE;
  for (int i = 0; i < 3; i++)
    planes[i] = (Plane){ width, height, memory + (i < n_planes ? i * size : 0) };
  small = (Plane){ width / 2, height / 2, memory + size * n_planes };

  to_planes (plate, x0, y0, planes);
  quantise_plane (&planes[0], luma_table, quality);
  for (int i = 1; i < n_planes; i++)
    if (halved)
      {
        halve (&planes[i], &small);
        quantise_plane (&small, chroma_table, quality);
        double_size (&small, &planes[i]);
      }
    else
      quantise_plane (&planes[i], chroma_table, quality);
  from_planes (plate, x0, y0, planes);
  atl_free (memory);
  return TRUE;
}
