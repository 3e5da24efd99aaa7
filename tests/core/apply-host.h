/* A model over pictures that a test has in memory: a host that counts what is
 * written, models whose answers can be seen, and comparing. */

#pragma once

#include <math.h>
#include <string.h>

#include "apply/apply.h"
#include "base/random.h"

/* A host with float buffers that counts what is written. */
typedef struct
{
  int width, height, channels, out_channels;
  float *in, *out;
  guint8 *written;
  int fail_at; /* row whose reading fails; -1 */
} Host;

static inline gboolean
host_read (gpointer data, int x, int y, int width, int height, int channels,
           float *out, GError **error)
{
  const Host *h = data;

  g_assert_cmpint (channels, ==, h->channels);
  g_assert_true (x >= 0 && y >= 0 && width > 0 && height > 0);
  g_assert_true (x + width <= h->width && y + height <= h->height);
  if (h->fail_at >= y && h->fail_at < y + height)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE, "row %d", h->fail_at);
      return FALSE;
    }
  for (int i = 0; i < height; i++)
    memcpy (out + (gsize)i * width * channels,
            h->in + ((gsize)(y + i) * h->width + x) * channels,
            sizeof (float) * width * channels);
  return TRUE;
}

static inline gboolean
host_write (gpointer data, int x, int y, int width, int height, int channels,
            const float *in, GError **error)
{
  Host *h = data;

  g_assert_cmpint (channels, ==, h->out_channels);
  g_assert_true (x >= 0 && y >= 0 && x + width <= h->width
                 && y + height <= h->height);
  for (int i = 0; i < height; i++)
    {
      gsize at = (gsize)(y + i) * h->width + x;

      for (int j = 0; j < width; j++)
        h->written[at + j]++;
      memcpy (h->out + at * channels, in + (gsize)i * width * channels,
              sizeof (float) * width * channels);
    }
  return TRUE;
}

/* Smooth, with noise on top: statistics differ from place to place. */
static inline void
host_init (Host *h, int width, int height, int channels, int out_channels)
{
  AtlRandom random;

  *h = (Host){ width, height, channels, out_channels, NULL, NULL, NULL, -1 };
  h->in = g_new (float, (gsize)width *height *channels);
  h->out = g_new0 (float, (gsize)width *height *out_channels);
  h->written = g_new0 (guint8, (gsize)width * height);
  atl_random_init (&random, width * 7919 + height, 0);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < channels; c++)
        h->in[((gsize)y * width + x) * channels + c]
            = 0.5f + 0.35f * sinf (x * 0.02f + c) * cosf (y * 0.013f * (c + 1))
              + 0.15f * (atl_random_uniform (&random) - 0.5f);
}

static inline void
host_clear (Host *h)
{
  g_free (h->in);
  g_free (h->out);
  g_free (h->written);
}

static inline void
host_restart (Host *h)
{
  memset (h->out, 0, sizeof (float) * h->width * h->height * h->out_channels);
  memset (h->written, 0, (gsize)h->width * h->height);
}

static inline AtlImageIo
host_io (Host *h)
{
  return (AtlImageIo){ h->width,   h->height, h->channels,    host_read,
                       host_write, h,         h->out_channels };
}


/* Weights of untrained models are so small that nothing could be seen: makes
 * the network's answers as large as a trained one's, and gives the running
 * statistics values of their own. */
static inline void
liven (AtlModel *model)
{
  AtlWeights *weights = atl_model_get_weights (model);
  const AtlGraph *graph = atl_model_get_graph (model);
  AtlRandom random;

  atl_random_init (&random, 3, 0);
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, i);
      gint64 n = 1;
      g_autofree float *values = NULL;
      gboolean variance = g_str_has_suffix (p->name, "running_var");
      float scale = p->n_dims > 1 && p->trainable ? sqrtf (2.0f / p->fan_in) : 0.1f;

      for (int d = 0; d < p->n_dims; d++)
        n *= p->dims[d];
      values = g_new (float, n);
      for (gint64 j = 0; j < n; j++)
        values[j] = variance ? 0.5f + atl_random_uniform (&random)
                             : scale * atl_random_normal (&random);
      if (p->n_dims == 1 && p->trainable && g_str_has_suffix (p->name, ".weight"))
        for (gint64 j = 0; j < n; j++)
          values[j] += 1;
      atl_weights_set (weights, i, values);
    }
  atl_weights_changed (weights);
}

static inline void
apply (AtlModel *model, AtlPool *pool, Host *host, const AtlApplyOptions *options)
{
  AtlImageIo io = host_io (host);
  g_autoptr (GError) error = NULL;

  host_restart (host);
  atl_apply (model, pool, &io, options, NULL, &error);
  g_assert_no_error (error);
}

static inline void
assert_written_once (const Host *h, int x, int y, int width, int height)
{
  for (int i = 0; i < h->height; i++)
    for (int j = 0; j < h->width; j++)
      {
        gboolean inside = j >= x && j < x + width && i >= y && i < y + height;

        g_assert_cmpint (h->written[(gsize)i * h->width + j], ==, inside);
      }
}

static inline double
largest_difference (const float *a, const float *b, gsize n)
{
  double largest = 0;

  for (gsize i = 0; i < n; i++)
    {
      g_assert_true (isfinite (a[i]) && isfinite (b[i]));
      largest = MAX (largest, fabs (a[i] - b[i]));
    }
  return largest;
}

static inline double
spread (const float *a, gsize n)
{
  double sum = 0, squares = 0;

  for (gsize i = 0; i < n; i++)
    {
      sum += a[i];
      squares += a[i] * a[i];
    }
  return sqrt (squares / n - sum / n * (sum / n));
}
