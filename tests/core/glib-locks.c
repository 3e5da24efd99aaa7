/* GLib's locks as POSIX ones, for the thread sanitizer: GLib itself is not
 * compiled with it, so that it would see no lock at all.  A program linked with
 * this uses these instead; GLib's own calls stay within GLib.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <glib.h>

static pthread_mutex_t *
get_mutex (GMutex *mutex)
{
  pthread_mutex_t *made,
      *there = __atomic_load_n ((pthread_mutex_t **)&mutex->p, __ATOMIC_ACQUIRE);

  if (there)
    return there;
  made = calloc (1, sizeof *made);
  pthread_mutex_init (made, NULL);
  if (__atomic_compare_exchange_n ((pthread_mutex_t **)&mutex->p, &there, made,
                                   FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return made;
  free (made);
  return there;
}

static pthread_cond_t *
get_cond (GCond *cond)
{
  pthread_cond_t *made,
      *there = __atomic_load_n ((pthread_cond_t **)&cond->p, __ATOMIC_ACQUIRE);

  if (there)
    return there;
  made = calloc (1, sizeof *made);
  pthread_cond_init (made, NULL);
  if (__atomic_compare_exchange_n ((pthread_cond_t **)&cond->p, &there, made, FALSE,
                                   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return made;
  free (made);
  return there;
}

void
g_mutex_init (GMutex *mutex)
{
  mutex->p = NULL;
}

void
g_mutex_clear (GMutex *mutex)
{
  if (mutex->p)
    pthread_mutex_destroy (mutex->p);
  free (mutex->p);
  mutex->p = NULL;
}

void
g_mutex_lock (GMutex *mutex)
{
  pthread_mutex_lock (get_mutex (mutex));
}

void
g_mutex_unlock (GMutex *mutex)
{
  pthread_mutex_unlock (get_mutex (mutex));
}

void
g_cond_init (GCond *cond)
{
  cond->p = NULL;
}

void
g_cond_clear (GCond *cond)
{
  if (cond->p)
    pthread_cond_destroy (cond->p);
  free (cond->p);
  cond->p = NULL;
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  pthread_cond_wait (get_cond (cond), get_mutex (mutex));
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gint64 left = end_time - g_get_monotonic_time ();
  gint64 until = g_get_real_time () + MAX (left, 0);
  struct timespec time = { until / G_USEC_PER_SEC, until % G_USEC_PER_SEC * 1000 };

  return pthread_cond_timedwait (get_cond (cond), get_mutex (mutex), &time)
         != ETIMEDOUT;
}

void
g_cond_signal (GCond *cond)
{
  pthread_cond_signal (get_cond (cond));
}

void
g_cond_broadcast (GCond *cond)
{
  pthread_cond_broadcast (get_cond (cond));
}
