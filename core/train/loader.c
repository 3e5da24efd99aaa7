/* Batches in background threads; see loader.h.
 *
 * A ring of slots, one a batch: `ahead` that are being made or wait, and one in
 * the trainer's hands.  The threads take items in order, whole batches or parts
 * of one, so that several threads work on the batch that is needed next.  They
 * run at a lower priority than the trainer, which needs the processors more as
 * long as the ring is full.
 */

#include "train/loader.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "files/file-util.h"
#include "train/item.h"

#define WHAT "batches" /* for messages */
#define MAX_THREADS 64
#define NICENESS 5
#define LANES 32     /* large pictures that are at hand at a time */
#define MAX_TURNS 16 /* patches of each of them */
#define GIB ((guint64)1 << 30)

/* Streams of random numbers of one seed: what for, and the number of it. */
#define STREAM_ORDER ((guint64)0xd1 << 56)
#define STREAM_CROP ((guint64)0xd2 << 56)
#define STREAM_DAMAGE ((guint64)0xd3 << 56)

typedef struct
{
  guint64 step;
  int n_done;
  float *input, *target;
} Slot;

typedef struct
{
  guint64 epoch;
  guint32 *order; /* of that epoch, once drawn */
  gboolean drawn;
} Epoch;

typedef struct
{
  char *name, *message;
} Report;

struct _AtlLoader
{
  AtlItems items;
  int first, n_local; /* this rank's part of a batch */
  int turns;          /* see find_place */
  int n_slots;
  Slot *slots;
  float *memory;
  int n_threads;
  GThread **threads;

  pthread_mutex_t mutex; /* not GMutex: thread sanitizer knows these */
  pthread_cond_t made;   /* a batch is complete, or there is an error */
  pthread_cond_t freed;  /* a slot is free, or it is time to stop */
  gboolean stop;
  guint64 next_step; /* the item to be taken next */
  int next_item;
  guint64 wanted; /* the step that atl_loader_next will hand out next */
  Epoch epochs[2];
  guint8 *bad; /* a pair */
  guint n_bad;
  GPtrArray *reports; /* Report, not yet told */
  GError *error;      /* no further batches */
  AtlLoaderStatistics statistics;

  AtlBatch batch;
  gboolean in_hand; /* the slot of wanted - 1 is the trainer's */
};

static void
report_free (Report *report)
{
  g_free (report->name);
  g_free (report->message);
  g_free (report);
}

/* ---- the order of the data ---- */

/* Fisher and Yates. */
static void
draw_order (guint64 seed, guint64 epoch, guint32 n, guint32 *order)
{
  AtlRandom random;

  atl_random_init (&random, seed, STREAM_ORDER | epoch);
  for (guint32 i = 0; i < n; i++)
    order[i] = i;
  for (guint32 i = n; i-- > 1;)
    {
      guint32 j = atl_random_below (&random, i + 1), swap = order[i];

      order[i] = order[j];
      order[j] = swap;
    }
}

/* With the lock. */
static const guint32 *
get_order (AtlLoader *loader, guint64 epoch)
{
  Epoch *slot = &loader->epochs[epoch % 2];

  if (!slot->drawn || slot->epoch != epoch)
    {
      draw_order (loader->items.options.seed, epoch, loader->items.pairs->len,
                  slot->order);
      slot->epoch = epoch;
      slot->drawn = TRUE;
    }
  return slot->order;
}

/* How many patches are cut from a picture while it is at hand: a quarter of
 * those that fit into it side by side.  1 where pictures are few or small. */
static int
count_turns (GPtrArray *pairs, const AtlLoaderOptions *o)
{
  double area = 0.0, patch = (double)o->width * o->height;

  if (pairs->len <= LANES || o->augment.load_size > 0)
    return 1;
  for (guint i = 0; i < pairs->len; i++)
    {
      const AtlPair *pair = pairs->pdata[i];

      area += (double)pair->width * pair->height;
    }
  return (int)CLAMP (area / pairs->len / patch / 4.0, 1.0, MAX_TURNS);
}

/* The place of an item in the sequence of all epochs.  Of large pictures LANES
 * are shown in turn, each for `turns` rounds; they change one after the other,
 * so that only every turns-th item needs a picture not seen just before. */
static guint64
find_place (guint64 item, int turns)
{
  guint64 lane = item % LANES, round = item / LANES + lane * turns / LANES;

  return turns == 1 ? item : lane + LANES * (round / turns);
}

/* The pair for an item: the one in its place, or the next good one of the
 * epoch; -1 if there is none. */
static gint64
choose_pair (AtlLoader *loader, guint64 item)
{
  guint n = loader->items.pairs->len;
  guint64 place = find_place (item, loader->turns);
  gint64 chosen = -1;

  pthread_mutex_lock (&loader->mutex);
  const guint32 *order = get_order (loader, place / n);
  for (guint i = 0; i < n && chosen < 0 && loader->n_bad < n; i++)
    {
      guint32 pair = order[(place % n + i) % n];

      if (!loader->bad[pair])
        chosen = pair;
    }
  pthread_mutex_unlock (&loader->mutex);
  return chosen;
}

/* ---- making ---- */

/* The message with the file named by its path below the folder. */
static char *
shorten (const char *message, const char *path, const char *name)
{
  g_autoptr (GString) text = g_string_new (message);
  g_autofree char *shown = path ? atl_display_path (path) : NULL;

  if (shown && name)
    g_string_replace (text, shown, name, 0);
  return g_strdup (text->str);
}

static void
mark_bad (AtlLoader *loader, guint pair, const GError *why)
{
  const AtlPair *p = loader->items.pairs->pdata[pair];

  pthread_mutex_lock (&loader->mutex);
  if (!loader->bad[pair])
    {
      g_autofree char *message = shorten (why->message, p->path_b, p->name_b);
      Report *report = g_new (Report, 1);

      loader->bad[pair] = TRUE;
      loader->n_bad++;
      report->name = g_strdup (p->name);
      report->message = shorten (message, p->path_a, p->name);
      g_ptr_array_add (loader->reports, report);
    }
  pthread_mutex_unlock (&loader->mutex);
}

/* local: the item's number in this rank's part. */
static gboolean
make_item (AtlLoader *loader, Slot *slot, int local, GError **error)
{
  const AtlItems *items = &loader->items;
  const AtlLoaderOptions *o = &items->options;
  gsize pixels = (gsize)o->width * o->height;
  guint64 number = slot->step * o->batch + loader->first + local;
  float *input = slot->input + local * pixels * o->input_channels;
  float *target = slot->target == slot->input
                      ? NULL
                      : slot->target + local * pixels * o->target_channels;

  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      AtlRandom where, damage;
      gint64 pair = choose_pair (loader, number);

      if (pair < 0)
        {
          g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
                       _ ("Not one of the %u pictures can be read any more"),
                       items->pairs->len);
          return FALSE;
        }
      atl_random_init (&where, o->seed, STREAM_CROP | number);
      atl_random_init (&damage, o->seed, STREAM_DAMAGE | number);
      if (atl_items_make (items, (guint)pair, NULL, &where, &damage, o->width,
                          o->height, input, target, &failure))
        return TRUE;
      if (g_error_matches (failure, ATELIER_ERROR, ATELIER_ERROR_MEMORY))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      mark_bad (loader, (guint)pair, failure);
    }
}

/* The next item to make, waiting for room; FALSE when it is time to stop. */
static gboolean
take_item (AtlLoader *loader, Slot **slot, int *local)
{
  gboolean ok;

  pthread_mutex_lock (&loader->mutex);
  /* One slot stays with the trainer: that of the step before `wanted`. */
  while (!loader->stop && !loader->error
         && loader->next_step >= loader->wanted + loader->n_slots - 1)
    pthread_cond_wait (&loader->freed, &loader->mutex);
  ok = !loader->stop && !loader->error;
  if (ok)
    {
      *slot = &loader->slots[loader->next_step % loader->n_slots];
      *local = loader->next_item;
      if (*local == 0)
        {
          (*slot)->step = loader->next_step;
          (*slot)->n_done = 0;
        }
      if (++loader->next_item == loader->n_local)
        {
          loader->next_item = 0;
          loader->next_step++;
        }
    }
  pthread_mutex_unlock (&loader->mutex);
  return ok;
}

static double
thread_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

static gpointer
work (gpointer data)
{
  AtlLoader *loader = data;
  Slot *slot;
  int local;

#ifdef __linux__
  /* Of this thread alone; a refusal does no harm. */
  setpriority (PRIO_PROCESS, (id_t)syscall (SYS_gettid), NICENESS);
#endif
  while (take_item (loader, &slot, &local))
    {
      GError *error = NULL;
      double before = thread_seconds ();
      gboolean ok = make_item (loader, slot, local, &error);

      pthread_mutex_lock (&loader->mutex);
      loader->statistics.worked_seconds += thread_seconds () - before;
      slot->n_done += ok;
      if (!ok && !loader->error)
        loader->error = g_steal_pointer (&error);
      if (!ok || slot->n_done == loader->n_local)
        pthread_cond_broadcast (&loader->made);
      pthread_mutex_unlock (&loader->mutex);
      g_clear_error (&error);
    }
  return NULL;
}

/* ---- opening and closing ---- */

/* Ranks may well be on one machine. */
static gsize
default_cache_bytes (int n_ranks)
{
  guint64 available = atl_memory_available ();

  return (gsize)(available ? MIN (available / 4, GIB) : GIB / 2) / n_ranks;
}

/* Completes what the cache's options leave open. */
static void
fill_cache_options (AtlLoaderOptions *o)
{
  struct statvfs stat;
  int n_ranks = MAX (o->n_ranks, 1);

  if (o->cache_bytes == 0)
    o->cache_bytes = default_cache_bytes (n_ranks);
  if (!o->cache_folder)
    o->cache_folder
        = access ("/var/tmp", W_OK) == 0 ? "/var/tmp" : g_get_tmp_dir ();
  if (o->cache_disk < 0)
    o->cache_disk = 0;
  else if (o->cache_disk == 0 && statvfs (o->cache_folder, &stat) == 0)
    o->cache_disk
        = (gint64)MIN ((guint64)stat.f_bavail * stat.f_frsize / 2, 32 * GIB);
}

/* What there is of every pair. */
static gboolean
make_lists (AtlLoader *loader, GError **error)
{
  const AtlLoaderOptions *o = &loader->items.options;
  gsize n = loader->items.pairs->len;

  loader->bad = atl_try_alloc0 (n, sizeof *loader->bad, WHAT, error);
  if (!loader->bad)
    return FALSE;
  for (int i = 0; i < 2; i++)
    {
      loader->epochs[i].order = atl_try_alloc (n, sizeof (guint32), WHAT, error);
      if (!loader->epochs[i].order)
        return FALSE;
    }
  loader->items.cache = atl_picture_cache_new (
      2 * (guint)n, o->cache_bytes, o->cache_disk, o->cache_folder, error);
  return loader->items.cache != NULL;
}

static gboolean
make_slots (AtlLoader *loader, GError **error)
{
  const AtlLoaderOptions *o = &loader->items.options;
  gboolean same = atl_items_target_is_input (&loader->items);
  gsize pixels = (gsize)o->width * o->height * loader->n_local;
  gsize input = pixels * o->input_channels;
  gsize target = same ? 0 : pixels * o->target_channels;

  loader->slots = atl_try_alloc0 (loader->n_slots, sizeof (Slot), WHAT, error);
  if (!loader->slots)
    return FALSE;
  loader->memory = atl_try_alloc ((input + target) * loader->n_slots,
                                  sizeof (float), WHAT, error);
  if (!loader->memory)
    return FALSE;
  for (int i = 0; i < loader->n_slots; i++)
    {
      Slot *slot = &loader->slots[i];

      slot->step = G_MAXUINT64;
      slot->input = loader->memory + (input + target) * i;
      slot->target = same ? slot->input : slot->input + input;
    }
  return TRUE;
}

static void
share_batch (AtlLoader *loader)
{
  const AtlLoaderOptions *o = &loader->items.options;
  int n_ranks = MAX (o->n_ranks, 1);

  loader->first = (int)((gint64)o->batch * o->rank / n_ranks);
  loader->n_local
      = (int)((gint64)o->batch * (o->rank + 1) / n_ranks) - loader->first;
}

/* As many as there can be; FALSE with none.  (loader->error is the threads' from
 * here on.) */
static gboolean
start_threads (AtlLoader *loader, GError **error)
{
  int asked = loader->items.options.n_threads;
  int wanted = asked > 0 ? MIN (asked, MAX_THREADS)
                         : (int)MIN (g_get_num_processors (), 2);

  loader->threads = g_new0 (GThread *, wanted);
  for (int i = 0; i < wanted; i++)
    {
      GThread *thread = g_thread_try_new ("atelier-loader", work, loader,
                                          i == 0 ? error : NULL);

      if (!thread)
        break;
      loader->threads[loader->n_threads++] = thread;
    }
  return loader->n_threads > 0;
}

AtlLoader *
atl_loader_new (GPtrArray *pairs, const AtlLoaderOptions *options, GError **error)
{
  g_autoptr (AtlLoader) loader = NULL;
  AtlItems items;
  AtlLoaderOptions *o;

  if (pairs->len == 0)
    {
      g_set_error_literal (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
                           _ ("There are no pictures to train on"));
      return NULL;
    }
  if (!atl_items_init (&items, pairs, options, error))
    return NULL;
  loader = g_new0 (AtlLoader, 1);
  loader->items = items;
  o = &loader->items.options;
  pthread_mutex_init (&loader->mutex, NULL);
  pthread_cond_init (&loader->made, NULL);
  pthread_cond_init (&loader->freed, NULL);
  loader->reports = g_ptr_array_new_with_free_func ((GDestroyNotify)report_free);
  loader->next_step = loader->wanted = o->first_step;
  loader->n_slots = (o->ahead > 0 ? MIN (o->ahead, 1024) : 3) + 1;
  loader->turns = count_turns (pairs, o);
  share_batch (loader);
  fill_cache_options (o);
  if (!make_lists (loader, error) || !make_slots (loader, error)
      || !start_threads (loader, error))
    return NULL;
  return g_steal_pointer (&loader);
}

void
atl_loader_free (AtlLoader *loader)
{
  if (!loader)
    return;
  pthread_mutex_lock (&loader->mutex);
  loader->stop = TRUE;
  pthread_cond_broadcast (&loader->freed);
  pthread_mutex_unlock (&loader->mutex);
  for (int i = 0; i < loader->n_threads; i++)
    g_thread_join (loader->threads[i]);
  g_free (loader->threads);
  atl_picture_cache_free (loader->items.cache);
  atl_free (loader->memory);
  atl_free (loader->slots);
  atl_free (loader->epochs[0].order);
  atl_free (loader->epochs[1].order);
  atl_free (loader->bad);
  g_ptr_array_unref (loader->reports);
  g_clear_error (&loader->error);
  pthread_mutex_destroy (&loader->mutex);
  pthread_cond_destroy (&loader->made);
  pthread_cond_destroy (&loader->freed);
  g_free (loader);
}

/* ---- handing out ---- */

/* Until a batch is made, or a twentieth of a second. */
static void
wait_a_little (AtlLoader *loader)
{
  struct timespec until;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_nsec += 50 * 1000 * 1000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_cond_timedwait (&loader->made, &loader->mutex, &until);
}

/* Waits, with the lock, until the slot is complete; looks at the cancellable
 * twenty times a second. */
static gboolean
wait_for (AtlLoader *loader, const Slot *slot, GCancellable *cancellable,
          GError **error)
{
  while (slot->step != loader->wanted || slot->n_done < loader->n_local)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (loader->error)
        {
          g_propagate_error (error, g_error_copy (loader->error));
          return FALSE;
        }
      wait_a_little (loader);
    }
  return TRUE;
}

static void
tell_reports (AtlLoader *loader)
{
  const AtlLoaderOptions *o = &loader->items.options;

  for (;;)
    {
      Report *report = NULL;

      pthread_mutex_lock (&loader->mutex);
      if (loader->reports->len)
        report = g_ptr_array_steal_index (loader->reports, 0);
      pthread_mutex_unlock (&loader->mutex);
      if (!report)
        return;
      if (o->bad_picture)
        o->bad_picture (o->data, report->name, report->message);
      report_free (report);
    }
}

static void
fill_batch (AtlLoader *loader, const Slot *slot)
{
  const AtlLoaderOptions *o = &loader->items.options;

  loader->batch = (AtlBatch){ .step = slot->step,
                              .n = loader->n_local,
                              .first = loader->first,
                              .width = o->width,
                              .height = o->height,
                              .input_channels = o->input_channels,
                              .target_channels = o->target_channels,
                              .input = slot->input,
                              .target = slot->target };
}

const AtlBatch *
atl_loader_next (AtlLoader *loader, GCancellable *cancellable, GError **error)
{
  gint64 before = g_get_monotonic_time ();
  Slot *slot;
  gboolean ok;

  pthread_mutex_lock (&loader->mutex);
  slot = &loader->slots[loader->wanted % loader->n_slots];
  ok = wait_for (loader, slot, cancellable, error);
  if (ok)
    {
      fill_batch (loader, slot);
      loader->wanted++;
      loader->statistics.batches++;
      pthread_cond_broadcast (&loader->freed);
    }
  loader->statistics.waited_seconds
      += 1e-6 * (double)(g_get_monotonic_time () - before);
  pthread_mutex_unlock (&loader->mutex);
  tell_reports (loader);
  return ok ? &loader->batch : NULL;
}

void
atl_loader_get_statistics (AtlLoader *loader, AtlLoaderStatistics *statistics)
{
  AtlPictureCacheStatistics cache;

  atl_picture_cache_get_statistics (loader->items.cache, &cache);
  pthread_mutex_lock (&loader->mutex);
  *statistics = loader->statistics;
  statistics->bad = loader->n_bad;
  pthread_mutex_unlock (&loader->mutex);
  statistics->decoded = cache.decoded;
  statistics->cache_bytes = cache.bytes;
  statistics->disk_bytes = cache.disk_bytes;
}
