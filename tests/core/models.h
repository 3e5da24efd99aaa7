/* Models for tests, of a network's name and settings: "key=value" separated by
 * spaces. */

#pragma once

#include "models/model.h"

static inline AtlConfig
config_of (const char *arch, const char *settings)
{
  g_auto (GStrv) each = g_strsplit (settings, " ", -1);
  g_autoptr (GError) error = NULL;
  AtlConfig config;

  atl_config_init (&config, arch, &error);
  g_assert_no_error (error);
  for (int i = 0; each[i]; i++)
    if (*each[i])
      {
        atl_config_set (&config, each[i], &error);
        g_assert_no_error (error);
      }
  return config;
}

static inline AtlModel *
model_new (const char *arch, const char *settings, guint64 seed)
{
  AtlConfig config = config_of (arch, settings);
  g_autoptr (GError) error = NULL;
  AtlModel *model = atl_model_create (&config, seed, &error);

  g_assert_no_error (error);
  return model;
}
