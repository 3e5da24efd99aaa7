/* What the files of models/ share about a model. */

#pragma once

#include "base/tensor.h"
#include "models/model.h"

G_BEGIN_DECLS

#define ATL_MODEL_EXTENSION ".safetensors"

/* What a model is called by its file: the name without folder and extension, as
 * valid UTF-8.  Free with g_free. */
char       *atl_model_path_name    (const char *path);

/* Numbers that a parameter holds. */
gsize       atl_parameter_size     (const AtlParameter *parameter);

/* A model of that configuration with the weights in `tensors`.  path: whose
 * name it gets.  NULL with ATELIER_ERROR_FORMAT, naming the tensor. */
AtlModel   *atl_model_from_tensors (const AtlConfig    *config,
                                    const AtlTensorSet *tensors,
                                    const char         *path,
                                    GError            **error);

/* A model file's metadata: version, kind and configuration, checked.  FALSE
 * with ATELIER_ERROR_FORMAT, or _UNSUPPORTED for what is no model of ours or
 * of a later version; without the file's name. */
gboolean    atl_model_read_config  (GHashTable *metadata, AtlConfig *config,
                                    GError **error);
/* The card; an empty one if it is missing or damaged. */
JsonObject *atl_model_read_card    (GHashTable *metadata);
/* A text of the card, NULL if it is missing or empty. */
const char *atl_model_card_string  (JsonObject *card, const char *key);

G_END_DECLS
