#include "figures/curve.h"

#include <stdio.h>
#include <string.h>

#include "figures/smooth.h"

static int add_area(struct rt_figure *figure, const struct rt_band *band,
                    const struct rt_curve_request *request, struct rt_error *err)
{
    struct rt_series *series;

    RT_TRY(rt_figure_add(figure, RT_MARK_BAND, request->style, band->count, request->label, &series, err));
    series->legend = false;
    for (size_t i = 0; i < band->count; i++) {
        series->x[i] = band->x[i];
        series->low[i] = band->low[i];
        series->high[i] = band->high[i];
    }
    return RT_OK;
}

static int add_line(struct rt_figure *figure, const struct rt_band *band, const double *y, enum rt_mark mark,
                    const struct rt_curve_request *request, struct rt_error *err)
{
    struct rt_series *series;

    RT_TRY(rt_figure_add(figure, mark, request->style, band->count, request->label, &series, err));
    series->legend = mark != RT_MARK_RAW;
    for (size_t i = 0; i < band->count; i++) {
        series->x[i] = band->x[i];
        series->y[i] = y[i];
    }
    return RT_OK;
}

int rt_figure_add_curve(struct rt_figure *figure, const struct rt_records *records,
                        const struct rt_curve_request *request, const struct rt_figure_options *options,
                        int *runs, struct rt_error *err)
{
    struct rt_group group;
    struct rt_band band;

    rt_records_group(records, request->experiment, &group);
    *runs = group.count;
    if (group.count == 0)
        return RT_OK;
    RT_TRY(rt_group_band(&band, &group, options->steps ? RT_COLUMN_STEP : RT_COLUMN_EPOCH, request->y,
                         options->window, err));
    int rc = 0;
    if (group.count > 1)
        rc = add_area(figure, &band, request, err);
    else if (request->raw && options->window > 0)
        rc = add_line(figure, &band, band.raw, RT_MARK_RAW, request, err);
    if (!rc)
        rc = add_line(figure, &band, band.smooth, request->mark, request, err);
    rt_band_free(&band);
    return rc;
}

void rt_figure_note_smoothing(struct rt_figure *figure, const struct rt_figure_options *options, int runs)
{
    const size_t used = strlen(figure->note);
    char *end = figure->note + used;
    const size_t room = sizeof figure->note - used;
    const char *space = used ? " " : "";

    if (options->window > 0)
        snprintf(end, room, "%sSmoothed (Savitzky-Golay, order %d, %d points) within the log%s", space,
                 RT_SMOOTH_ORDER, options->window,
                 runs > 1 ? "; mean and 95 % band of seeds, as far as all go." : ".");
    else if (runs > 1)
        snprintf(end, room, "%sMean and 95 %% band of seeds, as far as all go.", space);
}

void rt_figure_label_x(struct rt_figure *figure, const struct rt_figure_options *options)
{
    snprintf(figure->panels[0].x_label, sizeof figure->panels[0].x_label,
             options->steps ? "Training steps (logged points)" : "Epochs");
}
