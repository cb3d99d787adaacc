/* batch_norm, with a fused ReLU. Forward: moments, then values; backward: two sums, then the gradient. With few
 * rows each pair is one kernel, as launches would take longer than the work. */
#include "engine/cuda/cuda.h"
#include "net/ops.h"

enum { X, Y, DY, DX, SUM, VIEWS };
enum { SCALE, SHIFT, RUNNING_MEAN, RUNNING_VAR, BATCHES };
enum { THREADS = 256, LANES = 4, ROWS_LEAST = 4, SUM_BLOCKS = 528, CHUNKS_MAX = 256, WRITE_BLOCKS = 1056 };
enum { FEW_ROWS = 2048, FEW_THREADS = 512 };

/* The tiling of a map. vector: channels per load, 4 where leading dimensions and offsets allow; a block has
 * `lanes` vectors (64 bytes of a row) by threads / lanes rows; `across` blocks cover the channels, `chunks` the
 * rows of a reduction, `blocks` those of elementwise kernels. alone: few rows, all in one block of 4 channels.
 * A function of shapes alone. */
struct cut {
    bool alone;
    int threads, vector, lanes, chunks, blocks, across;
};

static int least(int a, int b, int c)
{
    const int ab = a < b ? a : b;

    return ab < c ? ab : c;
}

static struct cut cut_of(const struct rt_cuda_plan *plan, const struct rt_node *node, bool even)
{
    const int rows_max = (int)(rt_cuda_pixels(plan, node) / (THREADS / LANES * ROWS_LEAST)) + 1;
    struct cut cut = {.threads = THREADS, .vector = even ? 4 : 1, .lanes = LANES};

    cut.across = (node->shape.channels + LANES * cut.vector - 1) / (LANES * cut.vector);
    cut.chunks = least(SUM_BLOCKS / cut.across + 1, CHUNKS_MAX, rows_max);
    cut.blocks = least(WRITE_BLOCKS / cut.across + 1, WRITE_BLOCKS, rows_max);
    return cut;
}

static bool has_few_rows(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    return rt_cuda_pixels(plan, node) <= FEW_ROWS;
}

static struct cut few_rows(const struct rt_node *node, bool even)
{
    struct cut cut = {.alone = true,
                      .threads = FEW_THREADS,
                      .vector = even ? 4 : 1,
                      .lanes = even ? 1 : 4,
                      .chunks = 1,
                      .blocks = 1};

    cut.across = (node->shape.channels + 3) / 4;
    return cut;
}

/* Two double sums per channel and chunk. */
static size_t scratch_bytes(struct cut cut)
{
    return 2 * (size_t)(cut.across * cut.lanes * cut.vector) * (size_t)cut.chunks * sizeof(double);
}

static bool even(const struct rt_node *node, const struct rt_cuda_view *views, int count)
{
    for (int i = 0; i < count; i++)
        if (views[i].ld % 4 || views[i].channel % 4)
            return false;
    return node->shape.channels % 4 == 0;
}

/* The gradients' views are null in plans that do not train. */
static struct rt_cuda_kernel kernel_of(struct rt_cuda_plan *plan, const struct rt_node *node, const char *entry,
                                       struct cut cut, const struct rt_cuda_view views[VIEWS], bool accumulate)
{
    static const char *const names[4] = {"X_LD", "Y_LD", "DY_LD", "DX_LD"};
    struct rt_cuda_kernel kernel = {.source = "norm.cu", .entry = entry, .block = (unsigned)cut.threads};

    kernel.grid[0] = (unsigned)cut.blocks;
    kernel.grid[1] = (unsigned)cut.across;
    kernel.grid[2] = 1;
    rt_cuda_option(&kernel, "CHANNELS", node->shape.channels);
    rt_cuda_option(&kernel, "PLANE", node->shape.height * node->shape.width);
    for (int i = 0; i < 4; i++)
        rt_cuda_option(&kernel, names[i], views[i].ld);
    rt_cuda_option(&kernel, "RELU", plan->values[node->id].relu_fused);
    rt_cuda_option(&kernel, "VECTOR", cut.vector);
    rt_cuda_option(&kernel, "ALONE", cut.alone);
    rt_cuda_option(&kernel, "UNSCALED", node->attributes.unscaled);
    rt_cuda_option(&kernel, "THREADS", cut.threads);
    rt_cuda_option(&kernel, "LANES", cut.lanes);
    rt_cuda_option(&kernel, "CHUNKS", cut.chunks);
    rt_cuda_option(&kernel, "ACCUMULATE", accumulate);
    rt_cuda_option(&kernel, "SUM_LD", views[SUM].ld);
    rt_cuda_option(&kernel, "RT_OPTIMIZER", rt_cuda_optimizer(plan));
    rt_cuda_option_float(&kernel, "EPS", (double)node->attributes.eps);
    rt_cuda_option_float(&kernel, "MOMENTUM", (double)node->attributes.momentum);
    return kernel;
}

static const struct rt_cuda_tensor *tensor(const struct rt_cuda_plan *plan, const struct rt_node *node, int i)
{
    return &plan->tensors[node->tensors[i]];
}

static struct rt_cuda_argument value_of(const struct rt_cuda_plan *plan, const struct rt_node *node, int i)
{
    return rt_cuda_absolute(tensor(plan, node, i)->value);
}

/* Arrival counters of blocks, one per group of channels of each batch norm. */
static struct rt_cuda_argument tickets_of(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    return rt_cuda_at(plan->tickets + (size_t)node->id * RT_CUDA_TICKETS * sizeof(uint32_t));
}

static void views_of(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_cuda_view views[VIEWS])
{
    const struct rt_cuda_value *x = rt_cuda_input(plan, node, 0), *y = &plan->values[node->id];

    views[X] = x->data;
    views[Y] = y->data;
    views[DY] = y->gradient;
    views[DX] = x->gradient;
    views[SUM] = x->pending.offset ? x->pending : x->gradient;
}

static int batch_norm_forward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    struct rt_cuda_value *value = &plan->values[node->id];
    const struct rt_cuda_argument pass = rt_cuda_pass_argument(plan);
    struct rt_cuda_view views[VIEWS];
    struct rt_cuda_kernel kernel;
    char label[RT_LABEL_MAX];
    struct cut cut;

    views_of(plan, node, views);
    cut = cut_of(plan, node, even(node, views, VIEWS));
    if (cut.across > RT_CUDA_TICKETS)
        return rt_fail(err, RT_ECONFIG, "engine cuda: %s has %d channels; at most %d here",
                       rt_node_label(node, label), node->shape.channels, RT_CUDA_TICKETS * LANES * cut.vector);
    rt_cuda_reserve_scratch(plan, scratch_bytes(cut));
    kernel = kernel_of(plan, node, "norm_evaluate", cut, views, false);
    RT_TRY(RT_CUDA_EMIT(plan, node, RT_CUDA_EVALUATES, &kernel, err, pass, rt_cuda_at(views[X].offset),
                        rt_cuda_at(views[Y].offset), value_of(plan, node, SCALE), value_of(plan, node, SHIFT),
                        value_of(plan, node, RUNNING_MEAN), value_of(plan, node, RUNNING_VAR)));
    if (!plan->base.options.training)
        return RT_OK;
    value->saved = rt_cuda_reserve(plan, 6 * (size_t)node->shape.channels * sizeof(float));
    if (has_few_rows(plan, node)) {
        kernel = kernel_of(plan, node, "norm_forward", few_rows(node, cut.vector == 4), views, false);
        return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS, &kernel, err, pass, rt_cuda_at(views[X].offset),
                            rt_cuda_at(views[Y].offset), rt_cuda_at(value->saved), value_of(plan, node, SCALE),
                            value_of(plan, node, SHIFT), value_of(plan, node, RUNNING_MEAN),
                            value_of(plan, node, RUNNING_VAR), value_of(plan, node, BATCHES));
    }
    kernel.entry = "norm_moments";
    kernel.grid[0] = (unsigned)cut.chunks;
    RT_TRY(RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS, &kernel, err, pass, rt_cuda_at(views[X].offset),
                        rt_cuda_scratch(), tickets_of(plan, node), rt_cuda_at(value->saved),
                        value_of(plan, node, SCALE), value_of(plan, node, SHIFT),
                        value_of(plan, node, RUNNING_MEAN), value_of(plan, node, RUNNING_VAR),
                        value_of(plan, node, BATCHES)));
    kernel.entry = "norm_apply";
    kernel.grid[0] = (unsigned)cut.blocks;
    return RT_CUDA_EMIT(plan, node, RT_CUDA_TRAINS, &kernel, err, pass, rt_cuda_at(views[X].offset),
                        rt_cuda_at(views[Y].offset), rt_cuda_at(value->saved));
}

static int batch_norm_backward(struct rt_cuda_plan *plan, const struct rt_node *node, struct rt_error *err)
{
    const struct rt_cuda_value *value = &plan->values[node->id];
    struct rt_cuda_value *x = rt_cuda_input(plan, node, 0);
    const struct rt_cuda_tensor *scale = tensor(plan, node, SCALE), *shift = tensor(plan, node, SHIFT);
    const struct rt_cuda_argument pass = rt_cuda_pass_argument(plan);
    struct rt_cuda_view views[VIEWS];
    struct rt_cuda_kernel kernel;
    struct cut cut;

    views_of(plan, node, views);
    cut = cut_of(plan, node, even(node, views, VIEWS));
    if (has_few_rows(plan, node) && x->needs_gradient) {
        kernel = kernel_of(plan, node, "norm_backward", few_rows(node, cut.vector == 4), views,
                           rt_cuda_accumulate(x));
        x->pending = (struct rt_cuda_view){0};
        return RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &kernel, err, pass, rt_cuda_at(views[X].offset),
                            rt_cuda_at(views[DY].offset), rt_cuda_at(views[DX].offset),
                            rt_cuda_at(value->saved), rt_cuda_at(views[SUM].offset),
                            rt_cuda_absolute(scale->value), rt_cuda_absolute(scale->states),
                            rt_cuda_kept(scale->gradient), rt_cuda_absolute(shift->value),
                            rt_cuda_absolute(shift->states), rt_cuda_kept(shift->gradient));
    }
    rt_cuda_reserve_scratch(plan, scratch_bytes(cut));
    kernel = kernel_of(plan, node, "norm_sums", cut, views, false);
    kernel.grid[0] = (unsigned)cut.chunks;
    RT_TRY(RT_CUDA_EMIT(
        plan, node, RT_CUDA_BACKWARD, &kernel, err, pass, rt_cuda_at(views[X].offset),
        rt_cuda_at(views[DY].offset), rt_cuda_scratch(), tickets_of(plan, node), rt_cuda_at(value->saved),
        rt_cuda_absolute(scale->value), rt_cuda_absolute(scale->states), rt_cuda_kept(scale->gradient),
        rt_cuda_absolute(shift->value), rt_cuda_absolute(shift->states), rt_cuda_kept(shift->gradient)));
    if (!x->needs_gradient)
        return RT_OK;
    kernel = kernel_of(plan, node, "norm_gradient", cut, views, rt_cuda_accumulate(x));
    x->pending = (struct rt_cuda_view){0};
    return RT_CUDA_EMIT(plan, node, RT_CUDA_BACKWARD, &kernel, err, pass, rt_cuda_at(views[X].offset),
                        rt_cuda_at(views[DY].offset), rt_cuda_at(views[DX].offset), rt_cuda_at(value->saved),
                        rt_cuda_at(views[SUM].offset));
}

const struct rt_cuda_op rt_cuda_op_batch_norm = {
    .op = &rt_op_batch_norm, .forward = batch_norm_forward, .backward = batch_norm_backward};
