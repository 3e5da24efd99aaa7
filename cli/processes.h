/* Training over several processes; the only place that knows MPI.
 *
 * Not started by mpirun, everything here does nothing.
 */

#pragma once

#include "train/collective.h"

/* Joins the other processes; *collective is NULL where this one is alone.
 * FALSE with ATELIER_ERROR_UNSUPPORTED where several were started but can't find
 * each other: built without MPI, or its module is missing. */
gboolean cli_mpi_join (const AtlCollective **collective, GError **error);
/* Leaves them in peace, or, failed, ends all of them with `status`: a process
 * that is lost must not leave the others waiting. */
void cli_mpi_leave (gboolean failed, int status);
