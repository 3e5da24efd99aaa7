/* Adam with decoupled weight decay and an average of the weights, and the
 * search for the nearest code.
 */

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
  float lanes[V], result;

  v_store (lanes, x);
  result = lanes[0];
  for (int i = 1; i < V; i++)
    result = lanes[i] < result ? lanes[i] : result;
  return result;
}

void
SET (argmin_scores) (int rows, int columns, const float *scores, gsize stride,
                     const float *bias, int first, float *best_score,
                     gint32 *best_index)
{
  for (int r = 0; r < rows; r++, scores += stride)
    {
      vec low = v_set (best_score[r]);
      float lowest;
      int c = 0;

      for (; c + V <= columns; c += V)
        low = v_min (v_load (bias + c) - 2 * v_load (scores + c), low);
      lowest = least (low);
      for (; c < columns; c++) /* a NaN is never less */
        lowest = MIN (bias[c] - 2 * scores[c], lowest);
      if (!(lowest < best_score[r]))
        continue;
      best_score[r] = lowest;
      for (c = 0; c < columns; c++)
        if (bias[c] - 2 * scores[c] == lowest)
          break;
      best_index[r] = first + c;
    }
}
