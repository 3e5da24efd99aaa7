/* Training over several processes: sums over all of them.
 *
 * core knows nothing of MPI; whoever links it fills this in.  Every process
 * makes the same calls in the same order.  A call that fails does not return
 * (MPI's default: the run ends, the last checkpoint stays).
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  int rank, n_ranks; /* rank 0 alone writes files */
  /* Replace values[0..n-1] by their sums over all processes. */
  void (*sum_floats) (gpointer data, float *values, gsize n);
  void (*sum_doubles) (gpointer data, double *values, gsize n);
  gpointer data;
} AtlCollective;

static inline int
atl_collective_n_ranks (const AtlCollective *collective)
{
  return collective ? collective->n_ranks : 1;
}

static inline int
atl_collective_rank (const AtlCollective *collective)
{
  return collective ? collective->rank : 0;
}

static inline void
atl_collective_sum_floats (const AtlCollective *collective, float *values, gsize n)
{
  if (collective && collective->n_ranks > 1)
    collective->sum_floats (collective->data, values, n);
}

static inline void
atl_collective_sum_doubles (const AtlCollective *collective, double *values,
                            gsize n)
{
  if (collective && collective->n_ranks > 1)
    collective->sum_doubles (collective->data, values, n);
}

G_END_DECLS
