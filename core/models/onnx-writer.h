/* Writes ONNX files: a network in protocol buffers, knowing nothing of ours.
 *
 * The messages and field numbers are those of onnx.proto (IR version 8, opset
 * 17): ModelProto { 1 ir_version, 2 producer_name, 3 producer_version, 7 graph,
 * 8 opset_import, 14 metadata_props }, GraphProto { 1 node, 2 name,
 * 5 initializer, 11 input, 12 output }, and what these hold.  Protocol buffers
 * end at 2 GiB; larger networks are refused.
 */

#pragma once

#include "base/error.h"

G_BEGIN_DECLS

typedef struct _AtlOnnx AtlOnnx;

AtlOnnx *atl_onnx_new  (const char *name);
void     atl_onnx_free (AtlOnnx *onnx);

/* A picture's tensor, N x channels x H x W of floats.  n: 0 for any number,
 * else fixed.  height, width: names of the sizes left open; or NULL. */
void     atl_onnx_input  (AtlOnnx *onnx, const char *name, int n, int channels,
                          const char *height, const char *width);
void     atl_onnx_output (AtlOnnx *onnx, const char *name, int n, int channels,
                          const char *height, const char *width);

/* A node with one output; its inputs follow, ended by NULL.  The attributes
 * that follow are its own. */
void     atl_onnx_node   (AtlOnnx *onnx, const char *op, const char *output,
                          ...) G_GNUC_NULL_TERMINATED;
void     atl_onnx_attribute_int    (AtlOnnx *onnx, const char *name,
                                    gint64 value);
void     atl_onnx_attribute_ints   (AtlOnnx *onnx, const char *name, int n,
                                    const gint64 *values);
void     atl_onnx_attribute_float  (AtlOnnx *onnx, const char *name,
                                    float value);
void     atl_onnx_attribute_string (AtlOnnx *onnx, const char *name,
                                    const char *value);

/* Constants.  values: little-endian float32, as many as the dims say; a
 * reference is taken. */
void     atl_onnx_floats (AtlOnnx *onnx, const char *name, int n_dims,
                          const gint64 *dims, GBytes *values);
void     atl_onnx_ints   (AtlOnnx *onnx, const char *name, int n,
                          const gint64 *values);
void     atl_onnx_scalar (AtlOnnx *onnx, const char *name, float value);

void     atl_onnx_metadata (AtlOnnx *onnx, const char *key, const char *value);

/* Writes beside `path` and renames.  FALSE with ATELIER_ERROR_FILE, _UNSUPPORTED
 * (over 2 GiB), or _MEMORY, if there was not enough here or above. */
gboolean atl_onnx_write  (AtlOnnx *onnx, const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlOnnx, atl_onnx_free)

G_END_DECLS
