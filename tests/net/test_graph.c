/* Graphs: shapes inferred and refused, mistakes kept, names checked, batches refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/layers.h"
#include "net/ops.h"
#include "support/network.h"

struct shape_row {
    const char *edge, *text;
    struct rt_shape input, output;
};

static const struct shape_row shapes[] = {
    {"same size", "conv 8 3 1 1 0", {3, 28, 28}, {8, 28, 28}},
    {"AlexNet's: padding less than half the kernel", "conv 64 5 1 1 1", {3, 28, 28}, {64, 26, 26}},
    {"stride leaves a remainder", "conv 4 3 2 1 0", {2, 28, 28}, {4, 14, 14}},
    {"stride, odd size", "conv 4 3 2 1 0", {2, 7, 7}, {4, 4, 4}},
    {"1x1 stride 2", "conv 4 1 2 0 0", {2, 7, 7}, {4, 4, 4}},
    {"kernel wider than the image, not than its padding", "conv 4 5 1 2 0", {2, 3, 3}, {4, 3, 3}},
    {"kernel just fits", "conv 4 5 1 0 0", {2, 5, 5}, {4, 1, 1}},
    {"stride beyond the image", "conv 4 1 9 0 0", {2, 5, 5}, {4, 1, 1}},
    {"not square", "conv 4 3 2 0 0", {2, 9, 4}, {4, 4, 1}},
    {"linear flattens", "linear 7", {3, 4, 5}, {7, 1, 1}},
    {"pool without padding drops the last column", "max_pool 3 2 0", {5, 12, 26}, {5, 5, 12}},
    {"pool with padding", "max_pool 3 2 1", {5, 28, 7}, {5, 14, 4}},
    {"adaptive pool, overlapping windows", "avg_pool 3", {5, 4, 4}, {5, 3, 3}},
    {"global pool", "avg_pool 1", {5, 7, 4}, {5, 1, 1}},
    {"concat adds channels", "relu; concat @1 @0", {5, 7, 4}, {10, 7, 4}},
    {"add keeps the shape", "relu; add @1 @0", {5, 7, 4}, {5, 7, 4}},
    {"flatten", "flatten", {5, 7, 4}, {140, 1, 1}},
    {"lrn, batch norm, dropout keep it", "lrn 5 1e-4 0.75 2; bn 1e-3; dropout 0.5", {5, 7, 4}, {5, 7, 4}},
    {"no dropout, no node", "relu; dropout 0", {5, 7, 4}, {5, 7, 4}},
    {"loss is one number", "linear 2; loss", {1, 1, 1}, {1, 1, 1}},
};

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct rt_error err = {0};
        struct rt_graph graph;
        struct rt_shape got;

        if (rt_test_network(&graph, shapes[i].input, shapes[i].text, &err))
            fail_msg("%s: %s", shapes[i].edge, err.message);
        got = graph.nodes[graph.node_count - 1].shape;
        if (memcmp(&got, &shapes[i].output, sizeof got) != 0)
            fail_msg("%s: %d x %d x %d", shapes[i].edge, got.channels, got.height, got.width);
        rt_graph_free(&graph);
    }
}

struct refusal_row {
    const char *text;
    struct rt_shape input;
    const char *message; /* a part of it */
};

static const struct refusal_row refusals[] = {
    {"conv 4 5 1 0 0", {2, 4, 5}, "conv s1 (node 1): a kernel of 5 does not fit an input of 4 x 5"},
    {"conv 4 0 1 0 0", {2, 4, 4}, "kernel 0"},
    {"conv 4 65 1 64 0", {2, 4, 4}, "kernel 65"},
    {"conv 4 3 -1 1 0", {2, 4, 4}, "stride -1"},
    {"conv 4 3 1 -1 0", {2, 4, 4}, "padding -1"},
    {"conv 4 3 1 3 0", {2, 4, 4}, "padding 3"},
    {"conv 0 3 1 1 0", {2, 4, 4}, "weight is 0"},
    {"conv 65536 3 1 1 0", {65536, 1, 1}, "below 2^31"},
    {"conv 4 60 1 40 0", {2000000, 1, 1}, "below 2^31"}, /* inputs x area overflows an int */
    {"conv 40000 1 1 0 0", {1, 300, 300}, "conv s1 (node 1): its output would be 40000 x 300 x 300"},
    {"linear 0", {2, 4, 4}, "weight is 0"},
    {"linear -3", {2, 4, 4}, "weight is -3"},
    {"linear 65536", {65536, 1, 1}, "below 2^31"},
    {"bn 0", {2, 4, 4}, "eps 0"},
    {"bn -1", {2, 4, 4}, "eps -1"},
    {"bn nan", {2, 4, 4}, "eps nan"},
    {"max_pool 3 2 2", {2, 4, 4}, "padding 2"}, /* a window could hold nothing but padding */
    {"max_pool 5 2 0", {2, 4, 4}, "a window of 5 does not fit"},
    {"max_pool 2 0 0", {2, 4, 4}, "stride 0"},
    {"avg_pool 5", {2, 4, 6}, "an output of 5 x 5 from an input of 4 x 6"},
    {"avg_pool 0", {2, 4, 6}, "an output of 0 x 0"},
    {"lrn 4 1e-4 0.75 2", {8, 4, 4}, "expected an odd size"},
    {"lrn 5 1e-4 0.75 0", {8, 4, 4}, "k 0"},
    {"max_pool 2 2 0; concat @1 @0", {2, 4, 4}, "inputs of 2 x 2 x 2 and 2 x 4 x 4; expected equal heights"},
    {"conv 3 1 1 0 0; add @1 @0", {2, 4, 4}, "inputs of 3 x 4 x 4 and 2 x 4 x 4; expected equal shapes"},
    {"dropout 1", {2, 4, 4}, "rate 1"},
    {"dropout -0.5", {2, 4, 4}, "rate -0.5"},
    {"dropout nan", {2, 4, 4}, "rate nan"},
    {"loss", {10, 2, 1}, "logits of 10 x 2 x 1"},
    {"loss", {1, 1, 1}, "2..256 classes"},
    {"loss", {257, 1, 1}, "2..256 classes"},
    {"relu; relu @0", {2, 4, 4}, "relu (node 1): no layer reads its output"},
    {"relu", {0, 4, 4}, "input (node 0): its output would be 0 x 4 x 4"},
    {"relu", {2, 65536, 65536}, "below 2^31"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct rt_error err = {0};
        struct rt_graph graph;

        if (rt_test_network(&graph, refusals[i].input, refusals[i].text, &err) != RT_ECONFIG)
            fail_msg("\"%s\" was not refused: %s", refusals[i].text, err.message);
        if (!strstr(err.message, refusals[i].message) || strchr(err.message, '\n'))
            fail_msg("\"%s\": %s", refusals[i].text, err.message);
        rt_graph_free(&graph);
    }
}

/* The first mistake is kept; what follows does nothing and needs no checks. */
static void test_first_mistake(void **state)
{
    struct rt_graph graph = {0};
    struct rt_error err = {0};
    int x;

    (void)state;
    x = rt_input(&graph, 3, 4, 4);
    x = rt_max_pool(&graph, x, 9, 1, 0);
    assert_int_equal(x, -1);
    assert_int_equal(rt_linear(&graph, x, "", 0), -1);
    assert_int_equal(graph.node_count, 2);
    assert_int_equal(rt_graph_finish(&graph, &err), RT_ECONFIG);
    assert_non_null(strstr(err.message, "a window of 9"));
    rt_graph_free(&graph);
    assert_int_equal(rt_graph_finish(&graph, &err), RT_ECONFIG); /* empty */
    assert_non_null(strstr(err.message, "no layers"));
}

static void test_wiring(void **state)
{
    struct rt_graph graph = {0};
    struct rt_error err = {0};

    (void)state;
    assert_int_equal(rt_relu(&graph, 0), -1); /* before any input */
    assert_non_null(strstr(graph.error.message, "expected an earlier node"));
    rt_graph_free(&graph);

    rt_input(&graph, 3, 4, 4);
    assert_int_equal(rt_input(&graph, 3, 4, 4), -1); /* a second input */
    rt_graph_free(&graph);

    rt_add(&graph, rt_input(&graph, 3, 4, 4), 0); /* one node named twice counts twice */
    assert_int_equal(graph.nodes[0].consumers, 2);
    assert_int_equal(rt_graph_finish(&graph, &err), RT_OK);
    rt_graph_free(&graph);
    rt_graph_free(&graph); /* and again */
}

static void test_names(void **state)
{
    char longest[RT_NAME_MAX + 16];
    struct rt_graph graph = {0};
    struct rt_error err = {0};

    (void)state;
    rt_linear(&graph, rt_linear(&graph, rt_input(&graph, 3, 4, 4), "a", 3), "a", 3);
    assert_int_equal(rt_graph_finish(&graph, &err), RT_ECONFIG);
    assert_non_null(strstr(err.message, "two layers have a tensor named a.weight"));
    rt_graph_free(&graph);

    rt_linear(&graph, rt_input(&graph, 3, 4, 4), "", 3); /* no name, no dot */
    assert_int_equal(rt_graph_find_tensor(&graph, "weight"), 0);
    assert_int_equal(rt_graph_find_tensor(&graph, "bias"), 1);
    assert_int_equal(rt_graph_find_tensor(&graph, "wei"), -1);
    rt_graph_free(&graph);

    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(rt_linear(&graph, rt_input(&graph, 3, 4, 4), RT_NAME("%s", longest), 3), -1);
    assert_non_null(strstr(graph.error.message, "is longer than 63 characters"));
    rt_graph_free(&graph);

    longest[RT_NAME_MAX - 4] = '\0'; /* the layer's name fits, its tensor's does not */
    assert_int_equal(rt_linear(&graph, rt_input(&graph, 3, 4, 4), longest, 3), -1);
    assert_non_null(strstr(graph.error.message, "the name of its weight is longer"));
    rt_graph_free(&graph);
}

/* Batch norm in training has no variance in a single value a channel: PyTorch refuses it, and so do we. */
static void test_batch_of_one(void **state)
{
    struct rt_error err = {0};
    struct rt_graph graph;

    (void)state;
    assert_int_equal(rt_test_network(&graph, (struct rt_shape){3, 4, 4}, "avg_pool 1; bn 1e-5", &err), RT_OK);
    assert_int_equal(rt_graph_check_batch(&graph, 1, true, &err), RT_ECONFIG);
    assert_non_null(strstr(err.message, "batch_norm s2 (node 2) on 1 x 1 maps needs 2 images or more"));
    assert_int_equal(rt_graph_check_batch(&graph, 2, true, &err), RT_OK);
    assert_int_equal(rt_graph_check_batch(&graph, 1, false, &err), RT_OK);
    assert_int_equal(rt_graph_check_batch(&graph, 0, false, &err), RT_ECONFIG);
    rt_graph_free(&graph);

    assert_int_equal(rt_test_network(&graph, (struct rt_shape){3, 4, 4}, "bn 1e-5", &err), RT_OK);
    assert_int_equal(rt_graph_check_batch(&graph, 1, true, &err), RT_OK);
    rt_graph_free(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_refusals), cmocka_unit_test(test_first_mistake),
        cmocka_unit_test(test_wiring), cmocka_unit_test(test_names),    cmocka_unit_test(test_batch_of_one),
    };

    return cmocka_run_group_tests_name("net/graph", tests, NULL, NULL);
}
