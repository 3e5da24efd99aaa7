/* A strict scanner for JSON from files that nobody trusts.
 *
 * json-glib keeps one of two equal names, takes numbers as doubles and builds a
 * tree many times larger than the text; headers of tensor files need the exact
 * opposite.  The caller walks the text with these calls; the first thing that
 * does not fit sets `problem`, and every later call fails.  RFC 8259; names and
 * strings are valid UTF-8 without U+0000; of numbers only whole ones that are
 * not negative.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *text;
  gsize       size;
  gsize       at;
  char       *problem; /* owned; NULL: all well so far */
} AtlJsonScan;

/* text: borrowed.  Text that is not UTF-8 is a problem at once. */
void     atl_json_scan_init  (AtlJsonScan *scan, const char *text, gsize size);
void     atl_json_scan_clear (AtlJsonScan *scan);

/* Takes `symbol` if it is next (space before it is skipped). */
gboolean atl_json_accept     (AtlJsonScan *scan, char symbol);
/* Takes `symbol`; another one is a problem. */
gboolean atl_json_expect     (AtlJsonScan *scan, char symbol);
/* What the string stands for, escapes undone; free with g_free.  NULL: a
 * problem. */
char    *atl_json_string     (AtlJsonScan *scan);
/* 0 to G_MAXINT64. */
gboolean atl_json_integer    (AtlJsonScan *scan, gint64 *value);
/* Whether nothing but space follows. */
gboolean atl_json_end        (AtlJsonScan *scan);

/* Appends `text` as a JSON string, quotes included; bytes that are not UTF-8 (of a
 * file name, say) become U+FFFD. */
void     atl_json_quote      (GString *out, const char *text);

G_END_DECLS
