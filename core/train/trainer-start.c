/* From settings to a training that can take its first step; see trainer.h. */

#include <errno.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "train/trainer-private.h"

#define START_PICTURES 128 /* for principal components */
#define MEASURE_SIDE 256   /* at least, of the held-out pictures */
#define HELD_OUT_SHOWN 4   /* training pairs shown where none are held out */

static gboolean
find_pictures (AtlTrainer *t, GError **error)
{
  AtlTrainSettings *s = t->settings;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  const AtlProgress progress = { NULL, NULL, t->cancellable };
  g_autofree char *text = NULL;

  options.form = s->form;
  options.pictures = s->kind == ATL_TRAIN_VQVAE || s->corrupt
                     || s->network.colour == ATL_COLOUR_LUMA_TO_CHROMA;
  options.suffix_a = s->suffix_a;
  options.suffix_b = s->suffix_b;
  options.held_out = s->held_out;
  options.seed = (guint64)s->seed;
  options.n_threads = s->threads;
  t->dataset = atl_dataset_open (s->folder, &options, &progress, error);
  if (!t->dataset || !atl_dataset_require (t->dataset, error))
    return FALSE;
  text = atl_dataset_to_text (t->dataset, 5);
  atl_trainer_message (t, ATL_EVENT_MESSAGE, "%s", g_strchomp (text));
  return TRUE;
}

static void
report_bad_picture (gpointer data, const char *name, const char *message)
{
  atl_trainer_message (data, ATL_EVENT_WARNING, _ ("%s is left out: %s"), name,
                       message);
}

static void
set_up_loading (AtlTrainer *t)
{
  AtlTrainSettings *s = t->settings;
  AtlLoaderOptions *o = &t->loader_options;

  o->width = o->height = s->size;
  o->batch = s->batch;
  o->rank = atl_collective_rank (t->collective);
  o->n_ranks = atl_collective_n_ranks (t->collective);
  o->luma_to_chroma = s->network.colour == ATL_COLOUR_LUMA_TO_CHROMA;
  o->input_channels = s->network.input_channels;
  o->target_channels = s->network.output_channels;
  o->b_to_a = s->b_to_a;
  o->augment = s->augment;
  o->corrupt = t->corrupt;
  o->seed = (guint64)s->seed;
  o->n_threads = s->load_threads;
  o->cache_bytes = (gsize)s->cache_mib << 20;
  o->bad_picture = report_bad_picture;
  o->data = t;
}

static void
pass_message (gpointer data, const char *text)
{
  atl_trainer_message (data, ATL_EVENT_MESSAGE, "%s", text);
}

/* Whether the networks, and the cache as far as the pictures fill it, fit into
 * what is free; told before memory is touched. */
static gboolean
check_memory (AtlTrainer *t, GError **error)
{
  guint64 needed = atl_setup_get_bytes (&t->setup);
  guint64 available = atl_memory_available ();

  if (available == 0 || needed <= available)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
               _ ("this training needs about %.1f GB of memory, and %.1f GB are "
                  "free; choose smaller patches (--size), a smaller batch or a "
                  "smaller network, or close other programs"),
               (double)needed / 1e9, (double)available / 1e9);
  return FALSE;
}

static gboolean
make_method (AtlTrainer *t, GError **error)
{
  if (!atl_setup_init (&t->setup, t->settings, t->pool, t->collective, error)
      || !check_memory (t, error))
    return FALSE;
  t->model = t->setup.model;
  t->method = t->setup.method;
  if (atl_collective_rank (t->collective) == 0)
    {
      t->method->message = pass_message;
      t->method->message_data = t;
    }
  return TRUE;
}

static void
make_history (AtlTrainer *t)
{
  static const char *const measured[]
      = { "held_out_l1", "held_out_psnr", "held_out_ssim", "held_out_ms_ssim" };
  const char *columns[ATL_MAX_FIGURES + G_N_ELEMENTS (measured)];

  t->n_figures = t->method->class->n_figures;
  for (int i = 0; i < t->n_figures; i++)
    columns[i] = t->method->class->figures[i];
  for (guint i = 0; i < G_N_ELEMENTS (measured); i++)
    columns[t->n_figures + (int)i] = measured[i];
  t->history
      = atl_history_new (columns, t->n_figures + (int)G_N_ELEMENTS (measured));
  t->row = g_new (double, t->n_figures + G_N_ELEMENTS (measured));
}

/* Pictures for the method's start: whole batches, the same on every process. */
static gboolean
start_method (AtlTrainer *t, GError **error)
{
  AtlTrainSettings *s = t->settings;
  AtlLoaderOptions options = t->loader_options;
  g_autoptr (AtlLoader) loader = NULL;
  gsize picture = (gsize)s->size * (gsize)s->size * (gsize)options.input_channels;
  int n = 0, wanted = MAX (START_PICTURES, s->batch);
  float *pictures;
  gboolean ok = TRUE;

  if (!t->method->class->start || !s->network.linear_skip || !s->pca)
    return TRUE;
  options.rank = options.n_ranks = 0;
  options.bad_picture = NULL; /* the other loader will tell */
  pictures = atl_try_alloc ((gsize)wanted * picture, sizeof (float),
                            "the start of the linear skip", error);
  loader = pictures ? atl_loader_new (t->dataset->train, &options, error) : NULL;
  ok = loader != NULL;
  while (ok && n + s->batch <= wanted)
    {
      const AtlBatch *batch = atl_loader_next (loader, t->cancellable, error);

      ok = batch != NULL;
      if (ok)
        memcpy (pictures + (gsize)n * picture, batch->input,
                (gsize)s->batch * picture * sizeof (float));
      n += s->batch;
    }
  ok = ok && t->method->class->start (t->method, pictures, n, error);
  atl_free (pictures);
  return ok;
}

/* Sides for the held-out pictures: at least a patch, and what the network
 * takes. */
static gboolean
make_gallery (AtlTrainer *t, GError **error)
{
  const AtlGraph *graph = atl_model_get_graph (t->model);
  int side = MAX (t->settings->size, MEASURE_SIDE), multiple;
  GPtrArray *pairs = t->dataset->held_out;
  int n = t->settings->measure_pairs;

  if (atl_collective_rank (t->collective) != 0)
    return TRUE;
  t->held_out = pairs->len > 0;
  if (!t->held_out)
    {
      pairs = t->dataset->train;
      n = MIN (n, HELD_OUT_SHOWN);
      atl_trainer_message (
          t, ATL_EVENT_MESSAGE, "%s",
          _ ("There are too few pictures to hold some back: what is "
             "measured has been trained on, and the last model is "
             "kept."));
    }
  if (!atl_graph_reach (graph, atl_graph_find (graph, "input"),
                        atl_graph_find (graph, "output"), NULL, &multiple, error))
    return FALSE;
  side = (side + multiple - 1) / multiple * multiple;
  t->gallery = atl_gallery_new (pairs, n, &t->loader_options, side, side, error);
  return t->gallery != NULL;
}

static gboolean
make_folders (AtlTrainer *t, GError **error)
{
  if (atl_collective_rank (t->collective) != 0
      || g_mkdir_with_parents (t->samples_folder, 0777) == 0)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("the folder %s can't be made: %s; choose another with --report"),
               t->samples_folder, g_strerror (errno));
  return FALSE;
}

/* The checkpoint, or the start of all. */
static gboolean
resume_or_start (AtlTrainer *t, GError **error)
{
  AtlTrainSettings *s = t->settings;

  if (s->resume && g_file_test (t->checkpoint_path, G_FILE_TEST_EXISTS))
    return atl_trainer_read_checkpoint (t, error);
  if (s->resume)
    atl_trainer_message (
        t, ATL_EVENT_MESSAGE,
        _ ("There is no %s to go on with; the training starts afresh."),
        t->checkpoint_path);
  return start_method (t, error);
}

gboolean
atl_trainer_prepare (AtlTrainer *t, GError **error)
{
  AtlTrainEvent event = { ATL_EVENT_STARTED };

  t->pool = atl_pool_new (t->settings->threads);
  set_up_loading (t);
  if (!find_pictures (t, error) || !make_folders (t, error)
      || !atl_trainer_lock (t, error) || !make_method (t, error))
    return FALSE;
  make_history (t);
  if (!resume_or_start (t, error) || !make_gallery (t, error))
    return FALSE;
  t->first_step = t->step;
  t->loader_options.first_step = (guint64)t->step;
  t->loader = atl_loader_new (t->dataset->train, &t->loader_options, error);
  if (!t->loader)
    return FALSE;
  event.history = t->history;
  event.n_figures = t->n_figures;
  atl_trainer_emit (t, &event);
  return TRUE;
}
