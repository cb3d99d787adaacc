/* The models: PyTorch's parameters, names, shapes and initial weights, exactly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "net/models.h"
#include "support/network.h"

struct model_row {
    const char *name;
    size_t parameters;
    int entries;            /* of the state dict */
    uint64_t multiply_adds; /* by hand from the architecture */
};

static const struct model_row rows[] = {
    {"MLP1", 1209866, 4, 1209344},
    {"MLP3", 1735178, 8, 1733632},
    {"AlexNet", 1375690, 10, 45165184},
    {"Inception", 1651114, 116, 204219680},
    {"InceptionNoBN", 1647690, 21, 204219680},
    {"WRN", 1549850, 98, 47363712},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void build(struct rt_graph *graph, const char *name)
{
    struct rt_error err = {0};

    if (rt_test_model(graph, name, &err))
        fail_msg("%s: %s", name, err.message);
}

static void test_counts(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        struct rt_graph graph;

        build(&graph, rows[i].name);
        print_message("# %s: %zu parameters, %llu multiply-adds\n", rows[i].name,
                      rt_graph_parameter_count(&graph), (unsigned long long)rt_graph_multiply_adds(&graph));
        assert_int_equal(rt_graph_parameter_count(&graph), rows[i].parameters);
        assert_int_equal(rt_graph_multiply_adds(&graph), rows[i].multiply_adds);
        rt_graph_free(&graph);
    }
}

/* "[64, 3, 5, 5]" as state-dict.txt writes a shape. */
static void format_shape(const struct rt_tensor *tensor, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");

    for (int i = 0; i < tensor->rank; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%d", i ? ", " : "", tensor->shape[i]);
    snprintf(text + used, size - used, "]");
}

/* Every name and shape of PyTorch's state dicts, and no other. */
static void test_state_dicts(void **state)
{
    FILE *f = fopen(RT_GOLDEN "/state-dict.txt", "r");
    struct rt_graph graph = {0};
    char line[256], name[100], shape[100], got[100];
    int model = -1, entries = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        int tensor;

        if (sscanf(line, "## %99s", name) == 1) {
            assert_int_equal(entries, graph.tensor_count);
            rt_graph_free(&graph);
            model++;
            assert_true(model < ROWS && !strcmp(rows[model].name, name));
            build(&graph, name);
            entries = 0;
            continue;
        }
        assert_int_equal(sscanf(line, "%99s %99[^\n]", name, shape), 2);
        tensor = rt_graph_find_tensor(&graph, name);
        if (tensor < 0)
            fail_msg("%s has no tensor %s", rows[model].name, name);
        format_shape(&graph.tensors[tensor], got, sizeof got);
        assert_string_equal(got, shape);
        assert_int_equal(graph.tensors[tensor].role == RT_TENSOR_BATCHES, graph.tensors[tensor].rank == 0);
        entries++;
    }
    assert_int_equal(model, ROWS - 1);
    assert_int_equal(entries, graph.tensor_count);
    assert_int_equal(entries, rows[model].entries);
    rt_graph_free(&graph);
    fclose(f);
}

/* What PyTorch draws: golden/initial-weights.txt has four of each drawn tensor's values. */
struct drawn {
    const struct rt_graph *graph;
    FILE *golden;
    const char *model;
    int tensors;
};

static void check_ulp(float got, float want, const char *what)
{
    if (!(fabsf(got - want) <= nextafterf(fabsf(want), 1) - fabsf(want)))
        fail_msg("%s: %.9g, PyTorch has %.9g", what, (double)got, (double)want);
}

static void check_drawn(void *context, int tensor, const float *values)
{
    struct drawn *d = context;
    const struct rt_tensor *t = &d->graph->tensors[tensor];
    const size_t at[4] = {0, 1, 2 % t->count, t->count - 1};
    char model[100], name[100];
    float want[4];

    if (t->role != RT_TENSOR_WEIGHT && t->role != RT_TENSOR_BIAS) {
        for (size_t i = 0; i < t->count; i++)
            assert_true(values[i] == (t->role == RT_TENSOR_SCALE || t->role == RT_TENSOR_UNIT_SCALE ||
                                      t->role == RT_TENSOR_RUNNING_VAR));
        return;
    }
    assert_int_equal(
        fscanf(d->golden, "%99s %99s %f %f %f %f", model, name, want, want + 1, want + 2, want + 3), 6);
    assert_string_equal(model, d->model);
    assert_string_equal(name, t->name);
    for (int i = 0; i < 4; i++)
        check_ulp(values[at[i]], want[i], name);
    d->tensors++;
}

static void test_initial_weights(void **state)
{
    FILE *f = fopen(RT_GOLDEN "/initial-weights.txt", "r");
    struct rt_error err = {0};
    char rest;

    (void)state;
    assert_non_null(f);
    for (int i = 0; i < ROWS; i++) {
        struct rt_graph graph;
        struct drawn drawn = {.graph = &graph, .golden = f, .model = rows[i].name};

        build(&graph, rows[i].name);
        assert_int_equal(rt_graph_initialize(&graph, 42, check_drawn, &drawn, &err), RT_OK);
        assert_true(drawn.tensors >= 4);
        rt_graph_free(&graph);
    }
    assert_int_equal(fscanf(f, " %c", &rest), EOF);
    fclose(f);
}

/* The paper's own counts (its Table 1), which the models above do not all have. */
static void test_paper(void **state)
{
    static const struct model_row paper[] = {
        {"InceptionPaper", 1649402, 116, 204219680}, /* 1,712 offsets; the scales of 1 are in the state dict */
        {"InceptionPaperNoBN", 1649402, 40, 204219680},
        {"AlexNetPaper", 1387786, 10, 25113472},
        {"MLP1", 1209866, 4, 1209344},
        {"MLP3", 1735178, 8, 1733632},
    };

    (void)state;
    for (size_t i = 0; i < sizeof paper / sizeof *paper; i++) {
        struct rt_graph graph;

        build(&graph, paper[i].name);
        assert_int_equal(rt_graph_parameter_count(&graph), paper[i].parameters);
        assert_int_equal(graph.tensor_count, paper[i].entries);
        assert_int_equal(rt_graph_multiply_adds(&graph), paper[i].multiply_adds);
        rt_graph_free(&graph);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_ptr_equal(rt_model_find("MLP1"), &rt_model_mlp1);
    assert_ptr_equal(rt_model_find("WideResNet"), &rt_model_wrn);
    assert_ptr_equal(rt_model_find("InceptionSmall"), &rt_model_inception);
    assert_ptr_equal(rt_model_find("AlexNetSmall"), &rt_model_alexnet);
    assert_null(rt_model_find("Incept")); /* part of an alias */
    assert_null(rt_model_find("wrn"));
    assert_null(rt_model_find(""));
    assert_null(rt_model_find(" "));
}

/* A dropout rate adds nodes to every model; a rate of 1 is refused. */
static void test_dropout(void **state)
{
    struct rt_error err = {0};

    (void)state;
    for (size_t i = 0; rt_models[i]; i++) {
        struct rt_model_options options = {.batch_norm = true};
        struct rt_graph plain, dropped;

        assert_int_equal(rt_model_build(&plain, rt_models[i], &options, &err), RT_OK);
        options.dropout = 0.3F;
        assert_int_equal(rt_model_build(&dropped, rt_models[i], &options, &err), RT_OK);
        assert_true(dropped.node_count > plain.node_count);
        assert_int_equal(rt_graph_parameter_count(&dropped), rt_graph_parameter_count(&plain));
        rt_graph_free(&plain);
        rt_graph_free(&dropped);
        options.dropout = 1;
        assert_int_equal(rt_model_build(&plain, rt_models[i], &options, &err), RT_ECONFIG);
        assert_null(plain.nodes);
    }
}

/* Each allocation of building the largest model fails once: an error, nothing leaked (the sanitizers look). */
static void test_out_of_memory(void **state)
{
    const struct rt_model_options options = {.batch_norm = true};
    int rc = RT_EMEMORY;

    (void)state;
    for (uint64_t k = 1; rc; k++) {
        struct rt_error err = {0};
        struct rt_graph graph;

        rt_alloc_fail_at(k);
        rc = rt_model_build(&graph, &rt_model_inception, &options, &err);
        rt_alloc_fail_at(0);
        assert_int_equal(rc, rc ? RT_EMEMORY : RT_OK);
        assert_true(!rc || (!graph.nodes && !graph.tensors && strstr(err.message, "network's")));
        rt_graph_free(&graph);
        assert_true(k < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),          cmocka_unit_test(test_state_dicts),
        cmocka_unit_test(test_initial_weights), cmocka_unit_test(test_names),
        cmocka_unit_test(test_dropout),         cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_paper),
    };

    return cmocka_run_group_tests_name("net/models", tests, NULL, NULL);
}
