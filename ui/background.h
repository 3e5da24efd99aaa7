/* One thread for work that is replaced by newer work: what is started last is
 * what gets done.
 *
 * Starting a job cancels the one before it and never waits for it; a job that
 * was replaced or cancelled is never reported.  Jobs start and end in the main
 * context of their owner, `run` alone works in the thread.  Needs no display.
 */

#pragma once

#include "base/progress.h"

G_BEGIN_DECLS

typedef struct
{
  /* In the thread.  FALSE with an error; soon after the cancellable of `progress`
   * is triggered. */
  gboolean (*run) (gpointer job, const AtlProgress *progress, GError **error);
  /* In the owner's context while `run` goes on, after it has reported progress:
   * what both use is for the job to guard.  NULL: not wanted. */
  void (*advanced) (gpointer job, double fraction);
  /* In the owner's context; error: why `run` failed, else NULL. */
  void (*done) (gpointer job, const GError *error);
  /* In the owner's context, always, and last.  NULL: nothing to be freed. */
  GDestroyNotify free;
} AtlJobClass;

typedef struct _AtlBackground AtlBackground;

/* context: of the thread that calls this and everything below; NULL: the
 * default. */
AtlBackground *atl_background_new (GMainContext *context);
/* Cancels, and iterates the context until the thread has ended (so a `run` that
 * waits for something to be done in that context gets it).  What is started
 * meanwhile is freed unrun. */
void atl_background_free (AtlBackground *background);

/* Takes the job. */
void atl_background_start (AtlBackground *background, const AtlJobClass *class,
                           gpointer job);
void atl_background_cancel (AtlBackground *background);
/* Whether something was started that is neither done nor cancelled. */
gboolean atl_background_is_busy (const AtlBackground *background);

G_END_DECLS
