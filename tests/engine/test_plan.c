/* What every engine promises beside its numbers: the update, sharing, no allocation, errors, divergence that
 * shows, batches that nothing distinguishes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "net/layers.h"
#include "net/ops.h"
#include "support/engines.h"
#include "support/network.h"

enum { BATCH = 6, SIDE = 8, PIXELS = 3 * SIDE * SIDE, CLASSES = 4 };

/* A bit of everything, with a loss, on 3 x 8 x 8 images. */
static const char all_ops[] =
    "conv 16 3 1 1 1; bn 1e-5; relu; max_pool 3 2 1; lrn 5 1e-4 0.75 2; conv 16 3 1 1 0; add @5 @6; "
    "conv 16 1 1 0 0 @5; concat @7 @8; dropout 0.2; avg_pool 2; flatten; linear 4; loss";

static const uint8_t labels[BATCH] = {0, 1, 2, 3, 0, 3};

struct fixture {
    struct rt_graph graph;
    struct rt_plan *plan;
    double images[BATCH * PIXELS];
    struct rt_test_buffer x; /* the same as reals of the engine */
};

static void open_fixture(struct fixture *f, const struct rt_engine *engine, const char *text, bool training)
{
    struct rt_error err = {0};

    f->plan = NULL;
    if (rt_test_network(&f->graph, (struct rt_shape){3, SIDE, SIDE}, text, &err) ||
        rt_test_plan_create(&f->plan, engine, &f->graph,
                            &(struct rt_plan_options){.batch_max = BATCH, .training = training, .seed = 5},
                            &err))
        fail_msg("%s: %s", engine->name, err.message);
    rt_test_fill(9, f->images, BATCH * PIXELS);
    f->x = rt_test_buffer(engine, BATCH * PIXELS);
    rt_test_buffer_set(&f->x, f->images);
    rt_test_randomize(f->plan);
}

static void close_fixture(struct fixture *f)
{
    rt_test_buffer_free(&f->x);
    rt_test_plan_free(&f->plan);
    rt_graph_free(&f->graph);
}

static struct rt_test_batch batch_of(const struct fixture *f, int count, uint64_t serial)
{
    return (struct rt_test_batch){.images = f->x.values, .labels = labels, .count = count, .serial = serial};
}

/* Calls `test` for each engine, the double one included. */
static void for_engines(void (*test)(const struct rt_engine *engine))
{
    for (size_t i = 0; rt_test_engines()[i]; i++)
        test(rt_test_engines()[i]);
    test(&rt_engine_reference_f64);
}

/* v = momentum v + g + weight_decay w, w -= learning_rate v, for every parameter. */
static void check_update(const struct rt_engine *engine)
{
    const struct rt_update sgd = {.learning_rate = 0.25, .momentum = 0.5, .weight_decay = 0.125};
    double w[2400], v[2400], g[2400], new_w[2400], new_v[2400];
    struct rt_step metrics = {0};
    struct fixture f, twin;

    open_fixture(&f, engine, all_ops, true);
    open_fixture(&twin, engine, all_ops, true);
    for (int i = 0; i < f.graph.tensor_count; i++)
        if (rt_tensor_is_parameter(f.graph.tensors[i].role)) {
            assert_true(f.graph.tensors[i].count <= 2400);
            rt_test_fill(50 + (uint32_t)i, v, f.graph.tensors[i].count);
            rt_test_import(f.plan, RT_STATE_OPTIMIZER, i, v);
        }
    rt_test_differentiate(twin.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 3}, &metrics);
    rt_test_train(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 3}, &sgd, &metrics);
    for (int i = 0; i < f.graph.tensor_count; i++) {
        if (!rt_tensor_is_parameter(f.graph.tensors[i].role))
            continue;
        rt_test_fill(50 + (uint32_t)i, v, f.graph.tensors[i].count);
        rt_test_export(twin.plan, RT_STATE_TENSOR, i, w);
        rt_test_export(twin.plan, RT_STATE_GRADIENT, i, g);
        rt_test_export(f.plan, RT_STATE_TENSOR, i, new_w);
        rt_test_export(f.plan, RT_STATE_OPTIMIZER, i, new_v);
        for (size_t j = 0; j < f.graph.tensors[i].count; j++) {
            const double want = 0.5 * v[j] + g[j] + 0.125 * w[j];

            if (!(fabs(new_v[j] - want) <= 1e-5) || !(fabs(new_w[j] - (w[j] - 0.25 * want)) <= 1e-5))
                fail_msg("%s: %s[%zu]: v %g, expected %g", engine->name, f.graph.tensors[i].name, j, new_v[j],
                         want);
        }
    }
    close_fixture(&f);
    close_fixture(&twin);
}

static void test_update(void **state)
{
    (void)state;
    for_engines(check_update);
}

/* Metrics are added to, predicted classes are the logits' largest, and evaluation moves nothing. */
static void check_evaluation(const struct rt_engine *engine)
{
    struct rt_step once = {0}, twice = {0}, halves = {0};
    struct rt_image_outcome outcomes[BATCH + 1] = {0}, again[BATCH] = {0};
    double before[2400], after[2400];
    struct fixture f;
    long hits = 0;

    open_fixture(&f, engine, all_ops, true);
    outcomes[BATCH].predicted = 77;
    rt_test_evaluate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 1}, &once, outcomes);
    rt_test_evaluate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 2}, &twice, NULL);
    rt_test_evaluate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 3}, &twice, again);
    assert_int_equal(outcomes[BATCH].predicted, 77);
    assert_memory_equal(outcomes, again, sizeof again); /* no dropout, whatever the serial */
    assert_true(twice.loss_sum == once.loss_sum + once.loss_sum && twice.correct == 2 * once.correct);
    for (int i = 0; i < BATCH; i++)
        hits += outcomes[i].predicted == labels[i];
    assert_int_equal(hits, once.correct);
    for (int i = 0; i < BATCH; i++) { /* an image's loss does not depend on its neighbours */
        const struct rt_test_batch one = {(char *)f.x.values + (size_t)(i * PIXELS) * engine->real_size,
                                          labels + i, 1, 0};

        rt_test_evaluate(f.plan, &one, &halves, NULL);
    }
    assert_true(fabs(halves.loss_sum - once.loss_sum) <= 1e-5 * once.loss_sum);
    rt_test_randomize(f.plan);
    for (int i = 0; i < f.graph.tensor_count; i++) {
        rt_test_export(f.plan, RT_STATE_TENSOR, i, before);
        rt_test_evaluate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 4}, &once, NULL);
        rt_test_export(f.plan, RT_STATE_TENSOR, i, after);
        assert_memory_equal(before, after, f.graph.tensors[i].count * sizeof *before);
    }
    close_fixture(&f);
}

static void test_evaluation(void **state)
{
    (void)state;
    for_engines(check_evaluation);
}

/* A plan on another's tensors sees each of its steps; freeing it leaves them. */
static void check_sharing(const struct rt_engine *engine)
{
    const struct rt_update sgd = {.learning_rate = 0.1, .momentum = 0.9};
    struct rt_plan_options options = {.batch_max = 2 * BATCH};
    struct rt_step own = {0}, shared = {0}, trained = {0};
    struct rt_plan *reader = NULL;
    struct rt_error err = {0};
    struct fixture f;

    open_fixture(&f, engine, all_ops, true);
    options.parameters_of = f.plan;
    assert_int_equal(rt_test_plan_create(&reader, engine, &f.graph, &options, &err), RT_OK);
    for (uint64_t step = 0; step < 3; step++) {
        const struct rt_test_batch batch = batch_of(&f, BATCH, step);

        rt_test_train(f.plan, &batch, &sgd, &trained);
        rt_test_evaluate(f.plan, &batch, &own, NULL);
        rt_test_evaluate(reader, &batch, &shared, NULL);
        if (!(fabs(own.loss_sum - shared.loss_sum) <= 1e-6 * own.loss_sum))
            fail_msg("%s: step %d: loss %.9g, on shared tensors %.9g", engine->name, (int)step, own.loss_sum,
                     shared.loss_sum);
    }
    rt_test_plan_free(&reader);
    rt_test_train(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 3}, &sgd, &trained);
    close_fixture(&f);
}

static void test_sharing(void **state)
{
    (void)state;
    for_engines(check_sharing);
}

static void run_pass(struct fixture *f, struct rt_pass pass)
{
    struct rt_step sum = {0};
    struct rt_error err = {0};

    if (rt_plan_begin(f->plan, &pass, &err))
        fail_msg("%s", err.message);
    while (rt_plan_left(f->plan)) {
        rt_plan_advance(f->plan, 2);
        while (rt_plan_in_flight(f->plan))
            assert_int_equal(rt_plan_collect(f->plan, &sum, NULL, NULL), RT_OK);
    }
    assert_int_equal(sum.count, pass.count - (size_t)pass.first * (size_t)pass.batch_size);
}

/* Passes of all kinds, by order and in order, of batches that leave a remainder. */
static void check_no_allocation(const struct rt_engine *engine)
{
    static const uint32_t order[BATCH] = {5, 4, 3, 2, 1, 0};
    struct rt_dataset dataset = {.train_count = BATCH,
                                 .channels = 3,
                                 .height = SIDE,
                                 .width = SIDE,
                                 .labels = (uint8_t *)(uintptr_t)labels};
    struct rt_store *store = NULL;
    struct fixture f;
    uint64_t before;

    open_fixture(&f, engine, all_ops, true);
    dataset.noise = f.x.values;
    /* at least the weights and their momentum */
    assert_true(rt_plan_memory_bytes(f.plan) >= 2 * rt_graph_parameter_count(&f.graph) * engine->real_size);
    assert_int_equal(rt_store_create(&store, f.plan->device, &dataset, NULL), RT_OK);
    if (strcmp(engine->device, "cpu") != 0) /* compiles it when the first begins */
        run_pass(&f, (struct rt_pass){
                         .kind = RT_PASS_DIFFERENTIATE, .store = store, .count = BATCH, .batch_size = BATCH});
    before = rt_alloc_count();
    for (int size = 1; size <= BATCH; size++)
        for (int kind = RT_PASS_TRAIN; kind <= RT_PASS_EVALUATE; kind++)
            for (int ordered = 0; ordered < 2; ordered++)
                run_pass(&f, (struct rt_pass){.kind = (enum rt_pass_kind)kind,
                                              .store = store,
                                              .order = ordered ? order : NULL,
                                              .count = BATCH,
                                              .batch_size = size,
                                              .first = size % 2,
                                              .update = {.learning_rate = 0.01, .momentum = 0.9}});
    assert_int_equal(rt_alloc_count(), before);
    rt_store_free(&store);
    close_fixture(&f);
}

static void test_no_allocation(void **state)
{
    (void)state;
    for_engines(check_no_allocation);
}

/* Each allocation of planning fails once. */
static void check_out_of_memory(const struct rt_engine *engine)
{
    const struct rt_plan_options options = {.batch_max = BATCH, .training = true};
    struct rt_graph graph;
    int rc = RT_EMEMORY;

    assert_int_equal(rt_test_network(&graph, (struct rt_shape){3, SIDE, SIDE}, all_ops, NULL), RT_OK);
    for (uint64_t k = 1; rc; k++) {
        struct rt_plan *plan = NULL;
        struct rt_error err = {0};

        rt_alloc_fail_at(k);
        rc = rt_test_plan_create(&plan, engine, &graph, &options, &err);
        rt_alloc_fail_at(0);
        assert_true(rc ? rc == RT_EMEMORY && !plan && *err.message : plan != NULL);
        rt_test_plan_free(&plan);
        assert_true(k < 10000);
    }
    rt_graph_free(&graph);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for_engines(check_out_of_memory);
}

static int same_shape(struct rt_graph *graph, struct rt_node *node, struct rt_error *err)
{
    (void)err;
    node->shape = rt_node_input(graph, node, 0)->shape;
    return RT_OK;
}

/* An op that no engine knows is refused when planning, by name. */
static void check_unknown_op(const struct rt_engine *engine)
{
    static const struct rt_op swish = {.name = "swish", .inputs = 1, .infer = same_shape};
    const struct rt_plan_options options = {.batch_max = 1};
    struct rt_graph graph = {0};
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};
    int x = rt_input(&graph, 3, 2, 2);

    x = rt_graph_add(&graph, &swish, "", &x, (struct rt_attributes){0});
    assert_int_equal(rt_graph_finish(&graph, &err), RT_OK);
    assert_int_equal(rt_test_plan_create(&plan, engine, &graph, &options, &err), RT_ECONFIG);
    assert_null(plan);
    assert_non_null(strstr(err.message, "has no kernel for swish (node 1)"));
    rt_graph_free(&graph);
}

static void test_unknown_op(void **state)
{
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};
    struct rt_graph graph;

    (void)state;
    for_engines(check_unknown_op);
    assert_int_equal(rt_test_network(&graph, (struct rt_shape){3, 2, 2}, "relu", &err), RT_OK);
    assert_int_equal(
        rt_test_plan_create(&plan, rt_test_engines()[0], &graph, &(struct rt_plan_options){0}, &err),
        RT_ECONFIG);
    rt_graph_free(&graph);
}

/* NaN in one image or one weight reaches the loss, through every op: a diverged network cannot hide. */
static void check_nan_shows(const struct rt_engine *engine)
{
    struct rt_step metrics = {0};
    struct fixture f;

    open_fixture(&f, engine, all_ops, true);
    f.images[2 * PIXELS + 3] = NAN;
    rt_test_buffer_set(&f.x, f.images);
    rt_test_evaluate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 0}, &metrics, NULL);
    assert_true(isnan(metrics.loss_sum));
    metrics = (struct rt_step){0};
    rt_test_differentiate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 0}, &metrics);
    assert_true(isnan(metrics.loss_sum));
    close_fixture(&f);
}

static void test_nan_shows(void **state)
{
    (void)state;
    for_engines(check_nan_shows);
}

/* Huge logits: the loss is large and finite, as the largest is taken off before exp. */
static void check_large_logits(const struct rt_engine *engine)
{
    struct rt_step metrics = {0};
    double weights[4 * 12];
    struct rt_graph graph;
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};
    struct rt_test_buffer x = rt_test_buffer(engine, 12);
    const double image[12] = {1};
    struct rt_image_outcome outcome;

    assert_int_equal(rt_test_network(&graph, (struct rt_shape){3, 2, 2}, "linear 4; loss", &err), RT_OK);
    assert_int_equal(rt_test_plan_create(&plan, engine, &graph,
                                         &(struct rt_plan_options){.batch_max = 1, .training = true}, &err),
                     RT_OK);
    memset(weights, 0, sizeof weights);
    weights[0 * 12] = -1000;
    weights[1 * 12] = weights[3 * 12] = 1000; /* equal: the first is predicted */
    rt_test_import(plan, RT_STATE_TENSOR, 0, weights);
    rt_test_import(plan, RT_STATE_TENSOR, 1, (double[4]){0});
    rt_test_buffer_set(&x, image);
    rt_test_evaluate(plan, &(struct rt_test_batch){x.values, (uint8_t[]){0}, 1, 0}, &metrics, &outcome);
    assert_true(fabs(metrics.loss_sum - (2000 + log(2))) <= 1e-3);
    assert_int_equal(outcome.predicted, 1);
    assert_true(outcome.probability == 0 && (double)outcome.margin == -2000);
    rt_test_differentiate(plan, &(struct rt_test_batch){x.values, (uint8_t[]){0}, 1, 0}, &metrics);
    rt_test_export(plan, RT_STATE_GRADIENT, 1, weights); /* softmax - one-hot */
    assert_true(fabs(weights[0] + 1) < 1e-6 && fabs(weights[1] - 0.5) < 1e-6 && fabs(weights[2]) < 1e-6);
    rt_test_buffer_free(&x);
    rt_test_plan_free(&plan);
    rt_graph_free(&graph);
}

static void test_large_logits(void **state)
{
    (void)state;
    for_engines(check_large_logits);
}

/* Zero variance: y is the shift, dx = scale / sqrt(eps) * (dy - mean dy), running variance 0.9, as PyTorch. */
static void check_equal_inputs(const struct rt_engine *engine)
{
    double x[BATCH * 12], y[BATCH * 12], dy[BATCH * 12], dx[BATCH * 12], mean[3] = {0}, running[3];
    struct rt_graph graph;
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};

    assert_int_equal(rt_test_network(&graph, (struct rt_shape){3, 2, 2}, "bn 1e-3", &err), RT_OK);
    assert_int_equal(
        rt_test_plan_create(
            &plan, engine, &graph,
            &(struct rt_plan_options){.batch_max = BATCH, .training = true, .input_gradient = true}, &err),
        RT_OK);
    rt_test_import(plan, RT_STATE_TENSOR, 0, (double[3]){1, 1.5, 2});
    rt_test_import(plan, RT_STATE_TENSOR, 1, (double[3]){0.5, -0.25, 4});
    rt_test_import(plan, RT_STATE_TENSOR, 3, (double[3]){1, 1, 1});
    rt_test_fill(4, dy, BATCH * 12);
    for (int i = 0; i < BATCH * 12; i++) {
        x[i] = 0.75 + i / 4 % 3;
        mean[i / 4 % 3] += dy[i] / (BATCH * 4);
    }
    rt_test_probe(plan, x, BATCH, y, dy, dx);
    for (int i = 0; i < BATCH * 12; i++) {
        const int c = i / 4 % 3;
        const double want = (1 + 0.5 * c) / sqrt(1e-3) * (dy[i] - mean[c]);

        if (!(fabs(y[i] - (double[]){0.5, -0.25, 4}[c]) <= 1e-4) ||
            !(fabs(dx[i] - want) <= 1e-4 * (1 + fabs(want))))
            fail_msg("%s: y %g, dx %g, expected %g", engine->name, y[i], dx[i], want);
    }
    rt_test_export(plan, RT_STATE_TENSOR, 3, running);
    assert_true(fabs(running[0] - 0.9) <= 1e-6 && fabs(running[2] - 0.9) <= 1e-6);
    rt_test_plan_free(&plan);
    rt_graph_free(&graph);
}

static void test_equal_inputs(void **state)
{
    (void)state;
    for_engines(check_equal_inputs);
}

/* Equal values in a window: the gradient goes to the first, as PyTorch's; and a NaN is larger than any number.
 */
static void check_pool_ties(const struct rt_engine *engine)
{
    const struct rt_plan_options options = {.batch_max = 1, .training = true, .input_gradient = true};
    double x[32], y[8], dy[8], dx[32];
    struct rt_graph graph;
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};

    assert_int_equal(rt_test_network(&graph, (struct rt_shape){2, 4, 4}, "max_pool 2 2 0", &err), RT_OK);
    assert_int_equal(rt_test_plan_create(&plan, engine, &graph, &options, &err), RT_OK);
    for (int i = 0; i < 32; i++)
        x[i] = 0.5;
    for (int i = 0; i < 8; i++)
        dy[i] = i + 1;
    rt_test_probe(plan, x, 1, y, dy, dx);
    for (int i = 0; i < 32; i++) {
        const int window = i / 16 * 4 + i % 16 / 8 * 2 + i % 4 / 2;

        if (dx[i] != (i % 8 < 4 && i % 2 == 0 ? dy[window] : 0))
            fail_msg("%s: dx[%d] is %g", engine->name, i, dx[i]);
    }
    x[16] = NAN;
    rt_test_probe(plan, x, 1, y, dy, dx);
    for (int i = 0; i < 8; i++)
        assert_true(isnan(y[i]) == (i == 4));
    rt_test_plan_free(&plan);
    rt_graph_free(&graph);
}

static void test_pool_ties(void **state)
{
    (void)state;
    for_engines(check_pool_ties);
}

/* A class missing from the data: its logit is only ever pushed down, and nothing else happens. */
static void check_missing_class(const struct rt_engine *engine)
{
    const struct rt_update sgd = {.learning_rate = 0.1, .momentum = 0.9};
    static const uint8_t few[BATCH] = {0, 1, 1, 0, 1, 0}; /* neither 2 nor 3 */
    struct rt_step first = {0}, last = {0};
    struct rt_image_outcome outcomes[BATCH];
    struct fixture f;

    open_fixture(&f, engine, "flatten; linear 32; relu; linear 4; loss", true);
    for (uint64_t step = 0; step < 60; step++) {
        last = (struct rt_step){0};
        rt_test_train(f.plan, &(struct rt_test_batch){f.x.values, few, BATCH, step}, &sgd,
                      step ? &last : &first);
    }
    rt_test_evaluate(f.plan, &(struct rt_test_batch){f.x.values, few, BATCH, 0}, &last, outcomes);
    for (int i = 0; i < BATCH; i++)
        assert_int_equal(outcomes[i].predicted, few[i]);
    assert_true(last.loss_sum < first.loss_sum / 10);
    close_fixture(&f);
}

static void test_missing_class(void **state)
{
    (void)state;
    for_engines(check_missing_class);
}

/* Losses of one step differ by the step's serial, and only where there is dropout. */
static void test_serial(void **state)
{
    struct rt_step a = {0}, b = {0}, again = {0};
    struct fixture f;

    (void)state;
    for (size_t e = 0; rt_test_engines()[e]; e++) {
        a = b = again = (struct rt_step){0};
        open_fixture(&f, rt_test_engines()[e], all_ops, true);
        rt_test_differentiate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 1}, &a);
        rt_test_differentiate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 2}, &b);
        rt_test_differentiate(f.plan, &(struct rt_test_batch){f.x.values, labels, BATCH, 1}, &again);
        assert_true(a.loss_sum != b.loss_sum);
        assert_true(a.loss_sum == again.loss_sum);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update),        cmocka_unit_test(test_evaluation),
        cmocka_unit_test(test_sharing),       cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_unknown_op),
        cmocka_unit_test(test_nan_shows),     cmocka_unit_test(test_large_logits),
        cmocka_unit_test(test_equal_inputs),  cmocka_unit_test(test_missing_class),
        cmocka_unit_test(test_pool_ties),     cmocka_unit_test(test_serial),
    };

    return cmocka_run_group_tests_name("engine/plan", tests, NULL, NULL);
}
