/* Looking into the files of candidates, and refusing; see pairs-private.h.
 *
 * Headers and decoding go in parallel; what is said about them is said in the
 * order of the names.
 */

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "base/memory.h"
#include "files/file-util.h"
#include "files/picture.h"
#include "train/alignment.h"
#include "train/pairs-private.h"

#define PROBE_BYTES 4096 /* read at start, middle and end, to tell files apart */

/* ---- many files at once ---- */

typedef void (*EachFunc) (AtlDoctor *doctor, gpointer item);

typedef struct
{
  AtlDoctor *doctor;
  EachFunc func;
  gpointer *items;
  guint n_items;
  guint next, done; /* atomic */
  gint stop;        /* atomic */
} Each;

static gpointer
work_on_each (gpointer data)
{
  Each *each = data;
  guint i;

  while (!g_atomic_int_get (&each->stop)
         && (i = (guint)g_atomic_int_add (&each->next, 1)) < each->n_items)
    {
      each->func (each->doctor, each->items[i]);
      g_atomic_int_inc (&each->done);
    }
  return NULL;
}

/* Calls func for every item, in several threads; the items are independent. */
static gboolean
do_each (AtlDoctor *doctor, GPtrArray *items, EachFunc func, const char *text,
         GError **error)
{
  Each each = { doctor, func, items->pdata, items->len, 0, 0, 0 };
  int n = doctor->options->n_threads > 0 ? doctor->options->n_threads
                                         : (int)g_get_num_processors ();
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();
  gboolean ok = TRUE;

  n = MIN (MIN (n, 64), (int)items->len);
  for (int i = 0; i < n; i++)
    {
      GThread *thread
          = g_thread_try_new ("atelier-pairs", work_on_each, &each, NULL);

      if (thread)
        g_ptr_array_add (threads, thread);
    }
  if (threads->len == 0)
    work_on_each (&each);
  while (ok && (guint)g_atomic_int_get (&each.done) < each.n_items)
    {
      ok = atl_progress_update (
          doctor->progress, (double)g_atomic_int_get (&each.done) / each.n_items,
          text, error);
      g_usleep (2000);
    }
  g_atomic_int_set (&each.stop, !ok);
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (threads->pdata[i]);
  return ok;
}

/* ---- headers ---- */

static char *
full_path (const AtlDoctor *doctor, const AtlFile *file)
{
  return g_build_filename (doctor->dataset->folder, file->path, NULL);
}

static void
probe_file (AtlDoctor *doctor, gpointer item)
{
  AtlFile *file = item;
  g_autofree char *path = full_path (doctor, file);
  g_autoptr (GError) failure = NULL;

  file->probed = TRUE;
  if (file->bytes == 0)
    file->problem = g_strdup (_ ("the file is empty"));
  else if (!atl_picture_probe (path, &file->width, &file->height, &failure))
    file->problem = g_strdup (failure->message);
  else if (file->width < 1 || file->height < 1)
    file->problem = g_strdup (_ ("it has no pixels"));
}

gboolean
atl_doctor_probe (AtlDoctor *doctor, GPtrArray *files, GError **error)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new ();

  for (guint i = 0; i < files->len; i++)
    if (!((AtlFile *)files->pdata[i])->probed)
      g_ptr_array_add (left, files->pdata[i]);
  return left->len == 0
         || do_each (doctor, left, probe_file, _ ("Looking at the pictures"),
                     error);
}

/* ---- sizes ---- */

/* A message that names the file by its path below the folder, once. */
static char *
explain_unreadable (const char *name, const char *path, const char *why)
{
  g_autofree char *shown = atl_display_path (path);
  g_autoptr (GString) text = g_string_new (why);

  if (g_string_replace (text, shown, name, 1) > 0)
    return g_strdup (text->str);
  return g_strdup_printf (_ ("%s can't be read: %s"), name, why);
}

static gboolean
check_readable (AtlDoctor *doctor, const AtlFile *file, const AtlFile *partner)
{
  g_autofree char *path = full_path (doctor, file);

  if (!file->problem)
    return TRUE;
  atl_doctor_remark (doctor, ATL_REMARK_UNREADABLE, TRUE, file->name,
                     partner ? partner->name : NULL,
                     explain_unreadable (file->name, path, file->problem));
  return FALSE;
}

static gboolean
check_sizes (AtlDoctor *doctor, const AtlFile *a, const AtlFile *b)
{
  gboolean scaled;
  double ratio;

  if (a->width == b->width && a->height == b->height)
    return TRUE;
  ratio = (double)a->width * b->height / ((double)a->height * b->width);
  scaled = fabs (ratio - 1.0) < 0.01;
  atl_doctor_remark (
      doctor, ATL_REMARK_SIZES_DIFFER, TRUE, a->name, b->name,
      g_strdup_printf (
          scaled ? _ ("%s is %dx%d but its partner %s is %dx%d; scale one of them "
                      "to the size of the other")
                 : _ ("%s is %dx%d but its partner %s is %dx%d; crop or scale one "
                      "of them so that they fit over each other"),
          a->name, a->width, a->height, b->name, b->width, b->height));
  return FALSE;
}

static gboolean
check_shape (AtlDoctor *doctor, const AtlFile *file)
{
  gboolean automatic = doctor->options->form == ATL_FORM_AUTO;

  if (automatic ? file->width == 2 * file->height : file->width >= 2)
    return TRUE;
  atl_doctor_remark (
      doctor, ATL_REMARK_NOT_A_PAIR, TRUE, file->name, NULL,
      g_strdup_printf (_ ("%s is %dx%d and no pair side by side, which would be "
                          "twice as wide as high"),
                       file->name, file->width, file->height));
  return FALSE;
}

static AtlPair *
pair_new (const AtlDoctor *doctor, const AtlCandidate *candidate)
{
  AtlPair *pair = g_new0 (AtlPair, 1);

  pair->name = g_strdup (candidate->a->name);
  pair->path_a = full_path (doctor, candidate->a);
  pair->side_by_side = candidate->b == candidate->a;
  pair->width = candidate->a->width / (pair->side_by_side ? 2 : 1);
  pair->height = candidate->a->height;
  if (candidate->b)
    pair->path_b = full_path (doctor, candidate->b);
  if (candidate->b && !pair->side_by_side)
    pair->name_b = g_strdup (candidate->b->name);
  return pair;
}

static gboolean
check_candidate (AtlDoctor *doctor, const AtlCandidate *candidate)
{
  const AtlFile *a = candidate->a, *b = candidate->b;

  if (b == a)
    return check_readable (doctor, a, NULL) && check_shape (doctor, a);
  if (!b)
    return check_readable (doctor, a, NULL);
  gboolean readable = check_readable (doctor, a, b);
  readable &= check_readable (doctor, b, a);
  return readable && check_sizes (doctor, a, b);
}

/* ---- the same bytes twice ---- */

static gboolean
hash_part (GFileInputStream *stream, GChecksum *sum, goffset at, gsize size)
{
  atl_autofree guint8 *bytes = atl_try_alloc (size, 1, "pixels", NULL);
  gsize n;

  if (!bytes || !g_seekable_seek (G_SEEKABLE (stream), at, G_SEEK_SET, NULL, NULL)
      || !g_input_stream_read_all (G_INPUT_STREAM (stream), bytes, size, &n, NULL,
                                   NULL))
    return FALSE;
  g_checksum_update (sum, bytes, (gssize)n);
  return TRUE;
}

/* SHA-256 of three parts of a file, or of all of it; NULL if unreadable. */
static char *
hash_file (const AtlDoctor *doctor, const AtlFile *file, gboolean whole)
{
  g_autofree char *path = full_path (doctor, file);
  g_autoptr (GFile) gfile = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (gfile, NULL, NULL);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  goffset size = (goffset)file->bytes;
  gboolean ok = stream != NULL;

  if (whole || size <= 3 * PROBE_BYTES)
    for (goffset at = 0; ok && at < size; at += 1 << 20)
      ok = hash_part (stream, sum, at, 1 << 20);
  else
    ok = ok && hash_part (stream, sum, 0, PROBE_BYTES)
         && hash_part (stream, sum, size / 2, PROBE_BYTES)
         && hash_part (stream, sum, size - PROBE_BYTES, PROBE_BYTES);
  return ok ? g_strdup (g_checksum_get_string (sum)) : NULL;
}

/* What a candidate's files have in common with an equal one's. */
static char *
size_key (const AtlCandidate *c)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, c->a->bytes,
                          c->b ? c->b->bytes : 0);
}

static char *
content_key (const AtlDoctor *doctor, const AtlCandidate *c, gboolean whole)
{
  g_autofree char *a = hash_file (doctor, c->a, whole);
  g_autofree char *b
      = c->b && c->b != c->a ? hash_file (doctor, c->b, whole) : g_strdup ("");

  return a && b ? g_strconcat (a, b, NULL) : NULL;
}

/* Groups the candidates in `group` (AtlCandidate) by key; values are arrays. */
static GHashTable *
group_by (AtlDoctor *doctor, GPtrArray *group, int level)
{
  GHashTable *groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                              (GDestroyNotify)g_ptr_array_unref);

  for (guint i = 0; i < group->len; i++)
    {
      AtlCandidate *c = group->pdata[i];
      char *key = level == 0 ? size_key (c) : content_key (doctor, c, level == 2);
      GPtrArray *members = key ? g_hash_table_lookup (groups, key) : NULL;

      if (members)
        g_free (key);
      else if (key)
        {
          members = g_ptr_array_new ();
          g_hash_table_insert (groups, key, members);
        }
      if (members)
        g_ptr_array_add (members, c);
    }
  return groups;
}

static void
refuse_copy (AtlDoctor *doctor, AtlCandidate *copy, const AtlCandidate *first)
{
  atl_doctor_remark (
      doctor, ATL_REMARK_DUPLICATE, TRUE, copy->a->name, first->a->name,
      g_strdup_printf (_ ("%s is the same picture as %s, byte for byte; only one "
                          "of them is used"),
                       copy->a->name, first->a->name));
  g_clear_pointer (&copy->pair, atl_pair_free);
}

/* Of equal candidates the first in a split with less weight in training goes:
 * what is held out must not be trained on, so val and test win over train. */
static void
refuse_copies (AtlDoctor *doctor, GPtrArray *equal)
{
  AtlCandidate *kept = equal->pdata[0];

  for (guint i = 1; i < equal->len; i++)
    {
      AtlCandidate *c = equal->pdata[i];

      if (c->split > kept->split)
        kept = c;
    }
  for (guint i = 0; i < equal->len; i++)
    if (equal->pdata[i] != kept)
      refuse_copy (doctor, equal->pdata[i], kept);
}

/* By size first, then by parts of the files, then by all of them: so that
 * nearly nothing is read where nothing is equal. */
static void
find_copies (AtlDoctor *doctor, GPtrArray *group, int level)
{
  g_autoptr (GHashTable) groups = group_by (doctor, group, level);
  GHashTableIter iter;
  gpointer members;

  g_hash_table_iter_init (&iter, groups);
  while (g_hash_table_iter_next (&iter, NULL, &members))
    if (((GPtrArray *)members)->len > 1)
      {
        if (level < 2)
          find_copies (doctor, members, level + 1);
        else
          refuse_copies (doctor, members);
      }
}

static void
warn_of_same_sides (AtlDoctor *doctor, const AtlCandidate *c)
{
  g_autofree char *a = NULL, *b = NULL;

  if (!c->b || c->b == c->a || c->a->bytes != c->b->bytes)
    return;
  a = hash_file (doctor, c->a, TRUE);
  b = hash_file (doctor, c->b, TRUE);
  if (a && b && g_str_equal (a, b))
    atl_doctor_remark (
        doctor, ATL_REMARK_SAME_CONTENT, FALSE, c->a->name, c->b->name,
        g_strdup_printf (_ ("%s and its partner %s are the same file; there is "
                            "nothing to learn from this pair"),
                         c->a->name, c->b->name));
}

gboolean
atl_doctor_check (AtlDoctor *doctor, GError **error)
{
  GArray *candidates = doctor->candidates;
  g_autoptr (GPtrArray) files = g_ptr_array_new ();
  g_autoptr (GPtrArray) passed = g_ptr_array_new ();

  for (guint i = 0; i < candidates->len; i++)
    {
      AtlCandidate *c = &g_array_index (candidates, AtlCandidate, i);

      g_ptr_array_add (files, c->a);
      if (c->b && c->b != c->a)
        g_ptr_array_add (files, c->b);
    }
  if (!atl_doctor_probe (doctor, files, error))
    return FALSE;
  for (guint i = 0; i < candidates->len; i++)
    {
      AtlCandidate *c = &g_array_index (candidates, AtlCandidate, i);

      if (!check_candidate (doctor, c))
        continue;
      c->pair = pair_new (doctor, c);
      g_ptr_array_add (passed, c);
      warn_of_same_sides (doctor, c);
    }
  find_copies (doctor, passed, 0);
  return TRUE;
}

/* ---- decoding ---- */

typedef struct
{
  AtlCandidate *candidate;
  AtlAlignment alignment;
  GError *failure;
} Look;

static void
look_closer (AtlDoctor *doctor, gpointer item)
{
  Look *look = item;

  atl_alignment_look (look->candidate->pair, &look->alignment, &look->failure);
}

static gint
compare_hashes (gconstpointer a, gconstpointer b, gpointer seed)
{
  const Look *const *x = a, *const *y = b;
  guint64 p = atl_pair_hash ((*x)->candidate->pair, *(guint64 *)seed);
  guint64 q = atl_pair_hash ((*y)->candidate->pair, *(guint64 *)seed);

  return p < q ? -1 : p > q;
}

static void
warn_of_alignment (AtlDoctor *doctor, const Look *look)
{
  const AtlPair *pair = look->candidate->pair;
  const AtlAlignment *found = &look->alignment;
  const char *partner = pair->name_b ? pair->name_b : _ ("its right half");
  char *message;

  if (found->finding == ATL_ALIGNMENT_SHIFTED)
    message = g_strdup_printf (
        _ ("%s looks misaligned: %s seems shifted by %d pixels across and %d down"),
        pair->name, partner, found->dx, found->dy);
  else if (found->finding == ATL_ALIGNMENT_MIRRORED)
    message = g_strdup_printf (_ ("%s looks misaligned: %s seems mirrored"),
                               pair->name, partner);
  else
    return;
  atl_doctor_remark (doctor, ATL_REMARK_MISALIGNED, FALSE, pair->name, pair->name_b,
                     message);
}

static void
conclude (AtlDoctor *doctor, Look *look)
{
  AtlPair *pair = look->candidate->pair;
  g_autofree char *shown = NULL;
  gboolean is_b = FALSE;
  const char *name;

  if (!look->failure)
    {
      warn_of_alignment (doctor, look);
      return;
    }
  if (pair->name_b)
    {
      shown = atl_display_path (pair->path_b);
      is_b = strstr (look->failure->message, shown) != NULL;
    }
  name = is_b ? pair->name_b : pair->name;
  atl_doctor_remark (doctor, ATL_REMARK_UNREADABLE, TRUE, name,
                     is_b ? pair->name : pair->name_b,
                     explain_unreadable (name, is_b ? pair->path_b : pair->path_a,
                                         look->failure->message));
  g_clear_pointer (&look->candidate->pair, atl_pair_free);
}

static void
look_free (Look *look)
{
  g_clear_error (&look->failure);
  g_free (look);
}

gboolean
atl_doctor_decode (AtlDoctor *doctor, GError **error)
{
  g_autoptr (GPtrArray) looks
      = g_ptr_array_new_with_free_func ((GDestroyNotify)look_free);
  int n_decode = doctor->options->n_decode;
  guint64 seed = doctor->options->seed;

  if (n_decode == 0)
    return TRUE;
  for (guint i = 0; i < doctor->candidates->len; i++)
    {
      AtlCandidate *c = &g_array_index (doctor->candidates, AtlCandidate, i);
      Look *look;

      if (!c->pair)
        continue;
      look = g_new0 (Look, 1);
      look->candidate = c;
      g_ptr_array_add (looks, look);
    }
  if (n_decode > 0 && looks->len > (guint)n_decode)
    {
      g_ptr_array_sort_with_data (looks, compare_hashes, &seed);
      g_ptr_array_set_size (looks, n_decode);
    }
  if (!do_each (doctor, looks, look_closer, _ ("Decoding pictures"), error))
    return FALSE;
  for (guint i = 0; i < looks->len; i++)
    conclude (doctor, looks->pdata[i]);
  return TRUE;
}
