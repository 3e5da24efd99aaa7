/* WebP through libwebp: still pictures are read, lossy or not (8 bits, RGB);
 * written without loss. */

#include "files/picture-format.h"

#include <string.h>

#include <glib/gi18n-lib.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "base/buffer.h"
#include "base/memory.h"

#define FREE_PIXELS (64 << 20) /* that a file of any size may claim */
#define LOSSLESS_LEVEL 0 /* of 9: 3 % larger than 1, in less than half the time */

static gboolean
matches (const guint8 *data, gsize size)
{
  return size >= 12 && memcmp (data, "RIFF", 4) == 0
         && memcmp (data + 8, "WEBP", 4) == 0;
}

/* Reading. */

static const char *
status_text (VP8StatusCode status)
{
  switch (status)
    {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return _ ("it is cut off");
    case VP8_STATUS_OUT_OF_MEMORY:
      return _ ("out of memory");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return _ ("it uses what libwebp does not know");
    default:
      return _ ("its data are damaged");
    }
}

/* *chunk: one of the container, copied, or NULL if it has none. */
static gboolean
read_chunk (const WebPData *data, const char *name, const char *file,
            GBytes **chunk, GError **error)
{
  WebPDemuxer *demuxer = WebPDemux (data);
  WebPChunkIterator iterator;
  gboolean good = TRUE;

  *chunk = NULL;
  if (demuxer == NULL)
    return TRUE;
  if (WebPDemuxGetChunk (demuxer, name, 1, &iterator))
    {
      *chunk
          = atl_bytes_copy (iterator.chunk.bytes, iterator.chunk.size, file, error);
      good = *chunk != NULL;
      WebPDemuxReleaseChunkIterator (&iterator);
    }
  WebPDemuxDelete (demuxer);
  return good;
}

/* Whether the header says that EXIF data follow, and the bytes end before the
 * file does: the chunk stands last. */
static gboolean
promises_exif (const WebPData *data)
{
  guint32 riff_size = 0;

  if (data->size < 21 || memcmp (data->bytes + 12, "VP8X", 4) != 0
      || !(data->bytes[20] & 0x08))
    return FALSE;
  memcpy (&riff_size, data->bytes + 4, 4);
  return (guint64)GUINT32_FROM_LE (riff_size) + 8 > data->size;
}

static gboolean
read_header (GBytes *bytes, const char *file, WebPDecoderConfig *config,
             AtlPictureInfo *info, GError **error)
{
  WebPData data;
  VP8StatusCode status;
  g_autoptr (GBytes) exif = NULL;

  data.bytes = g_bytes_get_data (bytes, &data.size);
  if (!WebPInitDecoderConfig (config))
    return atl_picture_damaged (error, file, _ ("another libwebp is installed"));
  status = WebPGetFeatures (data.bytes, data.size, &config->input);
  if (status != VP8_STATUS_OK)
    return atl_picture_damaged (error, file, status_text (status));
  if (config->input.has_animation)
    return atl_picture_damaged (error, file, _ ("it is an animation"));
  info->width = config->input.width;
  info->height = config->input.height;
  if (!read_chunk (&data, "EXIF", file, &exif, error))
    return FALSE;
  if (exif == NULL && promises_exif (&data))
    return atl_picture_damaged (error, file, _ ("it is cut off"));
  if (exif != NULL)
    info->orientation = atl_exif_orientation (g_bytes_get_data (exif, NULL),
                                              g_bytes_get_size (exif));
  return TRUE;
}

static AtlPicture *
load (GBytes *bytes, const char *file, int *orientation, GError **error)
{
  WebPDecoderConfig config;
  AtlPictureInfo info = { .orientation = 1 };
  g_autoptr (GBytes) icc = NULL;
  g_autoptr (AtlPicture) picture = NULL;
  VP8StatusCode status;
  WebPData data;

  if (!read_header (bytes, file, &config, &info, error))
    return NULL;
  if (info.width * info.height > FREE_PIXELS
      && !atl_picture_check_claim (&info, g_bytes_get_size (bytes), file, error))
    return NULL;
  *orientation = info.orientation;
  data.bytes = g_bytes_get_data (bytes, &data.size);
  if (!read_chunk (&data, "ICCP", file, &icc, error))
    return NULL;
  picture = atl_picture_new (info.width, info.height, 3, config.input.has_alpha,
                             ATL_DEPTH_U8, atl_picture_usable_icc (icc, 3), error);
  if (picture == NULL)
    return NULL;
  config.output.colorspace = picture->has_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = picture->pixels;
  config.output.u.RGBA.stride = (int)picture->row_bytes;
  config.output.u.RGBA.size = picture->row_bytes * (gsize)picture->height;
  status = WebPDecode (data.bytes, data.size, &config);
  WebPFreeDecBuffer (&config.output);
  if (status == VP8_STATUS_OK)
    return g_steal_pointer (&picture);
  atl_picture_damaged (error, file, status_text (status));
  return NULL;
}

static gboolean
probe (GBytes *bytes, const char *file, AtlPictureInfo *info, GError **error)
{
  WebPDecoderConfig config;

  return read_header (bytes, file, &config, info, error);
}

/* Writing. */

static gboolean
fill (WebPPicture *webp, const AtlPicture *picture, const char *file,
      GError **error)
{
  gboolean alpha = picture->has_alpha;
  atl_autofree guint8 *row = atl_try_alloc ((gsize)picture->width, 4, file, error);

  webp->use_argb = 1;
  webp->width = picture->width;
  webp->height = picture->height;
  if (row == NULL || !WebPPictureAlloc (webp))
    return FALSE;
  for (int y = 0; y < picture->height; y++)
    {
      const guint8 *from = row;
      uint32_t *to = webp->argb + (gsize)y * (gsize)webp->argb_stride;

      atl_picture_get_row (picture, y, ATL_DEPTH_U8, 3, alpha, row);
      for (int x = 0; x < picture->width; x++, from += alpha ? 4 : 3)
        to[x] = (alpha ? (uint32_t)from[3] << 24 : 0xff000000u)
                | (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
    }
  return TRUE;
}

static const char *
encoding_text (WebPEncodingError code)
{
  return code == VP8_ENC_ERROR_OUT_OF_MEMORY
                 || code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY
             ? _ ("out of memory")
             : _ ("libwebp can't encode it");
}

/* The picture's own bytes, without a profile. */
static gboolean
encode (const AtlPicture *picture, WebPMemoryWriter *writer, const char *file,
        GError **error)
{
  WebPConfig config;
  WebPPicture webp;
  gboolean good;

  if (!WebPConfigInit (&config) || !WebPPictureInit (&webp)
      || !WebPConfigLosslessPreset (&config, LOSSLESS_LEVEL))
    return atl_picture_unwritten (error, file, _ ("another libwebp is installed"));
  config.exact = 1; /* colours under transparent pixels too */
  webp.writer = WebPMemoryWrite;
  webp.custom_ptr = writer;
  good = fill (&webp, picture, file, error) && WebPEncode (&config, &webp);
  if (!good)
    atl_picture_unwritten (error, file, encoding_text (webp.error_code));
  WebPPictureFree (&webp);
  return good;
}

/* With a profile the file is put together by the muxer. */
static gboolean
write_with_icc (const WebPMemoryWriter *writer, GBytes *icc, AtlOutput *output,
                const char *file, GError **error)
{
  WebPMux *mux = WebPMuxNew ();
  WebPData image = { writer->mem, writer->size };
  WebPData profile, all = { NULL, 0 };
  gboolean good;

  profile.bytes = g_bytes_get_data (icc, &profile.size);
  good = mux != NULL && WebPMuxSetImage (mux, &image, 0) == WEBP_MUX_OK
         && WebPMuxSetChunk (mux, "ICCP", &profile, 0) == WEBP_MUX_OK
         && WebPMuxAssemble (mux, &all) == WEBP_MUX_OK;
  if (!good)
    atl_picture_unwritten (error, file, _ ("out of memory"));
  good = good && atl_output_write (output, all.bytes, all.size, error);
  WebPDataClear (&all);
  WebPMuxDelete (mux);
  return good;
}

static gboolean
save (const AtlPicture *picture, AtlOutput *output, const char *file,
      GError **error)
{
  GBytes *icc
      = picture->channels == 3 ? atl_picture_usable_icc (picture->icc, 3) : NULL;
  WebPMemoryWriter writer;
  gboolean good;

  if (picture->width > WEBP_MAX_DIMENSION || picture->height > WEBP_MAX_DIMENSION)
    return atl_picture_unwritten (
        error, file, _ ("a WebP has 16383 pixels a side at most; use PNG or TIFF"));
  WebPMemoryWriterInit (&writer);
  good = encode (picture, &writer, file, error);
  if (good && icc != NULL)
    good = write_with_icc (&writer, icc, output, file, error);
  else if (good)
    good = atl_output_write (output, writer.mem, writer.size, error);
  WebPMemoryWriterClear (&writer);
  return good;
}

const AtlPictureFormat atl_picture_webp = {
  .name = "WebP",
  .extensions = { "webp" },
  .matches = matches,
  .load = load,
  .probe = probe,
  .save = save,
};
