/* Local response normalisation, pixels shared out; backward recomputes the denominators from x. */
#include "engine/native/native.h"
#include "net/ops.h"

enum { CHANNELS_MAX = 512, WINDOW_MAX = 32 }; /* the inner loops' buffers */

static int lrn_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *x = &plan->values[stage->in[0]];

    if (x->channels > CHANNELS_MAX || stage->node->attributes.size > WINDOW_MAX)
        return rt_fail(
            err, RT_ECONFIG,
            "engine native has lrn up to %d channels and windows of %d, not %d and %d; try --engine reference",
            CHANNELS_MAX, WINDOW_MAX, x->shape.channels, stage->node->attributes.size);
    RT_TRY(rt_native_output(plan, stage, stage->node->id, err));
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    return RT_OK;
}

static struct rt_lrn constants(const struct rt_stage *stage)
{
    const struct rt_attributes *a = &stage->node->attributes;

    return (struct rt_lrn){a->size, a->alpha, a->beta, a->k};
}

static void forward_part(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_lrn lrn = constants(stage);
    const struct rt_slice rows = rt_team_slice(plan->base.options.team, member, rt_native_rows(plan, x), 1);

    plan->isa->lrn(rt_native_data(plan, x) + rows.begin * x->ld, x->ld,
                   rt_native_data(plan, y) + rows.begin * y->ld, y->ld, rows.end - rows.begin, (int)x->channels,
                   &lrn);
}

static void lrn_forward(struct rt_native *plan, struct rt_stage *stage)
{
    rt_native_share_out(plan, stage, forward_part);
}

static void backward_part(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_lrn lrn = constants(stage);
    const struct rt_slice rows = rt_team_slice(plan->base.options.team, member, rt_native_rows(plan, x), 1);

    plan->isa->lrn_backward(rt_native_data(plan, x) + rows.begin * x->ld, x->ld,
                            rt_native_grad(plan, y) + rows.begin * y->grad_ld, y->grad_ld,
                            rt_native_grad(plan, x) + rows.begin * x->grad_ld, x->grad_ld,
                            rows.end - rows.begin, (int)x->channels, &lrn, stage->accumulate[0]);
}

static void lrn_backward(struct rt_native *plan, struct rt_stage *stage)
{
    if (stage->wants[0])
        rt_native_share_out(plan, stage, backward_part);
}

const struct rt_native_kernel rt_native_lrn = {
    .op = &rt_op_lrn, .plan = lrn_plan, .forward = lrn_forward, .backward = lrn_backward};
