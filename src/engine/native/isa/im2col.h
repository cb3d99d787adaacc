/* im2col and its transpose. */
#ifndef RT_ENGINE_NATIVE_ISA_IM2COL_H
#define RT_ENGINE_NATIVE_ISA_IM2COL_H

#include "engine/native/pixels.h"

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

struct rt_im2col_kernels {
    void (*gather)(const struct rt_gather *gather);
    /* The transpose of gather: adds rows of kernel x kernel x channels gradients back into the pixels of `to`
     * (gather->from unused); no other thread may touch these pixels. */
    void (*scatter)(const struct rt_gather *gather, const float *rows, float *to);
};

#endif
