/* safetensors: named tensors in one file, each as it lies in memory.
 *
 *   1. 8 bytes   N, length of the header, little-endian
 *   2. N bytes   JSON object: name -> { "dtype": "F32", "shape": [...],
 *                "data_offsets": [begin, end] }, offsets counted from 8 + N;
 *                and optionally "__metadata__": { string: string }
 *   3. the rest  the data, without holes or overlaps
 *
 * The reader trusts nothing: lengths, types, shapes, offsets, overlaps and
 * holes are checked, against each other and against the file's size, before
 * anything is used.
 */

#pragma once

#include "base/error.h"
#include "base/tensor.h"

G_BEGIN_DECLS

#define ATL_SAFETENSORS_HEADER_MAX (100u << 20) /* bytes; the format's own limit */
#define ATL_SAFETENSORS_METADATA "__metadata__"

/* metadata: if not NULL, receives a table of owned strings (free with
 * g_hash_table_unref).  The set keeps the file's bytes.  NULL with
 * ATELIER_ERROR_FILE, _FORMAT, _UNSUPPORTED or _MEMORY. */
AtlTensorSet *atl_safetensors_read  (const char   *path,
                                     GHashTable  **metadata,
                                     GError      **error);
/* The same from bytes; `name` stands for the file in messages. */
AtlTensorSet *atl_safetensors_parse (GBytes       *bytes,
                                     const char   *name,
                                     GHashTable  **metadata,
                                     GError      **error);

/* Names, types and shapes alone: the data are not read, and are NULL (unless the
 * file is so small that it was read whole). */
AtlTensorSet *atl_safetensors_read_header (const char  *path,
                                           GHashTable **metadata,
                                           GError     **error);

/* Writes beside `path` and renames.  metadata: string -> string, or NULL;
 * written in the order of its sorted keys, so that equal models give equal
 * files.  FALSE with ATELIER_ERROR_FILE, or _UNSUPPORTED for names that do not
 * fit the format. */
gboolean atl_safetensors_write (const char         *path,
                                const AtlTensorSet *tensors,
                                GHashTable         *metadata,
                                GError            **error);

G_END_DECLS
