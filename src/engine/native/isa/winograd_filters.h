/* The transforms of Winograd's algorithm on filters. */
#ifndef RT_ENGINE_NATIVE_ISA_WINOGRAD_FILTERS_H
#define RT_ENGINE_NATIVE_ISA_WINOGRAD_FILTERS_H

/* The transforms of `count` x 16 filters: tap t (row-major) of vector i at filters + t * tap_stride + 16 i,
 * position p at transformed + p * position_stride + 16 i. The filter that is transformed has `taps` x `taps`:
 * row i and column j of it are row_tap[i] and column_tap[j] of the kernel, or nought where these are negative.
 */
struct rt_filters {
    int kernel, taps;
    int row_tap[5], column_tap[5];
    int row_points, column_points; /* of a full tile */
    long count, tap_stride, position_stride;
};

struct rt_winograd_filters_kernels {
    /* G g G^T, and its transpose G^T u G. */
    void (*transform)(const struct rt_filters *filters, const float *from, float *transformed);
    void (*gradient)(const struct rt_filters *filters, const float *transformed, float *to);
};

#endif
