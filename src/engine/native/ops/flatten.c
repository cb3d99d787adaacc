/* Flatten. A linear layer behind it reads the pixels as they are (its weights are packed in their order), so
 * where only such layers read, the value is the input's own; else the numbers are put in PyTorch's order. */
#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

static bool any_order_will_do(const struct rt_native *plan, int node)
{
    const struct rt_graph *graph = plan->base.graph;

    for (int i = node + 1; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].op->inputs; j++)
            if (graph->nodes[i].inputs[j] == node && !plan->kernels[i]->takes_flat)
                return false;
    return graph->nodes[node].consumers > 0;
}

static bool is_plain(const struct rt_value *x)
{
    return x->planar ||
           (x->scale == RT_NONE && !x->relu && (x->ld == x->channels || x->shape.height * x->shape.width == 1));
}

static int flatten_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const int input = stage->in[0], node = stage->node->id;
    const struct rt_value *x = &plan->values[input];

    if (is_plain(x) && any_order_will_do(plan, node) && plan->base.graph->nodes[input].consumers == 1) {
        plan->values[node] = *x; /* keeps the image's shape, which the linear layer needs */
        stage->out = input;
        return RT_OK;
    }
    RT_TRY(rt_native_output(plan, stage, node, err));
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    return RT_OK;
}

static void flatten_forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                   long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->node->id];
    const struct rt_view view = rt_native_view(plan, x);
    const long area = (long)x->shape.height * x->shape.width;

    (void)member;
    for (long n = begin; stage->out == stage->node->id && n < end; n++)
        for (long i = 0; i < area; i++)
            for (int c = 0; c < x->shape.channels; c++) {
                float value = rt_native_data(plan, x)[(n * area + i) * x->ld + c];

                if (view.scale)
                    value = value * view.scale[c] + view.shift[c];
                rt_native_data(plan, y)[n * y->ld + c * area + i] = view.relu && value < 0 ? 0 : value;
            }
}

static void flatten_backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                    long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->node->id];
    const long area = (long)x->shape.height * x->shape.width;

    (void)member;
    if (stage->out != stage->node->id || !stage->wants[0])
        return;
    for (long n = begin; n < end; n++)
        for (long i = 0; i < area; i++)
            for (long c = 0; c < x->channels; c++) {
                float *to = &rt_native_grad(plan, x)[(n * area + i) * x->grad_ld + c];
                const float g =
                    c < x->shape.channels ? rt_native_grad(plan, y)[n * y->grad_ld + c * area + i] : 0.0f;

                *to = stage->accumulate[0] ? *to + g : g;
            }
}

const struct rt_native_kernel rt_native_flatten = {.op = &rt_op_flatten,
                                                   .plan = flatten_plan,
                                                   .forward = {.images = flatten_forward_images},
                                                   .backward = {.images = flatten_backward_images}};
