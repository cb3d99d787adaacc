/* Adaptive average pool, images shared out. */
#include "engine/native/ops/pool.h"
#include "net/ops.h"

static int avg_pool_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *x = &plan->values[stage->in[0]];

    RT_TRY(rt_native_output(plan, stage, stage->node->id, err));
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    return RT_OK;
}

static void forward_part(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_window window = rt_pool_window(plan, stage);
    const struct rt_slice images = rt_team_slice(plan->base.options.team, member, plan->count, 1);

    for (long i = images.begin; i < images.end; i++)
        plan->isa->avg_pool(&window, rt_pool_image(plan, x, i), x->ld, rt_native_view(plan, x),
                            rt_pool_image(plan, y, i), y->ld);
}

static void avg_pool_forward(struct rt_native *plan, struct rt_stage *stage)
{
    rt_native_share_out(plan, stage, forward_part);
}

static void backward_part(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_window window = rt_pool_window(plan, stage);
    const struct rt_slice images = rt_team_slice(plan->base.options.team, member, plan->count, 1);

    for (long i = images.begin; i < images.end; i++)
        plan->isa->avg_pool_backward(&window, rt_pool_image_gradient(plan, y, i), y->grad_ld,
                                     rt_pool_image_gradient(plan, x, i), x->grad_ld, stage->accumulate[0]);
}

static void avg_pool_backward(struct rt_native *plan, struct rt_stage *stage)
{
    if (stage->wants[0])
        rt_native_share_out(plan, stage, backward_part);
}

const struct rt_native_kernel rt_native_avg_pool = {
    .op = &rt_op_avg_pool, .plan = avg_pool_plan, .forward = avg_pool_forward, .backward = avg_pool_backward};
