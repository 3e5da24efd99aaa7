/* The windows of Atelier, as the plug-in calls them.
 *
 * ui knows GimpProcedureConfig (settings, remembered by libgimp) and core, and
 * nothing of images and drawables: pixels come through AtlLayerSource.  Each
 * function is called in the main thread of an interactive run, after
 * gimp_ui_init; it runs its window until that is closed.  All texts in _().
 *
 * Arguments in the config are strings where there are choices; the allowed
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
  AtlDepth depth; /* that a file of it would have, */
  GBytes *icc;    /* and its profile; NULL: sRGB */
  int offset_x, offset_y; /* of the layer in the image */
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
  /* The whole layer in at most width x height pixels, with its alpha; free with
   * g_object_unref.  NULL if it can't be had.  Main thread only. */
  GdkPixbuf *(*thumbnail) (gpointer data, int width, int height);
  /* n perceptual pixels, `channels` each, to R, G, B bytes in sRGB, as a
   * screen without colour management shows them.  Any thread. */
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
/* The same window for file-vqi-export, whose config has no output but
 * alpha-levels (0: all), include-exif, include-xmp and include-color-profile. */
gboolean atl_export_dialog_run (GimpProcedure *procedure,
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
/* batch: source, folder (GFile), model, filter "translate" | "compress", format
 * "png" | "jpg" | "tif" | "webp" | "xcf". */
gboolean atl_batch_dialog_run (GimpProcedure *procedure,
                               GimpProcedureConfig *config);

/* tutorial: folder, pictures (GFile or NULL), count, filter "photocopy" |
 * "cartoon" | "oilify" | "softglow".  TRUE: make the set. */
gboolean atl_tutorial_dialog_run (GimpProcedure *procedure,
                                  GimpProcedureConfig *config);

/* train: folder, kind "pix2pix" | "vqvae", corrupt (a damage, or empty), name,
 * output (GFile), preset "quick" | "standard" | "full", arch (empty: the
 * preset's), steps and size (0: the preset's), direction "AtoB" | "BtoA", seed,
 * from (a model's id or path, or empty), resume.
 * The window runs trainings by itself (train/job.h), with settings that
 * make_settings checks and makes of the config.  TRUE: at least one was begun,
 * so that the config is worth remembering. */
typedef AtlTrainSettings *(*AtlMakeSettings) (GimpProcedureConfig *config,
                                              GError **error);
gboolean atl_train_window_run (GimpProcedure *procedure,
                               GimpProcedureConfig *config,
                               AtlMakeSettings make_settings);

G_END_DECLS
