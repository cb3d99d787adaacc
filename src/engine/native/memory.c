#include "engine/native/memory.h"

#include "base/memory.h"

enum { BUFFER_ALIGN = 16 };

long rt_native_pad(long channels)
{
    return (channels + RT_PANEL_CHANNELS - 1) / RT_PANEL_CHANNELS * RT_PANEL_CHANNELS;
}

int rt_native_buffer(struct rt_native *plan, size_t floats, int *buffer, struct rt_error *err)
{
    RT_TRY(rt_realloc(&plan->buffers, (size_t)plan->buffer_count + 1, sizeof *plan->buffers, "the plan", err));
    plan->buffers[plan->buffer_count] =
        (struct rt_buffer){.floats = (floats + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN,
                           .first = plan->end + 1,
                           .last = -1};
    *buffer = plan->buffer_count++;
    return RT_OK;
}

void rt_native_touch(struct rt_native *plan, int buffer, int time)
{
    if (buffer == RT_NONE)
        return;
    if (time < plan->buffers[buffer].first)
        plan->buffers[buffer].first = time;
    if (time > plan->buffers[buffer].last)
        plan->buffers[buffer].last = time;
}

void rt_native_touch_forward(struct rt_native *plan, const struct rt_stage *stage, int buffer)
{
    rt_native_touch(plan, buffer, stage->index);
}

void rt_native_touch_backward(struct rt_native *plan, const struct rt_stage *stage, int buffer)
{
    if (plan->base.options.training)
        rt_native_touch(plan, buffer, plan->end - stage->index);
}

long rt_native_persist(struct rt_native *plan, size_t floats)
{
    const size_t at = plan->persistent_floats;

    plan->persistent_floats += (floats + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN;
    return (long)at;
}

void rt_native_need_scratch(struct rt_native *plan, size_t floats)
{
    if (floats > plan->scratch_floats)
        plan->scratch_floats = (floats + 1023) / 1024 * 1024;
}

void rt_native_need_shared(struct rt_stage *stage, size_t floats)
{
    if ((long)floats > stage->shared_floats)
        stage->shared_floats = (long)((floats + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN);
}

void rt_native_slot(struct rt_native *plan, const struct rt_stage *stage, int tensor, size_t floats)
{
    plan->slots[tensor] = (struct rt_slot){
        .offset = plan->parameter_floats,
        .count = (floats + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN,
        .stage = stage->index,
    };
    plan->parameter_floats += plan->slots[tensor].count;
}

static bool lives_overlap(const struct rt_buffer *a, const struct rt_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `buffer` collides with none of the `placed` ones. */
static size_t lowest_offset(const struct rt_buffer *buffers, const int *order, int placed,
                            const struct rt_buffer *buffer)
{
    size_t offset = 0;

    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < placed; i++) {
            const struct rt_buffer *other = &buffers[order[i]];

            if (lives_overlap(buffer, other) && offset < other->offset + other->floats &&
                other->offset < offset + buffer->floats) {
                offset = other->offset + other->floats;
                moved = true;
            }
        }
    }
    return offset;
}

/* Largest first, each as low as it fits: within a few per cent of the maximum that is live at one time. */
size_t rt_native_place_buffers(struct rt_buffer *buffers, int count, int *order)
{
    size_t total = 0;

    for (int i = 0; i < count; i++) {
        int at = i;

        for (; at > 0 && buffers[order[at - 1]].floats < buffers[i].floats; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (int i = 0; i < count; i++) {
        struct rt_buffer *buffer = &buffers[order[i]];

        buffer->offset = lowest_offset(buffers, order, i, buffer);
        if (buffer->offset + buffer->floats > total)
            total = buffer->offset + buffer->floats;
    }
    return total;
}
