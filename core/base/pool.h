/* One pool of persistent worker threads, and a parallel for.
 *
 * How work is cut into tasks depends on the problem and never on the number of
 * threads, and whoever sums over tasks does so in task order afterwards; so the
 * same input gives the same bits with 1 thread or 16.  Tasks are handed out
 * dynamically.  Workers spin briefly before they sleep: the loops of a network
 * follow each other within microseconds.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _AtlPool AtlPool;

/* task: 0 .. n_tasks-1; worker: 0 .. n_threads-1, the caller's thread being 0;
 * no two tasks run on one worker at a time (index scratch memory with it). */
typedef void (*AtlTask) (gpointer data, gint64 task, int worker);

/* n_threads: 0 means one per processor this process may use.  A pool serves
 * one atl_pool_run at a time; a second caller waits.  atl_pool_new also keeps
 * OpenBLAS to one thread per call.  Never NULL; with fewer threads than asked
 * for if the system refuses more. */
AtlPool *atl_pool_new (int n_threads);
void atl_pool_free (AtlPool *pool);
int atl_pool_get_n_threads (const AtlPool *pool);

/* Runs task (data, 0..n_tasks-1, worker) and returns when all are done. */
void atl_pool_run (AtlPool *pool, gint64 n_tasks, AtlTask task, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPool, atl_pool_free)

G_END_DECLS
