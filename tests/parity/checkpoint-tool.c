/* checkpoint-tool IN.pth OUT.safetensors: the tensors of a checkpoint as a
 * safetensors file; IN may be one, too. */

#include "files/checkpoint.h"
#include "files/safetensors.h"

int
main (int argc, char **argv)
{
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) set = NULL;
  g_autoptr (GError) error = NULL;

  if (argc != 3)
    {
      g_printerr ("usage: checkpoint-tool IN OUT.safetensors\n");
      return 2;
    }
  if (g_str_has_suffix (argv[1], ".safetensors"))
    set = atl_safetensors_read (argv[1], &metadata, &error);
  else
    set = atl_checkpoint_read (argv[1], &error);
  if (set != NULL && atl_safetensors_write (argv[2], set, metadata, &error))
    return 0;
  g_printerr ("%s\n", error->message);
  return 1;
}
