/* Vector loads and stores of VECTOR (4 or 1) floats; 4 needs channels, leading dimensions and offsets that are
 * multiples of 4. */
#ifndef RT_CUDA_KERNELS_VECTOR_H
#define RT_CUDA_KERNELS_VECTOR_H

#include "host.h"

RT_DEVICE void rt_load(float *to, const float *from)
{
#if VECTOR == 4
    const float4 v = *(const float4 *)from;

    to[0] = v.x;
    to[1] = v.y;
    to[2] = v.z;
    to[3] = v.w;
#else
    to[0] = from[0];
#endif
}

RT_DEVICE void rt_store(float *to, const float *from)
{
#if VECTOR == 4
    *(float4 *)to = make_float4(from[0], from[1], from[2], from[3]);
#else
    to[0] = from[0];
#endif
}

#endif
