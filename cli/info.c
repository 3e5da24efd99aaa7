/* atelier info: what a model is, or a .vqi file. */

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "commands.h"
#include "common.h"
#include "models/library.h"
#include "vqi.h"

static void
add_json_text (JsonBuilder *builder, const char *name, const char *json)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_value (builder, json_from_string (json, NULL));
}

static void
print_json (AtlModel *model, const char *path, const char *hash, gint64 bytes)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const AtlConfig *config = atl_model_get_config (model);
  const AtlGraph *graph = atl_model_get_graph (model);
  g_autofree char *config_json = atl_config_to_json (config);
  JsonNode *card = json_node_new (JSON_NODE_OBJECT);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "name");
  json_builder_add_string_value (builder, atl_model_get_name (model));
  json_builder_set_member_name (builder, "kind");
  json_builder_add_string_value (builder, atl_config_kind (config));
  json_builder_set_member_name (builder, "arch");
  json_builder_add_string_value (builder, atl_config_arch_name (config));
  json_builder_set_member_name (builder, "parameters");
  json_builder_add_int_value (builder, atl_graph_count_parameters (graph, FALSE));
  json_builder_set_member_name (builder, "codebook_values");
  json_builder_add_int_value (builder,
                              atl_graph_count_parameters (graph, TRUE)
                                  - atl_graph_count_parameters (graph, FALSE));
  json_builder_set_member_name (builder, "file");
  json_builder_add_string_value (builder, path);
  json_builder_set_member_name (builder, "bytes");
  json_builder_add_int_value (builder, bytes);
  json_builder_set_member_name (builder, "hash");
  json_builder_add_string_value (builder, hash);
  add_json_text (builder, "config", config_json);
  json_node_set_object (card, atl_model_get_card (model));
  json_builder_set_member_name (builder, "card");
  json_builder_add_value (builder, card);
  json_builder_end_object (builder);
  cli_print_json (json_builder_get_root (builder));
}

static void
print_member (JsonObject *object, const char *name, JsonNode *value, gpointer data)
{
  g_autofree char *text = NULL;
  GType type = JSON_NODE_HOLDS_VALUE (value) ? json_node_get_value_type (value)
                                             : G_TYPE_NONE;

  if (type == G_TYPE_STRING)
    text = json_node_dup_string (value);
  else if (type == G_TYPE_DOUBLE)
    text = g_strdup_printf ("%.6g", json_node_get_double (value));
  else if (type == G_TYPE_BOOLEAN)
    text = g_strdup (json_node_get_boolean (value) ? "yes" : "no");
  else
    text = json_to_string (value, FALSE);
  if (*text)
    g_print ("  %-18s %s\n", name, text);
}

static void
print_text (AtlModel *model, const char *path, const char *hash, gint64 bytes)
{
  const AtlConfig *config = atl_model_get_config (model);
  g_autofree char *config_json = atl_config_to_json (config);
  g_autoptr (JsonNode) node = json_from_string (config_json, NULL);

  g_print ("%s\n", atl_model_get_name (model));
  g_print ("  %-18s %s\n", _ ("file"), path);
  g_print ("  %-18s %.1f MB\n", _ ("size"), bytes / 1e6);
  g_print ("  %-18s %s\n", _ ("kind"), atl_config_kind (config));
  g_print ("  %-18s %" G_GINT64_FORMAT "\n", _ ("parameters"),
           atl_graph_count_parameters (atl_model_get_graph (model), FALSE));
  g_print ("  %-18s %s\n", _ ("hash"), hash);
  g_print ("%s\n", _ ("Configuration"));
  json_object_foreach_member (json_node_get_object (node), print_member, NULL);
  if (json_object_get_size (atl_model_get_card (model)) == 0)
    return;
  g_print ("%s\n", _ ("Card"));
  json_object_foreach_member (atl_model_get_card (model), print_member, NULL);
}

gboolean
command_info (int argc, char **argv, GError **error)
{
  gboolean json = FALSE;
  const GOptionEntry entries[]
      = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("print JSON"), NULL },
          { NULL } };
  g_autofree char *path = NULL;
  g_autoptr (AtlModel) model = NULL;
  const char *hash;
  GStatBuf status = { 0 };

  if (!cli_parse (&argc, &argv, entries, "MODEL|FILE.vqi", NULL, 1, 1, error))
    return FALSE;
  if (cli_is_vqi (argv[1]))
    return cli_info_vqi (argv[1], json, error);
  path = atl_library_find (argv[1], error);
  if (!path)
    return FALSE;
  model = cli_open_model (path, NULL, error);
  hash = model ? atl_model_get_hash (model, error) : NULL;
  if (!hash)
    return FALSE;
  g_stat (path, &status);
  if (json)
    print_json (model, path, hash, status.st_size);
  else
    print_text (model, path, hash, status.st_size);
  return TRUE;
}
