#include "support/plans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const struct rt_engine *const *rt_test_engines(void)
{
    static const struct rt_engine *chosen[16];
    const char *const names = getenv("RT_TEST_ENGINES");
    int count = 0;

    for (size_t i = 0; rt_engines[i] && count < 15; i++)
        if (names ? rt_text_has_word(names, rt_engines[i]->name) : !strcmp(rt_engines[i]->device, "cpu"))
            chosen[count++] = rt_engines[i];
    chosen[count] = NULL;
    if (!count) {
        fprintf(stderr, "RT_TEST_ENGINES=%s: no such engine\n", names);
        abort();
    }
    return chosen;
}

enum rt_precision rt_test_precision(void)
{
    const char *const word = getenv("RT_TEST_PRECISION");
    enum rt_precision precision = RT_PRECISION_FP32;
    struct rt_error err = {0};

    if (word && rt_precision_find(&precision, word, &err)) {
        fprintf(stderr, "RT_TEST_PRECISION: %s\n", err.message);
        abort();
    }
    return precision;
}

/* Starting a GPU takes half a second: one that is open stays open. */
static int keep_open(const struct rt_engine *engine, struct rt_error *err)
{
    static struct rt_device *kept;

    if (!strcmp(engine->device, "cpu") || kept)
        return RT_OK;
    return rt_device_open(&kept, engine, &(struct rt_device_options){0}, err);
}

int rt_test_plan_create_on(struct rt_plan **plan, const struct rt_engine *engine, int threads,
                           const struct rt_graph *graph, const struct rt_plan_options *options,
                           struct rt_error *err)
{
    struct rt_device *device = options->parameters_of ? options->parameters_of->device : NULL;
    struct rt_plan_options resolved = *options;
    int rc;

    *plan = NULL;
    if (resolved.precision == RT_PRECISION_DEFAULT)
        resolved.precision =
            engine->precisions & 1U << rt_test_precision() ? rt_test_precision() : RT_PRECISION_FP32;
    RT_TRY(keep_open(engine, err));
    if (!device)
        RT_TRY(rt_device_open(&device, engine, &(struct rt_device_options){.threads = threads}, err));
    if ((rc = rt_plan_create(plan, device, graph, &resolved, err)) && !options->parameters_of)
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
                struct rt_step *step, struct rt_image_outcome *outcomes)
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
    pass.outcomes = outcomes != NULL;
    if (!rt_store_create(&store, plan->device, &dataset, &err)) {
        pass.store = store;
        if (!rt_plan_begin(plan, &pass, &err) && rt_plan_advance(plan, 1) == 1 &&
            !rt_plan_collect(plan, step, outcomes, &err)) {
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
                      struct rt_image_outcome *outcomes)
{
    run(plan, batch, (struct rt_pass){.kind = RT_PASS_EVALUATE}, step, outcomes);
}
