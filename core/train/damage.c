/* Noise, blur and greyscale; see damage.h.  JPEG is in damage-jpeg.c.
 *
 * Noise is drawn in blocks of the counter-based generator, four numbers at a
 * time by Box and Muller.  Camera shake is one arc, drawn as an anti-aliased
 * line of constant speed whose centre of gravity stays where it was, so that
 * the blurred picture is not shifted against the sharp one.
 */

#include "train/damage.h"

#include <math.h>
#include <string.h>

#include "base/colour.h"
#include "base/memory.h"

#define BLOCK 1024 /* normals drawn at once; a multiple of 4 */

static inline float
clamp01 (float v)
{
  return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}

/* n a multiple of 4. */
static void
fill_normals (AtlRandom *random, float *out, int n)
{
  guint64 block = (random->counter + 3) / 4;

  for (int i = 0; i < n; i += 4, block++)
    {
      guint32 bits[4];

      atl_random_block (random->seed, random->stream, block, bits);
      for (int k = 0; k < 4; k += 2)
        {
          float u = ((float)(bits[k] >> 8) + 1.0f) * 0x1p-24f; /* (0, 1] */
          float v = (float)(bits[k + 1] >> 8) * (float)(2.0 * G_PI * 0x1p-24);
          float r = sqrtf (-2.0f * logf (u));

          out[i + k] = r * cosf (v);
          out[i + k + 1] = r * sinf (v);
        }
    }
  random->counter = block * 4;
}

void
atl_damage_noise (const AtlPlate *plate, AtlRandom *random, float sigma,
                  gboolean signal)
{
  gsize n = (gsize)plate->width * plate->height * plate->channels;
  float normals[BLOCK];

  for (gsize at = 0; at < n; at += BLOCK)
    {
      float *pixels = plate->pixels + at;
      int count = (int)MIN (n - at, BLOCK);

      fill_normals (random, normals, (count + 3) & ~3);
      for (int i = 0; i < count; i++)
        {
          float v = pixels[i];
          float s = signal ? sigma * sqrtf (0.1f + 0.9f * v) : sigma;

          pixels[i] = clamp01 (v + s * normals[i]);
        }
    }
}

void
atl_damage_salt (const AtlPlate *plate, AtlRandom *random, float share)
{
  gsize n = (gsize)plate->width * plate->height;
  guint64 block = (random->counter + 3) / 4;
  guint32 threshold = (guint32)(CLAMP (share, 0.0f, 1.0f) * 0x7fffffff);

  for (gsize at = 0; at < n; at += 4, block++)
    {
      guint32 bits[4];

      atl_random_block (random->seed, random->stream, block, bits);
      for (gsize i = at; i < MIN (at + 4, n); i++)
        {
          guint32 b = bits[i - at];

          if (b >> 1 < threshold)
            for (int c = 0; c < plate->channels; c++)
              plate->pixels[i * plate->channels + c] = (float)(b & 1);
        }
    }
  random->counter = block * 4;
}

void
atl_damage_grey (const AtlPlate *plate)
{
  gsize n = (gsize)plate->width * plate->height;

  if (plate->channels != 3)
    return;
  for (gsize i = 0; i < n; i++)
    {
      float *p = plate->pixels + 3 * i;

      p[0] = p[1] = p[2] = clamp01 (atl_luma (p));
    }
}

/* One line of n pixels, `stride` floats apart, convolved with kernel[-r..r];
 * line: room for n + 2 r pixels of `channels`. */
static void
blur_line (float *pixels, gsize stride, int n, int channels, const float *kernel,
           int r, float *line)
{
  for (int i = -r; i < n + r; i++)
    memcpy (line + (gsize)(i + r) * channels, pixels + CLAMP (i, 0, n - 1) * stride,
            channels * sizeof (float));
  for (int i = 0; i < n; i++)
    for (int c = 0; c < channels; c++)
      {
        const float *from = line + (gsize)i * channels + c;
        float sum = 0.0f;

        for (int k = 0; k <= 2 * r; k++)
          sum += kernel[k] * from[k * channels];
        pixels[i * stride + c] = clamp01 (sum);
      }
}

/* All rows at once, from a copy: contiguous in both directions. */
static void
blur_columns (const AtlPlate *plate, const float *kernel, int r, float *copy)
{
  gsize row = (gsize)plate->width * plate->channels;

  memcpy (copy, plate->pixels, row * plate->height * sizeof (float));
  for (int y = 0; y < plate->height; y++)
    {
      float *out = plate->pixels + y * row;

      memset (out, 0, row * sizeof (float));
      for (int k = -r; k <= r; k++)
        {
          const float *from
              = copy + (gsize)CLAMP (y + k, 0, plate->height - 1) * row;
          float w = kernel[k + r];

          for (gsize i = 0; i < row; i++)
            out[i] += w * from[i];
        }
      for (gsize i = 0; i < row; i++)
        out[i] = clamp01 (out[i]);
    }
}

gboolean
atl_damage_blur (const AtlPlate *plate, float sigma, GError **error)
{
  gsize row = (gsize)plate->width * plate->channels;
  int r = (int)ceilf (3.0f * sigma);
  float kernel[2 * 30 + 1], sum = 0.0f;
  float *copy, *line;

  if (sigma < 0.1f)
    return TRUE;
  r = MIN (r, 30);
  for (int k = -r; k <= r; k++)
    sum += kernel[k + r] = expf (-0.5f * k * k / (sigma * sigma));
  for (int k = 0; k <= 2 * r; k++)
    kernel[k] /= sum;

  copy = atl_try_alloc (row * plate->height + row + 2 * r * plate->channels,
                        sizeof (float), "a blurred picture", error);
  if (!copy)
    return FALSE;
  line = copy + row * plate->height;
  for (int y = 0; y < plate->height; y++)
    blur_line (plate->pixels + y * row, plate->channels, plate->width,
               plate->channels, kernel, r, line);
  blur_columns (plate, kernel, r, copy);
  atl_free (copy);
  return TRUE;
}

#define ARC_RADIUS 36 /* reach of an arc of 64 pixels, and rounding */
#define ARC_SIDE (2 * ARC_RADIUS + 1)

typedef struct
{
  int x, y;
  float weight;
} Tap;

/* A point of the arc at t in [-1/2, 1/2]. */
static void
arc_point (float length, float angle, float bend, float t, float *x, float *y)
{
  float along = length * t, across = length * bend * (4.0f * t * t - 1.0f / 3);

  *x = along * cosf (angle) - across * sinf (angle);
  *y = along * sinf (angle) + across * cosf (angle);
}

/* Splats the arc with bilinear weights; across has mean 0, and so the centre of
 * gravity is the origin.  grid: to work in, zeros. */
static int
draw_arc (float length, float angle, float bend, float *grid, Tap *taps)
{
  int n_points = MAX (2, (int)ceilf (length * 8.0f)), n_taps = 0;
  float each = 1.0f / n_points;

  for (int i = 0; i < n_points; i++)
    {
      float x, y, fx, fy;
      int ix, iy;

      arc_point (length, angle, bend, (i + 0.5f) * each - 0.5f, &x, &y);
      fx = x + ARC_RADIUS;
      fy = y + ARC_RADIUS;
      ix = CLAMP ((int)floorf (fx), 0, ARC_SIDE - 2);
      iy = CLAMP ((int)floorf (fy), 0, ARC_SIDE - 2);
      fx -= ix;
      fy -= iy;
      grid[iy * ARC_SIDE + ix] += each * (1 - fx) * (1 - fy);
      grid[iy * ARC_SIDE + ix + 1] += each * fx * (1 - fy);
      grid[(iy + 1) * ARC_SIDE + ix] += each * (1 - fx) * fy;
      grid[(iy + 1) * ARC_SIDE + ix + 1] += each * fx * fy;
    }
  for (int i = 0; i < ARC_SIDE * ARC_SIDE; i++)
    if (grid[i] > 0.0f)
      taps[n_taps++]
          = (Tap){ i % ARC_SIDE - ARC_RADIUS, i / ARC_SIDE - ARC_RADIUS, grid[i] };
  return n_taps;
}

/* Adds weight * source, shifted by (dx, dy), to one row of out. */
static void
add_shifted_row (const AtlPlate *plate, const float *source, int y, const Tap *tap,
                 float *out)
{
  int channels = plate->channels, width = plate->width;
  int from_y = CLAMP (y + tap->y, 0, plate->height - 1);
  const float *from = source + (gsize)from_y * width * channels;
  int first = CLAMP (-tap->x, 0, width), last = CLAMP (width - tap->x, 0, width);

  for (int x = 0; x < first; x++)
    for (int c = 0; c < channels; c++)
      out[x * channels + c] += tap->weight * from[c];
  for (int i = first * channels; i < last * channels; i++)
    out[i] += tap->weight * from[i + tap->x * channels];
  for (int x = MAX (last, first); x < width; x++)
    for (int c = 0; c < channels; c++)
      out[x * channels + c] += tap->weight * from[(width - 1) * channels + c];
}

gboolean
atl_damage_motion (const AtlPlate *plate, float length, float angle, float bend,
                   GError **error)
{
  gsize row = (gsize)plate->width * plate->channels;
  atl_autofree Tap *taps = NULL;
  atl_autofree float *copy = NULL, *grid = NULL;
  int n_taps;

  if (length < 0.25f)
    return TRUE;
  copy = atl_try_alloc (row * plate->height, sizeof (float), "a blurred picture",
                        error);
  if (copy)
    taps = atl_try_alloc (ARC_SIDE * ARC_SIDE, sizeof *taps, "a blurred picture",
                          error);
  if (taps)
    grid = atl_try_alloc0 (ARC_SIDE * ARC_SIDE, sizeof *grid, "a blurred picture",
                           error);
  if (!grid)
    return FALSE;
  n_taps = draw_arc (MIN (length, 64.0f), angle, bend, grid, taps);
  memcpy (copy, plate->pixels, row * plate->height * sizeof (float));
  for (int y = 0; y < plate->height; y++)
    {
      float *out = plate->pixels + y * row;

      memset (out, 0, row * sizeof (float));
      for (int i = 0; i < n_taps; i++)
        add_shifted_row (plate, copy, y, taps + i, out);
      for (gsize i = 0; i < row; i++)
        out[i] = clamp01 (out[i]);
    }
  return TRUE;
}
