/* A model over a picture in memory: depth, alpha and profile stay. */

#include "apply/apply.h"
#include "base/memory.h"

gboolean
atl_picture_io_read (gpointer picture, int x, int y, int width, int height,
                     int channels, float *out, GError **error)
{
  atl_picture_get (picture, x, y, width, height, channels, out, channels,
                   (gsize)width * channels);
  return TRUE;
}

gboolean
atl_picture_io_write (gpointer picture, int x, int y, int width, int height,
                      int channels, const float *in, GError **error)
{
  atl_picture_set (picture, x, y, width, height, channels, in, channels,
                   (gsize)width * channels);
  return TRUE;
}

typedef struct
{
  const AtlPicture *from;
  AtlPicture *to;
} Pictures;

static gboolean
read_pixels (gpointer data, int x, int y, int width, int height, int channels,
             float *out, GError **error)
{
  const Pictures *p = data;

  return atl_picture_io_read ((gpointer)p->from, x, y, width, height, channels, out,
                              error);
}

static gboolean
write_pixels (gpointer data, int x, int y, int width, int height, int channels,
              const float *in, GError **error)
{
  const Pictures *p = data;

  return atl_picture_io_write (p->to, x, y, width, height, channels, in, error);
}

/* What atl_apply can't do for the rest of the picture if only a part is wanted. */
static gboolean
copy_pixels (const Pictures *p, GError **error)
{
  int channels = p->to->channels;
  gsize row = (gsize)p->to->width * channels;
  atl_autofree float *pixels = atl_try_alloc (row, sizeof *pixels, "pixels", error);

  if (!pixels)
    return FALSE;
  for (int y = 0; y < p->to->height; y++)
    {
      atl_picture_get (p->from, 0, y, p->to->width, 1, channels, pixels, channels,
                       row);
      atl_picture_set (p->to, 0, y, p->to->width, 1, channels, pixels, channels,
                       row);
    }
  return TRUE;
}

AtlPicture *
atl_apply_picture (AtlModel *model, AtlPool *pool, const AtlPicture *picture,
                   const AtlApplyOptions *options, const AtlProgress *progress,
                   GError **error)
{
  int channels = atl_apply_get_channels (model, picture->channels);
  /* A grey profile does not describe colours. */
  GBytes *icc = channels == picture->channels ? picture->icc : NULL;
  g_autoptr (AtlPicture) result
      = atl_picture_new (picture->width, picture->height, channels,
                         picture->has_alpha, picture->depth, icc, error);
  Pictures p = { picture, result };
  AtlImageIo io = { picture->width, picture->height, picture->channels,
                    read_pixels,    write_pixels,    &p,
                    channels };

  if (!result)
    return NULL;
  if (options && options->width > 0 && !copy_pixels (&p, error))
    return NULL;
  if (!atl_apply (model, pool, &io, options, progress, error))
    return NULL;
  if (picture->has_alpha)
    atl_picture_copy_alpha (result, picture);
  return g_steal_pointer (&result);
}
