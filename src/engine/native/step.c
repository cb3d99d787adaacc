/* Running a plan: training steps, evaluation, probes. */
#include <string.h>

#include "engine/native/entries.h"
#include "engine/native/groups.h"
#include "engine/native/run.h"

static void find_terms(struct rt_native *plan)
{
    double terms[RT_OPTIMIZER_TERMS_MAX] = {0};

    plan->base.options.optimizer->terms(terms, &plan->base.pass.update, (double)plan->serial);
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
