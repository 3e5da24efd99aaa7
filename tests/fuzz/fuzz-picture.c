/* Any bytes as a picture: PNG, JPEG, TIFF, WebP, told by the first bytes.  What
 * is read has the size that looking at the header alone says. */

#include "files/picture.h"
#include "fuzz.h"

/* Valid files of one colour may be large; decoding them here only costs time. */
#define MAX_PIXELS (4 << 20)

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  FuzzFile file = fuzz_file_open (data, size);
  g_autoptr (AtlPicture) picture = NULL;
  GError *error = NULL;
  int width = 0, height = 0;
  gboolean probed = atl_picture_probe (file.path, &width, &height, &error);

  fuzz_file_close (&file);
  if (!probed)
    fuzz_check_error (&error);
  else if ((gint64)width * height > MAX_PIXELS)
    return 0;
  picture = atl_picture_parse (bytes, "input", &error);
  if (picture == NULL)
    fuzz_check_error (&error);
  else
    {
      gsize n = (gsize)picture->width * 4;
      g_autofree float *row = g_new (float, n);

      g_assert_true (probed);
      g_assert_cmpint (picture->width, ==, width);
      g_assert_cmpint (picture->height, ==, height);
      for (int y = 0; y < picture->height; y++)
        {
          atl_picture_get (picture, 0, y, picture->width, 1, 4, row, 4, n);
          for (gsize i = 0; i < n; i++)
            g_assert_true (row[i] >= 0.0f && row[i] <= 1.0f);
        }
    }
  return 0;
}
