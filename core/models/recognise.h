/* Which architecture foreign tensors are of. */

#pragma once

#include "base/tensor.h"
#include "models/config.h"

G_BEGIN_DECLS

/* Finds a network of pytorch-CycleGAN-and-pix2pix among `tensors`, wherever it
 * lies in them ("module.", "generator.", ...), generators first.  arch: NULL, or
 * which to look for.  Fills `config` for use as imported models are used (the
 * image's own statistics, no dropout) and returns the network's tensors under
 * their own names; `tensors` must outlive them.  NULL with
 * ATELIER_ERROR_UNSUPPORTED, which says what is unknown about them. */
AtlTensorSet *atl_recognise (const AtlTensorSet *tensors, const char *arch,
                             AtlConfig *config, GError **error);

G_END_DECLS
