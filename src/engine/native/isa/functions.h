/* Declares this build's functions under their instruction set's names, and keeps them in step with isa.h. */
#ifndef RT_ENGINE_NATIVE_ISA_FUNCTIONS_H
#define RT_ENGINE_NATIVE_ISA_FUNCTIONS_H

#include "engine/native/isa.h"
#include "engine/native/isa/vector.h"

#define RT_ISA_FUNCTIONS(X)                                                                                    \
    X(product)                                                                                                 \
    X(transpose)                                                                                               \
    X(gather)                                                                                                  \
    X(scatter)                                                                                                 \
    X(bias_relu)                                                                                               \
    X(gate)                                                                                                    \
    X(column_sum)                                                                                              \
    X(copy)                                                                                                    \
    X(add)                                                                                                     \
    X(moments)                                                                                                 \
    X(norm_sums)                                                                                               \
    X(norm_backward)                                                                                           \
    X(max_pool)                                                                                                \
    X(max_pool_backward)                                                                                       \
    X(avg_pool)                                                                                                \
    X(avg_pool_backward)                                                                                       \
    X(lrn)                                                                                                     \
    X(lrn_backward)                                                                                            \
    X(update)                                                                                                  \
    X(sum_parts)                                                                                               \
    X(winograd_input)                                                                                          \
    X(winograd_output)                                                                                         \
    X(winograd_gradient)                                                                                       \
    X(winograd_filters)                                                                                        \
    X(winograd_filter_gradient)                                                                                \
    X(fma_peak)
#define RT_ISA_FUNCTION_DECLARE(name) extern typeof(*((struct rt_isa *)0)->name) RT_ISA_NAME(name);
RT_ISA_FUNCTIONS(RT_ISA_FUNCTION_DECLARE)
#undef RT_ISA_FUNCTION_DECLARE

/* The view's value of the channels c, c + 1, ... of the pixel at `from`. */
RT_INLINE rt_vec rt_view_load(const float *from, struct rt_view view, long c)
{
    rt_vec value = rt_load(from + c);

    if (view.scale)
        value = value * rt_load(view.scale + c) + rt_load(view.shift + c);
    return view.relu ? rt_relu_vec(value) : value;
}

#endif
