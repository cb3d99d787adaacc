/* What it takes to reach the interpolation threshold, and what the test error is there, against label
 * corruption. */
#include <math.h>
#include <stdio.h>

#include "figures/figures.h"
#include "figures/published.h"
#include "train/published.h"

static const char *const models[RT_PALETTE_SIZE] = {"MLP1", "MLP3", "AlexNet", "Inception", "WRN"};

enum quantity { EPOCHS, FLOPS, MINUTES, TEST_ERROR };

static double measure(const struct rt_record *run, enum quantity quantity)
{
    const struct rt_threshold *threshold = &run->result.threshold;

    switch (quantity) {
    case EPOCHS:
        return (double)threshold->epoch;
    case FLOPS:
        return threshold->training_flops;
    case MINUTES:
        return threshold->wall_s / 60;
    case TEST_ERROR:
        break;
    }
    return 1 - threshold->scores.test_acc;
}

/* One model's points in one panel, with the band where there are several seeds. */
static int add_model(struct rt_figure *figure, const struct rt_records *records, int model, int panel,
                     enum quantity quantity, int *most, struct rt_error *err)
{
    double x[RT_LEVEL_COUNT], mean[RT_LEVEL_COUNT], half[RT_LEVEL_COUNT];
    size_t count = 0;
    int seeds = 0;

    for (int i = 0; i < RT_LEVEL_COUNT; i++) {
        char name[RT_FIGURE_TEXT_MAX];
        struct rt_group group;
        double values[RT_GROUP_MAX];
        int n = 0;
        snprintf(name, sizeof name, "%s_%.1f_none", models[model], i / 10.0);
        rt_records_group(records, name, &group);
        for (int k = 0; k < group.count; k++)
            if (group.runs[k]->result.threshold.reached && isfinite(measure(group.runs[k], quantity)))
                values[n++] = measure(group.runs[k], quantity);
        if (n == 0)
            continue;
        x[count] = i / 10.0;
        rt_mean_band(values, n, &mean[count], &half[count]);
        count++;
        seeds = n > seeds ? n : seeds;
    }
    *most = seeds > *most ? seeds : *most;
    if (count == 0)
        return RT_OK;
    struct rt_series *series;
    if (seeds > 1) {
        RT_TRY(rt_figure_add(figure, RT_MARK_BAND, rt_palette[model], count, models[model], &series, err));
        series->legend = false;
        series->panel = panel;
        for (size_t i = 0; i < count; i++) {
            series->x[i] = x[i];
            series->low[i] =
                fmax(mean[i] - half[i], quantity == FLOPS || quantity == MINUTES ? mean[i] / 10 : 0);
            series->high[i] = mean[i] + half[i];
        }
    }
    RT_TRY(rt_figure_add(figure, RT_MARK_POINTS, rt_palette[model], count, models[model], &series, err));
    series->panel = panel;
    for (size_t i = 0; i < count; i++) {
        series->x[i] = x[i];
        series->y[i] = mean[i];
    }
    return RT_OK;
}

static void label_panel(struct rt_figure *figure, int panel, const char *y_label, bool y_log)
{
    snprintf(figure->panels[panel].x_label, RT_FIGURE_TEXT_MAX, "Label corruption probability");
    snprintf(figure->panels[panel].y_label, RT_FIGURE_TEXT_MAX, "%s", y_label);
    figure->panels[panel].y_log = y_log;
    figure->panels[panel].x_max = 1;
}

/* The published epochs, which no file has as points: read from the corruption curves' lengths. */
static int add_published_epochs(struct rt_figure *figure, int model, struct rt_error *err)
{
    struct rt_series *series;

    RT_TRY(rt_figure_add(figure, RT_MARK_PUBLISHED_POINTS, rt_palette[model], RT_LEVEL_COUNT, models[model],
                         &series, err));
    series->legend = false;
    for (int i = 0; i < RT_LEVEL_COUNT; i++) {
        series->x[i] = i / 10.0;
        series->y[i] = rt_published_epochs(models[model], "none", i / 10.0);
    }
    return RT_OK;
}

/* The colour of published points is explained by our own series; if there are none, by a legend entry of their
 * own, that of the first series from number `first` on. */
static void explain_published(struct rt_figure *figure, size_t first, int model)
{
    if (first >= figure->series_count)
        return;
    struct rt_series *series = &figure->series[first];
    series->legend = true;
    snprintf(series->label, sizeof series->label, "%s, published", models[model]);
}

RT_FIGURE_BUILDER(slowdown)
{
    int most = 0;

    figure->panel_count = 3;
    figure->legend = RT_LEGEND_BELOW;
    snprintf(figure->title, sizeof figure->title,
             "Convergence slowdown: what it takes to fit the training set");
    label_panel(figure, 0, "Epochs", false);
    label_panel(figure, 1, "Training FLOPs", true);
    label_panel(figure, 2, "Minutes", true);
    for (int i = 0; i < RT_PALETTE_SIZE; i++) {
        const size_t before = figure->series_count;
        RT_TRY(add_model(figure, records, i, 0, EPOCHS, &most, err));
        RT_TRY(add_model(figure, records, i, 1, FLOPS, &most, err));
        RT_TRY(add_model(figure, records, i, 2, MINUTES, &most, err));
        if (!options->reference)
            continue;
        const size_t own = figure->series_count;
        RT_TRY(add_published_epochs(figure, i, err));
        RT_TRY(rt_published_add_levels(figure, rt_palette[i], 2, options->reference, kind->name, "minutes",
                                       models[i], err));
        if (own == before)
            explain_published(figure, own, i);
    }
    snprintf(
        figure->note, sizeof figure->note,
        "Minutes depend on the machine and its other load (the published ones too, by up to fourfold): compare "
        "epochs and FLOPs.%s",
        most > 1 ? " Mean and 95 % band of seeds." : "");
    return 0;
}

RT_FIGURE_BUILDER(error_growth)
{
    int most = 0;

    snprintf(figure->title, sizeof figure->title, "Generalization error growth");
    label_panel(figure, 0, "Test error at the interpolation threshold", false);
    figure->panels[0].y_max = 1;
    struct rt_series *chance;
    RT_TRY(rt_figure_add(figure, RT_MARK_LEVEL, rt_palette[1], 2, "chance (0.9)", &chance, err));
    chance->x[1] = 1;
    chance->y[0] = chance->y[1] = 0.9;
    for (int i = 0; i < RT_PALETTE_SIZE; i++) {
        const size_t before = figure->series_count;
        RT_TRY(add_model(figure, records, i, 0, TEST_ERROR, &most, err));
        const size_t own = figure->series_count;
        RT_TRY(rt_published_add_levels(figure, rt_palette[i], 0, options->reference, kind->name, "test_error",
                                       models[i], err));
        if (own == before)
            explain_published(figure, own, i);
    }
    snprintf(figure->note, sizeof figure->note,
             "Training error is about 0 at the threshold, so this is the generalization error.%s",
             most > 1 ? " Mean and 95 % band of seeds." : "");
    return 0;
}
