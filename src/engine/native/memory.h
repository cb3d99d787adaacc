/* What memory a plan needs: buffers with lives, arrays that stay, scratch, tensors. Called while planning;
 * sizes are in floats for the largest batch. */
#ifndef RT_ENGINE_NATIVE_MEMORY_H
#define RT_ENGINE_NATIVE_MEMORY_H

#include "engine/native/native.h"

long rt_native_pad(long channels);
int rt_native_buffer(struct rt_native *plan, size_t floats, int *buffer, struct rt_error *err);
void rt_native_touch(struct rt_native *plan, int buffer, int time);
void rt_native_touch_forward(struct rt_native *plan, const struct rt_stage *stage, int buffer);
void rt_native_touch_backward(struct rt_native *plan, const struct rt_stage *stage, int buffer);
long rt_native_persist(struct rt_native *plan, size_t floats);
void rt_native_need_scratch(struct rt_native *plan, size_t floats);
void rt_native_need_shared(struct rt_stage *stage, size_t floats);
void rt_native_slot(struct rt_native *plan, const struct rt_stage *stage, int tensor, size_t floats);

/* Places the buffers so that lives that overlap do not share, and returns the arena's size in floats.
 */
size_t rt_native_place_buffers(struct rt_buffer *buffers, int count, int *order);

#endif
