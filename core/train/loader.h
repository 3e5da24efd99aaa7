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
  /* What a batch is.  width, height: of a patch.  batch: patches of all ranks
   * together; rank 0 of n_ranks 0 is rank 0 of 1.  Channels are 1 or 3 (0: 3);
   * with luma_to_chroma the input is Y and the target Cb and Cr (see
   * base/colour.h).  corrupt: NULL, or what damages the input, pairs then being
   * single pictures; borrowed. */
  int width, height;
  int batch;
  int rank, n_ranks;
  int input_channels, target_channels;
  gboolean luma_to_chroma;
  gboolean b_to_a;
  AtlAugment augment;
  const AtlCorrupt *corrupt;
  guint64 seed;
  guint64 first_step;

  /* How it is made; 0 or NULL stands for the default.
   * n_threads: 2, or 1 where there is one processor.
   * ahead: batches made ahead; 3.
   * cache_bytes: decoded pictures in memory; a quarter of the free memory, 1 GiB
   * at most, shared by all ranks.
   * cache_disk: bytes of a temporary file for pictures that memory has no room
   * for; half of the free space, 32 GiB at most, shared by all ranks; -1: none.
   * cache_folder: where that file is made; /var/tmp, else $TMPDIR. */
  int n_threads;
  int ahead;
  gsize cache_bytes;
  gint64 cache_disk;
  const char *cache_folder;

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
/* Everything since the loader was made; the difference of two of these leaves
 * out the wait for the first batch. */
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
