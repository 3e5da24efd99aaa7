/* What is chosen for a training; see train-choices.h. */

#include "train-choices.h"

#include <string.h>

const char *const atl_presets[ATL_N_PRESETS] = { "quick", "standard", "full" };

char *
atl_choices_string (GimpProcedureConfig *config, const char *argument)
{
  char *value = NULL;

  g_object_get (config, argument, &value, NULL);
  return value ? value : g_strdup ("");
}

AtlLearn
atl_choices_learn (GimpProcedureConfig *config)
{
  g_autofree char *kind = atl_choices_string (config, "kind");
  g_autofree char *corrupt = atl_choices_string (config, "corrupt");

  if (strcmp (kind, "vqvae") == 0)
    return ATL_LEARN_COMPRESS;
  return *corrupt ? ATL_LEARN_RESTORE : ATL_LEARN_STYLE;
}

int
atl_choices_preset (GimpProcedureConfig *config)
{
  g_autofree char *preset = atl_choices_string (config, "preset");

  for (int i = 0; i < ATL_N_PRESETS; i++)
    if (strcmp (preset, atl_presets[i]) == 0)
      return i;
  return 0;
}

char *
atl_choices_folder (GimpProcedureConfig *config)
{
  g_autoptr (GFile) file = NULL;

  g_object_get (config, "folder", &file, NULL);
  return file ? g_file_get_path (file) : NULL;
}

char *
atl_choices_folder_name (GimpProcedureConfig *config)
{
  g_autofree char *folder = atl_choices_folder (config);

  return folder ? g_filename_display_basename (folder) : NULL;
}

char *
atl_choices_name (GimpProcedureConfig *config)
{
  g_autofree char *name = atl_choices_string (config, "name");
  g_autofree char *folder = atl_choices_folder_name (config);

  if (*name)
    return g_steal_pointer (&name);
  return folder ? g_steal_pointer (&folder) : g_strdup ("");
}

AtlTrainSettings *
atl_choices_settings (GimpProcedureConfig *config, int preset, GError **error)
{
  g_autofree char *corrupt = atl_choices_string (config, "corrupt");
  g_autofree char *arch = atl_choices_string (config, "arch");
  g_autofree char *direction = atl_choices_string (config, "direction");
  g_autofree char *from = atl_choices_string (config, "from");
  AtlLearn learn = atl_choices_learn (config);
  g_autoptr (AtlTrainSettings) settings = atl_train_settings_new (
      learn == ATL_LEARN_COMPRESS ? ATL_TRAIN_VQVAE : ATL_TRAIN_PIX2PIX,
      atl_presets[preset], *arch ? arch : NULL, error);
  int steps, size, seed;

  if (!settings)
    return NULL;
  g_object_get (config, "steps", &steps, "size", &size, "seed", &seed, NULL);
  if (learn == ATL_LEARN_RESTORE)
    settings->corrupt = g_strdup (corrupt);
  if (learn != ATL_LEARN_COMPRESS && *from)
    settings->from = g_steal_pointer (&from);
  if (steps > 0)
    settings->steps = steps;
  if (size > 0)
    settings->size = size;
  settings->seed = seed;
  settings->b_to_a = strcmp (direction, "BtoA") == 0;
  settings->threads = gimp_get_num_processors ();
  return atl_train_settings_check (settings, error) ? g_steal_pointer (&settings)
                                                    : NULL;
}
