/* See processes.h.
 *
 * MPI's library takes longer to load than a small network to run, so that what
 * calls it is a module (mpi.c), loaded where mpirun has started us only.
 *
 * MPI's default error handler ends the whole run when a process is lost; as
 * checkpoints are written beside and renamed, the last one is whole.
 */

#include "processes.h"

#include <gmodule.h>

static const AtlCollective *(*join) (void);
static void (*leave) (gboolean failed, int status);

/* Beside the program where it was built, else where it was installed. */
static GModule *
open_module (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (program ? program : "");
  g_autofree char *beside = g_build_filename (folder, ATELIER_MPI_MODULE, NULL);
  GModule *module = g_module_open (beside, G_MODULE_BIND_LAZY);

  if (!module)
    module
        = g_module_open (ATELIER_LIBDIR "/" ATELIER_MPI_MODULE, G_MODULE_BIND_LAZY);
  return module;
}

const AtlCollective *
cli_mpi_join (void)
{
  GModule *module;

  /* Open MPI's launcher, or one that speaks PMI. */
  if (!g_getenv ("OMPI_COMM_WORLD_SIZE") && !g_getenv ("PMI_SIZE")
      && !g_getenv ("PMIX_RANK"))
    return NULL;
  module = open_module ();
  if (!module || !g_module_symbol (module, "mpi_join", (gpointer *)&join)
      || !g_module_symbol (module, "mpi_leave", (gpointer *)&leave))
    return NULL;
  g_module_make_resident (module);
  return join ();
}

void
cli_mpi_leave (gboolean failed, int status)
{
  if (leave)
    leave (failed, status);
}
