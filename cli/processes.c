/* See processes.h.
 *
 * MPI's library takes longer to load than a small network to run, so that what
 * calls it is a module (mpi.c), loaded where mpirun has started us only.
 *
 * MPI's default error handler ends the whole run when a process is lost; as
 * checkpoints are written beside and renamed, the last one is whole.
 */

#include "processes.h"

#include <glib/gi18n-lib.h>
#include <gmodule.h>

#include "base/error.h"

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

/* Whether a launcher has started us: Open MPI's, or one that speaks PMI. */
static gboolean
is_launched (void)
{
  const char *size = g_getenv ("OMPI_COMM_WORLD_SIZE");

  if (!size)
    size = g_getenv ("PMI_SIZE");
  return size ? !g_str_equal (size, "1") : g_getenv ("PMIX_RANK") != NULL;
}

gboolean
cli_mpi_join (const AtlCollective **collective, GError **error)
{
  GModule *module;

  *collective = NULL;
  if (!is_launched ())
    return TRUE;
  module = open_module ();
  if (!module || !g_module_symbol (module, "mpi_join", (gpointer *)&join)
      || !g_module_symbol (module, "mpi_leave", (gpointer *)&leave))
    {
      /* Alone, all would write the same files. */
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("this Atelier can't work over several processes (%s); start "
                      "it without mpirun, or build it with -Dmpi=enabled"),
                   g_module_error ());
      return FALSE;
    }
  g_module_make_resident (module);
  *collective = join ();
  return TRUE;
}

void
cli_mpi_leave (gboolean failed, int status)
{
  if (leave)
    leave (failed, status);
}
