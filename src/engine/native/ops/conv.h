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

/* Winograd's algorithm (conv_winograd.c). Whether it supports this convolution; its memory needs (returns the
 * output pixels of a block); and the steps of the passes (native.h). */
bool rt_conv_winograd_fits(const struct rt_native *plan, const struct rt_stage *stage,
                           const struct rt_conv_shape *s);
long rt_conv_winograd_plan(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s);
void rt_conv_winograd_forward_begin(struct rt_native *plan, struct rt_stage *stage,
                                    const struct rt_conv_shape *s, int member);
/* One block: images [first, first + images). */
void rt_conv_winograd_forward(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                              int member, long first, long images);
/* The transposed weights [tap x in/16][out][16] are in place; before the images, dy has been masked by the
 * ReLU. */
void rt_conv_winograd_backward_begin(struct rt_native *plan, struct rt_stage *stage,
                                     const struct rt_conv_shape *s, int member);
void rt_conv_winograd_backward_images(struct rt_native *plan, struct rt_stage *stage,
                                      const struct rt_conv_shape *s, int member, long begin, long end);
void rt_conv_winograd_backward_end(struct rt_native *plan, struct rt_stage *stage,
                                   const struct rt_conv_shape *s, int member);
float *rt_conv_winograd_transposed(const struct rt_native *plan, const struct rt_stage *stage,
                                   const struct rt_conv_shape *s);

#endif
