/* One host build of a product's kernel: RT_VARIANT names it, RT_SOURCE_FILE is 0 for gemm.cu, 1 for
 * gemm_parts.cu, 2 for conv_halo.cu. */
#define RT_GLUE_(a, b) a##_##b
#define RT_GLUE(a, b) RT_GLUE_(a, b)
#define rt_host_set RT_GLUE(rt_host_set, RT_VARIANT)
#define conv_forward RT_GLUE(conv_forward, RT_VARIANT)
#define conv_input_gradient RT_GLUE(conv_input_gradient, RT_VARIANT)
#define conv_weight_gradient RT_GLUE(conv_weight_gradient, RT_VARIANT)
#define conv_forward_parts RT_GLUE(conv_forward_parts, RT_VARIANT)
#define conv_input_gradient_parts RT_GLUE(conv_input_gradient_parts, RT_VARIANT)
#define conv_weight_gradient_parts RT_GLUE(conv_weight_gradient_parts, RT_VARIANT)

#include "engine/cuda_gemm_host.h"

static struct gemm_shape shape;

#define RT_B shape.b
#define RT_IH shape.ih
#define RT_IW shape.iw
#define RT_IC shape.ic
#define RT_WC shape.wc
#define RT_ILD shape.ild
#define RT_OH shape.oh
#define RT_OW shape.ow
#define RT_OC shape.oc
#define RT_OLD shape.old
#define RT_K shape.k
#define RT_S shape.s
#define RT_P shape.p
#define RT_VIN shape.vin
#define RT_VOUT shape.vout
#define RT_VW shape.vw
#define RT_BIAS shape.bias
#define RT_RELU shape.relu
#define RT_ACCUMULATE shape.accumulate
#define RT_GATE shape.gate
#define RT_UPDATE shape.update
#define RT_OPTIMIZER 0 /* SGD */
#define RT_SPLITS shape.splits
#define RT_HALO shape.halo

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#if RT_SOURCE_FILE != 1
#if RT_SOURCE_FILE == 0
#include "engine/cuda/kernels/gemm.cu"
#elif RT_SOURCE_FILE == 2
#include "engine/cuda/kernels/conv_halo.cu"
#else
#include "engine/cuda/kernels/conv_taps.cu"
#endif
#define FORWARD conv_forward
#define INPUT_GRADIENT conv_input_gradient
#define WEIGHT_GRADIENT conv_weight_gradient
#else
#include "engine/cuda/kernels/gemm_parts.cu"
#define FORWARD conv_forward_parts
#define INPUT_GRADIENT conv_input_gradient_parts
#define WEIGHT_GRADIENT conv_weight_gradient_parts
#endif

static void kernel(void *arguments)
{
    void *const *a = arguments;

#if RT_PASS == 0
    FORWARD(a[0], a[1], a[2], a[3], a[4], a[5]);
#elif RT_PASS == 1
    INPUT_GRADIENT(a[0], a[1], a[2], a[3], a[4], a[5]);
#else
    WEIGHT_GRADIENT(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
#endif
}

extern const struct gemm_variant RT_GLUE(variant, RT_VARIANT);
const struct gemm_variant RT_GLUE(variant, RT_VARIANT) = {
#if RT_SOURCE_FILE == 0
    "gemm.cu", RT_PASS,     RT_MATH, RT_BM, RT_BN, RT_BK, RT_WARPS_M, RT_WARPS_N, RT_STAGES, 0, 0,
#elif RT_SOURCE_FILE == 2
    "conv_halo.cu", RT_PASS,     RT_MATH, RT_BM, RT_BN, RT_BK, RT_WARPS_M, RT_WARPS_N, RT_STAGES, RT_TAPS, 0,
#elif RT_SOURCE_FILE == 3
    "conv_taps.cu", RT_PASS,     RT_MATH, RT_BM, RT_BN, RT_BK, RT_WARPS_M, RT_WARPS_N, RT_STAGES, 9, 0,
#else
    "gemm_parts.cu", RT_PASS,     RT_MATH, 0, 0, 0, 0, 0, 0, 0, RT_VECTOR,
#endif
    &shape,    rt_host_set, kernel,
};
