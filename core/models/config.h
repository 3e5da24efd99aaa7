/* What a model is: everything needed to build its graph again.
 *
 * Kept as JSON in the model file's metadata under "atelier.config"; the same
 * keys are those of `--set key=value`, and the names of AtlConfig's members.
 * Booleans are yes or no, choices the words below in small letters ("batch",
 * "nearest", "luma_to_chroma").  A key that the architecture does not have is
 * refused by atl_config_set.
 */

#pragma once

#include "base/error.h"
#include "graph/graph.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_ARCH_UNET,     /* "unet_128", "unet_256", "unet_512": levels 7, 8, 9 */
  ATL_ARCH_RESNET,   /* "resnet_6", "resnet_9" (also "resnet_6blocks") */
  ATL_ARCH_DRUNET,   /* "drunet": a residual U-Net for restoration */
  ATL_ARCH_PATCHGAN, /* "patchgan": n_layers; "pixel" */
  ATL_ARCH_VQVAE,    /* "vqvae" */
  ATL_ARCH_VQVAE2    /* "vqvae2" */
} AtlArch;

typedef enum
{
  ATL_NORM_NONE,
  ATL_NORM_BATCH,
  ATL_NORM_INSTANCE
} AtlNorm;

typedef enum
{
  ATL_UPSAMPLING_TRANSPOSED, /* transposed convolution, the reference's */
  ATL_UPSAMPLING_NEAREST,    /* resize by 2, then a 3x3 convolution */
  ATL_UPSAMPLING_BILINEAR,
  ATL_UPSAMPLING_SHUFFLE     /* 1x1 convolution, depth-to-space by 2; VQ-VAE
                                and residual U-Net */
} AtlUpsampling;

typedef enum
{
  ATL_COLOUR_RGB,
  ATL_COLOUR_LUMA_TO_CHROMA /* input: Y of YCbCr; output: Cb, Cr; the picture's
                               Y is kept */
} AtlColour;

typedef struct
{
  AtlArch       arch;
  int           input_channels, output_channels;

  /* Pix2Pix networks */
  int           ngf, ndf;
  int           levels;     /* U-Net, residual U-Net */
  int           blocks;     /* ResNet; residual U-Net: of each level and way */
  int           n_layers;   /* PatchGAN; 0: pixel */
  AtlNorm       norm;
  float         dropout;    /* probability in the inner levels; 0: none */
  AtlUpsampling upsample;
  gboolean      residual;   /* the network's output is added to its input
                               (before the final clamp; no tanh): restoration */

  /* VQ-VAE */
  int           hidden, residual_blocks, residual_hidden;
  int           decoder_blocks; /* 0: as residual_blocks */
  int           outer_blocks; /* residual blocks, of half the width as a rule,
                                 before the decoder's last layer */
  int           downsample; /* factor, a power of two; of VQ-VAE-2 the bottom's,
                               the top's being twice it */
  int           codes, code_dim, stages;
  int           patch;      /* space-to-depth in and depth-to-space out; 1: none;
                               residual U-Net too */
  gboolean      linear_skip; /* around encoder and decoder */
  gboolean      zero_code;  /* entry 0 of stages 2.. is zero */

  /* When applied */
  gboolean      image_statistics; /* norms: the image's own, else running */
  gboolean      dropout_applied;
  AtlColour     colour;
} AtlConfig;

/* The reference's defaults for that architecture; every name of --arch.
 * FALSE with ATELIER_ERROR_ARGUMENT that lists the names. */
gboolean    atl_config_init (AtlConfig *config, const char *arch,
                             GError **error);
/* "key=value"; FALSE with ATELIER_ERROR_ARGUMENT that says what is allowed.
 * "colour=luma_to_chroma" also sets the channels, 1 in and 2 out. */
gboolean    atl_config_set (AtlConfig *config, const char *setting,
                            GError **error);
/* Whether such a network can be built (ranges, sizes); building an unchecked
 * configuration is undefined.  FALSE with ATELIER_ERROR_ARGUMENT. */
gboolean    atl_config_check (const AtlConfig *config, GError **error);
/* JSON object with "arch" and that architecture's keys; free with g_free.  Reading
 * it, keys that are missing get the architecture's defaults and unknown ones are
 * ignored (a later version's); FALSE with ATELIER_ERROR_FORMAT, naming the key, or
 * _UNSUPPORTED for an architecture that there is not. */
char       *atl_config_to_json (const AtlConfig *config);
gboolean    atl_config_from_json (AtlConfig *config, const char *json,
                                  GError **error);
/* Every key of the architecture with its value and what it may be set to, as
 * atl_config_set takes and its messages say them. */
typedef void (*AtlSettingCallback) (gpointer data, const char *key,
                                    const char *value, const char *allowed);
void        atl_config_each    (const AtlConfig *config,
                                AtlSettingCallback callback, gpointer data);
/* "unet_256"; not to be freed. */
const char *atl_config_arch_name (const AtlConfig *config);
/* "pix2pix", "vqvae" or "discriminator" */
const char *atl_config_kind (const AtlConfig *config);

/* Builds the graph: PyTorch's names (pytorch-CycleGAN-and-pix2pix for the
 * Pix2Pix networks).  Nodes to find by name: "input", "output"; of a VQ-VAE
 * also "z" and "quantise" (VQ-VAE-2: "z_top", "quantise_top", "z", "quantise",
 * top and bottom).  NULL with ATELIER_ERROR_MEMORY. */
AtlGraph   *atl_config_build (const AtlConfig *config, GError **error);

G_END_DECLS
