/* Python's pickles (protocols 2 to 5) as plain values; nothing is ever run.
 *
 * The machine knows the opcodes that torch.save writes for a state_dict, and
 * the globals in a short list of its own.  A call of one of them is kept as
 * data (a CALL with its arguments) for the reader of checkpoints to make sense
 * of; only OrderedDict and Size become what they stand for.  Any other global
 * ends the reading with its name.  Memory is bounded by a fixed number of
 * values, and no step recurses.
 */

#pragma once

#include "base/error.h"
#include "base/tensor.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_PICKLE_NONE,
  ATL_PICKLE_BOOL,
  ATL_PICKLE_INT,
  ATL_PICKLE_LONG, /* too large for an INT: little-endian bytes */
  ATL_PICKLE_FLOAT,
  ATL_PICKLE_TEXT, /* str, and Python 2's strings */
  ATL_PICKLE_BYTES,
  ATL_PICKLE_TUPLE,
  ATL_PICKLE_LIST, /* and set */
  ATL_PICKLE_DICT, /* items: key, value, key, value ... */
  ATL_PICKLE_GLOBAL,
  ATL_PICKLE_CALL,      /* of `global`, with the TUPLE `argument` */
  ATL_PICKLE_PERSISTENT /* with the identity `argument` */
} AtlPickleKind;

typedef enum
{
  ATL_PICKLE_ORDERED_DICT,
  ATL_PICKLE_SIZE,
  ATL_PICKLE_TENSOR, /* _rebuild_tensor and _rebuild_tensor_v2 */
  ATL_PICKLE_PARAMETER,
  ATL_PICKLE_STORAGE
} AtlPickleRole;

typedef struct
{
  const char   *module, *name;
  AtlPickleRole role;
  int           type; /* of a STORAGE: AtlType, or -1: none of ours */
  guint         size; /* bytes an element of a STORAGE */
} AtlPickleGlobal;

typedef struct _AtlPickleValue AtlPickleValue;

struct _AtlPickleValue
{
  AtlPickleKind kind;
  union
  {
    gint64 integer;
    double real;
    struct
    {
      const char *text; /* in the pickle's bytes; not ended by '\0' */
      gsize       size;
    };
    GPtrArray *items; /* AtlPickleValue, borrowed; NULL: none */
    struct
    {
      const AtlPickleGlobal *global;
      AtlPickleValue        *argument;
    };
  };
};

typedef struct
{
  AtlPickleValue *root;
  gsize           used;   /* bytes, up to and with the STOP */
  GPtrArray      *values; /* every value that was made; owns them */
} AtlPickle;

/* The pickle at the start of bytes[0..size-1], which must outlive it.  file:
 * for messages.  NULL with ATELIER_ERROR_FORMAT, or _UNSUPPORTED for globals
 * and opcodes that are not on the lists. */
AtlPickle *atl_pickle_read (const guint8 *bytes, gsize size, const char *file,
                            GError **error);
void       atl_pickle_free (AtlPickle *pickle);

guint                 atl_pickle_n_items (const AtlPickleValue *value);
/* NULL if there are fewer items or the value has none. */
const AtlPickleValue *atl_pickle_item    (const AtlPickleValue *value, guint i);
gboolean              atl_pickle_is_text (const AtlPickleValue *value,
                                          const char           *text);
/* FALSE unless `value` is an INT (NULL is none). */
gboolean              atl_pickle_get_int (const AtlPickleValue *value,
                                          gint64               *integer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlPickle, atl_pickle_free)

G_END_DECLS
