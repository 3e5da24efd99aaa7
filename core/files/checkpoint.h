/* PyTorch's checkpoints (.pth, .pt) as named tensors.
 *
 * Both forms are read: the zip archive (PyTorch 1.6 and later) and the older
 * bare pickles.  The pickle is read by a small machine that knows the opcodes
 * and the globals a state_dict needs (OrderedDict, _rebuild_tensor_v2,
 * _rebuild_parameter, the storage types), and refuses every other global by
 * name; nothing in the file is ever executed.  Dicts within the dict
 * ("state_dict", "generator") are flattened with dots.  Tensors that are not
 * contiguous are made so.
 */

#pragma once

#include "base/error.h"
#include "base/tensor.h"

G_BEGIN_DECLS

/* NULL with ATELIER_ERROR_FILE, _FORMAT, _UNSUPPORTED (say, a global that is
 * refused) or _MEMORY. */
AtlTensorSet *atl_checkpoint_read  (const char *path, GError **error);
/* The same from bytes; `name` stands for the file in messages. */
AtlTensorSet *atl_checkpoint_parse (GBytes *bytes, const char *name, GError **error);

G_END_DECLS
