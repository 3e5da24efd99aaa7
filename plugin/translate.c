/* plug-in-atelier-translate: layers through a Pix2Pix model. */

#include <glib/gi18n-lib.h>

#include "filter.h"
#include "procedures.h"

/* The config's settings, each checked. */
static gboolean
read_settings (GimpProcedureConfig *config, AtlFilter *filter, GError **error)
{
  static const char *const words[] = { "running", "image", "model", NULL };
  g_autofree char *statistics = atl_config_string (config, "statistics");
  int seed, memory, word;

  filter->options = (AtlApplyOptions)ATL_APPLY_DEFAULTS;
  g_object_get (config, "strength", &filter->options.strength, "seed", &seed,
                "memory", &memory, NULL);
  filter->options.seed = seed;
  filter->options.memory = (gsize)memory << 20;
  word = atl_parse_word (statistics, "statistics", words, error);
  if (word < 0 || !atl_filter_read_output (config, &filter->new_layer, error))
    return FALSE;
  filter->options.statistics = word == 2 ? -1 : word;
  filter->model = atl_config_model (config, "pix2pix", error);
  return filter->model != NULL;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image,
     GimpDrawable **drawables, GimpProcedureConfig *config, gpointer data)
{
  AtlFilter filter = { NULL };
  GError *error = NULL;

  atl_gegl_init (run_mode);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      if (!atl_filter_check_any (drawables, &error))
        return atl_return (procedure, error);
      if (!atl_filter_ask (atl_translate_dialog_run, procedure, config, drawables))
        return atl_return_cancelled (procedure);
    }
  if (read_settings (config, &filter, &error)
      && atl_filter_check (drawables, filter.new_layer, &error))
    atl_filter_run (&filter, image, drawables, &error);
  g_clear_pointer (&filter.model, atl_model_free);
  return atl_return (procedure, error);
}

GimpProcedure *
atl_translate_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_image_procedure_new (
      plug_in, ATL_PROC_TRANSLATE, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  atl_procedure_describe (
      procedure, _ ("_Translate (Pix2Pix)..."),
      _ ("Sends layers through a trained Pix2Pix model: restores, colours, or "
         "paints in a style"),
      _ ("The model answers with a picture of the same size, which replaces the "
         "layer's colours within the selection, or becomes a new layer above "
         "it.  Transparency is kept.  Layers of any size are done within the "
         "memory given.  Models come with Atelier, are made with "
         "plug-in-atelier-train, or imported with plug-in-atelier-models."));
  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*");
  gimp_procedure_set_sensitivity_mask (procedure,
                                       GIMP_PROCEDURE_SENSITIVE_DRAWABLE
                                           | GIMP_PROCEDURE_SENSITIVE_DRAWABLES);
  atl_add_model (procedure,
                 _ ("The Pix2Pix model: a name that plug-in-atelier-models "
                    "lists, or a file; empty: the first there is"));
  gimp_procedure_add_double_argument (
      procedure, "strength", _ ("_Strength"),
      _ ("0: the layer as it is, 1: the model's picture, between: a mixture"), 0, 1,
      1, G_PARAM_READWRITE);
  atl_add_output (procedure);
  gimp_procedure_add_string_argument (
      procedure, "statistics", _ ("S_tatistics"),
      _ ("What the model's norms go by: model (as the model says), image (this "
         "picture's own), or running (the training pictures')"),
      "model", G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (
      procedure, "seed", _ ("S_eed"),
      _ ("Models that draw by lot give the same picture for the same seed"), 0,
      G_MAXINT, 0, G_PARAM_READWRITE);
  atl_add_memory (procedure);
  return procedure;
}
