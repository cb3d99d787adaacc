/* Every engine against PyTorch's numbers in tests/golden (written by tests/parity/make_golden.py): each op's
 * outputs and gradients, and the losses of the first training steps of every model from seed 42. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/engines.h"
#include "support/network.h"

/* Of a projection, relative to the norms; and of a loss. Float attributes (eps, alpha) differ from PyTorch's
 * double ones in the eighth digit. */
static const double bound_float = 5e-5, bound_double = 1e-6, bound_loss = 1e-4;
/* TF32's factors have 10 bits of fraction (see test_compare.c); losses of steps differ as those of PyTorch's
 * own TF32. */
static const double bound_tf32 = 5e-3, bound_loss_tf32 = 5e-3;

enum { VALUES_MAX = 4096, STEPS_MAX = 10, BATCH_MAX = 16, IMAGE = 3 * 28 * 28 };

struct subject {
    const struct rt_engine *engine;
    struct rt_graph graph;
    struct rt_plan *plan;
    bool training;
    char text[256];
    double y[VALUES_MAX], dx[VALUES_MAX];
    int checked;
};

static void close_subject(struct subject *s)
{
    rt_test_plan_free(&s->plan);
    rt_graph_free(&s->graph);
}

/* "network training 3 3 6 5 conv ...": plans it and computes all that the next lines ask for. */
static void open_subject(struct subject *s, const char *line)
{
    struct rt_plan_options options = {.input_gradient = true, .winograd = true};
    struct rt_error err = {0};
    struct rt_shape shape;
    double x[VALUES_MAX], dy[VALUES_MAX];
    char mode[16];
    size_t out;
    int text;

    close_subject(s);
    assert_int_equal(sscanf(line, "network %15s %d %d %d %d %n", mode, &options.batch_max, &shape.channels,
                            &shape.height, &shape.width, &text),
                     5);
    s->training = options.training = options.input_gradient = !strcmp(mode, "training");
    snprintf(s->text, sizeof s->text, "%.*s", (int)strcspn(line + text, "\n"), line + text);
    if (rt_test_network(&s->graph, shape, s->text, &err) ||
        rt_test_plan_create(&s->plan, s->engine, &s->graph, &options, &err))
        fail_msg("%s: %s", s->text, err.message);
    out = (size_t)options.batch_max * rt_shape_count(s->graph.nodes[s->graph.node_count - 1].shape);
    assert_true(out <= VALUES_MAX && (size_t)options.batch_max * rt_shape_count(shape) <= VALUES_MAX);
    rt_test_fill(1, x, (size_t)options.batch_max * rt_shape_count(shape));
    rt_test_fill(2, dy, out);
    rt_test_randomize(s->plan);
    rt_test_probe(s->plan, x, options.batch_max, s->y, s->training ? dy : NULL, s->training ? s->dx : NULL);
}

/* The values that a line names: y, dx, or a tensor's gradient (parameters) or value (statistics). */
static void values_of(const struct subject *s, const char *what, double *values, size_t count)
{
    const int tensor = rt_graph_find_tensor(&s->graph, what);

    if (!strcmp(what, "y") || !strcmp(what, "dx")) {
        memcpy(values, strcmp(what, "y") ? s->dx : s->y, count * sizeof *values);
        return;
    }
    assert_true(tensor >= 0 && s->graph.tensors[tensor].count == count);
    rt_test_export(s->plan,
                   rt_tensor_is_parameter(s->graph.tensors[tensor].role) ? RT_STATE_GRADIENT : RT_STATE_TENSOR,
                   tensor, values);
}

static void check_line(struct subject *s, const char *line)
{
    const double bound = s->engine->real_size != sizeof(float)      ? bound_double
                         : rt_test_precision() == RT_PRECISION_TF32 ? bound_tf32
                                                                    : bound_float;
    double values[VALUES_MAX], direction[VALUES_MAX], norm, want[3], sum = 0;
    char what[64];
    size_t count;

    assert_int_equal(sscanf(line, "%63s %zu %lf %lf %lf %lf", what, &count, &norm, want, want + 1, want + 2),
                     6);
    assert_true(count <= VALUES_MAX);
    values_of(s, what, values, count);
    for (size_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    if (!(fabs(sqrt(sum) - norm) <= bound * norm))
        fail_msg("%s, %s: norm of %s is %.9g, PyTorch's %.9g", s->engine->name, s->text, what, sqrt(sum), norm);
    for (uint32_t k = 0; k < 3; k++) {
        double product = 0;

        rt_test_fill(9000 + k, direction, count);
        for (size_t i = 0; i < count; i++)
            product += values[i] * direction[i];
        if (!(fabs(product - want[k]) <= bound * norm))
            fail_msg("%s, %s: projection %u of %s is %.9g, PyTorch's %.9g", s->engine->name, s->text, k, what,
                     product, want[k]);
    }
    s->checked++;
}

static void check_ops(const struct rt_engine *engine)
{
    struct subject s = {.engine = engine};
    FILE *f = fopen(RT_GOLDEN "/ops.txt", "r");
    char line[512];

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (!strncmp(line, "network ", 8))
            open_subject(&s, line);
        else
            check_line(&s, line);
    close_subject(&s);
    assert_true(s.checked > 100);
    fclose(f);
}

static void test_ops(void **state)
{
    (void)state;
    for (size_t i = 0; rt_test_engines()[i]; i++)
        check_ops(rt_test_engines()[i]);
    check_ops(&rt_engine_reference_f64);
}

static void check_losses(const struct rt_engine *engine, const char *model, int batch, const double *losses,
                         int steps)
{
    const struct rt_update sgd = {.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 5e-4};
    const struct rt_plan_options options = {.batch_max = batch, .training = true, .winograd = true};
    struct rt_test_buffer x = rt_test_buffer(engine, (size_t)batch * IMAGE);
    struct rt_graph graph = {0};
    struct rt_plan *plan = NULL;
    struct rt_error err = {0};
    uint8_t labels[BATCH_MAX];
    const double bound = rt_test_precision() == RT_PRECISION_TF32 ? bound_loss_tf32 : bound_loss;
    double *images, worst = 0;

    assert_int_equal(rt_alloc(&images, (size_t)batch * IMAGE, sizeof *images, "images", &err), RT_OK);
    if (rt_test_model(&graph, model, &err) || rt_test_plan_create(&plan, engine, &graph, &options, &err) ||
        rt_plan_initialize(plan, 42, &err))
        fail_msg("%s: %s", model, err.message);
    for (int i = 0; i < steps; i++) {
        struct rt_step metrics = {0};

        assert_int_equal(rt_test_batch(100 + 2 * (uint32_t)i, batch, images, labels, &err), RT_OK);
        rt_test_buffer_set(&x, images);
        rt_test_train(plan, &(struct rt_test_batch){x.values, labels, batch, (uint64_t)i}, &sgd, &metrics);
        metrics.loss_sum /= batch;
        if (!(fabs(metrics.loss_sum - losses[i]) <= bound * losses[i]))
            fail_msg("%s, %s: loss of step %d is %.8g, PyTorch's %.8g", engine->name, model, i + 1,
                     metrics.loss_sum, losses[i]);
        worst = fmax(worst, fabs(metrics.loss_sum - losses[i]) / losses[i]);
    }
    print_message("# %s %s: largest difference of %d losses %.1e of %.0e\n", engine->name, model, steps, worst,
                  bound);
    rt_test_plan_free(&plan);
    rt_graph_free(&graph);
    rt_test_buffer_free(&x);
    rt_free(&images);
}

static void test_losses(void **state)
{
    FILE *f = fopen(RT_GOLDEN "/losses.txt", "r");
    double losses[STEPS_MAX];
    char model[64];
    int batch, steps, models = 0;

    (void)state;
    assert_non_null(f);
    while (fscanf(f, "%63s %d %d", model, &batch, &steps) == 3) {
        assert_true(batch <= BATCH_MAX && steps >= 1 && steps <= STEPS_MAX);
        for (int i = 0; i < steps; i++)
            assert_int_equal(fscanf(f, "%lf", &losses[i]), 1);
        for (size_t e = 0; rt_test_engines()[e]; e++)
            check_losses(rt_test_engines()[e], model, batch, losses, steps);
        models++;
    }
    assert_int_equal(models, 6);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ops), cmocka_unit_test(test_losses)};

    return cmocka_run_group_tests_name("engine/golden", tests, NULL, NULL);
}
