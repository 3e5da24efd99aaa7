/* Any bytes as a model's file, opened as the filters do; what opens is applied
 * to a small picture, whatever its weights are. */

#include "apply/apply.h"
#include "fuzz.h"
#include "models/thumbnail.h"

static void
apply (AtlModel *model)
{
  static AtlPool *pool;
  AtlApplyOptions options = ATL_APPLY_DEFAULTS;
  g_autoptr (AtlPicture) in = NULL;
  g_autoptr (AtlPicture) out = NULL;
  GError *error = NULL;

  if (pool == NULL)
    pool = atl_pool_new (1);
  in = atl_picture_new (9, 7, 3, FALSE, ATL_DEPTH_U8, NULL, NULL);
  memset (in->pixels, 100, in->row_bytes * 7);
  options.memory = 64 << 20;
  out = atl_apply_picture (model, pool, in, &options, NULL, &error);
  if (out == NULL)
    fuzz_check_error (&error);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzFile file = fuzz_file_open (data, size);
  GError *error = NULL;
  g_autoptr (AtlModel) model = atl_model_open (file.path, &error);

  fuzz_file_close (&file);
  if (model == NULL)
    fuzz_check_error (&error);
  else
    apply (model);
  return 0;
}
