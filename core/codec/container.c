/* Reading and writing the sections of a .vqi file; see container.h. */

#include "codec/container.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "files/file-util.h"

#define FRAME 12 /* tag, length, checksum */
#define NAME_MAX_BYTES 4096

static const guint8 magic[8] = { 0x89, 'V', 'Q', 'I', 0x0d, 0x0a, 0x1a, 0x0a };

AtlVqi *
atl_vqi_new (void)
{
  return g_new0 (AtlVqi, 1);
}

void
atl_vqi_free (AtlVqi *vqi)
{
  if (!vqi)
    return;
  g_free (vqi->model_name);
  g_clear_pointer (&vqi->alpha, g_bytes_unref);
  g_clear_pointer (&vqi->icc, g_bytes_unref);
  g_clear_pointer (&vqi->exif, g_bytes_unref);
  g_clear_pointer (&vqi->xmp, g_bytes_unref);
  for (int l = 0; l < ATL_MAX_LEVELS; l++)
    for (int s = 0; s < ATL_MAX_STAGES; s++)
      g_clear_pointer (&vqi->codes[l][s], g_bytes_unref);
  g_free (vqi);
}

gboolean
atl_vqi_is_vqi (const guint8 *data, gsize size)
{
  return size >= sizeof magic && memcmp (data, magic, sizeof magic) == 0;
}

char *
atl_vqi_model_id (const AtlVqi *vqi)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < sizeof vqi->model; i++)
    g_string_append_printf (text, "%02x", vqi->model[i]);
  return g_string_free (text, FALSE);
}

guint32
atl_crc32 (guint32 crc, const guint8 *data, gsize size)
{
  static guint32 table[256];
  static gsize made;

  if (g_once_init_enter (&made))
    {
      for (guint32 i = 0; i < 256; i++)
        {
          guint32 c = i;

          for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
          table[i] = c;
        }
      g_once_init_leave (&made, 1);
    }
  crc = ~crc;
  for (gsize i = 0; i < size; i++)
    crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
  return ~crc;
}

/* --- Writing -------------------------------------------------------------- */

static void
put (AtlBuffer *out, guint64 value, int bytes)
{
  for (int i = 0; i < bytes; i++)
    {
      guint8 byte = (guint8)(value >> (8 * i));

      atl_buffer_append (out, &byte, 1);
    }
}

/* A section's content follows; end_section closes it. */
static gsize
begin_section (AtlBuffer *out, const char *tag)
{
  gsize start = out->len;

  atl_buffer_append (out, tag, 4);
  put (out, 0, 4);
  return start;
}

static void
end_section (AtlBuffer *out, gsize start)
{
  gsize length = out->len - start - 8;

  if (out->error != NULL)
    return;
  for (int i = 0; i < 4; i++)
    out->data[start + 4 + i] = (guint8)(length >> (8 * i));
  put (out, atl_crc32 (0, out->data + start, out->len - start), 4);
}

static void
put_bytes (AtlBuffer *out, const char *tag, GBytes *bytes)
{
  gsize start;
  gsize size;
  const guint8 *data;

  if (!bytes)
    return;
  data = g_bytes_get_data (bytes, &size);
  start = begin_section (out, tag);
  atl_buffer_append (out, data, size);
  end_section (out, start);
}

static void
put_head (AtlBuffer *out, const AtlVqi *vqi)
{
  gsize start = begin_section (out, "HEAD");

  put (out, ATL_VQI_VERSION, 2);
  put (out, (guint64)vqi->channels, 1);
  put (out, vqi->depth, 1);
  put (out, (guint64)vqi->width, 4);
  put (out, (guint64)vqi->height, 4);
  put (out, (guint64)vqi->n_levels, 1);
  put (out, (guint64)vqi->stages, 1);
  for (int l = 0; l < vqi->n_levels; l++)
    {
      put (out, (guint64)vqi->grids[l].width, 4);
      put (out, (guint64)vqi->grids[l].height, 4);
      put (out, (guint64)vqi->grids[l].k, 4);
    }
  end_section (out, start);
  start = begin_section (out, "MODL");
  atl_buffer_append (out, vqi->model, sizeof vqi->model);
  atl_buffer_append (out, vqi->contexts, sizeof vqi->contexts);
  if (vqi->model_name)
    atl_buffer_append (out, vqi->model_name,
                       MIN (strlen (vqi->model_name), NAME_MAX_BYTES));
  end_section (out, start);
}

static gboolean
has_resolution (const AtlVqi *vqi)
{
  return vqi->x_resolution > 0 && vqi->x_resolution < 65536 && vqi->y_resolution > 0
         && vqi->y_resolution < 65536;
}

static void
put_resolution (AtlBuffer *out, const AtlVqi *vqi)
{
  gsize start;

  if (!has_resolution (vqi))
    return;
  start = begin_section (out, "reso");
  put (out, (guint64)llrint (vqi->x_resolution * 65536), 4);
  put (out, (guint64)llrint (vqi->y_resolution * 65536), 4);
  end_section (out, start);
}

static void
put_codes (AtlBuffer *out, const AtlVqi *vqi)
{
  for (int s = 0; s < vqi->stages; s++)
    for (int l = 0; l < vqi->n_levels; l++)
      if (vqi->codes[l][s])
        {
          gsize start = begin_section (out, "CODE");
          gsize size;
          const guint8 *data = g_bytes_get_data (vqi->codes[l][s], &size);

          put (out, (guint64)l, 1);
          put (out, (guint64)s, 1);
          put (out, vqi->codings[l][s], 1);
          atl_buffer_append (out, data, size);
          end_section (out, start);
        }
}

GBytes *
atl_vqi_serialise (const AtlVqi *vqi, GError **error)
{
  g_auto (AtlBuffer) out = ATL_BUFFER_INIT (_ ("the picture's codes"));

  atl_buffer_append (&out, magic, sizeof magic);
  put_head (&out, vqi);
  put_bytes (&out, "iccp", vqi->icc);
  put_bytes (&out, "exif", vqi->exif);
  put_bytes (&out, "xmp ", vqi->xmp);
  put_resolution (&out, vqi);
  put_bytes (&out, "ALPH", vqi->alpha);
  put_codes (&out, vqi);
  return atl_buffer_to_bytes (&out, error);
}

gsize
atl_vqi_measure (const AtlVqi *vqi, int stages)
{
  GBytes *const parts[] = { vqi->icc, vqi->exif, vqi->xmp, vqi->alpha };
  gsize size = sizeof magic + FRAME + 14 + 12 * (gsize)vqi->n_levels;

  size += FRAME + sizeof vqi->model + sizeof vqi->contexts;
  if (vqi->model_name)
    size += MIN (strlen (vqi->model_name), NAME_MAX_BYTES);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (parts[i])
      size += FRAME + g_bytes_get_size (parts[i]);
  if (has_resolution (vqi))
    size += FRAME + 8;
  for (int s = 0; s < stages; s++)
    for (int l = 0; l < vqi->n_levels; l++)
      if (vqi->codes[l][s])
        size += FRAME + 3 + g_bytes_get_size (vqi->codes[l][s]);
  return size;
}

gboolean
atl_vqi_save (const AtlVqi *vqi, const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = atl_vqi_serialise (vqi, error);
  g_autoptr (AtlOutput) output = bytes ? atl_output_open (path, error) : NULL;

  if (!output
      || !atl_output_write (output, g_bytes_get_data (bytes, NULL),
                            g_bytes_get_size (bytes), error))
    return FALSE;
  return atl_output_commit (g_steal_pointer (&output), error);
}

/* --- Reading -------------------------------------------------------------- */

typedef struct
{
  const guint8 *tag, *content;
  gsize length;
  gsize offset; /* of the content in the file */
  gboolean intact;
} Section;

static guint64
get (const guint8 *p, int bytes)
{
  guint64 value = 0;

  for (int i = 0; i < bytes; i++)
    value |= (guint64)p[i] << (8 * i);
  return value;
}

static gboolean
is (const Section *section, const char *tag)
{
  return memcmp (section->tag, tag, 4) == 0;
}

static gboolean
damaged (const char *what, GError **error)
{
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
               _ ("the file is damaged (%s); get another copy of it"), what);
  return FALSE;
}

/* The section at *at, which moves on; FALSE where the file ends before it. */
static gboolean
next_section (const guint8 *data, gsize size, gsize *at, Section *section)
{
  gsize left = size - *at;

  if (left < FRAME || get (data + *at + 4, 4) > left - FRAME)
    return FALSE;
  section->tag = data + *at;
  section->length = get (data + *at + 4, 4);
  section->content = section->tag + 8;
  section->offset = *at + 8;
  section->intact = atl_crc32 (0, section->tag, section->length + 8)
                    == get (section->content + section->length, 4);
  *at += section->length + FRAME;
  return TRUE;
}

static gboolean
read_grids (AtlVqi *vqi, const guint8 *p, gsize length, GError **error)
{
  if (length < 12 * (gsize)vqi->n_levels)
    return damaged (_ ("grids"), error);
  for (int l = 0; l < vqi->n_levels; l++, p += 12)
    {
      guint64 width = get (p, 4), height = get (p + 4, 4), k = get (p + 8, 4);

      /* A grid is never finer than the pixels, but for padding. */
      if (width < 1 || height < 1 || k < 1 || k > 65536
          || width > (guint64)vqi->width + 65536
          || height > (guint64)vqi->height + 65536)
        return damaged (_ ("grids"), error);
      vqi->grids[l] = (AtlVqiGrid){ (int)width, (int)height, (int)k };
    }
  return TRUE;
}

static gboolean
read_head (AtlVqi *vqi, const Section *section, GError **error)
{
  const guint8 *p = section->content;
  guint64 version;

  if (!section->intact || !is (section, "HEAD") || section->length < 14)
    return damaged (_ ("header"), error);
  version = get (p, 2);
  if (version != ATL_VQI_VERSION)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("made by a later version of Atelier (format %d); get a newer "
                      "Atelier to open it"),
                   (int)version);
      return FALSE;
    }
  vqi->channels = p[2];
  vqi->depth = p[3];
  vqi->n_levels = p[12];
  vqi->stages = p[13];
  if ((vqi->channels != 1 && vqi->channels != 3) || p[3] > ATL_DEPTH_FLOAT
      || vqi->n_levels < 1 || vqi->n_levels > ATL_MAX_LEVELS || vqi->stages < 1
      || vqi->stages > ATL_MAX_STAGES || get (p + 4, 4) < 1
      || get (p + 4, 4) > ATL_VQI_MAX_SIDE || get (p + 8, 4) < 1
      || get (p + 8, 4) > ATL_VQI_MAX_SIDE)
    return damaged (_ ("header"), error);
  vqi->width = (int)get (p + 4, 4);
  vqi->height = (int)get (p + 8, 4);
  return read_grids (vqi, p + 14, section->length - 14, error);
}

static gboolean
read_model (AtlVqi *vqi, const Section *section, GError **error)
{
  const char *name;
  gsize length;

  if (!section->intact || !is (section, "MODL") || section->length < 24)
    return damaged (_ ("model"), error);
  memcpy (vqi->model, section->content, sizeof vqi->model);
  memcpy (vqi->contexts, section->content + 16, sizeof vqi->contexts);
  name = (const char *)section->content + 24;
  length = MIN (section->length - 24, NAME_MAX_BYTES);
  vqi->model_name = g_utf8_make_valid (name, (gssize)length);
  return TRUE;
}

static void
take (GBytes **where, GBytes *file, const Section *section, gsize skip)
{
  if (!*where)
    *where = g_bytes_new_from_bytes (file, section->offset + skip,
                                     section->length - skip);
}

static void
read_extra (AtlVqi *vqi, GBytes *file, const Section *section)
{
  if (!section->intact)
    vqi->damaged = TRUE;
  else if (is (section, "iccp"))
    take (&vqi->icc, file, section, 0);
  else if (is (section, "exif"))
    take (&vqi->exif, file, section, 0);
  else if (is (section, "xmp "))
    take (&vqi->xmp, file, section, 0);
  else if (is (section, "reso") && section->length >= 8)
    {
      vqi->x_resolution = (double)get (section->content, 4) / 65536;
      vqi->y_resolution = (double)get (section->content + 4, 4) / 65536;
    }
}

/* The codes must come in order: FALSE ends the reading, not the file. */
static gboolean
read_codes (AtlVqi *vqi, GBytes *file, const Section *section, int *n_planes)
{
  int level = *n_planes % vqi->n_levels, stage = *n_planes / vqi->n_levels;
  const guint8 *p = section->content;

  if (!section->intact || section->length < 3 || p[0] != level || p[1] != stage
      || p[2] >= ATL_N_CODINGS || stage >= vqi->stages)
    return FALSE;
  vqi->codings[level][stage] = p[2];
  take (&vqi->codes[level][stage], file, section, 3);
  (*n_planes)++;
  return TRUE;
}

/* One section after the first two; *more: whether to go on. */
static gboolean
read_section (AtlVqi *vqi, GBytes *file, const Section *section, int *n_planes,
              gboolean *more, GError **error)
{
  *more = TRUE;
  if (is (section, "CODE"))
    *more = read_codes (vqi, file, section, n_planes);
  else if (is (section, "ALPH"))
    {
      if (!section->intact || section->length < 3)
        return damaged (_ ("transparency"), error);
      take (&vqi->alpha, file, section, 0);
    }
  else if (g_ascii_islower (section->tag[0]))
    read_extra (vqi, file, section);
  else if (!section->intact)
    *more = FALSE; /* whatever it was */
  else
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("the file has parts that this version does not know; get a "
                      "newer Atelier to open it"));
      return FALSE;
    }
  return TRUE;
}

static gboolean
parse (AtlVqi *vqi, GBytes *file, GError **error)
{
  gsize size, at = sizeof magic;
  const guint8 *data = g_bytes_get_data (file, &size);
  Section section;
  int n_planes = 0;
  gboolean more = TRUE;

  if (!atl_vqi_is_vqi (data, size))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("this is no .vqi file"));
      return FALSE;
    }
  vqi->bytes = size;
  if (!next_section (data, size, &at, &section))
    return damaged (_ ("cut off within the header"), error);
  if (!read_head (vqi, &section, error))
    return FALSE;
  if (!next_section (data, size, &at, &section))
    return damaged (_ ("cut off within the header"), error);
  if (!read_model (vqi, &section, error))
    return FALSE;
  while (more && at < size && next_section (data, size, &at, &section))
    if (!read_section (vqi, file, &section, &n_planes, &more, error))
      return FALSE;
  vqi->usable = n_planes / vqi->n_levels;
  vqi->cut_short = vqi->usable < vqi->stages;
  if (vqi->usable == 0)
    return damaged (_ ("cut off before the lowest quality"), error);
  return TRUE;
}

AtlVqi *
atl_vqi_parse (GBytes *bytes, const char *name, GError **error)
{
  g_autoptr (AtlVqi) vqi = atl_vqi_new ();

  if (parse (vqi, bytes, error))
    return g_steal_pointer (&vqi);
  atl_prefix_path (error, name);
  return NULL;
}

AtlVqi *
atl_vqi_open (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = atl_file_read (path, error);

  return bytes ? atl_vqi_parse (bytes, path, error) : NULL;
}
