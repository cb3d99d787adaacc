#include "figures/figure.h"

#include <stdio.h>

#include "base/memory.h"

const char *rt_mark_name(enum rt_mark mark)
{
    static const char *const names[] = {
#define RT_MARK_NAME(symbol, name) [RT_MARK_##symbol] = name,
        RT_MARKS(RT_MARK_NAME)
#undef RT_MARK_NAME
    };

    return names[mark];
}

void rt_figure_free(struct rt_figure *figure)
{
    for (size_t i = 0; i < figure->series_count; i++) {
        rt_free(&figure->series[i].x);
        rt_free(&figure->series[i].y);
        rt_free(&figure->series[i].low);
        rt_free(&figure->series[i].high);
    }
    rt_free(&figure->series);
    rt_free(&figure->shown);
    rt_left_outs_free(&figure->left_out);
    *figure = (struct rt_figure){0};
}

void rt_figure_show(struct rt_figure *figure, const struct rt_record *run)
{
    if (figure->shown)
        figure->shown[run - figure->records->runs] = true;
}

void rt_figure_count_seeds(struct rt_figure *figure, int count)
{
    if (count > 0 && (!figure->seeds_least || count < figure->seeds_least))
        figure->seeds_least = count;
    if (count > figure->seeds_most)
        figure->seeds_most = count;
}

int rt_figure_add(struct rt_figure *figure, enum rt_mark mark, struct rt_style style, size_t count,
                  const char *label, struct rt_series **series, struct rt_error *err)
{
    const bool area = mark == RT_MARK_BAND || mark == RT_MARK_BEST || mark == RT_MARK_BARS;

    RT_TRY(rt_realloc(&figure->series, figure->series_count + 1, sizeof *figure->series, "figure", err));
    struct rt_series *new = &figure->series[figure->series_count];
    *new = (struct rt_series){.mark = mark, .style = style, .count = count, .legend = true};
    snprintf(new->label, sizeof new->label, "%s", label);
    figure->series_count++; /* from here on rt_figure_free releases it */
    RT_TRY(rt_alloc(&new->x, count, sizeof *new->x, "series", err));
    if (!area)
        RT_TRY(rt_alloc(&new->y, count, sizeof *new->y, "series", err));
    if (area)
        RT_TRY(rt_alloc(&new->low, count, sizeof *new->low, "series", err));
    if (area)
        RT_TRY(rt_alloc(&new->high, count, sizeof *new->high, "series", err));
    *series = new;
    return RT_OK;
}

bool rt_figure_has_data(const struct rt_figure *figure)
{
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct rt_series *series = &figure->series[i];
        if (series->mark != RT_MARK_LEVEL && series->mark != RT_MARK_PUBLISHED &&
            series->mark != RT_MARK_PUBLISHED_POINTS && series->count > 0)
            return true;
    }
    return false;
}
