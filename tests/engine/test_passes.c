/* Passes as engine.h promises them, for every engine alike: which batch is whose, what begin copies and
 * abandons, what reading and writing wait for, and what is left after a failure. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/batches.h"
#include "engine/host/host.h"
#include "passes.h"

/* Every tensor's values and optimiser states, one after the other. */
static size_t snapshot(struct rt_plan *plan, double values[VALUES_MAX])
{
    size_t count = 0;

    for (int t = 0; t < plan->graph->tensor_count; t++)
        for (int s = 0; s < 2; s++) {
            if (s && !rt_tensor_is_parameter(plan->graph->tensors[t].role))
                continue;
            assert_true(count + plan->graph->tensors[t].count <= VALUES_MAX);
            rt_test_export(plan, s ? RT_STATE_OPTIMIZER : RT_STATE_TENSOR, t, values + count);
            count += plan->graph->tensors[t].count;
        }
    return count;
}

static void assert_same(struct fixture *a, struct fixture *b, const char *what)
{
    static double left[VALUES_MAX], right[VALUES_MAX];
    const size_t count = snapshot(a->plan, left);

    assert_int_equal(snapshot(b->plan, right), count);
    if (memcmp(left, right, count * sizeof *left) != 0)
        fail_msg("%s: %s", a->plan->device->engine->name, what);
}

static bool same_step(struct rt_step a, struct rt_step b)
{
    return a.loss_sum == b.loss_sum && a.correct == b.correct && a.count == b.count;
}

/* Batches come out one by one, oldest first, added to what is there; each image's outcome is that of the image
 * in its place; a pass that begins later is the rest of the one that does not. */
static void check_batches(const struct rt_engine *engine)
{
    struct rt_image_outcome plain[IMAGES], ordered[IMAGES];
    struct rt_step step[BATCHES], sum = {100, 1000, 10000};
    struct fixture f;
    struct rt_pass p;

    open_fixture(&f, engine);
    p = f.pass, p.kind = RT_PASS_EVALUATE, p.crops = NULL, p.outcomes = true, p.order = NULL;
    begin(&f, &p);
    assert_int_equal(rt_plan_left(f.plan), BATCHES);
    assert_int_equal(rt_plan_advance(f.plan, 0), 0);
    assert_int_equal(rt_plan_advance(f.plan, -1), 0);
    assert_int_equal(rt_plan_advance(f.plan, 7), BATCHES);
    for (int i = 0; i < BATCHES; i++)
        collect(&f, plain + i * BATCH);
    p.order = order;
    begin(&f, &p);
    for (int i = 0; i < BATCHES; i++) {
        double losses = 0;
        long right = 0;

        assert_int_equal(rt_plan_advance(f.plan, 1), 1);
        assert_int_equal(rt_plan_in_flight(f.plan), 1);
        step[i] = collect(&f, ordered + i * BATCH);
        assert_int_equal(step[i].count, i + 1 < BATCHES ? BATCH : IMAGES % BATCH);
        for (int j = i * BATCH; j < i * BATCH + step[i].count; j++) {
            if (!rt_test_same_bytes(&ordered[j], &plain[order[j]], sizeof *plain))
                fail_msg("%s: image %u in place %d has loss %g, alone %g", engine->name, order[j], j,
                         (double)ordered[j].loss, (double)plain[order[j]].loss);
            losses += (double)ordered[j].loss;
            right += ordered[j].right;
        }
        assert_true(fabs(step[i].loss_sum - losses) <= 1e-6 * losses && step[i].correct == right);
    }
    p.outcomes = false;
    begin(&f, &p);
    assert_int_equal(rt_plan_advance(f.plan, BATCHES), BATCHES);
    for (int i = 0; i < BATCHES; i++)
        assert_int_equal(rt_plan_collect(f.plan, &sum, NULL, NULL), RT_OK);
    p.order = NULL;
    begin(&f, &p);
    assert_int_equal(rt_plan_advance(f.plan, 1), 1);
    assert_false(same_step(collect(&f, NULL), step[0])); /* the order was that pass's alone */
    assert_true(fabs(sum.loss_sum - 100 - step[0].loss_sum - step[1].loss_sum - step[2].loss_sum) <= 1e-9);
    assert_int_equal(sum.correct, 1000 + step[0].correct + step[1].correct + step[2].correct);
    assert_int_equal(sum.count, 10000 + IMAGES);
    close_fixture(&f);
}

static void test_batches(void **state)
{
    (void)state;
    for_engines(check_batches);
}

/* An epoch that is resumed: the same images, crops and masks of dropout. */
static void check_later_start(const struct rt_engine *engine)
{
    struct rt_step whole[BATCHES];
    struct fixture f;
    struct rt_pass p;

    open_fixture(&f, engine);
    p = f.pass, p.update.learning_rate = 0;
    begin(&f, &p);
    rt_plan_advance(f.plan, BATCHES);
    for (int i = 0; i < BATCHES; i++)
        whole[i] = collect(&f, NULL);
    assert_true(whole[0].loss_sum != whole[1].loss_sum); /* or the rest proves nothing */
    for (int first = 0; first < BATCHES; first++) {
        p.first = first;
        p.serial = f.pass.serial + (uint64_t)first;
        begin(&f, &p);
        assert_int_equal(rt_plan_left(f.plan), BATCHES - first);
        assert_int_equal(rt_plan_in_flight(f.plan), 0);
        rt_plan_advance(f.plan, BATCHES);
        for (int i = first; i < BATCHES; i++)
            if (!same_step(collect(&f, NULL), whole[i]))
                fail_msg("%s: batch %d differs in a pass from batch %d on", engine->name, i, first);
    }
    p.serial++;
    begin(&f, &p);
    rt_plan_advance(f.plan, 1);
    assert_false(same_step(collect(&f, NULL), whole[BATCHES - 1])); /* another step's masks */
    close_fixture(&f);
}

static void test_later_start(void **state)
{
    (void)state;
    for_engines(check_later_start);
}

/* The caller's order and crops are its own again after begin. */
static void check_copies(const struct rt_engine *engine)
{
    uint32_t own_order[IMAGES];
    struct rt_crop own_crops[IMAGES];
    struct rt_step want[BATCHES];
    struct fixture f;
    struct rt_pass p;

    open_fixture(&f, engine);
    p = f.pass, p.kind = RT_PASS_EVALUATE;
    begin(&f, &p);
    rt_plan_advance(f.plan, BATCHES);
    for (int i = 0; i < BATCHES; i++)
        want[i] = collect(&f, NULL);
    memcpy(own_order, order, sizeof own_order);
    memcpy(own_crops, f.crops, sizeof own_crops);
    p.order = own_order, p.crops = own_crops;
    begin(&f, &p);
    memset(own_order, 0, sizeof own_order);
    memset(own_crops, 0, sizeof own_crops);
    rt_plan_advance(f.plan, BATCHES);
    for (int i = 0; i < BATCHES; i++)
        assert_true(same_step(collect(&f, NULL), want[i]));
    p.order = order; /* and each counts: other crops, other images */
    begin(&f, &p);
    rt_plan_advance(f.plan, 1);
    assert_false(same_step(collect(&f, NULL), want[0]));
    p.order = own_order, p.crops = f.crops;
    begin(&f, &p);
    rt_plan_advance(f.plan, 1);
    assert_false(same_step(collect(&f, NULL), want[0]));
    p.crops = own_crops;
    own_crops[IMAGES - 1].row = RT_STORED - RT_CROP + 1;
    assert_int_equal(rt_plan_begin(f.plan, &p, NULL), RT_ECONFIG);
    own_crops[IMAGES - 1] = (struct rt_crop){.column = RT_STORED - RT_CROP + 1};
    assert_int_equal(rt_plan_begin(f.plan, &p, NULL), RT_ECONFIG);
    close_fixture(&f);
}

static void test_copies(void **state)
{
    (void)state;
    for_engines(check_copies);
}

/* Inputs are those of rt_host_gather, bit for bit: with one weight of 1 and labels of that class, the margin is
 * max(0, pixel) off the pixel. */
static void check_inputs(const struct rt_engine *engine, bool whiten, bool turned)
{
    enum { PIXELS = 3 * RT_PLANE };
    static const char one_pixel[] = "flatten; linear 4; loss";
    static float images[IMAGES * PIXELS];
    static double weights[4 * PIXELS];
    struct rt_image_outcome outcomes[BATCH];
    uint8_t given[IMAGES];
    struct fixture f;
    struct rt_graph graph;
    struct rt_plan *plan;
    struct rt_error err = {0};
    const struct rt_plan_options options = {.batch_max = BATCH, .pass_max = IMAGES, .training = true};
    struct rt_pass p;
    struct rt_step step = {0};

    open_fixture(&f, engine);
    f.dataset.whiten = whiten;
    f.dataset.normalize = !whiten;
    for (int i = 0; i < IMAGES && turned; i++)
        rt_crop_turn(&f.crops[i], 25.0 * i - 110);
    rt_host_gather(&f.dataset, order, 0, IMAGES, f.crops, images, given, NULL);
    if (rt_test_network(&graph, (struct rt_shape){3, RT_CROP, RT_CROP}, one_pixel, &err) ||
        rt_plan_create(&plan, f.plan->device, &graph, &options, &err))
        fail_msg("%s: %s", engine->name, err.message);
    p = f.pass, p.kind = RT_PASS_EVALUATE, p.outcomes = true;
    for (int pixel = 5; pixel < PIXELS; pixel += 293) {
        memset(weights, 0, sizeof weights);
        for (int t = 0; t < graph.tensor_count; t++) {
            weights[pixel] = graph.tensors[t].count == 4 * PIXELS;
            rt_test_import(plan, RT_STATE_TENSOR, t, weights);
        }
        assert_int_equal(rt_plan_begin(plan, &p, &err), RT_OK);
        rt_plan_advance(plan, BATCHES);
        for (int i = 0; i < IMAGES; i++) {
            const float x = images[i * PIXELS + pixel];

            if (i % BATCH == 0)
                assert_int_equal(rt_plan_collect(plan, &step, outcomes, &err), RT_OK);
            if (outcomes[i % BATCH].margin != (given[i] ? -(x > 0 ? x : 0) : x))
                fail_msg("%s: image %d, pixel %d: %.9g for %.9g", engine->name, i, pixel,
                         (double)outcomes[i % BATCH].margin, (double)x);
        }
    }
    rt_plan_free(&plan);
    rt_graph_free(&graph);
    close_fixture(&f);
}

static void check_all_inputs(const struct rt_engine *engine)
{
    for (int i = 0; i < 4; i++)
        check_inputs(engine, i & 1, i & 2);
}

static void test_inputs(void **state)
{
    (void)state;
    for_engines(check_all_inputs);
}

/* What was advanced of a pass that another one cuts off has been done, and no more; what it came to is lost. */
static void check_abandoned(const struct rt_engine *engine)
{
    struct fixture f, other;

    open_fixture(&f, engine);
    open_fixture(&other, engine);
    rt_asynchronous.pause_us = 2000;
    begin(&other, &other.pass);
    rt_plan_advance(other.plan, 2);
    for (int i = 0; i < 2; i++)
        collect(&other, NULL);
    begin(&other, &other.pass);
    begin(&f, &f.pass);
    rt_plan_advance(f.plan, 2);
    collect(&f, NULL);
    begin(&f, &f.pass); /* at once */
    assert_int_equal(rt_plan_in_flight(f.plan), 0);
    assert_int_equal(rt_plan_left(f.plan), BATCHES);
    assert_same(&f, &other, "what was advanced before the next pass began was not done");
    rt_plan_advance(f.plan, 1);
    rt_plan_advance(other.plan, 1);
    assert_true(same_step(collect(&f, NULL), collect(&other, NULL)));
    rt_plan_advance(f.plan, 2); /* and freed with work in flight */
    close_fixture(&f);
    close_fixture(&other);
}

static void test_abandoned(void **state)
{
    (void)state;
    for_engines(check_abandoned);
}

/* Reading and writing come after all that was advanced; two plans' queues have nothing to do with each other.
 */
static void check_waits(const struct rt_engine *engine)
{
    static double zeros[VALUES_MAX], got[VALUES_MAX];
    struct fixture f, other;
    int weight;

    open_fixture(&f, engine);
    open_fixture(&other, engine);
    rt_asynchronous.pause_us = 2000;
    begin(&f, &f.pass);
    begin(&other, &other.pass);
    for (int i = 0; i < BATCHES; i++) {
        assert_int_equal(rt_plan_advance(f.plan, 1), 1);
        assert_int_equal(rt_plan_advance(other.plan, 1), 1);
        collect(&other, NULL);
    }
    for (int i = 0; i < BATCHES; i++)
        collect(&f, NULL);
    assert_same(&f, &other, "two plans at work at the same time differ");
    begin(&other, &other.pass);
    rt_plan_advance(other.plan, BATCHES);
    for (int i = 0; i < BATCHES; i++)
        collect(&other, NULL);
    begin(&f, &f.pass);
    rt_plan_advance(f.plan, BATCHES);
    assert_same(&f, &other, "tensors read with batches in flight are not those after them");
    for (int i = 0; i < BATCHES; i++)
        collect(&f, NULL);
    weight = rt_graph_find_tensor(&f.graph, "s6.weight");
    begin(&f, &f.pass);
    rt_plan_advance(f.plan, BATCHES);
    rt_test_import(f.plan, RT_STATE_TENSOR, weight, zeros);
    for (int i = 0; i < BATCHES; i++)
        collect(&f, NULL);
    rt_test_export(f.plan, RT_STATE_TENSOR, weight, got);
    for (size_t i = 0; i < f.graph.tensors[weight].count; i++)
        assert_true(got[i] == 0); /* no step came after the writing */
    close_fixture(&f);
    close_fixture(&other);
}

static void test_waits(void **state)
{
    (void)state;
    for_engines(check_waits);
}

/* Initial values of a seed, and no memory of an earlier training. */
static void check_initialize(const struct rt_engine *engine)
{
    struct fixture f, other;

    open_fixture(&f, engine);
    open_fixture(&other, engine);
    begin(&f, &f.pass);
    rt_plan_advance(f.plan, BATCHES);
    for (int i = 0; i < BATCHES; i++)
        collect(&f, NULL);
    assert_int_equal(rt_plan_initialize(f.plan, 42, NULL), RT_OK);
    assert_int_equal(rt_plan_initialize(other.plan, 42, NULL), RT_OK);
    assert_same(&f, &other, "not as new after rt_plan_initialize");
    close_fixture(&f);
    close_fixture(&other);
}

static void test_initialize(void **state)
{
    (void)state;
    for_engines(check_initialize);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches),    cmocka_unit_test(test_later_start), cmocka_unit_test(test_copies),
        cmocka_unit_test(test_inputs),     cmocka_unit_test(test_abandoned),   cmocka_unit_test(test_waits),
        cmocka_unit_test(test_initialize),
    };

    return cmocka_run_group_tests_name("engine/passes", tests, NULL, NULL);
}
