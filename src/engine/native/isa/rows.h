/* What is done value by value in rows of pixels, and transposes. */
#ifndef RT_ENGINE_NATIVE_ISA_ROWS_H
#define RT_ENGINE_NATIVE_ISA_ROWS_H

#include "engine/native/pixels.h"

struct rt_rows_kernels {
    /* x[r][c] += bias[c] (bias may be null), then ReLU if asked; channels a multiple of 16. */
    void (*bias_relu)(float *x, long ld, long rows, long channels, const float *bias, bool relu);
    /* dy[r][c] = 0 where y[r][c] <= 0. */
    void (*gate)(float *dy, long dy_ld, const float *y, long y_ld, long rows, long channels);
    /* to = view(from) (+ to if accumulate), row by row. */
    void (*copy)(const float *from, long from_ld, struct rt_view view, float *to, long to_ld, long rows,
                 long channels, bool accumulate);
    /* to = a + b. */
    void (*add)(const float *a, long a_ld, const float *b, long b_ld, float *to, long to_ld, long rows,
                long channels);
    /* to[j][i] = from[i][j] for rows x columns floats, both multiples of 16. */
    void (*transpose)(const float *from, long from_ld, float *to, long to_ld, long rows, long columns);
};

#endif
