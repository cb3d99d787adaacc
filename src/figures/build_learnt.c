/* What is learnt of right and of wrong labels: along training, and against label corruption. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figures/figures.h"

enum { LEVELS_MAX = 64, PANELS = 3 };

static bool fits(const struct rt_record *run, const void *model)
{
    return rt_fits_figure1(run, model) && !strcmp(run->experiment.data_corruption_type, "none") &&
           run->experiment.label_corruption_prob > 0;
}

static bool has_level(const struct rt_record *run, const void *place)
{
    return run->experiment.label_corruption_prob == *(const double *)place;
}

static void label_panel(struct rt_figure *figure, int panel, const char *x_label, const char *y_label)
{
    snprintf(figure->panels[panel].x_label, RT_FIGURE_TEXT_MAX, "%s", x_label);
    snprintf(figure->panels[panel].y_label, RT_FIGURE_TEXT_MAX, "%s", y_label);
}

/* ---- along training ---- */

/* A marker at the highest point of the curve that was added last. */
static int mark_peak(struct rt_figure *figure, struct rt_style style, struct rt_error *err)
{
    const size_t last = figure->series_count - 1;
    struct rt_series *series;
    size_t peak = 0;

    if (figure->series[last].mark != RT_MARK_LINE || !figure->series[last].count)
        return RT_OK;
    for (size_t i = 0; i < figure->series[last].count; i++)
        if (figure->series[last].y[i] > figure->series[last].y[peak])
            peak = i;
    style.point = style.point ? style.point : 7; /* levels have no markers */
    RT_TRY(rt_figure_add(figure, RT_MARK_POINTS, style, 1, "early-learning peak", &series, err));
    series->legend = false;
    series->panel = figure->series[last].panel;
    series->x[0] = figure->series[last].x[peak];
    series->y[0] = figure->series[last].y[peak];
    return RT_OK;
}

/* One group's curve of a metric in a panel; the legend stands with the first panel. */
static int add_curve(struct rt_figure *figure, const struct rt_choice *choice, int variant, double level,
                     int panel, const struct rt_figure_options *options, struct rt_error *err)
{
    static const enum rt_column columns[PANELS] = {RT_COLUMN_train_acc_clean, RT_COLUMN_train_memorised,
                                                   RT_COLUMN_train_recovered};
    const struct rt_figure_options as_logged = {options->reference, options->steps, 0};
    const size_t first = figure->series_count;
    char name[32], label[RT_FIGURE_TEXT_MAX];
    struct rt_group group;

    snprintf(name, sizeof name, "p=%.4g", level);
    RT_TRY(rt_choice_group(choice, variant, has_level, &level, &group, err));
    if (!group.count)
        return RT_OK;
    rt_choice_label(choice, variant, &group, name, label);
    RT_TRY(
        rt_figure_add_curve(figure, &group,
                            &(struct rt_curve_request){.label = label,
                                                       .x = options->steps ? RT_COLUMN_STEP : RT_COLUMN_EPOCH,
                                                       .y = columns[panel],
                                                       .mark = RT_MARK_LINE,
                                                       .style = rt_style_of_level(level),
                                                       .dash = variant},
                            &as_logged, err));
    for (size_t i = first; i < figure->series_count; i++) {
        figure->series[i].panel = panel;
        figure->series[i].legend = figure->series[i].legend && panel == 0;
    }
    return panel == PANELS - 1 && figure->series_count > first
               ? mark_peak(figure, rt_style_of_level(level), err)
               : RT_OK;
}

/* Runs of older versions measured nothing of it: without a point, there is no figure. */
static bool is_measured(const struct rt_choice *choice)
{
    for (size_t i = 0; i < choice->count; i++)
        for (size_t k = 0; k < choice->runs[i]->count; k++)
            if (isfinite(choice->runs[i]->columns[RT_COLUMN_train_memorised][k]))
                return true;
    return false;
}

RT_FIGURE_BUILDER(learnt)
{
    static const enum rt_metric_index metrics[PANELS] = {RT_METRIC_train_acc_clean, RT_METRIC_train_memorised,
                                                         RT_METRIC_train_recovered};
    double levels[LEVELS_MAX];
    struct rt_choice choice;
    int rc;

    figure->panel_count = PANELS;
    figure->legend = RT_LEGEND_BELOW;
    snprintf(figure->title, sizeof figure->title, "%.60s: right and wrong labels along training", kind->model);
    for (int panel = 0; panel < PANELS; panel++) {
        label_panel(figure, panel, options->steps ? "Training steps (logged points)" : "Epochs",
                    rt_metrics[metrics[panel]].label);
        figure->panels[panel].y_max = panel < PANELS - 1 ? 1.02 : 0;
    }
    rc = rt_choose(&choice, figure, records, fits, kind->model, "model_name label_corruption_prob", err);
    if (!rc && is_measured(&choice)) {
        const int count = rt_choice_levels(&choice, "label_corruption_prob", levels, LEVELS_MAX);

        for (int panel = 0; panel < PANELS; panel++)
            for (int i = 0; i < count; i++)
                for (int v = 0; v < choice.variant_count && !rc; v++)
                    rc = add_curve(figure, &choice, v, levels[i], panel, options, err);
        rt_figure_note(figure, "Shares of the training images as they were trained on, by epoch. Markers: the "
                               "early-learning peak, the most wrong labels predicted as true.");
        rt_figure_note_band(figure, "");
    }
    rt_choice_free(&choice);
    return rc;
}

/* ---- against label corruption ---- */

enum quantity { CLEAN, MEMORISED, PEAK, TEST_BEST, TEST_END };

static double largest(const struct rt_record *run, enum rt_column column)
{
    double most = NAN;

    for (size_t i = 0; i < run->count; i++)
        most = fmax(most, run->columns[column][i]); /* fmax passes over NaN */
    return most;
}

/* Of a run whose test set was measured along the way: the epoch that was best on it, else the end. */
static double measure(const struct rt_record *run, enum quantity quantity)
{
    const struct rt_result *result = &run->result;
    const struct rt_scores *end = &result->final; /* past the threshold, where curve: true goes on */
    const struct rt_scores *kept = result->best.epoch ? &result->best.scores : end;

    switch (quantity) {
    case CLEAN:
        return kept->train_acc_clean;
    case MEMORISED:
        return kept->train_memorised;
    case PEAK:
        return largest(run, RT_COLUMN_train_recovered);
    case TEST_BEST:
        return kept->test_acc_true;
    case TEST_END:
        break;
    }
    return end->test_acc_true;
}

struct place {
    int panel, style, dash;
    enum quantity quantity;
    const char *name, *what;
};

static int add_points(struct rt_figure *figure, const struct rt_choice *choice, const struct place *place,
                      struct rt_error *err)
{
    double levels[LEVELS_MAX], x[LEVELS_MAX], y[LEVELS_MAX], half;
    const int count = rt_choice_levels(choice, "label_corruption_prob", levels, LEVELS_MAX);
    struct rt_series *series;
    char label[RT_FIGURE_TEXT_MAX];
    size_t points = 0;

    for (int i = 0; i < count && choice->variant_count; i++) {
        double values[RT_GROUP_MAX];
        struct rt_group group;
        int n = 0;

        RT_TRY(rt_choice_group(choice, 0, has_level, &levels[i], &group, err));
        for (int k = 0; k < group.count; k++)
            if (isfinite(measure(group.runs[k], place->quantity)))
                values[n++] = measure(group.runs[k], place->quantity);
        if (!n)
            continue;
        x[points] = levels[i];
        rt_mean_band(values, n, &y[points++], &half);
    }
    if (!points)
        return RT_OK;
    snprintf(label, sizeof label, "%.40s%s", place->name, place->what);
    RT_TRY(rt_figure_add(figure, RT_MARK_POINTS, rt_style_of(place->style), points, label, &series, err));
    series->panel = place->panel;
    series->dash = place->dash;
    series->legend = place->panel == 0;
    memcpy(series->x, x, points * sizeof *x);
    memcpy(series->y, y, points * sizeof *y);
    return RT_OK;
}

static int add_model(struct rt_figure *figure, const struct rt_records *records, const char *model, int style,
                     struct rt_error *err)
{
    const struct place places[] = {
        {0, style, 0, CLEAN, model, ", right labels"},
        {0, style, 1, MEMORISED, model, ", wrong labels"},
        {1, style, 0, PEAK, model, ""},
        {2, style, 0, TEST_BEST, model, ", best epoch"},
        {2, style, 1, TEST_END, model, ", at the end"},
    };
    struct rt_choice choice;
    int rc = rt_choose(&choice, figure, records, fits, model, "model_name label_corruption_prob", err);

    for (size_t i = 0; i < sizeof places / sizeof *places && !rc && is_measured(&choice); i++)
        rc = add_points(figure, &choice, &places[i], err);
    rt_choice_free(&choice);
    return rc;
}

RT_FIGURE_BUILDER(learnt_levels)
{
    const char *models[RT_MODELS_MAX];
    const int count = rt_models_of(records, models);

    (void)kind;
    (void)options;
    figure->panel_count = PANELS;
    figure->legend = RT_LEGEND_BELOW;
    snprintf(figure->title, sizeof figure->title, "Right and wrong labels against label corruption");
    label_panel(figure, 0, "Label corruption probability", "Training accuracy, best epoch");
    label_panel(figure, 1, "Label corruption probability", "Early-learning peak");
    label_panel(figure, 2, "Label corruption probability", "Test accuracy on true labels");
    for (int panel = 0; panel < PANELS; panel++)
        figure->panels[panel].x_max = 1;
    for (int i = 0; i < count; i++)
        RT_TRY(add_model(figure, records, models[i], i, err));
    if (figure->series_count)
        rt_figure_note(
            figure, "Solid, left and right: the epoch of the best test accuracy, which early stopping would "
                    "have kept (evaluate_every). Dotted: wrong labels then; test accuracy at the end. Middle: "
                    "the most wrong labels predicted as true.");
    return RT_OK;
}
