/* Atelier as a GIMP plug-in: one executable, one file a procedure. */

#include <libgimp/gimp.h>

#include "procedures.h"
#include "worker.h"

#define ATL_TYPE_PLUG_IN (atl_plug_in_get_type ())
G_DECLARE_FINAL_TYPE (AtlPlugIn, atl_plug_in, ATL, PLUG_IN, GimpPlugIn)

struct _AtlPlugIn
{
  GimpPlugIn parent;
};

G_DEFINE_FINAL_TYPE (AtlPlugIn, atl_plug_in, GIMP_TYPE_PLUG_IN)

static const struct
{
  const char *name;
  GimpProcedure *(*create) (GimpPlugIn *plug_in);
} procedures[] = {
  { ATL_PROC_TRANSLATE, atl_translate_create },
  { ATL_PROC_COMPRESS, atl_compress_create },
  { ATL_PROC_TRAIN, atl_train_create },
  { ATL_PROC_ADD_PAIR, atl_add_pair_create },
  { ATL_PROC_MODELS, atl_models_create },
  /* before its loader, which names it */
  { ATL_PROC_VQI_THUMBNAIL, atl_vqi_thumbnail_create },
  { ATL_PROC_VQI_LOAD, atl_vqi_load_create },
  { ATL_PROC_VQI_EXPORT, atl_vqi_export_create },
  { ATL_PROC_BATCH, atl_batch_create },
  { ATL_PROC_SCRIPT_TRAIN, atl_script_train_create },
  { ATL_PROC_TUTORIAL, atl_tutorial_create },
};

/* The manual: beside the executable, so that a copied folder has it, or where it
 * was installed.  GIMP's Help reads gimp-help.xml of the user's language in it. */
static void
set_help (GimpPlugIn *plug_in)
{
  g_autofree char *beside = atl_beside ("help");
  g_autoptr (GFile) folder = g_file_new_for_path (
      g_file_test (beside, G_FILE_TEST_IS_DIR) ? beside : ATELIER_HELPDIR);

  gimp_plug_in_set_help_domain (plug_in, "atelier", folder);
}

static GList *
query_procedures (GimpPlugIn *plug_in)
{
  GList *names = NULL;

  set_help (plug_in);
  for (gsize i = 0; i < G_N_ELEMENTS (procedures); i++)
    names = g_list_append (names, g_strdup (procedures[i].name));
  return names;
}

static GimpProcedure *
create_procedure (GimpPlugIn *plug_in, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (procedures); i++)
    if (g_str_equal (name, procedures[i].name))
      return procedures[i].create (plug_in);
  return NULL;
}

/* Catalogues lie in the folder `locale` beside the executable; without it
 * libgimp would complain. */
static gboolean
set_i18n (GimpPlugIn *plug_in, const char *procedure_name, char **domain,
          char **folder)
{
  g_autofree char *locale = atl_beside ("locale");

  if (!g_file_test (locale, G_FILE_TEST_IS_DIR))
    return FALSE;
  *domain = g_strdup (GETTEXT_PACKAGE);
  *folder = g_strdup ("locale");
  return TRUE;
}

static void
atl_plug_in_class_init (AtlPlugInClass *klass)
{
  GimpPlugInClass *plug_in_class = GIMP_PLUG_IN_CLASS (klass);

  plug_in_class->query_procedures = query_procedures;
  plug_in_class->create_procedure = create_procedure;
  plug_in_class->set_i18n = set_i18n;
}

static void
atl_plug_in_init (AtlPlugIn *plug_in)
{
  atl_call_main_init ();
}

GIMP_MAIN (ATL_TYPE_PLUG_IN)
