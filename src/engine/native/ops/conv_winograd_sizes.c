/* Sizes of the pieces of work of convolutions by Winograd's algorithm. */
#include "engine/native/isa/winograd.h"
#include "engine/native/ops/conv_winograd.h"

/* Of the images, each with a filter's gradient of its own; larger ones than this (in floats) cost more to sum
 * than it costs that threads read what others transformed, and there is one. */
enum { CHUNKS = 2, CHUNKED_FILTERS = 1 << 20 };

/* Both gradients of a few images are taken together where their filters, and the filters' gradients, are at
 * most this large; larger ones evict each other from the caches. Blocks differ then, which must not affect
 * sums. */
enum { TOGETHER_FILTERS = 500000 };

/* Floats of transformed tiles worked on at a time. Every block reads all filters (or their gradients) again,
 * from the third-level cache if there are many, so a block is as large as they are, within limits that measured
 * best. */
enum { BLOCK_LEAST = 300000, BLOCK_MOST = 600000 };

/* The filter's gradient reads and writes all of itself for every block. Above GRADIENT_LARGE floats it has
 * blocks of GRADIENT_BLOCK, but not where tiles are of several kinds: the order of their sums depends on the
 * blocks, and other blocks would give other bits than earlier versions. */
enum { GRADIENT_LARGE = 1000000, GRADIENT_BLOCK = 1500000 };

long rt_conv_winograd_width(const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    return w->phases * s->window.channels;
}

long rt_conv_winograd_filter_stride(const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    return rt_conv_winograd_width(w, s) * s->out + RT_PANEL_CHANNELS;
}

long rt_conv_winograd_filter_floats(const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    return rt_winograd_positions(w) * rt_conv_winograd_filter_stride(w, s);
}

int rt_conv_winograd_chunks(const struct rt_winograd *w, const struct rt_conv_shape *s)
{
    return rt_conv_winograd_filter_floats(w, s) <= CHUNKED_FILTERS ? CHUNKS : 1;
}

int rt_conv_winograd_chunk_count(const struct rt_native *plan, const struct rt_winograd *w,
                                 const struct rt_conv_shape *s)
{
    const int chunks = rt_conv_winograd_chunks(w, s);

    return plan->count < chunks ? plan->count : chunks;
}

bool rt_conv_winograd_together(const struct rt_native *plan, const struct rt_winograd *w,
                               const struct rt_conv_shape *s)
{
    return rt_winograd_in_order(w) && rt_conv_winograd_filter_floats(w, s) <= TOGETHER_FILTERS &&
           rt_conv_winograd_chunk_count(plan, w, s) % rt_team_size(plan->host.team) == 0;
}

/* Images of a block of about so many floats, at least one. */
static long images_in(const struct rt_native *plan, const struct rt_winograd *w, const struct rt_conv_shape *s,
                      long floats)
{
    const long batch = plan->base.options.batch_max;
    const long image = rt_winograd_positions(w) * (rt_conv_winograd_width(w, s) + s->out) * w->tiles;
    long blocks = 1;

    while (blocks * (floats > image ? floats : image) < batch * image)
        blocks *= 2;
    return (batch + blocks - 1) / blocks;
}

long rt_conv_winograd_block(const struct rt_native *plan, const struct rt_winograd *w,
                            const struct rt_conv_shape *s)
{
    const long filters = rt_conv_winograd_filter_floats(w, s);

    return images_in(plan, w, s,
                     filters < BLOCK_LEAST  ? BLOCK_LEAST
                     : filters > BLOCK_MOST ? BLOCK_MOST
                                            : filters);
}

long rt_conv_winograd_gradient_block(const struct rt_native *plan, const struct rt_winograd *w,
                                     const struct rt_conv_shape *s)
{
    if (rt_winograd_in_order(w) && rt_conv_winograd_filter_floats(w, s) > GRADIENT_LARGE)
        return images_in(plan, w, s, GRADIENT_BLOCK);
    return rt_conv_winograd_block(plan, w, s);
}

long rt_conv_winograd_block_floats(const struct rt_winograd *w, const struct rt_conv_shape *s, long images)
{
    return rt_tile_set_floats(w, images, w->phases, s->window.channels) +
           rt_tile_set_floats(w, images, 1, s->out);
}

struct rt_winograd_layout rt_conv_winograd_layout(const struct rt_native *plan, const struct rt_conv_shape *s)
{
    const bool training = plan->base.options.training;
    const struct rt_winograd out = rt_winograd_over_output(s), in = rt_winograd_over_input(s);
    const long chunks = rt_conv_winograd_chunks(&out, s);
    const long forward = rt_conv_winograd_filter_floats(&out, s),
               backward = rt_conv_winograd_filter_floats(&in, s);
    struct rt_winograd_layout l = {.gradients = training && backward > forward ? backward : forward};

    l.transposed = l.tiles = l.size = l.gradients;
    if (training) {
        l.transposed += chunks * forward;
        l.tiles = l.transposed + s->depth * s->out;
        l.size = l.tiles + chunks * rt_conv_winograd_block_floats(
                                        &out, s, rt_conv_winograd_gradient_block(plan, &out, s));
    }
    return l;
}

struct rt_map rt_conv_winograd_inputs(const struct rt_conv_shape *s, float *at, long ld)
{
    return (struct rt_map){at, s->window.height, s->window.width, s->window.channels, ld};
}

struct rt_map rt_conv_winograd_outputs(const struct rt_conv_shape *s, float *at, long ld)
{
    return (struct rt_map){at, s->window.rows, s->window.columns, s->out, ld};
}

void rt_conv_winograd_transform(const struct rt_native *plan, const struct rt_tile_set *set,
                                struct rt_view view)
{
    for (long phase = 0; phase < set->phases; phase++) {
        float *map;
        const struct rt_tiles tiles = rt_tile_set_phase(set, phase, &map);

        plan->isa->winograd->inputs(&tiles, map, view);
    }
}
