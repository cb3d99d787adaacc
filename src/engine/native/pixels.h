/* What kernels on rows of pixels take: views and windows. Channel counts are exact; ld and weights are padded
 * to whole panels of 16 channels, whose padding holds zeros. Pixel r's channels begin at base + r * ld. */
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

#endif
