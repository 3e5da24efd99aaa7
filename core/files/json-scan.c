/* A strict scanner for JSON; see json-scan.h. */

#include "files/json-scan.h"

#include <string.h>

#include <glib/gi18n-lib.h>

static gboolean fail (AtlJsonScan *scan, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

static gboolean
fail (AtlJsonScan *scan, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  if (scan->problem != NULL)
    return FALSE;
  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  scan->problem = g_strdup_printf (_ ("%s at byte %zu of it"), what, scan->at);
  return FALSE;
}

void
atl_json_scan_init (AtlJsonScan *scan, const char *text, gsize size)
{
  const char *bad;

  *scan = (AtlJsonScan){ .text = text, .size = size };
  if (!g_utf8_validate_len (text, size, &bad))
    {
      scan->at = (gsize)(bad - text);
      fail (scan, _ ("text that is not UTF-8"));
    }
}

void
atl_json_scan_clear (AtlJsonScan *scan)
{
  g_clear_pointer (&scan->problem, g_free);
}

/* The next byte after any space; '\0' (which no valid text holds) at the end
 * and after a problem. */
static char
peek (AtlJsonScan *scan)
{
  if (scan->problem != NULL)
    return '\0';
  while (scan->at < scan->size && strchr (" \t\n\r", scan->text[scan->at]) != NULL)
    scan->at++;
  return scan->at < scan->size ? scan->text[scan->at] : '\0';
}

gboolean
atl_json_accept (AtlJsonScan *scan, char symbol)
{
  if (peek (scan) != symbol)
    return FALSE;
  scan->at++;
  return TRUE;
}

gboolean
atl_json_expect (AtlJsonScan *scan, char symbol)
{
  return atl_json_accept (scan, symbol) || fail (scan, _ ("no \"%c\""), symbol);
}

gboolean
atl_json_end (AtlJsonScan *scan)
{
  return (peek (scan) == '\0' && scan->problem == NULL && scan->at == scan->size)
         || fail (scan, _ ("something after the end"));
}

/* The four digits of a \u escape. */
static gboolean
hex4 (AtlJsonScan *scan, gunichar *value)
{
  *value = 0;
  for (int i = 0; i < 4; i++)
    {
      int digit = scan->at < scan->size
                      ? g_ascii_xdigit_value (scan->text[scan->at])
                      : -1;

      if (digit < 0)
        return fail (scan, _ ("a damaged \\u escape"));
      *value = *value * 16 + (gunichar)digit;
      scan->at++;
    }
  return TRUE;
}

/* What follows "\u": one unit, or two that make a surrogate pair. */
static gboolean
unicode_escape (AtlJsonScan *scan, GString *out)
{
  gunichar high, low;

  if (!hex4 (scan, &high))
    return FALSE;
  if (high >= 0xd800 && high < 0xdc00)
    {
      if (scan->size - scan->at < 2
          || memcmp (scan->text + scan->at, "\\u", 2) != 0)
        return fail (scan, _ ("half a surrogate pair"));
      scan->at += 2;
      if (!hex4 (scan, &low))
        return FALSE;
      if (low < 0xdc00 || low > 0xdfff)
        return fail (scan, _ ("half a surrogate pair"));
      high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
  if (high == 0 || (high >= 0xdc00 && high <= 0xdfff))
    return fail (scan, _ ("a character that no text has"));
  g_string_append_unichar (out, high);
  return TRUE;
}

static gboolean
escape (AtlJsonScan *scan, GString *out)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  char symbol = scan->at < scan->size ? scan->text[scan->at++] : '\0';
  const char *found = symbol != '\0' ? strchr (from, symbol) : NULL;

  if (symbol == 'u')
    return unicode_escape (scan, out);
  if (found == NULL)
    return fail (scan, _ ("a damaged escape"));
  g_string_append_c (out, to[found - from]);
  return TRUE;
}

char *
atl_json_string (AtlJsonScan *scan)
{
  g_autoptr (GString) out = NULL;

  if (peek (scan) != '"')
    {
      fail (scan, _ ("no string"));
      return NULL;
    }
  scan->at++;
  out = g_string_new (NULL);
  while (scan->at < scan->size)
    {
      gsize start = scan->at;
      char symbol;

      while (scan->at < scan->size && (guchar)scan->text[scan->at] >= ' '
             && scan->text[scan->at] != '"' && scan->text[scan->at] != '\\')
        scan->at++;
      g_string_append_len (out, scan->text + start, (gssize)(scan->at - start));
      if (scan->at == scan->size)
        break;
      symbol = scan->text[scan->at++];
      if (symbol == '"')
        return g_string_free (g_steal_pointer (&out), FALSE);
      if (symbol != '\\')
        {
          fail (scan, _ ("a control character in a string"));
          return NULL;
        }
      if (!escape (scan, out))
        return NULL;
    }
  fail (scan, _ ("a string without an end"));
  return NULL;
}

gboolean
atl_json_integer (AtlJsonScan *scan, gint64 *value)
{
  gsize start;
  char after;

  if (peek (scan) == '-')
    return fail (scan, _ ("a negative number"));
  start = scan->at;
  *value = 0;
  while (scan->at < scan->size && g_ascii_isdigit (scan->text[scan->at]))
    {
      int digit = scan->text[scan->at] - '0';

      if (*value > (G_MAXINT64 - digit) / 10)
        return fail (scan, _ ("a number that is too large"));
      *value = *value * 10 + digit;
      scan->at++;
    }
  after = scan->at < scan->size ? scan->text[scan->at] : '\0';
  if (scan->at == start)
    return fail (scan, _ ("no number"));
  if (after == '.' || after == 'e' || after == 'E')
    return fail (scan, _ ("a number that is not whole"));
  if (scan->at - start > 1 && scan->text[start] == '0')
    return fail (scan, _ ("a number that begins with 0"));
  return TRUE;
}

void
atl_json_quote (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (out, '"');
  for (const char *at = valid; *at != '\0'; at++)
    if (*at == '"' || *at == '\\')
      g_string_append_printf (out, "\\%c", *at);
    else if ((guchar)*at < ' ')
      g_string_append_printf (out, "\\u%04x", (guint)*at);
    else
      g_string_append_c (out, *at);
  g_string_append_c (out, '"');
}
