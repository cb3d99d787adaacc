/* Figure 2: Inception with and without batch norm, training and test. */
#include <math.h>
#include <stdio.h>

#include "figures/figures.h"
#include "figures/published.h"

/* The two experiments, without batch norm first, as published. */
static const struct {
    const char *experiment, *train, *test;
} networks[] = {
    {"Inception_bnFalse", "train(Inception w/o BN)", "test(Inception w/o BN)"},
    {"Inception_bnTrue", "train(Inception)", "test(Inception)"},
};

/* The area between the last test curve added and its best value so far. */
static int add_best(struct rt_figure *figure, struct rt_style style, const char *label, struct rt_error *err)
{
    const size_t curve = figure->series_count - 1;
    struct rt_series *best;

    RT_TRY(rt_figure_add(figure, RT_MARK_BEST, style, figure->series[curve].count, label, &best, err));
    const struct rt_series *test = &figure->series[curve];
    best->legend = false;
    double high = 0;
    for (size_t i = 0; i < test->count; i++) {
        high = fmax(high, test->y[i]);
        best->x[i] = test->x[i];
        best->low[i] = test->y[i];
        best->high[i] = high;
    }
    return RT_OK;
}

static int build(struct rt_figure *figure, const struct rt_figure_kind *kind, const struct rt_records *records,
                 const struct rt_figure_options *options, enum rt_column train, enum rt_column test, bool best,
                 struct rt_error *err)
{
    int most = 0;

    figure->legend = RT_LEGEND_BELOW;
    rt_figure_label_x(figure, options);
    for (int i = 0; i < 2; i++) {
        const struct rt_style style = rt_palette[i == 0];
        const char *name = networks[i].experiment;
        int runs;
        const struct rt_curve_request train_curve = {name, networks[i].train, train, RT_MARK_THIN, style,
                                                     false};
        RT_TRY(rt_figure_add_curve(figure, records, &train_curve, options, &runs, err));
        const struct rt_curve_request test_curve = {name, networks[i].test, test, RT_MARK_LINE, style, false};
        RT_TRY(rt_figure_add_curve(figure, records, &test_curve, options, &runs, err));
        if (best && runs > 0)
            RT_TRY(add_best(figure, style, networks[i].test, err));
        most = runs > most ? runs : most;
        const char *const labels[] = {networks[i].train, networks[i].test};
        for (int k = 0; k < 2; k++) {
            const struct rt_published_curve published = {options->reference, kind->name, "series",
                                                         labels[k],          "value",    options->steps};
            RT_TRY(rt_published_add_curve(figure, style, &published, err));
        }
    }
    rt_figure_note_smoothing(figure, options, most);
    return RT_OK;
}

RT_FIGURE_BUILDER(batch_norm_accuracy)
{
    snprintf(figure->title, sizeof figure->title, "Inception with and without batch norm: accuracy");
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "Accuracy");
    figure->panels[0].y_max = 1.02;
    snprintf(figure->note, sizeof figure->note, "Shaded: below the best test accuracy so far.");
    return build(figure, kind, records, options, RT_COLUMN_train_acc, RT_COLUMN_test_acc, true, err);
}

RT_FIGURE_BUILDER(batch_norm_loss)
{
    snprintf(figure->title, sizeof figure->title, "Inception with and without batch norm: loss");
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "Loss (cross-entropy)");
    snprintf(figure->note, sizeof figure->note, "The published plot calls this axis \"Accuracy\".");
    return build(figure, kind, records, options, RT_COLUMN_train_loss, RT_COLUMN_test_loss, false, err);
}
