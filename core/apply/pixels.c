/* From the host's pixels to a tile of the network's input, and back.
 *
 * Strips of a few rows are read from the host, reflected where the padded
 * picture goes beyond it, and turned into the network's channels; the other way
 * the result is mixed with the picture, strip by strip.
 */

#include "apply/apply-private.h"

#include <glib/gi18n-lib.h>

#include "base/memory.h"

gsize
atl_pixels_bytes (const AtlJob *job, int width)
{
  return (gsize)ATL_STRIP * MIN (width, job->width) * sizeof (float)
         * (job->colouring.picture_channels + job->colouring.result_channels);
}

/* Room for strips of `width` pixels, in the place of what there was. */
static gboolean
need_strips (AtlJob *job, int width, GError **error)
{
  gsize pixels = (gsize)ATL_STRIP * width * sizeof (float);

  atl_free (job->picture_strip);
  atl_free (job->result_strip);
  job->picture_strip
      = atl_try_alloc (pixels, job->colouring.picture_channels, "pixels", NULL);
  job->result_strip
      = atl_try_alloc (pixels, job->colouring.result_channels, "pixels", NULL);
  if (job->picture_strip && job->result_strip)
    return TRUE;
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_MEMORY,
               _ ("Too little memory to read the picture; close other programs"));
  return FALSE;
}

static gboolean
stopped (const AtlProgress *progress, GError **error)
{
  return progress
         && g_cancellable_set_error_if_cancelled (progress->cancellable, error);
}

/* Where from .. from + n - 1 come from in a side of `side` pixels. */
static void
source_range (int from, int n, int side, int *first, int *length)
{
  int last = 0;

  *first = side;
  for (int i = 0; i < n; i++)
    {
      int at = atl_reflect (from + i, side);

      *first = MIN (*first, at);
      last = MAX (last, at);
    }
  *length = last - *first + 1;
}

typedef struct
{
  const AtlJob *job;
  const int *columns, *rows; /* of the strip */
  int strip_width;
  AtlView view;
  int y; /* row of the view that the strip's first row is for */
} ReadJob;

static void
read_row (gpointer data, gint64 task, int worker)
{
  const ReadJob *r = data;
  gsize row = (gsize)r->strip_width * r->job->colouring.picture_channels;

  atl_colouring_in (&r->job->colouring, r->job->picture_strip + r->rows[task] * row,
                    r->columns, r->view.shape.w,
                    r->view.data + (r->y + task) * r->view.shape.w * r->view.stride,
                    r->view.stride);
}

gboolean
atl_pixels_read (AtlJob *job, int x, int y, AtlView view,
                 const AtlProgress *progress, GError **error)
{
  int width = view.shape.w, source_x, source_width, rows[ATL_STRIP];
  atl_autofree int *columns
      = atl_try_alloc (width, sizeof *columns, "pixels", error);
  ReadJob r = { job, columns, rows, 0, view, 0 };

  if (!columns)
    return FALSE;
  source_range (x, width, job->width, &source_x, &source_width);
  for (int i = 0; i < width; i++)
    columns[i] = atl_reflect (x + i, job->width) - source_x;
  r.strip_width = source_width;
  if (!need_strips (job, source_width, error))
    return FALSE;
  for (; r.y < view.shape.h; r.y += ATL_STRIP)
    {
      int n = MIN (ATL_STRIP, view.shape.h - r.y), source_y, source_height;

      if (stopped (progress, error))
        return FALSE;
      source_range (y + r.y, n, job->height, &source_y, &source_height);
      for (int i = 0; i < n; i++)
        rows[i] = atl_reflect (y + r.y + i, job->height) - source_y;
      if (!job->io->read (job->io->data, source_x, source_y, source_width,
                          source_height, job->colouring.picture_channels,
                          job->picture_strip, error))
        return FALSE;
      atl_pool_run (job->pool, n, read_row, &r);
    }
  return TRUE;
}

typedef struct
{
  const AtlJob *job;
  const float *values;
  gsize stride, row_stride;
  int width;
} WriteJob;

static void
write_row (gpointer data, gint64 task, int worker)
{
  const WriteJob *w = data;
  const AtlColouring *c = &w->job->colouring;

  atl_colouring_out (c, w->values + task * w->row_stride, w->stride,
                     w->job->picture_strip + task * w->width * c->picture_channels,
                     w->width,
                     w->job->result_strip + task * w->width * c->result_channels);
}

/* What of rect lies in the region; FALSE if nothing does. */
static gboolean
clip (const AtlRect *region, AtlRect *rect)
{
  int right = MIN (rect->x + rect->width, region->x + region->width);
  int bottom = MIN (rect->y + rect->height, region->y + region->height);

  rect->x = MAX (rect->x, region->x);
  rect->y = MAX (rect->y, region->y);
  rect->width = right - rect->x;
  rect->height = bottom - rect->y;
  return rect->width > 0 && rect->height > 0;
}

gboolean
atl_pixels_write (AtlJob *job, AtlRect rect, const float *values, gsize stride,
                  gsize row_stride, const AtlProgress *progress, GError **error)
{
  AtlRect part = rect;
  WriteJob w = { job, values, stride, row_stride, 0 };
  const AtlImageIo *io = job->io;

  if (!clip (&job->region, &part))
    return TRUE;
  if (!need_strips (job, part.width, error))
    return FALSE;
  w.values += (part.y - rect.y) * row_stride + (part.x - rect.x) * stride;
  w.width = part.width;
  for (int y = 0; y < part.height;
       y += ATL_STRIP, w.values += ATL_STRIP * row_stride)
    {
      int n = MIN (ATL_STRIP, part.height - y);

      if (stopped (progress, error))
        return FALSE;
      if (atl_colouring_needs_picture (&job->colouring)
          && !io->read (io->data, part.x, part.y + y, part.width, n,
                        job->colouring.picture_channels, job->picture_strip, error))
        return FALSE;
      atl_pool_run (job->pool, n, write_row, &w);
      if (!io->write (io->data, part.x, part.y + y, part.width, n,
                      job->colouring.result_channels, job->result_strip, error))
        return FALSE;
    }
  return TRUE;
}
