/* From pixels to codes and from codes to pixels: one pass over a part of the
 * network, from the input to the quantisers or from these to the output; see
 * codes.h. */

#include "apply/apply-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"

static const char *const quantisers[] = { "quantise_top", "quantise" };

/* --- Grids ---------------------------------------------------------------- */

gboolean
atl_codes_measure (AtlCodes *codes, const AtlModel *model, int width, int height,
                   GError **error)
{
  AtlImageIo io = { width, height, 3, NULL, NULL, NULL, 3 };
  AtlJob job;
  gboolean ok;

  memset (codes, 0, sizeof *codes);
  if (!atl_model_require (model, "vqvae", error))
    return FALSE;
  ok = atl_job_init (&job, (AtlModel *)model, NULL, &io, NULL, error);
  for (gsize i = 0; ok && i < G_N_ELEMENTS (quantisers); i++)
    {
      int node = atl_graph_find (job.graph, quantisers[i]);
      AtlCodeGrid *grid = &codes->levels[codes->n_levels];

      if (node < 0)
        continue;
      grid->node = node;
      grid->width = job.shapes[node].w;
      grid->height = job.shapes[node].h;
      grid->k = atl_graph_get_node (job.graph, node)->codes;
      codes->stages = atl_graph_get_node (job.graph, node)->stages;
      codes->n_levels++;
    }
  atl_job_clear (&job);
  return ok;
}

gboolean
atl_codes_init (AtlCodes *codes, const AtlModel *model, int width, int height,
                int stages, GError **error)
{
  if (!atl_codes_measure (codes, model, width, height, error))
    return FALSE;
  if (stages < 0 || stages > codes->stages)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("This model has %d stages of quality; %d can't be used"),
                   codes->stages, stages);
      return FALSE;
    }
  codes->stages = stages > 0 ? stages : codes->stages;
  for (int l = 0; l < codes->n_levels; l++)
    for (int s = 0; s < codes->stages; s++)
      {
        AtlCodeGrid *grid = &codes->levels[l];

        grid->planes[s]
            = atl_try_alloc0 ((gsize)grid->width * grid->height, sizeof (guint16),
                              _ ("the picture's codes"), error);
        if (!grid->planes[s])
          {
            atl_codes_clear (codes);
            return FALSE;
          }
      }
  return TRUE;
}

void
atl_codes_clear (AtlCodes *codes)
{
  for (int l = 0; l < ATL_MAX_LEVELS; l++)
    for (int s = 0; s < ATL_MAX_STAGES; s++)
      g_clear_pointer (&codes->levels[l].planes[s], atl_free);
}

static AtlCodeGrid *
find_grid (const AtlJob *job, int node)
{
  for (int l = 0; l < job->codes->n_levels; l++)
    if (job->codes->levels[l].node == node)
      return &job->codes->levels[l];
  g_assert_not_reached ();
}

/* --- Tiles ---------------------------------------------------------------- */

/* A rectangle of the window's grid in that of the whole picture. */
static AtlRect
to_grid (const AtlJob *job, int node, AtlRect rect)
{
  AtlShape s = job->shapes[node];

  rect.x += (int)((gint64)job->window.x * s.w / job->window.width);
  rect.y += (int)((gint64)job->window.y * s.h / job->window.height);
  return rect;
}

void
atl_codes_keep (AtlJob *job, AtlPlan *plan, int node, AtlRect tile, AtlRect core)
{
  AtlCodeGrid *grid = find_grid (job, node);
  int stages = atl_graph_get_node (job->graph, node)->stages;
  const gint32 *codes = atl_plan_get_codes (plan, node);

  for (int y = 0; y < core.height; y++)
    {
      const gint32 *in
          = codes
            + ((gsize)(core.y - tile.y + y) * tile.width + core.x - tile.x)
                  * stages;

      for (int s = 0; s < job->codes->stages; s++)
        {
          guint16 *out
              = grid->planes[s] + (gsize)(core.y + y) * grid->width + core.x;

          for (int x = 0; x < core.width; x++)
            out[x] = (guint16)in[(gsize)x * stages + s];
        }
    }
}

typedef struct
{
  const AtlJob *job;
  const AtlCodeGrid *grid;
  int node, stages, used;
  AtlRect rect; /* of the grid */
  AtlView view;
  gint32 *scratch; /* a row of codes for each worker */
} LookupJob;

static void
lookup_row (gpointer data, gint64 task, int worker)
{
  const LookupJob *l = data;
  gsize n = l->rect.width;
  gint32 *codes = l->scratch + worker * n * l->stages;

  for (int s = 0; s < l->used; s++)
    {
      const guint16 *in = l->grid->planes[s]
                          + (gsize)(l->rect.y + task) * l->grid->width + l->rect.x;

      for (gsize x = 0; x < n; x++)
        codes[x * l->stages + s] = in[x];
    }
  atl_codes_lookup (l->job->weights, l->node, codes, n, l->used,
                    l->view.data + task * n * l->view.stride, l->view.stride);
}

gboolean
atl_codes_read (const AtlJob *job, int node, AtlRect rect, AtlView view,
                GError **error)
{
  int stages = atl_graph_get_node (job->graph, node)->stages;
  int wanted = job->options.stages > 0 ? job->options.stages : job->codes->stages;
  atl_autofree gint32 *scratch = atl_try_alloc (
      (gsize)rect.width * stages,
      sizeof (gint32) * (gsize)atl_pool_get_n_threads (job->pool), "codes", error);
  LookupJob l = { job,
                  find_grid (job, node),
                  node,
                  stages,
                  MIN (wanted, job->codes->stages),
                  to_grid (job, node, rect),
                  view,
                  scratch };

  if (scratch)
    atl_pool_run (job->pool, rect.height, lookup_row, &l);
  return scratch != NULL;
}

void
atl_codes_set_costs (const AtlJob *job, AtlPlan *plan)
{
  for (int l = 0; l < job->codes->n_levels; l++)
    for (int s = 0; s < job->codes->stages; s++)
      if (job->costs->costs[l][s])
        atl_plan_set_code_costs (plan, job->codes->levels[l].node, s,
                                 job->costs->costs[l][s]);
}

/* --- The pass ------------------------------------------------------------- */

/* From `from` to `targets`, in one tile if it fits. */
static gboolean
plan_pass (AtlJob *job, const int *from, int n_from, const int *targets,
           int n_targets, GError **error)
{
  AtlPass *pass = atl_pass_new (n_from, n_targets, error);
  gboolean single
      = job->options.tile == 0
        || job->options.tile >= MAX (job->window.width, job->window.height);

  if (!pass)
    return FALSE;
  g_ptr_array_add (job->passes, pass);
  memcpy (pass->from, from, n_from * sizeof *from);
  pass->n_from = n_from;
  memcpy (pass->targets, targets, n_targets * sizeof *targets);
  pass->n_targets = n_targets;
  if (!atl_pass_find_reach (job, pass, error))
    return FALSE;
  pass->last = targets[0] == job->output;
  pass->statistics = job->statistics;
  if ((!single || !atl_pass_set_single (job, pass))
      && !atl_pass_choose_tiles (job, pass, 0))
    {
      g_set_error (
          error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
          _ ("This model needs at least %d MiB for a picture of %dx%d; allow more "
             "memory"),
          atl_job_needed_mib (pass->bytes), job->width, job->height);
      return FALSE;
    }
  job->macs_total = pass->macs;
  return TRUE;
}

static gboolean
check_grids (const AtlJob *job, const AtlModel *model, GError **error)
{
  AtlCodes expected;

  if (!atl_codes_measure (&expected, model, job->width, job->height, error))
    return FALSE;
  for (int l = 0; l < expected.n_levels; l++)
    if (job->codes->n_levels != expected.n_levels
        || job->codes->stages > expected.stages
        || job->codes->levels[l].width != expected.levels[l].width
        || job->codes->levels[l].height != expected.levels[l].height
        || job->codes->levels[l].k > expected.levels[l].k)
      {
        g_set_error (
            error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
            _ ("These codes do not belong to the model %s and a picture of "
               "%dx%d"),
            atl_model_get_name (model), job->width, job->height);
        return FALSE;
      }
  return TRUE;
}

static gboolean
run_half (AtlModel *model, AtlPool *pool, const AtlImageIo *io,
          const AtlApplyOptions *options, const AtlCodeCosts *costs,
          AtlCodes *codes, gboolean decode, const AtlProgress *progress,
          GError **error)
{
  AtlJob job;
  int nodes[ATL_MAX_LEVELS];
  AtlApplyOptions all = *options;
  gboolean ok;

  if (!atl_model_require (model, "vqvae", error))
    return FALSE;
  all.strength = 1;
  ok = atl_job_init (&job, model, pool, io, &all, error);
  job.codes = codes;
  job.costs = costs;
  for (int l = 0; l < codes->n_levels; l++)
    nodes[l] = codes->levels[l].node;
  ok = ok && check_grids (&job, model, error);
  if (ok && decode)
    ok = plan_pass (&job, nodes, codes->n_levels, &job.output, 1, error);
  else if (ok)
    ok = plan_pass (&job, &job.input, 1, nodes, codes->n_levels, error);
  ok = ok && atl_passes_run (&job, progress, error);
  atl_job_clear (&job);
  return ok;
}

gboolean
atl_apply_encode (AtlModel *model, AtlPool *pool, const AtlImageIo *io,
                  const AtlApplyOptions *options, const AtlCodeCosts *costs,
                  AtlCodes *codes, const AtlProgress *progress, GError **error)
{
  AtlApplyOptions all = ATL_APPLY_DEFAULTS;

  if (options)
    {
      all.memory = options->memory;
      all.tile = options->tile;
    }
  all.stages = codes->stages;
  return run_half (model, pool, io, &all, costs, codes, FALSE, progress, error);
}

gboolean
atl_apply_decode (AtlModel *model, AtlPool *pool, const AtlImageIo *io,
                  const AtlApplyOptions *options, const AtlCodes *codes,
                  const AtlProgress *progress, GError **error)
{
  AtlApplyOptions all = ATL_APPLY_DEFAULTS;

  return run_half (model, pool, io, options ? options : &all, NULL,
                   (AtlCodes *)codes, TRUE, progress, error);
}
