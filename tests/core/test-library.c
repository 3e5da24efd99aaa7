/* Where models are looked for, and what is found there. */

#include <glib/gstdio.h>
#include <string.h>

#include "files/picture.h"
#include "models/library.h"
#include "models/thumbnail.h"
#include "scratch.h"

static char *root; /* a folder for this run: data/, more/, other/ */

static char *
in_root (const char *path)
{
  return g_build_filename (root, path, NULL);
}

static void
put_model (const char *folder, const char *file, const char *arch, const char *name)
{
  g_autofree char *dir = in_root (folder);
  g_autofree char *path = g_build_filename (dir, file, NULL);
  g_autoptr (AtlModel) model = NULL;
  GError *error = NULL;
  AtlConfig config;

  atl_config_init (&config, arch, &error);
  g_assert_no_error (error);
  config.ngf = config.ndf = config.hidden = 4;
  model = atl_model_create (&config, 1, &error);
  g_assert_no_error (error);
  if (name)
    json_object_set_string_member (atl_model_get_card (model), "name", name);
  json_object_set_string_member (atl_model_get_card (model), "description",
                                 "for tests");
  g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
  atl_model_save (model, path, FALSE, &error);
  g_assert_no_error (error);
}

static void
put_file (const char *folder, const char *file, const char *contents)
{
  g_autofree char *dir = in_root (folder);
  g_autofree char *path = g_build_filename (dir, file, NULL);

  g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, contents, -1, NULL));
}

static void
fill_folders (void)
{
  put_model ("data/atelier/models", "mine.safetensors", "resnet_0", "My style");
  put_model ("data/atelier/models", "both.safetensors", "vqvae", "The user's");
  put_model ("more", "both.safetensors", "resnet_0", "Shadowed");
  put_model ("more", "photo codec.safetensors", "vqvae", NULL);
  put_model ("other", "judge.safetensors", "pixel", "Judge");
  put_file ("other", "broken.safetensors", "nothing of the kind");
  put_file ("other", ".hidden.safetensors", "");
  put_file ("other", "readme.txt", "");
  put_file ("other", ".safetensors", "");
}

static const AtlModelInfo *
find (GPtrArray *list, const char *id)
{
  const AtlModelInfo *found = NULL;

  for (guint i = 0; i < list->len; i++)
    {
      const AtlModelInfo *info = list->pdata[i];

      if (g_str_equal (info->id, id))
        {
          g_assert_null (found);
          found = info;
        }
    }
  return found;
}

static int
place_of (char **folders, const char *path)
{
  g_autofree char *full = in_root (path);

  for (int i = 0; folders[i]; i++)
    if (g_str_equal (folders[i], full))
      return i;
  return -1;
}

static void
test_order (void)
{
  g_autofree char *beside = in_root ("program");
  g_auto (GStrv) folders = atl_library_folders (beside);

  g_assert_cmpint (place_of (folders, "program/models"), ==, 0);
  g_assert_cmpint (place_of (folders, "data/atelier/models"), ==, 1);
  g_assert_cmpint (place_of (folders, "more"), ==, 2);
  g_assert_cmpint (place_of (folders, "other"), ==, 3);
  g_assert_cmpint (place_of (folders, "system/atelier/models"), >, 3);
}

static void
test_list (void)
{
  g_autoptr (GPtrArray) list = atl_library_list (NULL);
  const AtlModelInfo *mine = find (list, "mine");
  const AtlModelInfo *both = find (list, "both");
  const AtlModelInfo *codec = find (list, "photo codec");

  g_assert_nonnull (mine);
  g_assert_true (mine->user);
  g_assert_cmpstr (mine->kind, ==, "pix2pix");
  g_assert_cmpstr (mine->name, ==, "My style");
  g_assert_cmpstr (mine->description, ==, "for tests");
  g_assert_nonnull (strstr (mine->card, "My style"));
  g_assert_cmpstr (both->name, ==, "The user's");
  g_assert_cmpstr (both->kind, ==, "vqvae");
  g_assert_false (codec->user);
  g_assert_cmpstr (codec->name, ==, "");
  g_assert_nonnull (find (list, "judge"));
  g_assert_null (find (list, "readme"));
  g_assert_null (find (list, ".hidden"));
  g_assert_null (find (list, ""));
  for (guint i = 1; i < list->len; i++)
    g_assert_cmpint (strcmp (((AtlModelInfo *)list->pdata[i - 1])->id,
                             ((AtlModelInfo *)list->pdata[i])->id),
                     <, 0);
}

static void
test_list_of_a_kind (void)
{
  g_autoptr (GPtrArray) list = atl_library_list ("vqvae");

  g_assert_nonnull (find (list, "both"));
  g_assert_nonnull (find (list, "photo codec"));
  g_assert_null (find (list, "mine"));
  g_assert_null (find (list, "judge"));
}

static void
test_broken_says_why (void)
{
  g_autoptr (GPtrArray) list = atl_library_list ("pix2pix");
  const AtlModelInfo *broken = find (list, "broken");

  g_assert_nonnull (broken);
  g_assert_error (broken->error, ATELIER_ERROR, ATELIER_ERROR_FORMAT);
  g_assert_nonnull (strstr (broken->error->message, "broken.safetensors"));
  g_assert_null (broken->kind);
}

static void
test_find (void)
{
  g_autofree char *by_id = atl_library_find ("photo codec", NULL);
  g_autofree char *with_extension = atl_library_find ("both.safetensors", NULL);
  g_autofree char *by_path = atl_library_find (by_id, NULL);
  g_autofree char *wanted = in_root ("more/photo codec.safetensors");
  g_autofree char *first = in_root ("data/atelier/models/both.safetensors");

  g_assert_cmpstr (by_id, ==, wanted);
  g_assert_cmpstr (by_path, ==, wanted);
  g_assert_cmpstr (with_extension, ==, first);
}

static void
test_not_found (void)
{
  static const char *const names[]
      = { "nothing", "", "../more/both", "/nowhere/x" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      GError *error = NULL;

      g_assert_null (atl_library_find (names[i], &error));
      g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE);
      g_assert_nonnull (strstr (error->message, names[i]));
      g_assert_nonnull (strstr (error->message, "mine"));
      g_assert_null (strstr (error->message, "broken"));
      g_clear_error (&error);
    }
}

static void
test_user_folder (void)
{
  g_autofree char *wanted = in_root ("data/atelier/models");
  GError *error = NULL;
  g_autofree char *folder = atl_library_user_folder (&error);

  g_assert_no_error (error);
  g_assert_cmpstr (folder, ==, wanted);
  g_assert_true (g_file_test (folder, G_FILE_TEST_IS_DIR));
}

static char *
own_path (const char *file)
{
  return g_build_filename (root, "data/atelier/models", file, NULL);
}

static gboolean
have_own (const char *file)
{
  g_autofree char *path = own_path (file);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static char *
name_in_card (const char *path)
{
  g_autoptr (AtlModel) model = atl_model_open (path, NULL);

  g_assert_nonnull (model);
  return g_strdup (atl_model_get_name (model));
}

static void
test_import (void)
{
  g_autofree char *source = in_root ("more/photo codec.safetensors");
  g_autofree char *wanted = own_path ("Aquarell- Öl.safetensors");
  GError *error = NULL;
  g_autofree char *path = atl_library_import (source, "Aquarell: Öl", &error);
  g_autofree char *card = NULL;
  g_autofree char *again = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, wanted);
  card = name_in_card (path);
  g_assert_cmpstr (card, ==, "Aquarell: Öl");
  again = atl_library_import (source, "Aquarell: Öl", &error);
  g_assert_null (again);
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "already"));
  g_clear_error (&error);
  g_assert_true (atl_library_remove ("Aquarell- Öl", NULL));
  g_assert_false (have_own ("Aquarell- Öl.safetensors"));
}

static void
test_import_refuses (void)
{
  static const char *const names[] = { "", ".", "../x", " .hidden" };
  g_autofree char *source = in_root ("more/photo codec.safetensors");
  g_autofree char *broken = in_root ("other/broken.safetensors");
  g_autofree char *plain = own_path ("-etc-passwd-.safetensors");
  g_autofree char *path = NULL;
  GError *error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_assert_null (atl_library_import (source, names[i], &error));
      g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
      g_clear_error (&error);
    }
  /* A path becomes a plain name. */
  path = atl_library_import (source, "/etc/passwd/", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, plain);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_null (atl_library_import (broken, "x", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT);
  g_assert_false (have_own ("x.safetensors"));
  g_clear_error (&error);
}

static void
test_rename (void)
{
  GError *error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *card = NULL;

  put_model ("data/atelier/models", "old.safetensors", "resnet_0", "Old");
  put_file ("data/atelier/models", "old.checkpoint", "kept for resuming");
  path = atl_library_rename ("old", "New one", &error);
  g_assert_no_error (error);
  g_assert_false (have_own ("old.safetensors"));
  g_assert_false (have_own ("old.checkpoint"));
  g_assert_true (have_own ("New one.safetensors"));
  g_assert_true (have_own ("New one.checkpoint"));
  card = name_in_card (path);
  g_assert_cmpstr (card, ==, "New one");
  g_assert_null (atl_library_rename ("New one", "mine", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_assert_true (atl_library_remove ("New one", NULL));
  g_assert_false (have_own ("New one.safetensors"));
  g_assert_false (have_own ("New one.checkpoint"));
}

/* What is no model file is not removed, nor what lies beside a model whose name
 * its own begins with. */
static void
test_only_models_go (void)
{
  g_autofree char *path = own_path ("paintABCDEFGHIJKL");
  GError *error = NULL;

  put_file ("data/atelier/models", "paintABCDEFGHIJKL", "notes");
  put_file ("data/atelier/models", "paint.checkpoint", "kept for resuming");
  g_assert_false (atl_library_remove (path, &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_assert_true (have_own ("paintABCDEFGHIJKL"));
  g_assert_true (have_own ("paint.checkpoint"));
}

/* Shipped models are not the user's to change. */
static void
test_others_stay (void)
{
  g_autofree char *path = in_root ("other/judge.safetensors");
  GError *error = NULL;

  g_assert_false (atl_library_remove ("judge", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (atl_library_rename ("judge", "y", &error));
  g_assert_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT);
  g_clear_error (&error);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_false (have_own ("y.safetensors"));
}

/* Before is on the left, after on the right; what is no picture is left out. */
static void
test_thumbnail (void)
{
  g_autofree char *dir = in_root ("thumbnails");
  g_autofree char *good = g_build_filename (dir, "good.safetensors", NULL);
  g_autofree char *bad = g_build_filename (dir, "bad.safetensors", NULL);
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (AtlModel) model = NULL;
  g_autoptr (AtlPicture) picture = NULL;
  const AtlModelInfo *info;
  float before[3 * 7 * 7], after[3 * 7 * 7], got[3];
  AtlConfig config;

  g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
  atl_config_init (&config, "pixel", NULL);
  config.ndf = 4;
  model = atl_model_create (&config, 1, NULL);
  atl_model_set_metadata (model, "atelier.thumbnail", "bm90aGluZw==");
  g_assert_true (atl_model_save (model, bad, FALSE, NULL));
  for (int i = 0; i < 3 * 7 * 7; i++)
    {
      before[i] = i % 3 == 0 ? 1 : 0; /* red, beside blue */
      after[i] = i % 3 == 2 ? 1 : 0;
    }
  g_assert_true (atl_model_set_thumbnail (model, before, after, 7, NULL));
  g_assert_true (atl_model_save (model, good, FALSE, NULL));

  g_setenv ("ATELIER_MODEL_PATH", dir, TRUE);
  list = atl_library_list (NULL);
  info = find (list, "bad");
  g_assert_no_error (info->error);
  g_assert_null (info->thumbnail);
  info = find (list, "good");
  g_assert_nonnull (info->thumbnail);
  picture = atl_picture_parse (info->thumbnail, "thumbnail", NULL);
  g_assert_cmpint (picture->width, ==, 192);
  g_assert_cmpint (picture->height, ==, 96);
  for (int x = 0; x < 192; x += 5)
    {
      atl_picture_get (picture, x, x / 2, 1, 1, 3, got, 3, 3);
      g_assert_cmpfloat (got[0], ==, x < 96 ? 1 : 0);
      g_assert_cmpfloat (got[1], ==, 0);
      g_assert_cmpfloat (got[2], ==, x < 96 ? 0 : 1);
    }
}

int
main (int argc, char **argv)
{
  g_autofree char *data = NULL;
  g_autofree char *path = NULL;
  g_autofree char *system = NULL;
  int status;

  root = scratch_new_folder ();
  data = in_root ("data");
  system = in_root ("system");
  path = g_strdup_printf ("%s/more::%s/other:%s/nowhere", root, root, root);
  g_setenv ("XDG_DATA_HOME", data, TRUE);
  g_setenv ("XDG_DATA_DIRS", system, TRUE);
  g_setenv ("ATELIER_MODEL_PATH", path, TRUE);
  g_test_init (&argc, &argv, NULL);
  fill_folders ();
  g_test_add_func ("/library/order-of-folders", test_order);
  g_test_add_func ("/library/list", test_list);
  g_test_add_func ("/library/list-of-a-kind", test_list_of_a_kind);
  g_test_add_func ("/library/broken-file-says-why", test_broken_says_why);
  g_test_add_func ("/library/find-by-id-or-path", test_find);
  g_test_add_func ("/library/not-found-lists-what-there-is", test_not_found);
  g_test_add_func ("/library/user-folder-is-made", test_user_folder);
  g_test_add_func ("/library/import-never-overwrites", test_import);
  g_test_add_func ("/library/only-models-are-removed", test_only_models_go);
  g_test_add_func ("/library/import-refuses-bad-names-and-files",
                   test_import_refuses);
  g_test_add_func ("/library/rename", test_rename);
  g_test_add_func ("/library/only-the-user's-own-change", test_others_stay);
  g_test_add_func ("/library/thumbnail", test_thumbnail);
  status = g_test_run ();
  scratch_remove_tree (root);
  g_free (root);
  return status;
}
