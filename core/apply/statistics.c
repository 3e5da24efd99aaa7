/* Means and variances of a norm's input over the whole window.
 *
 * Double-precision sums of each row by the kernels, combined row by row and
 * then block by block after T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms
 * for computing the sample variance", 1983.  Blocks are of a fixed number of
 * rows, so the result is the same with any number of threads.
 */

#include "apply/apply-private.h"

#include "base/memory.h"

#define BLOCK 8           /* rows */
#define WHAT "statistics" /* for messages */

gboolean
atl_moments_init (AtlMoments *moments, int channels, GError **error)
{
  moments->n = 0;
  moments->channels = channels;
  moments->mean
      = atl_try_alloc0 (2 * (gsize)channels, sizeof (double), WHAT, error);
  moments->m2 = moments->mean ? moments->mean + channels : NULL;
  return moments->mean != NULL;
}

void
atl_moments_clear (AtlMoments *moments)
{
  g_clear_pointer (&moments->mean, atl_free);
}

/* a becomes the moments of both. */
static void
merge (AtlMoments *a, const AtlMoments *b)
{
  double n = a->n + b->n;

  if (b->n == 0)
    return;
  for (int c = 0; c < a->channels; c++)
    {
      double d = b->mean[c] - a->mean[c];

      a->mean[c] += d * b->n / n;
      a->m2[c] += b->m2[c] + d * d * a->n * b->n / n;
    }
  a->n = n;
}

typedef struct
{
  AtlView view;
  AtlRect rect;
  double *values; /* of each block and of a row of it */
} MomentsJob;

/* One of the 2 n that the values hold, all of them cleared. */
static AtlMoments
moments_at (const MomentsJob *job, gint64 i)
{
  int channels = job->view.shape.c;
  double *mean = job->values + 2 * i * channels;

  return (AtlMoments){ 0, mean, mean + channels, channels };
}

static int
block_rows (const MomentsJob *job, gint64 task)
{
  return MIN (BLOCK, job->rect.height - (int)task * BLOCK);
}

static void
add_block (gpointer data, gint64 task, int worker)
{
  const MomentsJob *job = data;
  const AtlKernels *kernels = atl_kernels_get ();
  AtlMoments block = moments_at (job, 2 * task),
             row = moments_at (job, 2 * task + 1);
  int first = (int)task * BLOCK;

  for (int y = first; y < first + block_rows (job, task); y++)
    {
      gsize at = ((gsize)job->rect.y + y) * job->view.shape.w + job->rect.x;

      kernels->moments (job->rect.width, block.channels,
                        job->view.data + at * job->view.stride, job->view.stride,
                        row.mean, row.m2);
      row.n = job->rect.width;
      merge (&block, &row);
    }
}

gboolean
atl_moments_add (AtlMoments *moments, AtlPool *pool, AtlView view, AtlRect rect,
                 GError **error)
{
  int n = (rect.height + BLOCK - 1) / BLOCK;
  MomentsJob job = { view, rect, NULL };

  if (rect.width <= 0 || rect.height <= 0)
    return TRUE;
  job.values
      = atl_try_alloc0 (4 * (gsize)n * view.shape.c, sizeof (double), WHAT, error);
  if (!job.values)
    return FALSE;
  atl_pool_run (pool, n, add_block, &job);
  for (int i = 0; i < n; i++)
    {
      AtlMoments block = moments_at (&job, 2 * i);

      block.n = (double)rect.width * block_rows (&job, i);
      merge (moments, &block);
    }
  atl_free (job.values);
  return TRUE;
}

gboolean
atl_statistics_keep (AtlJob *job, int node, const AtlMoments *moments,
                     GError **error)
{
  float *known
      = atl_try_alloc (2 * (gsize)moments->channels, sizeof *known, WHAT, error);

  if (!known)
    return FALSE;
  for (int c = 0; c < moments->channels; c++)
    {
      known[c] = (float)moments->mean[c];
      known[moments->channels + c] = (float)(moments->m2[c] / moments->n);
    }
  atl_free (job->known[node]);
  job->known[node] = known;
  return TRUE;
}

/* The model's own, for norms that use them while others have the picture's. */
static void
set_running (const AtlJob *job, AtlPlan *plan, int node)
{
  int mean = atl_graph_find_parameter (job->graph, node, "running_mean");
  int variance = atl_graph_find_parameter (job->graph, node, "running_var");
  const float *data = atl_weights_data (job->weights);

  if (mean >= 0 && variance >= 0)
    atl_plan_set_statistics (plan, node,
                             data + atl_weights_offset (job->weights, mean),
                             data + atl_weights_offset (job->weights, variance));
}

void
atl_statistics_set (const AtlJob *job, AtlPlan *plan)
{
  for (int i = 0; i < job->n_nodes; i++)
    if (atl_plan_wants_statistics (plan, i))
      {
        if (job->known[i])
          atl_plan_set_statistics (plan, i, job->known[i],
                                   job->known[i] + job->shapes[i].c);
        else
          set_running (job, plan, i);
      }
}
