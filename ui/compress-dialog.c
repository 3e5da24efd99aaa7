/* The window of Compress; see dialogs.h. */

#include <glib/gi18n-lib.h>
#include <math.h>

#include "filter-window.h"
#include "rows.h"

typedef struct
{
  AtlFilterWindow window; /* first: it is what callbacks get */
  GtkWidget *quality;
  GtkAdjustment *stages; /* 1 to as many as the model has */
  gboolean showing;      /* the slider follows the config */
  GtkWidget *size, *png, *likeness;
} Window;

/* 0 in the config is all of the model's stages. */
static void
show_quality (Window *window, int steps)
{
  int quality;

  g_object_get (window->window.config, "quality", &quality, NULL);
  window->showing = TRUE;
  gtk_adjustment_set_upper (window->stages, steps);
  gtk_adjustment_set_value (window->stages,
                            quality == 0 || quality > steps ? steps : quality);
  window->showing = FALSE;
  gtk_widget_set_sensitive (window->quality, steps > 1);
}

static void
quality_moved (GtkAdjustment *stages, Window *window)
{
  int quality = (int)lround (gtk_adjustment_get_value (stages));

  if (window->showing)
    return;
  if (quality >= gtk_adjustment_get_upper (stages))
    quality = 0;
  g_object_set (window->window.config, "quality", quality, NULL);
}

static void
collect (AtlFilterWindow *window, AtlPreviewSettings *settings)
{
  g_object_get (window->config, "quality", &settings->stages, NULL);
  settings->measure = TRUE;
}

static void
show_size (Window *window, const AtlPreviewState *state)
{
  const AtlLayerSource *source = window->window.source;
  double pixels = (double)source->width * source->height;
  int quality;
  gsize bytes;
  g_autofree char *size = NULL, *png = NULL, *text = NULL, *png_text = NULL;

  g_object_get (window->window.config, "quality", &quality, NULL);
  bytes = state->sizes[quality <= state->quality_steps ? quality : 0];
  if (bytes == 0 || state->png == 0)
    {
      const char *why = state->size_error ? state->size_error->message
                        : state->error    ? ""
                                          : _ ("measuring");

      gtk_label_set_text (GTK_LABEL (window->size), why);
      gtk_label_set_text (GTK_LABEL (window->png), "");
      return;
    }
  size = g_format_size (bytes);
  png = g_format_size (state->png);
  text = g_strdup_printf (_ ("%s, %.3f bits per pixel"), size, 8 * bytes / pixels);
  png_text = g_strdup_printf (_ ("%s, %.0f times as much"), png,
                              (double)state->png / bytes);
  gtk_label_set_text (GTK_LABEL (window->size), text);
  gtk_label_set_text (GTK_LABEL (window->png), png_text);
}

static void
show_likeness (Window *window, const AtlPreviewState *state)
{
  g_autofree char *text = NULL;

  if (state->error || isnan (state->psnr))
    text = g_strdup ("");
  else if (isnan (state->ssim))
    text = g_strdup_printf (_ ("PSNR %.2f dB"), state->psnr);
  else
    text
        = g_strdup_printf (_ ("PSNR %.2f dB, SSIM %.3f"), state->psnr, state->ssim);
  gtk_label_set_text (GTK_LABEL (window->likeness), text);
}

static void
show (AtlFilterWindow *base)
{
  Window *window = (Window *)base;
  const AtlPreviewState *state = atl_preview_get_state (base->preview);

  show_quality (window, state->quality_steps);
  show_size (window, state);
  show_likeness (window, state);
}

static GtkWidget *
quality_new (Window *window)
{
  GtkWidget *scale;

  window->stages = gtk_adjustment_new (1, 1, 1, 1, 1, 0);
  scale = gimp_spin_scale_new (window->stages, _ ("_Quality"), 0);
  gtk_widget_set_tooltip_text (
      scale, _ ("How many of the model's stages are kept: the more, the better and "
                "the larger"));
  atk_object_set_name (gtk_widget_get_accessible (scale), _ ("Quality"));
  g_signal_connect (window->stages, "value-changed", G_CALLBACK (quality_moved),
                    window);
  return scale;
}

static GtkWidget *
figure_new (GtkGrid *grid, int row, const char *name)
{
  GtkWidget *figure = atl_text_new ("");

  gtk_label_set_width_chars (GTK_LABEL (figure), 10);
  gtk_label_set_max_width_chars (GTK_LABEL (figure), 20);
  atl_grid_add (grid, row, name, figure);
  atk_object_set_name (gtk_widget_get_accessible (figure), name);
  return figure;
}

static GtkWidget *
figures_new (Window *window)
{
  GtkWidget *grid = gtk_grid_new ();

  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 3);
  window->size = figure_new (GTK_GRID (grid), 0, _ ("As .vqi"));
  window->png = figure_new (GTK_GRID (grid), 1, _ ("As PNG"));
  window->likeness = figure_new (GTK_GRID (grid), 2, _ ("Preview"));
  gtk_widget_set_tooltip_text (
      grid, _ ("What this layer would measure as a file, and how like the original "
               "the part in the preview is"));
  return grid;
}

/* What a file keeps beside the pixels. */
static void
add_kept (AtlFilterWindow *window)
{
  static const char *const properties[]
      = { "include-exif", "include-xmp", "include-color-profile" };
  const char *labels[]
      = { _ ("Save E_xif data"), _ ("Save XM_P data"), _ ("Save color _profile") };

  for (gsize i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      GtkWidget *button = gtk_check_button_new_with_mnemonic (labels[i]);

      g_object_bind_property (window->config, properties[i], button, "active",
                              G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
      gtk_grid_attach (window->advanced, button, 0, window->n_advanced++, 2, 1);
    }
  if (window->source->has_alpha)
    atl_filter_window_add_advanced (
        window, _ ("Levels of _transparency"),
        atl_number_new (window->config, "alpha-levels", 1));
}

static gboolean
run (GimpProcedure *procedure, GimpProcedureConfig *config,
     const AtlLayerSource *source, const char *title, gboolean exports)
{
  Window window = { .showing = FALSE };
  GtkBox *settings;

  atl_filter_window_init (&window.window, procedure, config, source, title,
                          "vqvae");
  window.window.collect = collect;
  window.window.show = show;
  settings = GTK_BOX (window.window.settings);
  window.quality = quality_new (&window);
  gtk_box_pack_start (settings, window.quality, FALSE, FALSE, 0);
  gtk_box_pack_start (settings, figures_new (&window), FALSE, FALSE, 0);
  if (exports)
    add_kept (&window.window);
  return atl_filter_window_run (&window.window);
}

gboolean
atl_compress_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                         const AtlLayerSource *source)
{
  return run (procedure, config, source, _ ("Compress"), FALSE);
}

gboolean
atl_export_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                       const AtlLayerSource *source)
{
  return run (procedure, config, source, _ ("Export Image as VQI"), TRUE);
}
