/* Runs a fuzz target over files, without libFuzzer:
 *
 *   fuzz-NAME FILE-OR-FOLDER...
 *
 * Speaks TAP, a case a file.  No allocation of ours may be out of proportion to
 * the input: a file of 1 KB can't ask for a gigabyte. */

#include <stdio.h>

#include "base/memory.h"
#include "fuzz.h"

#define FREE_BYTES ((gsize)300 << 20)
#define FACTOR ((gsize)4096)

static gboolean
in_proportion (gsize bytes, gpointer data)
{
  const gsize *size = data;

  if (bytes > FREE_BYTES + *size * FACTOR)
    g_error ("%" G_GSIZE_FORMAT " bytes asked for by an input of %" G_GSIZE_FORMAT,
             bytes, *size);
  return TRUE;
}

static guint
replay (const char *path, guint n)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *data = NULL;
  const char *name;
  gsize size;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *below = g_build_filename (path, name, NULL);

      n = replay (below, n);
    }
  if (folder != NULL)
    return n;
  if (!g_file_get_contents (path, &data, &size, &error))
    g_error ("%s", error->message);
  atl_set_alloc_hook (in_proportion, &size);
  /* Of its exact size, so that sanitizers see every step beyond. */
  {
    g_autofree uint8_t *bytes = g_memdup2 (data, size);

    LLVMFuzzerTestOneInput (bytes, size);
  }
  atl_set_alloc_hook (NULL, NULL);
  printf ("ok %u - %s is read or refused\n", ++n, base);
  return n;
}

int
main (int argc, char **argv)
{
  guint n = 0;

  setvbuf (stdout, NULL, _IOLBF, 0);
  for (int i = 1; i < argc; i++)
    n = replay (argv[i], n);
  printf ("1..%u\n", n);
  return n > 0 ? 0 : 1;
}
