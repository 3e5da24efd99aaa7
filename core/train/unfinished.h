/* Trainings that were interrupted: by Stop, by closing, a crash, a power cut.
 * Their checkpoints say what they were told, so that they can go on.
 */

#pragma once

#include "train/settings.h"

G_BEGIN_DECLS

typedef struct
{
  char *checkpoint, *output; /* paths; the model file may not be there yet */
  char *name;                /* of the model */
  char *folder;              /* of the pictures; may be gone by now */
  AtlTrainKind kind;
  char *preset;
  gint64 step, steps; /* done, of all */
  gint64 written;     /* when: Unix time in seconds */
  guint64 bytes;      /* of the checkpoint */
} AtlUnfinished;

/* Of the checkpoints in that folder, those whose last step was not reached and
 * that no process is working on; the latest first.  What can't be read is
 * passed over.  Never NULL; elements AtlUnfinished. */
GPtrArray *atl_unfinished_list (const char *folder);
void atl_unfinished_free (AtlUnfinished *unfinished);

/* The settings to go on with: `resume` is set, `threads` is left at 0. */
AtlTrainSettings *atl_unfinished_settings (const AtlUnfinished *unfinished,
                                           GError **error);
/* Removes the checkpoint; model and report stay. */
gboolean atl_unfinished_forget (const AtlUnfinished *unfinished, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlUnfinished, atl_unfinished_free)

G_END_DECLS
