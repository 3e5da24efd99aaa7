/* Prints one number for all that the entropy coder writes of many grids, with
 * and without tables, and fails if they do not come back; for
 * tests/codec/other-architectures.
 *
 *   checksum TABLES-OF-ONE-LEVEL TABLES-OF-TWO   (K = 24, two stages) */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/alpha-coder.h"
#include "codec/plane-coder.h"

static guint64 state = 1;

static guint32
next (guint32 n)
{
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (guint32)(state >> 33) % n;
}

static guint32 sum = 2166136261u; /* FNV-1a */

static void
add (const guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++)
    sum = (sum ^ data[i]) * 16777619u;
}

static void
shape (AtlCodes *codes, int n_levels, int k, int width, int height)
{
  memset (codes, 0, sizeof *codes);
  codes->n_levels = n_levels;
  codes->stages = 2;
  for (int l = 0; l < n_levels; l++)
    {
      AtlCodeGrid *grid = &codes->levels[l];

      grid->width = width << l;
      grid->height = height << l;
      grid->k = k;
      for (int s = 0; s < 2; s++)
        grid->planes[s] = calloc ((gsize)grid->width * grid->height, 2);
    }
}

static void
check (int n_levels, int k, GBytes *tables)
{
  AtlCodes codes, back;
  AtlContexts *contexts;
  int width = 1 + (int)next (40), height = 1 + (int)next (40);

  shape (&codes, n_levels, k, width, height);
  shape (&back, n_levels, k, width, height);
  contexts = atl_contexts_parse (tables, &codes, NULL);
  if (!contexts)
    abort ();
  for (int s = 0; s < 2; s++)
    for (int l = 0; l < n_levels; l++)
      {
        const AtlCodeGrid *grid = &codes.levels[l];
        gsize n = (gsize)grid->width * grid->height;

        for (gsize i = 0; i < n; i++)
          grid->planes[s][i] = (guint16)(next (3) && i ? grid->planes[s][i - 1]
                                                       : next ((guint32)k));
        for (int c = 0; c < ATL_N_CODINGS; c++)
          {
            AtlBuffer out = ATL_BUFFER_INIT (NULL);

            atl_plane_encode (&codes, contexts, l, s, c, &out, NULL, NULL);
            add (out.data, out.len);
            atl_plane_decode (&back, contexts, l, s, c, out.data, out.len, NULL,
                              NULL);
            if (memcmp (grid->planes[s], back.levels[l].planes[s], 2 * n) != 0)
              abort ();
          }
      }
}

static void
check_alpha (void)
{
  guint16 alpha[30 * 20], back[30 * 20];
  GBytes *bytes;
  gsize size;
  const guint8 *data;

  for (int i = 0; i < 600; i++)
    alpha[i] = (guint16)(next (4) && i ? alpha[i - 1] : next (65536));
  bytes = atl_alpha_encode (alpha, 30, 20, 16, 0, NULL, NULL);
  data = g_bytes_get_data (bytes, &size);
  add (data, size);
  if (!atl_alpha_decode (bytes, 30, 20, 16, back, NULL, NULL)
      || memcmp (alpha, back, sizeof back) != 0)
    abort ();
}

static GBytes *
read_file (const char *path)
{
  static guint8 buffer[1 << 20];
  FILE *file = fopen (path, "rb");
  gsize n = file ? fread (buffer, 1, sizeof buffer, file) : 0;

  if (!file || n == 0)
    abort ();
  fclose (file);
  return g_bytes_new (buffer, n);
}

int
main (int argc, char **argv)
{
  GBytes *one, *two;

  if (argc != 3)
    return 2;
  one = read_file (argv[1]);
  two = read_file (argv[2]);
  for (int i = 0; i < 100; i++)
    {
      check (1, 24, one);
      check (2, 24, two);
      check (1 + i % 2, 1 + (int)next (i < 90 ? 600 : 65536), NULL);
      check_alpha ();
    }
  printf ("%08x\n", sum);
  return 0;
}
