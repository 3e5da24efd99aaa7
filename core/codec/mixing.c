/* The tables of mixing.h, made of integers only. */

#include "codec/mixing.h"

/* 65536 / (1 + exp (-x)) for x = 0, 0.25, ..., 11.  Between them lines are
 * drawn. */
static const guint16 sigmoid[] = {
  32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724,
  59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357, 64614,
  64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438,
  65459, 65476, 65489, 65500, 65508, 65514, 65519, 65523, 65526,
  65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535,
};

static void
fill (AtlMixingTables *t)
{
  for (int x = 0; x <= ATL_LOGIT_MAX; x++)
    {
      int i = x / 64, part = x % 64;
      guint32 p = (sigmoid[i] * (64 - part) + sigmoid[i + (part > 0)] * part) / 64;

      t->squash[ATL_LOGIT_MAX + x] = (guint16)p;
      t->squash[ATL_LOGIT_MAX - x] = (guint16)(65536 - p);
    }
  for (int i = 0, x = 0; i < 4096; i++)
    {
      while (x < 2 * ATL_LOGIT_MAX && t->squash[x] < i * 16 + 8)
        x++;
      t->stretch[i] = (gint16)(x - ATL_LOGIT_MAX);
    }
  for (int n = 0; n < 1024; n++)
    t->rate[n] = (guint16)(131072 / (2 * n + 3));
}

const AtlMixingTables *
atl_mixing_tables (void)
{
  static AtlMixingTables tables;
  static gsize made;

  if (g_once_init_enter (&made))
    {
      fill (&tables);
      g_once_init_leave (&made, 1);
    }
  return &tables;
}
