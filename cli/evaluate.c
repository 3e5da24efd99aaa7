/* atelier evaluate: how well a model does over a folder of pictures.
 *
 * Every pair (or picture, with --corrupt and for VQ-VAEs) whole, as the model
 * is applied; where the folder has a val or test part, that part only.  Of a
 * VQ-VAE also what its .vqi files take, and which entries they use.  Input,
 * target and result are held as floats: of a colour picture some 45 MB a
 * megapixel, beside the budget of --memory.
 */

#include <math.h>
#include <string.h>

#include "apply-options.h"
#include "apply/metrics.h"
#include "base/memory.h"
#include "codec/vqi.h"
#include "commands.h"
#include "common.h"
#include "train/loader.h"

#define MAX_PSNR 99 /* stands for an infinite one in the mean */

typedef struct
{
  char *model, *corrupt, *direction, *suffix_a, *suffix_b;
  gboolean json;
  CliApply apply;
} Options;

/* The codes of all pictures' .vqi files. */
typedef struct
{
  int n_levels, stages;
  int k[ATL_MAX_LEVELS];
  guint64 *counts[ATL_MAX_LEVELS][ATL_MAX_STAGES]; /* of each entry */
  double bits, pixels;
} Usage;

typedef struct
{
  AtlModel *model;
  AtlPool *pool;
  AtlApplyOptions apply;
  AtlLoaderOptions loading;
  GPtrArray *pairs;
  GArray *figures; /* AtlComparison, one a pair */
  AtlComparison mean;
  Usage usage;
} Evaluation;

/* --- One picture --- */

typedef struct
{
  const AtlSample *sample;
  float *made; /* height x width x channels, in [0, 1] */
} Canvas;

static gboolean
read_input (gpointer data, int x, int y, int width, int height, int channels,
            float *out, GError **error)
{
  const AtlSample *sample = ((Canvas *)data)->sample;

  for (int row = 0; row < height; row++)
    {
      const float *in
          = sample->input + ((gsize)(y + row) * sample->width + x) * channels;

      for (gsize i = 0; i < (gsize)width * channels; i++)
        *out++ = 0.5f * in[i] + 0.5f;
    }
  return TRUE;
}

static gboolean
write_made (gpointer data, int x, int y, int width, int height, int channels,
            const float *in, GError **error)
{
  Canvas *canvas = data;

  for (int row = 0; row < height; row++)
    memcpy (canvas->made
                + ((gsize)(y + row) * canvas->sample->width + x) * channels,
            in + (gsize)row * width * channels,
            (gsize)width * channels * sizeof (float));
  return TRUE;
}

/* The target becomes [0, 1] in place. */
static gboolean
compare (const Evaluation *e, AtlSample *s, float *made, AtlComparison *figures,
         GError **error)
{
  gsize n = (gsize)s->width * s->height * s->target_channels;

  for (gsize i = 0; i < n; i++)
    {
      s->target[i] = 0.5f * s->target[i] + 0.5f;
      made[i] = CLAMP (made[i], 0, 1);
    }
  return atl_compare_floats (e->pool, made, s->target, s->width, s->height,
                             s->target_channels, NULL, figures, error);
}

static void
add_codes (Usage *u, const AtlCodes *codes)
{
  u->n_levels = codes->n_levels;
  u->stages = codes->stages;
  for (int l = 0; l < codes->n_levels; l++)
    {
      const AtlCodeGrid *grid = &codes->levels[l];
      gsize n = (gsize)grid->width * (gsize)grid->height;

      u->k[l] = grid->k;
      for (int s = 0; s < codes->stages; s++)
        {
          if (!u->counts[l][s])
            u->counts[l][s] = g_new0 (guint64, grid->k);
          for (gsize i = 0; i < n; i++)
            u->counts[l][s][grid->planes[s][i]]++;
        }
    }
}

static gboolean
observe_codes (Evaluation *e, const AtlImageIo *io, const AtlProgress *progress,
               GError **error)
{
  const AtlVqiSource source = { .io = *io };
  AtlVqiOptions options = ATL_VQI_DEFAULTS;
  g_autoptr (AtlVqi) vqi = NULL;
  AtlCodes codes = { 0 };

  options.memory = e->apply.memory;
  vqi = atl_vqi_encode (e->model, e->pool, &source, &options, progress, error);
  if (!vqi || !atl_vqi_decode_codes (vqi, e->model, 0, &codes, NULL, error))
    return FALSE;
  add_codes (&e->usage, &codes);
  e->usage.bits += 8.0 * (double)vqi->bytes;
  e->usage.pixels += (double)io->width * io->height;
  atl_codes_clear (&codes);
  return TRUE;
}

static gboolean
is_vqvae (const Evaluation *e)
{
  return strcmp (atl_config_kind (atl_model_get_config (e->model)), "vqvae") == 0;
}

static gboolean
evaluate_pair (Evaluation *e, guint i, const AtlProgress *progress, GError **error)
{
  g_autoptr (AtlSample) sample
      = atl_sample_load (e->pairs->pdata[i], i, &e->loading, error);
  Canvas canvas = { sample, NULL };
  AtlImageIo io = { 0 };
  AtlComparison figures = { 0 };
  AtlProgressPart part;
  gboolean ok;

  if (!sample)
    return FALSE;
  canvas.made = atl_try_alloc ((gsize)sample->width * sample->height
                                   * sample->target_channels,
                               sizeof (float), _ ("the picture"), error);
  if (!canvas.made)
    return FALSE;
  io.width = sample->width;
  io.height = sample->height;
  io.channels = sample->input_channels;
  io.out_channels = sample->target_channels;
  io.read = read_input;
  io.write = write_made;
  io.data = &canvas;
  ok = (!is_vqvae (e)
        || observe_codes (e, &io, atl_progress_part (&part, progress, 0, 0.5),
                          error))
       && atl_apply (e->model, e->pool, &io, &e->apply,
                     atl_progress_part (&part, progress, is_vqvae (e) ? 0.5 : 0, 1),
                     error)
       && compare (e, sample, canvas.made, &figures, error);
  if (ok)
    g_array_append_val (e->figures, figures);
  atl_free (canvas.made);
  return ok;
}

/* --- All of them --- */

static void
average (Evaluation *e)
{
  double n = e->figures->len;

  e->mean = (AtlComparison){ 0 };
  for (guint i = 0; i < e->figures->len; i++)
    {
      const AtlComparison *f = &g_array_index (e->figures, AtlComparison, i);

      e->mean.l1 += f->l1 / n;
      e->mean.psnr += fmin (f->psnr, MAX_PSNR) / n;
      e->mean.ssim += f->ssim / n;
      e->mean.ms_ssim += f->ms_ssim / n;
    }
}

static void
set_loading (Evaluation *e, const Options *o, const AtlCorrupt *corrupt)
{
  const AtlConfig *config = atl_model_get_config (e->model);
  gboolean chroma = config->colour == ATL_COLOUR_LUMA_TO_CHROMA;

  e->loading.input_channels = chroma ? 3 : config->input_channels;
  e->loading.target_channels = chroma ? 3 : config->output_channels;
  e->loading.b_to_a
      = o->direction && g_ascii_strcasecmp (o->direction, "BtoA") == 0;
  e->loading.corrupt = corrupt;
  e->loading.augment = (AtlAugment)ATL_AUGMENT_NONE;
  e->loading.seed = (guint64)o->apply.seed;
}

static AtlDataset *
open_folder (const Evaluation *e, const char *folder, const Options *o,
             GError **error)
{
  const AtlConfig *config = atl_model_get_config (e->model);
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  g_autoptr (AtlDataset) dataset = NULL;

  options.pictures
      = o->corrupt || is_vqvae (e) || config->colour == ATL_COLOUR_LUMA_TO_CHROMA;
  options.suffix_a = o->suffix_a;
  options.suffix_b = o->suffix_b;
  options.held_out = 0;
  options.n_threads = o->apply.threads;
  dataset = atl_dataset_open (folder, &options, cli_progress (_ ("pairs")), error);
  if (!dataset
      || (dataset->held_out->len == 0 && !atl_dataset_require (dataset, error)))
    return NULL;
  return g_steal_pointer (&dataset);
}

static gboolean
evaluate_all (Evaluation *e, GError **error)
{
  const AtlProgress *progress = cli_progress ("evaluate");

  for (guint i = 0; i < e->pairs->len; i++)
    {
      AtlProgressPart part;
      const AtlPair *pair = e->pairs->pdata[i];
      double n = e->pairs->len;

      if (!atl_progress_update (progress, i / n, pair->name, error)
          || !evaluate_pair (
              e, i, atl_progress_part (&part, progress, i / n, (i + 1) / n), error))
        return FALSE;
    }
  average (e);
  return TRUE;
}

static void
add_figures (JsonBuilder *builder, const AtlComparison *figures)
{
  cli_json_add_number (builder, "l1", figures->l1);
  cli_json_add_number (builder, "psnr", figures->psnr);
  cli_json_add_number (builder, "ssim", figures->ssim);
  cli_json_add_number (builder, "ms_ssim", figures->ms_ssim);
}

/* Entries that were chosen, and exp of the entropy of the choices. */
static int
count_used (const Usage *u, int level, int stage, double *perplexity)
{
  const guint64 *counts = u->counts[level][stage];
  double total = 0, entropy = 0;
  int used = 0;

  for (int i = 0; i < u->k[level]; i++)
    {
      total += (double)counts[i];
      used += counts[i] > 0;
    }
  for (int i = 0; i < u->k[level]; i++)
    if (counts[i] > 0)
      entropy -= (double)counts[i] / total * log ((double)counts[i] / total);
  *perplexity = exp (entropy);
  return used;
}

static void
add_usage (JsonBuilder *builder, const Usage *u)
{
  cli_json_add_number (builder, "bits_per_pixel", u->bits / u->pixels);
  json_builder_set_member_name (builder, "codebooks");
  json_builder_begin_array (builder);
  for (int l = 0; l < u->n_levels; l++)
    for (int s = 0; s < u->stages; s++)
      {
        double perplexity;
        int used = count_used (u, l, s, &perplexity);

        json_builder_begin_object (builder);
        json_builder_set_member_name (builder, "level");
        json_builder_add_int_value (builder, l + 1);
        json_builder_set_member_name (builder, "stage");
        json_builder_add_int_value (builder, s + 1);
        json_builder_set_member_name (builder, "entries");
        json_builder_add_int_value (builder, u->k[l]);
        json_builder_set_member_name (builder, "used");
        json_builder_add_int_value (builder, used);
        cli_json_add_number (builder, "perplexity", perplexity);
        json_builder_end_object (builder);
      }
  json_builder_end_array (builder);
}

static void
print_usage (const Usage *u)
{
  g_print (_ ("as .vqi files %.3f bits per pixel\n"), u->bits / u->pixels);
  for (int l = 0; l < u->n_levels; l++)
    for (int s = 0; s < u->stages; s++)
      {
        double perplexity;
        int used = count_used (u, l, s, &perplexity);

        g_print (_ ("codebook of level %d, stage %d: %d of %d used, perplexity "
                    "%.0f\n"),
                 l + 1, s + 1, used, u->k[l], perplexity);
      }
}

static void
print_json (const Evaluation *e)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "model");
  json_builder_add_string_value (builder, atl_model_get_name (e->model));
  json_builder_set_member_name (builder, "n");
  json_builder_add_int_value (builder, e->figures->len);
  add_figures (builder, &e->mean);
  if (is_vqvae (e))
    add_usage (builder, &e->usage);
  json_builder_set_member_name (builder, "pictures");
  json_builder_begin_array (builder);
  for (guint i = 0; i < e->figures->len; i++)
    {
      const AtlPair *pair = e->pairs->pdata[i];

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "name");
      json_builder_add_string_value (builder, pair->name);
      add_figures (builder, &g_array_index (e->figures, AtlComparison, i));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  cli_print_json (json_builder_get_root (builder));
}

static gboolean
evaluate (Evaluation *e, const char *folder, const Options *o, GError **error)
{
  g_autoptr (AtlDataset) dataset = NULL;
  g_autoptr (AtlCorrupt) corrupt = NULL;

  e->model = cli_open_model (o->model, NULL, error);
  if (!e->model)
    return FALSE;
  if (o->corrupt && !(corrupt = atl_corrupt_parse (o->corrupt, error)))
    return FALSE;
  dataset = open_folder (e, folder, o, error);
  if (!dataset)
    return FALSE;
  e->pairs = dataset->held_out_given ? dataset->held_out : dataset->train;
  e->pool = atl_pool_new (o->apply.threads);
  e->figures = g_array_new (FALSE, FALSE, sizeof (AtlComparison));
  set_loading (e, o, corrupt);
  if (!evaluate_all (e, error))
    return FALSE;
  cli_progress_clear ();
  if (o->json)
    print_json (e);
  else
    g_print (ngettext ("%u picture: L1 %.4f, PSNR %.2f dB, SSIM %.4f, MS-SSIM "
                       "%.4f\n",
                       "%u pictures: L1 %.4f, PSNR %.2f dB, SSIM %.4f, MS-SSIM "
                       "%.4f\n",
                       e->figures->len),
             e->figures->len, e->mean.l1, e->mean.psnr, e->mean.ssim,
             e->mean.ms_ssim);
  if (!o->json && is_vqvae (e))
    print_usage (&e->usage);
  return TRUE;
}

gboolean
command_evaluate (int argc, char **argv, GError **error)
{
  Options o = { .apply = CLI_APPLY_DEFAULTS };
  Evaluation e = { 0 };
  const GOptionEntry entries[]
      = { { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
            N_ ("a file, or a name that \"atelier models\" lists"), N_ ("MODEL") },
          { "corrupt", 0, 0, G_OPTION_ARG_STRING, &o.corrupt,
            N_ ("damages clean pictures: noise, jpeg:10-50, ..."), N_ ("DAMAGE") },
          { "direction", 0, 0, G_OPTION_ARG_STRING, &o.direction,
            N_ ("AtoB (default) or BtoA"), N_ ("WAY") },
          { "suffix-a", 0, 0, G_OPTION_ARG_STRING, &o.suffix_a,
            N_ ("what names of A end in, before the extension"), N_ ("TEXT") },
          { "suffix-b", 0, 0, G_OPTION_ARG_STRING, &o.suffix_b,
            N_ ("what names of B end in"), N_ ("TEXT") },
          CLI_APPLY_ENTRIES (o.apply),
          { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, N_ ("print JSON"), NULL },
          { NULL } };
  gboolean done;

  done
      = cli_parse (&argc, &argv, entries, "-m MODEL DIR",
                   _ ("The means over all pairs of DIR (over its val or test part, "
                      "if it has one),\nor over its pictures, damaged with "
                      "--corrupt; values in [0, 1]."),
                   1, 1, error)
        && cli_require_option (o.model, "-m", error)
        && cli_apply_options (&o.apply, &e.apply, error)
        && evaluate (&e, argv[1], &o, error);
  for (int l = 0; l < ATL_MAX_LEVELS; l++)
    for (int s = 0; s < ATL_MAX_STAGES; s++)
      g_free (e.usage.counts[l][s]);
  atl_model_free (e.model);
  g_clear_pointer (&e.pool, atl_pool_free);
  g_clear_pointer (&e.figures, g_array_unref);
  cli_apply_clear (&o.apply);
  g_free (o.model);
  g_free (o.corrupt);
  g_free (o.direction);
  g_free (o.suffix_a);
  g_free (o.suffix_b);
  return done;
}
