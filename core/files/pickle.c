/* Python's pickles as plain values; see pickle.h.
 *
 * Opcodes as in Python's Lib/pickletools.py: a stack of values with marks, and
 * a memo.  Values live until the pickle is freed, so that cycles, which a memo
 * can make, do no harm here (who walks the values must bound his depth).
 */

#include "files/pickle.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "files/file-util.h"

#define MAX_WORK (1u << 21) /* values, and places in containers */
#define MAX_GLOBAL 256      /* bytes of a global's module or name */

static const AtlPickleGlobal globals[] = {
  { "collections", "OrderedDict", ATL_PICKLE_ORDERED_DICT, -1, 0 },
  { "torch", "Size", ATL_PICKLE_SIZE, -1, 0 },
  { "torch._utils", "_rebuild_tensor", ATL_PICKLE_TENSOR, -1, 0 },
  { "torch._utils", "_rebuild_tensor_v2", ATL_PICKLE_TENSOR, -1, 0 },
  { "torch._utils", "_rebuild_parameter", ATL_PICKLE_PARAMETER, -1, 0 },
  { "torch", "FloatStorage", ATL_PICKLE_STORAGE, ATL_TYPE_F32, 4 },
  { "torch", "HalfStorage", ATL_PICKLE_STORAGE, ATL_TYPE_F16, 2 },
  { "torch", "BFloat16Storage", ATL_PICKLE_STORAGE, ATL_TYPE_BF16, 2 },
  { "torch", "DoubleStorage", ATL_PICKLE_STORAGE, ATL_TYPE_F64, 8 },
  { "torch", "LongStorage", ATL_PICKLE_STORAGE, ATL_TYPE_I64, 8 },
  { "torch", "IntStorage", ATL_PICKLE_STORAGE, ATL_TYPE_I32, 4 },
  { "torch", "ByteStorage", ATL_PICKLE_STORAGE, ATL_TYPE_U8, 1 },
  { "torch", "BoolStorage", ATL_PICKLE_STORAGE, ATL_TYPE_U8, 1 },
  { "torch", "CharStorage", ATL_PICKLE_STORAGE, -1, 1 },
  { "torch", "ShortStorage", ATL_PICKLE_STORAGE, -1, 2 },
  { "torch", "ComplexFloatStorage", ATL_PICKLE_STORAGE, -1, 8 },
  { "torch", "ComplexDoubleStorage", ATL_PICKLE_STORAGE, -1, 16 },
};

typedef struct
{
  const guint8 *start, *at, *end;
  const char *file;
  GPtrArray *values;
  GPtrArray *stack; /* NULL: a mark */
  GHashTable *memo; /* guint -> value */
  guint work;
  gboolean stopped;
  GError **error;
} Machine;

static gboolean
fail (Machine *machine, const char *what)
{
  g_set_error (machine->error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
               _ ("%s is damaged: %s at byte %zu of its pickle"), machine->file,
               what, (gsize)(machine->at - machine->start));
  return FALSE;
}

static gboolean
charge (Machine *machine, guint n)
{
  if (n > MAX_WORK - machine->work)
    return fail (machine, _ ("more values than any network has"));
  machine->work += n;
  return TRUE;
}

/* The stack. */

static AtlPickleValue *
new_value (Machine *machine, AtlPickleKind kind)
{
  AtlPickleValue *value;

  if (!charge (machine, 1))
    return NULL;
  value = g_new0 (AtlPickleValue, 1);
  value->kind = kind;
  g_ptr_array_add (machine->values, value);
  return value;
}

static AtlPickleValue *
push (Machine *machine, AtlPickleKind kind)
{
  AtlPickleValue *value = new_value (machine, kind);

  if (value != NULL)
    g_ptr_array_add (machine->stack, value);
  return value;
}

/* The top value; NULL, with the error set, at a mark or the bottom. */
static AtlPickleValue *
peek (Machine *machine)
{
  guint n = machine->stack->len;
  AtlPickleValue *value = n > 0 ? g_ptr_array_index (machine->stack, n - 1) : NULL;

  if (value == NULL)
    fail (machine, _ ("a value is missing"));
  return value;
}

static AtlPickleValue *
pop (Machine *machine)
{
  AtlPickleValue *value = peek (machine);

  if (value != NULL)
    g_ptr_array_set_size (machine->stack, (int)machine->stack->len - 1);
  return value;
}

/* The items an opcode takes: the top n, or (n = 0) those above the topmost mark.
 * from: the first one's place; base: the stack's height without them. */
static gboolean
select_items (Machine *machine, int n, guint *from, guint *base)
{
  guint len = machine->stack->len;
  guint place = len;

  while (place > 0 && (n == 0 || len - place < (guint)n)
         && g_ptr_array_index (machine->stack, place - 1) != NULL)
    place--;
  if (n > 0 && len - place < (guint)n)
    return fail (machine, _ ("a value is missing"));
  if (n == 0 && place == 0)
    return fail (machine, _ ("a mark is missing"));
  *from = place;
  *base = n == 0 ? place - 1 : place;
  return TRUE;
}

static gboolean
append (Machine *machine, AtlPickleValue *container, AtlPickleValue *item)
{
  if (!charge (machine, 1))
    return FALSE;
  if (container->items == NULL)
    container->items = g_ptr_array_new ();
  g_ptr_array_add (container->items, item);
  return TRUE;
}

/* Moves the stack's values from `from` on into the container, and leaves a
 * stack of height `base`. */
static gboolean
gather (Machine *machine, AtlPickleValue *container, guint from, guint base)
{
  for (guint i = from; i < machine->stack->len; i++)
    if (!append (machine, container, g_ptr_array_index (machine->stack, i)))
      return FALSE;
  g_ptr_array_set_size (machine->stack, (int)base);
  return TRUE;
}

/* The next n bytes, or NULL. */
static const guint8 *
take (Machine *machine, guint64 n)
{
  const guint8 *at = machine->at;

  if (n > (guint64)(machine->end - at))
    {
      fail (machine, _ ("it is cut off"));
      return NULL;
    }
  machine->at += n;
  return at;
}

/* A little-endian number of n <= 8 bytes. */
static gboolean
take_number (Machine *machine, int n, guint64 *number)
{
  const guint8 *at = take (machine, (guint64)n);

  if (at == NULL)
    return FALSE;
  *number = 0;
  for (int i = n; i > 0; i--)
    *number = *number << 8 | at[i - 1];
  return TRUE;
}

/* The opcodes; `argument` is the table's. */

static gboolean
op_protocol (Machine *machine, int argument)
{
  guint64 protocol;

  if (!take_number (machine, 1, &protocol))
    return FALSE;
  if (protocol >= 2 && protocol <= 5)
    return TRUE;
  return fail (machine, _ ("an unknown protocol"));
}

static gboolean
op_frame (Machine *machine, int argument)
{
  guint64 size;

  return take_number (machine, 8, &size);
}

static gboolean
op_stop (Machine *machine, int argument)
{
  machine->stopped = TRUE;
  return peek (machine) != NULL;
}

static gboolean
op_none (Machine *machine, int argument)
{
  return push (machine, ATL_PICKLE_NONE) != NULL;
}

static gboolean
op_bool (Machine *machine, int argument)
{
  AtlPickleValue *value = push (machine, ATL_PICKLE_BOOL);

  if (value == NULL)
    return FALSE;
  value->integer = argument;
  return TRUE;
}

/* argument: bytes; only the longest form has a sign. */
static gboolean
op_int (Machine *machine, int argument)
{
  AtlPickleValue *value;
  guint64 number;

  if (!take_number (machine, argument, &number))
    return FALSE;
  value = push (machine, ATL_PICKLE_INT);
  if (value == NULL)
    return FALSE;
  value->integer = argument == 4 ? (gint32)(guint32)number : (gint64)number;
  return TRUE;
}

/* argument: bytes of the length.  Two's complement. */
static gboolean
op_long (Machine *machine, int argument)
{
  AtlPickleValue *value;
  guint64 size, number = 0;
  const guint8 *at;

  if (!take_number (machine, argument, &size))
    return FALSE;
  at = take (machine, size);
  value = at != NULL ? push (machine, ATL_PICKLE_LONG) : NULL;
  if (value == NULL)
    return FALSE;
  if (size > 8)
    {
      value->text = (const char *)at;
      value->size = size;
      return TRUE;
    }
  if (size > 0 && at[size - 1] >= 0x80)
    number = G_MAXUINT64;
  for (guint64 i = size; i > 0; i--)
    number = number << 8 | at[i - 1];
  value->kind = ATL_PICKLE_INT;
  value->integer = (gint64)number;
  return TRUE;
}

static gboolean
op_float (Machine *machine, int argument)
{
  AtlPickleValue *value;
  const guint8 *at = take (machine, 8);
  guint64 bits;

  if (at == NULL)
    return FALSE;
  value = push (machine, ATL_PICKLE_FLOAT);
  if (value == NULL)
    return FALSE;
  memcpy (&bits, at, 8);
  bits = GUINT64_FROM_BE (bits);
  memcpy (&value->real, &bits, 8);
  return TRUE;
}

static gboolean
push_text (Machine *machine, AtlPickleKind kind, int length_bytes)
{
  AtlPickleValue *value;
  const guint8 *at;
  guint64 size;

  if (!take_number (machine, length_bytes, &size))
    return FALSE;
  at = take (machine, size);
  value = at != NULL ? push (machine, kind) : NULL;
  if (value == NULL)
    return FALSE;
  value->text = (const char *)at;
  value->size = size;
  return TRUE;
}

static gboolean
op_text (Machine *machine, int argument)
{
  return push_text (machine, ATL_PICKLE_TEXT, argument);
}

static gboolean
op_bytes (Machine *machine, int argument)
{
  return push_text (machine, ATL_PICKLE_BYTES, argument);
}

static gboolean
op_empty (Machine *machine, int argument)
{
  return push (machine, (AtlPickleKind)argument) != NULL;
}

static gboolean
op_mark (Machine *machine, int argument)
{
  if (!charge (machine, 1))
    return FALSE;
  g_ptr_array_add (machine->stack, NULL);
  return TRUE;
}

/* argument: how many items; 0: those above the mark. */
static gboolean
op_tuple (Machine *machine, int argument)
{
  AtlPickleValue *tuple;
  guint from, base;

  if (!select_items (machine, argument, &from, &base))
    return FALSE;
  tuple = new_value (machine, ATL_PICKLE_TUPLE);
  if (tuple == NULL || !gather (machine, tuple, from, base))
    return FALSE;
  g_ptr_array_add (machine->stack, tuple);
  return TRUE;
}

/* As op_tuple, but into the list or dict below the items. */
static gboolean
op_extend (Machine *machine, int argument)
{
  AtlPickleValue *container;
  guint from, base;

  if (!select_items (machine, argument, &from, &base))
    return FALSE;
  container = base > 0 ? g_ptr_array_index (machine->stack, base - 1) : NULL;
  if (container == NULL
      || (container->kind != ATL_PICKLE_LIST && container->kind != ATL_PICKLE_DICT))
    return fail (machine, _ ("items without a list or dict"));
  if (container->kind == ATL_PICKLE_DICT && (machine->stack->len - from) % 2 != 0)
    return fail (machine, _ ("a key without a value"));
  return gather (machine, container, from, base);
}

static gboolean
op_pop (Machine *machine, int argument)
{
  if (machine->stack->len == 0)
    return fail (machine, _ ("a value is missing"));
  g_ptr_array_set_size (machine->stack, (int)machine->stack->len - 1);
  return TRUE;
}

static gboolean
op_pop_mark (Machine *machine, int argument)
{
  guint from, base;

  if (!select_items (machine, 0, &from, &base))
    return FALSE;
  g_ptr_array_set_size (machine->stack, (int)base);
  return TRUE;
}

/* argument: bytes of the index; 0: the next free one. */
static gboolean
op_put (Machine *machine, int argument)
{
  guint64 index = g_hash_table_size (machine->memo);
  AtlPickleValue *value = peek (machine);

  if (value == NULL || (argument > 0 && !take_number (machine, argument, &index))
      || !charge (machine, 1))
    return FALSE;
  g_hash_table_insert (machine->memo, GUINT_TO_POINTER ((guint)index), value);
  return TRUE;
}

static gboolean
op_get (Machine *machine, int argument)
{
  AtlPickleValue *value;
  guint64 index;

  if (!take_number (machine, argument, &index) || !charge (machine, 1))
    return FALSE;
  value = g_hash_table_lookup (machine->memo, GUINT_TO_POINTER ((guint)index));
  if (value == NULL)
    return fail (machine, _ ("a value is remembered that never was"));
  g_ptr_array_add (machine->stack, value);
  return TRUE;
}

/* Globals. */

static gboolean
push_global (Machine *machine, const char *module, gsize module_size,
             const char *name, gsize name_size)
{
  g_autofree char *full = NULL;
  g_autofree char *text = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (globals); i++)
    if (strlen (globals[i].module) == module_size
        && strlen (globals[i].name) == name_size
        && memcmp (globals[i].module, module, module_size) == 0
        && memcmp (globals[i].name, name, name_size) == 0)
      {
        AtlPickleValue *value = push (machine, ATL_PICKLE_GLOBAL);

        if (value != NULL)
          value->global = &globals[i];
        return value != NULL;
      }
  full = g_strdup_printf ("%.*s.%.*s", (int)MIN (module_size, MAX_GLOBAL), module,
                          (int)MIN (name_size, MAX_GLOBAL), name);
  text = atl_display_text (full);
  g_set_error (
      machine->error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
      _ ("%s asks for %s, which no state_dict needs; it was not run. Save the "
         "network's state_dict alone"),
      machine->file, text);
  return FALSE;
}

/* Up to a line's end, which is taken too. */
static const char *
take_line (Machine *machine, gsize *size)
{
  const guint8 *at = machine->at;
  gsize left = (gsize)(machine->end - at);
  const guint8 *line_end = memchr (at, '\n', MIN (left, MAX_GLOBAL + 1));

  if (line_end == NULL)
    {
      fail (machine, _ ("a name without an end"));
      return NULL;
    }
  *size = (gsize)(line_end - at);
  machine->at = line_end + 1;
  return (const char *)at;
}

static gboolean
op_global (Machine *machine, int argument)
{
  gsize module_size, name_size;
  const char *module = take_line (machine, &module_size);
  const char *name = module != NULL ? take_line (machine, &name_size) : NULL;

  return name != NULL
         && push_global (machine, module, module_size, name, name_size);
}

static gboolean
op_stack_global (Machine *machine, int argument)
{
  const AtlPickleValue *name = pop (machine);
  const AtlPickleValue *module = name != NULL ? pop (machine) : NULL;

  if (module == NULL)
    return FALSE;
  if (name->kind != ATL_PICKLE_TEXT || module->kind != ATL_PICKLE_TEXT)
    return fail (machine, _ ("a global without a name"));
  return push_global (machine, module->text, module->size, name->text, name->size);
}

static gboolean
op_persistent (Machine *machine, int argument)
{
  AtlPickleValue *identity = pop (machine);
  AtlPickleValue *value
      = identity != NULL ? push (machine, ATL_PICKLE_PERSISTENT) : NULL;

  if (value != NULL)
    value->argument = identity;
  return value != NULL;
}

/* OrderedDict () or, from Python 2, OrderedDict ([[key, value], ...]). */
static gboolean
call_ordered_dict (Machine *machine, const AtlPickleValue *arguments)
{
  const AtlPickleValue *pairs = atl_pickle_item (arguments, 0);
  AtlPickleValue *dict = push (machine, ATL_PICKLE_DICT);

  if (dict == NULL)
    return FALSE;
  for (guint i = 0; i < atl_pickle_n_items (pairs); i++)
    {
      const AtlPickleValue *pair = atl_pickle_item (pairs, i);

      if (atl_pickle_n_items (pair) != 2)
        return fail (machine, _ ("a key without a value"));
      if (!append (machine, dict, g_ptr_array_index (pair->items, 0))
          || !append (machine, dict, g_ptr_array_index (pair->items, 1)))
        return FALSE;
    }
  return TRUE;
}

/* REDUCE and NEWOBJ. */
static gboolean
op_call (Machine *machine, int argument)
{
  AtlPickleValue *arguments = pop (machine);
  const AtlPickleValue *callee = arguments != NULL ? pop (machine) : NULL;
  AtlPickleValue *value;

  if (callee == NULL)
    return FALSE;
  if (callee->kind != ATL_PICKLE_GLOBAL || arguments->kind != ATL_PICKLE_TUPLE)
    return fail (machine, _ ("a call of what can't be called"));
  if (callee->global->role == ATL_PICKLE_ORDERED_DICT)
    return call_ordered_dict (machine, arguments);
  if (callee->global->role == ATL_PICKLE_SIZE)
    {
      g_ptr_array_add (machine->stack, arguments);
      return charge (machine, 1);
    }
  value = push (machine, ATL_PICKLE_CALL);
  if (value == NULL)
    return FALSE;
  value->global = callee->global;
  value->argument = arguments;
  return TRUE;
}

/* Attributes (a state_dict's _metadata): nothing that is needed here. */
static gboolean
op_build (Machine *machine, int argument)
{
  return pop (machine) != NULL && peek (machine) != NULL;
}

static const struct
{
  gboolean (*run) (Machine *machine, int argument);
  int argument;
} opcodes[256] = {
  [0x80] = { op_protocol },
  [0x95] = { op_frame },
  ['.'] = { op_stop },
  ['N'] = { op_none },
  [0x88] = { op_bool, 1 },
  [0x89] = { op_bool, 0 },
  ['K'] = { op_int, 1 },
  ['M'] = { op_int, 2 },
  ['J'] = { op_int, 4 },
  [0x8a] = { op_long, 1 },
  [0x8b] = { op_long, 4 },
  ['G'] = { op_float },
  ['X'] = { op_text, 4 },
  [0x8c] = { op_text, 1 },
  [0x8d] = { op_text, 8 },
  ['U'] = { op_text, 1 },
  ['T'] = { op_text, 4 },
  ['B'] = { op_bytes, 4 },
  ['C'] = { op_bytes, 1 },
  [0x8e] = { op_bytes, 8 },
  [0x96] = { op_bytes, 8 },
  [')'] = { op_empty, ATL_PICKLE_TUPLE },
  [']'] = { op_empty, ATL_PICKLE_LIST },
  ['}'] = { op_empty, ATL_PICKLE_DICT },
  [0x8f] = { op_empty, ATL_PICKLE_LIST },
  ['('] = { op_mark },
  ['t'] = { op_tuple, 0 },
  [0x85] = { op_tuple, 1 },
  [0x86] = { op_tuple, 2 },
  [0x87] = { op_tuple, 3 },
  [0x91] = { op_tuple, 0 },
  ['a'] = { op_extend, 1 },
  ['s'] = { op_extend, 2 },
  ['e'] = { op_extend, 0 },
  ['u'] = { op_extend, 0 },
  [0x90] = { op_extend, 0 },
  ['0'] = { op_pop },
  ['1'] = { op_pop_mark },
  ['q'] = { op_put, 1 },
  ['r'] = { op_put, 4 },
  [0x94] = { op_put, 0 },
  ['h'] = { op_get, 1 },
  ['j'] = { op_get, 4 },
  ['c'] = { op_global },
  [0x93] = { op_stack_global },
  ['Q'] = { op_persistent },
  ['R'] = { op_call },
  [0x81] = { op_call },
  ['b'] = { op_build },
};

static gboolean
run (Machine *machine)
{
  while (!machine->stopped)
    {
      const guint8 *opcode = take (machine, 1);

      if (opcode == NULL)
        return FALSE;
      if (opcodes[*opcode].run == NULL)
        {
          g_set_error (
              machine->error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
              _ ("%s holds the pickle opcode 0x%02x, which no state_dict needs"),
              machine->file, *opcode);
          return FALSE;
        }
      if (!opcodes[*opcode].run (machine, opcodes[*opcode].argument))
        return FALSE;
    }
  return TRUE;
}

static void
value_free (gpointer data)
{
  AtlPickleValue *value = data;

  if ((value->kind == ATL_PICKLE_TUPLE || value->kind == ATL_PICKLE_LIST
       || value->kind == ATL_PICKLE_DICT)
      && value->items != NULL)
    g_ptr_array_unref (value->items);
  g_free (value);
}

AtlPickle *
atl_pickle_read (const guint8 *bytes, gsize size, const char *file, GError **error)
{
  Machine machine
      = { .start = bytes, .at = bytes, .end = bytes + size, .file = file };
  AtlPickle *pickle = NULL;

  machine.error = error;
  machine.values = g_ptr_array_new_with_free_func (value_free);
  machine.stack = g_ptr_array_new ();
  machine.memo = g_hash_table_new (NULL, NULL);
  if (run (&machine))
    {
      pickle = g_new0 (AtlPickle, 1);
      pickle->root = g_ptr_array_index (machine.stack, machine.stack->len - 1);
      pickle->used = (gsize)(machine.at - machine.start);
      pickle->values = g_steal_pointer (&machine.values);
    }
  g_clear_pointer (&machine.values, g_ptr_array_unref);
  g_ptr_array_unref (machine.stack);
  g_hash_table_unref (machine.memo);
  return pickle;
}

void
atl_pickle_free (AtlPickle *pickle)
{
  if (pickle == NULL)
    return;
  g_ptr_array_unref (pickle->values);
  g_free (pickle);
}

guint
atl_pickle_n_items (const AtlPickleValue *value)
{
  gboolean container
      = value != NULL
        && (value->kind == ATL_PICKLE_TUPLE || value->kind == ATL_PICKLE_LIST
            || value->kind == ATL_PICKLE_DICT);

  return container && value->items != NULL ? value->items->len : 0;
}

const AtlPickleValue *
atl_pickle_item (const AtlPickleValue *value, guint i)
{
  return i < atl_pickle_n_items (value) ? g_ptr_array_index (value->items, i)
                                        : NULL;
}

gboolean
atl_pickle_is_text (const AtlPickleValue *value, const char *text)
{
  return value != NULL && value->kind == ATL_PICKLE_TEXT
         && value->size == strlen (text)
         && memcmp (value->text, text, value->size) == 0;
}

gboolean
atl_pickle_get_int (const AtlPickleValue *value, gint64 *integer)
{
  if (value == NULL || value->kind != ATL_PICKLE_INT)
    return FALSE;
  *integer = value->integer;
  return TRUE;
}
