/* Random numbers that are the same on every machine and can be saved.
 *
 * Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"): the n-th number is a function of (seed, stream, n), so any worker
 * can draw any part of a sequence, and a checkpoint needs three integers.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Of Philox 4x32, for who draws many blocks at once (kernels/dropout.c). */
#define ATL_PHILOX_ROUNDS 10
#define ATL_PHILOX_M0 0xD2511F53u /* multipliers */
#define ATL_PHILOX_M1 0xCD9E8D57u
#define ATL_PHILOX_W0 0x9E3779B9u /* of the key: golden ratio */
#define ATL_PHILOX_W1 0xBB67AE85u /* sqrt (3) - 1 */

typedef struct
{
  guint64 seed;
  guint64 stream;  /* independent sequences of one seed */
  guint64 counter; /* 32-bit numbers drawn so far */
} AtlRandom;

void    atl_random_init    (AtlRandom *random, guint64 seed, guint64 stream);
guint32 atl_random_next    (AtlRandom *random);
/* Uniform in [0, 1), 24 bits. */
float   atl_random_uniform (AtlRandom *random);
/* Standard normal (Box-Muller). */
float   atl_random_normal  (AtlRandom *random);
/* Uniform in 0 .. n-1; n > 0. */
guint32 atl_random_below   (AtlRandom *random, guint32 n);
/* The four numbers of block `block`: a pure function of its arguments. */
void    atl_random_block   (guint64 seed,
                            guint64 stream,
                            guint64 block,
                            guint32 out[4]);

G_END_DECLS
