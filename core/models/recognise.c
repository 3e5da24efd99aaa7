/* Recognises the networks of pytorch-CycleGAN-and-pix2pix by the names and
 * shapes of their tensors; see the heads of unet.c, resnet.c and patchgan.c for
 * the names.
 *
 * Told from the tensors: levels, blocks, layers, widths, channels, transposed or
 * resize convolution, dropout (of a ResNet, where it shifts the numbers), and
 * the norm: a batch norm has a weight, and where there is none, the
 * convolutions before an instance norm have biases.  What they can't tell gets
 * the reference's default.  Every tensor of the network must have a place in the
 * graph: a network that only resembles a known one is refused, not run wrongly.
 */

#include "models/recognise.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "files/file-util.h"

/* Tensors whose names begin with `prefix`. */
typedef struct
{
  const AtlTensorSet *tensors;
  const char *prefix;
} Scope;

static const AtlTensor *lookup (const Scope *scope, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

static const AtlTensor *
lookup (const Scope *scope, const char *format, ...)
{
  g_autofree char *name = NULL;
  g_autofree char *full = NULL;
  va_list args;

  va_start (args, format);
  name = g_strdup_vprintf (format, args);
  va_end (args);
  full = g_strconcat (scope->prefix, name, NULL);
  return atl_tensor_set_lookup (scope->tensors, full);
}

/* Whether it is a convolution's weight with that kernel (0: any). */
static gboolean
is_kernel (const AtlTensor *tensor, int size)
{
  return tensor && tensor->n_dims == 4 && tensor->dims[0] <= G_MAXINT
         && tensor->dims[1] <= G_MAXINT && tensor->dims[2] == tensor->dims[3]
         && (size == 0 || tensor->dims[2] == size);
}

static AtlNorm
norm_from (const AtlTensor *norm_weight, const AtlTensor *bias_before)
{
  if (norm_weight)
    return ATL_NORM_BATCH;
  return bias_before ? ATL_NORM_INSTANCE : ATL_NORM_NONE;
}

/* Upsampling and channels of a layer that doubles the size: a transposed
 * convolution of that kernel (weight: in, out), or a 3x3 one after a resize
 * (out, in).  before: its input channels. */
static gboolean
take_upsampling (const AtlTensor *weight, int kernel, gint64 before,
                 AtlUpsampling *upsampling, int *channels)
{
  if (is_kernel (weight, kernel) && weight->dims[0] == before
      && (kernel != 3 || weight->dims[1] != before))
    {
      *upsampling = ATL_UPSAMPLING_TRANSPOSED;
      *channels = (int)weight->dims[1];
      return TRUE;
    }
  if (is_kernel (weight, 3) && weight->dims[1] == before)
    {
      *upsampling = ATL_UPSAMPLING_NEAREST;
      *channels = (int)weight->dims[0];
      return TRUE;
    }
  return FALSE;
}

static gboolean
recognise_unet (const Scope *scope, AtlConfig *config)
{
  const AtlTensor *first = lookup (scope, "model.model.0.weight");
  g_autoptr (GString) block = g_string_new ("model.model.1.model.");
  int levels = 2;

  if (!is_kernel (first, 4) || !lookup (scope, "%s1.weight", block->str))
    return FALSE;
  while (levels < 64 && lookup (scope, "%s3.model.1.weight", block->str))
    {
      g_string_append (block, "3.model.");
      levels++;
    }
  atl_config_init (config, "unet_256", NULL);
  config->levels = levels;
  config->ngf = (int)first->dims[0];
  config->input_channels = (int)first->dims[1];
  config->norm = norm_from (lookup (scope, "model.model.1.model.2.weight"),
                            lookup (scope, "model.model.1.model.1.bias"));
  return take_upsampling (lookup (scope, "model.model.3.weight"), 4,
                          2 * (gint64)config->ngf, &config->upsample,
                          &config->output_channels);
}

static gboolean
recognise_resnet (const Scope *scope, AtlConfig *config)
{
  const AtlTensor *first = lookup (scope, "model.1.weight");
  const AtlTensor *last;
  int blocks = 0, half = 0;

  if (!is_kernel (first, 7) || !is_kernel (lookup (scope, "model.4.weight"), 3)
      || !is_kernel (lookup (scope, "model.7.weight"), 3))
    return FALSE;
  atl_config_init (config, "resnet_9", NULL);
  while (blocks < 1000
         && lookup (scope, "model.%d.conv_block.1.weight", 10 + blocks))
    blocks++;
  last = lookup (scope, "model.%d.weight", 17 + blocks);
  if (!is_kernel (last, 7))
    return FALSE;
  config->blocks = blocks;
  config->ngf = (int)first->dims[0];
  config->input_channels = (int)first->dims[1];
  config->output_channels = (int)last->dims[0];
  config->norm = norm_from (lookup (scope, "model.2.weight"),
                            lookup (scope, "model.1.bias"));
  /* With dropout the second convolution of a block is number 6, else 5. */
  if (is_kernel (lookup (scope, "model.10.conv_block.6.weight"), 3))
    config->dropout = 0.5f;
  return take_upsampling (lookup (scope, "model.%d.weight", 10 + blocks), 3,
                          4 * (gint64)config->ngf, &config->upsample, &half);
}

static gboolean
recognise_patchgan (const Scope *scope, AtlConfig *config)
{
  const AtlTensor *first = lookup (scope, "model.0.weight");
  const AtlTensor *last;
  int n_layers = 0;

  if (!is_kernel (first, 4))
    return FALSE;
  while (n_layers < 64
         && is_kernel (lookup (scope, "model.%d.weight", 2 + 3 * n_layers), 4))
    n_layers++;
  /* The last of those found makes the logits. */
  n_layers--;
  if (n_layers < 1)
    return FALSE;
  last = lookup (scope, "model.%d.weight", 2 + 3 * n_layers);
  atl_config_init (config, "patchgan", NULL);
  config->n_layers = n_layers;
  config->ndf = (int)first->dims[0];
  config->input_channels = (int)first->dims[1];
  config->output_channels = (int)last->dims[0];
  config->norm = norm_from (lookup (scope, "model.3.weight"),
                            lookup (scope, "model.2.bias"));
  return TRUE;
}

static gboolean
recognise_pixel (const Scope *scope, AtlConfig *config)
{
  const AtlTensor *first = lookup (scope, "net.0.weight");
  const AtlTensor *last = lookup (scope, "net.5.weight");

  if (!is_kernel (first, 1) || !is_kernel (lookup (scope, "net.2.weight"), 1)
      || !is_kernel (last, 1))
    return FALSE;
  atl_config_init (config, "pixel", NULL);
  config->ndf = (int)first->dims[0];
  config->input_channels = (int)first->dims[1];
  config->output_channels = (int)last->dims[0];
  config->norm
      = norm_from (lookup (scope, "net.3.weight"), lookup (scope, "net.2.bias"));
  return TRUE;
}

/* Generators first: a file that holds both is imported as its generator. */
static const struct
{
  AtlArch arch;
  const char *anchor; /* a tensor that every such network has */
  gboolean (*recognise) (const Scope *scope, AtlConfig *config);
} kinds[] = {
  { ATL_ARCH_UNET, "model.model.1.model.1.weight", recognise_unet },
  { ATL_ARCH_RESNET, "model.7.weight", recognise_resnet },
  { ATL_ARCH_PATCHGAN, "model.2.weight", recognise_patchgan },
  { ATL_ARCH_PATCHGAN, "net.2.weight", recognise_pixel },
};

/* What Atelier has no place for and needs none: counters, and the running
 * statistics that old versions of PyTorch kept for instance norms. */
static gboolean
is_left_out (const char *name, const AtlConfig *config)
{
  return g_str_has_suffix (name, ".num_batches_tracked")
         || (config->norm == ATL_NORM_INSTANCE
             && (g_str_has_suffix (name, ".running_mean")
                 || g_str_has_suffix (name, ".running_var")));
}

static gboolean
has_parameter (const AtlGraph *graph, const char *name)
{
  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    if (g_str_equal (atl_graph_get_parameter (graph, i)->name, name))
      return TRUE;
  return FALSE;
}

/* The tensors below the prefix, without it.  NULL with an error if one of them
 * belongs to no part of the graph. */
static AtlTensorSet *
take_tensors (const Scope *scope, const AtlConfig *config, GError **error)
{
  g_autoptr (AtlGraph) graph = atl_config_build (config, error);
  g_autoptr (AtlTensorSet) taken = atl_tensor_set_new ();
  gsize skip = strlen (scope->prefix);

  if (!graph)
    return NULL;
  for (guint i = 0; i < atl_tensor_set_size (scope->tensors); i++)
    {
      const AtlTensor *tensor = atl_tensor_set_get (scope->tensors, i);
      const char *name = tensor->name + skip;
      gboolean network = g_str_has_prefix (tensor->name, scope->prefix)
                         && (g_str_has_prefix (name, "model.")
                             || g_str_has_prefix (name, "net."));

      if (!network || is_left_out (name, config))
        continue;
      if (!has_parameter (graph, name))
        {
          g_autofree char *shown = atl_display_text (tensor->name);

          g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                       _ ("looks like %s, but such a network has no tensor '%s'"),
                       atl_config_arch_name (config), shown);
          return NULL;
        }
      atl_tensor_set_add (taken, name, tensor->type, tensor->n_dims, tensor->dims,
                          tensor->data, NULL);
    }
  return g_steal_pointer (&taken);
}

/* Of the same kind, as far as `arch` tells: its number of levels or blocks must
 * agree too. */
static gboolean
is_wanted (const AtlConfig *config, const AtlConfig *wanted)
{
  if (!wanted)
    return TRUE;
  if (config->arch != wanted->arch)
    return FALSE;
  if (config->arch == ATL_ARCH_PATCHGAN)
    return (config->n_layers > 0) == (wanted->n_layers > 0);
  return config->levels == wanted->levels && config->blocks == wanted->blocks;
}

/* Where the name ends with the anchor, what is before it: the prefix. */
static char *
prefix_of (const char *name, const char *anchor)
{
  gsize length = strlen (name), tail = strlen (anchor);

  if (length < tail || strcmp (name + length - tail, anchor) != 0)
    return NULL;
  if (length > tail && name[length - tail - 1] != '.')
    return NULL;
  return g_strndup (name, length - tail);
}

static AtlTensorSet *
try_kind (const AtlTensorSet *tensors, guint kind, const AtlConfig *wanted,
          AtlConfig *config, GError **error)
{
  for (guint i = 0; i < atl_tensor_set_size (tensors); i++)
    {
      const char *name = atl_tensor_set_get (tensors, i)->name;
      g_autofree char *prefix = prefix_of (name, kinds[kind].anchor);
      Scope scope = { tensors, prefix };

      if (!prefix || !kinds[kind].recognise (&scope, config)
          || !is_wanted (config, wanted))
        continue;
      if (!atl_config_check (config, error))
        {
          g_prefix_error (error, _ ("looks like a %s, but: "),
                          atl_config_arch_name (config));
          return NULL;
        }
      config->image_statistics = TRUE;
      config->dropout_applied = FALSE;
      return take_tensors (&scope, config, error);
    }
  return NULL;
}

static void
set_unknown (const AtlTensorSet *tensors, const char *arch, GError **error)
{
  g_autofree char *shown = NULL;

  if (arch)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("holds no %s; leave the architecture out to have it found"),
                   arch);
      return;
    }
  if (atl_tensor_set_size (tensors) > 0)
    shown = atl_display_text (atl_tensor_set_get (tensors, 0)->name);
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
               _ ("holds no network that Atelier knows (U-Net or ResNet generator, "
                  "PatchGAN or pixel discriminator); it has %u tensors, the first "
                  "being '%s'"),
               atl_tensor_set_size (tensors), shown ? shown : "");
}

AtlTensorSet *
atl_recognise (const AtlTensorSet *tensors, const char *arch, AtlConfig *config,
               GError **error)
{
  AtlConfig wanted;

  if (arch && !atl_config_init (&wanted, arch, error))
    return NULL;
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      g_autoptr (GError) reason = NULL;
      AtlTensorSet *found
          = try_kind (tensors, k, arch ? &wanted : NULL, config, &reason);

      if (found)
        return found;
      if (reason)
        {
          g_propagate_error (error, g_steal_pointer (&reason));
          return NULL;
        }
    }
  set_unknown (tensors, arch, error);
  return NULL;
}
