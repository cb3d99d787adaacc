/* For tests: plans that bring their device, and single batches handed to them as passes of their own. */
#ifndef RT_TESTS_PLANS_H
#define RT_TESTS_PLANS_H

#include "engine/engine.h"

/* A plan on a device of its own, or on parameters_of's, with one thread. */
int rt_test_plan_create(struct rt_plan **plan, const struct rt_engine *engine, const struct rt_graph *graph,
                        const struct rt_plan_options *options, struct rt_error *err);
int rt_test_plan_create_on(struct rt_plan **plan, const struct rt_engine *engine, int threads,
                           const struct rt_graph *graph, const struct rt_plan_options *options,
                           struct rt_error *err);
void rt_test_plan_free(struct rt_plan **plan); /* accepts null; those of parameters_of before their owner */

/* The engines that tests are about, ended by null: those that compute on the CPU, or those of $RT_TEST_ENGINES
 * ("cuda native"). Plans made here compute in $RT_TEST_PRECISION where nothing else is asked for, or in fp32.
 */
const struct rt_engine *const *rt_test_engines(void);
enum rt_precision rt_test_precision(void);

struct rt_test_batch {
    const void *images;    /* reals [count, the network's input] */
    const uint8_t *labels; /* [count] */
    int count;             /* 1 .. batch_max */
    uint64_t serial;       /* training steps before */
};

/* One batch as a data set, a store and a pass. Adds to *step. A program that gets an error here ends. */
void rt_test_train(struct rt_plan *plan, const struct rt_test_batch *batch, const struct rt_update *update,
                   struct rt_step *step);
void rt_test_differentiate(struct rt_plan *plan, const struct rt_test_batch *batch, struct rt_step *step);
void rt_test_evaluate(struct rt_plan *plan, const struct rt_test_batch *batch, struct rt_step *step,
                      struct rt_image_outcome *outcomes);

#endif
