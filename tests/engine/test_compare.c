/* Every engine against the reference in double, on the rows of shapes.h: outputs, all gradients, running
 * statistics, training and evaluation. Buffers are poisoned and fenced, plans dirtied with a larger batch of
 * NaN first, and the bytes must not depend on the number of threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/shapes.h"
#include "support/engines.h"
#include "support/network.h"

/* Largest absolute difference over the largest absolute value. Winograd's transforms lose about two digits more
 * than direct sums. */
static const double bound_direct = 5e-6, bound_winograd = 5e-5;
/* TF32 keeps 10 bits of a factor's fraction: each product is off by up to 2^-10, a sum's errors partly cancel,
 * and networks of several layers add theirs. */
static const double bound_tf32 = 5e-3;
/* bf16 rounds each value that it stores by up to 2^-9 of it, once a layer forward and once backward: of norms,
 * for each layer. Where a ReLU or a max pool chooses by rounded values, about 2^-8 of the gradients go
 * elsewhere: their root in norm. */
static const double bound_bf16 = 1.0 / 256, bound_bf16_choice = 1.0 / 16;

enum {
    TEAMS = 4,
    LARGER = 2,      /* images by which the plan is larger than the batch */
    LARGE = 1 << 17, /* pixels, of 16 channels, that make a gradient large */
};

/* All that a batch gives, one after the other. */
struct results {
    size_t count;
    double *values;
};

static double *reals(size_t count)
{
    double *values;

    assert_int_equal(rt_alloc(&values, count, sizeof *values, "a test's numbers", NULL), RT_OK);
    return values;
}

/* The results of a row: y, dx, then per tensor its gradient (parameters) or value (buffers). */
static size_t results_count(const struct rt_graph *graph, int batch, bool training)
{
    size_t count = (size_t)batch * rt_shape_count(graph->nodes[graph->node_count - 1].shape);

    if (training)
        count += (size_t)batch * rt_shape_count(graph->nodes[0].shape);
    for (int i = 0; i < graph->tensor_count; i++)
        count += graph->tensors[i].count;
    return count;
}

/* Leaves NaN everywhere in the plan's own memory that a batch reaches. */
static void dirty(struct rt_plan *plan, size_t in, size_t out)
{
    double *x = reals(in), *y = reals(out), *dx = reals(in);
    const bool training = plan->options.training;

    for (size_t i = 0; i < in; i++)
        x[i] = NAN;
    for (size_t i = 0; i < out; i++)
        y[i] = NAN;
    rt_test_probe(plan, x, plan->options.batch_max, y, training ? y : NULL, training ? dx : NULL);
    rt_free(&x);
    rt_free(&y);
    rt_free(&dx);
}

static void run(struct rt_plan *plan, int batch, struct results *r)
{
    const struct rt_graph *graph = plan->graph;
    const size_t one_in = rt_shape_count(graph->nodes[0].shape);
    const size_t one_out = rt_shape_count(graph->nodes[graph->node_count - 1].shape);
    const size_t in = (size_t)batch * one_in, out = (size_t)batch * one_out;
    const bool training = plan->options.training;
    double *x = reals(in), *dy = reals(out), *at = r->values + out;

    rt_test_fill(1, x, in);
    rt_test_fill(2, dy, out);
    rt_test_round(x, in);
    rt_test_round(dy, out);
    dirty(plan, (size_t)plan->options.batch_max * one_in, (size_t)plan->options.batch_max * one_out);
    rt_test_randomize(plan);
    rt_test_probe(plan, x, batch, r->values, training ? dy : NULL, training ? at : NULL);
    at += training ? in : 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const bool gradient = training && rt_tensor_is_parameter(graph->tensors[i].role);

        rt_test_export(plan, gradient ? RT_STATE_GRADIENT : RT_STATE_TENSOR, i, at);
        at += graph->tensors[i].count;
    }
    assert_ptr_equal(at, r->values + r->count);
    rt_free(&x);
    rt_free(&dy);
}

static struct results results_of(const struct shape_row *row, const struct rt_engine *engine, int threads,
                                 struct rt_plan_options options)
{
    struct results r = {0};
    struct rt_error err = {0};
    struct rt_plan *plan = NULL;
    struct rt_graph graph;

    if (rt_test_network(&graph, row->input, row->text, &err) ||
        rt_test_plan_create_on(&plan, engine, threads, &graph, &options, &err))
        fail_msg("%s: %s", row->edge, err.message);
    r.count = results_count(&graph, row->batch, options.training);
    r.values = reals(r.count);
    run(plan, row->batch, &r);
    rt_test_plan_free(&plan);
    rt_graph_free(&graph);
    return r;
}

/* The norm of the difference over the norm; over 1 for what is zero in exact arithmetic. */
static double norm_difference(const double *got, const double *want, size_t count)
{
    double gone = 0, norm = 0;

    for (size_t i = 0; i < count; i++) {
        gone += (got[i] - want[i]) * (got[i] - want[i]);
        norm += want[i] * want[i];
    }
    return sqrt(gone) / (norm < 1e-20 ? 1 : sqrt(norm));
}

/* The largest difference over the largest value; NaN if either side has one. All is of order one here; the
 * floor is for gradients that are zero in exact arithmetic (of a bias before a batch norm). */
static double largest_difference(const double *got, const double *want, size_t count)
{
    double largest = 0.1, worst = 0;

    for (size_t i = 0; i < count; i++) {
        const double d = fabs(got[i] - want[i]);

        largest = fmax(largest, fabs(want[i]));
        worst = d <= worst ? worst : d; /* NaN stays */
    }
    return worst / largest;
}

static double difference(const double *got, const double *want, size_t count)
{
    return rt_test_precision() == RT_PRECISION_BF16 ? norm_difference(got, want, count)
                                                    : largest_difference(got, want, count);
}

/* first: of y, else of a gradient or a tensor. */
static double bound_of(const struct shape_row *row, bool winograd, bool first)
{
    double bf16 = bound_bf16;

    for (const char *at = row->text; (at = strchr(at, ';')); at++) {
        const bool chooses = !strncmp(at, "; relu", 6) || !strncmp(at, "; max_pool", 10);

        bf16 += bound_bf16 + (chooses && !first ? bound_bf16_choice : 0);
    }
    if (rt_test_precision() == RT_PRECISION_BF16)
        return bf16;
    if (rt_test_precision() == RT_PRECISION_TF32)
        return bound_tf32;
    return winograd ? bound_winograd : bound_direct;
}

/* Each part by itself, since each has its own scale. The largest difference, as a share of what is allowed. */
static double compare(const struct shape_row *row, const struct results *got, const struct results *want,
                      bool training, bool winograd, const char *how)
{
    struct rt_error err = {0};
    struct rt_graph graph;
    size_t parts[64], part_count = 0, at = 0;
    double worst = 0;

    assert_int_equal(rt_test_network(&graph, row->input, row->text, &err), RT_OK);
    parts[part_count++] = (size_t)row->batch * rt_shape_count(graph.nodes[graph.node_count - 1].shape);
    if (training)
        parts[part_count++] = (size_t)row->batch * rt_shape_count(row->input);
    for (int i = 0; i < graph.tensor_count; i++)
        parts[part_count++] = graph.tensors[i].count;
    for (size_t i = 0; i < part_count; at += parts[i++]) {
        const double d = difference(got->values + at, want->values + at, parts[i]);
        const double bound = bound_of(row, winograd, i == 0);

        if (!(d <= bound))
            fail_msg("%s, %s, %s: part %zu of (y, dx, tensors): %.2e, bound %.0e", how, row->edge,
                     training ? "training" : "evaluation", i, d, bound);
        worst = fmax(worst, d / bound);
    }
    rt_graph_free(&graph);
    return worst;
}

/* Whether the engine may take another way where gradients are large (ANNOUNCED_LEAST in engine/native/plan.c).
 */
static bool works_on_large_gradients(const struct rt_engine *engine, const struct shape_row *row)
{
    return strcmp(engine->name, "native") == 0 && row->input.height > 4 && strstr(row->text, "relu");
}

/* $RT_TEST_ROWS: only networks with that text in them. */
static bool wanted(const struct shape_row *row)
{
    const char *const text = getenv("RT_TEST_ROWS");

    return !text || strstr(row->text, text);
}

static void compare_engine(const struct rt_engine *engine, bool winograd)
{
    double worst = 0;
    char how[64];

    snprintf(how, sizeof how, "%s%s", engine->name, winograd ? " with Winograd" : "");
    for (int i = 0; i < SHAPE_ROWS; i++)
        for (int training = 0; training < 2 && wanted(&shape_rows[i]); training++) {
            const struct shape_row *row = &shape_rows[i];
            struct rt_plan_options options = {.batch_max = row->batch + LARGER,
                                              .training = training,
                                              .input_gradient = training,
                                              .winograd = winograd,
                                              .seed = 11};
            struct results got = results_of(row, engine, 1, options);
            const struct rt_plan_options exact = {.batch_max = row->batch + LARGER,
                                                  .training = training,
                                                  .input_gradient = training,
                                                  .seed = 11,
                                                  .precision = RT_PRECISION_FP32};
            struct results want = results_of(row, &rt_engine_reference_f64, 1, exact);

            worst = fmax(worst, compare(row, &got, &want, training, winograd, how));
            rt_free(&got.values);
            for (int large = 0; large < (works_on_large_gradients(engine, row) ? 2 : 1); large++) {
                /* a plan that the batch fills; a plan of so many images that gradients are in no cache */
                options.batch_max = large ? LARGE / (row->input.height * row->input.width) + 1 : row->batch;
                got = results_of(row, engine, 1, options);
                worst = fmax(worst, compare(row, &got, &want, training, winograd, how));
                rt_free(&got.values);
            }
            rt_free(&want.values);
        }
    print_message("# %s: largest difference %.2f of what is allowed\n", how, worst);
}

static void test_against_double(void **state)
{
    (void)state;
    for (size_t i = 0; rt_test_engines()[i]; i++) {
        compare_engine(rt_test_engines()[i], false);
        if (strcmp(rt_test_engines()[i]->name, "native") == 0)
            compare_engine(rt_test_engines()[i], true);
    }
}

/* The same bytes for any number of threads. */
static void test_threads(void **state)
{
    (void)state;
    for (size_t e = 0; rt_test_engines()[e]; e++)
        for (int i = 0; i < SHAPE_ROWS && !strcmp(rt_test_engines()[e]->device, "cpu"); i++) {
            const struct shape_row *row = &shape_rows[i];
            struct results one = {0};

            for (int t = 0; t < TEAMS; t++) {
                struct results r = results_of(
                    row, rt_test_engines()[e], t + 1,
                    (struct rt_plan_options){
                        .batch_max = row->batch, .training = true, .input_gradient = true, .winograd = true});

                if (t && memcmp(r.values, one.values, r.count * sizeof *r.values) != 0)
                    fail_msg("%s, %s: other bytes with %d threads than with one", rt_test_engines()[e]->name,
                             row->edge, t + 1);
                if (t)
                    rt_free(&r.values);
                else
                    one = r;
            }
            rt_free(&one.values);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_double), cmocka_unit_test(test_threads)};

    return cmocka_run_group_tests_name("engine/compare", tests, NULL, NULL);
}
