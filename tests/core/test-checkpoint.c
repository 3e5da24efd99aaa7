/* Checkpoints: what PyTorch wrote is read (tests/data/checkpoint), and a
 * hostile file is refused by name and runs nothing. */

#define _GNU_SOURCE /* memmem */

#include "files/checkpoint.h"

#include <archive.h>
#include <archive_entry.h>

#include "files/safetensors.h"
#include "scratch.h"

static char *
data_path (const char *name)
{
  return g_build_filename (g_getenv ("ATELIER_TEST_DATA"), "checkpoint", name,
                           NULL);
}

static GBytes *
data_bytes (const char *name)
{
  g_autofree char *path = data_path (name);
  char *content;
  gsize size;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  return g_bytes_new_take (content, size);
}

/* What PyTorch wrote. */

static void
check_equal (const AtlTensorSet *found, const AtlTensorSet *expected)
{
  g_assert_cmpuint (atl_tensor_set_size (found), ==,
                    atl_tensor_set_size (expected));
  for (guint i = 0; i < atl_tensor_set_size (expected); i++)
    {
      const AtlTensor *a = atl_tensor_set_get (expected, i);
      const AtlTensor *b = atl_tensor_set_lookup (found, a->name);

      g_assert_nonnull (b);
      g_assert_cmpint (a->type, ==, b->type);
      g_assert_cmpint (a->n_dims, ==, b->n_dims);
      for (int d = 0; d < a->n_dims; d++)
        g_assert_cmpint (a->dims[d], ==, b->dims[d]);
      g_assert_cmpmem (a->data, a->size, b->data, b->size);
    }
}

static void
test_real_files (gconstpointer name)
{
  g_autofree char *path = data_path (name);
  g_autofree char *reference = data_path ("expected.safetensors");
  GError *error = NULL;
  g_autoptr (AtlTensorSet) found = atl_checkpoint_read (path, &error);
  g_autoptr (AtlTensorSet) expected = NULL;

  g_assert_no_error (error);
  expected = atl_safetensors_read (reference, NULL, &error);
  g_assert_no_error (error);
  check_equal (found, expected);
  /* In the file's own order. */
  g_assert_cmpstr (atl_tensor_set_get (found, 0)->name, ==, "state_dict.plain");
  g_assert_cmpstr (atl_tensor_set_get (found, 1)->name, ==, "state_dict.scalar");
}

static void
test_every_truncation_is_refused (gconstpointer name)
{
  g_autoptr (GBytes) whole = data_bytes (name);
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);

  for (gsize n = 0; n < size; n++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (data, n);
      GError *error = NULL;

      g_assert_null (atl_checkpoint_parse (bytes, "cut.pth", &error));
      assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "cut.pth");
    }
}

/* Read or refused; the sanitizers watch. */
static void
test_every_flip_is_survived (gconstpointer name)
{
  g_autoptr (GBytes) whole = data_bytes (name);
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);
  g_autofree guint8 *copy = g_memdup2 (data, size);

  for (gsize n = 0; n < size; n++)
    {
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (AtlTensorSet) set = NULL;
      GError *error = NULL;

      copy[n] ^= (guint8)(1 << n % 8);
      bytes = g_bytes_new (copy, size);
      set = atl_checkpoint_parse (bytes, "flipped.pth", &error);
      g_assert_true ((set == NULL) == (error != NULL));
      g_clear_error (&error);
      copy[n] ^= (guint8)(1 << n % 8);
    }
}

/* Files made by hand. */

typedef struct
{
  const char *name;
  const void *data;
  gsize size;
} Entry;

static GBytes *
make_zip (const Entry *entries, int n, const char *options)
{
  struct archive *archive = archive_write_new ();
  gsize room = 1 << 20, used = 0;
  guint8 *buffer = g_malloc (room);

  archive_write_set_format_zip (archive);
  g_assert_cmpint (archive_write_set_options (archive, options), ==, ARCHIVE_OK);
  archive_write_set_bytes_in_last_block (archive, 1);
  archive_write_open_memory (archive, buffer, room, &used);
  for (int i = 0; i < n; i++)
    {
      struct archive_entry *entry = archive_entry_new ();

      archive_entry_set_pathname (entry, entries[i].name);
      archive_entry_set_size (entry, (la_int64_t)entries[i].size);
      archive_entry_set_filetype (entry, AE_IFREG);
      archive_entry_set_perm (entry, 0644);
      g_assert_cmpint (archive_write_header (archive, entry), ==, ARCHIVE_OK);
      archive_write_data (archive, entries[i].data, entries[i].size);
      archive_entry_free (entry);
    }
  g_assert_cmpint (archive_write_close (archive), ==, ARCHIVE_OK);
  archive_write_free (archive);
  return g_bytes_new_take (buffer, used);
}

/* A pickle, given as a literal, in a zip with one storage of 24 bytes. */
static AtlTensorSet *
read_pickle (const void *pickle, gsize size, GError **error)
{
  static const float values[] = { 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f };
  const Entry entries[] = { { "a/data.pkl", pickle, size },
                            { "a/byteorder", "little", 6 },
                            { "a/data/0", values, sizeof values } };
  g_autoptr (GBytes) bytes = make_zip (entries, 3, "compression=store");

  return atl_checkpoint_parse (bytes, "hostile.pth", error);
}

#define CHECK(pickle, code, words)                                                 \
  check_refused (pickle, sizeof pickle - 1, code, words)

static void
check_refused (const void *pickle, gsize size, int code, const char *words)
{
  GError *error = NULL;

  g_assert_null (read_pickle (pickle, size, &error));
  g_assert_nonnull (strstr (error->message, "hostile.pth"));
  assert_message (&error, ATELIER_ERROR, code, words);
}

/* A dict with a tensor "w": storage "0" of `elements`, `offset`, sizes and
 * strides as literal opcodes. */
#define STORAGE(type, key, elements)                                               \
  "(X\7\0\0\0storagectorch\n" type "Storage\nX\1\0\0\0" key                        \
  "X\3\0\0\0cpu" elements "tQ"
#define TENSOR(storage, offset, size, stride)                                      \
  "ctorch._utils\n_rebuild_tensor_v2\n(" storage offset size stride "\x89"         \
  "ccollections\nOrderedDict\n)RtR"
#define DICT(value) "\x80\2}X\1\0\0\0w" value "s."
#define SIX STORAGE ("Float", "0", "K\6")

static void
test_a_pickle_by_hand_is_read (void)
{
  static const char pickle[]
      = DICT (TENSOR (SIX, "K\1", "K\2K\2\x86", "K\1K\3\x86"));
  g_autoptr (AtlTensorSet) set = read_pickle (pickle, sizeof pickle - 1, NULL);
  static const float expected[] = { 2.0f, 5.0f, 3.0f, 6.0f };

  g_assert_nonnull (set);
  g_assert_cmpmem (atl_tensor_set_lookup (set, "w")->data, 16, expected, 16);
}

static void
test_foreign_globals_are_refused_by_name (void)
{
  CHECK ("\x80\2cos\nsystem\nX\x04\0\0\0true\x85R.", ATELIER_ERROR_UNSUPPORTED,
         "asks for os.system, which no state_dict needs; it was not run");
  CHECK ("\x80\2cbuiltins\neval\nX\x04\0\0\0true\x85R.", ATELIER_ERROR_UNSUPPORTED,
         "asks for builtins.eval");
  CHECK ("\x80\4\x8c\5posix\x8c\6system\x93\x8c\4true\x85R.",
         ATELIER_ERROR_UNSUPPORTED, "asks for posix.system");
  CHECK (DICT ("cos\nsystem\n"), ATELIER_ERROR_UNSUPPORTED, "asks for os.system");
  /* Names that only look like those of the list. */
  CHECK ("\x80\2ctorch._utils\n_rebuild_tensor_v22\n.", ATELIER_ERROR_UNSUPPORTED,
         "_rebuild_tensor_v22");
  CHECK ("\x80\2ctorch._utils._rebuild_tensor\nv2\n.", ATELIER_ERROR_UNSUPPORTED,
         "torch._utils._rebuild_tensor.v2");
  CHECK ("\x80\2ctorch\nFloatStorage.__class__\n.", ATELIER_ERROR_UNSUPPORTED,
         "torch.FloatStorage.__class__");
  CHECK ("\x80\2cevil\nna\x1b[31mme\n.", ATELIER_ERROR_UNSUPPORTED,
         "evil.na?[31mme");
}

static void
test_foreign_opcodes_are_refused (void)
{
  CHECK ("\x80\2i__main__\nx\n.", ATELIER_ERROR_UNSUPPORTED, "opcode 0x69");
  CHECK ("\x80\2\x82\1.", ATELIER_ERROR_UNSUPPORTED, "opcode 0x82");
  CHECK ("\x80\2P0\n.", ATELIER_ERROR_UNSUPPORTED, "opcode 0x50");
  CHECK ("\x80\1}.", ATELIER_ERROR_FORMAT, "unknown protocol");
}

static void
test_broken_machines_are_refused (void)
{
  CHECK ("\x80\2.", ATELIER_ERROR_FORMAT, "a value is missing");
  CHECK ("\x80\2(.", ATELIER_ERROR_FORMAT, "a value is missing");
  CHECK ("\x80\2t.", ATELIER_ERROR_FORMAT, "a mark is missing");
  CHECK ("\x80\2N\x86.", ATELIER_ERROR_FORMAT, "a value is missing");
  CHECK ("\x80\2(N\x86.", ATELIER_ERROR_FORMAT, "a value is missing");
  CHECK ("\x80\2NNa.", ATELIER_ERROR_FORMAT, "items without a list");
  CHECK ("\x80\2(Na.", ATELIER_ERROR_FORMAT, "items without a list");
  CHECK ("\x80\2}(Nu.", ATELIER_ERROR_FORMAT, "a key without a value");
  CHECK ("\x80\2}Na.", ATELIER_ERROR_FORMAT, "a key without a value");
  CHECK ("\x80\2h\5.", ATELIER_ERROR_FORMAT, "remembered that never was");
  CHECK ("\x80\2q\5.", ATELIER_ERROR_FORMAT, "a value is missing");
  CHECK ("\x80\2N)R.", ATELIER_ERROR_FORMAT, "what can't be called");
  CHECK ("\x80\2ccollections\nOrderedDict\nNR.", ATELIER_ERROR_FORMAT,
         "what can't be called");
  CHECK ("\x80\2ccollections\nOrderedDict\n](K\1el\x85R.",
         ATELIER_ERROR_UNSUPPORTED, "opcode 0x6c");
  CHECK ("\x80\2ccollections\nOrderedDict\n]K\1a\x85R.", ATELIER_ERROR_FORMAT,
         "a key without a value");
  CHECK ("\x80\2X\xff\xff\xff\xffx.", ATELIER_ERROR_FORMAT,
         "is damaged: it is cut off");
  CHECK ("\x80\2\x8d\xff\xff\xff\xff\xff\xff\xff\xffx.", ATELIER_ERROR_FORMAT,
         "cut off");
  CHECK ("\x80\2\x8b\xff\xff\xff\xffx.", ATELIER_ERROR_FORMAT, "cut off");
  CHECK ("\x80\2ctorch", ATELIER_ERROR_FORMAT, "a name without an end");
  CHECK ("\x80\2Q.", ATELIER_ERROR_FORMAT, "a value is missing");
  CHECK ("\x80\2K\1\x93.", ATELIER_ERROR_FORMAT, "a value is missing");
  CHECK ("\x80\2K\1K\1\x93.", ATELIER_ERROR_FORMAT, "a global without a name");
}

static void
test_no_tensors_is_told (void)
{
  CHECK ("\x80\2}.", ATELIER_ERROR_UNSUPPORTED, "holds no state_dict");
  CHECK ("\x80\2N.", ATELIER_ERROR_UNSUPPORTED, "holds no state_dict");
  CHECK ("\x80\2]K\1a.", ATELIER_ERROR_UNSUPPORTED, "holds no state_dict");
  CHECK (DICT ("K\1"), ATELIER_ERROR_UNSUPPORTED, "holds no state_dict");
}

static void
test_views_must_lie_in_their_storage (void)
{
  CHECK (DICT (TENSOR (SIX, "K\0", "K\7\x85", "K\1\x85")), ATELIER_ERROR_FORMAT,
         "tensor w is damaged: it reaches past the end");
  CHECK (DICT (TENSOR (SIX, "K\1", "K\6\x85", "K\1\x85")), ATELIER_ERROR_FORMAT,
         "reaches past the end");
  CHECK (DICT (TENSOR (SIX, "K\0", "K\2K\2\x86", "K\5K\2\x86")),
         ATELIER_ERROR_FORMAT, "reaches past the end");
  /* Products and sums that overflow 64 bits. */
  CHECK (DICT (TENSOR (SIX, "K\0", "K\3\x85",
                       "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85")),
         ATELIER_ERROR_FORMAT, "reaches past the end");
  CHECK (DICT (TENSOR (SIX, "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", "K\2\x85",
                       "K\1\x85")),
         ATELIER_ERROR_FORMAT, "reaches past the end");
  CHECK (DICT (TENSOR (SIX, "K\0",
                       "J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87",
                       "K\0K\0K\0\x87")),
         ATELIER_ERROR_FORMAT, "its shape is impossible");
  /* Below zero. */
  CHECK (DICT (TENSOR (SIX, "J\xff\xff\xff\xff", "K\1\x85", "K\1\x85")),
         ATELIER_ERROR_FORMAT, "it has no shape");
  CHECK (DICT (TENSOR (SIX, "K\5", "K\2\x85", "J\xff\xff\xff\xff\x85")),
         ATELIER_ERROR_FORMAT, "reaches past the end");
  CHECK (DICT (TENSOR (SIX, "K\0", "J\xff\xff\xff\xff\x85", "K\1\x85")),
         ATELIER_ERROR_FORMAT, "its shape is impossible");
}

/* A few bytes that expand to gigabytes. */
static void
test_huge_claims_are_refused (void)
{
  CHECK (DICT (TENSOR (SIX, "K\0", "J\xff\xff\xff\x7f\x85", "K\0\x85")),
         ATELIER_ERROR_FORMAT, "more elements than the file has");
  CHECK (DICT (TENSOR (STORAGE ("Float", "0", "J\xff\xff\xff\x7f"), "K\0",
                       "J\xff\xff\xff\x7f\x85", "K\1\x85")),
         ATELIER_ERROR_FORMAT, "it claims 2147483647 elements of data");
  CHECK (DICT (TENSOR (STORAGE ("Float", "0", "J\xff\xff\xff\xff"), "K\0",
                       "K\1\x85", "K\1\x85")),
         ATELIER_ERROR_FORMAT, "it names no data");
  CHECK (DICT (TENSOR (STORAGE ("Float", "9", "K\6"), "K\0", "K\6\x85", "K\1\x85")),
         ATELIER_ERROR_FORMAT, "its data are not in the file");
  CHECK (
      DICT (TENSOR (STORAGE ("Double", "0", "K\6"), "K\0", "K\6\x85", "K\1\x85")),
      ATELIER_ERROR_FORMAT, "it claims 6 elements of data, but the file has 3");
  CHECK (
      DICT (TENSOR (STORAGE ("Short", "0", "K\x0c"), "K\0", "K\6\x85", "K\1\x85")),
      ATELIER_ERROR_UNSUPPORTED, "has the type ShortStorage");
}

static void
test_malformed_tensors_are_refused (void)
{
  CHECK (DICT (TENSOR ("N", "K\0", "K\6\x85", "K\1\x85")), ATELIER_ERROR_FORMAT,
         "it has no shape");
  CHECK (DICT (TENSOR ("X\1\0\0\0xQ", "K\0", "K\6\x85", "K\1\x85")),
         ATELIER_ERROR_FORMAT, "it names no data");
  CHECK (DICT (TENSOR (SIX, "N", "K\6\x85", "K\1\x85")), ATELIER_ERROR_FORMAT,
         "it has no shape");
  CHECK (DICT (TENSOR (SIX, "K\0", "K\2K\3\x86", "K\1\x85")), ATELIER_ERROR_FORMAT,
         "it has no shape");
  CHECK (DICT (TENSOR (SIX, "K\0", "N\x85", "K\1\x85")), ATELIER_ERROR_FORMAT,
         "it has no shape");
  CHECK (DICT (TENSOR (SIX, "K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t",
                       "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t")),
         ATELIER_ERROR_FORMAT, "it has no shape");
  CHECK (DICT ("ctorch._utils\n_rebuild_tensor_v2\n)R"), ATELIER_ERROR_FORMAT,
         "it has no shape");
}

/* A dict that holds itself, and one that holds two of the next, 60 deep. */
static void
test_cycles_and_nesting_end (void)
{
  GByteArray *deep = g_byte_array_new ();
  GError *error = NULL;

  CHECK ("\x80\2}q\0X\1\0\0\0ah\0s.", ATELIER_ERROR_FORMAT, "nested without end");
  CHECK ("\x80\2]q\0h\0a.", ATELIER_ERROR_UNSUPPORTED, "holds no state_dict");
  g_byte_array_append (deep, (const guint8 *)"\x80\2}q\0", 5);
  for (guint8 i = 1; i < 60; i++)
    {
      const guint8 level[] = { '}',
                               'q',
                               i,
                               'X',
                               1,
                               0,
                               0,
                               0,
                               'a',
                               'h',
                               (guint8)(i - 1),
                               's',
                               'X',
                               1,
                               0,
                               0,
                               0,
                               'b',
                               'h',
                               (guint8)(i - 1),
                               's' };

      g_byte_array_append (deep, level, sizeof level);
    }
  g_byte_array_append (deep, (const guint8 *)".", 1);
  g_assert_null (read_pickle (deep->data, deep->len, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                  "nested without end");
  g_byte_array_unref (deep);
}

/* Lists in lists, a million deep, and a million values on the stack. */
static void
test_depth_costs_no_stack (void)
{
  enum
  {
    n = 500000
  };
  g_autofree char *pickle = g_malloc (2 * n + 8);
  GError *error = NULL;

  memcpy (pickle, "\x80\2", 2);
  memset (pickle + 2, ']', n);
  memset (pickle + 2 + n, 'a', n - 1);
  pickle[2 * n + 1] = '.';
  g_assert_null (read_pickle (pickle, 2 * n + 2, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                  "no state_dict");
  memset (pickle + 2, ')', 2 * n);
  for (int i = 2; i < 2 * n; i += 2)
    memcpy (pickle + i, "N\x85", 2);
  g_assert_null (read_pickle (pickle, 2 * n + 2, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "damaged");
}

/* One list of many pairs, copied by every call: it must end. */
static void
test_copies_are_bounded (void)
{
  enum
  {
    pairs = 3000,
    calls = 30000
  };
  GByteArray *pickle = g_byte_array_new ();
  GError *error = NULL;

  g_byte_array_append (pickle, (const guint8 *)"\x80\2](", 4);
  for (int i = 0; i < pairs; i++)
    g_byte_array_append (pickle, (const guint8 *)"K\1K\1\x86", 5);
  g_byte_array_append (pickle, (const guint8 *)"e\x85q\1", 4);
  for (int i = 0; i < calls; i++)
    g_byte_array_append (pickle, (const guint8 *)"ccollections\nOrderedDict\nh\1R",
                         28);
  g_byte_array_append (pickle, (const guint8 *)".", 1);
  g_assert_null (read_pickle (pickle->data, pickle->len, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                  "more values than any");
  g_byte_array_unref (pickle);
}

static void
test_python2_dicts_are_read (void)
{
  static const char pickle[] = "\x80\2ccollections\nOrderedDict\n]]U\1wa" TENSOR (
      SIX, "K\0", "K\6\x85", "K\1\x85") "aa\x85R.";
  g_autoptr (AtlTensorSet) set = read_pickle (pickle, sizeof pickle - 1, NULL);

  g_assert_nonnull (set);
  g_assert_cmpint (atl_tensor_set_lookup (set, "w")->dims[0], ==, 6);
}

static void
test_equal_names_are_refused (void)
{
#define W TENSOR (SIX, "K\0", "K\6\x85", "K\1\x85")
  CHECK ("\x80\2}(X\3\0\0\0a.b" W "X\1\0\0\0a}X\1\0\0\0b" W "su.",
         ATELIER_ERROR_FORMAT, "tensor a.b is there twice");
  CHECK ("\x80\2}N" W "s.", ATELIER_ERROR_FORMAT, "a name that can't be");
  CHECK ("\x80\2}U\1\xff" W "s.", ATELIER_ERROR_FORMAT, "a name that can't be");
}

/* Containers. */

static void
test_zips_of_every_kind_are_read (void)
{
  static const char pickle[] = DICT (W);
  static const float values[] = { 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f };
  static const char *const options[] = { "compression=store", "compression=deflate",
                                         "zip64", "compression=store,zip64" };
  /* Storages may come first, and the folder has any name. */
  const Entry entries[] = { { "größe 模型/data/0", values, sizeof values },
                            { "größe 模型/version", "3\n", 2 },
                            { "größe 模型/data.pkl", pickle, sizeof pickle - 1 } };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (GBytes) bytes = make_zip (entries, 3, options[i]);
      GError *error = NULL;
      g_autoptr (AtlTensorSet) set = atl_checkpoint_parse (bytes, "x.pth", &error);

      g_assert_no_error (error);
      g_assert_cmpmem (atl_tensor_set_lookup (set, "w")->data, sizeof values,
                       values, sizeof values);
    }
}

static void
check_file (GBytes *bytes, int code, const char *words)
{
  GError *error = NULL;

  g_assert_null (atl_checkpoint_parse (bytes, "x.pth", &error));
  assert_message (&error, ATELIER_ERROR, code, words);
}

static void
check_zip (const Entry *entries, int n, int code, const char *words)
{
  g_autoptr (GBytes) bytes = make_zip (entries, n, "compression=store");

  check_file (bytes, code, words);
}

/* Literals: the three pickles that a legacy file begins with, and its object. */
#define MACHINE "\x80\2}."
#define LEGACY(machine, object)                                                    \
  "\x80\2\x8a\x0al\xfc\x9c"                                                        \
  "F\xf9 j\xa8P\x19.\x80\2M\xe9\3." machine object
#define CHECK_FILE(literal, code, words)                                           \
  {                                                                                \
    g_autoptr (GBytes) bytes = g_bytes_new_static (literal, sizeof literal - 1);   \
                                                                                   \
    check_file (bytes, code, words);                                               \
  }

static void
test_bad_containers_are_named (void)
{
  static const char pickle[] = DICT (W);
  const Entry foreign[] = { { "doc/readme", "x", 1 } };
  const Entry big[] = { { "a/byteorder", "big", 3 },
                        { "a/data.pkl", pickle, sizeof pickle - 1 } };
  const Entry twice[] = { { "a/data/0", "x", 1 }, { "a/data/0", "x", 1 } };

  check_zip (foreign, 1, ATELIER_ERROR_UNSUPPORTED, "is a zip file, but not one");
  check_zip (big, 2, ATELIER_ERROR_UNSUPPORTED, "big-endian");
  check_zip (twice, 2, ATELIER_ERROR_FORMAT, "a storage is there twice");
  CHECK_FILE ("GIF89a...", ATELIER_ERROR_FORMAT, "is not a checkpoint of PyTorch");
  CHECK_FILE ("x", ATELIER_ERROR_FORMAT, "is not a checkpoint of PyTorch");
  CHECK_FILE ("\x80\2K\1.", ATELIER_ERROR_UNSUPPORTED,
              "is a pickle, but not one of PyTorch");
  CHECK_FILE ("\x80\2}.", ATELIER_ERROR_UNSUPPORTED,
              "is a pickle, but not one of PyTorch");
  CHECK_FILE (LEGACY ("\x80\2}X\x0d\0\0\0little_endian\x89s.", DICT (W)),
              ATELIER_ERROR_UNSUPPORTED, "was written on a big-endian machine");
}

/* A pickle that runs a command, bare and as the object of a legacy file. */
static void
test_legacy_globals_are_refused (void)
{
#define SYSTEM "\x80\2cos\nsystem\nX\4\0\0\0true\x85R."
  CHECK_FILE (SYSTEM, ATELIER_ERROR_UNSUPPORTED, "asks for os.system");
  CHECK_FILE (LEGACY (MACHINE, SYSTEM), ATELIER_ERROR_UNSUPPORTED,
              "asks for os.system");
}

/* Stored data whose checksum does not fit. */
static void
test_damaged_data_are_told (void)
{
  g_autoptr (GBytes) whole = data_bytes ("zip.pth");
  g_autoptr (GBytes) reference = data_bytes ("expected.safetensors");
  gsize size;
  g_autofree guint8 *copy
      = g_memdup2 (g_bytes_get_data (whole, &size), g_bytes_get_size (whole));
  g_autoptr (AtlTensorSet) set = atl_safetensors_parse (reference, "x", NULL, NULL);
  const AtlTensor *plain = atl_tensor_set_lookup (set, "state_dict.plain");
  guint8 *place = memmem (copy, size, plain->data, plain->size);
  g_autoptr (GBytes) bytes = NULL;
  GError *error = NULL;

  g_assert_nonnull (place);
  place[5] ^= 1;
  bytes = g_bytes_new (copy, size);
  g_assert_null (atl_checkpoint_parse (bytes, "x.pth", &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "is damaged");
}

static void
test_zip_bombs_are_refused (void)
{
  gsize size = 900 << 10;
  g_autofree char *zeros = g_malloc0 (size);
  Entry entries[200];
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *names = g_malloc (200 * 16);
  GError *error = NULL;

  for (int i = 0; i < 200; i++)
    {
      g_snprintf (names + 16 * i, 16, "a/data/%d", i);
      entries[i] = (Entry){ names + 16 * i, zeros, size };
    }
  bytes = make_zip (entries, 200, "compression=deflate,compression-level=9");
  g_assert_cmpuint (g_bytes_get_size (bytes), <, 1 << 20);
  g_assert_null (atl_checkpoint_parse (bytes, "x.pth", &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_FORMAT, "absurd size");
}

int
main (int argc, char **argv)
{
  static const char *const names[]
      = { "zip.pth", "protocol4.pth", "legacy.pth", "python2.pth" };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *reads = g_strdup_printf ("/checkpoint/reads-%s", names[i]);
      g_autofree char *cuts
          = g_strdup_printf ("/checkpoint/truncated-%s", names[i]);
      g_autofree char *flips = g_strdup_printf ("/checkpoint/flipped-%s", names[i]);

      g_test_add_data_func (reads, names[i], test_real_files);
      g_test_add_data_func (cuts, names[i], test_every_truncation_is_refused);
      if (i % 2 == 0) /* one of each container */
        g_test_add_data_func (flips, names[i], test_every_flip_is_survived);
    }
#define ADD(name, function) g_test_add_func ("/checkpoint/" name, function)
  ADD ("a-pickle-by-hand-is-read", test_a_pickle_by_hand_is_read);
  ADD ("foreign-globals-are-refused-by-name",
       test_foreign_globals_are_refused_by_name);
  ADD ("foreign-opcodes-are-refused", test_foreign_opcodes_are_refused);
  ADD ("broken-machines-are-refused", test_broken_machines_are_refused);
  ADD ("no-tensors-is-told", test_no_tensors_is_told);
  ADD ("views-must-lie-in-their-storage", test_views_must_lie_in_their_storage);
  ADD ("huge-claims-are-refused", test_huge_claims_are_refused);
  ADD ("malformed-tensors-are-refused", test_malformed_tensors_are_refused);
  ADD ("cycles-and-nesting-end", test_cycles_and_nesting_end);
  ADD ("depth-costs-no-stack", test_depth_costs_no_stack);
  ADD ("copies-are-bounded", test_copies_are_bounded);
  ADD ("python2-dicts-are-read", test_python2_dicts_are_read);
  ADD ("equal-names-are-refused", test_equal_names_are_refused);
  ADD ("zips-of-every-kind-are-read", test_zips_of_every_kind_are_read);
  ADD ("bad-containers-are-named", test_bad_containers_are_named);
  ADD ("legacy-globals-are-refused", test_legacy_globals_are_refused);
  ADD ("damaged-data-are-told", test_damaged_data_are_told);
  ADD ("zip-bombs-are-refused", test_zip_bombs_are_refused);
  return g_test_run ();
}
