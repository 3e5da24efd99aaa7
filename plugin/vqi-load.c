/* file-vqi-load and file-vqi-load-thumb: .vqi files as images. */

#include <glib/gi18n-lib.h>

#include "codec/vqi-thumbnail.h"
#include "pixels.h"
#include "procedures.h"
#include "worker.h"

#define ROWS 256

typedef struct
{
  const AtlVqi *vqi;
  AtlModel *model;
  AtlPool *pool;
  int thumbnail; /* its size; 0: the whole picture */
  AtlPicture *picture;
} Decoding;

static gboolean
decode (gpointer data, const AtlProgress *progress, GError **error)
{
  Decoding *d = data;

  if (d->thumbnail > 0)
    d->picture = atl_vqi_thumbnail (d->vqi, d->model, d->pool, d->thumbnail,
                                    progress, error);
  else
    d->picture = atl_vqi_decode (d->vqi, d->model, d->pool, 0, 0, progress, error);
  return d->picture != NULL;
}

static AtlPicture *
decode_file (const AtlVqi *vqi, int thumbnail, GError **error)
{
  Decoding d = { .vqi = vqi, .thumbnail = thumbnail };

  d.model = atl_vqi_find_model (vqi, error);
  if (!d.model)
    return NULL;
  d.pool = atl_pool_new (gimp_get_num_processors ());
  atl_work_run (decode, &d, error);
  atl_pool_free (d.pool);
  atl_model_free (d.model);
  return d.picture;
}

/* --- Images --- */

static void
set_profile (GimpImage *image, GBytes *icc)
{
  gsize size;
  const guint8 *data = icc ? g_bytes_get_data (icc, &size) : NULL;
  GimpColorProfile *profile
      = data ? gimp_color_profile_new_from_icc_profile (data, size, NULL) : NULL;

  /* One that GIMP can't use leaves sRGB. */
  if (profile)
    {
      gimp_image_set_color_profile (image, profile);
      g_object_unref (profile);
    }
}

static void
fill_layer (GimpDrawable *layer, const AtlPicture *picture)
{
  GeglBuffer *buffer = gimp_drawable_get_buffer (layer);
  const Babl *format = gimp_drawable_get_format (layer);

  for (int y = 0; y < picture->height; y += ROWS)
    gegl_buffer_set (
        buffer,
        GEGL_RECTANGLE (0, y, picture->width, MIN (ROWS, picture->height - y)), 0,
        format, picture->pixels + (gsize)y * picture->row_bytes,
        (int)picture->row_bytes);
  g_object_unref (buffer);
}

static GimpImageType
type_of (int channels, gboolean has_alpha)
{
  if (channels == 1)
    return has_alpha ? GIMP_GRAYA_IMAGE : GIMP_GRAY_IMAGE;
  return has_alpha ? GIMP_RGBA_IMAGE : GIMP_RGB_IMAGE;
}

static GimpImage *
image_of (const AtlPicture *picture)
{
  static const GimpPrecision precisions[]
      = { GIMP_PRECISION_U8_NON_LINEAR, GIMP_PRECISION_U16_NON_LINEAR,
          GIMP_PRECISION_FLOAT_NON_LINEAR };
  GimpImage *image = gimp_image_new_with_precision (
      picture->width, picture->height,
      picture->channels == 1 ? GIMP_GRAY : GIMP_RGB, precisions[picture->depth]);
  GimpLayer *layer;

  set_profile (image, picture->icc);
  layer = gimp_layer_new (image, _ ("Background"), picture->width, picture->height,
                          type_of (picture->channels, picture->has_alpha), 100,
                          gimp_image_get_default_new_layer_mode (image));
  gimp_image_insert_layer (image, layer, NULL, 0);
  fill_layer (GIMP_DRAWABLE (layer), picture);
  return image;
}

static AtlVqi *
open_file (GFile *file, GError **error)
{
  g_autofree char *path = atl_file_path (file, error);

  return path ? atl_vqi_open (path, error) : NULL;
}

/* What the file says beside the pixels, as GIMP keeps it. */
static void
set_metadata (const AtlVqi *vqi, GimpImage *image, GimpMetadata *metadata,
              GimpMetadataLoadFlags *flags)
{
  gsize size;
  const guint8 *data;

  if (vqi->exif)
    {
      data = g_bytes_get_data (vqi->exif, &size);
      gimp_metadata_set_from_exif (metadata, data, (int)size, NULL);
    }
  if (vqi->xmp)
    {
      data = g_bytes_get_data (vqi->xmp, &size);
      gimp_metadata_set_from_xmp (metadata, data, (int)size, NULL);
    }
  if (vqi->x_resolution > 0 && vqi->y_resolution > 0)
    {
      gimp_image_set_resolution (image, vqi->x_resolution, vqi->y_resolution);
      *flags &= ~GIMP_METADATA_LOAD_RESOLUTION;
    }
  /* The pixels and their profile are as they should be. */
  *flags &= ~(GIMP_METADATA_LOAD_ORIENTATION | GIMP_METADATA_LOAD_COLORSPACE);
}

static GimpValueArray *
load (GimpProcedure *procedure, GimpRunMode run_mode, GFile *file,
      GimpMetadata *metadata, GimpMetadataLoadFlags *flags,
      GimpProcedureConfig *config, gpointer run_data)
{
  GError *error = NULL;
  g_autoptr (AtlVqi) vqi = NULL;
  g_autoptr (AtlPicture) picture = NULL;
  GimpValueArray *values;
  GimpImage *image;

  gegl_init (NULL, NULL);
  vqi = open_file (file, &error);
  gimp_progress_init_printf (_ ("Opening '%s'"), gimp_file_get_utf8_name (file));
  picture = vqi ? decode_file (vqi, 0, &error) : NULL;
  if (!picture)
    return atl_return (procedure, error);
  image = image_of (picture);
  set_metadata (vqi, image, metadata, flags);
  if (vqi->cut_short)
    g_message (_ ("%s is cut short or damaged; it opens in quality %d of %d"),
               gimp_file_get_utf8_name (file), vqi->usable, vqi->stages);
  values = atl_return (procedure, NULL);
  GIMP_VALUES_SET_IMAGE (values, 1, image);
  return values;
}

static GimpValueArray *
load_thumbnail (GimpProcedure *procedure, GFile *file, int size,
                GimpProcedureConfig *config, gpointer run_data)
{
  GError *error = NULL;
  g_autoptr (AtlVqi) vqi = NULL;
  g_autoptr (AtlPicture) picture = NULL;
  GimpValueArray *values;

  gegl_init (NULL, NULL);
  vqi = open_file (file, &error);
  picture = vqi ? decode_file (vqi, size, &error) : NULL;
  if (!picture)
    return atl_return (procedure, error);
  values = atl_return (procedure, NULL);
  GIMP_VALUES_SET_IMAGE (values, 1, image_of (picture));
  GIMP_VALUES_SET_INT (values, 2, vqi->width);
  GIMP_VALUES_SET_INT (values, 3, vqi->height);
  GIMP_VALUES_SET_ENUM (values, 4, type_of (vqi->channels, vqi->alpha != NULL));
  GIMP_VALUES_SET_INT (values, 5, 1);
  return values;
}

/* --- Procedures --- */

GimpProcedure *
atl_vqi_load_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_load_procedure_new (
      plug_in, ATL_PROC_VQI_LOAD, GIMP_PDB_PROC_TYPE_PLUGIN, load, NULL, NULL);
  GimpFileProcedure *file = GIMP_FILE_PROCEDURE (procedure);

  atl_procedure_describe (
      procedure, NULL, _ ("Opens images in Atelier's learned format"),
      _ ("Decodes a .vqi file with the VQ-VAE model that it was made with, which "
         "must be installed.  A file that is cut short opens in a lower quality."));
  gimp_procedure_set_menu_label (procedure, _ ("Atelier VQI image"));
  gimp_file_procedure_set_format_name (file, "VQI");
  gimp_file_procedure_set_mime_types (file, ATL_VQI_MIME_TYPE);
  gimp_file_procedure_set_extensions (file, "vqi");
  gimp_file_procedure_set_magics (file, "0,string,\\211VQI\\r\\n\\032\\n");
  gimp_load_procedure_set_thumbnail_loader (GIMP_LOAD_PROCEDURE (procedure),
                                            ATL_PROC_VQI_THUMBNAIL);
  return procedure;
}

GimpProcedure *
atl_vqi_thumbnail_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_thumbnail_procedure_new (
      plug_in, ATL_PROC_VQI_THUMBNAIL, GIMP_PDB_PROC_TYPE_PLUGIN, load_thumbnail,
      NULL, NULL);

  atl_procedure_describe (procedure, NULL,
                          _ ("Makes a small picture of a .vqi file"),
                          _ ("Decodes some of the codes of a .vqi file."));
  return procedure;
}
