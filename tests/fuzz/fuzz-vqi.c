/* Any bytes as a .vqi file, or (first byte odd, but not 0x89, with which such a
 * file begins) as a model's context tables.
 *
 * A file is also read with its checksums put right, as no fuzzer guesses them;
 * what then opens is decoded, codes and transparency, as far as it is small. */

#include "codec/alpha-coder.h"
#include "codec/container.h"
#include "fuzz.h"

#define MOST (1 << 18) /* codes or pixels that are decoded */

/* Makes every section's checksum right. */
static void
mend (guint8 *data, gsize size)
{
  gsize at = 8;

  while (size >= 12 && at <= size - 12)
    {
      guint32 length = data[at + 4] | data[at + 5] << 8 | data[at + 6] << 16
                       | (guint32)data[at + 7] << 24;
      guint32 crc;

      if (length > size - at - 12)
        return;
      crc = atl_crc32 (0, data + at, (gsize)length + 8);
      for (int i = 0; i < 4; i++)
        data[at + 8 + length + i] = (guint8)(crc >> (8 * i));
      at += (gsize)length + 12;
    }
}

static gboolean
shape_codes (const AtlVqi *vqi, AtlCodes *codes)
{
  memset (codes, 0, sizeof *codes);
  codes->n_levels = vqi->n_levels;
  codes->stages = vqi->usable;
  for (int l = 0; l < vqi->n_levels; l++)
    {
      const AtlVqiGrid *grid = &vqi->grids[l];

      if ((gint64)grid->width * grid->height * vqi->usable > MOST)
        return FALSE;
      codes->levels[l].width = grid->width;
      codes->levels[l].height = grid->height;
      codes->levels[l].k = grid->k;
    }
  return TRUE;
}

static void
decode_planes (const AtlVqi *vqi, AtlCodes *codes)
{
  g_autoptr (AtlContexts) contexts = atl_contexts_parse (NULL, codes, NULL);

  for (int l = 0; l < codes->n_levels; l++)
    for (int s = 0; s < codes->stages; s++)
      codes->levels[l].planes[s] = g_new0 (guint16, (gsize)codes->levels[l].width
                                                        * codes->levels[l].height);
  for (int s = 0; s < codes->stages; s++)
    for (int l = 0; l < codes->n_levels; l++)
      {
        gsize size;
        const guint8 *data = g_bytes_get_data (vqi->codes[l][s], &size);

        g_assert_true (atl_plane_decode (codes, contexts, l, s, vqi->codings[l][s],
                                         data, size, NULL, NULL));
      }
  for (int l = 0; l < codes->n_levels; l++)
    for (int s = 0; s < codes->stages; s++)
      g_free (codes->levels[l].planes[s]);
}

static void
decode_alpha (const AtlVqi *vqi)
{
  gint64 n = (gint64)vqi->width * vqi->height;
  g_autofree guint16 *alpha = NULL;
  GError *error = NULL;

  if (!vqi->alpha || n > MOST)
    return;
  alpha = g_new (guint16, n);
  if (!atl_alpha_decode (vqi->alpha, vqi->width, vqi->height, 8, alpha, NULL,
                         &error))
    fuzz_check_error (&error);
  else
    for (gint64 i = 0; i < n; i++)
      g_assert_cmpint (alpha[i], <, 256);
}

static void
try_file (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  GError *error = NULL;
  g_autoptr (AtlVqi) vqi = atl_vqi_parse (bytes, "fuzz", &error);
  AtlCodes codes;

  if (vqi == NULL)
    {
      fuzz_check_error (&error);
      return;
    }
  if (shape_codes (vqi, &codes))
    decode_planes (vqi, &codes);
  decode_alpha (vqi);
}

/* Of a model with one level of two stages of 5 codes. */
static void
try_tables (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  guint16 planes[2][12] = { { 0 } };
  AtlCodes codes = {
    1,
    2,
    { { .width = 4, .height = 3, .k = 5, .planes = { planes[0], planes[1] } } }
  };
  GError *error = NULL;
  g_autoptr (AtlContexts) contexts = atl_contexts_parse (bytes, &codes, &error);

  if (contexts == NULL)
    {
      fuzz_check_error (&error);
      return;
    }
  for (int s = 0; s < 2; s++)
    g_assert_true (atl_plane_decode (&codes, contexts, 0, s, ATL_CODING_CONTEXT,
                                     data, size, NULL, NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size > 0 && data[0] & 1 && data[0] != 0x89)
    try_tables (data + 1, size - 1);
  else
    {
      g_autofree guint8 *mended = g_memdup2 (data, size);

      try_file (data, size);
      if (size > 0)
        mend (mended, size);
      try_file (mended, size);
    }
  return 0;
}
