/* A model: graph, weights and what is known about it; opened, made, saved.
 *
 * The file is safetensors with this metadata:
 *   atelier.version  "1"; a reader refuses a later one and keeps reading 1
 *   atelier.kind     "pix2pix" | "vqvae" | "discriminator"
 *   atelier.config   JSON, see config.h
 *   atelier.card     JSON object of strings and numbers: name, description,
 *                    author, licence, data, steps, figures, date, ...
 * Besides the parameters' there may be tensors of bytes (U8, one dimension)
 * whose names begin with "codec.".
 * Tensors of generators and discriminators are named and shaped as in
 * pytorch-CycleGAN-and-pix2pix; F32, F16 or BF16.
 */

#pragma once

#include <json-glib/json-glib.h>

#include "graph/weights.h"
#include "models/config.h"

G_BEGIN_DECLS

typedef struct _AtlModel AtlModel;

/* Any model file.  NULL with ATELIER_ERROR_FILE, _FORMAT, _UNSUPPORTED,
 * _MEMORY. */
AtlModel        *atl_model_open   (const char *path, GError **error);
/* Weights as the reference initialises them: normal, gain 0.02 (norm weights
 * around 1), biases 0; of a VQ-VAE as PyTorch's defaults (uniform by fan-in), of a
 * drunet likewise, but that its tail is 0 and its blocks add little.  NULL with
 * ATELIER_ERROR_ARGUMENT (atl_config_check) or _MEMORY. */
AtlModel        *atl_model_create (const AtlConfig *config, guint64 seed,
                                   GError **error);
/* A PyTorch checkpoint or foreign safetensors; the architecture is recognised
 * from names and shapes unless `arch` ("unet_256", ...) tells it.  A file of
 * Atelier's own is opened.  The errors of atl_model_open, and
 * ATELIER_ERROR_ARGUMENT for an `arch` that there is not. */
AtlModel        *atl_model_import (const char *path, const char *arch,
                                   GError **error);
void             atl_model_free   (AtlModel *model);

/* Written beside and renamed.  half: weights of convolutions as F16, where they
 * fit into it.  FALSE with ATELIER_ERROR_FILE, _UNSUPPORTED or _MEMORY. */
gboolean         atl_model_save   (AtlModel *model, const char *path,
                                   gboolean half, GError **error);
/* ONNX, opset 17, with norms and dropout as the model says.  FALSE with
 * ATELIER_ERROR_FILE, _UNSUPPORTED (over 2 GiB) or _MEMORY. */
gboolean         atl_model_export_onnx (AtlModel *model, const char *path,
                                        GError **error);

const AtlConfig *atl_model_get_config  (const AtlModel *model);
/* To change what applies when applied (statistics, dropout). */
AtlConfig       *atl_model_edit_config (AtlModel *model);
const AtlGraph  *atl_model_get_graph   (const AtlModel *model);
AtlWeights      *atl_model_get_weights (AtlModel *model);
/* Never NULL; owned by the model, may be added to. */
JsonObject      *atl_model_get_card    (AtlModel *model);
/* Any further metadata of the file (say, a thumbnail): value or NULL; setting
 * NULL removes. */
const char      *atl_model_get_metadata (const AtlModel *model,
                                         const char     *key);
void             atl_model_set_metadata (AtlModel *model, const char *key,
                                         const char *value);
/* The bytes of the file's tensor "codec.SOMETHING", or NULL; owned by the
 * model.  Setting keeps a reference; NULL removes. */
GBytes          *atl_model_get_data    (const AtlModel *model, const char *name);
void             atl_model_set_data    (AtlModel *model, const char *name,
                                        GBytes *bytes);
/* The card's name, else the file's. */
const char      *atl_model_get_name    (const AtlModel *model);
/* 64 hexadecimal digits: SHA-256 over the parameters' names, shapes and
 * float32 values; the identity of the weights.  Computed once.  NULL with
 * ATELIER_ERROR_MEMORY. */
const char      *atl_model_get_hash    (AtlModel *model, GError **error);

/* The configuration alone, from the file's header; the errors of atl_model_open
 * and atl_model_require. */
gboolean         atl_model_peek_config (const char *path, const char *kind,
                                        AtlConfig *config, GError **error);

/* FALSE with ATELIER_ERROR_MODEL unless the model's kind is `kind`; the
 * message says what such a model is for. */
gboolean         atl_model_require     (const AtlModel *model,
                                        const char     *kind,
                                        GError        **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlModel, atl_model_free)

G_END_DECLS
