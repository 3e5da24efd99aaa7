/* What is chosen for a training: the arguments of plug-in-atelier-train, read
 * from its config as the Train a Style window needs them. */

#pragma once

#include <libgimp/gimp.h>

#include "train/settings.h"

G_BEGIN_DECLS

#define ATL_N_PRESETS 3

/* "quick", "standard", "full" */
extern const char *const atl_presets[ATL_N_PRESETS];

/* What is to be learnt: the window's first question. */
typedef enum
{
  ATL_LEARN_STYLE,
  ATL_LEARN_RESTORE,
  ATL_LEARN_COMPRESS,
  ATL_N_LEARN
} AtlLearn;

/* Strings are to be freed with g_free. */

/* A string argument; "" where it is empty. */
char *atl_choices_string (GimpProcedureConfig *config, const char *argument);
AtlLearn atl_choices_learn (GimpProcedureConfig *config);
int atl_choices_preset (GimpProcedureConfig *config);
/* NULL: none yet. */
char *atl_choices_folder (GimpProcedureConfig *config);
/* The folder's name, for reading; NULL: none yet. */
char *atl_choices_folder_name (GimpProcedureConfig *config);
/* The name that the model will have: the folder's, where none is given; "": none
 * yet. */
char *atl_choices_name (GimpProcedureConfig *config);

/* Settings with another preset than what is chosen; without folder, name and
 * output.  NULL with an error where they don't go together. */
AtlTrainSettings *atl_choices_settings (GimpProcedureConfig *config, int preset,
                                        GError **error);

G_END_DECLS
