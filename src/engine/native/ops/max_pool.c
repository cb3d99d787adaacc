/* Max-pool, images shared out; the winners of each window are kept for the gradient. */
#include "engine/native/native.h"
#include "net/ops.h"

enum { KERNEL_MAX = 15 }; /* a winner is one byte */

static int max_pool_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const struct rt_node *node = stage->node;

    if (node->attributes.kernel > KERNEL_MAX)
        return rt_fail(err, RT_ECONFIG,
                       "engine native has max-pool windows up to %d, not %d; try --engine reference",
                       KERNEL_MAX, node->attributes.kernel);
    RT_TRY(rt_native_output(plan, stage, node->id, err));
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    if (!plan->base.options.training)
        return RT_OK;
    RT_TRY(rt_native_buffer(plan,
                            (size_t)plan->base.options.batch_max * (size_t)node->shape.height *
                                (size_t)node->shape.width * (size_t)x->channels / sizeof(float),
                            &stage->buffer, err));
    rt_native_touch_forward(plan, stage, stage->buffer);
    rt_native_touch_backward(plan, stage, stage->buffer);
    return RT_OK;
}

struct pool_call {
    struct rt_native *plan;
    struct rt_stage *stage;
    struct rt_window window;
};

static struct pool_call call_of(struct rt_native *plan, struct rt_stage *stage)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const struct rt_attributes *a = &stage->node->attributes;

    return (struct pool_call){plan,
                              stage,
                              {.channels = (int)x->channels,
                               .height = x->shape.height,
                               .width = x->shape.width,
                               .rows = stage->node->shape.height,
                               .columns = stage->node->shape.width,
                               .kernel = a->kernel,
                               .stride = a->stride,
                               .padding = a->padding}};
}

static uint8_t *winners(const struct pool_call *call, long image)
{
    if (call->stage->buffer == RT_NONE)
        return NULL;
    return (uint8_t *)(call->plan->arena + call->plan->buffers[call->stage->buffer].offset) +
           image * call->window.rows * call->window.columns * call->window.channels;
}

static void forward_part(void *context, int member)
{
    const struct pool_call *call = context;
    const struct rt_native *plan = call->plan;
    const struct rt_value *x = &plan->values[call->stage->in[0]], *y = &plan->values[call->stage->out];
    const struct rt_slice images = rt_team_slice(plan->base.options.team, member, plan->count, 1);
    const long in = (long)x->shape.height * x->shape.width, out = (long)y->shape.height * y->shape.width;

    for (long i = images.begin; i < images.end; i++)
        plan->isa->max_pool(&call->window, rt_native_data(plan, x) + i * in * x->ld, x->ld,
                            rt_native_view(plan, x), rt_native_data(plan, y) + i * out * y->ld, y->ld,
                            winners(call, i), call->stage->buffer == RT_NONE ? 0 : x->channels);
}

static void max_pool_forward(struct rt_native *plan, struct rt_stage *stage)
{
    struct pool_call call = call_of(plan, stage);

    rt_team_run(plan->base.options.team, forward_part, &call);
}

static void backward_part(void *context, int member)
{
    const struct pool_call *call = context;
    const struct rt_native *plan = call->plan;
    const struct rt_value *x = &plan->values[call->stage->in[0]], *y = &plan->values[call->stage->out];
    const struct rt_slice images = rt_team_slice(plan->base.options.team, member, plan->count, 1);
    const long in = (long)x->shape.height * x->shape.width, out = (long)y->shape.height * y->shape.width;

    for (long i = images.begin; i < images.end; i++)
        plan->isa->max_pool_backward(
            &call->window, rt_native_grad(plan, y) + i * out * y->grad_ld, y->grad_ld, winners(call, i),
            x->channels, rt_native_grad(plan, x) + i * in * x->grad_ld, x->grad_ld, call->stage->accumulate[0]);
}

static void max_pool_backward(struct rt_native *plan, struct rt_stage *stage)
{
    struct pool_call call = call_of(plan, stage);

    if (stage->wants[0])
        rt_team_run(plan->base.options.team, backward_part, &call);
}

const struct rt_native_kernel rt_native_max_pool = {
    .op = &rt_op_max_pool, .plan = max_pool_plan, .forward = max_pool_forward, .backward = max_pool_backward};
