/* The window of Translate; see dialogs.h. */

#include <glib/gi18n-lib.h>

#include "filter-window.h"
#include "rows.h"

static const char *const statistics_words[] = { "model", "image", "running", NULL };

static void
collect (AtlFilterWindow *window, AtlPreviewSettings *settings)
{
  g_autofree char *statistics = NULL;
  int seed;

  g_object_get (window->config, "statistics", &statistics, "seed", &seed, NULL);
  settings->statistics = g_strcmp0 (statistics, "image") == 0     ? 1
                         : g_strcmp0 (statistics, "running") == 0 ? 0
                                                                  : -1;
  settings->seed = seed;
}

static GtkWidget *
strength_new (GimpProcedureConfig *config)
{
  GtkWidget *scale
      = gimp_prop_spin_scale_new (G_OBJECT (config), "strength", 0.01, 0.1, 0);

  gimp_spin_scale_set_label (GIMP_SPIN_SCALE (scale), _ ("Stren_gth"));
  gimp_prop_widget_set_factor (scale, 100, 1, 10, 0);
  gtk_widget_set_tooltip_text (
      scale, _ ("0: the layer as it is, 100: the model's picture, between: a "
                "mixture"));
  atk_object_set_name (gtk_widget_get_accessible (scale), _ ("Strength"));
  gtk_widget_show (scale);
  return scale;
}

gboolean
atl_translate_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                          const AtlLayerSource *source)
{
  AtlFilterWindow window;
  const char *const labels[] = { _ ("As the model says"), _ ("This picture's own"),
                                 _ ("The training pictures'"), NULL };

  atl_filter_window_init (&window, procedure, config, source, _ ("Translate"),
                          "pix2pix");
  window.collect = collect;
  gtk_box_pack_start (GTK_BOX (window.settings), strength_new (config), FALSE,
                      FALSE, 0);
  atl_filter_window_add_advanced (
      &window, _ ("S_tatistics"),
      atl_choice_new (config, "statistics", statistics_words, labels));
  atl_filter_window_add_advanced (&window, _ ("S_eed"),
                                  atl_number_new (config, "seed", 1));
  return atl_filter_window_run (&window);
}
