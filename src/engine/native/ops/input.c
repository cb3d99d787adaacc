/* The images: read as they are by layers that take planes, else turned into pixels. */
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

static bool takes_planes(const struct rt_native *plan, int node)
{
    const struct rt_graph *graph = plan->base.graph;

    for (int i = node + 1; i < graph->node_count; i++) {
        const struct rt_node *reader = &graph->nodes[i];

        for (int j = 0; j < reader->op->inputs; j++)
            if (reader->inputs[j] == node && !plan->kernels[i]->takes_planes &&
                !(reader->op == &rt_op_flatten && takes_planes(plan, reader->id)))
                return false;
    }
    return graph->nodes[node].consumers > 0;
}

static int input_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const int node = stage->node->id;
    struct rt_value *value = &plan->values[node];

    if (!plan->base.options.input_gradient && takes_planes(plan, node)) {
        *value = (struct rt_value){.shape = stage->node->shape,
                                   .channels = stage->node->shape.channels,
                                   .planar = true,
                                   .data = RT_NONE,
                                   .grad = RT_NONE,
                                   .scale = RT_NONE,
                                   .shift = RT_NONE,
                                   .moments = RT_NONE};
        return RT_OK;
    }
    RT_TRY(rt_native_output(plan, stage, node, err));
    if (!plan->base.options.input_gradient)
        value->grad = RT_NONE;
    return RT_OK;
}

static void input_forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                 long end)
{
    const struct rt_value *value = &plan->values[stage->out];
    const long area = (long)value->shape.height * value->shape.width;
    float *to;

    (void)member;
    if (value->planar)
        return;
    to = rt_native_data(plan, value);
    for (long n = begin; n < end; n++)
        for (long i = 0; i < area; i++)
            for (long c = 0; c < value->channels; c++)
                to[(n * area + i) * value->ld + c] =
                    c < value->shape.channels ? plan->images[(n * value->shape.channels + c) * area + i] : 0.0f;
}

static void input_backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                  long end)
{
    const struct rt_value *value = &plan->values[stage->out];
    const long area = (long)value->shape.height * value->shape.width;
    const float *from;

    (void)member;
    if (value->grad == RT_NONE || !plan->input_gradient)
        return;
    from = rt_native_grad(plan, value);
    for (long n = begin; n < end; n++)
        for (int c = 0; c < value->shape.channels; c++)
            for (long i = 0; i < area; i++)
                plan->input_gradient[(n * value->shape.channels + c) * area + i] =
                    from[(n * area + i) * value->grad_ld + c];
}

const struct rt_native_kernel rt_native_input = {.op = &rt_op_input,
                                                 .plan = input_plan,
                                                 .forward = {.images = input_forward_images},
                                                 .backward = {.images = input_backward_images}};
