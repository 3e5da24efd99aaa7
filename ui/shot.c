/* A part of a layer before and after a model; see shot.h. */

#include "shot.h"

#include <pthread.h>

struct _AtlShot
{
  gint references; /* atomic */
  AtlArea area;
  int width, height, samples;

  pthread_mutex_t lock;  /* of what follows */
  float *before, *after; /* sums over the layer's pixels */
  float *weights;        /* how many they were */
  gint64 n_added;
};

gboolean
atl_area_intersect (const AtlArea *a, const AtlArea *b, AtlArea *out)
{
  int right = MIN (a->x + a->width, b->x + b->width);
  int bottom = MIN (a->y + a->height, b->y + b->height);

  out->x = MAX (a->x, b->x);
  out->y = MAX (a->y, b->y);
  out->width = right - out->x;
  out->height = bottom - out->y;
  if (out->width > 0 && out->height > 0)
    return TRUE;
  *out = (AtlArea){ 0 };
  return FALSE;
}

/* The largest size of these proportions within the limits. */
static void
fit (const AtlArea *area, int max_width, int max_height, int *width, int *height)
{
  double scale = MIN (1.0, MIN ((double)max_width / area->width,
                                (double)max_height / area->height));

  *width = CLAMP ((int)(area->width * scale + 0.5), 1, area->width);
  *height = CLAMP ((int)(area->height * scale + 0.5), 1, area->height);
}

AtlShot *
atl_shot_new (const AtlArea *area, int max_width, int max_height, int samples)
{
  AtlShot *shot = g_new0 (AtlShot, 1);
  gsize n;

  shot->references = 1;
  shot->area = *area;
  shot->samples = samples;
  fit (area, max_width, max_height, &shot->width, &shot->height);
  n = (gsize)shot->width * shot->height;
  shot->before = g_try_new0 (float, n *samples);
  shot->after = g_try_new0 (float, n *samples);
  shot->weights = g_try_new0 (float, n);
  pthread_mutex_init (&shot->lock, NULL);
  if (shot->before && shot->after && shot->weights)
    return shot;
  atl_shot_unref (shot);
  return NULL;
}

AtlShot *
atl_shot_ref (AtlShot *shot)
{
  g_atomic_int_inc (&shot->references);
  return shot;
}

void
atl_shot_unref (AtlShot *shot)
{
  if (!shot || !g_atomic_int_dec_and_test (&shot->references))
    return;
  pthread_mutex_destroy (&shot->lock);
  g_free (shot->before);
  g_free (shot->after);
  g_free (shot->weights);
  g_free (shot);
}

AtlArea
atl_shot_get_area (const AtlShot *shot)
{
  return shot->area;
}

int
atl_shot_get_width (const AtlShot *shot)
{
  return shot->width;
}

int
atl_shot_get_height (const AtlShot *shot)
{
  return shot->height;
}

int
atl_shot_get_samples (const AtlShot *shot)
{
  return shot->samples;
}

gboolean
atl_shot_is_empty (AtlShot *shot)
{
  gboolean empty;

  pthread_mutex_lock (&shot->lock);
  empty = shot->n_added == 0;
  pthread_mutex_unlock (&shot->lock);
  return empty;
}

void
atl_shot_add (AtlShot *shot, const AtlArea *area, const float *before,
              const float *after, int channels)
{
  int samples = shot->samples;

  pthread_mutex_lock (&shot->lock);
  for (int y = 0; y < area->height; y++)
    {
      gint64 row
          = (gint64)(area->y - shot->area.y + y) * shot->height / shot->area.height;

      for (int x = 0; x < area->width; x++, before += samples, after += channels)
        {
          gint64 column = (gint64)(area->x - shot->area.x + x) * shot->width
                          / shot->area.width;
          gsize i = row * shot->width + column;

          shot->weights[i] += 1;
          for (int c = 0; c < samples; c++)
            {
              shot->before[i * samples + c] += before[c];
              shot->after[i * samples + c] += c < channels ? after[c] : before[c];
            }
        }
    }
  shot->n_added += (gint64)area->width * area->height;
  pthread_mutex_unlock (&shot->lock);
}

void
atl_shot_get (AtlShot *shot, double strength, float *pixels, guint8 *there)
{
  gsize n = (gsize)shot->width * shot->height;
  int samples = shot->samples;
  float share = (float)strength;

  pthread_mutex_lock (&shot->lock);
  for (gsize i = 0; i < n; i++)
    {
      float scale = shot->weights[i] > 0 ? 1 / shot->weights[i] : 0;

      there[i] = shot->weights[i] > 0 ? 255 : 0;
      for (int c = 0; c < samples; c++)
        {
          float b = shot->before[i * samples + c], a = shot->after[i * samples + c];

          pixels[i * samples + c] = (b + share * (a - b)) * scale;
        }
    }
  pthread_mutex_unlock (&shot->lock);
}
