/* plug-in-atelier-add-pair: two layers become an aligned pair of training
 * pictures, FOLDER/A/NAME.png (before, the lower layer) and FOLDER/B/NAME.png
 * (after, the upper one).  What both layers have in common is written, within
 * the selection's bounds if there is one. */

#include <string.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "files/file-util.h"
#include "filter.h"
#include "procedures.h"

#define MAX_NUMBER 999999

typedef struct
{
  char *before, *after; /* files */
} Pair;

static void
pair_clear (Pair *pair)
{
  g_free (pair->before);
  g_free (pair->after);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

/* --- Which is which --- */

/* Positions from the top of the tree down to the item. */
static GArray *
position_path (GimpImage *image, GimpItem *item)
{
  GArray *path = g_array_new (FALSE, FALSE, sizeof (int));

  for (; item; item = gimp_item_get_parent (item))
    {
      int position = gimp_image_get_item_position (image, item);

      g_array_prepend_val (path, position);
    }
  return path;
}

static gboolean
is_above (GimpImage *image, GimpDrawable *a, GimpDrawable *b)
{
  g_autoptr (GArray) x = position_path (image, GIMP_ITEM (a));
  g_autoptr (GArray) y = position_path (image, GIMP_ITEM (b));

  for (guint i = 0; i < MIN (x->len, y->len); i++)
    {
      int p = g_array_index (x, int, i), q = g_array_index (y, int, i);

      if (p != q)
        return p < q;
    }
  return x->len < y->len;
}

static gboolean
take_layers (GimpImage *image, GimpDrawable **drawables, GimpDrawable *layers[2],
             GError **error)
{
  int n = gimp_core_object_array_get_length ((GObject **)drawables);

  if (n != 2)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   ngettext ("%d layer is selected; select two: before below, "
                             "after above",
                             "%d layers are selected; select two: before below, "
                             "after above",
                             n),
                   n);
      return FALSE;
    }
  layers[0] = drawables[is_above (image, drawables[0], drawables[1])];
  layers[1] = drawables[layers[0] == drawables[0]];
  return TRUE;
}

/* What the layers have in common, in the image's coordinates. */
static gboolean
common_part (GimpImage *image, GimpDrawable *layers[2], GeglRectangle *part,
             GError **error)
{
  int x1, y1, x2, y2;
  gboolean selected;

  for (int i = 0; i < 2; i++)
    {
      GeglRectangle layer = { 0, 0, gimp_drawable_get_width (layers[i]),
                              gimp_drawable_get_height (layers[i]) };

      gimp_drawable_get_offsets (layers[i], &layer.x, &layer.y);
      if (i == 0)
        *part = layer;
      else
        gegl_rectangle_intersect (part, part, &layer);
    }
  if (gimp_selection_bounds (image, &selected, &x1, &y1, &x2, &y2) && selected)
    gegl_rectangle_intersect (part, part,
                              GEGL_RECTANGLE (x1, y1, x2 - x1, y2 - y1));
  if (part->width > 0 && part->height > 0)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "%s",
               selected ? _ ("the two layers have nothing in common within the "
                             "selection; choose Select > None, or move the layers")
                        : _ ("the two layers do not overlap; move one over the "
                             "other"));
  return FALSE;
}

/* --- Files --- */

/* The two folders that `folder` has, or else is to have. */
static void
find_folders (const char *folder, char **a, char **b)
{
  static const char *const names[][2] = { { "A", "B" },
                                          { "input", "target" },
                                          { "before", "after" },
                                          { "source", "target" } };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *x = g_build_filename (folder, names[i][0], NULL);
      g_autofree char *y = g_build_filename (folder, names[i][1], NULL);

      if (g_file_test (x, G_FILE_TEST_IS_DIR)
          && g_file_test (y, G_FILE_TEST_IS_DIR))
        {
          *a = g_steal_pointer (&x);
          *b = g_steal_pointer (&y);
          return;
        }
    }
  *a = g_build_filename (folder, names[0][0], NULL);
  *b = g_build_filename (folder, names[0][1], NULL);
}

/* Whether some picture in `folder` has this stem. */
static gboolean
is_taken (const char *folder, const char *stem)
{
  static const char *const extensions[]
      = { "png", "jpg", "jpeg", "tif", "tiff", "webp", NULL };

  for (int i = 0; extensions[i]; i++)
    {
      g_autofree char *file = g_strconcat (stem, ".", extensions[i], NULL);
      g_autofree char *path = g_build_filename (folder, file, NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return TRUE;
    }
  return FALSE;
}

static gboolean
next_pair (const char *folder, const char *name, Pair *pair, GError **error)
{
  g_autofree char *a = NULL, *b = NULL, *shown = NULL;

  if (strchr (name, G_DIR_SEPARATOR) || name[0] == '.')
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("the argument \"name\" is \"%s\"; give a name without "
                      "folders that does not begin with a dot"),
                   name);
      return FALSE;
    }
  find_folders (folder, &a, &b);
  if (!atl_make_folder (a, error) || !atl_make_folder (b, error))
    return FALSE;
  for (int i = 1; i <= MAX_NUMBER; i++)
    {
      g_autofree char *stem = g_strdup_printf ("%s-%04d", name, i);
      g_autofree char *file = g_strconcat (stem, ".png", NULL);

      if (is_taken (a, stem) || is_taken (b, stem))
        continue;
      pair->before = g_build_filename (a, file, NULL);
      pair->after = g_build_filename (b, file, NULL);
      return TRUE;
    }
  shown = atl_display_path (folder);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FILE,
               _ ("%s: no number is free for another \"%s\""), shown, name);
  return FALSE;
}

static gboolean
write_layer (GimpDrawable *layer, const GeglRectangle *part, const char *path,
             GError **error)
{
  g_autoptr (AtlLayer) pixels = atl_layer_new (layer);
  g_autoptr (AtlPicture) picture = NULL;
  GeglRectangle rect = *part;
  int x, y;

  gimp_drawable_get_offsets (layer, &x, &y);
  rect.x -= x;
  rect.y -= y;
  picture = atl_layer_get_picture (pixels, FALSE, &rect, error);
  return picture && atl_picture_save (picture, path, error);
}

static gboolean
add_pair (GimpImage *image, GimpDrawable *layers[2], GimpProcedureConfig *config,
          Pair *pair, GError **error)
{
  g_autofree char *folder = NULL;
  g_autofree char *name = atl_config_string (config, "name");
  GeglRectangle part;

  if (!atl_config_path (config, "folder", &folder, error))
    return FALSE;
  if (!folder)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, "%s",
                   _ ("the argument \"folder\" is missing; it is where the pair "
                      "goes"));
      return FALSE;
    }
  if (!common_part (image, layers, &part, error)
      || !next_pair (folder, name ? name : "pair", pair, error)
      || !write_layer (layers[0], &part, pair->before, error))
    return FALSE;
  if (write_layer (layers[1], &part, pair->after, error))
    return TRUE;
  g_unlink (pair->before);
  return FALSE;
}

/* --- The procedure --- */

static gboolean
ask (GimpProcedure *procedure, GimpDrawable *layers[2], GimpProcedureConfig *config)
{
  AtlLayerSource before, after;
  gboolean go_on;

  gimp_ui_init ("atelier");
  atl_filter_source_init (&before, (GimpDrawable *[]){ layers[0], NULL });
  atl_filter_source_init (&after, (GimpDrawable *[]){ layers[1], NULL });
  go_on = atl_pair_dialog_run (procedure, config, &before, &after);
  atl_filter_source_clear (&before);
  atl_filter_source_clear (&after);
  return go_on;
}

static GimpValueArray *
run (GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image,
     GimpDrawable **drawables, GimpProcedureConfig *config, gpointer data)
{
  g_auto (Pair) pair = { NULL };
  GimpDrawable *layers[2];
  GError *error = NULL;
  GimpValueArray *values;

  gegl_init (NULL, NULL);
  if (!take_layers (image, drawables, layers, &error))
    return atl_return (procedure, error);
  if (run_mode == GIMP_RUN_INTERACTIVE && !ask (procedure, layers, config))
    return atl_return_cancelled (procedure);
  if (!add_pair (image, layers, config, &pair, &error))
    return atl_return (procedure, error);
  values = atl_return (procedure, NULL);
  GIMP_VALUES_TAKE_FILE (values, 1, g_file_new_for_path (pair.before));
  GIMP_VALUES_TAKE_FILE (values, 2, g_file_new_for_path (pair.after));
  return values;
}

GimpProcedure *
atl_add_pair_create (GimpPlugIn *plug_in)
{
  GimpProcedure *procedure = gimp_image_procedure_new (
      plug_in, ATL_PROC_ADD_PAIR, GIMP_PDB_PROC_TYPE_PLUGIN, run, NULL, NULL);

  atl_procedure_describe (
      procedure, _ ("_Add Layers as a Training Pair..."),
      _ ("Writes two layers as an aligned pair of pictures to learn from"),
      _ ("The lower of the two selected layers is what a model will see, the "
         "upper one what it is to answer.  What both have in common, within the "
         "selection's bounds, goes as PNG into the folders A and B of the chosen "
         "folder, under the next free number."));
  gimp_procedure_set_image_types (procedure, "*");
  gimp_procedure_set_sensitivity_mask (procedure,
                                       GIMP_PROCEDURE_SENSITIVE_DRAWABLES);
  gimp_procedure_add_file_argument (
      procedure, "folder", _ ("_Folder"), _ ("The folder of training pictures"),
      GIMP_FILE_CHOOSER_ACTION_ANY, TRUE, NULL, G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (
      procedure, "name", _ ("_Name"),
      _ ("What the pictures' names begin with; empty: pair"), "",
      G_PARAM_READWRITE);
  gimp_procedure_add_file_return_value (procedure, "before", _ ("Before"),
                                        _ ("The lower layer's picture"),
                                        G_PARAM_READWRITE);
  gimp_procedure_add_file_return_value (procedure, "after", _ ("After"),
                                        _ ("The upper layer's picture"),
                                        G_PARAM_READWRITE);
  return procedure;
}
