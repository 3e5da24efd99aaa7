/* The CIEDE2000 colour difference.
 *
 * G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula:
 * implementation notes, supplementary test data, and mathematical
 * observations", 2005; weights kL = kC = kH = 1.  sRGB after IEC 61966-2-1,
 * white D65.
 */

#include <math.h>

#include "apply/metrics.h"

#define DEGREES (G_PI / 180)

/* Hue angle in degrees, 0 .. 360; 0 for grey. */
static double
hue (double b, double a)
{
  double h;

  if (a == 0 && b == 0)
    return 0;
  h = atan2 (b, a) / DEGREES;
  return h < 0 ? h + 360 : h;
}

static double
pow7 (double x)
{
  double x2 = x * x;

  return x2 * x2 * x2 * x;
}

/* Mean of two hues, on the shorter arc between them (equation 14). */
static double
mean_hue (double h1, double h2, gboolean grey)
{
  if (grey)
    return h1 + h2;
  if (fabs (h1 - h2) <= 180)
    return (h1 + h2) / 2;
  return h1 + h2 < 360 ? (h1 + h2 + 360) / 2 : (h1 + h2 - 360) / 2;
}

/* From lightness, chroma and hue (equations 8 to 22). */
static double
difference (double l1, double c1, double h1, double l2, double c2, double h2)
{
  gboolean grey = c1 * c2 == 0;
  double dh = grey             ? 0
              : h2 - h1 > 180  ? h2 - h1 - 360
              : h2 - h1 < -180 ? h2 - h1 + 360
                               : h2 - h1;
  double dl = l2 - l1, dc = c2 - c1;
  double big_dh = 2 * sqrt (c1 * c2) * sin (dh / 2 * DEGREES);
  double l = (l1 + l2) / 2, c = (c1 + c2) / 2, h = mean_hue (h1, h2, grey);
  double t = 1 - 0.17 * cos ((h - 30) * DEGREES) + 0.24 * cos (2 * h * DEGREES)
             + 0.32 * cos ((3 * h + 6) * DEGREES)
             - 0.20 * cos ((4 * h - 63) * DEGREES);
  double theta = 30 * exp (-((h - 275) / 25) * ((h - 275) / 25));
  double rc = 2 * sqrt (pow7 (c) / (pow7 (c) + pow7 (25)));
  double off = (l - 50) * (l - 50);
  double sl = 1 + 0.015 * off / sqrt (20 + off);
  double sc = 1 + 0.045 * c, sh = 1 + 0.015 * c * t;
  double rt = -sin (2 * theta * DEGREES) * rc;

  dl /= sl;
  dc /= sc;
  big_dh /= sh;
  return sqrt (dl * dl + dc * dc + big_dh * big_dh + rt * dc * big_dh);
}

double
atl_ciede2000_lab (const double lab1[3], const double lab2[3])
{
  double c = (hypot (lab1[1], lab1[2]) + hypot (lab2[1], lab2[2])) / 2;
  double g = 0.5 * (1 - sqrt (pow7 (c) / (pow7 (c) + pow7 (25))));
  double a1 = (1 + g) * lab1[1], a2 = (1 + g) * lab2[1];

  return difference (lab1[0], hypot (a1, lab1[2]), hue (lab1[2], a1), lab2[0],
                     hypot (a2, lab2[2]), hue (lab2[2], a2));
}

static double
to_linear (double v)
{
  return v <= 0.04045 ? v / 12.92 : pow ((v + 0.055) / 1.055, 2.4);
}

static double
lab_curve (double t)
{
  return t > 216.0 / 24389 ? cbrt (t) : (24389.0 / 27 * t + 16) / 116;
}

static void
srgb_to_lab (const float *rgb, double lab[3])
{
  static const double m[3][3] = { { 0.4124564, 0.3575761, 0.1804375 },
                                  { 0.2126729, 0.7151522, 0.0721750 },
                                  { 0.0193339, 0.1191920, 0.9503041 } };
  double linear[3], f[3];

  for (int i = 0; i < 3; i++)
    linear[i] = to_linear (rgb[i]);
  for (int i = 0; i < 3; i++)
    {
      double white = m[i][0] + m[i][1] + m[i][2];
      double v = m[i][0] * linear[0] + m[i][1] * linear[1] + m[i][2] * linear[2];

      f[i] = lab_curve (v / white);
    }
  lab[0] = 116 * f[1] - 16;
  lab[1] = 500 * (f[0] - f[1]);
  lab[2] = 200 * (f[1] - f[2]);
}

double
atl_ciede2000 (const float *a, const float *b, int width, int height)
{
  gsize n = (gsize)width * height;
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    {
      double lab_a[3], lab_b[3];

      srgb_to_lab (a + 3 * i, lab_a);
      srgb_to_lab (b + 3 * i, lab_b);
      sum += atl_ciede2000_lab (lab_a, lab_b);
    }
  return sum / n;
}
