/* Values: where each node's output lives, and which are only views of others. */
#include "engine/native/values.h"
#include "engine/native/memory.h"
#include "net/ops.h"

int rt_native_reader(const struct rt_native *plan, int node)
{
    const struct rt_graph *graph = plan->base.graph;

    if (graph->nodes[node].consumers != 1)
        return RT_NONE;
    for (int i = node + 1; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].op->inputs; j++)
            if (graph->nodes[i].inputs[j] == node)
                return i;
    return RT_NONE;
}

int rt_native_cover_relu(struct rt_native *plan, struct rt_stage *stage)
{
    const int reader = rt_native_reader(plan, stage->node->id);

    if (reader == RT_NONE || plan->base.graph->nodes[reader].op != &rt_op_relu)
        return stage->node->id;
    stage->relu = true;
    plan->covered[reader] = true;
    return reader;
}

static bool nonnegative(const struct rt_native *plan, int node)
{
    const struct rt_node *n = &plan->base.graph->nodes[node];
    const enum rt_native_sign sign = plan->kernels[node]->sign;

    if (sign != RT_SIGN_OF_INPUTS)
        return sign == RT_SIGN_NOT_NEGATIVE;
    for (int i = 0; i < n->op->inputs; i++)
        if (!nonnegative(plan, n->inputs[i]))
            return false;
    return true;
}

/* A concatenation passes views on if all of its parts are stored in it and a ReLU on any of them changes no
 * other. */
static bool concat_takes_views(const struct rt_native *plan, const struct rt_node *concat)
{
    return nonnegative(plan, concat->id) && plan->targets[concat->inputs[0]].concat == concat->id &&
           plan->targets[concat->inputs[1]].concat == concat->id &&
           rt_native_readers_take_views(plan, concat->id);
}

bool rt_native_readers_take_views(const struct rt_native *plan, int node)
{
    const struct rt_graph *graph = plan->base.graph;

    for (int i = node + 1; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].op->inputs; j++) {
            const struct rt_node *reader = &graph->nodes[i];

            if (reader->inputs[j] != node || plan->kernels[i]->takes_views)
                continue;
            if (reader->op != &rt_op_concat || !concat_takes_views(plan, reader))
                return false;
        }
    return graph->nodes[node].consumers > 0;
}

bool rt_native_wants_moments(const struct rt_native *plan, int node)
{
    const struct rt_graph *graph = plan->base.graph;

    if (!plan->base.options.training)
        return false;
    for (int i = node + 1; i < graph->node_count; i++)
        if (plan->kernels[i]->takes_moments && graph->nodes[i].inputs[0] == node)
            return true;
    return false;
}

void rt_native_offer_moments(struct rt_native *plan, int node, long rows)
{
    struct rt_value *value = &plan->values[node];
    const long pixels = (long)value->shape.height * value->shape.width * plan->base.options.batch_max;
    const long pieces = (pixels + rows - 1) / rows;

    value->moment_rows = rows;
    value->moments = rt_native_persist(plan, (size_t)(pieces * 2 * value->channels));
}

static size_t value_floats(const struct rt_native *plan, const struct rt_value *value)
{
    return (size_t)plan->base.options.batch_max * (size_t)value->shape.height * (size_t)value->shape.width *
           (size_t)value->ld;
}

static int own_memory(struct rt_native *plan, struct rt_value *value, struct rt_error *err)
{
    value->ld = value->channels;
    if (value->shape.height * value->shape.width == 1 && value->ld % 256 == 0)
        value->ld += RT_PANEL_CHANNELS; /* rows a power of two apart would share a few cache sets */
    value->grad_ld = value->ld;
    RT_TRY(rt_native_buffer(plan, value_floats(plan, value), &value->data, err));
    if (plan->base.options.training)
        RT_TRY(rt_native_buffer(plan, value_floats(plan, value), &value->grad, err));
    return RT_OK;
}

static void value_blank(struct rt_native *plan, int node)
{
    struct rt_value *value = &plan->values[node];

    *value = (struct rt_value){
        .shape = plan->base.graph->nodes[node].shape,
        .data = RT_NONE,
        .grad = RT_NONE,
        .scale = RT_NONE,
        .shift = RT_NONE,
        .moments = RT_NONE,
    };
    value->channels = rt_native_pad(value->shape.channels);
}

/* A part of a concatenation: the same buffers, further along each pixel. */
static int part_of(struct rt_native *plan, struct rt_stage *stage, int node, struct rt_error *err)
{
    const struct rt_concat_target target = plan->targets[node];
    struct rt_value *value = &plan->values[node];
    const struct rt_value *whole = &plan->values[target.concat];

    if (!whole->channels)
        RT_TRY(rt_native_output(plan, stage, target.concat, err));
    value->data = whole->data;
    value->offset = whole->offset + target.at;
    value->ld = whole->ld;
    value->grad = whole->grad;
    value->grad_offset = whole->grad_offset + target.at;
    value->grad_ld = whole->grad_ld;
    return RT_OK;
}

int rt_native_output(struct rt_native *plan, struct rt_stage *stage, int node, struct rt_error *err)
{
    value_blank(plan, node);
    if (plan->targets[node].concat != RT_NONE)
        RT_TRY(part_of(plan, stage, node, err));
    else
        RT_TRY(own_memory(plan, &plan->values[node], err));
    stage->out = node;
    rt_native_touch_forward(plan, stage, plan->values[node].data);
    rt_native_touch_backward(plan, stage, plan->values[node].grad);
    return RT_OK;
}

/* Persistent offset of the scale array of `node`'s view (shift after it); a part's is inside the whole's. */
static void scale_arrays(struct rt_native *plan, int node, long *scale, long *shift)
{
    const struct rt_concat_target target = plan->targets[node];
    struct rt_value *whole = target.concat == RT_NONE ? NULL : &plan->values[target.concat];

    if (!whole) {
        *scale = rt_native_persist(plan, (size_t)plan->values[node].channels);
        *shift = rt_native_persist(plan, (size_t)plan->values[node].channels);
        return;
    }
    if (whole->scale == RT_NONE)
        scale_arrays(plan, target.concat, &whole->scale, &whole->shift);
    *scale = whole->scale + target.at;
    *shift = whole->shift + target.at;
}

bool rt_native_can_be_view(const struct rt_native *plan, int node, int input)
{
    const struct rt_value *value = &plan->values[input];

    return !value->planar && !value->relu && value->scale == RT_NONE &&
           rt_native_readers_take_views(plan, node) &&
           plan->targets[node].concat == plan->targets[input].concat;
}

void rt_native_share_gradient(struct rt_native *plan, int node, const struct rt_value *with)
{
    struct rt_value *value = &plan->values[node];
    struct rt_buffer *own = value->grad == RT_NONE ? NULL : &plan->buffers[value->grad];

    if (own && own->last >= 0) {
        rt_native_touch(plan, with->grad, own->first);
        rt_native_touch(plan, with->grad, own->last);
        own->first = plan->end + 1;
        own->last = -1;
    }
    value->grad = with->grad;
    value->grad_offset = with->grad_offset;
    value->grad_ld = with->grad_ld;
}

int rt_native_view_of(struct rt_native *plan, struct rt_stage *stage, int node, bool with_scale,
                      struct rt_error *err)
{
    const struct rt_value *input = &plan->values[stage->in[0]];
    struct rt_value *value = &plan->values[node];

    *value = *input;
    value->shape = plan->base.graph->nodes[node].shape;
    value->moments = RT_NONE;
    if (with_scale)
        scale_arrays(plan, node, &value->scale, &value->shift);
    stage->out = node;
    rt_native_touch_forward(plan, stage, value->data);
    rt_native_touch_backward(plan, stage, value->data);
    if (plan->base.options.training && plan->base.graph->nodes[stage->in[0]].consumers > 1) {
        value->grad_offset = 0;
        value->grad_ld = value->channels;
        RT_TRY(rt_native_buffer(plan, value_floats(plan, value) / (size_t)value->ld * (size_t)value->channels,
                                &value->grad, err));
    }
    rt_native_touch_backward(plan, stage, value->grad);
    return RT_OK;
}

static bool joins_whole_panels(const struct rt_graph *graph, const struct rt_node *concat)
{
    for (int j = 0; j < 2; j++) {
        const struct rt_node *part = &graph->nodes[concat->inputs[j]];

        if (part->shape.channels % RT_PANEL_CHANNELS || part->op == &rt_op_input || part->op == &rt_op_flatten)
            return false;
    }
    return concat->inputs[0] != concat->inputs[1];
}

/* The input of a part that may be a view (a ReLU, perhaps of a batch norm) is stored where the part is. */
static void settle_viewed(struct rt_native *plan, int part)
{
    const struct rt_graph *graph = plan->base.graph;
    int node = graph->nodes[part].inputs[0];

    if (graph->nodes[node].op == &rt_op_batch_norm && graph->nodes[node].consumers == 1)
        node = graph->nodes[node].inputs[0];
    if (graph->nodes[node].consumers == 1 && graph->nodes[node].op != &rt_op_input &&
        plan->targets[node].concat == RT_NONE)
        plan->targets[node] = plan->targets[part];
}

/* Decides which nodes' outputs are written straight into the concatenation that reads them. Later ones first,
 * so that nested ones end up in the outermost; then through the batch norms and ReLUs that may be views. */
void rt_native_find_targets(struct rt_native *plan)
{
    const struct rt_graph *graph = plan->base.graph;

    for (int i = 0; i < graph->node_count; i++)
        plan->targets[i].concat = RT_NONE;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct rt_node *concat = &graph->nodes[i];

        if (concat->op != &rt_op_concat || !joins_whole_panels(graph, concat))
            continue;
        for (int j = 0; j < 2; j++)
            if (plan->targets[concat->inputs[j]].concat == RT_NONE)
                plan->targets[concat->inputs[j]] =
                    (struct rt_concat_target){i, j ? graph->nodes[concat->inputs[0]].shape.channels : 0};
    }
    for (int i = graph->node_count - 1; i >= 0; i--)
        if (plan->targets[i].concat != RT_NONE && graph->nodes[i].op == &rt_op_relu &&
            rt_native_readers_take_views(plan, i))
            settle_viewed(plan, i);
}
