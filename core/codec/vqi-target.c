/* Finding the setting that gives a file of so many bytes, or so much likeness.
 *
 * A setting is a number of stages and a rate (how much bits count when codes are
 * chosen).  More stages at a high rate and fewer at a low one may give the same
 * bytes; the better of the two is taken.  Sizes fall and errors grow with the
 * rate, all but exactly, so it is found by halving.
 */

#include <glib/gi18n-lib.h>
#include <math.h>

#include "codec/vqi-private.h"

#define HALVINGS 5
#define LEAST_RATE 0.003 /* below it, 0 */

/* A file that was tried. */
typedef struct
{
  AtlVqi *vqi;
  double mse; /* negative: not measured */
} Trial;

typedef struct
{
  AtlVqiJob *job;
  const AtlProgress *progress;
  int n_done, n_most; /* encodings, for the progress */
  int model_stages;
} Search;

static void
trial_clear (Trial *trial)
{
  g_clear_pointer (&trial->vqi, atl_vqi_free);
}

static const AtlProgress *
next_part (Search *search, AtlProgressPart *part)
{
  double from = MIN (1, (double)search->n_done / search->n_most);

  search->n_done++;
  return atl_progress_part (part, search->progress, from,
                            MIN (1, (double)search->n_done / search->n_most));
}

/* Encodes, and measures the error with so many stages if `measure`. */
static gboolean
try_setting (Search *search, int stages, double rate, gboolean measure,
             Trial *trial, GError **error)
{
  AtlVqiJob *job = search->job;
  AtlProgressPart part;
  AtlCodes codes;
  gboolean ok = TRUE;

  trial->mse = -1;
  trial->vqi = atl_vqi_job_encode (job, stages, rate, &codes,
                                   next_part (search, &part), error);
  if (!trial->vqi)
    return FALSE;
  if (measure)
    ok = atl_vqi_error (job->model, job->pool, job->source, &codes, stages,
                        job->options.memory, next_part (search, &part), &trial->mse,
                        error);
  atl_codes_clear (&codes);
  if (!ok)
    trial_clear (trial);
  return ok;
}

static void
keep (Trial *best, Trial *trial)
{
  trial_clear (best);
  *best = *trial;
  trial->vqi = NULL;
}

/* The lowest rate from `low` to `high` with which so many stages fit; `best`
 * holds what does with `high`. */
static gboolean
fill_bytes (Search *search, int stages, double low, double high, Trial *best,
            GError **error)
{
  gsize most = search->job->options.target_bytes;

  for (int i = 0; i < HALVINGS; i++)
    {
      double rate = i == 0 && low == 0 ? 0 : sqrt (MAX (low, LEAST_RATE) * high);
      Trial trial;

      if (best->vqi->bytes >= most - most / 100)
        return TRUE;
      if (!try_setting (search, stages, rate, TRUE, &trial, error))
        return FALSE;
      if (trial.vqi->bytes <= most)
        {
          high = rate;
          keep (best, &trial);
        }
      else
        low = MAX (rate, LEAST_RATE);
      trial_clear (&trial);
      if (high <= LEAST_RATE)
        return TRUE;
    }
  return TRUE;
}

static void
search_init (Search *search, AtlVqiJob *job, const AtlProgress *progress)
{
  *search = (Search){ .job = job, .progress = progress };
  search->model_stages = job->options.stages > 0
                             ? job->options.stages
                             : atl_model_get_config (job->model)->stages;
  search->n_most = 4 * HALVINGS + 4;
}

static gboolean
cannot_reach (gsize least, gsize most, GError **error)
{
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("The picture does not fit into %zu bytes with this "
                  "model; it takes at least %zu"),
               most, least);
  return FALSE;
}

/* Fits `stages` with some rate above the usual one into *other. */
static gboolean
squeeze (Search *search, int stages, gboolean required, Trial *other,
         GError **error)
{
  gsize most = search->job->options.target_bytes;

  if (!try_setting (search, stages, ATL_VQI_RATE_MAX, TRUE, other, error))
    return FALSE;
  if (other->vqi->bytes > most)
    {
      gsize least = other->vqi->bytes;

      trial_clear (other);
      return required ? cannot_reach (least, most, error) : TRUE;
    }
  return fill_bytes (search, stages, ATL_VQI_RATE, ATL_VQI_RATE_MAX, other, error);
}

AtlVqi *
atl_vqi_reach_bytes (AtlVqiJob *job, const AtlProgress *progress, GError **error)
{
  gsize most = job->options.target_bytes;
  Trial all = { 0 }, fewer = { 0 }, more = { 0 };
  Search search;
  int fits;
  gboolean ok;

  search_init (&search, job, progress);
  ok = try_setting (&search, search.model_stages, ATL_VQI_RATE, FALSE, &all, error);
  for (fits = search.model_stages; ok && fits > 0; fits--)
    if (atl_vqi_measure (all.vqi, fits) <= most)
      break;
  trial_clear (&all);
  if (ok && fits > 0)
    ok = try_setting (&search, fits, ATL_VQI_RATE, TRUE, &fewer, error)
         && fill_bytes (&search, fits, 0, ATL_VQI_RATE, &fewer, error);
  if (ok && fits < search.model_stages)
    ok = squeeze (&search, fits + 1, fits == 0, &more, error);
  if (ok && more.vqi && (!fewer.vqi || more.mse < fewer.mse))
    keep (&fewer, &more);
  trial_clear (&more);
  if (!ok)
    trial_clear (&fewer);
  return fewer.vqi;
}

/* The highest rate that still reaches the error; `best` does. */
static gboolean
spend_error (Search *search, int stages, double low, double high, double most,
             Trial *best, GError **error)
{
  for (int i = 0; i < HALVINGS; i++)
    {
      double rate = sqrt (MAX (low, LEAST_RATE) * high);
      Trial trial;

      if (best->mse > most * 0.99)
        return TRUE;
      if (!try_setting (search, stages, rate, TRUE, &trial, error))
        return FALSE;
      if (trial.mse <= most)
        {
          low = rate;
          if (trial.vqi->bytes < best->vqi->bytes)
            keep (best, &trial);
        }
      else
        high = rate;
      trial_clear (&trial);
    }
  return TRUE;
}

/* The fewest stages whose error is small enough; 0 if none's is. */
static gboolean
find_stages (Search *search, double most, int *stages, GError **error)
{
  AtlVqiJob *job = search->job;
  AtlProgressPart part;
  AtlCodes codes;
  AtlVqi *vqi = atl_vqi_job_encode (job, search->model_stages, ATL_VQI_RATE, &codes,
                                    next_part (search, &part), error);
  gboolean ok = vqi != NULL;

  if (!ok)
    return FALSE;
  atl_vqi_free (vqi);
  *stages = 0;
  for (int s = 1; ok && s <= search->model_stages && *stages == 0; s++)
    {
      double mse;

      ok = atl_vqi_error (job->model, job->pool, job->source, &codes, s,
                          job->options.memory, next_part (search, &part), &mse,
                          error);
      if (ok && mse <= most)
        *stages = s;
    }
  atl_codes_clear (&codes);
  return ok;
}

AtlVqi *
atl_vqi_reach_psnr (AtlVqiJob *job, const AtlProgress *progress, GError **error)
{
  double most = pow (10, -job->options.target_psnr / 10);
  Trial best = { 0 };
  Search search;
  int stages;
  double rate = ATL_VQI_RATE;
  gboolean ok;

  search_init (&search, job, progress);
  if (!find_stages (&search, most, &stages, error))
    return NULL;
  if (stages == 0) /* all, and no regard for bits */
    rate = 0;
  ok = try_setting (&search, stages > 0 ? stages : search.model_stages, rate, TRUE,
                    &best, error);
  if (ok && best.mse > most * 1.0001)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("This model can't reach %.2f dB with this picture; it "
                      "reaches %.2f dB"),
                   job->options.target_psnr, -10 * log10 (best.mse));
      ok = FALSE;
    }
  if (ok)
    ok = spend_error (&search, stages > 0 ? stages : search.model_stages, rate,
                      stages > 0 ? ATL_VQI_RATE_MAX : ATL_VQI_RATE, most, &best,
                      error);
  if (!ok)
    trial_clear (&best);
  return best.vqi;
}
