/* A training method that goes on where another one is, by way of a file. */

#pragma once

#include "scratch.h"
#include "train/checkpoint.h"
#include "train/method.h"

static inline void
resume_from (AtlMethod *to, AtlMethod *from)
{
  g_autofree char *dir = scratch_new_folder ();
  g_autofree char *path = g_build_filename (dir, "a.checkpoint", NULL);
  AtlCheckpoint *checkpoint = atl_training_checkpoint_new ();
  GError *error = NULL;

  from->class->save (from, checkpoint);
  g_assert_true (atl_training_checkpoint_write (checkpoint, path, &error));
  atl_training_checkpoint_free (checkpoint);
  checkpoint = atl_training_checkpoint_read (path, &error);
  g_assert_no_error (error);
  g_assert_true (to->class->load (to, checkpoint, &error));
  atl_training_checkpoint_free (checkpoint);
  scratch_remove_tree (dir);
}
