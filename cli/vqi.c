/* What the sub-commands say of .vqi files; see vqi.h. */

#include "vqi.h"

#include <stdio.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "common.h"

gboolean
cli_check_quality (AtlModel *model, int quality, GError **error)
{
  int stages = atl_model_get_config (model)->stages;

  if (quality >= 0 && quality <= stages)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               ngettext ("--quality is %d, but %s has only one quality; leave "
                         "--quality out",
                         "--quality is %d; %s has the qualities 1 to %d", stages),
               quality, atl_model_get_name (model), stages);
  return FALSE;
}

static double
bits_per_pixel (const AtlVqi *vqi)
{
  return 8.0 * (double)vqi->bytes / ((double)vqi->width * vqi->height);
}

static void
add_planes (JsonBuilder *builder, const AtlVqi *vqi)
{
  json_builder_set_member_name (builder, "planes");
  json_builder_begin_array (builder);
  for (int s = 0; s < vqi->usable; s++)
    for (int l = 0; l < vqi->n_levels; l++)
      {
        json_builder_begin_object (builder);
        cli_json_add_int (builder, "level", l);
        cli_json_add_int (builder, "stage", s);
        cli_json_add_int (builder, "codes",
                          (gint64)vqi->grids[l].width * vqi->grids[l].height);
        cli_json_add_int (builder, "bytes",
                          (gint64)g_bytes_get_size (vqi->codes[l][s]));
        json_builder_set_member_name (builder, "coding");
        json_builder_add_string_value (
            builder, vqi->codings[l][s] == ATL_CODING_PLAIN ? "plain" : "context");
        json_builder_end_object (builder);
      }
  json_builder_end_array (builder);
}

void
cli_json_add_vqi (JsonBuilder *builder, const AtlVqi *vqi)
{
  g_autofree char *id = atl_vqi_model_id (vqi);

  cli_json_add_int (builder, "bytes", (gint64)vqi->bytes);
  cli_json_add_number (builder, "bits_per_pixel", bits_per_pixel (vqi));
  cli_json_add_int (builder, "width", vqi->width);
  cli_json_add_int (builder, "height", vqi->height);
  cli_json_add_int (builder, "channels", vqi->channels);
  json_builder_set_member_name (builder, "alpha");
  json_builder_add_boolean_value (builder, vqi->alpha != NULL);
  cli_json_add_int (builder, "quality", vqi->usable);
  cli_json_add_int (builder, "qualities", vqi->stages);
  json_builder_set_member_name (builder, "cut_short");
  json_builder_add_boolean_value (builder, vqi->cut_short);
  json_builder_set_member_name (builder, "model");
  json_builder_add_string_value (builder, vqi->model_name);
  json_builder_set_member_name (builder, "model_hash");
  json_builder_add_string_value (builder, id);
  add_planes (builder, vqi);
}

gboolean
cli_is_vqi (const char *path)
{
  guint8 start[16];
  FILE *file = g_fopen (path, "rb");
  gsize n = 0;

  if (file)
    {
      n = fread (start, 1, sizeof start, file);
      fclose (file);
    }
  return atl_vqi_is_vqi (start, n);
}

static const char *
depth_name (AtlDepth depth)
{
  return depth == ATL_DEPTH_U8 ? "8" : depth == ATL_DEPTH_U16 ? "16" : "float";
}

static void
print_size (const char *name, GBytes *bytes)
{
  if (bytes)
    g_print ("  %-18s %zu\n", name, g_bytes_get_size (bytes));
}

static void
print_text (const AtlVqi *vqi, const char *path)
{
  g_autofree char *id = atl_vqi_model_id (vqi);

  g_print ("%s\n", path);
  g_print ("  %-18s %dx%d, %s, %s\n", _ ("picture"), vqi->width, vqi->height,
           vqi->channels == 1 ? _ ("grey") : _ ("colour"), depth_name (vqi->depth));
  g_print ("  %-18s %zu, %.3f %s\n", _ ("bytes"), vqi->bytes, bits_per_pixel (vqi),
           _ ("bits per pixel"));
  g_print (vqi->cut_short ? _ ("  %-18s %d of %d (cut short or damaged)\n")
                          : _ ("  %-18s %d of %d\n"),
           _ ("quality"), vqi->usable, vqi->stages);
  g_print ("  %-18s %s (%s)\n", _ ("model"), vqi->model_name, id);
  for (int s = 0; s < vqi->usable; s++)
    for (int l = 0; l < vqi->n_levels; l++)
      g_print ("  %-18s %dx%d, K %d: %zu (%.2f %s)\n", _ ("codes"),
               vqi->grids[l].width, vqi->grids[l].height, vqi->grids[l].k,
               g_bytes_get_size (vqi->codes[l][s]),
               8.0 * (double)g_bytes_get_size (vqi->codes[l][s])
                   / ((double)vqi->grids[l].width * vqi->grids[l].height),
               _ ("bits each"));
  print_size (_ ("transparency"), vqi->alpha);
  print_size (_ ("ICC profile"), vqi->icc);
  print_size ("Exif", vqi->exif);
  print_size ("XMP", vqi->xmp);
}

gboolean
cli_info_vqi (const char *path, gboolean json, GError **error)
{
  g_autoptr (AtlVqi) vqi = atl_vqi_open (path, error);

  if (!vqi)
    return FALSE;
  if (json)
    {
      g_autoptr (JsonBuilder) builder = json_builder_new ();

      json_builder_begin_object (builder);
      cli_json_add_vqi (builder, vqi);
      json_builder_end_object (builder);
      cli_print_json (json_builder_get_root (builder));
    }
  else
    print_text (vqi, path);
  return TRUE;
}
