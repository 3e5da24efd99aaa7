/* Alignment of pairs; see alignment.h. */

#include "train/alignment.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "train/item.h"

#define WHAT "a comparison of pictures" /* for messages */
#define SIDE 192                        /* of what is compared */
#define COARSE_REACH 12                 /* pixels of the scaled pair */
#define FINE_REACH 6                    /* pixels of the pair */
#define SMALLEST 48                     /* pairs smaller than this say nothing */

/* What counts as a clear peak (of correlations, -1 to 1), tried on drawings,
 * label maps and photographs: see the tests. */
#define PEAK 0.3
#define ABOVE_MIDDLE 0.12
#define ABOVE_OTHERS 0.08

/* Magnitude of the gradient by Roberts' cross, which is sharp enough to tell a
 * shift of one pixel; 0 at the right and lower edge. */
static void
find_edges (const float *luma, int width, int height, float *edges)
{
  memset (edges, 0, (gsize)width * height * sizeof (float));
  for (int y = 0; y < height - 1; y++)
    for (int x = 0; x < width - 1; x++)
      {
        const float *p = luma + (gsize)y * width + x;
        float down = p[width + 1] - p[0], up = p[width] - p[1];

        edges[(gsize)y * width + x] = sqrtf (down * down + up * up);
      }
}

static void
mirror (const float *in, int width, int height, gboolean across, gboolean down,
        float *out)
{
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      *out++ = in[(gsize)(down ? height - 1 - y : y) * width
                  + (across ? width - 1 - x : x)];
}

/* Normalised correlation of a's middle (`reach` left out all around) with the
 * same part of b shifted by (dx, dy); 0 where one of them is flat. */
static double
correlate (const float *a, const float *b, int width, int height, int reach, int dx,
           int dy)
{
  double n = (double)(width - 2 * reach) * (height - 2 * reach);
  double sum_a = 0, sum_b = 0, sum_aa = 0, sum_bb = 0, sum_ab = 0, var_a, var_b;

  for (int y = reach; y < height - reach; y++)
    {
      const float *p = a + (gsize)y * width;
      const float *q = b + (gsize)(y + dy) * width + dx;
      float row[5] = { 0 };

      for (int x = reach; x < width - reach; x++)
        {
          row[0] += p[x];
          row[1] += q[x];
          row[2] += p[x] * p[x];
          row[3] += q[x] * q[x];
          row[4] += p[x] * q[x];
        }
      sum_a += row[0];
      sum_b += row[1];
      sum_aa += row[2];
      sum_bb += row[3];
      sum_ab += row[4];
    }
  var_a = sum_aa / n - sum_a / n * sum_a / n;
  var_b = sum_bb / n - sum_b / n * sum_b / n;
  if (var_a < 1e-5 || var_b < 1e-5)
    return 0.0;
  return (sum_ab / n - sum_a / n * sum_b / n) / sqrt (var_a * var_b);
}

typedef struct
{
  double middle; /* the best within a pixel of no shift */
  double peak;
  int dx, dy;    /* of the peak */
  double second; /* the best that is not beside the peak */
} Correlation;

/* Correlations over shifts up to `search`, of which the peak; edges given.
 * all: to work in, [2 search + 1][2 search + 1]. */
static void
search_peak (const float *a, const float *b, int width, int height, int reach,
             int search, double *all, Correlation *found)
{
  int side = 2 * search + 1;

  *found = (Correlation){ -1.0, -1.0, 0, 0, -1.0 };
  for (int dy = -search; dy <= search; dy++)
    for (int dx = -search; dx <= search; dx++)
      {
        double c = correlate (a, b, width, height, reach, dx, dy);

        all[(dy + search) * side + dx + search] = c;
        if (c > found->peak)
          {
            found->peak = c;
            found->dx = dx;
            found->dy = dy;
          }
        if (dx == 0 && dy == 0)
          found->middle = c;
      }
  for (int dy = -search; dy <= search; dy++)
    for (int dx = -search; dx <= search; dx++)
      if (MAX (ABS (dx - found->dx), ABS (dy - found->dy)) > 2)
        found->second
            = MAX (found->second, all[(dy + search) * side + dx + search]);
}

static gboolean
is_mirrored (const float *a, const float *b, int width, int height, int reach,
             const Correlation *straight, float *scratch, double *all)
{
  for (int way = 1; way < 4; way++)
    {
      Correlation found;

      mirror (b, width, height, way & 1, way >> 1, scratch);
      search_peak (a, scratch, width, height, reach, 2, all, &found);
      if (found.peak > PEAK && found.peak > straight->peak + ABOVE_MIDDLE)
        return TRUE;
    }
  return FALSE;
}

gboolean
atl_alignment_compare (const float *a, const float *b, int width, int height,
                       int reach, AtlAlignment *alignment, GError **error)
{
  gsize n = (gsize)width * height, side = 2 * (gsize)MAX (reach, 2) + 1;
  atl_autofree float *edges = atl_try_alloc (3 * n, sizeof *edges, WHAT, error);
  atl_autofree double *all
      = edges ? atl_try_alloc (side * side, sizeof *all, WHAT, error) : NULL;
  float *edges_a = edges, *edges_b = edges + n;
  Correlation found;

  *alignment = (AtlAlignment){ ATL_ALIGNMENT_FINE, 0, 0 };
  if (!all)
    return FALSE;
  find_edges (a, width, height, edges_a);
  find_edges (b, width, height, edges_b);
  search_peak (edges_a, edges_b, width, height, reach, reach, all, &found);
  if (is_mirrored (edges_a, edges_b, width, height, reach, &found, edges + 2 * n,
                   all))
    alignment->finding = ATL_ALIGNMENT_MIRRORED;
  else if ((found.dx || found.dy) && found.peak > PEAK
           && found.peak > found.middle + ABOVE_MIDDLE
           && found.peak > found.second + ABOVE_OTHERS)
    *alignment = (AtlAlignment){ ATL_ALIGNMENT_SHIFTED, found.dx, found.dy };
  return TRUE;
}

/* Luma of both sides of the pair, `step` of its pixels a pixel, from its
 * middle. */
static gboolean
compare_at (const AtlItems *items, double step, int width, int height, int reach,
            AtlAlignment *alignment, GError **error)
{
  const AtlPair *pair = items->pairs->pdata[0];
  AtlAugment none = ATL_AUGMENT_NONE;
  gsize n = (gsize)width * height;
  atl_autofree float *luma = atl_try_alloc (2 * n, sizeof *luma, WHAT, error);
  AtlCrop crop;
  int full_width, full_height;

  if (!luma || !atl_items_measure (items, 0, &full_width, &full_height, error))
    return FALSE;
  atl_crop_centre (&crop, &none, full_width, full_height);
  crop.xx = crop.yy = step;
  if (!atl_items_make (items, 0, &crop, NULL, NULL, width, height, luma,
                       pair->path_b ? luma + n : NULL, error))
    return FALSE;
  if (!pair->path_b)
    return TRUE;
  if (!atl_alignment_compare (luma, luma + n, width, height, reach, alignment,
                              error))
    return FALSE;
  alignment->dx = (int)lrint (alignment->dx * step);
  alignment->dy = (int)lrint (alignment->dy * step);
  return TRUE;
}

gboolean
atl_alignment_look (const AtlPair *pair, AtlAlignment *alignment, GError **error)
{
  g_autoptr (GPtrArray) pairs = g_ptr_array_new ();
  g_autoptr (AtlPictureCache) cache = NULL;
  AtlLoaderOptions options = {
    .width = 1, .height = 1, .batch = 1, .input_channels = 1, .target_channels = 1
  };
  int width = pair->width, height = pair->height, longer = MAX (width, height);
  double step = MAX (1.0, (double)longer / SIDE);
  AtlItems items;

  *alignment = (AtlAlignment){ ATL_ALIGNMENT_FINE, 0, 0 };
  g_ptr_array_add (pairs, (gpointer)pair);
  if (!atl_items_init (&items, pairs, &options, error))
    return FALSE;
  items.cache = cache = atl_picture_cache_new (2, G_MAXSIZE, 0, NULL, error);
  if (!cache)
    return FALSE;
  if (!pair->path_b || MIN (width, height) / step < SMALLEST)
    return atl_items_measure (&items, 0, &width, &height, error);
  if (!compare_at (&items, step, (int)(width / step), (int)(height / step),
                   COARSE_REACH, alignment, error))
    return FALSE;
  if (alignment->finding != ATL_ALIGNMENT_FINE || step == 1.0)
    return TRUE;
  return compare_at (&items, 1.0, MIN (width, SIDE), MIN (height, SIDE), FINE_REACH,
                     alignment, error);
}
