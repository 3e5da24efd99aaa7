/* The questions on the first page of the Train a Style window: what to learn, from
 * which folder, under which name, with how much effort.  The widgets write the
 * procedure's config (train-choices.h), and read it when they are told to.
 */

#pragma once

#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>

G_BEGIN_DECLS

typedef struct _AtlTrainForm AtlTrainForm;

/* The widgets show what the config says; changed: called when the user has
 * changed it. */
AtlTrainForm *atl_train_form_new (GimpProcedureConfig *config,
                                  void (*changed) (gpointer data), gpointer data);
/* After its widget, which is the window's, has been destroyed. */
void atl_train_form_free (AtlTrainForm *form);
GtkWidget *atl_train_form_get_widget (AtlTrainForm *form);
/* Widgets as the config says, and the models there are to begin with; `changed`
 * is not called. */
void atl_train_form_read (AtlTrainForm *form);
/* Why what is typed can't be trained with, which the config then has no word of;
 * NULL: it can.  Free with g_free. */
char *atl_train_form_find_problem (AtlTrainForm *form);
/* What is said of a preset's time (preset: from 0 to ATL_N_PRESETS - 1), and of
 * memory; copied. */
void atl_train_form_set_time (AtlTrainForm *form, int preset, const char *text);
void atl_train_form_set_memory (AtlTrainForm *form, const char *text);

G_END_DECLS
