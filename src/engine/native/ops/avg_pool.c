/* Adaptive average pool, images shared out. */
#include "engine/native/native.h"
#include "net/ops.h"

static int avg_pool_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *x = &plan->values[stage->in[0]];

    RT_TRY(rt_native_output(plan, stage, stage->node->id, err));
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
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

    return (struct pool_call){plan,
                              stage,
                              {.channels = (int)x->channels,
                               .height = x->shape.height,
                               .width = x->shape.width,
                               .rows = stage->node->shape.height,
                               .columns = stage->node->shape.width}};
}

static void forward_part(void *context, int member)
{
    const struct pool_call *call = context;
    const struct rt_native *plan = call->plan;
    const struct rt_value *x = &plan->values[call->stage->in[0]], *y = &plan->values[call->stage->out];
    const struct rt_slice images = rt_team_slice(plan->base.options.team, member, plan->count, 1);
    const long in = (long)x->shape.height * x->shape.width, out = (long)y->shape.height * y->shape.width;

    for (long i = images.begin; i < images.end; i++)
        plan->isa->avg_pool(&call->window, rt_native_data(plan, x) + i * in * x->ld, x->ld,
                            rt_native_view(plan, x), rt_native_data(plan, y) + i * out * y->ld, y->ld);
}

static void avg_pool_forward(struct rt_native *plan, struct rt_stage *stage)
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
        plan->isa->avg_pool_backward(&call->window, rt_native_grad(plan, y) + i * out * y->grad_ld, y->grad_ld,
                                     rt_native_grad(plan, x) + i * in * x->grad_ld, x->grad_ld,
                                     call->stage->accumulate[0]);
}

static void avg_pool_backward(struct rt_native *plan, struct rt_stage *stage)
{
    struct pool_call call = call_of(plan, stage);

    if (stage->wants[0])
        rt_team_run(plan->base.options.team, backward_part, &call);
}

const struct rt_native_kernel rt_native_avg_pool = {
    .op = &rt_op_avg_pool, .plan = avg_pool_plan, .forward = avg_pool_forward, .backward = avg_pool_backward};
