/* See train-findings.h.  A Look is one visit to a folder: its thread hands over
 * the data set, then thumbnail after thumbnail; a Look that is not wanted any
 * more is cancelled, and what it still hands over is thrown away. */

#include "train-findings.h"

#include <glib/gi18n-lib.h>

#include "rows.h"
#include "train/loader.h"

#define MAX_THUMBNAILS 24 /* of pairs to train on, and */
#define MAX_HELD_OUT 4    /* of pairs held back */
#define THUMBNAIL_SIDE 96 /* of a picture's longer side, in logical pixels */
#define DECODE 24         /* pairs decoded to look at damage and alignment */
#define LOOK_SIDE 1024    /* at most, of what a thumbnail is made of */
#define DAMAGE_SIDE 192   /* small damage has to be seen */
#define MAX_REMARKS 200   /* that are shown; all are counted */

typedef struct
{
  gatomicrefcount references;
  GCancellable *cancellable;
  AtlTrainSettings *settings;
  AtlCorrupt *corrupt;
  AtlTrainFindings *owner; /* main thread only; NULL once dropped */
  int scale;               /* device pixels a logical one */
} Look;

struct _AtlTrainFindings
{
  GtkBox parent;
  Look *look;
  gboolean usable;
  GtkWidget *summary, *spinner, *pictures;
  GtkWidget *remarks_label, *remarks, *remarks_window;
};

static guint changed_signal;

G_DEFINE_TYPE (AtlTrainFindings, atl_train_findings, GTK_TYPE_BOX)

/* --- A look --- */

static Look *
look_ref (Look *look)
{
  g_atomic_ref_count_inc (&look->references);
  return look;
}

static void
look_unref (gpointer data)
{
  Look *look = data;

  if (!g_atomic_ref_count_dec (&look->references))
    return;
  g_object_unref (look->cancellable);
  atl_train_settings_free (look->settings);
  atl_corrupt_free (look->corrupt);
  g_free (look);
}

/* Something for the main thread. */
typedef struct
{
  Look *look;
  AtlDataset *dataset;
  GError *error;
  char *name;
  gboolean held_out, single;
  GdkPixbuf *pixbuf;
} Parcel;

static void
free_parcel (gpointer data)
{
  Parcel *parcel = data;

  look_unref (parcel->look);
  atl_dataset_free (parcel->dataset);
  g_clear_error (&parcel->error);
  g_clear_object (&parcel->pixbuf);
  g_free (parcel->name);
  g_free (parcel);
}

static void
hand_over (Look *look, Parcel parcel, GSourceFunc function)
{
  Parcel *copy = g_new (Parcel, 1);

  parcel.look = look_ref (look);
  *copy = parcel;
  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, function, copy, free_parcel);
}

/* Means over the pixels that fall into one; values in [-1, 1]. */
static void
shrink_into (GdkPixbuf *pixbuf, int left, int width, int height, const float *in,
             int in_width, int in_height, int channels)
{
  guint8 *pixels = gdk_pixbuf_get_pixels (pixbuf);
  int stride = gdk_pixbuf_get_rowstride (pixbuf);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        int y0 = y * in_height / height, x0 = x * in_width / width;
        int y1 = MAX ((y + 1) * in_height / height, y0 + 1);
        int x1 = MAX ((x + 1) * in_width / width, x0 + 1);

        for (int c = 0; c < 3; c++)
          {
            double sum = 0;

            for (int v = y0; v < y1; v++)
              for (int u = x0; u < x1; u++)
                sum += (double)
                    in[((gsize)v * (gsize)in_width + (gsize)u) * (gsize)channels
                       + (gsize)(channels >= 3 ? c : 0)];
            sum /= (double)(y1 - y0) * (x1 - x0);
            pixels[y * stride + 3 * (left + x) + c]
                = (guint8)(CLAMP (0.5 * sum + 0.5, 0, 1) * 255 + 0.5);
          }
      }
}

/* Input and target side by side, as training gets them. */
static GdkPixbuf *
make_thumbnail (const AtlSample *s, int side, gboolean single)
{
  double scale = MIN (1.0, (double)side / MAX (1, MAX (s->width, s->height)));
  int width = MAX (1, (int)(scale * s->width));
  int height = MAX (1, (int)(scale * s->height));
  int gap = MAX (1, side / 48);
  GdkPixbuf *pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8,
                                      single ? width : 2 * width + gap, height);

  if (!pixbuf)
    return NULL;
  gdk_pixbuf_fill (pixbuf, 0x808080ff);
  shrink_into (pixbuf, 0, width, height, s->input, s->width, s->height,
               s->input_channels);
  if (!single)
    shrink_into (pixbuf, width + gap, width, height, s->target, s->width, s->height,
                 s->target_channels);
  return pixbuf;
}

static gboolean show_dataset (gpointer data);
static gboolean show_thumbnail (gpointer data);

static void
look_at_pair (Look *look, const AtlPair *pair, guint64 index, gboolean held_out)
{
  const AtlTrainSettings *s = look->settings;
  const AtlRegion *part = &pair->region;
  int side = look->corrupt ? DAMAGE_SIDE : LOOK_SIDE;
  AtlLoaderOptions options = { .input_channels = 3,
                               .target_channels = 3,
                               .b_to_a = s->b_to_a,
                               .corrupt = look->corrupt,
                               .seed = (guint64)s->seed };
  Parcel parcel = { .held_out = held_out };
  g_autoptr (AtlSample) sample = NULL;

  options.width = MIN (part->width > 0 ? part->width : pair->width, side);
  options.height = MIN (part->width > 0 ? part->height : pair->height, side);
  sample = atl_sample_load (pair, index, &options, NULL);
  if (!sample)
    return;
  parcel.single = sample->input == sample->target;
  parcel.name = g_path_get_basename (pair->name);
  parcel.pixbuf
      = make_thumbnail (sample, THUMBNAIL_SIDE * look->scale, parcel.single);
  if (parcel.pixbuf)
    hand_over (look, parcel, show_thumbnail);
  else
    g_free (parcel.name);
}

static AtlDataset *
open_dataset (Look *look, GError **error)
{
  const AtlTrainSettings *s = look->settings;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  const AtlProgress progress = { NULL, NULL, look->cancellable };

  options.form = s->form;
  options.pictures = s->kind == ATL_TRAIN_VQVAE || s->corrupt;
  options.suffix_a = s->suffix_a;
  options.suffix_b = s->suffix_b;
  options.held_out = s->held_out;
  options.seed = (guint64)s->seed;
  options.n_decode = DECODE;
  options.n_threads = s->threads;
  return atl_dataset_open (s->folder, &options, &progress, error);
}

static gpointer
run_look (gpointer data)
{
  Look *look = data;
  Parcel parcel = { 0 };
  AtlDataset *dataset = open_dataset (look, &parcel.error);
  guint n_train, n;

  if (!dataset)
    {
      hand_over (look, parcel, show_dataset);
      look_unref (look);
      return NULL;
    }
  /* The data set itself goes to the main thread, which frees it when it likes. */
  g_autoptr (GPtrArray) train = g_ptr_array_ref (dataset->train);
  g_autoptr (GPtrArray) held_out = g_ptr_array_ref (dataset->held_out);

  parcel.dataset = dataset;
  hand_over (look, parcel, show_dataset);
  n_train = MIN (train->len, MAX_THUMBNAILS);
  n = n_train + MIN (held_out->len, MAX_HELD_OUT);
  for (guint i = 0; i < n && !g_cancellable_is_cancelled (look->cancellable); i++)
    if (i < n_train)
      look_at_pair (look, train->pdata[i], i, FALSE);
    else
      look_at_pair (look, held_out->pdata[i - n_train], i, TRUE);
  look_unref (look);
  return NULL;
}

static void
drop_look (AtlTrainFindings *self)
{
  if (!self->look)
    return;
  g_cancellable_cancel (self->look->cancellable);
  self->look->owner = NULL;
  g_clear_pointer (&self->look, look_unref);
}

/* --- Showing --- */

static void
set_usable (AtlTrainFindings *self, gboolean usable)
{
  self->usable = usable;
  g_signal_emit (self, changed_signal, 0);
}

static void
add_remark (AtlTrainFindings *self, const AtlRemark *remark)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = gtk_label_new (remark->message);
  GtkWidget *icon = gtk_image_new_from_icon_name (
      remark->refused ? "dialog-error" : "dialog-warning", GTK_ICON_SIZE_MENU);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_widget_set_valign (icon, GTK_ALIGN_START);
  atk_object_set_name (gtk_widget_get_accessible (icon),
                       remark->refused ? _ ("refused") : _ ("warning"));
  gtk_container_set_border_width (GTK_CONTAINER (row), 3);
  gtk_box_pack_start (GTK_BOX (row), icon, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (row), label, TRUE, TRUE, 0);
  gtk_widget_show_all (row);
  gtk_container_add (GTK_CONTAINER (self->remarks), row);
}

static void
show_remarks (AtlTrainFindings *self, GPtrArray *remarks)
{
  guint n_refused = 0;
  g_autofree char *text = NULL;

  for (guint i = 0; i < remarks->len; i++)
    {
      const AtlRemark *remark = remarks->pdata[i];

      n_refused += remark->refused;
      if (i < MAX_REMARKS)
        add_remark (self, remark);
    }
  gtk_widget_set_visible (self->remarks_label, remarks->len > 0);
  gtk_widget_set_visible (self->remarks_window, remarks->len > 0);
  text = g_strdup_printf (_ ("Re_fused: %u; to be looked at: %u"), n_refused,
                          remarks->len - n_refused);
  gtk_label_set_text_with_mnemonic (GTK_LABEL (self->remarks_label), text);
}

static char *
describe (const AtlDataset *d)
{
  gboolean pairs = d->form != ATL_FORM_PICTURES;

  if (d->held_out->len == 0)
    return g_strdup_printf (
        pairs ? _ ("Pairs to train on: %u, too few to hold some back for measuring")
              : _ ("Pictures to train on: %u, too few to hold some back for "
                   "measuring"),
        d->train->len);
  if (d->held_out_within)
    return g_strdup_printf (
        pairs ? _ ("Pairs to train on: %u; a strip of each is held back for "
                   "measuring")
              : _ ("Pictures to train on: %u; a strip of each is held back for "
                   "measuring"),
        d->train->len);
  return g_strdup_printf (
      pairs ? _ ("Pairs to train on: %u; held back for measuring: %u")
            : _ ("Pictures to train on: %u; held back for measuring: %u"),
      d->train->len, d->held_out->len);
}

static void
show_summary (AtlTrainFindings *self, const char *text)
{
  gtk_label_set_text (GTK_LABEL (self->summary), text);
}

static gboolean
show_dataset (gpointer data)
{
  Parcel *parcel = data;
  AtlTrainFindings *self = parcel->look->owner;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (!self)
    return G_SOURCE_REMOVE;
  gtk_spinner_stop (GTK_SPINNER (self->spinner));
  gtk_widget_hide (self->spinner);
  if (!parcel->dataset)
    show_summary (self, parcel->error->message);
  else
    {
      if (atl_dataset_require (parcel->dataset, &error))
        text = describe (parcel->dataset);
      show_summary (self, error ? error->message : text);
      show_remarks (self, parcel->dataset->remarks);
    }
  set_usable (self, parcel->dataset && !error);
  return G_SOURCE_REMOVE;
}

static GtkWidget *
new_thumbnail (const Parcel *parcel)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  cairo_surface_t *surface = gdk_cairo_surface_create_from_pixbuf (
      parcel->pixbuf, parcel->look->scale, NULL);
  GtkWidget *image = gtk_image_new_from_surface (surface);
  g_autofree char *text = parcel->held_out
                              ? g_strdup_printf (_ ("%s (held back)"), parcel->name)
                              : g_strdup (parcel->name);
  GtkWidget *label = gtk_label_new (text);

  gtk_widget_set_valign (box, GTK_ALIGN_START);
  cairo_surface_destroy (surface);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 16);
  gtk_widget_set_tooltip_text (box, text);
  atk_object_set_name (gtk_widget_get_accessible (image), text);
  gtk_box_pack_start (GTK_BOX (box), image, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), label, FALSE, FALSE, 0);
  gtk_widget_show_all (box);
  return box;
}

static gboolean
show_thumbnail (gpointer data)
{
  const Parcel *parcel = data;
  AtlTrainFindings *self = parcel->look->owner;

  if (self)
    gtk_flow_box_insert (GTK_FLOW_BOX (self->pictures), new_thumbnail (parcel), -1);
  return G_SOURCE_REMOVE;
}

/* --- The widget --- */

static GtkWidget *
new_scrolled (GtkWidget *child, int height)
{
  GtkWidget *window = gtk_scrolled_window_new (NULL, NULL);

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (window), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (window), GTK_SHADOW_IN);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (window), height);
  gtk_container_add (GTK_CONTAINER (window), child);
  return window;
}

static GtkWidget *
new_remarks (void)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  atk_object_set_name (gtk_widget_get_accessible (list), _ ("Refused files"));
  return list;
}

static GtkWidget *
new_summary (AtlTrainFindings *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->spinner = gtk_spinner_new ();
  self->summary = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->summary), 0);
  gtk_label_set_line_wrap (GTK_LABEL (self->summary), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (self->summary), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable (GTK_LABEL (self->summary), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (self->summary), 56);
  gtk_box_pack_start (GTK_BOX (box), self->spinner, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), self->summary, TRUE, TRUE, 0);
  gtk_widget_set_no_show_all (self->spinner, TRUE);
  return box;
}

static void
dispose (GObject *object)
{
  AtlTrainFindings *self = ATL_TRAIN_FINDINGS (object);

  drop_look (self);
  G_OBJECT_CLASS (atl_train_findings_parent_class)->dispose (object);
}

static void
atl_train_findings_class_init (AtlTrainFindingsClass *class)
{
  G_OBJECT_CLASS (class)->dispose = dispose;
  changed_signal
      = g_signal_new ("changed", ATL_TYPE_TRAIN_FINDINGS, G_SIGNAL_RUN_LAST, 0,
                      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
atl_train_findings_init (AtlTrainFindings *self)
{
  GtkBox *box = GTK_BOX (self);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (box, 6);
  self->pictures = gtk_flow_box_new ();
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (self->pictures),
                                   GTK_SELECTION_NONE);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (self->pictures), 6);
  gtk_flow_box_set_homogeneous (GTK_FLOW_BOX (self->pictures), TRUE);
  gtk_flow_box_set_row_spacing (GTK_FLOW_BOX (self->pictures), 6);
  gtk_flow_box_set_column_spacing (GTK_FLOW_BOX (self->pictures), 6);
  gtk_widget_set_valign (self->pictures, GTK_ALIGN_START);
  atk_object_set_name (gtk_widget_get_accessible (self->pictures),
                       _ ("Training pictures"));
  self->remarks = new_remarks ();
  self->remarks_window = new_scrolled (self->remarks, 90);
  self->remarks_label = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->remarks_label), 0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (self->remarks_label), self->remarks);
  gtk_box_pack_start (box, new_summary (self), FALSE, FALSE, 0);
  gtk_box_pack_start (box, new_scrolled (self->pictures, 240), TRUE, TRUE, 0);
  gtk_box_pack_start (box, self->remarks_label, FALSE, FALSE, 0);
  gtk_box_pack_start (box, self->remarks_window, FALSE, FALSE, 0);
  gtk_widget_show_all (GTK_WIDGET (self));
  gtk_widget_hide (self->remarks_label);
  gtk_widget_hide (self->remarks_window);
  gtk_widget_set_no_show_all (GTK_WIDGET (self), TRUE);
  atl_train_findings_look (self, NULL);
}

GtkWidget *
atl_train_findings_new (void)
{
  return g_object_new (ATL_TYPE_TRAIN_FINDINGS, NULL);
}

static Look *
new_look (AtlTrainFindings *self, AtlTrainSettings *settings)
{
  Look *look = g_new0 (Look, 1);

  g_atomic_ref_count_init (&look->references);
  look->cancellable = g_cancellable_new ();
  look->owner = self;
  look->scale = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  look->settings = settings;
  if (settings->corrupt)
    look->corrupt = atl_corrupt_parse (settings->corrupt, NULL);
  return look;
}

void
atl_train_findings_look (AtlTrainFindings *self, AtlTrainSettings *settings)
{
  drop_look (self);
  atl_empty (self->pictures);
  atl_empty (self->remarks);
  gtk_widget_hide (self->remarks_label);
  gtk_widget_hide (self->remarks_window);
  set_usable (self, FALSE);
  gtk_widget_set_visible (self->spinner, settings != NULL);
  if (!settings)
    {
      gtk_spinner_stop (GTK_SPINNER (self->spinner));
      show_summary (self, _ ("Choose a folder; what is in it shows here."));
      return;
    }
  gtk_spinner_start (GTK_SPINNER (self->spinner));
  show_summary (self, _ ("Looking at the pictures..."));
  self->look = new_look (self, settings);
  g_thread_unref (g_thread_new ("atelier-look", run_look, look_ref (self->look)));
}

gboolean
atl_train_findings_usable (const AtlTrainFindings *self)
{
  return self->usable;
}
