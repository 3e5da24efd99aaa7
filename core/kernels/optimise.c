/* Adam with decoupled weight decay and an average of the weights, and the
 * search for the nearest code.
 */

#include <math.h>

#include "kernels/vec.h"

typedef struct
{
  vec beta1, beta2, rest1, rest2; /* rest: 1 - beta */
  vec decay, step, root, epsilon, rest_average;
} Constants;

INLINE void
adam_vector (int n, float *weights, const float *gradients, float *m, float *v,
             float *average, const Constants *k)
{
  const vec g = v_load_n (gradients, n);
  const vec m_new = k->beta1 * v_load_n (m, n) + k->rest1 * g;
  const vec v_new = k->beta2 * v_load_n (v, n) + k->rest2 * g * g;
  vec w = v_load_n (weights, n);

  w = w - k->decay * w;
  w = w - k->step * m_new / (v_sqrt (v_new) * k->root + k->epsilon);
  v_store_n (m, m_new, n);
  v_store_n (v, v_new, n);
  v_store_n (weights, w, n);
  if (average)
    {
      const vec old = v_load_n (average, n);

      v_store_n (average, old + k->rest_average * (w - old), n);
    }
}

void
SET (adam) (gsize n, float *weights, const float *gradients, float *m, float *v,
            float *average, const AtlAdam *a)
{
  const Constants k = { .beta1 = v_set (a->beta1),
                        .beta2 = v_set (a->beta2),
                        .rest1 = v_set (1 - a->beta1),
                        .rest2 = v_set (1 - a->beta2),
                        .decay = v_set (a->lr * a->weight_decay),
                        .step = v_set (a->lr / a->correction1),
                        .root = v_set (1 / __builtin_sqrtf (a->correction2)),
                        .epsilon = v_set (a->epsilon),
                        .rest_average = v_set (1 - a->average_decay) };
  gsize i = 0;

  for (; i + V <= n; i += V)
    adam_vector (V, weights + i, gradients + i, m + i, v + i,
                 average ? average + i : NULL, &k);
  if (i < n)
    adam_vector (n - i, weights + i, gradients + i, m + i, v + i,
                 average ? average + i : NULL, &k);
}

INLINE float
least (vec x)
{
  float lanes[V];

  v_store (lanes, x);
#pragma GCC unroll 4
  for (int n = V / 2; n > 0; n /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < n; i++)
      lanes[i] = MIN (lanes[i], lanes[i + n]);
  return lanes[0];
}

/* Columns are told apart as floats, which hold them exactly: a row has fewer
 * than 2^24.  Each lane has its least score and where that was; of the lanes
 * with the least of all, the first place counts.  NaN is never less. */
void
SET (argmin_scores) (int rows, int columns, const float *scores, gsize stride,
                     const float *bias, int first, float *best_score,
                     gint32 *best_index)
{
  vec lanes = v_set (0);

  for (int i = 0; i < V; i++)
    lanes[i] = i;
  for (int r = 0; r < rows; r++, scores += stride)
    {
      vec low = v_set (INFINITY), where = v_set (0), place = lanes;
      float lowest, index;
      int c = 0;

      for (; c + V <= columns; c += V, place += V)
        {
          const vec score = v_load (bias + c) - 2 * v_load (scores + c);

          where = v_if_less (score, low, place, where);
          low = v_min (score, low);
        }
      lowest = least (low);
      index = least (v_if_less (v_set (lowest), low, v_set (INFINITY), where));
      for (; c < columns; c++)
        if (bias[c] - 2 * scores[c] < lowest)
          {
            lowest = bias[c] - 2 * scores[c];
            index = c;
          }
      if (lowest < best_score[r])
        {
          best_score[r] = lowest;
          best_index[r] = first + (int)index;
        }
    }
}
