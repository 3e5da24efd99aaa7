/* Pixels to a network's channels and back; see colour.h. */

#include "apply/colour.h"

#include <glib/gi18n-lib.h>

#include "base/colour.h"

gboolean
atl_colouring_init (AtlColouring *colouring, const AtlConfig *config,
                    int picture_channels, int result_channels, double strength,
                    GError **error)
{
  gboolean chroma = config->colour == ATL_COLOUR_LUMA_TO_CHROMA;
  int in = config->input_channels, out = config->output_channels;

  if (chroma ? in != 1 || out != 2 : (in != 1 && in != 3) || (out != 1 && out != 3))
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
          _ ("This model makes %d channels of %d; for pictures it must take "
             "and make 1 (grey) or 3 (colour)"),
          out, in);
      return FALSE;
    }
  *colouring = (AtlColouring){ config->colour,
                               in,
                               out,
                               picture_channels,
                               result_channels,
                               (float)CLAMP (strength, 0, 1) };
  return TRUE;
}

gboolean
atl_colouring_needs_picture (const AtlColouring *colouring)
{
  return colouring->strength < 1 || colouring->colour == ATL_COLOUR_LUMA_TO_CHROMA;
}

void
atl_colouring_in (const AtlColouring *colouring, const float *picture,
                  const int *columns, int n, float *out, gsize stride)
{
  int from = colouring->picture_channels, to = colouring->in_channels;

  for (int i = 0; i < n; i++, out += stride)
    {
      const float *p = picture + (gsize)columns[i] * from;

      if (to == 1)
        out[0] = 2 * (from == 3 ? atl_luma (p) : p[0]) - 1;
      else
        for (int c = 0; c < 3; c++)
          out[c] = 2 * p[from == 3 ? c : 0] - 1;
    }
}

/* NaN becomes 0. */
static float
clamp_unit (float v)
{
  return v > 0 ? (v < 1 ? v : 1) : 0;
}

/* R, G, B of luma y with this chroma, or as much of it as there is room for. */
static void
colour_luma (float y, float cb, float cr, float rgb[3])
{
  float ycc[3]
      = { y, clamp_unit (cb / 2 + 0.5f) - 0.5f, clamp_unit (cr / 2 + 0.5f) - 0.5f };
  float room = 1;

  atl_ycc_to_rgb (ycc, rgb);
  for (int c = 0; c < 3; c++)
    {
      if (rgb[c] > 1)
        room = MIN (room, (1 - y) / (rgb[c] - y));
      else if (rgb[c] < 0)
        room = MIN (room, y / (y - rgb[c]));
    }
  for (int c = 0; c < 3; c++)
    rgb[c] = y + room * (rgb[c] - y);
}

void
atl_colouring_out (const AtlColouring *colouring, const float *network,
                   gsize stride, const float *picture, int n, float *result)
{
  gboolean chroma = colouring->colour == ATL_COLOUR_LUMA_TO_CHROMA;
  int from = colouring->picture_channels, to = colouring->result_channels;
  float strength = colouring->strength;

  for (int i = 0; i < n; i++, network += stride, result += to)
    {
      float rgb[3];

      if (chroma)
        colour_luma (from == 3 ? atl_luma (picture) : picture[0], network[0],
                     network[1], rgb);
      else
        for (int c = 0; c < 3; c++)
          rgb[c] = clamp_unit (network[colouring->out_channels == 3 ? c : 0] * 0.5f
                               + 0.5f);
      if (strength < 1)
        for (int c = 0; c < 3; c++)
          rgb[c] = picture[from == 3 ? c : 0] * (1 - strength) + rgb[c] * strength;
      if (to == 1)
        result[0] = clamp_unit (
            rgb[0] == rgb[1] && rgb[1] == rgb[2] ? rgb[0] : atl_luma (rgb));
      else
        for (int c = 0; c < 3; c++)
          result[c] = clamp_unit (rgb[c]);
      if (picture)
        picture += from;
    }
}
