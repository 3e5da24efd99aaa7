/* PSNR, L1, SSIM and MS-SSIM.
 *
 * SSIM: Z. Wang et al., "Image quality assessment: from error visibility to
 * structural similarity", 2004; MS-SSIM: Z. Wang et al., "Multiscale structural
 * similarity for image quality assessment", 2003.  The five blurred maps that
 * SSIM needs (a, b, a^2, b^2, ab) exist only as the rows under one window, per
 * thread; work is cut into strips of rows, whose sums are added in order.
 * Pictures are read row by row, from floats or from a picture in its own depth;
 * MS-SSIM keeps its halved pictures, half a float picture in all.
 */

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "apply/metrics.h"
#include "base/memory.h"

#define WINDOW 11
#define SIGMA 1.5
#define STRIP 64 /* rows of the map a task does */
#define LANES 16
#define N_SCALES 5
#define MAX_CHANNELS ATL_METRICS_MAX_CHANNELS

enum
{
  MAP_A,
  MAP_B,
  MAP_AA,
  MAP_BB,
  MAP_AB,
  N_MAPS
};

/* Rows of a picture as floats: of `floats`, or else converted from `picture`. */
typedef struct
{
  const float *floats;
  const AtlPicture *picture;
  int width, height, channels;
} Rows;

static const float *
get_row (const Rows *rows, int y, float *scratch)
{
  gsize length = (gsize)rows->width * rows->channels;

  if (rows->floats)
    return rows->floats + y * length;

  atl_picture_get (rows->picture, 0, y, rows->width, 1, rows->channels, scratch,
                   rows->channels, length);
  return scratch;
}

/* --- PSNR and L1 --- */

/* Sums over one row, in LANES partial sums: a fixed order that vectorises. */
static void
row_differences (const float *a, const float *b, gsize n, double *squared,
                 double *absolute)
{
  double s[LANES] = { 0 }, l[LANES] = { 0 };
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++)
      {
        float d = a[i + j] - b[i + j];

        s[j] += d * d;
        l[j] += fabsf (d);
      }
  for (; i < n; i++)
    {
      float d = a[i] - b[i];

      s[0] += d * d;
      l[0] += fabsf (d);
    }
  for (int j = 0; j < LANES; j++)
    {
      *squared += s[j];
      *absolute += l[j];
    }
}

static void
mean_differences (const float *a, const float *b, int width, int height,
                  int channels, double *squared, double *absolute)
{
  gsize row = (gsize)width * channels;

  *squared = *absolute = 0;
  for (int y = 0; y < height; y++)
    row_differences (a + y * row, b + y * row, row, squared, absolute);
  *squared /= (double)row * height;
  *absolute /= (double)row * height;
}

static double
psnr_of (double mean_squared)
{
  return mean_squared > 0 ? -10 * log10 (mean_squared) : INFINITY;
}

double
atl_psnr (const float *a, const float *b, int width, int height, int channels)
{
  double squared, absolute;

  mean_differences (a, b, width, height, channels, &squared, &absolute);
  return psnr_of (squared);
}

double
atl_l1 (const float *a, const float *b, int width, int height, int channels)
{
  double squared, absolute;

  mean_differences (a, b, width, height, channels, &squared, &absolute);
  return absolute;
}

/* --- SSIM --- */

typedef struct
{
  double ssim[MAX_CHANNELS], structure[MAX_CHANNELS];
  double squared, absolute;
} StripSums;

/* One comparison at one scale. */
typedef struct
{
  Rows a, b;
  int window_x, window_y; /* taps */
  float taps_x[WINDOW], taps_y[WINDOW];
  int map_width, map_height;
  gsize row, map_row; /* floats in a row of the picture and of a map */

  float *scratch; /* of all workers */
  gsize worker_scratch;
  StripSums *strips;
  int first_strip; /* of this batch */
} Ssim;

static int
make_window (int size, float *taps)
{
  int n = MIN (WINDOW, size - (size + 1) % 2);
  double sum = 0;

  for (int i = 0; i < n; i++)
    sum += exp (-0.5 * (i - n / 2) * (i - n / 2) / (SIGMA * SIGMA));
  for (int i = 0; i < n; i++)
    taps[i] = exp (-0.5 * (i - n / 2) * (i - n / 2) / (SIGMA * SIGMA)) / sum;
  return n;
}

/* out[i] = sum over taps k of taps[k] * in[i + k * step]. */
static void
blur (const float *in, gsize step, const float *taps, int n_taps, gsize n,
      float *out)
{
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    {
      float sum[LANES] = { 0 };

      for (int k = 0; k < n_taps; k++)
        for (int j = 0; j < LANES; j++)
          sum[j] += taps[k] * in[i + j + k * step];
      memcpy (out + i, sum, sizeof sum);
    }
  for (; i < n; i++)
    {
      float sum = 0;

      for (int k = 0; k < n_taps; k++)
        sum += taps[k] * in[i + k * step];
      out[i] = sum;
    }
}

/* The five maps of row y, blurred along the row, into maps[m * map_row].
 * Variances do not change if both pictures are shifted, and lose less to
 * rounding around zero; the means get the shift back later. */
#define SHIFT 0.5f

static void
blur_row (const Ssim *s, const float *a, const float *b, float *products,
          float *maps)
{
  gsize n = s->row;
  float *p[N_MAPS];

  for (int m = 0; m < N_MAPS; m++)
    p[m] = products + m * n;
  for (gsize i = 0; i < n; i++)
    {
      float x = a[i] - SHIFT, y = b[i] - SHIFT;

      p[MAP_A][i] = x;
      p[MAP_B][i] = y;
      p[MAP_AA][i] = x * x;
      p[MAP_BB][i] = y * y;
      p[MAP_AB][i] = x * y;
    }
  for (int m = 0; m < N_MAPS; m++)
    blur (p[m], s->a.channels, s->taps_x, s->window_x, s->map_row,
          maps + m * s->map_row);
}

/* The maps at [i, i + n), blurred down the ring's rows from `first` on. */
static void
blur_column (const Ssim *s, const float *ring, int first, gsize i, int n,
             float out[N_MAPS][LANES])
{
  for (int m = 0; m < N_MAPS; m++)
    {
      float sum[LANES] = { 0 };

      for (int k = 0; k < s->window_y; k++)
        {
          int slot = (first + k) % s->window_y;
          const float *in = ring + (slot * N_MAPS + m) * s->map_row + i;

          if (n == LANES)
            for (int j = 0; j < LANES; j++)
              sum[j] += s->taps_y[k] * in[j];
          else
            for (int j = 0; j < n; j++)
              sum[j] += s->taps_y[k] * in[j];
        }
      memcpy (out[m], sum, sizeof sum);
    }
}

static void
add_map_row (const Ssim *s, const float *ring, int first, StripSums *sums)
{
  const float c1 = 0.01f * 0.01f, c2 = 0.03f * 0.03f;
  int channel = 0;

  for (gsize i = 0; i < s->map_row; i += LANES)
    {
      int n = MIN (LANES, s->map_row - i);
      float m[N_MAPS][LANES], ssim[LANES], structure[LANES];

      blur_column (s, ring, first, i, n, m);
      for (int j = 0; j < LANES; j++)
        {
          float a = m[MAP_A][j], b = m[MAP_B][j];
          float va = m[MAP_AA][j] - a * a, vb = m[MAP_BB][j] - b * b;
          float cov = m[MAP_AB][j] - a * b;

          a += SHIFT;
          b += SHIFT;
          structure[j] = (2 * cov + c2) / (va + vb + c2);
          ssim[j] = structure[j] * (2 * a * b + c1) / (a * a + b * b + c1);
        }
      for (int j = 0; j < n; j++)
        {
          sums->ssim[channel] += ssim[j];
          sums->structure[channel] += structure[j];
          channel = channel + 1 < s->a.channels ? channel + 1 : 0;
        }
    }
}

static void
ssim_strip (gpointer data, gint64 task, int worker)
{
  const Ssim *s = data;
  int strip = s->first_strip + task;
  StripSums *sums = &s->strips[strip];
  float *ring = s->scratch + worker * s->worker_scratch;
  float *products = ring + s->window_y * N_MAPS * s->map_row;
  float *row_a = products + N_MAPS * s->row, *row_b = row_a + s->row;
  int first = strip * STRIP, last = MIN (first + STRIP, s->map_height);
  /* Each row of the picture counts once in the differences. */
  int own_end = last == s->map_height ? s->a.height : last;

  memset (sums, 0, sizeof *sums);
  for (int y = first; y < last + s->window_y - 1; y++)
    {
      const float *a = get_row (&s->a, y, row_a), *b = get_row (&s->b, y, row_b);
      int map_y = y - s->window_y + 1;

      if (y < own_end)
        row_differences (a, b, s->row, &sums->squared, &sums->absolute);
      blur_row (s, a, b, products, ring + (y % s->window_y) * N_MAPS * s->map_row);
      if (map_y >= first)
        add_map_row (s, ring, map_y % s->window_y, sums);
    }
}

static void
add_strips (const Ssim *s, int n_strips, StripSums *means)
{
  double map = (double)s->map_width * s->map_height;
  double all = (double)s->row * s->a.height;

  memset (means, 0, sizeof *means);
  for (int i = 0; i < n_strips; i++)
    {
      means->squared += s->strips[i].squared / all;
      means->absolute += s->strips[i].absolute / all;
      for (int c = 0; c < s->a.channels; c++)
        {
          means->ssim[c] += s->strips[i].ssim[c] / map;
          means->structure[c] += s->strips[i].structure[c] / map;
        }
    }
}

static gboolean
no_memory (const Rows *rows, GError **error)
{
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
               _ ("Too little memory to compare two pictures of %dx%d; close other "
                  "programs or compare smaller ones"),
               rows->width, rows->height);
  return FALSE;
}

/* Means over the map, of each channel, and over the picture. */
static gboolean
ssim_means (AtlPool *pool, const Rows *a, const Rows *b,
            const AtlProgress *progress, StripSums *means, GError **error)
{
  Ssim s = { .a = *a, .b = *b };
  int n_strips, batch = 4 * atl_pool_get_n_threads (pool);
  gboolean ok;

  s.window_x = make_window (a->width, s.taps_x);
  s.window_y = make_window (a->height, s.taps_y);
  s.map_width = a->width - s.window_x + 1;
  s.map_height = a->height - s.window_y + 1;
  s.row = (gsize)a->width * a->channels;
  s.map_row = (gsize)s.map_width * a->channels;
  s.worker_scratch = s.window_y * N_MAPS * s.map_row + (N_MAPS + 2) * s.row;
  n_strips = (s.map_height + STRIP - 1) / STRIP;
  s.scratch = atl_try_alloc (atl_pool_get_n_threads (pool),
                             s.worker_scratch * sizeof (float), "SSIM", NULL);
  s.strips = atl_try_alloc (n_strips, sizeof *s.strips, "SSIM", NULL);
  ok = (s.scratch && s.strips) || no_memory (a, error);

  for (; ok && s.first_strip < n_strips; s.first_strip += batch)
    {
      atl_pool_run (pool, MIN (batch, n_strips - s.first_strip), ssim_strip, &s);
      ok = atl_progress_update (progress,
                                MIN (1, (double)(s.first_strip + batch) / n_strips),
                                NULL, error);
    }
  if (ok)
    add_strips (&s, n_strips, means);
  atl_free (s.scratch);
  atl_free (s.strips);
  return ok;
}

static double
channel_mean (const double *values, int channels)
{
  double sum = 0;

  for (int c = 0; c < channels; c++)
    sum += values[c];
  return sum / channels;
}

double
atl_ssim (AtlPool *pool, const float *a, const float *b, int width, int height,
          int channels)
{
  Rows rows_a = { a, NULL, width, height, channels };
  Rows rows_b = { b, NULL, width, height, channels };
  StripSums means;

  g_return_val_if_fail (channels >= 1 && channels <= MAX_CHANNELS, NAN);

  if (!ssim_means (pool, &rows_a, &rows_b, NULL, &means, NULL))
    return NAN;
  return channel_mean (means.ssim, channels);
}

/* --- MS-SSIM --- */

/* Halves both sides: means of 2x2, the last row and column repeated where the
 * size is odd. */
typedef struct
{
  Rows in;
  float *out;
  float *scratch; /* two rows a worker */
} Halve;

static void
halve_row (gpointer data, gint64 task, int worker)
{
  const Halve *h = data;
  int width = (h->in.width + 1) / 2, channels = h->in.channels;
  gsize row = (gsize)h->in.width * channels;
  float *scratch = h->scratch ? h->scratch + worker * 2 * row : NULL;
  const float *top, *bottom;
  float *out = h->out + task * width * channels;

  top = get_row (&h->in, 2 * task, scratch);
  bottom = get_row (&h->in, MIN (2 * (int)task + 1, h->in.height - 1),
                    scratch ? scratch + row : NULL);
  for (int x = 0; x < width; x++)
    {
      gsize left = 2 * x * channels;
      gsize right = MIN (2 * x + 1, h->in.width - 1) * channels;

      for (int c = 0; c < channels; c++)
        out[x * channels + c] = 0.25f
                                * (top[left + c] + top[right + c] + bottom[left + c]
                                   + bottom[right + c]);
    }
}

static float *
halve (AtlPool *pool, const Rows *in)
{
  gsize row = (gsize)in->width * in->channels;
  gsize n = (gsize)((in->width + 1) / 2) * in->channels * ((in->height + 1) / 2);
  Halve h = { .in = *in };

  h.out = atl_try_alloc (n, sizeof (float), "MS-SSIM", NULL);
  if (!in->floats)
    h.scratch = atl_try_alloc (atl_pool_get_n_threads (pool) * 2 * row,
                               sizeof (float), "MS-SSIM", NULL);
  if (!h.out || (!in->floats && !h.scratch))
    g_clear_pointer (&h.out, atl_free);
  else
    atl_pool_run (pool, (in->height + 1) / 2, halve_row, &h);
  atl_free (h.scratch);
  return h.out;
}

/* Puts the halved picture in the place of `rows`, whose floats were `owned`. */
static gboolean
replace_by_half (AtlPool *pool, Rows *rows, float **owned)
{
  float *half = halve (pool, rows);

  atl_free (*owned);
  *owned = half;
  *rows = (Rows){ half, NULL, (rows->width + 1) / 2, (rows->height + 1) / 2,
                  rows->channels };
  return half != NULL;
}

static const double scale_weights[N_SCALES] = { .0448, .2856, .3001, .2363, .1333 };

/* Of scale i where n of them fit: the weights' sum, 1.0001, is kept. */
static double
scale_weight (int i, int n)
{
  double all = 0, used = 0;

  for (int j = 0; j < N_SCALES; j++)
    {
      all += scale_weights[j];
      used += j < n ? scale_weights[j] : 0;
    }
  return scale_weights[i] * all / used;
}

static int
count_scales (int width, int height)
{
  int n = 0;

  while (n < N_SCALES && MIN (width, height) >= WINDOW)
    {
      n++;
      width = (width + 1) / 2;
      height = (height + 1) / 2;
    }
  return MAX (n, 1);
}

/* The product over scales of structure, and at the last of SSIM, each to the
 * power of its weight; first: the means at full size. */
static gboolean
ms_ssim_of (AtlPool *pool, Rows a, Rows b, const AtlProgress *progress,
            StripSums *first, double *ms_ssim, GError **error)
{
  int n_scales = count_scales (a.width, a.height), channels = a.channels;
  const Rows whole = a;
  double product[MAX_CHANNELS] = { 1, 1, 1, 1 };
  atl_autofree float *owned_a = NULL;
  atl_autofree float *owned_b = NULL;
  AtlProgressPart part;

  for (int i = 0; i < n_scales; i++)
    {
      /* A scale has a quarter of the work of the one before. */
      const AtlProgress *here = atl_progress_part (
          &part, progress, 1 - pow (0.25, i), 1 - pow (0.25, i + 1));
      StripSums means;

      if (i > 0
          && (!replace_by_half (pool, &a, &owned_a)
              || !replace_by_half (pool, &b, &owned_b)))
        return no_memory (&whole, error);
      if (!ssim_means (pool, &a, &b, here, &means, error))
        return FALSE;
      if (i == 0)
        *first = means;
      for (int c = 0; c < channels; c++)
        {
          double factor = i + 1 < n_scales ? means.structure[c] : means.ssim[c];

          product[c] *= pow (MAX (factor, 0), scale_weight (i, n_scales));
        }
    }
  *ms_ssim = channel_mean (product, channels);
  return TRUE;
}

double
atl_ms_ssim (AtlPool *pool, const float *a, const float *b, int width, int height,
             int channels)
{
  Rows rows_a = { a, NULL, width, height, channels };
  Rows rows_b = { b, NULL, width, height, channels };
  StripSums means;
  double ms_ssim;

  g_return_val_if_fail (channels >= 1 && channels <= MAX_CHANNELS, NAN);

  if (!ms_ssim_of (pool, rows_a, rows_b, NULL, &means, &ms_ssim, NULL))
    return NAN;
  return ms_ssim;
}

static gboolean
compare (AtlPool *pool, Rows a, Rows b, const AtlProgress *progress,
         AtlComparison *comparison, GError **error)
{
  StripSums means;

  if (!ms_ssim_of (pool, a, b, progress, &means, &comparison->ms_ssim, error))
    return FALSE;
  comparison->ssim = channel_mean (means.ssim, a.channels);
  comparison->psnr = psnr_of (means.squared);
  comparison->l1 = means.absolute;
  return TRUE;
}

gboolean
atl_compare_floats (AtlPool *pool, const float *a, const float *b, int width,
                    int height, int channels, const AtlProgress *progress,
                    AtlComparison *comparison, GError **error)
{
  Rows rows_a = { a, NULL, width, height, channels };
  Rows rows_b = { b, NULL, width, height, channels };

  return compare (pool, rows_a, rows_b, progress, comparison, error);
}

gboolean
atl_compare_pictures (AtlPool *pool, const AtlPicture *a, const AtlPicture *b,
                      const AtlProgress *progress, AtlComparison *comparison,
                      GError **error)
{
  Rows rows_a = { NULL, a, a->width, a->height, a->channels };
  Rows rows_b = { NULL, b, b->width, b->height, b->channels };

  if (a->width != b->width || a->height != b->height || a->channels != b->channels)
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
          _ ("A picture of %dx%d with %d channels can't be compared to one "
             "of %dx%d with %d; sizes and channels must be the same"),
          a->width, a->height, a->channels, b->width, b->height, b->channels);
      return FALSE;
    }
  return compare (pool, rows_a, rows_b, progress, comparison, error);
}
