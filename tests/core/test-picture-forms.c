/* Picture files of the kinds that Atelier does not write: palettes, ink, tiles,
 * planes, single bits, other byte orders. */

#include "files/picture.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include <png.h>
#include <tiffio.h>

#include "icc.h"
#include "scratch.h"

#define W 37
#define H 21

static AtlPicture *
load (const char *path)
{
  GError *error = NULL;
  AtlPicture *picture = atl_picture_load (path, &error);

  g_assert_no_error (error);
  g_assert_cmpint (picture->width, ==, W);
  g_assert_cmpint (picture->height, ==, H);
  return picture;
}

static int
u8 (const AtlPicture *picture, int x, int y, int sample)
{
  int samples = picture->channels + picture->has_alpha;

  g_assert_cmpint (picture->depth, ==, ATL_DEPTH_U8);
  return picture
      ->pixels[(gsize)y * picture->row_bytes + (gsize)(x * samples + sample)];
}

/* The value of the test's own pictures, 8 bits. */
static int
value (int x, int y, int c)
{
  return (x * 5 + y * 3 + c * 50) % 256;
}

/* TIFF. */

typedef struct
{
  const char *mode; /* "w", "wb" (big-endian), "w8" (BigTIFF) */
  int samples, bits, format, photometric, planar, compression, extra;
  int tile; /* 0: strips of 4 rows */
} Form;

static TIFF *
open_tiff (const char *path, const Form *form)
{
  TIFF *tiff = TIFFOpen (path, form->mode);
  guint16 extra = (guint16)(form->extra - 1);

  g_assert_nonnull (tiff);
  TIFFSetField (tiff, TIFFTAG_IMAGEWIDTH, W);
  TIFFSetField (tiff, TIFFTAG_IMAGELENGTH, H);
  TIFFSetField (tiff, TIFFTAG_SAMPLESPERPIXEL, form->samples);
  TIFFSetField (tiff, TIFFTAG_BITSPERSAMPLE, form->bits);
  TIFFSetField (tiff, TIFFTAG_SAMPLEFORMAT, form->format);
  TIFFSetField (tiff, TIFFTAG_PHOTOMETRIC, form->photometric);
  TIFFSetField (tiff, TIFFTAG_PLANARCONFIG, form->planar);
  TIFFSetField (tiff, TIFFTAG_COMPRESSION, form->compression);
  if (form->extra > 0)
    TIFFSetField (tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
  if (form->tile > 0)
    {
      TIFFSetField (tiff, TIFFTAG_TILEWIDTH, form->tile);
      TIFFSetField (tiff, TIFFTAG_TILELENGTH, form->tile);
    }
  else
    TIFFSetField (tiff, TIFFTAG_ROWSPERSTRIP, 4);
  return tiff;
}

/* value() in the form's own depth. */
static void
put (const Form *form, void *row, int i, int number)
{
  if (form->bits == 8)
    ((guint8 *)row)[i] = (guint8)number;
  else if (form->bits == 16)
    ((guint16 *)row)[i] = (guint16)(number * 257);
  else
    ((float *)row)[i] = (float)number / 255.0f;
}

/* Writes value() in every sample, in whatever order the form asks for. */
static void
write_tiff (const char *path, const Form *form)
{
  TIFF *tiff = open_tiff (path, form);
  gboolean apart = form->planar == PLANARCONFIG_SEPARATE;
  int planes = apart ? form->samples : 1, together = apart ? 1 : form->samples;
  int step = form->tile > 0 ? form->tile : 1;
  int width = form->tile > 0 ? form->tile : W;
  g_autofree float *block = g_new0 (float, (gsize)(width * step * together));

  for (int plane = 0; plane < planes; plane++)
    for (int y = 0; y < H; y += step)
      for (int x = 0; x < W; x += width)
        {
          for (int i = 0; i < width * step; i++)
            for (int s = 0; s < together; s++)
              put (form, block, i * together + s,
                   value (x + i % width, y + i / width, plane + s));
          if (form->tile > 0)
            g_assert_cmpint (TIFFWriteTile (tiff, block, (guint32)x, (guint32)y, 0,
                                            (guint16)plane),
                             >, 0);
          else
            g_assert_cmpint (
                TIFFWriteScanline (tiff, block, (guint32)y, (guint16)plane), >, 0);
        }
  TIFFClose (tiff);
}

static void
check_tiff (const Form *form, int channels, gboolean alpha)
{
  g_autofree char *path = scratch_path ("a.tif");
  g_autoptr (AtlPicture) picture = NULL;
  int samples = channels + alpha;
  float pixels[4 * W];

  write_tiff (path, form);
  picture = load (path);
  g_assert_cmpint (picture->channels, ==, channels);
  g_assert_cmpint (picture->has_alpha, ==, alpha);
  g_assert_cmpint (picture->depth, ==,
                   form->bits == 8    ? ATL_DEPTH_U8
                   : form->bits == 16 ? ATL_DEPTH_U16
                                      : ATL_DEPTH_FLOAT);
  for (int y = 0; y < H; y++)
    {
      atl_picture_get (picture, 0, y, W, 1, samples, pixels, (gsize)samples, 0);
      for (int i = 0; i < W * samples; i++)
        {
          int expected = value (i / samples, y, i % samples);

          if (form->photometric == PHOTOMETRIC_MINISWHITE && i % samples == 0)
            expected = 255 - expected;
          g_assert_cmpfloat_with_epsilon (pixels[i], (float)expected / 255.0f,
                                          1e-5f);
        }
    }
  scratch_empty ();
}

static void
test_tiff_layouts (void)
{
  static const int modes = 3, layouts = 4, depths = 3;
  static const char *const mode_names[] = { "w", "wb", "w8" };

  for (int i = 0; i < modes * layouts * depths; i++)
    {
      int layout = i / modes % layouts, depth = i / modes / layouts;
      Form form
          = { .mode = mode_names[i % modes],
              .bits = 8 << depth,
              .format = depth == 2 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT,
              .compression = i % 2 ? COMPRESSION_LZW : COMPRESSION_NONE,
              .planar = layout % 2 ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG,
              .tile = layout / 2 * 16 };

      form.samples = 3;
      form.photometric = PHOTOMETRIC_RGB;
      check_tiff (&form, 3, FALSE);
      form.samples = 1;
      form.photometric = PHOTOMETRIC_MINISBLACK;
      check_tiff (&form, 1, FALSE);
      form.photometric = PHOTOMETRIC_MINISWHITE;
      check_tiff (&form, 1, FALSE);
      form.samples = 4;
      form.photometric = PHOTOMETRIC_RGB;
      form.extra = EXTRASAMPLE_UNASSALPHA + 1;
      check_tiff (&form, 3, TRUE);
      form.samples = 2;
      form.photometric = PHOTOMETRIC_MINISWHITE;
      check_tiff (&form, 1, TRUE);
    }
}

static void
test_tiff_alpha_is_unmultiplied (void)
{
  Form form = { "w",
                4,
                16,
                SAMPLEFORMAT_UINT,
                PHOTOMETRIC_RGB,
                PLANARCONFIG_CONTIG,
                COMPRESSION_NONE,
                EXTRASAMPLE_ASSOCALPHA + 1,
                0 };
  g_autofree char *path = scratch_path ("a.tif");
  TIFF *tiff = open_tiff (path, &form);
  g_autoptr (AtlPicture) picture = NULL;
  guint16 row[4 * W];
  float out[4 * W];

  for (int x = 0; x < W; x++)
    {
      int alpha = x * 65535 / (W - 1);

      for (int c = 0; c < 3; c++)
        row[4 * x + c] = (guint16)(alpha * (c + 1) / 4);
      row[4 * x + 3] = (guint16)alpha;
    }
  for (guint32 y = 0; y < H; y++)
    TIFFWriteScanline (tiff, row, y, 0);
  TIFFClose (tiff);
  picture = load (path);
  atl_picture_get (picture, 0, 5, W, 1, 4, out, 4, 0);
  for (int x = 1; x < W; x++)
    for (int c = 0; c < 3; c++)
      g_assert_cmpfloat_with_epsilon (out[4 * x + c], (float)(c + 1) / 4.0f, 1e-3f);
  g_assert_cmpfloat (out[0], ==, 0.0f);
  scratch_empty ();
}

static void
test_tiff_palette (void)
{
  Form form = { "w",
                1,
                8,
                SAMPLEFORMAT_UINT,
                PHOTOMETRIC_PALETTE,
                PLANARCONFIG_CONTIG,
                COMPRESSION_LZW,
                0,
                0 };
  g_autofree char *path = scratch_path ("a.tif");
  TIFF *tiff = open_tiff (path, &form);
  g_autoptr (AtlPicture) picture = NULL;
  guint16 map[3][256];
  guint8 row[W];

  for (int i = 0; i < 256; i++)
    for (int c = 0; c < 3; c++)
      map[c][i] = (guint16)((i * (c + 3) % 256) * 257);
  TIFFSetField (tiff, TIFFTAG_COLORMAP, map[0], map[1], map[2]);
  for (int y = 0; y < H; y++)
    {
      for (int x = 0; x < W; x++)
        row[x] = (guint8)value (x, y, 0);
      TIFFWriteScanline (tiff, row, (guint32)y, 0);
    }
  TIFFClose (tiff);
  picture = load (path);
  g_assert_cmpint (picture->channels, ==, 3);
  g_assert_false (picture->has_alpha);
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++)
      for (int c = 0; c < 3; c++)
        g_assert_cmpint (u8 (picture, x, y, c), ==,
                         value (x, y, 0) * (c + 3) % 256);
  scratch_empty ();
}

static void
test_tiff_single_bits (void)
{
  for (int white = 0; white < 2; white++)
    {
      Form form = {
        "w", 1, 1, SAMPLEFORMAT_UINT, 0, PLANARCONFIG_CONTIG, COMPRESSION_CCITTFAX4,
        0,   0
      };
      g_autofree char *path = scratch_path ("a.tif");
      g_autoptr (AtlPicture) picture = NULL;
      guint8 row[(W + 7) / 8] = { 0xa5, 0x0f, 0xff, 0x00, 0x80 };
      TIFF *tiff;

      form.photometric = white ? PHOTOMETRIC_MINISWHITE : PHOTOMETRIC_MINISBLACK;
      tiff = open_tiff (path, &form);
      for (guint32 y = 0; y < H; y++)
        {
          guint8 copy[sizeof row];

          memcpy (copy, row, sizeof row);
          TIFFWriteScanline (tiff, copy, y, 0);
        }
      TIFFClose (tiff);
      picture = load (path);
      g_assert_cmpint (picture->channels, ==, 1);
      for (int x = 0; x < W; x++)
        g_assert_cmpint (u8 (picture, x, H - 1, 0), ==,
                         (row[x / 8] >> (7 - x % 8) & 1) != white ? 255 : 0);
      scratch_empty ();
    }
}

/* YCbCr in JPEG compression: read as RGB, and near. */
static void
test_tiff_jpeg (void)
{
  Form form = { "w",
                3,
                8,
                SAMPLEFORMAT_UINT,
                PHOTOMETRIC_YCBCR,
                PLANARCONFIG_CONTIG,
                COMPRESSION_JPEG,
                0,
                0 };
  g_autofree char *path = scratch_path ("a.tif");
  TIFF *tiff = open_tiff (path, &form);
  g_autoptr (AtlPicture) picture = NULL;
  guint8 row[3 * W];

  TIFFSetField (tiff, TIFFTAG_ROWSPERSTRIP, 16);
  TIFFSetField (tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  for (guint32 y = 0; y < H; y++)
    {
      for (int i = 0; i < 3 * W; i++)
        row[i] = (guint8)(60 + 70 * (i % 3));
      TIFFWriteScanline (tiff, row, y, 0);
    }
  TIFFClose (tiff);
  picture = load (path);
  for (int c = 0; c < 3; c++)
    g_assert_cmpint (ABS (u8 (picture, 20, 10, c) - (60 + 70 * c)), <=, 4);
  scratch_empty ();
}

static void
test_tiff_refuses_by_name (void)
{
  Form form = { "w",
                1,
                32,
                SAMPLEFORMAT_INT,
                PHOTOMETRIC_MINISBLACK,
                PLANARCONFIG_CONTIG,
                COMPRESSION_NONE,
                0,
                0 };
  g_autofree char *path = scratch_path ("a.tif");
  GError *error = NULL;

  write_tiff (path, &form);
  g_assert_null (atl_picture_load (path, &error));
  assert_message (&error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                  "a.tif is a kind of TIFF that can't be read");
  scratch_empty ();
}

/* Ink. */

static void
test_tiff_ink (void)
{
  for (int bits = 8; bits <= 16; bits += 8)
    {
      Form form = { "w",
                    5,
                    bits,
                    SAMPLEFORMAT_UINT,
                    PHOTOMETRIC_SEPARATED,
                    PLANARCONFIG_CONTIG,
                    COMPRESSION_NONE,
                    EXTRASAMPLE_UNASSALPHA + 1,
                    0 };
      g_autofree char *path = scratch_path ("a.tif");
      g_autoptr (AtlPicture) picture = NULL;
      float out[4 * W];

      write_tiff (path, &form);
      picture = load (path);
      g_assert_cmpint (picture->channels, ==, 3);
      g_assert_true (picture->has_alpha);
      atl_picture_get (picture, 0, 3, W, 1, 4, out, 4, 0);
      for (int x = 0; x < W; x++)
        {
          float paper = 1.0f - (float)value (x, 3, 3) / 255.0f;

          for (int c = 0; c < 3; c++)
            g_assert_cmpfloat_with_epsilon (
                out[4 * x + c], (1.0f - (float)value (x, 3, c) / 255.0f) * paper,
                0.004f);
          g_assert_cmpfloat_with_epsilon (out[4 * x + 3],
                                          (float)value (x, 3, 4) / 255.0f, 1e-5f);
        }
      scratch_empty ();
    }
}

/* A profile in which ink makes a colour that the plain formula does not: CMYK
 * to Lab through a table of 2^4 entries. */
static GBytes *
make_ink_profile (void)
{
  cmsHPROFILE profile = cmsCreateProfilePlaceholder (NULL);
  cmsPipeline *pipeline = cmsPipelineAlloc (NULL, 4, 3);
  cmsUInt16Number table[16 * 3];

  for (int i = 0; i < 16; i++)
    {
      /* Lab of ICC version 4: lightness falls with every ink, no colour. */
      int inks = (i & 1) + (i >> 1 & 1) + (i >> 2 & 1) + (i >> 3 & 1);

      table[3 * i] = (cmsUInt16Number)(65535 - inks * 16000);
      table[3 * i + 1] = table[3 * i + 2] = 0x8080;
    }
  cmsPipelineInsertStage (pipeline, cmsAT_END,
                          cmsStageAllocToneCurves (NULL, 4, NULL));
  cmsPipelineInsertStage (pipeline, cmsAT_END,
                          cmsStageAllocCLut16bit (NULL, 2, 4, 3, table));
  cmsPipelineInsertStage (pipeline, cmsAT_END,
                          cmsStageAllocToneCurves (NULL, 3, NULL));
  cmsSetProfileVersion (profile, 4.3);
  cmsSetDeviceClass (profile, cmsSigOutputClass);
  cmsSetColorSpace (profile, cmsSigCmykData);
  cmsSetPCS (profile, cmsSigLabData);
  g_assert_true (cmsWriteTag (profile, cmsSigAToB0Tag, pipeline));
  cmsPipelineFree (pipeline);
  return icc_take (profile);
}

/* CMYK as Photoshop writes it: an Adobe marker, and all samples inverted. */
static void
write_ink_jpeg (const char *path, GBytes *icc)
{
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  FILE *file = fopen (path, "wb");
  guint8 row[4 * W];

  jpeg.err = jpeg_std_error (&errors);
  jpeg_create_compress (&jpeg);
  jpeg_stdio_dest (&jpeg, file);
  jpeg.image_width = W;
  jpeg.image_height = H;
  jpeg.input_components = 4;
  jpeg.in_color_space = JCS_CMYK;
  jpeg_set_defaults (&jpeg);
  jpeg_set_quality (&jpeg, 100, TRUE);
  jpeg_start_compress (&jpeg, TRUE);
  if (icc != NULL)
    jpeg_write_icc_profile (&jpeg, g_bytes_get_data (icc, NULL),
                            (unsigned int)g_bytes_get_size (icc));
  for (int x = 0; x < W; x++)
    {
      row[4 * x] = 255; /* no cyan, all magenta, half yellow, no black */
      row[4 * x + 1] = 0;
      row[4 * x + 2] = 128;
      row[4 * x + 3] = 255;
    }
  for (int y = 0; y < H; y++)
    {
      JSAMPROW rows = row;

      jpeg_write_scanlines (&jpeg, &rows, 1);
    }
  jpeg_finish_compress (&jpeg);
  jpeg_destroy_compress (&jpeg);
  fclose (file);
}

static void
test_jpeg_ink (void)
{
  g_autofree char *path = scratch_path ("a.jpg");
  g_autoptr (GBytes) icc = make_ink_profile ();
  g_autoptr (AtlPicture) plain = NULL;
  g_autoptr (AtlPicture) profiled = NULL;

  write_ink_jpeg (path, NULL);
  plain = load (path);
  g_assert_cmpint (u8 (plain, 9, 9, 0), >=, 252);
  g_assert_cmpint (u8 (plain, 9, 9, 1), <=, 3);
  g_assert_cmpint (ABS (u8 (plain, 9, 9, 2) - 128), <=, 3);
  write_ink_jpeg (path, icc);
  profiled = load (path);
  g_assert_null (profiled->icc); /* the picture is sRGB now */
  /* L = 100 - 1.5 * 24.4: a grey. */
  g_assert_cmpint (ABS (u8 (profiled, 9, 9, 0) - u8 (profiled, 9, 9, 1)), <=, 3);
  g_assert_cmpint (ABS (u8 (profiled, 9, 9, 0) - u8 (profiled, 9, 9, 2)), <=, 3);
  g_assert_cmpint (u8 (profiled, 9, 9, 0), >, 100);
  g_assert_cmpint (u8 (profiled, 9, 9, 0), <, 200);
  scratch_empty ();
}

/* PNG. */

typedef struct
{
  int type, bits, interlace;
  gboolean transparent; /* a tRNS chunk: index 3, or the colour of pixel (1, 1) */
} PngForm;

static int
packed (int x, int y, int bits)
{
  return value (x, y, 0) & ((1 << bits) - 1);
}

static void
write_png (const char *path, const PngForm *form)
{
  png_structp png
      = png_create_write_struct (PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct (png);
  FILE *file = fopen (path, "wb");
  guint8 pixels[H][W * 6] = { 0 };
  guint8 *rows[H];
  png_color palette[16];
  png_byte alpha[] = { 255, 255, 255, 0 };
  png_color_16 colour = { 0 };
  int samples = form->type == PNG_COLOR_TYPE_RGB ? 3 : 1;

  png_init_io (png, file);
  png_set_IHDR (png, info, W, H, form->bits, form->type, form->interlace, 0, 0);
  for (int i = 0; i < 16; i++)
    palette[i]
        = (png_color){ (png_byte)(i * 16), (png_byte)(255 - i), (png_byte)(i * 3) };
  if (form->type == PNG_COLOR_TYPE_PALETTE)
    png_set_PLTE (png, info, palette, 1 << form->bits);
  colour.gray = (png_uint_16)packed (1, 1, MIN (form->bits, 8));
  colour.red = (png_uint_16)value (1, 1, 0);
  colour.green = (png_uint_16)value (1, 1, 1);
  colour.blue = (png_uint_16)value (1, 1, 2);
  if (form->transparent)
    png_set_tRNS (png, info, alpha, form->type == PNG_COLOR_TYPE_PALETTE ? 4 : 0,
                  &colour);
  for (int y = 0; y < H; y++)
    {
      rows[y] = pixels[y];
      for (int i = 0; i < W * samples; i++)
        if (form->bits == 16)
          pixels[y][2 * i] = pixels[y][2 * i + 1]
              = (guint8)value (i / samples, y, i % samples);
        else if (form->bits == 8)
          pixels[y][i] = (guint8)value (i / samples, y, i % samples);
        else
          pixels[y][i * form->bits / 8]
              |= (guint8)(packed (i, y, form->bits)
                          << (8 - form->bits - i * form->bits % 8));
    }
  png_write_info (png, info);
  png_write_image (png, rows);
  png_write_end (png, info);
  png_destroy_write_struct (&png, &info);
  fclose (file);
}

static void
test_png_forms (void)
{
  static const PngForm forms[] = {
    { PNG_COLOR_TYPE_PALETTE, 4, PNG_INTERLACE_NONE, FALSE },
    { PNG_COLOR_TYPE_PALETTE, 4, PNG_INTERLACE_ADAM7, TRUE },
    { PNG_COLOR_TYPE_PALETTE, 2, PNG_INTERLACE_NONE, TRUE },
    { PNG_COLOR_TYPE_GRAY, 1, PNG_INTERLACE_NONE, FALSE },
    { PNG_COLOR_TYPE_GRAY, 2, PNG_INTERLACE_ADAM7, FALSE },
    { PNG_COLOR_TYPE_GRAY, 4, PNG_INTERLACE_NONE, TRUE },
    { PNG_COLOR_TYPE_GRAY, 16, PNG_INTERLACE_ADAM7, FALSE },
    { PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7, TRUE },
    { PNG_COLOR_TYPE_RGB, 16, PNG_INTERLACE_NONE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      const PngForm *form = &forms[i];
      gboolean palette = form->type == PNG_COLOR_TYPE_PALETTE;
      gboolean grey = form->type == PNG_COLOR_TYPE_GRAY;
      int max = (1 << MIN (form->bits, 8)) - 1;
      g_autofree char *path = scratch_path ("a.png");
      g_autoptr (AtlPicture) picture = NULL;
      float out[4];

      write_png (path, form);
      picture = load (path);
      g_assert_cmpint (picture->channels, ==, grey ? 1 : 3);
      g_assert_cmpint (picture->has_alpha, ==, form->transparent);
      g_assert_cmpint (picture->depth, ==,
                       form->bits == 16 ? ATL_DEPTH_U16 : ATL_DEPTH_U8);
      for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
          {
            int index = packed (x, y, MIN (form->bits, 8));
            int expected = palette ? index * 16
                           : grey  ? index * 255 / max
                                   : value (x, y, 0);
            gboolean hidden = palette ? index == 3
                              : grey  ? index == packed (1, 1, MIN (form->bits, 8))
                                      : value (x, y, 0) == value (1, 1, 0);

            atl_picture_get (picture, x, y, 1, 1, 4, out, 4, 0);
            g_assert_cmpfloat_with_epsilon (out[0], (float)expected / 255.0f,
                                            1e-5f);
            g_assert_cmpfloat (out[3], ==,
                               form->transparent && hidden ? 0.0f : 1.0f);
          }
      scratch_empty ();
    }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_open ();
#define ADD(name, function) g_test_add_func ("/picture-forms/" name, function)
  ADD ("tiff-layouts", test_tiff_layouts);
  ADD ("tiff-alpha-is-unmultiplied", test_tiff_alpha_is_unmultiplied);
  ADD ("tiff-palette", test_tiff_palette);
  ADD ("tiff-single-bits", test_tiff_single_bits);
  ADD ("tiff-jpeg", test_tiff_jpeg);
  ADD ("tiff-refuses-by-name", test_tiff_refuses_by_name);
  ADD ("tiff-ink", test_tiff_ink);
  ADD ("jpeg-ink", test_jpeg_ink);
  ADD ("png-forms", test_png_forms);
  status = g_test_run ();
  scratch_close ();
  return status;
}
