/* Progress: parts nest, fractions stay in range, cancelling is told. */

#include "base/progress.h"

typedef struct
{
  double fraction;
  char *text;
  int calls;
} Seen;

static void
on_update (gpointer data, double fraction, const char *text)
{
  Seen *seen = data;

  seen->fraction = fraction;
  g_set_str (&seen->text, text);
  seen->calls++;
}

static void
test_nobody_watches (void)
{
  AtlProgressPart part;

  g_assert_true (atl_progress_update (NULL, 0.5, "x", NULL));
  g_assert_false (atl_progress_cancelled (NULL));
  g_assert_null (atl_progress_part (&part, NULL, 0.0, 1.0));
}

static void
test_parts_nest (void)
{
  Seen seen = { 0 };
  AtlProgress progress = { .update = on_update, .data = &seen };
  AtlProgressPart half, quarter;
  const AtlProgress *second = atl_progress_part (&half, &progress, 0.5, 1.0);
  const AtlProgress *inner = atl_progress_part (&quarter, second, 0.5, 0.75);

  g_assert_true (atl_progress_update (inner, 0.0, "begin", NULL));
  g_assert_cmpfloat_with_epsilon (seen.fraction, 0.75, 1e-12);
  g_assert_cmpstr (seen.text, ==, "begin");
  g_assert_true (atl_progress_update (inner, 1.0, NULL, NULL));
  g_assert_cmpfloat_with_epsilon (seen.fraction, 0.875, 1e-12);
  g_assert_null (seen.text);
  g_assert_true (atl_progress_update (second, 7.0, NULL, NULL));
  g_assert_cmpfloat (seen.fraction, ==, 1.0);
  g_assert_true (atl_progress_update (&progress, -1.0, NULL, NULL));
  g_assert_cmpfloat (seen.fraction, ==, 0.0);
  g_assert_cmpint (seen.calls, ==, 4);
}

static void
test_cancelling_reaches_every_part (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  AtlProgress progress = { .cancellable = cancellable }; /* nothing to call */
  AtlProgressPart half;
  const AtlProgress *part = atl_progress_part (&half, &progress, 0.0, 0.5);

  g_assert_true (atl_progress_update (part, 0.5, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (atl_progress_cancelled (part));
  g_cancellable_cancel (cancellable);
  g_assert_true (atl_progress_cancelled (part));
  g_assert_false (atl_progress_update (part, 0.6, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress/nobody-watches", test_nobody_watches);
  g_test_add_func ("/progress/parts-nest", test_parts_nest);
  g_test_add_func ("/progress/cancelling-reaches-every-part",
                   test_cancelling_reaches_every_part);
  return g_test_run ();
}
