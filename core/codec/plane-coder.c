/* Planes of codes to bytes and back; see plane-coder.h. */

#include "codec/plane-coder.h"

#include <string.h>

#include "base/memory.h"
#include "codec/mixing.h"
#include "codec/range-coder.h"

#define KINDS 17      /* of a code: the upper 4 levels of its way; 16: outside */
#define CONFIDENCE 24 /* what a prior counts, in codes */
#define LIMIT 1000    /* of the counters */
#define LIMIT_KIND 250
#define MIX_SHIFT 15
#define SURE 768 /* logit beyond which the network is taken for sure */

enum
{
  INPUT_NODE,
  INPUT_LEFT,
  INPUT_ABOVE,
  INPUT_BEFORE,
  INPUT_BIAS,
  INPUT_NETWORK,
  N_INPUTS
};

typedef struct
{
  const AtlContexts *contexts;
  const AtlCodeContext *context;
  const AtlMixingTables *tables;
  const AtlCodeGrid *grid;
  const AtlCodes *codes;
  int level, stage;
  gboolean mixed;
  AtlCounter *counters; /* [nodes] */
  AtlCounter *kinds[3]; /* [nodes][KINDS]: left, above, before */
  gint32 weights[17][3][N_INPUTS];

  AtlRangeEncoder encoder;
  AtlRangeDecoder decoder;
} Coder;

/* `each` counters a node, as the prior has it. */
static AtlCounter *
make_counters (const AtlCodeContext *context, int each, int confidence,
               GError **error)
{
  gsize nodes = (gsize)1 << context->depth;
  AtlCounter *counters
      = atl_context_alloc (nodes * (gsize)each, sizeof *counters, error);

  for (gsize i = 0; counters && i < nodes; i++)
    for (int j = 0; j < each; j++)
      counters[i * (gsize)each + (gsize)j]
          = atl_counter (context->prior[i], confidence);
  return counters;
}

static void
coder_clear (Coder *c)
{
  atl_free (c->counters);
  for (int i = 0; i < 3; i++)
    atl_free (c->kinds[i]);
}

/* To be cleared, even if it fails. */
static gboolean
coder_init (Coder *c, const AtlCodes *codes, const AtlContexts *contexts, int level,
            int stage, AtlCoding coding, GError **error)
{
  gboolean primed;

  memset (c, 0, sizeof *c);
  c->contexts = contexts;
  c->context = &contexts->levels[level][stage];
  c->tables = atl_mixing_tables ();
  c->codes = codes;
  c->grid = &codes->levels[level];
  c->level = level;
  c->stage = stage;
  c->mixed = coding == ATL_CODING_CONTEXT;
  primed = c->context->primed;
  c->counters = make_counters (c->context, 1, primed ? CONFIDENCE : 0, error);
  if (!c->counters)
    return FALSE;
  for (int i = 0; i < 3 && c->mixed; i++)
    {
      c->kinds[i] = make_counters (c->context, KINDS, primed ? 4 : 0, error);
      if (!c->kinds[i])
        return FALSE;
    }
  for (int d = 0; d < 17; d++)
    for (int i = 0; i < 3; i++)
      {
        gint32 *w = c->weights[d][i];
        gboolean network = c->context->hidden > 0;

        w[INPUT_NODE] = network ? 0 : 13000;
        w[INPUT_LEFT] = w[INPUT_ABOVE] = network ? 5000 : 22000;
        w[INPUT_BEFORE] = network ? 3000 : 13000;
        w[INPUT_NETWORK] = network ? 60000 : 0;
      }
  return TRUE;
}

/* --- What is around a code ------------------------------------------------ */

static inline int
kind_of (const AtlCodeContext *context, const guint16 *plane, gsize at)
{
  return context->leaf[plane[at]] << 4 >> context->depth;
}

static void
find_kinds (const Coder *c, int x, int y, int kinds[3])
{
  const guint16 *plane = c->grid->planes[c->stage];
  gsize at = (gsize)y * c->grid->width + x;

  kinds[0] = x > 0 ? kind_of (c->context, plane, at - 1) : KINDS - 1;
  kinds[1] = y > 0 ? kind_of (c->context, plane, at - c->grid->width) : KINDS - 1;
  if (c->stage > 0)
    kinds[2] = kind_of (&c->contexts->levels[c->level][c->stage - 1],
                        c->grid->planes[c->stage - 1], at);
  else
    kinds[2] = KINDS - 1;
}

/* The row of the neighbour's embedding. */
static inline const gint8 *
neighbour_row (const Coder *c, int j, int x, int y)
{
  const AtlNeighbour *n = &c->context->neighbours[j];
  const AtlCodeGrid *grid = &c->codes->levels[n->level];
  int code = grid->k;

  if (n->level != c->level)
    {
      x = (int)((gint64)x * grid->width / c->grid->width);
      y = (int)((gint64)y * grid->height / c->grid->height);
    }
  x += n->dx;
  y += n->dy;
  if (x >= 0 && y >= 0 && x < grid->width && y < grid->height)
    code = grid->planes[n->stage][(gsize)y * grid->width + x];
  return c->context->rows[j] + (gsize)code * c->context->hidden;
}

static void
find_hidden (const Coder *c, int x, int y, gint16 *restrict hidden)
{
  const AtlCodeContext *context = c->context;
  int width = context->hidden;

  memcpy (hidden, context->bias, width * sizeof *hidden);
  for (int j = 0; j < context->n_neighbours; j++)
    {
      const gint8 *restrict row = neighbour_row (c, j, x, y);

      for (int i = 0; i < width; i++)
        hidden[i] = (gint16)(hidden[i] + row[i]);
    }
  for (int i = 0; i < width; i++)
    hidden[i] = CLAMP (hidden[i], 0, 4095);
}

static inline int
network_logit (const AtlCodeContext *context, const gint16 *restrict hidden,
               int node)
{
  const gint16 *restrict w = context->weights + (gsize)node * context->hidden;
  gint32 sum = 0;

  for (int i = 0; i < context->hidden; i++)
    sum += (gint32)w[i] * hidden[i];
  sum = (sum + context->node_bias[node]) >> context->shift;
  return CLAMP (sum, -ATL_LOGIT_MAX, ATL_LOGIT_MAX);
}

/* --- Decisions ------------------------------------------------------------ */

static inline int
code_bit (Coder *c, int bit, guint32 p, gboolean decode)
{
  if (decode)
    return atl_range_decode (&c->decoder, p);
  atl_range_encode (&c->encoder, bit, p);
  return bit;
}

static inline int
code_plain (Coder *c, int node, int bit, gboolean decode)
{
  AtlCounter *counter = &c->counters[node];

  bit = code_bit (c, bit, atl_counter_p (*counter), decode);
  atl_counter_update (c->tables, counter, bit, LIMIT);
  return bit;
}

static inline int
code_mixed (Coder *c, int node, int level, const int kinds[3], const gint16 *hidden,
            int bit, gboolean decode)
{
  const AtlMixingTables *t = c->tables;
  AtlCounter *counters[4] = { &c->counters[node] };
  int inputs[N_INPUTS], n = N_INPUTS, set = 0;
  gint32 *weights;
  guint32 p;

  for (int i = 0; i < 3; i++)
    counters[1 + i] = &c->kinds[i][node * KINDS + kinds[i]];
  for (int i = 0; i < 4; i++)
    inputs[i] = atl_counter_logit (t, *counters[i]);
  inputs[INPUT_BIAS] = 256;
  if (c->context->hidden > 0)
    {
      inputs[INPUT_NETWORK] = network_logit (c->context, hidden, node);
      set = ABS (inputs[INPUT_NETWORK]) > SURE ? 1 : 0;
    }
  else
    n--;
  weights = c->weights[level][set];
  p = t->squash[atl_mix (weights, inputs, n) + ATL_LOGIT_MAX];
  bit = code_bit (c, bit, p, decode);
  atl_mix_update (weights, inputs, n, bit, p, MIX_SHIFT);
  atl_counter_update (t, counters[0], bit, LIMIT);
  for (int i = 1; i < 4; i++)
    atl_counter_update (t, counters[i], bit, LIMIT_KIND);
  return bit;
}

/* The way to the code's leaf; returns the code. */
static inline int
code_one (Coder *c, int x, int y, int code, gboolean mixed, gboolean decode)
{
  const AtlCodeContext *context = c->context;
  int leaf = decode ? 0 : context->leaf[code], first = 0, node = 1, kinds[3];
  gint16 hidden[ATL_MAX_HIDDEN];

  if (mixed)
    {
      find_kinds (c, x, y, kinds);
      if (context->hidden > 0)
        find_hidden (c, x, y, hidden);
    }
  for (int d = context->depth - 1; d >= 0; d--)
    {
      int half = 1 << d, bit = 0;

      if (first + half < context->k)
        {
          bit = leaf >> d & 1;
          bit = mixed ? code_mixed (c, node, context->depth - 1 - d, kinds, hidden,
                                    bit, decode)
                      : code_plain (c, node, bit, decode);
        }
      first += bit * half;
      node = 2 * node + bit;
    }
  return context->code[first];
}

static inline gboolean
code_plane (Coder *c, gboolean mixed, gboolean decode, const AtlProgress *progress,
            GError **error)
{
  int width = c->grid->width, height = c->grid->height;

  for (int y = 0; y < height; y++)
    {
      guint16 *row = c->grid->planes[c->stage] + (gsize)y * width;

      for (int x = 0; x < width; x++)
        {
          int code = code_one (c, x, y, decode ? 0 : row[x], mixed, decode);

          if (decode)
            row[x] = (guint16)code;
        }
      if (!atl_progress_update (progress, (y + 1.0) / height, NULL, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
atl_plane_encode (const AtlCodes *codes, const AtlContexts *contexts, int level,
                  int stage, AtlCoding coding, AtlBuffer *out,
                  const AtlProgress *progress, GError **error)
{
  Coder c;
  gsize first = out->len;
  gboolean ok;

  ok = coder_init (&c, codes, contexts, level, stage, coding, error);
  if (ok)
    {
      atl_range_encoder_init (&c.encoder, out);
      ok = c.mixed ? code_plane (&c, TRUE, FALSE, progress, error)
                   : code_plane (&c, FALSE, FALSE, progress, error);
      atl_range_encoder_finish (&c.encoder, first);
      ok = ok && atl_buffer_check (out, error);
    }
  coder_clear (&c);
  return ok;
}

gboolean
atl_plane_decode (AtlCodes *codes, const AtlContexts *contexts, int level,
                  int stage, AtlCoding coding, const guint8 *data, gsize size,
                  const AtlProgress *progress, GError **error)
{
  Coder c;
  gboolean ok;

  ok = coder_init (&c, codes, contexts, level, stage, coding, error);
  if (ok)
    {
      atl_range_decoder_init (&c.decoder, data, size);
      ok = c.mixed ? code_plane (&c, TRUE, TRUE, progress, error)
                   : code_plane (&c, FALSE, TRUE, progress, error);
    }
  coder_clear (&c);
  return ok;
}
