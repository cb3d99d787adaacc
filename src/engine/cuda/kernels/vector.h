/* Vector loads and stores of VECTOR (4 or 1) elements; 4 needs channels, leading dimensions and offsets that
 * are multiples of 4. */
#ifndef RT_CUDA_KERNELS_VECTOR_H
#define RT_CUDA_KERNELS_VECTOR_H

#include "element.h"

RT_DEVICE void rt_load(float *to, const rt_element *from)
{
#if VECTOR == 4
    rt_load4(to, from);
#else
    to[0] = rt_value(from[0]);
#endif
}

RT_DEVICE void rt_store(rt_element *to, const float *from)
{
#if VECTOR == 4
    rt_store4(to, from);
#else
    to[0] = rt_element_of(from[0]);
#endif
}

#endif
