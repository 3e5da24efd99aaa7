/* See kmeans.h. */

#include "train/kmeans.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "kernels/kernels.h"

#define ROWS 128 /* vectors a task */

typedef struct
{
  AtlPool *pool;
  const float *vectors;
  gsize n;
  int dim, k;
  gboolean zero;
  AtlRandom random;
  float *centres;
  double *counts;
  gint32 *nearest;

  int columns;     /* k, rounded up to ATL_PANEL_STEP */
  float *panels;   /* of the centres, transposed: [k / 64][dim][64] */
  float *norms;    /* |centre|^2; huge where there is none */
  float *scores;   /* per worker: ROWS x ATL_PANEL, then ROWS best */
  double *sums;    /* [k][dim] */
  float *distance; /* k-means++: to the nearest centre so far */
  double *weights; /* per task: sum of distances */
  int latest;      /* centre that distances are updated for */
} Kmeans;

static gint64
count_tasks (const Kmeans *km)
{
  return (gint64)((km->n + ROWS - 1) / ROWS);
}

static void
distance_task (gpointer data, gint64 task, int worker)
{
  Kmeans *km = data;
  const float *centre = km->centres + (gsize)km->latest * km->dim;
  gsize first = (gsize)task * ROWS, last = MIN (first + ROWS, km->n);
  double sum = 0;

  for (gsize i = first; i < last; i++)
    {
      const float *v = km->vectors + i * km->dim;
      float d = 0;

      for (int j = 0; j < km->dim; j++)
        d += (v[j] - centre[j]) * (v[j] - centre[j]);
      km->distance[i] = MIN (km->distance[i], d);
      sum += (double)km->distance[i];
    }
  km->weights[task] = sum;
}

/* A vector with probability in proportion to its distance; any if all are 0. */
static gsize
draw_vector (Kmeans *km)
{
  double total = 0, left;
  gint64 n_tasks = count_tasks (km), task = 0;
  gsize i;

  for (gint64 t = 0; t < n_tasks; t++)
    total += km->weights[t];
  left = (double)atl_random_uniform (&km->random) * total;
  if (!(total > 0))
    return atl_random_below (&km->random, (guint32)MIN (km->n, G_MAXUINT32));
  while (task < n_tasks - 1 && left >= km->weights[task])
    left -= km->weights[task++];
  for (i = (gsize)task * ROWS; i < MIN ((gsize)(task + 1) * ROWS, km->n) - 1; i++)
    {
      if (left < (double)km->distance[i])
        break;
      left -= (double)km->distance[i];
    }
  return i;
}

static void
start_centres (Kmeans *km)
{
  gsize row = (gsize)km->dim * sizeof (float);

  for (gsize i = 0; i < km->n; i++)
    km->distance[i] = INFINITY;
  for (int c = 0; c < km->k; c++)
    {
      float *centre = km->centres + (gsize)c * km->dim;
      gsize i;

      if (c == 0 && km->zero)
        memset (centre, 0, row);
      else
        {
          i = c == 0 ? atl_random_below (&km->random,
                                         (guint32)MIN (km->n, G_MAXUINT32))
                     : draw_vector (km);
          memcpy (centre, km->vectors + i * km->dim, row);
        }
      km->latest = c;
      atl_pool_run (km->pool, count_tasks (km), distance_task, km);
    }
}

static void
pack_centres (Kmeans *km)
{
  memset (km->panels, 0, (gsize)km->columns * km->dim * sizeof (float));
  for (int c = 0; c < km->columns; c++)
    {
      int panel = c / ATL_PANEL * ATL_PANEL;
      int width = MIN (ATL_PANEL, km->columns - panel);
      float *column = km->panels + (gsize)panel * km->dim + (c - panel);

      km->norms[c] = c < km->k ? 0 : 1e30f;
      for (int j = 0; c < km->k && j < km->dim; j++)
        {
          float v = km->centres[(gsize)c * km->dim + j];

          column[(gsize)j * width] = v;
          km->norms[c] += v * v;
        }
    }
}

static void
assign_task (gpointer data, gint64 task, int worker)
{
  Kmeans *km = data;
  const AtlKernels *kernels = atl_kernels_get ();
  gsize first = (gsize)task * ROWS;
  int rows = (int)MIN (ROWS, km->n - first);
  float *scores = km->scores + (gsize)worker * ROWS * (ATL_PANEL + 1);
  float *best = scores + ROWS * ATL_PANEL;
  const float *a = km->vectors + first * km->dim;

  for (int i = 0; i < rows; i++)
    best[i] = INFINITY;
  memset (km->nearest + first, 0, (gsize)rows * sizeof *km->nearest);
  for (int c = 0; c < km->columns; c += ATL_PANEL)
    {
      int width = MIN (ATL_PANEL, km->columns - c);
      const float *b = km->panels + (gsize)c * km->dim;
      AtlGemm gemm = { rows, width, km->dim,      1,      &a,        (gsize)km->dim,
                       1,    &b,    (gsize)width, scores, ATL_PANEL, FALSE };

      kernels->gemm (&gemm);
      kernels->argmin_scores (rows, width, scores, ATL_PANEL, km->norms + c, c,
                              best, km->nearest + first);
    }
}

/* Sixteen columns of all sums. */
static void
sum_task (gpointer data, gint64 task, int worker)
{
  Kmeans *km = data;
  int first = (int)task * 16, last = MIN (first + 16, km->dim);

  for (gsize i = 0; i < km->n; i++)
    {
      const float *v = km->vectors + i * km->dim;
      double *sum = km->sums + (gsize)km->nearest[i] * km->dim;

      for (int j = first; j < last; j++)
        sum[j] += (double)v[j];
    }
}

static void
assign (Kmeans *km)
{
  pack_centres (km);
  atl_pool_run (km->pool, count_tasks (km), assign_task, km);
  memset (km->counts, 0, (gsize)km->k * sizeof (double));
  for (gsize i = 0; i < km->n; i++)
    km->counts[km->nearest[i]]++;
}

static void
move_centres (Kmeans *km)
{
  memset (km->sums, 0, (gsize)km->k * km->dim * sizeof (double));
  atl_pool_run (km->pool, (km->dim + 15) / 16, sum_task, km);
  for (int c = km->zero ? 1 : 0; c < km->k; c++)
    for (int j = 0; km->counts[c] > 0 && j < km->dim; j++)
      km->centres[(gsize)c * km->dim + j]
          = (float)(km->sums[(gsize)c * km->dim + j] / km->counts[c]);
}

static gboolean
allocate (Kmeans *km, GError **error)
{
  const char *what = "k-means";
  gsize workers = (gsize)atl_pool_get_n_threads (km->pool);

  km->panels = atl_try_alloc ((gsize)km->columns * (gsize)km->dim, sizeof (float),
                              what, error);
  km->norms = km->panels
                  ? atl_try_alloc ((gsize)km->columns, sizeof (float), what, error)
                  : NULL;
  km->scores = km->norms ? atl_try_alloc (workers * ROWS * (ATL_PANEL + 1),
                                          sizeof (float), what, error)
                         : NULL;
  km->sums = km->scores ? atl_try_alloc ((gsize)km->k * (gsize)km->dim,
                                         sizeof (double), what, error)
                        : NULL;
  km->distance
      = km->sums ? atl_try_alloc (km->n, sizeof (float), what, error) : NULL;
  km->weights = km->distance ? atl_try_alloc ((gsize)count_tasks (km),
                                              sizeof (double), what, error)
                             : NULL;
  return km->weights != NULL;
}

gboolean
atl_kmeans (AtlPool *pool, const float *vectors, gsize n, int dim, int k,
            gboolean zero, int iterations, guint64 seed, guint64 stream,
            float *centres, double *counts, gint32 *nearest, GError **error)
{
  Kmeans km = { pool, vectors, n, dim, k, zero, { 0 }, centres, counts, nearest };
  gboolean ok;

  atl_random_init (&km.random, seed, stream);
  km.columns = (k + ATL_PANEL_STEP - 1) / ATL_PANEL_STEP * ATL_PANEL_STEP;
  ok = allocate (&km, error);
  if (ok)
    {
      start_centres (&km);
      for (int i = 0; i < iterations; i++)
        {
          assign (&km);
          move_centres (&km);
        }
      assign (&km);
    }
  atl_free (km.panels);
  atl_free (km.norms);
  atl_free (km.scores);
  atl_free (km.sums);
  atl_free (km.distance);
  atl_free (km.weights);
  return ok;
}
