/* What max-pool and average pool share: their window, and an image's part of a value. */
#ifndef RT_ENGINE_NATIVE_OPS_POOL_H
#define RT_ENGINE_NATIVE_OPS_POOL_H

#include "engine/native/run.h"

static inline struct rt_window rt_pool_window(const struct rt_native *plan, const struct rt_stage *stage)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const struct rt_attributes *a = &stage->node->attributes;

    return (struct rt_window){.channels = (int)x->channels,
                              .height = x->shape.height,
                              .width = x->shape.width,
                              .rows = stage->node->shape.height,
                              .columns = stage->node->shape.width,
                              .kernel = a->kernel,
                              .stride = a->stride,
                              .padding = a->padding};
}

/* The first pixel of an image in a value's numbers, or in its gradient. */
static inline float *rt_pool_image(const struct rt_native *plan, const struct rt_value *value, long image)
{
    return rt_native_data(plan, value) + image * value->shape.height * value->shape.width * value->ld;
}

static inline float *rt_pool_image_gradient(const struct rt_native *plan, const struct rt_value *value,
                                            long image)
{
    return rt_native_grad(plan, value) + image * value->shape.height * value->shape.width * value->grad_ld;
}

#endif
