/* Running: where a stage finds its numbers, and what it does with gradients and moments. */
#ifndef RT_ENGINE_NATIVE_RUN_H
#define RT_ENGINE_NATIVE_RUN_H

#include "engine/native/native.h"

/* This member's images, as `images` steps get them. With `chunks` a multiple of the team's size, whole chunks
 * (rt_slice(c, chunks, count, 1)). */
struct rt_slice rt_native_images(const struct rt_native *plan, int member);
/* The number of the chunk that an image is in. */
int rt_native_chunk_of(const struct rt_native *plan, int chunks, long image);
float *rt_native_data(const struct rt_native *plan, const struct rt_value *value);
float *rt_native_grad(const struct rt_native *plan, const struct rt_value *value);
struct rt_view rt_native_view(const struct rt_native *plan, const struct rt_value *value);
long rt_native_rows(const struct rt_native *plan, const struct rt_value *value); /* pixels in the batch */
float *rt_native_scratch(const struct rt_native *plan, int member);
float *rt_native_shared(const struct rt_native *plan, const struct rt_stage *stage);
float *rt_native_parameter(const struct rt_native *plan, int tensor);
float *rt_native_state(const struct rt_native *plan,
                       int tensor); /* the optimiser's first, of a plan that trains */
/* Uses `count` gradients of a tensor from element `offset` on, the sum of `parts` arrays: updates weights and
 * optimiser states, or leaves the gradients to be read. */
void rt_native_apply_gradient(struct rt_native *plan, int tensor, size_t offset, const float *gradient,
                              size_t count, int parts, size_t part_stride);
/* The gradient of the stage's first input is whole for images [begin, end): tells those whom that concerns. */
void rt_native_announce(struct rt_native *plan, const struct rt_stage *stage, long begin, long end);
/* The partial moments of rows [begin, begin + count) of a value, as piece number begin / value->moment_rows. */
void rt_native_leave_moments(const struct rt_native *plan, const struct rt_value *value, long begin,
                             long count);

#endif
