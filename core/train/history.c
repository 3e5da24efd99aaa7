/* See history.h. */

#include "train/history.h"

#include <math.h>
#include <string.h>

#include "files/file-util.h"

#define MAX_ROWS 1000000

struct _AtlHistory
{
  char **columns;
  int n_columns;
  GArray *rows;    /* of doubles: 1 + n_columns a row */
  double *pending; /* [n_columns] sums, then [n_columns] counts */
};

AtlHistory *
atl_history_new (const char *const *columns, int n_columns)
{
  AtlHistory *h = g_new0 (AtlHistory, 1);

  h->n_columns = n_columns;
  h->columns = g_new0 (char *, n_columns + 1);
  for (int i = 0; i < n_columns; i++)
    h->columns[i] = g_strdup (columns[i]);
  h->rows = g_array_new (FALSE, TRUE, sizeof (double));
  h->pending = g_new0 (double, 2 * n_columns);
  return h;
}

void
atl_history_free (AtlHistory *h)
{
  if (!h)
    return;
  g_strfreev (h->columns);
  g_array_unref (h->rows);
  g_free (h->pending);
  g_free (h);
}

void
atl_history_note (AtlHistory *h, const double *values)
{
  for (int i = 0; i < h->n_columns; i++)
    if (!isnan (values[i]))
      {
        h->pending[i] += values[i];
        h->pending[h->n_columns + i]++;
      }
}

void
atl_history_add_row (AtlHistory *h, guint64 step)
{
  double first = (double)step;

  g_array_append_val (h->rows, first);
  for (int i = 0; i < h->n_columns; i++)
    {
      double value = h->pending[i] / h->pending[h->n_columns + i];

      g_array_append_val (h->rows, value);
    }
  memset (h->pending, 0, 2 * (gsize)h->n_columns * sizeof (double));
}

int
atl_history_get_n_columns (const AtlHistory *h)
{
  return h->n_columns;
}

const char *
atl_history_get_column (const AtlHistory *h, int column)
{
  return h->columns[column];
}

int
atl_history_get_n_rows (const AtlHistory *h)
{
  return (int)h->rows->len / (1 + h->n_columns);
}

const double *
atl_history_get_row (const AtlHistory *h, int row)
{
  return &g_array_index (h->rows, double, (guint)(row * (1 + h->n_columns)));
}

gboolean
atl_history_write (const AtlHistory *h, const char *path, GError **error)
{
  AtlOutput *output = atl_output_open (path, error);
  GString *text;
  gboolean ok;

  if (!output)
    return FALSE;
  text = g_string_new ("step");
  for (int i = 0; i < h->n_columns; i++)
    g_string_append_printf (text, ",%s", h->columns[i]);
  g_string_append_c (text, '\n');
  for (int r = 0; r < atl_history_get_n_rows (h); r++)
    {
      const double *row = atl_history_get_row (h, r);
      char number[G_ASCII_DTOSTR_BUF_SIZE];

      g_string_append_printf (text, "%.0f", row[0]);
      for (int i = 1; i <= h->n_columns; i++)
        {
          if (isnan (row[i]))
            number[0] = '\0';
          else
            g_ascii_formatd (number, sizeof number, "%.6g", row[i]);
          g_string_append_printf (text, ",%s", number);
        }
      g_string_append_c (text, '\n');
    }
  ok = atl_output_write (output, text->str, text->len, error);
  g_string_free (text, TRUE);
  if (ok)
    return atl_output_commit (output, error);
  atl_output_abort (output);
  return FALSE;
}

void
atl_history_save (AtlHistory *h, AtlCheckpoint *checkpoint)
{
  atl_training_checkpoint_set_number (checkpoint, "history.rows",
                                      atl_history_get_n_rows (h));
  atl_training_checkpoint_add_doubles (checkpoint, "history.pending",
                                       2 * (gsize)h->n_columns, h->pending);
  if (h->rows->len > 0)
    atl_training_checkpoint_add_doubles (checkpoint, "history", h->rows->len,
                                         (const double *)h->rows->data);
}

gboolean
atl_history_load (AtlHistory *h, const AtlCheckpoint *checkpoint, GError **error)
{
  double rows;

  if (!atl_training_checkpoint_get_number (checkpoint, "history.rows", &rows, error)
      || !atl_training_checkpoint_get_doubles (checkpoint, "history.pending",
                                               2 * (gsize)h->n_columns, h->pending,
                                               error))
    return FALSE;
  rows = CLAMP (rows, 0, MAX_ROWS);
  g_array_set_size (h->rows, (guint)rows * (guint)(1 + h->n_columns));
  return h->rows->len == 0
         || atl_training_checkpoint_get_doubles (
             checkpoint, "history", h->rows->len, (double *)h->rows->data, error);
}
