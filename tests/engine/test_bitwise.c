/* The same seed gives the same bytes on any number of threads: each model's tensors, momentum, metrics and
 * outcomes after a few steps and an evaluation, for batches that leave remainders everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/engine.h"
#include "support/network.h"
#include "support/plans.h"

enum { BATCH = 128, TEAMS = 3, IMAGE = 3 * 28 * 28, STEPS = 3 };

/* The images of the steps: a whole batch; the last batch of CIFAR-10's 50,000; and fewer than one block of
 * anything, so that some threads have nothing to do. Under valgrind an eighth, which takes minutes instead of
 * hours. */
static const int counts[STEPS] = {128, 80, 7}, few_counts[STEPS] = {16, 10, 1};

static const int *step_counts(void)
{
    return getenv("RT_VALGRIND") ? few_counts : counts;
}

static const char *const models[] = {"MLP1", "MLP3", "AlexNet", "Inception", "InceptionNoBN", "WRN"};

/* Tiles of several kinds (10 = 2 x 4 + 2 under 5x5 filters), small filters, and a wide neighbour, so that of 80
 * images neither chunks nor what is taken together ends where blocks do (an eighth of them are one block). */
static const char *const mixed =
    "conv 16 3 3 2 0; relu; conv 16 5 1 2 0 @2; conv 144 1 1 0 0 @2; concat @3 @4; bn 1e-5; relu; avg_pool 10; "
    "flatten; linear 10; loss";

struct subject {
    struct rt_graph graph;
    struct rt_plan *plan, *evaluation;
    float *images;
    uint8_t labels[BATCH];
};

static void open_subject(struct subject *s, const char *model, bool winograd, int threads)
{
    struct rt_plan_options options = {
        .batch_max = step_counts()[0], .training = true, .winograd = winograd, .seed = 3};
    double *images = NULL;
    struct rt_error err = {0};

    *s = (struct subject){0};
    if (rt_alloc(&images, (size_t)BATCH * IMAGE, sizeof *images, "images", &err) ||
        rt_alloc_aligned(&s->images, (size_t)BATCH * IMAGE, sizeof *s->images, "images", &err) ||
        rt_test_batch(7, BATCH, images, s->labels, &err) ||
        (model == mixed ? rt_test_network(&s->graph, (struct rt_shape){3, 28, 28}, model, &err)
                        : rt_test_model(&s->graph, model, &err)) ||
        rt_test_plan_create_on(&s->plan, &rt_engine_native, threads, &s->graph, &options, &err) ||
        rt_plan_initialize(s->plan, 42, &err))
        fail_msg("%s: %s", model, err.message);
    for (size_t i = 0; i < (size_t)BATCH * IMAGE; i++)
        s->images[i] = (float)images[i];
    rt_free(&images);
    options.training = false;
    options.parameters_of = s->plan;
    if (rt_test_plan_create(&s->evaluation, &rt_engine_native, &s->graph, &options, &err))
        fail_msg("%s: %s", model, err.message);
}

static void close_subject(struct subject *s)
{
    rt_test_plan_free(&s->evaluation);
    rt_test_plan_free(&s->plan);
    rt_graph_free(&s->graph);
    rt_free(&s->images);
}

/* ---- what must be the same ---- */

enum { PARTS_MAX = 512 };

/* All that the steps left, piece by piece, so that a difference can be named. */
struct outcome {
    struct rt_step trained, evaluated;
    struct rt_image_outcome outcomes[BATCH];
    int count;
    struct part {
        const char *what;
        int tensor;
        size_t size;
        void *bytes;
    } parts[PARTS_MAX];
};

static void keep(struct outcome *outcome, const struct subject *s, enum rt_state state, int tensor,
                 const char *what)
{
    const struct rt_tensor *t = &s->graph.tensors[tensor];
    struct part *part = &outcome->parts[outcome->count++];

    assert_true(outcome->count <= PARTS_MAX);
    *part = (struct part){what, tensor,
                          t->role == RT_TENSOR_BATCHES ? sizeof(int64_t) : t->count * sizeof(float), NULL};
    assert_int_equal(rt_alloc(&part->bytes, 1, part->size, "a tensor", NULL), RT_OK);
    assert_int_equal(rt_plan_read(s->plan, state, tensor, part->bytes, NULL), RT_OK);
}

static void run(struct subject *s, struct outcome *outcome)
{
    const struct rt_update sgd = {.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 5e-4};

    *outcome = (struct outcome){0};
    for (size_t i = 0; i < STEPS; i++) {
        const struct rt_test_batch batch = {
            .images = s->images, .labels = s->labels, .count = step_counts()[i], .serial = i};

        rt_test_train(s->plan, &batch, &sgd, &outcome->trained);
        rt_test_evaluate(s->evaluation, &batch, &outcome->evaluated, outcome->outcomes);
    }
    for (int i = 0; i < s->graph.tensor_count; i++) {
        const bool parameter = rt_tensor_is_parameter(s->graph.tensors[i].role);

        keep(outcome, s, RT_STATE_TENSOR, i, parameter ? "the parameter" : "the statistic");
        if (parameter)
            keep(outcome, s, RT_STATE_OPTIMIZER, i, "the momentum of");
    }
}

static void free_outcome(struct outcome *outcome)
{
    for (int i = 0; i < outcome->count; i++)
        rt_free(&outcome->parts[i].bytes);
}

static bool same_metrics(const struct rt_step *a, const struct rt_step *b)
{
    return a->loss_sum == b->loss_sum && a->correct == b->correct;
}

static void compare(const struct rt_graph *graph, const struct outcome *got, const struct outcome *want,
                    const char *how)
{
    assert_int_equal(got->count, want->count);
    for (int i = 0; i < got->count; i++)
        if (memcmp(got->parts[i].bytes, want->parts[i].bytes, got->parts[i].size) != 0)
            fail_msg("%s: other bytes in %s %s", how, got->parts[i].what,
                     graph->tensors[got->parts[i].tensor].name);
    if (!same_metrics(&got->trained, &want->trained))
        fail_msg("%s: training loss %.17g, on one thread %.17g", how, got->trained.loss_sum,
                 want->trained.loss_sum);
    if (!same_metrics(&got->evaluated, &want->evaluated) ||
        !rt_test_same_bytes(got->outcomes, want->outcomes, sizeof got->outcomes))
        fail_msg("%s: evaluation's loss %.17g, on one thread %.17g", how, got->evaluated.loss_sum,
                 want->evaluated.loss_sum);
}

/* ---- each model, on teams of 1, 2 and 3 ---- */

static void check_model(const char *model, bool winograd)
{
    struct outcome *one = NULL, *more = NULL;

    assert_int_equal(rt_alloc(&one, 1, sizeof *one, "an outcome", NULL), RT_OK);
    assert_int_equal(rt_alloc(&more, 1, sizeof *more, "an outcome", NULL), RT_OK);
    for (int threads = 1; threads <= TEAMS; threads++) {
        struct subject s;
        char how[192];

        snprintf(how, sizeof how, "%s%s, %d threads", model, winograd ? "" : " without Winograd", threads);
        open_subject(&s, model, winograd, threads);
        run(&s, threads == 1 ? one : more);
        if (threads > 1) {
            compare(&s.graph, more, one, how);
            free_outcome(more);
        }
        close_subject(&s);
    }
    /* the steps did something, or equal bytes would say nothing */
    assert_true(one->trained.loss_sum > 0 && one->trained.loss_sum < 1e4);
    free_outcome(one);
    rt_free(&one);
    rt_free(&more);
}

static void test_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        check_model(models[i], true);
        print_message("# %s\n", models[i]);
    }
}

static void test_mixed_tiles(void **state)
{
    (void)state;
    check_model(mixed, true);
}

static void test_without_winograd(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strncmp(models[i], "MLP", 3) != 0)
            check_model(models[i], false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_models), cmocka_unit_test(test_mixed_tiles),
                                       cmocka_unit_test(test_without_winograd)};

    return cmocka_run_group_tests_name("engine/bitwise", tests, NULL, NULL);
}
