/* Items of batches; see item.h. */

#include "train/item.h"

#include <glib/gi18n-lib.h>

#include "base/colour.h"
#include "base/memory.h"

#define MAX_SIDE 16384
#define MAX_BATCH 65536

gboolean
atl_items_target_is_input (const AtlItems *items)
{
  const AtlLoaderOptions *o = &items->options;
  const AtlPair *pair = items->pairs->pdata[0];

  return !pair->path_b && !o->corrupt && !o->luma_to_chroma
         && o->input_channels == o->target_channels;
}

static gboolean
check_options (const AtlLoaderOptions *o, GError **error)
{
  const char *wrong = NULL;

  if (o->width < 1 || o->height < 1 || o->width > MAX_SIDE || o->height > MAX_SIDE)
    wrong = _ ("The size of patches must be 1 to 16384 pixels");
  else if (o->batch < 1 || o->batch > MAX_BATCH)
    wrong = _ ("The batch must be 1 to 65536 patches");
  else if (o->n_ranks > 1 && o->batch < o->n_ranks)
    wrong = _ ("The batch has fewer patches than there are processes; use a "
               "larger batch or fewer processes");
  else if (o->rank < 0 || o->rank >= MAX (o->n_ranks, 1))
    wrong = _ ("The number of this process is out of range");
  else if ((o->input_channels != 1 && o->input_channels != 3)
           || (o->target_channels != 1 && o->target_channels != 3
               && !o->luma_to_chroma))
    wrong = _ ("Only pictures of 1 or 3 channels can be trained on");
  if (wrong)
    g_set_error_literal (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, wrong);
  return !wrong;
}

gboolean
atl_items_init (AtlItems *items, GPtrArray *pairs, const AtlLoaderOptions *options,
                GError **error)
{
  AtlLoaderOptions *o = &items->options;

  *items = (AtlItems){ .pairs = pairs, .options = *options };
  if (o->luma_to_chroma)
    {
      o->input_channels = 1;
      o->target_channels = 2;
    }
  o->input_channels = o->input_channels ? o->input_channels : 3;
  o->target_channels = o->target_channels ? o->target_channels : 3;
  if (!check_options (o, error))
    return FALSE;
  items->channels = o->input_channels == 1 && o->target_channels == 1 ? 1 : 3;
  items->margin = o->corrupt ? atl_corrupt_margin (o->corrupt) : 0;
  return TRUE;
}

/* ---- the two sides of a pair ---- */

typedef struct
{
  const AtlItems *items;
  AtlCached *cached;
  AtlRegion region; /* within the picture */
} Side;

static void
close_side (Side *side)
{
  atl_picture_cache_release (side->items->cache, side->cached);
  side->cached = NULL;
}

/* second: B. */
static gboolean
open_side (const AtlItems *items, guint number, gboolean second, Side *side,
           GError **error)
{
  const AtlPair *pair = items->pairs->pdata[number];
  gboolean own_file = second && !pair->side_by_side;
  const char *path = second ? pair->path_b : pair->path_a;
  const char *name = second && pair->name_b ? pair->name_b : pair->name;
  int width, height, x0 = 0;

  *side = (Side){ .items = items };
  side->cached = atl_picture_cache_acquire (items->cache, 2 * number + own_file,
                                            path, error);
  if (!side->cached)
    return FALSE;
  width = atl_cached_width (side->cached);
  height = atl_cached_height (side->cached);
  if (pair->side_by_side)
    {
      x0 = second ? width - width / 2 : 0;
      width /= 2;
    }
  side->region
      = pair->region.width > 0 ? pair->region : (AtlRegion){ 0, 0, width, height };
  if (width < 1 || side->region.x + side->region.width > width
      || side->region.y + side->region.height > height
      || (pair->width > 0 && (pair->width != width || pair->height != height)))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
                   _ ("%s is %dx%d, which was not so before"), name, width, height);
      close_side (side);
      return FALSE;
    }
  side->region.x += x0;
  return TRUE;
}

/* AtlReadPixels within the region. */
static gboolean
read_side (gpointer data, int x, int y, int width, int height, float *out,
           GError **error)
{
  const Side *side = data;

  return atl_cached_read (side->items->cache, side->cached, x + side->region.x,
                          y + side->region.y, width, height, side->items->channels,
                          out, error);
}

/* Opens both sides of a pair; of a single picture, b is left closed. */
static gboolean
open_sides (const AtlItems *items, guint number, Side *a, Side *b, GError **error)
{
  const AtlPair *pair = items->pairs->pdata[number];

  *b = (Side){ .items = items };
  if (!open_side (items, number, FALSE, a, error))
    return FALSE;
  if (!pair->path_b)
    return TRUE;
  if (!open_side (items, number, TRUE, b, error))
    {
      close_side (a);
      return FALSE;
    }
  if (a->region.width == b->region.width && a->region.height == b->region.height)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
               _ ("%s is %dx%d but its partner is %dx%d"), pair->name,
               a->region.width, a->region.height, b->region.width,
               b->region.height);
  close_side (a);
  close_side (b);
  return FALSE;
}

gboolean
atl_items_measure (const AtlItems *items, guint pair, int *width, int *height,
                   GError **error)
{
  Side a, b;

  if (!open_sides (items, pair, &a, &b, error))
    return FALSE;
  *width = a.region.width;
  *height = a.region.height;
  close_side (&a);
  close_side (&b);
  return TRUE;
}

/* ---- into the network's form ---- */

typedef enum
{
  FORM_AS_IT_IS,
  FORM_LUMA,
  FORM_CHROMA
} Form;

/* The middle width x height of a patch with a margin, [0, 1] to [-1, 1]. */
static void
convert (const float *patch, int margin, int channels, int width, int height,
         Form form, float *out)
{
  gsize row = (gsize)(width + 2 * margin) * channels;

  for (int y = 0; y < height; y++)
    {
      const float *p = patch + (y + margin) * row + (gsize)margin * channels;

      if (form == FORM_AS_IT_IS)
        for (int i = 0; i < width * channels; i++)
          *out++ = 2.0f * p[i] - 1.0f;
      else
        for (int x = 0; x < width; x++, p += 3)
          {
            float ycc[3];

            atl_rgb_to_ycc (p, ycc);
            if (form == FORM_LUMA)
              *out++ = 2.0f * ycc[0] - 1.0f;
            else
              {
                *out++ = 2.0f * ycc[1];
                *out++ = 2.0f * ycc[2];
              }
          }
    }
}

static Form
form_for (const AtlItems *items, int wanted)
{
  return wanted == items->channels ? FORM_AS_IT_IS
         : wanted == 1             ? FORM_LUMA
                                   : FORM_CHROMA;
}

static gboolean
render (const Side *side, const AtlCrop *crop, int width, int height, float *out,
        GError **error)
{
  return atl_crop_render (crop, side->region.width, side->region.height,
                          side->items->channels, read_side, (gpointer)side, width,
                          height, out, error);
}

/* patch: room for width + 2 margin times height + 2 margin. */
static gboolean
make_both (const AtlItems *items, const Side *from, const Side *to,
           const AtlCrop *crop, AtlRandom *damage, int width, int height,
           float *patch, float *input, float *target, GError **error)
{
  const AtlLoaderOptions *o = &items->options;
  int margin = items->margin, channels = items->channels;
  int full_width = width + 2 * margin, full_height = height + 2 * margin;
  Form target_form = form_for (items, o->target_channels);

  if (target && to)
    {
      if (!render (to, crop, width, height, patch, error))
        return FALSE;
      convert (patch, 0, channels, width, height, target_form, target);
    }
  if (!render (from, crop, full_width, full_height, patch, error))
    return FALSE;
  if (target && !to)
    convert (patch, margin, channels, width, height, target_form, target);
  if (o->corrupt
      && !atl_corrupt_apply (o->corrupt, damage, full_width, full_height, channels,
                             patch, error))
    return FALSE;
  convert (patch, margin, channels, width, height,
           form_for (items, o->input_channels), input);
  return TRUE;
}

gboolean
atl_items_make (const AtlItems *items, guint pair, const AtlCrop *crop,
                AtlRandom *where, AtlRandom *damage, int width, int height,
                float *input, float *target, GError **error)
{
  gsize count = (gsize)(width + 2 * items->margin) * (height + 2 * items->margin);
  Side a, b;
  const Side *from = &a, *to = &b;
  AtlCrop drawn;
  float *patch;
  gboolean ok = FALSE;

  if (!open_sides (items, pair, &a, &b, error))
    return FALSE;
  if (!b.cached)
    to = NULL;
  else if (items->options.b_to_a)
    {
      from = &b;
      to = &a;
    }
  if (!crop)
    {
      atl_crop_draw (&drawn, &items->options.augment, where, a.region.width,
                     a.region.height, width, height);
      crop = &drawn;
    }
  patch = atl_try_alloc (count, items->channels * sizeof (float), "a patch", error);
  if (patch)
    ok = make_both (items, from, to, crop, damage, width, height, patch, input,
                    target, error);
  atl_free (patch);
  close_side (&a);
  close_side (&b);
  return ok;
}
