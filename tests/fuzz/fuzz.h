/* What a fuzz target is: a function that libFuzzer (tests/fuzz/run) or the
 * replaying program (replay.c) calls with the bytes of one input.  It must
 * return whatever the bytes are; a broken promise ends in g_assert. */

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* The bytes as a file that can be opened by its name; close with
 * fuzz_file_close. */
typedef struct
{
  int   fd;
  char *path;
} FuzzFile;

FuzzFile fuzz_file_open  (const uint8_t *data, size_t size);
void     fuzz_file_close (FuzzFile *file);

/* What was refused: an error of ours, one line of valid text. */
static inline void
fuzz_check_error (GError **error)
{
  g_assert_nonnull (*error);
  g_assert_true ((*error)->domain == ATELIER_ERROR);
  g_assert_true (g_utf8_validate ((*error)->message, -1, NULL));
  g_assert_null (strchr ((*error)->message, '\n'));
  g_clear_error (error);
}
