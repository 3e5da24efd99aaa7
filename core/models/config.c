/* Configurations of models: defaults, checking, text and JSON.
 *
 * One table lists every key with its type, range and the architectures that
 * have it; setting, checking, writing and reading all go through it.  The
 * defaults are those of the papers and of pytorch-CycleGAN-and-pix2pix.
 */

#include "models/config.h"

#include <string.h>

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>

#include "files/file-util.h"

#define UNET (1 << ATL_ARCH_UNET)
#define RESNET (1 << ATL_ARCH_RESNET)
#define PATCHGAN (1 << ATL_ARCH_PATCHGAN)
#define VQVAE ((1 << ATL_ARCH_VQVAE) | (1 << ATL_ARCH_VQVAE2))
#define DRUNET (1 << ATL_ARCH_DRUNET)
#define NORMED (UNET | RESNET | PATCHGAN)
#define GENERATOR (UNET | RESNET | DRUNET)
#define PIX2PIX (GENERATOR | PATCHGAN)
#define ANY (PIX2PIX | VQVAE)

#define ARCH_NAMES                                                                 \
  "unet_128, unet_256, unet_512, resnet_6, resnet_9, drunet, patchgan, pixel, "    \
  "vqvae, vqvae2"

typedef enum
{
  KEY_INT,
  KEY_POWER, /* an int that is a power of two */
  KEY_FLOAT,
  KEY_BOOLEAN,
  KEY_CHOICE
} KeyType;

typedef struct
{
  const char *name;
  KeyType type;
  guint archs;
  gsize offset;
  double min, max;
  const char *choices[5];
} Key;

#define AT(member) G_STRUCT_OFFSET (AtlConfig, member)

static const Key keys[] = {
  { "input_channels", KEY_INT, ANY, AT (input_channels), 1, 16 },
  { "output_channels", KEY_INT, ANY, AT (output_channels), 1, 16 },
  { "ngf", KEY_INT, GENERATOR, AT (ngf), 1, 512 },
  { "ndf", KEY_INT, PATCHGAN, AT (ndf), 1, 512 },
  { "levels", KEY_INT, UNET, AT (levels), 5, 12 },
  { "levels", KEY_INT, DRUNET, AT (levels), 1, 6 },
  { "blocks", KEY_INT, RESNET | DRUNET, AT (blocks), 0, 64 },
  { "n_layers", KEY_INT, PATCHGAN, AT (n_layers), 0, 8 },
  { "norm", KEY_CHOICE, NORMED, AT (norm), 0, 0, { "none", "batch", "instance" } },
  { "dropout", KEY_FLOAT, UNET | RESNET, AT (dropout), 0, 0.9 },
  { "upsample",
    KEY_CHOICE,
    GENERATOR | VQVAE,
    AT (upsample),
    0,
    0,
    { "transposed", "nearest", "bilinear", "shuffle" } },
  { "residual", KEY_BOOLEAN, GENERATOR, AT (residual) },
  { "hidden", KEY_INT, VQVAE, AT (hidden), 2, 4096 },
  { "residual_blocks", KEY_INT, VQVAE, AT (residual_blocks), 0, 64 },
  { "residual_hidden", KEY_INT, VQVAE, AT (residual_hidden), 0, 4096 },
  { "decoder_blocks", KEY_INT, VQVAE, AT (decoder_blocks), 0, 64 },
  { "outer_blocks", KEY_INT, VQVAE, AT (outer_blocks), 0, 64 },
  { "downsample", KEY_POWER, VQVAE, AT (downsample), 1, 64 },
  { "codes", KEY_INT, VQVAE, AT (codes), 2, 65536 },
  { "code_dim", KEY_INT, VQVAE, AT (code_dim), 1, 4096 },
  { "stages", KEY_INT, VQVAE, AT (stages), 1, ATL_MAX_STAGES },
  { "patch", KEY_POWER, VQVAE | DRUNET, AT (patch), 1, 64 },
  { "linear_skip", KEY_BOOLEAN, VQVAE, AT (linear_skip) },
  { "zero_code", KEY_BOOLEAN, VQVAE, AT (zero_code) },
  { "image_statistics", KEY_BOOLEAN, NORMED, AT (image_statistics) },
  { "dropout_applied", KEY_BOOLEAN, UNET | RESNET, AT (dropout_applied) },
  { "colour",
    KEY_CHOICE,
    GENERATOR,
    AT (colour),
    0,
    0,
    { "rgb", "luma_to_chroma" } },
};

static gboolean
is_power_of_two (int n)
{
  return n > 0 && (n & (n - 1)) == 0;
}

static gboolean
key_applies (const Key *key, const AtlConfig *config)
{
  return (key->archs >> config->arch) & 1;
}

static int *
key_int (const Key *key, AtlConfig *config)
{
  return (int *)((char *)config + key->offset);
}

static float *
key_float (const Key *key, AtlConfig *config)
{
  return (float *)((char *)config + key->offset);
}

/* What a key may be set to, for messages: "a whole number from 1 to 512". */
static char *
key_allowed (const Key *key)
{
  g_autofree char *list = NULL;

  switch (key->type)
    {
    case KEY_INT:
      return g_strdup_printf (_ ("a whole number from %d to %d"), (int)key->min,
                              (int)key->max);
    case KEY_POWER:
      return g_strdup_printf (_ ("a power of two from %d to %d"), (int)key->min,
                              (int)key->max);
    case KEY_FLOAT:
      return g_strdup_printf (_ ("a number from %g to %g"), key->min, key->max);
    case KEY_BOOLEAN:
      return g_strdup (_ ("yes or no"));
    case KEY_CHOICE:
      list = g_strjoinv (", ", (char **)key->choices);
      return g_strdup_printf (_ ("one of %s"), list);
    }
  return g_strdup ("");
}

static int
choice_index (const Key *key, const char *word)
{
  for (int i = 0; key->choices[i]; i++)
    if (g_str_equal (word, key->choices[i]))
      return i;
  return -1;
}

static int
n_choices (const Key *key)
{
  return (int)g_strv_length ((char **)key->choices);
}

/* Whether the value in `config` is within the key's range. */
static gboolean
key_in_range (const Key *key, const AtlConfig *config)
{
  int value = *key_int (key, (AtlConfig *)config);

  switch (key->type)
    {
    case KEY_INT:
      return value >= key->min && value <= key->max;
    case KEY_POWER:
      return value >= key->min && value <= key->max && is_power_of_two (value);
    case KEY_FLOAT:
      return *key_float (key, (AtlConfig *)config) >= (float)key->min
             && *key_float (key, (AtlConfig *)config) <= (float)key->max;
    case KEY_BOOLEAN:
      return value == FALSE || value == TRUE;
    case KEY_CHOICE:
      return value >= 0 && value < n_choices (key);
    }
  return FALSE;
}

static gboolean
parse_boolean (const char *text, int *out)
{
  static const char *const words[]
      = { "no", "yes", "false", "true", "off", "on", "0", "1" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_ascii_strcasecmp (text, words[i]) == 0)
      {
        *out = i & 1;
        return TRUE;
      }
  return FALSE;
}

/* Stores a value given as text; FALSE if it is none or out of range. */
static gboolean
key_parse (const Key *key, const char *text, AtlConfig *config)
{
  gint64 number;
  char *end;

  switch (key->type)
    {
    case KEY_INT:
    case KEY_POWER:
      if (!g_ascii_string_to_signed (text, 10, (gint64)key->min, (gint64)key->max,
                                     &number, NULL))
        return FALSE;
      *key_int (key, config) = (int)number;
      break;
    case KEY_FLOAT:
      *key_float (key, config) = (float)g_ascii_strtod (text, &end);
      if (end == text || *end)
        return FALSE;
      break;
    case KEY_BOOLEAN:
      return parse_boolean (text, key_int (key, config));
    case KEY_CHOICE:
      *key_int (key, config) = choice_index (key, text);
      break;
    }
  return key_in_range (key, config);
}

static const Key *
key_find (const char *name, const AtlConfig *config)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].name, name) && key_applies (&keys[i], config))
      return &keys[i];
  return NULL;
}

/* "a, b, c" of the keys that the architecture has. */
static char *
keys_of (const AtlConfig *config)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (key_applies (&keys[i], config))
      g_string_append_printf (list, "%s%s", list->len ? ", " : "", keys[i].name);
  return g_string_free (list, FALSE);
}

/* The number N of "PREFIX_N" or "PREFIX_NSUFFIX", or -1. */
static int
arch_number (const char *arch, const char *prefix, const char *suffix)
{
  const char *digits;
  char *end;
  gint64 n;

  if (!g_str_has_prefix (arch, prefix))
    return -1;
  digits = arch + strlen (prefix);
  if (!g_ascii_isdigit (*digits))
    return -1;
  n = g_ascii_strtoll (digits, &end, 10);
  if (*end && !g_str_equal (end, suffix))
    return -1;
  return n <= 4096 ? (int)n : -1;
}

static void
init_pix2pix (AtlConfig *config)
{
  config->input_channels = 3;
  config->output_channels = 3;
  config->ngf = 64;
  config->ndf = 64;
  config->norm = ATL_NORM_BATCH;
  config->image_statistics = TRUE;
}

static void
init_drunet (AtlConfig *config)
{
  config->ngf = 32;
  config->levels = 3;
  config->blocks = 2;
  config->patch = 2;
  config->norm = ATL_NORM_NONE;
  config->image_statistics = FALSE;
  config->upsample = ATL_UPSAMPLING_SHUFFLE;
}

static void
init_vqvae (AtlConfig *config)
{
  config->input_channels = 3;
  config->output_channels = 3;
  config->hidden = config->arch == ATL_ARCH_VQVAE ? 256 : 128;
  config->residual_blocks = 2;
  config->residual_hidden = config->arch == ATL_ARCH_VQVAE ? 0 : 64;
  config->downsample = 4;
  config->codes = 512;
  config->code_dim = 64;
  config->stages = 1;
  config->patch = 1;
}

static gboolean
parse_arch (AtlConfig *config, const char *arch)
{
  int size = arch_number (arch, "unet_", "");
  int blocks = arch_number (arch, "resnet_", "blocks");

  memset (config, 0, sizeof *config);
  if (size >= 32 && is_power_of_two (size))
    {
      config->arch = ATL_ARCH_UNET;
      config->levels = g_bit_nth_msf ((gulong)size, -1);
      config->dropout = 0.5f;
    }
  else if (blocks >= 0 && blocks <= 64)
    {
      /* Without dropout, as CycleGAN has it. */
      config->arch = ATL_ARCH_RESNET;
      config->blocks = blocks;
    }
  else if (g_str_equal (arch, "drunet"))
    config->arch = ATL_ARCH_DRUNET;
  else if (g_str_equal (arch, "patchgan") || g_str_equal (arch, "basic"))
    {
      config->arch = ATL_ARCH_PATCHGAN;
      config->n_layers = 3;
    }
  else if (g_str_equal (arch, "pixel"))
    config->arch = ATL_ARCH_PATCHGAN;
  else if (g_str_equal (arch, "vqvae"))
    config->arch = ATL_ARCH_VQVAE;
  else if (g_str_equal (arch, "vqvae2"))
    config->arch = ATL_ARCH_VQVAE2;
  else
    return FALSE;
  return TRUE;
}

gboolean
atl_config_init (AtlConfig *config, const char *arch, GError **error)
{
  if (!parse_arch (config, arch))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("'%s' is no architecture; choose one of %s"), arch,
                   ARCH_NAMES);
      return FALSE;
    }
  if ((VQVAE >> config->arch) & 1)
    init_vqvae (config);
  else
    init_pix2pix (config);
  if (config->arch == ATL_ARCH_DRUNET)
    init_drunet (config);
  if (config->arch == ATL_ARCH_PATCHGAN)
    {
      /* It judges input and output together. */
      config->input_channels = 6;
      config->output_channels = 1;
    }
  return TRUE;
}

gboolean
atl_config_set (AtlConfig *config, const char *setting, GError **error)
{
  const char *equals = strchr (setting, '=');
  g_autofree char *name = NULL;
  g_autofree char *allowed = NULL;
  AtlConfig changed = *config;
  const Key *key;

  if (!equals || equals == setting)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("'%s' is no setting; write key=value"), setting);
      return FALSE;
    }
  name = g_strndup (setting, (gsize)(equals - setting));
  key = key_find (name, config);
  if (!key)
    {
      allowed = keys_of (config);
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("%s has no setting '%s'; it has %s"),
                   atl_config_arch_name (config), name, allowed);
      return FALSE;
    }
  if (!key_parse (key, equals + 1, &changed))
    {
      allowed = key_allowed (key);
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("%s can't be '%s'; it is %s"), name, equals + 1, allowed);
      return FALSE;
    }
  if (changed.colour != config->colour)
    {
      gboolean chroma = changed.colour == ATL_COLOUR_LUMA_TO_CHROMA;

      changed.input_channels = chroma ? 1 : 3;
      changed.output_channels = chroma ? 2 : 3;
    }
  *config = changed;
  return TRUE;
}

/* What one key alone can't tell. */
static const char *
find_conflict (const AtlConfig *config)
{
  gboolean vqvae = (VQVAE >> config->arch) & 1;

  if (config->colour == ATL_COLOUR_LUMA_TO_CHROMA
      && (config->input_channels != 1 || config->output_channels != 2))
    return _ ("colour=luma_to_chroma needs input_channels=1 and output_channels=2");
  if (config->residual && config->input_channels != config->output_channels)
    return _ ("residual needs as many output channels as input channels");
  if (((UNET | RESNET) >> config->arch) & 1
      && config->upsample == ATL_UPSAMPLING_SHUFFLE)
    return _ ("upsample=shuffle is for VQ-VAEs and drunet; "
              "choose transposed, nearest or bilinear");
  if (vqvae && config->hidden % 2 != 0)
    return _ ("hidden must be even");
  if (vqvae && config->patch > config->downsample)
    return _ ("patch can't be larger than downsample");
  return NULL;
}

gboolean
atl_config_check (const AtlConfig *config, GError **error)
{
  const char *conflict;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (key_applies (&keys[i], config) && !key_in_range (&keys[i], config))
      {
        g_autofree char *allowed = key_allowed (&keys[i]);

        g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                     _ ("%s is out of range; it is %s"), keys[i].name, allowed);
        return FALSE;
      }
  conflict = find_conflict (config);
  if (conflict)
    {
      g_set_error_literal (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, conflict);
      return FALSE;
    }
  return TRUE;
}

char *
atl_config_to_json (const AtlConfig *config)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  AtlConfig copy = *config;

  json_object_set_string_member (object, "arch", atl_config_arch_name (config));
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      const Key *key = &keys[i];
      int value = *key_int (key, &copy);

      if (!key_applies (key, config))
        continue;
      if (key->type == KEY_FLOAT)
        json_object_set_double_member (object, key->name, *key_float (key, &copy));
      else if (key->type == KEY_BOOLEAN)
        json_object_set_boolean_member (object, key->name, value);
      else if (key->type == KEY_CHOICE)
        json_object_set_string_member (object, key->name, key->choices[value]);
      else
        json_object_set_int_member (object, key->name, value);
    }
  json_node_set_object (node, object);
  return json_to_string (node, FALSE);
}

/* The value as atl_config_set takes it; free with g_free. */
static char *
key_text (const Key *key, const AtlConfig *config)
{
  AtlConfig copy = *config;
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  switch (key->type)
    {
    case KEY_FLOAT:
      return g_strdup (g_ascii_formatd (number, sizeof number, "%g",
                                        (double)*key_float (key, &copy)));
    case KEY_BOOLEAN:
      return g_strdup (*key_int (key, &copy) ? "yes" : "no");
    case KEY_CHOICE:
      return g_strdup (key->choices[*key_int (key, &copy)]);
    case KEY_INT:
    case KEY_POWER:
    default:
      return g_strdup_printf ("%d", *key_int (key, &copy));
    }
}

void
atl_config_each (const AtlConfig *config, AtlSettingCallback callback,
                 gpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (key_applies (&keys[i], config))
      {
        g_autofree char *value = key_text (&keys[i], config);
        g_autofree char *allowed = key_allowed (&keys[i]);

        callback (data, keys[i].name, value, allowed);
      }
}

static gboolean
key_from_json (const Key *key, JsonNode *node, AtlConfig *config)
{
  GType type;
  gint64 number;

  if (!JSON_NODE_HOLDS_VALUE (node))
    return FALSE;
  type = json_node_get_value_type (node);
  switch (key->type)
    {
    case KEY_INT:
    case KEY_POWER:
      number = json_node_get_int (node);
      if (type != G_TYPE_INT64 || number < G_MININT || number > G_MAXINT)
        return FALSE;
      *key_int (key, config) = (int)number;
      break;
    case KEY_FLOAT:
      if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
        return FALSE;
      *key_float (key, config) = (float)json_node_get_double (node);
      break;
    case KEY_BOOLEAN:
      if (type != G_TYPE_BOOLEAN)
        return FALSE;
      *key_int (key, config) = json_node_get_boolean (node);
      break;
    case KEY_CHOICE:
      if (type != G_TYPE_STRING)
        return FALSE;
      *key_int (key, config) = choice_index (key, json_node_get_string (node));
      break;
    }
  return key_in_range (key, config);
}

static gboolean
keys_from_json (AtlConfig *config, JsonObject *object, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      JsonNode *node = json_object_get_member (object, keys[i].name);

      if (!node || !key_applies (&keys[i], config))
        continue;
      if (!key_from_json (&keys[i], node, config))
        {
          g_autofree char *allowed = key_allowed (&keys[i]);

          g_set_error (
              error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
              _ ("the model's configuration has a bad '%s'; it must be %s"),
              keys[i].name, allowed);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
atl_config_from_json (AtlConfig *config, const char *json, GError **error)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  g_autoptr (GError) reason = NULL;
  JsonObject *object;
  JsonNode *arch;

  object
      = root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  arch = object ? json_object_get_member (object, "arch") : NULL;
  if (!arch || !JSON_NODE_HOLDS_VALUE (arch)
      || json_node_get_value_type (arch) != G_TYPE_STRING)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("the model's configuration is damaged: it names no "
                      "architecture"));
      return FALSE;
    }
  if (!atl_config_init (config, json_node_get_string (arch), &reason))
    {
      g_autofree char *name = atl_display_text (json_node_get_string (arch));

      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_UNSUPPORTED,
                   _ ("the model's architecture '%s' is unknown to this version of "
                      "Atelier"),
                   name);
      return FALSE;
    }
  if (!keys_from_json (config, object, error))
    return FALSE;
  if (!atl_config_check (config, &reason))
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_FORMAT,
                   _ ("the model's configuration is damaged: %s"), reason->message);
      return FALSE;
    }
  return TRUE;
}

const char *
atl_config_arch_name (const AtlConfig *config)
{
  char name[32];

  switch (config->arch)
    {
    case ATL_ARCH_UNET:
      g_snprintf (name, sizeof name, "unet_%d", 1 << CLAMP (config->levels, 0, 30));
      return g_intern_string (name);
    case ATL_ARCH_RESNET:
      g_snprintf (name, sizeof name, "resnet_%d", config->blocks);
      return g_intern_string (name);
    case ATL_ARCH_PATCHGAN:
      return config->n_layers > 0 ? "patchgan" : "pixel";
    case ATL_ARCH_DRUNET:
      return "drunet";
    case ATL_ARCH_VQVAE:
      return "vqvae";
    case ATL_ARCH_VQVAE2:
      return "vqvae2";
    }
  return "";
}

const char *
atl_config_kind (const AtlConfig *config)
{
  if (config->arch == ATL_ARCH_PATCHGAN)
    return "discriminator";
  return (VQVAE >> config->arch) & 1 ? "vqvae" : "pix2pix";
}
