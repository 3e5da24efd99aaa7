/* The table of one instruction set. */

#include "kernels/set.h"
#include "kernels/table.h"

#define NAME_EXPAND(set) #set
#define NAME(set) NAME_EXPAND (set)

const AtlKernels SET (kernels) = {
  .name = NAME (ATL_SET),
#ifdef __AVX2__
  .gemm_name = "own " NAME (ATL_SET),
  .gemm = SET (gemm),
#endif /* else OpenBLAS's: see table.c */
  .epilogue = SET (epilogue),
  .winograd_input = SET (winograd_input),
  .winograd_output = SET (winograd_output),
  .winograd_output_adjoint = SET (winograd_output_adjoint),
  .winograd_weights = SET (winograd_weights),
  .winograd_weights_adjoint = SET (winograd_weights_adjoint),
  .moments = SET (moments),
  .norm_backward_sums = SET (norm_backward_sums),
  .norm_backward_apply = SET (norm_backward_apply),
  .activation_backward = SET (activation_backward),
  .accumulate = SET (accumulate),
  .column_sums = SET (column_sums),
  .dropout = SET (dropout),
  .argmin_scores = SET (argmin_scores),
  .adam = SET (adam),
  .float_to_half = SET (float_to_half),
};
