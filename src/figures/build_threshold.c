/* What it takes to reach the interpolation threshold, and what the test error is there, against label
 * corruption. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figures/figures.h"
#include "figures/published.h"
#include "train/published.h"

enum { LEVELS_MAX = 64 };

enum quantity { EPOCHS, RELATIVE_EPOCHS, FLOPS, MINUTES, TEST_ERROR };

static double measure(const struct rt_record *run, enum quantity quantity)
{
    const struct rt_threshold *threshold = &run->result.threshold;

    switch (quantity) {
    case EPOCHS:
    case RELATIVE_EPOCHS:
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

static bool fits(const struct rt_record *run, const void *model)
{
    return rt_fits_figure1(run, model) && !strcmp(run->experiment.data_corruption_type, "none");
}

static bool has_level(const struct rt_record *run, const void *place)
{
    return run->experiment.label_corruption_prob == *(const double *)place;
}

/* The run of the group that has this one's seed. */
static const struct rt_record *with_seed(const struct rt_group *group, const struct rt_record *run)
{
    for (int k = 0; k < group->count; k++)
        if (group->runs[k]->experiment.seed.value == run->experiment.seed.value)
            return group->runs[k];
    return NULL;
}

/* One variant of a model in one panel. */
struct points {
    double x[LEVELS_MAX], mean[LEVELS_MAX], half[LEVELS_MAX];
    size_t count;
    int seeds; /* the most at a level */
};

/* The group's values; what has none is left out, with the reason. */
static int take_values(const struct rt_choice *choice, const struct rt_group *group,
                       const struct rt_group *baseline, enum quantity quantity, double *values, int *n,
                       struct rt_error *err)
{
    *n = 0;
    for (int k = 0; k < group->count; k++) {
        const struct rt_record *run = group->runs[k], *base = with_seed(baseline, run);
        char reason[128] = "";
        if (!run->result.threshold.reached)
            snprintf(reason, sizeof reason, "%s at epoch %lld without reaching the threshold", run->state,
                     (long long)run->result.epochs);
        else if (!isfinite(measure(run, quantity)))
            snprintf(reason, sizeof reason, "not measured");
        else if (quantity == RELATIVE_EPOCHS && (!base || !base->result.threshold.reached))
            snprintf(reason, sizeof reason, "no run on true labels with its seed has reached the threshold");
        else
            values[(*n)++] =
                measure(run, quantity) / (quantity == RELATIVE_EPOCHS ? measure(base, quantity) : 1);
        if (*reason)
            RT_TRY(rt_leave_out(&choice->figure->left_out, run->name, reason, err));
    }
    return RT_OK;
}

static int find_points(struct points *points, const struct rt_choice *choice, int variant,
                       enum quantity quantity, struct rt_error *err)
{
    static const double none = 0;
    double levels[LEVELS_MAX], values[RT_GROUP_MAX];
    const int count = rt_choice_levels(choice, "label_corruption_prob", levels, LEVELS_MAX);
    struct rt_group baseline = {0}, group;
    int n;

    *points = (struct points){0};
    if (quantity == RELATIVE_EPOCHS)
        RT_TRY(rt_choice_group(choice, variant, has_level, &none, &baseline, err));
    for (int i = 0; i < count; i++) {
        RT_TRY(rt_choice_group(choice, variant, has_level, &levels[i], &group, err));
        RT_TRY(take_values(choice, &group, &baseline, quantity, values, &n, err));
        if (n == 0)
            continue;
        points->x[points->count] = levels[i];
        rt_mean_band(values, n, &points->mean[points->count], &points->half[points->count]);
        points->count++;
        points->seeds = n > points->seeds ? n : points->seeds;
    }
    return RT_OK;
}

static bool has_runs(const struct rt_records *records, const char *model)
{
    for (size_t i = 0; i < records->count; i++)
        if (fits(&records->runs[i], model))
            return true;
    return false;
}

/* The styles of models: a published one keeps its own; the others get those of published models that are not
 * drawn, then more. */
static void choose_styles(const struct rt_records *records, const char *const *models, int count,
                          bool reference, int styles[RT_MODELS_MAX])
{
    int free_style = 0;

    for (int i = 0; i < count; i++) {
        styles[i] = i;
        if (i < RT_PALETTE_SIZE)
            continue;
        while (free_style < RT_PALETTE_SIZE && (reference || has_runs(records, models[free_style])))
            free_style++;
        styles[i] = free_style++;
    }
}

/* Where to draw it. */
struct place {
    int panel, style;
    enum quantity quantity;
};

static int add_variant(struct rt_figure *figure, const struct rt_choice *choice, int variant,
                       const struct place *place, const char *name, struct rt_error *err)
{
    const struct rt_style style = rt_style_of(place->style);
    const bool log = place->quantity == FLOPS || place->quantity == MINUTES;
    struct points points;
    struct rt_series *series;
    char label[RT_FIGURE_TEXT_MAX];

    RT_TRY(find_points(&points, choice, variant, place->quantity, err));
    if (points.count == 0)
        return RT_OK;
    rt_choice_label(choice, variant, NULL, name, label);
    if (points.seeds > 1) {
        RT_TRY(rt_figure_add(figure, RT_MARK_BAND, style, points.count, label, &series, err));
        series->legend = false;
        series->panel = place->panel;
        for (size_t i = 0; i < points.count; i++) {
            series->x[i] = points.x[i];
            series->low[i] = fmax(points.mean[i] - points.half[i], log ? points.mean[i] / 10 : 0);
            series->high[i] = points.mean[i] + points.half[i];
        }
    }
    RT_TRY(rt_figure_add(figure, RT_MARK_POINTS, style, points.count, label, &series, err));
    series->panel = place->panel;
    series->dash = variant;
    memcpy(series->x, points.x, points.count * sizeof *series->x);
    memcpy(series->y, points.mean, points.count * sizeof *series->y);
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
static int add_published_epochs(struct rt_figure *figure, int model, const char *name, bool relative,
                                struct rt_error *err)
{
    struct rt_series *series;

    RT_TRY(rt_figure_add(figure, RT_MARK_PUBLISHED_POINTS, rt_style_of(model), RT_LEVEL_COUNT, name, &series,
                         err));
    series->legend = false;
    for (int i = 0; i < RT_LEVEL_COUNT; i++) {
        series->x[i] = i / 10.0;
        series->y[i] =
            rt_published_epochs(name, "none", i / 10.0) / (relative ? rt_published_epochs(name, "none", 0) : 1);
    }
    return RT_OK;
}

/* The colour of published points is explained by our own series; if there are none, by a legend entry of their
 * own, that of the first series from number `first` on. */
static void explain_published(struct rt_figure *figure, size_t first, const char *model)
{
    if (first >= figure->series_count)
        return;
    struct rt_series *series = &figure->series[first];
    series->legend = true;
    snprintf(series->label, sizeof series->label, "%.80s, published", model);
}

/* One model's published points, where its runs are of the published config, or there are none. */
static int add_published(struct rt_figure *figure, const struct rt_figure_kind *kind, int model,
                         const char *name, const struct rt_choice *choice, bool drawn,
                         const struct rt_figure_options *options, struct rt_error *err)
{
    const size_t own = figure->series_count;

    if (!options->reference || model >= RT_PALETTE_SIZE ||
        (choice->variant_count && !choice->variants[0].published))
        return RT_OK;
    if (!strcmp(kind->name, "gen_err_growth")) {
        RT_TRY(rt_published_add_levels(figure, rt_style_of(model), 0, options->reference, kind->name,
                                       "test_error", name, err));
    } else {
        const bool relative = !strcmp(kind->name, "relative_slowdown");
        RT_TRY(add_published_epochs(figure, model, name, relative, err));
        if (!relative)
            RT_TRY(rt_published_add_levels(figure, rt_style_of(model), 2, options->reference, kind->name,
                                           "minutes", name, err));
    }
    if (!drawn)
        explain_published(figure, own, name);
    return RT_OK;
}

/* Every model's variants in the panels, and the published points behind them. */
static int add_models(struct rt_figure *figure, const struct rt_figure_kind *kind,
                      const struct rt_records *records, const struct rt_figure_options *options,
                      const enum quantity *quantities, struct rt_error *err)
{
    const char *models[RT_MODELS_MAX];
    const int count = rt_models_of(records, models);
    int styles[RT_MODELS_MAX];
    bool kept = true;

    choose_styles(records, models, count, options->reference, styles);

    for (int i = 0; i < count; i++) {
        const size_t before = figure->series_count;
        struct rt_choice choice;
        int rc = rt_choose(&choice, figure, records, fits, models[i], "model_name label_corruption_prob", err);
        for (int panel = 0; panel < figure->panel_count; panel++)
            for (int v = 0; v < choice.variant_count && !rc; v++)
                rc = add_variant(figure, &choice, v, &(struct place){panel, styles[i], quantities[panel]},
                                 models[i], err);
        if (!rc)
            rc =
                add_published(figure, kind, i, models[i], &choice, figure->series_count > before, options, err);
        kept = kept && (!choice.variant_count || choice.variants[0].published);
        rt_choice_free(&choice);
        RT_TRY(rc);
    }
    if (options->reference && !kept)
        rt_figure_note(figure, "Published points only beside runs of the published config on CIFAR-10.");
    return RT_OK;
}

RT_FIGURE_BUILDER(slowdown)
{
    figure->panel_count = 3;
    figure->legend = RT_LEGEND_BELOW;
    snprintf(figure->title, sizeof figure->title,
             "Convergence slowdown: what it takes to fit the training set");
    label_panel(figure, 0, "Epochs", false);
    label_panel(figure, 1, "Training FLOPs", true);
    label_panel(figure, 2, "Minutes", true);
    rt_figure_note(figure, "Minutes depend on the machine and its other load%s: compare epochs and FLOPs.",
                   options->reference ? " (the published ones too, by up to fourfold)" : "");
    RT_TRY(add_models(figure, kind, records, options, (const enum quantity[]){EPOCHS, FLOPS, MINUTES}, err));
    rt_figure_note_band(figure, "");
    return RT_OK;
}

RT_FIGURE_BUILDER(relative)
{
    snprintf(figure->title, sizeof figure->title, "Convergence slowdown, relative to true labels");
    label_panel(figure, 0, "Epochs to fit, relative to true labels", false);
    rt_figure_note(figure, "Epochs to the interpolation threshold, divided by those of the run on true labels "
                           "with the same seed.");
    RT_TRY(add_models(figure, kind, records, options, (const enum quantity[]){RELATIVE_EPOCHS}, err));
    rt_figure_note_band(figure, "");
    return RT_OK;
}

RT_FIGURE_BUILDER(error_growth)
{
    struct rt_series *chance;

    snprintf(figure->title, sizeof figure->title, "Generalization error growth");
    label_panel(figure, 0, "Test error at the interpolation threshold", false);
    figure->panels[0].y_max = 1;
    RT_TRY(rt_figure_add(figure, RT_MARK_LEVEL, rt_palette[1], 2, "chance (0.9)", &chance, err));
    chance->x[1] = 1;
    chance->y[0] = chance->y[1] = 0.9;
    rt_figure_note(figure, "Training error is about 0 at the threshold, so this is the generalization error.");
    RT_TRY(add_models(figure, kind, records, options, (const enum quantity[]){TEST_ERROR}, err));
    rt_figure_note_band(figure, "");
    return RT_OK;
}
