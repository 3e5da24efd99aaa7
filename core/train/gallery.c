/* See gallery.h. */

#include "train/gallery.h"

#include <math.h>
#include <string.h>

#include "apply/metrics.h"
#include "base/colour.h"
#include "base/memory.h"
#include "train/losses.h"

#define GAP 4        /* pixels between the pictures of a sheet */
#define BEST_PSNR 99 /* stands for an infinite one in a mean */

struct _AtlGallery
{
  GPtrArray *samples; /* AtlSample */
  int width, height;
  gboolean luma_to_chroma;
};

AtlGallery *
atl_gallery_new (GPtrArray *pairs, int n_max, const AtlLoaderOptions *options,
                 int width, int height, GError **error)
{
  AtlGallery *g = g_new0 (AtlGallery, 1);
  AtlLoaderOptions wanted = *options;
  GError *first = NULL;

  g->samples = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_sample_free);
  g->width = wanted.width = width;
  g->height = wanted.height = height;
  g->luma_to_chroma = options->luma_to_chroma;
  for (guint i = 0; i < pairs->len && (int)g->samples->len < n_max; i++)
    {
      AtlSample *sample
          = atl_sample_load (pairs->pdata[i], i, &wanted, first ? NULL : &first);

      if (sample)
        g_ptr_array_add (g->samples, sample);
    }
  if (g->samples->len > 0)
    {
      g_clear_error (&first);
      return g;
    }
  g_propagate_error (error, first);
  atl_gallery_free (g);
  return NULL;
}

void
atl_gallery_free (AtlGallery *g)
{
  if (!g)
    return;
  g_ptr_array_unref (g->samples);
  g_free (g);
}

/* [-1, 1] to [0, 1], clamped. */
static void
to_unit (const float *in, gsize stride, int channels, gsize n, float *out)
{
  for (gsize i = 0; i < n; i++)
    for (int c = 0; c < channels; c++)
      out[i * (gsize)channels + (gsize)c]
          = CLAMP (0.5f * in[i * stride + (gsize)c] + 0.5f, 0, 1);
}

static gboolean
add_figures (const AtlGallery *g, AtlPool *pool, const float *made,
             const float *target, int channels, AtlMeasurement *m, GError **error)
{
  AtlComparison c;

  if (!atl_compare_floats (pool, made, target, g->width, g->height, channels, NULL,
                           &c, error))
    return FALSE;
  m->n++;
  m->l1 += c.l1;
  m->psnr += MIN (c.psnr, BEST_PSNR);
  m->ssim += c.ssim;
  m->ms_ssim += c.ms_ssim;
  return TRUE;
}

/* RGB in [0, 1] of a picture of 1, 2 (chroma, with the input's luma) or more
 * channels, all in [0, 1]. */
static void
to_rgb (const float *unit, int channels, const float *luma, gsize n, float *rgb)
{
  for (gsize i = 0; i < n; i++)
    {
      const float *p = unit + i * (gsize)channels;
      float *out = rgb + 3 * i;

      if (channels == 2 && luma)
        {
          float ycc[3] = { luma[i], p[0] - 0.5f, p[1] - 0.5f };

          atl_ycc_to_rgb (ycc, out);
        }
      else
        for (int c = 0; c < 3; c++)
          out[c] = p[channels >= 3 ? c : 0];
    }
}

static void
put (AtlPicture *sheet, const AtlGallery *g, int row, int column, const float *unit,
     int channels, const float *luma, float *rgb)
{
  gsize n = (gsize)g->width * (gsize)g->height;

  to_rgb (unit, channels, luma, n, rgb);
  atl_picture_set (sheet, GAP + column * (g->width + GAP),
                   GAP + row * (g->height + GAP), g->width, g->height, 3, rgb, 3,
                   3 * (gsize)g->width);
}

static AtlPicture *
new_sheet (const AtlGallery *g, int rows, int columns, GError **error)
{
  AtlPicture *sheet = atl_picture_new (GAP + columns * (g->width + GAP),
                                       GAP + rows * (g->height + GAP), 3, FALSE,
                                       ATL_DEPTH_U8, NULL, error);

  if (sheet)
    memset (sheet->pixels, 0xff, sheet->row_bytes * (gsize)sheet->height);
  return sheet;
}

static AtlPlan *
new_plan (const AtlGallery *g, AtlModel *model, AtlPool *pool, GError **error)
{
  const AtlGraph *graph = atl_model_get_graph (model);
  const AtlConfig *config = atl_model_get_config (model);
  int input = atl_graph_find (graph, "input");
  int output = atl_graph_find (graph, "output");
  AtlShape shape = { 1, g->height, g->width, config->input_channels };
  AtlPlanOptions options
      = { .statistics = config->image_statistics ? ATL_STATISTICS_IMAGE
                                                 : ATL_STATISTICS_RUNNING,
          .dropout = config->dropout_applied };

  return atl_plan_new (graph, atl_model_get_weights (model), pool, &input, &shape,
                       1, &output, 1, &options, error);
}

/* One item: input, made and target in [0, 1], one after the other in `unit`. */
static gboolean
send_through (const AtlGallery *g, const AtlSample *sample, const AtlGraph *graph,
              AtlPlan *plan, AtlPool *pool, float *unit, GError **error)
{
  gsize n = (gsize)g->width * (gsize)g->height;
  gsize in = (gsize)sample->input_channels, out = (gsize)sample->target_channels;
  AtlView view = atl_plan_get_value (plan, atl_graph_find (graph, "input"));

  atl_view_copy (pool, view, 0, atl_view_dense (sample->input, view.shape), 0,
                 (int)in);
  if (!atl_plan_forward (plan, 0, NULL, error))
    return FALSE;
  view = atl_plan_get_value (plan, atl_graph_find (graph, "output"));
  to_unit (sample->input, in, (int)in, n, unit);
  to_unit (view.data, view.stride, (int)out, n, unit + n * in);
  to_unit (sample->target, out, (int)out, n, unit + n * (in + out));
  return TRUE;
}

static void
add_to_sheet (AtlPicture *sheet, const AtlGallery *g, const AtlSample *sample,
              int row, const float *unit, float *rgb)
{
  gsize n = (gsize)g->width * (gsize)g->height;
  int in = sample->input_channels, out = sample->target_channels;
  const float *luma = g->luma_to_chroma ? unit : NULL;
  const float *made = unit + n * (gsize)in, *target = made + n * (gsize)out;

  put (sheet, g, row, 0, unit, in, NULL, rgb);
  put (sheet, g, row, 1, made, out, luma, rgb);
  if (sample->target != sample->input)
    put (sheet, g, row, 2, target, out, luma, rgb);
}

static gboolean
measure_all (AtlGallery *g, AtlModel *model, AtlPool *pool,
             GCancellable *cancellable, AtlMeasurement *m, int rows,
             AtlPicture *sheet, GError **error)
{
  gsize n = (gsize)g->width * (gsize)g->height;
  AtlPlan *plan = new_plan (g, model, pool, error);
  float *unit = plan ? atl_try_alloc (n * 51, sizeof (float),
                                      "the held-out pictures", error)
                     : NULL;
  gboolean ok = unit != NULL;

  for (guint i = 0; ok && i < g->samples->len; i++)
    {
      const AtlSample *sample = g->samples->pdata[i];
      gsize in = (gsize)sample->input_channels;
      gsize out = (gsize)sample->target_channels;

      ok = !g_cancellable_set_error_if_cancelled (cancellable, error)
           && send_through (g, sample, atl_model_get_graph (model), plan, pool,
                            unit, error)
           && add_figures (g, pool, unit + n * in, unit + n * (in + out), (int)out,
                           m, error);
      if (ok && sheet && (int)i < rows)
        add_to_sheet (sheet, g, sample, (int)i, unit, unit + n * 48);
    }
  atl_free (unit);
  atl_plan_free (plan);
  return ok;
}

gboolean
atl_gallery_measure (AtlGallery *g, AtlModel *model, AtlPool *pool,
                     GCancellable *cancellable, AtlMeasurement *m, int rows,
                     AtlPicture **sheet, GError **error)
{
  const AtlSample *first = g->samples->pdata[0];

  *m = (AtlMeasurement){ 0 };
  rows = MIN (rows, (int)g->samples->len);
  if (sheet)
    {
      *sheet = new_sheet (g, rows, first->target == first->input ? 2 : 3, error);
      if (!*sheet)
        return FALSE;
    }
  if (!measure_all (g, model, pool, cancellable, m, rows, sheet ? *sheet : NULL,
                    error))
    {
      if (sheet)
        g_clear_pointer (sheet, atl_picture_free);
      return FALSE;
    }
  m->l1 /= m->n;
  m->psnr /= m->n;
  m->ssim /= m->n;
  m->ms_ssim /= m->n;
  return TRUE;
}

int
atl_gallery_get_side (const AtlGallery *g)
{
  return MIN (g->width, g->height);
}

void
atl_gallery_read_cell (const AtlGallery *g, const AtlPicture *sheet, int row,
                       int column, float *rgb)
{
  int side = atl_gallery_get_side (g);
  int x = GAP + column * (g->width + GAP) + (g->width - side) / 2;
  int y = GAP + row * (g->height + GAP) + (g->height - side) / 2;

  atl_picture_get (sheet, x, y, side, side, 3, rgb, 3, 3 * (gsize)side);
}
