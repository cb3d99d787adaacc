/* What kernels on rows of pixels take: views, windows, normalisation. */
#ifndef RT_ENGINE_NATIVE_PIXELS_H
#define RT_ENGINE_NATIVE_PIXELS_H

#include <stdbool.h>

/* How a reader sees a stored activation: x, or scale[c] * x + shift[c], then perhaps ReLU. Batch norm is
 * applied so, on the way into its readers, and never stored. */
struct rt_view {
    const float *scale, *shift; /* [channels], or null: 1 and 0 */
    bool relu;
};

/* A convolution's or pool's geometry. */
struct rt_window {
    int channels, height, width; /* of the input */
    int rows, columns;           /* of the output */
    int kernel, stride, padding;
};

/* im2col: row r of `to` holds the kernel x kernel x channels inputs (row, column, channel) of output pixel
 * begin + r, where output pixels are counted over (image, row, column); zero outside the image. From planes the
 * matrix comes transposed: column k of it, tap (row, column, channel) k, at to + k * to_ld. */
struct rt_gather {
    struct rt_window window;
    const float *from; /* pixels [n, height, width] with stride ld; or planes [n, channels, height, width] */
    long ld;
    bool planar;
    struct rt_view view;
    long begin, count;
    float *to;
    long to_ld;
};

/* Local response normalisation's constants (Krizhevsky et al. 2012, section 3.3; alpha is divided by size). */
struct rt_lrn {
    int size;
    float alpha, beta, k;
};

/* What a batch norm's gradient subtracts, each [channels]: the mean of g, and g's slope along x - mean. */
struct rt_norm_terms {
    const float *mean, *mean_g, *slope;
};

#endif
