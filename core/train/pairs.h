/* A folder of pictures as a data set: what is found, what fits together, what
 * is refused and why (the pair doctor).
 *
 * Forms, recognised in this order unless one is given:
 *   folders       two folders of pictures: A and B, input and target, before
 *                 and after, source and target, leftImg8bit and gtFine
 *                 (Cityscapes), or else the only two there are.  Pairs have the
 *                 same path below them and the same stem.
 *   suffixes      name_a and name_b side by side in the same folder (also
 *                 _input/_target, _before/_after, ..., or those given)
 *   side by side  every picture is twice as wide as high and holds A | B
 * or, for those who train on single pictures:
 *   pictures      every picture below the folder
 *
 * Stems are compared whatever the extension, the case, or the Unicode form.
 * train/, val/ and test/ may stand above or right below the two folders; val/
 * (else test/) is the held-out share.  Folders are read recursively, links
 * followed but not in circles; hidden files are passed over.
 *
 * Looking is by headers, in parallel; pictures are decoded only if that is
 * asked for.  Names in messages are paths below the folder.
 */

#pragma once

#include <json-glib/json-glib.h>

#include "base/error.h"
#include "base/progress.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_FORM_AUTO,
  ATL_FORM_FOLDERS,
  ATL_FORM_SUFFIXES,
  ATL_FORM_SIDE_BY_SIDE,
  ATL_FORM_PICTURES
} AtlDataForm;

/* Part of a picture; width 0: all of it. */
typedef struct
{
  int x, y, width, height;
} AtlRegion;

/* A pair, or a single picture (path_b NULL).  Of a side-by-side picture both
 * paths are the same, and A is the left half. */
typedef struct
{
  char *name;   /* for messages: path of A below the folder */
  char *name_b; /* NULL where path_b is, or is path_a */
  char *path_a;
  char *path_b;
  gboolean side_by_side;
  int width, height; /* of one side */
  /* The part of either side that is meant: with few pairs, what is held out is
   * cut from within. */
  AtlRegion region;
} AtlPair;

/* What the doctor has to say about a file. */
typedef enum
{
  ATL_REMARK_NO_PARTNER,
  ATL_REMARK_SIZES_DIFFER,
  ATL_REMARK_UNREADABLE,
  ATL_REMARK_DUPLICATE,
  ATL_REMARK_NOT_A_PAIR,  /* side by side: of another shape */
  ATL_REMARK_MISALIGNED,  /* a warning */
  ATL_REMARK_SAME_CONTENT /* A and B are the same file: a warning */
} AtlRemarkKind;

typedef struct
{
  AtlRemarkKind kind;
  gboolean refused; /* else a warning: the pair is used */
  char *name;
  char *partner; /* or NULL */
  char *message; /* translated; names the file */
} AtlRemark;

typedef struct
{
  char *folder;
  AtlDataForm form;
  char *label_a, *label_b;  /* the folders or suffixes found, else NULL */
  GPtrArray *train;         /* AtlPair, by name; never NULL */
  GPtrArray *held_out;      /* AtlPair; may be empty */
  GPtrArray *test;          /* AtlPair: of test/ where there is a val/ too */
  gboolean held_out_given;  /* by val/ or test/ */
  gboolean held_out_within; /* cut from within the pictures (few pairs) */
  GPtrArray *remarks;       /* AtlRemark, by name */
  guint n_files;            /* pictures seen */
  /* Pictures passed over: neither suffix, or below a folder that is neither A
   * nor B. */
  guint n_ignored;
} AtlDataset;

typedef struct
{
  AtlDataForm form;
  /* Single pictures: ATL_FORM_PICTURES where form is ATL_FORM_AUTO. */
  gboolean pictures;
  /* Of the stems; NULL: the usual ones; one may be "". */
  const char *suffix_a, *suffix_b;
  /* Share to take where none is given, 0 to 0.5, and what picks it. */
  double held_out;
  guint64 seed;
  /* Pairs decoded to look at damage and alignment: so many of them, 0 none, -1
   * all. */
  int n_decode;
  int n_threads; /* 0: one a processor */
} AtlDatasetOptions;

#define ATL_DATASET_DEFAULTS { ATL_FORM_AUTO, FALSE, NULL, NULL, 0.1, 0, 0, 0 }

/* Looks at the folder.  A data set without one usable pair is returned too (its
 * remarks say why; see atl_dataset_require).  NULL with ATELIER_ERROR_FILE (no
 * such folder), _ARGUMENT, or G_IO_ERROR_CANCELLED. */
AtlDataset *atl_dataset_open (const char *folder, const AtlDatasetOptions *options,
                              const AtlProgress *progress, GError **error);
void atl_dataset_free (AtlDataset *dataset);
/* FALSE with ATELIER_ERROR_DATA unless there is something to train on; the
 * message says what was looked for, and the first reasons of refusal. */
gboolean atl_dataset_require (const AtlDataset *dataset, GError **error);
/* Everything above: { "folder", "form", "a", "b", "pairs": { "train": [...],
 * "held_out": [...], "test": [...] }, "remarks": [...], counts }. */
JsonNode *atl_dataset_to_json (const AtlDataset *dataset);
/* The same for reading: a summary line, then one line a remark (at most
 * max_remarks; 0: all).  Free with g_free. */
char *atl_dataset_to_text (const AtlDataset *dataset, guint max_remarks);

/* "folders", "no-partner"; the words of the JSON.  Never NULL. */
const char *atl_data_form_name (AtlDataForm form);
const char *atl_remark_kind_name (AtlRemarkKind kind);
/* The reverse: FALSE with ATELIER_ERROR_ARGUMENT that lists the names. */
gboolean atl_data_form_parse (const char *name, AtlDataForm *form, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlDataset, atl_dataset_free)

G_END_DECLS
