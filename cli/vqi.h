/* What the sub-commands say of .vqi files. */

#pragma once

#include <json-glib/json-glib.h>

#include "codec/vqi.h"

/* FALSE with ATELIER_ERROR_ARGUMENT unless the model has that quality; 0 is
 * always right. */
gboolean cli_check_quality (AtlModel *model, int quality, GError **error);
/* Members of an object: bytes, bits_per_pixel, width, height, ... */
void     cli_json_add_vqi (JsonBuilder *builder, const AtlVqi *vqi);
/* Whether the file begins as a .vqi does. */
gboolean cli_is_vqi (const char *path);
/* What "atelier info" says of one. */
gboolean cli_info_vqi (const char *path, gboolean json, GError **error);
