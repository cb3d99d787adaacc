/* Learning curves: the five randomization tests, the eleven label corruption levels, and resuming without a
 * seed. */
#include <stdio.h>
#include <string.h>

#include "config/corruptions.h"
#include "config/metrics.h"
#include "figures/figures.h"
#include "figures/published.h"

static const struct {
    const char *label, *suffix; /* of the experiment's name */
} tests[] = {{"true labels", "0.0_none"},
             {"random labels", "1.0_none"},
#define PIXEL_TEST(name, title, file, help) {title, "0.0_" #name},
             RT_PIXEL_CORRUPTIONS(PIXEL_TEST)
#undef PIXEL_TEST
};

RT_FIGURE_BUILDER(curves)
{
    snprintf(figure->title, sizeof figure->title, "%s learning curves", kind->model);
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "%s",
             rt_metrics[RT_METRIC_train_loss].label);
    rt_figure_label_x(figure, options);
    if (!options->steps)
        snprintf(figure->note, sizeof figure->note, "The published axis counts log points, 7 or 11 an epoch.");
    int most = 0;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        const struct rt_style style = rt_palette[i % RT_PALETTE_SIZE];
        char name[RT_FIGURE_TEXT_MAX];
        snprintf(name, sizeof name, "%s_%s", kind->model, tests[i].suffix);
        const struct rt_curve_request request = {name,         tests[i].label, RT_COLUMN_train_loss,
                                                 RT_MARK_LINE, style,          true};
        int runs;
        RT_TRY(rt_figure_add_curve(figure, records, &request, options, &runs, err));
        most = runs > most ? runs : most;
        const struct rt_published_curve published = {options->reference, kind->name, "test",
                                                     tests[i].label,     "loss",     options->steps};
        RT_TRY(rt_published_add_curve(figure, style, &published, err));
    }
    rt_figure_note_smoothing(figure, options, most);
    return 0;
}

RT_FIGURE_BUILDER(levels)
{
    snprintf(figure->title, sizeof figure->title, "%s learning curves per corruption level", kind->model);
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "%s",
             rt_metrics[RT_METRIC_train_acc].label);
    snprintf(figure->legend_title, sizeof figure->legend_title, "labels corrupted");
    figure->panels[0].y_max = 1.02;
    rt_figure_label_x(figure, options);
    snprintf(figure->note, sizeof figure->note, "Ordered colours: published, p=0.0 and p=1.0 look alike.");
    int most = 0;
    for (int i = 0; i < RT_LEVEL_COUNT; i++) {
        char name[RT_FIGURE_TEXT_MAX], label[32], value[16];
        snprintf(value, sizeof value, "%.1f", i / 10.0);
        snprintf(name, sizeof name, "%s_%s_none", kind->model, value);
        snprintf(label, sizeof label, "p=%s", value);
        const struct rt_curve_request request = {
            name, label, RT_COLUMN_train_acc, RT_MARK_LINE, rt_level_palette[i], false};
        int runs;
        RT_TRY(rt_figure_add_curve(figure, records, &request, options, &runs, err));
        most = runs > most ? runs : most;
        const struct rt_published_curve published = {
            options->reference, kind->name, "label_corruption", value, "train_accuracy", options->steps};
        RT_TRY(rt_published_add_curve(figure, rt_level_palette[i], &published, err));
    }
    if (options->window > 0)
        rt_figure_note_smoothing(figure, options, most);
    return 0;
}

/* Runs named seedNAME and nopeNAME (`rethink seed-importance`): resumed twice, with and without their seed. */
RT_FIGURE_BUILDER(seeds)
{
    (void)kind;
    snprintf(figure->title, sizeof figure->title, "Resumed twice: with its seed, and without one");
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "%s",
             rt_metrics[RT_METRIC_train_loss].label);
    rt_figure_label_x(figure, options);
    figure->legend = RT_LEGEND_BELOW;
    const struct rt_figure_options as_logged = {options->reference, options->steps, 0};
    int added = 0;
    for (size_t i = 0; i < records->count && added < RT_PALETTE_SIZE; i++) {
        const char *name = records->runs[i].result.experiment_name;
        const bool seeded = !strncmp(name, "seed", 4);
        if (!seeded && strncmp(name, "nope", 4) != 0)
            continue;
        char label[RT_FIGURE_TEXT_MAX];
        snprintf(label, sizeof label, "%.60s, %s", name + 4, seeded ? "seed" : "no seed");
        const struct rt_curve_request request = {
            name, label, RT_COLUMN_train_loss, RT_MARK_LINE, rt_palette[added++], false};
        int runs;
        RT_TRY(rt_figure_add_curve(figure, records, &request, &as_logged, &runs, err));
    }
    snprintf(figure->note, sizeof figure->note,
             "As logged. Without a seed each resumption draws corruption and order anew: other data, and the "
             "loss jumps.");
    return 0;
}
