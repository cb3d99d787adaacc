/* The sentences under figures: right for one series or several, and published numbers only where they apply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "figures/findings.h"

enum { POINTS_MAX = 3 };

struct drawn {
    enum rt_mark mark;
    int style, panel, dash;
    const char *label;
    double points[POINTS_MAX][2]; /* up to an x of -1 */
};

#define END                                                                                                    \
    {                                                                                                          \
        -1, 0                                                                                                  \
    }

static void check(const char *name, const struct drawn *series, size_t count, const char *want)
{
    static struct rt_figure_kind kinds[RT_FIGURE_KINDS_MAX];
    struct rt_figure figure = {.name = name, .panel_count = 3, .panels = {{.x_label = "Epochs"}}};
    struct rt_text text = {0};
    struct rt_series *added;
    int kind = 0;

    for (const int kind_count = rt_figure_kinds(kinds, NULL); strcmp(kinds[kind].name, name) != 0; kind++)
        assert_true(kind + 1 < kind_count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rt_figure_add(&figure, series[i].mark, rt_style_of(series[i].style), POINTS_MAX,
                                       series[i].label, &added, NULL),
                         RT_OK);
        added->panel = series[i].panel;
        added->dash = series[i].dash;
        for (added->count = 0; added->count < POINTS_MAX && series[i].points[added->count][0] >= 0;
             added->count++) {
            added->x[added->count] = series[i].points[added->count][0];
            added->y[added->count] = series[i].points[added->count][1];
        }
    }
    rt_findings_append(&text, &figure, &kinds[kind]);
    assert_string_equal(rt_text_string(&text), want);
    rt_text_free(&text);
    rt_figure_free(&figure);
}

#define CHECK(name, want, ...)                                                                                 \
    do {                                                                                                       \
        const struct drawn series[] = {__VA_ARGS__};                                                           \
        check(name, series, sizeof series / sizeof *series, want);                                             \
    } while (0)

static void test_points(void **state)
{
    (void)state;
    CHECK("conv_slowdown", "",
          {RT_MARK_PUBLISHED_POINTS, 0, 0, 0, "MLP1", {{0, 102}, END}}); /* nothing of ours */
    CHECK("conv_slowdown", "Epochs to the threshold. MLP1: 1234 (p = 0.5).",
          {RT_MARK_POINTS, 0, 0, 0, "MLP1", {{0.5, 1234}, END}});
    CHECK("conv_slowdown",
          "Epochs to the threshold. MLP1: 1234 (p = 0.5). None of these points has a published one beside it.",
          {RT_MARK_PUBLISHED_POINTS, 0, 0, 0, "MLP1", {{0, 102}, END}},
          {RT_MARK_POINTS, 0, 0, 0, "MLP1", {{0.5, 1234}, END}});
    CHECK("conv_slowdown",
          "Epochs to the threshold. MLP1: 103 (p = 0). Published beside MLP1, p = 0: 102 epochs.",
          {RT_MARK_POINTS, 0, 0, 0, "MLP1", {{0, 103}, END}},
          {RT_MARK_PUBLISHED_POINTS, 0, 0, 0, "MLP1", {{0, 102}, {1, 126}, END}});
    /* other variants, models of a like name, other panels are not compared */
    CHECK("conv_slowdown",
          "Epochs to the threshold. MLP1: 103 (p = 0) to 120 (p = 1); MLP1, lr_decay=1: 9 (p = 0); MLP11: 5 (p "
          "= 0)."
          " From the 2 published points they differ by 3.5 epochs on average, at most by 6"
          " (MLP1, p = 1: 120, published 126).",
          {RT_MARK_POINTS, 0, 0, 0, "MLP1", {{0, 103}, {1, 120}, END}},
          {RT_MARK_POINTS, 0, 0, 1, "MLP1, lr_decay=1", {{0, 9}, END}},
          {RT_MARK_POINTS, 5, 0, 0, "MLP11", {{0, 5}, END}},
          {RT_MARK_POINTS, 0, 2, 0, "MLP1", {{0, 1}, {1, 2}, END}},
          {RT_MARK_PUBLISHED_POINTS, 0, 0, 0, "MLP1", {{0, 102}, {1, 126}, END}},
          {RT_MARK_PUBLISHED_POINTS, 0, 2, 0, "MLP1", {{0, 70}, {1, 80}, END}});
    CHECK("relative_slowdown",
          "Times the epochs on true labels. MLP1: 1 (p = 0) to 1.2 (p = 1)."
          " Published beside MLP1, p = 1: 1.24.",
          {RT_MARK_POINTS, 0, 0, 0, "MLP1", {{0, 1}, {1, 1.2}, END}},
          {RT_MARK_POINTS, 4, 0, 0, "WRN", {{0, 1}, END}}, /* relative to itself */
          {RT_MARK_PUBLISHED_POINTS, 0, 0, 0, "MLP1", {{0, 1}, {1, 1.24}, END}});
    CHECK("gen_err_growth",
          "Test error. WRN: 0.5 (p = 0) to 0.9 (p = 1). The 2 points with a published one are equal"
          " to it.",
          {RT_MARK_POINTS, 4, 0, 0, "WRN", {{0, 0.5}, {1, 0.9}, END}},
          {RT_MARK_PUBLISHED_POINTS, 4, 0, 0, "WRN", {{0, 0.5}, {1, 0.9}, END}});
}

static void test_curves(void **state)
{
    (void)state;
    CHECK("mlp1_curves", "true labels: 4 epochs of training.",
          {RT_MARK_LINE, 0, 0, 0, "true labels", {{1, 2}, {4, 0}, END}});
    CHECK("mlp1_curves", "No run has ended yet.",
          {RT_MARK_LINE, 0, 0, 0, "true labels (so far)", {{1, 2}, {4, 0}, END}},
          {RT_MARK_PUBLISHED, 0, 0, 0, "true labels", {{1, 3}, {4, 1}, END}});
    /* at the published points that our curve reaches: |2 - 3|, |1 - 1.5|; then 0.25 */
    CHECK("mlp1_curves",
          "Training goes on for 3 epochs (true labels) to 4 (gaussian). The mean distance from the published "
          "curves is"
          " 0.5 in all 2 together, and largest for true labels: 0.75.",
          {RT_MARK_LINE, 0, 0, 0, "true labels", {{1, 2}, {3, 0}, END}},
          {RT_MARK_LINE, 4, 0, 0, "gaussian", {{1, 2}, {4, 0.5}, END}},
          {RT_MARK_PUBLISHED, 0, 0, 0, "true labels", {{1, 3}, {2, 1.5}, {9, 7}}},
          {RT_MARK_PUBLISHED, 4, 0, 0, "gaussian", {{1, 2.25}, END}});
    CHECK("mlp1_corrup_curves",
          "p=0.1: 3 epochs of training. Its mean distance from the published curve is 0.1.",
          {RT_MARK_LINE, 0, 0, 0, "p=0.1", {{1, 0.5}, {3, 0.9}, END}},
          {RT_MARK_PUBLISHED, 0, 0, 0, "0.1", {{3, 1}, END}});
    CHECK("icp_fig2_acc", "test: at most 0.8 in epoch 2, 0.7 at the end.",
          {RT_MARK_THIN, 0, 0, 0, "train", {{1, 0.6}, {3, 1}, END}},
          {RT_MARK_LINE, 0, 0, 0, "test", {{1, 0.5}, {1.5, 0.8}, {3, 0.7}}});
}

static void test_labels(void **state)
{
    (void)state;
    CHECK("mlp1_learnt_curves",
          "At the highest peak, p=0.4 in epoch 2, 61.2 % of the wrong labels are predicted as true; at the end "
          "of that"
          " curve 3.1 %.",
          {RT_MARK_LINE, 0, 2, 0, "p=0.4", {{1, 0.5}, {2, 0.612}, {3, 0.031}}},
          {RT_MARK_POINTS, 0, 2, 0, "early-learning peak", {{2, 0.612}, END}},
          {RT_MARK_LINE, 1, 2, 0, "p=0.8", {{1, 0.2}, {3, 0.1}, END}},
          {RT_MARK_POINTS, 1, 2, 0, "early-learning peak", {{1, 0.2}, END}});
    CHECK("learnt_levels",
          "The best epoch's test accuracy is above that of the end by up to 0.2 (MLP1, best epoch, p = 0.8: "
          "0.5 against"
          " 0.3).",
          {RT_MARK_POINTS, 0, 2, 0, "MLP1, best epoch", {{0.4, 0.6}, {0.8, 0.5}, END}},
          {RT_MARK_POINTS, 0, 2, 1, "MLP1, at the end", {{0.4, 0.5}, {0.8, 0.3}, END}});
    CHECK("learnt_levels", "No better test accuracy was measured before the end of training.",
          {RT_MARK_POINTS, 0, 2, 0, "MLP1, best epoch", {{0.4, 0.6}, END}},
          {RT_MARK_POINTS, 0, 2, 1, "MLP1, at the end", {{0.4, 0.6}, END}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_curves),
        cmocka_unit_test(test_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
