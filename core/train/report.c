/* See report.h.  Curves are inline SVG, one small plot for each column of the
 * history; pictures are data URIs. */

#include "train/report.h"

#include <math.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"

#define PLOT_WIDTH 420
#define PLOT_HEIGHT 180
#define PLOT_LEFT 56
#define PLOT_BOTTOM 22
#define MAX_POINTS 600

static const char head[]
    = "<style>\n"
      "body{font:15px/1.45 sans-serif;margin:2em auto;max-width:960px;padding:0 "
      "1em;"
      "color:#222;background:#fff}\n"
      "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}\n"
      ".plots{display:flex;flex-wrap:wrap;gap:12px}\n"
      "figure{margin:0}figcaption{font-weight:bold;font-size:.9em}\n"
      "svg text{font:11px sans-serif;fill:#555}\n"
      "img{max-width:100%;border:1px solid #ccc}\n"
      "table{border-collapse:collapse}td{padding:1px 14px 1px 0;font-size:.9em}\n"
      "</style>\n";

static void
append_number (GString *out, const char *format, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (out, g_ascii_formatd (text, sizeof text, format, value));
}

static gboolean
find_range (const AtlHistory *h, int column, double *low, double *high)
{
  *low = INFINITY;
  *high = -INFINITY;
  for (int r = 0; r < atl_history_get_n_rows (h); r++)
    {
      double v = atl_history_get_row (h, r)[column];

      if (isfinite (v))
        {
          *low = MIN (*low, v);
          *high = MAX (*high, v);
        }
    }
  if (*low == *high)
    {
      *low -= 0.5;
      *high += 0.5;
    }
  return *low < *high;
}

/* Points of the curve; of many rows the means of some at a time. */
static void
append_points (GString *out, const AtlHistory *h, int column, double low,
               double high)
{
  int n = atl_history_get_n_rows (h), group = (n + MAX_POINTS - 1) / MAX_POINTS;
  double last = MAX (atl_history_get_row (h, n - 1)[0], 1);

  for (int r = 0; r < n; r += group)
    {
      double sum = 0, step = 0;
      int count = 0;

      for (int i = r; i < MIN (r + group, n); i++)
        {
          double v = atl_history_get_row (h, i)[column];

          if (!isfinite (v))
            continue;
          sum += v;
          step += atl_history_get_row (h, i)[0];
          count++;
        }
      if (count == 0)
        continue;
      append_number (out, "%.1f",
                     PLOT_LEFT
                         + step / count / last * (PLOT_WIDTH - PLOT_LEFT - 6));
      g_string_append_c (out, ',');
      append_number (out, "%.1f ",
                     6
                         + (high - sum / count) / (high - low)
                               * (PLOT_HEIGHT - PLOT_BOTTOM - 6));
    }
}

static void
append_label (GString *out, double x, double y, const char *anchor,
              const char *format, double value)
{
  g_string_append_printf (out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">",
                          (int)x, (int)y, anchor);
  append_number (out, format, value);
  g_string_append (out, "</text>");
}

static void
append_plot (GString *out, const AtlHistory *h, int column)
{
  double low, high;
  int n = atl_history_get_n_rows (h), bottom = PLOT_HEIGHT - PLOT_BOTTOM;

  if (n == 0 || !find_range (h, column, &low, &high))
    return;
  g_string_append_printf (
      out,
      "<figure><figcaption>%s</figcaption>"
      "<svg width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">"
      "<path d=\"M%d 6V%dH%d\" fill=\"none\" stroke=\"#999\"/>"
      "<polyline fill=\"none\" stroke=\"#1a6fb0\" stroke-width=\"1.5\" points=\"",
      atl_history_get_column (h, column - 1), PLOT_WIDTH, PLOT_HEIGHT, PLOT_WIDTH,
      PLOT_HEIGHT, PLOT_LEFT, bottom, PLOT_WIDTH - 6);
  append_points (out, h, column, low, high);
  g_string_append (out, "\"/>");
  append_label (out, PLOT_LEFT - 4, 14, "end", "%.4g", high);
  append_label (out, PLOT_LEFT - 4, bottom, "end", "%.4g", low);
  append_label (out, PLOT_LEFT, PLOT_HEIGHT - 6, "start", "%.0f", 0);
  append_label (out, PLOT_WIDTH - 6, PLOT_HEIGHT - 6, "end", "%.0f",
                atl_history_get_row (h, n - 1)[0]);
  g_string_append (out, "</svg></figure>\n");
}

static void
append_sample (GString *out, const char *path)
{
  g_autofree char *bytes = NULL, *text = NULL, *name = NULL, *escaped = NULL;
  gsize size;

  if (!g_file_get_contents (path, &bytes, &size, NULL))
    return;
  text = g_base64_encode ((const guchar *)bytes, size);
  name = g_path_get_basename (path);
  escaped = g_markup_escape_text (name, -1);
  g_string_append_printf (
      out,
      "<figure><figcaption>%s</figcaption>"
      "<img alt=\"%s\" src=\"data:image/png;base64,%s\"></figure>\n",
      escaped, escaped, text);
}

static void
append_settings (GString *out, const char *settings)
{
  g_auto (GStrv) lines = g_strsplit (settings, "\n", -1);

  g_string_append (out, "<table>\n");
  for (char **line = lines; *line; line++)
    {
      g_auto (GStrv) parts = g_strsplit (*line, "=", 2);
      g_autofree char *key = NULL, *value = NULL;

      if (!parts[0] || !parts[1])
        continue;
      key = g_markup_escape_text (parts[0], -1);
      value = g_markup_escape_text (parts[1], -1);
      g_string_append_printf (out, "<tr><td>%s</td><td>%s</td></tr>\n", key, value);
    }
  g_string_append (out, "</table>\n");
}

gboolean
atl_report_write (const char *path, const char *title, const char *summary,
                  const char *settings, const AtlHistory *history,
                  GPtrArray *samples, GError **error)
{
  g_autoptr (AtlOutput) output = atl_output_open (path, error);
  g_autofree char *escaped_title = g_markup_escape_text (title, -1);
  g_autofree char *escaped_summary
      = g_markup_escape_text (summary ? summary : "", -1);
  GString *out;
  gboolean ok;

  if (!output)
    return FALSE;
  out = g_string_new ("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n");
  g_string_append_printf (
      out, "<title>%s</title>\n%s</head><body>\n<h1>%s</h1>\n<p>%s</p>",
      escaped_title, head, escaped_title, escaped_summary);
  g_string_append_printf (out, "\n<h2>%s</h2>\n<div class=\"plots\">\n",
                          _ ("Curves"));
  for (int c = 1; c <= atl_history_get_n_columns (history); c++)
    append_plot (out, history, c);
  g_string_append_printf (out, "</div>\n<h2>%s</h2>\n",
                          _ ("Samples: input, output, target"));
  for (guint i = samples->len; i > 0; i--)
    append_sample (out, samples->pdata[i - 1]);
  g_string_append_printf (out, "<h2>%s</h2>\n", _ ("Settings"));
  append_settings (out, settings);
  g_string_append (out, "</body></html>\n");
  ok = atl_output_write (output, out->str, out->len, error);
  g_string_free (out, TRUE);
  return ok && atl_output_commit (g_steal_pointer (&output), error);
}
