/* Long work in a thread of its own, while the main thread serves GIMP.
 *
 * libgimp may be called from the main thread only.  The engine runs in a worker;
 * when it wants pixels, the worker hands a call over to the main loop and waits
 * for it.
 */

#pragma once

#include "base/progress.h"

G_BEGIN_DECLS

typedef gboolean (*AtlWork) (gpointer data, const AtlProgress *progress,
                             GError **error);

/* Runs `work` in a worker and the main loop in here until it is done, with
 * GIMP's progress bar showing what it reports.  Main thread only. */
gboolean atl_work_run (AtlWork work, gpointer data, GError **error);

/* To be called once, in the main thread. */
void atl_call_main_init (void);

typedef void (*AtlCall) (gpointer data);

/* Calls `call` in the main thread, which must be running its loop, and returns
 * when that is done; in the main thread itself, at once. */
void atl_call_main (AtlCall call, gpointer data);

G_END_DECLS
