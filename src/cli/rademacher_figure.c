#include <stdio.h>

#include "cli/rademacher.h"
#include "figures/gnuplot.h"
#include "runs/statistics.h"

/* A class over n: means of the draws and, of several, their 95 % intervals. values(work, n, draw, index) */
static int add_class(struct rt_figure *figure, const struct rt_rademacher *work, int style, const char *label,
                     double (*value)(const struct rt_rademacher *, int n, int draw, int index), int index,
                     struct rt_error *err)
{
    double values[RT_RADEMACHER_DRAWS_MAX], half;
    struct rt_style look = rt_palette[style % RT_PALETTE_SIZE];
    struct rt_series *points, *bars;

    RT_TRY(rt_figure_add(figure, RT_MARK_BARS, look, (size_t)work->n_count, label, &bars, err));
    bars->legend = false;
    for (int n = 0; n < work->n_count; n++) {
        double mean;

        for (int draw = 0; draw < work->draws; draw++)
            values[draw] = value(work, n, draw, index);
        rt_mean_band(values, work->draws, &mean, &half);
        bars->x[n] = (double)work->n[n];
        bars->low[n] = mean - half;
        bars->high[n] = mean + half;
    }
    RT_TRY(rt_figure_add(figure, RT_MARK_POINTS, look, (size_t)work->n_count, label, &points, err));
    bars = points - 1; /* adding may have moved it */
    points->dash = style / RT_PALETTE_SIZE;
    for (int n = 0; n < work->n_count; n++) {
        points->x[n] = bars->x[n];
        points->y[n] = (bars->low[n] + bars->high[n]) / 2;
    }
    return RT_OK;
}

static double of_network(const struct rt_rademacher *work, int n, int draw, int model)
{
    for (int i = 0; i < work->run_count; i++)
        if (work->runs[i].n == n && work->runs[i].draw == draw && work->runs[i].model == model)
            return work->runs[i].correlation;
    return 0;
}

static double of_linear(const struct rt_rademacher *work, int n, int draw, int features)
{
    return work->linear[n * work->draws + draw].bounded[features];
}

static int fill(struct rt_figure *figure, const struct rt_rademacher *work, struct rt_error *err)
{
    struct rt_panel *panel = &figure->panels[0];
    char label[RT_FIGURE_TEXT_MAX];

    snprintf(figure->title, sizeof figure->title, "Random signs of n images");
    snprintf(panel->x_label, sizeof panel->x_label, "Images n");
    snprintf(panel->y_label, sizeof panel->y_label, "Correlation with the signs");
    panel->x_log = true;
    panel->y_max = 1.05;
    for (int i = 0; i < work->n_count && i < RT_RADEMACHER_LIST_MAX; i++)
        panel->x_ticks[panel->x_tick_count++] = (double)work->n[i];
    for (int model = 0; model < work->model_count; model++)
        RT_TRY(add_class(figure, work, model, work->models[model], of_network, model, err));
    for (int k = 0; k < work->feature_count; k++) {
        snprintf(label, sizeof label, "linear, %ld features", work->features[k]);
        RT_TRY(add_class(figure, work, work->model_count + k, label, of_linear, k, err));
    }
    return RT_OK;
}

int rt_rademacher_draw(const struct rt_rademacher *work, const char *name, const char *folder,
                       struct rt_error *err)
{
    struct rt_figure figure = {.name = name, .panel_count = 1, .legend = RT_LEGEND_RIGHT};
    int rc;

    if (!(rc = fill(&figure, work, err)))
        rc = rt_figure_draw(&figure, folder, err);
    rt_figure_free(&figure);
    return rc;
}
