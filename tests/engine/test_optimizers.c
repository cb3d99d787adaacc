/* Every optimiser on every engine against the reference in double: a few steps with weight decay, weights and
 * states of all kinds of parameters; and from states that are written into another plan, the same bytes on. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engines.h"
#include "support/network.h"

enum { BATCH = 5, SIDE = 8, PIXELS = 3 * SIDE * SIDE, STEPS = 4, COUNT_MAX = 2400 };

/* Of the largest weight or state. A step's error is that of a gradient in float, 1e-6; Adam divides by its
 * size.
 */
static const double bound = 3e-5;

/* Weights with and without bias, of convolutions and a linear layer, in fours and not; a scale and a shift. */
static const char network[] = "conv 8 3 1 1 0; bn 1e-5; relu; conv 6 3 2 1 1; relu; flatten; linear 10; loss";

static const uint8_t labels[BATCH] = {1, 0, 9, 4, 4};

struct fixture {
    struct rt_graph graph;
    struct rt_plan *plan;
    struct rt_test_buffer x;
};

static void open_fixture(struct fixture *f, const struct rt_engine *engine, enum rt_optimizer_index optimizer)
{
    const struct rt_plan_options options = {
        .batch_max = BATCH, .training = true, .optimizer = &rt_optimizers[optimizer]};
    double images[BATCH * PIXELS];
    struct rt_error err;

    if (rt_test_network(&f->graph, (struct rt_shape){3, SIDE, SIDE}, network, &err) ||
        rt_test_plan_create(&f->plan, engine, &f->graph, &options, &err))
        fail_msg("%s: %s", engine->name, err.message);
    rt_test_fill(9, images, BATCH * PIXELS);
    f->x = rt_test_buffer(engine, BATCH * PIXELS);
    rt_test_buffer_set(&f->x, images);
    rt_test_randomize(f->plan);
}

static void close_fixture(struct fixture *f)
{
    rt_test_buffer_free(&f->x);
    rt_test_plan_free(&f->plan);
    rt_graph_free(&f->graph);
}

/* Steps first .. end - 1; the last batch is a short one. */
static void train(struct fixture *f, int first, int end)
{
    const struct rt_update update = {.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 0.1};

    for (int i = first; i < end; i++) {
        const int count = i == STEPS - 1 ? BATCH - 2 : BATCH;
        struct rt_step step = {0};

        rt_test_train(f->plan, &(struct rt_test_batch){f->x.values, labels, count, (uint64_t)i}, &update,
                      &step);
        assert_int_equal(step.count, count);
    }
}

/* The tensor itself, then a parameter's states. */
static int states_of(const struct fixture *f, int tensor)
{
    return rt_tensor_is_parameter(f->graph.tensors[tensor].role) ? f->plan->options.optimizer->state_count : 0;
}

static enum rt_state state_at(int k)
{
    return k ? (enum rt_state)(RT_STATE_OPTIMIZER + k - 1) : RT_STATE_TENSOR;
}

static double compare(const struct fixture *f, const struct fixture *exact)
{
    const char *const name = f->plan->options.optimizer->name;
    double got[COUNT_MAX], want[COUNT_MAX], worst = 0;

    for (int i = 0; i < f->graph.tensor_count; i++)
        for (int k = 0; k <= states_of(f, i); k++) {
            const size_t count = f->graph.tensors[i].count;
            double largest = 1e-3;

            assert_true(count <= COUNT_MAX);
            rt_test_export(f->plan, state_at(k), i, got);
            rt_test_export(exact->plan, state_at(k), i, want);
            for (size_t j = 0; j < count; j++)
                largest = fmax(largest, fabs(want[j]));
            for (size_t j = 0; j < count; j++) {
                if (!(fabs(got[j] - want[j]) <= bound * largest))
                    fail_msg("%s, %s: %s[%zu], state %d: %.9g, expected %.9g", f->plan->device->engine->name,
                             name, f->graph.tensors[i].name, j, k, got[j], want[j]);
                worst = fmax(worst, fabs(got[j] - want[j]) / largest);
            }
        }
    return worst;
}

static void check_optimizer(const struct rt_engine *engine, enum rt_optimizer_index optimizer)
{
    struct fixture f, exact;

    open_fixture(&f, engine, optimizer);
    open_fixture(&exact, &rt_engine_reference_f64, optimizer);
    train(&f, 0, STEPS);
    train(&exact, 0, STEPS);
    print_message("# %s, %s: largest difference %.1e of %.0e\n", engine->name, rt_optimizers[optimizer].name,
                  compare(&f, &exact), bound);
    close_fixture(&f);
    close_fixture(&exact);
}

static void test_against_double(void **state)
{
    (void)state;
    for (size_t e = 0; rt_test_engines()[e]; e++) {
#define CHECK(optimizer, state0, state1, help) check_optimizer(rt_test_engines()[e], RT_OPTIMIZER_##optimizer);
        RT_OPTIMIZERS(CHECK)
#undef CHECK
    }
}

static void copy_states(struct fixture *to, const struct fixture *from)
{
    double values[COUNT_MAX];

    for (int i = 0; i < from->graph.tensor_count; i++)
        for (int k = 0; k <= states_of(from, i); k++) {
            rt_test_export(from->plan, state_at(k), i, values);
            rt_test_import(to->plan, state_at(k), i, values);
        }
}

static void check_resumed(const struct rt_engine *engine, enum rt_optimizer_index optimizer)
{
    struct fixture whole, resumed;
    double want[COUNT_MAX], got[COUNT_MAX];

    open_fixture(&whole, engine, optimizer);
    open_fixture(&resumed, engine, optimizer);
    train(&whole, 0, 2);
    copy_states(&resumed, &whole);
    train(&whole, 2, STEPS);
    train(&resumed, 2, STEPS);
    for (int i = 0; i < whole.graph.tensor_count; i++)
        for (int k = 0; k <= states_of(&whole, i); k++) {
            rt_test_export(whole.plan, state_at(k), i, want);
            rt_test_export(resumed.plan, state_at(k), i, got);
            if (memcmp(got, want, whole.graph.tensors[i].count * sizeof *got) != 0)
                fail_msg("%s, %s: %s, state %d: other bytes after a resume", engine->name,
                         rt_optimizers[optimizer].name, whole.graph.tensors[i].name, k);
        }
    close_fixture(&whole);
    close_fixture(&resumed);
}

static void test_resumed(void **state)
{
    (void)state;
    for (size_t e = 0; rt_test_engines()[e]; e++) {
#define CHECK(optimizer, state0, state1, help) check_resumed(rt_test_engines()[e], RT_OPTIMIZER_##optimizer);
        RT_OPTIMIZERS(CHECK)
#undef CHECK
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_double), cmocka_unit_test(test_resumed)};

    return cmocka_run_group_tests_name("engine/optimizers", tests, NULL, NULL);
}
