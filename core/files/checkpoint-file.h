/* The two containers that torch.save writes: what was saved, as a pickle, and
 * the raw bytes of its storages.
 *
 *   zip (1.6 and later)   FOLDER/data.pkl, FOLDER/data/KEY, FOLDER/byteorder
 *   legacy                five pickles in a row (magic number, protocol 1001,
 *                         a dict about the machine, the object, the list of
 *                         keys), then for each key an int64 of elements and
 *                         the bytes, all little-endian
 */

#pragma once

#include "files/pickle.h"

G_BEGIN_DECLS

/* ("storage", type, key, location, elements[, view]): the persistent identity
 * that stands for a storage in the pickle.  A view is a part of the storage. */
typedef struct
{
  const AtlPickleGlobal *type;
  char                  *key;
  gint64                 elements;
  gint64                 view_first, view_elements; /* 0, elements: no view */
} AtlStorageId;

/* FALSE if the identity is not one of a storage; nothing is to be freed then. */
gboolean atl_storage_id_parse (const AtlPickleValue *identity, AtlStorageId *id);
void     atl_storage_id_clear (AtlStorageId *id);

typedef struct
{
  AtlPickle  *pickle;
  GHashTable *storages; /* key -> GBytes */
  GBytes     *bytes;    /* what the pickle's texts point into */
} AtlCheckpointFile;

/* file: the path as messages show it.  NULL with ATELIER_ERROR_FORMAT,
 * _UNSUPPORTED (no checkpoint of torch.save, or of a big-endian machine) or
 * _MEMORY. */
AtlCheckpointFile *atl_checkpoint_file_open (GBytes *bytes, const char *file,
                                             GError **error);
void               atl_checkpoint_file_free (AtlCheckpointFile *checkpoint);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlCheckpointFile, atl_checkpoint_file_free)

G_END_DECLS
