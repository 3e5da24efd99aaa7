/* The pair doctor: every form of folder is recognised, every file that is not
 * used has its reason. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/random.h"
#include "files/picture.h"
#include "train/alignment.h"
#include "train/pairs.h"

static int n_written; /* makes every picture another one */

static void
write_size (const char *folder, const char *name, int width, int height)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlPicture) picture
      = atl_picture_new (width, height, 3, FALSE, ATL_DEPTH_U8, NULL, &error);

  g_assert_no_error (error);
  g_mkdir_with_parents (parent, 0700);
  memset (picture->pixels, 0, picture->row_bytes * height);
  n_written++;
  for (int i = 0; i < 3 && i < (int)picture->row_bytes; i++)
    picture->pixels[i] = (guint8)(n_written >> (8 * i));
  if (!atl_picture_save (picture, path, &error))
    g_error ("%s: %s", path, error->message);
}

static void
write_picture (const char *folder, const char *name)
{
  write_size (folder, name, 12, 8);
}

static void
write_text (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_mkdir_with_parents (parent, 0700);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
copy_file (const char *folder, const char *from, const char *to)
{
  g_autofree char *source = g_build_filename (folder, from, NULL);
  g_autofree char *target = g_build_filename (folder, to, NULL);
  g_autofree char *parent = g_path_get_dirname (target);
  g_autofree char *bytes = NULL;
  gsize size;

  g_mkdir_with_parents (parent, 0700);
  g_assert_true (g_file_get_contents (source, &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (target, bytes, (gssize)size, NULL));
}

static char *
new_folder (void)
{
  char *folder = g_dir_make_tmp ("atelier-XXXXXX", NULL);

  g_assert_nonnull (folder);
  return folder;
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR)
          && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_folder (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static AtlDataset *
open_with (const char *folder, const AtlDatasetOptions *options)
{
  g_autoptr (GError) error = NULL;
  AtlDataset *dataset = atl_dataset_open (folder, options, NULL, &error);

  g_assert_no_error (error);
  return dataset;
}

/* Nothing held out unless given. */
static AtlDataset *
open_all (const char *folder)
{
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;

  options.held_out = 0;
  return open_with (folder, &options);
}

/* "A/x.png B/x.png; ..." */
static char *
list (GPtrArray *pairs)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < pairs->len; i++)
    {
      const AtlPair *pair = pairs->pdata[i];

      g_string_append_printf (text, "%s%s%s%s", i ? "; " : "", pair->name,
                              pair->name_b ? " " : "",
                              pair->name_b ? pair->name_b : "");
    }
  return g_string_free (text, FALSE);
}

static void
assert_pairs (GPtrArray *pairs, const char *expected)
{
  g_autofree char *text = list (pairs);

  g_assert_cmpstr (text, ==, expected);
}

/* The one remark of that kind about that file. */
static const AtlRemark *
find_remark (const AtlDataset *dataset, AtlRemarkKind kind, const char *name)
{
  const AtlRemark *found = NULL;

  for (guint i = 0; i < dataset->remarks->len; i++)
    {
      const AtlRemark *remark = dataset->remarks->pdata[i];

      if (remark->kind == kind && g_str_equal (remark->name, name))
        {
          g_assert_null (found);
          g_assert_nonnull (strstr (remark->message, name));
          found = remark;
        }
    }
  if (!found)
    {
      g_autofree char *text = atl_dataset_to_text (dataset, 0);

      g_error ("no remark '%s' on %s:\n%s", atl_remark_kind_name (kind), name,
               text);
    }
  return found;
}

/* ---- forms ---- */

static void
folders_of_the_usual_names_are_paired (void)
{
  static const char *const names[][2] = { { "A", "B" },
                                          { "a", "b" },
                                          { "input", "target" },
                                          { "before", "after" },
                                          { "Input", "Output" },
                                          { "source", "target" },
                                          { "photos", "paintings" } };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *folder = new_folder (), *expected = NULL;
      g_autofree char *a = g_strdup_printf ("%s/x.png", names[i][0]);
      g_autofree char *b = g_strdup_printf ("%s/x.png", names[i][1]);
      g_autoptr (AtlDataset) dataset = NULL;
      gboolean unknown = g_str_equal (names[i][0], "photos");

      write_picture (folder, a);
      write_picture (folder, b);
      dataset = open_all (folder);
      g_assert_cmpint (dataset->form, ==, ATL_FORM_FOLDERS);
      /* Of folders whose names say nothing, the first is A. */
      expected = unknown ? g_strdup_printf ("%s %s", b, a)
                         : g_strdup_printf ("%s %s", a, b);
      assert_pairs (dataset->train, expected);
      g_assert_cmpint (dataset->remarks->len, ==, 0);
      remove_folder (folder);
    }
}

static void
stems_match_whatever_extension_case_and_unicode_form (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  write_picture (folder, "A/Kitten.png");
  write_picture (folder, "B/kitten.TIF");
  write_picture (folder, "A/my cat.v2.tif");
  write_picture (folder, "B/MY CAT.V2.png");
  write_picture (folder, "A/caf\xc3\xa9.png");  /* composed */
  write_picture (folder, "B/cafe\xcc\x81.png"); /* decomposed, as macOS */
  write_picture (folder, "A/\xe8\x89\xba\xe6\x9c\xaf.png");
  write_picture (folder, "B/\xe8\x89\xba\xe6\x9c\xaf.png");
  dataset = open_all (folder);
  g_assert_cmpint (dataset->train->len, ==, 4);
  g_assert_cmpint (dataset->remarks->len, ==, 0);
  remove_folder (folder);
}

static void
names_that_are_no_unicode_are_paired_too (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;
  g_autoptr (JsonNode) node = NULL;

  write_picture (folder, "A/\xff\xfe.png");
  write_picture (folder, "B/\xff\xfe.png");
  dataset = open_all (folder);
  g_assert_cmpint (dataset->train->len, ==, 1);
  g_assert_true (
      g_utf8_validate (((AtlPair *)dataset->train->pdata[0])->name, -1, NULL));
  node = atl_dataset_to_json (dataset);
  g_assert_nonnull (node);
  remove_folder (folder);
}

static void
folders_are_read_recursively_and_matched_by_path (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  write_picture (folder, "A/x.png");
  write_picture (folder, "A/one/x.png");
  write_picture (folder, "A/one/deep/x.png");
  write_picture (folder, "B/one/x.png");
  write_picture (folder, "B/One/deep/x.png");
  write_picture (folder, "B/two/x.png");
  dataset = open_all (folder);
  assert_pairs (dataset->train,
                "A/one/deep/x.png B/One/deep/x.png; A/one/x.png B/one/x.png");
  find_remark (dataset, ATL_REMARK_NO_PARTNER, "A/x.png");
  find_remark (dataset, ATL_REMARK_NO_PARTNER, "B/two/x.png");
  g_assert_cmpint (dataset->remarks->len, ==, 2);
  remove_folder (folder);
}

static void
train_val_and_test_stand_above_or_below (void)
{
  static const char *const forms[][2] = { { "%s/A/%s", "%s/B/%s" },
                                          { "A/%s/%s", "B/%s/%s" },
                                          { "%sA/%s", "%sB/%s" } };

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      static const char *const splits[] = { "train", "val", "test" };
      g_autofree char *folder = new_folder ();
      g_autoptr (AtlDataset) dataset = NULL;

      for (int s = 0; s < 3; s++)
        for (int side = 0; side < 2; side++)
          {
            g_autofree char *file = g_strdup_printf ("%d.png", s);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            g_autofree char *name
                = g_strdup_printf (forms[i][side], splits[s], file);
#pragma GCC diagnostic pop
            write_picture (folder, name);
          }
      dataset = open_all (folder);
      g_assert_cmpint (dataset->form, ==, ATL_FORM_FOLDERS);
      g_assert_true (dataset->held_out_given);
      g_assert_cmpint (dataset->train->len, ==, 1);
      g_assert_cmpint (dataset->held_out->len, ==, 1);
      g_assert_cmpint (dataset->test->len, ==, 1);
      g_assert_nonnull (
          strstr (((AtlPair *)dataset->held_out->pdata[0])->name, "val"));
      remove_folder (folder);
    }
}

static void
test_is_held_out_where_there_is_no_val (void)
{
  g_autofree char *folder = new_folder (), *lone = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL, only = NULL;

  write_size (folder, "train/1.png", 16, 8);
  write_size (folder, "test/2.png", 16, 8);
  dataset = open_all (folder);
  g_assert_cmpint (dataset->form, ==, ATL_FORM_SIDE_BY_SIDE);
  assert_pairs (dataset->train, "train/1.png");
  assert_pairs (dataset->held_out, "test/2.png");
  /* A val/ with nothing beside it is what there is to train on. */
  write_size (lone, "val/2.png", 16, 8);
  only = open_all (lone);
  assert_pairs (only->train, "val/2.png");
  remove_folder (folder);
  remove_folder (lone);
}

static void
write_cityscapes (const char *folder, const char *split, const char *city, int n)
{
  static const char *const others[] = { "color", "labelIds", "instanceIds" };

  for (int i = 0; i < n; i++)
    {
      g_autofree char *stem = g_strdup_printf ("%s_%06d_000019", city, i);
      g_autofree char *photo = g_strdup_printf (
          "leftImg8bit/%s/%s/%s_leftImg8bit.png", split, city, stem);
      g_autofree char *polygons = g_strdup_printf (
          "gtFine/%s/%s/%s_gtFine_polygons.json", split, city, stem);

      write_picture (folder, photo);
      write_text (folder, polygons, "{}");
      for (int k = 0; k < 3; k++)
        {
          g_autofree char *labels = g_strdup_printf (
              "gtFine/%s/%s/%s_gtFine_%s.png", split, city, stem, others[k]);

          write_picture (folder, labels);
        }
    }
}

static void
cityscapes_works_as_it_comes (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL, ids = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  const AtlPair *pair;

  write_cityscapes (folder, "train", "aachen", 3);
  write_cityscapes (folder, "train", "bremen", 2);
  write_cityscapes (folder, "val", "lindau", 2);
  write_text (folder, "license.txt", "");
  dataset = open_all (folder);
  g_assert_cmpint (dataset->form, ==, ATL_FORM_FOLDERS);
  g_assert_cmpstr (dataset->label_a, ==, "leftImg8bit");
  g_assert_cmpstr (dataset->label_b, ==, "gtFine");
  g_assert_cmpint (dataset->train->len, ==, 5);
  g_assert_cmpint (dataset->held_out->len, ==, 2);
  g_assert_cmpint (dataset->remarks->len, ==, 0);
  g_assert_cmpint (dataset->n_ignored, ==, 14);
  pair = dataset->train->pdata[0];
  g_assert_cmpstr (pair->name_b, ==,
                   "gtFine/train/aachen/aachen_000000_000019_gtFine_color.png");
  options.suffix_a = "_leftImg8bit";
  options.suffix_b = "_gtFine_labelIds";
  ids = open_with (folder, &options);
  g_assert_cmpint (ids->train->len, ==, 5);
  pair = ids->train->pdata[0];
  g_assert_nonnull (strstr (pair->name_b, "labelIds"));
  remove_folder (folder);
}

static void
names_with_suffixes_are_paired (void)
{
  static const char *const suffixes[][2]
      = { { "_a", "_b" }, { "-before", "-after" }, { "_Input", "_Target" } };

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *folder = new_folder (), *expected = NULL;
      g_autofree char *a = g_strdup_printf ("s/x%s.png", suffixes[i][0]);
      g_autofree char *b = g_strdup_printf ("s/x%s.tif", suffixes[i][1]);
      g_autofree char *lone = g_strdup_printf ("y%s.png", suffixes[i][1]);
      g_autoptr (AtlDataset) dataset = NULL;

      write_picture (folder, a);
      write_picture (folder, b);
      write_picture (folder, lone);
      write_picture (folder, "z.png");
      dataset = open_all (folder);
      g_assert_cmpint (dataset->form, ==, ATL_FORM_SUFFIXES);
      expected = g_strdup_printf ("%s %s", a, b);
      assert_pairs (dataset->train, expected);
      find_remark (dataset, ATL_REMARK_NO_PARTNER, lone);
      g_assert_cmpint (dataset->n_ignored, ==, 1);
      remove_folder (folder);
    }
}

static void
suffixes_can_be_given_and_one_be_empty (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;

  options.suffix_b = "_nm";
  write_picture (folder, "wall.png");
  write_picture (folder, "wall_nm.png");
  write_picture (folder, "floor.png");
  dataset = open_with (folder, &options);
  g_assert_cmpint (dataset->form, ==, ATL_FORM_SUFFIXES);
  assert_pairs (dataset->train, "wall.png wall_nm.png");
  find_remark (dataset, ATL_REMARK_NO_PARTNER, "floor.png");
  remove_folder (folder);
}

static void
suffixes_within_folders_are_found (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  write_picture (folder, "input/x_input.png");
  write_picture (folder, "target/x_target.png");
  dataset = open_all (folder);
  g_assert_cmpint (dataset->form, ==, ATL_FORM_FOLDERS);
  g_assert_cmpint (dataset->train->len, ==, 1);
  remove_folder (folder);
}

static void
pictures_twice_as_wide_are_pairs (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL, asked = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  const AtlPair *pair;

  write_size (folder, "1.png", 64, 32);
  write_size (folder, "2.tif", 20, 10);
  write_size (folder, "3.png", 30, 10);
  dataset = open_all (folder);
  g_assert_cmpint (dataset->form, ==, ATL_FORM_SIDE_BY_SIDE);
  assert_pairs (dataset->train, "1.png; 2.tif");
  pair = dataset->train->pdata[0];
  g_assert_true (pair->side_by_side && pair->width == 32 && pair->height == 32);
  find_remark (dataset, ATL_REMARK_NOT_A_PAIR, "3.png");
  /* Asked for, any shape will do. */
  options.form = ATL_FORM_SIDE_BY_SIDE;
  asked = open_with (folder, &options);
  g_assert_cmpint (asked->train->len, ==, 3);
  remove_folder (folder);
}

static void
any_folder_is_one_of_single_pictures (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  const AtlPair *pair;

  options.pictures = TRUE;
  write_picture (folder, "train/n01440764/n01440764_18.png");
  write_picture (folder, "train/n01443537/n01443537_2.png");
  write_picture (folder, "val/ILSVRC2012_val_00000001.png");
  write_text (folder, "train/n01443537/notes.txt", "x");
  dataset = open_with (folder, &options);
  g_assert_cmpint (dataset->form, ==, ATL_FORM_PICTURES);
  g_assert_cmpint (dataset->train->len, ==, 2);
  g_assert_cmpint (dataset->held_out->len, ==, 1);
  pair = dataset->train->pdata[0];
  g_assert_true (!pair->path_b && !pair->side_by_side && pair->width == 12);
  remove_folder (folder);
}

/* ---- reasons ---- */

static void
sizes_that_differ_are_refused_with_both (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;
  const AtlRemark *remark;

  write_size (folder, "train/A/kitten.png", 51, 30);
  write_size (folder, "train/B/kitten.png", 51, 51);
  write_size (folder, "train/A/dog.png", 51, 30);
  write_size (folder, "train/B/dog.png", 102, 60);
  dataset = open_all (folder);
  g_assert_cmpint (dataset->train->len, ==, 0);
  remark = find_remark (dataset, ATL_REMARK_SIZES_DIFFER, "train/A/kitten.png");
  g_assert_nonnull (strstr (remark->message, "51x30"));
  g_assert_nonnull (strstr (remark->message, "51x51"));
  g_assert_cmpstr (remark->partner, ==, "train/B/kitten.png");
  remark = find_remark (dataset, ATL_REMARK_SIZES_DIFFER, "train/A/dog.png");
  g_assert_nonnull (strstr (remark->message, "scale one"));
  remove_folder (folder);
}

static void
unreadable_files_are_refused (void)
{
  g_autofree char *folder = new_folder ();
  g_autofree char *broken = g_build_filename (folder, "B/d.png", NULL);
  g_autoptr (AtlDataset) dataset = NULL;

  for (int i = 0; i < 5; i++)
    {
      g_autofree char *a = g_strdup_printf ("A/%c.png", 'a' + i);
      g_autofree char *b = g_strdup_printf ("B/%c.png", 'a' + i);

      write_picture (folder, a);
      if (i != 3)
        write_picture (folder, b);
    }
  write_text (folder, "A/b.png", "");
  write_text (folder, "B/c.png", "this is no picture at all");
  g_assert_cmpint (symlink ("nowhere.png", broken), ==, 0);
  dataset = open_all (folder);
  assert_pairs (dataset->train, "A/a.png B/a.png; A/e.png B/e.png");
  find_remark (dataset, ATL_REMARK_UNREADABLE, "A/b.png");
  find_remark (dataset, ATL_REMARK_UNREADABLE, "B/c.png");
  find_remark (dataset, ATL_REMARK_UNREADABLE, "B/d.png");
  find_remark (dataset, ATL_REMARK_NO_PARTNER, "A/d.png");
  remove_folder (folder);
}

/* Headers are fine; only decoding finds out. */
static void
truncated_pictures_are_found_when_decoded (void)
{
  g_autofree char *folder = new_folder ();
  g_autofree char *path = g_build_filename (folder, "A/x.png", NULL);
  g_autoptr (AtlDataset) quick = NULL, thorough = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  struct stat st;

  write_size (folder, "A/x.png", 200, 100);
  write_size (folder, "B/x.png", 200, 100);
  write_picture (folder, "A/y.png");
  write_picture (folder, "B/y.png");
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpint (truncate (path, st.st_size / 2), ==, 0);
  quick = open_all (folder);
  g_assert_cmpint (quick->train->len, ==, 2);
  options.n_decode = -1;
  thorough = open_with (folder, &options);
  assert_pairs (thorough->train, "A/y.png B/y.png");
  find_remark (thorough, ATL_REMARK_UNREADABLE, "A/x.png");
  remove_folder (folder);
}

static void
duplicates_are_used_once (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  /* The same name twice. */
  write_picture (folder, "A/x.png");
  write_picture (folder, "A/x.tif");
  write_picture (folder, "B/x.png");
  /* The same content twice, once in what is held out. */
  write_picture (folder, "A/y.png");
  write_picture (folder, "B/y.png");
  copy_file (folder, "A/y.png", "val/A/z.png");
  copy_file (folder, "B/y.png", "val/B/z.png");
  /* The same input but another target is no duplicate. */
  copy_file (folder, "A/x.png", "A/w.png");
  write_picture (folder, "B/w.png");
  /* Both sides the same. */
  write_picture (folder, "A/v.png");
  copy_file (folder, "A/v.png", "B/v.png");
  dataset = open_all (folder);
  assert_pairs (dataset->train,
                "A/v.png B/v.png; A/w.png B/w.png; A/x.png B/x.png");
  assert_pairs (dataset->held_out, "val/A/z.png val/B/z.png");
  g_assert_true (find_remark (dataset, ATL_REMARK_DUPLICATE, "A/x.tif")->refused);
  g_assert_cmpstr (find_remark (dataset, ATL_REMARK_DUPLICATE, "A/y.png")->partner,
                   ==, "val/A/z.png");
  g_assert_false (
      find_remark (dataset, ATL_REMARK_SAME_CONTENT, "A/v.png")->refused);
  g_assert_cmpint (dataset->remarks->len, ==, 3);
  remove_folder (folder);
}

/* ---- odd folders ---- */

static void
folders_without_pairs_say_so (void)
{
  g_autofree char *empty = new_folder (), *odd = new_folder ();
  g_autofree char *refused = new_folder ();
  const char *folders[] = { empty, odd, refused };
  static const char *const expected[]
      = { "no pictures", "No pairs found among the 2", "1 refused, the first" };
  g_autoptr (GError) error = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;

  write_size (odd, "one.png", 9, 7);
  write_size (odd, "two.png", 9, 7);
  write_size (refused, "A/x.png", 9, 7);
  write_size (refused, "B/x.png", 8, 7);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (AtlDataset) dataset = open_all (folders[i]);

      g_assert_false (atl_dataset_require (dataset, &error));
      g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA);
      if (!strstr (error->message, expected[i]))
        g_error ("%s", error->message);
      g_clear_error (&error);
    }
  remove_folder (empty);
  g_assert_null (atl_dataset_open (empty, &options, NULL, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE);
  remove_folder (odd);
  remove_folder (refused);
}

static void
links_in_circles_end (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  write_picture (folder, "A/x.png");
  write_picture (folder, "B/x.png");
  for (int i = 0; i < 6; i++)
    {
      g_autofree char *up = g_strdup_printf ("%s/A/up%d", folder, i);
      g_autofree char *across = g_strdup_printf ("%s/B/a%d", folder, i);

      g_assert_cmpint (symlink ("..", up), ==, 0);
      g_assert_cmpint (symlink ("../A", across), ==, 0);
    }
  dataset = open_all (folder);
  g_assert_cmpint (dataset->train->len, >=, 1);
  g_assert_cmpstr (((AtlPair *)dataset->train->pdata[0])->name, ==, "A/x.png");
  g_assert_cmpint (dataset->n_files, <, 1000);
  remove_folder (folder);
}

static void
hidden_files_are_passed_over (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  write_picture (folder, "A/x.png");
  write_picture (folder, "B/x.png");
  write_text (folder, "A/._x.png", "resource fork");
  write_text (folder, ".cache/thumbnail.png", "x");
  write_text (folder, "__MACOSX/A/x.png", "x");
  dataset = open_all (folder);
  assert_pairs (dataset->train, "A/x.png B/x.png");
  g_assert_cmpint (dataset->remarks->len, ==, 0);
  remove_folder (folder);
}

/* Files that differ in the bytes after the picture's end, without the syncing
 * of real saving. */
static void
write_many (const char *folder, int n)
{
  g_autofree char *template = g_build_filename (folder, "t.png", NULL);
  g_autofree char *bytes = NULL;
  gsize size;

  write_size (folder, "t.png", 4, 4);
  g_assert_true (g_file_get_contents (template, &bytes, &size, NULL));
  g_unlink (template);
  for (int i = 0; i < 2 * n; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%c/%02d/%05d.png", folder,
                                               'A' + i % 2, i / 2 % 50, i / 2);
      g_autofree char *parent = g_path_get_dirname (path);
      FILE *file;

      g_mkdir_with_parents (parent, 0700);
      file = g_fopen (path, "wb");
      g_assert_nonnull (file);
      g_assert_cmpint (fwrite (bytes, 1, size, file), ==, size);
      g_assert_cmpint (fprintf (file, "%06d", i), ==, 6);
      fclose (file);
    }
}

static void
ten_thousand_files_take_seconds (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  double seconds;

  write_many (folder, 5000);
  g_test_timer_start ();
  dataset = open_with (folder, &options);
  seconds = g_test_timer_elapsed ();
  g_test_message ("10,000 files in %.2f s", seconds);
  g_assert_cmpint (dataset->train->len + dataset->held_out->len, ==, 5000);
  g_assert_cmpint (dataset->held_out->len, ==, 200);
  g_assert_cmpfloat (seconds, <, 20);
  remove_folder (folder);
}

static void
looking_can_be_cancelled (void)
{
  g_autofree char *folder = new_folder ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  AtlProgress progress = { NULL, NULL, cancellable };
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  g_autoptr (GError) error = NULL;

  write_picture (folder, "A/x.png");
  g_cancellable_cancel (cancellable);
  g_assert_null (atl_dataset_open (folder, &options, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  remove_folder (folder);
}

/* ---- what is held out ---- */

static void
the_share_held_out_depends_on_seed_and_names_only (void)
{
  g_autofree char *folder = new_folder ();
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  g_autoptr (AtlDataset) first = NULL, again = NULL, other = NULL, fewer = NULL;
  g_autofree char *before = NULL, *now = NULL, *seeded = NULL;
  guint kept = 0;

  options.pictures = TRUE;
  for (int i = 0; i < 60; i++)
    {
      g_autofree char *name = g_strdup_printf ("%02d.png", i);

      write_picture (folder, name);
    }
  options.held_out = 0.2;
  first = open_with (folder, &options);
  again = open_with (folder, &options);
  g_assert_cmpint (first->held_out->len, ==, 12);
  g_assert_cmpint (first->train->len, ==, 48);
  before = list (first->held_out);
  now = list (again->held_out);
  g_assert_cmpstr (before, ==, now);
  options.seed = 1;
  other = open_with (folder, &options);
  seeded = list (other->held_out);
  g_assert_cmpstr (before, !=, seeded);
  /* A picture less moves at most one other across. */
  options.seed = 0;
  g_unlink (((AtlPair *)first->train->pdata[5])->path_a);
  fewer = open_with (folder, &options);
  for (guint i = 0; i < fewer->held_out->len; i++)
    kept += strstr (before, ((AtlPair *)fewer->held_out->pdata[i])->name) != NULL;
  g_assert_cmpint (kept, >=, fewer->held_out->len - 1);
  remove_folder (folder);
}

static void
of_one_large_pair_a_strip_is_held_out (void)
{
  g_autofree char *folder = new_folder (), *small = new_folder ();
  AtlDatasetOptions options = ATL_DATASET_DEFAULTS;
  g_autoptr (AtlDataset) dataset = NULL, tiny = NULL;
  const AtlPair *train, *held_out;

  write_size (folder, "A/scan.png", 300, 2000);
  write_size (folder, "B/scan.png", 300, 2000);
  dataset = open_with (folder, &options);
  g_assert_true (dataset->held_out_within);
  train = dataset->train->pdata[0];
  held_out = dataset->held_out->pdata[0];
  g_assert_true (train->region.x == 0 && train->region.y == 0
                 && train->region.width == 300 && train->region.height == 1800);
  g_assert_true (held_out->region.x == 0 && held_out->region.y == 1800
                 && held_out->region.width == 300
                 && held_out->region.height == 200);
  /* Too small to cut: all of it is trained on. */
  write_size (small, "A/scan.png", 300, 300);
  write_size (small, "B/scan.png", 300, 300);
  tiny = open_with (small, &options);
  g_assert_cmpint (tiny->train->len, ==, 1);
  g_assert_cmpint (tiny->held_out->len, ==, 0);
  g_assert_cmpint (((AtlPair *)tiny->train->pdata[0])->region.width, ==, 0);
  remove_folder (folder);
  remove_folder (small);
}

/* ---- reports ---- */

static void
json_and_text_tell_all (void)
{
  g_autofree char *folder = new_folder (), *text = NULL, *short_text = NULL;
  g_autoptr (AtlDataset) dataset = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object, *remark;
  JsonArray *pairs;

  write_picture (folder, "A/x.png");
  write_picture (folder, "B/x.png");
  write_picture (folder, "A/y.png");
  write_picture (folder, "A/z.png");
  dataset = open_all (folder);
  node = atl_dataset_to_json (dataset);
  object = json_node_get_object (node);
  g_assert_cmpstr (json_object_get_string_member (object, "form"), ==, "folders");
  g_assert_cmpint (json_object_get_int_member (object, "n_train"), ==, 1);
  g_assert_cmpint (json_object_get_int_member (object, "refused"), ==, 2);
  pairs = json_object_get_array_member (
      json_object_get_object_member (object, "pairs"), "train");
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (pairs, 0), "b"),
      ==, "B/x.png");
  remark = json_array_get_object_element (
      json_object_get_array_member (object, "remarks"), 1);
  g_assert_cmpstr (json_object_get_string_member (remark, "file"), ==, "A/z.png");
  g_assert_cmpstr (json_object_get_string_member (remark, "reason"), ==,
                   "no-partner");
  text = atl_dataset_to_text (dataset, 0);
  g_assert_nonnull (strstr (text, "A/y.png"));
  g_assert_nonnull (strstr (text, "A/z.png"));
  short_text = atl_dataset_to_text (dataset, 1);
  g_assert_null (strstr (short_text, "A/z.png"));
  g_assert_nonnull (strstr (short_text, "1 more"));
  remove_folder (folder);
}

static void
forms_have_names (void)
{
  AtlDataForm form;
  g_autoptr (GError) error = NULL;

  for (int i = ATL_FORM_AUTO; i <= ATL_FORM_PICTURES; i++)
    {
      g_assert_true (atl_data_form_parse (atl_data_form_name (i), &form, NULL));
      g_assert_cmpint (form, ==, i);
    }
  g_assert_false (atl_data_form_parse ("nonsense", &form, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
}

/* ---- alignment ---- */

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
  g_autofree char *folder = new_folder ();
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
  remove_folder (folder);
}

#define ADD(path, func) g_test_add_func ("/pairs/" path, func)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("folders-of-the-usual-names-are-paired",
       folders_of_the_usual_names_are_paired);
  ADD ("stems-match-whatever-extension-case-and-unicode-form",
       stems_match_whatever_extension_case_and_unicode_form);
  ADD ("names-that-are-no-unicode-are-paired-too",
       names_that_are_no_unicode_are_paired_too);
  ADD ("folders-are-read-recursively-and-matched-by-path",
       folders_are_read_recursively_and_matched_by_path);
  ADD ("train-val-and-test-stand-above-or-below",
       train_val_and_test_stand_above_or_below);
  ADD ("test-is-held-out-where-there-is-no-val",
       test_is_held_out_where_there_is_no_val);
  ADD ("cityscapes-works-as-it-comes", cityscapes_works_as_it_comes);
  ADD ("names-with-suffixes-are-paired", names_with_suffixes_are_paired);
  ADD ("suffixes-can-be-given-and-one-be-empty",
       suffixes_can_be_given_and_one_be_empty);
  ADD ("suffixes-within-folders-are-found", suffixes_within_folders_are_found);
  ADD ("pictures-twice-as-wide-are-pairs", pictures_twice_as_wide_are_pairs);
  ADD ("any-folder-is-one-of-single-pictures",
       any_folder_is_one_of_single_pictures);
  ADD ("sizes-that-differ-are-refused-with-both",
       sizes_that_differ_are_refused_with_both);
  ADD ("unreadable-files-are-refused", unreadable_files_are_refused);
  ADD ("truncated-pictures-are-found-when-decoded",
       truncated_pictures_are_found_when_decoded);
  ADD ("duplicates-are-used-once", duplicates_are_used_once);
  ADD ("folders-without-pairs-say-so", folders_without_pairs_say_so);
  ADD ("links-in-circles-end", links_in_circles_end);
  ADD ("hidden-files-are-passed-over", hidden_files_are_passed_over);
  ADD ("ten-thousand-files-take-seconds", ten_thousand_files_take_seconds);
  ADD ("looking-can-be-cancelled", looking_can_be_cancelled);
  ADD ("the-share-held-out-depends-on-seed-and-names-only",
       the_share_held_out_depends_on_seed_and_names_only);
  ADD ("of-one-large-pair-a-strip-is-held-out",
       of_one_large_pair_a_strip_is_held_out);
  ADD ("json-and-text-tell-all", json_and_text_tell_all);
  ADD ("forms-have-names", forms_have_names);
  ADD ("shifts-are-found-across-styles", shifts_are_found_across_styles);
  ADD ("mirrored-partners-are-found", mirrored_partners_are_found);
  ADD ("aligned-and-unrelated-pairs-raise-no-alarm",
       aligned_and_unrelated_pairs_raise_no_alarm);
  ADD ("the-doctor-warns-of-misaligned-pairs-and-uses-them",
       the_doctor_warns_of_misaligned_pairs_and_uses_them);
  return g_test_run ();
}
