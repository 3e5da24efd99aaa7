/* file-vqi-export: images as .vqi files. */

#include <glib/gi18n-lib.h>
#include <gexiv2/gexiv2.h>

#include "filter.h"
#include "procedures.h"
#include "vqi-layer.h"
#include "worker.h"

typedef struct
{
  AtlLayer *pixels;
  AtlModel *model;
  AtlPool *pool;
  AtlVqiOptions options;
  GBytes *icc, *exif, *xmp;
  double x_resolution, y_resolution;
  AtlVqi *vqi;
} Export;

static gboolean
encode (gpointer data, const AtlProgress *progress, GError **error)
{
  Export *e = data;
  GeglRectangle all = { 0, 0, e->pixels->width, e->pixels->height };
  AtlVqiLayer layer;

  if (atl_vqi_layer_init (&layer, e->pixels, &all, NULL, error))
    {
      layer.source.icc = e->icc;
      layer.source.exif = e->exif;
      layer.source.xmp = e->xmp;
      layer.source.x_resolution = e->x_resolution;
      layer.source.y_resolution = e->y_resolution;
      e->vqi = atl_vqi_encode (e->model, e->pool, &layer.source, &e->options,
                               progress, error);
    }
  atl_vqi_layer_clear (&layer);
  return e->vqi != NULL;
}

/* --- Metadata --- */

static void
collect_exif (Export *e, GimpMetadata *metadata)
{
  e->exif = gexiv2_metadata_get_exif_data (GEXIV2_METADATA (metadata),
                                           GEXIV2_BYTE_ORDER_LITTLE, NULL);
  if (e->exif && g_bytes_get_size (e->exif) == 0)
    g_clear_pointer (&e->exif, g_bytes_unref);
}

static void
collect_xmp (Export *e, GimpMetadata *metadata)
{
  char *packet = gexiv2_metadata_try_generate_xmp_packet (
      GEXIV2_METADATA (metadata), GEXIV2_USE_COMPACT_FORMAT, 0, NULL);

  if (packet && *packet)
    e->xmp = g_bytes_new_take (packet, strlen (packet));
  else
    g_free (packet);
}

/* What the user wants kept of what GIMP knows. */
static void
collect_metadata (Export *e, GimpImage *image, GimpProcedureConfig *config)
{
  GimpMetadataSaveFlags flags = 0;
  GimpMetadata *metadata
      = gimp_image_metadata_save_prepare (image, ATL_VQI_MIME_TYPE, &flags);
  gboolean exif, xmp, profile;
  AtlDepth depth;

  g_object_get (config, "include-exif", &exif, "include-xmp", &xmp,
                "include-color-profile", &profile, NULL);
  if (metadata && exif)
    collect_exif (e, metadata);
  if (metadata && xmp)
    collect_xmp (e, metadata);
  g_clear_object (&metadata);
  if (profile)
    atl_layer_get_form (e->pixels, &depth, &e->icc);
  gimp_image_get_resolution (image, &e->x_resolution, &e->y_resolution);
}

/* --- The image --- */

/* The one layer of what is to be exported, as large as the image; *copy: an
 * image to be deleted afterwards, or NULL. */
static GimpDrawable *
find_layer (GimpImage *image, GimpImage **copy, GError **error)
{
  g_autoptr (GList) layers = gimp_image_list_layers (image);
  GimpDrawable *layer;
  int x, y;

  *copy = NULL;
  if (!layers)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "%s",
                   _ ("The image has no layer; there is nothing to export"));
      return NULL;
    }
  layer = layers->data;
  gimp_drawable_get_offsets (layer, &x, &y);
  if (!layers->next && x == 0 && y == 0
      && gimp_drawable_get_width (layer) == gimp_image_get_width (image)
      && gimp_drawable_get_height (layer) == gimp_image_get_height (image)
      && !gimp_drawable_is_indexed (layer))
    return layer;
  *copy = gimp_image_duplicate (image);
  layer
      = GIMP_DRAWABLE (gimp_image_merge_visible_layers (*copy, GIMP_CLIP_TO_IMAGE));
  if (gimp_drawable_is_indexed (layer))
    gimp_image_convert_rgb (*copy);
  gimp_layer_add_alpha (GIMP_LAYER (layer));
  gimp_layer_resize_to_image_size (GIMP_LAYER (layer));
  return layer;
}

static gboolean
read_settings (Export *e, GimpProcedureConfig *config, GError **error)
{
  int memory, alpha_levels;

  g_object_get (config, "memory", &memory, "alpha-levels", &alpha_levels, NULL);
  e->options = (AtlVqiOptions)ATL_VQI_DEFAULTS;
  e->options.memory = (gsize)memory << 20;
  /* One level would keep nothing. */
  e->options.alpha_levels = alpha_levels == 1 ? 2 : alpha_levels;
  e->model = atl_config_model (config, "vqvae", error);
  return e->model
         && atl_vqi_read_quality (config, e->model, &e->options.stages, error);
}

static gboolean
export_layer (GimpImage *image, GimpDrawable *layer, GFile *file,
              GimpProcedureConfig *config, GError **error)
{
  g_autofree char *path = g_file_get_path (file);
  Export e = { NULL };
  gboolean ok = FALSE;

  e.pixels = atl_layer_new (layer);
  if (!path)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE, "%s",
                 _ ("The file is not on a disk of this machine; export to one that "
                    "is, and copy it there"));
  else if (read_settings (&e, config, error))
    {
      collect_metadata (&e, image, config);
      e.pool = atl_pool_new (gimp_get_num_processors ());
      ok = atl_work_run (encode, &e, error) && atl_vqi_save (e.vqi, path, error);
      atl_pool_free (e.pool);
    }
  g_clear_pointer (&e.vqi, atl_vqi_free);
  g_clear_pointer (&e.model, atl_model_free);
  g_clear_pointer (&e.icc, g_bytes_unref);
  g_clear_pointer (&e.exif, g_bytes_unref);
  g_clear_pointer (&e.xmp, g_bytes_unref);
  atl_layer_free (e.pixels);
  return ok;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GFile *file,
     GimpExportOptions *options, GimpMetadata *metadata,
     GimpProcedureConfig *config, gpointer run_data)
{
  GimpImage *original = image, *copy = NULL;
  GimpExportReturn exported;
  GimpDrawable *layer;
  GError *error = NULL;
  gboolean cancelled = FALSE;

  gegl_init (NULL, NULL);
  exported = gimp_export_options_get_image (options, &image);
  layer = find_layer (image, &copy, &error);
  if (layer && run_mode == GIMP_RUN_INTERACTIVE)
    cancelled = !atl_filter_ask (atl_export_dialog_run, procedure, config,
                                 (GimpDrawable *[]){ layer, NULL });
  if (layer && !cancelled)
    {
      gimp_progress_init_printf (_ ("Exporting '%s'"),
                                 gimp_file_get_utf8_name (file));
      export_layer (original, layer, file, config, &error);
    }
  if (copy)
    gimp_image_delete (copy);
  if (exported == GIMP_EXPORT_EXPORT)
    gimp_image_delete (image);
  return cancelled ? atl_return_cancelled (procedure)
                   : atl_return (procedure, error);
}

GimpProcedure *
atl_vqi_export_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_export_procedure_new (
      plug_in, ATL_PROC_VQI_EXPORT, GIMP_PDB_PROC_TYPE_PLUGIN, FALSE, run, NULL,
      NULL);
  GimpFileProcedure *file = GIMP_FILE_PROCEDURE (procedure);
  GimpExportProcedure *export = GIMP_EXPORT_PROCEDURE (procedure);

  atl_procedure_describe (
      procedure, NULL, _ ("Exports images in Atelier's learned format"),
      _ ("Compresses an image with a VQ-VAE model into a .vqi file.  Whoever opens "
         "it needs the same model."));
  gimp_procedure_set_menu_label (procedure, _ ("Atelier VQI image"));
  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*, INDEXED*");
  gimp_file_procedure_set_format_name (file, "VQI");
  gimp_file_procedure_set_mime_types (file, ATL_VQI_MIME_TYPE);
  gimp_file_procedure_set_extensions (file, "vqi");
  gimp_export_procedure_set_capabilities (export,
                                          GIMP_EXPORT_CAN_HANDLE_RGB
                                              | GIMP_EXPORT_CAN_HANDLE_GRAY
                                              | GIMP_EXPORT_CAN_HANDLE_ALPHA,
                                          NULL, NULL, NULL);
  gimp_export_procedure_set_support_exif (export, TRUE);
  gimp_export_procedure_set_support_xmp (export, TRUE);
  gimp_export_procedure_set_support_profile (export, TRUE);
  atl_add_model (procedure,
                 _ ("The VQ-VAE model: a name that plug-in-atelier-models lists, "
                    "or a file; empty: the first there is"));
  atl_vqi_add_quality (procedure);
  gimp_procedure_add_int_argument (
      procedure, "alpha-levels", _ ("_Transparency levels"),
      _ ("Levels that transparency keeps; 0: all, exactly as it is"), 0, 65535, 0,
      G_PARAM_READWRITE);
  atl_add_memory (procedure);
  return procedure;
}
