/* Layers and .vqi files; see vqi-layer.h. */

#include "vqi-layer.h"

#include <math.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"

#define ROWS 64
#define MAX_QUALITY 64

static gboolean
read_colours (gpointer data, int x, int y, int width, int height, int channels,
              float *out, GError **error)
{
  const AtlVqiLayer *layer = data;

  return atl_layer_read (layer->pixels, layer->rect.x + x, layer->rect.y + y, width,
                         height, channels, out, error);
}

static gboolean
write_colours (gpointer data, int x, int y, int width, int height, int channels,
               const float *in, GError **error)
{
  const AtlVqiLayer *layer = data;

  return layer->io->write (layer->io->data, layer->rect.x + x, layer->rect.y + y,
                           width, height, channels, in, error);
}

/* Alpha of all rows; *opaque: it says nothing. */
static gboolean
read_alpha (AtlVqiLayer *layer, gboolean *opaque, GError **error)
{
  int samples = layer->pixels->channels + 1, width = layer->rect.width;
  float most = (float)((1 << layer->source.alpha_bits) - 1);
  atl_autofree float *rows
      = atl_try_alloc ((gsize)width * ROWS, (gsize)samples * sizeof (float),
                       _ ("the transparency"), error);

  *opaque = TRUE;
  for (int y = 0; rows && y < layer->rect.height; y += ROWS)
    {
      int n = MIN (ROWS, layer->rect.height - y);
      guint16 *out = layer->alpha + (gsize)y * width;

      if (!read_colours (layer, 0, y, width, n, samples, rows, error))
        return FALSE;
      for (gsize i = 0; i < (gsize)n * width; i++)
        {
          out[i] = (guint16)lrintf (CLAMP (rows[i * samples + samples - 1], 0, 1)
                                    * most);
          *opaque = *opaque && out[i] == (guint16)most;
        }
    }
  return rows != NULL;
}

gboolean
atl_vqi_layer_init (AtlVqiLayer *layer, AtlLayer *pixels, const GeglRectangle *rect,
                    const AtlImageIo *io, GError **error)
{
  gboolean opaque;

  *layer = (AtlVqiLayer){ .pixels = pixels, .rect = *rect, .io = io };
  layer->source.io
      = (AtlImageIo){ rect->width,   rect->height, pixels->channels, read_colours,
                      write_colours, layer,        pixels->channels };
  layer->source.depth = pixels->depth;
  if (!pixels->has_alpha)
    return TRUE;
  layer->source.alpha_bits = pixels->depth == ATL_DEPTH_U8 ? 8 : 16;
  layer->alpha = atl_try_alloc ((gsize)rect->width * rect->height, sizeof (guint16),
                                _ ("the transparency"), error);
  if (!layer->alpha || !read_alpha (layer, &opaque, error))
    return FALSE;
  if (!opaque)
    layer->source.alpha = layer->alpha;
  return TRUE;
}

void
atl_vqi_layer_clear (AtlVqiLayer *layer)
{
  g_clear_pointer (&layer->alpha, atl_free);
}

gboolean
atl_vqi_layer_send (AtlModel *model, AtlPool *pool, AtlLayer *pixels,
                    const AtlImageIo *io, const AtlVqiOptions *options,
                    const AtlProgress *progress, gsize *bytes, GError **error)
{
  AtlVqiLayer layer;
  gboolean ok = atl_vqi_layer_init (&layer, pixels, &pixels->changed, io, error)
                && atl_vqi_send (model, pool, &layer.source, options, progress,
                                 bytes, error);

  atl_vqi_layer_clear (&layer);
  return ok;
}

void
atl_vqi_add_quality (GimpProcedure *procedure)
{
  gimp_procedure_add_int_argument (
      procedure, "quality", _ ("_Quality"),
      _ ("Residual stages of the model to use: the more, the more bits; 0: all"), 0,
      MAX_QUALITY, 0, G_PARAM_READWRITE);
}

gboolean
atl_vqi_read_quality (GimpProcedureConfig *config, AtlModel *model, int *stages,
                      GError **error)
{
  int most = atl_model_get_config (model)->stages;

  g_object_get (config, "quality", stages, NULL);
  if (*stages <= most)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               ngettext ("the argument \"quality\" is %d, but %s has only one "
                         "quality; leave it at 0",
                         "the argument \"quality\" is %d; %s has the qualities 1 "
                         "to %d, and 0 for all of it",
                         most),
               *stages, atl_model_get_name (model), most);
  return FALSE;
}
