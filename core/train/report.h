/* report.html: curves, samples and settings of a run in one file that needs
 * nothing else.
 */

#pragma once

#include "train/history.h"

G_BEGIN_DECLS

/* samples: paths of PNG sheets, the latest last; those that can't be read are
 * left out.  settings: lines of "key=value".  summary: a few sentences, or
 * NULL. */
gboolean atl_report_write (const char *path, const char *title, const char *summary,
                           const char *settings, const AtlHistory *history,
                           GPtrArray *samples, GError **error);

G_END_DECLS
