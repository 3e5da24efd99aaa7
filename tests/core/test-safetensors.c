/* safetensors: what is written is read, and every kind of damage is named. */

#include "files/safetensors.h"

#include "scratch.h"

/* A file of this header and data of `data_size` bytes: 0, 1, 2, ... */
static GBytes *
make_file (const char *header, gsize data_size)
{
  guint64 length = strlen (header);
  guint64 little = GUINT64_TO_LE (length);
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_append (bytes, (const guint8 *)&little, 8);
  g_byte_array_append (bytes, (const guint8 *)header, (guint)length);
  for (gsize i = 0; i < data_size; i++)
    {
      guint8 byte = (guint8)i;

      g_byte_array_append (bytes, &byte, 1);
    }
  return g_byte_array_free_to_bytes (bytes);
}

static void
check_code (const char *header, gsize data_size, int code, const char *words)
{
  g_autoptr (GBytes) bytes = make_file (header, data_size);
  GError *error = NULL;
  GHashTable *metadata = NULL;

  g_assert_null (
      atl_safetensors_parse (bytes, "bad.safetensors", &metadata, &error));
  g_assert_nonnull (strstr (error->message, "bad.safetensors"));
  assert_message (&error, ATELIER_ERROR, code, words);
  g_assert_null (metadata);
}

static void
check_damaged (const char *header, gsize data_size, const char *words)
{
  check_code (header, data_size, ATELIER_ERROR_FORMAT, words);
}

#define A(fields) "{\"a\":{" fields "}}"
#define F32(shape, begin, end)                                                     \
  "\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]"

static void
test_good_headers_are_read (void)
{
  static const char header[]
      = " \t\n\r"; /* space may stand anywhere but in front */
  g_autofree char *text = g_strconcat (
      "{ \"__metadata__\" : { \"k\\u00e9\\ud83c\\udfa8\" : \"v\\n\\\"\" } ,",
      "\"b\":{\"shape\":[2,3],\"data_offsets\":[4,28],\"dtype\":\"F32\"},",
      "\"a\":{", F32 ("[]", "0", "4"), "},", "\"empty\":{",
      F32 ("[0,7]", "28", "28"), "}}", header, NULL);
  g_autoptr (GBytes) bytes = make_file (text, 28);
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) set
      = atl_safetensors_parse (bytes, "x", &metadata, NULL);
  const AtlTensor *tensor;

  g_assert_nonnull (set);
  g_assert_cmpuint (atl_tensor_set_size (set), ==, 3);
  g_assert_cmpstr (atl_tensor_set_get (set, 0)->name, ==, "b");
  tensor = atl_tensor_set_lookup (set, "b");
  g_assert_cmpint (tensor->n_dims, ==, 2);
  g_assert_cmpint (tensor->dims[1], ==, 3);
  g_assert_cmpuint (((const guint8 *)tensor->data)[0], ==, 4);
  g_assert_cmpint (atl_tensor_set_lookup (set, "a")->n_dims, ==, 0);
  g_assert_cmpuint (atl_tensor_set_lookup (set, "empty")->size, ==, 0);
  g_assert_cmpstr (g_hash_table_lookup (metadata, "ké🎨"), ==, "v\n\"");
}

static void
test_no_tensors_is_a_file_too (void)
{
  g_autoptr (GBytes) bytes = make_file ("{}", 0);
  g_autoptr (GHashTable) metadata = NULL;
  g_autoptr (AtlTensorSet) set
      = atl_safetensors_parse (bytes, "x", &metadata, NULL);

  g_assert_nonnull (set);
  g_assert_cmpuint (atl_tensor_set_size (set), ==, 0);
  g_assert_cmpuint (g_hash_table_size (metadata), ==, 0);
}

static void
test_damaged_layout_is_named (void)
{
  check_damaged (A (F32 ("[2]", "0", "8")), 7, "tensor a reaches past the end");
  check_damaged (A (F32 ("[2]", "0", "8")), 9,
                 "1 bytes at its end belong to no tensor");
  check_damaged (A (F32 ("[2]", "1", "9")), 9, "tensor a has a hole before it");
  check_damaged (
      "{\"a\":{" F32 ("[2]", "0", "8") "},\"b\":{" F32 ("[2]", "4", "12") "}}", 12,
      "tensor b overlaps");
  check_damaged (
      "{\"a\":{" F32 ("[2]", "0", "8") "},\"b\":{" F32 ("[2]", "12", "20") "}}", 20,
      "tensor b has a hole");
  check_damaged (
      "{\"a\":{" F32 ("[2]", "0", "8") "},\"b\":{" F32 ("[2]", "0", "8") "}}", 8,
      "overlaps");
}

static void
test_damaged_shapes_are_named (void)
{
  check_damaged (A (F32 ("[3]", "0", "8")), 8,
                 "tensor a has the shape 3 of F32, but 8");
  check_damaged (A (F32 ("[2]", "8", "0")), 8, "tensor a ends before it begins");
  check_damaged (A (F32 ("[4294967296,4294967296]", "0", "0")), 0,
                 "impossible shape 4294967296x4294967296");
  check_damaged (A (F32 ("[9223372036854775807]", "0", "8")), 8,
                 "impossible shape");
  check_damaged (A (F32 ("[1,1,1,1,1,1,1,1,2]", "0", "8")), 8,
                 "too many dimensions");
  check_damaged (A ("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4,8]"), 8,
                 "too many dimensions or offsets");
  check_damaged (A ("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]"), 8,
                 "two offsets");
}

static void
test_numbers_are_whole_and_in_range (void)
{
  check_damaged (A (F32 ("[-2]", "0", "8")), 8, "a negative number");
  check_damaged (A (F32 ("[2.0]", "0", "8")), 8, "not whole");
  check_damaged (A (F32 ("[2e0]", "0", "8")), 8, "not whole");
  check_damaged (A (F32 ("[9223372036854775808]", "0", "8")), 8, "too large");
  check_damaged (A (F32 ("[18446744073709551618]", "0", "8")), 8, "too large");
  check_damaged (A (F32 ("[02]", "0", "8")), 8, "begins with 0");
  check_damaged (A (F32 ("[\"2\"]", "0", "8")), 8, "no number");
  check_damaged (A (F32 ("[null]", "0", "8")), 8, "no number");
}

static void
test_names_are_told_once (void)
{
  check_damaged (
      "{\"a\":{" F32 ("[1]", "0", "4") "},\"a\":{" F32 ("[1]", "4", "8") "}}", 8,
      "tensor a is there twice");
  check_damaged (A ("\"dtype\":\"F32\",\"dtype\":\"F32\"," F32 ("[1]", "0", "4")),
                 4, "a field twice");
  check_damaged ("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "metadata twice");
  check_damaged ("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0,
                 "one name twice");
}

static void
test_fields_must_fit (void)
{
  check_damaged (A ("\"dtype\":\"F32\",\"shape\":[1]"), 4, "lacks its type");
  check_damaged (A (""), 0, "tensor a lacks its type");
  check_damaged (A ("\"x\":1"), 0, "a field that the format lacks");
  check_damaged ("{\"a\":3}", 0, "its header is damaged");
  check_damaged ("{\"__metadata__\":{\"a\":1}}", 0, "no string");
  check_damaged ("{\"__metadata__\":[]}", 0, "no \"{\"");
  check_code (A ("\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]"), 1,
              ATELIER_ERROR_UNSUPPORTED, "tensor a has the type F8_E4M3");
}

static void
test_damaged_json_is_named (void)
{
  static const char *const headers[] = {
    "{\"a\"}",
    "{\"a\":}",
    "{,}",
    "{\"a\":{}",
    "{}x",
    "{} {}",
    "{'a':1}",
    "{\"a\\x\":{}}",
    "{\"\\ud800\":1}",
    "{\"\\udc00\":1}",
    "{\"\\u0000\"",
    "{\"\\u12",
    "{\"a\x01\":1}",
    "{\"a\n\":1}",
    "{\"\xff\":1}",
    "{\"a",
    "{\"\\ud800\\u",
    "{/**/}",
    "{\"a\":{},}",
    "{{{{{{{{{{{{{",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autoptr (GBytes) bytes = make_file (headers[i], 0);
      GError *error = NULL;

      g_assert_null (atl_safetensors_parse (bytes, "bad", NULL, &error));
      assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "damaged");
    }
}

/* json-glib would recurse here. */
static void
test_deep_nesting_is_harmless (void)
{
  g_autofree char *deep = g_strnfill (20 << 20, '[');

  deep[0] = '{';
  check_damaged (deep, 0, "its header is damaged");
}

static void
test_lengths_are_checked (void)
{
  static const guint8 huge[] = { 0, 0, 0, 0, 0, 1, 0, 0, '{', '}' };
  static const guint8 maximal[]
      = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}' };
  static const guint8 cut[] = { 3, 0, 0, 0, 0, 0, 0, 0, '{', '}' };
  static const struct
  {
    const guint8 *data;
    gsize size;
    const char *words;
  } cases[] = {
    { huge, 10, "claims a header of 1099511627776 bytes" },
    { maximal, 10, "claims a header of 18446744073709551615 bytes" },
    { cut, 10, "is cut off" },
    { cut, 9, "is not a safetensors file" },
    { cut, 3, "is not a safetensors file" },
    { (const guint8 *)"PK\3\4 a zip file", 15, "is not a safetensors file" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (cases[i].data, cases[i].size);
      GError *error = NULL;

      g_assert_null (atl_safetensors_parse (bytes, "bad", NULL, &error));
      assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, cases[i].words);
    }
}

/* Writing. */

static AtlTensorSet *
make_set (void)
{
  static const float values[] = { 1.0f, -2.5f, 3.0f, 4.0f, 5.0f, 6.0f };
  static const guint8 bytes[] = { 1, 2, 3 };
  static const gint64 dims[] = { 2, 3 }, three[] = { 3 };
  AtlTensorSet *set = atl_tensor_set_new ();

  atl_tensor_set_add (set, "model.0.weight", ATL_TYPE_F32, 2, dims, values, NULL);
  atl_tensor_set_add (set, "odd \"name\"\\ é", ATL_TYPE_U8, 1, three, bytes, NULL);
  atl_tensor_set_add (set, "scalar", ATL_TYPE_F32, 0, NULL, values + 1, NULL);
  return set;
}

static GHashTable *
make_metadata (void)
{
  GHashTable *metadata = g_hash_table_new (g_str_hash, g_str_equal);

  g_hash_table_insert (metadata, "zebra", "line\nbreak \"quoted\"\t\x01");
  g_hash_table_insert (metadata, "apple", "ünï");
  return metadata;
}

static void
test_written_is_read (void)
{
  g_autoptr (AtlTensorSet) set = make_set ();
  g_autoptr (GHashTable) metadata = make_metadata ();
  g_autoptr (GHashTable) found = NULL;
  g_autoptr (AtlTensorSet) back = NULL;
  g_autofree char *path = scratch_path ("m.safetensors");
  GError *error = NULL;

  g_assert_true (atl_safetensors_write (path, set, metadata, &error));
  g_assert_no_error (error);
  back = atl_safetensors_read (path, &found, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (atl_tensor_set_size (back), ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      const AtlTensor *a = atl_tensor_set_get (set, i),
                      *b = atl_tensor_set_get (back, i);

      g_assert_cmpstr (a->name, ==, b->name);
      g_assert_cmpint (a->type, ==, b->type);
      g_assert_cmpint (a->n_dims, ==, b->n_dims);
      g_assert_cmpmem (a->data, a->size, b->data, b->size);
    }
  g_assert_cmpuint ((guintptr)atl_tensor_set_get (back, 0)->data % 64, ==, 0);
  g_assert_cmpuint (g_hash_table_size (found), ==, 2);
  g_assert_cmpstr (g_hash_table_lookup (found, "zebra"), ==,
                   "line\nbreak \"quoted\"\t\x01");
  g_assert_cmpstr (g_hash_table_lookup (found, "apple"), ==, "ünï");
  scratch_empty ();
}

/* Equal models give equal files; and the bytes are the format's. */
static void
test_bytes_are_determined (void)
{
  g_autoptr (AtlTensorSet) set = make_set ();
  g_autoptr (GHashTable) metadata = make_metadata ();
  g_autofree char *path = scratch_path ("m.safetensors");
  g_autofree char *content = NULL;
  gsize size;
  guint64 length;

  g_assert_true (atl_safetensors_write (path, set, metadata, NULL));
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  memcpy (&length, content, 8);
  length = GUINT64_FROM_LE (length);
  g_assert_cmpuint ((8 + length) % 64, ==, 0);
  g_assert_cmpuint (size, ==, 8 + length + 24 + 3 + 4);
  g_assert_true (g_str_has_prefix (
      content + 8,
      "{\"__metadata__\":{\"apple\":\"ünï\",\"zebra\":\"line\\u000abreak "
      "\\\"quoted\\\"\\u0009\\u0001\"},\"model.0.weight\":{\"dtype\":\"F32\","
      "\"shape\":[2,3],\"data_offsets\":[0,24]}"));
  scratch_empty ();
}

static void
test_unwritable_is_told (void)
{
  g_autoptr (AtlTensorSet) set = make_set ();
  g_autofree char *path = scratch_path ("missing/m.safetensors");
  GError *error = NULL;

  g_assert_false (atl_safetensors_write (path, set, NULL, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE,
                  "its folder does not exist");
  g_assert_null (atl_safetensors_read (path, NULL, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FILE, "can't be read");
  atl_tensor_set_add (set, "__metadata__", ATL_TYPE_U8, 0, NULL, "x", NULL);
  g_free (path);
  path = scratch_path ("m.safetensors");
  g_assert_false (atl_safetensors_write (path, set, NULL, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED, "its names");
  g_assert_cmpuint (scratch_count (), ==, 0);
}

/* Cut anywhere, or with any byte changed, a file is refused or read; nothing
 * else happens (the sanitizers watch). */
static void
test_every_truncation_and_flip_is_survived (void)
{
  g_autoptr (AtlTensorSet) set = make_set ();
  g_autoptr (GHashTable) metadata = make_metadata ();
  g_autofree char *path = scratch_path ("m.safetensors");
  g_autofree char *content = NULL;
  gsize size;

  g_assert_true (atl_safetensors_write (path, set, metadata, NULL));
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  for (gsize n = 0; n < size; n++)
    {
      /* A block of exactly this size, so that reading past it is seen. */
      g_autoptr (GBytes) bytes = g_bytes_new (content, n);
      GError *error = NULL;

      g_assert_null (atl_safetensors_parse (bytes, "cut", NULL, &error));
      assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "cut");
    }
  for (gsize n = 0; n < size; n++)
    for (int bit = 0; bit < 8; bit++)
      {
        g_autoptr (GBytes) bytes = NULL;
        g_autoptr (AtlTensorSet) found = NULL;
        GError *error = NULL;

        content[n] ^= (char)(1 << bit);
        bytes = g_bytes_new (content, size);
        found = atl_safetensors_parse (bytes, "flipped", NULL, &error);
        g_assert_true ((found == NULL) == (error != NULL));
        g_clear_error (&error);
        content[n] ^= (char)(1 << bit);
      }
  scratch_empty ();
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_open ();
#define ADD(name, function) g_test_add_func ("/safetensors/" name, function)
  ADD ("good-headers-are-read", test_good_headers_are_read);
  ADD ("no-tensors-is-a-file-too", test_no_tensors_is_a_file_too);
  ADD ("damaged-layout-is-named", test_damaged_layout_is_named);
  ADD ("damaged-shapes-are-named", test_damaged_shapes_are_named);
  ADD ("numbers-are-whole-and-in-range", test_numbers_are_whole_and_in_range);
  ADD ("names-are-told-once", test_names_are_told_once);
  ADD ("fields-must-fit", test_fields_must_fit);
  ADD ("damaged-json-is-named", test_damaged_json_is_named);
  ADD ("deep-nesting-is-harmless", test_deep_nesting_is_harmless);
  ADD ("lengths-are-checked", test_lengths_are_checked);
  ADD ("written-is-read", test_written_is_read);
  ADD ("bytes-are-determined", test_bytes_are_determined);
  ADD ("unwritable-is-told", test_unwritable_is_told);
  ADD ("every-truncation-and-flip-is-survived",
       test_every_truncation_and_flip_is_survived);
  status = g_test_run ();
  scratch_close ();
  return status;
}
