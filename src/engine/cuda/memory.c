/* A plan's memory: buffers whose lives do not overlap lie in the same place.
 *
 * A buffer lives from the first launch that has it as an argument to the last, in the order of the list, which
 * every pass runs a part of. What is launched aside waits for all launches before it and is waited for only at
 * the end of the step: what it has as an argument lives until then. So of two buffers that share a place all
 * launches of the one are done before any of the other begins, on whichever branch of the step's graph they
 * are. The next step begins when both branches have ended. */
#include "base/memory.h"
#include "engine/cuda/cuda.h"

static size_t aligned(size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

size_t rt_cuda_reserve(struct rt_cuda_plan *plan, size_t bytes)
{
    const size_t at = plan->bytes;

    plan->buffers[plan->buffer_count++] =
        (struct rt_cuda_buffer){.reserved = at, .bytes = aligned(bytes), .first = 0, .last = -1};
    plan->bytes += aligned(bytes);
    return at;
}

size_t rt_cuda_reserve_lasting(struct rt_cuda_plan *plan, size_t bytes)
{
    const size_t at = plan->bytes;

    plan->bytes += aligned(bytes);
    return at;
}

void rt_cuda_reserve_scratch(struct rt_cuda_plan *plan, size_t bytes)
{
    size_t *room = &plan->scratch_bytes[plan->emit_aside];

    if (bytes > *room)
        *room = bytes;
}

/* The buffer that an argument lies in; null: in none. Buffers lie one behind the other. */
static struct rt_cuda_buffer *buffer_at(struct rt_cuda_plan *plan, const struct rt_cuda_argument *argument)
{
    int low = 0, high = plan->buffer_count;

    if (!argument->offset)
        return NULL;
    while (low < high) { /* the first that begins behind it */
        const int middle = (low + high) / 2;

        if (plan->buffers[middle].reserved <= argument->value)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &plan->buffers[low - 1] : NULL;
}

static void find_lives(struct rt_cuda_plan *plan)
{
    for (int i = 0; i < plan->launch_count; i++) {
        const struct rt_cuda_launch *launch = &plan->launches[i];

        for (int k = 0; k < launch->argument_count; k++) {
            struct rt_cuda_buffer *buffer = buffer_at(plan, &launch->arguments[k]);
            const int end = launch->aside ? plan->launch_count : i;

            if (!buffer)
                continue;
            if (buffer->last < 0)
                buffer->first = i;
            if (end > buffer->last)
                buffer->last = end;
        }
    }
}

static bool collide(const struct rt_cuda_buffer *a, const struct rt_cuda_buffer *b)
{
    return a->first <= b->last && b->first <= a->last && a->place < b->place + b->bytes &&
           b->place < a->place + a->bytes;
}

/* The lowest place from `begin` on where the buffer collides with none of those placed before. */
static size_t lowest_place(const struct rt_cuda_plan *plan, const int *order, int placed,
                           struct rt_cuda_buffer *buffer, size_t begin)
{
    buffer->place = begin;
    for (int i = 0; i < placed; i++) {
        const struct rt_cuda_buffer *other = &plan->buffers[order[i]];

        if (collide(buffer, other)) {
            buffer->place = other->place + other->bytes;
            i = -1; /* once more from the first */
        }
    }
    return buffer->place + buffer->bytes;
}

/* Largest first, each as low as it fits, behind what lasts. Buffers that no launch has are nowhere. */
static void place(struct rt_cuda_plan *plan, int *order, size_t begin)
{
    int count = 0;

    for (int i = 0; i < plan->buffer_count; i++) {
        int at = count;

        if (plan->buffers[i].last < 0)
            continue;
        for (; at > 0 && plan->buffers[order[at - 1]].bytes < plan->buffers[i].bytes; at--)
            order[at] = order[at - 1];
        order[at] = i;
        count++;
    }
    plan->bytes = begin;
    for (int i = 0; i < count; i++) {
        const size_t end = lowest_place(plan, order, i, &plan->buffers[order[i]], begin);

        plan->bytes = end > plan->bytes ? end : plan->bytes;
    }
}

int rt_cuda_share_memory(struct rt_cuda_plan *plan, struct rt_error *err)
{
    int *order;

    if (!plan->buffer_count)
        return RT_OK;
    RT_TRY(rt_alloc(&order, (size_t)plan->buffer_count, sizeof *order, "a plan's buffers", err));
    find_lives(plan);
    place(plan, order, plan->buffers[0].reserved);
    rt_free(&order);
    for (int i = 0; i < plan->launch_count; i++)
        for (int k = 0; k < plan->launches[i].argument_count; k++) {
            struct rt_cuda_argument *argument = &plan->launches[i].arguments[k];
            const struct rt_cuda_buffer *buffer = buffer_at(plan, argument);

            if (buffer) {
                argument->buffer = (int)(buffer - plan->buffers) + 1;
                argument->value += buffer->place - buffer->reserved;
            }
        }
    return RT_OK;
}
