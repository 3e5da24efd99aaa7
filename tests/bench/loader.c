/* How fast batches come out of the loader: one thread, pictures decoded.
 *
 *   loader [FOLDER]      a folder of photographs; made up ones if not given
 *
 * Prints batches a second and the processor time of a batch, for the shapes of
 * the trainers' defaults, each kind of augmentation and of damage.
 */

#include <math.h>

#include <glib/gstdio.h>

#include "files/picture.h"
#include "train/loader.h"

#define N_PICTURES 8
#define SIDE 1024
#define SECONDS 1.0

/* Smooth colours with a little noise, as PNG. */
static void
write_pictures (const char *folder)
{
  for (int n = 0; n < N_PICTURES; n++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%d.png", folder, n);
      g_autoptr (AtlPicture) picture
          = atl_picture_new (SIDE, SIDE, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);
      AtlRandom random;

      atl_random_init (&random, (guint64)n, 0);
      for (int y = 0; y < SIDE; y++)
        for (int i = 0; i < 3 * SIDE; i++)
          picture->pixels[y * picture->row_bytes + i]
              = (guint8)(120 + 80 * sin (0.01 * (i / 3) * (n + 1) + 0.02 * y)
                         + atl_random_below (&random, 16));
      if (!atl_picture_save (picture, path, NULL))
        g_error ("%s can't be written", path);
    }
}

static void
remove_pictures (const char *folder)
{
  for (int n = 0; n < N_PICTURES; n++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%d.png", folder, n);

      g_unlink (path);
    }
  g_rmdir (folder);
}

static void
measure (const AtlDataset *dataset, const AtlLoaderOptions *options,
         const char *what)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlLoader) loader = atl_loader_new (dataset->train, options, &error);
  AtlLoaderStatistics before, after;
  gint64 start;
  double seconds = 0.0;
  int n_warm = 2 * (int)dataset->train->len / options->batch + 5;

  if (!loader)
    g_error ("%s", error->message);
  while (n_warm-- > 0)
    if (!atl_loader_next (loader, NULL, &error))
      g_error ("%s", error->message);
  atl_loader_get_statistics (loader, &before);
  start = g_get_monotonic_time ();
  while (seconds < SECONDS)
    {
      atl_loader_next (loader, NULL, NULL);
      seconds = 1e-6 * (double)(g_get_monotonic_time () - start);
    }
  atl_loader_get_statistics (loader, &after);
  after.batches -= before.batches;
  g_print ("%dx%dx%d %-54s %8.1f /s %8.2f ms\n", options->batch, options->width,
           options->height, what, (double)after.batches / seconds,
           1e3 * (after.worked_seconds - before.worked_seconds)
               / (double)after.batches);
}

static void
measure_damage (const AtlDataset *dataset, AtlLoaderOptions options)
{
  static const char *const kinds[]
      = { "noise:0-50",  "sensor:0-50",
          "salt:0-0.4",  "gaussian:0-3",
          "motion:0-21", "jpeg:10-90",
          "grey",        "(gaussian:0-2|motion:0-15)+noise:0-25+jpeg:30-95" };

  options.batch = 4;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (AtlCorrupt) corrupt = atl_corrupt_parse (kinds[i], NULL);

      options.corrupt = corrupt;
      measure (dataset, &options, kinds[i]);
    }
}

int
main (int argc, char **argv)
{
  g_autofree char *folder
      = argc > 1 ? g_strdup (argv[1]) : g_dir_make_tmp ("atelier-XXXXXX", NULL);
  AtlDatasetOptions dataset_options = ATL_DATASET_DEFAULTS;
  AtlLoaderOptions options
      = { .augment = ATL_AUGMENT_DEFAULTS, .n_threads = 1, .cache_disk = -1 };
  AtlLoaderOptions jitter;
  g_autoptr (AtlDataset) dataset = NULL;
  g_autoptr (GError) error = NULL;

  if (argc < 2)
    write_pictures (folder);
  dataset_options.pictures = TRUE;
  dataset_options.held_out = 0;
  dataset = atl_dataset_open (folder, &dataset_options, NULL, &error);
  if (!dataset || !atl_dataset_require (dataset, &error))
    g_error ("%s", error->message);

  options.width = options.height = 256;
  options.batch = 1;
  measure (dataset, &options, "flips");
  options.width = options.height = 128;
  options.batch = 8;
  measure (dataset, &options, "flips");
  jitter = options;
  jitter.augment = (AtlAugment){ TRUE, TRUE, 5.0f, 0.2f, 0.2f, 0 };
  measure (dataset, &jitter, "flips, turns, rotation, scale, colour");
  jitter.augment = (AtlAugment)ATL_AUGMENT_DEFAULTS;
  jitter.cache_bytes = 1;
  jitter.cache_disk = (gint64)8 << 30;
  measure (dataset, &jitter, "flips, from the temporary file");
  measure_damage (dataset, options);
  if (argc < 2)
    remove_pictures (folder);
  return 0;
}
