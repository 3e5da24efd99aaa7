/* plug-in-atelier-compress: layers through a .vqi file and back, what that takes
 * and what it loses. */

#include <math.h>

#include <glib/gi18n-lib.h>

#include "apply/metrics.h"
#include "filter.h"
#include "procedures.h"
#include "vqi-layer.h"

#define MAX_PSNR 200.0 /* reported for equal pictures, whose PSNR is infinite */

/* Bytes and means over all layers, the latter weighted by their pixels. */
typedef struct
{
  AtlModel *model;
  AtlVqiOptions options;
  gint64 bytes;
  double pixels, squared_error, ssim;
} Losses;

static gboolean
send (gpointer data, AtlLayer *pixels, AtlPool *pool, const AtlImageIo *io,
      const AtlProgress *progress, GError **error)
{
  Losses *losses = data;
  gsize bytes;

  if (!atl_vqi_layer_send (losses->model, pool, pixels, io, &losses->options,
                           progress, &bytes, error))
    return FALSE;
  losses->bytes += (gint64)bytes;
  return TRUE;
}

static gboolean
measure (gpointer data, AtlLayer *pixels, AtlPool *pool, GError **error)
{
  Losses *losses = data;
  const GeglRectangle *changed = &pixels->changed;
  double n = (double)changed->width * changed->height;
  g_autoptr (AtlPicture) before
      = atl_layer_get_picture (pixels, FALSE, changed, error);
  g_autoptr (AtlPicture) after
      = before ? atl_layer_get_picture (pixels, TRUE, changed, error) : NULL;
  AtlComparison comparison;

  if (!after
      || !atl_compare_pictures (pool, before, after, NULL, &comparison, error))
    return FALSE;
  losses->pixels += n;
  losses->squared_error += n * pow (10, -comparison.psnr / 10);
  losses->ssim += n * comparison.ssim;
  return TRUE;
}

static gboolean
read_settings (GimpProcedureConfig *config, AtlFilter *filter, Losses *losses,
               GError **error)
{
  int memory;

  filter->options = (AtlApplyOptions)ATL_APPLY_DEFAULTS;
  losses->options = (AtlVqiOptions)ATL_VQI_DEFAULTS;
  g_object_get (config, "memory", &memory, NULL);
  losses->options.memory = (gsize)memory << 20;
  if (!atl_filter_read_output (config, &filter->new_layer, error))
    return FALSE;
  losses->model = filter->model = atl_config_model (config, "vqvae", error);
  return filter->model
         && atl_vqi_read_quality (config, filter->model, &losses->options.stages,
                                  error);
}

static GimpValueArray *
return_losses (GimpProcedure *procedure, const Losses *losses)
{
  GimpValueArray *values = atl_return (procedure, NULL);
  double mse = losses->squared_error / MAX (losses->pixels, 1);

  GIMP_VALUES_SET_INT (values, 1, (int)MIN (losses->bytes, G_MAXINT));
  GIMP_VALUES_SET_DOUBLE (values, 2,
                          8 * (double)losses->bytes / MAX (losses->pixels, 1));
  GIMP_VALUES_SET_DOUBLE (values, 3,
                          mse > 0 ? MIN (-10 * log10 (mse), MAX_PSNR) : MAX_PSNR);
  GIMP_VALUES_SET_DOUBLE (values, 4,
                          losses->pixels > 0 ? losses->ssim / losses->pixels : 1);
  return values;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image,
     GimpDrawable **drawables, GimpProcedureConfig *config, gpointer data)
{
  Losses losses = { 0 };
  AtlFilter filter = { .apply = send, .inspect = measure, .data = &losses };
  GError *error = NULL;
  gboolean done;

  atl_gegl_init (run_mode);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      if (!atl_filter_check_any (drawables, &error))
        return atl_return (procedure, error);
      if (!atl_filter_ask (atl_compress_dialog_run, procedure, config, drawables))
        return atl_return_cancelled (procedure);
    }
  done = read_settings (config, &filter, &losses, &error)
         && atl_filter_check (drawables, filter.new_layer, &error)
         && atl_filter_run (&filter, image, drawables, &error);
  g_clear_pointer (&filter.model, atl_model_free);
  return done ? return_losses (procedure, &losses) : atl_return (procedure, error);
}

static void
add_return_values (GimpProcedure *procedure)
{
  gimp_procedure_add_int_return_value (
      procedure, "bytes", _ ("Bytes"),
      _ ("Size of what was changed as .vqi files, in bytes"), 0, G_MAXINT, 0,
      G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (
      procedure, "bits-per-pixel", _ ("Bits per pixel"),
      _ ("The same per pixel, in bits"), 0, G_MAXDOUBLE, 0, G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (
      procedure, "psnr", _ ("PSNR"),
      _ ("Peak signal-to-noise ratio of the changed parts, in dB; 200: equal"),
      -1000, MAX_PSNR, 0, G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (procedure, "ssim", _ ("SSIM"),
                                          _ ("Structural similarity; 1: equal"), -1,
                                          1, 0, G_PARAM_READWRITE);
}

GimpProcedure *
atl_compress_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_image_procedure_new (
      plug_in, ATL_PROC_COMPRESS, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  atl_procedure_describe (
      procedure, _ ("_Compress (VQ-VAE)..."),
      _ ("Sends layers through a learned compression and back"),
      _ ("Shows what is left of a layer when a VQ-VAE has turned it into a .vqi "
         "file and back, and measures the file and the loss over what was "
         "changed.  Transparency is kept as it is."));
  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*");
  gimp_procedure_set_sensitivity_mask (procedure,
                                       GIMP_PROCEDURE_SENSITIVE_DRAWABLE
                                           | GIMP_PROCEDURE_SENSITIVE_DRAWABLES);
  atl_add_model (procedure,
                 _ ("The VQ-VAE model: a name that plug-in-atelier-models lists, "
                    "or a file; empty: the first there is"));
  atl_vqi_add_quality (procedure);
  atl_add_output (procedure);
  atl_add_memory (procedure);
  add_return_values (procedure);
  return procedure;
}
