/* This build's tables, under its instruction set's names; and how kernels read through a view. */
#ifndef RT_ENGINE_NATIVE_ISA_TABLES_H
#define RT_ENGINE_NATIVE_ISA_TABLES_H

#include "engine/native/isa.h"
#include "engine/native/isa/vector.h"
#include "engine/native/pixels.h"

#define RT_ISA_TABLE_DECLARE(name) extern const struct rt_##name##_kernels RT_ISA_NAME(name##_kernels);
RT_ISA_TABLES(RT_ISA_TABLE_DECLARE)
#undef RT_ISA_TABLE_DECLARE

/* The view's value of the channels c, c + 1, ... of the pixel at `from`. */
RT_INLINE rt_vec rt_view_load(const float *from, struct rt_view view, long c)
{
    rt_vec value = rt_load(from + c);

    if (view.scale)
        value = value * rt_load(view.scale + c) + rt_load(view.shift + c);
    return view.relu ? rt_relu_vec(value) : value;
}

#endif
