/* Memory: alignment, refusals, and arenas in which nothing overlaps. */

#include "base/memory.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/random.h"

static void
test_alloc_is_aligned (void)
{
  for (gsize n = 0; n < 300; n += 7)
    {
      guint8 *memory = atl_try_alloc0 (n, 3, "a test", NULL);

      g_assert_nonnull (memory);
      g_assert_cmpuint ((guintptr)memory % ATL_ALIGNMENT, ==, 0);
      for (gsize i = 0; i < n * 3; i++)
        g_assert_cmpuint (memory[i], ==, 0);
      memset (memory, 0xff, n * 3);
      atl_free (memory);
    }
}

static void
test_impossible_sizes_are_refused (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (atl_try_alloc (G_MAXSIZE / 2, 3, "the moon", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, "the moon"));
  g_clear_error (&error);
  g_assert_null (atl_try_alloc (G_MAXSIZE, 1, "the sun", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY);
  g_clear_error (&error);
  /* No overflow, but more than any machine maps. */
  g_assert_null (atl_try_alloc ((gsize)1 << 60, 1, "a star", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY);
}

static void
check_arena (const AtlLifetime *buffers, int n, gsize total)
{
  for (int i = 0; i < n; i++)
    {
      g_assert_cmpuint (buffers[i].offset % ATL_ALIGNMENT, ==, 0);
      g_assert_cmpuint (buffers[i].offset + buffers[i].size, <=, total);
      for (int j = 0; j < i; j++)
        if (buffers[i].first <= buffers[j].last
            && buffers[j].first <= buffers[i].last)
          g_assert_true (buffers[i].offset + buffers[i].size <= buffers[j].offset
                         || buffers[j].offset + buffers[j].size
                                <= buffers[i].offset);
    }
}

static gsize
place (AtlLifetime *buffers, int n)
{
  gsize total = 0;
  gboolean placed = atl_arena_place (buffers, n, &total, NULL);

  g_assert_true (placed);
  return total;
}

static void
test_arena_never_overlaps (void)
{
  AtlRandom random;
  AtlLifetime buffers[60];

  atl_random_init (&random, 1, 0);
  for (int round = 0; round < 300; round++)
    {
      int n = (int)atl_random_below (&random, 61);
      gsize total, sum = 0;

      for (int i = 0; i < n; i++)
        {
          buffers[i].size = atl_random_below (&random, 5000);
          buffers[i].first = (int)atl_random_below (&random, 30);
          buffers[i].last = buffers[i].first + (int)atl_random_below (&random, 10);
          sum += buffers[i].size + ATL_ALIGNMENT;
        }
      total = place (buffers, n);
      g_assert_cmpuint (total, <=, sum);
      check_arena (buffers, n, total);
    }
}

/* A chain in which only neighbours live together needs room for two. */
static void
test_arena_reuses_memory (void)
{
  AtlLifetime buffers[20];

  for (int i = 0; i < 20; i++)
    buffers[i] = (AtlLifetime){ .size = 4096, .first = i, .last = i + 1 };
  g_assert_cmpuint (place (buffers, 20), ==, 2 * 4096);
  check_arena (buffers, 20, 2 * 4096);
}

/* A small buffer goes into the gap that a large one left. */
static void
test_arena_fills_gaps (void)
{
  AtlLifetime buffers[] = {
    { .size = 1024, .first = 0, .last = 1 },
    { .size = 512, .first = 0, .last = 5 },
    { .size = 256, .first = 3, .last = 5 },
  };

  g_assert_cmpuint (place (buffers, 3), ==, 1536);
  g_assert_cmpuint (buffers[2].offset, ==, 0);
  g_assert_cmpuint (place (NULL, 0), ==, 0);
}

static void
test_arena_overflow_is_told (void)
{
  AtlLifetime buffers[] = {
    { .size = G_MAXSIZE / 2, .first = 0, .last = 1 },
    { .size = G_MAXSIZE / 2, .first = 0, .last = 1 },
    { .size = 1000, .first = 0, .last = 1 },
  };

  g_assert_cmpuint (place (buffers, 3), ==, G_MAXSIZE);
  buffers[0].size = G_MAXSIZE;
  g_assert_cmpuint (place (buffers, 1), ==, G_MAXSIZE);
}

static void
test_machine_is_plausible (void)
{
  guint64 total = atl_memory_total (), available = atl_memory_available ();
  guint64 before = atl_memory_peak ();
  guint8 *memory = atl_try_alloc0 (64 << 20, 1, "a test", NULL);

  g_assert_cmpuint (total, >, 64 << 20);
  g_assert_cmpuint (available, >, 0);
  g_assert_cmpuint (available, <=, total);
  g_assert_nonnull (memory);
  g_assert_cmpuint (atl_memory_peak (), >=, before + (60 << 20));
  atl_free (memory);
}

static gboolean
refuse_over_a_page (gsize bytes, gpointer data)
{
  return bytes <= 4096;
}

static void
test_buffer_grows (void)
{
  g_auto (AtlBuffer) buffer = ATL_BUFFER_INIT ("a test");
  g_auto (AtlBuffer) more = ATL_BUFFER_INIT ("a test");
  g_autoptr (GBytes) bytes = NULL;

  for (int i = 0; i < 100000; i++)
    atl_buffer_append (i % 2 ? &buffer : &more, &i, sizeof i);
  atl_buffer_move (&buffer, &more);
  g_assert_cmpuint (more.len, ==, 0);
  bytes = atl_buffer_to_bytes (&buffer, NULL);
  g_assert_cmpuint (buffer.len, ==, 0);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 100000 * sizeof (int));
  for (int i = 0; i < 100000; i++)
    g_assert_cmpint (((const int *)g_bytes_get_data (bytes, NULL))[i], ==,
                     i < 50000 ? 2 * i + 1 : 2 * (i - 50000));
}

static void
test_buffer_keeps_its_error (void)
{
  g_auto (AtlBuffer) buffer = ATL_BUFFER_INIT ("a test");
  g_auto (AtlBuffer) outer = ATL_BUFFER_INIT ("a test");
  g_autoptr (GError) error = NULL;

  atl_buffer_append (&outer, "abc", 3);
  atl_set_alloc_hook (refuse_over_a_page, NULL);
  for (int i = 0; i < 2000; i++)
    atl_buffer_append (&buffer, &i, sizeof i);
  atl_set_alloc_hook (NULL, NULL);
  atl_buffer_append (&buffer, "abc", 3);
  g_assert_cmpuint (buffer.len, ==, 0);
  g_assert_false (atl_buffer_check (&buffer, NULL));
  g_assert_null (atl_buffer_to_bytes (&buffer, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY);
  g_clear_error (&error);
  atl_buffer_move (&outer, &buffer);
  g_assert_true (atl_buffer_check (&buffer, NULL));
  g_assert_null (atl_buffer_to_bytes (&outer, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/alloc-is-aligned", test_alloc_is_aligned);
  g_test_add_func ("/memory/impossible-sizes-are-refused",
                   test_impossible_sizes_are_refused);
  g_test_add_func ("/memory/arena-never-overlaps", test_arena_never_overlaps);
  g_test_add_func ("/memory/arena-reuses-memory", test_arena_reuses_memory);
  g_test_add_func ("/memory/arena-fills-gaps", test_arena_fills_gaps);
  g_test_add_func ("/memory/arena-overflow-is-told", test_arena_overflow_is_told);
  g_test_add_func ("/memory/buffer-grows", test_buffer_grows);
  g_test_add_func ("/memory/buffer-keeps-its-error", test_buffer_keeps_its_error);
  g_test_add_func ("/memory/machine-is-plausible", test_machine_is_plausible);
  return g_test_run ();
}
