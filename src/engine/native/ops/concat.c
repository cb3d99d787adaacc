/* Concatenation along channels. Parts that are whole panels have been written in place by their producers, and
 * their gradients are read from there: nothing remains to be done. Other parts are copied. */
#include <string.h>

#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

static bool at_home(const struct rt_native *plan, const struct rt_stage *stage, int part)
{
    return plan->targets[stage->in[part]].concat == stage->node->id;
}

static int concat_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    struct rt_value *y = &plan->values[stage->node->id];

    if (!y->channels)
        RT_TRY(rt_native_output(plan, stage, stage->node->id, err));
    stage->out = stage->node->id;
    for (int i = 0; i < 2; i++) {
        const struct rt_value *x = &plan->values[stage->in[i]];

        if (at_home(plan, stage, i))
            y->relu = y->relu || x->relu;
        else if (x->scale != RT_NONE || x->relu || x->planar)
            return rt_fail(err, RT_ECONFIG,
                           "engine native has no concat of this input (node %d); try --engine reference",
                           stage->node->id);
        rt_native_touch_forward(plan, stage, x->data);
        rt_native_touch_backward(plan, stage, x->grad);
    }
    rt_native_touch_forward(plan, stage, y->data);
    rt_native_touch_backward(plan, stage, y->grad);
    return RT_OK;
}

static void concat_forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                  long end)
{
    const struct rt_value *y = &plan->values[stage->out];
    const long area = (long)y->shape.height * y->shape.width;
    long at = 0;

    (void)member;
    for (int i = 0; i < 2; i++) {
        const struct rt_value *x = &plan->values[stage->in[i]];
        const size_t bytes = (size_t)x->shape.channels * sizeof(float);

        for (long r = begin * area; r < end * area && !at_home(plan, stage, i); r++)
            memcpy(rt_native_data(plan, y) + r * y->ld + at, rt_native_data(plan, x) + r * x->ld, bytes);
        at += x->shape.channels;
    }
}

static void concat_backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                   long end)
{
    const struct rt_value *y = &plan->values[stage->out];
    const long area = (long)y->shape.height * y->shape.width;
    long at = 0;

    (void)member;
    for (int i = 0; i < 2; i++) {
        const struct rt_value *x = &plan->values[stage->in[i]];

        for (long r = begin * area; r < end * area && stage->wants[i] && !at_home(plan, stage, i); r++) {
            const float *from = rt_native_grad(plan, y) + r * y->grad_ld + at;
            float *to = rt_native_grad(plan, x) + r * x->grad_ld;

            for (int c = 0; c < x->shape.channels; c++)
                to[c] = stage->accumulate[i] ? to[c] + from[c] : from[c];
            for (long c = x->shape.channels; c < x->channels && !stage->accumulate[i]; c++)
                to[c] = 0;
        }
        at += x->shape.channels;
    }
}

const struct rt_native_kernel rt_native_concat = {.op = &rt_op_concat,
                                                  .plan = concat_plan,
                                                  .forward = {.images = concat_forward_images},
                                                  .backward = {.images = concat_backward_images},
                                                  .sign = RT_SIGN_OF_INPUTS};
