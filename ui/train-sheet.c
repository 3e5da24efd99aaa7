/* See train-sheet.h. */

#include "train-sheet.h"

#include "drawing.h"

#define MAX_COLUMNS 3
#define GAP 6

struct _AtlTrainSheet
{
  GtkDrawingArea parent;
  cairo_surface_t *surface;
  const char *headings[MAX_COLUMNS];
  int n_columns;
  char *placeholder;
};

G_DEFINE_TYPE (AtlTrainSheet, atl_train_sheet, GTK_TYPE_DRAWING_AREA)

static void
draw_placeholder (AtlTrainSheet *sheet, cairo_t *cr)
{
  GtkWidget *widget = GTK_WIDGET (sheet);
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (widget, sheet->placeholder);
  int width = gtk_widget_get_allocated_width (widget), text_height;

  pango_layout_set_width (layout, MAX (width - 2 * GAP, 1) * PANGO_SCALE);
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_alignment (layout, PANGO_ALIGN_CENTER);
  pango_layout_get_pixel_size (layout, NULL, &text_height);
  atl_set_ink (widget, cr, 1);
  cairo_move_to (cr, GAP,
                 (gtk_widget_get_allocated_height (widget) - text_height) / 2);
  pango_cairo_show_layout (cr, layout);
}

static void
draw_heading (AtlTrainSheet *sheet, cairo_t *cr, int column, double left,
              double width)
{
  GtkWidget *widget = GTK_WIDGET (sheet);
  g_autoptr (PangoLayout) layout
      = gtk_widget_create_pango_layout (widget, sheet->headings[column]);
  int text_width;

  pango_layout_get_pixel_size (layout, &text_width, NULL);
  atl_set_ink (widget, cr, 1);
  cairo_move_to (cr, left + (column + 0.5) * width - text_width / 2.0, 0);
  pango_cairo_show_layout (cr, layout);
}

static int
heading_height (GtkWidget *widget)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, "X");
  int height;

  pango_layout_get_pixel_size (layout, NULL, &height);
  return height;
}

static gboolean
draw (GtkWidget *widget, cairo_t *cr)
{
  AtlTrainSheet *sheet = ATL_TRAIN_SHEET (widget);
  double top = heading_height (widget) + GAP, left, scale;
  double width = gtk_widget_get_allocated_width (widget);
  double height = gtk_widget_get_allocated_height (widget) - top;
  int picture_width, picture_height;

  if (!sheet->surface)
    {
      if (sheet->placeholder)
        draw_placeholder (sheet, cr);
      return FALSE;
    }
  picture_width = cairo_image_surface_get_width (sheet->surface);
  picture_height = cairo_image_surface_get_height (sheet->surface);
  scale = MAX (MIN (width / picture_width, height / picture_height), 0.01);
  left = (width - scale * picture_width) / 2;
  for (int i = 0; i < sheet->n_columns; i++)
    draw_heading (sheet, cr, i, left, scale * picture_width / sheet->n_columns);
  cairo_translate (cr, left, top);
  cairo_scale (cr, scale, scale);
  cairo_set_source_surface (cr, sheet->surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_GOOD);
  cairo_paint (cr);
  return FALSE;
}

static void
finalize (GObject *object)
{
  AtlTrainSheet *sheet = ATL_TRAIN_SHEET (object);

  g_clear_pointer (&sheet->surface, cairo_surface_destroy);
  g_free (sheet->placeholder);
  G_OBJECT_CLASS (atl_train_sheet_parent_class)->finalize (object);
}

static void
atl_train_sheet_class_init (AtlTrainSheetClass *class)
{
  G_OBJECT_CLASS (class)->finalize = finalize;
  GTK_WIDGET_CLASS (class)->draw = draw;
}

static void
atl_train_sheet_init (AtlTrainSheet *sheet)
{
  gtk_widget_set_size_request (GTK_WIDGET (sheet), 320, 300);
}

GtkWidget *
atl_train_sheet_new (void)
{
  return g_object_new (ATL_TYPE_TRAIN_SHEET, NULL);
}

static cairo_surface_t *
make_surface (const AtlPicture *picture)
{
  cairo_surface_t *surface = cairo_image_surface_create (
      CAIRO_FORMAT_RGB24, picture->width, picture->height);
  guint8 *pixels = cairo_image_surface_get_data (surface);
  int stride = cairo_image_surface_get_stride (surface);

  for (int y = 0; pixels && y < picture->height; y++)
    {
      const guint8 *in = picture->pixels + (gsize)y * picture->row_bytes;
      guint32 *out = (guint32 *)(gpointer)(pixels + (gsize)y * (gsize)stride);

      for (int x = 0; x < picture->width; x++, in += 3)
        out[x] = (guint32)in[0] << 16 | (guint32)in[1] << 8 | in[2];
    }
  cairo_surface_mark_dirty (surface);
  return surface;
}

void
atl_train_sheet_set (AtlTrainSheet *sheet, const AtlPicture *picture,
                     const char *const *headings, int n_columns)
{
  g_clear_pointer (&sheet->surface, cairo_surface_destroy);
  sheet->n_columns = MIN (n_columns, MAX_COLUMNS);
  for (int i = 0; i < sheet->n_columns; i++)
    sheet->headings[i] = headings[i];
  if (picture && picture->channels == 3 && !picture->has_alpha
      && picture->depth == ATL_DEPTH_U8)
    sheet->surface = make_surface (picture);
  gtk_widget_queue_draw (GTK_WIDGET (sheet));
}

void
atl_train_sheet_set_placeholder (AtlTrainSheet *sheet, const char *text)
{
  g_free (sheet->placeholder);
  sheet->placeholder = g_strdup (text);
  gtk_widget_queue_draw (GTK_WIDGET (sheet));
}
