/* The error domain of core; see error.h. */

#include "base/error.h"

G_DEFINE_QUARK (atelier-error-quark, atelier_error)
