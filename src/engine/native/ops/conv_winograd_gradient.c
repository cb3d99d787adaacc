/* The filter's gradient of a convolution on Winograd's algorithm. A thread takes its own images' blocks, or
 * each crew of threads takes chunks of the images, block by block: both factors are transformed together, then
 * each thread does its share of the products. Chunks are summed in order. */
#include "engine/native/isa/product.h"
#include "engine/native/isa/winograd.h"
#include "engine/native/isa/winograd_filters.h"
#include "engine/native/ops/conv_winograd.h"
#include "engine/native/run.h"

/* Threads that work on the same chunks: as many crews as chunks if the team can be divided so, else one. */
struct crew {
    int number, count, rank, size;
};

static struct crew crew_of(const struct rt_team *team, int member, int chunks)
{
    const int threads = rt_team_size(team), count = threads % chunks ? 1 : chunks, size = threads / count;

    return (struct crew){member / size, count, member % size, size};
}

/* What the blocks of a filter's gradient share. */
struct filter_gradient {
    struct rt_native *plan;
    const struct rt_conv_shape *shape;
    struct rt_winograd w;
    struct rt_map inputs, outputs;
    struct rt_view view;
    struct crew crew;
    float *tiles; /* the crew's */
};

/* Products of a position, of one input channel of a phase by one output channel. */
static long products_at(const struct rt_winograd *w, long position, long images)
{
    const struct rt_span tiles = rt_winograd_tiles_with(w, position, images);
    const struct rt_span phases = rt_winograd_phases_with(w, position);

    return (tiles.end - tiles.begin) * (phases.end - phases.begin);
}

/* This thread's positions of a block: about as many products as every other thread of the crew. */
static struct rt_span positions_of(const struct filter_gradient *g, long images)
{
    const long positions = rt_winograd_positions(&g->w);
    struct rt_span span = {positions, positions};
    long total = 0, done = 0;

    for (long position = 0; position < positions; position++)
        total += products_at(&g->w, position, images);
    for (long position = 0; position < positions; position++) {
        const long rank = done * g->crew.size / total;

        if (rank >= g->crew.rank && position < span.begin)
            span.begin = position;
        if (rank > g->crew.rank && position < span.end)
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

        g->plan->isa->product->multiply(&(struct rt_product){
            .a = rt_tile_set_entry(in, position, tiles.begin, phases.begin),
            .a_row = 1,
            .a_col = rt_conv_winograd_width(&g->w, s),
            .b = rt_tile_set_entry(out, position, tiles.begin, 0),
            .b_row = s->out,
            .b_panel = RT_PANEL_CHANNELS,
            .c = gradient + position * rt_conv_winograd_filter_stride(&g->w, s) +
                 phases.begin * s->window.channels * RT_PANEL_CHANNELS,
            .c_row = RT_PANEL_CHANNELS,
            .c_panel = rt_conv_winograd_width(&g->w, s) * RT_PANEL_CHANNELS,
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
    const struct rt_slice part = rt_slice(g->crew.rank, g->crew.size, in.tiles.end, 1);

    in.tiles.begin = out.tiles.begin = part.begin;
    in.tiles.end = out.tiles.end = part.end;
    if (images > 0) {
        rt_conv_winograd_transform(g->plan, &in, g->view);
        g->plan->isa->winograd->gradients(&out.tiles, g->outputs.at);
    }
    if (g->crew.size > 1)
        rt_team_barrier(g->plan->host.team);
    if (images > 0)
        multiply_positions(g, &in, &out, gradient, accumulate);
    if (g->crew.size > 1)
        rt_team_barrier(g->plan->host.team);
}

static struct filter_gradient gradient_of(struct rt_native *plan, const struct rt_stage *stage,
                                          const struct rt_conv_shape *s)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];

    return (struct filter_gradient){
        .plan = plan,
        .shape = s,
        .w = rt_winograd_over_output(s),
        .inputs = rt_conv_winograd_inputs(s, rt_native_data(plan, x), x->ld),
        .outputs = rt_conv_winograd_outputs(s, rt_native_grad(plan, y), y->grad_ld),
        .view = rt_native_view(plan, x),
    };
}

/* A chunk's gradient of the filters. */
static float *chunk_gradient(const struct rt_native *plan, const struct rt_stage *stage,
                             const struct rt_winograd *w, const struct rt_conv_shape *s, long chunk)
{
    return rt_native_shared(plan, stage) + rt_conv_winograd_layout(plan, s).gradients +
           chunk * rt_conv_winograd_filter_floats(w, s);
}

void rt_conv_winograd_gradient_images(struct rt_native *plan, const struct rt_stage *stage,
                                      const struct rt_conv_shape *s, int member, long begin, long end)
{
    struct filter_gradient g = gradient_of(plan, stage, s);
    const long block = rt_conv_winograd_block(plan, &g.w, s);
    const int chunks = rt_conv_winograd_chunk_count(plan, &g.w, s);

    g.crew = (struct crew){.count = 1, .size = 1};
    g.tiles = rt_native_scratch(plan, member);
    for (long i = begin, next; i < end; i = next) {
        const int c = rt_native_chunk_of(plan, chunks, i);
        const struct rt_slice chunk = rt_slice(c, chunks, plan->count, 1);

        next = i + block < end ? i + block : end;
        if (next > chunk.end)
            next = chunk.end;
        filter_gradient_block(&g, i, next - i, chunk_gradient(plan, stage, &g.w, s, c), i > chunk.begin);
    }
}

/* All crews run the same number of blocks, some of them empty, so that they reach the same barriers. */
void rt_conv_winograd_gradient(struct rt_native *plan, const struct rt_stage *stage,
                               const struct rt_conv_shape *s, int member)
{
    struct filter_gradient g = gradient_of(plan, stage, s);
    const int chunks = rt_conv_winograd_chunk_count(plan, &g.w, s);
    const long block = rt_conv_winograd_gradient_block(plan, &g.w, s);
    const long images_most = (plan->count + chunks - 1) / chunks;

    g.crew = crew_of(plan->host.team, member, chunks);
    g.tiles = rt_native_shared(plan, stage) + rt_conv_winograd_layout(plan, s).tiles +
              g.crew.number * rt_conv_winograd_block_floats(&g.w, s, block);
    for (int c = g.crew.number; c < chunks; c += g.crew.count) {
        const struct rt_slice chunk = rt_slice(c, chunks, plan->count, 1);

        for (long i = 0; i < images_most; i += block) {
            const long first = chunk.begin + i < chunk.end ? chunk.begin + i : chunk.end;

            filter_gradient_block(&g, first, chunk.end - first < block ? chunk.end - first : block,
                                  chunk_gradient(plan, stage, &g.w, s, c), i > 0);
        }
    }
}

/* Back from the filters' gradients to the weights', 16 inputs of a panel at a time, applied immediately. */
void rt_conv_winograd_apply_gradient(struct rt_native *plan, const struct rt_stage *stage,
                                     const struct rt_conv_shape *s, int member)
{
    const struct rt_winograd w = rt_winograd_over_output(s);
    const long channels = s->window.channels, blocks = channels / RT_PANEL_CHANNELS;
    const long taps = (long)s->window.kernel * s->window.kernel, size = RT_PANEL_CHANNELS * RT_PANEL_CHANNELS;
    const struct rt_slice part = rt_team_slice(plan->host.team, member, s->out / RT_PANEL_CHANNELS * blocks, 1);
    const long chunks = rt_conv_winograd_chunk_count(plan, &w, s);
    const long filter_floats = rt_conv_winograd_filter_floats(&w, s);
    const float *gradients = chunk_gradient(plan, stage, &w, s, 0);
    float *gradient = rt_native_scratch(plan, member); /* [chunk][tap][in][16] */

    for (long b = part.begin; b < part.end; b++) {
        const long panel = b / blocks, block = b % blocks;

        for (long i = 0; i < chunks * w.phases; i++) {
            const long chunk = i / w.phases, phase = i % w.phases;
            struct rt_filters f = rt_winograd_filter(&w, s->window.kernel, phase, false);

            f.count = RT_PANEL_CHANNELS;
            f.tap_stride = size;
            f.position_stride = rt_conv_winograd_filter_stride(&w, s);
            plan->isa->winograd_filters->gradient(
                &f, gradients + chunk * filter_floats + ((panel * w.phases + phase) * blocks + block) * size,
                gradient + chunk * taps * size);
        }
        for (long tap = 0; tap < taps; tap++)
            rt_native_apply_gradient(plan, stage->node->tensors[0],
                                     (size_t)(panel * s->depth * RT_PANEL_CHANNELS +
                                              tap * channels * RT_PANEL_CHANNELS + block * size),
                                     gradient + tap * size, (size_t)size, (int)chunks, (size_t)(taps * size));
    }
}
