/* The procedures of the plug-in, one file each, and what they share. */

#pragma once

#include <libgimp/gimp.h>

#include "base/error.h"
#include "models/model.h"

G_BEGIN_DECLS

#define ATL_PROC_TRANSLATE "plug-in-atelier-translate"
#define ATL_PROC_COMPRESS "plug-in-atelier-compress"
#define ATL_PROC_TRAIN "plug-in-atelier-train"
#define ATL_PROC_ADD_PAIR "plug-in-atelier-add-pair"
#define ATL_PROC_MODELS "plug-in-atelier-models"
#define ATL_PROC_VQI_LOAD "file-vqi-load"
#define ATL_PROC_VQI_THUMBNAIL "file-vqi-load-thumb"
#define ATL_PROC_VQI_EXPORT "file-vqi-export"
#define ATL_PROC_BATCH "script-fu-atelier-batch"
#define ATL_PROC_SCRIPT_TRAIN "script-fu-atelier-train"
#define ATL_PROC_TUTORIAL "plug-in-atelier-tutorial"

GimpProcedure *atl_translate_create (GimpPlugIn *plug_in);
GimpProcedure *atl_compress_create (GimpPlugIn *plug_in);
GimpProcedure *atl_train_create (GimpPlugIn *plug_in);
GimpProcedure *atl_add_pair_create (GimpPlugIn *plug_in);
GimpProcedure *atl_models_create (GimpPlugIn *plug_in);
GimpProcedure *atl_vqi_load_create (GimpPlugIn *plug_in);
GimpProcedure *atl_vqi_thumbnail_create (GimpPlugIn *plug_in);
GimpProcedure *atl_vqi_export_create (GimpPlugIn *plug_in);
GimpProcedure *atl_batch_create (GimpPlugIn *plug_in);
GimpProcedure *atl_script_train_create (GimpPlugIn *plug_in);
GimpProcedure *atl_tutorial_create (GimpPlugIn *plug_in);

#define ATL_VQI_MIME_TYPE "image/x-vqi"

/* The model and its figures, as both procedures that train return them; train.c. */
void atl_train_add_return_values (GimpProcedure *procedure);

/* --- What they share: common.c --- */

/* The path of what lies beside the executable under this name, be it there or
 * not; free with g_free. */
char *atl_beside (const char *name);

/* Menu entry (menu_label NULL: none), icon, documentation and attribution. */
void atl_procedure_describe (GimpProcedure *procedure, const char *menu_label,
                             const char *blurb, const char *help);
/* Run mode as the first argument, for procedures without an image. */
void atl_add_run_mode (GimpProcedure *procedure);
/* The arguments "model" (what for is its blurb), "output" and "memory" (MiB). */
void atl_add_model (GimpProcedure *procedure, const char *blurb);
void atl_add_output (GimpProcedure *procedure);
void atl_add_memory (GimpProcedure *procedure);

/* GEGL for buffers.  Without a window none of its operations is needed, and they
 * would take a third of the time that the plug-in needs to start. */
void atl_gegl_init (GimpRunMode run_mode);
/* Ends a run: error NULL for success.  Takes the error. */
GimpValueArray *atl_return (GimpProcedure *procedure, GError *error);
/* The user closed the dialog. */
GimpValueArray *atl_return_cancelled (GimpProcedure *procedure);

/* Which of the words (NULL-terminated) `value` is, or -1 with
 * ATELIER_ERROR_ARGUMENT that names the argument and lists the words.  GIMP
 * itself takes a wrong choice for the default, so choices are strings. */
int atl_parse_word (const char *value, const char *argument,
                    const char *const *words, GError **error);
/* What a string argument of the config says: NULL where it is empty.  Free with
 * g_free. */
char *atl_config_string (GimpProcedureConfig *config, const char *name);
/* Its path; NULL with ATELIER_ERROR_FILE where it is on no disk of this machine.
 * Free with g_free. */
char *atl_file_path (GFile *file, GError **error);
/* The path of a file argument, free with g_free: NULL where none is given.  FALSE
 * where it is on no disk of this machine, as atl_file_path. */
gboolean atl_config_path (GimpProcedureConfig *config, const char *name,
                          char **path, GError **error);
/* The same of a folder that must be given, there or not: else FALSE with
 * ATELIER_ERROR_ARGUMENT. */
gboolean atl_config_folder (GimpProcedureConfig *config, const char *name,
                            char **path, GError **error);
/* Makes the folder and those above it where they are missing; else FALSE with
 * ATELIER_ERROR_FILE. */
gboolean atl_make_folder (const char *path, GError **error);
/* The model that the argument "model" names, free with atl_model_free; of that
 * kind, and if none is named the first of it that is there.  NULL with the errors
 * of atl_library_find, atl_model_open and atl_model_require. */
AtlModel *atl_config_model (GimpProcedureConfig *config, const char *kind,
                            GError **error);

G_END_DECLS
