/* y = x W^T + b (+ ReLU): x [n][K] rows, W packed in panels of 16 outputs: [N/16][K][16].
 *
 * Forward and the input gradient divide the columns of the result among the threads; the weight gradient
 * divides the rows of W (inputs), in blocks that are updated while they are in the cache. */
#include <string.h>

#include "engine/native/isa/norm.h"
#include "engine/native/isa/product.h"
#include "engine/native/isa/rows.h"
#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

enum {
    DEPTH = 256, /* inputs at a time: two panels of W and a tile of x stay in L1 */
    INPUTS = 56, /* rows of the weight gradient at a time */
};

/* Floats of one image's row. */
static long row_length(const struct rt_value *x)
{
    return x->channels * x->shape.height * x->shape.width;
}

static long row_stride(const struct rt_value *x)
{
    return x->planar || x->shape.height * x->shape.width > 1 ? row_length(x) : x->ld;
}

static const float *input_rows(const struct rt_native *plan, const struct rt_value *x)
{
    return x->planar ? plan->images : rt_native_data(plan, x);
}

static int linear_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const long inputs = row_length(x), outputs = rt_native_pad(stage->node->shape.channels);
    const long n = plan->base.options.batch_max;
    int out;

    if (x->scale != RT_NONE || x->relu ||
        (x->shape.height * x->shape.width > 1 && !x->planar && x->ld != x->channels))
        return rt_fail(err, RT_ECONFIG,
                       "engine native has no linear layer (%s) on this input; put a flatten before it",
                       stage->node->name);
    out = rt_native_cover_relu(plan, stage);
    RT_TRY(rt_native_output(plan, stage, out, err));
    rt_native_slot(plan, stage, stage->node->tensors[0], (size_t)(inputs * outputs));
    if (stage->node->tensor_count > 1)
        rt_native_slot(plan, stage, stage->node->tensors[1], (size_t)outputs);
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    if (stage->relu)
        rt_native_touch_backward(plan, stage, plan->values[out].data);
    if (plan->base.options.training) {
        rt_native_need_scratch(plan, (size_t)(INPUTS * outputs + outputs));
        rt_native_need_shared(stage,
                              (size_t)(outputs * n + (stage->wants[0] ? rt_native_pad(inputs) * outputs : 0)));
    }
    return RT_OK;
}

static void linear_forward(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long inputs = row_length(x), panels = y->channels / RT_PANEL_CHANNELS;
    const bool by_rows = panels < 2 * rt_team_size(plan->host.team);
    const struct rt_slice rows =
        by_rows ? rt_team_slice(plan->host.team, member, plan->count, 14) : (struct rt_slice){0, plan->count};
    const struct rt_slice part =
        by_rows ? (struct rt_slice){0, panels} : rt_team_slice(plan->host.team, member, panels, 2);
    const long first = part.begin * RT_PANEL_CHANNELS;
    const float *weights = rt_native_parameter(plan, stage->node->tensors[0]) + first * inputs;
    float *to = rt_native_data(plan, y) + rows.begin * y->ld + first;

    if (rows.begin == rows.end || part.begin == part.end)
        return;
    for (long k = 0; k < inputs; k += DEPTH)
        plan->isa->product->multiply(&(struct rt_product){
            .a = input_rows(plan, x) + rows.begin * row_stride(x) + k,
            .a_row = row_stride(x),
            .a_col = 1,
            .b = weights + k * RT_PANEL_CHANNELS,
            .next_b = k + DEPTH < inputs ? weights + (k + DEPTH) * RT_PANEL_CHANNELS : NULL,
            .b_row = RT_PANEL_CHANNELS,
            .b_panel = inputs * RT_PANEL_CHANNELS,
            .c = to,
            .c_row = y->ld,
            .c_panel = RT_PANEL_CHANNELS,
            .rows = rows.end - rows.begin,
            .panels = part.end - part.begin,
            .depth = inputs - k < DEPTH ? inputs - k : DEPTH,
            .accumulate = k > 0,
        });
    if (stage->node->tensor_count > 1 || stage->relu)
        plan->isa->rows->bias_relu(
            to, y->ld, rows.end - rows.begin, (part.end - part.begin) * RT_PANEL_CHANNELS,
            stage->node->tensor_count > 1 ? rt_native_parameter(plan, stage->node->tensors[1]) + first : NULL,
            stage->relu);
}

/* dy's panels [N/16][n][16] into `packed`, masked by the ReLU; updates the bias. */
static void pack_gradient(struct rt_native *plan, struct rt_stage *stage, int member, float *packed)
{
    const struct rt_value *y = &plan->values[stage->out];
    const struct rt_slice part = rt_team_slice(plan->host.team, member, y->channels / RT_PANEL_CHANNELS, 1);
    float *dy = rt_native_grad(plan, y);
    const float *data = rt_native_data(plan, y);
    float *sums = rt_native_scratch(plan, member);

    for (long p = part.begin; p < part.end; p++) {
        const long c = p * RT_PANEL_CHANNELS;

        if (stage->relu)
            plan->isa->rows->gate(dy + c, y->grad_ld, data + c, y->ld, plan->count, RT_PANEL_CHANNELS);
        plan->isa->rows->copy(dy + c, y->grad_ld, (struct rt_view){0}, packed + c * plan->count,
                              RT_PANEL_CHANNELS, plan->count, RT_PANEL_CHANNELS, false);
        if (stage->node->tensor_count < 2)
            continue;
        plan->isa->norm->column_sum(dy + c, y->grad_ld, plan->count, RT_PANEL_CHANNELS, sums, false);
        rt_native_apply_gradient(plan, stage->node->tensors[1], (size_t)c, sums, RT_PANEL_CHANNELS, 1, 0);
    }
}

/* dx = dy W: W^T in panels of 16 inputs, [K/16][N][16], made by the threads together. */
static void input_gradient(struct rt_native *plan, struct rt_stage *stage, int member, float *transposed)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long inputs = row_length(x), outputs = y->channels;
    const float *w = rt_native_parameter(plan, stage->node->tensors[0]);
    const struct rt_slice part = rt_team_slice(plan->host.team, member, inputs / RT_PANEL_CHANNELS, 1);
    const long dx_row = x->shape.height * x->shape.width > 1 ? inputs : x->grad_ld;

    for (long p = part.begin; p < part.end; p++)
        for (long o = 0; o < outputs; o += RT_PANEL_CHANNELS)
            plan->isa->rows->transpose(w + o * inputs + p * RT_PANEL_CHANNELS * RT_PANEL_CHANNELS,
                                       RT_PANEL_CHANNELS,
                                       transposed + p * RT_PANEL_CHANNELS * outputs + o * RT_PANEL_CHANNELS,
                                       RT_PANEL_CHANNELS, RT_PANEL_CHANNELS, RT_PANEL_CHANNELS);
    for (long o = 0; o < outputs && part.begin < part.end; o += DEPTH)
        plan->isa->product->multiply(&(struct rt_product){
            .a = rt_native_grad(plan, y) + o,
            .a_row = y->grad_ld,
            .a_col = 1,
            .b = transposed + part.begin * RT_PANEL_CHANNELS * outputs + o * RT_PANEL_CHANNELS,
            .b_row = RT_PANEL_CHANNELS,
            .b_panel = outputs * RT_PANEL_CHANNELS,
            .c = rt_native_grad(plan, x) + part.begin * RT_PANEL_CHANNELS,
            .c_row = dx_row,
            .c_panel = RT_PANEL_CHANNELS,
            .rows = plan->count,
            .panels = part.end - part.begin,
            .depth = outputs - o < DEPTH ? outputs - o : DEPTH,
            .accumulate = o > 0 || stage->accumulate[0],
        });
}

/* dW = x^T dy, a block at a time, each applied immediately; the product prefetches as many rows of weights and
 * momentum as there are images. Members divide the outputs as in forward, if that is even: their weights and
 * momentum then stay in their own caches. Otherwise they divide the inputs. */
static void weight_gradient(struct rt_native *plan, struct rt_stage *stage, int member, const float *packed)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const long inputs = row_length(x), panels = y->channels / RT_PANEL_CHANNELS;
    const struct rt_team *team = plan->host.team;
    const bool by_panels = panels % (2 * rt_team_size(team)) == 0;
    const struct rt_slice outputs =
        by_panels ? rt_team_slice(team, member, panels, 2) : (struct rt_slice){0, panels};
    const struct rt_slice part =
        by_panels ? (struct rt_slice){0, inputs} : rt_team_slice(team, member, inputs, INPUTS);
    const float *weights = rt_native_parameter(plan, stage->node->tensors[0]);
    const float *momentum = rt_native_state(plan, stage->node->tensors[0]);
    float *block = rt_native_scratch(plan, member);

    for (long k = part.begin; k < part.end; k += INPUTS) {
        const long rows = part.end - k < INPUTS ? part.end - k : INPUTS;

        for (long p = outputs.begin; p < outputs.end; p += 2) {
            const long two = outputs.end - p < 2 ? outputs.end - p : 2;
            const long at = (p * inputs + k) * RT_PANEL_CHANNELS;

            plan->isa->product->multiply(&(struct rt_product){
                .a = input_rows(plan, x) + k,
                .a_row = 1,
                .a_col = row_stride(x),
                .b = packed + p * RT_PANEL_CHANNELS * plan->count,
                .b_row = RT_PANEL_CHANNELS,
                .b_panel = RT_PANEL_CHANNELS * plan->count,
                .prefetch = {weights + at, momentum + at},
                .prefetch_panel = inputs * RT_PANEL_CHANNELS,
                .c = block,
                .c_row = RT_PANEL_CHANNELS,
                .c_panel = rows * RT_PANEL_CHANNELS,
                .rows = rows,
                .panels = two,
                .depth = plan->count,
            });
            for (long i = 0; i < two; i++)
                rt_native_apply_gradient(
                    plan, stage->node->tensors[0], (size_t)(at + i * inputs * RT_PANEL_CHANNELS),
                    block + i * rows * RT_PANEL_CHANNELS, (size_t)(rows * RT_PANEL_CHANNELS), 1, 0);
        }
    }
}

static void linear_backward(struct rt_native *plan, struct rt_stage *stage, int member)
{
    float *packed = rt_native_shared(plan, stage);
    float *transposed = packed + plan->values[stage->out].channels * plan->count;

    pack_gradient(plan, stage, member, packed);
    rt_team_barrier(plan->host.team);
    if (stage->wants[0]) {
        input_gradient(plan, stage, member, transposed);
        rt_team_barrier(plan->host.team); /* the old weights have been read */
    }
    weight_gradient(plan, stage, member, packed);
}

/* Weight [out][channel, row, column] -> panel of out, input (row, column, channel), lane. */
static size_t linear_place(const struct rt_native *plan, const struct rt_stage *stage,
                           const struct rt_tensor *tensor, size_t i)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const size_t area = (size_t)x->shape.height * (size_t)x->shape.width;
    size_t out, k;

    if (tensor->role != RT_TENSOR_WEIGHT)
        return i;
    out = i / (size_t)tensor->shape[1];
    k = i % (size_t)tensor->shape[1];
    if (!x->planar)
        k = k % area * (size_t)x->channels + k / area;
    return (out / RT_PANEL_CHANNELS * (size_t)row_length(x) + k) * RT_PANEL_CHANNELS + out % RT_PANEL_CHANNELS;
}

const struct rt_native_kernel rt_native_linear = {.op = &rt_op_linear,
                                                  .plan = linear_plan,
                                                  .forward = {.begin = linear_forward},
                                                  .backward = {.begin = linear_backward},
                                                  .takes_planes = true,
                                                  .takes_flat = true,
                                                  .place = linear_place};
