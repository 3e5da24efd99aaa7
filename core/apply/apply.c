/* A model over a picture of any size: passes in turn, tiles in turn; see
 * apply.h for what it does and apply-private.h for the parts. */

#include "apply/apply-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

int
atl_apply_get_channels (const AtlModel *model, int channels)
{
  const AtlConfig *config = atl_model_get_config (model);
  gboolean colours = config->output_channels == 3 && config->input_channels == 1;

  return colours || config->colour == ATL_COLOUR_LUMA_TO_CHROMA ? 3 : channels;
}

/* One pass that is running. */
typedef struct
{
  AtlJob *job;
  const AtlPass *pass;
  AtlPlan *plan;
  AtlMoments *moments; /* of each of pass->norms */

  /* Rows of blended tiles, of the region's width, that are not complete. */
  float *band;
  int band_y, band_height;
} Run;

/* A rectangle of the window in the pixels of a node's value. */
static AtlRect
value_rect (const AtlJob *job, int node, AtlSpan x, AtlSpan y, gboolean core)
{
  AtlShape s = job->shapes[node];
  int left = core ? x.core_from : x.from, right = core ? x.core_to : x.to;
  int top = core ? y.core_from : y.from, bottom = core ? y.core_to : y.to;
  AtlRect r;

  r.x = atl_scale_position (left, job->window.width, s.w);
  r.y = atl_scale_position (top, job->window.height, s.h);
  r.width = atl_scale_position (right, job->window.width, s.w) - r.x;
  r.height = atl_scale_position (bottom, job->window.height, s.h) - r.y;
  return r;
}

static gboolean
read_tile (Run *run, AtlSpan x, AtlSpan y, const AtlProgress *progress,
           GError **error)
{
  AtlJob *job = run->job;

  for (int i = 0; i < run->pass->n_from; i++)
    {
      int node = run->pass->from[i];
      AtlView view = atl_plan_get_value (run->plan, node);

      if (node == job->input)
        {
          if (!atl_pixels_read (job, job->window.x + x.from, job->window.y + y.from,
                                view, progress, error))
            return FALSE;
        }
      else if (job->codes)
        {
          if (!atl_codes_read (job, node, value_rect (job, node, x, y, FALSE), view,
                               error))
            return FALSE;
        }
      else if (!atl_map_read (atl_map_find (job, node), job->pool,
                              value_rect (job, node, x, y, FALSE), view, error))
        return FALSE;
    }
  return TRUE;
}

/* Statistics and maps from the tile's core. */
static gboolean
keep_tile (Run *run, AtlSpan x, AtlSpan y, GError **error)
{
  AtlJob *job = run->job;
  const AtlPass *pass = run->pass;

  for (int i = 0; job->codes && i < pass->n_targets; i++)
    atl_codes_keep (job, run->plan, pass->targets[i],
                    value_rect (job, pass->targets[i], x, y, FALSE),
                    value_rect (job, pass->targets[i], x, y, TRUE));
  for (int i = 0; i < pass->n_norms; i++)
    {
      int node = atl_graph_get_node (job->graph, pass->norms[i])->inputs[0];
      AtlRect tile = value_rect (job, node, x, y, FALSE);
      AtlRect core = value_rect (job, node, x, y, TRUE);

      core.x -= tile.x;
      core.y -= tile.y;
      if (!atl_moments_add (&run->moments[i], job->pool,
                            atl_plan_get_value (run->plan, node), core, error))
        return FALSE;
    }
  for (int i = 0; i < pass->n_store; i++)
    {
      int node = pass->store[i];
      AtlRect tile = value_rect (job, node, x, y, FALSE);
      AtlRect core = value_rect (job, node, x, y, TRUE);

      if (!atl_map_write (atl_map_find (job, node), job->pool, core,
                          atl_plan_get_value (run->plan, node), core.x - tile.x,
                          core.y - tile.y, error))
        return FALSE;
    }
  return TRUE;
}

/* --- Blended tiles ------------------------------------------------------ */

typedef struct
{
  Run *run;
  AtlView view;
  AtlSpan x, y;
  int first_x, end_x, first_y; /* of the window: what the band gets */
  const float *shares;         /* of the columns from first_x on */
} BlendJob;

static void
blend_row (gpointer data, gint64 task, int worker)
{
  const BlendJob *b = data;
  const AtlJob *job = b->run->job;
  int y = b->first_y + task, channels = job->colouring.out_channels;
  int left = job->region.x - job->window.x;
  float share = atl_span_share (&b->y, y);
  const float *in
      = b->view.data
        + ((gsize)(y - b->y.from) * b->view.shape.w + b->first_x - b->x.from)
              * b->view.stride;
  float *out
      = b->run->band
        + ((gsize)(y - b->run->band_y) * job->region.width + b->first_x - left)
              * channels;

  for (int x = b->first_x; x < b->end_x; x++, in += b->view.stride, out += channels)
    for (int c = 0; c < channels; c++)
      out[c] += share * b->shares[x - b->first_x] * in[c];
}

static gboolean
blend_tile (Run *run, AtlSpan x, AtlSpan y, GError **error)
{
  const AtlJob *job = run->job;
  int left = job->region.x - job->window.x, top = job->region.y - job->window.y,
      end_y;
  BlendJob b
      = { run, atl_plan_get_value (run->plan, job->output), x, y, 0, 0, 0, NULL };
  atl_autofree float *shares = NULL;

  atl_span_reach (&x, &b.first_x, &b.end_x);
  atl_span_reach (&y, &b.first_y, &end_y);
  b.first_x = MAX (b.first_x, left);
  b.end_x = MIN (b.end_x, left + job->region.width);
  b.first_y = MAX (b.first_y, MAX (top, run->band_y));
  end_y = MIN (end_y, top + job->region.height);
  if (b.first_x >= b.end_x || b.first_y >= end_y)
    return TRUE;
  shares = atl_try_alloc (b.end_x - b.first_x, sizeof *shares, _ ("tiles"), error);
  if (!shares)
    return FALSE;
  for (int i = b.first_x; i < b.end_x; i++)
    shares[i - b.first_x] = atl_span_share (&x, i);
  b.shares = shares;
  atl_pool_run (job->pool, end_y - b.first_y, blend_row, &b);
  return TRUE;
}

/* Writes the band's rows above window row `end`, to which no further tile
 * contributes, and moves up the rest. */
static gboolean
flush_band (Run *run, int end, const AtlProgress *progress, GError **error)
{
  AtlJob *job = run->job;
  gsize row = (gsize)job->region.width * job->colouring.out_channels;
  int done = CLAMP (end - run->band_y, 0, run->band_height);
  AtlRect rect
      = { job->region.x, job->window.y + run->band_y, job->region.width, done };

  if (!atl_pixels_write (job, rect, run->band, job->colouring.out_channels, row,
                         progress, error))
    return FALSE;
  memmove (run->band, run->band + done * row,
           (run->band_height - done) * row * sizeof (float));
  memset (run->band + (run->band_height - done) * row, 0,
          done * row * sizeof (float));
  run->band_y += done;
  return TRUE;
}

/* --- Tiles -------------------------------------------------------------- */

static gboolean
write_tile (Run *run, AtlSpan x, AtlSpan y, const AtlProgress *progress,
            GError **error)
{
  AtlJob *job = run->job;
  AtlView view = atl_plan_get_value (run->plan, job->output);
  AtlRect rect = { job->window.x + x.core_from, job->window.y + y.core_from,
                   x.core_to - x.core_from, y.core_to - y.core_from };
  gsize row = view.shape.w * view.stride;

  if (run->band)
    return blend_tile (run, x, y, error);
  return atl_pixels_write (job, rect,
                           view.data + (y.core_from - y.from) * row
                               + (x.core_from - x.from) * view.stride,
                           view.stride, row, progress, error);
}

/* Every tile draws from a stream of its own, the only one from the seed. */
static guint64
tile_seed (const Run *run, int index)
{
  guint32 block[4];

  if (run->pass->layout.x.n * run->pass->layout.y.n == 1)
    return run->job->options.seed;
  atl_random_block (run->job->options.seed, 1, index, block);
  return (guint64)block[0] << 32 | block[1];
}

static gboolean
run_tile (Run *run, int column, int row, const AtlProgress *progress,
          GError **error)
{
  const AtlPass *pass = run->pass;
  AtlSpan x = atl_axis_span (&pass->layout.x, column);
  AtlSpan y = atl_axis_span (&pass->layout.y, row);

  if (x.core_from >= x.core_to || y.core_from >= y.core_to)
    return TRUE;
  if (!read_tile (run, x, y, progress, error)
      || !atl_plan_forward (run->plan,
                            tile_seed (run, row * pass->layout.x.n + column),
                            progress, error))
    return FALSE;
  if (!pass->last)
    return keep_tile (run, x, y, error);
  return write_tile (run, x, y, progress, error);
}

static gboolean
run_tiles (Run *run, const AtlProgress *progress, GError **error)
{
  AtlJob *job = run->job;
  const AtlLayout *layout = &run->pass->layout;
  double macs = run->pass->macs / ((double)layout->x.n * layout->y.n);
  double total = MAX (job->macs_total, 1);

  for (int row = 0; row < layout->y.n; row++)
    {
      for (int column = 0; column < layout->x.n; column++)
        {
          AtlProgressPart part;
          const AtlProgress *here
              = atl_progress_part (&part, progress, job->macs_done / total,
                                   (job->macs_done + macs) / total);

          if (!run_tile (run, column, row, here, error))
            return FALSE;
          job->macs_done += macs;
          if (!atl_progress_update (progress, job->macs_done / total, NULL, error))
            return FALSE;
        }
      if (run->band)
        {
          int end = layout->y.keep_to, unused;

          if (row + 1 < layout->y.n)
            {
              AtlSpan next = atl_axis_span (&layout->y, row + 1);

              atl_span_reach (&next, &end, &unused);
            }
          if (!flush_band (run, end, progress, error))
            return FALSE;
        }
    }
  return TRUE;
}

/* --- Passes ------------------------------------------------------------- */

static gboolean
prepare_run (Run *run, GError **error)
{
  AtlJob *job = run->job;
  const AtlPass *pass = run->pass;
  const AtlLayout *layout = &pass->layout;
  AtlPlanOptions options = atl_pass_options (job, pass);

  run->moments
      = atl_try_alloc0 (pass->n_norms, sizeof (AtlMoments), _ ("tiles"), error);
  if (!run->moments)
    return FALSE;
  for (int i = 0; i < pass->n_norms; i++)
    if (!atl_moments_init (&run->moments[i], job->shapes[pass->norms[i]].c, error))
      return FALSE;
  atl_pass_set_shapes (job, pass, layout->x.tile, layout->y.tile);
  run->plan = atl_plan_new (job->graph, job->weights, job->pool, pass->from,
                            pass->shapes, pass->n_from, pass->targets,
                            pass->n_targets, &options, error);
  if (!run->plan)
    return FALSE;
  atl_statistics_set (job, run->plan);
  if (job->costs)
    atl_codes_set_costs (job, run->plan);
  for (int i = 0; i < pass->n_store; i++)
    {
      AtlMap *map = atl_map_new (job, pass->store[i], error);

      if (!map)
        return FALSE;
      g_ptr_array_add (job->maps, map);
    }
  if (pass->last && (layout->x.blend || layout->y.blend)
      && layout->x.n * layout->y.n > 1)
    {
      run->band_y = job->region.y - job->window.y;
      run->band_height = layout->y.tile;
      run->band = atl_try_alloc0 ((gsize)job->region.width * run->band_height,
                                  job->colouring.out_channels * sizeof (float),
                                  _ ("tiles"), error);
      return run->band != NULL;
    }
  return TRUE;
}

static gboolean
finish_run (Run *run, GError **error)
{
  AtlJob *job = run->job;
  const AtlPass *pass = run->pass;

  for (int i = 0; i < pass->n_norms; i++)
    if (!atl_statistics_keep (job, pass->norms[i], &run->moments[i], error))
      return FALSE;
  for (int i = 0; i < pass->n_drop; i++)
    g_ptr_array_remove (job->maps, atl_map_find (job, pass->drop[i]));
  return TRUE;
}

static gboolean
run_pass (AtlJob *job, const AtlPass *pass, const AtlProgress *progress,
          GError **error)
{
  Run run = { .job = job, .pass = pass };
  const char *what = pass->n_norms > 0          ? _ ("Measuring the picture")
                     : job->codes && pass->last ? _ ("Decoding the picture")
                     : job->codes               ? _ ("Encoding the picture")
                                                : _ ("Applying the model");
  double done = job->macs_done / MAX (job->macs_total, 1);
  gboolean ok = atl_progress_update (progress, done, what, error)
                && prepare_run (&run, error) && run_tiles (&run, progress, error)
                && finish_run (&run, error);

  for (int i = 0; run.moments && i < pass->n_norms; i++)
    atl_moments_clear (&run.moments[i]);
  atl_free (run.moments);
  atl_free (run.band);
  if (run.plan)
    atl_plan_free (run.plan);
  return ok;
}

gboolean
atl_passes_run (AtlJob *job, const AtlProgress *progress, GError **error)
{
  for (guint i = 0; i < job->passes->len; i++)
    if (!run_pass (job, g_ptr_array_index (job->passes, i), progress, error))
      return FALSE;
  return TRUE;
}

gboolean
atl_apply (AtlModel *model, AtlPool *pool, const AtlImageIo *io,
           const AtlApplyOptions *options, const AtlProgress *progress,
           GError **error)
{
  gboolean ok, again = FALSE;

  do
    {
      g_autoptr (GError) problem = NULL;
      AtlJob job;

      ok = atl_job_init (&job, model, pool, io, options, &problem);
      job.no_files = again;
      ok = ok && atl_passes_plan (&job, &problem)
           && atl_passes_run (&job, progress, &problem);
      /* Maps are made before anything is written: without them it takes longer. */
      again = !ok && !again && job.file_failed;
      if (!ok && !again)
        g_propagate_error (error, g_steal_pointer (&problem));
      atl_job_clear (&job);
    }
  while (again);
  return ok;
}

gboolean
atl_apply_forecast (AtlModel *model, AtlPool *pool, const AtlImageIo *io,
                    const AtlApplyOptions *options, AtlApplyForecast *forecast,
                    GError **error)
{
  AtlJob job;
  gboolean ok = atl_job_init (&job, model, pool, io, options, error)
                && atl_passes_plan (&job, error);

  memset (forecast, 0, sizeof *forecast);
  if (ok)
    {
      const AtlPass *last = g_ptr_array_index (job.passes, job.passes->len - 1);

      forecast->n_tiles = last->layout.x.n * last->layout.y.n;
      forecast->tile_width = last->layout.x.tile;
      forecast->tile_height = last->layout.y.tile;
      forecast->halo = last->layout.x.halo;
      forecast->n_passes = job.passes->len;
      forecast->macs = job.macs_total;
      forecast->exact = !(job.dropout && forecast->n_tiles > 1);
      for (guint i = 0; i < job.passes->len; i++)
        {
          const AtlPass *pass = g_ptr_array_index (job.passes, i);

          forecast->bytes = MAX (forecast->bytes, pass->bytes);
          forecast->exact = forecast->exact && pass->exact;
        }
    }
  atl_job_clear (&job);
  return ok;
}
