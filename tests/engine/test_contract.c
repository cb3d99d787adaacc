/* The contract of engine.h, for every engine alike: what is refused, in one line and without harm; which class
 * wins; a device's failure stays. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/asynchronous.h"
#include "support/engines.h"
#include "support/network.h"

enum { IMAGES = 10, BATCH = 4, INPUTS = 3 * 2 * 2, CLASSES = 4 };

static const char network[] = "bn 1e-5; flatten; linear 4; loss";
static uint8_t labels[IMAGES] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1};

struct fixture {
    struct rt_graph graph;
    struct rt_plan *plan;
    double images[IMAGES * INPUTS];
    struct rt_test_buffer x;
    struct rt_dataset dataset;
    struct rt_store *store;
    struct rt_pass pass; /* of all images */
};

static void open_fixture(struct fixture *f, const struct rt_engine *engine, bool training)
{
    const struct rt_plan_options options = {.batch_max = BATCH, .pass_max = IMAGES, .training = training};
    struct rt_error err = {0};

    rt_asynchronous_reset(3);
    *f = (struct fixture){0};
    if (rt_test_network(&f->graph, (struct rt_shape){3, 2, 2}, network, &err) ||
        rt_test_plan_create(&f->plan, engine, &f->graph, &options, &err))
        fail_msg("%s: %s", engine->name, err.message);
    rt_test_fill(9, f->images, IMAGES * INPUTS);
    f->x = rt_test_buffer(engine, IMAGES * INPUTS);
    rt_test_buffer_set(&f->x, f->images);
    rt_test_randomize(f->plan);
    f->dataset = (struct rt_dataset){.train_count = IMAGES - 3,
                                     .test_count = 3,
                                     .channels = 3,
                                     .height = 2,
                                     .width = 2,
                                     .labels = labels,
                                     .noise = f->x.values};
    assert_int_equal(rt_store_create(&f->store, f->plan->device, &f->dataset, NULL), RT_OK);
    f->pass = (struct rt_pass){.kind = training ? RT_PASS_TRAIN : RT_PASS_EVALUATE,
                               .store = f->store,
                               .count = IMAGES,
                               .batch_size = BATCH,
                               .update = {.learning_rate = 0.01, .momentum = 0.9}};
}

static void close_fixture(struct fixture *f)
{
    rt_store_free(&f->store);
    rt_test_plan_free(&f->plan);
    rt_graph_free(&f->graph);
    rt_test_buffer_free(&f->x);
}

static void for_engines(void (*test)(const struct rt_engine *engine))
{
    for (size_t i = 0; rt_test_engines()[i]; i++)
        test(rt_test_engines()[i]);
    test(&rt_engine_reference_f64);
    test(&rt_engine_asynchronous);
}

/* `part` of the message says why. */
#define REFUSED(call, part)                                                                                    \
    do {                                                                                                       \
        struct rt_error err = {0};                                                                             \
        const int rc = (call);                                                                                 \
        if (rc != RT_ECONFIG || !strstr(err.message, part) || strchr(err.message, '\n'))                       \
            fail_msg("%s: status %d, \"%s\", expected %s", #call, rc, err.message, part);                      \
    } while (0)

/* The whole pass; the images that were right. */
static long run_pass(struct fixture *f, struct rt_image_outcome *outcomes)
{
    struct rt_step sum = {0};

    f->pass.outcomes = outcomes != NULL;
    assert_int_equal(rt_plan_begin(f->plan, &f->pass, NULL), RT_OK);
    assert_int_equal(rt_plan_advance(f->plan, 2), 2);
    assert_int_equal(rt_plan_in_flight(f->plan), 2);
    assert_int_equal(rt_plan_advance(f->plan, 1000), 1); /* never past the end */
    assert_int_equal(rt_plan_advance(f->plan, 1), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rt_plan_collect(f->plan, &sum, outcomes ? outcomes + (size_t)sum.count : NULL, NULL),
                         RT_OK);
    assert_int_equal(sum.count, IMAGES);
    return sum.correct;
}

static void check_passes(const struct rt_engine *engine)
{
    static const uint32_t order[IMAGES] = {9, 8, 7, 6, 5, 4, 3, 2, 1, IMAGES};
    static const struct rt_crop crops[IMAGES] = {{0}};
    static uint8_t strange[IMAGES] = {CLASSES};
    struct rt_step sum = {0};
    struct fixture f, other;
    struct rt_pass p;

    open_fixture(&f, engine, true);
    open_fixture(&other, engine, false);
    REFUSED(rt_plan_collect(f.plan, &sum, NULL, &err), "nothing is in flight");
    assert_int_equal(rt_plan_advance(f.plan, 1), 0); /* no pass has begun */
    p = f.pass, p.batch_size = 0;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "batch_size: 0");
    p = f.pass, p.batch_size = BATCH + 1;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "batch_size: 5, expected 1 to 4");
    p = f.pass, p.count = 0;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "a pass of 0 images");
    p = f.pass, p.count = IMAGES + 1;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "a pass of 11 images, expected 1 to 10");
    p = f.pass, p.first = 3;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "batch 3 is past the end");
    p = f.pass, p.first = -1;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "batch -1");
    p = f.pass, p.first_image = 1;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "of a data set that has 10");
    p = f.pass, p.first_image = SIZE_MAX - 2;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "of a data set that has 10");
    p = f.pass, p.order = order;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "image 10 of a data set that has 10");
    p = f.pass, p.crops = crops;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "uncropped images");
    p = f.pass, p.store = other.store;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "another device");
    p = other.pass, p.kind = RT_PASS_TRAIN;
    REFUSED(rt_plan_begin(other.plan, &p, &err), "cannot train");
    f.dataset.width = 3;
    REFUSED(rt_plan_begin(f.plan, &f.pass, &err), "images of 3 x 2 x 3 for a network that takes 3 x 2 x 2");
    f.dataset.width = 2;
    run_pass(&f, NULL); /* nothing of all that did harm */
    rt_store_free(&f.store);
    f.dataset.labels = strange;
    assert_int_equal(rt_store_create(&f.store, f.plan->device, &f.dataset, NULL), RT_OK);
    p = f.pass, p.store = f.store;
    REFUSED(rt_plan_begin(f.plan, &p, &err), "labels of 5 classes for a network of 4");
    close_fixture(&f);
    close_fixture(&other);
}

static void test_passes(void **state)
{
    (void)state;
    for_engines(check_passes);
}

static void check_states(const struct rt_engine *engine)
{
    double values[CLASSES * INPUTS] = {0};
    struct rt_stage_time time;
    struct fixture f, other;
    int mean = 2; /* bn's running mean: weight, bias, mean, ... */

    open_fixture(&f, engine, true);
    open_fixture(&other, engine, false);
    assert_int_equal(f.graph.tensors[mean].role, RT_TENSOR_RUNNING_MEAN);
    REFUSED(rt_plan_read(f.plan, RT_STATE_TENSOR, -1, values, &err), "tensor -1");
    REFUSED(rt_plan_read(f.plan, RT_STATE_TENSOR, f.graph.tensor_count, values, &err), "the network has");
    REFUSED(rt_plan_write(f.plan, RT_STATE_OPTIMIZER, f.graph.tensor_count, values, &err), "the network has");
    REFUSED(rt_plan_read(f.plan, RT_STATE_OPTIMIZER, mean, values, &err), "not a parameter");
    REFUSED(rt_plan_write(f.plan, RT_STATE_GRADIENT, mean, values, &err), "not a parameter");
    REFUSED(rt_plan_read(f.plan, RT_STATE_OPTIMIZER + 1, 0, values, &err), "optimizer sgd keeps 1 states");
    REFUSED(rt_plan_read(other.plan, RT_STATE_GRADIENT, 0, values, &err), "only evaluates");
    REFUSED(rt_plan_write(other.plan, RT_STATE_OPTIMIZER, 0, values, &err), "only evaluates");
    REFUSED(rt_plan_probe(f.plan, f.x.values, 0, values, NULL, NULL, &err), "a probe of 0 images");
    REFUSED(rt_plan_probe(f.plan, f.x.values, BATCH + 1, values, NULL, NULL, &err), "a probe of 5 images");
    REFUSED(rt_plan_probe(other.plan, f.x.values, 1, values, f.x.values, NULL, &err), "does not keep");
    assert_false(rt_plan_profile(f.plan, -1, &time));
    assert_false(rt_plan_profile(f.plan, 1000000, &time));
    run_pass(&f, NULL);
    run_pass(&other, NULL);
    close_fixture(&f);
    close_fixture(&other);
}

static void test_states(void **state)
{
    (void)state;
    for_engines(check_states);
}

static void check_sharing(const struct rt_engine *engine)
{
    struct rt_plan_options options = {.batch_max = BATCH};
    struct rt_plan *plan = NULL;
    struct fixture f, other;

    open_fixture(&f, engine, true);
    open_fixture(&other, engine, false);
    options.parameters_of = f.plan;
    REFUSED(rt_plan_create(&plan, f.plan->device, &other.graph, &options, &err), "only of one network");
    REFUSED(rt_plan_create(&plan, other.plan->device, &f.graph, &options, &err), "on one device");
    options.training = true;
    REFUSED(rt_plan_create(&plan, f.plan->device, &f.graph, &options, &err), "only evaluates");
    assert_null(plan);
    options.parameters_of = NULL;
    options.precision = RT_PRECISION_BF16;
    if (!(engine->precisions & 1U << RT_PRECISION_BF16))
        REFUSED(rt_plan_create(&plan, f.plan->device, &f.graph, &options, &err), "does not compute in bf16");
    close_fixture(&f);
    close_fixture(&other);
}

static void test_sharing(void **state)
{
    (void)state;
    for_engines(check_sharing);
}

/* Logits are the biases: among equal ones the first wins, a NaN never does, and where all are NaN none is
 * right. */
static void check_winner(const struct rt_engine *engine)
{
    static const struct {
        double bias[CLASSES];
        int predicted, right; /* of 10 images, whose labels are 0: 3, 1: 3, 2: 2, 3: 2 */
    } rows[] = {
        {{0, 1, 1, 0}, 1, 3},        {{5, 5, 5, 5}, 0, 3},         {{NAN, 1, 2, 2}, 2, 2},
        {{1, NAN, 0, 0}, 0, 3},      {{NAN, NAN, NAN, -1}, 3, 2},  {{-INFINITY, 0, 0, 0}, 1, 3},
        {{0, 0, 0, INFINITY}, 3, 2}, {{NAN, NAN, NAN, NAN}, 0, 0},
    };
    double none[CLASSES * INPUTS] = {0};
    struct rt_image_outcome outcomes[IMAGES];
    struct fixture f;

    open_fixture(&f, engine, false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int weight = rt_graph_find_tensor(&f.graph, "s3.weight");

        rt_test_import(f.plan, RT_STATE_TENSOR, weight, none);
        rt_test_import(f.plan, RT_STATE_TENSOR, weight + 1, rows[i].bias);
        if (run_pass(&f, outcomes) != rows[i].right || outcomes[0].predicted != rows[i].predicted)
            fail_msg("%s, row %zu: class %d", engine->name, i, outcomes[0].predicted);
        for (int j = 1; j < IMAGES; j++)
            assert_int_equal(outcomes[j].predicted, outcomes[0].predicted);
    }
    close_fixture(&f);
}

static void test_winner(void **state)
{
    (void)state;
    for_engines(check_winner);
}

/* Against the definitions in double: loss -log p, p by softmax, margin to the largest other, in every kind of
 * pass and in the pass's own order; and none where none were asked for. */
static void check_outcomes(const struct rt_engine *engine, bool training)
{
    static const uint32_t order[IMAGES] = {9, 0, 8, 1, 7, 2, 6, 3, 5, 4};
    const double bias[CLASSES] = {1.5, -2, 0.25, 3}, none[CLASSES * INPUTS] = {0};
    struct rt_image_outcome outcomes[IMAGES + 1];
    struct rt_step sum = {0};
    struct fixture f;
    double total = 0, losses = 0;
    long right = 0;
    int weight;

    open_fixture(&f, engine, training);
    weight = rt_graph_find_tensor(&f.graph, "s3.weight");
    rt_test_import(f.plan, RT_STATE_TENSOR, weight, none);
    rt_test_import(f.plan, RT_STATE_TENSOR, weight + 1, bias);
    for (int j = 0; j < CLASSES; j++)
        total += exp(bias[j]);
    f.pass.update.learning_rate = 0;
    if (engine != &rt_engine_reference_f64) /* which takes its images as they lie */
        f.pass.order = order;
    outcomes[IMAGES].predicted = 77;
    right = run_pass(&f, outcomes);
    assert_int_equal(outcomes[IMAGES].predicted, 77);
    for (int i = 0; i < IMAGES; i++) {
        const int label = labels[f.pass.order ? order[i] : (uint32_t)i];
        const double probability = exp(bias[label]) / total, margin = bias[label] - (label == 3 ? 1.5 : 3);
        const struct rt_image_outcome *got = &outcomes[i];

        if (!(fabs((double)got->loss + log(probability)) <= 1e-6) ||
            !(fabs((double)got->probability - probability) <= 1e-7) || (double)got->margin != margin ||
            got->predicted != 3 || got->right != (label == 3))
            fail_msg("%s: image %d, label %d: loss %g, probability %g, margin %g, class %d", engine->name, i,
                     label, (double)got->loss, (double)got->probability, (double)got->margin, got->predicted);
        right -= got->right;
        losses += (double)got->loss;
    }
    assert_int_equal(right, 0);
    f.pass.outcomes = false;
    assert_int_equal(rt_plan_begin(f.plan, &f.pass, NULL), RT_OK);
    assert_int_equal(rt_plan_advance(f.plan, 3), 3);
    REFUSED(rt_plan_collect(f.plan, &sum, outcomes, &err), "without its images' outcomes");
    for (int i = 0; i < 3; i++)
        assert_int_equal(rt_plan_collect(f.plan, &sum, NULL, NULL), RT_OK);
    assert_true(fabs(losses - sum.loss_sum) <= 1e-5);
    close_fixture(&f);
}

static void check_outcomes_of_passes(const struct rt_engine *engine)
{
    check_outcomes(engine, false);
    check_outcomes(engine, true);
}

static void test_outcomes(void **state)
{
    (void)state;
    for_engines(check_outcomes_of_passes);
}

/* Where logits are no numbers, margins say so, and one class has no other. */
static void check_strange_margins(const struct rt_engine *engine)
{
    static const struct {
        double bias[CLASSES], margin; /* of label 0 */
    } rows[] = {{{1, NAN, 0, NAN}, 1},
                {{NAN, 1, 2, 3}, NAN},
                {{2, NAN, NAN, NAN}, INFINITY},
                {{0, 0, 0, 0}, 0},
                {{-1, -INFINITY, -3, -2}, 1}};
    const double none[CLASSES * INPUTS] = {0};
    struct rt_image_outcome outcomes[IMAGES];
    struct fixture f;

    open_fixture(&f, engine, false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int weight = rt_graph_find_tensor(&f.graph, "s3.weight");
        const double want = rows[i].margin;

        rt_test_import(f.plan, RT_STATE_TENSOR, weight, none);
        rt_test_import(f.plan, RT_STATE_TENSOR, weight + 1, rows[i].bias);
        run_pass(&f, outcomes);
        if (isnan(want) ? !isnan(outcomes[0].margin) : (double)outcomes[0].margin != want)
            fail_msg("%s, row %zu: margin %g, expected %g", engine->name, i, (double)outcomes[0].margin, want);
    }
    close_fixture(&f);
}

static void test_strange_margins(void **state)
{
    (void)state;
    for_engines(check_strange_margins);
}

/* What a device reported once, every later call reports. */
static void test_failures_stay(void **state)
{
    double values[CLASSES * INPUTS];
    struct rt_step sum = {0};
    struct fixture f;

    (void)state;
    open_fixture(&f, &rt_engine_asynchronous, true);
    rt_asynchronous.fail_at = 1;
    assert_int_equal(rt_plan_begin(f.plan, &f.pass, NULL), RT_OK);
    assert_int_equal(rt_plan_advance(f.plan, 3), 3);
    for (int i = 0; i < 3; i++) /* the first may still come, or not: errors come late, or early */
        if (rt_plan_collect(f.plan, &sum, NULL, NULL))
            break;
    for (int i = 0; i < 5; i++) {
        struct rt_error err = {0};
        const int rcs[] = {
            rt_plan_collect(f.plan, &sum, NULL, &err), rt_plan_read(f.plan, RT_STATE_TENSOR, 0, values, &err),
            rt_plan_write(f.plan, RT_STATE_TENSOR, 0, values, &err), rt_plan_begin(f.plan, &f.pass, &err),
            rt_plan_probe(f.plan, f.x.values, 1, values, NULL, NULL, &err)};

        assert_int_equal(rcs[i], RT_EDEVICE);
        assert_string_equal(err.message, "device asynchronous: broken on purpose");
        assert_int_equal(rt_plan_advance(f.plan, 1), 0);
    }
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),          cmocka_unit_test(test_states),
        cmocka_unit_test(test_sharing),         cmocka_unit_test(test_winner),
        cmocka_unit_test(test_failures_stay),   cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_strange_margins),
    };

    return cmocka_run_group_tests_name("engine/contract", tests, NULL, NULL);
}
