/* What tests of passes share: a plan that trains, begun and collected. After cmocka.h. */
#ifndef RT_TESTS_ENGINE_PASSES_H
#define RT_TESTS_ENGINE_PASSES_H

#include <string.h>

#include "support/asynchronous.h"
#include "support/engines.h"
#include "support/network.h"

enum {
    IMAGES = 10,
    BATCH = 4,
    BATCHES = 3,
    STORED = 3 * RT_STORED * RT_STORED,
    CLASSES = 4,
    VALUES_MAX = 4096
};

static const char network[] = "conv 4 5 4 0 1; bn 1e-5; relu; flatten; dropout 0.5; linear 4; loss";
static uint8_t labels[IMAGES] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1};
static const uint32_t order[IMAGES] = {9, 0, 8, 1, 7, 2, 6, 3, 5, 4};

/* A plan that trains, on coloured noise that an order and crops rearrange. */
struct fixture {
    struct rt_graph graph;
    struct rt_plan *plan;
    uint8_t pixels[IMAGES * STORED];
    struct rt_crop crops[IMAGES];
    struct rt_dataset dataset;
    struct rt_store *store;
    struct rt_pass pass;
};

static inline void open_fixture(struct fixture *f, const struct rt_engine *engine)
{
    const struct rt_plan_options options = {
        .batch_max = BATCH, .pass_max = IMAGES, .training = true, .seed = 5};
    struct rt_error err = {0};
    double value;

    rt_asynchronous_reset(2);
    *f = (struct fixture){0};
    if (rt_test_network(&f->graph, (struct rt_shape){3, RT_CROP, RT_CROP}, network, &err) ||
        rt_test_plan_create(&f->plan, engine, &f->graph, &options, &err))
        fail_msg("%s: %s", engine->name, err.message);
    rt_test_randomize(f->plan);
    for (uint32_t i = 0; i < IMAGES * STORED; i++) {
        if (i % 64 == 0)
            rt_test_fill(i, &value, 1);
        f->pixels[i] = (uint8_t)((unsigned)(127 + 120 * value) ^ i % 64);
    }
    for (int i = 0; i < IMAGES; i++)
        f->crops[i] =
            (struct rt_crop){.row = (uint8_t)(i % 5), .column = (uint8_t)(4 - i % 5), .flip = (uint8_t)(i % 2)};
    f->dataset = (struct rt_dataset){.train_count = IMAGES - 3,
                                     .test_count = 3,
                                     .channels = 3,
                                     .height = RT_CROP,
                                     .width = RT_CROP,
                                     .side = RT_STORED,
                                     .normalize = true,
                                     .mean = {0.5f, 0.5f, 0.5f},
                                     .std = {0.25f, 0.25f, 0.25f},
                                     .labels = labels,
                                     .pixels = f->pixels};
    assert_int_equal(rt_store_create(&f->store, f->plan->device, &f->dataset, NULL), RT_OK);
    f->pass = (struct rt_pass){.kind = RT_PASS_TRAIN,
                               .store = f->store,
                               .order = order,
                               .crops = f->crops,
                               .count = IMAGES,
                               .batch_size = BATCH,
                               .serial = 7,
                               .update = {.learning_rate = 0.05, .momentum = 0.9}};
}

static inline void close_fixture(struct fixture *f)
{
    struct rt_device *device = f->plan->device;

    rt_plan_free(&f->plan); /* before what its batches in flight gather from */
    rt_store_free(&f->store);
    rt_device_close(&device);
    rt_graph_free(&f->graph);
}

static inline void for_engines(void (*test)(const struct rt_engine *engine))
{
    for (size_t i = 0; rt_test_engines()[i]; i++)
        test(rt_test_engines()[i]);
    test(&rt_engine_asynchronous);
}

static inline void begin(struct fixture *f, const struct rt_pass *pass)
{
    struct rt_error err = {0};

    if (rt_plan_begin(f->plan, pass, &err))
        fail_msg("%s: %s", f->plan->device->engine->name, err.message);
}

static inline struct rt_step collect(struct fixture *f, struct rt_image_outcome *outcomes)
{
    struct rt_step step = {0};
    struct rt_error err = {0};

    if (rt_plan_collect(f->plan, &step, outcomes, &err))
        fail_msg("%s: %s", f->plan->device->engine->name, err.message);
    return step;
}

#endif
