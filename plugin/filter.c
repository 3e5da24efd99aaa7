/* A model over one or several layers; see filter.h. */

#include "filter.h"

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "procedures.h"
#include "worker.h"

typedef struct
{
  const AtlFilter *filter;
  AtlPool *pool;
  GPtrArray *layers; /* AtlLayer */
  AtlImageIo *io;    /* one a layer */
} Run;

static int
count (GimpDrawable **drawables)
{
  return gimp_core_object_array_get_length ((GObject **)drawables);
}

gboolean
atl_filter_check (GimpDrawable **drawables, gboolean new_layer, GError **error)
{
  int n = count (drawables);

  if (n == 0)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "%s",
                   _ ("no layer is selected; choose one or several"));
      return FALSE;
    }
  for (int i = 0; i < n; i++)
    {
      GimpItem *item = GIMP_ITEM (drawables[i]);
      gboolean readable = atl_layer_check (drawables[i], new_layer, error);

      if (!readable)
        return FALSE;
      if (new_layer && (!gimp_item_is_layer (item) || gimp_item_is_group (item)))
        {
          g_autofree char *name = gimp_item_get_name (item);

          g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                       _ ("\"%s\" is no layer with pixels of its own, so no new "
                          "layer can be made of it; select a layer"),
                       name);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
atl_filter_check_any (GimpDrawable **drawables, GError **error)
{
  return atl_filter_check (drawables, TRUE, NULL)
         || atl_filter_check (drawables, FALSE, error);
}

/* A model that colours needs an image that can hold colours. */
static gboolean
check_colour (const AtlFilter *filter, const AtlLayer *pixels, GError **error)
{
  if (atl_apply_get_channels (filter->model, pixels->channels) <= pixels->channels)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("%s adds colour, but the image is greyscale; choose Image > "
                  "Mode > RGB first"),
               atl_model_get_name (filter->model));
  return FALSE;
}

static gboolean
apply_one (const Run *run, guint i, const AtlProgress *progress, GError **error)
{
  AtlLayer *pixels = run->layers->pdata[i];
  const GeglRectangle *changed = &pixels->changed;
  AtlApplyOptions options = run->filter->options;
  gint64 began = g_get_monotonic_time ();

  options.x = changed->x;
  options.y = changed->y;
  options.width = changed->width;
  options.height = changed->height;
  if (run->filter->apply
          ? !run->filter->apply (run->filter->data, pixels, run->pool, &run->io[i],
                                 progress, error)
          : !atl_apply (run->filter->model, run->pool, &run->io[i], &options,
                        progress, error))
    return FALSE;
  g_debug ("%dx%d: %.3f s, of which moving pixels %.3f s; peak %d MiB",
           changed->width, changed->height,
           (double)(g_get_monotonic_time () - began) / 1e6,
           (double)pixels->moving / 1e6, (int)(atl_memory_peak () >> 20));
  return TRUE;
}

/* In the worker. */
static gboolean
apply_all (gpointer data, const AtlProgress *progress, GError **error)
{
  const Run *run = data;
  guint n = run->layers->len;

  for (guint i = 0; i < n; i++)
    {
      AtlProgressPart part;

      if (!apply_one (
              run, i,
              atl_progress_part (&part, progress, (double)i / n, (i + 1.0) / n),
              error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
compute (Run *run, GError **error)
{
  const AtlFilter *filter = run->filter;
  gboolean done;

  run->pool = atl_pool_new (gimp_get_num_processors ());
  run->io = g_new (AtlImageIo, run->layers->len);
  for (guint i = 0; i < run->layers->len; i++)
    run->io[i] = atl_layer_io (run->layers->pdata[i]);
  done = atl_work_run (apply_all, run, error);
  for (guint i = 0; done && filter->inspect && i < run->layers->len; i++)
    done = filter->inspect (filter->data, run->layers->pdata[i], run->pool, error);
  g_free (run->io);
  atl_pool_free (run->pool);
  return done;
}

static gboolean
merge_above (const Run *run, AtlLayer *pixels, GError **error)
{
  g_autofree char *old = gimp_item_get_name (GIMP_ITEM (pixels->drawable));
  g_autofree char *name
      = g_strdup_printf ("%s (%s)", old, atl_model_get_name (run->filter->model));

  return atl_layer_merge_above (pixels, name, error) != NULL;
}

/* One step of undo, whatever happens. */
static gboolean
merge_all (const Run *run, GimpImage *image, GError **error)
{
  gboolean done = TRUE;

  gimp_image_undo_group_start (image);
  for (guint i = 0; done && i < run->layers->len; i++)
    {
      AtlLayer *pixels = run->layers->pdata[i];

      done = run->filter->new_layer ? merge_above (run, pixels, error)
                                    : atl_layer_merge (pixels, error);
    }
  gimp_image_undo_group_end (image);
  return done;
}

gboolean
atl_filter_run (const AtlFilter *filter, GimpImage *image, GimpDrawable **drawables,
                GError **error)
{
  Run run = { filter };
  gboolean done = TRUE;
  g_autofree char *text
      = g_strdup_printf (_ ("Applying %s"), atl_model_get_name (filter->model));

  run.layers = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_layer_free);
  for (int i = 0; done && i < count (drawables); i++)
    {
      AtlLayer *pixels = atl_layer_new (drawables[i]);

      done = check_colour (filter, pixels, error);
      if (pixels->changed.width > 0)
        g_ptr_array_add (run.layers, pixels);
      else
        atl_layer_free (pixels);
    }
  if (done && run.layers->len > 0)
    {
      gimp_progress_init (text);
      done = compute (&run, error) && merge_all (&run, image, error);
      gimp_progress_end ();
    }
  g_ptr_array_unref (run.layers);
  return done;
}

gboolean
atl_filter_read_output (GimpProcedureConfig *config, gboolean *new_layer,
                        GError **error)
{
  static const char *const words[] = { "in-place", "new-layer", NULL };
  g_autofree char *output = atl_config_string (config, "output");
  int word = atl_parse_word (output, "output", words, error);

  *new_layer = word == 1;
  return word >= 0;
}

void
atl_filter_source_init (AtlLayerSource *source, GimpDrawable **drawables)
{
  AtlLayer *pixels = atl_layer_new (drawables[0]);
  const GeglRectangle *changed = &pixels->changed;
  int x, y;

  gimp_drawable_get_offsets (drawables[0], &x, &y);
  *source = (AtlLayerSource){
    .width = pixels->width,
    .height = pixels->height,
    .channels = pixels->channels,
    .has_alpha = pixels->has_alpha,
    .offset_x = x,
    .offset_y = y,
    .x = changed->x,
    .y = changed->y,
    .changed_width = changed->width,
    .changed_height = changed->height,
    .n_layers = count (drawables),
    .name = gimp_item_get_name (GIMP_ITEM (drawables[0])),
    .read = atl_layer_read,
    .thumbnail = atl_layer_get_thumbnail,
    .to_display = atl_layer_to_display,
    .data = pixels,
    .n_threads = gimp_get_num_processors (),
  };
  atl_layer_get_form (pixels, &source->depth, &source->icc);
}

void
atl_filter_source_clear (AtlLayerSource *source)
{
  atl_layer_free (source->data);
  g_clear_pointer (&source->icc, g_bytes_unref);
  g_free ((char *)source->name);
}

gboolean
atl_filter_ask (AtlFilterDialog dialog, GimpProcedure *procedure,
                GimpProcedureConfig *config, GimpDrawable **drawables)
{
  AtlLayerSource source;
  gboolean go_on;

  gimp_ui_init ("atelier");
  atl_filter_source_init (&source, drawables);
  go_on = dialog (procedure, config, &source);
  atl_filter_source_clear (&source);
  return go_on;
}
