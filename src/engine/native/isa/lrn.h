/* Local response normalisation of rows of pixels. */
#ifndef RT_ENGINE_NATIVE_ISA_LRN_H
#define RT_ENGINE_NATIVE_ISA_LRN_H

#include <stdbool.h>

/* Local response normalisation's constants (Krizhevsky et al. 2012, section 3.3; alpha is divided by size). */
struct rt_lrn {
    int size;
    float alpha, beta, k;
};

struct rt_lrn_kernels {
    void (*forward)(const float *x, long x_ld, float *y, long y_ld, long rows, int channels,
                    const struct rt_lrn *lrn);
    void (*backward)(const float *x, long x_ld, const float *dy, long dy_ld, float *dx, long dx_ld, long rows,
                     int channels, const struct rt_lrn *lrn, bool accumulate);
};

#endif
