/* Local response normalisation; backward recomputes the denominators from x. */
#include "engine/native/isa/lrn.h"
#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
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

static void forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long area = (long)x->shape.height * x->shape.width;
    const struct rt_lrn lrn = constants(stage);

    (void)member;
    plan->isa->lrn->forward(rt_native_data(plan, x) + begin * area * x->ld, x->ld,
                            rt_native_data(plan, y) + begin * area * y->ld, y->ld, (end - begin) * area,
                            (int)x->channels, &lrn);
}

static void backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long area = (long)x->shape.height * x->shape.width;
    const struct rt_lrn lrn = constants(stage);

    (void)member;
    if (stage->wants[0])
        plan->isa->lrn->backward(rt_native_data(plan, x) + begin * area * x->ld, x->ld,
                                 rt_native_grad(plan, y) + begin * area * y->grad_ld, y->grad_ld,
                                 rt_native_grad(plan, x) + begin * area * x->grad_ld, x->grad_ld,
                                 (end - begin) * area, (int)x->channels, &lrn, stage->accumulate[0]);
}

const struct rt_native_kernel rt_native_lrn = {.op = &rt_op_lrn,
                                               .plan = lrn_plan,
                                               .forward = {.images = forward_images},
                                               .backward = {.images = backward_images}};
