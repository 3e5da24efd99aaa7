/* Transparency to bytes and back; see alpha-coder.h. */

#include "codec/alpha-coder.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "base/memory.h"
#include "codec/mixing.h"
#include "codec/range-coder.h"

#define LIMIT 255
#define HEADER 3

typedef struct
{
  const AtlMixingTables *tables;
  AtlRangeEncoder encoder;
  AtlRangeDecoder decoder;
  AtlCounter same_left[16 * 3], same_above[16 * 3];
  AtlCounter upper[16][256], lower[3][256];
  int bits, most; /* the largest value */
} Coder;

static void
fill (AtlCounter *counters, gsize n)
{
  for (gsize i = 0; i < n; i++)
    counters[i] = atl_counter (32768, 0);
}

static void
coder_init (Coder *c, int bits, int most)
{
  c->tables = atl_mixing_tables ();
  c->bits = bits;
  c->most = most;
  fill (c->same_left, G_N_ELEMENTS (c->same_left));
  fill (c->same_above, G_N_ELEMENTS (c->same_above));
  fill (c->upper[0], 16 * 256);
  fill (c->lower[0], 3 * 256);
}

static inline int
code_bit (Coder *c, AtlCounter *counter, int bit, gboolean decode)
{
  if (decode)
    bit = atl_range_decode (&c->decoder, atl_counter_p (*counter));
  else
    atl_range_encode (&c->encoder, bit, atl_counter_p (*counter));
  atl_counter_update (c->tables, counter, bit, LIMIT);
  return bit;
}

static inline int
code_byte (Coder *c, AtlCounter *counters, int byte, gboolean decode)
{
  int node = 1;

  for (int i = 7; i >= 0; i--)
    node = 2 * node + code_bit (c, &counters[node], byte >> i & 1, decode);
  return node & 255;
}

/* Clear, opaque or between. */
static inline int
kind_of (const Coder *c, int value)
{
  return value == 0 ? 0 : value == c->most ? 1 : 2;
}

static inline int
code_value (Coder *c, int left, int above, int above_left, int above_right,
            int value, gboolean decode)
{
  int kinds = (left == above) | (above == above_left) << 1
              | (above == above_right) << 2 | (left == above_left) << 3;
  int guess = CLAMP (left + above - above_left, 0, c->most), upper, lower;

  if (code_bit (c, &c->same_left[kinds * 3 + kind_of (c, left)], value == left,
                decode))
    return left;
  if (left != above
      && code_bit (c, &c->same_above[kinds * 3 + kind_of (c, above)],
                   value == above, decode))
    return above;
  upper = code_byte (c, c->upper[guess >> (c->bits - 4)], value >> (c->bits - 8),
                     decode);
  if (c->bits == 8)
    return MIN (upper, c->most);
  lower = code_byte (c, c->lower[upper == guess >> 8 ? kind_of (c, above) : 2],
                     value & 255, decode);
  return MIN (upper << 8 | lower, c->most);
}

static inline gboolean
code_all (Coder *c, guint16 *alpha, int width, int height, gboolean decode,
          const AtlProgress *progress, GError **error)
{
  for (int y = 0; y < height; y++)
    {
      guint16 *row = alpha + (gsize)y * width;
      const guint16 *above = y > 0 ? row - width : NULL;

      for (int x = 0; x < width; x++)
        {
          int n = above ? above[x] : 0, w = x > 0 ? row[x - 1] : n;
          int nw = above && x > 0 ? above[x - 1] : n;
          int ne = above && x + 1 < width ? above[x + 1] : n;
          int value = code_value (c, w, n, nw, ne, decode ? 0 : row[x], decode);

          if (decode)
            row[x] = (guint16)value;
        }
      if (!atl_progress_update (progress, (y + 1.0) / height, NULL, error))
        return FALSE;
    }
  return TRUE;
}

/* Levels of a value out of `most`, and back. */
static void
rescale (const guint16 *in, guint16 *out, gsize n, guint32 from, guint32 to)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (guint16)((in[i] * (guint64)to + from / 2) / from);
}

/* Bits in which quantised values are coded. */
static int
coded_bits (int bits, int levels)
{
  return levels == 0 ? bits : levels <= 256 ? 8 : 16;
}

GBytes *
atl_alpha_encode (const guint16 *alpha, int width, int height, int bits, int levels,
                  const AtlProgress *progress, GError **error)
{
  gsize n = (gsize)width * height;
  guint32 most = (1u << bits) - 1;
  guint8 header[HEADER] = { (guint8)bits, (guint8)levels, (guint8)(levels >> 8) };
  g_auto (AtlBuffer) out = ATL_BUFFER_INIT (_ ("the transparency"));
  atl_autofree guint16 *quantised = NULL;
  atl_autofree Coder *c
      = atl_try_alloc (1, sizeof *c, _ ("the transparency"), error);

  if (!c)
    return NULL;
  if (levels > 0)
    {
      quantised
          = atl_try_alloc (n, sizeof *quantised, _ ("the transparency"), error);
      if (!quantised)
        return NULL;
      rescale (alpha, quantised, n, most, (guint32)levels - 1);
      most = (guint32)levels - 1;
    }
  atl_buffer_append (&out, header, HEADER);
  coder_init (c, coded_bits (bits, levels), (int)most);
  atl_range_encoder_init (&c->encoder, &out);
  if (!code_all (c, quantised ? quantised : (guint16 *)alpha, width, height, FALSE,
                 progress, error))
    return NULL;
  atl_range_encoder_finish (&c->encoder, HEADER);
  return atl_buffer_to_bytes (&out, error);
}

gboolean
atl_alpha_decode (GBytes *content, int width, int height, int bits, guint16 *alpha,
                  const AtlProgress *progress, GError **error)
{
  gsize size, n = (gsize)width * height;
  const guint8 *data = g_bytes_get_data (content, &size);
  int coded, levels;
  guint32 most;
  atl_autofree Coder *c = NULL;

  if (size < HEADER || (data[0] != 8 && data[0] != 16)
      || (data[1] | data[2] << 8) == 1)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("the file is damaged (%s); get another copy of it"),
                   _ ("transparency"));
      return FALSE;
    }
  levels = data[1] | data[2] << 8;
  coded = coded_bits (data[0], levels);
  most = levels > 0 ? (guint32)levels - 1 : (1u << data[0]) - 1;
  c = atl_try_alloc (1, sizeof *c, _ ("the transparency"), error);
  if (!c)
    return FALSE;
  coder_init (c, coded, (int)most);
  atl_range_decoder_init (&c->decoder, data + HEADER, size - HEADER);
  if (!code_all (c, alpha, width, height, TRUE, progress, error))
    return FALSE;
  if (most != (1u << bits) - 1)
    rescale (alpha, alpha, n, most, (1u << bits) - 1);
  return TRUE;
}
