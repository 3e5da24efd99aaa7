/* The module that knows MPI; processes.c loads it. */

#include <gmodule.h>
#include <mpi.h>

#include "processes.h"

const AtlCollective *mpi_join (void);
void mpi_leave (gboolean failed, int status);

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

G_MODULE_EXPORT const AtlCollective *
mpi_join (void)
{
  static AtlCollective collective
      = { .sum_floats = sum_floats, .sum_doubles = sum_doubles };
  int provided;

  MPI_Init_thread (NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank (MPI_COMM_WORLD, &collective.rank);
  MPI_Comm_size (MPI_COMM_WORLD, &collective.n_ranks);
  return &collective;
}

G_MODULE_EXPORT void
mpi_leave (gboolean failed, int status)
{
  if (failed)
    MPI_Abort (MPI_COMM_WORLD, status);
  MPI_Finalize ();
}
