/* Drawing and rendering of views; see augment.h.
 *
 * Interpolation: Catmull-Rom (Keys 1981, a = -1/2) in both directions, clamped
 * to [0, 1].  Where the picture shrinks by 2 or more, whole blocks of pixels
 * are averaged first, strip by strip, so that no more than a strip of the large
 * picture is in memory.
 */

#include "train/augment.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "base/colour.h"
#include "base/memory.h"

#define MAX_ROTATION 45.0
#define MAX_LOAD_SIZE 16384

/* ---- settings ---- */

static gboolean
parse_switch (const char *key, const char *value, gboolean *out, GError **error)
{
  static const char *const yes[] = { "yes", "true", "on", "1", NULL };
  static const char *const no[] = { "no", "false", "off", "0", NULL };

  if (g_strv_contains (yes, value))
    *out = TRUE;
  else if (g_strv_contains (no, value))
    *out = FALSE;
  else
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("%s is yes or no, not '%s'"), key, value);
      return FALSE;
    }
  return TRUE;
}

static gboolean
parse_value (const char *key, const char *value, double high, float *out,
             GError **error)
{
  char *end;
  double number = g_ascii_strtod (value, &end);

  if (end == value || *end || !(number >= 0.0 && number <= high))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("%s is a number from 0 to %g, not '%s'"), key, high, value);
      return FALSE;
    }
  *out = (float)number;
  return TRUE;
}

static gboolean
parse_load_size (const char *key, const char *value, int *out, GError **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (value, 10, 0, MAX_LOAD_SIZE, &number, NULL))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("%s is a number of pixels up to 16384 (0: pictures keep "
                      "their size), not '%s'"),
                   key, value);
      return FALSE;
    }
  *out = (int)number;
  return TRUE;
}

gboolean
atl_augment_set (AtlAugment *augment, const char *setting, gboolean *known,
                 GError **error)
{
  const char *equals = strchr (setting, '=');
  g_autofree char *key
      = g_strndup (setting, equals ? (gsize)(equals - setting) : strlen (setting));
  const char *value = equals ? equals + 1 : "";

  if (known)
    *known = TRUE;
  if (g_str_equal (key, "flip"))
    return parse_switch (key, value, &augment->flip, error);
  if (g_str_equal (key, "turns"))
    return parse_switch (key, value, &augment->turns, error);
  if (g_str_equal (key, "rotation"))
    return parse_value (key, value, MAX_ROTATION, &augment->rotation, error);
  if (g_str_equal (key, "scale"))
    return parse_value (key, value, 1.0, &augment->scale, error);
  if (g_str_equal (key, "colour_jitter"))
    return parse_value (key, value, 1.0, &augment->colour, error);
  if (g_str_equal (key, "load_size"))
    return parse_load_size (key, value, &augment->load_size, error);
  if (known)
    *known = FALSE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("'%s' is not a setting of augmentation; there are: flip, turns, "
                  "rotation, scale, colour_jitter, load_size"),
               key);
  return FALSE;
}

static void
tell_number (const char *key, double value, double high,
             AtlSettingCallback callback, gpointer data)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *allowed = g_strdup_printf (_ ("a number from 0 to %g"), high);

  callback (data, key, g_ascii_formatd (number, sizeof number, "%.7g", value),
            allowed);
}

void
atl_augment_each (const AtlAugment *augment, AtlSettingCallback callback,
                  gpointer data)
{
  callback (data, "flip", augment->flip ? "yes" : "no", _ ("yes or no"));
  callback (data, "turns", augment->turns ? "yes" : "no", _ ("yes or no"));
  tell_number ("rotation", (double)augment->rotation, MAX_ROTATION, callback, data);
  tell_number ("scale", (double)augment->scale, 1, callback, data);
  tell_number ("colour_jitter", (double)augment->colour, 1, callback, data);
  tell_number ("load_size", augment->load_size, MAX_LOAD_SIZE, callback, data);
}

/* ---- drawing ---- */

static double
base_step (const AtlAugment *augment, int picture_width, int picture_height)
{
  return augment->load_size > 0
             ? (double)MIN (picture_width, picture_height) / augment->load_size
             : 1.0;
}

/* Uniform in [-1, 1). */
static double
draw_signed (AtlRandom *random)
{
  return 2.0 * atl_random_uniform (random) - 1.0;
}

/* A centre such that `reach` pixels either way lie within 0 .. size, or, if the
 * picture is smaller, that all of it lies within reach.  whole: the edges of the
 * patch fall between pixels. */
static double
draw_centre (AtlRandom *random, double reach, int size, gboolean whole)
{
  double low = MIN (reach, size - reach), high = MAX (reach, size - reach);

  if (whole)
    return low + atl_random_below (random, (guint32)(high - low) + 1);
  return low + (high - low) * atl_random_uniform (random);
}

static void
draw_colour (AtlCrop *crop, float strength, AtlRandom *random)
{
  crop->brightness = 0.2f * strength * (float)draw_signed (random);
  crop->contrast = expf (0.4f * strength * (float)draw_signed (random));
  crop->saturation = expf (0.6f * strength * (float)draw_signed (random));
}

void
atl_crop_draw (AtlCrop *crop, const AtlAugment *augment, AtlRandom *random,
               int picture_width, int picture_height, int width, int height)
{
  static const int turn_cos[4] = { 1, 0, -1, 0 };
  double step = base_step (augment, picture_width, picture_height);
  double angle = 0.0, c = 1.0, s = 0.0, flip, reach_x, reach_y;
  int turn = 0;

  atl_crop_centre (crop, augment, picture_width, picture_height);
  if (augment->scale > 0.0f)
    step *= exp (draw_signed (random) * log1p (augment->scale));
  if (augment->turns)
    turn = (int)atl_random_below (random, 4);
  c = turn_cos[turn];
  s = turn_cos[(turn + 3) % 4];
  if (augment->rotation > 0.0f)
    {
      angle = augment->rotation * draw_signed (random) + 90.0 * turn;
      c = cos (angle * G_PI / 180.0);
      s = sin (angle * G_PI / 180.0);
    }
  flip = augment->flip && atl_random_below (random, 2) ? -1.0 : 1.0;
  crop->xx = step * c * flip;
  crop->xy = -step * s;
  crop->yx = step * s * flip;
  crop->yy = step * c;

  reach_x = 0.5 * (fabs (crop->xx) * width + fabs (crop->xy) * height);
  reach_y = 0.5 * (fabs (crop->yx) * width + fabs (crop->yy) * height);
  gboolean whole = step == 1.0 && angle == 0.0;
  crop->x = draw_centre (random, reach_x, picture_width, whole);
  crop->y = draw_centre (random, reach_y, picture_height, whole);
  if (augment->colour > 0.0f)
    draw_colour (crop, augment->colour, random);
}

void
atl_crop_centre (AtlCrop *crop, const AtlAugment *augment, int picture_width,
                 int picture_height)
{
  double step = base_step (augment, picture_width, picture_height);

  *crop = (AtlCrop){ .x = 0.5 * picture_width,
                     .y = 0.5 * picture_height,
                     .xx = step,
                     .yy = step,
                     .contrast = 1.0f,
                     .saturation = 1.0f };
}

/* ---- a rectangle that may lie outside of the picture ---- */

typedef struct
{
  int width, height, channels;
  AtlReadPixels read;
  gpointer data;
} Source;

/* Index in 0 .. n-1 of i reflected at both ends, without repeating the edge. */
static int
reflect (int i, int n)
{
  int period = 2 * (n - 1);

  if (n == 1)
    return 0;
  i %= period;
  if (i < 0)
    i += period;
  return i < n ? i : period - i;
}

/* The range of pixels that first .. first + count - 1 reflect to. */
static void
reflected_range (int first, int count, int n, int *low, int *high)
{
  if (first >= 0 && first + count <= n)
    {
      *low = first;
      *high = first + count;
      return;
    }
  *low = n;
  *high = 0;
  for (int i = first; i < first + count; i++)
    {
      int r = reflect (i, n);

      *low = MIN (*low, r);
      *high = MAX (*high, r + 1);
    }
}

/* Fills out with width x height pixels from (x, y) on. */
static gboolean
read_reflected (const Source *source, int x, int y, int width, int height,
                float *out, GError **error)
{
  int x0, x1, y0, y1, channels = source->channels;
  float *inner;

  reflected_range (x, width, source->width, &x0, &x1);
  reflected_range (y, height, source->height, &y0, &y1);
  if (x0 == x && x1 == x + width && y0 == y && y1 == y + height)
    return source->read (source->data, x, y, width, height, out, error);

  inner = atl_try_alloc ((gsize)(x1 - x0) * (y1 - y0), channels * sizeof (float),
                         "a patch", error);
  if (!inner)
    return FALSE;
  if (!source->read (source->data, x0, y0, x1 - x0, y1 - y0, inner, error))
    {
      atl_free (inner);
      return FALSE;
    }
  for (int j = 0; j < height; j++)
    {
      const float *row
          = inner
            + (gsize)(reflect (y + j, source->height) - y0) * (x1 - x0) * channels;

      for (int i = 0; i < width; i++, out += channels)
        memcpy (out, row + (gsize)(reflect (x + i, source->width) - x0) * channels,
                channels * sizeof (float));
    }
  atl_free (inner);
  return TRUE;
}

/* ---- shrinking by whole blocks ---- */

typedef struct
{
  const Source *large;
  int factor;
} Shrunk;

/* AtlReadPixels of the picture whose pixels are blocks of factor x factor
 * pixels; those at the right and lower edge may be cut off. */
static gboolean
read_shrunk (gpointer data, int x, int y, int width, int height, float *out,
             GError **error)
{
  const Shrunk *shrunk = data;
  const Source *large = shrunk->large;
  int f = shrunk->factor, channels = large->channels;
  int x0 = x * f, x1 = MIN ((x + width) * f, large->width);
  float *strip = atl_try_alloc ((gsize)(x1 - x0) * f, channels * sizeof (float),
                                "a patch", error);
  gboolean ok = strip != NULL;

  for (int j = 0; ok && j < height; j++)
    {
      int y0 = (y + j) * f, y1 = MIN (y0 + f, large->height);

      ok = large->read (large->data, x0, y0, x1 - x0, y1 - y0, strip, error);
      for (int i = 0; ok && i < width; i++, out += channels)
        {
          int left = i * f, right = MIN (left + f, x1 - x0);

          memset (out, 0, channels * sizeof (float));
          for (int v = 0; v < y1 - y0; v++)
            for (int u = left; u < right; u++)
              for (int c = 0; c < channels; c++)
                out[c] += strip[((gsize)v * (x1 - x0) + u) * channels + c];
          for (int c = 0; c < channels; c++)
            out[c] /= (float)((right - left) * (y1 - y0));
        }
    }
  atl_free (strip);
  return ok;
}

/* ---- rendering ---- */

static void
weigh (float t, float w[4])
{
  w[0] = ((-0.5f * t + 1.0f) * t - 0.5f) * t;
  w[1] = (1.5f * t - 2.5f) * t * t + 1.0f;
  w[2] = ((-1.5f * t + 2.0f) * t + 0.5f) * t;
  w[3] = (0.5f * t - 0.5f) * t * t;
}

/* Pixels of a rectangle of the picture, its reflection included. */
typedef struct
{
  int x, y, width, height;
  float *pixels;
} Window;

/* What the crop touches, `border` pixels around it included. */
static gboolean
read_window (const AtlCrop *crop, const Source *source, int width, int height,
             int border, Window *window, GError **error)
{
  double reach_x = 0.5 * (fabs (crop->xx) * width + fabs (crop->xy) * height);
  double reach_y = 0.5 * (fabs (crop->yx) * width + fabs (crop->yy) * height);

  window->x = (int)floor (crop->x - reach_x + 1e-6) - border;
  window->y = (int)floor (crop->y - reach_y + 1e-6) - border;
  window->width = (int)ceil (crop->x + reach_x - 1e-6) + border - window->x;
  window->height = (int)ceil (crop->y + reach_y - 1e-6) + border - window->y;
  window->pixels
      = atl_try_alloc ((gsize)window->width * window->height,
                       source->channels * sizeof (float), "a patch", error);
  if (!window->pixels)
    return FALSE;
  if (read_reflected (source, window->x, window->y, window->width, window->height,
                      window->pixels, error))
    return TRUE;
  atl_free (window->pixels);
  return FALSE;
}

/* Whether every patch pixel is one pixel of the picture. */
static gboolean
is_exact (const AtlCrop *crop, int width, int height)
{
  double a = fabs (crop->xx) + fabs (crop->yx);
  double b = fabs (crop->xy) + fabs (crop->yy);
  gboolean straight = crop->xy == 0.0 && crop->yx == 0.0;
  gboolean turned = crop->xx == 0.0 && crop->yy == 0.0;
  double x0 = crop->x - 0.5 * (straight ? width : height);
  double y0 = crop->y - 0.5 * (straight ? height : width);

  return (straight || turned) && a == 1.0 && b == 1.0 && x0 == floor (x0)
         && y0 == floor (y0);
}

static gboolean
render_exact (const AtlCrop *crop, const Source *source, int width, int height,
              float *out, GError **error)
{
  Window window;
  int channels = source->channels;

  if (crop->xx == 1.0 && crop->yy == 1.0)
    return read_reflected (source, (int)(crop->x - 0.5 * width),
                           (int)(crop->y - 0.5 * height), width, height, out,
                           error);
  if (!read_window (crop, source, width, height, 0, &window, error))
    return FALSE;
  for (int j = 0; j < height; j++)
    for (int i = 0; i < width; i++, out += channels)
      {
        double u = i + 0.5 - 0.5 * width, v = j + 0.5 - 0.5 * height;
        int x = (int)floor (crop->x + crop->xx * u + crop->xy * v) - window.x;
        int y = (int)floor (crop->y + crop->yx * u + crop->yy * v) - window.y;

        memcpy (out, window.pixels + ((gsize)y * window.width + x) * channels,
                channels * sizeof (float));
      }
  atl_free (window.pixels);
  return TRUE;
}

/* One pixel at (x, y) of the window, pixel centres at .5; at least two pixels
 * off its edge.  Rows are summed first: 4 pixels are contiguous. */
static inline void
interpolate (const Window *window, int channels, double x, double y, float *out)
{
  int ix = (int)(x - 0.5), iy = (int)(y - 0.5);
  gsize row = (gsize)window->width * channels;
  const float *from = window->pixels + (iy - 1) * row + (gsize)(ix - 1) * channels;
  float wx[4], wy[4], column[4 * 3];

  weigh ((float)(x - 0.5 - ix), wx);
  weigh ((float)(y - 0.5 - iy), wy);
  for (int k = 0; k < 4 * channels; k++)
    column[k] = wy[0] * from[k] + wy[1] * from[row + k] + wy[2] * from[2 * row + k]
                + wy[3] * from[3 * row + k];
  for (int c = 0; c < channels; c++)
    {
      float sum = wx[0] * column[c] + wx[1] * column[channels + c]
                  + wx[2] * column[2 * channels + c]
                  + wx[3] * column[3 * channels + c];

      out[c] = CLAMP (sum, 0.0f, 1.0f);
    }
}

static gboolean
render_interpolated (const AtlCrop *crop, const Source *source, int width,
                     int height, float *out, GError **error)
{
  Window window;

  if (!read_window (crop, source, width, height, 3, &window, error))
    return FALSE;
  for (int j = 0; j < height; j++)
    for (int i = 0; i < width; i++, out += source->channels)
      {
        double u = i + 0.5 - 0.5 * width, v = j + 0.5 - 0.5 * height;
        double x = crop->x + crop->xx * u + crop->xy * v - window.x;
        double y = crop->y + crop->yx * u + crop->yy * v - window.y;

        if (source->channels == 3) /* the compiler unrolls both */
          interpolate (&window, 3, x, y, out);
        else
          interpolate (&window, 1, x, y, out);
      }
  atl_free (window.pixels);
  return TRUE;
}

static gboolean
render_shrunk (const AtlCrop *crop, const Source *source, int factor, int width,
               int height, float *out, GError **error)
{
  Shrunk shrunk = { source, factor };
  Source small = { (source->width + factor - 1) / factor,
                   (source->height + factor - 1) / factor, source->channels,
                   read_shrunk, &shrunk };
  AtlCrop scaled = *crop;

  scaled.x /= factor;
  scaled.y /= factor;
  scaled.xx /= factor;
  scaled.xy /= factor;
  scaled.yx /= factor;
  scaled.yy /= factor;
  if (is_exact (&scaled, width, height))
    return render_exact (&scaled, &small, width, height, out, error);
  return render_interpolated (&scaled, &small, width, height, out, error);
}

static void
adjust_colour (const AtlCrop *crop, int channels, gsize n, float *pixels)
{
  for (gsize i = 0; i < n; i++)
    {
      float *p = pixels + i * channels;
      float luma = channels == 3 ? atl_luma (p) : p[0];

      for (int c = 0; c < channels; c++)
        {
          float v = luma + (p[c] - luma) * crop->saturation;

          v = (v - 0.5f) * crop->contrast + 0.5f + crop->brightness;
          p[c] = CLAMP (v, 0.0f, 1.0f);
        }
    }
}

gboolean
atl_crop_render (const AtlCrop *crop, int picture_width, int picture_height,
                 int channels, AtlReadPixels read, gpointer data, int width,
                 int height, float *out, GError **error)
{
  Source source = { picture_width, picture_height, channels, read, data };
  double step = sqrt (fabs (crop->xx * crop->yy - crop->xy * crop->yx));
  gboolean ok;

  if (is_exact (crop, width, height))
    ok = render_exact (crop, &source, width, height, out, error);
  else if (step >= 2.0)
    ok = render_shrunk (crop, &source, (int)step, width, height, out, error);
  else
    ok = render_interpolated (crop, &source, width, height, out, error);
  if (ok
      && (crop->brightness != 0.0f || crop->contrast != 1.0f
          || crop->saturation != 1.0f))
    adjust_colour (crop, channels, (gsize)width * height, out);
  return ok;
}
