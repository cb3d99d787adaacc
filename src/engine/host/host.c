#include "engine/host/host.h"

#include <string.h>

#include "base/memory.h"

/* ---- devices and stores ---- */

int rt_host_count(struct rt_error *err)
{
    (void)err;
    return 1;
}

int rt_host_open(struct rt_device **device, size_t size, const struct rt_device_options *options,
                 struct rt_error *err)
{
    struct rt_host_device *host;
    int rc;

    RT_TRY(rt_alloc(&host, 1, size, "a device", err));
    host->base.options = *options;
    if ((rc = rt_team_create(&host->team, options->threads, err))) {
        rt_free(&host);
        return rc;
    }
    host->base.options.threads = rt_team_size(host->team);
    *device = &host->base;
    return RT_OK;
}

void rt_host_close(struct rt_device *device)
{
    struct rt_host_device *host = (struct rt_host_device *)device;

    rt_team_free(&host->team);
    rt_free(&host);
}

struct rt_team *rt_host_team(const struct rt_device *device)
{
    return device->engine->begin == rt_host_begin ? ((const struct rt_host_device *)device)->team : NULL;
}

int rt_host_store(struct rt_store **store, struct rt_device *device, const struct rt_dataset *dataset,
                  struct rt_error *err)
{
    (void)device;
    (void)dataset;
    return rt_alloc(store, 1, sizeof **store, "a store", err);
}

void rt_host_drop(struct rt_store *store)
{
    rt_free(&store);
}

/* ---- plans ---- */

static size_t image_floats(const struct rt_host_plan *plan)
{
    return rt_shape_count(plan->base.graph->nodes[0].shape);
}

int rt_host_plan_init(struct rt_host_plan *plan, struct rt_device *device, const struct rt_graph *graph,
                      const struct rt_plan_options *options,
                      void (*step)(struct rt_host_plan *plan, const struct rt_host_batch *batch),
                      struct rt_error *err)
{
    const size_t batch = (size_t)options->batch_max, pass = options->pass_max;
    int rc;

    plan->base.device = device;
    plan->base.graph = graph;
    plan->base.options = *options;
    plan->team = ((struct rt_host_device *)device)->team;
    plan->step = step;
    if ((rc = rt_alloc_aligned(&plan->images, batch, image_floats(plan) * sizeof(float), "a batch's images",
                               err)) ||
        (rc = rt_alloc(&plan->labels, batch, 1, "a batch's labels", err)) ||
        (rc = rt_alloc(&plan->order, pass, sizeof *plan->order, "a pass's order", err)) ||
        (rc = rt_alloc(&plan->crops, pass, sizeof *plan->crops, "a pass's crops", err)) ||
        (rc = rt_alloc(&plan->losses, pass, sizeof *plan->losses, "a pass's losses", err)) ||
        (rc = rt_alloc(&plan->right, pass, sizeof *plan->right, "a pass's results", err)))
        return rc;
    return rt_alloc(&plan->outcomes, pass, sizeof *plan->outcomes, "a pass's outcomes", err);
}

void rt_host_plan_free(struct rt_host_plan *plan)
{
    rt_free(&plan->images);
    rt_free(&plan->labels);
    rt_free(&plan->order);
    rt_free(&plan->crops);
    rt_free(&plan->losses);
    rt_free(&plan->right);
    rt_free(&plan->outcomes);
}

size_t rt_host_memory_bytes(const struct rt_host_plan *plan)
{
    const size_t image = sizeof *plan->order + sizeof *plan->crops + sizeof *plan->losses +
                         sizeof *plan->right + sizeof *plan->outcomes;

    return (size_t)plan->base.options.batch_max * (image_floats(plan) * sizeof(float) + 1) +
           plan->base.options.pass_max * image;
}

/* ---- passes ---- */

int rt_host_begin(struct rt_plan *base, const struct rt_pass *pass, struct rt_error *err)
{
    struct rt_host_plan *plan = (struct rt_host_plan *)base;
    const struct rt_dataset *dataset = pass->store->dataset;

    (void)err;
    plan->ordered = pass->order;
    plan->cropped = pass->crops;
    plan->raw = !pass->order && dataset->noise && !dataset->normalize;
    if (pass->order)
        memcpy(plan->order, pass->order, pass->count * sizeof *pass->order);
    if (pass->crops)
        memcpy(plan->crops, pass->crops, pass->count * sizeof *pass->crops);
    return RT_OK;
}

/* The number of the first image of a batch within the pass, and the batch's images. */
static size_t first_of(const struct rt_plan *plan, int batch)
{
    return (size_t)batch * (size_t)plan->pass.batch_size;
}

static int count_of(const struct rt_plan *plan, int batch)
{
    const size_t left = plan->pass.count - first_of(plan, batch);

    return left < (size_t)plan->pass.batch_size ? (int)left : plan->pass.batch_size;
}

/* Gathers one batch, or finds it in the data set. */
static struct rt_host_batch make_batch(struct rt_host_plan *plan, int number)
{
    const struct rt_pass *pass = &plan->base.pass;
    const struct rt_dataset *dataset = pass->store->dataset;
    const size_t at = first_of(&plan->base, number), first = pass->first_image + at;
    const size_t image = image_floats(plan) * plan->base.device->engine->real_size;
    struct rt_host_batch batch = {
        .images = plan->images,
        .labels = plan->labels,
        .count = count_of(&plan->base, number),
        .serial = pass->serial + (uint64_t)(number - pass->first),
        .losses = plan->losses + at,
        .right = plan->right + at,
        .outcomes = pass->outcomes ? plan->outcomes + at : NULL,
    };

    if (plan->raw) {
        batch.images = (const char *)dataset->noise + first * image;
        batch.labels = dataset->labels + first;
    } else {
        rt_host_gather(dataset, plan->ordered ? plan->order + at : NULL, first, batch.count,
                       plan->cropped ? plan->crops + at : NULL, plan->images, plan->labels, plan->team);
    }
    return batch;
}

void rt_host_advance(struct rt_plan *base, int batches)
{
    struct rt_host_plan *plan = (struct rt_host_plan *)base;

    for (int i = 0; i < batches; i++) {
        const struct rt_host_batch batch = make_batch(plan, base->advanced + i);

        plan->step(plan, &batch);
    }
}

int rt_host_collect(struct rt_plan *base, struct rt_step *step, struct rt_image_outcome *outcomes,
                    struct rt_error *err)
{
    const struct rt_host_plan *plan = (const struct rt_host_plan *)base;
    const size_t first = first_of(base, base->collected);
    const int count = count_of(base, base->collected);

    (void)err;
    for (int i = 0; i < count; i++) {
        step->loss_sum += plan->losses[first + (size_t)i];
        step->correct += plan->right[first + (size_t)i];
    }
    step->count += count;
    if (outcomes)
        memcpy(outcomes, plan->outcomes + first, (size_t)count * sizeof *outcomes);
    return RT_OK;
}

int rt_host_stride(const struct rt_plan *plan)
{
    (void)plan;
    return 1;
}
