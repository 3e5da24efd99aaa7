/* Data sets of pairs, put together; see pairs.h.
 *
 * The held-out share is the pairs with the smallest hashes of (seed, name): a
 * pair that comes or goes moves no more than one other across.  Fewer pairs
 * than MIN_TO_HOLD_OUT are all needed; of those, a strip at the right or lower
 * end of each picture is held out instead, where the picture is large enough.
 */

#include "train/pairs.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "train/pairs-private.h"

#define MIN_TO_HOLD_OUT 8
#define MAX_HELD_OUT 200 /* taken; more would only slow down the measuring */
#define MIN_STRIP 128    /* pixels: of a strip that is held out */
#define STREAM_HELD_OUT ((guint64)0xd5 << 56)

void
atl_pair_free (AtlPair *pair)
{
  g_free (pair->name);
  g_free (pair->name_b);
  g_free (pair->path_a);
  g_free (pair->path_b);
  g_free (pair);
}

static AtlPair *
pair_copy (const AtlPair *pair)
{
  AtlPair *copy = g_memdup2 (pair, sizeof *pair);

  copy->name = g_strdup (pair->name);
  copy->name_b = g_strdup (pair->name_b);
  copy->path_a = g_strdup (pair->path_a);
  copy->path_b = g_strdup (pair->path_b);
  return copy;
}

/* FNV-1a of the name, mixed with the seed. */
guint64
atl_pair_hash (const AtlPair *pair, guint64 seed)
{
  guint64 hash = 0xcbf29ce484222325u;
  guint32 bits[4];

  for (const char *c = pair->name; *c; c++)
    hash = (hash ^ (guint8)*c) * 0x100000001b3u;
  atl_random_block (seed, STREAM_HELD_OUT, hash, bits);
  return (guint64)bits[0] << 32 | bits[1];
}

static void
remark_free (AtlRemark *remark)
{
  g_free (remark->name);
  g_free (remark->partner);
  g_free (remark->message);
  g_free (remark);
}

static void
file_free (AtlFile *file)
{
  g_free (file->path);
  g_free (file->name);
  g_free (file->problem);
  g_free (file);
}

static void
candidate_clear (AtlCandidate *candidate)
{
  g_clear_pointer (&candidate->pair, atl_pair_free);
}

void
atl_doctor_remark (AtlDoctor *doctor, AtlRemarkKind kind, gboolean refused,
                   const char *name, const char *partner, char *message)
{
  AtlRemark *remark = g_new (AtlRemark, 1);

  *remark
      = (AtlRemark){ kind, refused, g_strdup (name), g_strdup (partner), message };
  g_ptr_array_add (doctor->dataset->remarks, remark);
}

static AtlDataset *
dataset_new (const char *folder)
{
  AtlDataset *dataset = g_new0 (AtlDataset, 1);
  GDestroyNotify free_pair = (GDestroyNotify)atl_pair_free;

  dataset->folder = g_strdup (folder);
  dataset->train = g_ptr_array_new_with_free_func (free_pair);
  dataset->held_out = g_ptr_array_new_with_free_func (free_pair);
  dataset->test = g_ptr_array_new_with_free_func (free_pair);
  dataset->remarks = g_ptr_array_new_with_free_func ((GDestroyNotify)remark_free);
  return dataset;
}

void
atl_dataset_free (AtlDataset *dataset)
{
  if (!dataset)
    return;
  g_free (dataset->folder);
  g_free (dataset->label_a);
  g_free (dataset->label_b);
  g_ptr_array_unref (dataset->train);
  g_ptr_array_unref (dataset->held_out);
  g_ptr_array_unref (dataset->test);
  g_ptr_array_unref (dataset->remarks);
  g_free (dataset);
}

/* ---- what is held out ---- */

static void
distribute (AtlDoctor *doctor)
{
  AtlDataset *dataset = doctor->dataset;

  for (guint i = 0; i < doctor->candidates->len; i++)
    {
      AtlCandidate *c = &g_array_index (doctor->candidates, AtlCandidate, i);
      GPtrArray *to = c->split == ATL_SPLIT_TRAIN ? dataset->train
                      : c->split == ATL_SPLIT_VAL ? dataset->held_out
                                                  : dataset->test;

      if (c->pair)
        g_ptr_array_add (to, g_steal_pointer (&c->pair));
    }
  if (dataset->held_out->len == 0)
    {
      GPtrArray *swap = dataset->held_out;

      dataset->held_out = dataset->test;
      dataset->test = swap;
    }
  dataset->held_out_given = dataset->held_out->len > 0;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  const AtlPair *const *x = a, *const *y = b;

  return strcmp ((*x)->name, (*y)->name);
}

typedef struct
{
  guint64 hash;
  guint index;
} Rank;

static gint
compare_ranks (gconstpointer a, gconstpointer b)
{
  const Rank *x = a, *y = b;

  return x->hash < y->hash   ? -1
         : x->hash > y->hash ? 1
                             : (x->index > y->index) - (x->index < y->index);
}

static void
hold_out_pairs (AtlDataset *dataset, double share, guint64 seed)
{
  guint n = dataset->train->len;
  guint n_out = CLAMP ((guint)lrint (share * n), 1, MAX_HELD_OUT);
  g_autofree Rank *ranks = g_new (Rank, n);
  g_autofree gboolean *out = g_new0 (gboolean, n);
  GPtrArray *kept = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_pair_free);

  for (guint i = 0; i < n; i++)
    ranks[i] = (Rank){ atl_pair_hash (dataset->train->pdata[i], seed), i };
  qsort (ranks, n, sizeof (Rank), compare_ranks);
  for (guint i = 0; i < n_out; i++)
    out[ranks[i].index] = TRUE;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (out[i] ? dataset->held_out : kept,
                     g_steal_pointer (&dataset->train->pdata[i]));
  g_ptr_array_set_free_func (dataset->train, NULL);
  g_ptr_array_unref (dataset->train);
  dataset->train = kept;
}

/* Cuts a strip off the longer side of every picture that is long enough: the
 * share, but MIN_STRIP at least, of pictures four times as long. */
static void
hold_out_strips (AtlDataset *dataset, double share)
{
  for (guint i = 0; i < dataset->train->len; i++)
    {
      AtlPair *pair = dataset->train->pdata[i], *strip;
      gboolean wide = pair->width >= pair->height;
      int longer = wide ? pair->width : pair->height;
      int cut = MAX ((int)lrint (share * longer), MIN_STRIP);

      if (longer < 4 * MIN_STRIP || MIN (pair->width, pair->height) < MIN_STRIP)
        continue;
      strip = pair_copy (pair);
      pair->region = strip->region = (AtlRegion){ 0, 0, pair->width, pair->height };
      if (wide)
        {
          pair->region.width -= cut;
          strip->region.x = pair->region.width;
          strip->region.width = cut;
        }
      else
        {
          pair->region.height -= cut;
          strip->region.y = pair->region.height;
          strip->region.height = cut;
        }
      g_ptr_array_add (dataset->held_out, strip);
      dataset->held_out_within = TRUE;
    }
}

static void
hold_out (AtlDataset *dataset, const AtlDatasetOptions *options)
{
  double share = CLAMP (options->held_out, 0.0, 0.5);

  g_ptr_array_sort (dataset->train, compare_names);
  g_ptr_array_sort (dataset->held_out, compare_names);
  g_ptr_array_sort (dataset->test, compare_names);
  if (dataset->held_out_given || share == 0.0 || dataset->train->len == 0)
    return;
  if (dataset->train->len < MIN_TO_HOLD_OUT)
    hold_out_strips (dataset, share);
  else
    hold_out_pairs (dataset, share, options->seed);
}

/* ---- opening ---- */

static gint
compare_remarks (gconstpointer a, gconstpointer b)
{
  const AtlRemark *const *x = a, *const *y = b;
  int order = strcmp ((*x)->name, (*y)->name);

  return order ? order : (int)(*x)->kind - (int)(*y)->kind;
}

static gboolean
examine (AtlDoctor *doctor, GError **error)
{
  AtlDataset *dataset = doctor->dataset;

  if (!atl_doctor_scan (doctor, error))
    return FALSE;
  dataset->n_files = doctor->files->len;
  if (!atl_doctor_match (doctor, error) || !atl_doctor_check (doctor, error)
      || !atl_doctor_decode (doctor, error))
    return FALSE;
  distribute (doctor);
  hold_out (dataset, doctor->options);
  g_ptr_array_sort (dataset->remarks, compare_remarks);
  return TRUE;
}

AtlDataset *
atl_dataset_open (const char *folder, const AtlDatasetOptions *options,
                  const AtlProgress *progress, GError **error)
{
  g_autoptr (AtlDataset) dataset = dataset_new (folder);
  g_autoptr (GPtrArray) files
      = g_ptr_array_new_with_free_func ((GDestroyNotify)file_free);
  g_autoptr (GArray) candidates = g_array_new (FALSE, TRUE, sizeof (AtlCandidate));
  AtlDoctor doctor = { options, progress, dataset, files, candidates };

  g_array_set_clear_func (candidates, (GDestroyNotify)candidate_clear);
  return examine (&doctor, error) ? g_steal_pointer (&dataset) : NULL;
}
