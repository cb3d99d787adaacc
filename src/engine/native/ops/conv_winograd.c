/* Convolutions on Winograd's algorithm.
 *
 *   forward           each thread: a block of images' tiles -> products -> outputs, all in its own cache
 *   input's gradient  the same with dy, the filters turned around and transposed
 *   filter's gradient each group of threads: a chunk of the images, block by block: both factors transformed
 *                     together, then each thread does its share of the products
 *
 * Blocks are whole images, so that partial moments are rows; their size, and the number of chunks, depend on
 * shapes alone. Chunks are summed in order. */
#include "engine/native/native.h"
#include "engine/native/ops/winograd.h"

/* Of the images, each with a filter's gradient of its own; larger ones than this (in floats) cost more to sum
 * than it costs that threads read what others transformed, and there is one. */
enum { CHUNKS = 2, CHUNKED_FILTERS = 1 << 20 };

/* Floats of transformed tiles worked on at a time. Every block reads all filters (or their gradients) anew,
 * from the third-level cache where they are many, so a block is as large as they are, within what measured
 * best. */
enum { BLOCK_LEAST = 300000, BLOCK_MOST = 600000 };

/* Channels of a transformed tile's position: of inputs, all phases' side by side. */
static long width_of(const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    return w->phases * s->window.channels;
}

/* From position to position of the filters. */
static long filter_stride(const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    return width_of(w, s) * s->out + RT_PANEL_CHANNELS;
}

static long filter_floats(const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    return rt_winograd_positions(w) * filter_stride(w, s);
}

static int chunks_of(const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    return filter_floats(w, s) <= CHUNKED_FILTERS ? CHUNKS : 1;
}

/* Images whose transformed inputs and outputs make a block, at least one; so many that a whole batch is a power
 * of two of blocks, which most teams can share out evenly. */
static long images_in_block(const struct rt_native *plan, const struct rt_winograd *w,
                            const struct rt_conv_shape *s)
{
    const long filters = filter_floats(w, s), batch = plan->base.options.batch_max;
    const long floats = filters < BLOCK_LEAST ? BLOCK_LEAST : filters > BLOCK_MOST ? BLOCK_MOST : filters;
    const long image = rt_winograd_positions(w) * (width_of(w, s) + s->out) * w->tiles;
    long blocks = 1;

    while (blocks * (floats > image ? floats : image) < batch * image)
        blocks *= 2;
    return (batch + blocks - 1) / blocks;
}

static long block_floats(const struct rt_native *plan, const struct rt_winograd *w,
                         const struct rt_conv_shape *s)
{
    const long images = images_in_block(plan, w, s);

    return rt_tile_set_floats(w, images, w->phases, s->window.channels) +
           rt_tile_set_floats(w, images, 1, s->out);
}

bool rt_conv_winograd_fits(const struct rt_native *plan, const struct rt_stage *stage,
                           const struct rt_conv_shape *s)
{
    return plan->base.options.winograd && plan->values[stage->in[0]].shape.channels >= RT_PANEL_CHANNELS &&
           !plan->values[stage->in[0]].planar && rt_winograd_takes(&s->window);
}

/* Where things lie in plan->shared, in floats: transformed filters, or the chunks' gradients of them; weights
 * transposed; a block of tiles for each group of threads. */
struct layout {
    long transposed, tiles, size;
};

static struct layout layout_of(const struct rt_native *plan, const struct rt_conv_shape *s)
{
    const bool training = plan->base.options.training;
    const struct rt_winograd out = rt_winograd_over_output(s), in = rt_winograd_over_input(s);
    const long chunks = training ? chunks_of(&out, s) : 1;
    const long forward = chunks * filter_floats(&out, s), backward = filter_floats(&in, s);
    struct layout l = {.transposed = forward > backward ? forward : backward};

    l.size = l.tiles = l.transposed + (training ? s->depth * s->out : 0);
    if (training)
        l.size += chunks * block_floats(plan, &out, s);
    return l;
}

long rt_conv_winograd_plan(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s)
{
    const struct rt_winograd out = rt_winograd_over_output(s), in = rt_winograd_over_input(s);

    rt_native_need_scratch(plan, (size_t)block_floats(plan, &out, s));
    if (stage->wants[0])
        rt_native_need_scratch(plan, (size_t)block_floats(plan, &in, s));
    if (plan->base.options.training) /* the weights' gradients of 16 inputs by 16 outputs */
        rt_native_need_scratch(plan, (size_t)(CHUNKS * s->window.kernel * s->window.kernel * RT_PANEL_CHANNELS *
                                                  RT_PANEL_CHANNELS +
                                              s->out));
    rt_native_need_shared(plan, (size_t)layout_of(plan, s).size);
    return images_in_block(plan, &out, s) * s->area;
}

/* Transforms, shared out, weights [panel][tap][vector][16] to filters [position][panel][phase][vector][16]; or,
 * for the input's gradient, [tap][panel][vector][16] to [position][phase][panel][vector][16]. */
struct filter_order {
    long panels, vectors;
    bool flip; /* the latter */
};

static void transform_filters(const struct rt_native *plan, const struct rt_winograd *t,
                              const struct rt_conv_shape *s, int member, const float *weights,
                              struct filter_order order)
{
    const struct rt_slice part =
        rt_team_slice(plan->base.options.team, member, order.panels * t->phases * order.vectors, 1);
    const long kernel = (long)s->window.kernel * s->window.kernel, row = order.vectors * RT_PANEL_CHANNELS;

    for (long v = part.begin; v < part.end;) {
        const long k = v % order.vectors, outer = v / order.vectors;
        const long phase = order.flip ? outer / order.panels : outer % t->phases;
        const long panel = order.flip ? outer % order.panels : outer / t->phases;
        struct rt_filters f = rt_winograd_filter(t, s->window.kernel, phase, order.flip);

        f.count = order.vectors - k < part.end - v ? order.vectors - k : part.end - v;
        f.tap_stride = order.flip ? order.panels * row : row;
        f.position_stride = filter_stride(t, s);
        plan->isa->winograd_filters(&f,
                                    weights + panel * (order.flip ? row : kernel * row) + k * RT_PANEL_CHANNELS,
                                    plan->shared + v * RT_PANEL_CHANNELS);
        v += f.count;
    }
}

static struct rt_map input_map(const struct rt_conv_shape *s, float *at, long ld)
{
    return (struct rt_map){at, s->window.height, s->window.width, s->window.channels, ld};
}

static struct rt_map output_map(const struct rt_conv_shape *s, float *at, long ld)
{
    return (struct rt_map){at, s->window.rows, s->window.columns, s->out, ld};
}

static void transform_inputs(const struct rt_native *plan, const struct rt_tile_set *set, struct rt_view view)
{
    for (long phase = 0; phase < set->phases; phase++) {
        float *map;
        const struct rt_tiles tiles = rt_tile_set_phase(set, phase, &map);

        plan->isa->winograd_input(&tiles, map, view);
    }
}

static void transform_outputs(const struct rt_native *plan, const struct rt_tile_set *set, bool accumulate)
{
    for (long phase = 0; phase < set->phases; phase++) {
        float *map;
        const struct rt_tiles tiles = rt_tile_set_phase(set, phase, &map);

        plan->isa->winograd_output(&tiles, map, accumulate);
    }
}

/* --- forward, and the input's gradient ------------------------------------------------------------------ */

/* One convolution by tiles of `from` (through `view`) with transformed filters, into `to`. */
struct convolution {
    const struct rt_native *plan;
    struct rt_winograd w;
    struct rt_map from, to;
    long from_phases, to_phases, filter_stride;
    int padding;
    struct rt_view view;
    bool accumulate;
};

/* One position's product. Phases that it lacks are no factors; as results they are zero. */
static void convolve_position(const struct convolution *c, const struct rt_tile_set *in,
                              const struct rt_tile_set *out, long position)
{
    const struct rt_span tiles = rt_winograd_tiles_with(&c->w, position, in->tiles.images);
    const struct rt_span phases = rt_winograd_phases_with(&c->w, position);
    const long depth = in->phases * in->channels, panels = out->channels / RT_PANEL_CHANNELS;
    const bool from_many = in->phases > 1, to_many = out->phases > 1;
    struct rt_product p = {
        .a = rt_tile_set_entry(in, position, tiles.begin, phases.begin),
        .a_row = depth,
        .a_col = 1,
        .b = c->plan->shared + position * c->filter_stride +
             (from_many ? phases.begin * in->channels
              : to_many ? phases.begin * panels * depth
                        : 0) *
                 RT_PANEL_CHANNELS,
        .b_row = RT_PANEL_CHANNELS,
        .b_panel = depth * RT_PANEL_CHANNELS,
        .c = rt_tile_set_entry(out, position, tiles.begin, phases.begin),
        .c_row = out->phases * out->channels,
        .c_panel = RT_PANEL_CHANNELS,
        .rows = tiles.end - tiles.begin,
        .panels = (to_many ? phases.end - phases.begin : 1) * panels,
        .depth = from_many ? (phases.end - phases.begin) * in->channels : depth,
    };

    c->plan->isa->product(&p);
    p.depth = 0;
    p.panels = panels;
    for (long phase = 0; to_many && phase < out->phases; phase++) {
        p.c = rt_tile_set_entry(out, position, tiles.begin, phase);
        if (phase < phases.begin || phase >= phases.end)
            c->plan->isa->product(&p);
    }
}

static void convolve_images(const struct convolution *c, long first, long images, float *scratch)
{
    const struct rt_tile_set in =
        rt_tile_set(&c->w, first, images, &c->from, c->from_phases, c->padding, scratch);
    const struct rt_tile_set out =
        rt_tile_set(&c->w, first, images, &c->to, c->to_phases, 0,
                    scratch + rt_tile_set_floats(&c->w, images, c->from_phases, c->from.channels));

    transform_inputs(c->plan, &in, c->view);
    for (long position = 0; position < rt_winograd_positions(&c->w); position++)
        convolve_position(c, &in, &out, position);
    transform_outputs(c->plan, &out, c->accumulate);
}

void rt_conv_winograd_forward(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                              int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const bool bias = stage->node->tensor_count > 1;
    const struct rt_winograd t = rt_winograd_over_output(s);
    const long block = stage->block / s->area;
    const struct rt_slice part = rt_team_slice(plan->base.options.team, member, plan->count, block);
    const struct convolution c = {.plan = plan,
                                  .w = t,
                                  .from = input_map(s, rt_native_data(plan, x), x->ld),
                                  .to = output_map(s, rt_native_data(plan, y), y->ld),
                                  .from_phases = t.phases,
                                  .to_phases = 1,
                                  .filter_stride = filter_stride(&t, s),
                                  .padding = s->window.padding,
                                  .view = rt_native_view(plan, x)};

    transform_filters(plan, &t, s, member, rt_native_parameter(plan, stage->node->tensors[0]),
                      (struct filter_order){s->out / RT_PANEL_CHANNELS, s->window.channels, false});
    rt_team_barrier(plan->base.options.team);
    for (long i = part.begin; i < part.end; i += block) {
        const long images = part.end - i < block ? part.end - i : block, rows = images * s->area;

        convolve_images(&c, i, images, rt_native_scratch(plan, member));
        if (bias || stage->relu)
            plan->isa->bias_relu(c.to.at + i * s->area * y->ld, y->ld, rows, s->out,
                                 bias ? rt_native_parameter(plan, stage->node->tensors[1]) : NULL, stage->relu);
        if (plan->training && y->moments != RT_NONE)
            rt_native_leave_moments(plan, y, i * s->area, rows);
    }
}

static void input_gradient(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                           int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_winograd t = rt_winograd_over_input(s);
    const long block = images_in_block(plan, &t, s);
    const struct rt_slice part = rt_team_slice(plan->base.options.team, member, plan->count, block);
    const struct convolution c = {.plan = plan,
                                  .w = t,
                                  .from = output_map(s, rt_native_grad(plan, y), y->grad_ld),
                                  .to = input_map(s, rt_native_grad(plan, x), x->grad_ld),
                                  .from_phases = 1,
                                  .to_phases = t.phases,
                                  .filter_stride = filter_stride(&t, s),
                                  .padding = t.phases > 1 ? 0 : s->window.kernel - 1 - s->window.padding,
                                  .accumulate = stage->accumulate[0]};

    transform_filters(plan, &t, s, member, plan->shared + layout_of(plan, s).transposed,
                      (struct filter_order){s->window.channels / RT_PANEL_CHANNELS, s->out, true});
    rt_team_barrier(plan->base.options.team);
    for (long i = part.begin; i < part.end; i += block)
        convolve_images(&c, i, part.end - i < block ? part.end - i : block, rt_native_scratch(plan, member));
    rt_team_barrier(plan->base.options.team);
}

/* --- the filter's gradient ------------------------------------------------------------------------------ */

/* Threads that work on the same chunks: as many groups as chunks where the team divides so, else one. */
struct group {
    int number, count, rank, size;
};

static struct group group_of(const struct rt_team *team, int member, int chunks)
{
    const int threads = rt_team_size(team), count = threads % chunks ? 1 : chunks, size = threads / count;

    return (struct group){member / size, count, member % size, size};
}

/* As many as planned, but none without an image. */
static int chunk_count(const struct rt_native *plan, const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    const int chunks = chunks_of(w, s);

    return plan->count < chunks ? plan->count : chunks;
}

/* What the blocks of a filter's gradient share. */
struct filter_gradient {
    struct rt_native *plan;
    const struct rt_conv_shape *shape;
    struct rt_winograd w;
    struct rt_map inputs, outputs;
    struct rt_view view;
    struct group group;
    float *tiles; /* the group's */
};

/* Products of a position, of one input channel of a phase by one output channel. */
static long products_at(const struct rt_winograd *w, long position, long images)
{
    const struct rt_span tiles = rt_winograd_tiles_with(w, position, images);
    const struct rt_span phases = rt_winograd_phases_with(w, position);

    return (tiles.end - tiles.begin) * (phases.end - phases.begin);
}

/* This thread's positions of a block: about as many products as each other one's of the group. */
static struct rt_span positions_of(const struct filter_gradient *g, long images)
{
    const long positions = rt_winograd_positions(&g->w);
    struct rt_span span = {positions, positions};
    long total = 0, done = 0;

    for (long position = 0; position < positions; position++)
        total += products_at(&g->w, position, images);
    for (long position = 0; position < positions; position++) {
        const long rank = done * g->group.size / total;

        if (rank >= g->group.rank && position < span.begin)
            span.begin = position;
        if (rank > g->group.rank && position < span.end)
            span.end = position;
        done += products_at(&g->w, position, images);
    }
    return span;
}

/* This thread's positions of a block, added to the chunk's gradient [position][out/16][phase][in][16]. */
static void multiply_positions(const struct filter_gradient *g, const struct rt_tile_set *in,
                               const struct rt_tile_set *out, float *gradient, bool accumulate)
{
    const struct rt_conv_shape *s = g->shape;
    const struct rt_span part = positions_of(g, in->tiles.images);

    for (long position = part.begin; position < part.end; position++) {
        const struct rt_span tiles = rt_winograd_tiles_with(&g->w, position, in->tiles.images);
        const struct rt_span phases = rt_winograd_phases_with(&g->w, position);

        g->plan->isa->product(&(struct rt_product){
            .a = rt_tile_set_entry(in, position, tiles.begin, phases.begin),
            .a_row = 1,
            .a_col = width_of(&g->w, s),
            .b = rt_tile_set_entry(out, position, tiles.begin, 0),
            .b_row = s->out,
            .b_panel = RT_PANEL_CHANNELS,
            .c = gradient + position * filter_stride(&g->w, s) +
                 phases.begin * s->window.channels * RT_PANEL_CHANNELS,
            .c_row = RT_PANEL_CHANNELS,
            .c_panel = width_of(&g->w, s) * RT_PANEL_CHANNELS,
            .rows = (phases.end - phases.begin) * s->window.channels,
            .panels = s->out / RT_PANEL_CHANNELS,
            .depth = tiles.end - tiles.begin,
            .accumulate = accumulate,
        });
    }
}

static void filter_gradient_block(const struct filter_gradient *g, long first, long images, float *gradient,
                                  bool accumulate)
{
    struct rt_tile_set in =
        rt_tile_set(&g->w, first, images, &g->inputs, g->w.phases, g->shape->window.padding, g->tiles);
    struct rt_tile_set out =
        rt_tile_set(&g->w, first, images, &g->outputs, 1, 0,
                    g->tiles + rt_tile_set_floats(&g->w, images, g->w.phases, g->inputs.channels));
    const struct rt_slice part = rt_slice(g->group.rank, g->group.size, in.tiles.end, 1);

    in.tiles.begin = out.tiles.begin = part.begin;
    in.tiles.end = out.tiles.end = part.end;
    if (images > 0) {
        transform_inputs(g->plan, &in, g->view);
        g->plan->isa->winograd_gradient(&out.tiles, g->outputs.at);
    }
    if (g->group.size > 1)
        rt_team_barrier(g->plan->base.options.team);
    if (images > 0)
        multiply_positions(g, &in, &out, gradient, accumulate);
    if (g->group.size > 1)
        rt_team_barrier(g->plan->base.options.team);
}

/* All groups go through as many blocks, some of them empty, so that they meet at the same barriers. */
static void filter_gradient(struct rt_native *plan, const struct rt_stage *stage, const struct rt_conv_shape *s,
                            int member)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct layout layout = layout_of(plan, s);
    struct filter_gradient g = {.plan = plan,
                                .shape = s,
                                .w = rt_winograd_over_output(s),
                                .inputs = input_map(s, rt_native_data(plan, x), x->ld),
                                .outputs = output_map(s, rt_native_grad(plan, y), y->grad_ld),
                                .view = rt_native_view(plan, x)};
    const int chunks = chunk_count(plan, &g.w, s);
    const long block = images_in_block(plan, &g.w, s), images_most = (plan->count + chunks - 1) / chunks;

    g.group = group_of(plan->base.options.team, member, chunks);
    g.tiles = plan->shared + layout.tiles + g.group.number * block_floats(plan, &g.w, s);
    for (int c = g.group.number; c < chunks; c += g.group.count) {
        const struct rt_slice chunk = rt_slice(c, chunks, plan->count, 1);

        for (long i = 0; i < images_most; i += block) {
            const long first = chunk.begin + i < chunk.end ? chunk.begin + i : chunk.end;

            filter_gradient_block(&g, first, chunk.end - first < block ? chunk.end - first : block,
                                  plan->shared + c * filter_floats(&g.w, s), i > 0);
        }
    }
}

/* Back from the filters' gradients to the weights', 16 inputs of a panel at a time, learned at once. */
static void learn_weights(struct rt_native *plan, const struct rt_stage *stage, const struct rt_conv_shape *s,
                          int member)
{
    const struct rt_winograd w = rt_winograd_over_output(s);
    const long channels = s->window.channels, blocks = channels / RT_PANEL_CHANNELS;
    const long taps = (long)s->window.kernel * s->window.kernel, size = RT_PANEL_CHANNELS * RT_PANEL_CHANNELS;
    const struct rt_slice part =
        rt_team_slice(plan->base.options.team, member, s->out / RT_PANEL_CHANNELS * blocks, 1);
    const long chunks = chunk_count(plan, &w, s);
    float *gradient = rt_native_scratch(plan, member); /* [chunk][tap][in][16] */

    for (long b = part.begin; b < part.end; b++) {
        const long panel = b / blocks, block = b % blocks;

        for (long i = 0; i < chunks * w.phases; i++) {
            const long chunk = i / w.phases, phase = i % w.phases;
            struct rt_filters f = rt_winograd_filter(&w, s->window.kernel, phase, false);

            f.count = RT_PANEL_CHANNELS;
            f.tap_stride = size;
            f.position_stride = filter_stride(&w, s);
            plan->isa->winograd_filter_gradient(&f,
                                                plan->shared + chunk * filter_floats(&w, s) +
                                                    ((panel * w.phases + phase) * blocks + block) * size,
                                                gradient + chunk * taps * size);
        }
        for (long tap = 0; tap < taps; tap++)
            rt_native_learn(plan, stage->node->tensors[0],
                            (size_t)(panel * s->depth * RT_PANEL_CHANNELS + tap * channels * RT_PANEL_CHANNELS +
                                     block * size),
                            gradient + tap * size, (size_t)size, (int)chunks, (size_t)(taps * size));
    }
}

void rt_conv_winograd_backward(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                               int member)
{
    const struct rt_value *y = &plan->values[stage->out];
    float *sums = rt_native_scratch(plan, member);

    if (stage->wants[0])
        input_gradient(plan, stage, s, member);
    filter_gradient(plan, stage, s, member);
    rt_team_barrier(plan->base.options.team);
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
