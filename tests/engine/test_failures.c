/* What engine.c alone sees to, whatever the engine: a failure is remembered, a pass that could not begin has
 * not, and plans that cannot be are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "passes.h"

/* An engine of which one call fails once, and none after it: only engine.c can remember that. */
enum failing { BEGIN, COLLECT, READ, WRITE, PROBE, NONE };
static enum failing failing;
static int calls; /* that reached the engine after the failure */

static int broken(enum failing call, struct rt_error *err)
{
    calls += failing == NONE;
    if (failing != call)
        return RT_OK;
    failing = NONE;
    return rt_fail(err, RT_EDEVICE, "device flaky: once");
}

static int flaky_begin(struct rt_plan *plan, const struct rt_pass *pass, struct rt_error *err)
{
    RT_TRY(broken(BEGIN, err));
    return rt_engine_native.begin(plan, pass, err);
}

static void flaky_advance(struct rt_plan *plan, int batches)
{
    calls += failing == NONE;
    rt_engine_native.advance(plan, batches);
}

static int flaky_collect(struct rt_plan *plan, struct rt_step *step, struct rt_image_outcome *outcomes,
                         struct rt_error *err)
{
    RT_TRY(broken(COLLECT, err));
    return rt_engine_native.collect(plan, step, outcomes, err);
}

static int flaky_read(struct rt_plan *plan, enum rt_state state, int tensor, void *values, struct rt_error *err)
{
    RT_TRY(broken(READ, err));
    return rt_engine_native.read(plan, state, tensor, values, err);
}

static int flaky_write(struct rt_plan *plan, enum rt_state state, int tensor, const void *values,
                       struct rt_error *err)
{
    RT_TRY(broken(WRITE, err));
    return rt_engine_native.write(plan, state, tensor, values, err);
}

static int flaky_probe(struct rt_plan *plan, const void *x, int count, void *y, const void *dy, void *dx,
                       struct rt_error *err)
{
    RT_TRY(broken(PROBE, err));
    return rt_engine_native.probe(plan, x, count, y, dy, dx, err);
}

static int call(struct fixture *f, enum failing which, struct rt_error *err)
{
    static float values[VALUES_MAX], image[3 * RT_CROP * RT_CROP];
    struct rt_step step = {0};

    switch (which) {
    case BEGIN:
        return rt_plan_begin(f->plan, &f->pass, err);
    case COLLECT:
        return rt_plan_collect(f->plan, &step, NULL, err);
    case READ:
        return rt_plan_read(f->plan, RT_STATE_TENSOR, 0, values, err);
    case WRITE:
        return rt_plan_write(f->plan, RT_STATE_TENSOR, 0, values, err);
    case PROBE:
        return rt_plan_probe(f->plan, image, 1, values, NULL, NULL, err);
    case NONE:
        break;
    }
    return RT_OK;
}

/* A device that failed in a call that waits is not asked again, and nothing more is enqueued. */
static void test_failures_are_remembered(void **state)
{
    static struct rt_engine flaky;

    (void)state;
    flaky = rt_engine_native;
    flaky.begin = flaky_begin, flaky.advance = flaky_advance, flaky.collect = flaky_collect;
    flaky.read = flaky_read, flaky.write = flaky_write, flaky.probe = flaky_probe;
    for (enum failing first = COLLECT; first <= PROBE; first++) {
        struct fixture f;
        struct rt_error err = {0};

        failing = NONE;
        open_fixture(&f, &flaky);
        begin(&f, &f.pass);
        rt_plan_advance(f.plan, 2);
        failing = first;
        assert_int_equal(call(&f, first, &err), RT_EDEVICE);
        calls = 0;
        for (enum failing next = BEGIN; next <= PROBE; next++) {
            err = (struct rt_error){0};
            if (call(&f, next, &err) != RT_EDEVICE || strcmp(err.message, "device flaky: once") != 0)
                fail_msg("call %d after call %d had failed: %s", next, first, err.message);
            assert_int_equal(call(&f, next, NULL), RT_EDEVICE); /* whoever does not ask why */
        }
        assert_int_equal(rt_plan_advance(f.plan, 1), 0);
        assert_int_equal(calls, 0);
        close_fixture(&f);
    }
}

/* A pass that could not begin has not begun: nothing of it is enqueued or collected, and the next may begin. */
static void test_begin_may_fail(void **state)
{
    static struct rt_engine flaky;
    struct rt_error err = {0};
    struct fixture f;

    (void)state;
    flaky = rt_engine_native;
    flaky.begin = flaky_begin, flaky.advance = flaky_advance;
    failing = NONE;
    open_fixture(&f, &flaky);
    begin(&f, &f.pass);
    rt_plan_advance(f.plan, 1);
    failing = BEGIN;
    assert_int_equal(rt_plan_begin(f.plan, &f.pass, &err), RT_EDEVICE);
    calls = 0;
    assert_int_equal(rt_plan_left(f.plan), 0);
    assert_int_equal(rt_plan_in_flight(f.plan), 0);
    assert_int_equal(rt_plan_advance(f.plan, 1), 0);
    assert_int_equal(calls, 0);
    begin(&f, &f.pass);
    assert_int_equal(rt_plan_advance(f.plan, BATCHES), BATCHES);
    close_fixture(&f);
}

/* A batch that the device did not finish is never collected as if it had. */
static void test_late_failures(void **state)
{
    (void)state;
    for (int at = 0; at < BATCHES; at++) {
        struct rt_step sum = {0};
        struct rt_error err = {0};
        struct fixture f;
        int collected = 0;

        open_fixture(&f, &rt_engine_asynchronous);
        rt_asynchronous.fail_at = at;
        begin(&f, &f.pass);
        assert_int_equal(rt_plan_advance(f.plan, BATCHES), BATCHES);
        while (collected < BATCHES && !rt_plan_collect(f.plan, &sum, NULL, &err))
            collected++;
        assert_true(collected <= at && sum.count == (long)collected * BATCH);
        assert_int_equal(err.status, RT_EDEVICE);
        close_fixture(&f);
    }
}

/* ---- planning ---- */

static void check_options(const struct rt_engine *engine)
{
    struct rt_plan_options options = {.batch_max = 0};
    struct rt_plan *plan = NULL, *without_loss = NULL;
    struct rt_error err = {0};
    struct rt_graph headless;
    struct fixture f;
    struct rt_pass p;

    open_fixture(&f, engine);
    assert_int_equal(rt_plan_create(&plan, f.plan->device, &f.graph, &options, &err), RT_ECONFIG);
    assert_non_null(strstr(err.message, "batch_size: 0"));
    assert_null(plan);
    options.batch_max = BATCH; /* and so pass_max */
    assert_int_equal(rt_plan_create(&plan, f.plan->device, &f.graph, &options, NULL), RT_OK);
    p = f.pass, p.kind = RT_PASS_EVALUATE, p.count = BATCH + 1;
    assert_int_equal(rt_plan_begin(plan, &p, &err), RT_ECONFIG);
    assert_non_null(strstr(err.message, "a pass of 5 images, expected 1 to 4"));
    p.count = BATCH;
    assert_int_equal(rt_plan_begin(plan, &p, NULL), RT_OK);
    rt_plan_free(&plan);
    assert_int_equal(rt_test_network(&headless, f.graph.nodes[0].shape, "flatten; linear 4", NULL), RT_OK);
    assert_int_equal(rt_plan_create(&without_loss, f.plan->device, &headless, &options, NULL), RT_OK);
    assert_int_equal(rt_plan_begin(without_loss, &p, &err), RT_ECONFIG);
    assert_non_null(strstr(err.message, "can only be probed"));
    rt_plan_free(&without_loss);
    rt_graph_free(&headless);
    close_fixture(&f);
}

static void test_options(void **state)
{
    (void)state;
    for_engines(check_options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_failures),
        cmocka_unit_test(test_failures_are_remembered),
        cmocka_unit_test(test_begin_may_fail),
        cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests_name("engine/failures", tests, NULL, NULL);
}
