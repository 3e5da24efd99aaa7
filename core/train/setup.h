/* The networks that settings speak of, and the method that trains them: what
 * training, its forecast and its benchmark begin with.
 */

#pragma once

#include "train/method.h"
#include "train/settings.h"

G_BEGIN_DECLS

typedef struct
{
  AtlModel *model;         /* what is trained for */
  AtlModel *discriminator; /* NULL without one */
  AtlMethod *method;
} AtlSetup;

/* settings: checked.  A process of several takes its part of the batch.  The
 * pool and the collective (or NULL) must outlive it.  FALSE with
 * ATELIER_ERROR_ARGUMENT, _MEMORY; clear it in any case. */
gboolean atl_setup_init (AtlSetup *setup, const AtlTrainSettings *settings,
                         AtlPool *pool, const AtlCollective *collective,
                         GError **error);
void atl_setup_clear (AtlSetup *setup);

/* Bytes of weights, gradients, optimisers and plans. */
gsize atl_setup_get_bytes (const AtlSetup *setup);

G_END_DECLS
