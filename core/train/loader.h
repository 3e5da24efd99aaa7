/* Batches of patches, made ahead of the trainer in background threads.
 *
 * What batch `step` holds is a pure function of the pairs, the options and
 * `step`: the items of all batches are numbered through, an epoch is a
 * permutation drawn from (seed, epoch), and everything random about item i
 * comes from (seed, i).  (Where there are many pictures much larger than the
 * patch, several patches are cut from each before it is the next one's turn: an
 * epoch is then longer, and few pictures need to be decoded a batch.)  So a
 * loader opened with first_step = k goes on exactly as one that has come to k
 * by itself, whatever the number of threads, and ranks of an MPI run get
 * contiguous parts of the very same batches.
 *
 * Pictures are decoded once, kept at their own depth (see picture-cache.h) and
 * cut from there.  A picture that can't be read is reported once and replaced
 * by the next good one of its epoch; training goes on.
 * Transparent parts of a picture are seen on white; colour profiles are not
 * applied.
 */

#pragma once

#include "train/augment.h"
#include "train/corrupt.h"
#include "train/pairs.h"

G_BEGIN_DECLS

typedef struct
{
  /* What a batch is. */
  int width, height;                   /* of a patch */
  int batch;                           /* of all ranks together */
  int rank, n_ranks;                   /* 0 and 0 is as 0 and 1 */
  int input_channels, target_channels; /* 1 or 3; 0: 3 */
  gboolean luma_to_chroma;             /* input: Y; target: Cb, Cr (1 and 2
                                       channels; see base/colour.h) */
  gboolean b_to_a;
  AtlAugment augment;
  const AtlCorrupt *corrupt; /* or NULL; the input is damaged, and pairs
                                      are single pictures; borrowed */
  guint64 seed;
  guint64 first_step;

  /* How it is made. */
  int n_threads;            /* 0: 2, or as many as there are processors */
  int ahead;                /* batches made ahead; 0: 3 */
  gsize cache_bytes;        /* decoded pictures in memory; 0: a quarter
                                      of the free memory, 1 GiB at most */
  gint64 cache_disk;        /* bytes of a temporary file for those that
                                      memory has no room for; 0: half of the
                                      free space, 32 GiB at most; -1: none */
  const char *cache_folder; /* of that file; NULL: /var/tmp, or $TMPDIR */

  /* Called once a picture, in the thread that calls atl_loader_next. */
  void (*bad_picture) (gpointer data, const char *name, const char *message);
  gpointer data;
} AtlLoaderOptions;

typedef struct
{
  guint64 step;
  int n;     /* items: this rank's part */
  int first; /* number of the first in the whole batch */
  int width, height;
  int input_channels, target_channels;
  const float *input;  /* n x height x width x input_channels, in [-1, 1] */
  const float *target; /* the same of the target; for single pictures without
                           `corrupt` and luma_to_chroma it is `input` itself */
} AtlBatch;

typedef struct
{
  guint64 batches;       /* handed out */
  double waited_seconds; /* that atl_loader_next spent waiting for them */
  double worked_seconds; /* processor time of the threads */
  guint64 decoded;       /* pictures, counting repetitions */
  guint64 bad;
  gsize cache_bytes;  /* now in memory */
  guint64 disk_bytes; /* now in the temporary file */
} AtlLoaderStatistics;

typedef struct _AtlLoader AtlLoader;

/* pairs: AtlPair, not empty, borrowed and unchanged while the loader lives.
 * NULL with ATELIER_ERROR_ARGUMENT, _DATA or _MEMORY. */
AtlLoader *atl_loader_new (GPtrArray *pairs, const AtlLoaderOptions *options,
                           GError **error);
/* Stops the threads (soon: between pictures) and removes the cache. */
void atl_loader_free (AtlLoader *loader);
/* The next batch, waiting for it if need be; valid until the next call.  NULL
 * with ATELIER_ERROR_DATA (not one picture can be read any more), _MEMORY, or
 * G_IO_ERROR_CANCELLED (cancellable may be NULL). */
const AtlBatch *atl_loader_next (AtlLoader *loader, GCancellable *cancellable,
                                 GError **error);
/* The waiting for the first batch is counted apart from the rest by no one:
 * take the difference of two of these. */
void atl_loader_get_statistics (AtlLoader *loader, AtlLoaderStatistics *statistics);

/* One pair as it is, for measuring and for sample sheets: the whole region, or
 * its middle where width and height are given (reflected where it is smaller).
 * No augmentation but load_size; damage drawn from (seed, index). */
typedef struct
{
  int width, height;
  int input_channels, target_channels;
  float *input;  /* dense NHWC of one item, in [-1, 1] */
  float *target; /* may be `input` */
} AtlSample;

AtlSample *atl_sample_load (const AtlPair *pair, guint64 index,
                            const AtlLoaderOptions *options, GError **error);
void atl_sample_free (AtlSample *sample);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlLoader, atl_loader_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlSample, atl_sample_free)

G_END_DECLS
