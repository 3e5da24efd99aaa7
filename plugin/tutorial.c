/* plug-in-atelier-tutorial: a folder of pairs to learn training with, made of
 * photographs and one of GIMP's own filters.  A/NAME.png is the photograph,
 * B/NAME.png what the filter makes of it; nothing is overwritten. */

#include <string.h>

#include <glib/gi18n-lib.h>

#include "dialogs.h"
#include "files/file-util.h"
#include "files/picture.h"
#include "procedures.h"

#define LONGEST_SIDE 1024 /* pixels; larger photographs are scaled down */
#define MAX_COUNT 1000

typedef struct
{
  char *folder, *pictures;
  int count, filter;
} Tutorial;

static const char *const filters[]
    = { "photocopy", "cartoon", "oilify", "softglow", NULL };

static void
tutorial_clear (Tutorial *t)
{
  g_free (t->folder);
  g_free (t->pictures);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tutorial, tutorial_clear)

/* --- Arguments --- */

/* The photographs that come with Atelier lie beside the plug-in. */
static char *
find_samples (GError **error)
{
  g_autofree char *path = atl_beside ("samples");
  g_autofree char *shown = atl_display_path (path);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return g_steal_pointer (&path);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s is missing: Atelier's sample photographs are not installed; "
                  "choose a folder of your own photographs"),
               shown);
  return NULL;
}

static gboolean
make_side (const char *folder, const char *side, GError **error)
{
  g_autofree char *path = g_build_filename (folder, side, NULL);

  return atl_make_folder (path, error);
}

static gboolean
read_arguments (GimpProcedureConfig *config, Tutorial *t, GError **error)
{
  g_autofree char *filter = atl_config_string (config, "filter");

  g_object_get (config, "count", &t->count, NULL);
  t->filter = atl_parse_word (filter, "filter", filters, error);
  if (t->filter < 0 || !atl_config_folder (config, "folder", &t->folder, error)
      || !atl_config_path (config, "pictures", &t->pictures, error))
    return FALSE;
  if (!t->pictures)
    t->pictures = find_samples (error);
  return t->pictures != NULL;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *
list_pictures (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  g_autofree char *shown = NULL;
  const char *name;

  if (!dir)
    return NULL;
  while ((name = g_dir_read_name (dir)))
    if (name[0] != '.' && atl_picture_is_picture_name (name))
      g_ptr_array_add (list, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (list, compare_names);
  if (list->len > 0)
    return g_steal_pointer (&list);
  shown = atl_display_path (folder);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
               _ ("%s: there are no pictures"), shown);
  return NULL;
}

/* --- A pair --- */

/* Strong ones, that look at a small part of the picture at a time: so they are
 * learnt fast, and it shows. */
static void
apply_filter (GimpDrawable *layer, int filter)
{
  switch (filter)
    {
    case 0:
      gimp_drawable_merge_new_filter (layer, "gegl:photocopy", NULL,
                                      GIMP_LAYER_MODE_REPLACE, 1.0, "mask-radius",
                                      10.0, "sharpness", 0.5, NULL);
      break;
    case 1:
      gimp_drawable_merge_new_filter (layer, "gegl:cartoon", NULL,
                                      GIMP_LAYER_MODE_REPLACE, 1.0, "mask-radius",
                                      7.0, "pct-black", 0.2, NULL);
      break;
    case 2:
      gimp_drawable_merge_new_filter (layer, "gegl:oilify", NULL,
                                      GIMP_LAYER_MODE_REPLACE, 1.0, "mask-radius",
                                      4, NULL);
      break;
    case 3:
    default:
      gimp_drawable_merge_new_filter (
          layer, "gegl:softglow", NULL, GIMP_LAYER_MODE_REPLACE, 1.0, "glow-radius",
          10.0, "brightness", 0.75, "sharpness", 0.85, NULL);
      break;
    }
}

static gboolean
save (GimpImage *image, const char *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autofree char *shown = atl_display_path (path);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                   _ ("%s is there already; choose an empty folder"), shown);
      return FALSE;
    }
  if (gimp_file_save (GIMP_RUN_NONINTERACTIVE, image, file, NULL))
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s can't be written: %s"), shown,
               gimp_pdb_get_last_error (gimp_get_pdb ()));
  return FALSE;
}

static GimpDrawable *
make_plain (GimpImage *image)
{
  int width = gimp_image_get_width (image), height = gimp_image_get_height (image);
  double scale = (double)LONGEST_SIDE / MAX (width, height);

  if (gimp_image_get_base_type (image) != GIMP_RGB)
    gimp_image_convert_rgb (image);
  if (scale < 1)
    gimp_image_scale (image, MAX (1, (int)(scale * width)),
                      MAX (1, (int)(scale * height)));
  return GIMP_DRAWABLE (gimp_image_flatten (image));
}

static gboolean
make_pair (const Tutorial *t, const char *path, GError **error)
{
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *name = NULL, *a = NULL, *b = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GimpImage *image = gimp_file_load (GIMP_RUN_NONINTERACTIVE, file);
  GimpDrawable *layer;
  gboolean ok;

  if (!image)
    {
      g_autofree char *shown = atl_display_path (path);

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                   _ ("%s can't be opened: %s"), shown,
                   gimp_pdb_get_last_error (gimp_get_pdb ()));
      return FALSE;
    }
  *strrchr (base, '.') = '\0';
  name = g_strconcat (base, ".png", NULL);
  a = g_build_filename (t->folder, "A", name, NULL);
  b = g_build_filename (t->folder, "B", name, NULL);
  layer = make_plain (image);
  ok = save (image, a, error);
  if (ok)
    {
      apply_filter (layer, t->filter);
      ok = save (image, b, error);
    }
  gimp_image_delete (image);
  return ok;
}

static gboolean
make_pairs (GimpProcedureConfig *config, Tutorial *t, int *made, GError **error)
{
  g_autoptr (GPtrArray) list = NULL;
  guint n;

  if (!read_arguments (config, t, error))
    return FALSE;
  list = list_pictures (t->pictures, error);
  if (!list || !make_side (t->folder, "A", error)
      || !make_side (t->folder, "B", error))
    return FALSE;
  n = MIN (list->len, (guint)t->count);
  gimp_progress_init (_ ("Making pairs"));
  for (guint i = 0; i < n; i++)
    {
      gimp_progress_update ((double)i / n);
      if (!make_pair (t, list->pdata[i], error))
        return FALSE;
      ++*made;
    }
  gimp_progress_end ();
  return TRUE;
}

/* --- The procedure --- */

/* The window of Train a Style, with all of it chosen. */
static void
open_training (const Tutorial *t)
{
  GimpProcedure *procedure
      = gimp_pdb_lookup_procedure (gimp_get_pdb (), ATL_PROC_TRAIN);
  g_autoptr (GFile) folder = g_file_new_for_path (t->folder);
  GimpValueArray *values
      = gimp_procedure_run (procedure, "run-mode", GIMP_RUN_INTERACTIVE, "folder",
                            folder, "kind", "pix2pix", "preset", "quick", NULL);

  gimp_value_array_unref (values);
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  g_auto (Tutorial) tutorial = { NULL };
  GimpRunMode run_mode;
  GError *error = NULL;
  GimpValueArray *values;
  int made = 0;

  g_object_get (config, "run-mode", &run_mode, NULL);
  gegl_init (NULL, NULL);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    {
      gimp_ui_init ("atelier");
      if (!atl_tutorial_dialog_run (procedure, config))
        return atl_return_cancelled (procedure);
    }
  if (!make_pairs (config, &tutorial, &made, &error))
    return atl_return (procedure, error);
  if (run_mode == GIMP_RUN_INTERACTIVE)
    open_training (&tutorial);
  values = atl_return (procedure, NULL);
  GIMP_VALUES_SET_INT (values, 1, made);
  return values;
}

static void
add_arguments (GimpProcedure *procedure)
{
  gimp_procedure_add_file_argument (
      procedure, "folder", _ ("_Folder for the pairs"),
      _ ("Where the pairs go; it is made where it is missing"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  gimp_procedure_add_file_argument (
      procedure, "pictures", _ ("_Photographs"),
      _ ("A folder of photographs; none: those that come with Atelier"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "count", _ ("How _many"),
                                   _ ("How many pairs, if there are so many "
                                      "photographs"),
                                   2, MAX_COUNT, 11, G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "filter", _ ("Fi_lter"),
      _ ("What is to be learnt: photocopy, cartoon, oilify or softglow"),
      "photocopy", G_PARAM_READWRITE);
}

GimpProcedure *
atl_tutorial_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_procedure_new (
      plug_in, ATL_PROC_TUTORIAL, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  atl_procedure_describe (
      procedure, _ ("Make a T_utorial Set..."),
      _ ("Makes a folder of pairs to learn training with"),
      _ ("Takes photographs, and the same after one of GIMP's filters, as the "
         "pairs "
         "of a training set: A/NAME.png and B/NAME.png.  From the menu, Train a "
         "Style is opened with it."));
  gimp_procedure_set_sensitivity_mask (procedure, GIMP_PROCEDURE_SENSITIVE_ALWAYS);
  atl_add_run_mode (procedure);
  add_arguments (procedure);
  gimp_procedure_add_int_return_value (procedure, "pairs", _ ("Pairs"),
                                       _ ("How many pairs were made"), 0, G_MAXINT,
                                       0, G_PARAM_READWRITE);
  return procedure;
}
