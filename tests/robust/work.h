/* The work whose robustness is tested: everything that core does with files,
 * models and pictures, as small as it can be and still be all of it. */

#pragma once

#include "base/pool.h"
#include "files/picture.h"
#include "models/model.h"

G_BEGIN_DECLS

typedef struct
{
  char    *folder;  /* temporary; everything lies in it */
  char    *pix2pix; /* models: paths */
  char    *vqvae;
  char    *pictures[4]; /* PNG, JPEG, TIFF, WebP */
  char    *pairs;   /* a folder to train on */
  AtlPool *pool;
} Work;

void work_init  (Work *work);
void work_clear (Work *work);

/* One job from end to end.  FALSE with the error. */
typedef gboolean (*WorkJob) (Work *work, GError **error);

typedef struct
{
  const char *name;
  WorkJob     job;
} WorkEntry;

/* Ended by a name of NULL. */
extern const WorkEntry work_entries[];

/* Whether `folder` holds a temporary file of ours, or a part of one. */
gboolean work_has_leftovers (const char *folder);

G_END_DECLS
