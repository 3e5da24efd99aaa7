/* Colour profiles for tests. */

#pragma once

#include <glib.h>
#include <lcms2.h>

/* The profile's file; frees the profile. */
static inline GBytes *
icc_take (cmsHPROFILE profile)
{
  cmsUInt32Number size = 0;
  void *data;

  g_assert_true (cmsSaveProfileToMem (profile, NULL, &size));
  data = g_malloc (size);
  g_assert_true (cmsSaveProfileToMem (profile, data, &size));
  cmsCloseProfile (profile);
  return g_bytes_new_take (data, size);
}
