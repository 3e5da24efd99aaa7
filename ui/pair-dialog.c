/* The window that adds two layers as a training pair; see dialogs.h. */

#include <glib/gi18n-lib.h>

#include "background.h"
#include "dialogs.h"
#include "rows.h"
#include "shot.h"
#include "train/alignment.h"

#define PICTURE_WIDTH 220
#define PICTURE_HEIGHT 180
#define ALIGNED_SIDE 256 /* of the part that is compared */
#define REACH 12         /* pixels of shift that are looked for */

typedef struct
{
  GimpProcedureConfig *config;
  const AtlLayerSource *layers[2]; /* before, after */
  AtlArea common;                  /* in the image; width 0: none */
  GtkWidget *dialog, *remark;
  AtlBackground *background;
} Window;

/* What the selection leaves of a layer, in the image. */
static AtlArea
changed_part (const AtlLayerSource *layer)
{
  return (AtlArea){ layer->offset_x + layer->x, layer->offset_y + layer->y,
                    layer->changed_width, layer->changed_height };
}

/* --- Whether they lie over each other --- */

typedef struct
{
  Window *window;
  AtlArea area; /* of the image */
  AtlAlignment alignment;
} Look;

static gboolean
look (gpointer data, const AtlProgress *progress, GError **error)
{
  Look *job = data;
  const AtlArea *area = &job->area;
  float *luma[2] = { NULL };
  gboolean ok = TRUE;

  for (int i = 0; ok && i < 2; i++)
    {
      const AtlLayerSource *layer = job->window->layers[i];

      luma[i] = g_new (float, (gsize)area->width * area->height);
      ok = atl_progress_update (progress, 0, NULL, error)
           && layer->read (layer->data, area->x - layer->offset_x,
                           area->y - layer->offset_y, area->width, area->height, 1,
                           luma[i], error);
    }
  ok = ok
       && atl_alignment_compare (luma[0], luma[1], area->width, area->height, REACH,
                                 &job->alignment, error);
  g_free (luma[0]);
  g_free (luma[1]);
  return ok;
}

static void
show_alignment (gpointer data, const GError *error)
{
  Look *job = data;
  const AtlAlignment *found = &job->alignment;
  g_autofree char *text = NULL;

  if (error || found->finding == ATL_ALIGNMENT_FINE)
    return;
  if (found->finding == ATL_ALIGNMENT_MIRRORED)
    text
        = g_strdup (_ ("The upper layer looks mirrored.  A model learns from pairs "
                       "that lie over each other."));
  else
    text = g_strdup_printf (_ ("The upper layer's content seems to lie %d pixels "
                               "to the right of and %d "
                               "below the lower one's.  Move it first: a model "
                               "learns from pairs that lie "
                               "over each other."),
                            found->dx, found->dy);
  gtk_label_set_text (GTK_LABEL (job->window->remark), text);
  gtk_widget_show (job->window->remark);
}

static const AtlJobClass look_class = { look, NULL, show_alignment, g_free };

static void
start_look (Window *window)
{
  Look *job = g_new0 (Look, 1);
  AtlArea *area = &job->area;

  job->window = window;
  *area = window->common;
  area->width = MIN (area->width, ALIGNED_SIDE);
  area->height = MIN (area->height, ALIGNED_SIDE);
  area->x += (window->common.width - area->width) / 2;
  area->y += (window->common.height - area->height) / 2;
  atl_background_start (window->background, &look_class, job);
}

/* --- The window --- */

static GtkWidget *
picture_new (const AtlLayerSource *layer)
{
  GtkWidget *image = gtk_image_new ();
  int scale = gtk_widget_get_scale_factor (image);
  double zoom = MIN (1.0, MIN ((double)PICTURE_WIDTH * scale / layer->width,
                               (double)PICTURE_HEIGHT * scale / layer->height));
  g_autoptr (GdkPixbuf) picture
      = layer->thumbnail (layer->data, MAX (1, (int)(layer->width * zoom)),
                          MAX (1, (int)(layer->height * zoom)));

  if (picture)
    {
      cairo_surface_t *surface
          = gdk_cairo_surface_create_from_pixbuf (picture, scale, NULL);

      gtk_image_set_from_surface (GTK_IMAGE (image), surface);
      cairo_surface_destroy (surface);
    }
  gtk_widget_set_size_request (image, PICTURE_WIDTH, PICTURE_HEIGHT);
  return image;
}

static GtkWidget *
side_new (const AtlLayerSource *layer, const char *word)
{
  GtkWidget *side = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *frame = gtk_frame_new (NULL), *caption = gtk_label_new (NULL);
  GtkWidget *picture = picture_new (layer);
  g_autofree char *text
      = g_markup_printf_escaped ("<b>%s</b>  %s", word, layer->name);

  gtk_label_set_markup (GTK_LABEL (caption), text);
  gtk_label_set_xalign (GTK_LABEL (caption), 0);
  gtk_label_set_ellipsize (GTK_LABEL (caption), PANGO_ELLIPSIZE_END);
  atk_object_set_name (gtk_widget_get_accessible (picture), word);
  gtk_frame_set_shadow_type (GTK_FRAME (frame), GTK_SHADOW_IN);
  gtk_container_add (GTK_CONTAINER (frame), picture);
  gtk_box_pack_start (GTK_BOX (side), caption, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (side), frame, TRUE, TRUE, 0);
  return side;
}

/* What is written, and below it what is wrong with that. */
static GtkWidget *
remarks_new (Window *window)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  g_autofree char *text
      = window->common.width > 0
            ? g_strdup_printf (_ ("What both have in common is written: %d x %d "
                                  "pixels."),
                               window->common.width, window->common.height)
            : g_strdup (
                  _ ("The layers have nothing in common within the selection; "
                     "move one over the other, or choose Select > None."));
  GtkWidget *written = atl_text_new (text);

  window->remark = atl_text_new ("");
  gtk_widget_set_no_show_all (window->remark, TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (written), 60);
  gtk_label_set_max_width_chars (GTK_LABEL (window->remark), 60);
  gtk_box_pack_start (GTK_BOX (box), written, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), window->remark, FALSE, FALSE, 0);
  return box;
}

static GtkWidget *
settings_new (Window *window)
{
  GtkWidget *grid = gtk_grid_new (), *name = gtk_entry_new ();
  GtkWidget *folder
      = atl_folder_new (window->config, "folder", _ ("Folder of Training Pairs"));

  gtk_entry_set_placeholder_text (GTK_ENTRY (name), "pair");
  gtk_entry_set_activates_default (GTK_ENTRY (name), TRUE);
  gtk_widget_set_tooltip_text (
      folder, _ ("The pictures go into the folders A and B in it, which are "
                 "made if need be"));
  gtk_widget_set_tooltip_text (name, _ ("What the pictures' names begin with; a "
                                        "number follows"));
  g_object_bind_property (window->config, "name", name, "text",
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 6);
  atl_grid_add (GTK_GRID (grid), 0, _ ("_Folder"), folder);
  atl_grid_add (GTK_GRID (grid), 1, _ ("_Name"), name);
  return grid;
}

static void
fill (Window *window)
{
  GtkWidget *content = gtk_dialog_get_content_area (GTK_DIALOG (window->dialog));
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *sides = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  gtk_box_pack_start (GTK_BOX (sides), side_new (window->layers[0], _ ("Before")),
                      TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (sides), side_new (window->layers[1], _ ("After")),
                      TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), sides, TRUE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (box), remarks_new (window), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), settings_new (window), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (content), box, TRUE, TRUE, 0);
  gtk_widget_show_all (box);
}

gboolean
atl_pair_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                     const AtlLayerSource *before, const AtlLayerSource *after)
{
  Window window = { config, { before, after } };
  const AtlArea parts[2] = { changed_part (before), changed_part (after) };
  static const char *const required[] = { "folder", NULL };
  gboolean add;

  atl_area_intersect (&parts[0], &parts[1], &window.common);
  window.background = atl_background_new (NULL);
  window.dialog = gimp_procedure_dialog_new (procedure, config,
                                             _ ("Add Layers as a Training Pair"));
  gimp_procedure_dialog_set_ok_label (GIMP_PROCEDURE_DIALOG (window.dialog),
                                      _ ("_Add"));
  fill (&window);
  if (window.common.width > 0)
    {
      atl_dialog_require (window.dialog, config, required);
      start_look (&window);
    }
  else
    gtk_dialog_set_response_sensitive (GTK_DIALOG (window.dialog), GTK_RESPONSE_OK,
                                       FALSE);
  add = gimp_procedure_dialog_run (GIMP_PROCEDURE_DIALOG (window.dialog));
  gtk_widget_hide (window.dialog);
  atl_background_free (window.background);
  gtk_widget_destroy (window.dialog);
  return add;
}
