/* Computes previews in a thread of its own, and foretells the whole.
 *
 * A new start cancels the one before.  The model stays open between previews.
 * Needs no display.
 */

#pragma once

#include "codec/vqi.h"
#include "dialogs.h"
#include "shot.h"

G_BEGIN_DECLS

typedef struct
{
  const char *model; /* path */
  int         statistics; /* as in AtlApplyOptions */
  int         stages;
  guint64     seed;
  gsize       memory; /* bytes; 0: the default */
  gboolean    measure; /* of a VQ-VAE: as a .vqi file has it; PSNR and SSIM */
} AtlPreviewSettings;

typedef struct
{
  gboolean busy;
  double   fraction;    /* of what is under way */
  GError  *error;       /* why there is no preview, or why the model can't be
                           applied to the layer; NULL: it can */
  AtlShot *shot;        /* the latest that has something to show, or NULL */
  double   seconds;     /* expected for all layers; negative: not known yet */
  gsize    bytes;       /* of memory, likewise; 0: not known yet */
  int      n_tiles;
  int      quality_steps; /* of the model; 1 where it has but one */
  double   psnr, ssim;  /* of the shot's area; NaN: not known */
  gsize    sizes[ATL_MAX_STAGES + 1]; /* of the layer as a .vqi file, by stages
                           (0: all); 0: not measured */
  gsize    png;         /* the same as PNG */
  GError  *size_error;  /* why it was not measured */
} AtlPreviewState;

typedef struct _AtlPreviewEngine AtlPreviewEngine;

/* changed: called in the main loop whenever the state is another.  The source
 * must outlive the engine. */
AtlPreviewEngine *atl_preview_engine_new  (const AtlLayerSource *source,
                                           void (*changed) (gpointer data),
                                           gpointer data);
/* Iterates the main loop until the thread has ended; changed is not called. */
void              atl_preview_engine_free (AtlPreviewEngine *engine);

/* area: of the layer, within what will be changed; the shot is no larger than
 * max_width x max_height. */
void              atl_preview_engine_start (AtlPreviewEngine *engine,
                                            const AtlPreviewSettings *settings,
                                            const AtlArea *area, int max_width,
                                            int max_height);
/* There is nothing to show: what was under way is dropped, and with it what was
 * wrong with it. */
void              atl_preview_engine_stop  (AtlPreviewEngine *engine);
/* Measures the size of the whole layer as a file, if it is not known, while there
 * is nothing else to do; a start ends it. */
void              atl_preview_engine_measure (AtlPreviewEngine *engine,
                                              const AtlPreviewSettings *settings);
const AtlPreviewState *
                  atl_preview_engine_get_state (const AtlPreviewEngine *engine);

G_END_DECLS
