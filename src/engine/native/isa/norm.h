/* Sums over rows, and batch norm (Ioffe and Szegedy 2015, section 3). */
#ifndef RT_ENGINE_NATIVE_ISA_NORM_H
#define RT_ENGINE_NATIVE_ISA_NORM_H

#include "engine/native/pixels.h"

/* What a batch norm's gradient subtracts, each [channels]: the mean of g, and g's slope along x - mean. */
struct rt_norm_terms {
    const float *mean, *mean_g, *slope;
};

struct rt_norm_kernels {
    /* sum[c] (+)= sum over rows of x[r][c]. */
    void (*column_sum)(const float *x, long ld, long rows, long channels, float *sum, bool accumulate);
    /* mean[c] and m2[c] = sum of (x - mean)^2 over the rows. */
    void (*moments)(const float *x, long ld, long rows, long channels, float *mean, float *m2);
    /* With g = dy where scale x + shift > 0 (or everywhere without relu): sum_g[c], sum_gx[c] = sum of g * (x -
     * mean). */
    void (*sums)(const float *x, long x_ld, const float *dy, long dy_ld, long rows, long channels,
                 struct rt_view view, const float *mean, float *sum_g, float *sum_gx);
    /* dx (+)= scale[c] * (g - mean_g[c] - slope[c] * (x - mean[c])), g as above. dx may be dy. */
    void (*backward)(const float *x, long x_ld, const float *dy, long dy_ld, float *dx, long dx_ld, long rows,
                     long channels, struct rt_view view, const struct rt_norm_terms *terms, bool accumulate);
};

#endif
