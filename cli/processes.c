/* See processes.h.
 *
 * MPI's default error handler ends the whole run when a process is lost; as
 * checkpoints are written beside and renamed, the last one is whole.
 */

#include "processes.h"

#include <limits.h>

#ifdef ATELIER_MPI

#include <mpi.h>

#define MAX_COUNT (1 << 28) /* elements a call: MPI counts in int */

static void
sum (void *values, gsize n, gsize size, MPI_Datatype type)
{
  for (gsize first = 0; first < n; first += MAX_COUNT)
    MPI_Allreduce (MPI_IN_PLACE, (char *)values + first * size,
                   (int)MIN (n - first, MAX_COUNT), type, MPI_SUM, MPI_COMM_WORLD);
}

static void
sum_floats (gpointer data, float *values, gsize n)
{
  sum (values, n, sizeof *values, MPI_FLOAT);
}

static void
sum_doubles (gpointer data, double *values, gsize n)
{
  sum (values, n, sizeof *values, MPI_DOUBLE);
}

const AtlCollective *
cli_mpi_join (void)
{
  static AtlCollective collective
      = { .sum_floats = sum_floats, .sum_doubles = sum_doubles };
  int provided;

  /* Open MPI's launcher, or one that speaks PMI. */
  if (!g_getenv ("OMPI_COMM_WORLD_SIZE") && !g_getenv ("PMI_SIZE")
      && !g_getenv ("PMIX_RANK"))
    return NULL;
  MPI_Init_thread (NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank (MPI_COMM_WORLD, &collective.rank);
  MPI_Comm_size (MPI_COMM_WORLD, &collective.n_ranks);
  return &collective;
}

void
cli_mpi_leave (gboolean failed, int status)
{
  int initialised = 0;

  MPI_Initialized (&initialised);
  if (!initialised)
    return;
  if (failed)
    MPI_Abort (MPI_COMM_WORLD, status);
  MPI_Finalize ();
}

#else

const AtlCollective *
cli_mpi_join (void)
{
  return NULL;
}

void
cli_mpi_leave (gboolean failed, int status)
{
}

#endif
