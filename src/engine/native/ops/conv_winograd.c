/* Convolutions of stride 1 on Winograd's algorithm: F(4x4, 3x3) and F(2x2, 5x5), 36 products each.
 *
 *   forward           each thread: a block of images' tiles -> 36 products -> outputs, all in its own cache
 *   input's gradient  the same with dy, the filters turned around and transposed
 *   filter's gradient all threads transform a block of tiles, then each does its share of the 36 products
 *
 * Blocks are whole images, so that partial moments are rows; their size depends on shapes alone. */
#include <string.h>

#include "engine/native/native.h"
#include "engine/native/ops/conv.h"

enum {
    POSITIONS = 36,
    PAD = 16, /* keeps the positions of a tile out of one cache set */
};

/* Of transformed tiles worked on at a time, in floats. Every block reads all filters (or their gradients) anew,
 * from the third-level cache where they are many, so a block is as large as they are, within what measured
 * best.
 */
static const struct block_size {
    long least, most;
} own_block = {150000, 1200000}, shared_block = {400000, 800000}; /* of one thread; of all threads together */

struct transform {
    int step;
    int padding; /* of the input's tiles */
    struct rt_tile_run run[RT_TILE_RUNS];
    long tiles; /* an image */
};

/* Tiles along a side of `outputs`: full ones, and a short one where that saves positions. */
struct side {
    int full, last; /* tiles; outputs of the short one, or 0 */
};

static struct side side_of(int outputs, int step)
{
    const int rest = outputs % step;

    if (step == 4 && outputs > step && rest >= 2)
        return (struct side){outputs / step, rest};
    return (struct side){(outputs + step - 1) / step, 0};
}

/* The runs' order lets the tiles that have a position stand together: those of full height are the middle two,
 * those of full width the first two. */
static struct transform transform_of(int kernel, int padding, int height, int width)
{
    const int step = 6 - kernel + 1;
    const struct side down = side_of(height, step), across = side_of(width, step);
    struct transform t = {
        .step = step,
        .padding = padding,
        .run = {{down.full, 0, down.last > 0, across.full, down.last, step},
                {0, 0, down.full, across.full, step, step},
                {0, across.full, down.full, across.last > 0, step, across.last},
                {down.full, across.full, down.last > 0, across.last > 0, down.last, across.last}}};

    for (int r = 0; r < RT_TILE_RUNS; r++)
        t.tiles += (long)t.run[r].rows * t.run[r].columns;
    return t;
}

/* Whether a line of so many outputs uses position i of 0..5. */
static bool has_position(int outputs, int step, long i)
{
    const int points = outputs + 6 - step;

    return points == 6 || i == 5 || i < points - 1;
}

struct span {
    long begin, end;
};

/* The tiles, of those of `images` images, that have the position. */
static struct span tiles_with(struct transform t, long position, long images)
{
    struct span span = {0};
    long first = 0;

    for (int r = 0; r < RT_TILE_RUNS; r++) {
        const struct rt_tile_run *run = &t.run[r];
        const long last = first + images * run->rows * run->columns;

        if (last > first && has_position(run->height, t.step, position / 6) &&
            has_position(run->width, t.step, position % 6)) {
            if (span.end == 0)
                span.begin = first;
            span.end = last;
        }
        first = last;
    }
    return span;
}

/* Images whose transformed inputs and outputs make a block, at least one. */
static long images_in_block(struct transform t, const struct rt_conv_shape *s, struct block_size size)
{
    const long filters = (long)POSITIONS * s->window.channels * s->out;
    const long floats = filters < size.least ? size.least : filters > size.most ? size.most : filters;
    const long images = floats / (POSITIONS * (s->window.channels + s->out) * t.tiles);

    return images < 1 ? 1 : images;
}

bool rt_conv_winograd_fits(const struct rt_native *plan, const struct rt_stage *stage,
                           const struct rt_conv_shape *s)
{
    const struct rt_window *w = &s->window;

    return plan->base.options.winograd && plan->values[stage->in[0]].shape.channels >= RT_PANEL_CHANNELS &&
           (w->kernel == 3 || w->kernel == 5) && w->stride == 1 && w->padding < w->kernel &&
           !plan->values[stage->in[0]].planar && w->height >= w->kernel && w->width >= w->kernel;
}

static struct transform output_transform(const struct rt_conv_shape *s)
{
    return transform_of(s->window.kernel, s->window.padding, s->window.rows, s->window.columns);
}

static struct transform input_gradient_transform(const struct rt_conv_shape *s)
{
    return transform_of(s->window.kernel, s->window.kernel - 1 - s->window.padding, s->window.height,
                        s->window.width);
}

static long floats_of(struct transform t, const struct rt_conv_shape *s, struct block_size size)
{
    return POSITIONS * (images_in_block(t, s, size) * t.tiles * (s->window.channels + s->out) + 2 * PAD);
}

/* Where things lie in plan->shared, in floats. */
struct layout {
    long filters, transposed, tiles, size;
};

static struct layout layout_of(const struct rt_native *plan, const struct rt_conv_shape *s)
{
    const struct transform t = output_transform(s);
    struct layout l = {.filters = 0, .transposed = POSITIONS * (s->window.channels * s->out + PAD)};

    l.size = l.tiles = l.transposed + (plan->base.options.training ? s->depth * s->out : 0);
    if (plan->base.options.training)
        l.size += floats_of(t, s, shared_block);
    return l;
}

long rt_conv_winograd_plan(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s)
{
    const struct transform out = output_transform(s);

    rt_native_need_scratch(plan, (size_t)floats_of(out, s, own_block));
    if (stage->wants[0])
        rt_native_need_scratch(plan, (size_t)floats_of(input_gradient_transform(s), s, own_block));
    if (plan->base.options.training) /* the weights' gradients of 16 inputs by 16 outputs */
        rt_native_need_scratch(
            plan, (size_t)(s->window.kernel * s->window.kernel * RT_PANEL_CHANNELS * (RT_PANEL_CHANNELS + 1) +
                           s->out));
    rt_native_need_shared(plan, (size_t)layout_of(plan, s).size);
    return images_in_block(out, s, own_block) * s->area;
}

/* G g G^T of `panels` x `depth` vectors of 16, shared out: filters [position][panel][depth][16]. */
static void transform_filters(const struct rt_native *plan, const struct rt_conv_shape *s, int member,
                              const float *weights, long panels, long depth, long panel_stride, long tap_stride,
                              bool flip, float *filters)
{
    const struct rt_slice part = rt_team_slice(plan->base.options.team, member, panels * depth, 1);

    for (long v = part.begin; v < part.end;) {
        const long panel = v / depth, k = v % depth;
        const long count = depth - k < part.end - v ? depth - k : part.end - v;

        plan->isa->winograd_filters(
            &(struct rt_filters){.kernel = s->window.kernel,
                                 .flip = flip,
                                 .count = count,
                                 .tap_stride = tap_stride,
                                 .position_stride = panels * depth * RT_PANEL_CHANNELS + PAD},
            weights + panel * panel_stride + k * RT_PANEL_CHANNELS, filters + v * RT_PANEL_CHANNELS);
        v += count;
    }
}

/* One convolution by tiles: `from` (through `view`) with transformed filters into `to`. */
struct pass {
    const struct rt_native *plan;
    struct transform transform;
    const float *from, *filters;
    struct rt_view view;
    int from_height, from_width, to_height, to_width;
    long from_channels, to_channels, from_ld, to_ld;
    float *to;
    bool accumulate;
};

/* Tiles of `images` images from number `first` on, transformed at `at`. */
static struct rt_tiles tiles_of(const struct transform *t, long first, long images, long channels, int height,
                                int width, long ld, float *at)
{
    struct rt_tiles tiles = {.channels = (int)channels,
                             .height = height,
                             .width = width,
                             .ld = ld,
                             .step = t->step,
                             .padding = t->padding,
                             .image = first,
                             .images = images,
                             .end = images * t->tiles,
                             .position_stride = images * t->tiles * channels + PAD,
                             .tile_stride = channels};

    memcpy(tiles.run, t->run, sizeof tiles.run);
    tiles.transformed = at;
    return tiles;
}

static void convolve_images(const struct pass *p, long first, long images, float *scratch)
{
    const struct rt_tiles in = tiles_of(&p->transform, first, images, p->from_channels, p->from_height,
                                        p->from_width, p->from_ld, scratch);
    const struct rt_tiles out = tiles_of(&p->transform, first, images, p->to_channels, p->to_height,
                                         p->to_width, p->to_ld, scratch + POSITIONS * in.position_stride);

    p->plan->isa->winograd_input(&in, p->from, p->view);
    for (long position = 0; position < POSITIONS; position++) {
        const struct span tiles = tiles_with(p->transform, position, images);

        p->plan->isa->product(&(struct rt_product){
            .a = in.transformed + position * in.position_stride + tiles.begin * in.tile_stride,
            .a_row = p->from_channels,
            .a_col = 1,
            .b = p->filters + position * (p->from_channels * p->to_channels + PAD),
            .b_row = RT_PANEL_CHANNELS,
            .b_panel = p->from_channels * RT_PANEL_CHANNELS,
            .c = out.transformed + position * out.position_stride + tiles.begin * out.tile_stride,
            .c_row = p->to_channels,
            .c_panel = RT_PANEL_CHANNELS,
            .rows = tiles.end - tiles.begin,
            .panels = p->to_channels / RT_PANEL_CHANNELS,
            .depth = p->from_channels,
        });
    }
    p->plan->isa->winograd_output(&out, p->to, p->accumulate);
}

/* --- forward -------------------------------------------------------------------------------------------- */

void rt_conv_winograd_forward(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                              int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const bool bias = stage->node->tensor_count > 1;
    const struct transform t = output_transform(s);
    const long block = stage->block / s->area;
    const struct rt_slice part = rt_team_slice(plan->base.options.team, member, plan->count, block);
    const struct pass pass = {.plan = plan,
                              .transform = t,
                              .from = rt_native_data(plan, x),
                              .filters = plan->shared + layout_of(plan, s).filters,
                              .view = rt_native_view(plan, x),
                              .from_height = s->window.height,
                              .from_width = s->window.width,
                              .to_height = s->window.rows,
                              .to_width = s->window.columns,
                              .from_channels = s->window.channels,
                              .to_channels = s->out,
                              .from_ld = x->ld,
                              .to_ld = y->ld,
                              .to = rt_native_data(plan, y)};

    transform_filters(plan, s, member, rt_native_parameter(plan, stage->node->tensors[0]),
                      s->out / RT_PANEL_CHANNELS, s->window.channels, s->depth * RT_PANEL_CHANNELS,
                      (long)s->window.channels * RT_PANEL_CHANNELS, false, plan->shared);
    rt_team_barrier(plan->base.options.team);
    for (long i = part.begin; i < part.end; i += block) {
        const long images = part.end - i < block ? part.end - i : block, rows = images * s->area;

        convolve_images(&pass, i, images, rt_native_scratch(plan, member));
        if (bias || stage->relu)
            plan->isa->bias_relu(pass.to + i * s->area * y->ld, y->ld, rows, s->out,
                                 bias ? rt_native_parameter(plan, stage->node->tensors[1]) : NULL, stage->relu);
        if (plan->training && y->moments != RT_NONE)
            rt_native_leave_moments(plan, y, i * s->area, rows);
    }
}

/* --- backward ------------------------------------------------------------------------------------------- */

static void input_gradient(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                           int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct transform t = input_gradient_transform(s);
    const long channels = s->window.channels, block = images_in_block(t, s, own_block);
    const struct rt_slice part = rt_team_slice(plan->base.options.team, member, plan->count, block);
    const struct pass pass = {.plan = plan,
                              .transform = t,
                              .from = rt_native_grad(plan, y),
                              .filters = plan->shared + layout_of(plan, s).filters,
                              .from_height = s->window.rows,
                              .from_width = s->window.columns,
                              .to_height = s->window.height,
                              .to_width = s->window.width,
                              .from_channels = s->out,
                              .to_channels = channels,
                              .from_ld = y->grad_ld,
                              .to_ld = x->grad_ld,
                              .to = rt_native_grad(plan, x),
                              .accumulate = stage->accumulate[0]};

    transform_filters(plan, s, member, plan->shared + layout_of(plan, s).transposed,
                      channels / RT_PANEL_CHANNELS, s->out, s->out * RT_PANEL_CHANNELS, channels * s->out, true,
                      plan->shared);
    rt_team_barrier(plan->base.options.team);
    for (long i = part.begin; i < part.end; i += block)
        convolve_images(&pass, i, part.end - i < block ? part.end - i : block, rt_native_scratch(plan, member));
    rt_team_barrier(plan->base.options.team);
}

/* One block of images: both factors transformed together, then this member's positions added to the filters'
 * gradient [position][out/16][in][16]. */
static void filter_gradient_block(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                                  int member, long first, long images)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct transform t = output_transform(s);
    const long channels = s->window.channels;
    float *at = plan->shared + layout_of(plan, s).tiles;
    struct rt_tiles in = tiles_of(&t, first, images, channels, s->window.height, s->window.width, x->ld, at);
    struct rt_tiles out = tiles_of(&t, first, images, s->out, s->window.rows, s->window.columns, y->grad_ld,
                                   at + POSITIONS * in.position_stride);
    const struct rt_slice part = rt_team_slice(plan->base.options.team, member, in.end, 1);
    const struct rt_slice positions = rt_team_slice(plan->base.options.team, member, POSITIONS, 1);

    in.begin = out.begin = part.begin;
    in.end = out.end = part.end;
    plan->isa->winograd_input(&in, rt_native_data(plan, x), rt_native_view(plan, x));
    plan->isa->winograd_gradient(&out, rt_native_grad(plan, y));
    rt_team_barrier(plan->base.options.team);
    for (long position = positions.begin; position < positions.end; position++) {
        const struct span tiles = tiles_with(t, position, images);

        plan->isa->product(&(struct rt_product){
            .a = in.transformed + position * in.position_stride + tiles.begin * in.tile_stride,
            .a_row = 1,
            .a_col = channels,
            .b = out.transformed + position * out.position_stride + tiles.begin * out.tile_stride,
            .b_row = s->out,
            .b_panel = RT_PANEL_CHANNELS,
            .c = plan->shared + position * (channels * s->out + PAD),
            .c_row = RT_PANEL_CHANNELS,
            .c_panel = channels * RT_PANEL_CHANNELS,
            .rows = channels,
            .panels = s->out / RT_PANEL_CHANNELS,
            .depth = tiles.end - tiles.begin,
            .accumulate = first > 0,
        });
    }
    rt_team_barrier(plan->base.options.team);
}

/* Back from the filters' gradient to the weights', 16 inputs of a panel at a time, learned at once. */
static void learn_weights(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                          int member)
{
    const long channels = s->window.channels, blocks = channels / RT_PANEL_CHANNELS;
    const long taps = (long)s->window.kernel * s->window.kernel, size = RT_PANEL_CHANNELS * RT_PANEL_CHANNELS;
    const struct rt_slice part =
        rt_team_slice(plan->base.options.team, member, s->out / RT_PANEL_CHANNELS * blocks, 1);
    float *gradient = rt_native_scratch(plan, member);

    for (long b = part.begin; b < part.end; b++) {
        plan->isa->winograd_filter_gradient(&(struct rt_filters){.kernel = s->window.kernel,
                                                                 .count = RT_PANEL_CHANNELS,
                                                                 .tap_stride = size,
                                                                 .position_stride = channels * s->out + PAD},
                                            plan->shared + b * size, gradient);
        for (long tap = 0; tap < taps; tap++)
            rt_native_learn(plan, stage->node->tensors[0],
                            (size_t)(b / blocks * s->depth * RT_PANEL_CHANNELS +
                                     tap * channels * RT_PANEL_CHANNELS + b % blocks * size),
                            gradient + tap * size, (size_t)size, 1, 0);
    }
}

void rt_conv_winograd_backward(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                               int member)
{
    const struct rt_value *y = &plan->values[stage->out];
    const long block = images_in_block(output_transform(s), s, shared_block);
    float *sums = rt_native_scratch(plan, member);

    if (stage->wants[0])
        input_gradient(plan, stage, s, member);
    for (long i = 0; i < plan->count; i += block)
        filter_gradient_block(plan, stage, s, member, i, plan->count - i < block ? plan->count - i : block);
    learn_weights(plan, stage, s, member);
    if (stage->node->tensor_count > 1 && member == 0) {
        plan->isa->column_sum(rt_native_grad(plan, y), y->grad_ld, plan->count * s->area, s->out, sums, false);
        rt_native_learn(plan, stage->node->tensors[1], 0, sums, (size_t)s->out, 1, 0);
    }
}

float *rt_conv_winograd_transposed(const struct rt_native *plan, const struct rt_conv_shape *s)
{
    return plan->shared + layout_of(plan, s).transposed;
}
