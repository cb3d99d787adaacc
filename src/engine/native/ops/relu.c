/* ReLU that no other stage covers: a view where its readers take views, else a copy. */
#include "engine/native/isa/rows.h"
#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

static int relu_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const int node = stage->node->id;
    const struct rt_value *x = &plan->values[stage->in[0]];

    if (rt_native_can_be_view(plan, node, stage->in[0])) {
        RT_TRY(rt_native_view_of(plan, stage, node, false, err));
        plan->values[node].relu = true;
        rt_native_touch_backward(plan, stage, x->grad);
        return RT_OK;
    }
    RT_TRY(rt_native_output(plan, stage, node, err));
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, plan->values[node].data);
    rt_native_touch_backward(plan, stage, x->grad);
    return RT_OK;
}

static void relu_forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long area = (long)x->shape.height * x->shape.width;
    struct rt_view view = rt_native_view(plan, x);

    (void)member;
    if (y->relu)
        return;
    view.relu = true;
    plan->isa->rows->copy(rt_native_data(plan, x) + begin * area * x->ld, x->ld, view,
                          rt_native_data(plan, y) + begin * area * y->ld, y->ld, (end - begin) * area,
                          x->channels, false);
}

static void relu_backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                 long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long area = (long)x->shape.height * x->shape.width;
    float *dx, *dy;

    (void)member;
    if (!stage->wants[0])
        return;
    dx = rt_native_grad(plan, x) + begin * area * x->grad_ld;
    dy = rt_native_grad(plan, y) + begin * area * y->grad_ld;
    plan->isa->rows->gate(dy, y->grad_ld, rt_native_data(plan, y) + begin * area * y->ld, y->ld,
                          (end - begin) * area, x->channels); /* y > 0 exactly where x > 0, stored or viewed */
    if (dx != dy)
        plan->isa->rows->copy(dy, y->grad_ld, (struct rt_view){0}, dx, x->grad_ld, (end - begin) * area,
                              x->channels, stage->accumulate[0]);
}

const struct rt_native_kernel rt_native_relu = {.op = &rt_op_relu,
                                                .plan = relu_plan,
                                                .forward = {.images = relu_forward_images},
                                                .backward = {.images = relu_backward_images},
                                                .sign = RT_SIGN_NOT_NEGATIVE};
