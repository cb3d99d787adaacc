/* Max-pool; the winners of each window are kept for the gradient. */
#include "engine/native/isa/pool.h"
#include "engine/native/memory.h"
#include "engine/native/ops/pool.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
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
    stage->sharing = RT_READS;
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

/* The winners of one image; null if they are not stored. */
static uint8_t *winners(const struct rt_native *plan, const struct rt_stage *stage,
                        const struct rt_window *window, long image)
{
    if (stage->buffer == RT_NONE)
        return NULL;
    return (uint8_t *)(plan->arena + plan->buffers[stage->buffer].offset) +
           image * window->rows * window->columns * window->channels;
}

static void forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_window window = rt_pool_window(plan, stage);

    (void)member;
    for (long i = begin; i < end; i++)
        plan->isa->pool->max(&window, rt_pool_image(plan, x, i), x->ld, rt_native_view(plan, x),
                             rt_pool_image(plan, y, i), y->ld, winners(plan, stage, &window, i),
                             stage->buffer == RT_NONE ? 0 : x->channels);
}

static void backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_window window = rt_pool_window(plan, stage);

    (void)member;
    for (long i = begin; stage->wants[0] && i < end; i++)
        plan->isa->pool->max_backward(&window, rt_pool_image_gradient(plan, y, i), y->grad_ld,
                                      winners(plan, stage, &window, i), x->channels,
                                      rt_pool_image_gradient(plan, x, i), x->grad_ld, stage->accumulate[0]);
}

const struct rt_native_kernel rt_native_max_pool = {.op = &rt_op_max_pool,
                                                    .plan = max_pool_plan,
                                                    .forward = {.images = forward_images},
                                                    .backward = {.images = backward_images},
                                                    .takes_views = true,
                                                    .sign = RT_SIGN_OF_INPUTS};
