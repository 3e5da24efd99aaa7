/* Writes the small models that the tests in GIMP go through; untrained, with a
 * last layer that is loud enough to change every pixel.
 *
 *   make-models FOLDER [NAME]
 *
 * NAME: that one alone, and only so one that is as large as a real one. */

#include <stdio.h>

#include "models/model.h"

#define LOUDER 25

static const struct
{
  const char *name, *arch, *settings[5];
  gboolean large;
} models[] = {
  { "resnet", "resnet_6", { "ngf=8" } },
  { "residual", "resnet_6", { "ngf=8", "residual=yes" } },
  { "unet", "unet_128", { "ngf=8", "norm=batch" } },
  { "colour", "resnet_6", { "ngf=8", "colour=luma_to_chroma" } },
  { "grey", "resnet_6", { "ngf=8", "input_channels=1", "output_channels=1" } },
  { "vqvae", "vqvae", { "hidden=32", "residual_hidden=8", "stages=2" } },
  { "heavy", "resnet_9", { "ngf=64" } },
  { "unet-256", "unet_256", { "ngf=64", "norm=batch" }, TRUE },
};

static void
amplify (AtlModel *model)
{
  const AtlGraph *graph = atl_model_get_graph (model);
  AtlWeights *weights = atl_model_get_weights (model);
  int last = -1;

  for (int i = 0; i < atl_graph_get_n_parameters (graph); i++)
    if (g_str_has_suffix (atl_graph_get_parameter (graph, i)->name, ".weight"))
      last = i;
  if (last >= 0)
    {
      const AtlParameter *p = atl_graph_get_parameter (graph, last);
      gsize n = (gsize)atl_tensor_n_elements (p->n_dims, p->dims, ATL_TYPE_F32);
      g_autofree float *values = g_new (float, n);

      atl_weights_get (weights, last, values);
      for (gsize i = 0; i < n; i++)
        values[i] *= LOUDER;
      atl_weights_set (weights, last, values);
      atl_weights_changed (weights);
    }
}

static gboolean
make (const char *folder, gsize i, GError **error)
{
  g_autofree char *path
      = g_strdup_printf ("%s/%s.safetensors", folder, models[i].name);
  g_autoptr (AtlModel) model = NULL;
  AtlConfig config;

  if (!atl_config_init (&config, models[i].arch, error))
    return FALSE;
  for (int s = 0; models[i].settings[s]; s++)
    if (!atl_config_set (&config, models[i].settings[s], error))
      return FALSE;
  model = atl_model_create (&config, 1 + i, error);
  if (!model)
    return FALSE;
  amplify (model);
  json_object_set_string_member (atl_model_get_card (model), "name",
                                 models[i].name);
  return atl_model_save (model, path, FALSE, error);
}

int
main (int argc, char **argv)
{
  const char *only = argc == 3 ? argv[2] : NULL;

  for (gsize i = 0; argc >= 2 && i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (GError) error = NULL;

      if (only ? !g_str_equal (only, models[i].name) : models[i].large)
        continue;
      if (!make (argv[1], i, &error))
        {
          fprintf (stderr, "%s: %s\n", models[i].name, error->message);
          return 1;
        }
    }
  return argc == 2 || argc == 3 ? 0 : 2;
}
