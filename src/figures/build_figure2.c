/* Figure 2: Inception with and without batch norm, training and test. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figures/figures.h"
#include "figures/published.h"

/* The two networks, without batch norm first, as published. */
static const struct {
    bool bn;
    const char *train, *test;
} networks[] = {
    {false, "train(Inception w/o BN)", "test(Inception w/o BN)"},
    {true, "train(Inception)", "test(Inception)"},
};

/* Figure 2's protocol, on true images and labels. */
static bool fits(const struct rt_record *run, const void *context)
{
    (void)context;
    return !run->experiment.figure1 && !strcmp(run->experiment.model_name, "Inception") &&
           run->experiment.label_corruption_prob == 0 && !strcmp(run->experiment.data_corruption_type, "none");
}

static bool has_network(const struct rt_record *run, const void *place)
{
    return run->experiment.bn == *(const bool *)place;
}

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

/* What is drawn of them. */
struct curves {
    enum rt_column train, test;
    bool best;
};

/* One network's training and test curves, for each variant. */
static int add_network(struct rt_figure *figure, const struct rt_choice *choice, int network,
                       const struct curves *curves, const struct rt_figure_options *options,
                       struct rt_error *err)
{
    for (int v = 0; v < choice->variant_count; v++) {
        struct rt_group group;
        char label[RT_FIGURE_TEXT_MAX];
        struct rt_curve_request request = {.label = label,
                                           .x = options->steps ? RT_COLUMN_STEP : RT_COLUMN_EPOCH,
                                           .y = curves->train,
                                           .mark = RT_MARK_THIN,
                                           .style = rt_palette[network == 0],
                                           .dash = v};
        RT_TRY(rt_choice_group(choice, v, has_network, &networks[network].bn, &group, err));
        rt_choice_label(choice, v, &group, networks[network].train, label);
        RT_TRY(rt_figure_add_curve(figure, &group, &request, options, err));
        rt_choice_label(choice, v, &group, networks[network].test, label);
        request.y = curves->test;
        request.mark = RT_MARK_LINE;
        RT_TRY(rt_figure_add_curve(figure, &group, &request, options, err));
        if (curves->best && group.count > 0)
            RT_TRY(add_best(figure, request.style, label, err));
    }
    return RT_OK;
}

static int add_networks(struct rt_figure *figure, const struct rt_figure_kind *kind,
                        const struct rt_choice *choice, const struct curves *curves,
                        const struct rt_figure_options *options, struct rt_error *err)
{
    for (int i = 0; i < 2; i++) {
        RT_TRY(add_network(figure, choice, i, curves, options, err));
        const char *const labels[] = {networks[i].train, networks[i].test};
        if (choice->variant_count && !choice->variants[0].published)
            continue;
        for (int k = 0; k < 2; k++) {
            const struct rt_published_curve published = {options->reference, kind->name, "series",
                                                         labels[k],          "value",    options->steps};
            RT_TRY(rt_published_add_curve(figure, rt_palette[i == 0], &published, err));
        }
    }
    return RT_OK;
}

static int build(struct rt_figure *figure, const struct rt_figure_kind *kind, const struct rt_records *records,
                 const struct rt_figure_options *options, struct curves curves, struct rt_error *err)
{
    struct rt_choice choice;

    figure->legend = RT_LEGEND_BELOW;
    rt_figure_label_x(figure, options);
    int rc = rt_choose(&choice, figure, records, fits, NULL, "bn", err);
    if (!rc)
        rc = add_networks(figure, kind, &choice, &curves, options, err);
    if (!rc)
        rt_figure_note_smoothing(figure, options);
    rt_choice_free(&choice);
    return rc;
}

RT_FIGURE_BUILDER(batch_norm_accuracy)
{
    snprintf(figure->title, sizeof figure->title, "Inception with and without batch norm: accuracy");
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "Accuracy");
    figure->panels[0].y_max = 1.02;
    snprintf(figure->note, sizeof figure->note, "Shaded: below the best test accuracy so far.");
    return build(figure, kind, records, options, (struct curves){RT_COLUMN_train_acc, RT_COLUMN_test_acc, true},
                 err);
}

RT_FIGURE_BUILDER(batch_norm_loss)
{
    snprintf(figure->title, sizeof figure->title, "Inception with and without batch norm: loss");
    snprintf(figure->panels[0].y_label, sizeof figure->panels[0].y_label, "Loss (cross-entropy)");
    if (options->reference)
        rt_figure_note(figure, "The published plot calls this axis \"Accuracy\".");
    return build(figure, kind, records, options,
                 (struct curves){RT_COLUMN_train_loss, RT_COLUMN_test_loss, false}, err);
}
