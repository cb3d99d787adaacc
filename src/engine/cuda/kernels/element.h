/* An element of activations and their gradients in memory. -D RT_BF16: 1: bfloat16, the upper half of a float;
 * 0 or absent: float32, of which each function here is the identity. Sums and everything else are float32. */
#ifndef RT_CUDA_KERNELS_ELEMENT_H
#define RT_CUDA_KERNELS_ELEMENT_H

#include "host.h"

#if RT_BF16

typedef struct {
    unsigned short bits;
} rt_element;

RT_DEVICE float rt_value(rt_element e)
{
    return rt_float_of((rt_u32)e.bits << 16);
}

/* Two floats as elements, the first in the lower half; each to the nearest, ties to even. A NaN is 0x7fff, as
 * cvt makes it. */
#ifdef __CUDACC__
RT_DEVICE rt_u32 rt_element_pair(float first, float second)
{
    rt_u32 pair;

    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
    return pair;
}
#else
RT_DEVICE rt_u32 rt_element_bits(float x)
{
    const rt_u32 bits = rt_bits_of(x);

    return x != x ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

RT_DEVICE rt_u32 rt_element_pair(float first, float second)
{
    return rt_element_bits(first) | rt_element_bits(second) << 16;
}
#endif

RT_DEVICE rt_element rt_element_of(float x)
{
    const rt_element e = {(unsigned short)rt_element_pair(x, 0)};

    return e;
}

/* Four elements, aligned to them (8 bytes). */
RT_DEVICE void rt_load4(float to[4], const rt_element *from)
{
    const uint2 pairs = *(const uint2 *)from;

    to[0] = rt_float_of(pairs.x << 16);
    to[1] = rt_float_of(pairs.x & 0xffff0000u);
    to[2] = rt_float_of(pairs.y << 16);
    to[3] = rt_float_of(pairs.y & 0xffff0000u);
}

RT_DEVICE void rt_store4(rt_element *to, const float from[4])
{
    uint2 pairs;

    pairs.x = rt_element_pair(from[0], from[1]);
    pairs.y = rt_element_pair(from[2], from[3]);
    *(uint2 *)to = pairs;
}

#else

typedef float rt_element;

RT_DEVICE float rt_value(rt_element e)
{
    return e;
}

RT_DEVICE rt_element rt_element_of(float x)
{
    return x;
}

/* Four elements, aligned to them (16 bytes). */
RT_DEVICE void rt_load4(float to[4], const rt_element *from)
{
    const float4 v = *(const float4 *)from;

    to[0] = v.x;
    to[1] = v.y;
    to[2] = v.z;
    to[3] = v.w;
}

RT_DEVICE void rt_store4(rt_element *to, const float from[4])
{
    *(float4 *)to = make_float4(from[0], from[1], from[2], from[3]);
}

#endif

#endif
