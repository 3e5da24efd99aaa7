/* See thumbnail.h. */

#include "models/thumbnail.h"

#include <string.h>

#include "base/memory.h"
#include "files/picture.h"

#define KEY "atelier.thumbnail"
#define SIDE ATL_THUMBNAIL_SIDE
#define MAX_BYTES (1 << 18) /* far more than such a PNG can have */

/* First pixel of `side` that falls into pixel i of SIDE, at least one each. */
static int
edge (int i, int side)
{
  return (int)((gint64)i * side / SIDE);
}

/* Mean of the pixels that fall into each pixel of the thumbnail. */
static void
shrink (const float *rgb, int side, float *out)
{
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++)
      {
        int y0 = edge (y, side), y1 = MAX (y0 + 1, edge (y + 1, side));
        int x0 = edge (x, side), x1 = MAX (x0 + 1, edge (x + 1, side));
        float *mean = out + 3 * (y * SIDE + x);
        float n = (float)(y1 - y0) * (float)(x1 - x0);

        memset (mean, 0, 3 * sizeof *mean);
        for (int v = y0; v < y1; v++)
          for (int u = x0; u < x1; u++)
            for (int c = 0; c < 3; c++)
              mean[c]
                  += rgb[3 * ((gsize)v * (gsize)side + (gsize)u) + (gsize)c] / n;
      }
}

gboolean
atl_model_set_thumbnail (AtlModel *model, const float *before, const float *after,
                         int side, GError **error)
{
  g_autoptr (AtlPicture) picture
      = atl_picture_new (2 * SIDE, SIDE, 3, FALSE, ATL_DEPTH_U8, NULL, error);
  atl_autofree float *small = atl_try_alloc (3 * SIDE * SIDE, sizeof *small,
                                             "a thumbnail", picture ? error : NULL);
  g_autoptr (GBytes) png = NULL;
  g_autofree char *text = NULL;
  const float *halves[] = { before, after };

  if (!picture || !small)
    return FALSE;
  for (int i = 0; i < 2; i++)
    {
      shrink (halves[i], side, small);
      atl_picture_set (picture, i * SIDE, 0, SIDE, SIDE, 3, small, 3, 3 * SIDE);
    }
  png = atl_picture_to_png (picture, error);
  if (!png)
    return FALSE;
  text = g_base64_encode (g_bytes_get_data (png, NULL), g_bytes_get_size (png));
  atl_model_set_metadata (model, KEY, text);
  return TRUE;
}

GBytes *
atl_thumbnail_read (GHashTable *metadata)
{
  const char *text = g_hash_table_lookup (metadata, KEY);
  g_autoptr (GBytes) png = NULL;
  g_autoptr (AtlPicture) picture = NULL;
  g_autofree guchar *bytes = NULL;
  gsize size;

  if (!text || strlen (text) > MAX_BYTES)
    return NULL;
  bytes = g_base64_decode (text, &size);
  png = g_bytes_new (bytes, size);
  picture = atl_picture_parse (png, KEY, NULL);
  if (!picture || picture->width != 2 * SIDE || picture->height != SIDE)
    return NULL;
  return g_steal_pointer (&png);
}
