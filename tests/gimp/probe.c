/* A plug-in for the tests: what Script-Fu can't tell about pixels.
 *
 *   plug-in-probe-hash   drawable -> a hash of its size, format and bytes
 *   plug-in-probe-check  whether `after` is `before` sent through a model by
 *                        core alone, exactly where the selection says: outside
 *                        as it was, inside the model's, feathered between; alpha
 *                        as it was.  Returns the number of values that are wrong.
 *   plug-in-probe-describe  name of a procedure -> blurb, help, authors, menu, label
 *   plug-in-probe-tag    image, tag, value -> what that tag of the image's metadata
 *                        is, after it was set to value unless that is empty
 *   plug-in-probe-fill   fills a drawable with a picture of its own: smooth
 *                        colours, some texture, half-transparent places
 *
 * It reads pixels in its own way and shares nothing with the plug-in but core.
 */

#include <math.h>

#include <gexiv2/gexiv2.h>
#include <libgimp/gimp.h>

#include "apply/apply.h"

#define PROBE_TYPE (probe_get_type ())
G_DECLARE_FINAL_TYPE (Probe, probe, PROBE, PLUG_IN, GimpPlugIn)

struct _Probe
{
  GimpPlugIn parent;
};

G_DEFINE_FINAL_TYPE (Probe, probe, GIMP_TYPE_PLUG_IN)

static GeglRectangle
extent (GimpDrawable *drawable)
{
  return (GeglRectangle){ 0, 0, gimp_drawable_get_width (drawable),
                          gimp_drawable_get_height (drawable) };
}

static gpointer
read_all (GimpDrawable *drawable, const Babl *format)
{
  GeglRectangle all = extent (drawable);
  gsize size
      = (gsize)all.width * all.height * babl_format_get_bytes_per_pixel (format);
  gpointer pixels = g_malloc (MAX (size, 1));
  GeglBuffer *buffer = gimp_drawable_get_buffer (drawable);

  gegl_buffer_get (buffer, &all, 1.0, format, pixels, GEGL_AUTO_ROWSTRIDE,
                   GEGL_ABYSS_NONE);
  g_object_unref (buffer);
  return pixels;
}

/* --- hash --- */

static GimpValueArray *
run_hash (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GimpDrawable *drawable;
  GimpValueArray *values;
  const Babl *format;
  GeglRectangle all;
  gsize size;
  g_autofree guchar *pixels = NULL;
  g_autofree char *hash = NULL;

  gegl_init (NULL, NULL);
  g_object_get (config, "drawable", &drawable, NULL);
  format = gimp_drawable_get_format (drawable);
  all = extent (drawable);
  size = (gsize)all.width * all.height * babl_format_get_bytes_per_pixel (format);
  pixels = read_all (drawable, format);
  hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, pixels, size);
  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  GIMP_VALUES_TAKE_STRING (values, 1,
                           g_strdup_printf ("%dx%d %s %s", all.width, all.height,
                                            babl_format_is_palette (format)
                                                ? "palette"
                                                : babl_get_name (format),
                                            hash));
  g_object_unref (drawable);
  return values;
}

/* --- tag --- */

static GimpValueArray *
run_tag (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  g_autofree char *tag = NULL, *value = NULL;
  GimpImage *image;
  GimpMetadata *metadata;
  GimpValueArray *values;

  g_object_get (config, "image", &image, "tag", &tag, "value", &value, NULL);
  metadata = gimp_image_get_metadata (image);
  if (*value)
    {
      if (!metadata)
        metadata = gimp_metadata_new ();
      gexiv2_metadata_try_set_tag_string (GEXIV2_METADATA (metadata), tag, value,
                                          NULL);
      gimp_image_set_metadata (image, metadata);
    }
  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  GIMP_VALUES_TAKE_STRING (values, 1,
                           metadata ? gexiv2_metadata_try_get_tag_string (
                                          GEXIV2_METADATA (metadata), tag, NULL)
                                    : NULL);
  g_clear_object (&metadata);
  g_object_unref (image);
  return values;
}

static GimpProcedure *
create_tag (GimpPlugIn *plug_in, const char *name)
{
  GimpProcedure *p = gimp_procedure_new (plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN,
                                         run_tag, NULL, NULL);

  gimp_procedure_add_image_argument (p, "image", "i", "i", FALSE,
                                     G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (p, "tag", "t", "t", "", G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (p, "value", "v", "v", "", G_PARAM_READWRITE);
  gimp_procedure_add_string_return_value (p, "current", "c", "c", "",
                                          G_PARAM_READWRITE);
  return p;
}

/* --- describe --- */

static GimpValueArray *
run_describe (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  g_autofree char *name = NULL;
  GimpProcedure *described;
  GimpValueArray *values;
  GList *paths;

  g_object_get (config, "name", &name, NULL);
  described = gimp_pdb_lookup_procedure (gimp_get_pdb (), name);
  values = gimp_procedure_new_return_values (
      procedure, described ? GIMP_PDB_SUCCESS : GIMP_PDB_EXECUTION_ERROR, NULL);
  if (!described)
    return values;
  paths = gimp_procedure_get_menu_paths (described);
  GIMP_VALUES_SET_STRING (values, 1, gimp_procedure_get_blurb (described));
  GIMP_VALUES_SET_STRING (values, 2, gimp_procedure_get_help (described));
  GIMP_VALUES_SET_STRING (values, 3, gimp_procedure_get_authors (described));
  GIMP_VALUES_SET_STRING (values, 4, paths ? paths->data : "");
  GIMP_VALUES_SET_STRING (values, 5, gimp_procedure_get_menu_label (described));
  return values;
}

static GimpProcedure *
create_describe (GimpPlugIn *plug_in, const char *name)
{
  GimpProcedure *p = gimp_procedure_new (plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN,
                                         run_describe, NULL, NULL);

  gimp_procedure_add_string_argument (p, "name", "n", "n", "", G_PARAM_READWRITE);
  for (int i = 0; i < 5; i++)
    {
      const char *const names[] = { "blurb", "help", "authors", "menu", "label" };

      gimp_procedure_add_string_return_value (p, names[i], names[i], names[i], "",
                                              G_PARAM_READWRITE);
    }
  return p;
}

/* --- fill --- */

static GimpValueArray *
run_fill (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GimpDrawable *drawable;
  GeglRectangle all;
  GeglBuffer *buffer;
  double scale;

  gegl_init (NULL, NULL);
  g_object_get (config, "drawable", &drawable, "scale", &scale, NULL);
  all = extent (drawable);
  buffer = gimp_drawable_get_buffer (drawable);
  for (int y = 0; y < all.height; y++)
    {
      g_autofree float *row = g_new (float, (gsize)all.width * 4);

      for (int x = 0; x < all.width; x++)
        {
          row[4 * x] = scale * (0.5 + 0.4 * sin (x / 7.0 + y / 23.0));
          row[4 * x + 1] = scale * (0.5 + 0.4 * cos (x / 11.0 - y / 5.0));
          row[4 * x + 2] = scale * (0.2 + 0.6 * ((x * 7 + y * 13) % 32) / 32.0);
          row[4 * x + 3] = ((x / 8 + y / 8) % 4 == 0) ? 0.5 : 1;
        }
      gegl_buffer_set (
          buffer, GEGL_RECTANGLE (0, y, all.width, 1), 0,
          babl_format_with_space (
              "R~G~B~A float",
              babl_format_get_space (gimp_drawable_get_format (drawable))),
          row, GEGL_AUTO_ROWSTRIDE);
    }
  g_object_unref (buffer);
  gimp_drawable_update (drawable, 0, 0, all.width, all.height);
  g_object_unref (drawable);
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
}

/* --- check --- */

typedef struct
{
  float *before, *after, *expected; /* channels + alpha a pixel */
  float *mask;                      /* or NULL: all selected */
  int samples;
  gboolean has_alpha;
  double tolerance;
  double worst;
  int wrong, partial, selected;
} Check;

/* The selection over the layer. */
static float *
read_selection (GimpImage *image, GimpDrawable *layer)
{
  GimpSelection *selection;
  GeglBuffer *buffer;
  GeglRectangle rect = extent (layer);
  float *mask;
  int x, y;

  if (gimp_selection_is_empty (image))
    return NULL;
  selection = gimp_image_get_selection (image);
  gimp_drawable_get_offsets (layer, &x, &y);
  mask = g_new0 (float, (gsize)rect.width *rect.height);
  rect.x = x;
  rect.y = y;
  buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (selection));
  gegl_buffer_get (buffer, &rect, 1.0, babl_format ("Y float"), mask,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_BLACK);
  g_object_unref (buffer);
  return mask;
}

static void
check_value (Check *check, gsize i, float mask)
{
  double before = check->before[i], after = check->after[i];
  double expected = check->expected[i], off = 0;

  if (check->has_alpha && i % check->samples == (gsize)check->samples - 1)
    off = fabs (after - before);
  else if (mask <= 0)
    off = fabs (after - before);
  else if (mask >= 1)
    off = fabs (after - expected);
  else /* somewhere between */
    off = MAX (MIN (before, expected) - after, after - MAX (before, expected));
  check->worst = MAX (check->worst, off);
  /* Not "off > tolerance": a NaN is wrong too. */
  check->wrong += !(off <= (mask <= 0 ? 0 : check->tolerance));
}

static gboolean
expect (GimpDrawable *before, const char *path, double strength, int stages,
        int samples, Check *check, GError **error)
{
  GeglRectangle all = extent (before);
  int channels = samples - check->has_alpha;
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (AtlModel) model = atl_model_open (path, error);
  g_autoptr (AtlPool) pool = atl_pool_new (0);
  g_autoptr (AtlPicture) in = atl_picture_new (all.width, all.height, channels,
                                               FALSE, ATL_DEPTH_FLOAT, NULL, error);
  g_autoptr (AtlPicture) out = NULL;
  gsize n = (gsize)all.width * all.height;

  if (!model || !in)
    return FALSE;
  options.strength = strength;
  options.stages = stages;
  for (gsize i = 0; i < n; i++)
    for (int c = 0; c < channels; c++)
      ((float *)(in->pixels
                 + i / all.width * in->row_bytes))[i % all.width * channels + c]
          = CLAMP (check->before[i * samples + c], 0, 1);
  out = atl_apply_picture (model, pool, in, &options, NULL, error);
  if (!out)
    return FALSE;
  check->expected = g_new0 (float, n *samples);
  atl_picture_get (out, 0, 0, all.width, all.height, channels, check->expected,
                   samples, (gsize)all.width * samples);
  return TRUE;
}

static GimpValueArray *
run_check (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  Check check = { NULL };
  g_autofree char *path = NULL, *name = NULL;
  GimpDrawable *before, *after;
  GimpImage *image;
  GeglRectangle all;
  GError *error = NULL;
  GimpValueArray *values;
  const Babl *format;
  double strength;
  int stages;

  gegl_init (NULL, NULL);
  g_object_get (config, "before", &before, "after", &after, "model", &path,
                "strength", &strength, "stages", &stages, "tolerance",
                &check.tolerance, "format", &name, NULL);
  all = extent (before);
  format = babl_format_with_space (
      name, babl_format_get_space (gimp_drawable_get_format (before)));
  check.samples = babl_format_get_n_components (format);
  check.has_alpha = babl_format_has_alpha (format);
  check.before = read_all (before, format);
  check.after = read_all (after, format);
  image = gimp_item_get_image (GIMP_ITEM (after));
  check.mask = read_selection (image, after);
  if (!expect (before, path, strength, stages, check.samples, &check, &error))
    return gimp_procedure_new_return_values (procedure, GIMP_PDB_EXECUTION_ERROR,
                                             error);
  for (gsize i = 0; i < (gsize)all.width * all.height; i++)
    {
      float mask = check.mask ? check.mask[i] : 1;

      check.selected += mask >= 1;
      check.partial += mask > 0 && mask < 1;
      for (int c = 0; c < check.samples; c++)
        check_value (&check, i * check.samples + c, mask);
    }
  values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  GIMP_VALUES_SET_INT (values, 1, check.wrong);
  GIMP_VALUES_SET_INT (values, 2, check.selected);
  GIMP_VALUES_SET_INT (values, 3, check.partial);
  GIMP_VALUES_SET_DOUBLE (values, 4, check.worst);
  return values;
}

/* --- plug-in --- */

static GList *
query (GimpPlugIn *plug_in)
{
  GList *names = g_list_append (NULL, g_strdup ("plug-in-probe-hash"));

  names = g_list_append (names, g_strdup ("plug-in-probe-describe"));
  names = g_list_append (names, g_strdup ("plug-in-probe-fill"));
  names = g_list_append (names, g_strdup ("plug-in-probe-tag"));
  return g_list_append (names, g_strdup ("plug-in-probe-check"));
}

static void
add_drawable (GimpProcedure *p, const char *name)
{
  gimp_procedure_add_drawable_argument (p, name, name, name, FALSE,
                                        G_PARAM_READWRITE);
}

static GimpProcedure *
create_check (GimpPlugIn *plug_in, const char *name)
{
  GimpProcedure *p = gimp_procedure_new (plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN,
                                         run_check, NULL, NULL);

  add_drawable (p, "before");
  add_drawable (p, "after");
  gimp_procedure_add_string_argument (p, "model", "m", "m", "", G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (p, "strength", "s", "s", 0, 1, 1,
                                      G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (p, "stages", "s", "s", 0, 64, 0,
                                   G_PARAM_READWRITE);
  gimp_procedure_add_string_argument (p, "format", "f", "f", "R'G'B'A float",
                                      G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (p, "tolerance", "t", "t", 0, 1, 0,
                                      G_PARAM_READWRITE);
  gimp_procedure_add_int_return_value (p, "wrong", "w", "w", 0, G_MAXINT, 0,
                                       G_PARAM_READWRITE);
  gimp_procedure_add_int_return_value (p, "selected", "s", "s", 0, G_MAXINT, 0,
                                       G_PARAM_READWRITE);
  gimp_procedure_add_int_return_value (p, "partial", "p", "p", 0, G_MAXINT, 0,
                                       G_PARAM_READWRITE);
  gimp_procedure_add_double_return_value (p, "worst", "w", "w", 0, G_MAXDOUBLE, 0,
                                          G_PARAM_READWRITE);
  return p;
}

static GimpProcedure *
create (GimpPlugIn *plug_in, const char *name)
{
  GimpProcedure *p;

  if (g_str_equal (name, "plug-in-probe-check"))
    return create_check (plug_in, name);
  if (g_str_equal (name, "plug-in-probe-describe"))
    return create_describe (plug_in, name);
  if (g_str_equal (name, "plug-in-probe-tag"))
    return create_tag (plug_in, name);
  p = gimp_procedure_new (
      plug_in, name, GIMP_PDB_PROC_TYPE_PLUGIN,
      g_str_equal (name, "plug-in-probe-hash") ? run_hash : run_fill, NULL, NULL);
  add_drawable (p, "drawable");
  if (g_str_equal (name, "plug-in-probe-hash"))
    gimp_procedure_add_string_return_value (p, "hash", "h", "h", "",
                                            G_PARAM_READWRITE);
  else
    gimp_procedure_add_double_argument (p, "scale", "s", "s", -100, 100, 1,
                                        G_PARAM_READWRITE);
  return p;
}

static gboolean
no_i18n (GimpPlugIn *plug_in, const char *name, char **domain, char **folder)
{
  return FALSE;
}

static void
probe_class_init (ProbeClass *klass)
{
  GimpPlugInClass *plug_in_class = GIMP_PLUG_IN_CLASS (klass);

  plug_in_class->query_procedures = query;
  plug_in_class->create_procedure = create;
  plug_in_class->set_i18n = no_i18n;
}

static void
probe_init (Probe *probe)
{
}

GIMP_MAIN (PROBE_TYPE)
