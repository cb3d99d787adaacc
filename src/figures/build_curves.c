/* Learning curves: the randomization tests, the label corruption levels, and resuming without a seed. */
#include <stdio.h>
#include <string.h>

#include "config/corruptions.h"
#include "config/metrics.h"
#include "figures/figures.h"
#include "figures/published.h"
#include "run/run.h"

enum { TESTS_MAX = 32, LEVELS_MAX = 64 };

/* One of figure 1a's tests, as a place of runs. */
struct test {
    char label[RT_FIGURE_TEXT_MAX];
    const char *corruption;
    double level;
};

static bool is_test(const struct rt_record *run, const void *place)
{
    const struct test *test = place;

    return run->experiment.label_corruption_prob == test->level &&
           !strcmp(run->experiment.data_corruption_type, test->corruption);
}

static const char *title_of(const char *corruption)
{
    static const struct {
        const char *name, *title;
    } rows[] = {
#define CORRUPTION_ROW(name, title, file, help) {#name, title},
        RT_CORRUPTIONS(CORRUPTION_ROW)
#undef CORRUPTION_ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, corruption))
            return rows[i].title;
    return corruption;
}

/* The five published tests, then what else there is of scrambled pixels: with some labels corrupted, too. */
static int list_tests(struct test tests[TESTS_MAX], const struct rt_choice *choice)
{
    static const struct test published[] = {{"true labels", "none", 0},
                                            {"random labels", "none", 1},
#define PIXEL_TEST(name, title, file, help) {title, #name, 0},
                                            RT_PIXEL_CORRUPTIONS(PIXEL_TEST)
#undef PIXEL_TEST
    };
    int count = sizeof published / sizeof *published, k;

    memcpy(tests, published, sizeof published);
    for (size_t i = 0; i < choice->count; i++) {
        const struct rt_experiment *experiment = &choice->runs[i]->experiment;
        if (!strcmp(experiment->data_corruption_type, "none") || count == TESTS_MAX)
            continue;
        for (k = 0; k < count && !is_test(choice->runs[i], &tests[k]); k++)
            ;
        if (k < count)
            continue;
        tests[k] = (struct test){"", experiment->data_corruption_type, experiment->label_corruption_prob};
        snprintf(tests[k].label, sizeof tests[k].label, "%.60s, labels p=%.4g", title_of(tests[k].corruption),
                 tests[k].level);
        count++;
    }
    return count;
}

/* Published points are of the published config, on CIFAR-10. */
static bool is_published(const struct rt_choice *choice)
{
    return choice->variant_count == 0 || choice->variants[0].published;
}

static void note_published(struct rt_figure *figure, const struct rt_choice *choice,
                           const struct rt_figure_options *options, bool axis)
{
    if (!options->reference)
        return;
    if (!is_published(choice))
        rt_figure_note(figure, "Without the published curves: these runs have another config, or other data.");
    else if (axis && !options->steps)
        rt_figure_note(figure, "The published axis counts log points, 7 or 11 an epoch.");
}

/* All variants of one place of runs, a curve each. */
static int add_variants(struct rt_figure *figure, const struct rt_choice *choice,
                        bool (*is_here)(const struct rt_record *run, const void *place), const void *place,
                        struct rt_curve_request request, const struct rt_figure_options *options,
                        struct rt_error *err)
{
    const char *name = request.label;

    request.x = options->steps ? RT_COLUMN_STEP : RT_COLUMN_EPOCH;
    for (int v = 0; v < choice->variant_count; v++) {
        struct rt_group group;
        char label[RT_FIGURE_TEXT_MAX];
        RT_TRY(rt_choice_group(choice, v, is_here, place, &group, err));
        rt_choice_label(choice, v, &group, name, label);
        request.label = label;
        request.dash = v;
        RT_TRY(rt_figure_add_curve(figure, &group, &request, options, err));
    }
    return RT_OK;
}

static int add_tests(struct rt_figure *figure, const struct rt_figure_kind *kind,
                     const struct rt_choice *choice, const struct rt_figure_options *options,
                     struct rt_error *err)
{
    struct test tests[TESTS_MAX];
    const int count = list_tests(tests, choice);

    for (int i = 0; i < count; i++) {
        const struct rt_style style = rt_style_of(i);
        const struct rt_curve_request request = {.label = tests[i].label,
                                                 .y = RT_COLUMN_train_loss,
                                                 .mark = RT_MARK_LINE,
                                                 .style = style,
                                                 .raw = true};
        RT_TRY(add_variants(figure, choice, is_test, &tests[i], request, options, err));
        const struct rt_published_curve published = {options->reference, kind->name, "test",
                                                     tests[i].label,     "loss",     options->steps};
        if (is_published(choice))
            RT_TRY(rt_published_add_curve(figure, style, &published, err));
    }
    return RT_OK;
}

/* Corrupted labels alone are the levels' figure. */
static bool fits_tests(const struct rt_record *run, const void *model)
{
    const double level = run->experiment.label_corruption_prob;

    return rt_fits_figure1(run, model) &&
           (level == 0 || level == 1 || strcmp(run->experiment.data_corruption_type, "none") != 0);
}

RT_FIGURE_BUILDER(curves)
{
    struct rt_choice choice;

    snprintf(figure->title, sizeof figure->title, "%.80s learning curves", kind->model);
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "%s",
             rt_metrics[RT_METRIC_train_loss].label);
    rt_figure_label_x(figure, options);
    int rc = rt_choose(&choice, figure, records, fits_tests, kind->model,
                       "model_name label_corruption_prob data_corruption_type", err);
    if (!rc)
        rc = add_tests(figure, kind, &choice, options, err);
    if (!rc) {
        note_published(figure, &choice, options, true);
        rt_figure_note_smoothing(figure, options);
    }
    rt_choice_free(&choice);
    return rc;
}

/* ---- levels ---- */

static bool fits_levels(const struct rt_record *run, const void *model)
{
    return rt_fits_figure1(run, model) && !strcmp(run->experiment.data_corruption_type, "none");
}

static bool has_level(const struct rt_record *run, const void *place)
{
    return run->experiment.label_corruption_prob == *(const double *)place;
}

static int add_levels(struct rt_figure *figure, const struct rt_figure_kind *kind,
                      const struct rt_choice *choice, const struct rt_figure_options *options,
                      struct rt_error *err)
{
    double levels[LEVELS_MAX];
    const int count = rt_choice_levels(choice, "label_corruption_prob", levels, LEVELS_MAX);

    for (int i = 0; i < count; i++) {
        char label[32];
        struct rt_text value = rt_text_in(label, sizeof label);
        rt_text_append(&value, "p=");
        rt_text_append_real(&value, levels[i]);
        const struct rt_style style = rt_style_of_level(levels[i]);
        const struct rt_curve_request request = {
            .label = label, .y = RT_COLUMN_train_acc, .mark = RT_MARK_LINE, .style = style};
        RT_TRY(add_variants(figure, choice, has_level, &levels[i], request, options, err));
        const struct rt_published_curve published = {options->reference, kind->name,       "label_corruption",
                                                     label + 2,          "train_accuracy", options->steps};
        if (is_published(choice))
            RT_TRY(rt_published_add_curve(figure, style, &published, err));
    }
    return RT_OK;
}

RT_FIGURE_BUILDER(levels)
{
    struct rt_choice choice;

    snprintf(figure->title, sizeof figure->title, "%.80s learning curves per corruption level", kind->model);
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "%s",
             rt_metrics[RT_METRIC_train_acc].label);
    snprintf(figure->legend_title, sizeof figure->legend_title, "labels corrupted");
    figure->panels[0].y_max = 1.02;
    rt_figure_label_x(figure, options);
    int rc =
        rt_choose(&choice, figure, records, fits_levels, kind->model, "model_name label_corruption_prob", err);
    if (!rc)
        rc = add_levels(figure, kind, &choice, options, err);
    if (!rc) {
        note_published(figure, &choice, options, false);
        rt_figure_note_smoothing(figure, options);
    }
    rt_choice_free(&choice);
    return rc;
}

/* ---- resuming without a seed ---- */

static bool is_unseeded(const struct rt_record *run)
{
    return run->has_config && run->experiment.reseed_on_resume;
}

/* `rethink seed-importance`: runs that draw a new seed when they are resumed, and the same experiments, trained
 * past the threshold, that keep theirs. */
static bool fits_seeds(const struct rt_record *run, const void *context)
{
    const struct rt_records *records = context;

    if (is_unseeded(run))
        return true;
    for (size_t i = 0; i < records->count; i++)
        if (is_unseeded(&records->runs[i]) && run->experiment.curve == records->runs[i].experiment.curve &&
            !rt_experiment_difference(&run->experiment, &records->runs[i].experiment,
                                      RT_RUN_MAY_CHANGE " experiment_name seed"))
            return true;
    return false;
}

static int add_resumed(struct rt_figure *figure, const struct rt_record *run, int index,
                       const struct rt_figure_options *options, struct rt_error *err)
{
    const struct rt_group group = {.runs = {run}, .count = 1};
    const struct rt_figure_options as_logged = {options->reference, options->steps, 0};
    char label[RT_FIGURE_TEXT_MAX];

    snprintf(label, sizeof label, "%.60s, p=%.4g, %s", run->experiment.model_name,
             run->experiment.label_corruption_prob, is_unseeded(run) ? "no seed" : "seed");
    const struct rt_curve_request request = {.label = label,
                                             .x = options->steps ? RT_COLUMN_STEP : RT_COLUMN_EPOCH,
                                             .y = RT_COLUMN_train_loss,
                                             .mark = RT_MARK_LINE,
                                             .style = rt_style_of(index),
                                             .dash = index / RT_PALETTE_SIZE};
    rt_figure_show(figure, run);
    return rt_figure_add_curve(figure, &group, &request, &as_logged, err);
}

RT_FIGURE_BUILDER(seeds)
{
    struct rt_choice choice;
    enum { MOST = 4 * RT_PALETTE_SIZE };

    (void)kind;
    snprintf(figure->title, sizeof figure->title, "Resumed twice: with its seed, and without one");
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "%s",
             rt_metrics[RT_METRIC_train_loss].label);
    rt_figure_label_x(figure, options);
    figure->legend = RT_LEGEND_BELOW;
    int rc = rt_choose(&choice, figure, records, fits_seeds, records,
                       "model_name label_corruption_prob reseed_on_resume", err);
    for (size_t i = 0; i < choice.count && !rc; i++)
        rc = i < MOST ? add_resumed(figure, choice.runs[i], (int)i, options, err)
                      : rt_leave_out(&figure->left_out, choice.runs[i]->name, "more than 20 curves", err);
    rt_figure_note(figure, "As logged. Without a seed each resumption draws corruption and order anew: other "
                           "data, and the loss jumps.");
    rt_choice_free(&choice);
    return rc;
}
