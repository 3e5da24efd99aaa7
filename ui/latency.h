/* How long the main loop was kept from its work: for tests. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* With $ATELIER_LATENCY set, measures from now on and writes the longest delay in
 * milliseconds to the file of that name, each time that it grows. */
void atl_latency_watch (void);

G_END_DECLS
