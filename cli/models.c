/* atelier models: what models can be found, and where. */

#include <glib/gi18n-lib.h>

#include "commands.h"
#include "common.h"
#include "models/library.h"

static void
print_json (GPtrArray *models)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (guint i = 0; i < models->len; i++)
    {
      const AtlModelInfo *info = models->pdata[i];
      JsonNode *card = info->card ? json_from_string (info->card, NULL) : NULL;

      json_builder_begin_object (builder);
      cli_json_add_string (builder, "id", info->id);
      cli_json_add_string (builder, "name", info->name);
      cli_json_add_string (builder, "kind", info->kind);
      cli_json_add_string (builder, "file", info->path);
      json_builder_set_member_name (builder, "card");
      if (card)
        json_builder_add_value (builder, card);
      else
        json_builder_add_null_value (builder);
      if (info->error)
        cli_json_add_string (builder, "error", info->error->message);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  cli_print_json (json_builder_get_root (builder));
}

static void
print_text (GPtrArray *models)
{
  if (models->len == 0)
    {
      g_auto (GStrv) folders = atl_library_folders (NULL);

      g_print ("%s\n", _ ("No models were found in"));
      for (char **folder = folders; *folder; folder++)
        g_print ("  %s\n", *folder);
    }
  for (guint i = 0; i < models->len; i++)
    {
      const AtlModelInfo *info = models->pdata[i];

      if (info->error)
        g_print ("%s\n  %s\n", info->id, info->error->message);
      else
        g_print ("%s  (%s)\n  %s\n%s%s%s", info->id, info->kind, info->path,
                 info->description && *info->description ? "  " : "",
                 info->description ? info->description : "",
                 info->description && *info->description ? "\n" : "");
    }
}

gboolean
command_models (int argc, char **argv, GError **error)
{
  gboolean json = FALSE;
  g_autofree char *kind = NULL;
  const GOptionEntry entries[]
      = { { "kind", 0, 0, G_OPTION_ARG_STRING, &kind,
            N_ ("only these: pix2pix or vqvae"), N_ ("KIND") },
          { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("print JSON"), NULL },
          { NULL } };
  g_autoptr (GPtrArray) models = NULL;

  if (!cli_parse (&argc, &argv, entries, "", NULL, 0, 0, error))
    return FALSE;
  models = atl_library_list (kind);
  if (json)
    print_json (models);
  else
    print_text (models);
  return TRUE;
}
