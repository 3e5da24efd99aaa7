/* A model over a picture of any size.
 *
 * The picture is reflect-padded to the network's multiple and cropped back;
 * what does not fit into the memory budget at once is done in tiles with a
 * halo as wide as the receptive field, so that a tiled result equals an untiled
 * one; norms that use the image's own statistics get them from a pass over the
 * whole picture first.  A network that sees further than a tile can (a U-Net
 * over a large picture) goes through it in stages; where there is no room to keep
 * values between them, it gets overlapping tiles that are blended.
 */

#pragma once

#include "base/progress.h"
#include "files/picture.h"
#include "graph/plan.h"
#include "models/model.h"

G_BEGIN_DECLS

#define ATL_DEFAULT_MEMORY ((gsize) 1024 << 20)

/* Where pixels come from and go to: a picture, or a host's buffers.  Both are
 * called in the thread that called atl_apply, rectangles within the picture;
 * floats in [0, 1], `channels` a pixel, dense.  Each pixel is written once,
 * tile after tile from top to bottom, and read several times, also after its
 * neighbours were written: source and target must not be the same memory. */
typedef struct
{
  int      width, height;
  int      channels; /* that the source has: 1 or 3 */
  gboolean (*read)  (gpointer data, int x, int y, int width, int height,
                     int channels, float *out, GError **error);
  gboolean (*write) (gpointer data, int x, int y, int width, int height,
                     int channels, const float *in, GError **error);
  gpointer data;
  int      out_channels; /* that `write` takes: 1 or 3; 0: as the source has */
} AtlImageIo;

/* `read` and `write` of pictures in memory: data is an AtlPicture. */
gboolean atl_picture_io_read  (gpointer picture, int x, int y, int width,
                               int height, int channels, float *out,
                               GError **error);
gboolean atl_picture_io_write (gpointer picture, int x, int y, int width,
                               int height, int channels, const float *in,
                               GError **error);

/* Channels that the result has by nature, for a source with so many: a model
 * that colours makes 3 of 1. */
int atl_apply_get_channels (const AtlModel *model, int channels);

typedef struct
{
  double   strength;    /* 0: the input, 1: the network's output */
  int      statistics;  /* -1: as the model says; else 0 running, 1 image */
  int      dropout;     /* -1: as the model says; 0, 1 */
  guint64  seed;
  gsize    memory;      /* budget in bytes for everything that grows with the
                           picture, without `io`'s own; 0: the default */
  int      tile;        /* side of a tile, halo included; 0: as the budget
                           allows (for tests) */
  int      stages;      /* VQ-VAE: residual stages in use; 0: all */
  int      x, y, width, height; /* part of the picture to compute (a preview);
                           width 0: all.  Norms with the image's own statistics
                           get them from the whole picture up to 2 megapixels,
                           beyond that from the part and the halo around it, so
                           that a preview costs what the part costs */
} AtlApplyOptions;

#define ATL_APPLY_DEFAULTS { 1.0, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0 }

/* FALSE with ATELIER_ERROR_MODEL (a discriminator), _ARGUMENT, _MEMORY (with
 * the MiB that it would take), G_IO_ERROR_CANCELLED, or `io`'s error. */
gboolean atl_apply (AtlModel              *model,
                    AtlPool               *pool,
                    const AtlImageIo      *io,
                    const AtlApplyOptions *options,
                    const AtlProgress     *progress,
                    GError               **error);

/* What atl_apply would do, without doing it. */
typedef struct
{
  gsize    bytes;    /* that the pass takes which takes the most */
  int      n_tiles, tile_width, tile_height, halo; /* of the last pass */
  int      n_passes; /* more than 1 where statistics are taken first, or in
                        stages */
  gboolean exact;    /* tiled equals untiled */
  double   macs;     /* all passes together */
} AtlApplyForecast;

/* FALSE as atl_apply, forecast being zeroed.  io's functions are not called. */
gboolean atl_apply_forecast (AtlModel *model, AtlPool *pool,
                             const AtlImageIo *io,
                             const AtlApplyOptions *options,
                             AtlApplyForecast *forecast, GError **error);

/* A whole picture through the model: same size, depth, alpha and profile; a
 * model that colours makes a colour picture of a grey one, without its profile.
 * If only a part is computed, the rest is copied.  NULL with the errors of
 * atl_apply. */
AtlPicture *atl_apply_picture (AtlModel *model, AtlPool *pool,
                               const AtlPicture *picture,
                               const AtlApplyOptions *options,
                               const AtlProgress *progress, GError **error);

G_END_DECLS
