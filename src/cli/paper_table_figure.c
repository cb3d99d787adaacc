#include <math.h>
#include <stdio.h>

#include "cli/paper_table.h"
#include "figures/gnuplot.h"

/* One marker a row: ours filled, the paper's hollow. */
static int add_points(struct rt_figure *figure, const struct rt_paper_work *work, enum rt_mark mark, int style,
                      const char *label, double (*value)(const struct rt_paper_work *, int row),
                      struct rt_error *err)
{
    struct rt_series *series;
    size_t count = 0;

    RT_TRY(rt_figure_add(figure, mark, rt_palette[style], (size_t)work->table->count, label, &series, err));
    series->unjoined = true;
    for (int i = 0; i < work->table->count; i++) {
        const double y = value(work, i);

        if (isnan(y))
            continue;
        series->x[count] = i;
        series->y[count++] = y;
    }
    series->count = count;
    series->legend = count > 0 && mark != RT_MARK_PUBLISHED_POINTS;
    return RT_OK;
}

static double our_train(const struct rt_paper_work *work, int row)
{
    return work->results[row].train;
}

static double our_test(const struct rt_paper_work *work, int row)
{
    return work->results[row].test;
}

static double paper_train(const struct rt_paper_work *work, int row)
{
    return work->table->rows[row].train;
}

static double paper_test(const struct rt_paper_work *work, int row)
{
    return work->table->rows[row].test;
}

static int fill(struct rt_figure *figure, const struct rt_paper_work *work, struct rt_error *err)
{
    struct rt_panel *panel = &figure->panels[0];

    snprintf(figure->title, sizeof figure->title, "%s", work->words->title);
    snprintf(panel->y_label, sizeof panel->y_label, "Accuracy (%%)");
    panel->y_max = 105;
    for (int i = 0; i < work->table->count && i < RT_PANEL_NAMES_MAX; i++)
        snprintf(panel->x_names[panel->x_name_count++], sizeof panel->x_names[0], "%.60s",
                 work->table->rows[i].name);
    RT_TRY(add_points(figure, work, RT_MARK_PUBLISHED_POINTS, 0, "train, paper", paper_train, err));
    if (work->table->test)
        RT_TRY(add_points(figure, work, RT_MARK_PUBLISHED_POINTS, 1, "test, paper", paper_test, err));
    RT_TRY(add_points(figure, work, RT_MARK_POINTS, 0, "train", our_train, err));
    if (work->table->test)
        RT_TRY(add_points(figure, work, RT_MARK_POINTS, 1, "test", our_test, err));
    return RT_OK;
}

int rt_paper_table_draw(const struct rt_paper_work *work, const char *folder, struct rt_error *err)
{
    char name[64];
    struct rt_figure figure = {
        .name = name, .panel_count = 1, .legend = RT_LEGEND_RIGHT, .published = "the paper"};
    int rc;

    snprintf(name, sizeof name, "%s_accuracy", work->table->name);
    if (!(rc = fill(&figure, work, err)))
        rc = rt_figure_draw(&figure, folder, err);
    rt_figure_free(&figure);
    return rc;
}
