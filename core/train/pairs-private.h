/* How the parts of pairs.h work together; within train/ only.
 *
 * pairs-scan.c lists the pictures, pairs-match.c finds the form and candidates,
 * pairs-check.c looks into the files and refuses, pairs.c puts the data set
 * together, pairs-report.c tells.
 */

#pragma once

#include "train/pairs.h"

G_BEGIN_DECLS

typedef struct
{
  char *path; /* below the folder, as the file system has it */
  char *name; /* the same for messages */
  gboolean probed;
  int width, height;
  guint64 bytes;
  char *problem; /* why it can't be read, or NULL */
} AtlFile;

typedef enum
{
  ATL_SPLIT_TRAIN,
  ATL_SPLIT_VAL,
  ATL_SPLIT_TEST
} AtlSplit;

typedef struct
{
  AtlFile *a, *b; /* b: a if side by side, NULL of single pictures */
  AtlSplit split;
  AtlPair *pair; /* once it has passed */
} AtlCandidate;

typedef struct
{
  const AtlDatasetOptions *options;
  const AtlProgress *progress;
  AtlDataset *dataset;
  GPtrArray *files;   /* AtlFile, by path */
  GArray *candidates; /* AtlCandidate */
} AtlDoctor;

void atl_doctor_remark (AtlDoctor *doctor, AtlRemarkKind kind, gboolean refused,
                        const char *name, const char *partner, char *message);

gboolean atl_doctor_scan (AtlDoctor *doctor, GError **error);
/* Finds form, labels and candidates; remarks on who has no partner. */
gboolean atl_doctor_match (AtlDoctor *doctor, GError **error);
/* Reads the headers of all of `files` (AtlFile) not yet probed. */
gboolean atl_doctor_probe (AtlDoctor *doctor, GPtrArray *files, GError **error);
/* Gives candidates that pass their pair; remarks on the others. */
gboolean atl_doctor_check (AtlDoctor *doctor, GError **error);
/* Decodes some or all of those that passed, as the options say. */
gboolean atl_doctor_decode (AtlDoctor *doctor, GError **error);

void atl_pair_free (AtlPair *pair);
/* Uniform bits that depend on seed and name only. */
guint64 atl_pair_hash (const AtlPair *pair, guint64 seed);

G_END_DECLS
