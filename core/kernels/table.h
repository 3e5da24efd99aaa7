/* The tables there are; inside kernels/ only. */

#pragma once

#include "kernels/kernels.h"

G_BEGIN_DECLS

extern const AtlKernels atl_kernels_reference;
extern const AtlKernels atl_kernels_baseline;
extern const AtlKernels atl_kernels_avx2;
extern const AtlKernels atl_kernels_avx512;

/* The body of `gemm` over cblas_sgemm, and what to call it in reports. */
void atl_gemm_openblas (const AtlGemm *gemm);
const char *atl_gemm_openblas_name (void);

G_END_DECLS
