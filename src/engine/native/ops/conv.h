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

/* Winograd's algorithm (conv_winograd.c). Whether it takes this convolution; its needs, returning the output
 * pixels of a block; and the passes, each called by all members of the team. */
bool rt_conv_winograd_fits(const struct rt_native *plan, const struct rt_stage *stage,
                           const struct rt_conv_shape *s);
long rt_conv_winograd_plan(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s);
void rt_conv_winograd_forward(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                              int member);
/* dy has gone through the ReLU's gate, and where the input's gradient is wanted the transposed weights
 * [tap x in/16][out][16] are in place. */
void rt_conv_winograd_backward(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                               int member);
float *rt_conv_winograd_transposed(const struct rt_native *plan, const struct rt_conv_shape *s);

#endif
