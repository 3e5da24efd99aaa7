/* What the pair doctor says, as JSON and for reading; see pairs.h. */

#include "train/pairs.h"

#include <glib/gi18n-lib.h>

#include "files/file-util.h"

static const char *const form_names[]
    = { "auto", "folders", "suffixes", "side-by-side", "pictures" };

static const char *const kind_names[]
    = { "no-partner", "sizes-differ", "unreadable",  "duplicate",
        "not-a-pair", "misaligned",   "same-content" };

const char *
atl_data_form_name (AtlDataForm form)
{
  return form_names[form];
}

const char *
atl_remark_kind_name (AtlRemarkKind kind)
{
  return kind_names[kind];
}

gboolean
atl_data_form_parse (const char *name, AtlDataForm *form, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (form_names); i++)
    if (g_str_equal (form_names[i], name))
      {
        *form = i;
        return TRUE;
      }
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("'%s' is no form of a data set; there are: auto, folders, "
                  "suffixes, side-by-side, pictures"),
               name);
  return FALSE;
}

static guint
count_refused (const AtlDataset *dataset)
{
  guint n = 0;

  for (guint i = 0; i < dataset->remarks->len; i++)
    n += ((AtlRemark *)dataset->remarks->pdata[i])->refused;
  return n;
}

/* ---- JSON ---- */

static void
build_pairs (JsonBuilder *builder, const char *name, GPtrArray *pairs)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < pairs->len; i++)
    {
      const AtlPair *pair = pairs->pdata[i];

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "a");
      json_builder_add_string_value (builder, pair->name);
      if (pair->name_b)
        {
          json_builder_set_member_name (builder, "b");
          json_builder_add_string_value (builder, pair->name_b);
        }
      json_builder_set_member_name (builder, "width");
      json_builder_add_int_value (builder, pair->width);
      json_builder_set_member_name (builder, "height");
      json_builder_add_int_value (builder, pair->height);
      if (pair->region.width > 0)
        {
          const int region[4] = { pair->region.x, pair->region.y,
                                  pair->region.width, pair->region.height };

          json_builder_set_member_name (builder, "region");
          json_builder_begin_array (builder);
          for (int k = 0; k < 4; k++)
            json_builder_add_int_value (builder, region[k]);
          json_builder_end_array (builder);
        }
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
build_remarks (JsonBuilder *builder, GPtrArray *remarks)
{
  json_builder_set_member_name (builder, "remarks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < remarks->len; i++)
    {
      const AtlRemark *remark = remarks->pdata[i];

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "file");
      json_builder_add_string_value (builder, remark->name);
      if (remark->partner)
        {
          json_builder_set_member_name (builder, "partner");
          json_builder_add_string_value (builder, remark->partner);
        }
      json_builder_set_member_name (builder, "reason");
      json_builder_add_string_value (builder, kind_names[remark->kind]);
      json_builder_set_member_name (builder, "refused");
      json_builder_add_boolean_value (builder, remark->refused);
      json_builder_set_member_name (builder, "message");
      json_builder_add_string_value (builder, remark->message);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
build_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
build_count (JsonBuilder *builder, const char *name, guint value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

JsonNode *
atl_dataset_to_json (const AtlDataset *dataset)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *folder = atl_display_path (dataset->folder);

  json_builder_begin_object (builder);
  build_string (builder, "folder", folder);
  build_string (builder, "form",
                dataset->form == ATL_FORM_AUTO ? NULL : form_names[dataset->form]);
  build_string (builder, "a", dataset->label_a);
  build_string (builder, "b", dataset->label_b);
  build_count (builder, "files", dataset->n_files);
  build_count (builder, "ignored", dataset->n_ignored);
  build_count (builder, "refused", count_refused (dataset));
  build_count (builder, "n_train", dataset->train->len);
  build_count (builder, "n_held_out", dataset->held_out->len);
  build_count (builder, "n_test", dataset->test->len);
  build_string (builder, "held_out",
                dataset->held_out_given       ? "given"
                : dataset->held_out_within    ? "within"
                : dataset->held_out->len == 0 ? "none"
                                              : "taken");
  json_builder_set_member_name (builder, "pairs");
  json_builder_begin_object (builder);
  build_pairs (builder, "train", dataset->train);
  build_pairs (builder, "held_out", dataset->held_out);
  build_pairs (builder, "test", dataset->test);
  json_builder_end_object (builder);
  build_remarks (builder, dataset->remarks);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

/* ---- for reading ---- */

static char *
describe_form (const AtlDataset *dataset)
{
  switch (dataset->form)
    {
    case ATL_FORM_FOLDERS:
      return g_strdup_printf (_ ("pairs in the folders %s and %s"),
                              dataset->label_a, dataset->label_b);
    case ATL_FORM_SUFFIXES:
      return g_strdup_printf (_ ("pairs named ...%s and ...%s"), dataset->label_a,
                              dataset->label_b);
    case ATL_FORM_SIDE_BY_SIDE:
      return g_strdup (_ ("pairs side by side"));
    case ATL_FORM_PICTURES:
      return g_strdup (_ ("single pictures"));
    default:
      return g_strdup (_ ("no pairs"));
    }
}

static void
describe_held_out (const AtlDataset *dataset, GString *text)
{
  guint n = dataset->held_out->len;

  if (dataset->held_out_within)
    g_string_append_printf (
        text, _ ("; with so few, a strip of %u of them is held out"), n);
  else if (n == 0)
    g_string_append (text, _ ("; none held out"));
  else
    g_string_append_printf (text,
                            dataset->held_out_given
                                ? _ ("; %u held out, as the folders say")
                                : _ ("; %u held out"),
                            n);
  if (dataset->test->len)
    g_string_append_printf (text, _ ("; %u left for tests"), dataset->test->len);
}

char *
atl_dataset_to_text (const AtlDataset *dataset, guint max_remarks)
{
  GString *text = g_string_new (NULL);
  g_autofree char *folder = atl_display_path (dataset->folder);
  g_autofree char *form = describe_form (dataset);
  guint n = dataset->remarks->len, refused = count_refused (dataset);

  g_string_append_printf (text, _ ("%s: %s; %u to train on"), folder, form,
                          dataset->train->len);
  describe_held_out (dataset, text);
  if (dataset->n_ignored)
    g_string_append_printf (text, _ ("; %u pictures passed over"),
                            dataset->n_ignored);
  if (refused)
    g_string_append_printf (text, _ ("; %u refused"), refused);
  g_string_append_c (text, '\n');
  for (guint i = 0; i < n && (max_remarks == 0 || i < max_remarks); i++)
    {
      const AtlRemark *remark = dataset->remarks->pdata[i];

      g_string_append_printf (text, "  %s: %s\n",
                              remark->refused ? _ ("refused") : _ ("warning"),
                              remark->message);
    }
  if (max_remarks > 0 && n > max_remarks)
    g_string_append_printf (text, _ ("  ... and %u more\n"), n - max_remarks);
  return g_string_free (text, FALSE);
}

gboolean
atl_dataset_require (const AtlDataset *dataset, GError **error)
{
  g_autofree char *folder = atl_display_path (dataset->folder);
  guint refused = count_refused (dataset);

  if (dataset->train->len > 0)
    return TRUE;
  if (dataset->n_files == 0)
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
                 _ ("There are no pictures in %s"), folder);
  else if (refused > 0)
    {
      const AtlRemark *first = NULL;

      for (guint i = 0; i < dataset->remarks->len && !first; i++)
        if (((AtlRemark *)dataset->remarks->pdata[i])->refused)
          first = dataset->remarks->pdata[i];
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
                   _ ("Nothing in %s can be trained on; %u refused, the first: %s"),
                   folder, refused, first->message);
    }
  else
    g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_DATA,
                 _ ("No pairs found among the %u pictures in %s: neither two "
                    "folders A and B (or input and target, before and after), nor "
                    "names ending in _a and _b, nor pictures twice as wide as "
                    "high; 'atelier pairs --help' tells how to say what is what"),
                 dataset->n_files, folder);
  return FALSE;
}
