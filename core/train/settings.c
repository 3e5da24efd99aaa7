/* See settings.h.  One table lists every key of training with its type and
 * range; setting, writing and comparing go through it. */

#include "train/settings.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "models/library.h"

typedef enum
{
  KEY_INT,
  KEY_LONG,
  KEY_NUMBER,
  KEY_BOOLEAN,
  KEY_CHOICE,
  KEY_TEXT
} KeyType;

#define PIX2PIX (1 << ATL_TRAIN_PIX2PIX)
#define VQVAE (1 << ATL_TRAIN_VQVAE)
#define BOTH (PIX2PIX | VQVAE)

typedef struct
{
  const char *name;
  KeyType type;
  guint kinds;
  gboolean free; /* the result does not depend on it */
  gsize offset;
  double min, max;
  const char *choices[6];
} Key;

#define AT(member) G_STRUCT_OFFSET (AtlTrainSettings, member)

static const Key keys[] = {
  { "size", KEY_INT, BOTH, FALSE, AT (size), 8, 4096 },
  { "batch", KEY_INT, BOTH, FALSE, AT (batch), 1, 4096 },
  { "steps", KEY_LONG, BOTH, TRUE, AT (steps), 1, 1e12 },
  { "seed", KEY_LONG, BOTH, FALSE, AT (seed), -9e18, 9e18 },
  { "lr", KEY_NUMBER, BOTH, FALSE, AT (lr), 0, 1 },
  { "beta1", KEY_NUMBER, BOTH, FALSE, AT (beta1), 0, 0.9999 },
  { "beta2", KEY_NUMBER, BOTH, FALSE, AT (beta2), 0, 0.999999 },
  { "weight_decay", KEY_NUMBER, BOTH, FALSE, AT (weight_decay), 0, 10 },
  { "schedule",
    KEY_CHOICE,
    BOTH,
    FALSE,
    AT (schedule),
    0,
    0,
    { "constant", "linear", "cosine" } },
  { "warmup", KEY_INT, BOTH, FALSE, AT (warmup), 0, 1e9 },
  { "ema", KEY_NUMBER, BOTH, FALSE, AT (ema), 0, 0.999999 },
  { "clip", KEY_NUMBER, BOTH, FALSE, AT (clip), 0, 1000 },
  { "train_dropout", KEY_BOOLEAN, PIX2PIX, FALSE, AT (no_dropout), TRUE },
  { "gan",
    KEY_CHOICE,
    PIX2PIX,
    FALSE,
    AT (gan),
    0,
    0,
    { "vanilla", "lsgan", "hinge" } },
  { "gan_weight", KEY_NUMBER, PIX2PIX, FALSE, AT (gan_weight), 0, 1e6 },
  { "l1_weight", KEY_NUMBER, PIX2PIX, FALSE, AT (l1_weight), 0, 1e6 },
  { "throttle", KEY_NUMBER, PIX2PIX, FALSE, AT (throttle), 0, 1 },
  { "ndf", KEY_INT, PIX2PIX, FALSE, AT (ndf), 1, 512 },
  { "n_layers", KEY_INT, PIX2PIX, FALSE, AT (n_layers), 0, 8 },
  { "reconstruction",
    KEY_CHOICE,
    VQVAE,
    FALSE,
    AT (reconstruction),
    0,
    0,
    { "l2", "l1" } },
  { "ms_ssim", KEY_NUMBER, VQVAE, FALSE, AT (ms_ssim), 0, 1e6 },
  { "beta", KEY_NUMBER, VQVAE, FALSE, AT (beta), 0, 1e6 },
  { "codebook",
    KEY_CHOICE,
    VQVAE,
    FALSE,
    AT (codebook),
    0,
    0,
    { "ema", "gradient" } },
  { "decay", KEY_NUMBER, VQVAE, FALSE, AT (decay), 0, 0.999999 },
  { "dead", KEY_NUMBER, VQVAE, FALSE, AT (dead), 0, 1e6 },
  { "revive_until", KEY_NUMBER, VQVAE, FALSE, AT (revive_until), 0, 1 },
  { "kmeans", KEY_BOOLEAN, VQVAE, FALSE, AT (kmeans) },
  { "unquantised", KEY_INT, VQVAE, FALSE, AT (unquantised), 0, 1e9 },
  { "stage_dropout", KEY_BOOLEAN, VQVAE, FALSE, AT (stage_dropout) },
  { "rate_from", KEY_NUMBER, VQVAE, FALSE, AT (rate_from), 0, 100 },
  { "rate_to", KEY_NUMBER, VQVAE, FALSE, AT (rate_to), 0, 100 },
  { "pca", KEY_BOOLEAN, VQVAE, FALSE, AT (pca) },
  { "held_out", KEY_NUMBER, BOTH, FALSE, AT (held_out), 0, 0.5 },
  { "form",
    KEY_CHOICE,
    BOTH,
    FALSE,
    AT (form),
    0,
    0,
    { "auto", "folders", "suffixes", "side-by-side", "pictures" } },
  { "suffix_a", KEY_TEXT, BOTH, FALSE, AT (suffix_a) },
  { "suffix_b", KEY_TEXT, BOTH, FALSE, AT (suffix_b) },
  { "load_threads", KEY_INT, BOTH, TRUE, AT (load_threads), 0, 64 },
  { "cache_mib", KEY_INT, BOTH, TRUE, AT (cache_mib), 0, 1e6 },
  { "checkpoint_seconds", KEY_INT, BOTH, TRUE, AT (checkpoint_seconds), 0, 1e6 },
  { "measure_steps", KEY_INT, BOTH, FALSE, AT (measure_steps), 0, 1e9 },
  { "measure_pairs", KEY_INT, BOTH, FALSE, AT (measure_pairs), 1, 1000 },
  { "keep", KEY_CHOICE, BOTH, FALSE, AT (keep), 0, 0, { "best", "last" } },
  { "from", KEY_TEXT, PIX2PIX, TRUE, AT (from) },
  { "name", KEY_TEXT, BOTH, TRUE, AT (name) },
  { "description", KEY_TEXT, BOTH, TRUE, AT (description) },
  { "author", KEY_TEXT, BOTH, TRUE, AT (author) },
  { "licence", KEY_TEXT, BOTH, TRUE, AT (licence) },
};

/* A preset is a list of settings; the network's keys among them count only
 * with the preset's own architecture. */
typedef struct
{
  AtlTrainKind kind;
  const char *name, *arch;
  const char *settings[12];
  const char *network[16];
} Preset;

#define CODEC_NETWORK                                                              \
  "residual_blocks=2", "decoder_blocks=3", "outer_blocks=1", "downsample=8",       \
      "patch=4", "codes=512", "code_dim=32", "upsample=shuffle",                   \
      "linear_skip=yes", "zero_code=yes"
#define CODEC_TRAINING                                                             \
  "lr=0.002", "weight_decay=0.01", "schedule=cosine", "warmup=200",                \
      "unquantised=60", "rate_to=0.03", "rate_from=0.03"

static const Preset presets[] = {
  { ATL_TRAIN_PIX2PIX,
    "quick",
    "resnet_6",
    { "size=128", "batch=4", "steps=1500", "ema=0.99" },
    { "ngf=32", "norm=instance" } },
  { ATL_TRAIN_PIX2PIX,
    "standard",
    "unet_256",
    { "size=256", "batch=1", "steps=20000", "ema=0.999" } },
  { ATL_TRAIN_PIX2PIX,
    "full",
    "unet_256",
    { "size=256", "batch=1", "steps=100000", "ema=0.999" } },
  { ATL_TRAIN_VQVAE,
    "quick",
    "vqvae",
    { "size=96", "batch=4", "steps=3000", CODEC_TRAINING },
    { "hidden=128", "stages=4", CODEC_NETWORK } },
  { ATL_TRAIN_VQVAE,
    "standard",
    "vqvae",
    { "size=96", "batch=4", "steps=10000", CODEC_TRAINING },
    { "hidden=128", "stages=4", CODEC_NETWORK } },
  { ATL_TRAIN_VQVAE,
    "full",
    "vqvae",
    { "size=128", "batch=8", "steps=40000", CODEC_TRAINING },
    { "hidden=192", "stages=5", CODEC_NETWORK } },
};

static gpointer
member (const Key *key, const AtlTrainSettings *settings)
{
  return (char *)settings + key->offset;
}

static const Key *
find_key (const char *name, gsize length, AtlTrainKind kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (strlen (keys[i].name) == length && strncmp (keys[i].name, name, length) == 0
        && (keys[i].kinds >> kind) & 1)
      return &keys[i];
  return NULL;
}

/* "yes" or "no"; of "train_dropout" (min is TRUE) the member is the contrary. */
static gboolean
parse_boolean (const Key *key, const char *text, gboolean *value)
{
  gboolean yes = g_ascii_strcasecmp (text, "yes") == 0 || strcmp (text, "1") == 0
                 || g_ascii_strcasecmp (text, "true") == 0;
  gboolean no = g_ascii_strcasecmp (text, "no") == 0 || strcmp (text, "0") == 0
                || g_ascii_strcasecmp (text, "false") == 0;

  if (yes || no)
    *value = yes != (key->min != 0);
  return yes || no;
}

static gboolean
parse_value (const Key *key, const char *text, AtlTrainSettings *settings)
{
  gpointer to = member (key, settings);
  char *end = NULL;
  double number = g_ascii_strtod (text, &end);
  gboolean is_number
      = end != text && *end == '\0' && number >= key->min && number <= key->max;

  switch (key->type)
    {
    case KEY_INT:
      if (is_number && number == (double)(gint64)number)
        *(int *)to = (int)number;
      return is_number && number == (double)(gint64)number;
    case KEY_LONG:
      return is_number
             && g_ascii_string_to_signed (text, 10, (gint64)key->min,
                                          (gint64)key->max, (gint64 *)to, NULL);
    case KEY_NUMBER:
      if (is_number)
        *(double *)to = number;
      return is_number;
    case KEY_BOOLEAN:
      return parse_boolean (key, text, to);
    case KEY_CHOICE:
      for (int i = 0; key->choices[i]; i++)
        if (strcmp (key->choices[i], text) == 0)
          {
            *(int *)to = i;
            return TRUE;
          }
      return FALSE;
    case KEY_TEXT:
    default:
      g_free (*(char **)to);
      *(char **)to = g_strdup (text);
      return TRUE;
    }
}

static char *
describe_allowed (const Key *key)
{
  g_autofree char *list = NULL;

  switch (key->type)
    {
    case KEY_INT:
    case KEY_LONG:
      return g_strdup_printf (_ ("a whole number from %.12g to %.12g"), key->min,
                              key->max);
    case KEY_NUMBER:
      return g_strdup_printf (_ ("a number from %g to %g"), key->min, key->max);
    case KEY_BOOLEAN:
      return g_strdup (_ ("yes or no"));
    case KEY_CHOICE:
    default:
      list = g_strjoinv (", ", (char **)key->choices);
      return g_strdup_printf (_ ("one of %s"), list);
    }
}

/* A key that is neither training's nor augmentation's must be the network's;
 * its message says what that has, to which ours are added. */
static gboolean
set_network (AtlTrainSettings *settings, const char *setting, GError **error)
{
  g_autoptr (GError) network_error = NULL;
  GString *list;

  if (atl_config_set (&settings->network, setting, &network_error))
    return TRUE;
  list = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if ((keys[i].kinds >> settings->kind) & 1)
      g_string_append_printf (list, "%s%s", list->len ? ", " : "", keys[i].name);
  g_set_error (
      error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
      _ ("%s; training has %s, and flip, turns, rotation, scale, colour_jitter, "
         "load_size"),
      network_error->message, list->str);
  g_string_free (list, TRUE);
  return FALSE;
}

gboolean
atl_train_settings_set (AtlTrainSettings *settings, const char *setting,
                        GError **error)
{
  const char *equals = strchr (setting, '=');
  const Key *key
      = equals ? find_key (setting, (gsize)(equals - setting), settings->kind)
               : NULL;
  gboolean known = FALSE;
  GError *augment_error = NULL;

  if (key)
    {
      g_autofree char *allowed = NULL;

      if (parse_value (key, equals + 1, settings))
        return TRUE;
      allowed = describe_allowed (key);
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("%s can't be '%s'; it is %s"), key->name, equals + 1,
                   allowed);
      return FALSE;
    }
  if (equals)
    {
      if (atl_augment_set (&settings->augment, setting, &known, &augment_error))
        return TRUE;
      if (known)
        {
          g_propagate_error (error, augment_error);
          return FALSE;
        }
      g_clear_error (&augment_error);
    }
  return set_network (settings, setting, error);
}

static void
set_defaults (AtlTrainSettings *s)
{
  AtlVqvaeSettings v = ATL_VQVAE_DEFAULTS;
  AtlPix2pixSettings p = ATL_PIX2PIX_DEFAULTS;

  s->ndf = 64;
  s->n_layers = 3;
  s->augment = (AtlAugment)ATL_AUGMENT_DEFAULTS;
  s->held_out = 0.1;
  s->lr = 2e-4;
  s->beta1 = s->kind == ATL_TRAIN_PIX2PIX ? p.adam.beta1 : v.adam.beta1;
  s->beta2 = 0.999;
  s->schedule = s->kind == ATL_TRAIN_PIX2PIX ? p.schedule : v.schedule;
  s->gan = p.gan;
  s->gan_weight = p.gan_weight;
  s->l1_weight = p.l1_weight;
  s->throttle = p.throttle;
  s->beta = v.beta;
  s->decay = v.codebook.decay;
  s->dead = v.codebook.dead;
  s->revive_until = v.revive_until;
  s->kmeans = v.kmeans;
  s->stage_dropout = v.stage_dropout;
  s->pca = v.pca;
  s->checkpoint_seconds = 300;
  s->measure_pairs = 8;
}

static const Preset *
find_preset (AtlTrainKind kind, const char *name, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (presets); i++)
    if (presets[i].kind == kind && strcmp (presets[i].name, name) == 0)
      return &presets[i];
  g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
               _ ("there is no preset '%s'; choose quick, standard or full"), name);
  return NULL;
}

static gboolean
apply_preset (AtlTrainSettings *s, const Preset *preset, const char *arch,
              GError **error)
{
  if (!atl_config_init (&s->network, arch ? arch : preset->arch, error))
    return FALSE;
  if (strcmp (atl_config_kind (&s->network), atl_train_kind_name (s->kind)) != 0)
    {
      g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                   _ ("%s can't be trained as %s"), arch,
                   atl_train_kind_name (s->kind));
      return FALSE;
    }
  for (int i = 0; preset->settings[i]; i++)
    if (!atl_train_settings_set (s, preset->settings[i], error))
      return FALSE;
  for (int i = 0; !arch && preset->network[i]; i++)
    if (!atl_train_settings_set (s, preset->network[i], error))
      return FALSE;
  return TRUE;
}

AtlTrainSettings *
atl_train_settings_new (AtlTrainKind kind, const char *preset_name,
                        const char *arch, GError **error)
{
  AtlTrainSettings *s = g_new0 (AtlTrainSettings, 1);
  const Preset *preset;

  s->kind = kind;
  s->preset = g_strdup (preset_name ? preset_name : "standard");
  set_defaults (s);
  preset = find_preset (kind, s->preset, error);
  if (preset && apply_preset (s, preset, arch, error))
    return s;
  atl_train_settings_free (s);
  return NULL;
}

void
atl_train_settings_free (AtlTrainSettings *s)
{
  if (!s)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keys[i].type == KEY_TEXT)
      g_free (*(char **)member (&keys[i], s));
  g_free (s->preset);
  g_free (s->folder);
  g_free (s->output);
  g_free (s->report);
  g_free (s->corrupt);
  g_free (s);
}

/* That of the model to start from. */
static gboolean
take_network (AtlTrainSettings *s, GError **error)
{
  g_autofree char *path = NULL;

  if (s->kind == ATL_TRAIN_VQVAE)
    {
      g_set_error_literal (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                           _ ("a VQ-VAE can't start from another model"));
      return FALSE;
    }
  path = atl_library_find (s->from, error);
  return path
         && atl_model_peek_config (path, atl_train_kind_name (s->kind), &s->network,
                                   error);
}

gboolean
atl_train_settings_check (AtlTrainSettings *s, GError **error)
{
  const char *wrong = NULL;

  if (s->from && !take_network (s, error))
    return FALSE;
  if (!atl_config_check (&s->network, error))
    return FALSE;
  if (s->kind == ATL_TRAIN_PIX2PIX && s->gan_weight == 0 && s->l1_weight == 0)
    wrong
        = _ ("gan_weight and l1_weight are both 0: there is nothing to learn from");
  else if (s->rate_to < s->rate_from)
    wrong = _ ("rate_to must not be less than rate_from");
  else if (s->kind == ATL_TRAIN_VQVAE && s->network.colour != ATL_COLOUR_RGB)
    wrong = _ ("a VQ-VAE works on colours as they are");
  if (wrong)
    {
      g_set_error_literal (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT, wrong);
      return FALSE;
    }
  if (s->measure_steps == 0)
    s->measure_steps = (int)CLAMP (s->steps / 40, 50, 1000);
  return TRUE;
}

const char *
atl_train_kind_name (AtlTrainKind kind)
{
  return kind == ATL_TRAIN_PIX2PIX ? "pix2pix" : "vqvae";
}

/* The value as atl_train_settings_set takes it; free with g_free. */
static char *
key_text (const Key *key, const AtlTrainSettings *settings)
{
  gpointer at = member (key, settings);
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  switch (key->type)
    {
    case KEY_INT:
      return g_strdup_printf ("%d", *(int *)at);
    case KEY_LONG:
      return g_strdup_printf ("%" G_GINT64_FORMAT, *(gint64 *)at);
    case KEY_NUMBER:
      return g_strdup (
          g_ascii_formatd (number, sizeof number, "%.12g", *(double *)at));
    case KEY_BOOLEAN:
      return g_strdup ((*(gboolean *)at) != (key->min != 0) ? "yes" : "no");
    case KEY_CHOICE:
      return g_strdup (key->choices[*(int *)at]);
    case KEY_TEXT:
    default:
      return g_strdup (*(char **)at ? *(char **)at : "");
    }
}

void
atl_train_settings_each (const AtlTrainSettings *settings,
                         AtlSettingCallback callback, gpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if ((keys[i].kinds >> settings->kind) & 1)
      {
        g_autofree char *value = key_text (&keys[i], settings);
        g_autofree char *allowed = keys[i].type == KEY_TEXT
                                       ? g_strdup (_ ("any text"))
                                       : describe_allowed (&keys[i]);

        callback (data, keys[i].name, value, allowed);
      }
  atl_augment_each (&settings->augment, callback, data);
  atl_config_each (&settings->network, callback, data);
}

static void
append_setting (gpointer text, const char *key, const char *value,
                const char *allowed)
{
  g_string_append_printf (text, "%s=%s\n", key, value);
}

char *
atl_train_settings_to_text (const AtlTrainSettings *s)
{
  GString *text = g_string_new (NULL);
  g_autofree char *network = atl_config_to_json (&s->network);

  g_string_append_printf (text, "kind=%s\n", atl_train_kind_name (s->kind));
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if ((keys[i].kinds >> s->kind) & 1 && !keys[i].free)
      {
        g_autofree char *value = key_text (&keys[i], s);

        append_setting (text, keys[i].name, value, NULL);
      }
  atl_augment_each (&s->augment, append_setting, text);
  g_string_append_printf (text, "direction=%s\n", s->b_to_a ? "BtoA" : "AtoB");
  g_string_append_printf (text, "corrupt=%s\n", s->corrupt ? s->corrupt : "");
  g_strdelimit (network, "\n", ' ');
  g_string_append_printf (text, "network=%s\n", network);
  return g_string_free (text, FALSE);
}

/* "direction=...", "corrupt=..." and "network=..." are no settings of their
 * own; an empty text is no text. */
static gboolean
read_line (AtlTrainSettings *s, const char *line, GError **error)
{
  const char *equals = strchr (line, '=');
  const char *value = equals ? equals + 1 : "";

  if (*value == '\0' || g_str_has_prefix (line, "kind="))
    return TRUE;
  if (g_str_has_prefix (line, "network="))
    return atl_config_from_json (&s->network, value, error);
  if (g_str_has_prefix (line, "direction="))
    s->b_to_a = strcmp (value, "BtoA") == 0;
  else if (g_str_has_prefix (line, "corrupt="))
    {
      g_free (s->corrupt);
      s->corrupt = g_strdup (value);
    }
  else
    return atl_train_settings_set (s, line, error);
  return TRUE;
}

AtlTrainSettings *
atl_train_settings_from_text (const char *text, const char *preset, GError **error)
{
  AtlTrainKind kind = g_str_has_prefix (text, "kind=vqvae\n") ? ATL_TRAIN_VQVAE
                                                              : ATL_TRAIN_PIX2PIX;
  g_autoptr (AtlTrainSettings) s
      = atl_train_settings_new (kind, preset, NULL, error);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (int i = 0; s && lines[i]; i++)
    if (!read_line (s, lines[i], error))
      return NULL;
  return g_steal_pointer (&s);
}

gboolean
atl_train_settings_compare (const AtlTrainSettings *settings, const char *text,
                            GError **error)
{
  g_autofree char *own = atl_train_settings_to_text (settings);
  g_auto (GStrv) now = g_strsplit (own, "\n", -1);
  g_auto (GStrv) then = g_strsplit (text, "\n", -1);

  for (int i = 0; now[i] && then[i]; i++)
    if (strcmp (now[i], then[i]) != 0)
      {
        g_set_error (error, ATELIER_ERROR, ATELIER_ERROR_ARGUMENT,
                     _ ("the training to go on with has %s, not %s; give the same "
                        "options, or start afresh without --resume"),
                     then[i], now[i]);
        return FALSE;
      }
  return TRUE;
}

static AtlAdamSettings
adam_of (const AtlTrainSettings *s)
{
  return (AtlAdamSettings){ s->lr,           s->beta1, s->beta2, 1e-8,
                            s->weight_decay, s->ema,   s->clip };
}

AtlPix2pixSettings
atl_train_settings_pix2pix (const AtlTrainSettings *s)
{
  return (AtlPix2pixSettings){ .gan = (AtlGan)s->gan,
                               .gan_weight = s->gan_weight,
                               .l1_weight = s->l1_weight,
                               .adam = adam_of (s),
                               .schedule = (AtlSchedule)s->schedule,
                               .steps = (guint64)s->steps,
                               .warmup = (guint64)s->warmup,
                               .throttle = s->throttle,
                               .no_dropout = s->no_dropout,
                               .seed = (guint64)s->seed };
}

AtlVqvaeSettings
atl_train_settings_vqvae (const AtlTrainSettings *s)
{
  return (AtlVqvaeSettings){
    .l1 = s->reconstruction == 1,
    .ms_ssim = s->ms_ssim,
    .beta = s->beta,
    .adam = adam_of (s),
    .schedule = (AtlSchedule)s->schedule,
    .steps = (guint64)s->steps,
    .warmup = (guint64)s->warmup,
    .codebook = { .decay = s->decay,
                  .epsilon = 1e-5,
                  .by_gradient = s->codebook == 1,
                  .lr = s->lr,
                  .dead = s->dead },
    .kmeans = s->kmeans,
    .unquantised = (guint64)s->unquantised,
    .stage_dropout = s->stage_dropout,
    .rate_from = s->rate_from,
    .rate_to = s->rate_to,
    .revive_until = s->revive_until,
    .pca = s->pca,
    .seed = (guint64)s->seed,
  };
}

gboolean
atl_train_settings_discriminator (const AtlTrainSettings *s, AtlConfig *config,
                                  GError **error)
{
  if (!atl_config_init (config, "patchgan", error))
    return FALSE;
  config->n_layers = s->n_layers;
  config->ndf = s->ndf;
  config->norm = s->network.norm;
  config->input_channels = s->network.input_channels + s->network.output_channels;
  return atl_config_check (config, error);
}
