#include "figures/curve.h"

#include <math.h>
#include <stdarg.h>
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
    series->dash = mark != RT_MARK_RAW ? request->dash : 0;
    for (size_t i = 0; i < band->count; i++) {
        series->x[i] = band->x[i];
        series->y[i] = y[i];
    }
    return RT_OK;
}

int rt_figure_add_curve(struct rt_figure *figure, const struct rt_group *group,
                        const struct rt_curve_request *request, const struct rt_figure_options *options,
                        struct rt_error *err)
{
    struct rt_band band;

    if (group->count == 0)
        return RT_OK;
    RT_TRY(rt_group_band(&band, group, request->x, request->y, options->window, err));
    int rc = 0;
    if (group->count > 1)
        rc = add_area(figure, &band, request, err);
    else if (request->raw && options->window > 0)
        rc = add_line(figure, &band, band.raw, RT_MARK_RAW, request, err);
    if (!rc)
        rc = add_line(figure, &band, band.smooth, request->mark, request, err);
    rt_band_free(&band);
    return rc;
}

void rt_figure_note(struct rt_figure *figure, const char *format, ...)
{
    const size_t used = strlen(figure->note);
    va_list args;

    va_start(args, format);
    if (used && used + 1 < sizeof figure->note)
        snprintf(figure->note + used, sizeof figure->note - used, " ");
    vsnprintf(figure->note + used + (used > 0), sizeof figure->note - used - (used > 0), format, args);
    va_end(args);
}

void rt_figure_note_band(struct rt_figure *figure, const char *what)
{
    if (figure->seeds_most < 2)
        return;
    if (figure->seeds_least == figure->seeds_most)
        rt_figure_note(figure, "Mean over seeds and its 95 %% interval (Student's t, n = %d)%s.",
                       figure->seeds_most, what);
    else
        rt_figure_note(figure, "Mean over seeds and its 95 %% interval (Student's t, n = %d to %d)%s.",
                       figure->seeds_least, figure->seeds_most, what);
}

void rt_figure_note_smoothing(struct rt_figure *figure, const struct rt_figure_options *options)
{
    if (options->window > 0)
        rt_figure_note(figure, "Smoothed (Savitzky-Golay, order %d, %d points) within the log.",
                       RT_SMOOTH_ORDER, options->window);
    rt_figure_note_band(figure, ", as far as all go");
}

void rt_figure_label_x(struct rt_figure *figure, const struct rt_figure_options *options)
{
    snprintf(figure->panels[0].x_label, sizeof figure->panels[0].x_label,
             options->steps ? "Training steps (logged points)" : "Epochs");
}

struct rt_style rt_style_of(int index)
{
    static const int markers[] = {0, 2, 3, 1}; /* gnuplot's: a saltire, an asterisk, a cross */
    struct rt_style style = rt_palette[index % RT_PALETTE_SIZE];
    const int round = index / RT_PALETTE_SIZE % 4;

    if (round)
        style.point = style.point_outline = markers[round];
    return style;
}

static unsigned channel(const char *color, int index)
{
    unsigned value = 0;

    sscanf(color + 1 + 2 * (size_t)index, "%2x", &value);
    return value;
}

struct rt_style rt_style_of_level(double level)
{
    const double at = fmin(fmax(level, 0), 1) * (RT_LEVEL_COUNT - 1);
    const int low = (int)floor(at + 1e-9), high = low + (low < RT_LEVEL_COUNT - 1);
    const double share = fmax(0, at - low);
    struct rt_style style = rt_level_palette[low];

    if (share < 1e-6)
        return style;
    unsigned mixed[3];
    for (int i = 0; i < 3; i++)
        mixed[i] = (unsigned)lround((1 - share) * channel(rt_level_palette[low].color, i) +
                                    share * channel(rt_level_palette[high].color, i));
    snprintf(style.color, sizeof style.color, "#%02x%02x%02x", mixed[0] & 255, mixed[1] & 255, mixed[2] & 255);
    return style;
}
