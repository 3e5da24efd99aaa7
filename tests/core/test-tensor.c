/* Tensor sets, and the conversion of every type to float32. */

#include "base/tensor.h"

#include <math.h>
#include <string.h>

static void
test_products_and_their_overflow (void)
{
  const gint64 normal[] = { 64, 3, 4, 4 };
  const gint64 negative[] = { 64, -3 };
  const gint64 empty[] = { G_MAXINT64, 0, G_MAXINT64 };
  const gint64 negative_empty[] = { 0, -1 };
  const gint64 huge[] = { (gint64)1 << 32, (gint64)1 << 31 };
  const gint64 bytes[] = { (gint64)1 << 61 };

  g_assert_cmpint (atl_tensor_n_elements (4, normal, ATL_TYPE_F32), ==, 3072);
  g_assert_cmpint (atl_tensor_n_elements (0, NULL, ATL_TYPE_F32), ==, 1);
  g_assert_cmpint (atl_tensor_n_elements (2, negative, ATL_TYPE_F32), ==, -1);
  g_assert_cmpint (atl_tensor_n_elements (3, empty, ATL_TYPE_F32), ==, 0);
  g_assert_cmpint (atl_tensor_n_elements (2, negative_empty, ATL_TYPE_F32), ==, -1);
  g_assert_cmpint (atl_tensor_n_elements (2, huge, ATL_TYPE_U8), ==, -1);
  g_assert_cmpint (atl_tensor_n_elements (1, bytes, ATL_TYPE_U8), ==, bytes[0]);
  g_assert_cmpint (atl_tensor_n_elements (1, bytes, ATL_TYPE_F32), ==, -1);
}

static void
test_set_keeps_order_and_owner (void)
{
  g_autoptr (AtlTensorSet) set = atl_tensor_set_new ();
  GBytes *owner = g_bytes_new ("12345678", 8);
  const char *data = g_bytes_get_data (owner, NULL);
  const gint64 dims[] = { 1, 2 };
  const AtlTensor *tensor;

  g_assert_true (atl_tensor_set_add (set, "b", ATL_TYPE_F32, 2, dims, data, owner));
  g_assert_true (atl_tensor_set_add (set, "a", ATL_TYPE_F16, 1, dims, data, owner));
  g_assert_false (
      atl_tensor_set_add (set, "b", ATL_TYPE_F32, 2, dims, data, owner));
  g_bytes_unref (owner); /* the set has its own references */
  g_assert_cmpuint (atl_tensor_set_size (set), ==, 2);
  g_assert_cmpstr (atl_tensor_set_get (set, 0)->name, ==, "b");
  g_assert_cmpstr (atl_tensor_set_get (set, 1)->name, ==, "a");
  g_assert_null (atl_tensor_set_lookup (set, "c"));
  tensor = atl_tensor_set_lookup (set, "b");
  g_assert_cmpuint (tensor->size, ==, 8);
  g_assert_cmpmem (tensor->data, 8, "12345678", 8);
  tensor = atl_tensor_set_lookup (set, "a");
  g_assert_cmpuint (tensor->size, ==, 2);
}

/* Every half, against its definition; NaNs stay NaNs. */
static void
test_all_halves (void)
{
  for (guint bits = 0; bits < 0x10000; bits++)
    {
      guint16 half = GUINT16_TO_LE ((guint16)bits);
      AtlTensor tensor = { .type = ATL_TYPE_F16, .data = &half, .size = 2 };
      int exponent = (int)(bits >> 10 & 31);
      double fraction = (double)(bits & 1023) / 1024.0;
      double value = exponent == 0 ? ldexp (fraction, -14)
                     : exponent == 31
                         ? (bits & 1023 ? (double)NAN : (double)INFINITY)
                         : ldexp (1.0 + fraction, exponent - 15);
      float out;

      atl_tensor_to_float (&tensor, 0, 1, &out);
      if (isnan (value))
        g_assert_true (isnan (out));
      else
        g_assert_cmpfloat (out, ==, bits & 0x8000 ? -value : value);
      g_assert_cmpint (signbit (out) != 0, ==, bits >= 0x8000);
    }
}

static void
check_type (AtlType type, const void *values, float first, float second)
{
  /* At an odd address, as a file may have it. */
  guint8 bytes[17];
  AtlTensor tensor = { .type = type, .data = bytes + 1 };
  gsize size = atl_type_size (type);
  float out[2];

  memcpy (bytes + 1, values, 2 * size);
  atl_tensor_to_float (&tensor, 0, 2, out);
  g_assert_cmpfloat (out[0], ==, first);
  g_assert_cmpfloat (out[1], ==, second);
  atl_tensor_to_float (&tensor, 1, 1, out);
  g_assert_cmpfloat (out[0], ==, second);
  atl_tensor_to_float (&tensor, 2, 0, out);
  g_assert_cmpfloat (out[0], ==, second);
}

static void
test_every_type_converts (void)
{
  const float f32[] = { 1.5f, -0x1p-130f };
  const guint16 bf16[] = { 0x3fc0, 0xc040 };
  const double f64[] = { -2.25, 1e300 };
  const gint64 i64[] = { -3, (gint64)1 << 40 };
  const gint32 i32[] = { -7, 16777216 };
  const guint8 u8[] = { 0, 255 };

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  check_type (ATL_TYPE_F32, f32, f32[0], f32[1]);
  check_type (ATL_TYPE_BF16, bf16, 1.5f, -3.0f);
  check_type (ATL_TYPE_F64, f64, -2.25f, INFINITY);
  check_type (ATL_TYPE_I64, i64, -3.0f, 0x1p40f);
  check_type (ATL_TYPE_I32, i32, -7.0f, 16777216.0f);
#endif
  check_type (ATL_TYPE_U8, u8, 0.0f, 255.0f);
}

static void
test_dims_read_well (void)
{
  const gint64 dims[] = { 64, 3, 4, 4 };
  g_autofree char *text = atl_dims_to_string (4, dims);
  g_autofree char *scalar = atl_dims_to_string (0, NULL);

  g_assert_cmpstr (text, ==, "64x3x4x4");
  g_assert_cmpstr (scalar, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tensor/products-and-their-overflow",
                   test_products_and_their_overflow);
  g_test_add_func ("/tensor/set-keeps-order-and-owner",
                   test_set_keeps_order_and_owner);
  g_test_add_func ("/tensor/all-halves", test_all_halves);
  g_test_add_func ("/tensor/every-type-converts", test_every_type_converts);
  g_test_add_func ("/tensor/dims-read-well", test_dims_read_well);
  return g_test_run ();
}
