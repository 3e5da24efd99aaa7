/* The pair doctor: every form of folder is recognised, what is held out, and what
 * is reported. */

#include "pair-folders.h"

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
      g_autofree char *folder = scratch_new_folder (), *expected = NULL;
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
      scratch_remove_tree (folder);
    }
}

static void
stems_match_whatever_extension_case_and_unicode_form (void)
{
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
}

static void
names_that_are_no_unicode_are_paired_too (void)
{
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
}

static void
folders_are_read_recursively_and_matched_by_path (void)
{
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
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
      g_autofree char *folder = scratch_new_folder ();
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
      scratch_remove_tree (folder);
    }
}

static void
test_is_held_out_where_there_is_no_val (void)
{
  g_autofree char *folder = scratch_new_folder (), *lone = scratch_new_folder ();
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
  scratch_remove_tree (folder);
  scratch_remove_tree (lone);
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
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
}

static void
names_with_suffixes_are_paired (void)
{
  static const char *const suffixes[][2]
      = { { "_a", "_b" }, { "-before", "-after" }, { "_Input", "_Target" } };

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *folder = scratch_new_folder (), *expected = NULL;
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
      scratch_remove_tree (folder);
    }
}

static void
suffixes_can_be_given_and_one_be_empty (void)
{
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
}

static void
suffixes_within_folders_are_found (void)
{
  g_autofree char *folder = scratch_new_folder ();
  g_autoptr (AtlDataset) dataset = NULL;

  write_picture (folder, "input/x_input.png");
  write_picture (folder, "target/x_target.png");
  dataset = open_all (folder);
  g_assert_cmpint (dataset->form, ==, ATL_FORM_FOLDERS);
  g_assert_cmpint (dataset->train->len, ==, 1);
  scratch_remove_tree (folder);
}

static void
pictures_twice_as_wide_are_pairs (void)
{
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
}

static void
any_folder_is_one_of_single_pictures (void)
{
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
}

/* ---- what is held out ---- */

static void
the_share_held_out_depends_on_seed_and_names_only (void)
{
  g_autofree char *folder = scratch_new_folder ();
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
  scratch_remove_tree (folder);
}

static void
of_one_large_pair_a_strip_is_held_out (void)
{
  g_autofree char *folder = scratch_new_folder (), *small = scratch_new_folder ();
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
  scratch_remove_tree (folder);
  scratch_remove_tree (small);
}

/* ---- reports ---- */

static void
json_and_text_tell_all (void)
{
  g_autofree char *folder = scratch_new_folder (), *text = NULL, *short_text = NULL;
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
  scratch_remove_tree (folder);
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
  ADD ("the-share-held-out-depends-on-seed-and-names-only",
       the_share_held_out_depends_on_seed_and_names_only);
  ADD ("of-one-large-pair-a-strip-is-held-out",
       of_one_large_pair_a_strip_is_held_out);
  ADD ("json-and-text-tell-all", json_and_text_tell_all);
  ADD ("forms-have-names", forms_have_names);
  return g_test_run ();
}
