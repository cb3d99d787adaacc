/* Floats of 16 bits: IEEE 754 half precision, as NumPy's float16 (11 bits of mantissa, 6e-8 to 65504), and
 * bfloat16, the upper half of a float. */
#ifndef RT_BASE_HALF_H
#define RT_BASE_HALF_H

#include <stdint.h>
#include <string.h>

/* The nearest, ties to even; infinite from 65520 on. */
static inline uint16_t rt_half_from_float(float value)
{
    uint32_t bits, sign, rest, shift;

    memcpy(&bits, &value, sizeof bits);
    sign = bits >> 16 & 0x8000;
    rest = bits & 0x7fffffff;
    if (rest > 0x7f800000)
        return (uint16_t)(sign | 0x7e00); /* NaN */
    if (rest >= 0x477ff000)
        return (uint16_t)(sign | 0x7c00);
    if (rest >= 0x38800000) /* normal: the exponent moves by 112, 13 bits go */
        return (uint16_t)(sign | (rest - 0x38000000 + 0xfff + (rest >> 13 & 1)) >> 13);
    if (rest <= 0x33000000) /* at most half of the smallest */
        return (uint16_t)sign;
    shift = 126 - (rest >> 23); /* a multiple of 2^-24 */
    rest = (rest & 0x7fffff) | 0x800000;
    return (uint16_t)(sign | (rest + (1U << (shift - 1)) - 1 + (rest >> shift & 1)) >> shift);
}

static inline float rt_half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    uint32_t bits;
    float value;

    if (!exponent) {
        value = (float)mantissa * 0x1p-24F;
        return sign ? -value : value;
    }
    bits = sign | (exponent == 31 ? 0x7f800000 : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The nearest bfloat16, ties to even; infinite from 2^128 - 2^119 on; a NaN is 0x7fff. */
static inline uint16_t rt_bfloat_from_float(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return 0x7fff;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float rt_bfloat_to_float(uint16_t bfloat)
{
    const uint32_t bits = (uint32_t)bfloat << 16;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
