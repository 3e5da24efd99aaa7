/* Training checkpoints: everything that an exact resume needs, in one file.
 *
 * The file is safetensors (see files/safetensors.h).
 *   metadata  atelier.training "1"; a reader refuses any other.  All else is
 *             the trainer's: settings, step, history, ... as strings
 *   tensors   flat arrays, F32 or F64, named by their owners: "generator",
 *             "generator.first", "quantise.counts.0", ...
 * Written beside and renamed, so there is a whole one at any moment.
 */

#pragma once

#include "base/error.h"
#include "base/tensor.h"

G_BEGIN_DECLS

typedef struct _AtlCheckpoint AtlCheckpoint;

AtlCheckpoint *atl_training_checkpoint_new (void);
void atl_training_checkpoint_free (AtlCheckpoint *checkpoint);

/* NULL with ATELIER_ERROR_FILE, _FORMAT (damaged, or no checkpoint) or
 * _UNSUPPORTED (a later version). */
AtlCheckpoint *atl_training_checkpoint_read (const char *path, GError **error);
/* Strings and numbers alone, without reading the arrays; they can't be got. */
AtlCheckpoint *atl_training_checkpoint_read_head (const char *path, GError **error);
gboolean atl_training_checkpoint_write (AtlCheckpoint *checkpoint, const char *path,
                                        GError **error);

/* Data are not copied: they must stay until the file is written. */
void atl_training_checkpoint_add_floats (AtlCheckpoint *checkpoint,
                                         const char *name, gsize n,
                                         const float *data);
void atl_training_checkpoint_add_doubles (AtlCheckpoint *checkpoint,
                                          const char *name, gsize n,
                                          const double *data);
/* FALSE with ATELIER_ERROR_FORMAT unless there is such an array of n. */
gboolean atl_training_checkpoint_get_floats (const AtlCheckpoint *checkpoint,
                                             const char *name, gsize n, float *data,
                                             GError **error);
gboolean atl_training_checkpoint_get_doubles (const AtlCheckpoint *checkpoint,
                                              const char *name, gsize n,
                                              double *data, GError **error);

void atl_training_checkpoint_set_string (AtlCheckpoint *checkpoint, const char *key,
                                         const char *value);
void atl_training_checkpoint_set_number (AtlCheckpoint *checkpoint, const char *key,
                                         double value);
/* FALSE with ATELIER_ERROR_FORMAT if the key is missing or no number.  Numbers
 * come back with all their bits. */
const char *atl_training_checkpoint_get_string (const AtlCheckpoint *checkpoint,
                                                const char *key, GError **error);
gboolean atl_training_checkpoint_get_number (const AtlCheckpoint *checkpoint,
                                             const char *key, double *value,
                                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlCheckpoint, atl_training_checkpoint_free)

G_END_DECLS
