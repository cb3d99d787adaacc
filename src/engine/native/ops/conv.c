/* Convolution as products of gathered rows (im2col a block at a time, so that the rows stay in cache) with the
 * weights packed in panels of 16 output channels: [out/16][kernel x kernel x in][16].
 *
 *   y  = gather(x) W (+ bias) (+ ReLU)       by blocks of output pixels
 *   dx = scatter(dy W^T)                     by images
 *   dW = sum over chunks of gather(x)^T dy   by a fixed number of chunks of images, summed in order
 *
 * Nothing depends on which thread does what, so the results do not either. */
#include <string.h>

#include "engine/native/isa/im2col.h"
#include "engine/native/isa/norm.h"
#include "engine/native/isa/product.h"
#include "engine/native/isa/rows.h"
#include "engine/native/memory.h"
#include "engine/native/ops/conv.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

enum {
    DEPTH = 256,           /* of the reduction at a time */
    BLOCK_FLOATS = 196608, /* of gathered rows at a time */
    BLOCK_MIN = 28,
    BLOCK_MAX = 224,
    CHUNKS = 8, /* partial weight gradients */
};

struct rt_conv_shape rt_conv_shape(const struct rt_native *plan, const struct rt_stage *stage)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const struct rt_node *node = stage->node;
    const struct rt_attributes *a = &node->attributes;
    struct rt_conv_shape s = {
        .window = {.channels = (int)x->channels,
                   .height = x->shape.height,
                   .width = x->shape.width,
                   .rows = node->shape.height,
                   .columns = node->shape.width,
                   .kernel = a->kernel,
                   .stride = a->stride,
                   .padding = a->padding},
        .depth = (long)a->kernel * a->kernel * x->channels,
        .out = rt_native_pad(node->shape.channels),
        .area = (long)node->shape.height * node->shape.width,
    };

    s.pointwise = a->kernel == 1 && a->stride == 1 && a->padding == 0 && !x->planar;
    return s;
}

static long block_rows(long depth)
{
    const long rows = BLOCK_FLOATS / depth / 14 * 14;

    return rows < BLOCK_MIN ? BLOCK_MIN : rows > BLOCK_MAX ? BLOCK_MAX : rows;
}

static int chunk_count(const struct rt_native *plan)
{
    return plan->count < CHUNKS ? plan->count : CHUNKS;
}

/* The stage's part of the shared scratch: each chunk's gradients of the weights, and of the bias; the weights
 * transposed for the input's gradient. */
struct layout {
    float *weights, *bias, *transposed;
};

static struct layout layout_of(const struct rt_native *plan, const struct rt_stage *stage,
                               const struct rt_conv_shape *s)
{
    float *at = rt_native_shared(plan, stage);

    return (struct layout){at, at + CHUNKS * s->depth * s->out, at + CHUNKS * (s->depth + 1) * s->out};
}

static int conv_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const struct rt_conv_shape s = rt_conv_shape(plan, stage);
    const int out = rt_native_cover_relu(plan, stage);

    RT_TRY(rt_native_output(plan, stage, out, err));
    stage->sharing = RT_READS;
    rt_native_slot(plan, stage, stage->node->tensors[0], (size_t)(s.depth * s.out));
    if (stage->node->tensor_count > 1)
        rt_native_slot(plan, stage, stage->node->tensors[1], (size_t)s.out);
    stage->winograd = rt_conv_winograd_fits(plan, stage, &s);
    stage->block = stage->winograd ? rt_conv_winograd_plan(plan, stage, &s) : block_rows(s.depth);
    if (rt_native_wants_moments(plan, out))
        rt_native_offer_moments(plan, out, stage->block);
    rt_native_touch_forward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->data);
    rt_native_touch_backward(plan, stage, x->grad);
    if (stage->relu)
        rt_native_touch_backward(plan, stage, plan->values[out].data);
    if (stage->winograd)
        return RT_OK;
    rt_native_need_scratch(plan, (size_t)((stage->block + RT_PANEL_CHANNELS) * s.depth));
    if (plan->base.options.training) {
        rt_native_need_scratch(plan, (size_t)((stage->block + RT_PANEL_CHANNELS) * s.depth + s.out));
        rt_native_need_shared(stage, (size_t)(s.depth * s.out * (CHUNKS + 1) + CHUNKS * s.out));
    }
    return RT_OK;
}

/* --- forward -------------------------------------------------------------------------------------------- */

/* The inputs of output pixels as a matrix: pixel r's input k at at[r * row + k * col]. */
struct inputs {
    const float *at;
    long row, col;
};

/* Of pixels [begin, begin + count): gathered into `room`, or where they are stored, unless they must be `near`:
 * the micro-kernel reads 14 rows at once, which is slow from memory. */
static struct inputs inputs_of(const struct rt_native *plan, const struct rt_stage *stage,
                               const struct rt_conv_shape *s, long begin, long count, bool near, float *room)
{
    const struct rt_value *x = &plan->values[stage->in[0]];
    const struct rt_view view = rt_native_view(plan, x);
    const float *data = x->planar ? plan->images : rt_native_data(plan, x);
    const long to_ld = x->planar ? stage->block + RT_PANEL_CHANNELS : s->depth;

    if (s->pointwise && !view.scale && !view.relu && !near)
        return (struct inputs){data + begin * x->ld, x->ld, 1};
    if (s->pointwise)
        plan->isa->rows->copy(data + begin * x->ld, x->ld, view, room, s->depth, count, s->depth, false);
    else
        plan->isa->im2col->gather(&(struct rt_gather){.window = s->window,
                                                      .from = data,
                                                      .ld = x->ld,
                                                      .planar = x->planar,
                                                      .view = view,
                                                      .begin = begin,
                                                      .count = count,
                                                      .to = room,
                                                      .to_ld = to_ld});
    return x->planar ? (struct inputs){room, 1, to_ld} : (struct inputs){room, s->depth, 1};
}

struct conv_call {
    struct rt_native *plan;
    struct rt_stage *stage;
    struct rt_conv_shape shape;
};

static void forward_block(const struct conv_call *call, long begin, long count, float *rows)
{
    const struct rt_native *plan = call->plan;
    const struct rt_conv_shape *s = &call->shape;
    const struct rt_value *y = &plan->values[call->stage->out];
    const bool bias = call->stage->node->tensor_count > 1;
    float *to = rt_native_data(plan, y) + begin * y->ld;
    const struct inputs x = inputs_of(plan, call->stage, s, begin, count, true, rows);

    for (long k = 0; k < s->depth; k += DEPTH)
        plan->isa->product->multiply(&(struct rt_product){
            .a = x.at + k * x.col,
            .a_row = x.row,
            .a_col = x.col,
            .b = rt_native_parameter(plan, call->stage->node->tensors[0]) + k * RT_PANEL_CHANNELS,
            .b_row = RT_PANEL_CHANNELS,
            .b_panel = s->depth * RT_PANEL_CHANNELS,
            .c = to,
            .c_row = y->ld,
            .c_panel = RT_PANEL_CHANNELS,
            .rows = count,
            .panels = s->out / RT_PANEL_CHANNELS,
            .depth = s->depth - k < DEPTH ? s->depth - k : DEPTH,
            .accumulate = k > 0,
        });
    if (bias || call->stage->relu)
        plan->isa->rows->bias_relu(to, y->ld, count, s->out,
                                   bias ? rt_native_parameter(plan, call->stage->node->tensors[1]) : NULL,
                                   call->stage->relu);
    if (plan->training && y->moments != RT_NONE)
        rt_native_leave_moments(plan, y, begin, count);
}

static void forward_begin(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_conv_shape s = rt_conv_shape(plan, stage);

    if (stage->winograd)
        rt_conv_winograd_forward_begin(plan, stage, &s, member);
}

/* Blocks of output pixels are not whole images: takes the blocks that start in these. */
static void forward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct conv_call call = {plan, stage, rt_conv_shape(plan, stage)};
    const long area = call.shape.area, block = stage->block, total = plan->count * area;

    for (long r = (begin * area + block - 1) / block * block; r < end * area; r += block) {
        const long count = total - r < block ? total - r : block;

        if (stage->winograd)
            rt_conv_winograd_forward(plan, stage, &call.shape, member, r / area, count / area);
        else
            forward_block(&call, r, count, rt_native_scratch(plan, member));
    }
}

/* --- backward ------------------------------------------------------------------------------------------- */

/* The gradient through the ReLU's mask. */
static void conv_gradient_ready(struct rt_native *plan, struct rt_stage *stage, long begin, long end)
{
    const struct rt_value *y = &plan->values[stage->out];
    const long area = (long)y->shape.height * y->shape.width;

    if (stage->relu)
        plan->isa->rows->gate(rt_native_grad(plan, y) + begin * area * y->grad_ld, y->grad_ld,
                              rt_native_data(plan, y) + begin * area * y->ld, y->ld, (end - begin) * area,
                              y->channels);
}

/* The share of images [begin, end) in dW and in the bias's gradient, added to those in `weights` and `bias`. */
static void weight_gradient_images(const struct conv_call *call, long begin, long end, float *weights,
                                   float *bias, bool accumulate, float *rows)
{
    const struct rt_native *plan = call->plan;
    const struct rt_conv_shape *s = &call->shape;
    const struct rt_value *y = &plan->values[call->stage->out];
    const long first = begin * s->area, last = end * s->area;
    const float *dy = rt_native_grad(plan, y);

    for (long r = first; r < last; r += call->stage->block) {
        const long count = last - r < call->stage->block ? last - r : call->stage->block;
        const struct inputs x = inputs_of(plan, call->stage, s, r, count, false, rows);

        plan->isa->product->multiply(&(struct rt_product){
            .a = x.at,
            .a_row = x.col,
            .a_col = x.row,
            .b = dy + r * y->grad_ld,
            .next_b = r + count < last ? dy + (r + count) * y->grad_ld : NULL,
            .b_row = y->grad_ld,
            .b_panel = RT_PANEL_CHANNELS,
            .c = weights,
            .c_row = RT_PANEL_CHANNELS,
            .c_panel = s->depth * RT_PANEL_CHANNELS,
            .rows = s->depth,
            .panels = s->out / RT_PANEL_CHANNELS,
            .depth = count,
            .accumulate = accumulate || r > first,
        });
    }
    if (call->stage->node->tensor_count > 1)
        plan->isa->norm->column_sum(dy + first * y->grad_ld, y->grad_ld, last - first, s->out, bias,
                                    accumulate);
}

/* W^T for the input gradient: panels of 16 gathered columns, [depth/16][out][16]. */
static void transpose_weights(const struct conv_call *call, int member, float *transposed)
{
    const struct rt_native *plan = call->plan;
    const struct rt_conv_shape *s = &call->shape;
    const float *w = rt_native_parameter(plan, call->stage->node->tensors[0]);
    const struct rt_slice part = rt_team_slice(plan->host.team, member, s->depth / RT_PANEL_CHANNELS, 1);

    for (long p = part.begin; p < part.end; p++)
        for (long o = 0; o < s->out; o += RT_PANEL_CHANNELS)
            plan->isa->rows->transpose(w + o * s->depth + p * RT_PANEL_CHANNELS * RT_PANEL_CHANNELS,
                                       RT_PANEL_CHANNELS,
                                       transposed + p * RT_PANEL_CHANNELS * s->out + o * RT_PANEL_CHANNELS,
                                       RT_PANEL_CHANNELS, RT_PANEL_CHANNELS, RT_PANEL_CHANNELS);
}

/* dy W^T of pixels [begin, begin + count) into rows `to_row` apart. */
static void input_gradient_rows(const struct conv_call *call, const float *transposed, long begin, long count,
                                float *to, long to_row, bool accumulate)
{
    const struct rt_native *plan = call->plan;
    const struct rt_conv_shape *s = &call->shape;
    const struct rt_value *y = &plan->values[call->stage->out];

    for (long o = 0; o < s->out; o += DEPTH)
        plan->isa->product->multiply(&(struct rt_product){
            .a = rt_native_grad(plan, y) + begin * y->grad_ld + o,
            .a_row = y->grad_ld,
            .a_col = 1,
            .b = transposed + o * RT_PANEL_CHANNELS,
            .b_row = RT_PANEL_CHANNELS,
            .b_panel = s->out * RT_PANEL_CHANNELS,
            .c = to,
            .c_row = to_row,
            .c_panel = RT_PANEL_CHANNELS,
            .rows = count,
            .panels = s->depth / RT_PANEL_CHANNELS,
            .depth = s->out - o < DEPTH ? s->out - o : DEPTH,
            .accumulate = accumulate || o > 0,
        });
}

/* dx of images [begin, end), by gathered rows. */
static void scatter_images(const struct conv_call *call, const float *transposed, long begin, long end,
                           float *rows)
{
    const struct rt_native *plan = call->plan;
    const struct rt_conv_shape *s = &call->shape;
    const struct rt_value *x = &plan->values[call->stage->in[0]];
    const long pixels = (long)x->shape.height * x->shape.width, first = begin * s->area, last = end * s->area;
    float *dx = rt_native_grad(plan, x);

    if (!call->stage->accumulate[0])
        for (long p = begin * pixels; p < end * pixels; p++)
            memset(dx + p * x->grad_ld, 0, (size_t)x->channels * sizeof *dx);
    for (long r = first; r < last; r += call->stage->block) {
        const long count = last - r < call->stage->block ? last - r : call->stage->block;

        input_gradient_rows(call, transposed, r, count, rows, s->depth, false);
        plan->isa->im2col->scatter(
            &(struct rt_gather){
                .window = s->window, .ld = x->grad_ld, .begin = r, .count = count, .to_ld = s->depth},
            rows, dx);
    }
}

/* dx of images [begin, end), with notification. */
static void input_gradient_images(const struct conv_call *call, const float *transposed, long begin, long end,
                                  float *rows)
{
    const struct rt_conv_shape *s = &call->shape;
    const struct rt_value *x = &call->plan->values[call->stage->in[0]];

    if (s->pointwise)
        input_gradient_rows(call, transposed, begin * s->area, (end - begin) * s->area,
                            rt_native_grad(call->plan, x) + begin * s->area * x->grad_ld, x->grad_ld,
                            call->stage->accumulate[0]);
    else
        scatter_images(call, transposed, begin, end, rows);
    rt_native_announce(call->plan, call->stage, begin, end);
}

/* True if each member's images are whole chunks. */
static bool owns_chunks(const struct rt_native *plan)
{
    return chunk_count(plan) % rt_team_size(plan->host.team) == 0;
}

/* The share of images [begin, end), all of one chunk, in its gradients. */
static void add_to_chunk(const struct conv_call *call, long begin, long end, int member)
{
    const struct rt_native *plan = call->plan;
    const struct rt_conv_shape *s = &call->shape;
    const struct layout layout = layout_of(plan, call->stage, s);
    const int chunks = chunk_count(plan), chunk = rt_native_chunk_of(plan, chunks, begin);

    weight_gradient_images(call, begin, end, layout.weights + chunk * s->depth * s->out,
                           layout.bias + chunk * s->out, begin > rt_slice(chunk, chunks, plan->count, 1).begin,
                           rt_native_scratch(plan, member));
}

static void backward_begin(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct conv_call call = {plan, stage, rt_conv_shape(plan, stage)};

    if (!stage->wants[0])
        return;
    transpose_weights(&call, member,
                      stage->winograd ? rt_conv_winograd_transposed(plan, stage, &call.shape)
                                      : layout_of(plan, stage, &call.shape).transposed);
    if (!stage->winograd)
        return;
    rt_team_barrier(plan->host.team);
    rt_conv_winograd_backward_begin(plan, stage, &call.shape, member);
}

/* Both gradients, a few images at a time, so that x and dy are still in a cache for the second. */
static void backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin, long end)
{
    const struct conv_call call = {plan, stage, rt_conv_shape(plan, stage)};
    const long images = stage->block < call.shape.area ? 1 : stage->block / call.shape.area;
    const float *transposed;

    if (!stage->announced)
        conv_gradient_ready(plan, stage, begin, end);
    if (stage->winograd) {
        rt_conv_winograd_backward_images(plan, stage, &call.shape, member, begin, end);
        return;
    }
    transposed = layout_of(plan, stage, &call.shape).transposed;
    for (long i = begin, next; i < end; i = next) {
        const int chunks = chunk_count(plan);
        const long last = rt_slice(rt_native_chunk_of(plan, chunks, i), chunks, plan->count, 1).end;

        next = i + images < end ? i + images : end;
        if (next > last)
            next = last;
        if (owns_chunks(plan))
            add_to_chunk(&call, i, next, member);
        if (stage->wants[0])
            input_gradient_images(&call, transposed, i, next, rt_native_scratch(plan, member));
    }
}

/* Sums the chunks' gradients of gathered rows into the weights'. */
static void apply_gathered_gradient(const struct conv_call *call, int member)
{
    struct rt_native *plan = call->plan;
    const struct rt_conv_shape *s = &call->shape;
    const struct layout layout = layout_of(plan, call->stage, s);
    const int *tensors = call->stage->node->tensors, chunks = chunk_count(plan);
    const long weights = s->depth * s->out;
    const struct rt_slice learned = rt_team_slice(plan->host.team, member, weights, RT_PANEL_CHANNELS);

    rt_native_apply_gradient(plan, tensors[0], (size_t)learned.begin, layout.weights + learned.begin,
                             (size_t)(learned.end - learned.begin), chunks, (size_t)weights);
    if (call->stage->node->tensor_count > 1 && member == 0)
        rt_native_apply_gradient(plan, tensors[1], 0, layout.bias, (size_t)s->out, chunks, (size_t)s->out);
}

static void backward_end(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct conv_call call = {plan, stage, rt_conv_shape(plan, stage)};
    struct rt_team *team = plan->host.team;

    if (stage->winograd) {
        rt_conv_winograd_backward_end(plan, stage, &call.shape, member);
        return;
    }
    if (!owns_chunks(plan)) {
        const int chunks = chunk_count(plan);
        const struct rt_slice mine = rt_team_slice(team, member, chunks, 1);

        for (long c = mine.begin; c < mine.end; c++) {
            const struct rt_slice chunk = rt_slice((int)c, chunks, plan->count, 1);

            add_to_chunk(&call, chunk.begin, chunk.end, member);
        }
        rt_team_barrier(team);
    }
    apply_gathered_gradient(&call, member);
}

/* Weight [out][in][row][column] -> panel of out, (row, column, in), lane. */
static size_t conv_place(const struct rt_native *plan, const struct rt_stage *stage,
                         const struct rt_tensor *tensor, size_t i)
{
    const struct rt_conv_shape s = rt_conv_shape(plan, stage);
    const size_t taps = (size_t)s.window.kernel * (size_t)s.window.kernel;
    size_t out, in, tap;

    if (tensor->role != RT_TENSOR_WEIGHT)
        return i;
    tap = i % taps;
    in = i / taps % (size_t)tensor->shape[1];
    out = i / taps / (size_t)tensor->shape[1];
    return (out / RT_PANEL_CHANNELS * (size_t)s.depth + tap * (size_t)s.window.channels + in) *
               RT_PANEL_CHANNELS +
           out % RT_PANEL_CHANNELS;
}

const struct rt_native_kernel rt_native_conv = {.op = &rt_op_conv,
                                                .plan = conv_plan,
                                                .forward = {forward_begin, forward_images, NULL},
                                                .backward = {backward_begin, backward_images, backward_end},
                                                .gradient_ready = conv_gradient_ready,
                                                .announces = true,
                                                .takes_views = true,
                                                .takes_planes = true,
                                                .leaves_moments = true,
                                                .borrows_gradient = true,
                                                .place = conv_place};
