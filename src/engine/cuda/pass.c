/* Passes: steps are CUDA graphs, enqueued asynchronously; the loss kernel writes records to pinned memory;
 * errors of enqueuing calls are reported late. */
#include <stddef.h>
#include <string.h>

#include "engine/cuda/cuda.h"

/* ---- graphs ---- */

unsigned rt_cuda_modes(enum rt_pass_kind kind)
{
    if (kind == RT_PASS_EVALUATE)
        return RT_CUDA_GATHERS | RT_CUDA_EVALUATES | RT_CUDA_EVALUATION_LOSS;
    return RT_CUDA_GATHERS | RT_CUDA_TRAINS | RT_CUDA_TRAINING_LOSS | RT_CUDA_BACKWARD |
           (kind == RT_PASS_TRAIN ? RT_CUDA_UPDATES : RT_CUDA_KEEPS);
}

static int capture(struct rt_cuda_plan *plan, enum rt_pass_kind kind, int steps, rt_cu_graph_exec *executable,
                   struct rt_error *err)
{
    const struct rt_cu *cu = plan->device->cu;
    const char *what = "cannot capture a step";

    rt_cu_graph graph = NULL;
    int rc = RT_OK;

    RT_CU_TRY(cu, capture_begin, (plan->stream, RT_CU_CAPTURE_RELAXED), what, err);
    for (int i = 0; i < steps && !rc; i++)
        rc = rt_cuda_launch_all(plan, rt_cuda_modes(kind), kind == RT_PASS_DIFFERENTIATE, err);
    if (rc) {
        cu->capture_end(plan->stream, &graph);
    } else if (!(rc = RT_CU_CALL(cu, capture_end, (plan->stream, &graph), what, err))) {
        rc = RT_CU_CALL(cu, graph_instantiate, (executable, graph, 0), what, err);
    }
    if (graph)
        cu->graph_destroy(graph);
    return rc;
}

int rt_cuda_prepare(struct rt_cuda_plan *plan, enum rt_pass_kind kind, struct rt_error *err)
{
    struct rt_cuda_graph *graph = &plan->graphs[kind];

    if (plan->profile)
        return rt_cuda_load(plan->device, plan->launches, plan->launch_count, rt_cuda_modes(kind), err);
    if (!graph->one) {
        RT_TRY(rt_cuda_load(plan->device, plan->launches, plan->launch_count, rt_cuda_modes(kind), err));
        RT_TRY(capture(plan, kind, 1, &graph->one, err));
    }
    if (!graph->several && kind != RT_PASS_DIFFERENTIATE)
        RT_TRY(capture(plan, kind, RT_CUDA_STEPS, &graph->several, err));
    return RT_OK;
}

/* ---- passes ---- */

static int fail_late(struct rt_cuda_plan *plan, struct rt_error *err)
{
    return plan->late.status ? rt_fail(err, plan->late.status, "%s", plan->late.message) : RT_OK;
}

/* Fills the pass description that kernels read, in pinned memory; uploaded with order and crops. */
static void describe(struct rt_cuda_plan *plan, const struct rt_pass *pass)
{
    const struct rt_cuda_store *store = (const struct rt_cuda_store *)pass->store;
    const struct rt_dataset *dataset = pass->store->dataset;
    const float unit = dataset->noise ? 1.0f : 255.0f; /* the stored value of an input of 1.0 */
    struct rt_cuda_pass *to = plan->host_pass;

    *to = (struct rt_cuda_pass){
        .order = pass->order ? plan->memory + plan->order : 0,
        .crops = pass->crops ? plan->memory + plan->crops : 0,
        .pixels = store->pixels,
        .labels = store->labels,
        .records = plan->pinned_device + (uint64_t)((char *)plan->records - (char *)plan->pinned),
        .outcomes = pass->outcomes
                        ? plan->pinned_device + (uint64_t)((char *)plan->outcomes - (char *)plan->pinned)
                        : 0,
        .serial = pass->serial - (uint64_t)pass->first,
        .first_image = (unsigned)pass->first_image,
        .total = (unsigned)pass->count,
        .batch_size = (unsigned)pass->batch_size,
        .side = (unsigned)dataset->side,
        .noise = dataset->noise != NULL,
        .whiten = dataset->whiten,
        .next = (unsigned)pass->first,
        .settings = pass->update,
        .update = {.state_stride = (long long)(plan->state_bytes / sizeof(float))},
    };
    for (int c = 0; c < dataset->channels && c < RT_CHANNELS; c++) { /* as data/gather.c */
        to->shift[c] = dataset->normalize ? unit * dataset->mean[c] : 0;
        to->scale[c] = 1 / (dataset->normalize ? unit * dataset->std[c] : unit);
    }
}

static int upload(struct rt_cuda_plan *plan, const struct rt_pass *pass, struct rt_error *err)
{
    const struct rt_cu *cu = plan->device->cu;
    const char *what = "cannot send a pass's order to the device";

    if (pass->order) {
        memcpy(plan->host_order, pass->order, pass->count * sizeof *pass->order);
        RT_CU_TRY(
            cu, upload,
            (plan->memory + plan->order, plan->host_order, pass->count * sizeof *pass->order, plan->stream),
            what, err);
    }
    if (pass->crops) {
        for (size_t i = 0; i < pass->count; i++)
            plan->host_crops[i] = (struct rt_cuda_crop){
                pass->crops[i].row,    pass->crops[i].column, pass->crops[i].flip, pass->crops[i].turned,
                pass->crops[i].cosine, pass->crops[i].sine,   pass->crops[i].x,    pass->crops[i].y};
        RT_CU_TRY(cu, upload,
                  (plan->memory + plan->crops, plan->host_crops, pass->count * sizeof *plan->host_crops,
                   plan->stream),
                  what, err);
    }
    return RT_CU_CALL(
        cu, upload, (plan->memory + plan->pass_offset, plan->host_pass, sizeof *plan->host_pass, plan->stream),
        what, err);
}

int rt_cuda_begin(struct rt_plan *base, const struct rt_pass *pass, struct rt_error *err)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)base;

    RT_TRY(rt_cuda_enter(plan->device, err));
    RT_TRY(fail_late(plan, err));
    RT_TRY(rt_cuda_prepare(plan, pass->kind, err));
    /* steps in flight read the pinned memory that is written next */
    RT_CU_TRY(plan->device->cu, stream_synchronize, (plan->stream), "the device failed in an earlier step",
              err);
    plan->event_first = plan->event_count = 0;
    plan->done = pass->first;
    describe(plan, pass);
    return upload(plan, pass, err);
}

/* Records an event for the completion of the first `batch` batches; with all events in use the newest is
 * reused. */
static int record_event(struct rt_cuda_plan *plan, int batch, struct rt_error *err)
{
    int i;

    if (plan->event_count < RT_CUDA_EVENTS)
        plan->event_count++;
    i = (plan->event_first + plan->event_count - 1) % RT_CUDA_EVENTS;
    plan->event_batch[i] = batch;
    return RT_CU_CALL(plan->device->cu, event_record, (plan->events[i], plan->stream), "cannot enqueue a step",
                      err);
}

static int enqueue(struct rt_cuda_plan *plan, int batches, struct rt_error *err)
{
    const struct rt_cuda_graph *graph = &plan->graphs[plan->base.pass.kind];
    const struct rt_cu *cu = plan->device->cu;

    RT_TRY(rt_cuda_enter(plan->device, err));
    for (int i = 0; plan->profile && i < batches; i++)
        RT_TRY(rt_cuda_profile_step(plan, plan->base.advanced + i, rt_cuda_modes(plan->base.pass.kind),
                                    plan->base.pass.kind == RT_PASS_DIFFERENTIATE, err));
    for (int left = plan->profile ? 0 : batches; left > 0;) {
        const bool several = graph->several && left >= RT_CUDA_STEPS;

        RT_CU_TRY(cu, graph_launch, (several ? graph->several : graph->one, plan->stream),
                  "cannot enqueue a step", err);
        left -= several ? RT_CUDA_STEPS : 1;
    }
    return record_event(plan, plan->base.advanced + batches, err);
}

void rt_cuda_advance(struct rt_plan *base, int batches)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)base;

    if (!plan->late.status)
        enqueue(plan, batches, &plan->late);
}

static void copy_outcomes(const struct rt_cuda_outcome *from, int count, struct rt_image_outcome *outcomes)
{
    for (int i = 0; i < count; i++)
        outcomes[i] = (struct rt_image_outcome){from[i].loss,      from[i].probability, from[i].margin,
                                                from[i].predicted, from[i].right,       {0}};
}

int rt_cuda_collect(struct rt_plan *base, struct rt_step *step, struct rt_image_outcome *outcomes,
                    struct rt_error *err)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)base;
    const int batch = base->collected;
    const struct rt_cuda_record *record = &plan->records[batch];

    RT_TRY(fail_late(plan, err));
    RT_TRY(rt_cuda_enter(plan->device, err));
    while (plan->done <= batch && plan->event_count) {
        RT_CU_TRY(plan->device->cu, event_synchronize, (plan->events[plan->event_first]),
                  "the device failed in a step", err);
        plan->done = plan->event_batch[plan->event_first];
        plan->event_first = (plan->event_first + 1) % RT_CUDA_EVENTS;
        plan->event_count--;
    }
    step->loss_sum += record->loss_sum;
    step->correct += record->correct;
    step->count += record->count;
    if (outcomes)
        copy_outcomes(plan->outcomes + (size_t)batch * (size_t)base->pass.batch_size, record->count, outcomes);
    return RT_OK;
}

/* ---- probes: no graphs, synchronous ---- */

static int run_probe(struct rt_cuda_plan *plan, const void *x, void *y, const void *dy, void *dx,
                     size_t x_bytes, size_t y_bytes, struct rt_error *err)
{
    const struct rt_cu *cu = plan->device->cu;
    const unsigned forward = RT_CUDA_PROBE_IN | RT_CUDA_PROBE_OUT |
                             (plan->base.options.training ? RT_CUDA_TRAINS : RT_CUDA_EVALUATES);
    const unsigned backward =
        RT_CUDA_PROBE_BACK | RT_CUDA_BACKWARD | RT_CUDA_KEEPS | (dx ? RT_CUDA_PROBE_DX : 0);
    const char *what = "a probe's values";

    RT_TRY(rt_cuda_load(plan->device, plan->launches, plan->launch_count, forward | (dy ? backward : 0), err));
    RT_CU_TRY(cu, upload, (plan->memory + plan->probe_x, x, x_bytes, plan->stream), what, err);
    RT_TRY(rt_cuda_launch_all(plan, forward, false, err));
    RT_CU_TRY(cu, download, (y, plan->memory + plan->probe_y, y_bytes, plan->stream), what, err);
    if (dy) {
        RT_CU_TRY(cu, stream_synchronize, (plan->stream), what, err);
        RT_CU_TRY(cu, upload, (plan->memory + plan->probe_y, dy, y_bytes, plan->stream), what, err);
        RT_TRY(rt_cuda_launch_all(plan, backward, true, err));
        if (dx)
            RT_CU_TRY(cu, download, (dx, plan->memory + plan->probe_x, x_bytes, plan->stream), what, err);
    }
    return RT_CU_CALL(cu, stream_synchronize, (plan->stream), "the device failed in a probe", err);
}

int rt_cuda_probe(struct rt_plan *base, const void *x, int count, void *y, const void *dy, void *dx,
                  struct rt_error *err)
{
    struct rt_cuda_plan *plan = (struct rt_cuda_plan *)base;
    const struct rt_graph *graph = base->graph;
    const size_t bytes = (size_t)count * sizeof(float);

    RT_TRY(rt_cuda_enter(plan->device, err));
    RT_TRY(fail_late(plan, err));
    RT_CU_TRY(plan->device->cu, stream_synchronize, (plan->stream), "the device failed in an earlier step",
              err);
    *plan->host_pass = (struct rt_cuda_pass){.count = count};
    RT_CU_TRY(plan->device->cu, upload,
              (plan->memory + plan->pass_offset, plan->host_pass, sizeof *plan->host_pass, plan->stream),
              "a probe's values", err);
    return run_probe(plan, x, y, dy, dx, bytes * rt_shape_count(graph->nodes[0].shape),
                     bytes * rt_shape_count(graph->nodes[graph->node_count - 1].shape), err);
}
