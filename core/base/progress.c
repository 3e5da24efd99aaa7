/* Progress and cancelling; see progress.h. */

#include "base/progress.h"

gboolean
atl_progress_update (const AtlProgress *progress, double fraction, const char *text,
                     GError **error)
{
  if (progress == NULL)
    return TRUE;
  if (progress->update != NULL)
    progress->update (progress->data, CLAMP (fraction, 0.0, 1.0), text);
  return !g_cancellable_set_error_if_cancelled (progress->cancellable, error);
}

gboolean
atl_progress_cancelled (const AtlProgress *progress)
{
  return progress != NULL && g_cancellable_is_cancelled (progress->cancellable);
}

static void
update_part (gpointer data, double fraction, const char *text)
{
  const AtlProgressPart *part = data;

  part->parent->update (part->parent->data,
                        part->from + fraction * (part->to - part->from), text);
}

const AtlProgress *
atl_progress_part (AtlProgressPart *part, const AtlProgress *parent, double from,
                   double to)
{
  if (parent == NULL)
    return NULL;
  part->parent = parent;
  part->from = from;
  part->to = to;
  part->progress.update = parent->update != NULL ? update_part : NULL;
  part->progress.data = part;
  part->progress.cancellable = parent->cancellable;
  return &part->progress;
}
