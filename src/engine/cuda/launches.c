/* Building blocks of lowering (arguments, -D options, a node's inputs), and launching. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "engine/cuda/cuda.h"

struct rt_cuda_argument rt_cuda_at(size_t offset)
{
    return (struct rt_cuda_argument){.value = offset, .offset = offset != 0};
}

struct rt_cuda_argument rt_cuda_absolute(uint64_t value)
{
    return (struct rt_cuda_argument){.value = value};
}

struct rt_cuda_argument rt_cuda_kept(uint64_t address)
{
    return (struct rt_cuda_argument){.value = address, .kept_only = true};
}

struct rt_cuda_argument rt_cuda_scratch(void)
{
    return (struct rt_cuda_argument){.scratch = true};
}

struct rt_cuda_argument rt_cuda_pass_argument(const struct rt_cuda_plan *plan)
{
    return rt_cuda_at(plan->pass_offset);
}

static bool is_bf16(const struct rt_cuda_plan *plan)
{
    return plan->base.options.precision == RT_PRECISION_BF16;
}

int rt_cuda_emit(struct rt_cuda_plan *plan, const struct rt_node *node, unsigned modes,
                 const struct rt_cuda_kernel *kernel, const struct rt_cuda_argument *arguments, int count,
                 struct rt_error *err)
{
    struct rt_cuda_launch *launch;

    if (plan->launch_count == plan->launch_room) {
        RT_TRY(rt_realloc(&plan->launches, (size_t)plan->launch_room + 64, sizeof *plan->launches,
                          "a plan's launches", err));
        plan->launch_room += 64;
    }
    launch = &plan->launches[plan->launch_count++];
    *launch = (struct rt_cuda_launch){.kernel = *kernel,
                                      .node = node,
                                      .modes = modes,
                                      .argument_count = count,
                                      .side = plan->emit_side,
                                      .fork = plan->emit_fork};
    memcpy(launch->arguments, arguments, (size_t)count * sizeof *arguments);
    if (is_bf16(plan) && !strstr(launch->kernel.options, "-DRT_BF16=")) /* which products' have */
        rt_cuda_option(&launch->kernel, "RT_BF16", 1);
    return RT_OK;
}

size_t rt_cuda_element_bytes(const struct rt_cuda_plan *plan)
{
    return is_bf16(plan) ? sizeof(uint16_t) : sizeof(float);
}

struct rt_cuda_view rt_cuda_part(const struct rt_cuda_plan *plan, struct rt_cuda_view whole, int channel)
{
    return (struct rt_cuda_view){whole.offset + (size_t)channel * rt_cuda_element_bytes(plan), whole.ld,
                                 whole.channel + channel};
}

int rt_cuda_optimizer(const struct rt_cuda_plan *plan)
{
    return plan->base.options.optimizer ? (int)plan->base.options.optimizer->index : 0;
}

struct rt_cuda_kernel rt_cuda_flat(const char *source, const char *entry, size_t items)
{
    return (struct rt_cuda_kernel){
        .source = source, .entry = entry, .grid = {(unsigned)((items + 255) / 256), 1, 1}, .block = 256};
}

void rt_cuda_option(struct rt_cuda_kernel *kernel, const char *name, long value)
{
    const size_t length = strlen(kernel->options);

    snprintf(kernel->options + length, sizeof kernel->options - length, "%s-D%s=%ld", length ? " " : "", name,
             value);
}

/* Nine significant digits or more identify a float exactly. */
void rt_cuda_option_float(struct rt_cuda_kernel *kernel, const char *name, double value)
{
    const size_t length = strlen(kernel->options);

    snprintf(kernel->options + length, sizeof kernel->options - length, "%s-D%s=%.9ef", length ? " " : "", name,
             value);
}

/* ---- values ---- */

const struct rt_node *rt_cuda_source(const struct rt_cuda_plan *plan, const struct rt_node *node, int i)
{
    const struct rt_graph *graph = plan->base.graph;
    const struct rt_node *from = rt_node_input(graph, node, i);

    while (plan->values[from->id].alias)
        from = rt_node_input(graph, from, 0);
    return from;
}

struct rt_cuda_value *rt_cuda_input(struct rt_cuda_plan *plan, const struct rt_node *node, int i)
{
    return &plan->values[rt_cuda_source(plan, node, i)->id];
}

bool rt_cuda_accumulate(struct rt_cuda_value *value)
{
    return value->written++ > 0;
}

size_t rt_cuda_pixels(const struct rt_cuda_plan *plan, const struct rt_node *node)
{
    return (size_t)plan->base.options.batch_max * (size_t)(node->shape.height * node->shape.width);
}

/* ---- launching ---- */

int rt_cuda_launch_one(struct rt_cuda_plan *plan, const struct rt_cuda_launch *launch, rt_cu_stream stream,
                       bool keep, struct rt_error *err)
{
    void *parameters[RT_CUDA_ARGUMENTS_MAX + 1];
    uint64_t values[RT_CUDA_ARGUMENTS_MAX];
    char label[RT_LABEL_MAX], what[RT_LABEL_MAX + 64];
    const unsigned *grid = launch->kernel.grid;
    rt_cu_result code;

    for (int k = 0; k < launch->argument_count; k++) {
        values[k] = launch->arguments[k].kept_only && !keep ? 0 : launch->arguments[k].value;
        parameters[k] = &values[k];
    }
    parameters[launch->argument_count] = NULL;
    code = plan->device->cu->launch(launch->function, grid[0], grid[1], grid[2], launch->kernel.block, 1, 1,
                                    (unsigned)launch->kernel.shared_bytes, stream, parameters, NULL);
    if (!code)
        return RT_OK;
    snprintf(what, sizeof what, "kernel %s of %s", launch->kernel.entry, rt_node_label(launch->node, label));
    return rt_cuda_check(code, "launch", what, err);
}

int rt_cuda_launch_all(struct rt_cuda_plan *plan, unsigned modes, bool keep, struct rt_error *err)
{
    const char *what = "cannot enqueue kernels side by side";
    const struct rt_cu *cu = plan->device->cu;
    bool side = false;

    for (int i = 0; i < plan->launch_count; i++) {
        const struct rt_cuda_launch *launch = &plan->launches[i];

        if (!(launch->modes & modes))
            continue;
        if (launch->side && (launch->fork || !side)) {
            RT_CU_TRY(cu, event_record, (plan->forked, plan->stream), what, err);
            RT_CU_TRY(cu, stream_wait, (plan->side, plan->forked, 0), what, err);
            side = true;
        }
        RT_TRY(rt_cuda_launch_one(plan, launch, launch->side ? plan->side : plan->stream, keep, err));
    }
    if (!side)
        return RT_OK;
    RT_CU_TRY(cu, event_record, (plan->joined, plan->side), what, err);
    return RT_CU_CALL(cu, stream_wait, (plan->stream, plan->joined, 0), what, err);
}
