/* A binary arithmetic coder in 64-bit integers (Martin 1979, in Subbotin's
 * form, with carries).
 *
 * `low` and `range` are 64 bits; whenever range falls below 2^32, the upper 32
 * bits of low leave, most significant byte first.  A decision whose
 * probability of being 1 is p / 65536 (1 <= p <= 65535) splits off
 * (range >> 16) * p at the bottom for the 1.  The end is the shortest string of
 * bytes within the last range; trailing zeros are left out, as a decoder reads
 * zeros behind the end.  Unsigned integers only: the same bytes on every
 * machine.
 */

#pragma once

#include "base/buffer.h"

G_BEGIN_DECLS

typedef struct
{
  guint64    low, range;
  AtlBuffer *out; /* bytes are appended; borrowed */
} AtlRangeEncoder;

typedef struct
{
  guint64       value, range; /* value: of the code within the range */
  const guint8 *data, *end;
} AtlRangeDecoder;

static inline void
atl_range_encoder_init (AtlRangeEncoder *encoder, AtlBuffer *out)
{
  encoder->low = 0;
  encoder->range = G_MAXUINT64;
  encoder->out = out;
}

static inline void
atl_range_encoder_carry (AtlRangeEncoder *encoder)
{
  guint8 *last = encoder->out->data + encoder->out->len;

  if (G_UNLIKELY (encoder->out->error != NULL))
    return;
  while (++*--last == 0)
    ;
}

static inline void
atl_range_encode (AtlRangeEncoder *encoder, int bit, guint32 p)
{
  guint64 bound = (encoder->range >> 16) * p;

  if (bit)
    encoder->range = bound;
  else
    {
      encoder->low += bound;
      if (encoder->low < bound)
        atl_range_encoder_carry (encoder);
      encoder->range -= bound;
    }
  while (encoder->range >> 32 == 0)
    {
      guint8 bytes[4] = { (guint8)(encoder->low >> 56), (guint8)(encoder->low >> 48),
                          (guint8)(encoder->low >> 40),
                          (guint8)(encoder->low >> 32) };

      atl_buffer_append (encoder->out, bytes, 4);
      encoder->low <<= 32;
      encoder->range <<= 32;
    }
}

/* first: length of `out` when the encoder was made; zeros are not taken from
 * before it. */
static inline void
atl_range_encoder_finish (AtlRangeEncoder *encoder, gsize first)
{
  for (int n = 0; n <= 8; n++)
    {
      guint64 mask = n < 8 ? G_MAXUINT64 >> 8 * n : 0;
      guint64 v = (encoder->low + mask) & ~mask;

      if (v - encoder->low >= encoder->range)
        continue;
      if (v < encoder->low)
        atl_range_encoder_carry (encoder);
      for (int i = 0; i < n; i++)
        {
          guint8 byte = (guint8)(v >> (56 - 8 * i));

          atl_buffer_append (encoder->out, &byte, 1);
        }
      break;
    }
  while (encoder->out->len > first
         && encoder->out->data[encoder->out->len - 1] == 0)
    encoder->out->len--;
}

static inline guint32
atl_range_decoder_next (AtlRangeDecoder *decoder)
{
  guint32 word = 0;

  for (int i = 0; i < 4; i++)
    word = word << 8 | (decoder->data < decoder->end ? *decoder->data++ : 0);
  return word;
}

static inline void
atl_range_decoder_init (AtlRangeDecoder *decoder, const guint8 *data, gsize size)
{
  decoder->data = data;
  decoder->end = data + size;
  decoder->range = G_MAXUINT64;
  decoder->value = (guint64)atl_range_decoder_next (decoder) << 32;
  decoder->value |= atl_range_decoder_next (decoder);
}

static inline int
atl_range_decode (AtlRangeDecoder *decoder, guint32 p)
{
  guint64 bound = (decoder->range >> 16) * p;
  int bit = decoder->value < bound;

  if (bit)
    decoder->range = bound;
  else
    {
      decoder->value -= bound;
      decoder->range -= bound;
    }
  while (decoder->range >> 32 == 0)
    {
      decoder->value = decoder->value << 32 | atl_range_decoder_next (decoder);
      decoder->range <<= 32;
    }
  return bit;
}

G_END_DECLS
