/* What a layer measures as a .vqi file and as PNG: really encoded, in the thread
 * of the previews. */

#include "preview-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/memory.h"

#define BAND_PIXELS (1 << 20)
#define READ_ROWS 64

typedef struct
{
  AtlPreviewEngine *engine;
  char *path;
  gsize memory;
  gsize sizes[ATL_MAX_STAGES + 1];
} Job;

static gboolean
read_layer (AtlPreviewEngine *engine, const AtlProgress *progress, GError **error)
{
  const AtlLayerSource *source = engine->source;
  int samples = source->channels + source->has_alpha;
  gsize row = (gsize)source->width * samples;
  g_autoptr (AtlPicture) layer
      = atl_picture_new (source->width, source->height, source->channels,
                         source->has_alpha, source->depth, source->icc, error);
  atl_autofree float *rows = layer ? atl_try_alloc (row * READ_ROWS, sizeof (float),
                                                    _ ("the picture"), error)
                                   : NULL;

  if (!rows)
    return FALSE;
  for (int y = 0; y < source->height; y += READ_ROWS)
    {
      int n = MIN (READ_ROWS, source->height - y);

      if (!atl_progress_update (progress, 0, NULL, error)
          || !source->read (source->data, 0, y, source->width, n, samples, rows,
                            error))
        return FALSE;
      atl_picture_set (layer, 0, y, source->width, n, samples, rows, samples, row);
    }
  engine->layer = g_steal_pointer (&layer);
  return TRUE;
}

/* In bands, so that it can be stopped in between: what they measure together
 * differs from one file by their headers, some hundredths of a percent. */
static gboolean
measure_png (AtlPreviewEngine *engine, const AtlProgress *progress, GError **error)
{
  int rows = MAX (1, BAND_PIXELS / engine->layer->width);
  gsize bytes = 0;

  for (int y = 0; y < engine->layer->height; y += rows)
    {
      AtlPicture band = *engine->layer;
      g_autoptr (GBytes) png = NULL;

      band.pixels += (gsize)y * band.row_bytes;
      band.height = MIN (rows, band.height - y);
      if (y > 0)
        band.icc = NULL;
      png = atl_progress_update (progress, 0, NULL, error)
                ? atl_picture_to_png (&band, error)
                : NULL;
      if (!png)
        return FALSE;
      bytes += g_bytes_get_size (png);
    }
  engine->png = bytes;
  return TRUE;
}

static gboolean
run_job (gpointer data, const AtlProgress *progress, GError **error)
{
  Job *job = data;
  AtlPreviewEngine *engine = job->engine;
  AtlVqiOptions options = ATL_VQI_DEFAULTS;
  g_autoptr (AtlVqi) vqi = NULL;

  options.memory = job->memory;
  if (!atl_preview_engine_open (engine, job->path, error)
      || (!engine->layer && !read_layer (engine, progress, error)))
    return FALSE;
  vqi = atl_vqi_encode_picture (engine->model, engine->pool, engine->layer,
                                &options, progress, error);
  if (!vqi || (engine->png == 0 && !measure_png (engine, progress, error)))
    return FALSE;
  for (int stages = 1; stages <= vqi->stages; stages++)
    job->sizes[stages] = atl_vqi_measure (vqi, stages);
  job->sizes[0] = job->sizes[vqi->stages];
  return TRUE;
}

static void
job_done (gpointer data, const GError *error)
{
  Job *job = data;
  AtlPreviewEngine *engine = job->engine;
  AtlPreviewState *state = &engine->state;

  g_free (engine->sizes_of);
  engine->sizes_of = g_strdup (job->path);
  memcpy (state->sizes, job->sizes, sizeof state->sizes);
  state->png = engine->png;
  g_clear_error (&state->size_error);
  state->size_error = error ? g_error_copy (error) : NULL;
  engine->changed (engine->data);
}

static void
job_free (gpointer data)
{
  Job *job = data;

  g_free (job->path);
  g_free (job);
}

static const AtlJobClass job_class = { run_job, NULL, job_done, job_free };

void
atl_preview_engine_measure (AtlPreviewEngine *engine,
                            const AtlPreviewSettings *settings)
{
  Job *job;

  if (atl_background_is_busy (engine->background) || engine->state.error
      || g_strcmp0 (engine->sizes_of, settings->model) == 0)
    return;
  memset (engine->state.sizes, 0, sizeof engine->state.sizes);
  job = g_new0 (Job, 1);
  job->engine = engine;
  job->path = g_strdup (settings->model);
  job->memory = settings->memory;
  atl_background_start (engine->background, &job_class, job);
}
