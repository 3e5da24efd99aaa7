/* What is known of a job before anything runs; see apply-private.h. */

#include "apply/apply-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"

/* A preview takes the norms' statistics from the whole picture only if that is
 * no larger than this. */
#define PREVIEW_PIXELS (2 << 20)
/* What is read around a region where the network sees further. */
#define PREVIEW_HALO 256
#define MAX_REACH 512
/* Of a budget, what is left out of the count: an eighth, but no more than this. */
#define UNCOUNTED ((gsize)48 << 20)

static gboolean
is_norm (const AtlNode *node)
{
  return node->op == ATL_OP_BATCH_NORM || node->op == ATL_OP_INSTANCE_NORM;
}

gboolean
atl_job_measures (const AtlJob *job, int node)
{
  const AtlNode *n = atl_graph_get_node (job->graph, node);

  return is_norm (n) && (job->statistics == ATL_STATISTICS_IMAGE || !n->running);
}

static gboolean
infer (const AtlJob *job, int width, int height, AtlShape *shapes, GError **error)
{
  AtlShape shape = { 1, height, width, job->colouring.in_channels };

  return atl_graph_infer (job->graph, &job->input, &shape, 1, &job->output, 1,
                          shapes, error);
}

/* The smallest picture that the network takes; reflections, for one, need more
 * than one multiple. */
static gboolean
find_min_side (AtlJob *job, GError **error)
{
  for (int k = 1; k <= 64; k++)
    {
      job->min_side = k * job->multiple;
      if (infer (job, job->min_side, job->min_side, job->trial,
                 k == 64 ? error : NULL))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_output (const AtlJob *job, GError **error)
{
  AtlShape out = job->shapes[job->output];

  if (out.w == job->window.width && out.h == job->window.height
      && out.c == job->colouring.out_channels)
    return TRUE;
  g_set_error (
      error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
      _ ("This model makes a picture of %dx%d with %d channels from one of "
         "%dx%d; a filter must keep the size"),
      out.w, out.h, out.c, job->window.width, job->window.height);
  return FALSE;
}

/* From what lies `halo` before `from` to what lies as far behind `to`, on
 * multiples and within the padded side. */
static void
window_side (const AtlJob *job, int from, int to, int halo, int padded, int *start,
             int *length)
{
  int m = job->multiple, end;

  *start = MAX (0, from - halo) / m * m;
  end = (int)MIN ((gint64)padded,
                  (gint64)atl_round_up (to, m) + atl_round_up (halo, m));
  *length = MAX (end - *start, MIN (job->min_side, padded));
  if (*start + *length > padded)
    *start = padded - *length;
}

static gboolean
set_window (AtlJob *job, GError **error)
{
  int width = MAX (atl_round_up (job->width, job->multiple), job->min_side);
  int height = MAX (atl_round_up (job->height, job->multiple), job->min_side);
  gboolean part
      = job->region.width < job->width || job->region.height < job->height;
  int halo;

  job->window = (AtlRect){ 0, 0, width, height };
  if (!part
      || (job->measures && (gint64)job->width * job->height <= PREVIEW_PIXELS))
    return TRUE;
  if (!atl_graph_reach (job->graph, job->input, job->output, &halo, NULL, error))
    return FALSE;
  if (halo > MAX_REACH)
    halo = PREVIEW_HALO;
  window_side (job, job->region.x, job->region.x + job->region.width, halo, width,
               &job->window.x, &job->window.width);
  window_side (job, job->region.y, job->region.y + job->region.height, halo, height,
               &job->window.y, &job->window.height);
  return TRUE;
}

static gboolean
set_region (AtlJob *job, GError **error)
{
  const AtlApplyOptions *o = &job->options;

  job->width = job->io->width;
  job->height = job->io->height;
  job->region = (AtlRect){ 0, 0, job->width, job->height };
  if (job->width <= 0 || job->height <= 0 || job->width > 1 << 24
      || job->height > 1 << 24)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("A picture of %dx%d pixels can't be filtered"), job->width,
                   job->height);
      return FALSE;
    }
  if (o->width == 0)
    return TRUE;
  if (o->x < 0 || o->y < 0 || o->width < 0 || o->height <= 0
      || o->width > job->width - o->x || o->height > job->height - o->y)
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
          _ ("The part of %dx%d at %d, %d lies outside the picture, which is "
             "%dx%d"),
          o->width, o->height, o->x, o->y, job->width, job->height);
      return FALSE;
    }
  job->region = (AtlRect){ o->x, o->y, o->width, o->height };
  return TRUE;
}

static gboolean
check_stages (const AtlJob *job, const AtlConfig *config, GError **error)
{
  gboolean vqvae
      = config->arch == ATL_ARCH_VQVAE || config->arch == ATL_ARCH_VQVAE2;
  int stages = job->options.stages;

  if (stages == 0 || !vqvae || (stages > 0 && stages <= config->stages))
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("This model has %d stages of quality; %d can't be used"),
               config->stages, stages);
  return FALSE;
}

static gboolean
has_dropout (const AtlJob *job)
{
  for (int i = 0; i < job->n_nodes; i++)
    if (atl_graph_get_node (job->graph, i)->op == ATL_OP_DROPOUT
        && atl_graph_get_node (job->graph, i)->probability > 0)
      return TRUE;
  return FALSE;
}

static void
set_modes (AtlJob *job, const AtlConfig *config)
{
  const AtlApplyOptions *o = &job->options;
  gboolean image = o->statistics < 0 ? config->image_statistics : o->statistics;

  job->statistics = image ? ATL_STATISTICS_IMAGE : ATL_STATISTICS_RUNNING;
  job->dropout = (o->dropout < 0 ? config->dropout_applied : o->dropout)
                 && has_dropout (job);
  for (int i = 0; i < job->n_nodes; i++)
    job->measures = job->measures || atl_job_measures (job, i);
}

/* The part of the budget that is counted: the rest is for what a process has
 * anyway, derived weights and the small things. */
static gsize
counted_budget (gsize memory)
{
  if (memory == 0)
    memory = ATL_DEFAULT_MEMORY;
  return memory - MIN (memory / 8, UNCOUNTED);
}

int
atl_job_needed_mib (gsize counted)
{
  gsize mib = 1 << 20, rest = MIN (counted / 7, UNCOUNTED) + mib - 1;

  return counted > G_MAXSIZE - rest ? G_MAXINT
                                    : (int)MIN ((counted + rest) / mib, G_MAXINT);
}

/* What there is one of for each node. */
static gboolean
allocate (AtlJob *job, GError **error)
{
  const char *what = _ ("the network's intermediate results");

  job->known = atl_try_alloc0 (job->n_nodes, sizeof *job->known, what, error);
  if (!job->known)
    return FALSE;
  job->shapes = atl_try_alloc0 (2 * job->n_nodes, sizeof *job->shapes, what, error);
  if (!job->shapes)
    return FALSE;
  job->trial = job->shapes + job->n_nodes;
  return TRUE;
}

gboolean
atl_job_init (AtlJob *job, AtlModel *model, AtlPool *pool, const AtlImageIo *io,
              const AtlApplyOptions *options, GError **error)
{
  static const AtlApplyOptions defaults = ATL_APPLY_DEFAULTS;
  const AtlConfig *config = atl_model_get_config (model);

  memset (job, 0, sizeof *job);
  job->model = model;
  job->pool = pool;
  job->io = io;
  job->options = options ? *options : defaults;
  job->graph = atl_model_get_graph (model);
  job->weights = atl_model_get_weights (model);
  job->n_nodes = atl_graph_get_n_nodes (job->graph);
  job->input = atl_graph_find (job->graph, "input");
  job->output = atl_graph_find (job->graph, "output");
  job->budget = counted_budget (job->options.memory);
  job->passes = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_pass_free);
  job->maps = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_map_free);

  if (config->arch == ATL_ARCH_PATCHGAN)
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_MODEL,
          _ ("%s is a discriminator, which judges pictures and makes none; "
             "choose a Pix2Pix or VQ-VAE model"),
          atl_model_get_name (model));
      return FALSE;
    }
  if (!atl_colouring_init (&job->colouring, config, io->channels,
                           io->out_channels ? io->out_channels : io->channels,
                           job->options.strength, error)
      || !set_region (job, error) || !check_stages (job, config, error))
    return FALSE;
  if (!atl_graph_reach (job->graph, job->input, job->output, NULL, &job->multiple,
                        error)
      || !allocate (job, error))
    return FALSE;
  set_modes (job, config);
  if (!find_min_side (job, error))
    return FALSE;
  if (!set_window (job, error)
      || !infer (job, job->window.width, job->window.height, job->shapes, error)
      || !check_output (job, error))
    return FALSE;
  return TRUE;
}

void
atl_job_clear (AtlJob *job)
{
  for (int i = 0; job->known && i < job->n_nodes; i++)
    atl_free (job->known[i]);
  atl_free (job->known);
  atl_free (job->shapes);
  atl_free (job->picture_strip);
  atl_free (job->result_strip);
  g_ptr_array_unref (job->passes);
  g_ptr_array_unref (job->maps);
}
