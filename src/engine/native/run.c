#include "engine/native/run.h"
#include "engine/native/isa/norm.h"
#include "engine/native/isa/update.h"

float *rt_native_data(const struct rt_native *plan, const struct rt_value *value)
{
    return plan->arena + plan->buffers[value->data].offset + value->offset;
}

float *rt_native_grad(const struct rt_native *plan, const struct rt_value *value)
{
    return plan->arena + plan->buffers[value->grad].offset + value->grad_offset;
}

struct rt_view rt_native_view(const struct rt_native *plan, const struct rt_value *value)
{
    return (struct rt_view){
        .scale = value->scale == RT_NONE ? NULL : plan->persistent + value->scale,
        .shift = value->scale == RT_NONE ? NULL : plan->persistent + value->shift,
        .relu = value->relu,
    };
}

long rt_native_rows(const struct rt_native *plan, const struct rt_value *value)
{
    return (long)plan->count * value->shape.height * value->shape.width;
}

float *rt_native_scratch(const struct rt_native *plan, int member)
{
    return plan->scratch + (size_t)member * plan->scratch_floats;
}

float *rt_native_shared(const struct rt_native *plan, const struct rt_stage *stage)
{
    return plan->shared + stage->shared;
}

float *rt_native_parameter(const struct rt_native *plan, int tensor)
{
    return plan->parameters + plan->slots[tensor].offset;
}

float *rt_native_state(const struct rt_native *plan, int tensor)
{
    return plan->states + plan->slots[tensor].offset;
}

void rt_native_apply_gradient(struct rt_native *plan, int tensor, size_t offset, const float *gradient,
                              size_t count, int parts, size_t part_stride)
{
    const size_t at = plan->slots[tensor].offset + offset;

    if (!plan->updates) {
        plan->isa->update->sum_parts(plan->gradients + at, gradient, (long)count, parts, (long)part_stride);
        return;
    }
    plan->isa->update->step(
        &(struct rt_parameters){
            .optimizer = plan->base.options.optimizer->index,
            .terms = plan->terms,
            .w = plan->parameters + at,
            .states = plan->states + at,
            .count = (long)count,
            .state_stride = (long)plan->parameter_floats,
        },
        gradient, parts, (long)part_stride);
}

struct rt_slice rt_native_images(const struct rt_native *plan, int member)
{
    return rt_team_slice(plan->host.team, member, plan->count, 1);
}

int rt_native_chunk_of(const struct rt_native *plan, int chunks, long image)
{
    int chunk = 0;

    while (rt_slice(chunk, chunks, plan->count, 1).end <= image)
        chunk++;
    return chunk;
}

void rt_native_announce(struct rt_native *plan, const struct rt_stage *stage, long begin, long end)
{
    for (int s = stage->listeners; s != RT_NONE; s = plan->stages[s].next_listener)
        plan->stages[s].kernel->gradient_ready(plan, &plan->stages[s], begin, end);
}

void rt_native_leave_moments(const struct rt_native *plan, const struct rt_value *value, long begin, long count)
{
    float *piece = plan->persistent + value->moments + begin / value->moment_rows * 2 * value->channels;

    plan->isa->norm->moments(rt_native_data(plan, value) + begin * value->ld, value->ld, count, value->channels,
                             piece, piece + value->channels);
}
