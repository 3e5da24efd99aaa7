/* Progress and cancelling for every call that can last.
 *
 * Such a call takes a `const AtlProgress *` (NULL: nobody watches), reports at
 * least ten times a second, and ends with G_IO_ERROR_CANCELLED soon after the
 * cancellable is triggered from whatever thread.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  /* Called in the thread that made the call.  fraction: 0 to 1; text: what is
   * being done, already translated, or NULL for "as before".  May be NULL. */
  void (*update) (gpointer data, double fraction, const char *text);
  gpointer      data;
  GCancellable *cancellable; /* borrowed, or NULL */
} AtlProgress;

/* Reports `fraction` of the work as done.  FALSE, with G_IO_ERROR_CANCELLED,
 * once the work is to stop.  `progress` may be NULL. */
gboolean atl_progress_update (const AtlProgress *progress,
                              double             fraction,
                              const char        *text,
                              GError           **error);

/* Whether the work is to stop; cheap enough for a loop over rows or tiles. */
gboolean atl_progress_cancelled (const AtlProgress *progress);

/* A part of `parent` that covers [from, to] of its range; the part is valid as
 * long as `parent`.  Fill a local with it and pass its address on. */
typedef struct
{
  AtlProgress        progress;
  const AtlProgress *parent;
  double             from, to;
} AtlProgressPart;

const AtlProgress *atl_progress_part (AtlProgressPart   *part,
                                      const AtlProgress *parent,
                                      double             from,
                                      double             to);

G_END_DECLS
