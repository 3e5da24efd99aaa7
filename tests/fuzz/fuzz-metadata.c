/* Any text as what a file says about itself: a model's configuration, card and
 * thumbnail, a checkpoint's settings.  A configuration that is accepted can be
 * built, and survives being written. */

#include "fuzz.h"
#include "models/model-private.h"
#include "models/thumbnail.h"
#include "train/settings.h"

static void
check_config (const char *text)
{
  GError *error = NULL;
  AtlConfig config, again;

  if (!atl_config_from_json (&config, text, &error))
    fuzz_check_error (&error);
  else
    {
      g_autoptr (AtlGraph) graph = atl_config_build (&config, NULL);
      g_autofree char *json = atl_config_to_json (&config);
      g_autofree char *second = NULL;

      g_assert_nonnull (graph);
      g_assert_true (atl_config_from_json (&again, json, &error));
      second = atl_config_to_json (&again);
      g_assert_cmpstr (json, ==, second);
    }
}

static void
check_card (char *text)
{
  g_autoptr (GHashTable) metadata = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (JsonObject) card = NULL;

  g_hash_table_insert (metadata, (gpointer) "atelier.card", text);
  card = atl_model_read_card (metadata);
  g_assert_nonnull (card);
  atl_model_card_string (card, "name");
}

static void
check_thumbnail (char *text)
{
  g_autoptr (GHashTable) metadata = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GBytes) png = NULL;

  g_hash_table_insert (metadata, (gpointer) "atelier.thumbnail", text);
  png = atl_thumbnail_read (metadata);
}

static void
check_settings (const char *text)
{
  GError *error = NULL;
  AtlTrainSettings *settings = atl_train_settings_from_text (text, NULL, &error);

  if (settings == NULL)
    fuzz_check_error (&error);
  else
    atl_train_settings_free (settings);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);

  /* The reader of the file has seen to that. */
  if (!g_utf8_validate (text, -1, NULL))
    return 0;
  check_config (text);
  check_card (text);
  check_thumbnail (text);
  check_settings (text);
  return 0;
}
