/* Adaptive average pool. */
#include "engine/native/isa/pool.h"
#include "engine/native/memory.h"
#include "engine/native/ops/pool.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

static int avg_pool_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *x = &plan->values[stage->in[0]];

    RT_TRY(rt_native_output(plan, stage, stage->node->id, err));
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    return RT_OK;
}

static void forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_window window = rt_pool_window(plan, stage);

    (void)member;
    for (long i = begin; i < end; i++)
        plan->isa->pool->average(&window, rt_pool_image(plan, x, i), x->ld, rt_native_view(plan, x),
                                 rt_pool_image(plan, y, i), y->ld);
}

static void backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_window window = rt_pool_window(plan, stage);

    (void)member;
    for (long i = begin; stage->wants[0] && i < end; i++)
        plan->isa->pool->average_backward(&window, rt_pool_image_gradient(plan, y, i), y->grad_ld,
                                          rt_pool_image_gradient(plan, x, i), x->grad_ld, stage->accumulate[0]);
}

const struct rt_native_kernel rt_native_avg_pool = {.op = &rt_op_avg_pool,
                                                    .plan = avg_pool_plan,
                                                    .forward = {.images = forward_images},
                                                    .backward = {.images = backward_images},
                                                    .takes_views = true};
