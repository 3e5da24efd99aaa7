/* Which form a folder has, and who belongs to whom; see pairs.h.
 *
 * Every picture gets a key: its folders below A, B, train/, val/ and test/, and
 * its stem without suffix, all folded (case, Unicode form).  Two pictures of
 * the two sides with the same key are a candidate.
 */

#include <string.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"
#include "train/pairs-private.h"

/* Names of the two folders; and the suffixes of the stems within them where
 * those of the usual form are known. */
static const struct
{
  const char *a, *b, *suffix_a, *suffix_b;
} known_folders[] = {
  { "a", "b", NULL, NULL },
  { "input", "target", NULL, NULL },
  { "inputs", "targets", NULL, NULL },
  { "input", "output", NULL, NULL },
  { "inputs", "outputs", NULL, NULL },
  { "before", "after", NULL, NULL },
  { "source", "target", NULL, NULL },
  { "leftimg8bit", "gtfine", "_leftimg8bit", "_gtfine_color" },
  { "leftimg8bit", "gtcoarse", "_leftimg8bit", "_gtcoarse_color" },
  { "images", "labels", NULL, NULL },
  { "images", "masks", NULL, NULL },
};

static const struct
{
  const char *a, *b;
} known_suffixes[] = {
  { "_a", "_b" },           { "-a", "-b" },           { ".a", ".b" },
  { " a", " b" },           { "_input", "_target" },  { "-input", "-target" },
  { "_input", "_output" },  { "-input", "-output" },  { "_in", "_out" },
  { "-in", "-out" },        { "_before", "_after" },  { "-before", "-after" },
  { "_source", "_target" }, { "-source", "-target" },
};

static const struct
{
  const char *name;
  AtlSplit split;
} split_names[] = {
  { "train", ATL_SPLIT_TRAIN },    { "training", ATL_SPLIT_TRAIN },
  { "val", ATL_SPLIT_VAL },        { "valid", ATL_SPLIT_VAL },
  { "validation", ATL_SPLIT_VAL }, { "test", ATL_SPLIT_TEST },
  { "testing", ATL_SPLIT_TEST },
};

/* A picture's path, taken apart. */
typedef struct
{
  AtlFile *file;
  AtlSplit split;
  char *role;      /* folded first folder that is no split; NULL: none */
  char *role_name; /* as it is written */
  char *rest;      /* folded folders below the role, with a slash at the end */
  char *stem;      /* folded */
} Parts;

static char *
fold (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *normal = g_utf8_normalize (valid, -1, G_NORMALIZE_ALL_COMPOSE);

  return g_utf8_casefold (normal, -1);
}

static void
parts_free (Parts *parts)
{
  g_free (parts->role);
  g_free (parts->role_name);
  g_free (parts->rest);
  g_free (parts->stem);
  g_free (parts);
}

static gboolean
take_split (const char *folded, AtlSplit *split)
{
  for (gsize i = 0; i < G_N_ELEMENTS (split_names); i++)
    if (g_str_equal (split_names[i].name, folded))
      {
        *split = split_names[i].split;
        return TRUE;
      }
  return FALSE;
}

/* "trainA", "valB": split and role in one. */
static gboolean
take_split_and_role (Parts *parts, const char *folded)
{
  gsize length = strlen (folded);
  g_autofree char *head = NULL;

  if (length < 4 || (folded[length - 1] != 'a' && folded[length - 1] != 'b'))
    return FALSE;
  head = g_strndup (folded, length - 1);
  if (!take_split (head, &parts->split))
    return FALSE;
  parts->role = g_strdup (folded + length - 1);
  parts->role_name = g_ascii_strup (parts->role, -1);
  return TRUE;
}

static Parts *
take_apart (AtlFile *file)
{
  Parts *parts = g_new0 (Parts, 1);
  g_auto (GStrv) names = g_strsplit (file->path, G_DIR_SEPARATOR_S, -1);
  guint n = g_strv_length (names);
  g_autoptr (GString) rest = g_string_new (NULL);
  gboolean split_seen = FALSE;
  char *dot;

  parts->file = file;
  for (guint i = 0; i + 1 < n; i++)
    {
      g_autofree char *folded = fold (names[i]);

      if (!split_seen && i < 2 && take_split (folded, &parts->split))
        split_seen = TRUE;
      else if (i == 0 && take_split_and_role (parts, folded))
        split_seen = TRUE;
      else if (!parts->role)
        {
          parts->role = g_steal_pointer (&folded);
          parts->role_name = atl_display_path (names[i]);
        }
      else
        g_string_append_printf (rest, "%s/", folded);
    }
  dot = strrchr (names[n - 1], '.');
  if (dot && dot != names[n - 1])
    *dot = '\0';
  parts->stem = fold (names[n - 1]);
  parts->rest = g_string_free (g_steal_pointer (&rest), FALSE);
  return parts;
}

/* ---- two sides ---- */

/* How a side tells its pictures: by folder (NULL: any) and suffix. */
typedef struct
{
  const char *role;
  const char *suffix; /* folded; may be "" */
} SideRule;

/* The key, or NULL if the picture is not of that side.  Free with g_free. */
static char *
key_for (const Parts *parts, const SideRule *rule)
{
  gsize length = strlen (parts->stem), cut = strlen (rule->suffix);

  if (rule->role && g_strcmp0 (parts->role, rule->role) != 0)
    return NULL;
  if (cut > 0 && (cut >= length || !g_str_has_suffix (parts->stem, rule->suffix)))
    return NULL;
  return g_strdup_printf ("%d/%s/%s%.*s", parts->split,
                          rule->role || !parts->role ? "" : parts->role,
                          parts->rest, (int)(length - cut), parts->stem);
}

/* Of which side a picture is, and its key: the longer suffix first, as "" fits
 * all.  -1: of none. */
static int
side_for (const Parts *parts, const SideRule rules[2], char **key)
{
  int first = strlen (rules[1].suffix) > strlen (rules[0].suffix);

  if ((*key = key_for (parts, &rules[first])))
    return first;
  if ((*key = key_for (parts, &rules[!first])))
    return !first;
  return -1;
}

/* How many keys both sides have. */
static guint
count_matches (GPtrArray *parts, const SideRule rules[2], guint n_sides[2])
{
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n = 0;

  n_sides[0] = n_sides[1] = 0;
  for (guint i = 0; i < parts->len; i++)
    {
      char *key;
      int side = side_for (parts->pdata[i], rules, &key);
      guint before, after;

      if (side < 0)
        continue;
      n_sides[side]++;
      before = GPOINTER_TO_UINT (g_hash_table_lookup (seen, key));
      after = before | (1u << side);
      n += before != 3 && after == 3;
      g_hash_table_replace (seen, key, GUINT_TO_POINTER (after));
    }
  return n;
}

static void
remark_duplicate (AtlDoctor *doctor, const AtlFile *file, const AtlFile *first)
{
  atl_doctor_remark (
      doctor, ATL_REMARK_DUPLICATE, TRUE, file->name, first->name,
      g_strdup_printf (_ ("%s has the same name as %s; only the latter is used"),
                       file->name, first->name));
}

static void
remark_no_partner (AtlDoctor *doctor, const AtlFile *file, int side)
{
  const AtlDataset *dataset = doctor->dataset;
  const char *where = side == 0 ? dataset->label_b : dataset->label_a;

  atl_doctor_remark (
      doctor, ATL_REMARK_NO_PARTNER, TRUE, file->name, NULL,
      g_strdup_printf (
          dataset->form == ATL_FORM_FOLDERS
              ? _ ("%s has no partner: there is no picture of that name in %s")
              : _ ("%s has no partner: there is no picture of that name with %s "
                   "at its end"),
          file->name, where));
}

typedef struct
{
  Parts *sides[2];
} Match;

/* Makes candidates of all keys that both sides have. */
static void
match_sides (AtlDoctor *doctor, GPtrArray *parts, const SideRule rules[2])
{
  g_autoptr (GHashTable) matches
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GPtrArray) in_order = g_ptr_array_new ();

  for (guint i = 0; i < parts->len; i++)
    {
      char *key;
      int side = side_for (parts->pdata[i], rules, &key);
      Match *match = side < 0 ? NULL : g_hash_table_lookup (matches, key);

      if (side < 0)
        {
          doctor->dataset->n_ignored++;
          continue;
        }
      if (match)
        g_free (key);
      else
        {
          match = g_new0 (Match, 1);
          g_hash_table_insert (matches, key, match);
          g_ptr_array_add (in_order, match);
        }
      if (match->sides[side])
        remark_duplicate (doctor, ((Parts *)parts->pdata[i])->file,
                          match->sides[side]->file);
      else
        match->sides[side] = parts->pdata[i];
    }
  for (guint i = 0; i < in_order->len; i++)
    {
      Match *match = in_order->pdata[i];
      Parts *a = match->sides[0], *b = match->sides[1];
      AtlCandidate candidate = { .a = a ? a->file : NULL,
                                 .b = b ? b->file : NULL,
                                 .split = a ? a->split : b->split };

      if (a && b)
        g_array_append_val (doctor->candidates, candidate);
      else
        remark_no_partner (doctor, a ? a->file : b->file, a ? 0 : 1);
    }
}

/* ---- the forms ---- */

/* The suffixes asked for, folded; FALSE if none were. */
static gboolean
given_suffixes (const AtlDatasetOptions *options, char **a, char **b)
{
  *a = fold (options->suffix_a ? options->suffix_a : "");
  *b = fold (options->suffix_b ? options->suffix_b : "");
  return options->suffix_a || options->suffix_b;
}

/* The most telling suffixes for the two folders: none if that fits most. */
static void
choose_suffixes (GPtrArray *parts, SideRule rules[2])
{
  guint n[2], best;

  rules[0].suffix = rules[1].suffix = "";
  best = count_matches (parts, rules, n);
  if (2 * best >= MIN (n[0], n[1]))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (known_suffixes); i++)
    {
      SideRule trial[2] = { { rules[0].role, known_suffixes[i].a },
                            { rules[1].role, known_suffixes[i].b } };
      guint found = count_matches (parts, trial, n);

      if (found > best)
        {
          best = found;
          rules[0].suffix = trial[0].suffix;
          rules[1].suffix = trial[1].suffix;
        }
    }
}

static const char *
role_name (GPtrArray *parts, const char *role)
{
  for (guint i = 0; i < parts->len; i++)
    {
      const Parts *p = parts->pdata[i];

      if (g_strcmp0 (p->role, role) == 0)
        return p->role_name;
    }
  return role;
}

/* The number of pictures a role has: role (folded) -> count. */
static GHashTable *
count_roles (GPtrArray *parts)
{
  GHashTable *roles = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < parts->len; i++)
    {
      const char *role = ((Parts *)parts->pdata[i])->role;
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (roles, role ? role : ""));

      g_hash_table_replace (roles, (gpointer)(role ? role : ""),
                            GUINT_TO_POINTER (n + 1));
    }
  return roles;
}

/* The only two folders there are, if pictures in them match at all. */
static gboolean
find_two_roles (GPtrArray *parts, GHashTable *roles, SideRule rules[2])
{
  g_autofree const char **names = NULL;
  guint n_names, n[2], found;

  names = (const char **)g_hash_table_get_keys_as_array (roles, &n_names);
  if (n_names != 2 || !*names[0] || !*names[1])
    return FALSE;
  gboolean swap = strcmp (names[0], names[1]) > 0;
  rules[0].role = names[swap];
  rules[1].role = names[!swap];
  choose_suffixes (parts, rules);
  found = count_matches (parts, rules, n);
  return found > 0 && 2 * found >= MIN (n[0], n[1]);
}

static gboolean
try_folders (AtlDoctor *doctor, GPtrArray *parts)
{
  g_autoptr (GHashTable) roles = count_roles (parts);
  g_autofree char *suffix_a = NULL, *suffix_b = NULL;
  gboolean given = given_suffixes (doctor->options, &suffix_a, &suffix_b);
  SideRule rules[2] = { { NULL, "" }, { NULL, "" } };

  for (gsize i = 0; i < G_N_ELEMENTS (known_folders) && !rules[0].role; i++)
    if (g_hash_table_contains (roles, known_folders[i].a)
        && g_hash_table_contains (roles, known_folders[i].b))
      {
        rules[0].role = known_folders[i].a;
        rules[1].role = known_folders[i].b;
        if (known_folders[i].suffix_a)
          {
            rules[0].suffix = known_folders[i].suffix_a;
            rules[1].suffix = known_folders[i].suffix_b;
          }
        else
          choose_suffixes (parts, rules);
      }
  if (!rules[0].role && !find_two_roles (parts, roles, rules))
    return FALSE;
  if (given)
    {
      rules[0].suffix = suffix_a;
      rules[1].suffix = suffix_b;
    }
  doctor->dataset->form = ATL_FORM_FOLDERS;
  doctor->dataset->label_a = g_strdup (role_name (parts, rules[0].role));
  doctor->dataset->label_b = g_strdup (role_name (parts, rules[1].role));
  match_sides (doctor, parts, rules);
  return TRUE;
}

static gboolean
try_suffixes (AtlDoctor *doctor, GPtrArray *parts)
{
  g_autofree char *suffix_a = NULL, *suffix_b = NULL;
  gboolean given = given_suffixes (doctor->options, &suffix_a, &suffix_b);
  SideRule rules[2] = { { NULL, suffix_a }, { NULL, suffix_b } };
  guint n[2], best = 0;

  for (gsize i = 0; !given && i < G_N_ELEMENTS (known_suffixes); i++)
    {
      SideRule trial[2]
          = { { NULL, known_suffixes[i].a }, { NULL, known_suffixes[i].b } };
      guint found = count_matches (parts, trial, n);

      if (found > best)
        {
          best = found;
          rules[0] = trial[0];
          rules[1] = trial[1];
        }
    }
  /* A stray name_a among other pictures is no sign. */
  if (!given && (best == 0 || 4 * best < parts->len))
    return FALSE;
  doctor->dataset->form = ATL_FORM_SUFFIXES;
  doctor->dataset->label_a = g_strdup (rules[0].suffix);
  doctor->dataset->label_b = g_strdup (rules[1].suffix);
  match_sides (doctor, parts, rules);
  return TRUE;
}

static void
take_singly (AtlDoctor *doctor, GPtrArray *parts, AtlDataForm form)
{
  doctor->dataset->form = form;
  for (guint i = 0; i < parts->len; i++)
    {
      Parts *p = parts->pdata[i];
      AtlCandidate candidate
          = { .a = p->file,
              .b = form == ATL_FORM_SIDE_BY_SIDE ? p->file : NULL,
              .split = p->split };

      g_array_append_val (doctor->candidates, candidate);
    }
}

/* If at least half of the pictures that can be read are twice as wide as high. */
static gboolean
try_side_by_side (AtlDoctor *doctor, GPtrArray *parts, GError **error)
{
  guint n_wide = 0, n_readable = 0;

  if (!atl_doctor_probe (doctor, doctor->files, error))
    return FALSE;
  for (guint i = 0; i < doctor->files->len; i++)
    {
      const AtlFile *file = doctor->files->pdata[i];

      n_readable += !file->problem;
      n_wide += !file->problem && file->width == 2 * file->height;
    }
  if (n_wide > 0 && 2 * n_wide >= n_readable)
    take_singly (doctor, parts, ATL_FORM_SIDE_BY_SIDE);
  return TRUE;
}

/* Splits count only if something is left to train on. */
static void
forget_lone_splits (GPtrArray *parts)
{
  gboolean any = FALSE;

  for (guint i = 0; i < parts->len; i++)
    any |= ((Parts *)parts->pdata[i])->split == ATL_SPLIT_TRAIN;
  for (guint i = 0; i < parts->len && !any; i++)
    ((Parts *)parts->pdata[i])->split = ATL_SPLIT_TRAIN;
}

gboolean
atl_doctor_match (AtlDoctor *doctor, GError **error)
{
  g_autoptr (GPtrArray) parts
      = g_ptr_array_new_with_free_func ((GDestroyNotify)parts_free);
  AtlDataForm form = doctor->options->form;

  for (guint i = 0; i < doctor->files->len; i++)
    g_ptr_array_add (parts, take_apart (doctor->files->pdata[i]));
  forget_lone_splits (parts);
  if (form == ATL_FORM_AUTO && doctor->options->pictures)
    form = ATL_FORM_PICTURES;

  switch (form)
    {
    case ATL_FORM_PICTURES:
    case ATL_FORM_SIDE_BY_SIDE:
      take_singly (doctor, parts, form);
      return TRUE;
    case ATL_FORM_FOLDERS:
      try_folders (doctor, parts);
      return TRUE;
    case ATL_FORM_SUFFIXES:
      try_suffixes (doctor, parts);
      return TRUE;
    default:
      return try_folders (doctor, parts) || try_suffixes (doctor, parts)
             || try_side_by_side (doctor, parts, error);
    }
}
