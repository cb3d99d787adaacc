/* What a convolution's stages share. */
#ifndef RT_ENGINE_NATIVE_OPS_CONV_H
#define RT_ENGINE_NATIVE_OPS_CONV_H

#include "engine/native/native.h"

struct rt_conv_shape {
    struct rt_window window;
    long depth;     /* kernel x kernel x input channels: the length of a gathered row */
    long out;       /* output channels, padded */
    long area;      /* output pixels an image */
    bool pointwise; /* 1x1, stride 1: an input pixel is a gathered row */
};

struct rt_conv_shape rt_conv_shape(const struct rt_native *plan, const struct rt_stage *stage);

#endif
