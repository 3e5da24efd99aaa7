/* The windows of Atelier, as the plug-in calls them.
 *
 * ui knows GimpProcedureConfig (settings, remembered by libgimp) and core, and
 * nothing of images and drawables: pixels come through AtlLayerSource.  Each
 * function is called in the main thread of an interactive run, after
 * gimp_ui_init; it runs its window until that is closed.  All texts in _().
 *
 * Arguments in the config are strings where DESIGN names choices; the allowed
 * words are in the comment of each function.
 */

#pragma once

#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>

#include "apply/apply.h"
#include "train/settings.h"

G_BEGIN_DECLS

/* The layer that a filter is about to change. */
typedef struct
{
  int width, height; /* of the layer */
  int channels;      /* of colour: 1 or 3 */
  gboolean has_alpha;
  int x, y, changed_width, changed_height; /* what the selection leaves of
                             the layer: only there anything will change */
  int n_layers;                            /* that the filter will be applied to */
  const char *name;                        /* of the layer */

  /* A rectangle of the layer: floats in [0, 1], perceptual, `channels` a pixel
   * (1 or 3 colours; 2 or 4: alpha after them), dense.  May be called from any
   * thread; from another than the main thread it waits until the main loop has
   * served it, so the main thread must never wait for such a thread without
   * running its loop (cancel, and let the thread end by itself). */
  gboolean (*read) (gpointer data, int x, int y, int width, int height,
                    int channels, float *out, GError **error);
  /* The same pixels as a screen without colour management shows them: R, G, B
   * bytes in sRGB.  Main thread only. */
  void (*read_display) (gpointer data, int x, int y, int width, int height,
                        guint8 *rgb);
  /* n perceptual pixels, `channels` each, to R, G, B bytes likewise: for the
   * "after" side.  Any thread. */
  void (*to_display) (gpointer data, const float *pixels, int channels, gsize n,
                      guint8 *rgb);
  gpointer data;
  int n_threads; /* that the user lets GIMP use */
} AtlLayerSource;

/* TRUE: apply with what is in the config now.  FALSE: nothing is to be done.
 *   translate: model (id or path), strength 0..1, output "in-place" |
 *     "new-layer", statistics "model" | "image" | "running", seed (int),
 *     memory (MiB, 0: the default)
 *   compress: model, quality (residual stages, 0: all), output, memory */
gboolean atl_translate_dialog_run (GimpProcedure *procedure,
                                   GimpProcedureConfig *config,
                                   const AtlLayerSource *source);
gboolean atl_compress_dialog_run (GimpProcedure *procedure,
                                  GimpProcedureConfig *config,
                                  const AtlLayerSource *source);
/* add-pair: folder (GFile), name (may be empty: the next free number). */
gboolean atl_pair_dialog_run (GimpProcedure *procedure, GimpProcedureConfig *config,
                              const AtlLayerSource *before,
                              const AtlLayerSource *after);
/* models: lists, imports, renames and removes by itself through
 * models/library.h.  TRUE: carry out what the config says. */
gboolean atl_models_dialog_run (GimpProcedure *procedure,
                                GimpProcedureConfig *config);

/* train: folder, kind "pix2pix" | "vqvae", name, output (GFile), preset
 * "quick" | "standard" | "full", steps and size (0: the preset's), direction
 * "AtoB" | "BtoA", seed, resume.
 * The window runs the training by itself (train/trainer.h), with settings that
 * make_settings checks and makes of the config. */
typedef AtlTrainSettings *(*AtlMakeSettings) (GimpProcedureConfig *config,
                                              GError **error);
typedef enum
{
  ATL_TRAIN_WINDOW_CLOSED, /* nothing is left to be done */
  ATL_TRAIN_WINDOW_RUN     /* train with the config, showing progress only */
} AtlTrainWindowEnd;
AtlTrainWindowEnd atl_train_window_run (GimpProcedure *procedure,
                                        GimpProcedureConfig *config,
                                        AtlMakeSettings make_settings);

G_END_DECLS
