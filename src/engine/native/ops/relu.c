/* ReLU that no other stage covers: a view where its readers take views, else a copy. */
#include "engine/native/native.h"
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

static void relu_forward_part(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_slice rows = rt_team_slice(plan->base.options.team, member, rt_native_rows(plan, x), 1);
    struct rt_view view = rt_native_view(plan, x);

    view.relu = true;
    plan->isa->copy(rt_native_data(plan, x) + rows.begin * x->ld, x->ld, view,
                    rt_native_data(plan, y) + rows.begin * y->ld, y->ld, rows.end - rows.begin, x->channels,
                    false);
}

static void relu_forward(struct rt_native *plan, struct rt_stage *stage)
{
    if (!plan->values[stage->out].relu)
        rt_native_share_out(plan, stage, relu_forward_part);
}

static void relu_backward_part(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_slice rows = rt_team_slice(plan->base.options.team, member, rt_native_rows(plan, x), 1);
    float *dy = rt_native_grad(plan, y) + rows.begin * y->grad_ld;
    float *dx = rt_native_grad(plan, x) + rows.begin * x->grad_ld;

    plan->isa->gate(dy, y->grad_ld, rt_native_data(plan, y) + rows.begin * y->ld, y->ld, rows.end - rows.begin,
                    x->channels); /* y > 0 exactly where x > 0, stored or viewed */
    if (dx != dy)
        plan->isa->copy(dy, y->grad_ld, (struct rt_view){0}, dx, x->grad_ld, rows.end - rows.begin, x->channels,
                        stage->accumulate[0]);
}

static void relu_backward(struct rt_native *plan, struct rt_stage *stage)
{
    if (stage->wants[0])
        rt_native_share_out(plan, stage, relu_backward_part);
}

const struct rt_native_kernel rt_native_relu = {
    .op = &rt_op_relu, .plan = relu_plan, .forward = relu_forward, .backward = relu_backward};
