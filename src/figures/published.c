#include "figures/published.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "figures/table.h"

/* The published axes count logged points. Per figure: points an epoch (11 where nothing else is said), and for
 * loss curves the last one that is data: beyond it the published lines are an artefact of their logging. */
struct published_axis {
    const char *figure, *series;
    int points, last;
};
static const struct published_axis axes[] = {
    {"mlp1_curves", "true labels", 11, 1121},
    {"mlp1_curves", "random labels", 11, 1385},
    {"mlp1_curves", "shuffled pixels", 11, 868},
    {"mlp1_curves", "random pixels", 11, 219},
    {"mlp1_curves", "gaussian", 11, 2199},
    {"mlp3_curves", "true labels", 11, 296},
    {"mlp3_curves", "random labels", 11, 604},
    {"mlp3_curves", "shuffled pixels", 11, 296},
    {"mlp3_curves", "random pixels", 11, 263},
    {"mlp3_curves", "gaussian", 11, 934},
    {"alexnet_curves", "true labels", 11, 648},
    {"alexnet_curves", "random labels", 11, 2749},
    {"alexnet_curves", "shuffled pixels", 11, 2749},
    {"alexnet_curves", "random pixels", 11, 3299},
    {"alexnet_curves", "gaussian", 11, 3299},
    {"inception_curves", "true labels", 11, 186},
    {"inception_curves", "random labels", 11, 692},
    {"inception_curves", "shuffled pixels", 7, 188},
    {"inception_curves", "random pixels", 7, 321},
    {"inception_curves", "gaussian", 7, 202},
    {"wrn_curves", "true labels", 11, 153},
    {"wrn_curves", "random labels", 11, 230},
    {"wrn_curves", "shuffled pixels", 11, 175},
    {"wrn_curves", "random pixels", 11, 230},
    {"wrn_curves", "gaussian", 11, 186},
    {"icp_fig2_acc", NULL, 8, 399},
    {"icp_fig2_loss", NULL, 8, 399},
};

static const struct published_axis *find_axis(const char *figure, const char *series)
{
    static const struct published_axis other = {NULL, NULL, 11, 1 << 30};

    for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++)
        if (!strcmp(axes[i].figure, figure) && (!axes[i].series || !strcmp(axes[i].series, series)))
            return &axes[i];
    return &other;
}

double rt_published_epoch_of(long step, int points)
{
    const int batches = 391, every = points == 11 ? 40 : points == 8 ? 60 : 70;
    const long epoch = step / points, batch = step % points * every;

    return (double)epoch + (double)((batch < batches ? batch : batches - 1) + 1) / batches;
}

/* Opens DIRECTORY/FILE.csv and finds three of its columns. *there is false, without an error, if it is missing.
 */
static int open_table(struct rt_table *table, const char *directory, const char *file,
                      const char *const names[3], size_t columns[3], bool *there, struct rt_error *err)
{
    char path[1024];
    *table = (struct rt_table){0};
    *there = false;
    if (!directory)
        return RT_OK;
    if (snprintf(path, sizeof path, "%s/%s.csv", directory, file) >= (int)sizeof path)
        return rt_fail(err, RT_EIO, "%s: the path is too long", directory);
    if (access(path, F_OK))
        return RT_OK;
    RT_TRY(rt_table_read(table, path, err));
    for (int i = 0; i < 3; i++) {
        const int rc = rt_table_column(table, names[i], &columns[i], err);
        if (rc) {
            rt_table_free(table);
            return rc;
        }
    }
    *there = true;
    return RT_OK;
}

/* Appends the rows whose key is the curve's. Straight parts of the published lines have no points between their
 * ends, so that the last one that is data may have to be interpolated. */
static int take_points(struct rt_series *series, const struct rt_table *table, const size_t columns[3],
                       const struct rt_published_curve *curve, struct rt_error *err)
{
    const struct published_axis *axis = find_axis(curve->figure, curve->value);
    double step = -1, y = 0;

    series->count = 0;
    for (size_t row = 0; row < table->row_count && step < axis->last; row++) {
        const double step_before = step, y_before = y;
        if (strcmp(rt_table_text(table, row, columns[0]), curve->value) != 0)
            continue;
        RT_TRY(rt_table_number(table, row, columns[1], &step, err));
        RT_TRY(rt_table_number(table, row, columns[2], &y, err));
        if (step <= step_before)
            return rt_fail(err, RT_EDATA, "%s: row %zu: step %g follows %g in the same series", table->path,
                           row + 1, step, step_before);
        if (step > axis->last) {
            if (step_before < 0)
                break;
            y = y_before + (y - y_before) * (axis->last - step_before) / (step - step_before);
            step = axis->last;
        }
        series->x[series->count] = curve->steps ? step : rt_published_epoch_of(lround(step), axis->points);
        series->y[series->count++] = y;
    }
    return RT_OK;
}

int rt_published_add_curve(struct rt_figure *figure, struct rt_style style,
                           const struct rt_published_curve *curve, struct rt_error *err)
{
    struct rt_table table;
    size_t columns[3];
    bool there;
    const char *const names[3] = {curve->key, "step", curve->y};

    RT_TRY(open_table(&table, curve->directory, curve->figure, names, columns, &there, err));
    if (!there)
        return RT_OK;
    struct rt_series *series;
    int rc = rt_figure_add(figure, RT_MARK_PUBLISHED, style, table.row_count, curve->value, &series, err);
    if (!rc) {
        series->legend = false;
        rc = take_points(series, &table, columns, curve, err);
    }
    rt_table_free(&table);
    return rc;
}

int rt_published_add_levels(struct rt_figure *figure, struct rt_style style, int panel, const char *directory,
                            const char *file, const char *y, const char *model, struct rt_error *err)
{
    struct rt_table table;
    size_t columns[3];
    bool there;
    const char *const names[3] = {"model", "label_corruption", y};

    RT_TRY(open_table(&table, directory, file, names, columns, &there, err));
    if (!there)
        return RT_OK;
    struct rt_series *series = NULL;
    int rc = rt_figure_add(figure, RT_MARK_PUBLISHED_POINTS, style, table.row_count, model, &series, err);
    size_t count = 0;
    for (size_t row = 0; !rc && row < table.row_count; row++) {
        if (strcmp(rt_table_text(&table, row, columns[0]), model) != 0)
            continue;
        if (!(rc = rt_table_number(&table, row, columns[1], &series->x[count], err)) &&
            !(rc = rt_table_number(&table, row, columns[2], &series->y[count], err)))
            count++;
    }
    if (!rc) {
        series->count = count;
        series->panel = panel;
        series->legend = false;
    }
    rt_table_free(&table);
    return rc;
}

int rt_published_level(const char *directory, const char *file, const char *y, const char *model, double level,
                       double *value, struct rt_error *err)
{
    struct rt_figure points = {0};
    *value = NAN;
    const int rc = rt_published_add_levels(&points, rt_palette[0], 0, directory, file, y, model, err);
    for (size_t i = 0; !rc && points.series_count > 0 && i < points.series[0].count; i++)
        if (fabs(points.series[0].x[i] - level) < 1e-6)
            *value = points.series[0].y[i];
    rt_figure_free(&points);
    return rc;
}
