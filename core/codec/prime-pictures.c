/* Contexts from pictures: their codes, chosen as in .vqi files, then
 * atl_prime_contexts. */

#include "codec/prime-pictures.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "codec/vqi-private.h"

#define LEAST_PIXELS (1 << 20) /* that are taken of a picture */
#define LARGE (3 << 20) /* pixels beyond which it is also taken at half size */

/* A part of a picture, averaged over squares of `scale` pixels. */
typedef struct
{
  const AtlPicture *picture;
  int x, y, scale;
} Part;

static gboolean
read_part (gpointer data, int x, int y, int width, int height, int channels,
           float *out, GError **error)
{
  const Part *p = data;
  int s = p->scale, row = width * s * channels;
  float share = 1.0f / (float)(s * s);
  atl_autofree float *pixels
      = atl_try_alloc ((gsize)row * s, sizeof *pixels, "pixels", error);

  if (!pixels)
    return FALSE;
  memset (out, 0, (gsize)width * height * channels * sizeof *out);
  for (int v = 0; v < height; v++)
    {
      float *to = out + (gsize)v * width * channels;

      atl_picture_get (p->picture, p->x + x * s, p->y + (y + v) * s, width * s, s,
                       channels, pixels, channels, row);
      for (int i = 0; i < s; i++)
        for (int u = 0; u < width * s; u++)
          for (int c = 0; c < channels; c++)
            to[u / s * channels + c] += share * pixels[i * row + u * channels + c];
    }
  return TRUE;
}

static void
free_codes (gpointer codes)
{
  atl_codes_clear (codes);
  g_free (codes);
}

/* The codes of the picture's middle, `pixels` of them at most. */
static gboolean
add_part (AtlVqiJob *job, const AtlPicture *picture, int scale, double pixels,
          GPtrArray *all, const AtlProgress *progress, GError **error)
{
  int width = picture->width / scale, height = picture->height / scale;
  double shrink = MIN (1, sqrt (pixels / ((double)width * height)));
  Part part = { .picture = picture, .scale = scale };
  AtlVqiSource source = { .depth = picture->depth };
  AtlCodes codes;
  AtlVqi *vqi;

  source.io.width = MAX (1, (int)(width * shrink));
  source.io.height = MAX (1, (int)(height * shrink));
  source.io.channels = source.io.out_channels = picture->channels;
  source.io.read = read_part;
  source.io.data = &part;
  part.x = (width - source.io.width) / 2 * scale;
  part.y = (height - source.io.height) / 2 * scale;
  job->source = &source;
  vqi = atl_vqi_job_encode (job, 0, ATL_VQI_RATE, &codes, progress, error);
  if (!vqi)
    return FALSE;
  atl_vqi_free (vqi);
  g_ptr_array_add (all, g_memdup2 (&codes, sizeof codes));
  return TRUE;
}

static gboolean
add_picture (AtlVqiJob *job, const char *path, double pixels, GPtrArray *all,
             const AtlProgress *progress, GError **error)
{
  g_autoptr (AtlPicture) picture = atl_picture_load (path, NULL);
  gboolean large;

  if (!picture)
    return TRUE;
  large = (gint64)picture->width * picture->height > LARGE
          && MIN (picture->width, picture->height) >= 2;
  if (large)
    pixels /= 2;
  return add_part (job, picture, 1, pixels, all, progress, error)
         && (!large || add_part (job, picture, 2, pixels, all, progress, error));
}

gboolean
atl_prime_model (AtlModel *model, AtlPool *pool, GPtrArray *paths, int megapixels,
                 const AtlPrimeOptions *options, const AtlProgress *progress,
                 GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (free_codes);
  g_autoptr (GBytes) bytes = NULL;
  double budget = megapixels * 1e6;
  guint n = (guint)MIN (paths->len, MAX (1, budget / LEAST_PIXELS));
  AtlVqiJob job = { .model = model, .pool = pool };
  AtlProgressPart part;
  AtlCodes shapes;
  gboolean ok;

  /* From the counts alone: what is learned now must not depend on what was
   * learned before. */
  atl_model_set_data (model, ATL_CONTEXTS_TENSOR, NULL);
  if (!atl_codes_measure (&shapes, model, 64, 64, error))
    return FALSE;
  job.contexts = atl_contexts_of_model (model, &shapes, error);
  atl_vqi_read_scales (model, &shapes, &job.scales);
  ok = job.contexts != NULL;
  for (guint i = 0; ok && i < n; i++)
    ok = add_picture (
        &job, g_ptr_array_index (paths, (guint)((guint64)i * paths->len / n)),
        budget / n, all,
        atl_progress_part (&part, progress, 0.5 * i / n, 0.5 * (i + 1) / n), error);
  atl_contexts_free (job.contexts);
  if (!ok)
    return FALSE;
  bytes = atl_prime_contexts (model, all, pool, options,
                              atl_progress_part (&part, progress, 0.5, 1), error);
  if (!bytes)
    return FALSE;
  atl_model_set_data (model, ATL_CONTEXTS_TENSOR, bytes);
  return TRUE;
}
