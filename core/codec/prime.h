/* Learning what foretells a model's codes: the contexts of contexts.h, from
 * codes of many pictures. */

#pragma once

#include "codec/contexts.h"

G_BEGIN_DECLS

typedef struct
{
  int hidden; /* width of the network: 0 (none), 16, 32, 48 or 64 */
  int passes; /* over the codes */
} AtlPrimeOptions;

#define ATL_PRIME_DEFAULTS { 48, 4 }

/* pictures: AtlCodes of one model, all stages there.  The same pictures give
 * the same bytes whatever the number of threads.  Free with g_bytes_unref; NULL
 * with ATELIER_ERROR_DATA (too few codes), _MEMORY, G_IO_ERROR_CANCELLED. */
GBytes *atl_prime_contexts (const AtlModel *model, GPtrArray *pictures,
                            AtlPool *pool, const AtlPrimeOptions *options,
                            const AtlProgress *progress, GError **error);

G_END_DECLS
