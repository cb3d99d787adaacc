/* Running a plan: training steps, evaluation, probes; and the addresses of a stage's numbers. */
#include <string.h>

#include "engine/native/entries.h"
#include "engine/native/groups.h"
#include "engine/native/run.h"
#include "net/ops.h"

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
        plan->isa->sum_parts(plan->gradients + at, gradient, (long)count, parts, (long)part_stride);
        return;
    }
    plan->isa->update(
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

    plan->isa->moments(rt_native_data(plan, value) + begin * value->ld, value->ld, count, value->channels,
                       piece, piece + value->channels);
}

static void find_terms(struct rt_native *plan)
{
    double terms[RT_OPTIMIZER_TERMS_MAX] = {0};

    plan->base.options.optimizer->terms(terms, &plan->base.pass.update, plan->serial);
    for (int i = 0; i < RT_OPTIMIZER_TERMS_MAX; i++)
        plan->terms[i] = (float)terms[i];
}

void rt_native_step(struct rt_host_plan *host, const struct rt_host_batch *batch)
{
    struct rt_native *plan = (struct rt_native *)host;

    plan->count = batch->count;
    plan->training = host->base.pass.kind != RT_PASS_EVALUATE;
    plan->images = batch->images;
    plan->serial = batch->serial;
    plan->batch = batch;
    plan->updates = host->base.pass.kind == RT_PASS_TRAIN;
    if (plan->updates)
        find_terms(plan);
    plan->input_gradient = NULL;
    rt_native_run_forward(plan);
    if (plan->training)
        rt_native_run_backward(plan);
}

/* Copies pixels to planes [n, c, h, w] (out true), or planes to pixels. */
static void exchange(const struct rt_native *plan, struct rt_shape shape, float *pixels, long ld, float *planes,
                     bool out)
{
    const long area = (long)shape.height * shape.width;

    for (long n = 0; n < plan->count; n++)
        for (int c = 0; c < shape.channels; c++)
            for (long i = 0; i < area; i++) {
                float *pixel = &pixels[(n * area + i) * ld + c],
                      *plane = &planes[(n * shape.channels + c) * area + i];

                if (out)
                    *plane = *pixel;
                else
                    *pixel = *plane;
            }
}

int rt_native_probe(struct rt_plan *base, const void *x, int count, void *y, const void *dy, void *dx,
                    struct rt_error *err)
{
    struct rt_native *plan = (struct rt_native *)base;
    const struct rt_value *last = &plan->values[base->graph->node_count - 1];

    (void)err;
    plan->count = count;
    plan->training = base->options.training;
    plan->images = x;
    plan->serial = 0;
    plan->batch = NULL;
    plan->updates = false;
    plan->input_gradient = dx;
    rt_native_run_forward(plan);
    if (last->planar)
        memcpy(y, x, (size_t)count * rt_shape_count(last->shape) * sizeof(float));
    else
        exchange(plan, last->shape, rt_native_data(plan, last), last->ld, y, true);
    if (!dy || last->grad == RT_NONE)
        return RT_OK;
    exchange(plan, last->shape, rt_native_grad(plan, last), last->grad_ld, (float *)(uintptr_t)dy, false);
    rt_native_run_backward(plan);
    return RT_OK;
}
