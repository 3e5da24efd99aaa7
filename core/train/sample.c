/* Single samples for measuring and for sample sheets; see loader.h. */

#include "train/loader.h"

#include "base/memory.h"
#include "train/item.h"

/* Random numbers for damage: beside those of loader.c. */
#define STREAM_SAMPLE ((guint64)0xd4 << 56)

void
atl_sample_free (AtlSample *sample)
{
  if (!sample)
    return;
  if (sample->target != sample->input)
    atl_free (sample->target);
  atl_free (sample->input);
  g_free (sample);
}

/* The size asked for, or all of the region as load_size makes it. */
static gboolean
sample_size (const AtlItems *items, AtlCrop *crop, AtlSample *sample,
             GError **error)
{
  const AtlLoaderOptions *o = &items->options;
  int width, height;

  if (!atl_items_measure (items, 0, &width, &height, error))
    return FALSE;
  atl_crop_centre (crop, &o->augment, width, height);
  sample->width = o->width > 0 ? o->width : MAX (1, (int)(width / crop->xx));
  sample->height = o->height > 0 ? o->height : MAX (1, (int)(height / crop->yy));
  /* Whole pixels of the picture, if the difference is odd. */
  if (crop->xx == 1.0)
    {
      crop->x -= 0.5 * ((width - sample->width) & 1);
      crop->y -= 0.5 * ((height - sample->height) & 1);
    }
  return TRUE;
}

static gboolean
make_sample (const AtlItems *items, guint64 index, AtlSample *sample,
             GError **error)
{
  const AtlLoaderOptions *o = &items->options;
  gboolean same = atl_items_target_is_input (items);
  AtlRandom damage;
  AtlCrop crop;
  gsize pixels;

  if (!sample_size (items, &crop, sample, error))
    return FALSE;
  pixels = (gsize)sample->width * sample->height;
  sample->input_channels = o->input_channels;
  sample->target_channels = o->target_channels;
  sample->input = atl_try_alloc (pixels, o->input_channels * sizeof (float),
                                 "a picture", error);
  if (!sample->input)
    return FALSE;
  sample->target = same
                       ? sample->input
                       : atl_try_alloc (pixels, o->target_channels * sizeof (float),
                                        "a picture", error);
  if (!sample->target)
    return FALSE;
  atl_random_init (&damage, o->seed, STREAM_SAMPLE | index);
  return atl_items_make (items, 0, &crop, NULL, &damage, sample->width,
                         sample->height, sample->input,
                         same ? NULL : sample->target, error);
}

AtlSample *
atl_sample_load (const AtlPair *pair, guint64 index,
                 const AtlLoaderOptions *options, GError **error)
{
  g_autoptr (GPtrArray) pairs = g_ptr_array_new ();
  g_autoptr (AtlPictureCache) cache = NULL;
  g_autoptr (AtlSample) sample = g_new0 (AtlSample, 1);
  AtlLoaderOptions checked = *options;
  AtlItems items;

  g_ptr_array_add (pairs, (gpointer)pair);
  checked.width = checked.width > 0 ? checked.width : 1;
  checked.height = checked.height > 0 ? checked.height : 1;
  checked.batch = 1;
  checked.rank = checked.n_ranks = 0;
  if (!atl_items_init (&items, pairs, &checked, error))
    return NULL;
  items.options.width = options->width;
  items.options.height = options->height;
  items.cache = cache = atl_picture_cache_new (2, G_MAXSIZE, 0, NULL, error);
  if (!cache || !make_sample (&items, index, sample, error))
    return NULL;
  return g_steal_pointer (&sample);
}
