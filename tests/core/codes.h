/* Codes for tests: models whose entries all occur, grids filled without a model,
 * tables learned of them, and there and back. */

#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "codec/plane-coder.h"
#include "codec/prime.h"
#include "models.h"

static inline AtlModel *
make_model (const char *arch, int codes, int stages)
{
  g_autofree char *settings = g_strdup_printf (
      "hidden=8 residual_blocks=1 residual_hidden=4 downsample=4 code_dim=4 "
      "codes=%d stages=%d",
      codes, stages);
  AtlModel *model = model_new (arch, settings, 5);
  const AtlGraph *graph = atl_model_get_graph (model);

  /* Entries as far apart as vectors are, so that all occur. */
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    if (strstr (atl_graph_get_parameter (graph, i)->name, "codebook"))
      {
        AtlWeights *weights = atl_model_get_weights (model);
        float *values
            = atl_weights_data (weights) + atl_weights_offset (weights, i);

        for (int j = 0; j < 4 * codes; j++)
          values[j] *= 0.7f * (float)codes;
      }
  return model;
}

/* Grids without a model: levels of K and stages. */
static inline void
make_grids (AtlCodes *codes, int n_levels, int stages, int k, int width, int height)
{
  memset (codes, 0, sizeof *codes);
  codes->n_levels = n_levels;
  codes->stages = stages;
  for (int l = 0; l < n_levels; l++)
    {
      AtlCodeGrid *grid = &codes->levels[l];
      int factor = l < n_levels - 1 ? 1 : n_levels;

      grid->width = width * factor;
      grid->height = height * factor;
      grid->k = k;
      for (int s = 0; s < stages; s++)
        grid->planes[s] = atl_try_alloc0 ((gsize)grid->width * grid->height,
                                          sizeof (guint16), "codes", NULL);
    }
}

/* How codes are spread: anything, one alone, some often, like their left. */
static inline void
fill_grids (AtlCodes *codes, AtlRandom *random)
{
  for (int l = 0; l < codes->n_levels; l++)
    for (int s = 0; s < codes->stages; s++)
      {
        AtlCodeGrid *grid = &codes->levels[l];
        guint32 kind = atl_random_below (random, 4), k = (guint32)grid->k;
        guint16 last = (guint16)atl_random_below (random, k);

        for (gsize i = 0; i < (gsize)grid->width * grid->height; i++)
          {
            if (kind == 0)
              last = (guint16)atl_random_below (random, k);
            else if (kind == 2)
              last = (guint16)(atl_random_below (random, k)
                               * (guint64)atl_random_below (random, k) / k);
            else if (kind == 3 && atl_random_below (random, 4) == 0)
              last = (guint16)((last + atl_random_below (random, 3)) % k);
            grid->planes[s][i] = last;
          }
      }
}

static inline gboolean
same_codes (const AtlCodes *a, const AtlCodes *b, int stages)
{
  for (int l = 0; l < a->n_levels; l++)
    for (int s = 0; s < stages; s++)
      if (memcmp (a->levels[l].planes[s], b->levels[l].planes[s],
                  (gsize)a->levels[l].width * a->levels[l].height * 2)
          != 0)
        return FALSE;
  return TRUE;
}

/* All planes in order, there and back. */
static inline void
check_planes (const AtlCodes *codes, const AtlContexts *contexts, AtlCoding coding)
{
  AtlCodes back;

  make_grids (&back, codes->n_levels, codes->stages, codes->levels[0].k,
              codes->levels[0].width, codes->levels[0].height);
  for (int s = 0; s < codes->stages; s++)
    for (int l = 0; l < codes->n_levels; l++)
      {
        g_auto (AtlBuffer) out = ATL_BUFFER_INIT ("test");

        g_assert_true (
            atl_plane_encode (codes, contexts, l, s, coding, &out, NULL, NULL));
        g_assert_true (atl_plane_decode (&back, contexts, l, s, coding, out.data,
                                         out.len, NULL, NULL));
      }
  g_assert_true (same_codes (codes, &back, codes->stages));
  atl_codes_clear (&back);
}

static inline GBytes *
prime_model (AtlModel *model, int n_threads)
{
  g_autoptr (AtlPool) pool = atl_pool_new (n_threads);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  AtlPrimeOptions options = { 16, 2 };
  AtlRandom random;
  AtlCodes codes[3];
  GBytes *bytes;
  GError *error = NULL;

  atl_random_init (&random, 8, 0);
  for (int i = 0; i < 3; i++)
    {
      g_assert_true (atl_codes_init (&codes[i], model, 120, 80, 0, &error));
      fill_grids (&codes[i], &random);
      g_ptr_array_add (all, &codes[i]);
    }
  bytes = atl_prime_contexts (model, all, pool, &options, NULL, &error);
  g_assert_no_error (error);
  for (int i = 0; i < 3; i++)
    atl_codes_clear (&codes[i]);
  return bytes;
}

/* How many of them to try: an option's value, or a variable's. */
static inline int
number_of (int argc, char **argv, const char *option, const char *variable,
           int value)
{
  const char *text = g_getenv (variable);

  if (text)
    value = atoi (text);
  for (int i = 1; i + 1 < argc; i++)
    if (g_str_equal (argv[i], option))
      value = atoi (argv[i + 1]);
  return value;
}
