/* See train-plot.h.  The losses of single steps are noisy: they are drawn
 * faintly, with their running mean over them.  The legend tells the latest values,
 * or those under the pointer. */

#include "train-plot.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "drawing.h"

#define MAX_LINES 3
#define MAX_PANELS 5
#define SMOOTH_SHARE 40 /* the running mean is over so many parts of the whole */
#define LABEL_GAP 6
#define TICK_PIXELS 70 /* at least, between two labels */

/* Where a line's values come from: a figure of every step, or what was measured
 * on held-out pictures. */
typedef enum
{
  SOURCE_STEP,
  SOURCE_L1,
  SOURCE_PSNR,
  SOURCE_SSIM,
  SOURCE_MS_SSIM
} Source;

typedef struct
{
  Source source;
  const char *figure; /* of SOURCE_STEP */
  double scale;
  const char *label;
} Line;

typedef struct
{
  const char *name;
  Line lines[MAX_LINES];
} Panel;

/* A network's values are in [-1, 1], the measures' in [0, 1]: hence the halves
 * and quarters. */
static const Panel panels[2][MAX_PANELS]
    = { [ATL_TRAIN_PIX2PIX]
        = { { N_ ("Difference from the target"),
              { { SOURCE_STEP, "L1", 0.5, N_ ("training") },
                { SOURCE_L1, NULL, 1, N_ ("measured") } } },
            { N_ ("Generator against discriminator"),
              { { SOURCE_STEP, "G", 1, N_ ("generator") },
                { SOURCE_STEP, "D_fake", 1, N_ ("discriminator, made-up") },
                { SOURCE_STEP, "D_real", 1, N_ ("discriminator, real") } } },
            { N_ ("PSNR in dB"), { { SOURCE_PSNR, NULL, 1, N_ ("measured") } } },
            { N_ ("Structural similarity"),
              { { SOURCE_SSIM, NULL, 1, N_ ("SSIM") },
                { SOURCE_MS_SSIM, NULL, 1, N_ ("MS-SSIM") } } } },
        [ATL_TRAIN_VQVAE]
        = { { N_ ("PSNR in dB"), { { SOURCE_PSNR, NULL, 1, N_ ("measured") } } },
            { N_ ("Reconstruction error"),
              { { SOURCE_STEP, "reconstruction", 1, N_ ("training") } } },
            { N_ ("Structural similarity"),
              { { SOURCE_SSIM, NULL, 1, N_ ("SSIM") },
                { SOURCE_MS_SSIM, NULL, 1, N_ ("MS-SSIM") } } },
            { N_ ("Codes in use, share"),
              { { SOURCE_STEP, "usage", 1, N_ ("training") } } } } };

/* Told apart by those who see few colours, and on light and dark ground. */
static const double colours[MAX_LINES][3]
    = { { 0.21, 0.52, 0.89 }, { 0.90, 0.45, 0.05 }, { 0.15, 0.64, 0.41 } };

struct _AtlTrainPlot
{
  GtkDrawingArea parent;
  AtlTrainKind kind;
  const AtlTrainView *view;
  int panel;
  gboolean logarithmic;
  double pointer; /* x in pixels; negative: elsewhere */
};

G_DEFINE_TYPE (AtlTrainPlot, atl_train_plot, GTK_TYPE_DRAWING_AREA)

/* --- Values --- */

typedef struct
{
  double step, value, smooth;
} Point;

static double
measured_value (const AtlMeasurement *m, Source source)
{
  switch (source)
    {
    case SOURCE_PSNR:
      return m->psnr;
    case SOURCE_SSIM:
      return m->ssim;
    case SOURCE_MS_SSIM:
      return m->ms_ssim;
    case SOURCE_L1:
    case SOURCE_STEP:
    default:
      return m->l1;
    }
}

static void
read_measured (const AtlTrainView *view, const Line *line, GArray *points)
{
  for (guint i = 0; i < view->measured->len; i++)
    {
      const AtlMeasured *m = &g_array_index (view->measured, AtlMeasured, i);
      double value = line->scale * measured_value (&m->measurement, line->source);
      Point point = { (double)m->step, value, value };

      g_array_append_val (points, point);
    }
}

static int
find_column (const AtlSeries *series, const char *name)
{
  for (int i = 0; i < atl_series_get_n_columns (series); i++)
    if (strcmp (atl_series_get_name (series, i), name) == 0)
      return i;
  return -1;
}

/* A running mean, forgetting with the distance in points. */
static void
smooth (GArray *points)
{
  double keep = 1 - 1.0 / MAX (1, (double)points->len / SMOOTH_SHARE);
  double sum = 0, weight = 0;

  for (guint i = 0; i < points->len; i++)
    {
      Point *p = &g_array_index (points, Point, i);

      sum = keep * sum + p->value;
      weight = keep * weight + 1;
      p->smooth = sum / weight;
    }
}

static void
read_steps (const AtlTrainView *view, const Line *line, GArray *points)
{
  const AtlSeries *series = view->figures;
  int column = series ? find_column (series, line->figure) : -1;

  for (int i = 0; column >= 0 && i < atl_series_get_n_points (series); i++)
    {
      double value = atl_series_get_value (series, i, column);
      Point point
          = { (double)atl_series_get_step (series, i), line->scale * value, 0 };

      if (!isnan (value))
        g_array_append_val (points, point);
    }
  smooth (points);
}

static const Panel *
get_panel (const AtlTrainPlot *plot)
{
  return &panels[plot->kind][plot->panel];
}

static int
count_lines (const Panel *panel)
{
  int n = 0;

  while (n < MAX_LINES && panel->lines[n].label)
    n++;
  return n;
}

/* --- Axes --- */

typedef struct
{
  double left, top, width, height; /* pixels */
  double first, last;              /* steps */
  double low, high;                /* values; their logarithms if logarithmic */
  gboolean logarithmic;
} Axes;

static double
to_x (const Axes *a, double step)
{
  return a->left + a->width * (step - a->first) / (a->last - a->first);
}

static double
to_y (const Axes *a, double value)
{
  if (a->logarithmic)
    value = log10 (MAX (value, 1e-12));
  return a->top + a->height * (a->high - value) / (a->high - a->low);
}

static void
extend (Axes *a, double value)
{
  if (a->logarithmic)
    value = log10 (MAX (value, 1e-12));
  a->low = MIN (a->low, value);
  a->high = MAX (a->high, value);
}

/* Over the running means and what was measured; single steps may leave it. */
static void
find_range (Axes *a, GArray *const *lines, int n)
{
  double margin;

  a->low = G_MAXDOUBLE;
  a->high = -G_MAXDOUBLE;
  for (int l = 0; l < n; l++)
    for (guint i = 0; i < lines[l]->len; i++)
      {
        const Point *p = &g_array_index (lines[l], Point, i);

        extend (a, p->smooth);
      }
  if (a->low > a->high)
    a->low = a->high = 0;
  margin = MAX (0.08 * (a->high - a->low), a->logarithmic ? 0.05 : 1e-6);
  if (a->high - a->low < 1e-9)
    margin = MAX (margin, 0.1 * fabs (a->high) + 1e-3);
  a->low -= margin;
  a->high += margin;
}

/* 1, 2 or 5 times a power of ten. */
static double
nice_step (double range, double most)
{
  double raw = range / MAX (most, 1), power = pow (10, floor (log10 (raw)));
  double rest = raw / power;

  return power * (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10);
}

/* --- Drawing --- */

static void
set_colour (cairo_t *cr, int line, double alpha)
{
  cairo_set_source_rgba (cr, colours[line][0], colours[line][1], colours[line][2],
                         alpha);
}

/* x_align, y_align: 0 the point is at the text's left or top, 1 at its right or
 * bottom. */
static void
draw_text (GtkWidget *widget, cairo_t *cr, const char *text, double x, double y,
           double x_align, double y_align)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, text);
  int width, height;

  pango_layout_get_pixel_size (layout, &width, &height);
  cairo_move_to (cr, round (x - x_align * width), round (y - y_align * height));
  pango_cairo_show_layout (cr, layout);
}

static void
text_size (GtkWidget *widget, const char *text, int *width, int *height)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, text);

  pango_layout_get_pixel_size (layout, width, height);
}

/* Along the middles of pixels, where a line one wide is sharp. */
static void
draw_grid_line (GtkWidget *widget, cairo_t *cr, double x0, double y0, double x1,
                double y1)
{
  atl_set_ink (widget, cr, 0.15);
  cairo_set_line_width (cr, 1);
  cairo_move_to (cr, floor (x0) + 0.5, floor (y0) + 0.5);
  cairo_line_to (cr, floor (x1) + 0.5, floor (y1) + 0.5);
  cairo_stroke (cr);
}

static void
draw_value_tick (GtkWidget *widget, cairo_t *cr, const Axes *a, double value)
{
  g_autofree char *text = g_strdup_printf ("%.4g", value);
  double y = to_y (a, value);

  draw_grid_line (widget, cr, a->left, y, a->left + a->width, y);
  atl_set_ink (widget, cr, 0.8);
  draw_text (widget, cr, text, a->left - LABEL_GAP, y, 1, 0.5);
}

static void
draw_value_ticks (GtkWidget *widget, cairo_t *cr, const Axes *a)
{
  static const double parts[] = { 1, 2, 5 };
  double most = a->height / (TICK_PIXELS / 2.0);

  /* Where a decade is wide, its parts; else as for any other axis. */
  if (a->logarithmic && a->high - a->low > 0.7)
    {
      for (double decade = floor (a->low); decade <= a->high; decade++)
        for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
          {
            double l = decade + log10 (parts[i]);

            if (l > a->low && l < a->high && (i == 0 || a->high - a->low < 3))
              draw_value_tick (widget, cr, a, pow (10, l));
          }
      return;
    }
  double low = a->logarithmic ? pow (10, a->low) : a->low;
  double high = a->logarithmic ? pow (10, a->high) : a->high;
  double step = nice_step (high - low, most);

  for (double value = ceil (low / step) * step; value <= high; value += step)
    draw_value_tick (widget, cr, a, fabs (value) < step / 1e6 ? 0 : value);
}

static void
draw_step_ticks (GtkWidget *widget, cairo_t *cr, const Axes *a)
{
  double step = MAX (1, nice_step (a->last - a->first, a->width / TICK_PIXELS));

  for (double s = ceil (a->first / step) * step; s <= a->last; s += step)
    {
      g_autofree char *text = g_strdup_printf ("%.0f", s);
      double x = to_x (a, s);

      draw_grid_line (widget, cr, x, a->top, x, a->top + a->height);
      atl_set_ink (widget, cr, 0.8);
      draw_text (widget, cr, text, x, a->top + a->height + LABEL_GAP / 2.0, 0.5, 0);
    }
}

static void
trace (cairo_t *cr, const Axes *a, GArray *points, gboolean smoothed)
{
  for (guint i = 0; i < points->len; i++)
    {
      const Point *p = &g_array_index (points, Point, i);

      cairo_line_to (cr, to_x (a, p->step),
                     to_y (a, smoothed ? p->smooth : p->value));
    }
}

static void
draw_line (cairo_t *cr, const Axes *a, GArray *points, int line, Source source)
{
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  if (source == SOURCE_STEP)
    {
      set_colour (cr, line, 0.3);
      cairo_set_line_width (cr, 1);
      trace (cr, a, points, FALSE);
      cairo_stroke (cr);
    }
  set_colour (cr, line, 1);
  cairo_set_line_width (cr, 2);
  trace (cr, a, points, TRUE);
  cairo_stroke (cr);
  for (guint i = 0; source != SOURCE_STEP && i < points->len; i++)
    {
      const Point *p = &g_array_index (points, Point, i);

      cairo_arc (cr, to_x (a, p->step), to_y (a, p->smooth), 2.5, 0, 2 * G_PI);
      cairo_fill (cr);
    }
}

/* Where the discriminator waits, the ground is tinted. */
static void
draw_waiting (GtkWidget *widget, cairo_t *cr, const Axes *a,
              const AtlTrainView *view)
{
  int column = find_column (view->figures, "D_waits");
  int n = atl_series_get_n_points (view->figures);
  double before = a->first;

  for (int i = 0; column >= 0 && i < n; i++)
    {
      double step = (double)atl_series_get_step (view->figures, i);
      double share = atl_series_get_value (view->figures, i, column);

      if (share > 0)
        {
          atl_set_ink (widget, cr, 0.12 * share);
          cairo_rectangle (cr, to_x (a, before), a->top,
                           to_x (a, step) - to_x (a, before), a->height);
          cairo_fill (cr);
        }
      before = step;
    }
}

/* The point nearest to the pointer, or the last one. */
static const Point *
find_point (const AtlTrainPlot *plot, const Axes *a, GArray *points)
{
  const Point *best = NULL;

  if (points->len == 0)
    return NULL;
  if (plot->pointer < 0)
    return &g_array_index (points, Point, points->len - 1);
  for (guint i = 0; i < points->len; i++)
    {
      const Point *p = &g_array_index (points, Point, i);

      if (!best
          || fabs (to_x (a, p->step) - plot->pointer)
                 < fabs (to_x (a, best->step) - plot->pointer))
        best = p;
    }
  return best;
}

static char *
describe_line (const AtlTrainPlot *plot, const Axes *a, GArray *points, int line)
{
  const Point *p = find_point (plot, a, points);
  const Line *l = &get_panel (plot)->lines[line];

  if (!p)
    return g_strdup (_ (l->label));
  return g_strdup_printf (_ ("%s: %.4g (step %.0f)"), _ (l->label), p->smooth,
                          p->step);
}

static void
draw_legend (AtlTrainPlot *plot, cairo_t *cr, const Axes *a, GArray *const *lines,
             int n)
{
  GtkWidget *widget = GTK_WIDGET (plot);
  int width, height;
  double x = a->left, y = 0;

  for (int l = 0; l < n; l++)
    {
      g_autofree char *text = describe_line (plot, a, lines[l], l);

      text_size (widget, text, &width, &height);
      if (x > a->left && x + 20 + width > a->left + a->width)
        {
          x = a->left;
          y += height;
        }
      set_colour (cr, l, 1);
      cairo_rectangle (cr, x, y + height / 2 - 1.5, 14, 3);
      cairo_fill (cr);
      atl_set_ink (widget, cr, 1);
      draw_text (widget, cr, text, x + 20, y, 0, 0);
      x += 20 + width + 18;
    }
}

static void
draw_pointer (AtlTrainPlot *plot, cairo_t *cr, const Axes *a, GArray *const *lines,
              int n)
{
  double x = CLAMP (plot->pointer, a->left, a->left + a->width);

  if (plot->pointer < 0)
    return;
  atl_set_ink (GTK_WIDGET (plot), cr, 0.6);
  cairo_set_line_width (cr, 1);
  cairo_move_to (cr, floor (x) + 0.5, a->top);
  cairo_line_to (cr, floor (x) + 0.5, a->top + a->height);
  cairo_stroke (cr);
  for (int l = 0; l < n; l++)
    {
      const Point *p = find_point (plot, a, lines[l]);

      if (!p)
        continue;
      set_colour (cr, l, 1);
      cairo_arc (cr, to_x (a, p->step), to_y (a, p->smooth), 4, 0, 2 * G_PI);
      cairo_fill (cr);
    }
}

static void
draw_lines (AtlTrainPlot *plot, cairo_t *cr, const Axes *a, GArray *const *lines,
            int n)
{
  cairo_save (cr);
  cairo_rectangle (cr, a->left, a->top, a->width, a->height);
  cairo_clip (cr);
  if (plot->view->figures && plot->kind == ATL_TRAIN_PIX2PIX)
    draw_waiting (GTK_WIDGET (plot), cr, a, plot->view);
  for (int l = 0; l < n; l++)
    draw_line (cr, a, lines[l], l, get_panel (plot)->lines[l].source);
  draw_pointer (plot, cr, a, lines, n);
  cairo_restore (cr);
}

/* Lines of legend above, the labels' room at the left and below. */
static void
lay_out (AtlTrainPlot *plot, Axes *a, GArray *const *lines, int n)
{
  GtkWidget *widget = GTK_WIDGET (plot);
  int label_width, height;

  text_size (widget, "0.00000", &label_width, &height);
  a->left = label_width + LABEL_GAP;
  a->top = MAX (n, 2) * height + LABEL_GAP;
  a->width = MAX (
      gtk_widget_get_allocated_width (widget) - a->left - label_width / 2, 10);
  a->height = MAX (
      gtk_widget_get_allocated_height (widget) - a->top - height - LABEL_GAP, 10);
  a->logarithmic = plot->logarithmic;
  a->first = 0;
  a->last = MAX (1, (double)plot->view->step);
  find_range (a, lines, n);
}

static gboolean
draw (GtkWidget *widget, cairo_t *cr)
{
  AtlTrainPlot *plot = ATL_TRAIN_PLOT (widget);
  GArray *lines[MAX_LINES];
  const Panel *panel = get_panel (plot);
  int n = count_lines (panel);
  Axes axes;

  if (!plot->view || plot->view->step < 1)
    return FALSE;
  for (int l = 0; l < n; l++)
    {
      const Line *line = &panel->lines[l];

      lines[l] = g_array_new (FALSE, FALSE, sizeof (Point));
      if (line->source == SOURCE_STEP)
        read_steps (plot->view, line, lines[l]);
      else
        read_measured (plot->view, line, lines[l]);
    }
  lay_out (plot, &axes, lines, n);
  draw_value_ticks (widget, cr, &axes);
  draw_step_ticks (widget, cr, &axes);
  draw_lines (plot, cr, &axes, lines, n);
  draw_legend (plot, cr, &axes, lines, n);
  for (int l = 0; l < n; l++)
    g_array_unref (lines[l]);
  return FALSE;
}

/* --- The widget --- */

static gboolean
point_at (GtkWidget *widget, GdkEventMotion *event)
{
  ATL_TRAIN_PLOT (widget)->pointer = event->x;
  gtk_widget_queue_draw (widget);
  return FALSE;
}

static gboolean
leave (GtkWidget *widget, GdkEventCrossing *event)
{
  ATL_TRAIN_PLOT (widget)->pointer = -1;
  gtk_widget_queue_draw (widget);
  return FALSE;
}

static void
atl_train_plot_class_init (AtlTrainPlotClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  widget_class->draw = draw;
  widget_class->motion_notify_event = point_at;
  widget_class->leave_notify_event = leave;
}

static void
atl_train_plot_init (AtlTrainPlot *plot)
{
  GtkWidget *widget = GTK_WIDGET (plot);

  plot->pointer = -1;
  gtk_widget_set_size_request (widget, 340, 220);
  gtk_widget_add_events (widget, GDK_POINTER_MOTION_MASK | GDK_LEAVE_NOTIFY_MASK);
  atk_object_set_name (gtk_widget_get_accessible (widget), _ ("Loss plot"));
}

GtkWidget *
atl_train_plot_new (void)
{
  return g_object_new (ATL_TYPE_TRAIN_PLOT, NULL);
}

/* What is seen at a glance, for those who listen. */
static void
describe (AtlTrainPlot *plot)
{
  AtkObject *accessible = gtk_widget_get_accessible (GTK_WIDGET (plot));
  const AtlTrainView *view = plot->view;
  g_autofree char *text = NULL;
  const AtlMeasured *m;

  if (!view || view->measured->len == 0)
    {
      atk_object_set_description (accessible, "");
      return;
    }
  m = &g_array_index (view->measured, AtlMeasured, view->measured->len - 1);
  text = g_strdup_printf (
      _ ("Step %" PRId64 ", measured: L1 %.4f, PSNR %.2f dB, SSIM %.4f"), m->step,
      m->measurement.l1, m->measurement.psnr, m->measurement.ssim);
  atk_object_set_description (accessible, text);
}

void
atl_train_plot_set_view (AtlTrainPlot *plot, AtlTrainKind kind,
                         const AtlTrainView *view)
{
  if (plot->kind != kind)
    plot->panel = 0;
  plot->kind = kind;
  plot->view = view;
  describe (plot);
  gtk_widget_queue_draw (GTK_WIDGET (plot));
}

int
atl_train_plot_get_n_panels (AtlTrainKind kind)
{
  int n = 0;

  while (n < MAX_PANELS && panels[kind][n].name)
    n++;
  return n;
}

const char *
atl_train_plot_get_panel_name (AtlTrainKind kind, int panel)
{
  return _ (panels[kind][panel].name);
}

void
atl_train_plot_set_panel (AtlTrainPlot *plot, int panel)
{
  plot->panel = CLAMP (panel, 0, atl_train_plot_get_n_panels (plot->kind) - 1);
  gtk_widget_queue_draw (GTK_WIDGET (plot));
}

void
atl_train_plot_set_logarithmic (AtlTrainPlot *plot, gboolean logarithmic)
{
  plot->logarithmic = logarithmic;
  gtk_widget_queue_draw (GTK_WIDGET (plot));
}
