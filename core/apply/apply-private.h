/* What the files behind apply.h share.
 *
 * apply.c      the public calls; passes in turn, tiles in turn
 * job.c        what is known before anything runs: sizes, region, statistics
 * passes.c     which passes there are, and from which values on
 * tiling.c     in which tiles each runs
 * statistics.c means and variances of the norms
 * maps.c       values of the whole picture that are kept between passes
 * codes.c      half of a VQ-VAE: from pixels to codes, and from codes to pixels
 * pixels.c     from the host's pixels to a tile and back
 * geometry.c, colour.c  arithmetic
 *
 * Coordinates: a *picture* is what the host has; it is padded to the right and
 * below by reflection.  The *window* is the part of the padded picture that the
 * network is run over, all of it as a rule, less when only a region is wanted;
 * its sides are multiples of what the network asks for.  Tiles lie in the
 * window, in pixels of the padded picture.
 */

#pragma once

#include "apply/apply.h"
#include "apply/codes.h"
#include "apply/colour.h"
#include "apply/geometry.h"

G_BEGIN_DECLS

#define ATL_STRIP 32 /* rows of pixels converted at a time */

typedef struct
{
  int x, y, width, height;
} AtlRect;

/* One node's value over the whole window. */
typedef struct
{
  int    node;
  int    width, height, channels;
  float *data; /* NULL: in a file */
  int    file;
} AtlMap;

/* A run over all tiles.  Its arrays are of one piece with it. */
typedef struct
{
  int      *from, *targets; /* nodes that get values, and that are read */
  int       n_from, n_targets;
  gboolean  last;  /* yields the output */
  int      *norms; /* whose statistics it yields */
  int       n_norms;
  int      *store; /* nodes whose maps it makes, */
  int       n_store;
  int      *drop;  /* and those that nobody reads after it */
  int       n_drop;
  AtlShape *shapes; /* of `from`, as last set */
  int      *halos;  /* of `from`, to work in */
  int       reach;  /* how far it sees, in pixels of the picture */
  AtlStatistics statistics;
  AtlLayout layout;
  gboolean  exact;
  gsize     bytes; /* of plan, maps and buffers together */
  double    macs;  /* of all tiles */
} AtlPass;

typedef struct
{
  AtlModel          *model;
  AtlPool           *pool;
  const AtlImageIo  *io;
  AtlApplyOptions    options;
  AtlColouring       colouring;
  const AtlGraph    *graph;
  AtlWeights        *weights;
  int                input, output;
  gsize              budget;    /* of what is counted */

  int                width, height; /* of the picture */
  AtlRect            region;    /* of the picture: what is wanted */
  AtlRect            window;
  int                multiple;
  int                min_side;  /* that the network can be run with */
  AtlStatistics      statistics;
  gboolean           dropout;

  int                n_nodes;
  AtlShape          *shapes;    /* over the window; n = 0: not needed */
  AtlShape          *trial;     /* as many, to work in */
  gboolean           measures;  /* there are norms with the image's own
                                   statistics */
  float            **known;     /* per norm: means, then variances; or NULL */

  GPtrArray         *passes;    /* AtlPass */
  gboolean           no_files;  /* maps must be in memory */
  gboolean           file_failed;
  gsize              map_memory; /* bytes of maps that may be in memory */
  GPtrArray         *maps;      /* AtlMap */
  float             *picture_strip, *result_strip;
  double             macs_done, macs_total;

  /* codes.c: what a pass that is no whole network begins or ends with. */
  AtlCodes          *codes;     /* NULL: no such pass */
  const AtlCodeCosts *costs;    /* or NULL */
} AtlJob;

/* job.c.  A job is to be cleared even if its init failed. */
gboolean atl_job_init  (AtlJob *job, AtlModel *model, AtlPool *pool,
                        const AtlImageIo *io, const AtlApplyOptions *options,
                        GError **error);
void     atl_job_clear (AtlJob *job);

/* Whether the norm `node` needs the image's own statistics. */
gboolean atl_job_measures (const AtlJob *job, int node);

/* The least budget, in MiB, of which so many bytes are counted; for messages. */
int      atl_job_needed_mib (gsize counted);

/* passes.c: fills job->passes.  FALSE with ATELIER_ERROR_MEMORY. */
gboolean atl_passes_plan (AtlJob *job, GError **error);
/* One with room for n_from of `from` and `drop` and n_nodes of the rest, of which
 * there are none yet; NULL with ATELIER_ERROR_MEMORY. */
AtlPass *atl_pass_new    (int n_from, int n_nodes, GError **error);
void     atl_pass_free   (AtlPass *pass);

/* tiling.c */
AtlPlanOptions atl_pass_options (const AtlJob *job, const AtlPass *pass);
/* Sets pass->shapes for a tile of this size. */
void     atl_pass_set_shapes (const AtlJob *job, const AtlPass *pass, int width,
                              int height);
/* Finds pass->reach, and takes from pass->from what no target needs, the others
 * being given.  FALSE with ATELIER_ERROR_MEMORY. */
gboolean atl_pass_find_reach (const AtlJob *job, AtlPass *pass, GError **error);
/* Sets the layout, with so many bytes of maps beside.  FALSE if no tile fits;
 * pass->bytes is then the least that it would take. */
gboolean atl_pass_choose_tiles (const AtlJob *job, AtlPass *pass, gsize maps);
/* The whole window as one tile; FALSE if that does not fit. */
gboolean atl_pass_set_single   (const AtlJob *job, AtlPass *pass);
/* Work in multiply-accumulates, seams counting extra: when the tiles are known,
 * and roughly before. */
double   atl_pass_cost     (const AtlPass *pass);
double   atl_pass_estimate (const AtlJob *job, const AtlPass *pass, gsize maps);

/* Where pixel `at` of the padded picture, counted from the window's border, lies
 * in a value that is `value_side` wide over a window of `side`. */
static inline int
atl_scale_position (int at, int side, int value_side)
{
  return (int)(((gint64)at * value_side + side - 1) / side);
}

/* statistics.c */
typedef struct
{
  double  n;    /* values a channel so far */
  double *mean; /* of each channel */
  double *m2;   /* sum of squared deviations from it */
  int     channels;
} AtlMoments;

/* The fallible ones: FALSE with ATELIER_ERROR_MEMORY. */
gboolean atl_moments_init   (AtlMoments *moments, int channels, GError **error);
void     atl_moments_clear  (AtlMoments *moments);
/* Adds the part `rect` of a view of one image. */
gboolean atl_moments_add    (AtlMoments *moments, AtlPool *pool, AtlView view,
                             AtlRect rect, GError **error);
/* Tells the plan what job->known says of the norms that it computes. */
void     atl_statistics_set (const AtlJob *job, AtlPlan *plan);
/* Keeps what a pass found of the norm `node`. */
gboolean atl_statistics_keep (AtlJob *job, int node, const AtlMoments *moments,
                              GError **error);

/* maps.c */
/* Bytes on a disk that may hold maps; 0: none. */
guint64  atl_maps_file_space (void);
/* In memory, or in a file; not yet in job->maps.  NULL with ATELIER_ERROR_MEMORY or
 * _FILE, job->file_failed then being set. */
AtlMap  *atl_map_new  (AtlJob *job, int node, GError **error);
void     atl_map_free (AtlMap *map);
/* The node's of job->maps, or NULL. */
AtlMap  *atl_map_find (const AtlJob *job, int node);
/* rect: of the map; at (x, y) of the view, or, reading, all of it.  FALSE with
 * ATELIER_ERROR_FILE or _MEMORY. */
gboolean atl_map_read  (const AtlMap *map, AtlPool *pool, AtlRect rect,
                        AtlView view, GError **error);
gboolean atl_map_write (AtlMap *map, AtlPool *pool, AtlRect rect, AtlView view,
                        int x, int y, GError **error);

/* apply.c: all passes in turn. */
gboolean atl_passes_run (AtlJob *job, const AtlProgress *progress, GError **error);

/* codes.c: rect of the window in pixels of the quantiser `node`. */
gboolean atl_codes_read  (const AtlJob *job, int node, AtlRect rect, AtlView view,
                          GError **error);
/* The part `core` of what the plan chose for `tile`. */
void     atl_codes_keep  (AtlJob *job, AtlPlan *plan, int node, AtlRect tile,
                          AtlRect core);
void     atl_codes_set_costs (const AtlJob *job, AtlPlan *plan);

/* pixels.c */
/* The tile at (x, y) of the padded picture, as the network takes it. */
gboolean atl_pixels_read  (AtlJob *job, int x, int y, AtlView view,
                           const AtlProgress *progress, GError **error);
/* The network's values at rect of the padded picture, of which what lies in the
 * region is written to the host. */
gboolean atl_pixels_write (AtlJob *job, AtlRect rect, const float *values,
                           gsize stride, gsize row_stride,
                           const AtlProgress *progress, GError **error);
/* Bytes of the strips for tiles of so many columns. */
gsize    atl_pixels_bytes (const AtlJob *job, int width);

G_END_DECLS
