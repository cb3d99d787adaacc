/* Dropout: the mask is drawn again for the gradient (net/dropout.h) instead of being stored. */
#include "net/dropout.h"
#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

static int dropout_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *x = &plan->values[stage->in[0]];

    if (x->planar)
        return rt_fail(err, RT_ECONFIG, "engine native has no dropout of the images; try --engine reference");
    RT_TRY(rt_native_output(plan, stage, stage->node->id, err));
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    return RT_OK;
}

/* to = mask * from / (1 - rate) in training, from otherwise, of these images. */
static void mask_images(struct rt_native *plan, struct rt_stage *stage, struct rt_slice images,
                        const float *from, long from_ld, struct rt_view view, float *to, long to_ld,
                        bool accumulate)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const float rate = stage->node->attributes.rate, scale = 1.0f / (1.0f - rate);
    const uint64_t key = rt_dropout_key(plan->base.options.seed, plan->serial, stage->node->id);
    const uint32_t threshold = rt_dropout_threshold(rate);
    const long area = (long)x->shape.height * x->shape.width;

    for (long r = images.begin * area; r < images.end * area; r++)
        for (long c = 0; c < x->shape.channels; c++) {
            const uint64_t index = (uint64_t)((r / area * x->shape.channels + c) * area + r % area);
            float value = from[r * from_ld + c];

            if (view.scale)
                value = value * view.scale[c] + view.shift[c];
            if (view.relu && value < 0)
                value = 0;
            if (plan->training)
                value = rt_dropout_keeps(key, index, threshold) ? value * scale : 0.0f;
            to[r * to_ld + c] = accumulate ? to[r * to_ld + c] + value : value;
        }
}

static void forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];

    (void)member;
    mask_images(plan, stage, (struct rt_slice){begin, end}, rt_native_data(plan, x), x->ld,
                rt_native_view(plan, x), rt_native_data(plan, y), y->ld, false);
}

static void backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];

    (void)member;
    if (stage->wants[0])
        mask_images(plan, stage, (struct rt_slice){begin, end}, rt_native_grad(plan, y), y->grad_ld,
                    (struct rt_view){0}, rt_native_grad(plan, x), x->grad_ld, stage->accumulate[0]);
}

const struct rt_native_kernel rt_native_dropout = {.op = &rt_op_dropout,
                                                   .plan = dropout_plan,
                                                   .forward = {.images = forward_images},
                                                   .backward = {.images = backward_images}};
