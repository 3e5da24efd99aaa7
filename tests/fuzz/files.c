/* Inputs as files; see fuzz.h. */

#define _GNU_SOURCE /* memfd_create */

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

FuzzFile
fuzz_file_open (const uint8_t *data, size_t size)
{
  FuzzFile file = { .fd = memfd_create ("input", MFD_CLOEXEC) };

  g_assert_cmpint (file.fd, >=, 0);
  for (size_t at = 0; at < size;)
    {
      ssize_t n = write (file.fd, data + at, size - at);

      g_assert_cmpint (n, >, 0);
      at += (size_t)n;
    }
  file.path = g_strdup_printf ("/proc/self/fd/%d", file.fd);
  return file;
}

void
fuzz_file_close (FuzzFile *file)
{
  close (file->fd);
  g_clear_pointer (&file->path, g_free);
}
