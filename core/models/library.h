/* Where models are looked for: folder `models` beside the executable, then
 * $XDG_DATA_HOME/atelier/models, then $ATELIER_MODEL_PATH (folders separated
 * as in PATH), what meson installed, and atelier/models in $XDG_DATA_DIRS. */

#pragma once

#include "models/model.h"

G_BEGIN_DECLS

typedef struct
{
  char     *path;
  char     *id;          /* file name without extension: what a user types */
  char     *kind;
  char     *name, *description; /* of the card; may be empty */
  char     *card;        /* JSON */
  GBytes   *thumbnail;   /* PNG, see thumbnail.h; NULL if it has none */
  gboolean  user;        /* in the user's own folder: may be removed */
  GError   *error;       /* why the file can't be used; the rest then NULL */
} AtlModelInfo;

/* Folders in the order searched, existing or not.  beside: folder of the
 * running executable, or NULL to find it out.  Free with g_strfreev. */
char        **atl_library_folders (const char *beside);
/* All *.safetensors in them, sorted by id, the first of an id winning; headers
 * only are read.  kind: NULL for all; files that can't be used are in any list.
 * Elements AtlModelInfo, owned by the array. */
GPtrArray    *atl_library_list    (const char *kind);
void          atl_model_info_free (AtlModelInfo *info);
/* Path for what a user typed: a path that exists, or an id.  Free with g_free.
 * NULL with ATELIER_ERROR_FILE that lists what there is. */
char         *atl_library_find    (const char *name, GError **error);
/* The user's own folder, made if missing; free with g_free. */
char         *atl_library_user_folder (GError **error);
/* Makes it if `path` is a file in it, so that the first model can be written
 * there; whoever writes finds out if that failed. */
void          atl_library_make_place (const char *path);

/* Changes to the user's own models (library-edit.c).  `name` is what the card
 * will say; the file's is made of it.
 * What a model of that name is called in the user's folder, free with g_free:
 * ATELIER_ERROR_ARGUMENT where `name` makes no file name. */
char         *atl_library_path   (const char *name, GError **error);
/* A model file or a PyTorch checkpoint becomes a model of the user's; name:
 * NULL for the file's.  The new path, free with g_free; nothing is ever
 * overwritten (ATELIER_ERROR_ARGUMENT). */
char         *atl_library_import (const char *file, const char *name,
                                  GError **error);
/* model: an id or a path.  FALSE, or NULL, with ATELIER_ERROR_ARGUMENT for
 * models that are not the user's own, or the errors of files.  Renaming, which
 * gives the new path, takes along what training keeps beside the model; removing
 * takes the checkpoint and leaves the report. */
char         *atl_library_rename (const char *model, const char *name,
                                  GError **error);
gboolean      atl_library_remove (const char *model, GError **error);

G_END_DECLS
