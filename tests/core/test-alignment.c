/* Partners that are shifted or mirrored against each other are found, whatever
 * their styles; others raise no alarm. */

#include "base/random.h"
#include "pair-folders.h"
#include "train/alignment.h"

#define SCENE 160

/* A scene of overlapping shapes; style 0: their colours, 1: other colours, 2:
 * outlines with noise.  Shifted by (dx, dy). */
static void
draw_scene (guint64 seed, int style, int dx, int dy, float *luma)
{
  AtlRandom random;
  int ids[SCENE][SCENE] = { 0 };
  float colours[41];

  atl_random_init (&random, seed, 0);
  for (int k = 1; k <= 40; k++)
    {
      int x = atl_random_below (&random, 220) - 30 + dx;
      int y = atl_random_below (&random, 220) - 30 + dy;
      int w = 4 + atl_random_below (&random, 30);
      int h = 4 + atl_random_below (&random, 30);

      for (int j = MAX (y, 0); j < MIN (y + h, SCENE); j++)
        for (int i = MAX (x, 0); i < MIN (x + w, SCENE); i++)
          ids[j][i] = k;
    }
  atl_random_init (&random, seed, 1 + style);
  for (int k = 0; k <= 40; k++)
    colours[k] = atl_random_uniform (&random);
  for (int j = 0; j < SCENE; j++)
    for (int i = 0; i < SCENE; i++)
      {
        int right = ids[j][MIN (i + 1, SCENE - 1)];
        int below = ids[MIN (j + 1, SCENE - 1)][i];
        gboolean edge = right != ids[j][i] || below != ids[j][i];

        luma[j * SCENE + i] = (style < 2 ? colours[ids[j][i]]
                               : edge    ? 0.0f
                                         : 1.0f)
                              + 0.05f * atl_random_normal (&random);
      }
}

static void
shifts_are_found_across_styles (void)
{
  static const int shifts[][2]
      = { { 1, 0 }, { 0, -1 }, { 3, 2 }, { -7, 4 }, { 10, -9 } };
  g_autofree float *a = g_new (float, SCENE *SCENE);
  g_autofree float *b = g_new (float, SCENE *SCENE);
  int n_found = 0, n = 0;

  for (int seed = 0; seed < 6; seed++)
    for (int style = 0; style < 2; style++)
      for (gsize i = 0; i < G_N_ELEMENTS (shifts); i++)
        {
          AtlAlignment found;

          draw_scene (seed, 0, 0, 0, a);
          draw_scene (seed, style, shifts[i][0], shifts[i][1], b);
          g_assert_true (
              atl_alignment_compare (a, b, SCENE, SCENE, 12, &found, NULL));
          n++;
          if (found.finding == ATL_ALIGNMENT_FINE)
            continue;
          n_found++;
          g_assert_cmpint (found.finding, ==, ATL_ALIGNMENT_SHIFTED);
          g_assert_cmpint (found.dx, ==, shifts[i][0]);
          g_assert_cmpint (found.dy, ==, shifts[i][1]);
        }
  g_test_message ("%d of %d shifts found", n_found, n);
  g_assert_cmpint (n_found, >=, n * 8 / 10);
}

static void
mirrored_partners_are_found (void)
{
  g_autofree float *a = g_new (float, SCENE *SCENE);
  g_autofree float *b = g_new (float, SCENE *SCENE);
  g_autofree float *m = g_new (float, SCENE *SCENE);

  for (int seed = 0; seed < 6; seed++)
    {
      AtlAlignment found;

      draw_scene (seed, 0, 0, 0, a);
      draw_scene (seed, 1, 0, 0, b);
      for (int i = 0; i < SCENE * SCENE; i++)
        m[i] = b[i / SCENE * SCENE + SCENE - 1 - i % SCENE];
      g_assert_true (atl_alignment_compare (a, m, SCENE, SCENE, 12, &found, NULL));
      g_assert_cmpint (found.finding, ==, ATL_ALIGNMENT_MIRRORED);
    }
}

static void
aligned_and_unrelated_pairs_raise_no_alarm (void)
{
  g_autofree float *a = g_new (float, SCENE *SCENE);
  g_autofree float *b = g_new (float, SCENE *SCENE);
  AtlAlignment found;

  for (int seed = 0; seed < 8; seed++)
    for (int style = 0; style < 4; style++)
      {
        draw_scene (seed, 0, 0, 0, a);
        /* The same scene in three styles, and another scene. */
        draw_scene (seed + (style == 3 ? 100 : 0), style % 3, 0, 0, b);
        g_assert_true (
            atl_alignment_compare (a, b, SCENE, SCENE, 12, &found, NULL));
        g_assert_cmpint (found.finding, ==, ATL_ALIGNMENT_FINE);
      }
  /* Flat, noise, and stripes that fit at many shifts. */
  for (int kind = 0; kind < 3; kind++)
    {
      AtlRandom random;

      atl_random_init (&random, 3, kind);
      for (int i = 0; i < SCENE * SCENE; i++)
        {
          a[i] = kind == 0   ? 0.5f
                 : kind == 1 ? atl_random_uniform (&random)
                             : (float)(i % SCENE / 4 % 2);
          b[i] = kind == 0   ? 0.2f
                 : kind == 1 ? atl_random_uniform (&random)
                             : (float)((i % SCENE + 2) / 4 % 2);
        }
      g_assert_true (atl_alignment_compare (a, b, SCENE, SCENE, 12, &found, NULL));
      g_assert_cmpint (found.finding, ==, ATL_ALIGNMENT_FINE);
    }
}

static void
write_scene (const char *folder, const char *name, int style, int dx, int scale)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  g_autofree float *luma = g_new (float, SCENE *SCENE);
  int side = SCENE * scale;
  g_autoptr (AtlPicture) picture
      = atl_picture_new (side, side, 1, FALSE, ATL_DEPTH_U8, NULL, NULL);

  g_mkdir_with_parents (parent, 0700);
  draw_scene (1, style, 0, 0, luma);
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++)
      {
        float v = luma[y / scale * SCENE + CLAMP (x - dx, 0, side - 1) / scale];

        picture->pixels[y * picture->row_bytes + x]
            = (guint8)(255 * CLAMP (v, 0, 1));
      }
  g_assert_true (atl_picture_save (picture, path, NULL));
}

static void
the_doctor_warns_of_misaligned_pairs_and_uses_them (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  const AtlRemark *remark;

  write_scene (folder, "A/fine.png", 0, 0, 4);
  write_scene (folder, "B/fine.png", 1, 0, 4);
  write_scene (folder, "A/far.png", 0, 0, 4);
  write_scene (folder, "B/far.png", 1, 30, 4);
  write_scene (folder, "A/near.png", 0, 0, 4);
  write_scene (folder, "B/near.png", 1, 2, 4);
  options.n_decode = -1;
  dataset = open_with (folder, &options);
  g_assert_cmpint (dataset->train->len, ==, 3);
  remark = find_remark (dataset, ATL_REMARK_MISALIGNED, "A/far.png");
  g_assert_false (remark->refused);
  g_assert_nonnull (strstr (remark->message, "30 pixels across"));
  remark = find_remark (dataset, ATL_REMARK_MISALIGNED, "A/near.png");
  g_assert_nonnull (strstr (remark->message, "2 pixels across and 0 down"));
  g_assert_cmpint (dataset->remarks->len, ==, 2);
  scratch_remove_tree (folder);
}

#define ADD(path, func) g_test_add_func ("/pairs/" path, func)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("shifts-are-found-across-styles", shifts_are_found_across_styles);
  ADD ("mirrored-partners-are-found", mirrored_partners_are_found);
  ADD ("aligned-and-unrelated-pairs-raise-no-alarm",
       aligned_and_unrelated_pairs_raise_no_alarm);
  ADD ("the-doctor-warns-of-misaligned-pairs-and-uses-them",
       the_doctor_warns_of_misaligned_pairs_and_uses_them);
  return g_test_run ();
}
