/* What is in a folder of training pictures: the pair doctor's findings, with
 * thumbnails.  Looking is done in a thread of its own.
 */

#pragma once

#include <gtk/gtk.h>

#include "train/pairs.h"
#include "train/settings.h"

G_BEGIN_DECLS

#define ATL_TYPE_TRAIN_FINDINGS (atl_train_findings_get_type ())
G_DECLARE_FINAL_TYPE (AtlTrainFindings, atl_train_findings, ATL, TRAIN_FINDINGS,
                      GtkBox)

GtkWidget *atl_train_findings_new (void);

/* Looks at settings->folder as a training with these settings would; what was
 * being looked at is dropped.  Takes the settings; NULL: nothing is chosen. */
void atl_train_findings_look (AtlTrainFindings *findings,
                              AtlTrainSettings *settings);
/* Whether there is something to train on; FALSE while it is being looked at.
 * Signal "changed" is emitted when that may have changed. */
gboolean atl_train_findings_usable (const AtlTrainFindings *findings);

G_END_DECLS
