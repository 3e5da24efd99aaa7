/* Small pictures of .vqi files; see vqi-thumbnail.h. */

#include "codec/vqi-thumbnail.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "codec/alpha-coder.h"

/* Pixels that are decoded for one of the thumbnail's, in each direction. */
#define OVERSAMPLING 4

typedef struct
{
  int step;          /* of the codes that are used, in each direction */
  int width, height; /* of what is decoded */
  int factor;        /* pixels a code */
} Sampling;

static Sampling
choose_sampling (const AtlVqi *vqi, const AtlCodes *codes, int size)
{
  const AtlCodeGrid *fine = &codes->levels[codes->n_levels - 1];
  int side = MAX (vqi->width, vqi->height);
  int factor = MAX (1, (vqi->width + fine->width - 1) / fine->width);
  Sampling s = { 1, vqi->width, vqi->height, factor };

  /* Powers of two, as levels lie at powers of two of each other. */
  while (side / (2 * s.step) >= OVERSAMPLING * size
         && MIN (fine->width, fine->height) / (2 * s.step) >= 4)
    s.step *= 2;
  if (s.step > 1)
    {
      s.width = fine->width / s.step * factor;
      s.height = fine->height / s.step * factor;
    }
  return s;
}

/* Every step-th code.  The grids of a small picture may be padded: what is
 * beyond the last code is that again. */
static gboolean
sample_codes (const AtlCodes *codes, const AtlModel *model, const Sampling *s,
              AtlCodes *few, GError **error)
{
  if (!atl_codes_init (few, model, s->width, s->height, codes->stages, error))
    return FALSE;
  for (int l = 0; l < few->n_levels; l++)
    {
      AtlCodeGrid *to = &few->levels[l];
      const AtlCodeGrid *from = &codes->levels[l];

      for (int stage = 0; stage < few->stages; stage++)
        for (int y = 0; y < to->height; y++)
          for (int x = 0; x < to->width; x++)
            {
              gsize row = (gsize)MIN (y * s->step, from->height - 1);

              to->planes[stage][(gsize)y * to->width + x]
                  = from->planes[stage][row * from->width
                                        + MIN (x * s->step, from->width - 1)];
            }
    }
  return TRUE;
}

static AtlPicture *
decode_few (const AtlVqi *vqi, AtlModel *model, AtlPool *pool, int size,
            const AtlProgress *progress, GError **error)
{
  g_autoptr (AtlPicture) picture = NULL;
  AtlCodes codes, few;
  AtlImageIo io = { .channels = vqi->channels, .out_channels = vqi->channels };
  Sampling s;
  gboolean ok;

  if (!atl_vqi_decode_codes (vqi, model, 0, &codes, NULL, error))
    return NULL;
  s = choose_sampling (vqi, &codes, size);
  ok = sample_codes (&codes, model, &s, &few, error);
  atl_codes_clear (&codes);
  if (!ok)
    return NULL;
  picture = atl_picture_new (s.width, s.height, vqi->channels, FALSE, ATL_DEPTH_U8,
                             vqi->icc, error);
  io.width = s.width;
  io.height = s.height;
  io.write = atl_picture_io_write;
  io.data = picture;
  ok = picture && atl_apply_decode (model, pool, &io, NULL, &few, progress, error);
  atl_codes_clear (&few);
  return ok ? g_steal_pointer (&picture) : NULL;
}

/* --- Smaller -------------------------------------------------------------- */

/* The mean of the pixels that fall onto each. */
static gboolean
shrink (const AtlPicture *from, AtlPicture *to, GError **error)
{
  int samples = to->channels;
  gsize row = (gsize)from->width * samples;
  gsize width = (gsize)to->width * samples;
  atl_autofree float *memory
      = atl_try_alloc (row + width, sizeof *memory, "pixels", error);
  float *line = memory, *sums = memory + row;

  if (!memory)
    return FALSE;
  for (int y = 0; y < to->height; y++)
    {
      int top = (int)((gint64)y * from->height / to->height);
      int bottom
          = MAX (top + 1, (int)((gint64)(y + 1) * from->height / to->height));

      memset (sums, 0, width * sizeof *sums);
      for (int v = top; v < bottom; v++)
        {
          atl_picture_get (from, 0, v, from->width, 1, samples, line, samples, row);
          for (int x = 0; x < to->width; x++)
            {
              int left = (int)((gint64)x * from->width / to->width);
              int right = MAX (left + 1,
                               (int)((gint64)(x + 1) * from->width / to->width));
              float share = 1.0f / (float)((right - left) * (bottom - top));

              for (int u = left; u < right; u++)
                for (int c = 0; c < samples; c++)
                  sums[x * samples + c] += share * line[u * samples + c];
            }
        }
      atl_picture_set (to, 0, y, to->width, 1, samples, sums, samples, width);
    }
  return TRUE;
}

/* The sample in the middle of what falls onto each pixel. */
static gboolean
add_alpha (const AtlVqi *vqi, AtlPicture *to, GError **error)
{
  int samples = to->channels + 1;
  atl_autofree guint16 *alpha = atl_try_alloc ((gsize)vqi->width * vqi->height,
                                               sizeof (guint16), "alpha", error);
  atl_autofree float *line = atl_try_alloc (
      (gsize)to->width * samples, sizeof *line, "alpha", alpha ? error : NULL);

  if (!alpha || !line
      || !atl_alpha_decode (vqi->alpha, vqi->width, vqi->height, 8, alpha, NULL,
                            error))
    return FALSE;
  for (int y = 0; y < to->height; y++)
    {
      gsize v = (gsize)(((gint64)2 * y + 1) * vqi->height / (2 * to->height));

      atl_picture_get (to, 0, y, to->width, 1, samples, line, samples,
                       (gsize)to->width * samples);
      for (int x = 0; x < to->width; x++)
        {
          gsize u = (gsize)(((gint64)2 * x + 1) * vqi->width / (2 * to->width));

          line[x * samples + samples - 1] = alpha[v * vqi->width + u] / 255.0f;
        }
      atl_picture_set (to, 0, y, to->width, 1, samples, line, samples,
                       (gsize)to->width * samples);
    }
  return TRUE;
}

AtlPicture *
atl_vqi_thumbnail (const AtlVqi *vqi, AtlModel *model, AtlPool *pool, int size,
                   const AtlProgress *progress, GError **error)
{
  double scale = MIN (1, (double)size / MAX (vqi->width, vqi->height));
  g_autoptr (AtlPicture) large
      = decode_few (vqi, model, pool, size, progress, error);
  g_autoptr (AtlPicture) small = NULL;

  if (!large)
    return NULL;
  small = atl_picture_new (MAX (1, (int)lrint (vqi->width * scale)),
                           MAX (1, (int)lrint (vqi->height * scale)), vqi->channels,
                           vqi->alpha != NULL, ATL_DEPTH_U8, vqi->icc, error);
  if (!small || !shrink (large, small, error))
    return NULL;
  if (vqi->alpha && !add_alpha (vqi, small, error))
    return NULL;
  return g_steal_pointer (&small);
}
