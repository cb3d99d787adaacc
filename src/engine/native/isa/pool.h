/* Pools, one image at a time. */
#ifndef RT_ENGINE_NATIVE_ISA_POOL_H
#define RT_ENGINE_NATIVE_ISA_POOL_H

#include <stdint.h>

#include "engine/native/pixels.h"

struct rt_pool_kernels {
    /* y, and the winning tap of each window in `winner` [rows x columns][channels]. */
    void (*max)(const struct rt_window *window, const float *x, long x_ld, struct rt_view view, float *y,
                long y_ld, uint8_t *winner, long winner_ld);
    /* dx (+)= dy at the winners. */
    void (*max_backward)(const struct rt_window *window, const float *dy, long dy_ld, const uint8_t *winner,
                         long winner_ld, float *dx, long dx_ld, bool accumulate);
    /* Adaptive averages, window of output i: floor(i in / out) .. ceil((i + 1) in / out). */
    void (*average)(const struct rt_window *window, const float *x, long x_ld, struct rt_view view, float *y,
                    long y_ld);
    void (*average_backward)(const struct rt_window *window, const float *dy, long dy_ld, float *dx, long dx_ld,
                             bool accumulate);
};

#endif
