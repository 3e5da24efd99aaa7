/* MS-SSIM as a loss, with its gradient; see losses.h.
 *
 * Each plane (one channel of one image) is a task of its own.  With G the
 * Gaussian window over valid positions, mx = G x, sxx = G x^2 - mx^2,
 * sxy = G xy - mx my, and
 *   l = (2 mx my + C1) / (mx^2 + my^2 + C1)
 *   s = (2 sxy + C2) / (sxx + syy + C2),
 * a plane's value is prod_j mean (s_j)^w_j * mean (l_M s_M)^w_M over the scales
 * j < M and the last one M.  The gradient goes back through the same filters
 * transposed: for upstream derivatives a by mx, b by G x^2 and d by G xy it is
 * G'a + 2 x G'b + y G'd.
 */

#include "train/losses.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"

#define WINDOW 11
#define SIGMA 1.5
#define C1 (0.01f * 0.01f)
#define C2 (0.03f * 0.03f)
#define MAX_SCALES 5
#define MIN_TERM 1e-4 /* a term at or under it counts as this, and stands still */

static const double scale_weights[MAX_SCALES]
    = { 0.0448, 0.2856, 0.3001, 0.2363, 0.1333 };

typedef struct
{
  AtlView x, t, dx;
  double weight; /* of a plane's gradient */
  gboolean accumulate;
  int n_scales;
  double weights[MAX_SCALES];
  float window[WINDOW];
  float *scratch; /* per worker */
  gsize scratch_floats;
  double *values; /* one per plane */
} SsimJob;

/* One scale of one plane.  maps: a, b, d of the header comment. */
typedef struct
{
  int w, h;
  float *x, *y, *dx;
  float *a, *b, *d;
} Scale;

static int
valid (int side)
{
  return side - WINDOW + 1;
}

/* out[valid h][valid w] = G in[h][w]; tmp: h * w. */
static void
filter (const float *window, int w, int h, const float *in, float *tmp, float *out)
{
  int vw = valid (w), vh = valid (h);

  for (int y = 0; y < h; y++)
    for (int x = 0; x < vw; x++)
      {
        float sum = 0;

        for (int i = 0; i < WINDOW; i++)
          sum += window[i] * in[y * w + x + i];
        tmp[y * vw + x] = sum;
      }
  for (int y = 0; y < vh; y++)
    {
      memset (out + (gsize)y * vw, 0, (gsize)vw * sizeof (float));
      for (int i = 0; i < WINDOW; i++)
        for (int x = 0; x < vw; x++)
          out[y * vw + x] += window[i] * tmp[(y + i) * vw + x];
    }
}

/* out[h][w] = G' in[valid h][valid w]; tmp: h * w. */
static void
filter_transposed (const float *window, int w, int h, const float *in, float *tmp,
                   float *out)
{
  int vw = valid (w), vh = valid (h);

  memset (tmp, 0, (gsize)h * vw * sizeof (float));
  for (int y = 0; y < vh; y++)
    for (int i = 0; i < WINDOW; i++)
      for (int x = 0; x < vw; x++)
        tmp[(y + i) * vw + x] += window[i] * in[y * vw + x];
  memset (out, 0, (gsize)h * w * sizeof (float));
  for (int y = 0; y < h; y++)
    for (int i = 0; i < WINDOW; i++)
      for (int x = 0; x < vw; x++)
        out[y * w + x + i] += window[i] * tmp[y * vw + x];
}

/* The mean of s, or of l * s if `last`, and its derivatives by mx, G x^2 and
 * G xy in the maps.  tmp: 6 planes. */
static double
scale_forward (const float *window, const Scale *s, gboolean last, float *tmp)
{
  gsize n = (gsize)s->w * s->h, nv = (gsize)valid (s->w) * valid (s->h);
  float *product = tmp, *pass = tmp + n, *mx = tmp + 2 * n, *my = tmp + 3 * n;
  float *xx = s->b, *xy = s->d, *yy = tmp + 4 * n;
  double sum = 0;

  filter (window, s->w, s->h, s->x, pass, mx);
  filter (window, s->w, s->h, s->y, pass, my);
  for (gsize i = 0; i < n; i++)
    product[i] = s->x[i] * s->x[i];
  filter (window, s->w, s->h, product, pass, xx);
  for (gsize i = 0; i < n; i++)
    product[i] = s->y[i] * s->y[i];
  filter (window, s->w, s->h, product, pass, yy);
  for (gsize i = 0; i < n; i++)
    product[i] = s->x[i] * s->y[i];
  filter (window, s->w, s->h, product, pass, xy);

  for (gsize i = 0; i < nv; i++)
    {
      float b1 = mx[i] * mx[i] + my[i] * my[i] + C1;
      float b2 = xx[i] - mx[i] * mx[i] + yy[i] - my[i] * my[i] + C2;
      float l = last ? (2 * mx[i] * my[i] + C1) / b1 : 1;
      float cs = (2 * (xy[i] - mx[i] * my[i]) + C2) / b2;
      float by_mx = last ? cs * 2 * (my[i] - l * mx[i]) / b1 : 0;
      float by_sxx = -l * cs / b2, by_sxy = l * 2 / b2;

      sum += (double)(l * cs);
      s->a[i] = by_mx - 2 * mx[i] * by_sxx - my[i] * by_sxy;
      s->b[i] = by_sxx;
      s->d[i] = by_sxy;
    }
  return sum / (double)nv;
}

/* dx += factor * (G'a + 2 x G'b + y G'd).  tmp: 2 planes. */
static void
scale_backward (const float *window, const Scale *s, float factor, float *tmp)
{
  gsize n = (gsize)s->w * s->h;
  float *pass = tmp, *back = tmp + n;

  filter_transposed (window, s->w, s->h, s->a, pass, back);
  for (gsize i = 0; i < n; i++)
    s->dx[i] += factor * back[i];
  filter_transposed (window, s->w, s->h, s->b, pass, back);
  for (gsize i = 0; i < n; i++)
    s->dx[i] += factor * 2 * s->x[i] * back[i];
  filter_transposed (window, s->w, s->h, s->d, pass, back);
  for (gsize i = 0; i < n; i++)
    s->dx[i] += factor * s->y[i] * back[i];
}

static void
halve (const float *in, int w, int h, float *out)
{
  for (int y = 0; y < h / 2; y++)
    for (int x = 0; x < w / 2; x++)
      {
        const float *p = in + (gsize)(2 * y) * w + 2 * x;

        out[y * (w / 2) + x] = 0.25f * (p[0] + p[1] + p[w] + p[w + 1]);
      }
}

static void
halve_transposed (const float *din, int w, int h, float *dout)
{
  for (int y = 0; y < h / 2; y++)
    for (int x = 0; x < w / 2; x++)
      {
        float d = 0.25f * din[y * (w / 2) + x];
        float *p = dout + (gsize)(2 * y) * w + 2 * x;

        p[0] += d;
        p[1] += d;
        p[w] += d;
        p[w + 1] += d;
      }
}

/* Lays the scales' planes out in scratch; returns what is left of it. */
static float *
lay_out (const SsimJob *job, float *scratch, Scale *scales)
{
  int w = job->x.shape.w, h = job->x.shape.h;

  for (int j = 0; j < job->n_scales; j++, w /= 2, h /= 2)
    {
      gsize n = (gsize)w * h;

      scales[j] = (Scale){ w,
                           h,
                           scratch,
                           scratch + n,
                           scratch + 2 * n,
                           scratch + 3 * n,
                           scratch + 4 * n,
                           scratch + 5 * n };
      scratch += 6 * n;
    }
  return scratch;
}

static void
gather_plane (AtlView view, gsize first, int c, gsize n, float *out)
{
  for (gsize i = 0; i < n; i++)
    out[i] = 0.5f * view.data[(first + i) * view.stride + (gsize)c] + 0.5f;
}

/* Adds (or writes) the plane's gradient; 0.5: from [-1, 1] to [0, 1]. */
static void
scatter_plane (const SsimJob *job, gsize first, int c, gsize n, const float *dx)
{
  float factor = (float)(-0.5 * job->weight);

  for (gsize i = 0; i < n; i++)
    {
      float *d = &job->dx.data[(first + i) * job->dx.stride + (gsize)c];

      *d = (job->accumulate ? *d : 0) + factor * dx[i];
    }
}

static void
plane_task (gpointer data, gint64 task, int worker)
{
  const SsimJob *job = data;
  const int channels = job->x.shape.c;
  gsize n = (gsize)job->x.shape.w * job->x.shape.h;
  gsize first = (gsize)(task / channels) * n;
  int c = (int)(task % channels);
  Scale s[MAX_SCALES] = { 0 };
  float *tmp;
  double means[MAX_SCALES], value = 1;

  tmp = lay_out (job, job->scratch + (gsize)worker * job->scratch_floats, s);
  gather_plane (job->x, first, c, n, s[0].x);
  gather_plane (job->t, first, c, n, s[0].y);
  for (int j = 0; j < job->n_scales; j++)
    {
      if (j > 0)
        {
          halve (s[j - 1].x, s[j - 1].w, s[j - 1].h, s[j].x);
          halve (s[j - 1].y, s[j - 1].w, s[j - 1].h, s[j].y);
        }
      means[j] = scale_forward (job->window, &s[j], j == job->n_scales - 1, tmp);
      value *= pow (MAX (means[j], MIN_TERM), job->weights[j]);
    }
  job->values[task] = value;
  if (!job->dx.data)
    return;

  for (int j = job->n_scales - 1; j >= 0; j--)
    {
      double nv = (double)valid (s[j].w) * valid (s[j].h);
      double factor
          = means[j] > MIN_TERM ? value * job->weights[j] / means[j] / nv : 0;

      memset (s[j].dx, 0, (gsize)s[j].w * s[j].h * sizeof (float));
      if (j < job->n_scales - 1)
        halve_transposed (s[j + 1].dx, s[j].w, s[j].h, s[j].dx);
      scale_backward (job->window, &s[j], (float)factor, tmp);
    }
  scatter_plane (job, first, c, n, s[0].dx);
}

static void
choose_scales (SsimJob *job)
{
  int side = MIN (job->x.shape.w, job->x.shape.h);
  double sum = 0, window_sum = 0;

  job->n_scales = 0;
  for (; job->n_scales < MAX_SCALES && side >= WINDOW; side /= 2)
    sum += scale_weights[job->n_scales++];
  for (int j = 0; j < job->n_scales; j++)
    job->weights[j] = scale_weights[j] / sum;
  for (int i = 0; i < WINDOW; i++)
    window_sum += exp (-(i - WINDOW / 2) * (i - WINDOW / 2) / (2 * SIGMA * SIGMA));
  for (int i = 0; i < WINDOW; i++)
    job->window[i]
        = (float)(exp (-(i - WINDOW / 2) * (i - WINDOW / 2) / (2 * SIGMA * SIGMA))
                  / window_sum);
}

gboolean
atl_loss_ms_ssim (AtlPool *pool, AtlView prediction, AtlView target, double weight,
                  AtlView gradient, gboolean accumulate, double *value,
                  GError **error)
{
  SsimJob job = { prediction, target, gradient, 0, accumulate };
  gsize n = (gsize)prediction.shape.w * prediction.shape.h;
  int n_planes = prediction.shape.n * prediction.shape.c;
  double sum = 0;

  choose_scales (&job);
  if (job.n_scales == 0)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("MS-SSIM needs pictures of at least %d pixels a side; these "
                      "are %dx%d"),
                   WINDOW, prediction.shape.w, prediction.shape.h);
      return FALSE;
    }
  /* Six planes a scale (4/3 in all) and six to work in. */
  job.scratch_floats = 6 * (n + n / 2) + 6 * n;
  job.scratch
      = atl_try_alloc (job.scratch_floats * (gsize)atl_pool_get_n_threads (pool),
                       sizeof (float), "the MS-SSIM loss", error);
  if (!job.scratch)
    return FALSE;
  job.values
      = atl_try_alloc (n_planes, sizeof *job.values, "the MS-SSIM loss", error);
  if (!job.values)
    {
      atl_free (job.scratch);
      return FALSE;
    }
  job.weight = weight / n_planes;
  atl_pool_run (pool, n_planes, plane_task, &job);
  for (int i = 0; i < n_planes; i++)
    sum += job.values[i];
  *value = 1 - sum / n_planes;
  atl_free (job.values);
  atl_free (job.scratch);
  return TRUE;
}
