/* Probabilities in integers: counters that learn, and logistic mixing of them
 * (Mahoney 2005, "Adaptive weighing of context models for lossless data
 * compression").
 *
 * Probabilities are of a decision being 1, out of 65536; logits are
 * ln (p / (1 - p)) in 256ths, within +-ATL_LOGIT_MAX.  Nothing here is floating
 * point, and no result depends on the machine: right shifts of negative numbers
 * are arithmetic, as GNU C says.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ATL_LOGIT_MAX 2815 /* in 256ths: just below 11 */

typedef struct
{
  guint16 squash[2 * ATL_LOGIT_MAX + 1]; /* of a logit + ATL_LOGIT_MAX */
  gint16  stretch[4096];                 /* of the upper 12 bits of p */
  guint16 rate[1024];                    /* 65536 / (n + 1.5) */
} AtlMixingTables;

/* Made at the first call; never freed. */
const AtlMixingTables *atl_mixing_tables (void);

/* A counter: a probability in the upper 22 bits, in the lower 10 how often it
 * was updated, which sets how fast it moves. */
typedef guint32 AtlCounter;

static inline AtlCounter
atl_counter (guint32 p, guint32 n)
{
  return p << 16 | n;
}

static inline void
atl_counter_update (const AtlMixingTables *t, AtlCounter *counter, int bit,
                    guint32 limit)
{
  guint32 n = *counter & 1023;
  gint32 p = (gint32)(*counter >> 10);

  p += (gint32)((((gint64)bit << 22) - bit - p) * t->rate[n] >> 16);
  *counter = (guint32)p << 10 | (n < limit ? n + 1 : n);
}

static inline int
atl_counter_logit (const AtlMixingTables *t, AtlCounter counter)
{
  return t->stretch[counter >> 20];
}

/* The counter's own probability, for use without a mixer. */
static inline guint32
atl_counter_p (AtlCounter counter)
{
  return CLAMP (counter >> 16, 1, 65535);
}

/* sum of weight * input, weights in 65536ths. */
static inline int
atl_mix (const gint32 *weights, const int *inputs, int n)
{
  gint64 sum = 0;

  for (int i = 0; i < n; i++)
    sum += (gint64)weights[i] * inputs[i];
  sum >>= 16;
  return (int)CLAMP (sum, -ATL_LOGIT_MAX, ATL_LOGIT_MAX);
}

/* Moves the weights down the gradient of the decision's cost; p: what the
 * mixer said. */
static inline void
atl_mix_update (gint32 *weights, const int *inputs, int n, int bit, guint32 p,
                int shift)
{
  gint32 error = (bit << 16) - (gint32)p;

  for (int i = 0; i < n; i++)
    weights[i] = CLAMP (weights[i] + ((inputs[i] * error) >> shift), -(1 << 22),
                        1 << 22);
}

G_END_DECLS
