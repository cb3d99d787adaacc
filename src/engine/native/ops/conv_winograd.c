/* Convolutions by Winograd's algorithm: forward, and the input gradient. Each thread takes blocks of images:
 * tiles -> products -> outputs, all in its own cache; the gradient does the same with dy and the filters
 * rotated and transposed. Blocks are whole images, so that partial moments are rows. */
#include "engine/native/ops/conv_winograd.h"
#include "engine/native/isa/norm.h"
#include "engine/native/isa/product.h"
#include "engine/native/isa/rows.h"
#include "engine/native/isa/winograd.h"
#include "engine/native/isa/winograd_filters.h"
#include "engine/native/memory.h"
#include "engine/native/run.h"

bool rt_conv_winograd_fits(const struct rt_native *plan, const struct rt_stage *stage,
                           const struct rt_conv_shape *s)
{
    return plan->base.options.winograd && plan->values[stage->in[0]].shape.channels >= RT_PANEL_CHANNELS &&
           !plan->values[stage->in[0]].planar && rt_winograd_takes(&s->window);
}

long rt_conv_winograd_plan(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s)
{
    const struct rt_winograd out = rt_winograd_over_output(s), in = rt_winograd_over_input(s);
    const long block = rt_conv_winograd_block(plan, &out, s), backward = rt_conv_winograd_block(plan, &in, s);

    rt_native_need_scratch(plan, (size_t)rt_conv_winograd_block_floats(&out, s, block));
    stage->images_least = block;
    if (stage->wants[0]) {
        rt_native_need_scratch(plan, (size_t)rt_conv_winograd_block_floats(&in, s, backward));
        stage->images_least = backward > block ? backward : block;
    }
    if (plan->base.options.training) /* the weights' gradients of 16 inputs by 16 outputs */
        rt_native_need_scratch(plan, (size_t)(rt_conv_winograd_chunks(&out, s) * s->window.kernel *
                                                  s->window.kernel * RT_PANEL_CHANNELS * RT_PANEL_CHANNELS +
                                              s->out));
    rt_native_need_shared(stage, (size_t)rt_conv_winograd_layout(plan, s).size);
    return block * s->area;
}

/* Transforms, divided among the threads, weights [panel][tap][vector][16] to filters
 * [position][panel][phase][vector][16]; or, for the input's gradient, [tap][panel][vector][16] to
 * [position][phase][panel][vector][16]. */
struct filter_order {
    long panels, vectors;
    bool flip; /* the latter */
};

static void transform_filters(const struct rt_native *plan, const struct rt_stage *stage,
                              const struct rt_winograd *t, const struct rt_conv_shape *s, int member,
                              const float *weights, struct filter_order order)
{
    const struct rt_slice part =
        rt_team_slice(plan->host.team, member, order.panels * t->phases * order.vectors, 1);
    const long kernel = (long)s->window.kernel * s->window.kernel, row = order.vectors * RT_PANEL_CHANNELS;

    for (long v = part.begin; v < part.end;) {
        const long k = v % order.vectors, outer = v / order.vectors;
        const long phase = order.flip ? outer / order.panels : outer % t->phases;
        const long panel = order.flip ? outer % order.panels : outer / t->phases;
        struct rt_filters f = rt_winograd_filter(t, s->window.kernel, phase, order.flip);

        f.count = order.vectors - k < part.end - v ? order.vectors - k : part.end - v;
        f.tap_stride = order.flip ? order.panels * row : row;
        f.position_stride = rt_conv_winograd_filter_stride(t, s);
        plan->isa->winograd_filters->transform(
            &f, weights + panel * (order.flip ? row : kernel * row) + k * RT_PANEL_CHANNELS,
            rt_native_shared(plan, stage) + v * RT_PANEL_CHANNELS);
        v += f.count;
    }
}

static void transform_outputs(const struct rt_native *plan, const struct rt_tile_set *set, bool accumulate)
{
    for (long phase = 0; phase < set->phases; phase++) {
        float *map;
        const struct rt_tiles tiles = rt_tile_set_phase(set, phase, &map);

        plan->isa->winograd->outputs(&tiles, map, accumulate);
    }
}

/* One convolution by tiles of `from` (through `view`) with transformed filters, into `to`. */
struct convolution {
    const struct rt_native *plan;
    struct rt_winograd w;
    const float *filters;
    struct rt_map from, to;
    long from_phases, to_phases, filter_stride;
    int padding;
    struct rt_view view;
    bool accumulate;
};

/* The filters of one position and the phases that have it. */
static const float *position_filters(const struct convolution *c, const struct rt_tile_set *in,
                                     const struct rt_tile_set *out, long position)
{
    const long first = rt_winograd_phases_with(&c->w, position).begin;
    const float *filters = c->filters + position * c->filter_stride;

    if (in->phases > 1)
        return filters + first * in->channels * RT_PANEL_CHANNELS;
    return filters + (out->phases > 1 ? first * in->channels * out->channels : 0);
}

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
        .b = position_filters(c, in, out, position),
        .next_b =
            position + 1 < rt_winograd_positions(&c->w) ? position_filters(c, in, out, position + 1) : NULL,
        .b_row = RT_PANEL_CHANNELS,
        .b_panel = depth * RT_PANEL_CHANNELS,
        .c = rt_tile_set_entry(out, position, tiles.begin, phases.begin),
        .c_row = out->phases * out->channels,
        .c_panel = RT_PANEL_CHANNELS,
        .rows = tiles.end - tiles.begin,
        .panels = (to_many ? phases.end - phases.begin : 1) * panels,
        .depth = from_many ? (phases.end - phases.begin) * in->channels : depth,
    };

    c->plan->isa->product->multiply(&p);
    p.depth = 0;
    p.panels = panels;
    for (long phase = 0; to_many && phase < out->phases; phase++) {
        p.c = rt_tile_set_entry(out, position, tiles.begin, phase);
        if (phase < phases.begin || phase >= phases.end)
            c->plan->isa->product->multiply(&p);
    }
}

static void convolve_images(const struct convolution *c, long first, long images, float *scratch)
{
    const struct rt_tile_set in =
        rt_tile_set(&c->w, first, images, &c->from, c->from_phases, c->padding, scratch);
    const struct rt_tile_set out =
        rt_tile_set(&c->w, first, images, &c->to, c->to_phases, 0,
                    scratch + rt_tile_set_floats(&c->w, images, c->from_phases, c->from.channels));

    rt_conv_winograd_transform(c->plan, &in, c->view);
    for (long position = 0; position < rt_winograd_positions(&c->w); position++)
        convolve_position(c, &in, &out, position);
    transform_outputs(c->plan, &out, c->accumulate);
}

void rt_conv_winograd_forward_begin(struct rt_native *plan, struct rt_stage *stage,
                                    const struct rt_conv_shape *s, int member)
{
    const struct rt_winograd t = rt_winograd_over_output(s);

    transform_filters(plan, stage, &t, s, member, rt_native_parameter(plan, stage->node->tensors[0]),
                      (struct filter_order){s->out / RT_PANEL_CHANNELS, s->window.channels, false});
}

void rt_conv_winograd_forward(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                              int member, long first, long images)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const bool bias = stage->node->tensor_count > 1;
    const struct rt_winograd t = rt_winograd_over_output(s);
    const struct convolution c = {.plan = plan,
                                  .w = t,
                                  .filters = rt_native_shared(plan, stage),
                                  .from = rt_conv_winograd_inputs(s, rt_native_data(plan, x), x->ld),
                                  .to = rt_conv_winograd_outputs(s, rt_native_data(plan, y), y->ld),
                                  .from_phases = t.phases,
                                  .to_phases = 1,
                                  .filter_stride = rt_conv_winograd_filter_stride(&t, s),
                                  .padding = s->window.padding,
                                  .view = rt_native_view(plan, x)};

    convolve_images(&c, first, images, rt_native_scratch(plan, member));
    if (bias || stage->relu)
        plan->isa->rows->bias_relu(c.to.at + first * s->area * y->ld, y->ld, images * s->area, s->out,
                                   bias ? rt_native_parameter(plan, stage->node->tensors[1]) : NULL,
                                   stage->relu);
    if (plan->training && y->moments != RT_NONE)
        rt_native_leave_moments(plan, y, first * s->area, images * s->area);
}

void rt_conv_winograd_backward_begin(struct rt_native *plan, struct rt_stage *stage,
                                     const struct rt_conv_shape *s, int member)
{
    const struct rt_winograd t = rt_winograd_over_input(s);

    transform_filters(plan, stage, &t, s, member, rt_conv_winograd_transposed(plan, stage, s),
                      (struct filter_order){s->window.channels / RT_PANEL_CHANNELS, s->out, true});
}

static void input_gradient(struct rt_native *plan, struct rt_stage *stage, const struct rt_conv_shape *s,
                           int member, long begin, long end)
{
    const struct rt_value *x = &plan->values[stage->in[0]], *y = &plan->values[stage->out];
    const struct rt_winograd t = rt_winograd_over_input(s);
    const long block = rt_conv_winograd_block(plan, &t, s);
    const struct convolution c = {.plan = plan,
                                  .w = t,
                                  .filters = rt_native_shared(plan, stage),
                                  .from = rt_conv_winograd_outputs(s, rt_native_grad(plan, y), y->grad_ld),
                                  .to = rt_conv_winograd_inputs(s, rt_native_grad(plan, x), x->grad_ld),
                                  .from_phases = 1,
                                  .to_phases = t.phases,
                                  .filter_stride = rt_conv_winograd_filter_stride(&t, s),
                                  .padding = t.phases > 1 ? 0 : s->window.kernel - 1 - s->window.padding,
                                  .accumulate = stage->accumulate[0]};

    for (long i = begin; i < end; i += block) {
        const long images = end - i < block ? end - i : block;

        convolve_images(&c, i, images, rt_native_scratch(plan, member));
        rt_native_announce(plan, stage, i, i + images);
    }
}

void rt_conv_winograd_backward_images(struct rt_native *plan, struct rt_stage *stage,
                                      const struct rt_conv_shape *s, int member, long begin, long end)
{
    const struct rt_winograd w = rt_winograd_over_output(s);

    if (stage->wants[0])
        input_gradient(plan, stage, s, member, begin, end);
    if (rt_conv_winograd_together(plan, &w, s))
        rt_conv_winograd_gradient_images(plan, stage, s, member, begin, end);
}

void rt_conv_winograd_backward_end(struct rt_native *plan, struct rt_stage *stage,
                                   const struct rt_conv_shape *s, int member)
{
    const struct rt_value *y = &plan->values[stage->out];
    const struct rt_winograd w = rt_winograd_over_output(s);
    const struct rt_slice part = rt_team_slice(plan->host.team, member, s->out, RT_PANEL_CHANNELS);
    float *sums = rt_native_scratch(plan, member);

    if (!rt_conv_winograd_together(plan, &w, s)) {
        rt_conv_winograd_gradient(plan, stage, s, member);
        rt_team_barrier(plan->host.team);
    }
    rt_conv_winograd_apply_gradient(plan, stage, s, member);
    if (stage->node->tensor_count > 1) {
        plan->isa->norm->column_sum(rt_native_grad(plan, y) + part.begin, y->grad_ld, plan->count * s->area,
                                    part.end - part.begin, sums, false);
        rt_native_apply_gradient(plan, stage->node->tensors[1], (size_t)part.begin, sums,
                                 (size_t)(part.end - part.begin), 1, 0);
    }
}

float *rt_conv_winograd_transposed(const struct rt_native *plan, const struct rt_stage *stage,
                                   const struct rt_conv_shape *s)
{
    return rt_native_shared(plan, stage) + rt_conv_winograd_layout(plan, s).transposed;
}
