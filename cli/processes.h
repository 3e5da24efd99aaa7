/* Training over several processes; the only place that knows MPI.
 *
 * Built without MPI, or not started by mpirun, everything here does nothing.
 */

#pragma once

#include "train/collective.h"

/* Joins the other processes.  NULL: alone. */
const AtlCollective *cli_mpi_join (void);
/* Leaves them in peace, or, failed, ends all of them with `status`: a process
 * that is lost must not leave the others waiting. */
void cli_mpi_leave (gboolean failed, int status);
