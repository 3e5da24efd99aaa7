/* Prints this project's metrics of two raw float32 pictures, for test-metrics.py:
 * metrics-values WIDTH HEIGHT CHANNELS A B */

#include <stdio.h>
#include <stdlib.h>

#include "apply/metrics.h"

int
main (int argc, char **argv)
{
  g_autofree char *a = NULL, *b = NULL;
  gsize size_a, size_b;
  int width, height, channels;
  g_autoptr (AtlPool) pool = atl_pool_new (2);

  if (argc != 6)
    return 2;
  width = atoi (argv[1]);
  height = atoi (argv[2]);
  channels = atoi (argv[3]);
  if (!g_file_get_contents (argv[4], &a, &size_a, NULL)
      || !g_file_get_contents (argv[5], &b, &size_b, NULL) || size_a != size_b
      || size_a != sizeof (float) * width * height * channels)
    return 1;
  printf ("%.9g %.9g %.9g %.9g\n",
          atl_psnr ((float *)a, (float *)b, width, height, channels),
          atl_ssim (pool, (float *)a, (float *)b, width, height, channels),
          atl_ms_ssim (pool, (float *)a, (float *)b, width, height, channels),
          atl_l1 ((float *)a, (float *)b, width, height, channels));
  return 0;
}
