/* y = a + b. Where an addend is a convolution's output that only this sum reads, its gradient is the sum's own
 * memory; else the gradient is copied or added. */
#include "engine/native/isa/rows.h"
#include "engine/native/memory.h"
#include "engine/native/run.h"
#include "engine/native/values.h"
#include "net/ops.h"

enum { ROWS = 256 }; /* a piece of work, and of the moments for a batch norm */

static bool shares_gradient(const struct rt_native *plan, const struct rt_stage *stage, int i)
{
    const struct rt_value *x = &plan->values[stage->in[i]], *y = &plan->values[stage->out];

    return x->grad == y->grad && x->grad_offset == y->grad_offset;
}

static int add_plan(struct rt_native *plan, struct rt_stage *stage, struct rt_error *err)
{
    const struct rt_graph *graph = plan->base.graph;

    for (int i = 0; i < 2; i++)
        if (plan->values[stage->in[i]].scale != RT_NONE || plan->values[stage->in[i]].relu ||
            plan->values[stage->in[i]].planar)
            return rt_fail(err, RT_ECONFIG,
                           "engine native has no sum of this input (node %d); try --engine reference",
                           stage->node->id);
    RT_TRY(rt_native_output(plan, stage, stage->node->id, err));
    if (rt_native_wants_moments(plan, stage->node->id))
        rt_native_offer_moments(plan, stage->node->id, ROWS);
    for (int i = 0; i < 2; i++) {
        const struct rt_node *input = &graph->nodes[stage->in[i]];

        rt_native_touch_forward(plan, stage, plan->values[input->id].data);
        if (plan->base.options.training && stage->wants[i] && plan->kernels[input->id]->borrows_gradient &&
            input->consumers == 1 && plan->targets[input->id].concat == RT_NONE)
            rt_native_share_gradient(plan, input->id, &plan->values[stage->out]);
        rt_native_touch_backward(plan, stage, plan->values[input->id].grad);
    }
    return RT_OK;
}

/* By pieces of rows, which are not whole images. */
static void add_forward(struct rt_native *plan, struct rt_stage *stage, int member)
{
    const struct rt_value *a = &plan->values[stage->in[0]], *b = &plan->values[stage->in[1]];
    const struct rt_value *y = &plan->values[stage->out];
    const struct rt_slice part = rt_team_slice(plan->host.team, member, rt_native_rows(plan, y), ROWS);

    for (long r = part.begin; r < part.end; r += ROWS) {
        const long rows = part.end - r < ROWS ? part.end - r : ROWS;

        plan->isa->rows->add(rt_native_data(plan, a) + r * a->ld, a->ld, rt_native_data(plan, b) + r * b->ld,
                             b->ld, rt_native_data(plan, y) + r * y->ld, y->ld, rows, y->channels);
        if (plan->training && y->moments != RT_NONE)
            rt_native_leave_moments(plan, y, r, rows);
    }
}

static void add_backward_images(struct rt_native *plan, struct rt_stage *stage, int member, long begin,
                                long end)
{
    const struct rt_value *y = &plan->values[stage->out];
    const long area = (long)y->shape.height * y->shape.width;

    (void)member;
    for (int i = 0; i < 2; i++) {
        const struct rt_value *x = &plan->values[stage->in[i]];

        if (stage->wants[i] && !shares_gradient(plan, stage, i))
            plan->isa->rows->copy(rt_native_grad(plan, y) + begin * area * y->grad_ld, y->grad_ld,
                                  (struct rt_view){0}, rt_native_grad(plan, x) + begin * area * x->grad_ld,
                                  x->grad_ld, (end - begin) * area, y->channels, stage->accumulate[i]);
    }
}

const struct rt_native_kernel rt_native_add = {.op = &rt_op_add,
                                               .plan = add_plan,
                                               .forward = {.begin = add_forward},
                                               .backward = {.images = add_backward_images},
                                               .leaves_moments = true};
