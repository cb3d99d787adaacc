#include "support/plans.h"

#include <stdio.h>
#include <stdlib.h>

int rt_test_plan_create_on(struct rt_plan **plan, const struct rt_engine *engine, int threads,
                           const struct rt_graph *graph, const struct rt_plan_options *options,
                           struct rt_error *err)
{
    struct rt_device *device = options->parameters_of ? options->parameters_of->device : NULL;
    int rc;

    *plan = NULL;
    if (!device)
        RT_TRY(rt_device_open(&device, engine, &(struct rt_device_options){.threads = threads}, err));
    if ((rc = rt_plan_create(plan, device, graph, options, err)) && !options->parameters_of)
        rt_device_close(&device);
    return rc;
}

int rt_test_plan_create(struct rt_plan **plan, const struct rt_engine *engine, const struct rt_graph *graph,
                        const struct rt_plan_options *options, struct rt_error *err)
{
    return rt_test_plan_create_on(plan, engine, 1, graph, options, err);
}

void rt_test_plan_free(struct rt_plan **plan)
{
    struct rt_device *device = *plan && !(*plan)->options.parameters_of ? (*plan)->device : NULL;

    rt_plan_free(plan);
    rt_device_close(&device);
}

static void run(struct rt_plan *plan, const struct rt_test_batch *batch, struct rt_pass pass,
                struct rt_step *step, uint8_t *predictions)
{
    const struct rt_shape input = plan->graph->nodes[0].shape;
    struct rt_dataset dataset = {
        .train_count = (size_t)batch->count,
        .channels = input.channels,
        .height = input.height,
        .width = input.width,
        .labels = (uint8_t *)(uintptr_t)batch->labels,
        .noise = (float *)(uintptr_t)batch->images,
    };
    struct rt_store *store = NULL;
    struct rt_error err = {0};

    pass.batch_size = batch->count;
    pass.count = (size_t)batch->count;
    pass.serial = batch->serial;
    if (!rt_store_create(&store, plan->device, &dataset, &err)) {
        pass.store = store;
        if (!rt_plan_begin(plan, &pass, &err) && rt_plan_advance(plan, 1) == 1 &&
            !rt_plan_collect(plan, step, predictions, &err)) {
            rt_store_free(&store);
            return;
        }
    }
    fprintf(stderr, "engine %s: %s\n", plan->device->engine->name, err.message);
    abort();
}

void rt_test_train(struct rt_plan *plan, const struct rt_test_batch *batch, const struct rt_update *update,
                   struct rt_step *step)
{
    run(plan, batch, (struct rt_pass){.kind = RT_PASS_TRAIN, .update = *update}, step, NULL);
}

void rt_test_differentiate(struct rt_plan *plan, const struct rt_test_batch *batch, struct rt_step *step)
{
    run(plan, batch, (struct rt_pass){.kind = RT_PASS_DIFFERENTIATE}, step, NULL);
}

void rt_test_evaluate(struct rt_plan *plan, const struct rt_test_batch *batch, struct rt_step *step,
                      uint8_t *predictions)
{
    run(plan, batch, (struct rt_pass){.kind = RT_PASS_EVALUATE}, step, predictions);
}
