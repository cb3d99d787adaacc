#include <string.h>

#include "engine/native/native.h"

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

/* Largest first, each as low as it fits: within a few per cent of the most that lives at once. */
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
