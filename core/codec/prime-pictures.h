/* Giving a model its contexts, from pictures. */

#pragma once

#include "codec/prime.h"

G_BEGIN_DECLS

/* paths: of pictures (strings), best those that the model learned from; those
 * that can't be read are left out.  From each some megapixels are taken, at
 * their own size and, of large ones, at half of it, `megapixels` in all.  Sets
 * the model's data; saving it is the caller's.  FALSE, the model having lost the
 * contexts that it had, with ATELIER_ERROR_MODEL (no VQ-VAE), _DATA (nothing to
 * learn from), _MEMORY, G_IO_ERROR_CANCELLED. */
gboolean atl_prime_model (AtlModel *model, AtlPool *pool, GPtrArray *paths,
                          int megapixels, const AtlPrimeOptions *options,
                          const AtlProgress *progress, GError **error);

#define ATL_PRIME_MEGAPIXELS 48

G_END_DECLS
