/* The grammar of --corrupt, and drawing from it; see corrupt.h. */

#include "train/corrupt.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "train/damage.h"

#define MAX_DEPTH 16
#define MAX_MARGIN 128
#define MAX_DIRECTIONS 64

typedef enum
{
  DAMAGE_NOISE,
  DAMAGE_SENSOR,
  DAMAGE_SALT,
  DAMAGE_GAUSSIAN,
  DAMAGE_MOTION,
  DAMAGE_JPEG,
  DAMAGE_GREY,
  DAMAGE_NONE,
  N_DAMAGES
} Damage;

static const struct
{
  const char *name;
  float low, high;             /* allowed; high 0: takes no range */
  float usual_low, usual_high; /* without a range */
} damages[N_DAMAGES] = {
  [DAMAGE_NOISE] = { "noise", 0, 100, 0, 50 },
  [DAMAGE_SENSOR] = { "sensor", 0, 100, 0, 50 },
  [DAMAGE_SALT] = { "salt", 0, 1, 0, 0.4f },
  [DAMAGE_GAUSSIAN] = { "gaussian", 0, 10, 0, 3 },
  [DAMAGE_MOTION] = { "motion", 0, 64, 0, 21 },
  [DAMAGE_JPEG] = { "jpeg", 1, 100, 10, 90 },
  [DAMAGE_GREY] = { "grey", 0, 0, 0, 0 },
  [DAMAGE_NONE] = { "none", 0, 0, 0, 0 },
};

typedef enum
{
  NODE_STEP,
  NODE_CHAIN,
  NODE_CHOICE
} NodeKind;

struct _AtlCorrupt
{
  NodeKind kind;
  Damage damage;       /* of a step */
  float low, high;     /* of a step */
  int directions;      /* of motion; 0: any, and bent */
  GPtrArray *children; /* AtlCorrupt; of a chain or choice */
};

static AtlCorrupt *
node_new (NodeKind kind)
{
  AtlCorrupt *node = g_new0 (AtlCorrupt, 1);

  node->kind = kind;
  if (kind != NODE_STEP)
    node->children
        = g_ptr_array_new_with_free_func ((GDestroyNotify)atl_corrupt_free);
  return node;
}

void
atl_corrupt_free (AtlCorrupt *corrupt)
{
  if (!corrupt)
    return;
  g_clear_pointer (&corrupt->children, g_ptr_array_unref);
  g_free (corrupt);
}

/* A chain or choice of one is that one. */
static AtlCorrupt *
node_simplify (AtlCorrupt *node)
{
  AtlCorrupt *only;

  if (node->children->len > 1)
    return node;
  only = g_ptr_array_steal_index (node->children, 0);
  atl_corrupt_free (node);
  return only;
}

typedef struct
{
  const char *text; /* all of it, for messages */
  const char *at;
  int depth;
} Parser;

static void
skip_spaces (Parser *parser)
{
  while (g_ascii_isspace (*parser->at))
    parser->at++;
}

static gboolean
take (Parser *parser, char c)
{
  skip_spaces (parser);
  if (*parser->at != c)
    return FALSE;
  parser->at++;
  return TRUE;
}

static gboolean
parse_number (Parser *parser, const char *name, float *value, GError **error)
{
  char *end;
  double number;

  skip_spaces (parser);
  number = g_ascii_strtod (parser->at, &end);
  if (end == parser->at || !isfinite (number))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("Damage '%s': after '%s:' comes a number or a range such "
                      "as 10-50, not '%s'"),
                   parser->text, name, parser->at);
      return FALSE;
    }
  *value = (float)number;
  parser->at = end;
  return TRUE;
}

static gboolean
parse_range (Parser *parser, AtlCorrupt *step, GError **error)
{
  const char *name = damages[step->damage].name;
  float low = damages[step->damage].low, high = damages[step->damage].high;

  if (high <= 0.0f)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("Damage '%s': '%s' takes no number"), parser->text, name);
      return FALSE;
    }
  if (!parse_number (parser, name, &step->low, error))
    return FALSE;
  step->high = step->low;
  if (take (parser, '-') && !parse_number (parser, name, &step->high, error))
    return FALSE;
  if (step->low < low || step->high > high || step->low > step->high)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("Damage '%s': '%s' goes from %g to %g, the lower number "
                      "first, and not %g-%g"),
                   parser->text, name, low, high, step->low, step->high);
      return FALSE;
    }
  return TRUE;
}

/* What may follow the length of motion. */
static gboolean
parse_directions (Parser *parser, AtlCorrupt *step, GError **error)
{
  char *end;
  guint64 n;

  if (step->damage != DAMAGE_MOTION || !take (parser, '/'))
    return TRUE;
  skip_spaces (parser);
  n = g_ascii_strtoull (parser->at, &end, 10);
  if (!g_ascii_isdigit (*parser->at) || n < 1 || n > MAX_DIRECTIONS)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("Damage '%s': after '/' comes a number of directions, 1 to "
                      "%d, not '%s'"),
                   parser->text, MAX_DIRECTIONS, parser->at);
      return FALSE;
    }
  step->directions = (int)n;
  parser->at = end;
  return TRUE;
}

static void
refuse_name (Parser *parser, int length, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (int i = 0; i < N_DAMAGES; i++)
    g_string_append_printf (names, "%s%s", i ? ", " : "", damages[i].name);
  if (length == 0 && *parser->at)
    length = 1;
  if (length == 0)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                 _ ("Damage '%s' ends where a kind of damage should stand; "
                    "there are: %s"),
                 parser->text, names->str);
  else
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                 _ ("Damage '%s': '%.*s' is unknown; there are: %s, joined by "
                    "+ (one after the other) or | (one of them)"),
                 parser->text, length, parser->at, names->str);
}

static AtlCorrupt *parse_choice (Parser *parser, GError **error);

static AtlCorrupt *
parse_group (Parser *parser, GError **error)
{
  g_autoptr (AtlCorrupt) inner = NULL;

  if (++parser->depth > MAX_DEPTH)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("Damage '%s' has too many parentheses within each other"),
                   parser->text);
      return NULL;
    }
  inner = parse_choice (parser, error);
  if (!inner)
    return NULL;
  if (!take (parser, ')'))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("Damage '%s': a parenthesis is not closed"), parser->text);
      return NULL;
    }
  parser->depth--;
  return g_steal_pointer (&inner);
}

static AtlCorrupt *
parse_step (Parser *parser, GError **error)
{
  g_autoptr (AtlCorrupt) step = NULL;
  int length = 0, i;

  if (take (parser, '('))
    return parse_group (parser, error);
  while (g_ascii_isalpha (parser->at[length]))
    length++;
  for (i = 0; i < N_DAMAGES; i++)
    if (strlen (damages[i].name) == (gsize)length
        && g_ascii_strncasecmp (damages[i].name, parser->at, length) == 0)
      break;
  if (length == 4 && g_ascii_strncasecmp (parser->at, "gray", 4) == 0)
    i = DAMAGE_GREY;
  if (i == N_DAMAGES)
    {
      refuse_name (parser, length, error);
      return NULL;
    }
  parser->at += length;
  step = node_new (NODE_STEP);
  step->damage = i;
  step->low = damages[i].usual_low;
  step->high = damages[i].usual_high;
  if ((take (parser, ':') && !parse_range (parser, step, error))
      || !parse_directions (parser, step, error))
    return NULL;
  return g_steal_pointer (&step);
}

/* One or more of what `parse` parses, with `separator` between them. */
static AtlCorrupt *
parse_list (Parser *parser, NodeKind kind, char separator,
            AtlCorrupt *(*parse) (Parser *, GError **), GError **error)
{
  g_autoptr (AtlCorrupt) list = node_new (kind);

  do
    {
      AtlCorrupt *child = parse (parser, error);

      if (!child)
        return NULL;
      g_ptr_array_add (list->children, child);
    }
  while (take (parser, separator));
  return node_simplify (g_steal_pointer (&list));
}

static AtlCorrupt *
parse_chain (Parser *parser, GError **error)
{
  return parse_list (parser, NODE_CHAIN, '+', parse_step, error);
}

static AtlCorrupt *
parse_choice (Parser *parser, GError **error)
{
  return parse_list (parser, NODE_CHOICE, '|', parse_chain, error);
}

AtlCorrupt *
atl_corrupt_parse (const char *text, GError **error)
{
  Parser parser = { text, text, 0 };
  g_autoptr (AtlCorrupt) corrupt = parse_choice (&parser, error);

  if (!corrupt)
    return NULL;
  skip_spaces (&parser);
  if (*parser.at)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("Damage '%s': '%s' is too much; kinds of damage are joined "
                      "by + (one after the other) or | (one of them)"),
                   text, parser.at);
      return NULL;
    }
  return g_steal_pointer (&corrupt);
}

static void
append_number (GString *string, float value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (string, g_ascii_formatd (buffer, sizeof buffer, "%.6g", value));
}

static void
append_node (GString *string, const AtlCorrupt *node, gboolean in_chain)
{
  if (node->kind == NODE_STEP)
    {
      g_string_append (string, damages[node->damage].name);
      if (damages[node->damage].high <= 0.0f)
        return;
      g_string_append_c (string, ':');
      append_number (string, node->low);
      if (node->high > node->low)
        {
          g_string_append_c (string, '-');
          append_number (string, node->high);
        }
      if (node->directions)
        g_string_append_printf (string, "/%d", node->directions);
      return;
    }
  if (in_chain)
    g_string_append_c (string, '(');
  for (guint i = 0; i < node->children->len; i++)
    {
      if (i)
        g_string_append_c (string, node->kind == NODE_CHAIN ? '+' : '|');
      append_node (string, node->children->pdata[i], node->kind == NODE_CHAIN);
    }
  if (in_chain)
    g_string_append_c (string, ')');
}

char *
atl_corrupt_to_string (const AtlCorrupt *corrupt)
{
  GString *string = g_string_new (NULL);

  append_node (string, corrupt, FALSE);
  return g_string_free (string, FALSE);
}

static int
step_margin (const AtlCorrupt *step)
{
  switch (step->damage)
    {
    case DAMAGE_GAUSSIAN:
      return (int)ceilf (3.0f * step->high);
    case DAMAGE_MOTION:
      return (int)ceilf (0.5f * step->high) + 3;
    case DAMAGE_JPEG:
      return 16; /* the rest of a block of chroma */
    default:
      return 0;
    }
}

int
atl_corrupt_margin (const AtlCorrupt *corrupt)
{
  int margin = 0;

  if (corrupt->kind == NODE_STEP)
    return step_margin (corrupt);
  for (guint i = 0; i < corrupt->children->len; i++)
    {
      int child = atl_corrupt_margin (corrupt->children->pdata[i]);

      margin = corrupt->kind == NODE_CHAIN ? margin + child : MAX (margin, child);
    }
  return MIN (margin, MAX_MARGIN);
}

static gboolean
apply_motion (const AtlPlate *plate, AtlRandom *random, float length,
              int directions, GError **error)
{
  float angle, bend = 0;

  if (directions)
    angle = (float)G_PI * (float)atl_random_below (random, (guint)directions)
            / (float)directions;
  else
    {
      angle = atl_random_uniform (random) * (float)G_PI;
      bend = (atl_random_uniform (random) - 0.5f) * 0.4f;
    }
  return atl_damage_motion (plate, length, angle, bend, error);
}

static gboolean
apply_jpeg (const AtlPlate *plate, AtlRandom *random, float quality, GError **error)
{
  int x = atl_random_below (random, 16), y = atl_random_below (random, 16);
  gboolean halved = atl_random_below (random, 2) && quality < 90.0f;

  return atl_damage_jpeg (plate, quality, halved, x, y, error);
}

static gboolean
apply_step (const AtlCorrupt *step, AtlRandom *random, const AtlPlate *plate,
            GError **error)
{
  float strength
      = step->low + (step->high - step->low) * atl_random_uniform (random);

  switch (step->damage)
    {
    case DAMAGE_NOISE:
    case DAMAGE_SENSOR:
      atl_damage_noise (plate, random, strength / 255.0f,
                        step->damage == DAMAGE_SENSOR);
      return TRUE;
    case DAMAGE_SALT:
      atl_damage_salt (plate, random, strength);
      return TRUE;
    case DAMAGE_GAUSSIAN:
      return atl_damage_blur (plate, strength, error);
    case DAMAGE_MOTION:
      return apply_motion (plate, random, strength, step->directions, error);
    case DAMAGE_JPEG:
      return apply_jpeg (plate, random, strength, error);
    case DAMAGE_GREY:
      atl_damage_grey (plate);
      return TRUE;
    default:
      return TRUE;
    }
}

static gboolean
apply_node (const AtlCorrupt *node, AtlRandom *random, const AtlPlate *plate,
            GError **error)
{
  guint n;

  if (node->kind == NODE_STEP)
    return apply_step (node, random, plate, error);
  n = node->children->len;
  if (node->kind == NODE_CHOICE)
    return apply_node (node->children->pdata[atl_random_below (random, n)], random,
                       plate, error);
  for (guint i = 0; i < n; i++)
    if (!apply_node (node->children->pdata[i], random, plate, error))
      return FALSE;
  return TRUE;
}

gboolean
atl_corrupt_apply (const AtlCorrupt *corrupt, AtlRandom *random, int width,
                   int height, int channels, float *pixels, GError **error)
{
  AtlPlate plate = { width, height, channels, pixels };

  return apply_node (corrupt, random, &plate, error);
}
