/* What the files of the preview engine share. */

#pragma once

#include "background.h"
#include "preview-engine.h"

G_BEGIN_DECLS

struct _AtlPreviewEngine
{
  const AtlLayerSource *source;
  void (*changed) (gpointer data);
  gpointer data;
  AtlBackground *background;
  AtlPreviewState state;
  gint64 shown;  /* when the growing shot was shown last */
  char *pace_of; /* the model that the pace is of */
  double pace;   /* the best so far, in multiply-adds a second */

  char *shot_of;  /* the model that state.shot is of */
  char *sizes_of; /* likewise state.sizes */

  /* The thread's own. */
  AtlPool *pool;
  AtlModel *model;
  char *model_path;
  AtlPicture *layer; /* all of it, once its size was asked for */
  gsize png;
};

/* In the thread: opens the model, unless it is open, and checks that it can be
 * applied to the layer. */
gboolean atl_preview_engine_open (AtlPreviewEngine *engine, const char *path,
                                  GError **error);

G_END_DECLS
