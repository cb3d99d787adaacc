/* Memory planning: buffers of disjoint lifetimes share memory.
 *
 * A buffer lives from the first launch that takes it as an argument to the last, in list order; each pass runs
 * a subset of the list. Launches on the side stream wait for all launches before them and are joined at the end
 * of the step, so their arguments live until then. Hence of two buffers that share memory, all launches of one
 * complete before any of the other starts, on either stream. The next step starts after the join. */
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
    size_t *room = &plan->scratch_bytes[plan->emit_side];

    if (bytes > *room)
        *room = bytes;
}

/* The buffer that an argument points into, or null. Buffers are sorted by reserved offset. */
static struct rt_cuda_buffer *buffer_at(struct rt_cuda_plan *plan, const struct rt_cuda_argument *argument)
{
    int low = 0, high = plan->buffer_count;

    if (!argument->offset)
        return NULL;
    while (low < high) { /* upper bound: the first buffer that begins after it */
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
            const int end = launch->side ? plan->launch_count : i;

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

/* First fit: puts the buffer at the lowest offset >= begin that collides with none of the `placed` ones.
 * Returns its end. */
static size_t lowest_place(const struct rt_cuda_plan *plan, const int *order, int placed,
                           struct rt_cuda_buffer *buffer, size_t begin)
{
    buffer->place = begin;
    for (int i = 0; i < placed; i++) {
        const struct rt_cuda_buffer *other = &plan->buffers[order[i]];

        if (collide(buffer, other)) {
            buffer->place = other->place + other->bytes;
            i = -1; /* start over */
        }
    }
    return buffer->place + buffer->bytes;
}

/* First fit by decreasing size, from `begin` on. Buffers that no launch uses get no memory. */
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
