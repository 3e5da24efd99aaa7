/* Computes previews in a thread of its own; see preview-engine.h. */

#include "preview-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "apply/metrics.h"

#define MIN_SSIM_SIDE 11
#define MAX_HALO 256
#define SHOW_US 150000 /* between two looks at a shot that is growing */

typedef struct
{
  AtlPreviewEngine *engine;
  char *path;
  AtlApplyOptions options; /* of the preview; its part is the area */
  AtlShot *shot;
  gboolean measure; /* through a .vqi file */
  AtlArea window;   /* then: what is sent through it */
  gint64 began;

  /* Results. */
  AtlApplyForecast whole;
  int stages;
  double pace;
  double squared, ssim;
  gint64 n_values, n_ssim;
} Job;

/* --- In the thread --- */

gboolean
atl_preview_engine_open (AtlPreviewEngine *engine, const char *path, GError **error)
{
  const AtlLayerSource *source = engine->source;

  if (g_strcmp0 (engine->model_path, path) != 0)
    {
      g_clear_pointer (&engine->model, atl_model_free);
      g_clear_pointer (&engine->model_path, g_free);
      engine->model = atl_model_open (path, error);
      if (!engine->model)
        return FALSE;
      engine->model_path = g_strdup (path);
    }
  if (atl_apply_get_channels (engine->model, source->channels) <= source->channels)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("%s adds colour, but the image is greyscale; choose Image > "
                  "Mode > RGB first"),
               atl_model_get_name (engine->model));
  return FALSE;
}

static gboolean
read_source (gpointer data, int x, int y, int width, int height, int channels,
             float *out, GError **error)
{
  const Job *job = data;
  const AtlLayerSource *source = job->engine->source;

  return source->read (source->data, x, y, width, height, channels, out, error);
}

/* Colours alone, without alpha. */
static void
measure (Job *job, const float *before, const float *after, int width, int height,
         int channels)
{
  gsize n = (gsize)width * height;
  int samples = atl_shot_get_samples (job->shot);
  g_autofree float *colours = g_new (float, n *channels);

  for (gsize i = 0; i < n; i++)
    for (int c = 0; c < channels; c++)
      {
        float difference = before[i * samples + c] - after[i * channels + c];

        colours[i * channels + c] = before[i * samples + c];
        job->squared += difference * difference;
      }
  job->n_values += n * channels;
  if (MIN (width, height) < MIN_SSIM_SIDE)
    return;
  job->ssim
      += n * atl_ssim (job->engine->pool, colours, after, width, height, channels);
  job->n_ssim += n;
}

static gboolean
write_shot (gpointer data, int x, int y, int width, int height, int channels,
            const float *in, GError **error)
{
  Job *job = data;
  int samples = atl_shot_get_samples (job->shot);
  const AtlArea area = { x, y, width, height };
  g_autofree float *before = g_try_new (float, (gsize)width *height *samples);

  if (!before)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY, "%s",
                   _ ("There is no memory left for the preview"));
      return FALSE;
    }
  if (!read_source (data, x, y, width, height, samples, before, error))
    return FALSE;
  atl_shot_add (job->shot, &area, before, in, channels);
  if (job->measure)
    measure (job, before, in, width, height, channels);
  return TRUE;
}

/* A number of stages that the model lacks is left over from another model. */
static void
adapt_stages (Job *job)
{
  job->stages = MAX (1, atl_model_get_config (job->engine->model)->stages);
  if (job->options.stages > job->stages)
    job->options.stages = 0;
}

static gboolean
forecast_whole (Job *job, const AtlImageIo *io, GError **error)
{
  const AtlLayerSource *source = job->engine->source;
  AtlApplyOptions options = job->options;

  options.x = source->x;
  options.y = source->y;
  options.width = source->changed_width;
  options.height = source->changed_height;
  return atl_apply_forecast (job->engine->model, job->engine->pool, io, &options,
                             &job->whole, error);
}

/* --- Through a file, as Compress does it --- */

/* The area with as much around it as the network sees, on the grid of the codes
 * that the whole layer gets; so codes and pixels are the same. */
static gboolean
find_window (const Job *job, AtlArea *window, GError **error)
{
  const AtlLayerSource *source = job->engine->source;
  const AtlGraph *graph = atl_model_get_graph (job->engine->model);
  const AtlApplyOptions *area = &job->options;
  int halo, multiple;

  if (!atl_graph_reach (graph, atl_graph_find (graph, "input"),
                        atl_graph_find (graph, "output"), &halo, &multiple, error))
    return FALSE;
  halo = MIN (halo, MAX_HALO);
  window->x = MAX (0, area->x - halo - source->x) / multiple * multiple + source->x;
  window->y = MAX (0, area->y - halo - source->y) / multiple * multiple + source->y;
  window->width
      = MIN (area->x + area->width + halo, source->x + source->changed_width)
        - window->x;
  window->height
      = MIN (area->y + area->height + halo, source->y + source->changed_height)
        - window->y;
  return TRUE;
}

static gboolean
read_window (gpointer data, int x, int y, int width, int height, int channels,
             float *out, GError **error)
{
  const Job *job = data;

  return read_source (data, job->window.x + x, job->window.y + y, width, height,
                      channels, out, error);
}

/* What of it lies in the area. */
static gboolean
write_window (gpointer data, int x, int y, int width, int height, int channels,
              const float *in, GError **error)
{
  const Job *job = data;
  const AtlApplyOptions *area = &job->options;
  int left = MAX (x + job->window.x, area->x),
      top = MAX (y + job->window.y, area->y);
  int right = MIN (x + job->window.x + width, area->x + area->width);
  int bottom = MIN (y + job->window.y + height, area->y + area->height);
  gsize row = (gsize)(right - left) * channels;
  g_autofree float *part = NULL;

  if (right <= left || bottom <= top)
    return TRUE;
  part = g_new (float, row *(bottom - top));
  for (int v = top; v < bottom; v++)
    memcpy (
        part + (v - top) * row,
        in
            + ((gsize)(v - job->window.y - y) * width + left - job->window.x - x)
                  * channels,
        row * sizeof (float));
  return write_shot (data, left, top, right - left, bottom - top, channels, part,
                     error);
}

static gboolean
send_window (Job *job, const AtlProgress *progress, GError **error)
{
  AtlPreviewEngine *engine = job->engine;
  AtlVqiSource source = { .depth = engine->source->depth };
  AtlVqiOptions options = ATL_VQI_DEFAULTS;
  int channels = engine->source->channels;
  gsize bytes;

  source.io = (AtlImageIo){ job->window.width, job->window.height, channels,
                            read_window,       write_window,       job,
                            channels };
  options.stages = job->options.stages;
  options.memory = job->options.memory;
  return atl_vqi_send (engine->model, engine->pool, &source, &options, progress,
                       &bytes, error);
}

/* Multiply-adds of what will be done. */
static gboolean
forecast_part (Job *job, const AtlImageIo *io, double *macs, GError **error)
{
  AtlApplyOptions options = job->options;
  AtlApplyForecast part;

  if (job->measure)
    {
      if (!find_window (job, &job->window, error))
        return FALSE;
      options.x = job->window.x;
      options.y = job->window.y;
      options.width = job->window.width;
      options.height = job->window.height;
    }
  if (!atl_apply_forecast (job->engine->model, job->engine->pool, io, &options,
                           &part, error))
    return FALSE;
  *macs = part.macs;
  return TRUE;
}

static gboolean
run_job (gpointer data, const AtlProgress *progress, GError **error)
{
  Job *job = data;
  AtlPreviewEngine *engine = job->engine;
  const AtlLayerSource *source = engine->source;
  const AtlImageIo io
      = { source->width, source->height,  source->channels, read_source, write_shot,
          job,           source->channels };
  double macs;
  gint64 began;

  if (!atl_preview_engine_open (engine, job->path, error))
    return FALSE;
  adapt_stages (job);
  if (!forecast_whole (job, &io, error) || !forecast_part (job, &io, &macs, error)
      || !atl_progress_update (progress, 0, NULL, error))
    return FALSE;
  began = g_get_monotonic_time ();
  if (job->measure ? !send_window (job, progress, error)
                   : !atl_apply (engine->model, engine->pool, &io, &job->options,
                                 progress, error))
    return FALSE;
  job->pace = macs * G_USEC_PER_SEC / MAX (1, g_get_monotonic_time () - began);
  return TRUE;
}

/* --- In the main loop --- */

static void
take_shot (AtlPreviewEngine *engine, AtlShot *shot)
{
  if (engine->state.shot == shot)
    return;
  g_clear_pointer (&engine->state.shot, atl_shot_unref);
  engine->state.shot = atl_shot_ref (shot);
}

static void
job_advanced (gpointer data, double fraction)
{
  Job *job = data;
  AtlPreviewEngine *engine = job->engine;
  gint64 now = g_get_monotonic_time ();

  if (now - engine->shown < SHOW_US)
    return;
  engine->shown = now;
  engine->state.fraction = fraction;
  if (!atl_shot_is_empty (job->shot))
    take_shot (engine, job->shot);
  engine->changed (engine->data);
}

static void
set_pace (AtlPreviewEngine *engine, const Job *job)
{
  if (g_strcmp0 (engine->pace_of, job->path) != 0)
    {
      g_free (engine->pace_of);
      engine->pace_of = g_strdup (job->path);
      engine->pace = 0;
    }
  engine->pace = MAX (engine->pace, job->pace);
}

static void
take_results (AtlPreviewEngine *engine, const Job *job)
{
  AtlPreviewState *state = &engine->state;

  set_pace (engine, job);
  take_shot (engine, job->shot);
  state->seconds = job->whole.macs * engine->source->n_layers / engine->pace;
  state->bytes = job->whole.bytes;
  state->n_tiles = job->whole.n_tiles;
  state->quality_steps = job->stages;
  state->psnr = job->n_values == 0 ? NAN
                : job->squared > 0
                    ? -10 * log10 (job->squared / (double)job->n_values)
                    : INFINITY;
  state->ssim = job->n_ssim > 0 ? job->ssim / (double)job->n_ssim : NAN;
}

static void
job_done (gpointer data, const GError *error)
{
  Job *job = data;
  AtlPreviewEngine *engine = job->engine;

  engine->state.busy = FALSE;
  if (error)
    {
      engine->state.error = g_error_copy (error);
      engine->state.seconds = -1;
      engine->state.bytes = 0;
      g_clear_pointer (&engine->state.shot, atl_shot_unref);
    }
  else
    {
      take_results (engine, job);
      g_debug ("preview of %dx%d: %.3f s after the change", job->options.width,
               job->options.height,
               (double)(g_get_monotonic_time () - job->began) / G_USEC_PER_SEC);
    }
  engine->changed (engine->data);
}

static void
job_free (gpointer data)
{
  Job *job = data;

  g_free (job->path);
  atl_shot_unref (job->shot);
  g_free (job);
}

static const AtlJobClass job_class = { run_job, job_advanced, job_done, job_free };

AtlPreviewEngine *
atl_preview_engine_new (const AtlLayerSource *source,
                        void (*changed) (gpointer data), gpointer data)
{
  AtlPreviewEngine *engine = g_new0 (AtlPreviewEngine, 1);

  engine->source = source;
  engine->changed = changed;
  engine->data = data;
  engine->background = atl_background_new (NULL);
  engine->pool = atl_pool_new (source->n_threads);
  engine->state.seconds = -1;
  engine->state.quality_steps = 1;
  engine->state.psnr = engine->state.ssim = NAN;
  return engine;
}

void
atl_preview_engine_free (AtlPreviewEngine *engine)
{
  gint64 began = g_get_monotonic_time ();

  if (!engine)
    return;
  atl_background_free (engine->background);
  g_debug ("preview stopped within %.3f s",
           (double)(g_get_monotonic_time () - began) / G_USEC_PER_SEC);
  g_clear_pointer (&engine->model, atl_model_free);
  atl_pool_free (engine->pool);
  atl_picture_free (engine->layer);
  g_free (engine->sizes_of);
  g_free (engine->shot_of);
  g_free (engine->model_path);
  g_free (engine->pace_of);
  g_clear_error (&engine->state.error);
  g_clear_error (&engine->state.size_error);
  atl_shot_unref (engine->state.shot);
  g_free (engine);
}

static Job *
job_new (AtlPreviewEngine *engine, const AtlPreviewSettings *settings,
         const AtlArea *area, int max_width, int max_height)
{
  const AtlLayerSource *source = engine->source;
  int samples = source->channels + source->has_alpha;
  AtlShot *shot = atl_shot_new (area, max_width, max_height, samples);
  Job *job;

  if (!shot)
    return NULL;
  job = g_new0 (Job, 1);
  job->engine = engine;
  job->path = g_strdup (settings->model);
  job->shot = shot;
  job->measure = settings->measure;
  job->began = g_get_monotonic_time ();
  job->options = (AtlApplyOptions)ATL_APPLY_DEFAULTS;
  job->options.statistics = settings->statistics;
  job->options.stages = settings->stages;
  job->options.seed = settings->seed;
  job->options.memory = settings->memory;
  job->options.x = area->x;
  job->options.y = area->y;
  job->options.width = area->width;
  job->options.height = area->height;
  return job;
}

/* What another model made would be taken for this one's. */
static void
forget_shot (AtlPreviewEngine *engine, const char *model)
{
  if (g_strcmp0 (engine->shot_of, model) == 0)
    return;
  g_free (engine->shot_of);
  engine->shot_of = g_strdup (model);
  g_clear_pointer (&engine->state.shot, atl_shot_unref);
}

/* Sizes are of one model. */
static void
forget_sizes (AtlPreviewEngine *engine, const char *model)
{
  if (g_strcmp0 (engine->sizes_of, model) == 0)
    return;
  g_clear_pointer (&engine->sizes_of, g_free);
  g_clear_error (&engine->state.size_error);
  memset (engine->state.sizes, 0, sizeof engine->state.sizes);
}

void
atl_preview_engine_start (AtlPreviewEngine *engine,
                          const AtlPreviewSettings *settings, const AtlArea *area,
                          int max_width, int max_height)
{
  Job *job = job_new (engine, settings, area, max_width, max_height);

  g_clear_error (&engine->state.error);
  engine->state.busy = job != NULL;
  engine->state.fraction = 0;
  forget_sizes (engine, settings->model);
  forget_shot (engine, settings->model);
  engine->shown = g_get_monotonic_time ();
  if (job)
    atl_background_start (engine->background, &job_class, job);
  else
    g_set_error (&engine->state.error, ATELIER_ERROR, ATELIER_ERROR_MEMORY, "%s",
                 _ ("There is no memory left for the preview"));
  engine->changed (engine->data);
}

void
atl_preview_engine_stop (AtlPreviewEngine *engine)
{
  atl_background_cancel (engine->background);
  g_clear_error (&engine->state.error);
  engine->state.busy = FALSE;
  engine->changed (engine->data);
}

const AtlPreviewState *
atl_preview_engine_get_state (const AtlPreviewEngine *engine)
{
  return &engine->state;
}
