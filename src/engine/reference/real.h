/* This folder is compiled twice: as float (rt_engine_reference) and, with RT_REFERENCE_F64, as double
 * (rt_engine_reference_f64). What is visible outside a file is named through RT_REAL. */
#ifndef RT_ENGINE_REFERENCE_REAL_H
#define RT_ENGINE_REFERENCE_REAL_H

#include <math.h>

#ifdef RT_REFERENCE_F64
typedef double real;
#define RT_REAL(name) name##_f64
#define RT_REAL_MATH(function) function
#define RT_REFERENCE_ENGINE rt_engine_reference_f64
#define RT_REFERENCE_ENGINE_NAME "reference_f64"
#else
typedef float real;
#define RT_REAL(name) name##_f32
#define RT_REAL_MATH(function) function##f
#define RT_REFERENCE_ENGINE rt_engine_reference
#define RT_REFERENCE_ENGINE_NAME "reference"
#endif

/* sum_i a[i] b[i], in eight partial sums (for speed and a smaller rounding error). */
static inline real real_dot(const real *restrict a, const real *restrict b, int n)
{
    real sums[8] = {0};
    real sum = 0;
    int i = 0;

    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            sums[j] += a[i + j] * b[i + j];
    for (; i < n; i++)
        sum += a[i] * b[i];
    return sum + ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/* y[i] += a x[i] */
static inline void real_add_scaled(real *restrict y, real a, const real *restrict x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] += a * x[i];
}

#endif
