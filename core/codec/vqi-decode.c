/* From a .vqi file to a picture; see vqi.h. */

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"
#include "codec/alpha-coder.h"
#include "codec/vqi.h"
#include "models/library.h"

/* --- The model ------------------------------------------------------------ */

gboolean
atl_vqi_check_model (const AtlVqi *vqi, AtlModel *model, GError **error)
{
  g_autofree char *id = atl_vqi_model_id (vqi);
  const char *hash;

  if (!atl_model_require (model, "vqvae", error))
    return FALSE;
  hash = atl_model_get_hash (model, error);
  if (!hash || g_str_has_prefix (hash, id))
    return hash != NULL;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
               _ ("The file was made with the model \"%s\" (%.8s), not with \"%s\" "
                  "(%.8s)"),
               vqi->model_name, id, atl_model_get_name (model), hash);
  return FALSE;
}

/* NULL if it is another, or can't be opened; *problem: set if that is for want
 * of memory. */
static AtlModel *
try_model (const AtlVqi *vqi, const AtlModelInfo *info, GError **problem)
{
  g_autoptr (GError) why = info->error ? g_error_copy (info->error) : NULL;
  AtlModel *model = why ? NULL : atl_model_open (info->path, &why);

  if (model && !atl_vqi_check_model (vqi, model, &why))
    g_clear_pointer (&model, atl_model_free);
  if (g_error_matches (why, ATELIER_ERROR, ATELIER_ERROR_MEMORY) && !*problem)
    *problem = g_steal_pointer (&why);
  return model;
}

AtlModel *
atl_vqi_find_model (const AtlVqi *vqi, GError **error)
{
  g_autoptr (GPtrArray) models = atl_library_list ("vqvae");
  g_autofree char *id = atl_vqi_model_id (vqi);
  g_autofree char *folder = NULL;
  g_autoptr (GError) problem = NULL;

  /* Those of that name first: opening and hashing takes a while. */
  for (int named = 1; named >= 0; named--)
    for (guint i = 0; i < models->len; i++)
      {
        const AtlModelInfo *info = g_ptr_array_index (models, i);
        gboolean same = g_strcmp0 (info->name, vqi->model_name) == 0
                        || g_strcmp0 (info->id, vqi->model_name) == 0;
        AtlModel *model = same == named ? try_model (vqi, info, &problem) : NULL;

        if (model)
          return model;
      }
  if (problem)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return NULL;
    }
  folder = atl_library_user_folder (NULL);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
               _ ("The model \"%s\" (%.8s), with which the file was made, is not "
                  "here; get its .safetensors file and put it into %s"),
               vqi->model_name, id,
               folder ? folder : "~/.local/share/atelier/models");
  return NULL;
}

/* --- Codes ---------------------------------------------------------------- */

static gboolean
check_shapes (const AtlVqi *vqi, const AtlModel *model, const AtlCodes *shapes,
              GError **error)
{
  gboolean same
      = shapes->n_levels == vqi->n_levels && vqi->usable <= shapes->stages;

  for (int l = 0; l < vqi->n_levels; l++)
    same = same && vqi->grids[l].width == shapes->levels[l].width
           && vqi->grids[l].height == shapes->levels[l].height
           && vqi->grids[l].k == shapes->levels[l].k;
  if (same)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
               _ ("the file's grids do not belong to the model \"%s\"; the file is "
                  "damaged"),
               atl_model_get_name (model));
  return FALSE;
}

static gboolean
check_contexts (const AtlVqi *vqi, const AtlModel *model,
                const AtlContexts *contexts, GError **error)
{
  if (memcmp (contexts->id, vqi->contexts, sizeof vqi->contexts) == 0)
    return TRUE;
  g_set_error (
      error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
      _ ("The file was made with the model \"%s\" as it was before or after "
         "its context tables changed (\"atelier prime\"); get the model "
         "file that it was made with"),
      atl_model_get_name (model));
  return FALSE;
}

static gboolean
decode_planes (const AtlVqi *vqi, const AtlContexts *contexts, AtlCodes *codes,
               const AtlProgress *progress, GError **error)
{
  int n = codes->n_levels * codes->stages;

  for (int i = 0; i < n; i++)
    {
      int l = i % codes->n_levels, s = i / codes->n_levels;
      AtlProgressPart part;
      gsize size;
      const guint8 *data = g_bytes_get_data (vqi->codes[l][s], &size);

      if (!atl_plane_decode (
              codes, contexts, l, s, vqi->codings[l][s], data, size,
              atl_progress_part (&part, progress, (double)i / n, (i + 1.0) / n),
              error))
        return FALSE;
    }
  return TRUE;
}

gboolean
atl_vqi_decode_codes (const AtlVqi *vqi, AtlModel *model, int stages,
                      AtlCodes *codes, const AtlProgress *progress, GError **error)
{
  g_autoptr (AtlContexts) contexts = NULL;
  AtlCodes shapes;

  memset (codes, 0, sizeof *codes);
  if (stages < 0 || stages > vqi->usable)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("The file has the qualities 1 to %d; not %d"), vqi->usable,
                   stages);
      return FALSE;
    }
  if (!atl_vqi_check_model (vqi, model, error)
      || !atl_codes_measure (&shapes, model, vqi->width, vqi->height, error)
      || !check_shapes (vqi, model, &shapes, error))
    return FALSE;
  contexts = atl_contexts_of_model (model, &shapes, error);
  if (!contexts || !check_contexts (vqi, model, contexts, error)
      || !atl_codes_init (codes, model, vqi->width, vqi->height,
                          stages > 0 ? stages : vqi->usable, error))
    return FALSE;
  if (decode_planes (vqi, contexts, codes, progress, error))
    return TRUE;
  atl_codes_clear (codes);
  return FALSE;
}

/* --- Pixels --------------------------------------------------------------- */

/* Puts alpha beside the colours that are there. */
static gboolean
set_alpha (AtlPicture *picture, const guint16 *alpha, int bits, GError **error)
{
  int samples = picture->channels + 1;
  gsize width = picture->width;
  atl_autofree float *row
      = atl_try_alloc (width * samples, sizeof *row, _ ("the transparency"), error);
  float scale = 1.0f / (float)((1 << bits) - 1);

  if (!row)
    return FALSE;
  for (int y = 0; y < picture->height; y++)
    {
      atl_picture_get (picture, 0, y, picture->width, 1, samples, row, samples,
                       width * samples);
      for (gsize x = 0; x < width; x++)
        row[x * samples + samples - 1] = alpha[y * width + x] * scale;
      atl_picture_set (picture, 0, y, picture->width, 1, samples, row, samples,
                       width * samples);
    }
  return TRUE;
}

static gboolean
decode_alpha (const AtlVqi *vqi, AtlPicture *picture, GError **error)
{
  int bits = picture->depth == ATL_DEPTH_U8 ? 8 : 16;
  atl_autofree guint16 *alpha = NULL;

  if (!vqi->alpha)
    return TRUE;
  alpha = atl_try_alloc ((gsize)picture->width * picture->height, sizeof *alpha,
                         _ ("the transparency"), error);
  return alpha
         && atl_alpha_decode (vqi->alpha, picture->width, picture->height, bits,
                              alpha, NULL, error)
         && set_alpha (picture, alpha, bits, error);
}

AtlPicture *
atl_vqi_decode (const AtlVqi *vqi, AtlModel *model, AtlPool *pool, int stages,
                gsize memory, const AtlProgress *progress, GError **error)
{
  g_autoptr (AtlPicture) picture = NULL;
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  AtlProgressPart part, rest;
  AtlCodes codes;
  AtlImageIo io = { vqi->width,           vqi->height, vqi->channels, NULL,
                    atl_picture_io_write, NULL,        vqi->channels };
  gboolean ok;

  options.memory = memory;
  if (!atl_vqi_decode_codes (vqi, model, stages, &codes,
                             atl_progress_part (&part, progress, 0, 0.1), error))
    return NULL;
  picture = atl_picture_new (vqi->width, vqi->height, vqi->channels,
                             vqi->alpha != NULL, vqi->depth, vqi->icc, error);
  io.data = picture;
  ok = picture
       && atl_apply_decode (model, pool, &io, &options, &codes,
                            atl_progress_part (&rest, progress, 0.1, 1), error)
       && decode_alpha (vqi, picture, error);
  atl_codes_clear (&codes);
  return ok ? g_steal_pointer (&picture) : NULL;
}

gboolean
atl_vqi_send (AtlModel *model, AtlPool *pool, const AtlVqiSource *source,
              const AtlVqiOptions *options, const AtlProgress *progress,
              gsize *bytes, GError **error)
{
  AtlApplyOptions apply = ATL_APPLY_DEFAULTS;
  AtlProgressPart part, rest;
  g_autoptr (AtlVqi) vqi
      = atl_vqi_encode (model, pool, source, options,
                        atl_progress_part (&part, progress, 0, 0.4), error);
  AtlImageIo io = source->io;
  AtlCodes codes;
  gboolean ok;

  if (!vqi || !atl_vqi_decode_codes (vqi, model, 0, &codes, NULL, error))
    return FALSE;
  *bytes = vqi->bytes;
  apply.memory = options ? options->memory : 0;
  io.out_channels = io.channels;
  ok = atl_apply_decode (model, pool, &io, &apply, &codes,
                         atl_progress_part (&rest, progress, 0.4, 1), error);
  atl_codes_clear (&codes);
  return ok;
}

/* --- The loss ------------------------------------------------------------- */

typedef struct
{
  const AtlVqiSource *source;
  double sum; /* of squared differences */
  double n;
} Difference;

/* Compares what would be written with the source. */
static gboolean
add_difference (gpointer data, int x, int y, int width, int height, int channels,
                const float *in, GError **error)
{
  Difference *d = data;
  const AtlImageIo *io = &d->source->io;
  gsize n = (gsize)width * height * channels;
  atl_autofree float *original
      = atl_try_alloc (n, sizeof *original, "pixels", error);

  if (!original
      || !io->read (io->data, x, y, width, height, channels, original, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      double e = (double)in[i] - original[i];

      d->sum += e * e;
    }
  d->n += (double)n;
  return TRUE;
}

gboolean
atl_vqi_error (AtlModel *model, AtlPool *pool, const AtlVqiSource *source,
               const AtlCodes *codes, int stages, gsize memory,
               const AtlProgress *progress, double *mse, GError **error)
{
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  Difference d = { source, 0, 0 };
  AtlImageIo io = source->io;

  options.memory = memory;
  options.stages = stages;
  io.write = add_difference;
  io.data = &d;
  io.out_channels = io.channels;
  if (!atl_apply_decode (model, pool, &io, &options, codes, progress, error))
    return FALSE;
  *mse = d.n > 0 ? d.sum / d.n : 0;
  return TRUE;
}
