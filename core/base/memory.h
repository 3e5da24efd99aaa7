/* Aligned memory that may fail, the placing of buffers in one arena, and how much
 * memory there is. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ATL_ALIGNMENT 64 /* bytes: a cache line and the widest vector */

/* count elements of `size` bytes, aligned, not cleared.  NULL with
 * ATELIER_ERROR_MEMORY, naming `what`, if the product overflows or memory is
 * short.  Free with atl_free.  Zero bytes give a valid pointer. */
gpointer atl_try_alloc (gsize count, gsize size, const char *what,
                        GError **error);
gpointer atl_try_alloc0 (gsize count, gsize size, const char *what,
                         GError **error);
void     atl_free (gpointer memory);

/* In front of a pointer's declaration: atl_free at the end of its block. */
#define atl_autofree __attribute__ ((cleanup (atl_free_pointed)))
static inline void
atl_free_pointed (gpointer pointer)
{
  atl_free (*(gpointer *) pointer);
}

/* For tests: asked before every allocation from now on, in the thread that
 * allocates; where it returns FALSE, the allocation fails.  NULL: none.  To be
 * set while no other thread allocates. */
typedef gboolean (*AtlAllocHook) (gsize bytes, gpointer data);
void     atl_set_alloc_hook (AtlAllocHook hook, gpointer data);

/* A buffer that is live from step `first` to step `last`, both included. */
typedef struct
{
  gsize size;   /* bytes */
  int   first;
  int   last;
  gsize offset; /* set by atl_arena_place; a multiple of ATL_ALIGNMENT */
} AtlLifetime;

/* Places the buffers so that those live at the same step never overlap
 * (largest first, lowest free gap).  *total: the arena's size in bytes, or
 * G_MAXSIZE if it overflows.  FALSE with ATELIER_ERROR_MEMORY if there is none
 * to do it. */
gboolean atl_arena_place (AtlLifetime *buffers, int n_buffers, gsize *total,
                          GError **error);

/* Memory that this process may use, and what of it is free now, in bytes: the
 * machine's, or less where a control group (a container) allows less.  0 if
 * unknown. */
guint64  atl_memory_total (void);
guint64  atl_memory_available (void);
/* Highest resident size of this process so far, in bytes; 0 if unknown. */
guint64  atl_memory_peak (void);

G_END_DECLS
