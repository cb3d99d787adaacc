/* Gradients against finite differences, on the reference engine in double: along a random direction d in each
 * tensor and in the input, (L(w + h d) - L(w - h d)) / 2h against <gradient, d>. Consistency only: the numbers
 * themselves are held against PyTorch's in test_golden.c and tests/parity. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/shapes.h"
#include "net/layers.h"
#include "net/models.h"
#include "support/engines.h"
#include "support/network.h"

/* Small enough that hardly a ReLU or maximum switches, large enough for double. */
static const double step = 1e-7, tolerance = 2e-6;

static double *reals(size_t count)
{
    double *values;

    assert_int_equal(rt_alloc(&values, count, sizeof *values, "a test's numbers", NULL), RT_OK);
    return values;
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static void move(const double *from, double h, const double *direction, double *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[i] + h * direction[i];
}

/* What is differentiated: a plan, its input, and either weights of its outputs or labels. */
struct subject {
    struct rt_plan *plan;
    int count;
    double *x, *y, *dy; /* dy null: the loss at `labels` is differentiated */
    uint8_t labels[16];
};

static double objective(struct subject *s, const double *x)
{
    const struct rt_graph *graph = s->plan->graph;
    struct rt_step metrics = {0};

    if (!s->dy) {
        const struct rt_test_batch batch = {x, s->labels, s->count, 5};

        rt_test_differentiate(s->plan, &batch, &metrics);
        return metrics.loss_sum / s->count;
    }
    rt_test_probe(s->plan, x, s->count, s->y, NULL, NULL);
    return dot(s->y, s->dy, (size_t)s->count * rt_shape_count(graph->nodes[graph->node_count - 1].shape));
}

static void compare(const char *edge, const char *what, double difference, const double *gradient,
                    const double *direction, size_t count)
{
    const double slope = dot(gradient, direction, count);
    const double scale =
        sqrt(dot(gradient, gradient, count) * dot(direction, direction, count) / (double)count);

    if (!(fabs(difference - slope) <= tolerance * (fabs(slope) + scale) + 1e-8))
        fail_msg("%s: %s: slope %.12g, finite difference %.12g", edge, what, slope, difference);
}

static void check_tensor(struct subject *s, const char *edge, int tensor, const double *gradient)
{
    const struct rt_tensor *t = &s->plan->graph->tensors[tensor];
    double *values = reals(t->count), *moved = reals(t->count), *direction = reals(t->count), high, low;

    rt_test_export(s->plan, RT_STATE_TENSOR, tensor, values);
    rt_test_fill(77 + (uint32_t)tensor, direction, t->count);
    move(values, step, direction, moved, t->count);
    rt_test_import(s->plan, RT_STATE_TENSOR, tensor, moved);
    high = objective(s, s->x);
    move(values, -step, direction, moved, t->count);
    rt_test_import(s->plan, RT_STATE_TENSOR, tensor, moved);
    low = objective(s, s->x);
    rt_test_import(s->plan, RT_STATE_TENSOR, tensor, values);
    compare(edge, t->name, (high - low) / (2 * step), gradient, direction, t->count);
    rt_free(&values);
    rt_free(&moved);
    rt_free(&direction);
}

static void check_input(struct subject *s, const char *edge, const double *dx, size_t size)
{
    double *direction = reals(size), *moved = reals(size), high, low;

    rt_test_fill(78, direction, size);
    move(s->x, step, direction, moved, size);
    high = objective(s, moved);
    move(s->x, -step, direction, moved, size);
    low = objective(s, moved);
    compare(edge, "input", (high - low) / (2 * step), dx, direction, size);
    rt_free(&direction);
    rt_free(&moved);
}

/* The gradients are taken out first: computing the objective of a model overwrites them. */
static void check_parameters(struct subject *s, const char *edge)
{
    const struct rt_graph *graph = s->plan->graph;
    double *gradients = reals(rt_graph_parameter_count(graph)), *at = gradients;

    for (int i = 0; i < graph->tensor_count; i++)
        if (rt_tensor_is_parameter(graph->tensors[i].role)) {
            rt_test_export(s->plan, RT_STATE_GRADIENT, i, at);
            at += graph->tensors[i].count;
        }
    at = gradients;
    for (int i = 0; i < graph->tensor_count; i++)
        if (rt_tensor_is_parameter(graph->tensors[i].role)) {
            check_tensor(s, edge, i, at);
            at += graph->tensors[i].count;
        }
    rt_free(&gradients);
}

static void check_row(const struct shape_row *row)
{
    const struct rt_plan_options options = {
        .batch_max = row->batch, .training = true, .input_gradient = true, .seed = 3};
    struct rt_error err = {0};
    struct rt_graph graph;
    struct subject s = {.count = row->batch};
    size_t in, out;
    double *dx;

    if (rt_test_network(&graph, row->input, row->text, &err) ||
        rt_test_plan_create(&s.plan, &rt_engine_reference_f64, &graph, &options, &err))
        fail_msg("%s: %s", row->edge, err.message);
    in = (size_t)row->batch * rt_shape_count(row->input);
    out = (size_t)row->batch * rt_shape_count(graph.nodes[graph.node_count - 1].shape);
    s.x = reals(in);
    dx = reals(in);
    s.y = reals(out);
    s.dy = reals(out);
    rt_test_fill(1, s.x, in);
    rt_test_fill(2, s.dy, out);
    rt_test_randomize(s.plan);
    rt_test_probe(s.plan, s.x, s.count, s.y, s.dy, dx);
    check_parameters(&s, row->edge);
    check_input(&s, row->edge, dx, in);
    rt_test_plan_free(&s.plan);
    rt_graph_free(&graph);
    rt_free(&s.x);
    rt_free(&dx);
    rt_free(&s.y);
    rt_free(&s.dy);
}

static void test_ops(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPE_ROWS; i++)
        check_row(&shape_rows[i]);
}

struct model_row {
    const char *name;
    bool batch_norm;
    float dropout;
    int side; /* of the images: the smallest that the model takes keeps this quick */
};

static const struct model_row model_rows[] = {
    {"MLP1", true, 0, 8},           {"MLP3", true, 0.3F, 8},         {"AlexNet", true, 0.2F, 24},
    {"Inception", true, 0.5F, 8},   {"Inception", false, 0, 8},      {"WRN", true, 0.3F, 9}, /* an odd side */
    {"InceptionPaper", true, 0, 8}, {"InceptionPaper", false, 0, 8}, {"AlexNetPaper", true, 0, 9},
};

static void check_model(const struct model_row *row)
{
    const struct rt_plan_options options = {.batch_max = 2, .training = true, .seed = 3};
    const size_t in = (size_t)(2 * 3 * row->side * row->side);
    struct subject s = {.count = 2, .labels = {1, 9}};
    struct rt_error err = {0};
    struct rt_graph graph = {0};
    int x = rt_input(&graph, 3, row->side, row->side);

    x = rt_model_find(row->name)->build(
        &graph, x, &(struct rt_model_options){.batch_norm = row->batch_norm, .dropout = row->dropout});
    rt_softmax_cross_entropy(&graph, x);
    if (rt_graph_finish(&graph, &err) ||
        rt_test_plan_create(&s.plan, &rt_engine_reference_f64, &graph, &options, &err) ||
        rt_plan_initialize(s.plan, 42, &err))
        fail_msg("%s: %s", row->name, err.message);
    s.x = reals(in);
    rt_test_fill(1, s.x, in);
    objective(&s, s.x);
    check_parameters(&s, row->name);
    rt_test_plan_free(&s.plan);
    rt_graph_free(&graph);
    rt_free(&s.x);
}

static void test_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof model_rows / sizeof *model_rows; i++)
        check_model(&model_rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ops), cmocka_unit_test(test_models)};

    return cmocka_run_group_tests_name("engine/gradients", tests, NULL, NULL);
}
