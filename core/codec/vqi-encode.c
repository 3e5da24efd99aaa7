/* From a picture to a .vqi file; see vqi.h. */

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "codec/alpha-coder.h"
#include "codec/vqi-private.h"

/* --- What codes cost ------------------------------------------------------ */

/* A number that is of use, or 0. */
static double
positive (JsonNode *value)
{
  double number
      = value && JSON_NODE_HOLDS_VALUE (value) ? json_node_get_double (value) : 0;

  return number > 0 && isfinite (number) ? number : 0;
}

void
atl_vqi_read_scales (const AtlModel *model, const AtlCodes *codes,
                     AtlVqiScales *scales)
{
  const AtlGraph *graph = atl_model_get_graph (model);
  const char *json = atl_model_get_metadata (model, "atelier.codes");
  g_autoptr (JsonNode) node = json ? json_from_string (json, NULL) : NULL;
  JsonObject *object
      = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonNode *of_nodes = object ? json_object_get_member (object, "scales") : NULL;
  double of_all
      = object ? positive (json_object_get_member (object, "variance")) : 0;

  for (int l = 0; l < codes->n_levels; l++)
    {
      const char *name = atl_graph_get_node (graph, codes->levels[l].node)->name;
      JsonNode *stages
          = of_nodes && JSON_NODE_HOLDS_OBJECT (of_nodes)
                ? json_object_get_member (json_node_get_object (of_nodes), name)
                : NULL;
      JsonArray *array = stages && JSON_NODE_HOLDS_ARRAY (stages)
                             ? json_node_get_array (stages)
                             : NULL;

      for (int s = 0; s < codes->stages; s++)
        scales->stages[l][s]
            = array && (guint)s < json_array_get_length (array)
                  ? positive (json_array_get_element (array, (guint)s))
                  : of_all;
    }
}

/* Bits of each code by the context's prior alone, times `each`. */
static float *
make_costs (const AtlCodeContext *context, double each, GError **error)
{
  float *costs = atl_context_alloc ((gsize)context->k, sizeof *costs, error);

  if (!costs)
    return NULL;
  for (int code = 0; code < context->k; code++)
    {
      int leaf = context->leaf[code], node = 1, first = 0;
      double bits = 0;

      for (int d = context->depth - 1; d >= 0; d--)
        {
          int bit = leaf >> d & 1;
          double p = context->prior[node] / 65536.0;

          if (first + (1 << d) < context->k)
            bits -= log2 (bit ? p : 1 - p);
          first += bit << d;
          node = 2 * node + bit;
        }
      costs[code] = (float)(each * bits);
    }
  return costs;
}

static gboolean
fill_costs (const AtlVqiJob *job, const AtlCodes *codes, double rate,
            AtlCodeCosts *costs, GError **error)
{
  memset (costs, 0, sizeof *costs);
  for (int l = 0; l < codes->n_levels; l++)
    for (int s = 0; s < codes->stages; s++)
      if (job->contexts->levels[l][s].primed)
        {
          costs->costs[l][s] = make_costs (&job->contexts->levels[l][s],
                                           rate * job->scales.stages[l][s], error);
          if (!costs->costs[l][s])
            return FALSE;
        }
  return TRUE;
}

static void
clear_costs (AtlCodeCosts *costs)
{
  for (int l = 0; l < ATL_MAX_LEVELS; l++)
    for (int s = 0; s < ATL_MAX_STAGES; s++)
      atl_free (costs->costs[l][s]);
}

/* --- Planes --------------------------------------------------------------- */

typedef struct
{
  const AtlCodes *codes;
  const AtlContexts *contexts;
  AtlBuffer out[ATL_MAX_LEVELS * ATL_MAX_STAGES][ATL_N_CODINGS];
  GError *errors[ATL_MAX_LEVELS * ATL_MAX_STAGES][ATL_N_CODINGS];
  const AtlProgress *progress; /* only whether it is to stop */
} PlanesJob;

static void
encode_plane (gpointer data, gint64 task, int worker)
{
  PlanesJob *p = data;
  int plane = (int)(task / ATL_N_CODINGS), coding = (int)(task % ATL_N_CODINGS);

  atl_plane_encode (p->codes, p->contexts, plane % p->codes->n_levels,
                    plane / p->codes->n_levels, coding, &p->out[plane][coding],
                    p->progress, &p->errors[plane][coding]);
}

/* Every plane in the coding that takes fewer bytes. */
static gboolean
encode_planes (AtlVqiJob *job, AtlVqi *vqi, const AtlCodes *codes,
               const AtlProgress *progress, GError **error)
{
  AtlProgress quiet = { NULL, NULL, progress ? progress->cancellable : NULL };
  int n = codes->n_levels * codes->stages;
  PlanesJob p = { .codes = codes, .contexts = job->contexts, .progress = &quiet };
  GError *problem = NULL;

  for (int i = 0; i < n; i++)
    for (int c = 0; c < ATL_N_CODINGS; c++)
      p.out[i][c] = (AtlBuffer)ATL_BUFFER_INIT (_ ("the picture's codes"));
  atl_pool_run (job->pool, (gint64)n * ATL_N_CODINGS, encode_plane, &p);
  for (int i = 0; i < n; i++)
    {
      int l = i % codes->n_levels, s = i / codes->n_levels, best = 0;

      for (int c = 1; c < ATL_N_CODINGS; c++)
        if (p.out[i][c].len < p.out[i][best].len)
          best = c;
      for (int c = 0; c < ATL_N_CODINGS; c++)
        {
          if (!problem)
            problem = g_steal_pointer (&p.errors[i][c]);
          if (c == best)
            vqi->codes[l][s]
                = atl_buffer_to_bytes (&p.out[i][c], problem ? NULL : &problem);
          atl_buffer_clear (&p.out[i][c]);
          g_clear_error (&p.errors[i][c]);
        }
      vqi->codings[l][s] = best;
    }
  if (problem)
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  return atl_progress_update (progress, 1, NULL, error);
}

/* --- The file ------------------------------------------------------------- */

static gboolean
fill_head (const AtlVqiJob *job, AtlVqi *vqi, const AtlCodes *codes, GError **error)
{
  const AtlVqiSource *source = job->source;
  const char *hash = atl_model_get_hash (job->model, error);

  if (!hash)
    return FALSE;
  vqi->channels = source->io.channels;
  vqi->depth = source->depth;
  vqi->width = source->io.width;
  vqi->height = source->io.height;
  vqi->n_levels = codes->n_levels;
  vqi->stages = vqi->usable = codes->stages;
  for (int l = 0; l < codes->n_levels; l++)
    vqi->grids[l] = (AtlVqiGrid){ codes->levels[l].width, codes->levels[l].height,
                                  codes->levels[l].k };
  for (gsize i = 0; i < sizeof vqi->model; i++)
    vqi->model[i] = (guint8)(g_ascii_xdigit_value (hash[2 * i]) << 4
                             | g_ascii_xdigit_value (hash[2 * i + 1]));
  memcpy (vqi->contexts, job->contexts->id, sizeof vqi->contexts);
  vqi->model_name = g_strdup (atl_model_get_name (job->model));
  vqi->alpha = job->alpha ? g_bytes_ref (job->alpha) : NULL;
  vqi->icc = source->icc ? g_bytes_ref (source->icc) : NULL;
  vqi->exif = source->exif ? g_bytes_ref (source->exif) : NULL;
  vqi->xmp = source->xmp ? g_bytes_ref (source->xmp) : NULL;
  vqi->x_resolution = source->x_resolution;
  vqi->y_resolution = source->y_resolution;
  return TRUE;
}

AtlVqi *
atl_vqi_job_encode (AtlVqiJob *job, int stages, double rate, AtlCodes *codes,
                    const AtlProgress *progress, GError **error)
{
  const AtlImageIo *io = &job->source->io;
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  AtlProgressPart part, rest;
  AtlCodes own;
  AtlCodeCosts costs;
  AtlVqi *vqi = NULL;

  options.memory = job->options.memory;
  if (!atl_codes_init (&own, job->model, io->width, io->height, stages, error))
    return NULL;
  if (fill_costs (job, &own, rate, &costs, error)
      && atl_apply_encode (job->model, job->pool, io, &options, &costs, &own,
                           atl_progress_part (&part, progress, 0, 0.9), error))
    {
      vqi = atl_vqi_new ();
      if (encode_planes (job, vqi, &own,
                         atl_progress_part (&rest, progress, 0.9, 1), error)
          && fill_head (job, vqi, &own, error))
        vqi->bytes = atl_vqi_measure (vqi, vqi->stages);
      else
        g_clear_pointer (&vqi, atl_vqi_free);
    }
  clear_costs (&costs);
  if (vqi && codes)
    *codes = own;
  else
    atl_codes_clear (&own);
  return vqi;
}

static gboolean
check_options (const AtlVqiJob *job, GError **error)
{
  const AtlVqiOptions *o = &job->options;

  if (o->alpha_levels == 0 || (o->alpha_levels >= 2 && o->alpha_levels <= 65535))
    return TRUE;
  g_set_error (
      error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
      _ ("Transparency can have 2 to 65535 levels, or 0 for exact; not %d"),
      o->alpha_levels);
  return FALSE;
}

static gboolean
job_init (AtlVqiJob *job, AtlModel *model, AtlPool *pool,
          const AtlVqiSource *source, const AtlVqiOptions *options, GError **error)
{
  static const AtlVqiOptions defaults = ATL_VQI_DEFAULTS;
  AtlCodes shapes;

  memset (job, 0, sizeof *job);
  job->model = model;
  job->pool = pool;
  job->source = source;
  job->options = options ? *options : defaults;
  if (!check_options (job, error)
      || !atl_codes_measure (&shapes, model, source->io.width, source->io.height,
                             error))
    return FALSE;
  job->contexts = atl_contexts_of_model (model, &shapes, error);
  atl_vqi_read_scales (model, &shapes, &job->scales);
  return job->contexts != NULL;
}

AtlVqi *
atl_vqi_encode (AtlModel *model, AtlPool *pool, const AtlVqiSource *source,
                const AtlVqiOptions *options, const AtlProgress *progress,
                GError **error)
{
  AtlVqiJob job;
  AtlVqi *vqi = NULL;
  double rate;
  gboolean ok = job_init (&job, model, pool, source, options, error);

  if (ok && source->alpha)
    {
      AtlProgressPart part;

      job.alpha
          = atl_alpha_encode (source->alpha, source->io.width, source->io.height,
                              source->alpha_bits, job.options.alpha_levels,
                              atl_progress_part (&part, progress, 0, 0), error);
      ok = job.alpha != NULL;
    }
  rate = job.options.rate < 0 ? ATL_VQI_RATE : job.options.rate;
  if (ok && job.options.target_bytes > 0)
    vqi = atl_vqi_reach_bytes (&job, progress, error);
  else if (ok && job.options.target_psnr > 0)
    vqi = atl_vqi_reach_psnr (&job, progress, error);
  else if (ok)
    vqi = atl_vqi_job_encode (&job, job.options.stages, rate, NULL, progress,
                              error);
  atl_contexts_free (job.contexts);
  g_clear_pointer (&job.alpha, g_bytes_unref);
  return vqi;
}

/* --- Pictures ------------------------------------------------------------- */

/* Alpha in 8 bits, or 16 where the picture has more. */
static guint16 *
take_alpha (const AtlPicture *picture, int bits, GError **error)
{
  gsize width = picture->width;
  int samples = picture->channels + 1;
  atl_autofree guint16 *alpha = NULL;
  atl_autofree float *row
      = atl_try_alloc (width * samples, sizeof *row, _ ("the transparency"), error);

  if (row)
    alpha = atl_try_alloc (width * picture->height, sizeof *alpha,
                           _ ("the transparency"), error);
  if (!alpha)
    return NULL;
  for (int y = 0; y < picture->height; y++)
    {
      atl_picture_get (picture, 0, y, picture->width, 1, samples, row, samples,
                       width * samples);
      for (gsize x = 0; x < width; x++)
        alpha[y * width + x]
            = (guint16)lrintf (CLAMP (row[x * samples + samples - 1], 0, 1)
                               * (float)((1 << bits) - 1));
    }
  return g_steal_pointer (&alpha);
}

AtlVqi *
atl_vqi_encode_picture (AtlModel *model, AtlPool *pool, const AtlPicture *picture,
                        const AtlVqiOptions *options, const AtlProgress *progress,
                        GError **error)
{
  atl_autofree guint16 *alpha = NULL;
  AtlVqiSource source
      = { { picture->width, picture->height, picture->channels, atl_picture_io_read,
            NULL, (gpointer)picture, picture->channels },
          picture->depth };

  source.icc = picture->icc;
  if (picture->has_alpha)
    {
      source.alpha_bits = picture->depth == ATL_DEPTH_U8 ? 8 : 16;
      alpha = take_alpha (picture, source.alpha_bits, error);
      if (!alpha)
        return NULL;
    }
  source.alpha = alpha;
  return atl_vqi_encode (model, pool, &source, options, progress, error);
}
