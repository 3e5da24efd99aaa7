/* Pointwise losses; see losses.h.  MS-SSIM is in loss-ms-ssim.c. */

#include "train/losses.h"

#include <math.h>

#define TASK_FLOATS 16384 /* at least */
#define MAX_TASKS 256     /* so that their sums fit on the stack */

typedef enum
{
  LOSS_L1,
  LOSS_L2,
  LOSS_LOGISTIC, /* log (1 + exp (-sign * x)) */
  LOSS_SQUARE,   /* (x - goal)^2 */
  LOSS_HINGE,    /* max (0, 1 - sign * x) */
  LOSS_MEAN      /* -x */
} LossKind;

typedef struct
{
  LossKind kind;
  float parameter; /* sign or goal */
  AtlView x, t, dx;
  float scale; /* weight / number of elements */
  gboolean accumulate;
  gsize n_pixels, pixels_per_task;
  double *sums; /* one per task */
} LossJob;

/* Value at (x, t), and the derivative by x.  `kind` is a constant wherever
 * this is inlined. */
static inline __attribute__ ((always_inline)) float
loss_at (LossKind kind, float parameter, float x, float t, float *dx)
{
  float d;

  switch (kind)
    {
    case LOSS_L1:
      d = x - t;
      *dx = (float)((d > 0) - (d < 0));
      return fabsf (d);
    case LOSS_L2:
      d = x - t;
      *dx = 2 * d;
      return d * d;
    case LOSS_LOGISTIC:
      d = parameter * x;
      *dx = -parameter / (1 + expf (d));
      return MAX (-d, 0) + log1pf (expf (-fabsf (d)));
    case LOSS_SQUARE:
      d = x - parameter;
      *dx = 2 * d;
      return d * d;
    case LOSS_HINGE:
      d = 1 - parameter * x;
      *dx = d > 0 ? -parameter : 0;
      return MAX (d, 0);
    case LOSS_MEAN:
    default:
      *dx = -1;
      return -x;
    }
}

static inline __attribute__ ((always_inline)) double
loss_pixels (const LossJob *job, LossKind kind, gsize first, gsize last)
{
  const gsize channels = (gsize)job->x.shape.c;
  double sum = 0;

  for (gsize p = first; p < last; p++)
    {
      const float *x = job->x.data + p * job->x.stride;
      const float *t = job->t.data ? job->t.data + p * job->t.stride : x;
      float *dx = job->dx.data ? job->dx.data + p * job->dx.stride : NULL;

      for (gsize c = 0; c < channels; c++)
        {
          float d;

          sum += (double)loss_at (kind, job->parameter, x[c], t[c], &d);
          if (dx)
            dx[c] = job->accumulate ? dx[c] + job->scale * d : job->scale * d;
        }
    }
  return sum;
}

static void
loss_task (gpointer data, gint64 task, int worker)
{
  const LossJob *job = data;
  gsize first = (gsize)task * job->pixels_per_task;
  gsize last = MIN (first + job->pixels_per_task, job->n_pixels);
  double *sum = &job->sums[task];

  switch (job->kind)
    {
    case LOSS_L1:
      *sum = loss_pixels (job, LOSS_L1, first, last);
      break;
    case LOSS_L2:
      *sum = loss_pixels (job, LOSS_L2, first, last);
      break;
    case LOSS_LOGISTIC:
      *sum = loss_pixels (job, LOSS_LOGISTIC, first, last);
      break;
    case LOSS_SQUARE:
      *sum = loss_pixels (job, LOSS_SQUARE, first, last);
      break;
    case LOSS_HINGE:
      *sum = loss_pixels (job, LOSS_HINGE, first, last);
      break;
    case LOSS_MEAN:
      *sum = loss_pixels (job, LOSS_MEAN, first, last);
      break;
    }
}

static double
loss_run (AtlPool *pool, LossKind kind, float parameter, AtlView x, AtlView t,
          double weight, AtlView dx, gboolean accumulate)
{
  LossJob job = { kind, parameter, x, t, dx, 0, accumulate };
  double elements, sum = 0, sums[MAX_TASKS];
  gsize n_tasks;

  job.n_pixels = (gsize)x.shape.n * (gsize)x.shape.h * (gsize)x.shape.w;
  job.pixels_per_task = MAX (MAX (1, TASK_FLOATS / (gsize)x.shape.c),
                             (job.n_pixels + MAX_TASKS - 1) / MAX_TASKS);
  elements = (double)job.n_pixels * x.shape.c;
  job.scale = (float)(weight / elements);
  n_tasks = (job.n_pixels + job.pixels_per_task - 1) / job.pixels_per_task;
  job.sums = sums;
  atl_pool_run (pool, (gint64)n_tasks, loss_task, &job);
  for (gsize i = 0; i < n_tasks; i++)
    sum += sums[i];
  return sum / elements;
}

double
atl_loss_l1 (AtlPool *pool, AtlView prediction, AtlView target, double weight,
             AtlView gradient, gboolean accumulate)
{
  return loss_run (pool, LOSS_L1, 0, prediction, target, weight, gradient,
                   accumulate);
}

double
atl_loss_l2 (AtlPool *pool, AtlView prediction, AtlView target, double weight,
             AtlView gradient, gboolean accumulate)
{
  return loss_run (pool, LOSS_L2, 0, prediction, target, weight, gradient,
                   accumulate);
}

double
atl_loss_gan (AtlPool *pool, AtlGan gan, AtlGanRole role, AtlView logits,
              double weight, AtlView gradient, gboolean accumulate)
{
  gboolean real = role != ATL_GAN_FAKE;
  LossKind kind = LOSS_LOGISTIC;
  float parameter = real ? 1 : -1;

  if (gan == ATL_GAN_LSGAN)
    {
      kind = LOSS_SQUARE;
      parameter = real ? 1 : 0;
    }
  else if (gan == ATL_GAN_HINGE)
    kind = role == ATL_GAN_GENERATOR ? LOSS_MEAN : LOSS_HINGE;
  return loss_run (pool, kind, parameter, logits, ATL_NO_VIEW, weight, gradient,
                   accumulate);
}

double
atl_gan_even (AtlGan gan)
{
  switch (gan)
    {
    case ATL_GAN_LSGAN:
      return 0.25;
    case ATL_GAN_HINGE:
      return 1;
    case ATL_GAN_VANILLA:
    default:
      return G_LN2;
    }
}

typedef struct
{
  float *dst;
  const float *src;
  gsize dst_stride, src_stride;
  int channels;
  gsize n_pixels, pixels_per_task;
} CopyJob;

static void
copy_task (gpointer data, gint64 task, int worker)
{
  const CopyJob *job = data;
  gsize first = (gsize)task * job->pixels_per_task;
  gsize last = MIN (first + job->pixels_per_task, job->n_pixels);

  for (gsize p = first; p < last; p++)
    {
      float *dst = job->dst + p * job->dst_stride;
      const float *src = job->src + p * job->src_stride;

      for (int c = 0; c < job->channels; c++)
        dst[c] = src[c];
    }
}

void
atl_view_copy (AtlPool *pool, AtlView dst, int dst_first, AtlView src,
               int src_first, int channels)
{
  CopyJob job = { dst.data + dst_first, src.data + src_first, dst.stride,
                  src.stride, channels };

  job.n_pixels = (gsize)src.shape.n * (gsize)src.shape.h * (gsize)src.shape.w;
  job.pixels_per_task = MAX (1, TASK_FLOATS / (gsize)channels);
  atl_pool_run (
      pool,
      (gint64)((job.n_pixels + job.pixels_per_task - 1) / job.pixels_per_task),
      copy_task, &job);
}
